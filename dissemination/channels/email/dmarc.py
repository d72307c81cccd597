"""Finds a domain's DMARC record and its organisation by walking up the tree (RFC 9989, 4.10)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from dissemination.channels.email.names import Texts

#: Labels of the longest name that is asked after the first one.
_LABELS = 7
_VERSION = re.compile(r"v\s*=\s*DMARC1\s*(?:;|$)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What the walk from a domain found."""

    domain: str
    #: The domain that owns it: aligned in the relaxed way are domains of one organisation.
    organisation: str
    #: The domain whose record holds for it; "": none does.
    at: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    #: A domain on the way that has several records, none of which then counts.
    doubled: str = ""

    @property
    def policy(self) -> str:
        """What receivers are asked to do with mail that fails."""
        tag = "p" if self.at == self.domain or "sp" not in self.tags else "sp"
        return self.tags.get(tag, "none").lower()

    def strict(self, way: Literal["adkim", "aspf"]) -> bool:
        """Whether only the very same domain is aligned."""
        return self.tags.get(way, "r").lower() == "s"


def walk(domain: str, texts: Texts) -> Found:
    """Walk from a domain to the root.

    Raises:
        SilentError: DNS does not answer.
    """
    seen: dict[str, Mapping[str, str]] = {}
    doubled = ""
    for name in _upwards(domain):
        records = [text for text in texts(f"_dmarc.{name}") if _VERSION.match(text)]
        doubled = doubled or (name if len(records) > 1 else "")
        if len(records) == 1:
            seen[name] = read_tags(records[0])
            if seen[name].get("psd", "u").lower() in {"y", "n"}:
                break
    organisation = _organisation(domain, seen)
    at = next((name for name in (domain, organisation, *reversed(seen)) if name in seen), "")
    return Found(domain=domain, organisation=organisation, at=at, tags=seen.get(at, {}), doubled=doubled)


def read_tags(record: str) -> dict[str, str]:
    """A record of tags such as `v=DMARC1; p=none` (RFC 6376, 3.2); of a doubled tag, the first counts."""
    found: dict[str, str] = {}
    for tag in record.split(";"):
        name, equals, value = tag.partition("=")
        if equals:
            found.setdefault(name.strip(), value.strip())
    return found


def _upwards(domain: str) -> Iterator[str]:
    labels = domain.split(".")
    yield domain
    labels = labels[-min(_LABELS, len(labels) - 1) :] if len(labels) > 1 else []
    while labels:
        yield ".".join(labels)
        labels = labels[1:]


def _organisation(domain: str, seen: Mapping[str, Mapping[str, str]]) -> str:
    """`seen` goes from the domain upwards; a psd tag ends the walk, so it is the last one's."""
    if not seen:
        return domain
    top = [*seen][-1]
    if seen[top].get("psd", "u").lower() == "y" and top != domain:
        return _below(top, domain)
    return top


def _below(suffix: str, domain: str) -> str:
    """The name one label longer than a suffix, on the way to the domain."""
    return ".".join(domain.split(".")[-suffix.count(".") - 2 :])
