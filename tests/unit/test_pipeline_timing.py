"""When posts may go out: pure functions of settings and the instant."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from dissemination.model import DaySpan, dollars
from dissemination.pipeline.timing import Timing, days_later, end_of, month_of

ZONE = "Europe/Bratislava"
NIGHT = DaySpan(time(21), time(7))


def at(*numbers):
    return datetime(*numbers, tzinfo=UTC)


@pytest.mark.parametrize(
    ("span", "inside", "outside"),
    [
        (NIGHT, (time(21), time(23, 59), time(0), time(6, 59, 59)), (time(7), time(12), time(20, 59, 59))),
        (DaySpan(time(12), time(13)), (time(12), time(12, 59)), (time(13), time(11, 59), time(0))),
        (DaySpan(time(0), time(6)), (time(0), time(5, 59)), (time(6), time(23, 59))),
        (DaySpan(time(22), time(0)), (time(22), time(23, 59)), (time(0), time(21, 59))),
    ],
)
def test_a_span_of_the_day_may_reach_over_midnight(span, inside, outside):
    assert all(span.holds(moment) for moment in inside)
    assert not any(span.holds(moment) for moment in outside)


@pytest.mark.parametrize(
    ("asked", "shifted"),
    [
        (at(2026, 11, 16, 12), at(2026, 11, 16, 12)),  # by day nothing moves
        (at(2026, 11, 16, 19, 59, 59), at(2026, 11, 16, 19, 59, 59)),
        (at(2026, 11, 16, 20), at(2026, 11, 17, 6)),  # 21:00 in Bratislava
        (at(2026, 11, 16, 23, 30), at(2026, 11, 17, 6)),  # half past midnight there
        (at(2026, 11, 17, 5, 59), at(2026, 11, 17, 6)),
        (at(2026, 11, 17, 6), at(2026, 11, 17, 6)),
        (at(2026, 7, 1, 20), at(2026, 7, 2, 5)),  # in summer the same wall time is an hour earlier
        (at(2026, 3, 28, 21), at(2026, 3, 29, 5)),  # over the night in which clocks go forward: nine hours of quiet
        (at(2026, 10, 24, 20), at(2026, 10, 25, 6)),  # and over the one in which they go back: eleven
    ],
)
def test_what_falls_into_quiet_hours_waits_for_their_end_on_the_wall_clock(asked, shifted):
    assert Timing(timezone=ZONE, quiet=NIGHT).shifted(asked) == shifted


def test_nothing_is_ever_moved_to_earlier_and_the_end_is_never_quiet():
    spans = [NIGHT, DaySpan(time(1), time(2, 30)), DaySpan(time(2, 15), time(2, 45)), DaySpan(time(2, 30), time(2))]
    for span in spans:
        timing = Timing(timezone=ZONE, quiet=span)
        for start in (at(2026, 3, 28, 12), at(2026, 10, 24, 12)):  # around both changes of clocks
            for minutes in range(0, 36 * 60, 7):
                asked = start + timedelta(minutes=minutes)
                moved = timing.shifted(asked)
                # The half hour that is not quiet may be jumped over, and the next comes a day later.
                assert asked <= moved <= asked + timedelta(hours=49)
                assert timing.shifted(moved) == moved


def test_an_end_that_the_clocks_jump_over_comes_when_they_have_jumped():
    quiet = DaySpan(time(1), time(2, 30))  # 02:30 does not exist on 29 March 2026
    assert Timing(timezone=ZONE, quiet=quiet).shifted(at(2026, 3, 29, 0, 30)) == at(2026, 3, 29, 1, 30)


def test_without_quiet_hours_nothing_moves():
    assert Timing(timezone=ZONE).shifted(at(2026, 11, 16, 23)) == at(2026, 11, 16, 23)


def test_rates_are_buckets_of_the_account():
    now = at(2026, 11, 16, 23, 30)  # the 17th in Bratislava
    timing = Timing(timezone=ZONE, gap=1800, per_hour=4, per_day=10)
    made = timing.rates("x", now)
    assert set(made) == {"post:x:gap", "post:x:hour", "post:x:day:2026-11-17"}
    assert (made["post:x:gap"].count, made["post:x:gap"].seconds, made["post:x:gap"].burst) == (1, 1800, 1)
    assert made["post:x:day:2026-11-17"].until == at(2026, 11, 17, 23)
    assert Timing().rates("x", now) == {}


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 60])
def test_no_hour_ever_has_more_than_it_may(count, store, clock):
    """Asked for every minute for three hours, on the very bucket of the store."""
    rates = Timing(per_hour=count).rates("x", clock.now())
    taken = []
    for _ in range(3 * 60):
        if store.quotas.take("post:x:hour", 1, rates["post:x:hour"]).count:
            taken.append(clock.now())
        clock.sleep(60)
    hour = timedelta(hours=1)
    assert max(sum(first <= moment < first + hour for moment in taken) for first in taken) <= count
    assert len(taken) >= 2 * count  # and it is not slower than it need be


def test_a_reshare_keeps_its_wall_time():
    assert days_later(at(2026, 3, 1, 9), 60, ZONE) == at(2026, 4, 30, 8)  # 10:00 there, both times
    assert days_later(at(2026, 3, 28, 1, 30), 1, ZONE) == at(2026, 3, 29, 1, 30)  # 02:30 is jumped over


def test_a_day_ends_at_its_own_midnight():
    assert end_of(date(2026, 11, 16), ZONE) == at(2026, 11, 16, 23)


def test_networks_bill_by_calendar_month_in_utc():
    assert month_of(at(2026, 12, 31, 23, 59)) == (at(2026, 12, 1), at(2027, 1, 1))
    assert month_of(at(2027, 2, 1)) == (at(2027, 2, 1), at(2027, 3, 1))


@pytest.mark.parametrize(
    ("price", "said"), [(200_000, "0.20 USD"), (15_000, "0.015 USD"), (0, "0.00 USD"), (5_000_000, "5.00 USD")]
)
def test_prices_are_said_in_dollars(price, said):
    assert dollars(price) == said
