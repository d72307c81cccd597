"""Settings become buckets of a day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from dissemination.pipeline.rates import Allowance, Pacing

NOW = datetime(2026, 11, 16, 21, 59, tzinfo=UTC)  # one minute before midnight in Bucharest
ZONE = "Europe/Bucharest"


def test_nothing_is_limited_where_nothing_is_said():
    assert not Pacing().at(NOW).total
    assert not Pacing().at(NOW).domains
    assert not Pacing(warm_up=(5,)).at(NOW).total


def test_each_span_has_its_bucket_and_days_begin_at_midnight_of_the_project():
    pacing = Pacing(total=Allowance(per_second=5, per_hour=600, per_day=1000), timezone=ZONE)
    assert list(pacing.at(NOW).total) == ["mail:second", "mail:hour", "mail:day:2026-11-16"]
    assert list(pacing.at(NOW + timedelta(minutes=1)).total)[-1] == "mail:day:2026-11-17"
    assert pacing.next_day(NOW) == NOW + timedelta(minutes=1)


@pytest.mark.parametrize("day", [date(2027, 3, 28), date(2027, 10, 31)])
def test_the_next_day_is_right_when_clocks_change(day):
    morning = datetime(day.year, day.month, day.day, 6, tzinfo=UTC)
    at = Pacing(timezone=ZONE).next_day(morning)
    assert at.tzinfo is UTC
    assert at == datetime(day.year, day.month, day.day, 21 if day.month == 3 else 22, tzinfo=UTC)


@pytest.mark.parametrize("count", [1, 59, 60, 1000, 250_000])
def test_an_hour_has_no_more_than_its_limit_wherever_it_begins(count):
    (rate,) = Pacing(total=Allowance(per_hour=count)).at(NOW).total.values()
    most = rate.burst + rate.count
    assert most <= max(count, 2)
    assert most >= 0.98 * count


def test_a_warm_up_has_a_bucket_on_its_own_days_alone():
    pacing = Pacing(warm_up_starts=date(2026, 11, 16), warm_up=(200, 400), timezone=ZONE)
    days = [pacing.at(NOW + timedelta(days=number)).total for number in (-1, 0, 1, 2)]
    assert [[rate.burst for rate in day.values()] for day in days] == [[], [200], [400], []]
    assert list(days[1]) == ["mail:warm-up:2026-11-16"]


def test_domains_have_buckets_of_their_own():
    pacing = Pacing(domains={"gmail.com": Allowance(per_second=2), "*": Allowance(per_hour=60)})
    rates = pacing.at(NOW).domains
    assert {domain: list(buckets) for domain, buckets in rates.items()} == {"gmail.com": ["second"], "*": ["hour"]}
