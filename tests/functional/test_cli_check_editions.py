"""`disseminate check` on newsletters to come: rendered, checked, scored; nothing is stored and nothing is sent."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3

import pytest
from shell import Shell

ANSWER = """\
X-Spam-Status: No, score={score} required=5.0 tests=SUBJ_BUY

 0.6 SUBJ_BUY    Subject line starts with Buy
"""
#: A record of processing that lacks nothing.
RECORD = {
    "controller": "OIRBI, Romania",
    "contact": "data@test.example",
    "purposes": ["news of the project"],
    "legal_basis": "consent",
    "recipients": ["a mail provider in Romania"],
    "transfers": "none",
}
PREHEADER = "Five regions compared how they lend to small firms, and what they found out"


@pytest.fixture
def shell(tmp_path, folders):
    """A project with one item that goes out as a flash in two languages."""
    folders.write_project(tmp_path, privacy=RECORD)
    return Shell(tmp_path)


@pytest.fixture
def item(shell, folders):
    """item(body=..., field=...): writes the item that every rule is silent about, but for these changes."""

    def write(body="Some words of news, and where they come from.", **fields):
        return folders.write_item(shell.root, body=body, **{"preheader": PREHEADER} | fields)

    return write


def facts(result):
    return [(finding["rule"], finding["level"], finding["path"]) for finding in result["findings"]]


def test_a_good_newsletter_is_looked_at_and_passes(shell, item):
    item()
    result = shell.json("check")
    assert result == {"items": 1, "editions": ["flash-first"], "findings": [], "spam": []}
    assert shell("check").stdout == "1 item, 1 newsletter: nothing to complain about\n"


def test_without_editions_only_items_are_looked_at(shell, item):
    item()
    assert shell.json("check", "--no-editions")["editions"] == []
    assert shell("check", "--no-editions").stdout == "1 item: nothing to complain about\n"


def test_nothing_is_stored(shell, item):
    item()
    shell("check")
    for name in ("publications", "contents", "events"):
        with sqlite3.connect(shell.root / "var" / "dissemination.db") as database:
            assert database.execute(f"SELECT count(*) FROM {name}").fetchone() == (0,)


def test_an_error_of_the_newsletter_blocks_its_approval(shell, item):
    item(body="Dear {{ name }}, some words of news.")
    result = shell.json("check", code=1)
    assert facts(result) == [("letter-leftover", "error", "news/first/index.md")]
    assert result["findings"][0]["line"] > 1
    (verdict,) = shell.json("approve", "flash-first", code=1)
    assert "`{{ name }}` was left over in the" in verdict["refused"]


def test_what_the_item_was_told_is_not_told_again(shell, item):
    item(body="Some words of news, [here](https://partner.example/report).")
    assert facts(shell.json("check")) == [("link-text", "warning", "news/first/index.md")]


def test_a_finding_names_the_edition_and_its_languages(shell, item):
    item(preheader=None, summary="Short.")
    templates = shell.root / "templates"
    templates.mkdir()
    (templates / "newsletter.txt").write_text("{{ hole.unsubscribe_url }}\n", "utf-8")
    result = shell.json("check", code=1)
    lines = [line for line in facts(result) if line[0] == "letter-funding"]
    assert lines == [
        ("letter-funding", "error", "flash-first (en)"),
        ("letter-funding", "error", "flash-first (ro)"),
    ]
    assert ("letter-text", "warning", "flash-first (en, ro)") not in lines


def test_what_cannot_be_rendered_is_said(shell, item):
    item()
    (shell.root / "templates").mkdir()
    (shell.root / "templates" / "newsletter.mjml").write_text("<mjml>{{ nothing }}</mjml>", "utf-8")
    result = shell.json("check", code=1)
    assert facts(result) == [("edition", "error", "flash-first")]
    assert result["editions"] == []


def test_a_held_item_makes_no_newsletter(shell, item):
    item(status="draft")
    assert shell.json("check")["editions"] == []


def test_what_is_approved_is_not_rendered_again_until_it_changes(shell, item):
    item()
    shell("approve", "--all")
    assert shell.json("check")["editions"] == []
    item(body="Other words of news.")
    assert shell.json("check")["editions"] == ["flash-first"]


def test_with_a_path_only_what_comes_from_there_is_told(shell, item, folders):
    item(body="Dear {{ name }}.")
    folders.write_item(shell.root, "second", preheader=PREHEADER)
    assert shell.json("check", "news/second")["findings"] == []
    assert facts(shell.json("check", "news/first", code=1)) == [("letter-leftover", "error", "news/first/index.md")]


# ------------------------------------------------------------------------------------------ spam


@pytest.fixture
def spamassassin(tmp_path, monkeypatch):
    """spamassassin(score): a program of this name on an otherwise empty PATH, that keeps every message."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def make(score):
        program = folder / "spamassassin"
        (folder / "answer").write_text(ANSWER.format(score=score))
        program.write_text(f'#!/bin/sh\n/bin/cat >> "{folder}/messages"\n/bin/cat "{folder}/answer"\n')
        program.chmod(0o755)
        return folder / "messages"

    return make


def test_every_language_is_scored_as_the_message_that_would_go_out(shell, item, spamassassin):
    item()
    messages = spamassassin("0.6")
    result = shell.json("check", "--spam")
    assert [(one["lang"], one["score"], one["threshold"]) for one in result["spam"]] == [
        ("en", 0.6, 5.0),
        ("ro", 0.6, 5.0),
    ]
    assert result["spam"][0]["rules"] == [
        {"name": "SUBJ_BUY", "points": 0.6, "what": "Subject line starts with Buy"}
    ]
    given = messages.read_bytes()
    assert given.count(b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n") == 2
    assert given.count(b"Content-Type: text/html") == 2


def test_a_score_is_shown_with_threshold_and_rules(shell, item, spamassassin):
    item()
    spamassassin("0.6")
    said = shell("check", "--spam").stdout
    assert "flash-first (en): 0.6 of 5 by SpamAssassin" in said
    assert "+0.6  SUBJ_BUY" in said


def test_what_would_be_taken_for_spam_fails_the_check(shell, item, spamassassin):
    item()
    spamassassin("5.0")
    shell("check", "--spam", code=1)
    shell.json("check", "--spam", code=1)


def test_without_a_filter_the_findings_are_told_and_one_line_says_what_to_install(
    shell, item, tmp_path, monkeypatch
):
    item()
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    result = shell("check", "--spam", code=1)
    assert result.stdout == "1 item, 1 newsletter: nothing to complain about\n"
    said = " ".join(result.stderr.split())
    assert (
        said == "Error: check: no spam filter here; install SpamAssassin or rspamd (Debian: spamassassin, rspamd)"
    )
    assert shell("check", "--spam", "--json", code=1).stdout == ""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("spamassassin") is None, reason="spamassassin is not installed (Debian package)")
def test_the_real_spamassassin_finds_nothing_worth_a_tenth_of_a_point(shell, item):
    item()
    for one in shell.json("check", "--spam")["spam"]:
        assert [rule["name"] for rule in one["rules"] if rule["points"] >= 0.1] == []
        assert one["score"] < 0.5


def test_a_message_that_the_channel_would_refuse_is_refused_at_planning(shell, item):
    item()
    text = (shell.root / "settings.yaml").read_text("utf-8")
    # Longer than any header line may be.
    (shell.root / "settings.yaml").write_text(text.replace("news.test.example", f"{'a' * 60}." * 16 + "example"))
    result = shell("check", "--json", code=None)
    assert result.exit_code in {1, 2}
    assert "Traceback" not in result.stderr
    assert json.loads(result.stdout or "{}").get("editions", []) == []
