"""The record of processing activities (GDPR, article 30(1)), from settings and from what the program does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from dissemination.model import Finding, Level, Privacy
from dissemination.pipeline.parts import Parts
from dissemination.pipeline.proof import MAIL
from dissemination.ports import Protects


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One heading of the record."""

    #: Of article 30(1): "a" to "g".
    point: str
    title: str
    lines: tuple[str, ...]
    #: The setting to fill where there is nothing to say; "" where nothing is missing.
    missing: str = ""


def record(parts: Parts) -> Sequence[Field]:
    """Every heading in the order of the article."""
    fields = [_field(parts.privacy, *row) for row in _ROWS]
    return [*fields, Field(point="g", title="Security measures", lines=(*_on_the_way(parts), *_MEASURES))]


def missing(parts: Parts) -> Sequence[str]:
    """The settings that the record lacks."""
    return [field.missing for field in record(parts) if field.missing]


def findings(parts: Parts) -> Sequence[Finding]:
    """A warning where there is a newsletter and its record lacks something."""
    lacking = missing(parts) if MAIL in parts.channels else ()
    if not lacking:
        return ()
    message = "the record of processing (GDPR, article 30) is not complete"
    fix = f"fill {', '.join(lacking)}; `disseminate privacy record` shows it"
    return [
        Finding(
            rule="privacy-record",
            level=Level.WARNING,
            path="settings.yaml",
            field="privacy",
            message=message,
            fix=fix,
        )
    ]


def _field(
    privacy: Privacy, point: str, title: str, setting: str, lines: Callable[[Privacy], Sequence[str]]
) -> Field:
    said = tuple(filter(None, lines(privacy)))
    return Field(point=point, title=title, lines=said, missing="" if said or not setting else f"privacy.{setting}")


def _on_the_way(parts: Parts) -> Iterator[str]:
    """What channels tell of their connections."""
    for channel in parts.channels.values():
        if isinstance(channel, Protects):
            yield from dict.fromkeys(channel.protection())


def _limits(privacy: Privacy) -> Sequence[str]:
    return [sentence.format(getattr(privacy.keep, name)) for name, sentence in _KEPT.items()]


#: A field of `Keep` -> what it means.
_KEPT = {
    "unconfirmed": "who never confirmed: {:,} days",
    "departed": "who unsubscribed or is suppressed: {:,} days, then only a keyed hash of the address, "
    "so that nobody writes to it again",
    "proof": "proof of consent of people who were erased, without name and address: {:,} days",
    "troubles": "answers of mail servers about single letters: {:,} days",
    "returns": "mail that came back and that nobody could be found for: {:,} days",
    "log": "log: {:,} days",
    "copies": "copies of the database made before an upgrade or a restoring: {:,} days",
}
_DATA = (
    "mail address, name, language, mailing lists, attributes for segments",
    "consent: source, time, form and the words agreed to",
    "which edition was sent, when, and whether it arrived; never whether it was opened or what was clicked",
    "mail that came back: why, without addresses, and whom it concerns; of other mail its beginning",
)
_MEASURES = (
    "the database is readable by its owner alone; deleted data are overwritten",
    "links in letters are signed and name no address; suppressed addresses are kept as keyed hashes only",
    "nothing goes out without an approval; approvals, imports and erasures stand in a log without addresses",
)

#: Point, title, the setting that fills it, and what it says.
_ROWS: tuple[tuple[str, str, str, Callable[[Privacy], Sequence[str]]], ...] = (
    ("a", "Controller", "controller", lambda p: [p.controller]),
    ("a", "Contact", "contact", lambda p: [p.contact]),
    ("a", "Data protection officer, joint controllers, representative", "", lambda p: [p.officer or "none named"]),
    ("b", "Purposes", "purposes", lambda p: p.purposes),
    ("b", "Legal basis", "legal_basis", lambda p: [p.legal_basis]),
    ("c", "People", "", lambda _: ["people who subscribed to the newsletter"]),
    ("c", "Personal data", "", lambda _: _DATA),
    ("d", "Recipients and processors", "recipients", lambda p: p.recipients),
    ("e", "Transfers to third countries", "transfers", lambda p: [p.transfers]),
    ("f", "Time limits", "", _limits),
)
