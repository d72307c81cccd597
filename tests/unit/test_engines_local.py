"""Threads that carry out what was woken, and tell of the first thing that went wrong."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from dissemination.engines import LocalEngine
from dissemination.ports import Engine

PATIENCE = 10.0


def failing(error):
    def job():
        raise error

    return job


def test_every_job_is_called_once():
    done = []
    engine: Engine = LocalEngine(workers=3)

    engine.run([lambda n=n: done.append(n) for n in range(50)])

    assert sorted(done) == list(range(50))


def test_no_jobs_is_no_work():
    LocalEngine(workers=1).run([])


def test_jobs_run_at_the_same_time_as_far_as_there_are_workers():
    meeting = threading.Barrier(3, timeout=PATIENCE)

    LocalEngine(workers=3).run([meeting.wait] * 3)

    assert not meeting.broken


def test_one_worker_keeps_the_order():
    done = []

    LocalEngine(workers=1).run([lambda n=n: done.append(n) for n in range(20)])

    assert done == list(range(20))


def test_an_error_waits_for_the_others_and_is_raised_at_the_end():
    done = []
    jobs = [failing(OSError("disk")), *(lambda n=n: done.append(n) for n in range(9))]

    with pytest.raises(OSError, match="disk"):
        LocalEngine(workers=2).run(jobs)

    assert sorted(done) == list(range(9))


def test_of_several_errors_the_first_is_raised_and_names_the_others():
    with pytest.raises(OSError, match="disk") as caught:
        LocalEngine(workers=2).run([lambda: None, failing(OSError("disk")), failing(ValueError("odd"))])

    assert caught.value.__notes__ == ["another job failed as well: ValueError('odd')"]


def test_an_engine_can_be_used_again():
    engine, done = LocalEngine(workers=2), []

    for _ in range(3):
        engine.run([lambda: done.append(1)])

    assert done == [1, 1, 1]


@pytest.mark.parametrize("workers", [0, -1])
def test_without_workers_there_is_no_engine(workers):
    with pytest.raises(ValueError, match="at least one worker"):
        LocalEngine(workers)


INTERRUPTED = """
import signal, threading
from dissemination.engines import LocalEngine

done = []
go = threading.Event()

def long():
    go.wait(0.5)  # until the engine waits: a signal while it still starts the thread is another story
    print("running", flush=True)
    go.wait(10)
    done.append("long")

def interrupt(*_):
    threading.Timer(0.5, go.set).start()  # time enough for the engine to see it first
    raise KeyboardInterrupt

signal.signal(signal.SIGINT, interrupt)
try:
    LocalEngine(workers=1).run([long, lambda: done.append("later")])
except KeyboardInterrupt:
    print(done, flush=True)
"""


def test_an_interruption_starts_nothing_more_and_waits_for_what_is_under_way():
    command = [sys.executable, "-c", INTERRUPTED]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "running\n"
        os.kill(process.pid, signal.SIGINT)
        out, _ = process.communicate(timeout=PATIENCE)

    assert out == "['long']\n"


# ------------------------------------------------------------------------------------------------ beside


def test_a_job_beside_does_not_hold_the_caller_and_is_not_begun_twice():
    engine, gate, begun = LocalEngine(1), threading.Event(), []

    def job():
        begun.append(threading.current_thread().name)
        gate.wait(30)

    for _ in range(3):
        engine.beside("weekly", job)
    assert not engine.wait(0.01)
    engine.run([lambda: begun.append("another")])
    gate.set()
    assert engine.wait(30)
    assert sorted(begun) == ["another", "beside-weekly"]
    engine.beside("weekly", lambda: begun.append("again"))
    assert engine.wait(30)
    assert begun[-1] == "again"


def test_what_a_job_beside_raises_is_raised_by_waiting_once():
    engine = LocalEngine(1)

    def broken():
        raise ZeroDivisionError("a bug")

    engine.beside("one", broken)
    with pytest.raises(ZeroDivisionError):
        engine.wait(30)
    assert engine.wait(0)
