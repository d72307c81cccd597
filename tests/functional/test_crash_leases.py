"""Who may go on sending: signs of life, takeovers, and what taking SQLite's lock proves."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from dissemination.errors import FencedError
from dissemination.model import DeliveryState, State
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


def take(house, owner="another"):
    return house.store.deliveries.claim(EDITION, owner, LEASE, resend=True)


def after_each_mail(house, happen):
    """Something happens while the n-th mail is handed over, before its outcome is known here."""
    send = house.mail.send

    def slow(message, /, *, key):
        receipt = send(message, key=key)
        happen(len(house.mail.sent))
        return receipt

    house.mail.send = slow


def test_taking_the_lock_frees_what_was_claimed_only_where_it_proves_something(running):
    assert take(running, "one") is not None
    running.store.publications.inherit()
    second = take(running, "two")
    assert (second is None) is running.store.database.is_postgres


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
        assert take(running) is None

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
    # The late truth of the third is known: the successor writes to the other seven only.
    assert len(deliveries.window(taken[0], 10, LEASE)) == 7
    assert deliveries.counts(EDITION) == {DeliveryState.SENT: 3, DeliveryState.SENDING: 7}


def test_an_outcome_is_written_down_even_where_the_batch_is_lost(running):
    deliveries = running.store.deliveries
    claim = take(running, "one")
    person, *_ = deliveries.window(claim, 1, LEASE)
    running.clock.advance(timedelta(seconds=LEASE + 1))
    assert take(running, "two").token == claim.token + 1
    with pytest.raises(FencedError, match="batch 0 was taken over"):
        deliveries.settle(claim, person.id, DeliveryState.SENT, lease=LEASE)
    assert deliveries.counts(EDITION) == {DeliveryState.SENT: 1, DeliveryState.PENDING: 9}


def test_a_batch_that_was_given_back_is_not_held_by_a_late_sign_of_life(running):
    deliveries = running.store.deliveries
    claim = take(running, "one")
    person, *_ = deliveries.window(claim, 1, LEASE)
    deliveries.release(claim, retry_at=None)
    with pytest.raises(FencedError):
        deliveries.settle(claim, person.id, DeliveryState.SENT, lease=LEASE)
    assert take(running, "two") is not None


def test_a_process_that_only_looked_away_goes_on_with_its_own_batch(running):
    claim = take(running, "one")
    running.clock.advance(timedelta(seconds=LEASE + 1))
    people = running.store.deliveries.window(claim, 10, LEASE)
    assert len(people) == 10
    stranger = replace(claim, token=claim.token + 1)
    with pytest.raises(FencedError):
        running.store.deliveries.window(stranger, 10, LEASE)
