"""`disseminate run` beside other commands: stopping, pausing, cancelling, and never two publishers."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import pytest

WINDOW = 20


@pytest.fixture
def slow_smtp(nasty_smtp):
    """A mail server that takes its time for each mail, and lets a test wait for arrivals."""

    class Slow(nasty_smtp):
        def __init__(self, **options):
            self.arrival = threading.Condition()
            self.delay = 0.0
            #: Set when a whole message has arrived that is not answered yet.
            self.holding = threading.Event()
            self._clock = threading.Event()
            super().__init__(**options)

        def accept(self, accepted):
            self.holding.set()
            if self.delay:
                self._clock.wait(self.delay)
            super().accept(accepted)
            with self.arrival:
                self.arrival.notify_all()

        def wait_for(self, count: int) -> None:
            with self.arrival:
                assert self.arrival.wait_for(lambda: len(self.accepted) >= count, timeout=60), len(self.accepted)

    with Slow(keep_bodies=False) as server:
        yield server


@pytest.fixture
def root(tmp_path, folders, slow_smtp):
    """A project with an approved flash for 200 people."""
    folders.write_project(tmp_path, port=slow_smtp.port)
    folders.write_item(tmp_path)
    folders.add_people(tmp_path, 200)
    folders.approve_all(tmp_path)
    return tmp_path


@pytest.fixture
def running(root):
    """Starts `disseminate run`; ended with the test."""
    started = []

    def run():
        process = subprocess.Popen(
            [sys.executable, "-m", "dissemination", "run"], cwd=root, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert "Publishing" in process.stdout.readline()
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def say(root, *words, **environ):
    return subprocess.run(
        [sys.executable, "-m", "dissemination", *words],
        cwd=root,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def wait_until(there, seconds: float = 30) -> bool:
    """Look until it is there; whether it is."""
    end, moment = time.monotonic() + seconds, threading.Event()
    while not there() and time.monotonic() < end:
        moment.wait(0.1)
    return bool(there())


def states(root):
    with sqlite3.connect(root / "var" / "dissemination.db") as raw:
        return [state for (state,) in raw.execute("SELECT state FROM deliveries")]


def stop(process) -> float:
    """SIGTERM; how many seconds it took to end with 0."""
    before = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0
    return time.monotonic() - before


def test_sigterm_while_idle_ends_within_five_seconds(root, running, slow_smtp):
    process = running()
    slow_smtp.wait_for(200)
    assert stop(process) < 5


def test_sigterm_with_a_mail_in_flight_settles_it_and_the_rest_goes_out_later_once(root, running, slow_smtp):
    slow_smtp.delay = 0.4
    process = running()
    assert slow_smtp.holding.wait(30)
    assert stop(process) < 10
    taken = len(slow_smtp.accepted)
    assert 1 <= taken <= WINDOW
    assert states(root).count(2) == taken
    assert states(root).count(1) == 0
    slow_smtp.delay = 0.0
    assert say(root, "publish").returncode == 0
    assert len(slow_smtp.accepted) == 200
    assert len({mail.recipient for mail in slow_smtp.accepted}) == 200


def test_a_second_publisher_is_told_who_holds_the_folder_and_other_commands_work(root, running, slow_smtp):
    process = running()
    second = say(root, "publish", COLUMNS="300")
    assert second.returncode == 2
    assert f"process {process.pid}" in second.stderr
    added = say(root, "subscribers", "add", "new@mail.example", "--source", "test", "--date", "2026-01-01")
    assert added.returncode == 0, added.stderr
    assert say(root, "plan", "--json").returncode == 0
    assert json.loads(say(root, "status", "--json").stdout)["counts"]


def test_what_is_approved_while_it_runs_goes_out_without_a_restart(root, running, slow_smtp, folders):
    slow_smtp.delay = 0.02  # the edition is still under way
    running()
    slow_smtp.wait_for(5)
    folders.write_item(root, "second", channels={"newsletter": "none"})
    said = say(root, "approve", "--all")
    assert said.returncode == 0, said.stderr
    assert wait_until(lambda: list((root / "var" / "outbox" / "x").glob("second-x-*.txt")))
    slow_smtp.delay = 0.0
    slow_smtp.wait_for(200)
    assert len(slow_smtp.accepted) == len({mail.recipient for mail in slow_smtp.accepted}) == 200


@pytest.mark.parametrize("word", ["pause", "cancel"])
def test_the_emergency_stop_works_in_a_running_process_within_one_window(root, running, slow_smtp, word):
    slow_smtp.delay = 0.15
    running()
    slow_smtp.wait_for(5)
    said = say(root, *(("pause", "email") if word == "pause" else ("cancel", "flash-first")))
    assert said.returncode == 0, said.stderr
    at_stop = len(slow_smtp.accepted)
    seen = json.loads(say(root, "status", "--json").stdout)  # a second or more later
    assert len(slow_smtp.accepted) <= at_stop + WINDOW + 1 < 200
    assert ("email" in seen["paused"]) is (word == "pause")
    slow_smtp.delay = 0.0
    if word == "pause":
        assert say(root, "resume", "email").returncode == 0
        slow_smtp.wait_for(200)
        assert len({mail.recipient for mail in slow_smtp.accepted}) == 200


def test_a_backup_made_while_sending_is_whole_and_sends_nothing_by_itself(
    root, running, slow_smtp, tmp_path_factory
):
    slow_smtp.delay = 0.2
    running()
    slow_smtp.wait_for(20)
    copy = tmp_path_factory.mktemp("backup") / "copy.db"
    assert say(root, "backup", str(copy)).returncode == 0
    with sqlite3.connect(copy) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert raw.execute("SELECT count(*) FROM deliveries").fetchone() == (200,)
    slow_smtp.delay = 0.0
    slow_smtp.wait_for(200)
    other = tmp_path_factory.mktemp("other")
    (other / "settings.yaml").write_bytes((root / "settings.yaml").read_bytes())
    (other / "news").symlink_to(root / "news")
    assert say(other, "restore", str(copy)).returncode == 0
    assert say(other, "publish").returncode == 0
    assert len(slow_smtp.accepted) == 200
    asking = json.loads(say(other, "status", "--json").stdout)["asking"]
    assert {line["state"] for line in asking} == {"in_doubt"}
