"""A large edition against a nasty server, with SIGKILLs, freezes and restarts: nobody missing, few twice."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack, closing

import pytest

PEOPLE = int(os.environ.get("DISSEMINATION_TEST_RECIPIENTS", "20000"))
KILLS, FREEZES = 20, 10
#: Seconds without any progress after which the test gives up.
PATIENCE = 60
#: Of each message: put off, refused, taken and never answered, hung up somewhere, sent away, left in silence.
MIX = {
    "451@rcpt": 0.02,
    "550@rcpt": 0.005,
    "lose@dot": 0.003,
    "drop@*": 0.002,
    "421@mail": 0.001,
    "stall@dot": 0.0005,
}
SENT, DEFERRED, FAILED = 2, 4, 5

pytestmark = pytest.mark.slow


class Sender:
    """The real program in its folder, against the server: begun, killed, frozen."""

    def __init__(self, root, server, chance: random.Random) -> None:
        self.root, self.server, self.chance = root, server, chance
        self._stack = ExitStack()
        self._tick = threading.Event()
        #: Acceptances that a kill or a freeze kept from being recorded, by recipient.
        self.in_flight: Counter[str] = Counter()
        self.process: subprocess.Popen | None = None

    def start(self, *words: str) -> subprocess.Popen:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dissemination", *words],
            cwd=self.root,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._stack.callback(self._end, self.process)
        return self.process

    def close(self) -> None:
        self._stack.close()

    @staticmethod
    def _end(process: subprocess.Popen) -> None:
        process.kill()
        process.wait()

    def wait_for(self, more: int) -> None:
        """Until so many more messages have been taken."""
        goal = len(self.server.read().accepted) + more
        self._until(lambda: len(self.server.read().accepted) >= goal)

    def kill(self) -> None:
        """SIGKILL; then what was under way is known exactly."""
        assert self.process.poll() is None, "it ended before it was killed"
        self._end(self.process)
        self._count(self.server.drained())

    def freeze(self) -> None:
        """SIGSTOP for a second, and what was under way then."""
        assert self.process.poll() is None, "it ended before it was frozen"
        self.process.send_signal(signal.SIGSTOP)
        self._tick.wait(self.chance.uniform(0.8, 1.2))
        self._count(self.server.read())
        self.process.send_signal(signal.SIGCONT)

    def _count(self, logged) -> None:
        """Taken and answered, and not recorded as sent: each acceptance once."""
        sent = {who for who, state in self.states() if state == SENT}
        taken = Counter(who for _, who, _ in logged.accepted)
        taken.subtract(who for _, who in logged.withheld)
        for who, count in taken.items():
            if who not in sent:
                self.in_flight[who] = max(self.in_flight[who], count)

    def states(self) -> list[tuple[str, int]]:
        query = "SELECT email, d.state FROM deliveries d JOIN subscribers s ON s.id = d.subscriber"
        with closing(sqlite3.connect(self.root / "var" / "dissemination.db", timeout=30)) as raw:
            return list(raw.execute(query))

    def left(self) -> int:
        return PEOPLE - len({who for _, who, _ in self.server.read().accepted})

    def a_moment(self, most: float) -> None:
        self._tick.wait(self.chance.uniform(0, most))

    def _until(self, there) -> None:
        end = time.monotonic() + PATIENCE
        while not there():
            assert self.process.poll() is None, "it ended early"
            assert time.monotonic() < end, "nothing moves"
            self._tick.wait(0.002)


@pytest.fixture
def sender(tmp_path, folders, nasty_process):
    """A project with an approved flash for everybody, and the server that it is sent to."""
    root, place = tmp_path / "project", tmp_path / "server"
    for folder in (root, place):
        folder.mkdir()
    with nasty_process(place, mix=MIX, seed=20261124) as server:
        email = {"sender": "news@test.example", "host": "127.0.0.1", "port": server.port, "tls": "none"}
        email |= {"timeout_seconds": 3, "final_timeout_seconds": 3}
        folders.write_project(
            root,
            channels={"email": email, "feed": {}, "x": {}, "mastodon": {}},
            publishing={"tick_seconds": 1, "lease_seconds": 10},
        )
        folders.write_item(root)
        folders.add_people(root, PEOPLE)
        folders.approve_all(root)
        made = Sender(root, server, random.Random(7))
        yield made
        made.close()


def test_kills_and_freezes_over_a_large_edition(sender):
    events = ["kill"] * KILLS + ["freeze"] * FREEZES
    sender.chance.shuffle(events)
    sender.start("run")
    for number, event in enumerate(events):
        if number % 6 == 5 and event == "kill":
            sender.a_moment(1.5)  # into the start
        else:
            sender.wait_for(sender.chance.randint(1, max(1, sender.left() // (len(events) - number + 2))))
        if event == "freeze":
            sender.freeze()
        else:
            sender.kill()
            sender.start("run")
    sender.kill()
    for _ in range(2):
        assert sender.start("publish").wait(120) in {0, 1}  # 1: some were refused, and it says so
    judge(sender)


def judge(sender) -> None:
    logged = sender.server.drained()
    taken = Counter(who for _, who, _ in logged.accepted)
    states = dict(sender.states())
    everybody = {f"p{n}@mail.example" for n in range(PEOPLE)}
    assert set(states) == everybody
    assert set(states.values()) <= {SENT, DEFERRED, FAILED}, Counter(states.values())

    missing = {who for who, state in states.items() if state == SENT and not taken[who]}
    assert not missing, "recorded as sent and never taken"
    assert len(set(taken) | {who for who, state in states.items() if state != SENT}) == PEOPLE

    first = {}
    for message_id, who, _ in logged.accepted:
        assert first.setdefault(who, message_id) == message_id, "a repeat carries another Message-ID"
    assert len(set(first.values())) == len(first)

    twice = taken.total() - len(taken)
    withheld, in_flight = len(logged.withheld), sender.in_flight.total()
    figures = f"{twice} twice, {in_flight} in flight, {withheld} withheld, {Counter(states.values())}"
    print(figures)  # noqa: T201 - the figures of the run, with -rP
    assert twice <= in_flight + withheld, figures
    for who, count in taken.items():
        lost = sender.in_flight[who] + sum(who == person for _, person in logged.withheld if count > 1)
        assert count <= 1 + lost, f"{who}: {count} times, and {lost} answers were lost"
    with closing(sqlite3.connect(sender.root / "var" / "dissemination.db")) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
