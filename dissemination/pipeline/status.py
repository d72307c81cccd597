"""What stands where: for the officer who looks in the morning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from dissemination.model import DeliveryState, Happening, Publication, State, Symptom
from dissemination.pipeline import websub
from dissemination.pipeline.logins import expiring
from dissemination.pipeline.parts import Parts
from dissemination.pipeline.timing import WAITING, Bill, bills

#: What waits for a person.
ASKING = (State.FAILED, State.IN_DOUBT, State.MISSED)
#: How many of those that went out are shown, the newest.
_SHOWN = 60
_UNDER_WAY = (State.SCHEDULED, State.SENDING, State.PAUSED)
_STARTED = (State.SENDING, State.PAUSED, State.PUBLISHED, State.FAILED, State.IN_DOUBT, State.CANCELLED)
_NOBODY: Mapping[DeliveryState, int] = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """One look at everything."""

    #: How many publications stand where.
    counts: Mapping[State, int]
    waiting: Sequence[Publication]
    #: What failed, was missed or is in doubt, as a whole or for some of its people.
    asking: Sequence[Publication]
    #: publication key -> how many recipients stand where (editions that started).
    deliveries: Mapping[str, Mapping[DeliveryState, int]]
    #: channel -> who paused it and why.
    paused: Mapping[str, str]
    sent: Sequence[Publication]
    last: Sequence[Happening]
    #: Channels whose credentials end soon, or have ended.
    expiring: Sequence[Symptom] = ()
    #: What networks bill for posts this month.
    bills: Sequence[Bill] = ()
    #: What the hub of feeds is owed, and what it was not told.
    hub: Sequence[Symptom] = ()


def status(parts: Parts) -> Status:
    """Read it from the store; the news folder is not touched."""
    publications = parts.store.publications
    rows = publications.in_state(*State)
    counts = {state: count for state in State if (count := sum(row.state is state for row in rows))}
    deliveries = {
        row.key: parts.store.deliveries.counts(row.key)
        for row in rows
        if row.kind == "edition" and row.state in _STARTED
    }
    return Status(
        counts=counts,
        waiting=[row for row in rows if row.state in _UNDER_WAY],
        asking=[row for row in rows if row.state in ASKING or _asks(parts, row, deliveries.get(row.key, _NOBODY))],
        deliveries=deliveries,
        paused=parts.store.controls.paused(),
        sent=sorted(
            (row for row in rows if row.state is State.PUBLISHED and row.published_at),
            key=lambda row: (str(row.published_at), row.subject, row.channel),
        )[-_SHOWN:],
        last=parts.store.events.latest(10),
        expiring=[symptom for symptom in expiring(parts) if symptom.level],
        bills=bills(parts, [row for row in rows if row.state in WAITING]),
        hub=[symptom for symptom in websub.standing(parts) if symptom.level],
    )


def _asks(parts: Parts, row: Publication, counts: Mapping[DeliveryState, int]) -> bool:
    """Whether some of an edition's people wait for a decision. Who failed does so as long as it is kept why."""
    if row.state is State.CANCELLED:
        return False
    kept = timedelta(days=parts.privacy.keep.troubles)
    fresh = row.published_at is None or row.published_at > parts.clock.now() - kept
    return bool(counts.get(DeliveryState.IN_DOUBT) or (fresh and counts.get(DeliveryState.FAILED)))
