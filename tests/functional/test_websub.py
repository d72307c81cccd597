"""Hubs are told: after the files are live, each changed feed once, until they take it, whatever happens."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest
from newsroom import Newsroom, Pages

from dissemination.channels.hub import WebSubHub
from dissemination.model import Level, Site
from dissemination.pipeline import doctor, websub
from dissemination.settings import WebSection
from dissemination.testing import FixedClock
from dissemination.testing.hub import FakeHub, FakeSubscriber
from dissemination.testing.loopback import FAULTS
from dissemination.web.public.app import make_site
from dissemination.web.public.serving import PublicServer

HOUR = timedelta(hours=1)


@pytest.fixture
def clock():
    return FixedClock()


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
