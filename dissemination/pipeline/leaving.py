"""One-click unsubscribing, many at once: one writer takes whoever waits, and says yes only after the commit.

A transaction costs a flush of the disk, whether one person leaves in it or two hundred.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future

from dissemination.errors import DisseminationError, UnavailableError
from dissemination.pipeline.errands import Errand
from dissemination.pipeline.parts import Parts

#: People of one transaction.
MOST = 256
#: People who may wait; more are told to come again.
_CROWD = 20_000


class Leaving:
    """Who holds a link to unsubscribe, and what the consent log says of it.

    Args:
        parts: the house.
        how: through what, for the consent log.
    """

    def __init__(self, parts: Parts, how: str = "one-click") -> None:
        self._parts = parts
        self._how = how
        self._waiting: deque[tuple[int, Future[None]]] = deque()
        self._lock = threading.Lock()
        self._errand = Errand(self._work, "unsubscribing")

    def ask(self, subscriber: int) -> Future[None]:
        """Done when it is committed; a StoreError or BusyError in it: nothing was kept, ask again.

        A person who left before, or is erased, has left.

        Raises:
            UnavailableError: too many wait already.
        """
        done: Future[None] = Future()
        with self._lock:
            if len(self._waiting) >= _CROWD:
                raise UnavailableError("unsubscribe: too many wait already; try again")
            self._waiting.append((subscriber, done))
        self._errand.wake()
        return done

    def _work(self) -> None:
        while batch := self._batch():
            try:
                self._parts.store.people.unsubscribe_all(sorted({person for person, _ in batch}), self._how)
            except DisseminationError as error:
                for _, done in batch:
                    done.set_exception(error)
            except BaseException as error:
                for _, done in batch:
                    done.set_exception(error)
                raise
            else:
                for _, done in batch:
                    done.set_result(None)

    def _batch(self) -> list[tuple[int, Future[None]]]:
        """Whoever waits and is still waited for."""
        with self._lock:
            taken = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
        # A caller who went away still wants to leave: running or cancelled, it is written down.
        for _, done in taken:
            done.set_running_or_notify_cancel()
        return taken
