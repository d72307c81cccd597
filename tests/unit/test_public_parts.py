"""The small parts that the pages for people are made of."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from dissemination.model import Keep, Privacy, masked
from dissemination.pipeline.errands import Errand
from dissemination.render import VisitorSpeech
from dissemination.render.catalogues import english
from dissemination.render.people_strings import PeopleWords
from dissemination.testing import sample_project
from dissemination.web.public.forms import BODY_LIMIT, TooLargeError, body_of, read
from dissemination.web.public.sources import MOST, Sources, place_of

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)


# ------------------------------------------------------------------------------------------------ forms


def test_a_form_is_read_with_its_repeated_and_empty_fields():
    form = read(b"a=1&list=x&list=y&empty=&name=%C8%98tiri+de")
    assert (form.one("a"), form.all("list"), form.one("empty"), form.one("name")) == (
        "1",
        ["x", "y"],
        "",
        "Știri de",
    )
    assert form.one("missing") == ""
    assert list(form.all("missing")) == []


@given(st.binary(max_size=2000))
def test_no_body_makes_reading_fail(body):
    form = read(body)
    assert "\0" not in form.one("a")
    assert isinstance(form.all("list"), list | tuple)


def test_too_many_fields_are_none():
    assert read(b"&".join(b"f%d=1" % n for n in range(101))).one("f1") == ""


def request(*pieces, length=""):
    waiting = list(pieces)

    async def receive():
        body = waiting.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(waiting)}

    headers = [(b"content-length", length.encode())] if length else []
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


def test_a_body_is_put_together():
    assert asyncio.run(body_of(request(b"a=", b"1"))) == b"a=1"
    assert len(asyncio.run(body_of(request(b"x" * BODY_LIMIT)))) == BODY_LIMIT


@pytest.mark.parametrize("length", ["65537", "9" * 400])
def test_a_body_that_says_it_is_too_large_is_not_read(length):
    with pytest.raises(TooLargeError):
        asyncio.run(body_of(request(length=length)))


@pytest.mark.parametrize("length", ["", "3", "-1", "x"])
def test_a_body_that_is_larger_than_it_says_is_refused(length):
    with pytest.raises(TooLargeError):
        asyncio.run(body_of(request(b"x" * BODY_LIMIT, b"x", length=length)))


# ------------------------------------------------------------------------------------------------ sources


@pytest.mark.parametrize(
    ("caller", "place"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("testclient", "testclient"),
        ("x" * 100, "x" * 60),
        ("", ""),
    ],
)
def test_a_household_is_one_place(caller, place):
    assert place_of(caller) == place


def test_a_place_has_its_share_of_an_hour():
    sources = Sources()
    assert [sources.take("192.0.2.7", NOW) for _ in range(MOST + 1)] == [True] * MOST + [False]
    assert sources.take("192.0.2.8", NOW)
    assert not sources.take("192.0.2.7", NOW + timedelta(minutes=59))
    assert sources.take("192.0.2.7", NOW + timedelta(hours=1))


def test_a_clock_that_was_set_back_locks_nobody_out():
    sources = Sources()
    for _ in range(MOST):
        sources.take("a", NOW)
    assert sources.take("a", NOW - timedelta(hours=5))


def test_only_so_many_places_are_remembered(monkeypatch):
    monkeypatch.setattr("dissemination.web.public.sources._REMEMBERED", 3)
    sources = Sources()
    for name in "abcde":
        sources.take(name, NOW)
    assert len(sources._seen) == 3


# ------------------------------------------------------------------------------------------------ errands


def test_an_errand_that_is_woken_in_the_middle_runs_once_more():
    begun, go_on, rounds = threading.Event(), threading.Event(), []

    def work():
        rounds.append(threading.current_thread().name)
        begun.set()
        go_on.wait(10)

    errand = Errand(work, "test")
    errand.wake()
    assert begun.wait(10)
    for _ in range(5):
        errand.wake()
    assert not errand.rest(0)
    go_on.set()
    assert errand.rest(10)
    assert rounds == ["test"] * 2
    errand.wake()
    assert errand.rest(10)
    assert len(rounds) == 3


# ------------------------------------------------------------------------------------------------ words


@pytest.mark.parametrize(
    ("email", "shown"),
    [("ana@mail.example", "a…@m….example"), ("a@b.c.example.eu", "a…@b….eu"), ("x@localhost", "x…@l…")],
)
def test_an_address_is_shown_masked(email, shown):
    assert masked(email) == shown


def test_every_sentence_is_there_and_has_only_holes_that_are_filled():
    for name, text in english(PeopleWords).items():
        assert text
        holes = {hole for _, hole, _, _ in Formatter().parse(text) if hole}
        assert holes <= {"newsletter", "project", "address"}, name


def speech(**changes):
    facts = {"controller": "Office, Street 1.", "contact": "a@b.example", "purposes": ("the newsletter",)} | changes
    return VisitorSpeech(sample_project(), Privacy(**facts), {"en": "Test {news}"})


def test_the_notice_says_what_settings_say_and_no_more():
    bare = speech().notice("en")
    whole = speech(legal_basis="consent", recipients=("a host",), transfers="none").notice("en")
    assert len(whole) == len(bare) + 3
    assert "Test {news}" in bare[0]
    assert "Office, Street 1. Contact" in bare[1]
    assert "90 days" in " ".join(speech(keep=Keep(departed=90)).notice("en"))
    assert "{" not in " ".join(whole).replace("Test {news}", "")


def test_the_mail_has_one_link_on_a_line_of_its_own():
    subject, text = speech().confirmation("xx", "https://news.example/c/" + "x" * 36)
    assert subject == "Please confirm: Test {news}"
    assert [line for line in text.split("\n") if "http" in line] == ["https://news.example/c/" + "x" * 36]
    assert max(map(len, text.split("\n"))) <= 72
