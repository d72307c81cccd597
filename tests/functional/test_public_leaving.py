"""Links in letters: what GET may not do, what POST does, and what is no link of ours."""

from __future__ import annotations

import base64
import importlib
import logging
import re
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime

import pytest

from dissemination.errors import StoreError, UnavailableError
from dissemination.model import Rates, Subscriber
from dissemination.pipeline import leaving

CONSENT = datetime(2026, 1, 1, tzinfo=UTC)
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def visitors():
    return importlib.import_module("visitors")


@pytest.fixture
def build(visitors, tmp_path, clock):
    made = []

    def building(people=1, **changes):
        town = visitors.Town(tmp_path / f"t{len(made)}", clock, **changes)
        made.append(town)
        town.house.add_subscribers(
            Subscriber(
                id=0,
                email=f"p{n}@mail.example",
                lang="en",
                lists=("news",),
                consent_source="test",
                consent_at=CONSENT,
            )
            for n in range(people)
        )
        return town

    yield building
    for town in made:
        town.house.close()


@pytest.fixture
def town(build):
    return build()


def states(town):
    return {person.id: person.state for person in town.house.subscribers()}


def dump(town):
    with sqlite3.connect(town.house.parts.store.database.path) as raw:
        return list(raw.iterdump())


# ------------------------------------------------------------------------------------------------ one click


def test_one_click_needs_no_cookie_and_no_redirect_and_is_written_down(town):
    answer = town.send(town.path("u", 1), ONE_CLICK)
    assert answer.status_code == 200
    assert answer.history == []
    assert "set-cookie" not in answer.headers
    assert "unsubscribed" in answer.text
    assert states(town) == {1: "unsubscribed"}
    last = town.house.show_subscriber("p0@mail.example").consents[-1]
    assert (last.step.value, last.form, last.at) == ("withdrawn", "one-click", town.clock.now())
    assert [one.detail for one in town.house.log(9) if one.kind == "unsubscribed"] == ["one subscriber, one-click"]


def test_the_page_has_one_button_that_leaves(town):
    path = town.path("u", 1)
    page = town.web.get(path).text
    assert page.count("<button") == 1
    assert "/p/" not in page  # a link to leave, which passes through many hands, leads to nobody's data
    assert town.press(path).status_code == 200
    assert states(town) == {1: "unsubscribed"}


def test_the_page_and_its_answer_speak_the_language_of_the_letters(build):
    town = build(people=0)
    facts = {"id": 0, "lists": ("news",), "consent_source": "test", "consent_at": CONSENT}
    people = [Subscriber(email=f"{lang}@mail.example", lang=lang, **facts) for lang in ("ro", "xx")]
    town.house.add_subscribers(people)
    shown = [re.search('<html lang="([^"]+)"', town.web.get(town.path("u", n)).text)[1] for n in (1, 2, 3)]
    assert shown == ["ro", "en", "en"]  # the second has a language without pages, the third is nobody any more
    assert '<html lang="ro"' in town.press(town.path("u", 1)).text
    assert '<html lang="en"' in town.press(town.path("u", 1), lang="../xx").text


def test_hostile_10_who_leaves_while_an_edition_runs_is_not_in_its_next_window(mailer, flash, house):
    flash(8)
    key = next(row.key for row in house.store.publications.latest().values() if row.channel == "email")
    with house.store.hold():
        claimed = house.store.publications.claim(key, owner="test", lease=60.0)
        house.store.deliveries.freeze(key, claimed.audience)
        ledger = house.store.deliveries.ledger(key, owner="test", lease=60.0, resend=False)
        first = ledger.turn([], 3, Rates())
        assert [one.id for one in first.people] == [1, 2, 3]
        leaving.Leaving(house.parts).ask(5).result(10)
        second = ledger.turn([], 3, Rates())
        assert [one.id for one in second.people] == [4, 6, 7]
        ledger.leave([])


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_hostile_11_no_link_changes_anything_when_it_is_fetched(town, method):
    town.sign_up()
    paths = [town.path("u", 1), town.path("p", 1), town.mailed(), "/signup/"]
    before = dump(town)
    for path in paths:
        for query in ("", "?List-Unsubscribe=One-Click&do=erase&sure=yes&list=news"):
            answer = town.web.request(method, path + query)
            assert answer.status_code == 200, path
            assert "<script" not in answer.text
            assert "onload" not in answer.text
    assert dump(town) == before


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_hostile_11_other_methods_are_refused(town, method):
    assert town.web.request(method, town.path("u", 1)).status_code == 405
    assert states(town) == {1: "active"}


def test_hostile_12_the_same_post_a_thousand_times_is_one_leaving(town):
    path = town.path("u", 1)
    answers = [town.send(path, ONE_CLICK) for _ in range(1000)]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    lines = town.house.show_subscriber("p0@mail.example").consents
    assert [line.step.value for line in lines].count("withdrawn") == 1


MULTIPART = b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", ""),
        (b"List-Unsubscribe=One-Click&more=1&more=2", "application/x-www-form-urlencoded"),
        (b"&".join(b"f%d=1" % n for n in range(500)), "application/x-www-form-urlencoded"),
        (b"nonsense \xff\xfe\x00", "text/plain"),
        (b'{"List-Unsubscribe": "One-Click"}', "application/json"),
        (MULTIPART, "multipart/form-data; boundary=x"),
    ],
)
def test_hostile_12_whatever_the_body_says_the_link_decides(town, body, kind):
    answer = town.web.post(town.path("u", 1), content=body, headers={"Content-Type": kind} if kind else {})
    assert answer.status_code == 200
    assert states(town) == {1: "unsubscribed"}


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("purpose", ["u", "p", "c"])
def test_hostile_12_a_body_of_three_megabytes_is_refused(town, chunked, purpose):
    body = iter([b"x" * 65_536] * 48) if chunked else b"x" * 3_000_000
    before = dump(town)
    assert town.web.post(town.path(purpose, 1), content=body).status_code == 413
    assert dump(town) == before


def spoiled(token, other):
    """Everything that looks like a token and is none."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet.index(token[-1])
    yield from (token[:-1] + alphabet[last ^ bit] for bit in (1, 2, 4, 8, 16, 32))
    yield from (token[:-1], token + "A", token + "=", token[1:], token.swapcase(), other, "A" * 36, "x", "%00", "é")
    raw = bytearray(base64.urlsafe_b64decode(token))
    raw[5] ^= 1
    yield base64.urlsafe_b64encode(raw).decode()
    yield "A" * 60_000


@pytest.mark.parametrize("purpose", ["u", "p", "c"])
def test_hostile_13_what_is_no_link_of_ours_gets_the_same_404_and_is_not_logged(town, caplog, capfd, purpose):
    caplog.set_level(logging.DEBUG, "dissemination")
    sign = town.house.parts.tokens.sign
    other = sign("p" if purpose == "u" else "u", 1)
    before, seen = dump(town), set()
    for token in spoiled(sign(purpose, 1), other):
        for answer in (town.web.get(f"/{purpose}/{token}"), town.send(f"/{purpose}/{token}", ONE_CLICK)):
            assert answer.status_code == 404
            seen.add((answer.text, tuple(sorted(answer.headers.items()))))
    assert len(seen) == 1
    assert dump(town) == before
    written = caplog.text + "".join(capfd.readouterr())
    assert other not in written
    assert not [one for one in town.house.log(100) if other in one.detail]


def test_hostile_13_a_link_of_somebody_who_is_erased_still_says_that_they_are_out(town):
    town.house.remove_subscriber("p0@mail.example")
    assert town.send(town.path("u", 1), ONE_CLICK).status_code == 200
    assert town.web.get(town.path("p", 1)).status_code == 404


# ------------------------------------------------------------------------------------------------ many at once


def test_hostile_9_while_the_database_is_locked_nobody_is_told_that_it_is_done(build):
    town = build(patience=0.2)
    database = town.house.parts.store.database
    with database.write():  # what another process that writes is to this one
        answer = town.send(town.path("u", 1), ONE_CLICK)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "30"
        assert "Nothing was changed" in answer.text
        assert states(town) == {1: "active"}
    assert town.send(town.path("u", 1), ONE_CLICK).status_code == 200
    assert states(town) == {1: "unsubscribed"}


def test_hostile_9_a_database_that_fails_is_told_as_such(town, monkeypatch):
    def failing(*facts):
        raise StoreError("database: disk I/O error; nothing of this step was kept")

    monkeypatch.setattr(town.house.parts.store.people, "unsubscribe_all", failing)
    answer = town.send(town.path("u", 1), ONE_CLICK)
    assert answer.status_code == 503
    assert "disk" not in answer.text
    monkeypatch.undo()
    assert town.send(town.path("u", 1), ONE_CLICK).status_code == 200


def test_many_leave_in_few_transactions_and_all_are_out(build, monkeypatch):
    town = build(people=1500)
    turns = []
    people = town.house.parts.store.people
    real = people.unsubscribe_all
    started = threading.Event()

    def counting(who, how):
        started.wait(10)
        turns.append(len(who))
        return real(who, how)

    monkeypatch.setattr(people, "unsubscribe_all", counting)
    futures = [town.house.leaving.ask(n) for n in range(1, 1501)]
    futures += [town.house.leaving.ask(1), town.house.leaving.ask(99_999)]
    started.set()
    assert not wait(futures, 30).not_done
    assert all(future.result() is None for future in futures)
    assert set(states(town).values()) == {"unsubscribed"}
    assert max(turns) <= leaving.MOST
    assert len(turns) <= 8


def test_a_yes_comes_only_after_the_commit(build):
    town = build(people=40)
    seen = []
    path = town.house.parts.store.database.path

    def look(person):
        with sqlite3.connect(path) as raw:  # another connection sees only what is committed
            seen.append(raw.execute("SELECT state FROM subscribers WHERE id = ?", (person,)).fetchone()[0])

    for person in range(1, 41):
        town.house.leaving.ask(person).result(10)
        look(person)
    assert seen == ["unsubscribed"] * 40


def test_more_than_may_wait_are_told_to_come_again(town, monkeypatch):
    monkeypatch.setattr(leaving, "_CROWD", 0)
    with pytest.raises(UnavailableError):
        town.house.leaving.ask(1)
    assert town.send(town.path("u", 1), ONE_CLICK).status_code == 503


def test_a_bug_in_one_round_reaches_its_callers_and_ends_no_other(town, monkeypatch):
    asked = leaving.Leaving(town.house.parts)
    died = []
    monkeypatch.setattr(threading, "excepthook", lambda facts: died.append(facts.exc_type))
    monkeypatch.setattr(town.house.parts.store.people, "unsubscribe_all", lambda *facts: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        asked.ask(1).result(10)
    assert asked._errand.rest(10)
    monkeypatch.undo()
    asked.ask(1).result(10)
    assert died == [ZeroDivisionError]
    assert states(town) == {1: "unsubscribed"}


def test_threads_that_ask_at_once_are_all_answered(build):
    town = build(people=400)
    with ThreadPoolExecutor(8) as crew:
        list(crew.map(lambda n: town.house.leaving.ask(n).result(20), range(1, 401)))
    assert set(states(town).values()) == {"unsubscribed"}
