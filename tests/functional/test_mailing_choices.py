"""What subscribers chose decides who gets an edition: when its audience is frozen, and again before each window."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dissemination.errors import UnavailableError
from dissemination.model import Audience, Choices, DeliveryState
from dissemination.pipeline.approve import approve
from dissemination.pipeline.publish import publish

EDITION = "flash-first:email:1"
SENT, SKIPPED, DEFERRED = DeliveryState.SENT, DeliveryState.SKIPPED, DeliveryState.DEFERRED
DAY = timedelta(days=1)


def send(house):
    return publish(house.parts, house.stop).mails


def counts(house, edition=EDITION):
    return dict(house.store.deliveries.counts(edition))


def choose(house, number, **changes):
    """What the page of preferences writes."""
    facts = {"lists": ("news",), "lang": "en"} | changes
    assert house.store.preferences.choose(number, Choices(**facts), ("news",), "words")


def got(mailer):
    """Edition -> numbers of the people who got it."""
    found = {}
    for message in mailer.sent:
        edition, _, number = message.key.rpartition("/")
        found.setdefault(edition.split(":")[0].partition("-20")[0], set()).add(int(number))
    return found


def during(mailer, act):
    """Do this when the first mail goes out."""
    original = mailer.send

    def sending(message, /, *, key):
        if not mailer.sent:
            act()
        return original(message, key=key)

    mailer.pace, mailer.send = 1, sending


def wants(*values):
    return Audience(lists=("news",), where=(("frequency", values),))


# The freeze


def test_each_gets_editions_as_often_as_they_chose(house, mailer):
    house.people(4)
    for number, frequency in enumerate(("each", "weekly", "monthly"), start=1):
        choose(house, number, frequency=frequency)
    weekly = house.digest(audience=wants("weekly"))
    monthly = house.digest(name="monthly", cron="0 10 19 * *", audience=wants("monthly"))
    house.change(digests=(weekly, monthly), flash=wants("each"))
    house.item("told", channels={"feed": "auto", "newsletter": "flash"})
    house.item("kept", channels={"feed": "auto", "newsletter": "digest"})
    for _ in range(9):
        approve(house.parts, [], who="ana", everything=True)
        send(house)
        house.clock.advance(DAY)
    # Number 4 never chose: no edition asks for people without a frequency.
    assert got(mailer) == {"flash-told": {1}, "weekly": {2}, "monthly": {3}}


def test_who_pauses_before_an_edition_starts_is_not_in_it(house, mailer, flash):
    flash(5)
    choose(house, 2, paused_until=house.clock.now() + DAY)
    choose(house, 3, paused_until=house.clock.now() - DAY)
    assert send(house) == 4
    assert got(mailer) == {"flash-first": {1, 3, 4, 5}}
    assert counts(house) == {SENT: 4}


def test_a_pause_ends_by_itself(house, mailer, flash):
    flash(3)
    choose(house, 2, paused_until=house.clock.now() + DAY)
    send(house)
    house.clock.advance(DAY)
    house.item("second", channels={"feed": "auto", "newsletter": "flash"})
    approve(house.parts, [], who="ana", everything=True)
    send(house)
    assert got(mailer) == {"flash-first": {1, 3}, "flash-second": {1, 2, 3}}


# The windows


@pytest.mark.parametrize("changes", [{"paused": DAY}, {"lists": ()}])
def test_who_pauses_or_leaves_after_the_freeze_is_skipped_before_the_next_window(house, mailer, flash, changes):
    flash(40)

    def act():
        pause = changes.get("paused")
        until = house.clock.now() + pause if pause else None
        for number in (1, 15, 35):
            choose(house, number, lists=changes.get("lists", ("news",)), paused_until=until)

    during(mailer, act)
    assert send(house) == 38
    # Number 1 was under way already.
    assert got(mailer) == {"flash-first": set(range(1, 41)) - {15, 35}}
    assert counts(house) == {SENT: 38, SKIPPED: 2}


def test_a_pause_that_is_over_or_was_taken_back_skips_nobody(house, mailer, flash):
    flash(40)

    def act():
        choose(house, 15, paused_until=house.clock.now())
        choose(house, 35, paused_until=house.clock.now() + DAY)
        choose(house, 35)

    during(mailer, act)
    assert send(house) == 40
    assert counts(house) == {SENT: 40}


def test_who_pauses_while_their_mail_waits_is_not_tried_again(house, mailer, flash):
    flash(3)
    mailer.program(f"{EDITION}/2", UnavailableError("email: greylisted"))
    assert send(house) == 2
    assert counts(house) == {SENT: 2, DEFERRED: 1}
    choose(house, 2, paused_until=house.clock.now() + DAY)
    house.clock.advance(timedelta(hours=1))
    send(house)
    assert counts(house) == {SENT: 2, SKIPPED: 1}
    assert got(mailer) == {"flash-first": {1, 3}}


def test_another_frequency_counts_from_the_next_edition_on(house, mailer, flash):
    house.change(flash=wants("each"))
    house.people(3)
    for number in (1, 2, 3):
        choose(house, number, frequency="each")
    flash(3)
    during(mailer, lambda: choose(house, 3, frequency="monthly"))
    assert send(house) == 3
    house.item("second", channels={"feed": "auto", "newsletter": "flash"})
    approve(house.parts, [], who="ana", everything=True)
    assert send(house) == 2
    assert got(mailer) == {"flash-first": {1, 2, 3}, "flash-second": {1, 2}}
