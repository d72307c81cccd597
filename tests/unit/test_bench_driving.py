"""The benchmark's own loop loses no message, repeats none, and holds no more than is in flight."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from dissemination.errors import NotBegunError, RejectedError
from dissemination.model import Message, Receipt
from dissemination.testing import sample_mail

SCRIPT = Path(__file__).parents[2] / "bench" / "drive.py"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads processes from /proc")


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("bench_drive", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


class Line:
    """Takes a few at a time and decides them two by two; whoever is in `closed` is not begun the first time."""

    def __init__(self, size: int, closed: Sequence[str] = (), refused: Sequence[str] = ()) -> None:
        self.size = size
        self.closed, self.refused = set(closed), set(refused)
        self.flying: list[str] = []
        self.given: list[str] = []

    def room(self) -> int:
        return self.size - len(self.flying)

    def give(self, batch: Sequence[Message]) -> None:
        assert 0 < len(batch) <= self.room()
        self.flying += [message.key for message in batch]
        self.given += [message.key for message in batch]

    def outcomes(self, wait: float) -> list[tuple[str, object]]:
        assert self.flying, "waited for nothing"
        done, self.flying = self.flying[:2], self.flying[2:]
        return [(key, self._decide(key)) for key in done]

    def _decide(self, key: str) -> object:
        if key in self.closed:
            self.closed.remove(key)
            return NotBegunError("email: closed for now")
        return RejectedError(f"email: {key} refused") if key in self.refused else Receipt()


def messages(count: int) -> Iterator[Message]:
    return (Message(key=str(number), body=sample_mail()) for number in range(count))


@pytest.mark.parametrize("size", [1, 3, 10, 1000])
@pytest.mark.parametrize("count", [0, 1, 10, 57])
def test_each_message_is_given_once(bench, size, count):
    line = Line(size)
    result = bench.drive(line, messages(count))
    assert (result.sent, result.failed) == (count, 0)
    assert line.given == [str(number) for number in range(count)]


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_what_was_not_begun_is_given_again_and_what_was_refused_is_not(bench, size):
    line = Line(size, closed=["0", "5", "9"], refused=["2"])
    result = bench.drive(line, messages(10))
    assert (result.sent, result.failed) == (9, 1)
    assert sorted(line.given) == sorted([*map(str, range(10)), "0", "5", "9"])
    assert "email: 2 refused" in result.reasons


def test_a_way_out_that_stays_closed_ends_the_run(bench):
    class Closed(Line):
        def _decide(self, key: str) -> object:
            return NotBegunError("email: nobody listens")

    with pytest.raises(SystemExit, match="nobody listens"):
        bench.drive(Closed(10), messages(5))


def test_the_generator_is_read_no_further_than_there_is_room(bench):
    read = []

    class Watched(Line):
        def give(self, batch: Sequence[Message]) -> None:
            super().give(batch)
            assert len(read) == len(self.given)

    bench.drive(Watched(4), (read.append(m.key) or m for m in messages(50)))
    assert len(read) == 50


def test_the_meter_counts_work_of_this_process_and_of_helpers(bench):
    meter = bench.Meter()
    assert sum(range(300_000)) > 0
    subprocess.run([sys.executable, "-c", "sum(range(300_000))"], check=True)
    facts = meter.read()
    assert facts["seconds"] > 0
    assert facts["cpu"] > 0
    assert facts["helpers_cpu"] > 0
    assert facts["peak"] > 1_000_000
    assert facts["helpers_peak"] >= 0  # other tests of this process may have left one running


def test_helpers_are_measured_while_they_live(bench):
    meter = bench.Meter()
    busy = "sum(range(300_000)); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", busy], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as helper:
        helper.stdout.readline()
        alive = meter.read()
        helper.communicate("\n", timeout=60)
    assert alive["helpers_cpu"] > 0
    assert alive["helpers_peak"] > 1_000_000
    after = meter.read()
    assert after["helpers_cpu"] >= alive["helpers_cpu"] * 0.9
