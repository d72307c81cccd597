"""Rates are kept to by all who share a bucket, on both databases."""

from __future__ import annotations

import itertools
import random
import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dissemination.model import Rate
from dissemination.ports import Quotas
from dissemination.store import Store
from dissemination.store.quotas import _level, available, forget_full, spend

CLOCK = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize("per_second", [3, 50, 700])
def test_a_target_rate_is_hit_within_two_percent_over_a_minute(store, clock, per_second):
    """Several takers, as greedy as they can be, at odd moments."""
    chance, taken = random.Random(per_second), 0
    rate = Rate(count=per_second, burst=per_second)
    takers: list[Quotas] = [store.quotas for _ in range(3)]
    first = takers[0].take("mail", 10**6, rate).count
    assert first == per_second
    end = clock.now() + timedelta(seconds=60)
    while clock.now() < end:
        taken += sum(taker.take("mail", chance.randint(1, 2 * per_second), rate).count for taker in takers)
        clock.advance(min(timedelta(seconds=chance.uniform(0.01, 0.6)), end - clock.now()))
    taken += takers[0].take("mail", 10**6, rate).count
    assert abs(taken - 60 * per_second) <= 0.02 * 60 * per_second


def test_what_is_not_there_is_waited_for_exactly_so_long(store, clock):
    rate = Rate(count=4, burst=2)
    assert store.quotas.take("a", 5, rate).count == 2
    grant = store.quotas.take("a", 5, rate)
    assert grant.count == 0
    assert grant.wait == pytest.approx(0.25)
    clock.advance(timedelta(seconds=grant.wait - 0.001))
    assert store.quotas.take("a", 1, rate).count == 0
    clock.advance(timedelta(seconds=0.001))
    assert store.quotas.take("a", 1, rate).count == 1
    assert store.quotas.take("b", 5, rate).count == 2  # each bucket for itself


def test_a_clock_that_was_wrong_for_a_while_closes_nothing_for_years(store, clock):
    rate = Rate(count=1, seconds=600, burst=1)
    clock.advance(timedelta(days=4000))
    assert store.quotas.take("a", 1, rate).count == 1
    clock.advance(-timedelta(days=4000))
    assert store.quotas.take("a", 1, rate).count == 1
    clock.advance(-timedelta(seconds=30))  # by so little clocks are set right every day
    assert store.quotas.take("a", 1, rate).wait == pytest.approx(630)


def test_a_grant_that_was_enough_waits_for_nothing(store):
    assert store.quotas.take("a", 1, Rate(count=1, burst=3)).wait == 0


def test_a_bucket_outlives_the_process_and_a_full_one_is_forgotten(store, store_target, clock):
    rate = Rate(count=1, seconds=3600, burst=10)
    assert store.quotas.take("a", 10, rate).count == 10
    other = Store(store_target, clock)
    assert other.quotas.take("a", 10, rate).count == 0
    with other.database.write() as connection:
        forget_full(connection, clock.now())
    assert other.quotas.take("a", 10, rate).count == 0
    clock.advance(timedelta(hours=11))
    with other.database.write() as connection:
        forget_full(connection, clock.now())
        assert connection.exec_driver_sql("SELECT count(*) FROM quotas").scalar() == 0
    assert other.quotas.take("a", 100, rate).count == 10
    other.close()


def test_a_counted_bucket_gives_nothing_back_before_its_time_and_is_forgotten_after_it(store, clock):
    """However many a day may see: years of days do not fit between two instants."""
    rate = Rate(count=5_000_000, seconds=86_400, burst=5_000_000, until=clock.now() + timedelta(hours=15))
    assert store.quotas.take("day", 4_999_998, rate).count == 4_999_998
    clock.advance(timedelta(hours=14))
    grant = store.quotas.take("day", 5, rate)
    assert (grant.count, grant.wait) == (2, 3600.0)
    clock.advance(timedelta(hours=1))
    with store.database.write() as connection:
        forget_full(connection, clock.now())
        assert connection.exec_driver_sql("SELECT count(*) FROM quotas").scalar() == 0


@pytest.mark.parametrize("until", [None, timedelta(hours=1)])
def test_what_is_put_back_may_be_taken_again_and_no_more_than_that(store, clock, until):
    rate = Rate(count=1, seconds=3600, burst=10, until=until and clock.now() + until)
    assert store.quotas.take("a", 6, rate).count == 6
    with store.database.write() as connection:
        spend(connection, {"a": (rate, -4)}, clock.now())
        assert available(connection, {"a": rate}, clock.now())["a"].count == 8
        spend(connection, {"a": (rate, -40), "b": (rate, -3)}, clock.now())
        grants = available(connection, {"a": rate, "b": rate}, clock.now())
        assert [grant.count for grant in grants.values()] == [10, 10]


def test_takers_at_the_same_time_get_no_more_than_there_is(store_target, clock):
    stores = [Store(store_target, clock) for _ in range(4)]
    grants = []

    def take(store):
        grants.extend(store.quotas.take("a", 7, Rate(count=1, burst=100)).count for _ in range(10))

    threads = [threading.Thread(target=take, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(grants) == 100
    for store in stores:
        store.close()


@given(
    st.floats(0.01, 5000),
    st.sampled_from([1.0, 60.0, 3600.0, 86_400.0]),
    st.integers(1, 10_000),
    st.lists(st.floats(0, 3600), max_size=20),
)
def test_no_history_gives_more_than_the_rate_and_its_burst(count, seconds, burst, pauses):
    """The arithmetic alone: whatever the pauses, all that is taken fits under the line of the rate."""
    rate, now, full_at, taken = Rate(count=count, seconds=seconds, burst=burst), CLOCK, CLOCK, 0
    for pause in itertools.chain([0.0], pauses):
        now += timedelta(seconds=pause)
        level = _level(full_at, 0, rate, now)
        assert 0 <= level.count <= burst
        assert level.wait > 0
        full_at = max(full_at, now) + timedelta(seconds=level.count * seconds / count)
        taken += level.count
        allowed = burst + (now - CLOCK).total_seconds() * count / seconds
        assert taken <= allowed * 1.000001 + 0.001
