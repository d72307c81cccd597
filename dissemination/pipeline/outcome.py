"""What an error of a channel means for a publication: the class alone decides."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dissemination.errors import ChannelError, InDoubtError, NeedsLoginError, RejectedError, UnavailableError
from dissemination.model import Happening, Part, Publication, Receipt, Repeat, State
from dissemination.pipeline.parts import Parts

#: A network may show a post only some time after it took it: looking earlier and not finding proves nothing.
SETTLING = timedelta(seconds=60)
#: Where looking did not tell, the next look comes after as long as the doubt has lasted, but for this.
_LONGEST_LOOK = timedelta(minutes=15)
_FIRST_WAIT = 60.0
_LONGEST_WAIT = 6 * 3600.0
#: The longest wait that another side may ask for.
LONGEST_WISH = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """The publication as it is now, and the line for the log."""

    publication: Publication
    happening: Happening
    #: The channel must stop until somebody logs in.
    pause: str = ""
    #: The network asked to wait until then, whatever is sent.
    closed_until: datetime | None = None


def back_off(
    now: datetime, key: str, attempts: int, wish: datetime | None = None, *, longest: float = _LONGEST_WAIT
) -> datetime:
    """When to try again: doubling from a minute to `longest` seconds, spread by a tenth, never before `wish`.

    The spread comes from the key, not from chance: the same run gives the same times.
    """
    wait = min(_FIRST_WAIT * 2 ** min(max(attempts - 1, 0), 30), longest)
    share = hashlib.sha256(f"{key} {attempts}".encode()).digest()[0] / 255
    at = now + timedelta(seconds=wait * (0.9 + 0.2 * share))
    # Whoever asks for more than a day means something else, or has another clock (docs/decisions/0018).
    return max(at, min(wish, now + LONGEST_WISH)) if wish else at


def sent(parts: Parts, claimed: Publication, receipt: Receipt, detail: str = "") -> Outcome:
    """It is out."""
    fresh = replace(
        claimed,
        state=State.PUBLISHED,
        remote_id=receipt.id,
        remote_url=receipt.url,
        not_before=None,
        reason=detail,
    )
    return Outcome(publication=fresh, happening=_line(parts, claimed, "sent", detail or receipt.url or receipt.id))


def grown(publication: Publication, receipts: Sequence[Receipt]) -> Publication:
    """With further parts that are out; the first one's proof is that of the whole."""
    out = (*publication.parts, *(Part(receipt.id, receipt.url) for receipt in receipts))
    first = out[0] if out else Part("")
    return replace(publication, parts=out, remote_id=first.id, remote_url=first.url)


def posted(
    parts: Parts, claimed: Publication, receipts: Sequence[Receipt], *, count: int, detail: str = ""
) -> Outcome:
    """Further parts are out: the post is, or the rest may follow.

    Args:
        parts: the house.
        claimed: with the parts that were out before.
        receipts: of those that are out now.
        count: how many parts the post has.
        detail: how we know, where it was not the answer.
    """
    fresh = grown(claimed, receipts)
    happening = part_line(parts, fresh, count, detail)
    if len(fresh.parts) >= count:
        done = replace(fresh, state=State.PUBLISHED, not_before=None, reason=detail)
        return Outcome(publication=done, happening=happening)
    # It is under way: however late it is, it is carried to its end.
    rest = replace(fresh, state=State.SCHEDULED, attempts=0, not_before=None, reason=_so_far(fresh, count))
    return Outcome(publication=rest, happening=happening)


def part_line(parts: Parts, fresh: Publication, count: int, detail: str = "") -> Happening:
    """The log's line for the part that is out now."""
    last = fresh.parts[-1] if fresh.parts else Part("")
    where = f"part {len(fresh.parts)} of {count}" if count > 1 else ""
    return _line(parts, fresh, "sent", ": ".join(filter(None, (where, detail, last.url or last.id))))


def halted(parts: Parts, claimed: Publication, count: int) -> Outcome:
    """Stopped between two parts, by a pause or the end of the process; the attempt does not count."""
    reason = _so_far(claimed, count)
    fresh = replace(claimed, state=State.SCHEDULED, attempts=0, reason=reason)
    return Outcome(publication=fresh, happening=_line(parts, claimed, "deferred", reason))


def _so_far(publication: Publication, count: int) -> str:
    return f"{len(publication.parts)} of {count} parts are out; the rest follows"


def failed(parts: Parts, claimed: Publication, error: ChannelError, where: str = "") -> Outcome:
    """It is not out, or nobody knows.

    Args:
        parts: the house.
        claimed: with the parts that are out.
        error: what the channel raised.
        where: "part 3 of 5"; "" where there is but one.
    """
    said = f"{where}: {error}" if where else str(error)
    decide = next((decide for kind, decide in _TABLE.items() if isinstance(error, kind)), _rejected)
    return decide(parts, claimed, error, said)


def _unavailable(parts: Parts, claimed: Publication, error: ChannelError, said: str) -> Outcome:
    if claimed.attempts >= parts.rules.attempts:
        return _rejected(parts, claimed, error, said)
    wish = error.retry_at if isinstance(error, UnavailableError) else None
    at = back_off(parts.clock.now(), claimed.key, claimed.attempts, wish)
    fresh = replace(claimed, state=State.SCHEDULED, not_before=at, reason=said)
    return Outcome(
        publication=fresh,
        happening=_line(parts, claimed, "deferred", f"{said}; next try {at:%F %T} UTC"),
        closed_until=min(wish, parts.clock.now() + LONGEST_WISH) if wish else None,
    )


def _rejected(parts: Parts, claimed: Publication, error: ChannelError, said: str) -> Outcome:  # noqa: ARG001 - the table's shape
    fresh = replace(claimed, state=State.FAILED, reason=said)
    return Outcome(publication=fresh, happening=_line(parts, claimed, "failed", said))


def _in_doubt(parts: Parts, claimed: Publication, error: ChannelError, said: str) -> Outcome:
    if parts.channels[claimed.channel].limits.repeat is Repeat.SAFE:
        return _unavailable(parts, claimed, error, said)
    # Counted from now: sending may have taken long, and it may have gone out at its very end.
    look_at = parts.clock.now() + SETTLING
    fresh = replace(claimed, state=State.IN_DOUBT, not_before=look_at, reason=said)
    return Outcome(publication=fresh, happening=_line(parts, claimed, "in_doubt", said))


def _needs_login(parts: Parts, claimed: Publication, error: ChannelError, said: str) -> Outcome:
    # The channel pauses; nothing is lost, and the attempt does not count.
    fresh = replace(claimed, state=State.SCHEDULED, attempts=claimed.attempts - 1, reason=said)
    return Outcome(publication=fresh, happening=_line(parts, claimed, "needs_login", said), pause=str(error))


_TABLE: dict[type[ChannelError], Callable[[Parts, Publication, ChannelError, str], Outcome]] = {
    RejectedError: _rejected,
    UnavailableError: _unavailable,
    InDoubtError: _in_doubt,
    NeedsLoginError: _needs_login,
}


def _line(parts: Parts, publication: Publication, kind: str, detail: str) -> Happening:
    return Happening(
        at=parts.clock.now(),
        kind=kind,
        subject=publication.subject,
        channel=publication.channel,
        detail=detail,
    )


def abandoned(parts: Parts, left: Publication, where: str = "") -> Outcome:
    """A process died between the intent and the outcome. Where a repeat is safe it is repeated at once.

    Attempts count all the same: what ends the process every time must not do so for ever.
    """
    error = InDoubtError("the process ended before the answer came")
    if parts.channels[left.channel].limits.repeat is not Repeat.SAFE or left.attempts >= parts.rules.attempts:
        return failed(parts, left, error, where)
    fresh = replace(left, state=State.SCHEDULED, not_before=None, reason="")
    return Outcome(publication=fresh, happening=_line(parts, left, "deferred", f"{error}; it is repeated"))


def not_there(parts: Parts, doubtful: Publication, where: str = "") -> Outcome:
    """The channel looked and it is certainly not there: it may be sent again, after a wait and not for ever."""
    error = UnavailableError(f"{doubtful.channel}: not found there; it is sent again")
    return failed(parts, doubtful, error, where)


def unsure(parts: Parts, doubtful: Publication, error: ChannelError, where: str) -> Publication:
    """Looking did not tell: it stays in doubt, and is looked for again after a while.

    Why it does not tell is news for the officer; that nobody can look now is none.
    """
    now = parts.clock.now()
    lasted = now - (doubtful.claimed_at or now)
    at = now + min(max(lasted, SETTLING), _LONGEST_LOOK)
    wish = error.retry_at if isinstance(error, UnavailableError) else None
    said = ": ".join(filter(None, (where, str(error))))
    reason = said if isinstance(error, InDoubtError | NeedsLoginError) else doubtful.reason
    return replace(doubtful, not_before=max(at, wish) if wish else at, reason=reason)
