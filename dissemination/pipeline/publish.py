"""One pass: read, plan, deliver, tell."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from dissemination.model import Publication
from dissemination.pipeline.deliver import Tally, deliver
from dissemination.pipeline.notify import notify
from dissemination.pipeline.parts import Parts
from dissemination.pipeline.plan import plan
from dissemination.pipeline.timing import of

#: A running scheduler looks at the news folder this often, and always before something goes out.
REREAD = timedelta(seconds=30)


def publish(parts: Parts, stop: threading.Event) -> Tally:
    """Everything that is due, once. Idempotent: a second pass finds nothing left to do."""
    plan(parts)
    tally = deliver(parts, stop)
    notify(parts)
    return tally


def would_publish(parts: Parts) -> Sequence[Publication]:
    """What `publish` would start now; nothing is written."""
    now = parts.clock.now()
    current = {line.publication.key: line.publication for line in plan(parts, write=False).lines}
    due = [each for each in parts.store.publications.due(now) if current.get(each.key) == each]
    return [each for each in due if of(parts, each).shifted(now) == now]


class Ticks:
    """The work of one tick of the scheduler.

    Args:
        parts: the house.
        stop: set: begin nothing more.
        chores: what is to be done now and then, and knows by itself when that is.
    """

    def __init__(self, parts: Parts, stop: threading.Event, *chores: Callable[[], None]) -> None:
        self._parts = parts
        self._stop = stop
        self._chores = chores
        self._read_at: datetime | None = None
        #: What editions that go on beside the ticks have sent.
        self._beside = Tally()

    def tick(self) -> Tally:
        """Deliver; and before something goes out, or every half minute, hold the plan against the folder."""
        now = self._parts.clock.now()
        stale = self._read_at is None or now - self._read_at >= REREAD or now < self._read_at
        if stale or self._parts.store.publications.due(now):
            plan(self._parts)
            self._read_at = now
        tally = deliver(self._parts, self._stop, self._beside)
        self._beside.move(tally)
        notify(self._parts)
        self._parts.engine.wait(0)  # what went wrong with them shows here
        for chore in self._chores:
            chore()
        return tally

    def end(self, seconds: float) -> bool:
        """Wait for what goes on beside the ticks, so long at most; whether it has ended."""
        return self._parts.engine.wait(seconds)
