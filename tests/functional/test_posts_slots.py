"""Weekly slots of a network: given at planning, kept, never given twice, and moved on where nobody approved."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from dissemination.model import Carries, DaySpan, ItemStatus, Limits, PostOverride, Repeat, State
from dissemination.pipeline.approve import approve, cancel
from dissemination.pipeline.plan import plan
from dissemination.pipeline.publish import publish
from dissemination.pipeline.timing import Timing
from dissemination.testing import MemoryChannel

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)  # a Monday
POST = {"channels": {"x": "auto"}}
#: Tuesdays 10:00 and Thursdays 15:30 in Bucharest, which is two hours ahead in winter.
SLOTS = ("0 10 * * tue", "30 15 * * thu")
TUESDAY = datetime(2026, 11, 17, 8, 0, tzinfo=UTC)
THURSDAY = datetime(2026, 11, 19, 13, 30, tzinfo=UTC)
WEEK = timedelta(days=7)


@pytest.fixture
def slots(house):
    house.change(timing={"x": Timing(slots=SLOTS, timezone="Europe/Bucharest")})
    return house


def whens(house):
    return {row.subject: row.when for row in house.store.publications.latest().values() if row.channel == "x"}


def until(house, moment):
    house.clock.advance(moment - house.clock.now())


def test_each_post_takes_the_next_free_slot(slots):
    for name in ("a", "b", "c"):
        slots.item(name, **POST)
    plan(slots.parts)
    assert whens(slots) == {"a": TUESDAY, "b": THURSDAY, "c": TUESDAY + WEEK}
    assert all(slots.one(name, "x").slotted for name in "abc")


def test_it_goes_out_in_its_slot_and_not_before(slots):
    slots.item("a", **POST)
    approve(slots.parts, ["a"], who="ana")
    publish(slots.parts, slots.stop)
    assert slots.x.sent == []
    until(slots, TUESDAY)
    publish(slots.parts, slots.stop)
    assert len(slots.x.sent) == 1


def test_a_slot_once_given_is_kept_whatever_comes_before(slots):
    slots.item("m", **POST)
    plan(slots.parts)
    slots.item("a", **POST)
    plan(slots.parts)
    plan(slots.parts)
    assert whens(slots) == {"m": TUESDAY, "a": THURSDAY}


def test_an_authors_time_comes_before_slots_and_takes_the_slot_it_hits(slots):
    slots.item("a", posts={"x": PostOverride(at=TUESDAY)}, **POST)
    slots.item("b", publish_at=THURSDAY + timedelta(hours=1), **POST)
    slots.item("c", **POST)
    plan(slots.parts)
    assert whens(slots) == {"a": TUESDAY, "b": THURSDAY + timedelta(hours=1), "c": THURSDAY}
    assert not slots.one("a", "x").slotted


def test_a_time_that_an_author_sets_later_moves_what_nobody_agreed_to(slots):
    slots.item("a", **POST)
    plan(slots.parts)
    slots.item("b", posts={"x": PostOverride(at=TUESDAY)}, **POST)
    plan(slots.parts)
    assert whens(slots) == {"a": THURSDAY, "b": TUESDAY}


def test_what_is_agreed_keeps_its_slot_even_then(slots):
    slots.item("a", **POST)
    approve(slots.parts, ["a"], who="ana")
    slots.item("b", posts={"x": PostOverride(at=TUESDAY)}, **POST)
    plan(slots.parts)
    assert whens(slots) == {"a": TUESDAY, "b": TUESDAY}  # both were asked for; settings' gap keeps them apart


def test_what_nobody_approved_in_time_moves_on_instead_of_being_missed(slots):
    slots.item("a", **POST)
    slots.item("b", **POST)
    plan(slots.parts)
    until(slots, TUESDAY)
    plan(slots.parts)
    assert slots.one("a", "x").state is State.IN_REVIEW
    assert whens(slots) == {"a": TUESDAY + WEEK, "b": THURSDAY}
    until(slots, TUESDAY + 3 * WEEK)
    plan(slots.parts)
    assert "missed" not in slots.kinds()
    assert whens(slots) == {"a": THURSDAY + 3 * WEEK, "b": TUESDAY + 4 * WEEK}


def test_what_was_approved_and_slept_through_asks_the_officer(slots):
    slots.item("a", **POST)
    approve(slots.parts, ["a"], who="ana")
    until(slots, TUESDAY + timedelta(hours=7))
    publish(slots.parts, slots.stop)
    assert slots.one("a", "x").state is State.MISSED
    approve(slots.parts, ["a"], who="ana")
    publish(slots.parts, slots.stop)
    assert len(slots.x.sent) == 1


def test_moving_on_lapses_the_approval_of_the_first_of_two(slots):
    slots.change(quorum=2)
    slots.item("a", **POST)
    approve(slots.parts, ["a"], who="ana")
    until(slots, TUESDAY)
    plan(slots.parts)
    assert slots.one("a", "x").approved_by == ()
    approve(slots.parts, ["a"], who="bob")
    approve(slots.parts, ["a"], who="ana")
    assert slots.one("a", "x").due_at == THURSDAY


def test_an_approval_stays_when_nothing_but_time_passes(slots):
    slots.item("a", **POST)
    approve(slots.parts, ["a"], who="ana")
    before = slots.one("a", "x")
    for _ in range(3):
        slots.clock.sleep(3600)
        plan(slots.parts)
    assert slots.one("a", "x") == before


def test_a_cancelled_post_lets_its_slot_go(slots):
    slots.item("a", **POST)
    slots.item("b", **POST)
    plan(slots.parts)
    cancel(slots.parts, ["a"], who="ana")
    slots.item("c", **POST)
    plan(slots.parts)
    assert whens(slots)["c"] == TUESDAY
    assert slots.one("a", "x").state is State.CANCELLED


def test_a_cancelled_post_that_comes_back_finds_its_slot_free(slots):
    slots.item("a", **POST)
    plan(slots.parts)
    cancel(slots.parts, ["a"], who="ana")
    approve(slots.parts, ["a"], who="ana")
    assert slots.one("a", "x").due_at == TUESDAY


@pytest.mark.parametrize("taken", [True, False])
def test_a_cancelled_post_that_comes_back_too_late_goes_out_now(slots, taken):
    slots.item("a", **POST)
    plan(slots.parts)
    cancel(slots.parts, ["a"], who="ana")
    if taken:
        slots.item("b", **POST)
    else:
        until(slots, TUESDAY + timedelta(minutes=1))
    approve(slots.parts, ["a"], who="ana")
    assert slots.one("a", "x").due_at == slots.clock.now()


def test_drafts_take_no_slot(slots):
    slots.item("a", status=ItemStatus.DRAFT, **POST)
    slots.item("b", **POST)
    plan(slots.parts)
    assert whens(slots) == {"a": None, "b": TUESDAY}
    slots.item("a", **POST)
    plan(slots.parts)
    assert whens(slots) == {"a": THURSDAY, "b": TUESDAY}


def test_slots_before_the_embargo_are_not_for_it(slots):
    slots.item("a", embargo_until=TUESDAY + timedelta(hours=1), **POST)
    plan(slots.parts)
    assert whens(slots) == {"a": THURSDAY}


def test_a_slot_after_the_items_end_is_none(slots):
    slots.item("a", expires_at=TUESDAY, **POST)
    plan(slots.parts)
    assert slots.one("a", "x").state is State.DRAFT
    assert "before its slot comes" in slots.one("a", "x").reason


def test_other_slots_in_settings_move_what_is_not_agreed(slots):
    slots.item("a", **POST)
    slots.item("b", **POST)
    plan(slots.parts)
    approve(slots.parts, ["a"], who="ana")
    slots.change(timing={"x": Timing(slots=("0 12 * * wed",), timezone="Europe/Bucharest")})
    plan(slots.parts)
    assert whens(slots) == {"a": TUESDAY, "b": datetime(2026, 11, 18, 10, 0, tzinfo=UTC)}


def test_channels_have_their_own_slots(slots):
    other = MemoryChannel(Limits(carries=Carries.POST, max_length=500, repeat=Repeat.LOOK))
    slots.change(channels={**slots.parts.channels, "y": other})
    slots.change(timing={name: Timing(slots=SLOTS, timezone="Europe/Bucharest") for name in "xy"})
    slots.item("a", channels={"x": "auto", "y": "auto"})
    plan(slots.parts)
    assert slots.one("a", "x").when == slots.one("a", "y").when == TUESDAY


def test_two_that_got_one_slot_by_an_accident_part_again(slots):
    slots.item("a", **POST)
    slots.item("b", **POST)
    plan(slots.parts)
    row = slots.one("b", "x")
    bound = {**row.bound, "time": slots.one("a", "x").bound["time"]}
    # Two processes that planned at the very same moment.
    slots.store.publications.sync((), [(row, replace(row, when=TUESDAY, bound=bound))])
    plan(slots.parts)
    assert whens(slots) == {"a": TUESDAY, "b": THURSDAY}


def test_slots_keep_to_the_wall_clock_over_changes_of_clocks(slots):
    """Every slot of 2026 and 2027, given to two hundred posts: each once, at the same wall time all year."""
    for number in range(200):
        slots.item(f"n{number:03}", **POST)
    plan(slots.parts)
    given = whens(slots)
    assert max(Counter(given.values()).values()) == 1
    walls = {f"{when.astimezone(ZoneInfo('Europe/Bucharest')):%a %H:%M}" for when in given.values()}
    assert walls == {"Tue 10:00", "Thu 15:30"}


@pytest.mark.parametrize(
    ("start", "slot", "expected", "note"),
    [
        # Clocks of Bratislava jump from 02:00 to 03:00 on 29 March 2026, and back from 03:00 on 25 October.
        (datetime(2026, 3, 28, 12, tzinfo=UTC), "30 2 * * sun", datetime(2026, 3, 29, 1, 30, tzinfo=UTC), "gap"),
        (datetime(2026, 10, 24, 12, tzinfo=UTC), "30 2 * * sun", datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "fold"),
    ],
)
def test_a_slot_that_the_clocks_jump_over_or_show_twice_is_noted(house, start, slot, expected, note):
    until(house, start)
    house.change(timing={"x": Timing(slots=(slot,), timezone="Europe/Bratislava")})
    house.item("a", date=start, **POST)
    plan(house.parts)
    assert house.one("a", "x").when == expected
    assert house.one("a", "x").reason.startswith(note)
    house.item("b", date=start, **POST)
    plan(house.parts)
    assert house.one("b", "x").when.weekday() == 6
    assert house.one("b", "x").when > expected + timedelta(days=6)


def test_a_time_in_quiet_hours_is_said_to_go_out_later(house):
    house.change(timing={"x": Timing(timezone="Europe/Bucharest", quiet=DaySpan(time(21), time(7)))})
    house.item("a", publish_at=datetime(2026, 11, 16, 20, 0, tzinfo=UTC), **POST)
    plan(house.parts)
    row = house.one("a", "x")
    assert row.when == datetime(2026, 11, 16, 20, 0, tzinfo=UTC)
    assert row.reason == "these are quiet hours of x: it goes out on Tue 17 Nov at 07:00"
    approve(house.parts, ["a"], who="ana")
    assert house.one("a", "x").due_at == datetime(2026, 11, 17, 5, 0, tzinfo=UTC)
