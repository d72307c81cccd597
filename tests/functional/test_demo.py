"""`disseminate demo`: the main job from nothing, judged from outside."""

from __future__ import annotations

import email
import email.policy
import json
import os
import subprocess
import sys

import feedparser
import pytest


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The folder of one run of the demo, and what it printed."""
    root = tmp_path_factory.mktemp("demo") / "out"
    done = subprocess.run(
        [sys.executable, "-m", "dissemination", "demo", "--out", str(root)],
        cwd=root.parent,
        env=os.environ | {"COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return root, done.stdout


@pytest.fixture(scope="module")
def mails(demo):
    root, _ = demo
    return [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in sorted((root / "mailbox").glob("*.eml"))
    ]


def test_twenty_five_people_get_their_own_mail(mails):
    assert len(mails) == 25
    assert len({mail["Message-ID"] for mail in mails}) == 25
    assert len({mail["To"] for mail in mails}) == 25
    assert len({mail["List-Unsubscribe"] for mail in mails}) == 25
    assert {mail["Content-Language"] for mail in mails} == {"en", "ro", "it"}


def test_both_parts_of_every_mail_name_an_item(mails, demo):
    root, _ = demo
    titles = {
        entry.title
        for path in (root / "feeds").rglob("rss.xml")
        for entry in feedparser.parse(path.read_bytes()).entries
    }
    for mail in mails:
        html = mail.get_body(("html",)).get_content()
        text = " ".join(mail.get_body(("plain",)).get_content().split())
        assert any(title in html and title in text for title in titles)
        assert "unsubscribe" in html.lower() or "dezabon" in html.lower() or "/u/" in html
        assert len(html.encode()) < 100_000
        assert "@@" not in html
        assert mail.defects == []


def test_feeds_in_three_formats_parse_and_hold_items(demo):
    root, _ = demo
    for lang in ("en", "ro", "it"):
        folder = root / "feeds" / lang / "social"
        rss = feedparser.parse((folder / "rss.xml").read_bytes())
        atom = feedparser.parse((folder / "atom.xml").read_bytes())
        feed = json.loads((folder / "feed.json").read_text("utf-8"))
        assert not rss.bozo
        assert not atom.bozo
        ids = [item["id"] for item in feed["items"]]
        assert ids
        assert [e.id for e in rss.entries] == [e.id for e in atom.entries] == ids


def test_nothing_under_embargo_and_no_draft_is_shown(demo):
    root, _ = demo
    shown = "".join(
        path.read_text("utf-8") for path in (root / "feeds").rglob("*") if path.suffix in {".html", ".xml", ".json"}
    )
    for name in ("2031-03-04-results", "2031-09-10-looking-ahead", "2026-11-03-questions-to-a-lender"):
        head = (root / "news" / name / "index.md").read_text("utf-8").split("---")[1]
        title = next(
            line.partition(":")[2].strip(" \"'") for line in head.splitlines() if line.startswith("title:")
        )
        assert title not in shown


def test_one_outbox_file_a_post_and_pictures_beside_them(demo):
    root, _ = demo
    posts = list((root / "outbox").rglob("*.txt"))
    keys = {path.read_text("utf-8").split("key: ")[1].split("\n")[0] for path in posts}
    told = json.loads((root / "demo.json").read_text())
    assert len(posts) == len(keys) == told["first_pass"]["posts"] > 0


def test_the_second_pass_sends_nothing(demo):
    root, shown = demo
    told = json.loads((root / "demo.json").read_text())
    assert told["first_pass"]["mails"] == 25
    assert told["first_pass"]["feeds"] == 54  # RSS, Atom and JSON Feed of 18 feeds in three languages
    assert told["second_pass"] == {"mails": 0, "feeds": 0, "posts": 0}
    assert "Second" in shown
    assert max(map(len, shown.splitlines())) <= 80 or "Start with" in shown
