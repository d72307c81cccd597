"""Whoever is named in settings is told of what failed, was missed or is in doubt: once per event."""

from __future__ import annotations

from datetime import timedelta

from dissemination.errors import ChannelError
from dissemination.model import Happening
from dissemination.pipeline.parts import Parts

#: Nobody could be told; it is tried again after a while, not at every tick.
_UNTOLD = "untold"
_WAIT = timedelta(minutes=15)


def notify(parts: Parts) -> int:
    """Tell; how many events were told.

    An event is taken before it is told: a crash in between costs the message, never doubles it, and the event
    still stands in the log.
    """
    failed_at = parts.store.events.last(_UNTOLD)
    if failed_at is not None and parts.clock.now() - failed_at < _WAIT:
        return 0
    untold = parts.store.events.take_untold()
    if not untold:
        return 0
    try:
        parts.notifier.tell(untold)
    except ChannelError as error:
        parts.store.events.told(untold, worked=False)
        parts.store.events.add(Happening(at=parts.clock.now(), kind=_UNTOLD, detail=str(error)))
        return 0
    parts.store.events.told(untold, worked=True)
    return len(untold)
