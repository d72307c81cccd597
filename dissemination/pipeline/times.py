"""When each item would go out on each channel: the author's time, a slot, a while after the first post."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dissemination.model import NewsItem, Publication, Reshare, State
from dissemination.pipeline.gather import Newsroom
from dissemination.pipeline.parts import Parts
from dissemination.pipeline.proof import MAIL
from dissemination.pipeline.slots import Grid, PostSlots
from dissemination.pipeline.timing import days_later, end_of

#: After one of these the next re-share counts from the time that this one had.
_PASSED = frozenset({State.CANCELLED, State.MISSED, State.FAILED, State.WITHDRAWN})
_NEVER = datetime.max.replace(tzinfo=UTC)
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Time:
    """When a post goes out; None: as soon as it is approved."""

    at: datetime | None
    #: It is a slot that was given to it.
    slotted: bool = False
    #: What is special about it.
    note: str = ""
    #: Why it cannot go out then.
    hold: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Again:
    """One re-share of an item on one network."""

    subject: str
    title: str
    text: str
    time: Time


class Times:
    """One planning's view of times.

    Args:
        parts: the house.
        room: the items.
        latest: (subject, channel) -> the publication as stored.
    """

    def __init__(self, parts: Parts, room: Newsroom, latest: Mapping[tuple[str, str], Publication]) -> None:
        self._parts = parts
        self._room = room
        self._latest = latest
        self._now = parts.clock.now()
        self._slots: dict[str, PostSlots] = {}
        #: Settings' slots -> what is known of them; networks with the same slots share it.
        self._grids: dict[tuple[str, ...], Grid] = {}

    def hold(self, item: NewsItem) -> str:
        """Why the item may not go out now; "" if it may."""
        expired = item.expires_at is not None and item.expires_at <= self._now
        return self._room.hold(item) or ("expires_at: its time is over" if expired else "")

    def when(self, item: NewsItem, channel: str) -> datetime | None:
        """The time the author set, never before the embargo; None: as soon as it is approved."""
        when = self._set_time(item, channel)
        embargo = item.embargo_until
        if embargo is None:
            return when
        if when is None:
            known = self._known(item, channel)
            return embargo if embargo > self._now or (known and known.when == embargo) else None
        return max(when, embargo)

    def of_post(self, item: NewsItem, network: str) -> Time:
        """The author's time, else a slot of the network, else on approval."""
        if self._has_slots(network) and self._set_time(item, network) is None:
            return self._slot(item, item.id, network, max(self._now, item.embargo_until or self._now))
        return self._noted(network, self.when(item, network))

    def _set_time(self, item: NewsItem, channel: str) -> datetime | None:
        override = item.posts.get(channel)
        return (override.at if override else None) or item.publish_at or self._future_date(item, channel)

    def _future_date(self, item: NewsItem, channel: str) -> datetime | None:
        """A date in the future is a publishing time, and stays one when it has passed."""
        if item.date is None:
            return None
        known = self._known(item, channel)
        was = known is not None and known.when == item.date and not known.slotted
        return item.date if item.date > self._now or was else None

    def _known(self, item: NewsItem, channel: str) -> Publication | None:
        """The item's publication as stored; by mail it goes out as a flash of its own."""
        subject = flash_id(item) if channel == MAIL else item.id
        return self._latest.get((subject, channel))

    def _noted(self, network: str, when: datetime | None) -> Time:
        """A time in quiet hours is kept, and it is said what comes of it."""
        timing = self._parts.rules.timing.get(network)
        if timing is None or when is None or (later := timing.shifted(when)) == when:
            return Time(when)
        local = later.astimezone(ZoneInfo(timing.timezone))
        return Time(when, note=f"these are quiet hours of {network}: it goes out on {local:%a %d %b at %H:%M}")

    # ------------------------------------------------------------------------------------------ slots

    def _has_slots(self, network: str) -> bool:
        timing = self._parts.rules.timing.get(network)
        return timing is not None and bool(timing.slots)

    def _slot(self, item: NewsItem, subject: str, network: str, earliest: datetime) -> Time:
        """Its slot. What may not go out as it is takes none from others, and keeps one until it is over."""
        known = self._latest.get((subject, network))
        keeps = known is not None and known.slotted and known.when is not None and known.when > self._now
        if self.hold(item) and not keeps:
            return Time(None)
        slot = self._slots_of(network).of(subject, known, earliest)
        if slot is None:
            return Time(None, hold=f"channels.{network}.posting.slots: none is free; add some")
        over = item.expires_at is not None and item.expires_at <= slot.utc
        hold = "expires_at: its time is over before its slot comes" if over else ""
        return Time(slot.utc, slotted=True, note=slot.note, hold=hold)

    def _slots_of(self, network: str) -> PostSlots:
        if network not in self._slots:
            known = [row for (_, channel), row in self._latest.items() if channel == network]
            set_times = {
                when: item.id
                for item in map(self._room.source, self._room.groups)
                if wants(item, network) and (when := self._set_time(item, network))
            }
            self._slots[network] = PostSlots(self._now, self._grid(network), known, set_times)
        return self._slots[network]

    def _grid(self, network: str) -> Grid:
        timing = self._parts.rules.timing[network]
        return self._grids.setdefault(timing.slots, Grid(self._parts.recurrences, timing, self._now))

    # ------------------------------------------------------------------------------------------ once more

    def reshares(self, item: NewsItem, network: str) -> Iterator[Again]:
        """The item's re-shares, as far as the one before is out or given up."""
        wish, before = item.reshare, self._latest.get((item.id, network))
        if wish is None or before is None or before.state is not State.PUBLISHED:
            return
        last = self._last_reshare(item, wish)
        for number, text in enumerate(wish.texts[: wish.times], start=1):
            base = self._a_while_after(before, wish) if before is not None else None
            if base is None or base >= last:
                return
            subject = f"{item.id}~{number}"
            time = self._time_again(item, subject, network, base)
            if time.at is not None and time.at >= last:
                time = replace(time, hold="reshare: its time comes only after the last day for it")
            title = f"{item.title} (again, {number} of {wish.times})"
            yield Again(subject=subject, title=title, text=text, time=time)
            before = self._latest.get((subject, network))

    def _time_again(self, item: NewsItem, subject: str, network: str, base: datetime) -> Time:
        if self._has_slots(network):
            # A slot may be at the very base: those after an instant are looked for.
            return self._slot(item, subject, network, max(base - _TICK, self._now))
        known = self._latest.get((subject, network))
        # Who asks for it long afterwards is not late: it goes out when it is approved.
        stands = base > self._now or (known is not None and known.when == base)
        return self._noted(network, base if stands else None)

    def _a_while_after(self, before: Publication, wish: Reshare) -> datetime | None:
        since = {State.PUBLISHED: before.published_at, **dict.fromkeys(_PASSED, before.when)}.get(before.state)
        return days_later(since, wish.every, self._parts.project.timezone) if since else None

    def _last_reshare(self, item: NewsItem, wish: Reshare) -> datetime:
        """The instant from which on nothing is posted again."""
        days = (day for day in (wish.until, self._parts.project.end) if day)
        ends = [end_of(day, self._parts.project.timezone) for day in days]
        return min([*ends, item.expires_at or _NEVER])


def flash_id(item: NewsItem) -> str:
    """What an item is called that goes out by mail as an edition of its own."""
    return f"flash-{item.id}"


def wants(item: NewsItem, channel: str) -> bool:
    """Whether it goes out on the channel by itself."""
    return item.channels.get(channel, "off") == "auto"
