"""People who come by themselves: what they ask for on the public pages, before and after they are subscribers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dissemination.model.people import Subscriber


class Frequency(StrEnum):
    """How often somebody wants letters; kept as the attribute "frequency", which editions ask for."""

    EACH = "each"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True, kw_only=True, slots=True)
class SignUp:
    """Somebody typed an address into the form. Until it is confirmed, this proves nothing about its owner."""

    #: 0: not kept yet.
    id: int = 0
    #: As typed, and as it is compared; its keyed hash.
    email: str
    address: str
    hash: str
    lang: str
    lists: tuple[str, ...]
    #: The words that they saw (while asking), and their digest (once kept).
    words: str = ""
    wording: str = ""
    #: Which form it was.
    form: str
    at: datetime
    confirmed_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Parcel:
    """A confirmation mail that is to go out, claimed."""

    signup: int
    email: str
    lang: str
    #: Counts the mails of a sign-up: names this one and no other.
    number: int
    attempt: int
    #: Proves the claim.
    lease: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """What a subscriber wants from now on."""

    lists: tuple[str, ...]
    lang: str
    #: "": it is not asked.
    frequency: str = ""
    paused_until: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Preferences:
    """What the page of preferences shows."""

    person: Subscriber
    #: The address so that its owner knows it again and nobody else learns it: "a…@e….org".
    masked: str
    #: The frequencies that editions ask for; (): the question would have no effect and is not put.
    frequencies: tuple[str, ...]
    #: What is said beside the lists, in the language of the page: who takes one more agrees to this.
    said: Notice


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """What must be said beside the form (GDPR, article 13), and the words that are agreed to."""

    lang: str
    #: The sentences, one a paragraph; together they are the wording that is kept.
    paragraphs: tuple[str, ...]
    digest: str

    @property
    def text(self) -> str:
        """As it is kept."""
        return "\n\n".join(self.paragraphs)


def masked(email: str) -> str:
    """An address for showing: first letters and the top-level domain."""
    local, _, domain = email.rpartition("@")
    host, _, top = domain.rpartition(".")
    return f"{local[:1]}…@{host[:1]}….{top}" if host else f"{local[:1]}…@{domain[:1]}…"
