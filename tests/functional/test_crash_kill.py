"""SIGKILL at random points: nobody is missing, at most what was in flight is doubled, with the same Message-ID."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from contextlib import ExitStack

import feedparser
import pytest
import sqlalchemy as sa

PEOPLE, KILLS = 1000, 30
#: What the project's settings allow to be in flight.
WINDOW = 20
NETWORKS = ("x", "mastodon")
ITEMS = ("first", "second", "third", "fourth", "fifth")
PATIENCE = 60
#: The product's batches of 2,000 would leave a second worker nothing to do in a small edition.
SMALL_BATCHES = """
from dissemination.store import deliveries
deliveries.BATCH = 20
from dissemination.__main__ import main
main()
"""


@pytest.fixture
def counting_smtp(nasty_smtp):
    """A mail server that says when a number of mails has arrived, and over which connection each came."""

    class Counting(nasty_smtp):
        def __init__(self, **options):
            self.arrival = threading.Condition()
            self.pace = threading.Event()
            #: Seconds for each mail.
            self.delay = 0.0
            self.lines = []
            super().__init__(**options)

        def accept(self, accepted):
            if self.delay:
                self.pace.wait(self.delay)
            super().accept(accepted)
            with self.arrival:
                self.lines.append(threading.get_ident())
                self.arrival.notify_all()

        def people(self):
            return {mail.recipient for mail in list(self.accepted)}

        def wait_for(self, count: int, process: subprocess.Popen) -> None:
            """Until so many have arrived in all, or the process has ended."""
            end = time.monotonic() + PATIENCE
            with self.arrival:
                while len(self.accepted) < count and process.poll() is None:
                    assert time.monotonic() < end, "nothing moves"
                    self.arrival.wait(0.5)  # the end of a process wakes nobody

    with Counting(keep_bodies=False) as server:
        yield server


@pytest.fixture
def start():
    """Starts the program in a folder; what still runs ends with the test."""
    with ExitStack() as stack:

        def starting(root, *words, environ=None, small_batches=False):
            program = ["-c", SMALL_BATCHES] if small_batches else ["-m", "dissemination"]
            process = subprocess.Popen(
                [sys.executable, *program, *(words or ("publish",))],
                cwd=root,
                env=os.environ | (environ or {}),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            stack.callback(kill, process)
            return process

        yield starting


def kill(process) -> bool:
    """SIGKILL; whether it hit a living process."""
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def written(root) -> int:
    """How many files lie in the public folder and the outbox, half-written ones too."""
    places = (root / "feeds", root / "var" / "outbox")
    return sum(len(files) for place in places for _, _, files in os.walk(place))


class Chance:
    """Where the next kill falls: into the start, into the writing of feeds and posts, or into the mails."""

    def __init__(self, seed: int, root, server) -> None:
        self.random = random.Random(seed)
        self.root, self.server = root, server
        self.tick = threading.Event()

    def starting(self, process) -> None:
        self._a_moment(process, 1.2)

    def writing(self, process) -> None:
        goal = written(self.root) + self.random.randrange(4)
        mails = len(self.server.accepted)
        end = time.monotonic() + PATIENCE
        while written(self.root) < goal and len(self.server.accepted) == mails and process.poll() is None:
            assert time.monotonic() < end, "nothing moves"
            self.tick.wait(0.001)
        self._a_moment(process, 0.005)

    def mailing(self, process, share: int) -> None:
        """`share`: the most mails until the kill."""
        self.server.wait_for(len(self.server.accepted) + self.random.randint(1, share), process)
        self._a_moment(process, 0.005)

    def _a_moment(self, process, most: float) -> None:
        try:
            process.wait(self.random.uniform(0, most))
        except subprocess.TimeoutExpired:
            return


def kill_at_random(chance: Chance, start) -> int:
    """Start and kill; how many kills hit a process at work."""
    hits = 0
    for number in range(KILLS):
        process = start(chance.root)
        if number < KILLS // 5:
            chance.writing(process)
        elif number % 5 == 0:
            chance.starting(process)
        else:
            # So few that something is left for every kill to come, also on a slow machine that kills late.
            left = PEOPLE - len(chance.server.people())
            chance.mailing(process, max(1, left // (KILLS - number + 1)))
        hits += kill(process)
    return hits


def finish(root, start) -> None:
    """Publish until nothing is left to do."""
    for _ in range(2):
        assert start(root).wait(120) == 0


def judge_mails(server, people: int, doubles: int) -> int:
    """Nobody missing, few doubled, and a double is the same message; how many were doubled."""
    by_person = defaultdict(list)
    for mail in server.accepted:
        by_person[mail.recipient].append(mail.message_id)
    assert set(by_person) == {f"p{n}@mail.example" for n in range(people)}
    assert all(len(set(ids)) == 1 for ids in by_person.values()), "a double carries another Message-ID"
    assert len({ids[0] for ids in by_person.values()}) == people
    twice = len(server.accepted) - people
    assert twice <= doubles
    return twice


def judge_files(root, items: int) -> None:
    """No post and no feed entry is missing or doubled."""
    for network in NETWORKS:
        posts = list((root / "var" / "outbox" / network).glob("*.txt"))
        assert len(posts) == items
        assert len({post.read_text("utf-8").split("key: ")[1].split("\n")[0] for post in posts}) == items
    # The feed of everything, and that of the one category that all of them are in.
    feeds = list((root / "feeds" / "en").rglob("rss.xml"))
    assert len(feeds) == 2
    for rss in feeds:
        ids = [entry.id for entry in feedparser.parse(rss.read_bytes()).entries]
        assert len(ids) == len(set(ids)) == items
        feed = json.loads(rss.with_name("feed.json").read_text("utf-8"))
        assert sorted(item["id"] for item in feed["items"]) == sorted(ids)
    leftovers = [path for path in (root / "feeds").rglob(".*") if path.is_file()]
    # A temporary file of a killed process may stay behind, hidden; it is never served under a real name.
    assert all(path.name.startswith(".") for path in leftovers)


def test_thirty_kills_over_a_thousand_recipients(tmp_path, folders, counting_smtp, start):
    root = folders.write_project(tmp_path, port=counting_smtp.port)
    folders.write_item(root, ITEMS[0])
    for name in ITEMS[1:]:
        folders.write_item(root, name, channels={"newsletter": "none"})
    folders.add_people(root, PEOPLE)
    assert folders.approve_all(root) == 3 * len(ITEMS) + 1
    killed = kill_at_random(Chance(20261124, root, counting_smtp), start)
    assert killed == KILLS
    finish(root, start)
    judge_mails(counting_smtp, PEOPLE, doubles=killed * WINDOW)
    judge_files(root, items=len(ITEMS))
    with sqlite3.connect(root / "var" / "dissemination.db") as raw:
        assert Counter(raw.execute("SELECT state FROM deliveries")) == {(2,): PEOPLE}
        states = Counter(raw.execute("SELECT state FROM publications"))
        assert states == {("published",): 3 * len(ITEMS) + 1}
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("store_target", ["postgresql"], indirect=True)
def test_two_publishers_on_postgresql_and_kills(tmp_path, folders, counting_smtp, store_target, start):
    """Both work on the same edition; one of them dies six times, and the other one goes on."""
    environ, people, kills = {"DISSEMINATION_DATABASE_URL": store_target}, 200, 6
    root = folders.write_project(tmp_path, port=counting_smtp.port)
    folders.write_item(root, ITEMS[0])
    folders.add_people(root, people, environ=environ)
    folders.approve_all(root, environ=environ)
    counting_smtp.delay = 0.05  # so that there is work for both
    chance = Chance(7, root, counting_smtp)
    pair = [start(root, "run", environ=environ, small_batches=True) for _ in range(2)]
    for _ in range(kills):
        victim = chance.random.randrange(2)
        chance.mailing(pair[victim], people // (kills + 4))
        assert kill(pair[victim])
        pair[victim] = start(root, "run", environ=environ, small_batches=True)
    # The batches of the dead are free when their leases of ten seconds are over.
    end = time.monotonic() + PATIENCE
    while state_of_edition(store_target) != "published" and time.monotonic() < end:
        chance.tick.wait(0.5)
    for process in pair:
        process.send_signal(signal.SIGTERM)
    # One that was started a moment ago may be ended before it listens to signals.
    assert {process.wait(15) for process in pair} <= {0, -signal.SIGTERM}
    judge_mails(counting_smtp, people, doubles=kills * WINDOW)
    judge_files(root, items=1)
    changes = sum(one != other for one, other in zip(counting_smtp.lines, counting_smtp.lines[1:], strict=False))
    assert changes > 3 * kills, "the two did not work at the same time"


def state_of_edition(target) -> str:
    engine = sa.create_engine(target)
    with engine.connect() as connection:
        query = "SELECT state FROM publications WHERE kind = 'edition'"
        state = connection.execute(sa.text(query)).scalar_one()
    engine.dispose()
    return state
