"""Many messages through a channel's line, for tests."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from dissemination.errors import ChannelError
from dissemination.model import Message, Receipt
from dissemination.ports import SendsMany


def drive(
    channel: SendsMany, messages: Iterable[Message], *, patience: float = 5.0
) -> dict[str, Receipt | ChannelError]:
    """Give everything to a line of its own as it has room; key -> outcome, in the order of the outcomes.

    Args:
        channel: what sends.
        messages: in order.
        patience: seconds for the last answers.
    """
    line, waiting = channel.line(), deque(messages)
    outcomes: dict[str, Receipt | ChannelError] = {}
    expected = len(waiting)
    try:
        while len(outcomes) < expected:
            if room := min(line.room(), len(waiting)):
                line.give([waiting.popleft() for _ in range(room)])
            outcomes.update(line.outcomes(1.0))
    finally:
        outcomes.update(line.close(patience))
    return outcomes
