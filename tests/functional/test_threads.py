"""Threads go out part by part: whatever happens in between, the rest hangs under what is out, nothing doubles."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dissemination.errors import FencedError, InDoubtError, NeedsLoginError, RejectedError, UnavailableError
from dissemination.model import Carries, Limits, Part, PostOverride, Receipt, Repeat, State
from dissemination.pipeline.approve import approve, cancel
from dissemination.pipeline.deliver import deliver
from dissemination.pipeline.plan import plan
from dissemination.pipeline.publish import publish
from dissemination.pipeline.timing import Timing
from dissemination.testing import MemoryNetwork, MemoryThreads

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
KEY = "first:x:1"
FURTHER = ("Part two", "Part three", "Part four", "Part five")
KEYS = [KEY, *(f"{KEY}/{number}" for number in range(2, 6))]
IDS = [f"memory-{key}" for key in KEYS]
LIMITS = Limits(carries=Carries.POST, max_length=500, threads=True, repeat=Repeat.LOOK)
CHANNELS = {"feed": "auto", "x": "auto", "newsletter": "none"}


class Death(BaseException):
    """The process ends here."""


@pytest.fixture
def network():
    return MemoryNetwork(LIMITS)


@pytest.fixture
def thread(house, network):
    """A house with an approved thread of five for x."""
    house.change(channels={**house.parts.channels, "x": network})
    house.item(posts={"x": PostOverride(reply_chain=FURTHER)})
    approve(house.parts, ["first"], who="ana")
    return house


def send(house):
    return publish(house.parts, house.stop)


def row(house):
    return house.one("first", "x")


def keep_going(house, passes=12):
    """As a scheduler would."""
    for _ in range(passes):
        send(house)
        house.clock.advance(timedelta(minutes=5))


def judge(network, texts=FURTHER):
    """Every part once, each hanging under the one before."""
    assert [message.key for message in network.sent] == KEYS
    assert network.sent[0].body.text.startswith("Title of first")
    assert [message.body.text for message in network.sent[1:]] == list(texts)
    assert [message.in_reply_to for message in network.sent] == [None, *(Receipt(id=id_) for id_ in IDS[:-1])]


def die_at(network, number, *, arrives, error=Death):
    """The process ends while part `number` is sent, before or after it arrived."""
    send_ = network.send
    left = [number]

    def sending(message, /, *, key):
        left[0] -= 1
        if left[0] == 0:
            if arrives:
                send_(message, key=key)
            raise error
        return send_(message, key=key)

    network.send = sending


# ------------------------------------------------------------------------------------------------ all goes well


def test_a_thread_goes_out_in_one_pass_and_its_proof_is_that_of_the_first_part(thread, network):
    assert send(thread).posts == 1
    judge(network)
    now = row(thread)
    assert (now.state, now.remote_id, now.attempts) == (State.PUBLISHED, IDS[0], 1)
    assert now.parts == tuple(Part(id_) for id_ in IDS)
    assert now.out == now.parts


def test_every_part_says_when_the_thread_began(thread, network):
    send_ = network.send

    def slow(message, /, *, key):
        thread.clock.advance(timedelta(seconds=50))
        return send_(message, key=key)

    network.send = slow
    send(thread)
    assert {message.at for message in network.sent} == {NOW}
    assert row(thread).published_at == NOW


def test_pictures_card_and_mentions_are_the_first_parts(thread, network):
    send(thread)
    first, *further = [message.body for message in network.sent]
    assert first.thread == ()
    assert all(
        (body.thread, body.pictures, body.link, body.title, body.summary) == ((), (), "", "", "")
        for body in further
    )
    assert {body.lang for body in further} == {first.lang}


def test_each_part_stands_in_the_log(thread):
    send(thread)
    told = [
        event.detail for event in thread.store.events.latest(100) if (event.kind, event.channel) == ("sent", "x")
    ]
    assert told == [f"part {number} of 5: {id_}" for number, id_ in enumerate(IDS, start=1)]


def test_a_single_post_is_a_thread_of_one(house, network):
    house.change(channels={**house.parts.channels, "x": network})
    house.item()
    network.program(KEY, Receipt(id="7", url="https://x.example/7"))
    approve(house.parts, ["first"], who="ana")
    send(house)
    assert row(house).parts == (Part("7", "https://x.example/7"),)
    assert network.sent[0].in_reply_to is None
    assert network.sent[0].at == NOW


# ------------------------------------------------------------------------------------------------ what goes wrong


@pytest.mark.parametrize("store_target", ["sqlite"], indirect=True)
@pytest.mark.parametrize("number", range(1, 6))
@pytest.mark.parametrize(
    "failure",
    [
        UnavailableError("x: 503"),
        UnavailableError("x: 429", retry_at=NOW + timedelta(minutes=20)),
        InDoubtError("x: no answer"),
    ],
    ids=["503", "429", "doubt"],
)
@pytest.mark.parametrize("arrives", [True, False])
def test_after_a_failure_the_next_part_follows(thread, network, number, failure, arrives):
    network.doubt_arrives = arrives
    network.program(KEYS[number - 1], failure)
    send(thread)
    now = row(thread)
    assert now.reason == f"part {number} of 5: {failure}"
    assert len(now.parts) == number - 1
    assert now.state is (State.IN_DOUBT if isinstance(failure, InDoubtError) else State.SCHEDULED)
    keep_going(thread)
    judge(network)
    assert row(thread).state is State.PUBLISHED


@pytest.mark.parametrize("store_target", ["sqlite"], indirect=True)
@pytest.mark.parametrize("number", range(1, 6))
@pytest.mark.parametrize("arrives", [True, False])
@pytest.mark.parametrize("repeat", [Repeat.LOOK, Repeat.SAFE])
def test_after_the_death_of_the_process_the_next_part_follows(thread, network, number, arrives, repeat):
    network.limits = replace(LIMITS, repeat=repeat)
    if repeat is Repeat.SAFE and arrives:
        # Sent again, and the same: it changes nothing there.
        keep = network._keep
        network._keep = lambda message, key, receipt: (
            receipt if key in network._receipts else keep(message, key, receipt)
        )
    die_at(network, number, arrives=arrives)
    with pytest.raises(Death):
        send(thread)
    assert row(thread).state is State.SENDING
    assert len(row(thread).parts) == number - 1
    thread.clock.advance(timedelta(minutes=3))  # its lease is over
    if repeat is Repeat.SAFE:
        assert send(thread).posts == 1  # at once
    keep_going(thread)
    judge(network)
    assert row(thread).state is State.PUBLISHED


class Blind(MemoryNetwork):
    """A channel without the power to look."""

    find = None


@pytest.mark.parametrize("number", [1, 3])
def test_where_only_a_person_can_tell_the_part_is_named(thread, number):
    blind = Blind(replace(LIMITS, repeat=Repeat.ASK))
    thread.change(channels={**thread.parts.channels, "x": blind})
    die_at(blind, number, arrives=True)
    with pytest.raises(Death):
        send(thread)
    keep_going(thread)
    now = row(thread)
    assert now.state is State.IN_DOUBT
    assert now.reason == f"part {number} of 5: the process ended before the answer came"
    assert len(blind.sent) == number


def test_a_part_that_is_refused_fails_alone_and_a_better_one_goes_on_behind_it(thread, network):
    network.program(KEYS[2], RejectedError("x: too long"))
    send(thread)
    now = row(thread)
    assert (now.state, now.reason) == (State.FAILED, "part 3 of 5: x: too long")
    assert now.parts == (Part(IDS[0]), Part(IDS[1]))
    better = ("Part two", "3", "Part four", "Part five")
    thread.item(posts={"x": PostOverride(reply_chain=better)})
    send(thread)
    assert row(thread).state is State.IN_REVIEW
    approve(thread.parts, ["first:x"], who="ana")
    send(thread)
    judge(network, better)
    assert row(thread).state is State.PUBLISHED


def test_what_has_fewer_parts_now_than_are_out_is_through(thread, network):
    network.program(KEYS[3], RejectedError("x: no"))
    send(thread)
    thread.item(posts={"x": PostOverride(reply_chain=FURTHER[:2])})
    approve(thread.parts, ["first:x"], who="ana")
    send(thread)
    assert (row(thread).state, len(network.sent)) == (State.PUBLISHED, 3)


def test_credentials_that_end_in_the_middle_pause_and_lose_nothing(thread, network):
    network.program(KEYS[2], NeedsLoginError("x: token expired"))
    send(thread)
    assert thread.store.controls.paused()["x"].endswith("x: token expired")
    assert row(thread).reason == "part 3 of 5: x: token expired"
    thread.clock.advance(timedelta(days=3))  # far more than its grace: what has begun is carried to its end
    send(thread)
    assert len(network.sent) == 2
    thread.store.controls.resume("x", who="ana")
    send(thread)
    judge(network)


@pytest.mark.parametrize("how", ["pause", "stop"])
def test_a_stop_takes_effect_between_two_parts(thread, network, how):
    send_ = network.send

    def sending(message, /, *, key):
        if len(network.sent) == 1:
            thread.store.controls.pause("x", who="ana", reason="stop!") if how == "pause" else thread.stop.set()
        return send_(message, key=key)

    network.send = sending
    send(thread)
    now = row(thread)
    assert (now.state, now.reason, len(network.sent)) == (
        State.SCHEDULED,
        "2 of 5 parts are out; the rest follows",
        2,
    )
    network.send = send_
    thread.stop.clear()
    thread.store.controls.resume("x", who="ana")
    send(thread)
    judge(network)


def test_what_is_cancelled_half_way_shows_what_is_out_and_may_be_taken_up_again(thread, network):
    network.program(KEYS[2], UnavailableError("x: 503"))
    send(thread)
    (verdict,) = cancel(thread.parts, ["first:x"], who="ana")
    assert verdict.publication.out == (Part(IDS[0]), Part(IDS[1]))
    keep_going(thread, 2)
    assert len(network.sent) == 2
    approve(thread.parts, ["first:x"], who="ana")
    send(thread)
    judge(network)


def test_who_approves_the_rest_is_told_that_what_is_out_stays(thread, network):
    network.program(KEYS[2], RejectedError("x: no"))
    send(thread)
    thread.item(title="Another title", posts={"x": PostOverride(reply_chain=("A", "B", "C", "D"))})
    plan(thread.parts)
    assert row(thread).state is State.IN_REVIEW
    assert row(thread).reason == "what is out of it (2 parts) stays as it is"


def test_an_edit_does_not_touch_a_thread_that_is_under_way(thread, network):
    network.program(KEYS[2], UnavailableError("x: 503"))
    send(thread)
    thread.item(title="Another title", posts={"x": PostOverride(reply_chain=("A", "B", "C", "D"))})
    keep_going(thread)
    judge(network)


def test_a_thread_whose_file_is_gone_stops_and_stays_in_sight(thread, network):
    network.program(KEYS[2], UnavailableError("x: 503"))
    send(thread)
    thread.source.items = []
    keep_going(thread)
    assert (row(thread).state, len(row(thread).out)) == (State.IN_REVIEW, 2)
    assert len(network.sent) == 2
    (verdict,) = cancel(thread.parts, ["first:x"], who="ana")
    assert verdict.publication.state is State.CANCELLED


def test_attempts_are_those_of_one_part(thread, network):
    thread.change(attempts=2)
    for key in KEYS:
        network.program(key, UnavailableError("x: 429"))
    keep_going(thread)
    judge(network)


def test_a_part_that_fails_every_time_ends_the_thread_and_what_is_out_stays_known(thread, network):
    thread.change(attempts=3)
    network.program(KEYS[3], *[UnavailableError("x: 503")] * 3)
    keep_going(thread)
    now = row(thread)
    assert (now.state, now.reason, len(now.out)) == (State.FAILED, "part 4 of 5: x: 503", 3)


def test_the_accounts_rate_counts_a_thread_once_and_is_not_given_back_for_what_is_out(thread, network):
    thread.change(timing={"x": Timing(per_day=2, timezone="UTC")})
    thread.item("second")
    thread.item("third")
    approve(thread.parts, ["second", "third"], who="ana")
    network.program(KEYS[2], RejectedError("x: no"))
    send(thread)
    assert [message.key for message in network.sent] == [*KEYS[:2], "second:x:1"]
    assert thread.one("third", "x").reason == "waits for the rates of x"


# ------------------------------------------------------------------------------------------------ looking


def test_it_is_looked_for_only_when_it_would_show_however_long_the_sending_took(thread, network):
    """Counted from the end of the sending, not from its beginning."""
    send_, asked = network.send, []

    def slow(message, /, *, key):
        thread.clock.advance(timedelta(seconds=90))
        return send_(message, key=key)

    find = network.find
    network.send, network.find = slow, lambda message, **facts: asked.append(message) or find(message, **facts)
    network.program(KEYS[1], InDoubtError("x: no answer"))
    send(thread)
    send(thread)
    assert asked == []
    thread.clock.advance(timedelta(seconds=61))
    send(thread)
    assert (asked[0].key, asked[0].in_reply_to) == (KEYS[1], Receipt(id=IDS[0]))
    judge(network)


def test_it_is_looked_for_since_the_part_before_was_out(thread, network):
    times = []
    send_ = network.send

    def slow(message, /, *, key):
        thread.clock.advance(timedelta(seconds=40))
        return send_(message, key=key)

    network.send = slow
    network.find = lambda message, *, key, since: times.append(since)
    network.program(KEYS[3], InDoubtError("x: no answer"))
    send(thread)
    keep_going(thread, 2)
    assert times == [NOW + timedelta(seconds=120)]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (UnavailableError("x: cannot reach X"), "part 2 of 5: x: no answer"),
        (InDoubtError("x: 17 looks like it"), "part 2 of 5: x: 17 looks like it"),
        (NeedsLoginError("x: token expired"), "part 2 of 5: x: token expired"),
    ],
    ids=["unavailable", "similar", "login"],
)
def test_where_looking_does_not_tell_it_waits_longer_each_time(thread, network, error, reason):
    network.doubt_arrives = False
    network.program(KEYS[1], InDoubtError("x: no answer"))
    asked = []

    def find(message, *, key, since):
        asked.append(thread.clock.now())
        raise error

    real, network.find = network.find, find
    end = thread.clock.now() + timedelta(hours=1)
    while thread.clock.now() < end:
        send(thread)
        now, later = thread.clock.now(), row(thread).not_before
        thread.clock.advance(later - now if later and later > now else timedelta(minutes=1))
    now = row(thread)
    assert (now.state, now.reason) == (State.IN_DOUBT, reason)
    login = isinstance(error, NeedsLoginError)
    assert len(asked) == (1 if login else 7)
    assert ("x" in thread.store.controls.paused()) is login
    network.find = real
    thread.store.controls.resume("x", who="ana")
    keep_going(thread)
    judge(network)


def test_a_part_that_says_the_same_as_one_that_is_known_is_no_proof(thread, network):
    network.program(KEYS[1], InDoubtError("x: no answer"))
    send(thread)
    network.find = lambda message, *, key, since: Receipt(id=IDS[0])
    keep_going(thread, 3)
    now = row(thread)
    assert (now.state, now.parts) == (State.IN_DOUBT, (Part(IDS[0]),))
    assert "says the same" in now.reason


def test_what_a_backup_does_not_know_is_found_part_by_part(thread, network):
    """Put back from when only the first part was known, while four are out by now."""
    network.program(KEYS[4], UnavailableError("x: 503"))
    send(thread)
    assert len(network.sent) == 4
    old = row(thread)
    thread.store.publications.sync(
        [], [(old, replace(old, state=State.IN_DOUBT, parts=old.parts[:1], not_before=None))]
    )
    keep_going(thread)
    judge(network)
    assert row(thread).parts == tuple(Part(id_) for id_ in IDS)


def test_a_network_that_says_when_to_look_again_is_not_asked_before(thread, network):
    network.program(KEY, InDoubtError("x: no answer"))
    asked = []

    def find(message, *, key, since):
        asked.append(thread.clock.now())
        raise UnavailableError("x: 429", retry_at=NOW + timedelta(hours=2))

    network.find = find
    for _ in range(12):
        send(thread)
        thread.clock.advance(timedelta(minutes=10))
    assert asked == [NOW + timedelta(minutes=10)]


def test_a_paused_channel_is_not_asked(thread, network):
    network.program(KEY, InDoubtError("x: no answer"))
    send(thread)
    thread.store.controls.pause("x", who="ana", reason="")
    keep_going(thread, 3)
    assert row(thread).state is State.IN_DOUBT
    thread.store.controls.resume("x", who="ana")
    keep_going(thread, 2)
    judge(network)


# ------------------------------------------------------------------------------------------------ at once


@pytest.fixture
def at_once(house, request):
    """A network that takes threads in one step."""
    made = MemoryThreads(replace(LIMITS, repeat=getattr(request, "param", Repeat.LOOK)))
    house.change(channels={**house.parts.channels, "x": made})
    house.item(posts={"x": PostOverride(reply_chain=FURTHER)})
    approve(house.parts, ["first"], who="ana")
    return made


def test_a_thread_is_written_in_one_step_where_the_network_can(house, at_once):
    send(house)
    assert at_once.attempts == [f"thread {KEY}"]
    assert [message.key for message in at_once.sent] == KEYS
    assert {message.in_reply_to for message in at_once.sent} == {None}
    assert row(house).parts == tuple(Part(id_) for id_ in IDS)


@pytest.mark.parametrize("at_once", [Repeat.LOOK, Repeat.SAFE], indirect=True)
@pytest.mark.parametrize("arrives", [True, False])
def test_a_thread_in_one_step_whose_answer_was_lost_is_there_once(house, at_once, arrives):
    at_once.doubt_arrives = arrives
    at_once.program(KEY, InDoubtError("x: no answer"))
    send(house)
    assert row(house).reason == "x: no answer"
    keep_going(house)
    now = row(house)
    assert (now.state, now.parts) == (State.PUBLISHED, tuple(Part(id_) for id_ in IDS))
    assert at_once.texts()[1:] == list(FURTHER)
    if at_once.limits.repeat is Repeat.LOOK:
        assert [message.key for message in at_once.sent] == KEYS


def test_half_a_thread_where_it_goes_in_one_step_is_for_a_person(house, at_once):
    at_once.program(KEY, InDoubtError("x: no answer"))
    send(house)
    del at_once._receipts[KEYS[4]]
    keep_going(house, 3)
    now = row(house)
    assert (now.state, now.parts) == (State.IN_DOUBT, ())
    assert "a part of the thread is there and another is not" in now.reason


def test_a_single_post_of_such_a_network_goes_the_usual_way(house, at_once):
    house.item("second")
    approve(house.parts, ["second"], who="ana")
    send(house)
    assert "second:x:1" in at_once.attempts


# ------------------------------------------------------------------------------------------------ claims


def test_who_was_taken_over_sends_nothing_more_and_what_is_out_stands_in_the_log(thread, network):
    send_ = network.send

    def sending(message, /, *, key):
        receipt = send_(message, key=key)
        if len(network.sent) == 2:
            thread.clock.advance(timedelta(minutes=10))
            (left,) = thread.store.publications.abandoned()
            thread.store.publications.settle(left, replace(left, state=State.IN_DOUBT), [])
        return receipt

    network.send = sending
    assert send(thread).posts == 0
    assert len(network.sent) == 2
    assert row(thread).parts == (Part(IDS[0]),)
    assert thread.store.events.latest(1)[0].detail == f"part 2 of 5: {IDS[1]}"
    network.send = send_
    keep_going(thread)
    judge(network)


def test_every_part_is_a_sign_of_life(thread, network):
    send_, taken = network.send, []

    def slow(message, /, *, key):
        thread.clock.advance(timedelta(seconds=100))  # five of them take far longer than a lease
        taken.extend(thread.store.publications.abandoned())
        return send_(message, key=key)

    network.send = slow
    send(thread)
    assert taken == []
    judge(network)


def test_a_part_that_takes_long_is_not_taken_over(thread, network):
    """Real time: the lease is a moment, and the sending waits until it was renewed."""
    thread.change(lease=0.06)
    renew, send_ = thread.store.publications.renew, network.send
    renewed, taken = threading.Event(), []

    def renewing(claimed, lease):
        done = renew(claimed, lease)
        renewed.set()
        return done

    def slow(message, /, *, key):
        renewed.clear()
        thread.clock.advance(timedelta(seconds=1))
        assert renewed.wait(10)
        taken.extend(thread.store.publications.abandoned())
        return send_(message, key=key)

    thread.store.publications.renew, network.send = renewing, slow
    deliver(thread.parts, thread.stop)
    keep_going(thread, 2)
    assert taken == []
    judge(network)


def test_a_sign_of_life_of_a_claim_that_is_over_changes_nothing(thread):
    claimed = thread.store.publications.claim(KEY, "one", 120)
    thread.store.publications.sync((), [(claimed, replace(claimed, state=State.CANCELLED))])
    assert thread.store.publications.renew(claimed, 120) is False


def test_progress_of_a_claim_that_is_over_is_refused(thread):
    claimed = thread.store.publications.claim(KEY, "one", 120)
    thread.store.publications.sync((), [(claimed, replace(claimed, state=State.SCHEDULED))])
    again = thread.store.publications.claim(KEY, "two", 120)
    line = thread.store.events.latest(1)[0]
    with pytest.raises(FencedError):
        thread.store.publications.progress(claimed, [Part("17")], lease=120, happening=replace(line, detail="late"))
    assert row(thread) == again
    assert thread.store.events.latest(1)[0].detail == "late"


def test_the_database_being_busy_ends_no_sending(thread, network):
    renewed = threading.Event()

    def renewing(claimed, lease):
        renewed.set()
        raise UnavailableError("database: busy")

    send_ = network.send

    def slow(message, /, *, key):
        assert renewed.wait(10)
        return send_(message, key=key)

    thread.change(lease=0.03)
    thread.store.publications.renew, network.send = renewing, slow
    send(thread)
    judge(network)
