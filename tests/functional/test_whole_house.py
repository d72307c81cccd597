"""The real parts together, on the sample: embargo, offline previews, and equal bytes on any day."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from dissemination.bootstrap import make_app
from dissemination.files import shipped
from dissemination.testing import FixedClock

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
SECRET = "Zanzibar"  # a word that stands nowhere else


@pytest.fixture
def sample(tmp_path):
    """The shipped sample as a project folder."""
    shutil.copytree(shipped("news"), tmp_path / "news")
    shutil.copyfile(shipped("settings.yaml"), tmp_path / "settings.yaml")
    return tmp_path


def shown(root) -> str:
    """Everything that is public or went out, as one text; pictures by their names."""
    texts = []
    for folder in ("feeds", "var/outbox"):
        for path in (root / folder).rglob("*"):
            texts.append(str(path.relative_to(root)))
            if path.is_file() and path.suffix not in {".png", ".jpg"}:
                texts.append(path.read_text("utf-8"))
    return "\n".join(texts)


def test_nothing_shows_an_item_under_embargo_until_its_time(tmp_path, folders, smtp_server):
    server = smtp_server()
    news = {"channels": {"feed": "auto", "x": "auto", "mastodon": "auto", "newsletter": "flash"}}
    folders.write_project(tmp_path, port=server.port, news=news)
    folders.write_item(tmp_path, "open")
    folders.write_item(
        tmp_path,
        "held",
        title=f"The {SECRET} paper",
        slug=SECRET.lower(),
        summary=f"About {SECRET}.",
        body=f"{SECRET} in the body.",
        embargo_until="2026-11-18T10:00:00+02:00",
    )
    folders.add_people(tmp_path, 2)
    clock = FixedClock(NOW)
    app = make_app(tmp_path, clock=clock)
    try:
        app.approve([], who="ana", everything=True)
        with app.publishing():
            app.publish()
            public = shown(tmp_path)
            assert "Title of open" in public
            assert SECRET.lower() not in public.lower()
            assert len(server.accepted) == 2
            pictures = {path.name for path in (tmp_path / "feeds" / "media").iterdir()}
            clock.advance(timedelta(days=1, hours=22, minutes=59, seconds=59))
            app.publish()
            assert SECRET.lower() not in shown(tmp_path).lower()
            assert {path.name for path in (tmp_path / "feeds" / "media").iterdir()} == pictures
            clock.advance(timedelta(seconds=1))
            app.publish()
        assert SECRET in shown(tmp_path)
        assert len(server.accepted) == 4
        assert all(SECRET.encode() not in mail.body for mail in server.accepted[:2])
    finally:
        app.close()


_GUARD = """
import sys
def watch(event, args):
    if event.startswith("socket.") and event not in {"socket.__new__", "socket.gethostname"}:
        raise RuntimeError(f"the network was touched: {event} {args}")
sys.addaudithook(watch)
from dissemination.__main__ import main
main()
"""


def test_a_preview_does_not_touch_the_network(sample):
    done = subprocess.run(
        [sys.executable, "-c", _GUARD, "preview", "--out", "look", "--json"],
        cwd=sample,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    names = json.loads(done.stdout)["files"]
    for lang in ("en", "ro", "it"):
        assert any(name.startswith("mail/weekly-") and name.endswith(f".{lang}.html") for name in names)
        assert any(name.startswith("mail/weekly-") and name.endswith(f".{lang}.txt") for name in names)
        assert f"site/{lang}/social/feed.json" in names
    assert {name.split("/")[1] for name in names if name.startswith("posts/")} == {
        "x",
        "mastodon",
        "bluesky",
        "linkedin",
    }
    guard = subprocess.run(
        [sys.executable, "-c", _GUARD, "send-test", "2026-10-06-policy-brief", "--to", "a@mail.example"],
        cwd=sample,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "the network was touched" in guard.stderr, "the guard itself must work"


_BIND = """
import sys
from datetime import datetime
from pathlib import Path
from dissemination.bootstrap import make_app
from dissemination.testing import FixedClock
app = make_app(Path.cwd(), clock=FixedClock(datetime.fromisoformat(sys.argv[1])))
for line in app.plan().lines:
    if line.publication.kind == "edition":
        content = line.content or line.proposal.render()
        print(content.digest, line.publication.bound["content"], len(content.body))
app.close()
"""


def test_two_renders_a_day_apart_have_equal_segments_and_digest(sample):
    """In other processes, with other hash seeds and time zones, one with and one without what the first kept."""
    told = []
    for day, seed, zone in (
        ("2026-11-16", "1", "UTC"),
        ("2026-11-17", "2", "Asia/Tokyo"),
        ("2026-11-17", "3", "America/New_York"),
    ):
        done = subprocess.run(
            [sys.executable, "-c", _BIND, f"{day}T09:00:00+00:00"],
            cwd=sample,
            env=os.environ | {"PYTHONHASHSEED": seed, "TZ": zone},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        told.append(done.stdout)
        if seed == "2":
            shutil.rmtree(sample / "var" / "cache")
    assert told[0].strip()
    assert len(set(told)) == 1
    digest, bound, size = told[0].split()
    assert digest == bound
    assert int(size) > 10_000
