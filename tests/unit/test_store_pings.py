"""What a hub is owed: two digests a feed, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from dissemination.model import Happening
from dissemination.ports import PingsStore

HUB, OTHER = "https://hub.example/", "https://other.example/"
A, B = "https://news.example/en/all/atom.xml", "https://news.example/en/all/rss.xml"
HOUR = timedelta(hours=1)


@pytest.fixture
def pings(store) -> PingsStore:
    return store.pings


@pytest.fixture
def owe(pings, clock):
    return lambda live, hub=HUB: pings.owe(hub, live, clock.now())


def topics(found):
    return [ping.topic for ping in found]


def failed(clock, detail="why"):
    return Happening(at=clock.now(), kind="failed", channel="websub", detail=detail)


def test_what_is_new_or_differs_is_owed_until_it_is_told(pings, owe):
    assert owe({A: "1", B: "1"}) == 2
    first, second = pings.owed(HUB)
    pings.told(HUB, first)
    assert topics(pings.owed(HUB)) == [B]
    pings.told(HUB, second)
    assert not pings.owed(HUB)
    assert owe({A: "1", B: "1"}) == 0
    assert owe({A: "2", B: "1"}) == 1
    assert topics(pings.owed(HUB)) == [A]


def test_a_document_that_changes_while_its_ping_is_under_way_stays_owed(pings, owe):
    owe({A: "1"})
    (under_way,) = pings.owed(HUB)
    owe({A: "2"})
    pings.told(HUB, under_way)
    (left,) = pings.owed(HUB)
    assert left.digest == "2"


def test_a_document_that_is_again_as_the_hub_knows_it_is_not_owed(pings, owe):
    owe({A: "1"})
    pings.told(HUB, *pings.owed(HUB))
    owe({A: "2"})
    owe({A: "1"})
    assert not pings.owed(HUB)


def test_what_is_owed_already_grows_older_and_what_was_told_begins_anew(pings, owe, clock):
    begun = clock.now()
    owe({A: "1", B: "1"})
    pings.told(HUB, pings.owed(HUB)[1])
    clock.advance(HOUR)
    owe({A: "2", B: "2"})
    assert [(p.topic, p.since) for p in pings.owed(HUB)] == [(A, begun), (B, begun + HOUR)]
    assert [p.not_before for p in pings.owed(HUB)] == [begun + HOUR] * 2


def test_what_is_dropped_comes_back_with_the_next_change_alone(pings, owe, store, clock):
    owe({A: "1", B: "1"})
    pings.drop(HUB, pings.owed(HUB)[:1], "it says no", failed(clock))
    assert topics(pings.owed(HUB)) == [B]
    assert [(p.topic, p.reason) for p in pings.dropped(HUB)] == [(A, "it says no")]
    assert [h.detail for h in store.events.take_untold()] == ["why"]
    assert owe({A: "1"}) == 0
    assert topics(pings.owed(HUB)) == [B]
    clock.advance(HOUR)
    owe({A: "2"})
    assert not pings.dropped(HUB)
    assert {p.topic: p.since for p in pings.owed(HUB)}[A] == clock.now()


def test_a_change_meanwhile_is_not_dropped(pings, owe, clock):
    owe({A: "1"})
    gone = pings.owed(HUB)
    owe({A: "2"})
    pings.drop(HUB, gone, "it says no", failed(clock))
    assert topics(pings.owed(HUB)) == [A]
    assert not pings.dropped(HUB)


def test_dropping_and_its_line_in_the_log_are_one(pings, owe, store, clock):
    owe({A: "1"})
    with pytest.raises((sa.exc.SQLAlchemyError, ValueError)):
        pings.drop(HUB, pings.owed(HUB), "no", Happening(at=clock.now().replace(tzinfo=None), kind="failed"))
    assert topics(pings.owed(HUB)) == [A]
    assert not store.events.latest(9)


def test_another_hub_knows_nothing_yet_and_the_old_one_is_forgotten(pings, owe):
    owe({A: "1"})
    pings.told(HUB, *pings.owed(HUB))
    assert not pings.owed(OTHER)
    owe({A: "1"}, OTHER)
    assert topics(pings.owed(OTHER)) == [A]
    assert not pings.owed(HUB)
    owe({A: "1"})
    assert topics(pings.owed(HUB)) == [A]


def test_the_oldest_first(pings, owe, clock):
    owe({B: "1"})
    clock.advance(HOUR)
    owe({A: "1"})
    assert topics(pings.owed(HUB)) == [B, A]
