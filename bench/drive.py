"""Driving a channel's line as the product does, without a database; and what that costs."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from dissemination.errors import ChannelError, NotBegunError
from dissemination.model import Message, Receipt
from dissemination.ports import Line

#: How long one wait for outcomes may take, and the good-bye, in seconds.
WAIT = 1.0
PATIENCE = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What became of the messages; `reasons` has the first few that were not taken."""

    sent: int
    failed: int
    reasons: Sequence[str]


def drive(line: Line, messages: Iterable[Message]) -> Result:
    """Send them all: the line is kept full, and nothing is held but what is in flight."""
    tally = _Tally()
    source = iter(messages)
    flying: dict[str, Message] = {}
    again: list[Message] = []
    while True:
        batch = _next(source, again, line.room())
        if batch:
            flying.update((message.key, message) for message in batch)
            line.give(batch)
        elif not flying:
            return tally.result()
        for key, outcome in line.outcomes(0.0 if batch and line.room() else WAIT):
            message = flying.pop(key)
            if isinstance(outcome, NotBegunError):
                again.append(message)
            tally.count(outcome)


def _next(source: Iterator[Message], again: list[Message], room: int) -> list[Message]:
    """At most `room` messages: those that were not begun first."""
    batch = again[:room]
    del again[:room]
    return batch + list(islice(source, room - len(batch)))


class _Tally:
    def __init__(self) -> None:
        self._sent = self._failed = self._not_begun = 0
        self._reasons: list[str] = []

    def count(self, outcome: Receipt | ChannelError) -> None:
        if isinstance(outcome, Receipt):
            self._sent += 1
            return
        if isinstance(outcome, NotBegunError):
            self._not_begun += 1
            if self._not_begun > 1000:
                raise SystemExit(f"bench: the way out stays closed: {outcome}")
        else:
            self._failed += 1
        if len(self._reasons) < 3:
            self._reasons.append(str(outcome))

    def result(self) -> Result:
        return Result(sent=self._sent, failed=self._failed, reasons=tuple(self._reasons))


class Meter:
    """Seconds by the clock and of processors since it was made, of this process and of its helpers."""

    def __init__(self) -> None:
        self._began, self._cpu, self._helped = time.perf_counter(), time.process_time(), _helpers_cpu()

    def read(self) -> dict[str, float]:
        """Seconds (`cpu` without helpers), and the most bytes that one process held until now."""
        return {
            "seconds": time.perf_counter() - self._began,
            "cpu": time.process_time() - self._cpu,
            "helpers_cpu": _helpers_cpu() - self._helped,
            "peak": _peak("self"),
            "helpers_peak": max(map(_peak, _helpers()), default=0),
        }


def _helpers() -> list[str]:
    """Numbers of the processes below this one."""
    found, parents = [], [str(os.getpid())]
    while parents:
        parent = parents.pop()
        for task in Path(f"/proc/{parent}/task").glob("*"):
            with suppress(OSError):
                children = (task / "children").read_text().split()
                found += children
                parents += children
    return found


def _helpers_cpu() -> float:
    """Seconds of helpers, of those that have ended as well."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime + sum(map(_cpu, _helpers()))


def _cpu(process: str) -> float:
    """All threads' time on a processor, from the scheduler's own nanoseconds."""
    total = 0
    for task in Path(f"/proc/{process}/task").glob("*/schedstat"):
        with suppress(OSError):
            total += int(task.read_text().split()[0])
    return total / 1e9


def _peak(process: str) -> int:
    """Bytes; from the status file, since ru_maxrss begins with what the parent held when it started us."""
    with suppress(OSError):
        for row in Path(f"/proc/{process}/status").read_text().splitlines():
            if row.startswith("VmHWM:"):
                return int(row.split()[1]) * 1024
    return 0
