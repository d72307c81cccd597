"""What an error of a channel means for a publication: the class alone decides."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dissemination.errors import ChannelError, InDoubtError, NeedsLoginError, RejectedError, UnavailableError
from dissemination.model import Happening, Publication, Receipt, Repeat, State
from dissemination.pipeline.parts import Parts

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


def back_off(now: datetime, key: str, attempts: int, wish: datetime | None = None) -> datetime:
    """When to try again: doubling from a minute to six hours, spread by a tenth, never before `wish`.

    The spread comes from the key, not from chance: the same run gives the same times.
    """
    wait = min(_FIRST_WAIT * 2 ** max(attempts - 1, 0), _LONGEST_WAIT)
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


def failed(parts: Parts, claimed: Publication, error: ChannelError) -> Outcome:
    """It is not out, or nobody knows."""
    for kind, decide in _TABLE.items():
        if isinstance(error, kind):
            return decide(parts, claimed, error)
    return _rejected(parts, claimed, error)


def _unavailable(parts: Parts, claimed: Publication, error: ChannelError) -> Outcome:
    if claimed.attempts >= parts.rules.attempts:
        return _rejected(parts, claimed, error)
    wish = error.retry_at if isinstance(error, UnavailableError) else None
    at = back_off(parts.clock.now(), claimed.key, claimed.attempts, wish)
    fresh = replace(claimed, state=State.SCHEDULED, not_before=at, reason=str(error))
    return Outcome(
        publication=fresh,
        happening=_line(parts, claimed, "deferred", f"{error}; next try {at:%F %T} UTC"),
        closed_until=min(wish, parts.clock.now() + LONGEST_WISH) if wish else None,
    )


def _rejected(parts: Parts, claimed: Publication, error: ChannelError) -> Outcome:
    fresh = replace(claimed, state=State.FAILED, reason=str(error))
    return Outcome(publication=fresh, happening=_line(parts, claimed, "failed", str(error)))


def _in_doubt(parts: Parts, claimed: Publication, error: ChannelError) -> Outcome:
    if parts.channels[claimed.channel].limits.repeat is Repeat.SAFE:
        return _unavailable(parts, claimed, error)
    fresh = replace(claimed, state=State.IN_DOUBT, reason=str(error))
    return Outcome(publication=fresh, happening=_line(parts, claimed, "in_doubt", str(error)))


def _needs_login(parts: Parts, claimed: Publication, error: ChannelError) -> Outcome:
    # The channel pauses; nothing is lost, and the attempt does not count.
    fresh = replace(claimed, state=State.SCHEDULED, attempts=claimed.attempts - 1, reason=str(error))
    return Outcome(publication=fresh, happening=_line(parts, claimed, "needs_login", str(error)), pause=str(error))


_TABLE: dict[type[ChannelError], Callable[[Parts, Publication, ChannelError], Outcome]] = {
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


def abandoned(parts: Parts, left: Publication) -> Outcome:
    """A process died between the intent and the outcome. Where a repeat is safe it is repeated at once.

    Attempts count all the same: what ends the process every time must not do so for ever.
    """
    error = InDoubtError("the process ended before the answer came")
    if parts.channels[left.channel].limits.repeat is not Repeat.SAFE or left.attempts >= parts.rules.attempts:
        return _in_doubt(parts, left, error)
    fresh = replace(left, state=State.SCHEDULED, not_before=None, reason="")
    return Outcome(publication=fresh, happening=_line(parts, left, "deferred", f"{error}; it is repeated"))


def not_there(parts: Parts, doubtful: Publication) -> Outcome:
    """The channel looked and it is certainly not there: it may be sent again, after a wait and not for ever."""
    return _unavailable(parts, doubtful, UnavailableError(f"{doubtful.channel}: not found there; it is sent again"))
