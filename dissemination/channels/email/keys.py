"""Where the keys for signing come from: a file, or a secret. They are read when mail goes out, and never kept."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

from dissemination.channels.email.addresses import ascii_domain
from dissemination.channels.email.dkim import Key, Signer, is_selector, load_key
from dissemination.errors import DisseminationError, NeedsLoginError, SettingsError
from dissemination.files import read_below

#: A key of 16,384 bits has 13 KB.
_LIMIT = 64 * 1024
_SECRET = "DKIM_KEY"  # noqa: S105 - the name of the secret, not the secret


class KeySettings(BaseModel):
    """One item of `channels.email.dkim`; a key itself is no setting."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    selector: str = Field(description="Name of the key below _domainkey in DNS.")
    domain: str = Field("", description="Domain that signs; the sender's where left out.")
    key_file: str = Field("", description="File of the key, relative to the project; else the secret DKIM_KEY.")

    @field_validator("selector")
    @classmethod
    def _named(cls, value: str) -> str:
        if not is_selector(value):
            raise ValueError("no selector; take letters, digits, dashes and dots")
        return value

    @field_validator("domain")
    @classmethod
    def _placed(cls, value: str) -> str:
        if value and not ascii_domain(value):
            raise ValueError("no domain; write one like news.example.eu")
        return value


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where one key is."""

    selector: str
    domain: str
    #: None: it is a secret.
    file: Path | None
    secret: Callable[[str], str | None] = field(repr=False, compare=False)

    def load(self) -> Key:
        """Read the key anew.

        Raises:
            SettingsError: it is not there, or cannot be used.
        """
        return load_key(
            self._from_file(self.file) if self.file else self._from_secret(), self.domain, self.selector
        )

    def open_to_others(self) -> bool:
        """Whether more than the file's owner may read it."""
        try:
            return self.file is not None and bool(self.file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
        except OSError:
            return False  # loading says what is wrong

    def _from_file(self, path: Path) -> bytes:
        try:
            # The path is the operator's, who may hand keys over by links, as container platforms do.
            real = path.resolve(strict=True)
            return read_below(real.parent, real.name, limit=_LIMIT)
        except (OSError, DisseminationError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            raise SettingsError(f"dkim: {path}: {why}; `disseminate dkim-key` makes a key") from error

    def _from_secret(self) -> str:
        own = f"{_SECRET}_{re.sub('[^A-Z0-9]', '_', self.selector.upper())}"
        found = self.secret(own) or self.secret(_SECRET)
        if not found:
            raise SettingsError(
                f"dkim: selector {self.selector} has no key; set key_file, or the secret {own} or {_SECRET}"
            )
        return found


class KeyRing:
    """The keys that settings name.

    Args:
        sources: where they are.
    """

    def __init__(self, sources: Sequence[Source] = ()) -> None:
        self.sources = tuple(sources)

    def signer(self) -> Signer | None:
        """Read all keys; None where no signing is set up. Not to be kept for longer than an edition goes out.

        Raises:
            NeedsLoginError: a key is missing or unusable; no mail goes out unsigned that was to be signed.
        """
        try:
            return Signer(tuple(source.load() for source in self.sources)) if self.sources else None
        except SettingsError as error:
            raise NeedsLoginError(f"email: {error}") from error


def key_ring(
    wanted: Sequence[KeySettings], domain: str, root: Path, secret: Callable[[str], str | None]
) -> KeyRing:
    """The ring of these settings; nothing is read yet.

    Args:
        wanted: the section of settings.
        domain: the sender's, for keys that name none.
        root: the project's folder.
        secret: reads a secret.
    """
    return KeyRing(
        [
            Source(
                selector=one.selector,
                domain=ascii_domain(one.domain or domain),
                file=root / one.key_file if one.key_file else None,
                secret=secret,
            )
            for one in wanted
        ]
    )
