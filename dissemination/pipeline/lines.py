"""Channels that send one message at a time, driven like those that send many."""

from __future__ import annotations

from collections.abc import Sequence

from dissemination.errors import ChannelError
from dissemination.model import Message, Receipt
from dissemination.ports import Channel, Line, SendsMany

Outcomes = Sequence[tuple[str, Receipt | ChannelError]]


def open_line(channel: Channel, expected: int = 0) -> Line:
    """The channel's own line, or one made of its `send`."""
    return channel.line(expected) if isinstance(channel, SendsMany) else OneByOne(channel)


class OneByOne:
    """A line with room for one: what is given is sent at once, and its outcome is there (`ports.Line`)."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._outcomes: list[tuple[str, Receipt | ChannelError]] = []

    def room(self) -> int:
        """One at a time: the outcome is written down before the next one is begun."""
        return 0 if self._outcomes else 1

    def give(self, messages: Sequence[Message]) -> None:
        """Send; anything but a ChannelError is a bug of the channel and goes on upwards."""
        for message in messages:
            try:
                outcome: Receipt | ChannelError = self._channel.send(message, key=message.key)
            except ChannelError as error:
                outcome = error
            self._outcomes.append((message.key, outcome))

    def outcomes(self, wait: float) -> Outcomes:  # noqa: ARG002 - the port's shape; nothing is ever under way here
        """What was decided since the last call."""
        decided, self._outcomes = self._outcomes, []
        return decided

    def carry_on(self) -> None:
        """Nothing is ever under way between two calls."""

    def close(self, patience: float) -> Outcomes:
        """The last outcomes; the channel stays open for others."""
        return self.outcomes(patience)
