"""People: who gets the newsletter, what they agreed to, and what is kept about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from dissemination.model.states import DeliveryState


class Why(StrEnum):
    """Why an address is never written to again."""

    HARD_BOUNCE = "hard bounce"
    #: Many editions in a row did not arrive.
    SOFT_BOUNCES = "soft bounces"
    COMPLAINT = "complaint"
    OFFICER = "officer"
    #: Erased on request, or after the time that settings name: a new import must not bring the address back.
    ERASED = "erased"


class Step(StrEnum):
    """What a line of the consent log says."""

    GIVEN = "given"
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"
    IMPORTED = "imported"


@dataclass(frozen=True, kw_only=True, slots=True)
class Audience:
    """The definition that an approval binds; the people are frozen to rows when sending starts."""

    lists: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    #: Only people of these languages; (): of all.
    languages: tuple[str, ...] = ()
    #: (attribute, its allowed values): only people who have one of them, for every attribute named.
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def facts(self) -> dict[str, object]:
        """The definition as plain data. What narrows nothing is left out, so that it says what it always said."""
        narrowing: dict[str, object] = {
            "languages": list(self.languages),
            "where": {name: list(values) for name, values in self.where},
        }
        always = {"lists": list(self.lists), "exclude": list(self.exclude)}
        return always | {name: value for name, value in narrowing.items() if value}


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscriber:
    """A person on a list."""

    id: int
    email: str
    name: str = ""
    lang: str = ""
    lists: tuple[str, ...] = ()
    #: "active", "unconfirmed", "unsubscribed" or "suppressed".
    state: str = "active"
    consent_source: str = ""
    consent_at: datetime | None = None
    #: Facts that segments are made of, such as {"region": "RO12"}.
    attributes: Mapping[str, str] = field(default_factory=dict)
    #: They asked for no letters until then; None: they did not.
    paused_until: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Wording:
    """Words that somebody agreed to, kept once by their digest so that they can be shown again."""

    #: SHA-256 (hex) of the text in UTF-8.
    digest: str
    #: Counts the wordings of a language: 1, 2, ...
    version: int
    lang: str
    text: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Consent:
    """A line of the consent log. Lines are added and never changed, until the person is erased."""

    step: Step
    at: datetime
    lists: tuple[str, ...] = ()
    lang: str = ""
    #: Where they agreed, as the file or the officer said it.
    source: str = ""
    #: Which form, link or command it came through.
    form: str = ""
    wording: Wording | None = None
    #: Whether the words kept still have the digest that the line names; None: no words were kept.
    proved: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """What became of one edition for one person."""

    edition: str
    state: DeliveryState
    #: When the edition's sending began.
    at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Suppressed:
    """A keyed hash that stands for an address."""

    reason: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Dossier:
    """Everything that is kept about one person (GDPR, articles 15 and 20)."""

    person: Subscriber
    created_at: datetime
    #: Lists that they left.
    left: tuple[str, ...] = ()
    #: Lists that somebody asked for in their name, which they have not confirmed.
    asked: tuple[str, ...] = ()
    consents: tuple[Consent, ...] = ()
    editions: tuple[Received, ...] = ()
    suppressed: Suppressed | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Added:
    """What became of the people of one import."""

    new: int = 0
    known: int = 0
    #: On the suppression list: they are not written to again.
    suppressed: int = 0
