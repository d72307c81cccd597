"""What an answer of the channel means for one recipient: the class alone decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from dissemination.errors import (
    ChannelError,
    InDoubtError,
    NeedsLoginError,
    NotBegunError,
    RejectedError,
    SenderRefusedError,
    UnavailableError,
)
from dissemination.model import DeliveryState, Receipt, Recipient, Repeat, Settled
from dissemination.pipeline.outcome import back_off

Answer = Receipt | ChannelError


@dataclass(frozen=True, kw_only=True, slots=True)
class Judge:
    """Turns answers into outcomes of deliveries.

    Args:
        edition: key of the publication: the spread of waits comes from it, not from chance.
        repeat: what may be done when an answer was lost.
        give_up: seconds after which what is still deferred has failed.
    """

    edition: str
    repeat: Repeat
    give_up: float

    def settled(self, who: Recipient, answer: Answer, now: datetime) -> Settled:
        """What becomes of this recipient."""
        if isinstance(answer, Receipt):
            return Settled(who, DeliveryState.SENT)
        return self._decision(answer)(self, who, answer, now)

    def _decision(self, error: ChannelError) -> _Decision:
        return next((decide for kind, decide in _TABLE if isinstance(error, kind)), Judge._failed)

    def _not_begun(self, who: Recipient, _error: ChannelError, _now: datetime) -> Settled:
        return Settled(who, DeliveryState.PENDING)

    def _failed(self, who: Recipient, error: ChannelError, _now: datetime) -> Settled:
        return Settled(who, DeliveryState.FAILED, str(error))

    def _in_doubt(self, who: Recipient, error: ChannelError, now: datetime) -> Settled:
        if self.repeat is Repeat.SAFE:
            return self._deferred(who, error, now)
        return Settled(who, DeliveryState.IN_DOUBT, str(error))

    def _deferred(self, who: Recipient, error: ChannelError, now: datetime) -> Settled:
        """Tried again when its domain's wait is over."""
        if who.since is not None and now >= who.since + timedelta(seconds=self.give_up):
            return Settled(who, DeliveryState.FAILED, f"{error} (tried {who.attempts} times)")
        wish = error.retry_at if isinstance(error, UnavailableError) else None
        # The spread comes from the domain: its mails wait together, and those of others go on.
        at = back_off(now, f"{self.edition} {who.domain}", who.attempts, wish)
        return Settled(who, DeliveryState.DEFERRED, str(error), at)


_Decision = Callable[[Judge, Recipient, ChannelError, datetime], Settled]
#: The first kind that fits.
_TABLE: tuple[tuple[type[ChannelError], _Decision], ...] = (
    (NotBegunError, Judge._not_begun),
    (NeedsLoginError, Judge._not_begun),
    (SenderRefusedError, Judge._not_begun),
    (UnavailableError, Judge._deferred),
    (InDoubtError, Judge._in_doubt),
    (RejectedError, Judge._failed),
)
