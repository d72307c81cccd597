"""Hubs are told: after the files are live, each changed feed once, until they take it, whatever happens."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from urllib.parse import urlsplit

import pytest

from dissemination.bootstrap import make_app
from dissemination.channels.hub import WebSubHub
from dissemination.model import Level, Site, State
from dissemination.pipeline import doctor, websub
from dissemination.settings import WebSection
from dissemination.testing import FixedClock
from dissemination.testing.hub import FakeHub, FakeSubscriber
from dissemination.testing.loopback import FAULTS, Answer, Fault, Loopback
from dissemination.web.public.app import make_site
from dissemination.web.public.kinds import kind_of
from dissemination.web.public.serving import PublicServer

FORMATS = ("rss.xml", "atom.xml", "feed.json")
HOUR = timedelta(hours=1)


class Pages(Loopback):
    """A web server that serves a folder as it is at the moment."""

    root = None

    def answer(self, asked):
        path = asked.path.strip("/")
        try:
            body = (self.root / "feeds" / path).read_bytes()
        except OSError:
            return Answer(status=404)
        named = ((name.decode(), value.decode()) for name, value in kind_of(path, body).headers)
        return Answer(body=body, headers=dict(named))


class Newsroom:
    """A project whose feeds name a hub."""

    def __init__(self, root, folders, hub, public_url, clock):
        self.root, self.folders, self.hub, self.public_url, self.clock = root, folders, hub, public_url, clock
        settings = {
            "news": {"channels": {"feed": "auto", "newsletter": "none"}},
            "channels": {"feed": {}},
            "websub": {"hub": hub.url if hub else ""},
        }
        folders.write_project(root, **settings)
        text = (root / "settings.yaml").read_text().replace("https://news.test.example", public_url)
        (root / "settings.yaml").write_text(text)
        self.app = self.open()

    def open(self):
        return make_app(self.root, clock=self.clock, environ={})

    def hasten(self, seconds):
        """A hub has only so long to answer."""
        quick = WebSubHub(self.app.parts.hub.address, self.clock.now, read=seconds)
        self.app.parts.hub.close()
        self.app = replace(self.app, parts=replace(self.app.parts, hub=quick))

    def put(self, name="first", **facts):
        self.folders.write_item(self.root, name, **{"image": None, **facts})
        self.app.plan()
        self.app.approve([], who="ana", everything=True)

    def publish(self):
        with self.app.publishing():
            return self.app.publish()

    def url(self, path):
        return f"{self.public_url}/{path}"

    def urls(self, *scopes, lang="en"):
        return sorted(self.url(f"{lang}/{scope}/{name}") for scope in scopes for name in FORMATS)

    def wait_for_the_hub(self):
        """Until a second before it is asked again, when nobody asks, and until then."""
        vault = self.app.parts.store.vault("websub")
        state = vault.read("pipeline: hub")
        at = datetime.fromisoformat(state["not_before"])
        self.clock.advance(at - self.clock.now() - timedelta(seconds=1))
        websub.tell(self.app.parts, self.app.stop)
        assert vault.read("pipeline: hub") == state
        self.clock.advance(timedelta(seconds=1))

    def owed(self):
        return sorted(ping.topic for ping in self.app.parts.store.pings.owed(self.app.parts.hub.address))

    def bytes(self, url):
        return (self.root / "feeds" / urlsplit(url).path.lstrip("/")).read_bytes()

    def grave(self):
        return [h for h in self.app.parts.store.events.take_untold() if h.channel == "websub"]

    def published(self):
        return [p for p in self.app.parts.store.publications.in_state(State.PUBLISHED) if p.channel == "feed"]


@pytest.fixture
def clock():
    return FixedClock()


@pytest.fixture
def hub():
    with FakeHub() as made:
        yield made


@pytest.fixture
def room(tmp_path, folders, hub, clock):
    with Pages() as pages:
        pages.root = tmp_path / "project"
        made = Newsroom(pages.root, folders, hub, pages.address, clock)
        yield made
        made.app.close()


@pytest.fixture
def free_port():
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


# All the way


def test_a_subscriber_gets_the_news_in_every_format(tmp_path, folders, hub, free_port):
    """Over our own public server, which looks at the folder only now and then."""
    site = None

    class Passing(FixedClock):
        """While the product waits, the server takes in what changed."""

        def sleep(self, seconds):
            super().sleep(seconds)
            if seconds:
                site.state.files.refresh()

    room = Newsroom(tmp_path / "project", folders, hub, f"http://127.0.0.1:{free_port}", Passing())
    site = make_site(room.app, WebSection(per_minute=0))
    site.state.files.start = lambda: None
    server = PublicServer(site, port=free_port)
    server.start()
    with FakeSubscriber() as reader, ExitStack() as ending:
        ending.callback(room.app.close)
        ending.callback(server.stop)
        room.put("first")
        room.publish()
        for url in room.urls("all", "social"):
            reader.subscribe(url)
        assert len(hub.subscriptions) == 6
        hub.pings.clear()
        room.put("second")
        room.publish()
        assert sorted(hub.pings) == room.urls("all", "social")
        assert sorted(reader.received) == room.urls("all", "social")
        for url, (body,) in reader.received.items():
            assert body == room.bytes(url)
            assert b"Title of second" in body
        assert not hub.problems
        assert not reader.forged


def test_a_hub_that_reads_the_other_name_is_told_as_well(tmp_path, folders, clock):
    with FakeHub(reads="hub.topic") as hub, Pages() as pages:
        pages.root = tmp_path / "project"
        room = Newsroom(pages.root, folders, hub, pages.address, clock)
        room.put()
        room.publish()
        room.app.close()
        assert sorted(hub.pings) == room.urls("all", "social")


def test_each_feed_that_changed_is_told_once_and_no_other(room, hub):
    room.put("first", tags=["Alpha"])
    room.put("primo", lang="ro", tags=["Beta"])
    room.publish()
    assert len(hub.pings) == len(set(hub.pings))
    hub.pings.clear()
    room.publish()
    assert not hub.pings, "nothing changed"
    room.put("second", tags=["Alpha"])
    room.publish()
    assert sorted(hub.pings) == room.urls("all", "social", "tags/alpha")
    assert all(hub.fetched[url][-1] == room.bytes(url) for url in hub.pings)
    assert not hub.problems


def test_the_hub_comes_after_the_files_are_live_and_a_moment_later(room, hub, clock):
    room.put()
    seen = []
    hub._check = lambda topic, reply: seen.append((clock.now(), reply.content == room.bytes(topic)))
    begun = clock.now()
    room.publish()
    assert seen == [(begun + websub.SETTLING, True)] * 6


def test_an_edit_a_withdrawal_and_an_end_are_told(room, hub, clock):
    room.put("first", tags=["Alpha"])
    room.put("second", expires_at="2026-11-16T14:00")
    room.publish()
    for change in ({"title": "Another title"}, {"title": "Another title", "status": "withdrawn"}):
        hub.pings.clear()
        clock.advance(HOUR)
        room.put("first", tags=["Alpha"], **change)
        room.publish()
        assert sorted(hub.pings) == room.urls("all", "social", "tags/alpha")
    hub.pings.clear()
    clock.advance(6 * HOUR)
    room.publish()
    assert sorted(hub.pings) == room.urls("all", "social")
    assert not hub.problems


def test_a_feed_that_lost_its_last_item_is_told(room, hub, clock):
    room.put("first", tags=["Alpha"], expires_at="2026-11-16T14:00")
    room.publish()
    hub.pings.clear()
    clock.advance(6 * HOUR)
    room.publish()
    assert set(room.urls("tags/alpha")) <= set(hub.pings)
    assert json.loads(hub.fetched[room.url("en/tags/alpha/feed.json")][-1])["items"] == []


def test_a_project_without_a_hub_asks_and_keeps_nothing(tmp_path, folders, clock):
    room = Newsroom(tmp_path / "project", folders, None, "https://news.test.example", clock)
    room.put()
    before = clock.now()
    room.publish()
    assert clock.now() == before
    assert room.app.parts.hub is None
    assert not room.app.status().hub
    assert "websub" not in {symptom.what for symptom in room.app.doctor()}
    room.app.close()


def test_a_plan_and_a_preview_tell_nobody(room, hub):
    room.put()
    room.app.plan()
    room.app.preview()
    assert not room.owed()
    assert not hub.requests


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


# Beside the ticks


def tick_until_quiet(ticks):
    """A tick, and what it began."""
    tally = ticks.tick()
    assert ticks.end(20)
    return tally


def test_a_scheduler_tells_when_the_files_have_settled(room, hub, clock):
    room.put()
    with room.app.publishing():
        ticks = room.app.ticks()
        tick_until_quiet(ticks)
        assert len(room.published()) == 1
        assert not hub.requests
        clock.advance(websub.SETTLING)
        tick_until_quiet(ticks)
        assert sorted(hub.pings) == room.urls("all", "social")
        tick_until_quiet(ticks)
        assert len(hub.pings) == 6


def test_a_hub_that_does_not_answer_keeps_nothing_waiting(room, clock):
    asked, go_on = threading.Event(), threading.Event()

    def hanging(topic):
        asked.set()
        assert go_on.wait(30)

    room.app.parts.hub.tell = hanging
    room.put()
    with room.app.publishing():
        ticks = room.app.ticks()
        ticks.tick()
        clock.advance(websub.SETTLING)
        ticks.tick()
        assert asked.wait(10)
        room.put("second")
        ticks.tick()
        assert len(room.published()) == 2
        go_on.set()
        assert ticks.end(20)
        clock.advance(websub.SETTLING)
        tick_until_quiet(ticks)
    assert not room.owed()


def test_who_is_told_to_stop_begins_no_further_ping(room):
    told = []

    def stopping(topic):
        told.append(topic)
        room.app.stop.set()

    room.app.parts.hub.tell = stopping
    room.put()
    with room.app.publishing():
        ticks = room.app.ticks()
        ticks.tick()
        room.clock.advance(websub.SETTLING)
        websub.tell(room.app.parts, room.app.stop)
    assert len(told) == 1
    assert len(room.owed()) == 5


def test_an_emergency_stop_holds_pings_too(room, hub, clock):
    room.put()
    with room.app.publishing():
        ticks = room.app.ticks()
        tick_until_quiet(ticks)
        room.app.pause("*", who="ana", reason="wait")
        clock.advance(websub.SETTLING)
        tick_until_quiet(ticks)
        assert not hub.requests
        room.app.resume("*", who="ana")
        tick_until_quiet(ticks)
    assert len(hub.pings) == 6


def test_a_clock_that_is_set_back_silences_nobody(room, hub, clock):
    room.put()
    hub.program("publish", FAULTS["500 before"])
    room.publish()
    clock.advance(timedelta(days=-400))
    room.publish()
    assert sorted(hub.pings) == room.urls("all", "social")


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


# Looking


def test_status_and_doctor_say_how_the_hub_stands(room, hub, clock):
    def examined():
        return [symptom for symptom in room.app.doctor() if symptom.what == "websub"]

    room.put()
    with room.app.publishing():
        room.app.ticks().tick()
    (owed,) = room.app.status().hub
    assert (owed.level, owed.said) == (Level.NOTE, "6 feeds to be told since 2026-11-16 09:00:00 UTC")
    asked = list(hub.requests)
    assert examined() == [owed]
    assert hub.requests == asked, "the doctor asks no hub"
    with hub.closed():
        room.publish()
    (failing,) = room.app.status().hub
    assert failing.level is Level.WARNING
    assert "1 failed try, the next is at 2026-11-16 09:0" in failing.said
    assert "cannot reach the hub 127.0.0.1" in failing.said
    clock.advance(timedelta(minutes=2))
    room.publish()
    (fine,) = examined()
    assert (fine.level, fine.said) == (None, f"{hub.url} knows everything")


@pytest.mark.parametrize(
    ("public", "hub", "warns"),
    [
        ("http://localhost:8080", "https://hub.example/", True),
        ("http://127.0.0.1:8080/news", "https://hub.example/", True),
        ("http://news.localhost", "https://hub.example/", True),
        ("http://127.0.0.1:8080", "http://127.0.0.1:9/", False),
        ("https://news.example", "https://hub.example/", False),
    ],
)
def test_the_doctor_says_that_a_hub_reaches_nobody_here(house, public, hub, warns):
    house.parts = replace(house.parts, site=Site(public_url=public), hub=WebSubHub(hub, house.clock.now))
    said = [
        symptom.said for symptom in doctor.examine(house.parts, ()) if symptom.what == "websub" and symptom.level
    ]
    assert bool(said) is warns
    assert all("project.public_url" in one for one in said)


def test_the_log_has_one_line_for_a_round_and_one_for_a_hub_that_fails(room, hub, clock):
    room.put()
    with hub.closed():
        for _ in range(3):
            room.publish()
            clock.advance(timedelta(minutes=9))
    room.publish()
    lines = [(h.kind, h.detail) for h in room.app.log(50) if h.channel == "websub"]
    assert [kind for kind, _ in lines] == ["deferred", "pinged"]
    assert lines[1][1] == f"{hub.url} was told of 6 feeds"
