"""A project folder for the mail benchmark: one approved edition of some 30 KB on the wire, and its subscribers."""

from __future__ import annotations

import csv
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml

from dissemination.bootstrap import opened
from dissemination.files import shipped

#: The letter as the measured senders without a database read it, and the edition's key.
LETTER = "letter.json"
ITEM = """\
---
title: {title}
date: {day}
status: review
lang: en
summary: {summary}
tags: [Microfinance, Regional]
partner: oirbi
channels: {{feed: off, x: off, mastodon: off, bluesky: off, linkedin: off, newsletter: digest}}
---

{body}
"""
#: As many stories, and as long a foreword, as make a mail of 30 KB.
STORIES, FOREWORD = 2, 12
SENTENCES = (
    "In the second year the partners visited each other and looked closely at how small loans are given",
    "A farmer, a tailor and two young cooks told what the first credit changed, and what it did not",
    "Advisers meet every borrower three times before the money comes, and once a month afterwards",
    "The regional bank carries half of the risk; the guarantee fund of the region carries the other half",
    "What was learnt is written down in plain words, so that other regions may try it for themselves",
)


def lay_out(root: Path, port: int, mail: dict[str, object] | None = None) -> None:
    """Write settings and items: a digest that is due this minute, by mail to one server on this machine.

    Args:
        root: a new folder.
        port: the server's.
        mail: further keys of `channels.email`.
    """
    settings = yaml.safe_load(shipped("settings.yaml").read_text("utf-8"))
    now = datetime.now(UTC).astimezone(ZoneInfo(settings["project"]["timezone"])).replace(second=0, microsecond=0)
    weekly = settings["newsletter"]["digests"]["weekly"]
    due = {"cron": f"{now.minute} {now.hour} * * *", "starts": now.isoformat(), "grace_minutes": 1440}
    foreword = {"en": " ".join(f"{SENTENCES[i % len(SENTENCES)]}." for i in range(FOREWORD))}
    settings["newsletter"]["digests"] = {"weekly": weekly | due | {"since": "2020-01-01", "intro": foreword}}
    settings["channels"] = {"email": email_section(port) | (mail or {}), "feed": {}}
    settings["project"] |= {"languages": ["en"]}
    settings["news"].pop("channels")
    settings.pop("notify")
    (root / "news").mkdir(parents=True)
    _copy_assets(root)
    (root / "settings.yaml").write_text(yaml.safe_dump(settings, allow_unicode=True, sort_keys=False), "utf-8")
    for number in range(STORIES):
        _write_item(root / "news", number)


def email_section(port: int) -> dict[str, object]:
    """`channels.email` of settings.yaml with every default, for the server on this machine."""
    return {
        "use": "email",
        "languages": ["en"],
        "sender": "news@microfuture.example",
        "sender_name": "MICROFUTURE News",
        "unsubscribe_mailto": "unsubscribe@microfuture.example",
        "host": "127.0.0.1",
        "port": port,
        "tls": "none",
    }


def _copy_assets(root: Path) -> None:
    target = root / "news" / "_assets"
    target.mkdir()
    for path in (shipped("news") / "_assets").iterdir():
        (target / path.name).write_bytes(path.read_bytes())


def _write_item(news: Path, number: int) -> None:
    day = date.today() - timedelta(days=number + 1)  # noqa: DTZ011 - any recent day will do
    sentences = [SENTENCES[(number + i) % len(SENTENCES)] for i in range(len(SENTENCES))]
    text = ITEM.format(
        title=f"Story {number + 1}, {sentences[0][:60].rsplit(' ', 1)[0]}",
        day=day,
        summary=". ".join(sentences[1:3]) + ".",
        body="\n\n".join(f"{sentence}. {sentences[0]}." for sentence in sentences),
    )
    folder = news / f"{day.year}" / f"{day}-story-{number + 1}"
    folder.mkdir(parents=True)
    (folder / "index.md").write_text(text, encoding="utf-8")


def subscribe(root: Path, people: int) -> None:
    """Import so many made-up people, by the command that everybody uses."""
    listing = root / "people.csv"
    with listing.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["email", "name", "lang", "lists", "consent_source", "consent_at"])
        rows.writerows(
            (f"reader{n}@mail{n % 500}.example", f"Reader Nr {n}", "en", "news", "made up", "2026-01-01")
            for n in range(people)
        )
    command = [sys.executable, "-m", "dissemination", "subscribers", "import", str(listing), "--json"]
    subprocess.run(command, cwd=root, check=True, stdout=subprocess.DEVNULL)
    listing.unlink()


def approve(root: Path) -> int:
    """Plan and approve the edition, and write its letter beside it; the window that the project has by default."""
    with opened(root) as app:
        app.plan()
        refused = [verdict for verdict in app.approve([], who="bench", everything=True) if verdict.refused]
        if refused:
            raise SystemExit(f"bench: not approved: {refused}")
        [edition] = [line.publication for line in app.plan().lines if line.publication.channel == "email"]
        body = app.parts.store.contents.body(edition.content)
        window = app.parts.rules.window
    (root / LETTER).write_bytes(body)
    return window
