"""The tick: at once, again and again, one at a time, whatever it raises."""

import threading
import time

import pytest

from dissemination.scheduling import Ticker

PATIENCE = 10.0
NEVER = 3600.0


class Work:
    """A tick that counts, and can be made to wait or to fail."""

    def __init__(self):
        self.count = 0
        self.changed = threading.Condition()
        self.gate = threading.Event()
        self.gate.set()
        self.error = None
        self.inside = 0
        self.most_inside = 0

    def __call__(self):
        with self.changed:
            self.count += 1
            self.inside += 1
            self.most_inside = max(self.most_inside, self.inside)
            self.changed.notify_all()
        self.gate.wait(PATIENCE)
        with self.changed:
            self.inside -= 1
            self.changed.notify_all()
        if self.error:
            raise self.error

    def wait_for(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: self.count >= count, PATIENCE)

    def wait_idle(self):
        with self.changed:
            assert self.changed.wait_for(lambda: not self.inside, PATIENCE)


@pytest.fixture
def work():
    return Work()


@pytest.fixture
def tickers(work):
    made = []

    def make(seconds, on_error=lambda error: pytest.fail(repr(error))):
        made.append(Ticker(work, seconds, on_error=on_error))
        return made[-1]

    yield make
    work.gate.set()
    for ticker in made:
        ticker.stop(PATIENCE)


def test_the_first_tick_comes_at_once(work, tickers):
    tickers(NEVER).start()

    work.wait_for(1)


def test_ticks_go_on(work, tickers):
    tickers(0.01).start()

    work.wait_for(5)


def test_wake_ticks_now(work, tickers):
    ticker = tickers(NEVER)
    ticker.start()
    work.wait_for(1)
    work.wait_idle()

    ticker.wake()

    work.wait_for(2)


def test_a_wake_during_a_tick_is_not_lost_and_many_are_one(work, tickers):
    work.gate.clear()
    ticker = tickers(NEVER)
    ticker.start()
    work.wait_for(1)

    for _ in range(100):
        ticker.wake()
    work.gate.set()

    work.wait_for(2)
    work.wait_idle()
    assert ticker.stop(PATIENCE)
    assert work.count == 2


def test_never_two_ticks_at_a_time(work, tickers):
    work.gate.clear()
    ticker = tickers(0.01)
    ticker.start()
    work.wait_for(1)
    ticker.wake()
    work.gate.wait(0.1)
    work.gate.set()
    work.wait_for(5)

    assert work.most_inside == 1


def test_an_error_is_handed_on_and_the_ticking_goes_on(work, tickers):
    seen = []
    work.error = RuntimeError("the disk is full")

    tickers(0.01, seen.append).start()

    work.wait_for(3)
    assert seen[:2] == [work.error, work.error]


def test_even_a_failing_report_does_not_end_the_ticking(work, tickers, caplog):
    def report(error):
        raise ValueError("no way to tell")

    work.error = RuntimeError("the disk is full")
    tickers(0.01, report).start()

    work.wait_for(3)
    assert "could not be handed on" in caplog.text


def test_stop_ends_it(work, tickers):
    ticker = tickers(0.01)
    ticker.start()
    work.wait_for(2)

    assert ticker.stop(PATIENCE)

    count = work.count
    ticker.wake()
    assert work.count == count


def test_stop_gives_up_on_a_tick_that_hangs(work, tickers):
    work.gate.clear()
    ticker = tickers(NEVER)
    ticker.start()
    work.wait_for(1)
    began = time.monotonic()

    assert not ticker.stop(0.05)

    assert time.monotonic() - began < PATIENCE / 2
    work.gate.set()
    assert ticker.stop(PATIENCE)


def test_stop_before_start_and_stop_twice(work, tickers):
    ticker = tickers(NEVER)
    assert ticker.stop(PATIENCE)

    other = tickers(NEVER)
    other.start()
    assert other.stop(PATIENCE)
    assert other.stop(PATIENCE)


def test_a_scheduler_that_was_stalled_by_a_clock_set_back_does_not_silence_it(work, tickers):
    ticker = tickers(0.05)
    ticker._scheduler.remove_all_jobs()
    ticker.start()

    work.wait_for(3)
