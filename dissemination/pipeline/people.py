"""Subscribers: who is added needs consent with its source and date."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dissemination.errors import WrongUseError
from dissemination.model import Happening, Project, Subscriber
from dissemination.pipeline.parts import Parts
from dissemination.ports import Addresses


@dataclass(frozen=True, kw_only=True, slots=True)
class Added:
    """What became of the people of one import."""

    new: int
    known: int
    #: On the suppression list: they are not written to again.
    suppressed: int


def add(parts: Parts, addresses: Addresses, people: Iterable[Subscriber]) -> Added:
    """Add people, all or none.

    Raises:
        WrongUseError: no consent source or date, or an unknown list.
        DisseminationError: an address is none.
    """
    rows = ((p, addresses.normalise(p.email), addresses.hash(p.email)) for p in _consenting(parts.project, people))
    new, known, suppressed = parts.store.people.add(rows)
    _log(parts, "subscribers", f"{new} added, {known} known, {suppressed} suppressed")
    return Added(new=new, known=known, suppressed=suppressed)


def _consenting(project: Project, people: Iterable[Subscriber]) -> Iterator[Subscriber]:
    for person in people:
        if not person.consent_source or person.consent_at is None:
            raise WrongUseError(f"{person.email}: where and when did they consent? Give --source and --date")
        unknown = [name for name in person.lists if name not in project.lists]
        if unknown or not person.lists:
            known = ", ".join(project.lists) or "none"
            said = f"no list {unknown[0]}" if unknown else "no list named"
            raise WrongUseError(f"{person.email}: {said}; newsletter.lists has: {known}")
        yield person


def remove(parts: Parts, addresses: Addresses, address: str) -> bool:
    """Erase a person. The log says that it happened, not who it was."""
    done = parts.store.people.remove(addresses.normalise(address))
    if done:
        _log(parts, "erased", "one subscriber")
    return done


def suppress(parts: Parts, addresses: Addresses, address: str, reason: str) -> bool:
    """Never write to this address again. True if it was on the list."""
    done = parts.store.people.suppress(addresses.normalise(address), addresses.hash(address), reason)
    _log(parts, "suppressed", reason)
    return done


def _log(parts: Parts, kind: str, detail: str) -> None:
    parts.store.events.add(Happening(at=parts.clock.now(), kind=kind, detail=detail))
