"""Who waits, how long, and at whose cost: ages of retries, refunds, races at the end, servers that refuse us."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from dissemination.errors import NotBegunError, RejectedError, SenderRefusedError, UnavailableError
from dissemination.model import DeliveryState, State
from dissemination.pipeline import editions
from dissemination.pipeline.mailing import conclude
from dissemination.pipeline.publish import publish
from dissemination.pipeline.rates import Allowance, Pacing
from dissemination.store.schema import publications, quotas, subscribers

EDITION = "flash-first:email:1"
SENT, FAILED, DEFERRED, PENDING = (
    DeliveryState.SENT,
    DeliveryState.FAILED,
    DeliveryState.DEFERRED,
    DeliveryState.PENDING,
)
REFUSED = "email: 550 5.7.60 SendAsDenied"


def send(house):
    return publish(house.parts, house.stop).mails


def counts(house):
    return dict(house.store.deliveries.counts(EDITION))


def key(number):
    return f"{EDITION}/{number}"


def row(house):
    return house.one("flash-first", "email")


def again(house, **wait):
    """Another pass, some time later."""
    house.clock.advance(timedelta(**(wait or {"minutes": 2})))
    return send(house)


def said(house):
    """Kinds of the edition's own lines in the log."""
    return [h.kind for h in house.store.events.latest(100, "flash-first") if h.channel == "email"]


def buckets(house):
    with house.store.database.read() as connection:
        return set(connection.execute(sa.select(quotas.c.bucket)).scalars())


# ------------------------------------------------------------------------------------------------ ages


def test_who_waited_for_a_warm_up_still_has_every_retry(house, mailer, flash):
    """The age of retries is each person's own: the batch may have been taken up days ago."""
    house.change(pacing=Pacing(warm_up_starts=date(2026, 11, 16), warm_up=(5, 2, 2)), give_up=3600.0)
    flash(10)
    mailer.program(key(10), UnavailableError("email: 451 later"))
    assert [send(house), again(house, days=1), again(house, days=1)] == [5, 2, 2]
    assert again(house, days=1) == 0
    assert counts(house) == {SENT: 9, DEFERRED: 1}
    assert again(house) == 1


def test_a_pause_of_days_ends_nobodys_retries(house, mailer, flash):
    house.change(give_up=3600.0)
    flash(20)
    mailer.pace = 1
    original = mailer.send

    def sending(message, /, *, key):
        if len(mailer.sent) == 3:
            house.store.controls.pause("email", who="ana", reason="stop!")
        return original(message, key=key)

    mailer.send = sending
    send(house)
    mailer.send = original
    mailer.program(key(20), UnavailableError("email: 451 later"))
    house.clock.advance(timedelta(days=2))
    house.store.controls.resume("email", who="ana")
    send(house)
    assert counts(house) == {SENT: 19, DEFERRED: 1}


def test_a_retry_begins_the_age_anew(house, mailer, flash):
    house.change(give_up=600.0)
    flash(2)
    mailer.program(key(1), *[UnavailableError("email: 451 later")] * 50)
    send(house)
    for _ in range(20):
        again(house)
    assert counts(house) == {SENT: 1, FAILED: 1}
    house.clock.advance(timedelta(days=3))
    assert editions.retry(house.parts, "flash-first", who="ana") == 1
    send(house)
    assert counts(house) == {SENT: 1, DEFERRED: 1}
    mailer._answers.clear()
    assert again(house) == 1


# ------------------------------------------------------------------------------------------------ refunds


def test_mail_that_never_began_costs_neither_a_day_nor_a_domain_its_share(house, mailer, flash):
    house.change(
        pacing=Pacing(
            warm_up_starts=date(2026, 11, 16),
            warm_up=(37,),
            domains={"slow.example": Allowance(per_day=3), "*": Allowance(per_day=100)},
        )
    )
    flash(40)
    with house.store.database.write() as connection:
        few = subscribers.c.id <= 6
        connection.execute(sa.update(subscribers).where(few).values(domain="slow.example"))
    mailer.program("", *[NotBegunError("email: connection refused")] * 8)
    assert send(house) == 0
    assert counts(house) == {PENDING: 40}
    assert again(house) == 37  # three of the six at the slow domain wait for tomorrow
    slow = [m.key for m in mailer.sent if int(m.key.rpartition("/")[2]) <= 6]
    assert len(slow) == 3


def test_who_is_handed_back_at_a_stop_costs_nothing(house, mailer, flash):
    house.change(pacing=Pacing(total=Allowance(per_day=12)))
    mailer.pace = 1
    flash(40)
    original = mailer.send

    def sending(message, /, *, key):
        if len(mailer.sent) == 4:
            house.stop.set()
        return original(message, key=key)

    mailer.send = sending
    first = send(house)
    assert first < 8
    house.stop.clear()
    mailer.send = original
    assert first + again(house) == 12


def test_buckets_of_days_that_are_over_are_forgotten(house, mailer, flash):
    house.change(pacing=Pacing(total=Allowance(per_day=5), domains={"*": Allowance(per_day=4)}))
    flash(12)
    send(house)
    assert {name for name in buckets(house) if "2026-11-16" in name} == buckets(house) != set()
    again(house, days=1)
    assert {name for name in buckets(house) if "2026-11-17" in name} == buckets(house) != set()


def test_a_limit_of_millions_a_day_is_a_limit_like_any_other(house, mailer, flash):
    house.change(pacing=Pacing(total=Allowance(per_day=50_000_000)))
    flash(3)
    with house.store.database.write() as connection:
        [rate] = house.parts.rules.pacing.at(house.clock.now()).total.values()
        connection.execute(
            sa.insert(quotas).values(bucket="mail:day:2026-11-16", full_at=rate.until, taken=49_999_998)
        )
    assert send(house) == 2


# ------------------------------------------------------------------------------------------------ the end


def test_a_retry_at_the_very_end_leaves_nobody_stuck(house, mailer, flash, monkeypatch):
    """It comes between the counting of who is left and the closing of the edition."""
    flash(3)
    mailer.program(key(2), RejectedError("email: 550 no such user"))
    count = type(house.store.deliveries).counts
    retried = []

    def counting(deliveries, id_):
        counted = count(deliveries, id_)
        if counted.get(FAILED) and not retried:
            retried.append(editions.retry(house.parts, "flash-first", who="ana"))
        return counted

    monkeypatch.setattr(type(house.store.deliveries), "counts", counting)
    assert send(house) == 2
    assert retried == [1]
    assert row(house).state is State.SENDING
    assert "sent" not in said(house)
    assert again(house) == 1
    assert counts(house) == {SENT: 3}
    assert row(house).state is State.PUBLISHED


def test_an_edition_is_closed_once_and_said_to_be_once(house, mailer, flash, monkeypatch):
    """Two workers come to the end together."""
    flash(3)
    closing = type(house.store.publications).conclude
    depth = []

    def concluding(store, *facts):
        if not depth:
            depth.append(1)
            conclude(house.parts, row(house))
        return closing(store, *facts)

    monkeypatch.setattr(type(house.store.publications), "conclude", concluding)
    send(house)
    assert depth
    assert said(house).count("sent") == 1


def test_nobody_is_counted_where_the_audience_is_frozen_already(house, mailer, flash):
    flash(2)
    mailer.program(key(1), UnavailableError("email: 451 later"))
    send(house)
    seen = []
    engine = house.store.database.engine
    sa.event.listen(engine, "before_cursor_execute", lambda *facts: seen.append(facts[2]))
    assert house.store.deliveries.freeze(EDITION, house.parts.rules.flash) == 0
    assert seen
    assert not [text for text in seen if "count(" in text or "IMMEDIATE" in text or "deliveries" in text]


# ------------------------------------------------------------------------------------------------ refused


def test_a_server_that_refuses_us_stops_the_edition_and_fails_nobody(house, mailer, flash):
    flash(40)
    mailer.program("", *[SenderRefusedError(REFUSED)] * 200)
    assert send(house) == 0
    assert len(mailer.attempts) <= 8
    assert counts(house) == {PENDING: 40}
    assert row(house).reason.startswith(f"{REFUSED}; it goes on at 2026-11-16 09:0")
    waits = []
    for _ in range(8):
        waits.append(row(house).not_before - house.clock.now())
        house.clock.advance(waits[-1])
        send(house)
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(minutes=15)
    assert house.kinds().count("refused") == 1  # told when it began, not at every try
    mailer._answers.clear()
    assert again(house, minutes=15) == 40
    assert {one.attempts for one in house.store.deliveries.people(EDITION, SENT)} == {1}


def test_a_refusal_of_us_is_told(house, mailer, flash):
    flash(1)
    mailer.program("", SenderRefusedError(REFUSED))
    send(house)
    assert [(h.kind, h.subject, h.detail) for h in house.recorder.told] == [("refused", "flash-first", REFUSED)]


@pytest.mark.parametrize("pace", [None, 1])
def test_a_whole_window_that_is_refused_is_a_brake(house, mailer, flash, pace):
    """A server that hides behind the recipient's reply code what is our own fault."""
    mailer.pace = pace
    flash(100)
    mailer.program("", *[RejectedError("email: 554 5.2.0 quota exceeded")] * 500)
    send(house)
    assert 8 <= counts(house)[FAILED] <= 16
    assert counts(house)[PENDING] == 100 - counts(house)[FAILED]
    assert row(house).not_before is not None
    assert "refused" in house.kinds()


def test_single_refusals_among_receipts_are_no_brake(house, mailer, flash):
    flash(60)
    for number in range(1, 61):
        if number % 4:
            mailer.program(key(number), RejectedError("email: 550 5.1.1 no such user"))
    assert send(house) == 15
    assert counts(house) == {SENT: 15, FAILED: 45}
    assert row(house).state is State.PUBLISHED


def test_a_small_edition_that_is_refused_to_the_last_does_not_wait(house, mailer, flash):
    flash(8)
    mailer.program("", *[RejectedError("email: 550 no such user")] * 8)
    send(house)
    assert row(house).state is State.FAILED
    assert "refused" not in house.kinds()


def test_the_token_of_a_running_edition_is_raised_by_a_retry(house, mailer, flash):
    flash(2)
    mailer.program(key(2), RejectedError("email: 550 no such user"))
    send(house)
    with house.store.database.read() as connection:
        query = sa.select(publications.c.token).where(publications.c.key == EDITION)
        before = connection.execute(query).scalar_one()
    editions.retry(house.parts, "flash-first", who="ana")
    assert row(house).token == before + 1
