"""Work beside requests: one thread that comes when there is something to do, and goes when there is not."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Errand:
    """Runs `work` in a thread of its own whenever it is woken; never twice at once.

    The thread is no daemon: a process that ends lets it finish.

    Args:
        work: does all there is to do; what it raises ends this round alone.
        name: of the thread.
    """

    def __init__(self, work: Callable[[], None], name: str) -> None:
        self._work = work
        self._name = name
        self._state = threading.Condition()
        self._running = False
        self._again = False

    def wake(self) -> None:
        """There is something to do: also if the round that runs now has just missed it."""
        with self._state:
            self._again = True
            if self._running:
                return
            self._running = True
        threading.Thread(target=self._run, name=self._name).start()

    def rest(self, seconds: float) -> bool:
        """Wait until all is done; False: it is not, after so many seconds."""
        with self._state:
            return self._state.wait_for(lambda: not self._running, seconds)

    def _run(self) -> None:
        while self._goes_on():
            try:
                self._work()
            except BaseException:
                with self._state:
                    self._running = False
                    self._state.notify_all()
                raise

    def _goes_on(self) -> bool:
        with self._state:
            self._running, self._again = self._again, False
            self._state.notify_all()
            return self._running
