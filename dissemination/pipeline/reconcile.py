"""After a crash: what was left half done is looked up where the channel can look, and shown where it cannot."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from dissemination.errors import ChannelError, FencedError, StoreError
from dissemination.model import Publication, State
from dissemination.pipeline import outcome
from dissemination.pipeline.messages import post_message
from dissemination.pipeline.parts import Parts
from dissemination.ports import Finds

#: A network may show a post only some time after it took it: looking earlier and not finding proves nothing.
SETTLING = timedelta(seconds=60)


def reconcile(parts: Parts) -> None:
    """Settle what a dead process left, then everything in doubt that can be looked up."""
    for left in parts.store.publications.abandoned():
        if left.channel in parts.channels:
            _settle(parts, left, outcome.abandoned(parts, left))
    for doubtful in parts.store.publications.in_state(State.IN_DOUBT):
        if doubtful.kind == "item" and doubtful.channel in parts.channels:
            _look(parts, doubtful)


def _look(parts: Parts, doubtful: Publication) -> None:
    channel = parts.channels[doubtful.channel]
    since = doubtful.claimed_at
    if not isinstance(channel, Finds) or since is None or since + SETTLING > parts.clock.now():
        return
    try:
        message = post_message(parts, doubtful)
        receipt = channel.find(message, key=message.key, since=since)
    except (ChannelError, StoreError):
        return  # cannot tell now; the next pass looks again
    if receipt is not None:
        _settle(parts, doubtful, outcome.sent(parts, doubtful, receipt, "found on the channel after a lost answer"))
    else:
        _settle(parts, doubtful, outcome.not_there(parts, doubtful))


def _settle(parts: Parts, old: Publication, result: outcome.Outcome) -> None:
    with suppress(FencedError):
        parts.store.publications.settle(old, result.publication, [result.happening])
