"""The embedded default: threads of this process carry out what was woken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait


class LocalEngine:
    """Runs jobs in threads (`ports.Engine`). It is no queue: what is still to be done is written in the store.

    Args:
        workers: how many jobs run at the same time, at least 1.
    """

    def __init__(self, workers: int) -> None:
        if workers < 1:
            raise ValueError(f"an engine needs at least one worker, not {workers}")
        self._workers = workers

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
        _raise_first(futures)


def _raise_first(futures: Sequence[Future[None]]) -> None:
    errors = [error for error in (future.exception() for future in futures) if error is not None]
    if not errors:
        return
    first, *others = errors
    for other in others:
        first.add_note(f"another job failed as well: {other!r}")
    raise first
