"""One file read: everything that follows from its bytes alone, so that it can be kept until they change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from dissemination.errors import FileRefusedError
from dissemination.files import digest_of, read_below
from dissemination.model import Finding, Level
from dissemination.sources import strict_yaml
from dissemination.sources.body import Body, read_body
from dissemination.sources.front_matter import HEADER_LIMIT, Header, decode, read_header
from dissemination.sources.layout import is_sidecar
from dissemination.sources.refusal import RefusedError, refused, shortened

FILE_LIMIT = 512 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Parsed:
    """What a file says, before anything is known of the project."""

    #: SHA-256 of the bytes; "" if they could not be read.
    digest: str = ""
    header: Header = field(default_factory=lambda: Header(container="none"))
    markdown: str = ""
    body: Body = field(default_factory=lambda: Body(html="", teaser=""))
    #: Problems; their `path` is still empty.
    findings: tuple[Finding, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether an item can be built from it."""
        return not any(finding.level is Level.ERROR for finding in self.findings)

    def to_plain(self) -> dict[str, Any]:
        """As JSON can carry it."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Parsed:
        """The inverse of `to_plain`; raises KeyError, TypeError or ValueError for anything else."""
        header, body = plain["header"], plain["body"]
        return cls(
            digest=plain["digest"],
            header=Header(**{**header, "warnings": _findings(header["warnings"])}),
            markdown=plain["markdown"],
            body=Body(**{**body, "pictures": tuple((src, alt, line) for src, alt, line in body["pictures"])}),
            findings=_findings(plain["findings"]),
        )


def _findings(plain: list[dict[str, Any]]) -> tuple[Finding, ...]:
    return tuple(Finding(**{**finding, "level": Level(finding["level"])}) for finding in plain)


def parse_file(news: Path, relative: str) -> Parsed:
    """Read one item or one picture's sidecar below `news`. Never raises for what stands in it."""
    digest = ""
    try:
        content = read_below(news, relative, limit=FILE_LIMIT)
        digest = digest_of(content)
        return _parse(content, digest, sidecar=is_sidecar(relative.rpartition("/")[2]))
    except RefusedError as error:
        finding = error.finding
    except FileRefusedError as error:
        finding = refused("file-refused", str(error)).finding
    except OSError as error:
        finding = refused("file-unreadable", f"the file cannot be read ({error.strerror})").finding
    except Exception as error:  # noqa: BLE001 # the border of a stranger's file: whatever a parser does, only it suffers
        what = shortened(f"{type(error).__name__}: {error}")
        finding = refused("file-unreadable", f"the file cannot be understood ({what})", line=1).finding
    return Parsed(digest=digest, findings=(finding,))


def _parse(content: bytes, digest: str, *, sidecar: bool) -> Parsed:
    text = decode(content)
    if sidecar:
        if len(content) > HEADER_LIMIT:
            raise refused("too-large", "the picture's facts are larger than 64 KB", line=1)
        fields, lines, warnings = strict_yaml.load(text)
        header = Header(container="yaml", fields=fields, lines=lines, warnings=warnings)
        return Parsed(digest=digest, header=header, findings=warnings)
    header, markdown, first_line = read_header(text)
    body = read_body(markdown, first_line)
    # Rules that find something in the body count from here; a field of this name has its own line.
    header = replace(header, lines={"body": first_line, **header.lines})
    return Parsed(digest=digest, header=header, markdown=markdown, body=body, findings=header.warnings)
