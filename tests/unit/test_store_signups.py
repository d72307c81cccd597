"""Sign-ups, choices and leaving in the store, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dissemination.model import Audience, Choices, Notice, SignUp, Step, Subscriber

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
WEEK, LEASE = timedelta(days=7), timedelta(minutes=10)
NEWS = Audience(lists=("news",))
SAID = Notice(lang="en", paragraphs=("words",), digest="0")


def asked(name="ana", **changes):
    facts = {
        "email": f"{name}@mail.example",
        "address": f"{name}@mail.example",
        "hash": f"hash {name}",
        "lang": "en",
        "lists": ("news",),
        "words": "I agree.",
        "form": "test",
        "at": NOW,
    }
    return SignUp(**(facts | changes))


@pytest.fixture
def ana(store):
    """A confirmed subscriber of two lists."""
    assert store.signups.ask(asked(lists=("news", "press")))
    number = store.signups.of("ana@mail.example").id
    return store.signups.confirm(number, ("news", "press"), NOW - WEEK)


def test_a_confirmed_sign_up_is_a_subscriber(store, ana):
    person = store.people.by_id(ana)
    assert (person.email, person.state, person.lists) == ("ana@mail.example", "active", ("news", "press"))
    assert store.people.count(NEWS) == 1
    lines = store.privacy.dossier("ana@mail.example", "hash ana").consents
    assert {(line.step, line.lists) for line in lines} == {
        (step, (name,)) for step in (Step.GIVEN, Step.CONFIRMED) for name in ("news", "press")
    }
    assert all(line.proved for line in lines)


def test_lists_that_wait_add_up_until_they_are_confirmed(store, ana, clock):
    clock.advance(timedelta(days=1))
    store.signups.ask(asked(lists=("a",), at=clock.now()))
    store.signups.ask(asked(lists=("b",), lang="ro", at=clock.now()))
    waiting = store.signups.of("ana@mail.example")
    assert (waiting.lists, waiting.lang, waiting.confirmed_at) == (("a", "b"), "ro", None)
    assert store.signups.confirm(waiting.id, ("a", "b"), NOW) == ana
    assert store.people.by_id(ana).lists == ("a", "b", "news", "press")


def test_what_is_too_old_or_not_there_is_not_confirmed(store, clock):
    store.signups.ask(asked())
    number = store.signups.of("ana@mail.example").id
    assert store.signups.confirm(number + 1, ("news",), NOW - WEEK) is None
    assert store.signups.confirm(number, ("news",), NOW + WEEK) is None
    assert store.signups.confirm(number, (), NOW - WEEK) is None
    assert store.people.by_address("ana@mail.example") is None


def test_the_attributes_of_who_is_there_stay(store):
    person = Subscriber(
        id=0, email="ana@mail.example", name="Ana", lists=("news",), attributes={"region": "R1"}, lang="ro"
    )
    store.people.add([(person, "ana@mail.example", "hash ana")])
    store.signups.ask(asked())
    known = store.signups.confirm(store.signups.of("ana@mail.example").id, ("news",), NOW - WEEK, "each")
    found = store.people.by_id(known)
    assert (found.name, found.attributes, found.lang) == ("Ana", {"region": "R1"}, "en")


def test_new_people_begin_with_a_frequency_where_it_is_asked(store):
    store.signups.ask(asked())
    person = store.signups.confirm(store.signups.of("ana@mail.example").id, ("news",), NOW - WEEK, "each")
    assert store.people.by_id(person).attributes == {"frequency": "each"}
    assert store.preferences.choose(
        person, Choices(lists=("news",), lang="en", frequency="weekly"), ("news",), SAID
    )
    assert store.people.count(Audience(lists=("news",), where=(("frequency", ("weekly",)),))) == 1


def test_a_pause_keeps_somebody_out_of_what_starts_meanwhile(store, ana, clock):
    until = NOW + timedelta(days=3)
    store.preferences.choose(ana, Choices(lists=("news",), lang="en", paused_until=until), ("news",), SAID)
    assert store.people.count(NEWS) == 0
    clock.advance(timedelta(days=3))
    assert store.people.count(NEWS) == 1


def test_lists_that_were_not_asked_about_stay(store, ana):
    store.preferences.choose(ana, Choices(lists=(), lang="en"), ("news",), SAID)
    assert store.people.by_id(ana).lists == ("press",)
    assert store.people.by_id(ana).state == "active"


def test_suppressed_and_unknown_people_choose_nothing(store, ana):
    store.people.suppress("ana@mail.example", "hash ana", "officer")
    assert not store.preferences.choose(ana, Choices(lists=("news",), lang="en"), ("news",), SAID)
    assert not store.preferences.choose(999, Choices(lists=("news",), lang="en"), ("news",), SAID)
    assert store.people.by_id(ana).state == "suppressed"


def test_mails_are_claimed_one_by_one_and_settled_once(store, clock):
    for name in ("a", "b"):
        store.signups.ask(asked(name))
    one, two = store.signups.claim(LEASE), store.signups.claim(LEASE)
    assert {one.email, two.email} == {"a@mail.example", "b@mail.example"}
    assert store.signups.claim(LEASE) is None
    store.signups.settle(one)
    store.signups.settle(two, clock.now() + timedelta(minutes=1))
    assert not store.signups.waits()
    clock.advance(timedelta(minutes=1))
    again = store.signups.claim(LEASE)
    assert (again.signup, again.number, again.attempt) == (two.signup, two.number, 2)


def test_many_leave_at_once_and_a_second_time_changes_nothing(store):
    people = [Subscriber(id=0, email=f"p{n}@x.example", lists=("news",), lang="en") for n in range(300)]
    store.people.add([(one, one.email, one.email) for one in people])
    ids = [one.id for one in store.people.all()]
    assert store.people.unsubscribe_all([*ids, 9_999], "one-click") == 300
    assert store.people.unsubscribe_all(ids, "one-click") == 0
    assert store.people.unsubscribe_all([], "one-click") == 0
    assert store.people.count(NEWS) == 0
    assert [one.detail for one in store.events.latest(5)] == ["300 subscribers, one-click"]


def test_forgetting_takes_who_never_confirmed_and_the_forms_of_who_did(store, ana, clock):
    store.signups.ask(asked("never"))
    assert store.signups.clear(unconfirmed=NOW, confirmed=NOW) == 0
    clock.advance(timedelta(days=40))
    assert store.signups.clear(unconfirmed=NOW + WEEK, confirmed=NOW + WEEK) == 2
    assert store.people.by_id(ana) is not None
