"""The embedded default: threads of this process carry out what was woken."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait


class LocalEngine:
    """Runs jobs in threads (`ports.Engine`). It is no queue: what is still to be done is written in the store.

    Args:
        workers: how many jobs run at the same time, at least 1.
    """

    def __init__(self, workers: int) -> None:
        if workers < 1:
            raise ValueError(f"an engine needs at least one worker, not {workers}")
        self._workers = workers
        self._beside: dict[str, _Beside] = {}

    def run(self, jobs: Sequence[Callable[[], None]]) -> None:
        """Carry out all jobs and wait for every one; then raise the first error in the order of the jobs.

        An interruption (Ctrl-C) starts no further job, waits for those under way, and goes on upwards.
        """
        with ThreadPoolExecutor(self._workers, thread_name_prefix="engine") as pool:
            try:
                futures = [pool.submit(job) for job in jobs]
                wait(futures)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        _raise_first(future.exception() for future in futures)

    def beside(self, name: str, job: Callable[[], None]) -> None:
        """Carry a job out in a thread of its own, unless one of this name is under way or has failed unseen."""
        if name not in self._beside:
            self._beside[name] = _Beside(name, job)

    def wait(self, seconds: float) -> bool:
        """Wait for jobs beside, so long at most; whether none is left.

        What they raised is raised here, the first error in the order of the jobs.
        """
        end = time.monotonic() + seconds
        for job in self._beside.values():
            job.join(max(0.0, end - time.monotonic()))
        ended = {name: job for name, job in self._beside.items() if not job.is_alive()}
        for name in ended:
            del self._beside[name]
        _raise_first([job.error for job in ended.values()])
        return not self._beside


class _Beside(threading.Thread):
    """One job, begun. It does not keep the process alive: what it had claimed is free when that has ended."""

    def __init__(self, name: str, job: Callable[[], None]) -> None:
        super().__init__(name=f"beside-{name}", daemon=True)
        self.error: BaseException | None = None
        self._job = job
        self.start()

    def run(self) -> None:
        try:
            self._job()
        except BaseException as error:  # noqa: BLE001 - whatever it is, `wait` raises it
            self.error = error


def _raise_first(raised: Iterable[BaseException | None]) -> None:
    errors = [error for error in raised if error is not None]
    if not errors:
        return
    first, *others = errors
    for other in others:
        first.add_note(f"another job failed as well: {other!r}")
    raise first
