"""Delivering: feeds first, gates, once, after crashes too, and every error by its class."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dissemination.errors import (
    ChannelError,
    FencedError,
    InDoubtError,
    NeedsLoginError,
    RejectedError,
    UnavailableError,
)
from dissemination.model import Carries, DeliveryState, Limits, Rates, Receipt, Repeat, Settled, State
from dissemination.pipeline.approve import approve, cancel
from dissemination.pipeline.deliver import deliver
from dissemination.pipeline.publish import Ticks, publish, would_publish
from dissemination.pipeline.slots import slot_name
from dissemination.testing import MemoryChannel

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
MAIL = {"channels": {"feed": "auto", "newsletter": "flash"}}


def send(house):
    return publish(house.parts, house.stop)


def flash(house, people=3, **changes):
    """An approved flash edition."""
    house.people(people)
    house.item(**(MAIL | changes))
    approve(house.parts, ["first"], who="ana")
    approve(house.parts, ["flash-first"], who="ana")


def test_one_pass_brings_everything_out_and_a_second_nothing(house):
    house.people(3)
    house.item(channels={"feed": "auto", "x": "auto", "newsletter": "flash"})
    approve(house.parts, [], who="ana", everything=True)
    first = send(house)
    assert (first.mails, first.feeds, first.posts) == (3, 1, 1)
    second = send(house)
    assert (second.mails, second.feeds, second.posts) == (0, 0, 0)
    assert set(house.states().values()) == {"published"}
    assert len({message.key for message in house.mail.sent}) == 3


def test_a_dry_run_tells_what_would_start_and_changes_nothing(house):
    house.item()
    approve(house.parts, ["first"], who="ana")
    assert {p.key for p in would_publish(house.parts)} == {"first:feed:1", "first:x:1"}
    assert house.states() == {"first:feed:1": "scheduled", "first:x:1": "scheduled"}
    assert house.x.sent == []


def test_posts_wait_for_the_feed_entry(house):
    house.item()
    approve(house.parts, ["first:x"], who="ana")
    send(house)
    assert house.x.sent == []
    assert house.one("first", "x").reason == "waits for the feed entry of first, which is in review"
    approve(house.parts, ["first:feed"], who="ana")
    send(house)
    assert len(house.x.sent) == 1
    assert house.one("first", "x").reason == ""


def test_a_page_that_does_not_answer_holds_posts(house):
    house.item(require_live=True, canonical_url="https://portal.example/first")
    house.recorder.answers = {"https://portal.example/first": "404 Not Found"}
    approve(house.parts, ["first"], who="ana")
    send(house)
    assert house.x.sent == []
    assert house.one("first", "x").reason == "waits for https://portal.example/first: 404 Not Found"
    house.recorder.answers = {}
    send(house)
    assert len(house.x.sent) == 1


def test_the_approved_bytes_go_out_not_the_file(house):
    house.item(publish_at=NOW + timedelta(hours=1))
    approve(house.parts, ["first"], who="ana")
    house.clock.advance(timedelta(hours=1))
    house.item(publish_at=NOW + timedelta(hours=1), title="Changed in the last second")
    deliver(house.parts, house.stop)  # no planning in between
    assert house.x.sent[0].body.text.startswith("Title of first")


def test_what_changed_before_the_pass_does_not_go_out(house):
    house.item()
    approve(house.parts, ["first"], who="ana")
    house.item(title="Changed")
    send(house)
    assert house.x.sent == []
    assert house.one("first", "x").state is State.IN_REVIEW


def test_late_is_missed_and_does_not_flood(house):
    for number in range(3):
        house.item(f"item{number}", publish_at=NOW + timedelta(hours=number + 1))
    approve(house.parts, [], who="ana", everything=True)
    house.clock.advance(timedelta(days=3))
    tally = send(house)
    assert (tally.posts, tally.feeds) == (0, 0)
    assert set(house.states().values()) == {"missed"}
    approve(house.parts, ["item1"], who="ana")
    assert send(house).posts == 1


def test_a_paused_channel_sends_nothing_and_goes_on_later(house):
    house.item()
    approve(house.parts, ["first"], who="ana")
    house.store.controls.pause("x", who="ana", reason="election")
    send(house)
    assert house.x.sent == []
    house.store.controls.resume("x", who="ana")
    assert send(house).posts == 1


@pytest.mark.parametrize(
    ("error", "state", "kind"),
    [
        (RejectedError("x: too long"), State.FAILED, "failed"),
        (UnavailableError("x: 503"), State.SCHEDULED, "deferred"),
        (InDoubtError("x: no answer"), State.IN_DOUBT, "in_doubt"),
        (NeedsLoginError("x: token expired"), State.SCHEDULED, "needs_login"),
    ],
)
def test_the_class_of_an_error_decides(house, error, state, kind):
    house.item()
    house.x.doubt_arrives = False
    house.x.program("first:x:1", error)
    approve(house.parts, ["first"], who="ana")
    send(house)
    row = house.one("first", "x")
    assert (row.state, row.reason) == (state, str(error))
    assert kind in house.kinds()
    assert ("x" in house.store.controls.paused()) is isinstance(error, NeedsLoginError)


def test_an_unavailable_channel_is_tried_again_later_never_before_its_wish(house):
    house.item()
    wish = NOW + timedelta(hours=1)
    house.x.program("first:x:1", UnavailableError("x: 429", retry_at=wish))
    approve(house.parts, ["first"], who="ana")
    send(house)
    house.clock.advance(timedelta(minutes=59))
    assert send(house).posts == 0
    house.clock.advance(timedelta(minutes=1))
    assert send(house).posts == 1


def test_it_gives_up_after_the_set_number_of_tries(house):
    house.change(attempts=3)
    house.item()
    house.x.program("first:x:1", *[UnavailableError("x: down")] * 3)
    approve(house.parts, ["first"], who="ana")
    for _ in range(3):
        send(house)
        house.clock.advance(timedelta(hours=7))
    assert house.one("first", "x").state is State.FAILED


def test_any_other_error_is_a_bug_and_is_not_swallowed(house):
    house.item()
    house.x.program("first:x:1", ZeroDivisionError("a bug"))
    approve(house.parts, ["first"], who="ana")
    with pytest.raises(ZeroDivisionError):
        send(house)
    assert house.one("first", "x").state is State.SENDING


@pytest.mark.parametrize("arrived", [True, False])
def test_a_lost_answer_is_looked_up_and_never_posted_twice(house, arrived):
    house.item()
    house.x.doubt_arrives = arrived
    house.x.program("first:x:1", InDoubtError("x: no answer"))
    approve(house.parts, ["first"], who="ana")
    send(house)
    send(house)  # too early to look: not finding it proves nothing yet
    assert house.one("first", "x").state is State.IN_DOUBT
    house.clock.advance(timedelta(minutes=2))
    send(house)
    house.clock.advance(timedelta(minutes=3))
    send(house)
    assert house.one("first", "x").state is State.PUBLISHED
    assert len(house.x.sent) == 1


def test_another_items_post_that_says_the_same_is_no_proof(house, monkeypatch):
    """Networks are looked through by words: what was never sent would count as out."""
    for name in ("first", "second"):
        house.item(name, path=f"{name}.md")
    house.x.doubt_arrives = False
    house.x.program("second:x:1", InDoubtError("x: no answer"))
    approve(house.parts, ["first", "second"], who="ana")
    send(house)
    out = house.one("first", "x")
    assert out.state is State.PUBLISHED
    monkeypatch.setattr(house.x, "find", lambda *_, **__: Receipt(id=out.remote_id))
    house.clock.advance(timedelta(minutes=2))
    send(house)
    assert house.one("second", "x").state is State.IN_DOUBT
    assert "says the same; look at the account" in house.one("second", "x").reason


def test_a_bug_in_looking_keeps_it_in_doubt_and_nothing_else_waiting(house, monkeypatch):
    house.item()
    house.x.program("first:x:1", InDoubtError("x: no answer"))
    approve(house.parts, ["first"], who="ana")
    send(house)
    monkeypatch.setattr(house.x, "find", lambda *_, **__: {}["data"])
    house.clock.advance(timedelta(minutes=2))
    house.item("second", path="second.md")
    approve(house.parts, ["second"], who="ana")
    send(house)
    assert house.one("second", "x").state is State.PUBLISHED
    assert house.one("first", "x").state is State.IN_DOUBT
    assert "cannot be read (KeyError: 'data')" in house.one("first", "x").reason


def test_what_moved_while_it_was_cancelled_is_not_said_to_be_out(house, monkeypatch):
    house.item(publish_at=NOW + timedelta(hours=1))
    approve(house.parts, ["first"], who="ana")
    sync = house.store.publications.sync

    def later(*args):
        monkeypatch.undo()
        row = house.one("first", "x")
        sync((), [(row, replace(row, due_at=NOW + timedelta(hours=2)))])
        sync(*args)

    monkeypatch.setattr(house.store.publications, "sync", later)
    (verdict,) = cancel(house.parts, ["first:x"], who="ana")
    assert "call it again" in verdict.refused
    (verdict,) = cancel(house.parts, ["first:x"], who="ana")
    assert (verdict.refused, house.one("first", "x").state) == ("", State.CANCELLED)


def test_what_a_dead_process_left_is_settled_by_how_the_channel_repeats(house):
    house.item()
    approve(house.parts, ["first"], who="ana")
    for channel in ("feed", "x"):
        house.store.publications.claim(f"first:{channel}:1", "the dead", 120)
    send(house)
    assert set(house.states().values()) == {"sending"}  # its lease still runs
    for minutes in (3, 2, 2):  # its lease is over; it is looked for when it would show; it is sent again
        house.clock.advance(timedelta(minutes=minutes))
        send(house)
    assert set(house.states().values()) == {"published"}
    assert house.x.attempts == ["first:x:1"]  # it was looked for first


def test_what_ends_the_process_every_time_does_not_do_so_for_ever(house):
    house.change(attempts=3)
    house.item()
    approve(house.parts, ["first:feed"], who="ana")
    for _ in range(2):
        left = house.store.publications.claim("first:feed:1", "the dead", 120)
        house.store.publications.sync((), [(left, replace(left, state=State.SCHEDULED))])
    house.store.publications.claim("first:feed:1", "the dead", 120)
    house.clock.advance(timedelta(minutes=3))  # its lease is over
    send(house)
    assert house.one("first", "feed").state is State.FAILED


def test_a_channel_that_cannot_look_asks_the_officer(house):
    house.change(
        channels={
            **house.parts.channels,
            "x": MemoryChannel(Limits(carries=Carries.POST, max_length=500, repeat=Repeat.ASK)),
        }
    )
    house.item()
    approve(house.parts, ["first"], who="ana")
    house.store.publications.claim("first:x:1", "the dead", 10)
    house.clock.advance(timedelta(seconds=11))  # its lease is over
    send(house)
    row = house.one("first", "x")
    assert row.state is State.IN_DOUBT
    assert "process ended" in row.reason
    assert [h.kind for h in house.recorder.told] == ["in_doubt"]


def test_the_outcome_of_a_claim_that_was_taken_over_is_refused(house):
    house.item()
    approve(house.parts, ["first"], who="ana")
    claimed = house.store.publications.claim("first:x:1", "one", 120)
    assert house.store.publications.claim("first:x:1", "two", 120) is None
    house.store.publications.sync((), [(claimed, replace(claimed, state=State.SCHEDULED))])
    house.store.publications.claim("first:x:1", "two", 120)
    with pytest.raises(FencedError):
        house.store.publications.settle(claimed, replace(claimed, state=State.PUBLISHED), [])


def test_published_is_fixed_and_updated_moves_with_an_approved_edit(house):
    house.item()
    approve(house.parts, ["first"], who="ana")
    send(house)
    house.clock.advance(timedelta(hours=1))
    house.item(title="A better title")
    approve(house.parts, ["first:feed"], who="ana")
    send(house)
    files = house.feed.sent[-1].body.files
    assert files["feed.txt"] == b"first A better title 2026-11-16 09:00:00 2026-11-16 10:00:00"


def test_an_expired_entry_leaves_the_feed(house):
    house.item("first", expires_at=NOW + timedelta(days=1))
    house.item("second")
    approve(house.parts, [], who="ana", everything=True)
    send(house)
    house.clock.advance(timedelta(days=2))
    send(house)
    assert house.feed.sent[-1].body.files["feed.txt"].startswith(b"second")
    assert b"first" not in house.feed.sent[-1].body.files["feed.txt"]


def test_a_feed_that_cannot_be_written_waits_and_holds_the_posts(house):
    house.item()
    house.feed.program("", UnavailableError("feed: disk full"))
    approve(house.parts, ["first"], who="ana")
    send(house)
    assert house.one("first", "feed").reason == "feed: disk full"
    assert house.x.sent == []
    house.clock.advance(timedelta(minutes=2))
    assert send(house).posts == 1


# ------------------------------------------------------------------------------------------------ mail


def test_everybody_gets_their_own_mail_once(house):
    flash(house, people=13)
    assert send(house).mails == 13
    assert {m.body.address for m in house.mail.sent} == {f"p{n}@example.org" for n in range(13)}
    assert {m.key for m in house.mail.sent} == {f"flash-first:email:1/{n}" for n in range(1, 14)}
    assert house.store.deliveries.counts("flash-first:email:1") == {DeliveryState.SENT: 13}


def test_one_refused_address_costs_only_itself(house):
    flash(house, people=4)
    house.mail.program("flash-first:email:1/2", RejectedError("email: 550 no such user"))
    assert send(house).mails == 3
    row = house.one("flash-first", "email")
    assert (row.state, row.reason) == (State.PUBLISHED, "1 failed, 3 sent")
    (failed,) = house.store.deliveries.people(row.key, DeliveryState.FAILED)
    assert (failed.address, failed.reason) == ("p1@example.org", "email: 550 no such user")


def test_a_deferred_recipient_is_tried_again_later_and_nobody_else(house):
    flash(house, people=4)
    house.mail.program("flash-first:email:1/2", UnavailableError("email: 451 greylisted"))
    assert send(house).mails == 3
    assert send(house).mails == 0
    assert house.one("flash-first", "email").state is State.SENDING
    house.clock.advance(timedelta(minutes=2))
    assert send(house).mails == 1
    assert house.one("flash-first", "email").state is State.PUBLISHED
    assert len(house.mail.sent) == 4


def test_a_closed_door_is_not_hammered(house):
    house.change(window=2)
    flash(house, people=10)
    house.mail.program("", *[UnavailableError("email: connection refused")] * 10)
    send(house)
    assert len(house.mail.attempts) == 2
    house.clock.advance(timedelta(minutes=2))
    house.mail._answers.clear()
    assert send(house).mails == 10


def test_a_lost_answer_to_a_mail_is_repeated_as_the_same_message(house):
    flash(house, people=2)
    house.mail.program("flash-first:email:1/1", InDoubtError("email: no answer"))
    send(house)
    house.clock.advance(timedelta(minutes=2))
    send(house)
    keys = [m.key for m in house.mail.sent]
    assert sorted(keys) == ["flash-first:email:1/1", "flash-first:email:1/1", "flash-first:email:1/2"]


def test_where_policy_is_hold_a_lost_answer_is_shown_and_never_repeated(house):
    house.mail.limits = replace(house.mail.limits, repeat=Repeat.ASK)
    flash(house, people=2)
    house.mail.program("flash-first:email:1/1", InDoubtError("email: no answer"))
    send(house)
    house.clock.advance(timedelta(hours=9))
    send(house)
    row = house.one("flash-first", "email")
    assert (row.state, row.reason) == (State.IN_DOUBT, "1 in doubt, 1 sent")
    assert len(house.mail.attempts) == 2


def test_missing_credentials_pause_the_channel_and_lose_nothing(house):
    flash(house, people=3)
    house.mail.program("flash-first:email:1/1", NeedsLoginError("email: 535 wrong password"))
    assert send(house).mails == 0
    assert "email" in house.store.controls.paused()
    house.store.controls.resume("email", who="ana")
    assert send(house).mails == 3
    assert len(house.mail.sent) == 3


def test_who_unsubscribed_since_the_approval_is_skipped(house):
    flash(house, people=3)
    house.store.people.suppress("p1@example.org", "hash1", "asked")
    assert send(house).mails == 2


def test_who_is_suppressed_after_the_freeze_is_skipped_at_the_window(house):
    house.change(window=1)
    flash(house, people=3)
    original = house.mail.send

    def sending(message, /, *, key):
        house.store.people.suppress("p2@example.org", "hash2", "asked meanwhile")
        return original(message, key=key)

    house.mail.send = sending
    assert send(house).mails == 2
    assert house.store.deliveries.counts("flash-first:email:1") == {DeliveryState.SENT: 2, DeliveryState.SKIPPED: 1}


@pytest.mark.parametrize("how", ["pause", "cancel", "stop"])
def test_the_emergency_stop_takes_effect_within_one_window(house, how):
    flash(house, people=20)
    original = house.mail.send

    def sending(message, /, *, key):
        if len(house.mail.sent) == 2:
            if how == "pause":
                house.store.controls.pause("email", who="ana", reason="stop!")
            elif how == "cancel":
                cancel(house.parts, ["flash-first"], who="ana")
            else:
                house.stop.set()
        return original(message, key=key)

    house.mail.send = sending
    sent = send(house).mails
    assert sent == 3  # a channel that sends one by one has a window of one
    state = house.one("flash-first", "email").state
    if how == "cancel":
        assert state is State.CANCELLED
        assert send(house).mails == 0
        return
    house.mail.send = original
    house.stop.clear()
    house.store.controls.resume("email", who="ana")
    assert send(house).mails == 20 - sent
    assert len(house.mail.sent) == 20


def test_a_window_left_by_a_dead_process_is_sent_once_more_at_most(house):
    flash(house, people=7)
    deliveries = house.store.deliveries
    house.store.publications.claim("flash-first:feed:1", "dead", 1)
    house.store.publications.claim("flash-first:email:1", "dead", 120)
    deliveries.freeze("flash-first:email:1", house.parts.rules.flash)
    dead = deliveries.ledger("flash-first:email:1", owner="dead", lease=120, resend=True)
    left = dead.turn((), 5, Rates()).people
    assert len(left) == 5
    house.clock.advance(timedelta(minutes=3))  # its lease is over
    assert send(house).mails == 7
    assert dead.turn([Settled(left[0], DeliveryState.FAILED, "a late lie")], 5, Rates()).going is False
    assert deliveries.counts("flash-first:email:1") == {DeliveryState.SENT: 7}


# ------------------------------------------------------------------------------------------------ digests


def test_an_embargo_set_after_the_approval_holds_the_digest(house):
    house.digest()
    house.people(2)
    house.item("one", channels={"newsletter": "digest"})
    approve(house.parts, ["weekly-2026-W47"], who="ana")
    house.item("one", channels={"newsletter": "digest"}, embargo_until=NOW + timedelta(days=30))
    house.clock.advance(timedelta(days=3))
    assert send(house).mails == 0
    assert "embargo" in house.one("weekly-2026-W47", "email").reason


def test_a_stopped_edition_is_not_begun_again(house):
    flash(house, people=20)
    original = house.mail.send

    def sending(message, /, *, key):
        if len(house.mail.sent) == 2:
            cancel(house.parts, ["flash-first"], who="ana")
        return original(message, key=key)

    house.mail.send = sending
    send(house)
    house.item(**(MAIL | {"title": "Another"}))
    (verdict,) = approve(house.parts, ["flash-first"], who="ana")
    assert "stopped on its way" in verdict.refused
    house.source.items = []
    send(house)
    assert house.one("flash-first", "email").state is State.CANCELLED


def test_a_digest_goes_out_at_its_slot_and_the_next_one_follows(house):
    house.digest()
    house.people(2)
    house.item("one", channels={"newsletter": "digest"})
    approve(house.parts, ["weekly-2026-W47"], who="ana")
    house.item("two", channels={"newsletter": "digest"})  # ready after the approval: goes into the next one
    house.clock.advance(timedelta(days=3))
    assert send(house).mails == 2
    assert "Title of one" in house.mail.sent[0].body.letter.text[0]
    assert "Title of two" not in house.mail.sent[0].body.letter.text[0]
    send(house)
    row = house.one("weekly-2026-W48", "email")
    assert row.items == ("two",)
    assert row.when == datetime(2026, 11, 26, 8, 0, tzinfo=UTC)


def test_an_item_is_in_one_edition_of_a_digest_once(house):
    house.digest()
    house.people(1)
    house.item("one", channels={"newsletter": "digest"})
    approve(house.parts, ["weekly-2026-W47"], who="ana")
    house.clock.advance(timedelta(days=3))
    send(house)
    send(house)
    assert ("weekly-2026-W48", "email") not in house.store.publications.latest()


def test_an_empty_digest_is_skipped(house):
    house.digest()
    send(house)
    house.clock.advance(timedelta(days=3, hours=1))
    send(house)
    assert house.kinds() == ["skipped"]


def test_slots_that_were_slept_through_are_folded(house):
    house.digest()
    send(house)
    house.clock.advance(timedelta(days=30))
    house.item("one", channels={"newsletter": "digest"})
    send(house)
    assert house.kinds().count("coalesced") == 4
    assert [key for key in house.states() if key.startswith("weekly")] == ["weekly-2026-W51:email:1"]


def test_a_missed_digest_can_still_be_sent(house):
    house.digest()
    house.people(2)
    house.item("one", channels={"newsletter": "digest"})
    approve(house.parts, ["weekly-2026-W47"], who="ana")
    house.clock.advance(timedelta(days=3, hours=12))
    assert send(house).mails == 0
    assert house.one("weekly-2026-W47", "email").state is State.MISSED
    approve(house.parts, ["weekly-2026-W47"], who="ana")
    assert send(house).mails == 2
    send(house)
    assert ("weekly-2026-W48", "email") not in house.store.publications.latest()


def test_a_missed_edition_is_offered_by_its_own_digest_alone(house):
    """Where one digest's name is another one's with a year, the other one does not make it its own."""
    house.people(2)
    house.item("one", channels={"newsletter": "digest"})
    yearly, weekly = (
        house.digest(name="weekly-2026", intro={"en": "The year"}),
        house.digest(intro={"en": "The week"}),
    )
    house.change(digests=(yearly,))
    approve(house.parts, ["weekly-2026-2026-W47"], who="ana")
    agreed = house.one("weekly-2026-2026-W47", "email").content
    house.clock.advance(timedelta(days=3, hours=12))
    send(house)
    assert house.one("weekly-2026-2026-W47", "email").state is State.MISSED
    house.change(digests=(yearly, weekly))
    send(house)
    assert house.one("weekly-2026-2026-W47", "email").content == agreed
    approve(house.parts, ["weekly-2026-2026-W47"], who="ana")
    assert send(house).mails == 2


@pytest.mark.parametrize(
    ("id_", "own"),
    [
        ("weekly-2026-W47", True),
        ("weekly-2026-11-19", True),
        ("weekly-2026-10-25-0330", True),
        ("weekly-2026-10-25-0330+0300", True),
        ("weekly-2026-2026-W47", False),
        ("weekly-2026-2026-11-19", False),
        ("weekly-2026-11-19-2026-11-19", False),
        ("flash-weekly-2026-W47", False),
    ],
)
def test_an_editions_name_tells_whose_it_is(house, id_, own):
    assert bool(slot_name(house.digest()).fullmatch(id_)) is own


def test_pinned_come_first_and_excluded_never(house):
    house.digest(pinned=("old",), excluded=("never",), max_items=2)
    for number, name in enumerate(("old", "newer", "newest", "never")):
        house.item(name, date=NOW - timedelta(days=10 - number), channels={"newsletter": "digest"})
    send(house)
    assert house.one("weekly-2026-W47", "email").items == ("old", "newest")


@pytest.mark.parametrize(
    ("cron", "name"),
    [
        ("0 10 * * thu", "weekly-2026-W47"),
        ("0 10 * * tue,thu", "weekly-2026-11-17"),
        ("0 10,18 * * *", "weekly-2026-11-16-1800"),
    ],
)
def test_editions_are_named_by_their_slot(house, cron, name):
    house.digest(cron=cron)
    house.item(channels={"newsletter": "digest"})
    send(house)
    assert f"{name}:email:1" in house.states()


# ------------------------------------------------------------------------------------------------ telling


def test_somebody_is_told_once_of_each_event(house):
    house.item()
    house.x.program("first:x:1", RejectedError("x: refused"))
    approve(house.parts, ["first"], who="ana")
    house.recorder.deaf = True
    send(house)
    assert house.recorder.told == []
    house.recorder.deaf = False
    send(house)
    assert house.recorder.told == []  # not hammered
    house.clock.advance(timedelta(minutes=15))
    send(house)
    send(house)
    assert [(h.kind, h.detail) for h in house.recorder.told] == [("failed", "x: refused")]


def test_a_tick_reads_the_folder_before_something_goes_out(house):
    house.item(publish_at=NOW + timedelta(seconds=10))
    approve(house.parts, ["first"], who="ana")
    ticks = Ticks(house.parts, house.stop)
    ticks.tick()
    house.item(publish_at=NOW + timedelta(seconds=10), title="Changed")
    house.clock.advance(timedelta(seconds=10))
    ticks.tick()
    assert house.x.sent == []
    assert house.one("first", "x").state is State.IN_REVIEW


def test_two_processes_at_once_send_nothing_twice(house, house_class):
    house.item()
    flash(house, people=30)
    other = house_class(house.store, house.clock)
    other.change(channels=house.parts.channels, owner="other")
    other.source.items = house.source.items
    errors = []

    def work(parts):
        try:
            publish(parts, house.stop)
        except ChannelError as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(h.parts,)) for h in (house, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(house.mail.sent) == 30
    keys = [message.key for message in house.mail.sent]
    assert len(set(keys)) == 30


def test_a_receipt_is_kept(house):
    house.item()
    house.x.program("first:x:1", Receipt(id="17", url="https://x.example/17"))
    approve(house.parts, ["first"], who="ana")
    send(house)
    row = house.one("first", "x")
    assert (row.remote_id, row.remote_url, row.published_at) == ("17", "https://x.example/17", NOW)
