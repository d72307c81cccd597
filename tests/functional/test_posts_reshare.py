"""Once more, in other words: each re-share is a publication of its own, approved on its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from dissemination.errors import RejectedError
from dissemination.model import Carries, Limits, PostOverride, Repeat, Reshare, State
from dissemination.pipeline.approve import approve, cancel
from dissemination.pipeline.content import post
from dissemination.pipeline.plan import plan
from dissemination.pipeline.publish import publish
from dissemination.pipeline.timing import Timing
from dissemination.testing import MemoryChannel

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
POST = {"channels": {"x": "auto"}}
TWICE = Reshare(every=60, times=2, texts=("Do you remember?", "Half a year ago"))
DAY = timedelta(days=1)


def until(house, moment):
    house.clock.advance(moment - house.clock.now())


def out(house, *ids):
    approve(house.parts, ids, who="ana")
    publish(house.parts, house.stop)


def texts(house):
    return [message.body.text for message in house.x.sent]


def xs(house):
    return {
        row.subject: row.state.value for row in house.store.publications.latest().values() if row.channel == "x"
    }


def test_it_is_planned_once_the_one_before_is_out(house):
    house.item("a", reshare=TWICE, **POST)
    plan(house.parts)
    assert xs(house) == {"a": "in_review"}
    out(house, "a")
    plan(house.parts)
    assert xs(house) == {"a": "published", "a~1": "in_review"}
    row = house.one("a~1", "x")
    assert (row.key, row.items, row.title) == ("a~1:x:1", ("a",), "Title of a (again, 1 of 2)")
    assert row.when == datetime(2027, 1, 15, 9, 0, tzinfo=UTC)


def test_each_goes_out_in_its_own_words_a_while_after_the_one_before(house):
    house.item("a", reshare=TWICE, **POST)
    out(house, "a")
    plan(house.parts)
    out(house, "a~1")
    assert len(texts(house)) == 1  # approved, and not yet due
    until(house, datetime(2027, 1, 15, 9, 0, tzinfo=UTC))
    publish(house.parts, house.stop)
    plan(house.parts)
    assert house.one("a~2", "x").when == datetime(2027, 3, 16, 9, 0, tzinfo=UTC)
    out(house, "a~2")
    until(house, datetime(2027, 3, 16, 9, 0, tzinfo=UTC))
    publish(house.parts, house.stop)
    plan(house.parts)
    assert texts(house)[1:] == list(TWICE.texts)
    assert [message.key for message in house.x.sent] == ["a:x:1", "a~1:x:1", "a~2:x:1"]
    until(house, datetime(2028, 1, 1, tzinfo=UTC))
    plan(house.parts)
    assert set(xs(house)) == {"a", "a~1", "a~2"}


def test_approving_the_item_does_not_approve_its_reshares(house):
    house.item("a", reshare=TWICE, **POST)
    out(house, "a")
    plan(house.parts)
    out(house, "a")
    assert xs(house)["a~1"] == "in_review"


def test_it_keeps_its_wall_time_over_a_change_of_clocks(house):
    house.item("a", reshare=Reshare(every=150, times=1, texts=("Spring",)), **POST)
    out(house, "a")
    plan(house.parts)
    assert house.one("a~1", "x").when == datetime(2027, 4, 15, 8, 0, tzinfo=UTC)  # summer time


def test_it_carries_the_link(house):
    house.item("a", reshare=TWICE, canonical_url="https://portal.example/a", **POST)
    seen = {}
    plain = house.renderer.post

    def spied(item, network, limits, pictures, posting):
        seen[item.posts[network].text if network in item.posts else ""] = item.posts.get(network)
        return plain(item, network, limits, pictures, posting)

    house.renderer.post = spied
    out(house, "a")
    plan(house.parts)
    assert seen["Do you remember?"].link == "https://portal.example/a"


def test_what_the_post_said_in_a_thread_is_not_said_again(house):
    house.x = MemoryChannel(Limits(carries=Carries.POST, max_length=500, threads=True, repeat=Repeat.LOOK))
    house.change(channels={**house.parts.channels, "x": house.x})
    override = PostOverride(
        text="First", reply_chain=("more",), at=NOW, warning="Loud", image="a.png", alt="A table"
    )
    house.x.limits = replace(house.x.limits, threads=True)
    house.item("a", posts={"x": override}, reshare=TWICE, **POST)
    out(house, "a")
    plan(house.parts)
    approve(house.parts, ["a~1"], who="ana")
    made = post(house.store.contents.body(house.one("a~1", "x").content))
    assert (made.text, made.thread) == ("Do you remember?", ())


def test_it_ends_with_its_last_day(house):
    house.item("a", reshare=Reshare(every=60, times=2, until=date(2027, 1, 15), texts=("One", "Two")), **POST)
    out(house, "a")
    plan(house.parts)
    assert "a~1" in xs(house)
    house.item("a", reshare=Reshare(every=60, times=2, until=date(2027, 1, 14), texts=("One", "Two")), **POST)
    plan(house.parts)
    assert "a~1" not in xs(house)


@pytest.mark.parametrize("facts", [{"expires_at": NOW + 59 * DAY}, {"project_end": date(2026, 12, 31)}])
def test_it_ends_with_the_item_and_with_the_project(house, facts):
    if "project_end" in facts:
        house.change(end=facts["project_end"])
    expiry = {name: value for name, value in facts.items() if name == "expires_at"}
    house.item("a", reshare=TWICE, **(POST | expiry))
    out(house, "a")
    plan(house.parts)
    assert "a~1" not in xs(house)


def test_one_that_is_cancelled_does_not_stop_the_next(house):
    house.item("a", reshare=TWICE, **POST)
    out(house, "a")
    plan(house.parts)
    cancel(house.parts, ["a~1"], who="ana")
    plan(house.parts)
    assert xs(house) == {"a": "published", "a~1": "cancelled", "a~2": "in_review"}
    assert house.one("a~2", "x").when == datetime(2027, 3, 16, 9, 0, tzinfo=UTC)


def test_one_that_nobody_approved_is_missed_and_the_next_goes_on(house):
    house.item("a", reshare=TWICE, **POST)
    out(house, "a")
    plan(house.parts)
    until(house, NOW + 61 * DAY)
    plan(house.parts)
    plan(house.parts)
    assert xs(house) == {"a": "published", "a~1": "missed", "a~2": "in_review"}


def test_one_that_failed_is_not_a_reason_to_be_silent(house):
    house.item("a", reshare=TWICE, **POST)
    out(house, "a")
    plan(house.parts)
    house.x.program("a~1:x:1", RejectedError("x: no"))
    approve(house.parts, ["a~1"], who="ana")
    until(house, NOW + 60 * DAY)
    publish(house.parts, house.stop)
    plan(house.parts)
    assert xs(house) == {"a": "published", "a~1": "failed", "a~2": "in_review"}


def test_who_asks_for_it_long_afterwards_gets_it_on_approval(house):
    house.item("a", **POST)
    out(house, "a")
    until(house, NOW + 200 * DAY)
    house.item("a", reshare=TWICE, **POST)
    plan(house.parts)
    plan(house.parts)
    assert xs(house) == {"a": "published", "a~1": "in_review"}
    assert house.one("a~1", "x").when is None
    out(house, "a~1")
    assert texts(house)[-1] == "Do you remember?"


def test_a_text_changed_after_the_approval_lapses_it(house):
    house.item("a", reshare=TWICE, **POST)
    out(house, "a")
    plan(house.parts)
    approve(house.parts, ["a~1"], who="ana")
    house.item("a", reshare=Reshare(every=60, times=2, texts=("Quite another", "Half a year ago")), **POST)
    plan(house.parts)
    assert house.one("a~1", "x").state is State.IN_REVIEW
    assert "lapsed" in house.kinds()


def test_it_takes_slots_like_any_post(house):
    house.change(timing={"x": Timing(slots=("0 10 * * tue",), timezone="Europe/Bucharest")})
    house.item("a", reshare=TWICE, **POST)
    out(house, "a")
    until(house, datetime(2026, 11, 17, 8, 0, tzinfo=UTC))
    publish(house.parts, house.stop)
    plan(house.parts)
    row = house.one("a~1", "x")
    assert row.slotted
    assert row.when == datetime(2027, 1, 19, 8, 0, tzinfo=UTC)  # the first Tuesday sixty days later
    house.item("b", **POST)
    plan(house.parts)
    assert house.one("b", "x").when == datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


def test_a_slot_at_the_very_day_is_taken(house):
    house.change(timing={"x": Timing(slots=("0 10 * * tue",), timezone="Europe/Bucharest")})
    house.item("a", reshare=Reshare(every=14, times=1, texts=("Again",)), **POST)
    out(house, "a")
    until(house, datetime(2026, 11, 17, 8, 0, tzinfo=UTC))
    publish(house.parts, house.stop)
    plan(house.parts)
    assert house.one("a~1", "x").when == datetime(2026, 12, 1, 8, 0, tzinfo=UTC)


def test_each_network_has_its_own_rhythm(house):
    other = MemoryChannel(Limits(carries=Carries.POST, max_length=500, repeat=Repeat.LOOK))
    house.change(channels={**house.parts.channels, "y": other})
    house.item("a", reshare=TWICE, channels={"x": "auto", "y": "auto"})
    out(house, "a:x")
    plan(house.parts)
    assert house.states() == {"a:x:1": "published", "a~1:x:1": "in_review", "a:y:1": "in_review"}


def test_a_switched_off_network_is_left_alone(house):
    house.item("a", reshare=TWICE, **POST)
    out(house, "a")
    plan(house.parts)
    house.item("a", reshare=TWICE, channels={"x": "off"})
    plan(house.parts)
    assert xs(house) == {"a": "published"}
