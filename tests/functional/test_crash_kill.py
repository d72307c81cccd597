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
from collections import Counter, defaultdict

import feedparser
import pytest

PEOPLE, KILLS = 1000, 30
NETWORKS = ("x", "mastodon")


@pytest.fixture
def counting_smtp(nasty_smtp):
    """A mail server that says when a number of mails has arrived."""

    class Counting(nasty_smtp):
        def __init__(self, **options):
            self.arrival = threading.Condition()
            super().__init__(**options)

        def accept(self, accepted):
            super().accept(accepted)
            with self.arrival:
                self.arrival.notify_all()

        def wait_for(self, count: int, process: subprocess.Popen, seconds: float = 60) -> None:
            """Until so many have arrived in all, or the process has ended."""
            with self.arrival:
                self.arrival.wait_for(
                    lambda: len(self.accepted) >= count or process.poll() is not None, timeout=seconds
                )

    with Counting(keep_bodies=False) as server:
        yield server


def start(root, environ=None):
    return subprocess.Popen(
        [sys.executable, "-m", "dissemination", "publish"],
        cwd=root,
        env=os.environ | (environ or {}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def kill_at_random(root, server, chance: random.Random, kills: int, step: int) -> int:
    """Start and kill; how many processes were killed while they worked."""
    done = 0
    for number in range(kills):
        process = start(root)
        if number % 5 == 0:  # while it starts, plans, and writes feeds
            try:
                process.wait(chance.uniform(0.2, 1.6))
            except subprocess.TimeoutExpired:
                done += 1
        else:  # while it sends, at any point of a dialogue
            server.wait_for(len(server.accepted) + chance.randrange(step), process)
            try:
                process.wait(chance.uniform(0, 0.01))
            except subprocess.TimeoutExpired:
                done += 1
        process.send_signal(signal.SIGKILL)
        process.wait()
    return done


def finish(root, server, environ=None) -> None:
    """Publish until nothing is left to do."""
    for _ in range(3):
        assert start(root, environ).wait(120) == 0


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
    (rss,) = (root / "feeds" / "en").rglob("rss.xml")
    ids = [entry.id for entry in feedparser.parse(rss.read_bytes()).entries]
    assert len(ids) == len(set(ids)) == items
    (feed,) = (root / "feeds" / "en").rglob("feed.json")
    assert sorted(item["id"] for item in json.loads(feed.read_text("utf-8"))["items"]) == sorted(ids)
    leftovers = [path for path in (root / "feeds").rglob(".*") if path.is_file()]
    # A temporary file of a killed process may stay behind, hidden; it is never served under a real name.
    assert all(path.name.startswith(".") for path in leftovers)


def test_thirty_kills_over_a_thousand_recipients(tmp_path, folders, counting_smtp):
    root = folders.write_project(tmp_path, port=counting_smtp.port)
    folders.write_item(root, "first")
    for name in ("second", "third"):
        folders.write_item(root, name, channels={"newsletter": "none"})
    folders.add_people(root, PEOPLE)
    assert folders.approve_all(root) == 3 * 3 + 1
    killed = kill_at_random(root, counting_smtp, random.Random(20261124), KILLS, 2 * PEOPLE // KILLS)
    assert killed >= KILLS - 3
    finish(root, counting_smtp)
    # One connection: at most one message is in flight at a kill.
    judge_mails(counting_smtp, PEOPLE, doubles=killed)
    judge_files(root, items=3)
    with sqlite3.connect(root / "var" / "dissemination.db") as raw:
        assert Counter(raw.execute("SELECT state FROM deliveries")) == {(2,): PEOPLE}
        states = Counter(raw.execute("SELECT state FROM publications"))
        assert states == {("published",): 10}


def test_two_publishers_on_postgresql_and_kills(tmp_path, folders, counting_smtp, store_target):
    if not isinstance(store_target, str):
        pytest.skip("only where machines share a database")
    environ = {"DISSEMINATION_DATABASE_URL": store_target}
    people = 300
    root = folders.write_project(tmp_path, port=counting_smtp.port)
    folders.write_item(root, "first")
    folders.add_people(root, people, environ=environ)
    folders.approve_all(root, environ=environ)
    chance = random.Random(7)
    for _ in range(3):
        pair = [start(root, environ) for _ in range(2)]
        counting_smtp.wait_for(len(counting_smtp.accepted) + chance.randrange(5, 60), pair[0])
        for process in pair:
            process.send_signal(signal.SIGKILL)
            process.wait()
    # A dead worker's batch is free when its lease of ten seconds is over.
    patience = threading.Event()
    for _ in range(30):
        finish(root, counting_smtp, environ)
        if len({mail.recipient for mail in counting_smtp.accepted}) == people:
            break
        patience.wait(1)
    judge_mails(counting_smtp, people, doubles=6)
    judge_files(root, items=1)
