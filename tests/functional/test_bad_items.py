"""A bad item is refused with file and line, and every other item still goes out."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import zlib

import feedparser
import pytest

HEAD = "---\ntitle: Bad\nstatus: review\ndate: 2026-01-13\nsummary: Bad.\n"


def header(**fields: str) -> str:
    return HEAD + "".join(f"{name}: {value}\n" for name, value in fields.items()) + "---\n\nWords.\n"


#: name -> (the item's bytes, the line that must be named; None: any).
BAD = {
    "broken": (b"---\ntitle: MICRO: partners meet\nstatus: review\n---\n\nWords.\n", 2),
    "control": (b'---\ntitle: "A\x07B"\nstatus: review\n---\n\nWords.\n', 2),
    "huge-header": (f"---\ntitle: Big\nnote: {'x' * 70_000}\n---\n\nWords.\n".encode(), None),
    "nested-header": (f"---\ntitle: Deep\ntags: {'[' * 40_000}\n---\n\nWords.\n".encode(), 3),
    "nested-body": (header().encode() + b"[" * 40_000, None),
    "nested-html": (header().encode() + b"<b>" * 100_000, None),
    "no-date": (header(date="2026-13-45").replace("date: 2026-01-13\n", "").encode(), None),
    "not-utf8": (b"---\ntitle: \xff\xfe\n---\n\nWords.\n", None),
    "twice": (header(title="Again").encode(), None),
    "bomb": (header(tags="[&a [1], *a]").encode(), 6),
    "no-picture": (header(image="{src: missing.jpg, alt: Nothing}").encode(), 6),
}  # fmt: skip


def bomb() -> bytes:
    """A PNG of 12000 x 12000 in a few kilobytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    facts = struct.pack(">IIBBBBB", 12_000, 12_000, 1, 0, 0, 0, 0)
    pixels = zlib.compress(b"\0" * (1501 * 12_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", facts) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.fixture
def root(tmp_path, folders):
    """A project of three good items and one of every bad kind."""
    folders.write_project(tmp_path, news={"channels": {"feed": "auto", "x": "auto", "newsletter": "none"}})
    for name in ("first", "second", "third"):
        folders.write_item(tmp_path, name)
    for name, (body, _) in BAD.items():
        folder = tmp_path / "news" / name
        folder.mkdir()
        (folder / "index.md").write_bytes(body)
    for name, picture in (("pixels", bomb()), ("drawing", b"<svg xmlns='http://www.w3.org/2000/svg'/>")):
        folders.write_item(tmp_path, name)
        (tmp_path / "news" / name / "picture.png").write_bytes(picture)
    os.mkfifo(tmp_path / "news" / "pipe.md")
    (tmp_path / "news" / "link.md").symlink_to("/etc/passwd")
    with (tmp_path / "news" / "sparse.md").open("wb") as stream:
        stream.truncate(50_000_000_000)
    return tmp_path


def say(root, *words):
    return subprocess.run(
        [sys.executable, "-m", "dissemination", *words],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=60,  # bounded in time, too
        check=False,
    )


def test_every_bad_item_is_named_and_every_good_one_goes_out(root):
    checked = say(root, "check", "--json")
    assert checked.returncode == 1, checked.stderr
    errors = {}
    for finding in json.loads(checked.stdout)["findings"]:
        if finding["level"] == "error":
            errors.setdefault(finding["path"], finding)
    for name, (_, line) in BAD.items():
        found = errors[f"news/{name}/index.md"]
        assert found["message"]
        if line is not None:
            assert found["line"] == line, found
    for name in ("news/pipe.md", "news/link.md", "news/sparse.md", "news/pixels/index.md", "news/drawing/index.md"):
        assert name in errors
    assert "passwd" not in checked.stdout
    assert "root:" not in checked.stdout

    approved = json.loads(say(root, "approve", "--all", "--json").stdout)
    assert {v["subject"] for v in approved if v["done"]} == {"first", "second", "third"}
    told = json.loads(say(root, "publish", "--json").stdout)
    assert told["posts"] == 3
    feed = feedparser.parse((root / "feeds" / "en" / "social" / "rss.xml").read_bytes())
    assert sorted(entry.title for entry in feed.entries) == ["Title of first", "Title of second", "Title of third"]


def test_an_approved_item_that_turns_bad_waits_and_the_others_go(root):
    say(root, "approve", "--all")
    (root / "news" / "second" / "index.md").write_text("---\ntitle: A: b\n---\n")
    told = json.loads(say(root, "publish", "--json").stdout)
    assert told["posts"] == 2
    plan = json.loads(say(root, "plan", "--json").stdout)
    held = [line for line in plan if line["subject"] == "second"]
    assert {line["state"] for line in held} <= {"in_review", "draft"}
    assert all("check" in line["reason"] for line in held)
