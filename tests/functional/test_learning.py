"""Servers are asked for their limits once a day, by whoever publishes; what goes wrong with it stops nothing."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from dissemination.errors import NeedsLoginError, UnavailableError
from dissemination.model import Carries, Limits, Repeat, State
from dissemination.pipeline.approve import approve
from dissemination.pipeline.learning import Lessons, learn
from dissemination.pipeline.plan import plan
from dissemination.pipeline.publish import Ticks, publish
from dissemination.testing import MemoryChannel

LIMITS = Limits(carries=Carries.POST, max_length=500, repeat=Repeat.LOOK)


class Pupil(MemoryChannel):
    """A network that tells its limits."""

    def __init__(self):
        super().__init__(LIMITS)
        self.asked = 0
        self.says = LIMITS

    def learn(self):
        self.asked += 1
        if isinstance(self.says, Exception):
            raise self.says
        self.limits = self.says


@pytest.fixture
def pupil(house):
    made = Pupil()
    house.change(channels={**house.parts.channels, "x": made})
    return made


def test_a_server_is_asked_once_a_day_whoever_asks(house, house_class, pupil):
    learn(house.parts)
    other = house_class(house.store, house.clock)
    other.change(channels=house.parts.channels)
    learn(other.parts)
    assert pupil.asked == 1
    house.clock.advance(timedelta(hours=23, minutes=59))
    learn(house.parts)
    assert pupil.asked == 1
    house.clock.advance(timedelta(minutes=1))
    learn(other.parts)
    assert pupil.asked == 2
    assert house.kinds() == []


def test_a_clock_that_was_set_back_does_not_end_the_asking(house, pupil):
    learn(house.parts)
    house.clock.advance(-timedelta(days=300))
    learn(house.parts)
    assert pupil.asked == 2


@pytest.mark.parametrize(
    "error",
    [UnavailableError("x: cannot reach X"), NeedsLoginError("x: no token"), KeyError("configuration")],
    ids=lambda error: type(error).__name__,
)
def test_what_goes_wrong_is_said_once_and_stops_nothing(house, pupil, error):
    pupil.says = error
    house.item()
    approve(house.parts, ["first"], who="ana")
    ticks = Ticks(house.parts, house.stop, Lessons(house.parts))
    ticks.tick()
    assert house.parts.engine.wait(10)
    assert house.one("first", "x").state is State.PUBLISHED
    for _ in range(3):
        house.clock.advance(timedelta(hours=1))
        ticks.tick()
        assert house.parts.engine.wait(10)
    assert pupil.asked == 4
    assert house.kinds().count("not_learnt") == 1
    assert house.store.controls.paused() == {}
    pupil.says = LIMITS
    house.clock.advance(timedelta(hours=1))
    learn(house.parts)
    house.clock.advance(timedelta(hours=2))
    learn(house.parts)
    assert pupil.asked == 5


def test_a_slow_server_keeps_no_post_waiting(house, pupil):
    asked, answered = threading.Event(), threading.Event()
    pupil.learn = lambda: (asked.set(), answered.wait(10))
    ticks = Ticks(house.parts, house.stop, Lessons(house.parts))
    ticks.tick()
    assert asked.wait(10)
    house.item()
    approve(house.parts, ["first"], who="ana")
    assert ticks.tick().posts == 1
    answered.set()
    assert ticks.end(10)


def test_what_the_vault_holds_of_old_is_no_obstacle(house, pupil):
    for junk in ({}, {"at": "yesterday"}, {"at": 17}):
        house.store.vault("x").write("pipeline: learnt", junk)
        learn(house.parts)
    assert pupil.asked == 3


# ------------------------------------------------------------------------------------------------ what follows


def widened(house, pupil, **changes):
    pupil.says = replace(LIMITS, **changes)
    house.clock.advance(timedelta(days=1))
    learn(house.parts)


@pytest.fixture
def counting(house):
    """Posts know their limit, as the real renderer's do."""
    post = house.renderer.post

    def rendering(item, network, limits, *rest):
        made = post(item, network, limits, *rest)
        return replace(made, text=made.text[: limits.max_length], limit=limits.max_length)

    house.renderer.post = rendering
    return house


def test_new_limits_render_anew_what_nobody_approved(counting, pupil):
    counting.item()
    plan(counting.parts)
    before = counting.one("first", "x")
    widened(counting, pupil, max_length=20)
    plan(counting.parts)
    after = counting.one("first", "x")
    assert (before.state, after.state) == (State.IN_REVIEW, State.IN_REVIEW)
    assert before.content != after.content
    assert before.source != after.source


def test_wider_limits_lapse_no_approval(counting, pupil):
    counting.item()
    approve(counting.parts, ["first:x"], who="ana")
    before = counting.one("first", "x")
    widened(counting, pupil, max_length=5000)
    plan(counting.parts)
    after = counting.one("first", "x")
    assert (after.state, after.content) == (State.SCHEDULED, before.content)
    assert after.source != before.source


def test_limits_that_no_longer_hold_what_was_approved_lapse_it(counting, pupil):
    counting.item()
    approve(counting.parts, ["first:x"], who="ana")
    widened(counting, pupil, max_length=20)
    plan(counting.parts)
    after = counting.one("first", "x")
    assert (after.state, after.reason) == (
        State.IN_REVIEW,
        "what x takes changed after ana approved it",
    )


def test_an_edit_beside_new_limits_lapses_as_usual(counting, pupil):
    counting.item()
    approve(counting.parts, ["first:x"], who="ana")
    counting.item(title="Another title")
    widened(counting, pupil, max_length=5000)
    plan(counting.parts)
    after = counting.one("first", "x")
    assert (after.state, after.reason) == (State.IN_REVIEW, "the text changed after ana approved it")


def test_what_failed_for_its_length_comes_back_to_review(counting, pupil):
    counting.item()
    approve(counting.parts, ["first"], who="ana")
    post = counting.one("first", "x")
    counting.store.publications.sync((), [(post, replace(post, state=State.FAILED, reason="x: too long"))])
    publish(counting.parts, counting.stop)
    assert counting.one("first", "x").state is State.FAILED
    widened(counting, pupil, max_length=20)
    plan(counting.parts)
    assert counting.one("first", "x").state is State.IN_REVIEW
