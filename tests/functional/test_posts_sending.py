"""Quiet hours, gaps and rates move what is due to later; a network's own wish is kept to; the cap holds posts."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from dissemination.errors import NeedsLoginError, RejectedError, UnavailableError
from dissemination.model import Carries, DaySpan, Limits, Part, PostOverride, Refused, Repeat, State, Terms
from dissemination.pipeline.approve import approve
from dissemination.pipeline.outcome import back_off
from dissemination.pipeline.plan import plan
from dissemination.pipeline.publish import Ticks, publish
from dissemination.pipeline.timing import Timing, bills
from dissemination.testing import MemoryChannel

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)  # a Monday, 11:00 in Bucharest
ZONE = "Europe/Bucharest"
POST = {"channels": {"x": "auto"}}
NIGHT = Timing(timezone=ZONE, quiet=DaySpan(time(21), time(7)))
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


class PricedChannel(MemoryChannel):
    """A network that bills 0.20 USD for each post."""

    monthly_cap: int | None = None
    each = 200_000

    def price(self, post) -> int:
        return self.each


def timed(house, **facts):
    house.change(timing={"x": Timing(timezone=ZONE, **facts)})


def approved(house, *names, **changes):
    for name in names:
        house.item(name, **(POST | changes))
    approve(house.parts, names, who="ana")


def until(house, moment):
    house.clock.advance(moment - house.clock.now())


def send(house):
    return publish(house.parts, house.stop).posts


def sent(house):
    return [message.key.partition(":")[0] for message in house.x.sent]


# -------------------------------------------------------------------------------------------- quiet hours


def test_what_is_approved_at_night_goes_out_in_the_morning(house):
    house.change(timing={"x": NIGHT})
    until(house, datetime(2026, 11, 16, 20, 0, tzinfo=UTC))
    approved(house, "a")
    assert house.one("a", "x").due_at == datetime(2026, 11, 17, 5, 0, tzinfo=UTC)
    assert send(house) == 0
    until(house, datetime(2026, 11, 17, 5, 0, tzinfo=UTC))
    assert send(house) == 1


def test_what_was_due_before_the_night_and_could_not_go_waits_for_its_end(house):
    """Its grace counts from then on: it is not missed for having waited."""
    house.change(timing={"x": NIGHT})
    approved(house, "a", publish_at=datetime(2026, 11, 16, 18, 50, tzinfo=UTC))
    house.parts.store.controls.pause("x", who="ana", reason="")
    until(house, datetime(2026, 11, 16, 18, 55, tzinfo=UTC))
    send(house)
    until(house, datetime(2026, 11, 16, 19, 30, tzinfo=UTC))
    house.parts.store.controls.resume("x", who="ana")
    assert send(house) == 0
    row = house.one("a", "x")
    assert (row.state, row.due_at) == (State.SCHEDULED, datetime(2026, 11, 17, 5, 0, tzinfo=UTC))
    assert row.reason == "waits for the end of quiet hours"
    until(house, datetime(2026, 11, 17, 10, 59, tzinfo=UTC))  # almost six hours after the end of the night
    assert send(house) == 1


def test_a_retry_does_not_go_out_at_night_either(house):
    house.change(timing={"x": NIGHT})
    until(house, datetime(2026, 11, 16, 18, 59, 30, tzinfo=UTC))
    house.x.program("a:x:1", UnavailableError("x: full"))
    approved(house, "a")
    send(house)
    until(house, datetime(2026, 11, 16, 23, 0, tzinfo=UTC))
    assert send(house) == 0
    until(house, datetime(2026, 11, 17, 5, 0, tzinfo=UTC))
    assert send(house) == 1


def test_half_a_thread_goes_on_over_night_and_above_the_cap(house):
    """Its first part is out already: neither quiet hours nor the cap leave it standing so."""
    made = PricedChannel(Limits(carries=Carries.POST, max_length=500, threads=True, repeat=Repeat.LOOK))
    house.change(channels={**house.parts.channels, "x": made}, timing={"x": NIGHT})
    approved(house, "a", posts={"x": PostOverride(text="One", reply_chain=("Two",))})
    row = house.one("a", "x")
    house.store.publications.sync((), [(row, replace(row, parts=(Part("1"),), attempts=1))])
    made.monthly_cap = 0
    until(house, datetime(2026, 11, 16, 20, 0, tzinfo=UTC))
    assert send(house) == 1


def test_quiet_hours_are_for_posts_alone(house):
    house.change(timing=dict.fromkeys(("x", "feed", "email"), NIGHT))
    until(house, datetime(2026, 11, 16, 20, 0, tzinfo=UTC))
    house.people(2)
    house.item("a", channels={"feed": "auto", "newsletter": "flash"})
    approve(house.parts, [], who="ana", everything=True)
    tally = publish(house.parts, house.stop)
    assert (tally.feeds, tally.mails) == (1, 2)


def test_one_channels_night_is_not_the_others(house):
    other = MemoryChannel(Limits(carries=Carries.POST, max_length=500, repeat=Repeat.LOOK))
    house.change(channels={**house.parts.channels, "y": other}, timing={"x": NIGHT})
    until(house, datetime(2026, 11, 16, 20, 0, tzinfo=UTC))
    approved(house, "a", channels={"x": "auto", "y": "auto"})
    assert send(house) == 1
    assert len(other.sent) == 1


def test_ticks_do_not_read_the_news_again_and_again_through_the_night(house):
    house.change(timing={"x": NIGHT})
    until(house, datetime(2026, 11, 16, 18, 59, tzinfo=UTC))
    approved(house, "a")
    house.parts.store.controls.pause("x", who="ana", reason="")
    until(house, datetime(2026, 11, 16, 19, 1, tzinfo=UTC))
    ticks = Ticks(house.parts, house.stop)
    ticks.tick()
    house.parts.store.controls.resume("x", who="ana")
    ticks.tick()
    assert house.store.publications.due(house.clock.now()) == []


# -------------------------------------------------------------------------------------------- gap and rates


def test_two_posts_of_an_account_keep_their_gap(house):
    timed(house, gap=1800)
    approved(house, "a", "b", "c")
    assert send(house) == 1
    assert house.one("b", "x").due_at >= NOW + timedelta(minutes=30)
    assert house.one("b", "x").reason == "waits for the rates of x"
    times = []
    for _ in range(7):
        house.clock.advance(10 * MINUTE + timedelta(seconds=1))
        times += [house.clock.now()] * send(house)
    assert sent(house) == ["a", "b", "c"]
    assert [round((moment - NOW) / MINUTE) for moment in times] == [30, 60]


def test_waiting_for_the_gap_is_not_being_late(house):
    """Nine posts with an hour between two of them: the last has waited longer than its grace, and is not missed."""
    timed(house, gap=3600)
    approved(house, *(f"n{number:02}" for number in range(9)))
    for _ in range(12):
        send(house)
        house.clock.advance(HOUR + timedelta(seconds=1))
    assert len(sent(house)) == 9
    assert set(house.states().values()) == {"published"}


def test_the_gap_is_the_accounts_and_not_the_processs(house):
    timed(house, gap=1800)
    approved(house, "a", "b")
    second = type(house)(house.store, house.clock)  # another process on the same database
    second.change(timing=house.parts.rules.timing, owner="second", channels=house.parts.channels)
    second.source.items = house.source.items
    assert send(house) + send(second) == 1


@pytest.mark.parametrize("error", [UnavailableError("x: full"), RejectedError("x: no"), NeedsLoginError("x: who?")])
def test_what_did_not_go_out_costs_no_gap(house, error):
    timed(house, gap=1800, per_hour=1, per_day=1)
    house.x.program("a:x:1", error)
    approved(house, "a", "b")
    send(house)
    house.parts.store.controls.resume("x", who="ana")
    send(house)
    assert len(sent(house)) == 1


def test_no_more_than_so_many_a_day(house):
    timed(house, per_day=2)
    approved(house, "a", "b", "c")
    assert send(house) == 2
    assert house.one("c", "x").due_at - datetime(2026, 11, 16, 22, 0, tzinfo=UTC) < timedelta(seconds=1)
    house.clock.advance(12 * HOUR)
    assert send(house) == 0
    until(house, datetime(2026, 11, 16, 22, 0, 1, tzinfo=UTC))  # midnight in Bucharest
    assert send(house) == 1


def test_no_more_than_so_many_an_hour(house):
    timed(house, per_hour=2)
    approved(house, *(f"n{number}" for number in range(6)))
    moments = []
    for _ in range(48):
        moments += [house.clock.now()] * send(house)
        house.clock.advance(5 * MINUTE)
    assert len(moments) == 6
    assert max(sum(first <= each < first + HOUR for each in moments) for first in moments) <= 2


def test_a_paused_channel_spends_no_rate(house):
    timed(house, per_day=1)
    approved(house, "a")
    house.parts.store.controls.pause("x", who="ana", reason="")
    assert house.store.publications.begin("a:x:1", "other", 60, _terms(house)) is None
    house.parts.store.controls.resume("x", who="ana")
    assert send(house) == 1


def _terms(house):
    return Terms(rates=house.parts.rules.timing["x"].rates("x", house.clock.now()))


# -------------------------------------------------------------------------------------------- the network's wish


def test_a_network_that_asks_to_wait_gets_nothing_else_meanwhile(house):
    house.x.program("a:x:1", UnavailableError("x: 429", retry_at=NOW + HOUR))
    approved(house, "a", "b")
    send(house)
    assert house.x.attempts == ["a:x:1"]
    house.clock.advance(HOUR - MINUTE)
    assert send(house) == 0
    assert house.x.attempts == ["a:x:1"]
    house.clock.advance(2 * MINUTE)
    assert send(house) == 2


def test_another_process_knows_that_wish_too(house):
    house.x.program("a:x:1", UnavailableError("x: 429", retry_at=NOW + HOUR))
    approved(house, "a")
    send(house)
    second = type(house)(house.store, house.clock)
    second.item("b", **POST)
    second.source.items += house.source.items
    approve(second.parts, ["b"], who="ana")
    assert send(second) == 0
    assert second.x.attempts == []


def test_other_networks_go_on(house):
    other = MemoryChannel(Limits(carries=Carries.POST, max_length=500, repeat=Repeat.LOOK))
    house.change(channels={**house.parts.channels, "y": other})
    house.x.program("a:x:1", UnavailableError("x: 429", retry_at=NOW + HOUR))
    approved(house, "a", channels={"x": "auto", "y": "auto"})
    assert send(house) == 1


@pytest.mark.parametrize("days", [2, 400, 365_000])
def test_a_wish_is_kept_for_a_day_at_most(house, days):
    house.x.program("a:x:1", UnavailableError("x: 429", retry_at=NOW + timedelta(days=days)))
    approved(house, "a")
    send(house)
    assert house.one("a", "x").not_before == NOW + timedelta(hours=24)
    house.clock.advance(timedelta(hours=24))
    assert send(house) == 1


def test_a_wish_in_the_past_is_none(house):
    house.x.program("a:x:1", UnavailableError("x: 429", retry_at=NOW - HOUR))
    approved(house, "a", "b")
    assert send(house) == 1  # b at once, a after our own wait
    assert NOW < house.one("a", "x").not_before < NOW + 2 * MINUTE


def test_an_earlier_wish_does_not_shorten_a_later_one(store, clock):
    store.publications.close("post:x:closed", NOW + HOUR)
    store.publications.close("post:x:closed", NOW + MINUTE)
    refused = store.publications.begin("none", "owner", 60, Terms(closed="post:x:closed"))
    assert isinstance(refused, Refused)
    assert refused.wait == pytest.approx(3600)
    clock.advance(HOUR)
    assert store.publications.begin("none", "owner", 60, Terms(closed="post:x:closed")) is None


def test_a_wish_that_a_wrong_clock_wrote_down_closes_nothing_for_years(house):
    house.store.publications.close("post:x:closed", NOW + timedelta(days=4000))
    approved(house, "a")
    assert send(house) == 1


def test_back_off_never_waits_longer_than_a_day():
    assert back_off(NOW, "a", 1, NOW + timedelta(days=9)) == NOW + timedelta(hours=24)
    assert back_off(NOW, "a", 1, NOW + HOUR) == NOW + HOUR


# -------------------------------------------------------------------------------------------- money


@pytest.fixture
def priced(house):
    made = PricedChannel(Limits(carries=Carries.POST, max_length=500, repeat=Repeat.LOOK))
    house.x = made
    house.change(channels={**house.parts.channels, "x": made})
    return house


def test_the_price_is_set_at_rendering(priced):
    priced.item("a", **POST)
    plan(priced.parts)
    assert priced.one("a", "x").price == 200_000


def test_another_price_is_known_as_soon_as_settings_change(priced):
    approved(priced, "a")
    priced.x.each = 15_000
    priced.change(fingerprint="two")
    plan(priced.parts)
    row = priced.one("a", "x")
    assert (row.price, row.state) == (15_000, State.SCHEDULED)


def test_the_cap_holds_posts_instead_of_sending(priced):
    priced.x.monthly_cap = 500_000
    approved(priced, "a", "b", "c")
    assert send(priced) == 2
    row = priced.one("c", "x")
    assert row.state is State.SCHEDULED
    assert row.reason == (
        "the monthly cap of 0.50 USD is reached: 0.40 USD are spent in November and this post costs 0.20 USD; "
        "raise channels.x.monthly_cap_usd or wait until 1 December"
    )


def test_what_the_cap_holds_is_never_missed_and_goes_out_in_the_next_month(priced):
    priced.x.monthly_cap = 200_000
    approved(priced, "a", "b")
    for _ in range(15 * 8):
        send(priced)
        priced.clock.advance(3 * HOUR)
    assert priced.clock.now() > datetime(2026, 12, 1, tzinfo=UTC)
    assert sent(priced) == ["a", "b"]
    assert "missed" not in priced.kinds()
    assert priced.one("b", "x").claimed_at == datetime(2026, 12, 1, tzinfo=UTC)


def test_a_raised_cap_counts_within_a_quarter_of_an_hour(priced):
    priced.x.monthly_cap = 200_000
    approved(priced, "a", "b")
    send(priced)
    priced.x.monthly_cap = 400_000
    priced.clock.advance(timedelta(minutes=15))
    assert send(priced) == 1


def test_a_held_post_is_looked_at_now_and_then_and_not_at_every_tick(priced):
    priced.x.monthly_cap = 0
    approved(priced, "a")
    send(priced)
    assert priced.store.publications.due(priced.clock.now()) == []


def test_a_cap_of_nothing_lets_nothing_out_and_none_lets_all(priced):
    priced.x.monthly_cap = 0
    approved(priced, "a")
    assert send(priced) == 0
    priced.x.monthly_cap = None
    priced.clock.advance(HOUR)
    assert send(priced) == 1


def test_posts_in_doubt_and_under_way_count(priced, store):
    priced.x.monthly_cap = 500_000
    approved(priced, "a", "b", "c")
    terms = Terms(cap=500_000, since=datetime(2026, 11, 1, tzinfo=UTC))
    first = store.publications.begin("a:x:1", "owner", 60, terms)
    assert first.state is State.SENDING
    second = store.publications.begin("b:x:1", "owner", 60, terms)
    store.publications.settle(second, replace(second, state=State.IN_DOUBT), ())
    assert store.publications.begin("c:x:1", "owner", 60, terms) == Refused(spent=400_000)


def test_what_failed_costs_nothing(priced):
    priced.x.monthly_cap = 200_000
    priced.x.program("a:x:1", RejectedError("x: no"))
    approved(priced, "a", "b")
    assert send(priced) == 1


def test_last_months_posts_do_not_count(priced):
    priced.x.monthly_cap = 200_000
    until(priced, datetime(2026, 11, 30, 23, 59, tzinfo=UTC))
    approved(priced, "a", "b")
    assert send(priced) == 1
    until(priced, datetime(2026, 12, 1, 0, 0, tzinfo=UTC))
    assert send(priced) == 1


def test_a_dozen_workers_at_once_stay_below_the_cap(priced, store):
    names = [f"n{number:02}" for number in range(12)]
    approved(priced, *names)
    terms = Terms(cap=700_000, since=datetime(2026, 11, 1, tzinfo=UTC))
    begun, gate = [], threading.Barrier(len(names))

    def work(name):
        gate.wait()
        begun.append(store.publications.begin(f"{name}:x:1", name, 60, terms))

    workers = [threading.Thread(target=work, args=(name,)) for name in names]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(not isinstance(each, Refused) for each in begun) == 3


def test_free_posts_go_out_beside_a_cap_that_is_reached(priced):
    priced.x.monthly_cap = 200_000
    approved(priced, "a")
    send(priced)
    priced.x.each = 0
    approved(priced, "b")
    assert send(priced) == 1


def test_the_bill_of_a_month(priced):
    priced.x.monthly_cap = 5_000_000
    approved(priced, "a", "b")
    send(priced)
    priced.item("c", **POST)
    priced.item("d", posts={"x": PostOverride(at=datetime(2026, 12, 1, tzinfo=UTC))}, **POST)
    lines = [line.publication for line in plan(priced.parts).lines]
    (bill,) = bills(priced.parts, [line for line in lines if line.state is not State.PUBLISHED])
    assert (bill.channel, bill.spent, bill.planned, bill.cap) == ("x", 400_000, 200_000, 5_000_000)


# -------------------------------------------------------------------------------------------- while a pass goes on


def meanwhile(house, name, deed):
    """While the post of this item is being sent, the officer does something about another one."""
    send_ = house.x.send

    def slow(message, /, *, key):
        if key.startswith(f"{name}:"):
            deed()
        return send_(message, key=key)

    house.x.send = slow


def test_what_was_put_off_while_others_were_sent_does_not_go_out_with_them(house):
    later = NOW + 24 * HOUR

    def put_off():
        house.item("b", **POST, publish_at=later)
        approve(house.parts, ["b"], who="ana")

    meanwhile(house, "a", put_off)
    approved(house, "a", "b")
    assert send(house) == 1
    assert sent(house) == ["a"]
    assert house.one("b", "x").due_at == later


@pytest.mark.parametrize(("facts", "wait"), [({"gap": 600.0}, HOUR), ({"per_day": 1}, 14 * HOUR)])
def test_what_a_rate_holds_is_not_put_back_to_what_was_approved_before(house, facts, wait):
    timed(house, **facts)

    def reworded():
        house.item("b", **POST, title="New words")
        approve(house.parts, ["b"], who="ana")

    meanwhile(house, "a", reworded)
    approved(house, "a", "b")
    assert send(house) == 1
    assert send(house) == 0
    house.clock.advance(wait)
    assert send(house) == 1
    assert house.x.sent[-1].body.text.startswith("New words")


def test_what_another_process_deferred_meanwhile_keeps_its_wait(house):
    def deferred():
        row = house.one("b", "x")
        house.store.publications.sync((), [(row, replace(row, attempts=1, not_before=NOW + HOUR))])

    meanwhile(house, "a", deferred)
    approved(house, "a", "b")
    assert send(house) == 1
    assert sent(house) == ["a"]


def test_quiet_hours_that_begin_while_others_are_sent_hold_the_rest(house):
    house.change(timing={"x": NIGHT})
    meanwhile(house, "a", lambda: until(house, datetime(2026, 11, 16, 19, 0, tzinfo=UTC)))  # 21:00 in Bucharest
    until(house, datetime(2026, 11, 16, 18, 59, tzinfo=UTC))
    approved(house, "a", "b")
    send(house)
    assert sent(house) == ["a"]
    assert "quiet" in house.one("b", "x").reason
