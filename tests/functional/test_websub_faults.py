"""Whatever happens to a hub or to our process: the news is out, and every feed is told in the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from newsroom import Newsroom, Pages

from dissemination.model import Level
from dissemination.pipeline import websub
from dissemination.testing import FixedClock
from dissemination.testing.hub import FakeHub
from dissemination.testing.loopback import FAULTS, Fault

HOUR = timedelta(hours=1)


@pytest.fixture
def clock():
    return FixedClock()


# Faults


PASSING = {
    name: fault for name, fault in FAULTS.items() if name not in {"401", "garbage", "garbage after", "slow"}
} | {
    "503": Fault(status=503, body=b""),
    "drips": Fault(stored=True, status=200, body=b"x" * 400, drips=True),
    "refused": None,
}


SLOW = {"timeout before", "timeout after", "drips"}


@pytest.mark.parametrize("name", PASSING)
def test_whatever_happens_to_a_ping_the_news_is_out_and_every_feed_is_told_in_the_end(room, hub, clock, name):
    room.put()
    if name in SLOW:
        room.hasten(1)
    with ExitStack() as trouble:
        if PASSING[name] is None:
            trouble.enter_context(hub.closed())
        else:
            hub.program("publish", *[Fault(stored=True)] * 3, PASSING[name])
        room.publish()
        assert len(room.published()) == 1
    assert set(hub.pings) | set(room.owed()) == set(room.urls("all", "social"))
    assert room.owed()
    (symptom,) = room.app.status().hub
    assert symptom.level is Level.WARNING
    room.publish()
    assert room.owed(), "not before its time"
    clock.advance(timedelta(minutes=2))
    room.publish()
    assert not room.owed()
    assert set(hub.pings) == set(room.urls("all", "social"))
    assert len(hub.pings) <= 7, "one more at most"
    assert not room.app.status().hub
    assert not room.grave()
    assert not hub.problems


def test_garbage_that_says_yes_is_a_yes(room, hub):
    room.put()
    hub.program("publish", FAULTS["garbage after"])
    room.publish()
    assert not room.owed()


def test_a_hub_that_names_its_time_is_left_alone_until_then_whatever_changes(room, hub, clock):
    room.put()
    hub.program("publish", Fault(status=429, body=b"", headers={"Retry_After": "7200"}))
    room.publish()
    clock.advance(HOUR)
    room.put("second")
    room.publish()
    assert hub.requests == ["publish"]
    clock.advance(HOUR + timedelta(minutes=1))
    room.publish()
    assert sorted(hub.pings) == room.urls("all", "social")


def test_a_hub_that_asks_for_weeks_gets_a_day(room, hub, clock):
    room.put()
    hub.program("publish", Fault(status=429, body=b"", headers={"Retry_After": "9999999"}))
    room.publish()
    clock.advance(timedelta(hours=24, minutes=1))
    room.publish()
    assert sorted(hub.pings) == room.urls("all", "social")


def test_waits_grow_to_an_hour_and_after_a_day_it_is_given_up_and_said(room, hub, clock):
    room.put()
    begun, tries = clock.now(), []
    room.app.parts.hub.tell = lambda topic: tries.append(clock.now()) or refuse()

    def refuse():
        raise websub.UnavailableError("websub: the hub is away; later")

    room.publish()
    while room.owed():
        with room.app.publishing():
            websub.tell(room.app.parts, room.app.stop)
        room.wait_for_the_hub()
        assert clock.now() - begun < timedelta(hours=26)
    waits = [after - before for before, after in pairwise(tries)]
    assert timedelta(seconds=53) < waits[0] < timedelta(seconds=67)
    assert max(waits) < timedelta(minutes=67)
    assert len(set(waits)) > 20, "spread"
    assert waits[-1] > timedelta(minutes=50)
    assert timedelta(hours=24) <= tries[-1] - begun < timedelta(hours=25, minutes=9)
    (notice,) = room.grave()
    assert "6 feeds not told" in notice.detail
    assert "24 hours" in notice.detail
    (symptom,) = room.app.status().hub
    assert symptom.level is Level.ERROR
    del room.app.parts.hub.tell
    clock.advance(2 * HOUR)
    room.publish()
    assert not hub.pings, "what was given up waits for the next change"
    room.put("second")
    room.publish()
    assert sorted(hub.pings) == room.urls("all", "social")
    assert not room.app.status().hub


def test_a_feed_that_the_hub_does_not_take_costs_only_itself(room, hub):
    room.put()
    bad = room.url("en/all/atom.xml")
    hub.refuses.add(bad)
    room.publish()
    assert sorted([*hub.pings, bad]) == room.urls("all", "social")
    (notice,) = room.grave()
    assert (notice.kind, "1 feed not told" in notice.detail, "422" in notice.detail) == ("failed", True, True)
    asked = len(hub.requests)
    room.publish()
    assert len(hub.requests) == asked, "not repeated"
    assert not room.grave()
    (symptom,) = room.app.status().hub
    assert (symptom.level, "1 feed not told" in symptom.said) == (Level.ERROR, True)
    assert symptom in room.app.doctor()
    hub.refuses.clear()
    room.put("second")
    room.publish()
    assert bad in hub.pings
    assert not room.app.status().hub


@pytest.mark.parametrize("status", [301, 401, 404, 410])
def test_a_wrong_hub_is_asked_once_a_change_and_said(room, hub, status):
    room.put()
    hub.program("publish", *[Fault(status=status, body=b"")] * 2)
    room.publish()
    assert hub.requests == ["publish"]
    (notice,) = room.grave()
    assert "6 feeds not told" in notice.detail
    assert "websub.hub" in notice.detail
    room.publish()
    assert hub.requests == ["publish"]
    room.put("second")
    room.publish()
    assert hub.requests == ["publish"] * 2
    assert len(room.published()) == 2


def test_an_adapter_that_breaks_stops_nothing(room, clock):
    room.put()

    def broken(topic):
        raise RecursionError("a strange answer")

    room.app.parts.hub.tell = broken
    room.publish()
    assert len(room.published()) == 1
    assert "RecursionError" in room.app.status().hub[0].said
    del room.app.parts.hub.tell
    clock.advance(timedelta(minutes=2))
    room.publish()
    assert not room.owed()


def test_another_hub_is_told_everything_once(room, hub, folders):
    room.put()
    room.publish()
    with FakeHub() as other:
        text = (room.root / "settings.yaml").read_text().replace(hub.url, other.url)
        (room.root / "settings.yaml").write_text(text)
        room.app.close()
        room.app = room.open()
        room.put("second")
        room.publish()
        assert sorted(other.pings) == room.urls("all", "social")
        assert not other.problems


# Crashes


#: Ends the process by SIGKILL at the named place of the publishing.
DYING = """
import os, signal, sys
from datetime import timedelta
from dissemination.channels.hub import WebSubHub
from dissemination.pipeline import websub

websub.SETTLING = timedelta()

def die(*words, **facts):
    os.kill(os.getpid(), signal.SIGKILL)

def after(work):
    def working(*words, **facts):
        work(*words, **facts)
        die()
    return working

place = sys.argv.pop(1)
if place == "files live, nothing noted":
    websub.owe = die
elif place == "noted, nothing settled":
    websub.owe = after(websub.owe)
elif place == "settled, before the first ping":
    WebSubHub.tell = die
elif place == "after a ping, before it is written down":
    WebSubHub.tell = after(WebSubHub.tell)
from dissemination.__main__ import main
main()
"""
PLACES = (
    "files live, nothing noted",
    "noted, nothing settled",
    "settled, before the first ping",
    "after a ping, before it is written down",
)


@pytest.mark.parametrize("place", PLACES)
def test_a_process_that_dies_owes_what_it_has_not_told(tmp_path, folders, hub, place):
    with Pages() as pages:
        pages.root = tmp_path / "project"
        clock = FixedClock(datetime.now(UTC) - timedelta(minutes=5))
        room = Newsroom(pages.root, folders, hub, pages.address, clock)
        room.put("first")
        room.publish()
        hub.pings.clear()
        room.put("second")
        room.app.close()
        died = subprocess.run(
            [sys.executable, "-c", DYING, place, "publish"],
            cwd=pages.root,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert died.returncode == -signal.SIGKILL, died.stderr.decode()
        assert b"Title of second" in room.bytes(room.url("en/all/rss.xml")), "the files are live"
        clock.advance(HOUR)
        room.app = room.open()
        room.publish()
        assert set(hub.pings) == set(room.urls("all", "social"))
        assert len(hub.pings) <= 7
        assert not room.owed()
        assert not hub.problems
        room.app.close()
