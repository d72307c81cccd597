"""A line kept full: windows, stops, late and lost answers, waits by domain, rates. The outer world is in memory."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from dissemination.errors import (
    InDoubtError,
    NeedsLoginError,
    NotBegunError,
    RejectedError,
    UnavailableError,
)
from dissemination.model import DeliveryState, Repeat, State
from dissemination.pipeline.approve import approve, cancel
from dissemination.pipeline.deliver import deliver
from dissemination.pipeline.publish import Ticks, publish
from dissemination.pipeline.rates import Allowance, Pacing
from dissemination.store.schema import subscribers
from dissemination.testing.doubles import MemoryLine

EDITION = "flash-first:email:1"
SENT, FAILED, DEFERRED = DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.DEFERRED
PENDING, IN_DOUBT = DeliveryState.PENDING, DeliveryState.IN_DOUBT


def send(house):
    return publish(house.parts, house.stop).mails


def counts(house):
    return dict(house.store.deliveries.counts(EDITION))


def key(number):
    return f"{EDITION}/{number}"


def state(house):
    return house.one("flash-first", "email").state


def again(house):
    """Another pass, some time later."""
    house.clock.advance(timedelta(minutes=2))
    return send(house)


def live_at(house, domain, each, rest):
    """Whose number leaves this rest has an address at that domain."""
    with house.store.database.write() as connection:
        chosen = subscribers.c.id % each == rest
        connection.execute(sa.update(subscribers).where(chosen).values(domain=domain))


# ------------------------------------------------------------------------------------------------ the line


@pytest.mark.parametrize(("pace", "lag"), [(None, 0), (3, 0), (None, 2), (3, 2)])
@pytest.mark.parametrize("depth", [1, 5, 1000])
@pytest.mark.parametrize("eager", [False, True])
def test_everybody_gets_one_mail_however_answers_come(house, mailer, flash, pace, lag, depth, eager):  # noqa: PLR0917
    mailer.pace, mailer.lag, mailer.depth, mailer.backwards = pace, lag, depth, True
    mailer.eager = eager
    flash(57)
    assert send(house) == 57
    assert sorted(Counter(m.key for m in mailer.sent).values()) == [1] * 57
    assert counts(house) == {SENT: 57}
    assert state(house) is State.PUBLISHED
    (line,) = mailer.lines
    assert line.closed
    assert line.fullest <= min(8, depth)


def test_the_line_stays_full_over_the_end_of_a_batch(house, mailer, flash):
    """Before each answer everything that may be under way is, until nobody is left to be taken up."""
    mailer.depth, mailer.pace = 8, 1
    flash(40)
    seen = []
    original = mailer.send

    def sending(message, /, *, key):
        (line,) = mailer.lines
        seen.append(8 - line.room())
        return original(message, key=key)

    mailer.send = sending
    assert send(house) == 40
    assert min(seen[:30]) >= 4  # a third of the window is written down at once


def test_servers_go_on_while_a_turn_is_written(house, mailer, flash, monkeypatch):
    """Mails whose intent is committed leave in the middle of the next transaction, and each of them once."""
    mailer.depth, mailer.pace, mailer.eager = 8, 1, True
    flash(40)
    carried, original = [], MemoryLine.carry_on

    def carrying(line):
        before = len(mailer.sent)
        original(line)
        carried.append(len(mailer.sent) - before)

    monkeypatch.setattr(MemoryLine, "carry_on", carrying)
    assert send(house) == 40
    assert sum(carried) >= 5
    assert sorted(Counter(m.key for m in mailer.sent).values()) == [1] * 40


def test_what_left_while_a_turn_failed_is_known_all_the_same(house, mailer, flash, monkeypatch):
    """A bug in the middle of a turn: the answers of what left meanwhile are not lost with it."""
    mailer.depth, mailer.pace, mailer.eager = 8, 1, True
    flash(40)
    original, times = MemoryLine.carry_on, itertools.count()

    def failing(line):
        original(line)
        if next(times) == 20:
            raise ZeroDivisionError

    monkeypatch.setattr(MemoryLine, "carry_on", failing)
    with pytest.raises(ZeroDivisionError):
        send(house)
    assert 0 < len(mailer.sent) < 40
    assert counts(house)[SENT] == len(mailer.sent)
    house.clock.advance(timedelta(minutes=3))  # its lease is over
    send(house)
    assert counts(house) == {SENT: 40}
    assert sorted(Counter(m.key for m in mailer.sent).values()) == [1] * 40


@pytest.mark.parametrize("moment", range(20))
def test_a_fault_in_the_middle_of_a_turn_leaves_nobody_in_doubt(house, mailer, flash, monkeypatch, moment):
    """Who was deferred is deferred, whichever statement it struck between; nobody stays under way."""
    mailer.depth, mailer.pace, mailer.eager = 8, 2, True
    flash(20)
    for number in range(0, 20, 4):
        mailer.program(key(number + 1), UnavailableError("greylisted"))
    original, times = MemoryLine.carry_on, itertools.count()

    def failing(line):
        original(line)
        if next(times) == moment:
            raise ZeroDivisionError

    monkeypatch.setattr(MemoryLine, "carry_on", failing)
    with pytest.raises(ZeroDivisionError):
        send(house)
    assert set(counts(house)) <= {SENT, DEFERRED, PENDING}
    assert counts(house).get(SENT, 0) == len(mailer.sent)


def test_a_mail_knows_its_person(house, mailer, flash):
    flash(3)
    send(house)
    mail = mailer.sent[1].body
    assert mail.address == "p1@example.org"
    assert mail.values["unsubscribe_url"] == "https://news.example/u/2"
    number, person = house.recorder.read_bounce(mail.bounce)
    assert person == 2
    assert number == house.store.deliveries.ledger(EDITION, owner="x", lease=9, resend=True).number
    assert mail.date == house.one("flash-first", "email").published_at


def test_letters_share_their_digest_and_a_missing_language_falls_back(house, mailer, flash):
    flash(2)
    with house.store.database.write() as connection:
        connection.exec_driver_sql("UPDATE subscribers SET lang = 'xx' WHERE id = 1")
    send(house)
    first, second = (m.body for m in mailer.sent)
    assert first.letter is second.letter
    assert first.digest == second.digest != ""


# ------------------------------------------------------------------------------------------------ outcomes


def test_each_class_of_answer_means_its_own(house, mailer, flash):
    flash(5)
    mailer.program(key(1), RejectedError("email: 550 5.1.1 no such user"))
    mailer.program(key(2), UnavailableError("email: 451 later"))
    mailer.program(key(3), InDoubtError("email: no answer came"))
    assert send(house) == 2
    assert counts(house) == {SENT: 2, FAILED: 1, DEFERRED: 2}
    (failed,) = house.store.deliveries.people(EDITION, FAILED)
    assert (failed.address, failed.reason) == ("p0@example.org", "email: 550 5.1.1 no such user")
    assert again(house) == 2
    assert counts(house) == {SENT: 4, FAILED: 1}
    assert [m.key for m in mailer.sent].count(key(3)) == 2  # it had arrived: the same message again


def test_where_a_repeat_is_not_safe_doubt_is_kept_for_a_person(house, mailer, flash):
    mailer.limits = replace(mailer.limits, repeat=Repeat.ASK)
    flash(3)
    mailer.program(key(2), InDoubtError("email: no answer came"))
    send(house)
    house.clock.advance(timedelta(hours=1))
    assert send(house) == 0
    assert counts(house) == {SENT: 2, IN_DOUBT: 1}
    assert state(house) is State.IN_DOUBT


def test_waits_grow_and_end_after_the_set_time(house, mailer, flash):
    house.change(give_up=3600.0 * 10)
    flash(1)
    mailer.program(key(1), *[UnavailableError("email: 451 later")] * 50)
    tries = [house.clock.now()]
    send(house)
    while (next_try := house.store.deliveries.next_try(EDITION)) is not None:
        house.clock.advance(next_try - house.clock.now() - timedelta(seconds=1))
        send(house)
        assert len(mailer.attempts) == len(tries)
        house.clock.advance(timedelta(seconds=1))
        send(house)
        tries.append(house.clock.now())
        assert len(mailer.attempts) == len(tries) < 50
    waits = [(b - a) / timedelta(minutes=1) for a, b in itertools.pairwise(tries)]
    assert waits == sorted(waits)
    assert waits[0] <= 2
    assert 8 <= len(tries) <= 11
    assert counts(house) == {FAILED: 1}
    (failed,) = house.store.deliveries.people(EDITION, FAILED)
    assert failed.reason == f"email: 451 later (tried {len(tries)} times)"
    assert failed.attempts == len(tries)


def test_the_mails_of_one_domain_wait_together_and_others_go_on(house, mailer, flash):
    flash(9)
    live_at(house, "slow.example", 3, 0)
    live_at(house, "other.example", 3, 1)
    for number in (1, 3, 6, 9):
        mailer.program(key(number), UnavailableError("email: 451 later"))
    assert send(house) == 5
    deferred = list(house.store.deliveries.people(EDITION, DEFERRED))
    times = {one.address: one.not_before for one in deferred}
    assert times["p2@example.org"] == times["p5@example.org"] == times["p8@example.org"]
    assert times["p0@example.org"] != times["p2@example.org"]
    first = min(times.values())
    assert house.store.deliveries.next_try(EDITION) == first
    house.clock.advance(first - house.clock.now() - timedelta(seconds=1))
    assert send(house) == 0
    house.clock.advance(timedelta(seconds=1))
    assert send(house) == sum(then == first for then in times.values())


def test_a_server_that_names_its_time_is_not_asked_before(house, mailer, flash):
    flash(1)
    at = house.clock.now() + timedelta(hours=2)
    mailer.program(key(1), UnavailableError("email: 450 greylisted", retry_at=at))
    send(house)
    assert house.store.deliveries.next_try(EDITION) == at


# ------------------------------------------------------------------------------------------------ a closed way


def test_a_closed_way_out_puts_the_edition_off_and_counts_no_attempt(house, mailer, flash):
    flash(40)
    mailer.program("", *[NotBegunError("email: connection refused")] * 100)
    assert send(house) == 0
    assert len(mailer.attempts) == 8
    assert counts(house) == {PENDING: 40}
    row = house.one("flash-first", "email")
    assert row.reason.startswith("email: connection refused; it goes on at 2026-11-16 09:0")
    assert send(house) == 0
    assert len(mailer.attempts) == 8  # not hammered
    waits = []
    for _ in range(8):
        row = house.one("flash-first", "email")
        waits.append(row.not_before - house.clock.now())
        house.clock.advance(waits[-1])
        send(house)
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(minutes=15)
    mailer._answers.clear()
    house.clock.advance(timedelta(minutes=15))
    original, reasons = mailer.send, set()

    def sending(message, /, *, key):
        reasons.add(house.one("flash-first", "email").reason)
        return original(message, key=key)

    mailer.send = sending
    assert send(house) == 40
    assert reasons == {""}
    assert {one.attempts for one in house.store.deliveries.people(EDITION, SENT)} == {1}
    assert house.one("flash-first", "email").reason == ""


def test_a_server_that_defers_everybody_is_left_alone_after_a_window(house, mailer, flash):
    flash(40)
    mailer.program("", *[UnavailableError("email: 451 overloaded")] * 100)
    send(house)
    assert 8 <= len(mailer.attempts) <= 16
    assert house.one("flash-first", "email").not_before is not None


def test_other_work_goes_on_while_the_way_out_is_closed(house, mailer, flash):
    flash(2)
    mailer.program("", *[NotBegunError("email: connection refused")] * 2)
    send(house)
    house.item("second", channels={"x": "auto", "newsletter": "none"})
    approve(house.parts, [], who="ana", everything=True)
    assert publish(house.parts, house.stop).posts == 1


def test_missing_credentials_pause_the_channel_and_hand_everybody_back(house, mailer, flash):
    flash(30)
    mailer.program("", *[NeedsLoginError("email: 535 wrong password")] * 100)
    assert send(house) == 0
    assert counts(house) == {PENDING: 30}
    assert "535" in house.store.controls.paused()["email"]
    assert "needs_login" in house.kinds()
    mailer._answers.clear()
    house.store.controls.resume("email", who="ana")
    assert send(house) == 30


def test_one_that_was_not_begun_goes_out_in_the_same_pass(house, mailer, flash):
    mailer.lag, mailer.pace = 1, 1
    flash(12)
    mailer.program(key(2), NotBegunError("email: that server closed"))
    assert send(house) == 12
    assert [one.attempts for one in house.store.deliveries.people(EDITION, SENT)] == [1] * 12


# ------------------------------------------------------------------------------------------------ stops


@pytest.mark.parametrize("how", ["pause", "cancel", "stop"])
def test_a_stop_takes_effect_within_one_window(house, mailer, flash, how):
    mailer.pace = 1
    flash(60)
    original = mailer.send

    def sending(message, /, *, key):
        if len(mailer.sent) == 20:
            if how == "pause":
                house.store.controls.pause("email", who="ana", reason="stop!")
            elif how == "cancel":
                cancel(house.parts, ["flash-first"], who="ana")
            else:
                house.stop.set()
        return original(message, key=key)

    mailer.send = sending
    sent = send(house)
    assert 20 <= sent <= 28
    assert counts(house) == {SENT: sent, PENDING: 60 - sent}
    mailer.send = original
    house.stop.clear()
    house.store.controls.resume("email", who="ana")
    assert send(house) == (0 if how == "cancel" else 60 - sent)
    assert len({m.key for m in mailer.sent}) == len(mailer.sent)


def test_a_stop_settles_what_is_in_flight_and_hands_back_what_was_not_begun(house, mailer, flash):
    mailer.pace, mailer.silent = 2, {key(2)}
    flash(30)
    original = mailer.send

    def sending(message, /, *, key):
        if len(mailer.sent) == 5:
            house.stop.set()
        return original(message, key=key)

    mailer.send = sending
    send(house)
    seen = counts(house)
    assert seen[DEFERRED] == 1  # the silent one: it may have arrived
    assert seen[SENT] == len(mailer.sent) - 1
    assert seen[PENDING] == 30 - len(mailer.sent)
    assert house.one("flash-first", "email").not_before is None  # a stop says nothing of the way out
    house.stop.clear()
    mailer.silent = set()
    assert again(house) == 30 - seen[SENT]


def test_a_bug_keeps_what_is_known_and_leaves_the_rest_claimed(house, mailer, flash):
    mailer.pace = 1
    flash(20)
    mailer.program(key(6), ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        send(house)
    assert counts(house)[SENT] == 5
    assert send(house) == 0  # its batches are claimed
    house.clock.advance(timedelta(minutes=3))  # its lease is over
    send(house)
    assert counts(house) == {SENT: 20}


def test_who_was_taken_over_goes_on_with_what_is_left(house, mailer, flash):
    """Another worker takes a batch while this one slept; nobody is begun twice after that."""
    mailer.pace = 1
    flash(20)
    original, taken = mailer.send, []

    def sending(message, /, *, key):
        if len(mailer.sent) == 3:
            house.clock.advance(timedelta(seconds=house.parts.rules.lease + 1))
            other = house.store.deliveries.ledger(EDITION, owner="other", lease=120, resend=True)
            taken.append((other, other.turn((), 1, Pacing().at(house.clock.now())).people))
        return original(message, key=key)

    mailer.send = sending
    send(house)
    ((other, people),) = taken
    assert len(people) == 1
    assert counts(house)[DeliveryState.SENDING] == 1
    assert counts(house)[SENT] + counts(house).get(PENDING, 0) == 19
    mailer.send = original
    other.leave(())
    house.clock.advance(timedelta(minutes=3))
    send(house)
    assert counts(house) == {SENT: 20}


# ------------------------------------------------------------------------------------------------ rates


def pacing(**changes):
    return Pacing(timezone="Europe/Bucharest", **changes)


def test_a_rate_is_kept_to_and_short_waits_are_waited_out(house, mailer, flash):
    house.change(pacing=pacing(total=Allowance(per_second=2)))
    flash(30)
    before = house.clock.now()
    assert send(house) == 30
    assert timedelta(seconds=14) <= house.clock.now() - before <= timedelta(seconds=16)


def test_a_domain_is_held_back_and_the_others_are_not(house, mailer, flash):
    house.change(pacing=pacing(domains={"slow.example": Allowance(per_second=1)}))
    flash(60)
    live_at(house, "slow.example", 6, 0)
    times = {}
    original = mailer.send

    def sending(message, /, *, key):
        times[int(key.rpartition("/")[2])] = house.clock.now()
        return original(message, key=key)

    mailer.send = sending
    before = house.clock.now()
    assert send(house) == 60
    slow = sorted(then for number, then in times.items() if number % 6 == 0)
    fast = [then for number, then in times.items() if number % 6]
    assert max(fast) == before
    assert timedelta(seconds=8) <= slow[-1] - before <= timedelta(seconds=10)
    assert all(b - a >= timedelta(seconds=0.9) for a, b in itertools.pairwise(slow[1:]))


def test_the_day_limit_ends_the_pass_and_the_next_day_goes_on(house, mailer, flash):
    house.change(pacing=pacing(total=Allowance(per_day=25)))
    flash(60)
    assert send(house) == 25
    row = house.one("flash-first", "email")
    assert row.reason == "what its rate allows is used up; it goes on at 2026-11-16 22:00:00 UTC"
    assert send(house) == 0
    house.clock.advance(timedelta(hours=13))  # midnight in Bucharest
    assert send(house) == 25
    house.clock.advance(timedelta(days=1))
    assert send(house) == 10
    assert state(house) is State.PUBLISHED


def test_a_warm_up_limits_its_days_and_then_nothing(house, mailer, flash):
    house.change(pacing=pacing(warm_up_starts=date(2026, 11, 16), warm_up=(5, 10)))
    flash(40)
    sent = [send(house)]
    for _ in range(2):
        house.clock.advance(timedelta(days=1))
        sent.append(send(house))
    assert sent == [5, 10, 25]


# ------------------------------------------------------------------------------------------------ beside ticks


def test_an_edition_goes_on_beside_the_ticks_and_posts_do_not_wait(house, mailer, flash):
    gate, begun = threading.Event(), threading.Event()
    original = mailer.send

    def sending(message, /, *, key):
        begun.set()
        assert gate.wait(30)
        return original(message, key=key)

    mailer.send = sending
    flash(10)
    ticks = Ticks(house.parts, house.stop)
    assert ticks.tick().mails == 0
    assert begun.wait(30)
    house.item("second", channels={"x": "auto", "newsletter": "none"})
    approve(house.parts, [], who="ana", everything=True)
    assert ticks.tick().posts == 1
    gate.set()
    assert ticks.end(30)
    assert ticks.tick().mails == 10
    assert state(house) is State.PUBLISHED


def test_what_goes_wrong_beside_a_tick_shows_in_a_later_one(house, mailer, flash):
    mailer.program("", ZeroDivisionError("a bug"))
    flash(3)
    ticks = Ticks(house.parts, house.stop)
    ticks.tick()
    with pytest.raises(ZeroDivisionError):
        ticks.end(30)


def test_nothing_is_opened_for_an_edition_that_only_waits(house, mailer, flash):
    flash(2)
    mailer.program(key(1), UnavailableError("email: 451 later"))
    send(house)
    for _ in range(3):
        deliver(house.parts, house.stop)
    assert len(mailer.lines) == 1


def test_two_workers_share_an_edition_and_send_nothing_twice(house, mailer, flash, house_class):
    flash(90)
    mailer.pace = 1
    other = house_class(house.store, house.clock)
    other.change(channels=house.parts.channels, owner="other", window=8)
    other.source.items = house.source.items
    threads = [threading.Thread(target=publish, args=(h.parts, house.stop)) for h in (house, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(mailer.sent) == len({m.key for m in mailer.sent}) == 90
    assert counts(house) == {SENT: 90}


def test_who_leaves_the_list_after_the_freeze_is_skipped_even_if_they_stay_on_another(house, mailer, flash):
    mailer.pace = 1
    house.people(20, lists=("news", "press"))
    flash(20)
    original = mailer.send

    def sending(message, /, *, key):
        if not mailer.sent:
            house.store.people.unsubscribe(15, house.clock.now(), "link", lists=("news",))
            house.store.people.unsubscribe(16, house.clock.now(), "link", lists=("press",))
            house.store.people.remove("p16@example.org")
        return original(message, key=key)

    mailer.send = sending
    assert send(house) == 18
    assert counts(house) == {SENT: 18, DeliveryState.SKIPPED: 2}
    assert key(16) in {m.key for m in mailer.sent}
    assert not {key(15), key(17)} & {m.key for m in mailer.sent}
