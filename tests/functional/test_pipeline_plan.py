"""Planning and approving: what is bound, what lapses, what is left alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dissemination.errors import UnknownIdError
from dissemination.model import Audience, ItemStatus, State
from dissemination.pipeline.approve import approve, cancel
from dissemination.pipeline.plan import plan
from dissemination.pipeline.publish import publish

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)


def test_every_channel_of_an_item_is_planned_once(house):
    house.item()
    plan(house.parts)
    plan(house.parts)
    assert house.states() == {"first:feed:1": "in_review", "first:x:1": "in_review"}


def test_nothing_is_rendered_again_when_nothing_changed(house):
    house.digest()
    house.item(channels={"newsletter": "digest"})
    approve(house.parts, ["weekly-2026-W47"], who="ana")
    before = house.renderer.rendered
    plan(house.parts)
    assert house.renderer.rendered == before


def test_a_draft_waits_with_its_reason_and_cannot_be_approved(house):
    house.item(status=ItemStatus.DRAFT)
    verdicts = approve(house.parts, ["first"], who="ana")
    assert {v.publication.state for v in verdicts} == {State.DRAFT}
    assert all("draft" in v.refused for v in verdicts)


def test_an_approval_schedules_now_or_at_the_set_time(house):
    later = NOW + timedelta(days=1)
    house.item("now")
    house.item("then", publish_at=later)
    approve(house.parts, ["now", "then"], who="ana")
    assert house.one("now", "x").due_at == NOW
    assert house.one("then", "x").due_at == later
    assert house.one("now", "x").approved_by == ("ana",)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"summary": "Another summary"}, "the text changed"),
        ({"publish_at": NOW + timedelta(days=3)}, "the time changed"),
    ],
)
def test_a_later_change_lapses_the_approval_and_says_why(house, change, said):
    house.item(publish_at=NOW + timedelta(days=1))
    approve(house.parts, ["first"], who="ana")
    house.item(**({"publish_at": NOW + timedelta(days=1)} | change))
    plan(house.parts)
    row = house.one("first", "x")
    assert row.state is State.IN_REVIEW
    assert row.reason.startswith(said)
    assert "ana" in row.reason
    assert row.approved_by == ()
    assert "lapsed" in house.kinds()


def test_a_changed_audience_lapses_but_a_new_subscriber_does_not(house):
    house.digest()
    house.item(channels={"newsletter": "digest"})
    house.people(2)
    approve(house.parts, ["weekly-2026-W47"], who="ana")
    house.people(7)
    plan(house.parts)
    assert house.one("weekly-2026-W47", "email").state is State.SCHEDULED
    assert house.one("weekly-2026-W47", "email").reach == 7
    house.digest(audience=Audience(lists=("news", "partners")))
    plan(house.parts)
    row = house.one("weekly-2026-W47", "email")
    assert row.state is State.IN_REVIEW
    assert row.reason.startswith("the audience changed")


def test_an_approved_item_whose_file_breaks_or_goes_must_wait(house):
    item = house.item(publish_at=NOW + timedelta(days=1))
    approve(house.parts, ["first"], who="ana")
    house.source.items = []
    house.source.refused = {item.path}
    plan(house.parts)
    row = house.one("first", "feed")
    assert row.state is State.IN_REVIEW
    assert "gone or refused" in row.reason


def test_a_moved_file_keeps_its_id_by_its_body_or_its_title(house):
    house.item()
    plan(house.parts)
    house.source.items = []
    house.item(id_="moved", path="news/moved/index.md", markdown="body of first", title="Another title")
    plan(house.parts)
    assert set(house.states()) == {"first:feed:1", "first:x:1"}
    house.source.items = []
    house.item(id_="again", path="news/again/index.md", markdown="all new", title="Another title")
    plan(house.parts)
    assert set(house.states()) == {"first:feed:1", "first:x:1"}


def test_a_new_file_never_gets_the_id_of_an_old_one(house):
    house.item()
    plan(house.parts)
    house.source.items = []
    house.item(id_="first", path="news/first.md", markdown="another body", title="Another title")
    plan(house.parts)
    assert "first-2:feed:1" in house.states()


def test_two_must_approve_where_the_quorum_says_so(house):
    house.change(quorum=2)
    house.item()
    approve(house.parts, ["first"], who="ana")
    approve(house.parts, ["first"], who="ana")
    assert house.one("first", "x").state is State.IN_REVIEW
    assert house.one("first", "x").reason == "approved by 1 of 2"
    approve(house.parts, ["first"], who="bogdan")
    assert house.one("first", "x").state is State.SCHEDULED


def test_of_two_approvals_at_the_same_moment_neither_is_lost(house, monkeypatch):
    """The second one finds that the first has come in between, and asks to look again."""
    house.change(quorum=2)
    house.item()
    original = house.store.publications.approve
    verdicts = []

    def beaten(*args, **words):
        monkeypatch.undo()
        verdicts.extend(approve(house.parts, ["first:x"], who="bogdan"))
        return original(*args, **words)

    monkeypatch.setattr(house.store.publications, "approve", beaten)
    (slow,) = approve(house.parts, ["first:x"], who="ana")
    assert [verdict.refused for verdict in verdicts] == [""]
    assert slow.refused == "somebody changed it; look again"
    assert house.one("first", "x").approved_by == ("bogdan",)
    approve(house.parts, ["first:x"], who="ana")
    assert house.one("first", "x").state is State.SCHEDULED


def test_an_unknown_id_names_the_nearest(house):
    house.item("third-meeting")
    with pytest.raises(UnknownIdError, match="did you mean third-meeting"):
        approve(house.parts, ["thrid-meeting"], who="ana")


def test_one_channel_of_an_item_can_be_approved_alone(house):
    house.item()
    approve(house.parts, ["first:x"], who="ana")
    assert house.states() == {"first:feed:1": "in_review", "first:x:1": "scheduled"}


def test_all_leaves_out_what_was_cancelled(house):
    house.item("one")
    house.item("two")
    cancel(house.parts, ["one"], who="ana")
    verdicts = approve(house.parts, [], who="ana", everything=True)
    assert {v.publication.subject for v in verdicts} == {"two"}
    assert house.one("one", "x").state is State.CANCELLED


def test_a_broken_item_costs_only_itself(house):
    house.item("good")
    house.item("bad")
    house.renderer.broken = {"bad"}
    verdicts = approve(house.parts, [], who="ana", everything=True)
    assert {v.publication.subject for v in verdicts} == {"good"}
    assert "told to break" in house.one("bad", "x").reason


def test_an_embargo_holds_every_channel_until_its_time(house):
    embargo = NOW + timedelta(days=2)
    house.item(embargo_until=embargo)
    approve(house.parts, ["first"], who="ana")
    assert {house.one("first", c).due_at for c in ("feed", "x")} == {embargo}


def test_a_future_date_stays_the_publishing_time_when_it_has_passed(house):
    house.item(date=NOW + timedelta(hours=1), channels={"feed": "auto", "x": "auto", "newsletter": "flash"})
    approve(house.parts, ["first", "flash-first"], who="ana")
    house.clock.advance(timedelta(hours=2))
    plan(house.parts)
    assert set(house.states().values()) == {"scheduled"}


def test_a_page_does_not_link_to_a_translation_that_is_under_embargo(house):
    house.item()
    house.item(
        "first.ro",
        path="news/first/index.ro.md",
        lang="ro",
        translation_key="first",
        source_version=False,
        embargo_until=NOW + timedelta(days=2),
    )
    lines = {line.publication.key: line for line in plan(house.parts).lines}
    body = lines["first:feed:1"].proposal.render().body.decode()
    assert '"translations":{}' in body
    assert '"translations":{"en":"first"}' in lines["first.ro:feed:1"].proposal.render().body.decode()


def test_what_nobody_approved_in_time_is_missed_and_asks(house):
    house.item(publish_at=NOW + timedelta(hours=1))
    plan(house.parts)
    house.clock.advance(timedelta(days=1))
    plan(house.parts)
    assert house.one("first", "x").state is State.MISSED
    approve(house.parts, ["first"], who="ana")
    row = house.one("first", "x")
    assert (row.state, row.due_at, row.late) == (State.SCHEDULED, house.clock.now(), True)
    plan(house.parts)
    assert house.one("first", "x").state is State.SCHEDULED


def test_a_published_item_is_planned_again_for_the_feed_only_and_only_after_a_real_edit(house):
    house.item()
    approve(house.parts, ["first"], who="ana")
    publish(house.parts, house.stop)
    house.item(title="Title of first")
    plan(house.parts)
    assert "first:feed:2" not in house.states()
    house.item(title="A better title")
    plan(house.parts)
    assert house.states()["first:feed:2"] == "in_review"
    assert "first:x:2" not in house.states()


def test_nothing_is_stored_when_the_plan_is_only_looked_at(house):
    house.item()
    lines = plan(house.parts, write=False).lines
    assert len(lines) == 2
    assert house.states() == {}


def test_two_files_with_one_id_cost_only_themselves(house):
    house.item("first")
    for name in ("one", "two"):
        house.item("same", path=f"news/{name}.md", explicit_id=True, title=f"Title of {name}")
    plan(house.parts)
    plan(house.parts)
    assert {"first:feed:1", "same:feed:1"} <= set(house.states())


def test_a_new_item_without_words_is_not_an_old_one(house):
    house.item(markdown="", title="One")
    plan(house.parts)
    house.source.items = []
    house.item("second", markdown="", title="Two")
    plan(house.parts)
    assert "second:feed:1" in house.states()


def test_an_edit_that_is_taken_back_is_no_edit(house):
    house.item()
    approve(house.parts, ["first"], who="ana")
    publish(house.parts, house.stop)
    house.item(title="Edited")
    plan(house.parts)
    assert house.states()["first:feed:2"] == "in_review"
    house.item()
    plan(house.parts)
    plan(house.parts)
    assert "first:feed:2" not in house.states()
    assert house.one("first", "feed").state is State.PUBLISHED


def test_what_has_expired_cannot_be_approved(house):
    house.item(expires_at=NOW - timedelta(days=1))
    verdicts = approve(house.parts, ["first"], who="ana")
    assert all("time is over" in v.refused for v in verdicts)
