"""When posts may go out: quiet hours, the gap between two, rates of the account, and the monthly cap.

What is due is only ever moved to later. docs/decisions/0018-when-posts-go-out.md tells why each is where it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from dissemination.model import Carries, DaySpan, Publication, Rate, Refused, State, Terms, dollars
from dissemination.ports import Priced

if TYPE_CHECKING:
    from dissemination.pipeline.parts import Parts

_DAY, _HOUR, _MINUTE = 86_400.0, 3_600.0, 60.0
#: What is still to go out, if somebody agrees to it.
WAITING = frozenset({State.IN_REVIEW, State.APPROVED, State.SCHEDULED})
#: A post that the monthly cap holds is looked at again after so long: the cap may have been raised.
LOOK_AGAIN = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """What settings say about the times of one channel's posts."""

    #: Weekly slots as cron expressions, in wall time of `timezone`.
    slots: tuple[str, ...] = ()
    timezone: str = "UTC"
    quiet: DaySpan | None = None
    #: Seconds from one post to the next, at least.
    gap: float = 0.0
    per_hour: int | None = None
    #: Counted from midnight to midnight, in `timezone`.
    per_day: int | None = None

    def shifted(self, at: datetime) -> datetime:
        """The same instant, or the end of the quiet hours that it lies in."""
        zone = ZoneInfo(self.timezone)
        # Where the clocks go back, the end of the quiet hours may be quiet a second time.
        while self.quiet and self.quiet.holds(at.astimezone(zone).time()):
            at = _next_time(at.astimezone(zone), self.quiet.end).astimezone(UTC)
        return at

    def rates(self, channel: str, now: datetime) -> Mapping[str, Rate]:
        """The buckets that a post takes one from at this instant."""
        made: dict[str, Rate] = {}
        if self.gap:
            made[f"post:{channel}:gap"] = Rate(count=1, seconds=self.gap, burst=1)
        if self.per_hour:
            # At most so many in any hour: a burst after a rest, and the others as the hour goes on.
            burst = max(self.per_hour // 2, 1)
            made[f"post:{channel}:hour"] = Rate(count=self.per_hour - burst + 1, seconds=_HOUR, burst=burst)
        if self.per_day:
            day = now.astimezone(ZoneInfo(self.timezone)).date()
            midnight = _midnight(day + timedelta(days=1), self.timezone)
            made[f"post:{channel}:day:{day}"] = Rate(
                count=self.per_day, seconds=_DAY, burst=self.per_day, until=midnight
            )
        return made


def _next_time(local: datetime, moment: clock_time) -> datetime:
    """The next time that a wall clock shows `moment`; a time that the clocks jump over is shifted forward."""
    day = local.date() if moment > local.time() else local.date() + timedelta(days=1)
    found = datetime.combine(day, moment, local.tzinfo)
    # In the hour that comes twice the first pass of `moment` may be over already.
    return found if found.astimezone(UTC) > local.astimezone(UTC) else found.replace(fold=1)


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, clock_time.min, ZoneInfo(zone)).astimezone(UTC)


def days_later(at: datetime, days: int, zone: str) -> datetime:
    """The same wall time so many days later, whatever the clocks do in between."""
    return (at.astimezone(ZoneInfo(zone)) + timedelta(days=days)).astimezone(UTC)


def end_of(day: date, zone: str) -> datetime:
    """The instant at which a day is over."""
    return _midnight(day + timedelta(days=1), zone)


# ---------------------------------------------------------------------------------------------- money


def month_of(now: datetime) -> tuple[datetime, datetime]:
    """First instants of this calendar month and of the next, in UTC, as networks bill."""
    start = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return start, (start + timedelta(days=32)).replace(day=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bill:
    """What the posts of one channel cost this month."""

    channel: str
    #: The month's first instant.
    month: datetime
    #: In millionths of a US dollar: out, under way or in doubt.
    spent: int
    #: Planned to go out before the month is over, approved or not.
    planned: int
    cap: int | None


def bills(parts: Parts, planned: Sequence[Publication] = ()) -> Sequence[Bill]:
    """For each channel that bills for posts.

    Args:
        parts: the house.
        planned: what is still to go out; those without a time are taken as of this month.
    """
    start, end = month_of(parts.clock.now())
    return [
        Bill(
            channel=name,
            month=start,
            spent=parts.store.publications.spent(name, start),
            planned=sum(p.price for p in planned if p.channel == name and ((p.due_at or p.when) or start) < end),
            cap=channel.monthly_cap,
        )
        for name, channel in parts.channels.items()
        if isinstance(channel, Priced)
    ]


# ---------------------------------------------------------------------------------------------- sending


def of(parts: Parts, publication: Publication) -> Timing:
    """The timing of a publication's channel; only posts have any."""
    if publication.kind != "item" or publication.channel not in parts.channels:
        return _FREE
    if parts.channels[publication.channel].limits.carries is not Carries.POST:
        return _FREE
    return parts.rules.timing.get(publication.channel, _FREE)


_FREE = Timing()


def awake(parts: Parts, due: Sequence[Publication]) -> list[Publication]:
    """Those that no quiet hours hold; the others are moved to the end of theirs, and their grace with them.

    Half a thread is not left standing over night: what is begun goes on.
    """
    now, reason = parts.clock.now(), "waits for the end of quiet hours"
    return [p for p in due if p.parts or not _postponed(parts, p, of(parts, p).shifted(now), reason)]


def _postponed(parts: Parts, publication: Publication, at: datetime, reason: str) -> bool:
    if at <= parts.clock.now():
        return False
    parts.store.publications.sync((), [(publication, replace(publication, due_at=at, reason=reason))])
    return True


def begin(parts: Parts, publication: Publication) -> Publication | None:
    """Claim a post that is due; None: somebody else has it, it is paused, or its rates or the cap hold it."""
    if not awake(parts, [publication]):  # the posts before it took their time
        return None
    now = parts.clock.now()
    terms = _terms(parts, publication, now)
    claimed = parts.store.publications.begin(publication.key, parts.owner, parts.rules.lease, terms)
    if not isinstance(claimed, Refused):
        return claimed
    if claimed.spent is not None:
        _hold_by_cap(parts, publication, claimed.spent, terms.cap or 0)
    else:
        # Microseconds are all that the store keeps: a wait is rounded up, or the next pass comes in vain.
        at = now + timedelta(seconds=claimed.wait) + timedelta(milliseconds=1)
        _postponed(parts, publication, at, f"waits for the rates of {publication.channel}")
    return None


def settled(parts: Parts, claimed: Publication, outcome: Publication) -> None:
    """Where nothing went out, what the claim took from the rates is there again."""
    if outcome.state not in {State.SCHEDULED, State.FAILED} or len(outcome.parts) > len(claimed.parts):
        return
    rates = of(parts, claimed).rates(claimed.channel, claimed.claimed_at or parts.clock.now())
    if rates:
        parts.store.publications.give_back(rates)


def close(parts: Parts, channel: str, until: datetime) -> None:
    """The network asked to wait: nothing of this account is tried before, by no process."""
    parts.store.publications.close(_closed(channel), until)


def _closed(channel: str) -> str:
    return f"post:{channel}:closed"


def _terms(parts: Parts, publication: Publication, now: datetime) -> Terms:
    channel = parts.channels[publication.channel]
    return Terms(
        rates=of(parts, publication).rates(publication.channel, now),
        closed=_closed(publication.channel),
        # A thread that is half out was counted when it was begun.
        cap=channel.monthly_cap if isinstance(channel, Priced) and not publication.parts else None,
        since=month_of(now)[0],
    )


def _hold_by_cap(parts: Parts, publication: Publication, spent: int, cap: int) -> None:
    """It stays scheduled, and is never missed for it: the officer raises the cap, or the next month begins."""
    now = parts.clock.now()
    start, end = month_of(now)
    reason = (
        f"the monthly cap of {dollars(cap)} is reached: {dollars(spent)} are spent in {start:%B} "
        f"and this post costs {dollars(publication.price)}; "
        f"raise channels.{publication.channel}.monthly_cap_usd or wait until {end.day} {end:%B}"
    )
    held = replace(publication, late=True, not_before=min(now + LOOK_AGAIN, end), reason=reason)
    parts.store.publications.sync((), [(publication, held)])
