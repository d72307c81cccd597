"""Who may go on sending: signs of life, takeovers, and what taking SQLite's lock proves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dissemination.model import DeliveryState, Rates, Settled, State
from dissemination.pipeline.approve import approve
from dissemination.pipeline.publish import publish

EDITION = "flash-first:email:1"
LEASE = 120


@pytest.fixture
def running(house):
    """An edition for ten people that has started, in windows of ten; its batch is free."""
    house.change(window=10)
    house.people(10)
    house.item(channels={"feed": "auto", "newsletter": "flash"})
    approve(house.parts, [], who="ana", everything=True)
    house.store.publications.claim(EDITION, "house", LEASE)
    house.store.deliveries.freeze(EDITION, house.parts.rules.flash)
    return house


def book(house, owner="another"):
    return house.store.deliveries.ledger(EDITION, owner=owner, lease=LEASE, resend=True)


def take(house, owner="another", want=10):
    """Whom another worker gets."""
    return book(house, owner).turn((), want, Rates()).people


def after_each_mail(house, happen):
    """Something happens while the n-th mail is handed over, before its outcome is known here."""
    send = house.mail.send

    def slow(message, /, *, key):
        receipt = send(message, key=key)
        happen(len(house.mail.sent))
        return receipt

    house.mail.send = slow


def test_taking_the_lock_frees_what_was_claimed_only_where_it_proves_something(running):
    assert len(take(running, "one")) == 10
    running.store.publications.inherit()
    assert (not take(running, "two")) is running.store.database.is_postgres


def test_a_post_of_a_living_process_is_not_taken_from_it(house):
    house.item()
    approve(house.parts, ["first"], who="ana")
    house.store.publications.claim("first:x:1", "one", LEASE)
    house.store.publications.inherit()
    left = [publication.key for publication in house.store.publications.abandoned()]
    assert left == ([] if house.store.database.is_postgres else ["first:x:1"])


def test_every_outcome_is_a_sign_of_life(running):
    def happen(count):
        running.clock.advance(timedelta(seconds=100))  # ten mails take far longer than a lease
        assert not take(running)

    after_each_mail(running, happen)
    assert publish(running.parts, running.stop).mails == 10
    assert len(running.mail.sent) == 10
    assert running.one("flash-first", "email").state is State.PUBLISHED


def test_a_mail_that_took_too_long_costs_nothing_where_nobody_took_over(running):
    after_each_mail(running, lambda count: running.clock.advance(timedelta(seconds=2 * LEASE)))
    assert publish(running.parts, running.stop).mails == 10
    assert len(running.mail.sent) == 10


def test_who_was_taken_over_sends_nothing_more(running):
    taken = []

    def happen(count):
        if count == 3:
            running.clock.advance(timedelta(seconds=2 * LEASE))
            taken.append(take(running))

    after_each_mail(running, happen)
    assert publish(running.parts, running.stop).mails == 3
    assert len(running.mail.sent) == 3
    deliveries = running.store.deliveries
    # The successor has taken all up before the late truth of the third was known.
    assert len(taken[0]) == 8
    assert deliveries.counts(EDITION) == {DeliveryState.SENT: 2, DeliveryState.SENDING: 8}


def test_a_late_truth_is_written_down_as_long_as_the_successor_has_not_begun_anew(running):
    first, second = book(running, "one"), book(running, "two")
    people = first.turn((), 2, Rates()).people
    running.clock.advance(timedelta(seconds=LEASE + 1))
    taken = second.turn((), 1, Rates()).people
    assert [person.token for person in (*people, *taken)] == [1, 1, 2]
    first.turn([Settled(person, DeliveryState.SENT) for person in people], 0, Rates())
    counts = running.store.deliveries.counts(EDITION)
    assert counts == {DeliveryState.SENT: 1, DeliveryState.SENDING: 1, DeliveryState.PENDING: 8}


def test_what_a_worker_that_was_taken_over_would_try_again_is_left_to_its_successor(running):
    first, second = book(running, "one"), book(running, "two")
    people = first.turn((), 2, Rates()).people
    running.clock.advance(timedelta(seconds=LEASE + 1))
    second.turn((), 1, Rates())
    states = (DeliveryState.PENDING, DeliveryState.DEFERRED)
    first.leave([Settled(person, state, "busy") for person, state in zip(people, states, strict=True)])
    counts = running.store.deliveries.counts(EDITION)
    assert counts == {DeliveryState.SENDING: 1, DeliveryState.PENDING: 9}
    assert not take(running, "three")


def test_a_batch_that_was_given_back_is_not_held_by_a_late_sign_of_life(running):
    first = book(running, "one")
    people = first.turn((), 1, Rates()).people
    first.leave(())
    first.turn([Settled(people[0], DeliveryState.SENT)], 0, Rates())
    assert len(take(running, "two")) == 9


def test_a_process_that_only_looked_away_goes_on_with_its_own_batch(running):
    first = book(running, "one")
    assert len(first.turn((), 2, Rates()).people) == 2
    running.clock.advance(timedelta(seconds=LEASE + 1))
    assert len(first.turn((), 10, Rates()).people) == 8
    assert not take(running, "two")
