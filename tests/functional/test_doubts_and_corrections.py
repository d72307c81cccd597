"""What an officer decides of posts afterwards: in doubt, to be corrected, to be taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dissemination.errors import (
    InDoubtError,
    NeedsLoginError,
    RejectedError,
    UnavailableError,
    UnknownIdError,
    WrongUseError,
)
from dissemination.model import Carries, Limits, Part, PostOverride, Receipt, Repeat, State
from dissemination.pipeline.approve import approve, cancel
from dissemination.pipeline.correcting import correct, corrections
from dissemination.pipeline.doubts import Decision, resolve
from dissemination.pipeline.publish import publish
from dissemination.pipeline.withdrawing import withdraw
from dissemination.testing import MemoryChannel, MemoryNetwork, MemoryThreads

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
KEY = "first:x:1"
FURTHER = ("Part two", "Part three")
IDS = [f"memory-{key}" for key in (KEY, f"{KEY}/2", f"{KEY}/3")]
LIMITS = Limits(carries=Carries.POST, max_length=500, threads=True, repeat=Repeat.ASK)


class Blind(MemoryNetwork):
    """It cannot look."""

    find = None


@pytest.fixture
def network(house):
    made = Blind(LIMITS)
    house.change(channels={**house.parts.channels, "x": made})
    return made


def put(house, further=FURTHER, **changes):
    """An item with a thread for x."""
    return house.item(**({"posts": {"x": PostOverride(reply_chain=further)}} | changes))


def send(house):
    return publish(house.parts, house.stop)


def row(house, channel="x"):
    return house.one("first", channel)


@pytest.fixture
def doubtful(house, network, request):
    """A thread of three; part `request.param` (2 where nothing is said) is in doubt, and did not arrive."""
    put(house)
    approve(house.parts, ["first"], who="ana")
    network.doubt_arrives = False
    number = getattr(request, "param", 2)
    network.program(KEY if number == 1 else f"{KEY}/{number}", InDoubtError("x: no answer"))
    send(house)
    assert row(house).state is State.IN_DOUBT
    return house


@pytest.fixture
def out(house, network):
    """A thread of three that is out."""
    put(house)
    approve(house.parts, ["first"], who="ana")
    send(house)
    assert row(house).state is State.PUBLISHED
    return house


def kinds(house, channel="x"):
    return [event.kind for event in house.store.events.latest(100) if event.channel == channel]


# ------------------------------------------------------------------------------------------------ in doubt


@pytest.mark.parametrize("doubtful", [1, 2, 3], indirect=True)
def test_what_an_officer_saw_is_adopted_and_the_rest_follows(doubtful, network):
    number = len(row(doubtful).parts) + 1
    url = "https://x.example/i/status/1789/"
    (verdict,) = resolve(doubtful.parts, "first", Decision.PUBLISHED, url=url, who="ana")
    assert verdict.refused == ""
    assert row(doubtful).parts[-1] == Part("1789", url)
    assert row(doubtful).state is (State.PUBLISHED if number == 3 else State.SCHEDULED)
    send(doubtful)
    assert row(doubtful).state is State.PUBLISHED
    texts = ("Title of first Five regions compared how they lend to small firms.", *FURTHER)
    assert [m.body.text for m in network.sent] == [text for n, text in enumerate(texts, 1) if n != number]
    if number < 3:
        assert network.sent[number - 1].in_reply_to == Receipt(id="1789", url=url)
    assert row(doubtful).remote_url == (url if number == 1 else "")
    (told,) = [event for event in doubtful.store.events.latest(100) if event.kind == "resolved"]
    assert told.detail == f"by ana: part {number} of 3: published: {url}"


@pytest.mark.parametrize(
    "address",
    ["x.com/us/status/1789/photo/1", "x.com/i/web/status/1789?s=20", "m.example/@us/1789", "t.me/us/1789"],
)
def test_the_id_is_read_out_of_an_address_as_browsers_show_it(doubtful, address):
    resolve(doubtful.parts, "first", Decision.PUBLISHED, url=f"https://{address}", who="ana")
    assert row(doubtful).parts[-1].id == "1789"


def test_what_is_not_out_is_sent_again_however_late_it_is(doubtful, network):
    doubtful.clock.advance(timedelta(days=4))
    resolve(doubtful.parts, "first:x", Decision.RETRY, who="ana")
    assert send(doubtful).posts == 1
    assert [message.body.text for message in network.sent[1:]] == list(FURTHER)
    assert row(doubtful).state is State.PUBLISHED


def test_what_was_edited_meanwhile_is_sent_again_only_after_another_approval(house, network):
    house.item()
    approve(house.parts, ["first"], who="ana")
    network.doubt_arrives = False
    network.program(KEY, InDoubtError("x: no answer"))
    send(house)
    house.item(title="Another title")
    resolve(house.parts, KEY, Decision.RETRY, who="ana")
    send(house)
    assert row(house).state is State.IN_REVIEW
    assert network.sent == []


def test_what_was_given_up_never_goes_out_again(doubtful, network):
    resolve(doubtful.parts, "first", Decision.DROP, who="ana")
    now = row(doubtful)
    assert (now.state, now.out) == (State.WITHDRAWN, (Part(IDS[0]),))
    assert now.reason == "given up by ana; whether part 2 of 3 went out is in doubt"
    put(doubtful, title="Another title")
    (verdict,) = approve(doubtful.parts, ["first:x"], who="ana")
    assert "withdrawn" in verdict.refused
    approve(doubtful.parts, [], who="ana", everything=True)
    send(doubtful)
    assert len(network.sent) == 1


def test_a_post_in_doubt_is_not_cancelled_but_resolved(doubtful):
    (verdict,) = cancel(doubtful.parts, ["first:x"], who="ana")
    assert "`disseminate resolve`" in verdict.refused
    assert row(doubtful).state is State.IN_DOUBT


@pytest.mark.parametrize("url", ["", "1789", "ftp://x.example/1", "https://", "https://x.example/", "http://[/1"])
def test_what_is_no_address_of_a_post_is_refused(doubtful, url):
    with pytest.raises(WrongUseError, match="--published"):
        resolve(doubtful.parts, "first", Decision.PUBLISHED, url=url, who="ana")
    assert row(doubtful).state is State.IN_DOUBT


def test_one_address_is_not_that_of_two_posts(house, network):
    other = Blind(LIMITS)
    house.change(channels={**house.parts.channels, "y": other})
    house.item(channels={"feed": "auto", "x": "auto", "y": "auto", "newsletter": "none"})
    approve(house.parts, ["first"], who="ana")
    for channel in (network, other):
        channel.program("", InDoubtError("no answer"))
    send(house)
    with pytest.raises(WrongUseError, match="first:x, first:y"):
        resolve(house.parts, "first", Decision.PUBLISHED, url="https://x.example/1", who="ana")
    assert len(resolve(house.parts, "first", Decision.DROP, who="ana")) == 2


def test_what_is_not_in_doubt_needs_no_decision(out):
    with pytest.raises(WrongUseError, match="no post of it is in doubt"):
        resolve(out.parts, "first", Decision.RETRY, who="ana")
    with pytest.raises(UnknownIdError):
        resolve(out.parts, "nobody", Decision.RETRY, who="ana")


def test_a_thread_that_goes_in_one_step_is_out_as_a_whole(house):
    network = MemoryThreads(replace(LIMITS, repeat=Repeat.LOOK))
    house.change(channels={**house.parts.channels, "x": network})
    put(house)
    approve(house.parts, ["first"], who="ana")
    network.program(KEY, InDoubtError("x: no answer"))
    send(house)
    resolve(house.parts, "first", Decision.PUBLISHED, url="https://x.example/1", who="ana")
    send(house)
    assert (row(house).state, row(house).out) == (State.PUBLISHED, (Part("1", "https://x.example/1"),))
    assert network.attempts == [f"thread {KEY}"]


def test_what_was_settled_meanwhile_is_not_decided_again(doubtful, monkeypatch):
    now = doubtful.clock.now

    def settling():
        old = row(doubtful)
        if old.state is State.IN_DOUBT:
            doubtful.store.publications.settle(old, replace(old, state=State.FAILED), [])
        return now()

    monkeypatch.setattr("dissemination.pipeline.doubts._count", lambda parts, post: settling() and 3)
    (verdict,) = resolve(doubtful.parts, "first", Decision.RETRY, who="ana")
    assert verdict.refused == "it was settled this very moment"
    assert row(doubtful).state is State.FAILED
    assert "resolved" not in kinds(doubtful)


def test_lost_bytes_keep_nobody_from_deciding(doubtful):
    with doubtful.store.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM contents")
    resolve(doubtful.parts, "first", Decision.DROP, who="ana")
    assert row(doubtful).state is State.WITHDRAWN


# ------------------------------------------------------------------------------------------------ withdraw


def test_what_is_out_is_deleted_the_last_part_first(out, network):
    (seen,) = withdraw(out.parts, ["first"], who="ana")
    assert [part.id for part in seen.deleted] == IDS[::-1]
    assert network.standing == {}
    now = row(out)
    assert (now.state, now.out, now.reason) == (State.WITHDRAWN, (), "by ana")
    assert kinds(out)[-4:] == ["withdrawn", "deleted", "deleted", "deleted"]


def test_withdrawing_twice_changes_nothing(out, network):
    withdraw(out.parts, ["first"], who="ana")
    before, events = row(out), len(kinds(out))
    (seen,) = withdraw(out.parts, ["first"], who="ana")
    assert (seen.publication, seen.deleted, seen.failed, seen.refused) == (before, (), "", "")
    assert len(kinds(out)) == events
    assert len([name for name in network.attempts if name.startswith("delete")]) == 3


@pytest.mark.parametrize(
    "error",
    [
        UnavailableError("x: 503"),
        InDoubtError("x: no answer"),
        NeedsLoginError("x: expired"),
        RejectedError("x: no"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_could_not_be_deleted_is_told_and_the_next_call_goes_on(out, network, error):
    network.program(f"delete {IDS[1]}", error)
    (seen,) = withdraw(out.parts, ["first"], who="ana")
    assert (seen.failed, [part.id for part in seen.deleted]) == (str(error), [IDS[2]])
    assert [part.id for part in row(out).out] == IDS[:2]
    assert row(out).state is State.WITHDRAWN
    assert kinds(out)[-1] == "not_deleted"
    (seen,) = withdraw(out.parts, ["first"], who="ana")
    assert (seen.failed, row(out).out, network.standing) == ("", (), {})
    assert network.attempts[-2:] == [f"delete {IDS[1]}", f"delete {IDS[0]}"]


def test_a_crash_after_a_deletion_costs_nothing(out, network):
    delete = network.delete

    def dying(receipt, /):
        delete(receipt)
        raise KeyboardInterrupt

    network.delete = dying
    with pytest.raises(KeyboardInterrupt):
        withdraw(out.parts, ["first"], who="ana")
    network.delete = delete
    (seen,) = withdraw(out.parts, ["first"], who="ana")
    assert (seen.failed, network.standing, row(out).out) == ("", {}, ())


def test_where_nothing_can_be_deleted_it_is_listed_as_often_as_one_asks(house):
    house.x.limits = replace(house.x.limits, threads=True)
    put(house)
    approve(house.parts, ["first"], who="ana")
    send(house)
    for _ in range(2):
        (seen,) = withdraw(house.parts, ["first"], who="ana")
        assert [part.id for part in seen.publication.out] == IDS
        assert (seen.publication.state, seen.deleted, seen.failed) == (State.WITHDRAWN, (), "")


def test_what_waits_never_goes_out(house, network):
    put(house, publish_at=NOW + timedelta(hours=1))
    approve(house.parts, ["first"], who="ana")
    (seen,) = withdraw(house.parts, ["first"], who="ana")
    assert (seen.publication.state, seen.publication.out) == (State.WITHDRAWN, ())
    house.clock.advance(timedelta(hours=1))
    put(house, publish_at=NOW + timedelta(hours=1), title="Another")
    send(house)
    assert network.sent == []
    assert row(house).state is State.WITHDRAWN


def test_half_a_thread_is_taken_back_as_well(doubtful, network):
    (seen,) = withdraw(doubtful.parts, ["first"], who="ana")
    assert [part.id for part in seen.deleted] == IDS[:1]
    assert row(doubtful).reason == "by ana; whether part 2 went out is in doubt"
    assert network.standing == {}


def test_what_is_going_out_this_moment_is_left(house, network):
    put(house)
    approve(house.parts, ["first"], who="ana")
    house.store.publications.claim(KEY, "somebody", 120)
    (seen,) = withdraw(house.parts, ["first"], who="ana")
    assert "going out" in seen.refused
    assert row(house).state is State.SENDING


def test_a_post_whose_file_or_channel_is_gone_is_taken_back_all_the_same(out, network):
    out.source.items = []
    (seen,) = withdraw(out.parts, ["first:x"], who="ana")
    assert len(seen.deleted) == 3


def test_a_channel_that_was_switched_off_leaves_its_posts_to_a_person(out):
    out.change(channels={name: channel for name, channel in out.parts.channels.items() if name != "x"})
    (seen,) = withdraw(out.parts, ["first"], who="ana")
    assert [part.id for part in seen.publication.out] == IDS


def test_an_older_revision_that_is_out_goes_too(out, network):
    again = replace(row(out), key="first:x:2", revision=2, state=State.IN_REVIEW, parts=(), remote_id="", token=0)
    out.store.publications.sync([again], [])
    seen = withdraw(out.parts, ["first"], who="ana")
    assert {one.publication.key: one.publication.state for one in seen} == {
        "first:x:2": State.WITHDRAWN,
        KEY: State.WITHDRAWN,
    }
    assert network.standing == {}


def test_the_item_shared_again_goes_too_and_not_the_other_way_round(out, network):
    shared = replace(row(out), key="first~2:x:1", subject="first~2", parts=(Part("again"),), remote_id="again")
    waits = replace(shared, key="first~3:x:1", subject="first~3", state=State.SCHEDULED, parts=(), remote_id="")
    out.store.publications.sync([shared, waits], [])
    withdraw(out.parts, ["first~2"], who="ana")
    assert out.store.publications.get(waits.key).state is not State.WITHDRAWN
    assert row(out).state is State.PUBLISHED
    withdraw(out.parts, ["first"], who="ana")
    assert {out.store.publications.get(key).state for key in (KEY, shared.key, waits.key)} == {State.WITHDRAWN}


def test_a_post_from_before_parts_were_kept_is_known_by_its_one_proof(out, network):
    old = row(out)
    out.store.publications.sync([], [(old, replace(old, parts=()))])
    (seen,) = withdraw(out.parts, ["first"], who="ana")
    assert [part.id for part in seen.deleted] == IDS[:1]


def test_mails_and_feeds_are_not_taken_back(house):
    house.item(channels={"feed": "auto", "x": "off", "newsletter": "none"})
    with pytest.raises(WrongUseError, match="no post"):
        withdraw(house.parts, ["first"], who="ana")
    with pytest.raises(UnknownIdError):
        withdraw(house.parts, ["nobody"], who="ana")


# ------------------------------------------------------------------------------------------------ correct


def better(house, further=("Part two", "Part three, corrected"), **changes):
    return put(house, further, **changes)


def test_what_changed_is_shown_first_and_edited_when_confirmed(out, network):
    better(out)
    (wanted,) = corrections(out.parts, ["first"])
    assert [(c.number, c.part, c.text) for c in wanted.changes] == [(3, Part(IDS[2]), "Part three, corrected")]
    assert network.texts()[2] == "Part three"
    old = row(out)
    (done,) = correct(out.parts, [wanted], who="bob")
    assert (done.failed, done.edited) == ("", (Part(IDS[2]),))
    assert network.texts()[1:] == ["Part two", "Part three, corrected"]
    assert [name for name in network.attempts if name.startswith("edit")] == [f"edit {IDS[2]}"]
    edited = network.standing[IDS[2]]
    assert (edited.key, edited.in_reply_to, edited.at) == (f"{KEY}/3", Receipt(id=IDS[1]), NOW)
    now = row(out)
    assert now.state is State.PUBLISHED
    assert now.content != old.content
    assert b"Part three, corrected" in out.store.contents.body(now.content)
    assert kinds(out)[-2:] == ["confirmed", "corrected"]


def test_correcting_twice_changes_nothing(out, network):
    better(out)
    correct(out.parts, corrections(out.parts, ["first"]), who="bob")
    (wanted,) = corrections(out.parts, ["first"])
    assert (wanted.changes, wanted.refused) == ((), "")
    assert correct(out.parts, [wanted], who="bob") == []
    assert kinds(out).count("corrected") == 1


def test_what_goes_out_is_what_was_shown_not_what_the_file_says_by_then(out, network):
    better(out)
    wanted = corrections(out.parts, ["first"])
    better(out, ("Part two", "Changed in the last second"))
    correct(out.parts, wanted, who="bob")
    assert network.texts()[2] == "Part three, corrected"


def test_an_edit_that_was_not_asked_for_changes_nothing(out, network):
    better(out)
    send(out)
    assert network.texts()[2] == "Part three"
    assert row(out).state is State.PUBLISHED


@pytest.mark.parametrize(
    "error", [UnavailableError("x: 503"), InDoubtError("x: no answer"), RejectedError("x: no")]
)
def test_what_could_not_be_edited_is_told_and_the_next_call_goes_on(out, network, error):
    better(out, ("Two", "Three"))
    network.program(f"edit {IDS[2]}", error)
    (done,) = correct(out.parts, corrections(out.parts, ["first"]), who="bob")
    assert (done.failed, done.edited) == (f"part 3: {error}", (Part(IDS[1]),))
    assert kinds(out)[-1] == "not_corrected"
    (done,) = correct(out.parts, corrections(out.parts, ["first"]), who="bob")
    assert done.failed == ""
    assert network.texts()[1:] == ["Two", "Three"]


def test_a_crash_in_the_middle_of_an_edit_leaves_the_bytes_that_were_confirmed(out, network):
    better(out)
    edit = network.edit

    def dying(receipt, message, /):
        edit(receipt, message)
        raise KeyboardInterrupt

    network.edit = dying
    (wanted,) = corrections(out.parts, ["first"])
    with pytest.raises(KeyboardInterrupt):
        correct(out.parts, [wanted], who="bob")
    assert out.store.contents.body(wanted.content.digest) == wanted.content.body
    network.edit = edit
    (done,) = correct(out.parts, corrections(out.parts, ["first"]), who="bob")
    assert (done.failed, network.texts()[2]) == ("", "Part three, corrected")


def test_what_an_edit_left_as_it_was_is_told(out, network):
    better(out)
    network.edit = lambda receipt, message, /: replace(receipt, detail="the words; the picture stays as it was")
    (done,) = correct(out.parts, corrections(out.parts, ["first"]), who="bob")
    assert done.said == "the words; the picture stays as it was"
    assert out.store.events.latest(1)[0].detail == "by bob: the words; the picture stays as it was"


def test_an_edit_may_give_another_proof(out, network):
    better(out)
    network.edit = lambda receipt, message, /: Receipt(id=f"{receipt.id}-again", url="https://x.example/3")
    correct(out.parts, corrections(out.parts, ["first"]), who="bob")
    assert row(out).parts[1:] == (Part(IDS[1]), Part(f"{IDS[2]}-again", "https://x.example/3"))
    assert row(out).remote_id == IDS[0]


@pytest.mark.parametrize(
    ("further", "expected"),
    [(("Part two",), (3, IDS[2], "")), (("Part two", "Part three", "And four"), (4, None, "And four"))],
    ids=["fewer", "more"],
)
def test_a_thread_of_another_length_is_for_a_person(out, network, further, expected):
    better(out, further)
    (wanted,) = corrections(out.parts, ["first"])
    (change,) = wanted.changes
    assert (change.number, change.part.id if change.part else None, change.text) == expected
    assert not wanted.edits
    assert correct(out.parts, [wanted], who="bob") == []


def test_where_nothing_can_be_edited_the_new_text_and_its_place_are_listed(house):
    house.item()
    house.x.program(KEY, Receipt(id="7", url="https://x.example/7"))
    approve(house.parts, ["first"], who="ana")
    send(house)
    house.item(title="A better title")
    (wanted,) = corrections(house.parts, ["first"])
    (change,) = wanted.changes
    assert (wanted.edits, change.part.url) == (False, "https://x.example/7")
    assert change.text.startswith("A better title")
    assert correct(house.parts, [wanted], who="bob") == []
    assert isinstance(house.x, MemoryChannel)


def test_how_a_text_was_counted_is_no_correction(out):
    post = out.renderer.post
    out.renderer.post = lambda *facts: replace(post(*facts), limit=9_000, length=17)
    assert corrections(out.parts, ["first"])[0].changes == ()


def test_only_what_is_out_is_corrected(house, network):
    put(house)
    (wanted,) = corrections(house.parts, ["first"])
    assert wanted.refused == "it is in review; only what is out can be corrected"
    approve(house.parts, ["first"], who="ana")
    send(house)
    house.renderer.broken = {"first"}
    (wanted,) = corrections(house.parts, ["first"])
    assert "told to break" in wanted.refused
    house.source.items = []
    (wanted,) = corrections(house.parts, ["first"])
    assert wanted.refused == "its file is gone; to take it back, `disseminate withdraw`"
    withdraw(house.parts, ["first"], who="ana")
    (wanted,) = corrections(house.parts, ["first"])
    assert wanted.refused == "it is withdrawn; only what is out can be corrected"


def test_one_person_corrects_nothing_where_two_must_approve(out, network):
    out.change(project=replace(out.parts.project, quorum=2))
    put(out, ("Part two, mended", "Part three"))
    wanted = corrections(out.parts, ["first"])
    assert "2 people must approve" in wanted[0].refused
    assert correct(out.parts, wanted, who="ben") == []
    assert network.texts()[1] == "Part two"


def test_what_was_withdrawn_while_somebody_read_is_not_called_corrected(out, network):
    better(out)
    wanted = corrections(out.parts, ["first"])
    withdraw(out.parts, ["first"], who="ana")
    (done,) = correct(out.parts, wanted, who="bob")
    assert done.failed
    assert row(out).state is State.WITHDRAWN
