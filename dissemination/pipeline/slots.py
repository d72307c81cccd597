"""Slots: which edition of a digest is the next one and what it is called, and the weekly slots of posts."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dissemination.model import Happening, Occurrence, Publication, State
from dissemination.pipeline.parts import Digest, Parts
from dissemination.pipeline.timing import Timing
from dissemination.ports import Recurrences

#: While an edition is in one of these, its slot is still open.
OPEN = frozenset({State.DRAFT, State.IN_REVIEW, State.APPROVED, State.SCHEDULED})
_WEEK = timedelta(days=8)


@dataclass(frozen=True, kw_only=True, slots=True)
class Slot:
    """One instant of a digest."""

    edition: str
    at: datetime


def open_slot(
    parts: Parts, digest: Digest, latest: Mapping[tuple[str, str], Publication], *, write: bool
) -> Slot | None:
    """The slot that is to be planned now; slots that are over are closed on the way.

    What was slept through without ever having been planned is folded together, not made up for.
    """
    now = parts.clock.now()
    since = parts.store.editions.since(digest.name)
    if since is None:
        since = digest.starts or now
        if write:
            parts.store.editions.begin(digest.name, since)
    # A slot at the very start counts: occurrences are searched for after an instant.
    after = parts.store.editions.last_closed(digest.name) or since - timedelta(microseconds=1)
    while True:
        upcoming = parts.recurrences.next(digest.cron, digest.timezone, after, 2)
        if not upcoming:
            return None
        slot = Slot(edition=name_of(parts, digest, upcoming), at=upcoming[0].utc)
        planned = latest.get((slot.edition, "email"))
        late = slot.at + timedelta(seconds=digest.grace) < now
        if (planned is not None and planned.state in OPEN) or (planned is None and not late):
            return slot
        if write:
            _close(parts, digest, slot, planned)
        after = slot.at


def _close(parts: Parts, digest: Digest, slot: Slot, planned: Publication | None) -> None:
    happening = None
    if planned is None:
        happening = Happening(
            at=parts.clock.now(),
            kind="coalesced",
            subject=slot.edition,
            channel="email",
            detail="its time passed while nothing ran; its items go into the next edition",
        )
    parts.store.editions.close(slot.edition, digest.name, slot.at, "made" if planned else "coalesced", happening)


def skip(parts: Parts, digest: Digest, slot: Slot) -> None:
    """The slot's time has come and there is nothing to say."""
    happening = Happening(
        at=parts.clock.now(), kind="skipped", subject=slot.edition, channel="email", detail="no new items"
    )
    parts.store.editions.close(slot.edition, digest.name, slot.at, "skipped", happening)


def name_of(parts: Parts, digest: Digest, upcoming: Sequence[Occurrence]) -> str:
    """Such as "weekly-2026-W48"; with the day where a week has several slots, with the time where a day has.

    Args:
        parts: the house.
        digest: whose slot it is.
        upcoming: the slot's occurrence, and the one after it where there is one.
    """
    slot = upcoming[0]
    before = parts.recurrences.between(
        digest.cron, digest.timezone, slot.utc - _WEEK, slot.utc - timedelta(microseconds=1)
    )
    neighbours = [o.local for o in (*before[-1:], *upcoming[1:2])]
    local = slot.local
    offset = ""
    if any(n.date() == local.date() for n in neighbours):
        moment = slot.utc.astimezone(ZoneInfo(digest.timezone))
        # Twice the same wall time, in the hour that comes twice: the offset tells them apart.
        offset = moment.strftime("%z") if any(n == local for n in neighbours) else ""
        return f"{digest.name}-{local:%Y-%m-%d-%H%M}{offset}"
    if any(n.isocalendar()[:2] == local.isocalendar()[:2] for n in neighbours):
        return f"{digest.name}-{local:%Y-%m-%d}"
    year, week, _ = local.isocalendar()
    return f"{digest.name}-{year}-W{week:02}"


def slot_name(digest: Digest) -> re.Pattern[str]:
    """What `name_of` may call an edition of this digest, whole: "weekly" has none of those of "weekly-2026"."""
    return re.compile(rf"{re.escape(digest.name)}-\d{{4}}-(W\d\d|\d\d-\d\d(-\d{{4}}([+-]\d{{4}})?)?)")


# ---------------------------------------------------------------------------------------------- posts

#: A post that is in one of these has let go of its slot.
LET_GO = frozenset({State.CANCELLED, State.MISSED, State.WITHDRAWN})
#: Nobody has agreed to it yet, so it may move.
MOVABLE = frozenset({State.DRAFT, State.IN_REVIEW})
#: Slots are looked for so far at a time, and at most so often: about ten years.
_SPAN, _SPANS = timedelta(days=91), 40


class Grid:
    """The instants of weekly slots from now on, found as far as somebody asks. Channels may share one.

    Args:
        recurrences: the wall clock.
        timing: names the slots.
        now: where they begin.
    """

    def __init__(self, recurrences: Recurrences, timing: Timing, now: datetime) -> None:
        self._recurrences, self._timing = recurrences, timing
        self._found: list[Occurrence] = []
        self._end = now

    def after(self, earliest: datetime) -> Iterator[Occurrence]:
        """Every slot after an instant, in order; an end there is only where settings name none for years."""
        place = bisect_right(self._found, earliest, key=lambda slot: slot.utc)
        while True:
            while place < len(self._found):
                if self._found[place].utc > earliest:
                    yield self._found[place]
                place += 1
            if not self._look_on():
                return

    def _look_on(self) -> bool:
        for _ in range(_SPANS):
            start, self._end = self._end, self._end + _SPAN
            more = {
                slot.utc: slot
                for cron in self._timing.slots
                for slot in self._recurrences.between(cron, self._timing.timezone, start, self._end)
            }
            if more:
                self._found += [more[at] for at in sorted(more)]
                return True
        return False


class PostSlots:
    """The weekly slots of one channel in one planning: whose each is, and the next one that is free.

    Args:
        now: the present.
        grid: the slots that settings name.
        known: the channel's publications as stored.
        set_times: times that authors chose for posts of this channel; nobody is given a slot that is among them.
    """

    def __init__(
        self, now: datetime, grid: Grid, known: Sequence[Publication], set_times: Mapping[datetime, str]
    ) -> None:
        self._now = now
        #: Slot -> the item's id. Who has been agreed to comes first, then times that authors chose.
        self._owners: dict[datetime, str] = {}
        for agreed in (True, False):
            for each in sorted(known, key=lambda publication: publication.key):
                if each.when and each.state not in LET_GO and agreed is (each.state not in MOVABLE):
                    self._owners.setdefault(each.when, each.subject)
            for when, subject in set_times.items():
                self._owners.setdefault(when, subject)
        self._grid = grid

    def of(self, subject: str, known: Publication | None, earliest: datetime) -> Occurrence | None:
        """The slot that a post has, or else the next free one after `earliest`, which is then its own.

        What was agreed to keeps its slot whatever happens; what nobody approved in time moves on. None: the
        settings' slots leave none free for years.
        """
        if known is not None and known.slotted and known.when is not None:
            if known.state not in MOVABLE:
                return Occurrence(utc=known.when, local=known.when)
            if known.when > max(self._now, earliest) and self._owners.get(known.when) == subject:
                kept = next(self._grid.after(known.when - timedelta(microseconds=1)), None)
                if kept is not None and kept.utc == known.when:  # settings name it still
                    return kept
        found = next((slot for slot in self._grid.after(earliest) if slot.utc not in self._owners), None)
        if found is not None:
            self._owners[found.utc] = subject
        return found
