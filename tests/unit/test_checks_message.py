"""Rules on the whole message, and the way from a finding back to its item."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dissemination.checks import check_edition
from dissemination.checks.letters.message import MOST_MESSAGE_BYTES, check_message
from dissemination.model import Audience, Edition, EventFacts, Level, Link
from dissemination.testing import sample_item, sample_project

GOOD = (
    b"From: news@example.eu\r\n"
    b"List-Unsubscribe: <https://news.example.eu/u/token>, <mailto:out@example.eu?subject=x>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    b'Content-Type: multipart/alternative; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/plain\r\n\r\nwords\r\n"
    b"--b\r\nContent-Type: text/html\r\n\r\n<p>words</p>\r\n--b--\r\n"
)


@pytest.fixture
def project():
    return sample_project(mail_programs=())


def rules(raw, project):
    return [(rule, level) for rule, level, *_ in check_message(raw, project)]


def test_nothing_is_wrong_with_a_good_message(project):
    assert rules(GOOD, project) == []


@pytest.mark.parametrize(
    ("rule", "level", "old", "new"),
    [
        ("message-unsubscribe", Level.ERROR, b"List-Unsubscribe: ", b"X-Other: "),
        ("message-unsubscribe", Level.ERROR, b"List-Unsubscribe-Post: ", b"X-Other: "),
        ("message-unsubscribe", Level.ERROR, b"=One-Click", b"=Two-Clicks"),
        ("message-unsubscribe", Level.ERROR, b"<https://news.example.eu/u/token>, ", b""),
        ("message-unsubscribe", Level.ERROR, b"<https://news.example.eu/u/token>", b"=?utf-8?q?=3Chttps=3A?="),
        ("message-line", Level.ERROR, b"words\r\n--b\r\n", b"w" * 999 + b"\r\n--b\r\n"),
        ("message-size", Level.WARNING, b"words\r\n--b\r\n", b"words\r\n" * 40_000 + b"--b\r\n"),
        ("message-parts", Level.ERROR, b"text/html", b"text/plain"),
        ("message-parts", Level.ERROR, b"text/plain", b"text/html"),
    ],
)
def test_a_rule_speaks(project, rule, level, old, new):
    assert old in GOOD
    assert rules(GOOD.replace(old, new), project) == [(rule, level)]


def test_a_line_may_have_998_bytes(project):
    assert rules(GOOD.replace(b"words\r\n--b\r\n", b"w" * 998 + b"\r\n--b\r\n"), project) == []
    assert len(GOOD) < MOST_MESSAGE_BYTES


def test_a_site_of_this_machine_has_no_click(project):
    local = replace(project, public_url="http://127.0.0.1:8000")
    raw = GOOD.replace(b"https://news.example.eu", b"http://127.0.0.1:8000").replace(
        b"List-Unsubscribe-Post", b"X-P"
    )
    assert rules(raw, local) == []


@pytest.mark.parametrize("raw", [b"", b"\x00" * 100, b"Content-Type: multipart/alternative\r\n\r\n", b"\xff: \xfe"])
def test_no_message_at_all_gives_findings_and_no_error(project, raw):
    assert ("message-unsubscribe", Level.ERROR) in rules(raw, project)


# ------------------------------------------------------------------------------------------ origin


def edition(*items):
    return Edition(
        id="weekly-2026-W48",
        kind="digest",
        schedule="weekly",
        at=None,
        groups=tuple({item.lang: item} for item in items),
        languages=("en",),
        audience=Audience(lists=("news",)),
    )


@pytest.fixture
def traced(letters, project):
    def look(item, content="", raw=b"", **changes):
        return check_edition(letters.good_letter(content, **changes), raw, edition(item), project)

    return look


def anchor(url, text="here"):
    return f'<a style="color:#005" href="{url}">{text}</a>'


URL = "https://partner.example/report"


def test_a_link_of_the_body_is_found_with_its_line(traced):
    item = sample_item(markdown=f"One line.\n\nAnother, with [here]({URL}).\n", lines={"body": 9})
    (finding,) = traced(item, anchor(URL))
    assert (finding.path, finding.field, finding.line) == (item.path, "body", 11)
    assert finding.message == "the link text `here` says nothing, in weekly-2026-W48"


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("links", {"links": (Link(url=URL, text="here"),)}),
        ("canonical_url", {"canonical_url": URL}),
        ("event.register_url", {"event": EventFacts(register_url=URL)}),
    ],
)
def test_a_link_of_the_front_matter_is_found_with_its_line(traced, field, changes):
    item = sample_item(lines={field.partition(".")[0]: 5}, **changes)
    (finding,) = traced(item, anchor(URL))
    assert (finding.path, finding.field, finding.line) == (item.path, field, 5)


def test_a_long_subject_is_that_of_its_title(traced):
    title = "Partners meet in Paris for the third time and talk about loans"
    (finding,) = traced(sample_item(title=title, lines={"title": 2}), subject=f"News: {title}")
    assert (finding.rule, finding.field, finding.line) == ("letter-subject-long", "title", 2)


def test_what_no_item_says_is_the_editions(traced):
    (finding,) = traced(sample_item(), anchor("https://nowhere.example/in/the/items"))
    assert (finding.path, finding.line, finding.field) == ("weekly-2026-W48", 0, "")
    assert finding.message == "the link text `here` says nothing"


def test_the_templates_own_faults_are_no_items(traced, letters):
    # The item says the statement as well; that it is missing from the letter is not the item's fault.
    item = sample_item(markdown=letters.STATEMENT)
    (finding,) = traced(item, text=("x", letters.UNSUBSCRIBE, letters.DISCLAIMER))
    assert (finding.rule, finding.path) == ("letter-funding", "weekly-2026-W48")


def test_short_words_are_a_coincidence(traced):
    (finding,) = traced(sample_item(markdown="see #x"), anchor("ftp:x", "The report"))
    assert finding.path == "weekly-2026-W48"


def test_a_message_is_looked_at_where_there_is_one(traced):
    assert traced(sample_item()) == []
    found = traced(sample_item(), raw=b"Subject: x\r\n\r\n")
    assert [finding.rule for finding in found] == ["message-unsubscribe", "message-parts"]
