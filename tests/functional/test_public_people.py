"""Sign-up, confirmation, preferences and leaving over HTTP, on a real project folder and database."""

from __future__ import annotations

import importlib
import json
import re
import threading
import time
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from dissemination.errors import InDoubtError, RejectedError, UnavailableError
from dissemination.model import Audience, Step, Subscriber
from dissemination.pipeline.confirming import LEASE, PAUSE
from dissemination.store.signups import BUDGET


@pytest.fixture
def visitors():
    return importlib.import_module("visitors")


@pytest.fixture
def build(visitors, tmp_path, clock):
    made = []

    def building(**changes):
        made.append(visitors.Town(tmp_path / f"t{len(made)}", clock, **changes))
        return made[-1]

    yield building
    for town in made:
        town.house.close()


@pytest.fixture
def town(build):
    return build()


def until(true):
    """Wait for a thread that nobody can join."""
    end = time.monotonic() + 20
    while not true() and time.monotonic() < end:
        threading.Event().wait(0.01)
    return true()


def kinds(town):
    return [one.kind for one in town.house.log(1000)]


# ------------------------------------------------------------------------------------------------ sign-up


def test_the_form_asks_for_no_script_and_names_everything(town):
    page = town.web.get("/signup/")
    assert page.status_code == 200
    assert "<script" not in page.text
    assert "set-cookie" not in page.headers
    assert page.headers["referrer-policy"] == "no-referrer"
    for words in ("The Test Office", "privacy@test.example", "sending the newsletter", "365 days", "Test news"):
        assert words in page.text
    shown = re.findall(r'<input id="([^"]+)"(?! type="hidden")', page.text)
    assert shown
    assert all(f'for="{one}"' in page.text for one in shown)


@pytest.mark.parametrize("name", ["controller", "contact", "purposes"])
def test_without_the_whole_notice_there_is_no_form(build, visitors, name):
    privacy = {key: value for key, value in visitors.PRIVACY.items() if key != name}
    town = build(privacy=privacy)
    assert town.web.get("/signup/").status_code == 404
    assert town.send("/signup/", {"email": "a@b.example"}).status_code == 404
    assert list(town.house.sign_up_lacks()) == [f"privacy.{name}"]


def test_without_mail_there_is_no_form(build):
    town = build(channels={"feed": {}})
    assert list(town.house.sign_up_lacks()) == ["channels.email"]
    assert town.web.get("/signup/").status_code == 404


def test_from_the_form_to_the_list(town):
    answer = town.sign_up(email=" Ana@Mail.Example ", list=["news", "press"])
    assert answer.status_code == 200
    assert "ana@" not in answer.text.lower()
    assert town.person() is None
    [(address, subject, _, key)] = town.post.kept
    assert address == "Ana@Mail.Example"
    assert subject == "Please confirm: Test news"
    assert key.startswith("confirm/")
    page = town.web.get(town.mailed())
    assert "For the press" in page.text
    assert town.person() is None
    town.clock.advance(timedelta(hours=1))
    assert town.press(town.mailed()).status_code == 200
    person = town.person()
    assert (person.state, person.lists, person.lang) == ("active", ("news", "press"), "en")
    lines = town.house.show_subscriber("ana@mail.example").consents
    assert [(line.step, line.lists) for line in lines] == [
        (Step.GIVEN, ("news",)),
        (Step.GIVEN, ("press",)),
        (Step.CONFIRMED, ("news",)),
        (Step.CONFIRMED, ("press",)),
    ]
    given, confirmed = lines[0], lines[2]
    assert given.proved
    assert confirmed.proved
    assert given.form == "/signup/"
    assert given.wording.version == 1
    assert "The Test Office" in given.wording.text
    assert confirmed.at - given.at >= timedelta(hours=1)


def test_the_language_is_chosen_with_the_page(town):
    page = town.web.get("/signup/?lang=ro").text
    assert "Știri" in page
    town.sign_up(lang="ro", wording=town.house.sign_up_notice("ro").digest)
    town.press(town.mailed())
    assert town.person().lang == "ro"


def test_a_second_yes_is_no_way_back(town):
    town.subscribed()
    link = town.mailed()
    person = town.person()
    assert town.press(town.path("u", person.id)).status_code == 200
    assert town.send(link, {"list": "news"}).status_code == 200
    assert town.person().state == "unsubscribed"


def test_a_link_is_over_after_a_week_and_the_form_is_forgotten(town):
    town.sign_up()
    town.clock.advance(timedelta(days=7, seconds=1))
    assert town.web.get(town.mailed()).status_code == 404
    assert town.send(town.mailed(), {"list": "news"}).status_code == 404
    town.clock.advance(timedelta(days=24))
    assert town.house.clean().signups == 1
    assert town.house.parts.store.signups.of("ana@mail.example") is None
    assert town.person() is None


def test_only_the_lists_that_were_shown_are_confirmed(town):
    town.sign_up(list=["news"])
    town.clock.advance(timedelta(days=1))
    town.sign_up(list=["press"])
    assert town.send(town.mailed(), {}).status_code == 404
    assert town.send(town.mailed(), {"list": ["press", "nothing"]}).status_code == 200
    assert town.person().lists == ("press",)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"email": "no address"}, "This is no e-mail address"),
        ({"email": ""}, "This is no e-mail address"),
        ({"list": []}, "Choose at least one"),
        ({"list": ["secret"]}, "Choose at least one"),
        ({"agree": ""}, "Without your yes"),
        ({"wording": "0" * 64}, "have changed meanwhile"),
        ({"stamp": "x"}, "open for a long time"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(town, changes, words):
    answer = town.sign_up(**changes)
    assert answer.status_code == 422
    assert words in answer.text
    assert 'role="alert"' in answer.text
    assert town.post.tried == []
    for target in re.findall(r'href="#(field-[a-z]+)"', answer.text):
        assert f'id="{target}"' in answer.text
    for told in re.findall(r'aria-describedby="([^"]+)"', answer.text):
        assert all(f'id="{one}"' in answer.text for one in told.split())


def test_who_is_too_quick_presses_once_more(town, visitors):
    fields = dict(visitors.Fields(town.web.get("/signup/").text).forms[0])
    fields |= {"email": "ana@mail.example", "agree": "yes"}
    answer = town.send("/signup/", fields)
    assert answer.status_code == 422
    assert "quick" in answer.text
    again = dict(visitors.Fields(answer.text).forms[0])
    assert again["email"] == "ana@mail.example"
    town.clock.advance(timedelta(seconds=2))
    assert town.send("/signup/", again).status_code == 200


def test_a_program_that_fills_every_field_in_gets_the_same_answer_and_nothing_else(town):
    honest = town.sign_up(email="b@mail.example").text
    assert town.sign_up(website="https://buy.example").text == honest
    assert [mail[0] for mail in town.post.kept] == ["b@mail.example"]


def test_a_form_of_another_site_is_refused(town):
    for site in ("cross-site", "same-site"):
        assert town.send("/signup/", town.form(), **{"Sec-Fetch-Site": site}).status_code == 403
    assert town.send("/signup/", town.form(), **{"Sec-Fetch-Site": "same-origin"}).status_code == 200


# ------------------------------------------------------------------------------------------------ 24: list bombing


def add(town, address, **changes):
    person = Subscriber(
        id=0,
        email=address,
        lang="en",
        lists=("news",),
        consent_source="test",
        consent_at=datetime(2026, 1, 1, tzinfo=UTC),
        **changes,
    )
    town.house.add_subscribers([person])


def test_hostile_24_one_mail_a_day_and_three_in_all_for_one_victim(town):
    fields = town.form(email="victim@mail.example")
    for _ in range(100):
        assert town.send("/signup/", fields).status_code == 200
    assert town.house.postman.rest(20)
    assert len(town.post.kept) == 1
    for _ in range(5):
        town.clock.advance(timedelta(days=1))
        town.sign_up(email="VICTIM@mail.example")
    assert len(town.post.kept) == 3
    town.sign_up(email="honest@mail.example")
    assert town.post.kept[-1][0] == "honest@mail.example"


def test_hostile_24_one_place_asks_for_five_in_an_hour(town):
    town.place = "2001:db8:1:2::1"
    codes = [town.sign_up(email=f"v{n}@mail.example").status_code for n in range(7)]
    assert codes == [200] * 5 + [429] * 2
    town.place = "2001:db8:1:2:ffff::9"
    refused = town.sign_up(email="w@mail.example")
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "3600"
    town.place = "2001:db8:1:3::1"
    assert town.sign_up(email="x@mail.example").status_code == 200
    town.place = "2001:db8:1:2::1"
    town.clock.advance(timedelta(hours=1))
    assert town.sign_up(email="y@mail.example").status_code == 200


def test_hostile_24_the_budget_of_all_ends_with_an_alarm_and_comes_back(town):
    fields = town.form()
    most = int(BUDGET.burst)
    codes = [town.send("/signup/", fields | {"email": f"v{n}@mail.example"}).status_code for n in range(most + 10)]
    assert codes == [200] * most + [503] * 10
    assert town.house.postman.rest(20)
    assert len(town.post.kept) == most
    assert kinds(town).count("alarm") == 1
    assert [one.kind for one in town.house.parts.store.events.take_untold()] == ["alarm"]
    town.clock.advance(timedelta(hours=1))
    assert town.sign_up(email="honest@mail.example").status_code == 200
    assert town.post.kept[-1][0] == "honest@mail.example"


def test_hostile_24_a_mail_has_no_word_that_was_typed(town):
    town.sign_up(name="Buy at https://evil.example", email="https.evil.example@mail.example", lang="xx")
    [(_, subject, text, key)] = town.post.kept
    assert "evil" not in subject + text + key
    assert re.findall(r"https?://\S+", text) == ["https://news.test.example" + town.mailed()]


def test_hostile_24_the_answer_is_the_same_for_known_unknown_and_barred_addresses(town):
    add(town, "known@mail.example")
    town.house.suppress("barred@mail.example", "asked")
    add(town, "left@mail.example")
    town.house.unsubscribe("left@mail.example", how="test")
    answers = {name: town.sign_up(email=f"{name}@mail.example") for name in ("known", "unknown", "barred", "left")}
    assert len({answer.text for answer in answers.values()}) == 1
    assert len({tuple(sorted(answer.headers)) for answer in answers.values()}) == 1
    assert [mail[0].partition("@")[0] for mail in town.post.kept] == ["known", "unknown", "left"]


def test_hostile_24_the_same_statements_run_whoever_has_the_address(town, monkeypatch):
    sa = importlib.import_module("sqlalchemy")
    add(town, "known@mail.example")
    town.house.suppress("barred@mail.example", "asked")
    said, counts = town.house.sign_up_notice("en"), {}
    town.house.sign_up("first@mail.example", ["news"], said, form="f")
    for name in ("known", "unknown", "barred"):
        seen = []

        def note(connection, cursor, statement, *rest, seen=seen):
            seen.append(statement)

        engine = town.house.parts.store.database.engine
        sa.event.listen(engine, "before_cursor_execute", note)
        town.house.sign_up(f"{name}@mail.example", ["news"], said, form="f")
        sa.event.remove(engine, "before_cursor_execute", note)
        counts[name] = seen
    assert counts["known"] == counts["unknown"] == counts["barred"]


def test_who_asked_to_be_erased_may_come_again_and_who_complained_may_not(town):
    town.subscribed()
    town.house.remove_subscriber("ana@mail.example", bar=True)
    town.clock.advance(timedelta(days=1))
    town.subscribed()
    assert town.person().state == "active"
    assert town.house.show_subscriber("ana@mail.example").suppressed is None
    town.clock.advance(timedelta(days=1))
    town.sign_up()
    town.house.suppress("ana@mail.example", "said no")
    assert town.press(town.mailed()).status_code == 404
    assert town.person().state == "suppressed"


# ------------------------------------------------------------------------------------------------ the outbox


def test_a_mail_that_does_not_go_out_is_tried_again_with_the_same_key(town):
    town.post.answers = [UnavailableError("not now"), InDoubtError("perhaps")]
    town.sign_up()
    town.house.postman()
    assert len(town.post.tried) == 1
    town.clock.advance(PAUSE)
    town.house.postman()
    assert len(town.post.tried) == 2
    assert len(set(town.post.tried)) == 1
    assert town.post.kept == []


def test_a_mail_server_that_is_away_for_a_night_costs_nobody_their_sign_up(town):
    began = town.clock.now()
    town.post.answers = [UnavailableError("not now")] * 9
    town.sign_up()
    while not town.post.kept:
        town.clock.advance(timedelta(minutes=10))
        town.house.postman()
        assert town.clock.now() - began < timedelta(days=1)
    assert town.clock.now() - began > timedelta(hours=12)
    assert len(set(town.post.tried)) == 1
    assert town.press(town.mailed()).status_code == 200


def test_a_mail_that_is_refused_is_given_up_without_a_name_in_the_log(town):
    town.post.answers = [RejectedError("550 ana@mail.example unknown")]
    town.sign_up()
    town.clock.advance(timedelta(days=1))
    town.house.postman()
    assert len(town.post.tried) == 1
    assert not [one for one in town.house.log(100) if "ana@" in one.detail]
    assert "confirmation" in kinds(town)


def test_a_crash_before_or_after_the_sending_loses_no_mail_and_doubles_none_that_is_settled(town):
    signups = town.house.parts.store.signups
    town.post.answers = [KeyboardInterrupt()]
    town.house.sign_up("ana@mail.example", ["news"], town.house.sign_up_notice("en"), form="f")
    with pytest.raises(KeyboardInterrupt):
        town.house.postman()  # as if the process had died in the middle of it
    town.house.postman()
    assert town.post.kept == []
    town.clock.advance(LEASE)
    assert signups.waits()
    town.house.postman()
    town.clock.advance(LEASE * 2)
    town.house.postman()
    assert len(town.post.kept) == 1
    assert len(set(town.post.tried)) == 1


def test_a_claim_that_was_lost_settles_nothing(town):
    signups = town.house.parts.store.signups
    town.house.sign_up("ana@mail.example", ["news"], town.house.sign_up_notice("en"), form="f")
    first = signups.claim(LEASE)
    assert signups.claim(LEASE) is None
    town.clock.advance(LEASE)
    second = signups.claim(LEASE)
    assert second.attempt == 2
    signups.settle(first)
    town.clock.advance(LEASE)
    assert signups.waits()
    signups.settle(second)
    assert not signups.waits()


def test_while_mail_is_paused_nothing_goes_out(town):
    town.house.pause("email", who="ana", reason="test")
    town.sign_up()
    assert town.post.tried == []
    town.house.resume("email", who="ana")
    town.house.postman()
    assert len(town.post.kept) == 1


# ------------------------------------------------------------------------------------------------ preferences


def test_preferences_show_and_change_lists_language_and_pause(town):
    path = town.subscribed(list=["news", "press"])
    page = town.web.get(path)
    assert "a…@m….example" in page.text
    assert "ana@mail" not in page.text
    assert town.press(path, list=["press"], lang="ro", pause="2026-12-24").status_code == 200
    person = town.person()
    assert (person.lists, person.lang) == (("press",), "ro")
    assert person.paused_until == datetime(2026, 12, 23, 22, 0, tzinfo=UTC)
    people = town.house.parts.store.people
    assert people.count(Audience(lists=("press",))) == 0
    assert 'value="2026-12-24"' in town.web.get(path).text
    town.clock.advance(timedelta(days=60))
    assert people.count(Audience(lists=("press",))) == 1
    assert town.press(path, list=["press"], pause="").status_code == 200


@pytest.mark.parametrize("day", ["tomorrow", "2031-01-01", "2020-01-01", "0001-01-01", "9999-12-31", "2026-02-30"])
def test_a_pause_that_cannot_be_is_refused(town, day):
    path = town.subscribed()
    answer = town.press(path, pause=day)
    assert answer.status_code == 422
    assert "This is no date" in answer.text
    assert town.person().paused_until is None


@pytest.mark.parametrize("changes", [{"list": ["secret"]}, {"lang": "xx"}, {"frequency": "weekly"}, {"do": "x"}])
def test_what_cannot_be_chosen_changes_nothing(town, changes):
    path = town.subscribed()
    before = town.person()
    assert town.press(path, **changes).status_code == 422
    assert town.person() == before


def test_who_leaves_the_last_list_has_left_and_may_come_back_to_one(town):
    path = town.subscribed(list=["news", "press"])
    town.press(path, list=[])
    assert town.person().state == "unsubscribed"
    assert "You get no letters" in town.web.get(path).text
    town.clock.advance(timedelta(hours=1))
    town.press(path, list=["press"])
    assert (town.person().state, town.person().lists) == ("active", ("press",))
    last = town.house.show_subscriber("ana@mail.example").consents[-1]
    assert (last.step, last.lists, last.form, last.proved) == (Step.GIVEN, ("press",), "preferences page", True)


def test_frequency_is_asked_only_where_editions_ask_for_it_and_then_decides(build):
    plain = build()
    assert "How often" not in plain.web.get(plain.subscribed()).text
    digests = {"weekly": {"cron": "0 10 * * thu", "lists": ["news"], "where": {"frequency": ["weekly"]}}}
    flash = {"lists": ["news"], "where": {"frequency": ["each"]}}
    town = build(newsletter={"digests": digests, "flash": flash})
    path = town.subscribed()
    rules, count = town.house.parts.rules, town.house.parts.store.people.count
    assert (count(rules.flash), count(rules.digests[0].audience)) == (1, 0)
    page = town.web.get(path).text
    assert "Once a week" in page
    assert "Once a month" not in page
    assert town.press(path, frequency="weekly").status_code == 200
    assert (count(rules.flash), count(rules.digests[0].audience)) == (0, 1)
    assert town.press(path, frequency="monthly").status_code == 422


def test_the_export_is_the_dossier(town):
    path = town.subscribed()
    answer = town.press(path, 1)
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["cache-control"] == "no-store"
    facts = json.loads(answer.text)
    assert facts["email"] == "ana@mail.example"
    assert facts["lists"] == ["news"]
    assert facts["consents"][0]["wording"]["text"]
    assert "id" not in facts
    assert "exported" in kinds(town)


def test_hostile_25_erased_means_absent_from_every_file_and_not_imported_again(town):
    path = town.subscribed(email="Unique.Person@mail.example")
    assert town.press(path, 2).status_code == 422
    assert town.press(path, 2, sure="yes").status_code == 200
    assert town.web.get(path).status_code == 404
    assert town.web.get(town.mailed()).status_code == 404
    folder = town.house.parts.store.database.path.parent
    for file in folder.glob("*"):
        if file.is_file():
            assert b"unique.person" not in file.read_bytes().lower(), file.name
    add(town, "unique.person@mail.example")
    assert town.person("unique.person@mail.example") is None


def test_hostile_25_who_never_confirmed_is_erased_too(town):
    town.sign_up(email="unique.person@mail.example")
    assert town.house.remove_subscriber("unique.person@mail.example")
    assert not town.house.remove_subscriber("unique.person@mail.example")
    assert b"unique.person" not in town.house.parts.store.database.path.read_bytes()
    assert town.house.parts.store.signups.of("unique.person@mail.example") is None
    assert town.web.get(town.mailed()).status_code == 404


# ------------------------------------------------------------------------------------------------ a locked database


def test_hostile_9_while_the_database_is_locked_forms_are_told_to_come_again(build):
    town = build(patience=1.0)
    preferences = town.subscribed()
    form = town.form(email="bo@mail.example")
    wording = town.house.sign_up_notice("en").digest
    with town.house.parts.store.database.write():  # what another process that writes is to this one
        answers = [
            town.send("/signup/", form),
            town.send(preferences, {"do": "save", "list": "press", "lang": "en", "wording": wording}),
            town.send(preferences, {"do": "erase", "sure": "yes"}),
        ]
    assert [(one.status_code, one.headers["retry-after"]) for one in answers] == [(503, "30")] * 3
    assert town.send("/signup/", form).status_code == 200


def test_a_sign_up_that_was_not_waited_for_gets_its_mail_all_the_same(build):
    town = build(patience=0.3)
    with town.house.parts.store.database.write():
        assert town.send("/signup/", town.form()).status_code == 503
    assert until(lambda: town.post.kept)


@pytest.mark.parametrize("path", ["/signup/", "/c/x", "/p/x", "/u/x"])
def test_a_wrong_method_is_told_of_all_the_right_ones(town, path):
    answer = town.web.request("PUT", path)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}


def test_who_comes_back_after_leaving_gets_a_mail_that_no_mailbox_takes_for_the_first_one(town):
    town.subscribed()
    town.house.unsubscribe("ana@mail.example", how="test")
    town.clock.advance(timedelta(days=2))
    town.sign_up()
    first, second = (key for *_, key in town.post.kept)
    assert first != second  # the Message-ID is made of it, and mailboxes drop what they have already
    assert town.press(town.mailed()).status_code == 200
    assert town.person().state == "active"


def test_a_list_that_is_added_later_is_agreed_to_by_the_very_words_on_that_page(town):
    preferences = town.subscribed()
    shown = town.house.sign_up_notice("en")
    page = unescape(town.web.get(preferences).text)
    assert all(paragraph in page for paragraph in shown.paragraphs)
    # The page was English, whatever language the letters have from now on.
    assert town.press(preferences, list=["news", "press"], lang="ro").status_code == 200
    last = town.house.show_subscriber("ana@mail.example").consents[-1]
    assert (last.lists, last.lang, last.wording.text) == (("press",), "en", shown.text)
    assert town.person().lang == "ro"
    assert all(
        paragraph in unescape(town.web.get(preferences).text)
        for paragraph in town.house.sign_up_notice("ro").paragraphs
    )


def test_words_that_changed_since_the_page_was_shown_are_shown_first(town):
    preferences = town.subscribed()
    answer = town.press(preferences, list=["news", "press"], wording="0" * 64)
    assert answer.status_code == 422
    assert "words about your data have changed" in answer.text
    assert town.person().lists == ("news",)


def test_who_asks_what_is_kept_about_them_is_told_of_a_sign_up_that_waits(town):
    town.sign_up(list=["press"])
    shown = town.house.show_subscriber("Ana@mail.example")
    assert (shown.person.state, shown.person.lang, shown.person.email) == ("unconfirmed", "en", "ana@mail.example")
    assert (shown.asked, shown.person.lists, shown.consents) == (("press",), (), ())
    town.press(town.mailed())
    shown = town.house.show_subscriber("ana@mail.example")
    assert (shown.asked, shown.person.lists) == ((), ("press",))
    preferences = town.path("p", town.person().id)
    town.clock.advance(timedelta(days=1))
    town.sign_up(list=["news"])
    assert json.loads(town.press(preferences, 1, do="export").text)["asked"] == ["news"]
    assert town.house.remove_subscriber("ana@mail.example")
    assert town.house.show_subscriber("ana@mail.example") is None
