"""Forgetting in time: what settings allow to be kept only so long."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from dissemination.model import Happening
from dissemination.pipeline.parts import Parts
from dissemination.pipeline.visiting import CONFIRM
from dissemination.ports import Addresses

#: The log's word for it; its last line says when it was done last.
KIND = "cleaned"
EVERY = timedelta(days=1)
#: People of one step: other changes get their turn in between.
_STEP = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Cleaned:
    """How much was forgotten."""

    people: int = 0
    troubles: int = 0
    log: int = 0
    proofs: int = 0
    copies: int = 0
    signups: int = 0

    def __str__(self) -> str:
        """For the log."""
        said = (f"{_CALLED[f.name]}: {getattr(self, f.name):,}" for f in fields(self) if getattr(self, f.name))
        return ", ".join(said) or "nothing was due"


_CALLED = {
    "people": "people erased",
    "troubles": "reasons cleared",
    "log": "log lines deleted",
    "proofs": "consent lines deleted",
    "copies": "old copies deleted",
    "signups": "sign-up forms deleted",
}


def clean(parts: Parts, addresses: Addresses) -> Cleaned:
    """Apply `privacy.keep` now.

    People who go leave the keyed hash of their address, so that no import brings them back.
    """
    keep, now = parts.privacy.keep, parts.clock.now()

    def ago(days: int) -> datetime:
        return now - timedelta(days=days)

    people = 0
    while found := parts.store.privacy.outdated_people(ago(keep.unconfirmed), ago(keep.departed), _STEP):
        people += parts.store.people.remove_all([addresses.both(address) for address in found], bar=True)
    troubles, log, proofs = parts.store.privacy.clear(
        troubles=ago(keep.troubles), log=ago(keep.log), proofs=ago(keep.proof)
    )
    signups = parts.store.signups.clear(unconfirmed=ago(keep.unconfirmed), confirmed=now - CONFIRM)
    if people or signups:
        parts.store.privacy.scour()
    copies = parts.store.privacy.clear_copies(ago(keep.copies))
    cleaned = Cleaned(people=people, troubles=troubles, log=log, proofs=proofs, copies=copies, signups=signups)
    parts.store.events.add(Happening(at=now, kind=KIND, detail=str(cleaned)))
    return cleaned


class Daily:
    """`clean`, at most once a day, also where several processes ask."""

    def __init__(self, parts: Parts, addresses: Addresses) -> None:
        self._parts = parts
        self._addresses = addresses
        self._last: datetime | None = None

    def __call__(self) -> None:
        """To be called as often as one likes."""
        now = self._parts.clock.now()
        if self._is_recent(self._last, now):
            return
        self._last = self._parts.store.events.last(KIND)
        if not self._is_recent(self._last, now):
            clean(self._parts, self._addresses)
            self._last = now

    def _is_recent(self, moment: datetime | None, now: datetime) -> bool:
        # A clock that was set back must not end the forgetting.
        return moment is not None and moment <= now < moment + EVERY
