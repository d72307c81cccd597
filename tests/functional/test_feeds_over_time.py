"""Feeds as time goes by: edits, corrections, withdrawals and expiry, from the news folder's item to the files."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from feed_rules import faults

from dissemination.errors import RenderError
from dissemination.model import ItemStatus
from dissemination.pipeline import content as codec
from dissemination.pipeline.approve import approve
from dissemination.pipeline.feeds import seen
from dissemination.pipeline.plan import plan
from dissemination.pipeline.publish import publish
from dissemination.render.images import PictureShop
from dissemination.render.rendering import Rendering
from dissemination.testing import sample_entry

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def real(house):
    """The house with the real renderer."""
    house.change(renderer=Rendering(house.parts.project))
    return house


def send(house):
    approve(house.parts, [], who="ana", everything=True)
    publish(house.parts, house.stop)
    house.clock.advance(HOUR)
    return house.feed.sent[-1].body.files


def put(house, name="first", **changes):
    house.item(name, channels={"feed": "auto"}, **changes)


def items(files, path="en/social/feed.json"):
    return json.loads(files[path])["items"]


def test_updated_moves_only_when_a_reader_sees_something_else(real):
    put(real)
    (first,) = items(send(real))
    for unseen in ({"tags": ("Regional",)}, {"hashtags": ("X",)}, {"slug": "another-address"}, {"topic": "Smart"}):
        put(real, **unseen, digest=repr(unseen))
        (now,) = items(send(real))
        assert now["date_modified"] == first["date_modified"] == first["date_published"]
        assert now["id"] == first["id"]
    put(real, title="A better title")
    (now,) = items(send(real))
    assert now["date_published"] == first["date_published"]
    assert now["date_modified"] > first["date_modified"]


@pytest.mark.parametrize(
    ("change", "moves"),
    [
        ({"title": "x"}, True),
        ({"summary": "x"}, True),
        ({"html": "<p>x</p>"}, True),
        ({"byline": "x"}, True),
        ({"correction": "x"}, True),
        ({"withdrawn": True}, True),
        ({"html": "<p>Five  regions compared how they\nlend to small firms.</p>"}, False),
        ({"tags": ("x",)}, False),
        ({"url": "https://a.example/"}, False),
        ({"translations": {"ro": "https://a.example/"}}, False),
        ({"expires_at": NOW}, False),
    ],
)
def test_what_is_seen(change, moves):
    assert (seen(replace(sample_entry(), **change)) != seen(sample_entry())) is moves


def test_a_withdrawn_item_is_replaced_by_a_notice_and_comes_back_if_it_must(real):
    put(real)
    put(real, "second")
    before = {one["id"]: one for one in items(send(real))}
    put(real, status=ItemStatus.WITHDRAWN, digest="withdrawn")
    (line,) = [one.publication for one in plan(real.parts).lines if one.publication.reason]
    assert (line.subject, line.reason) == ("first", "a withdrawal of what is out")
    files = send(real)
    after = {one["id"]: one for one in items(files)}
    assert set(after) == set(before)
    (notice,) = [one for one in after.values() if one["title"].startswith("[Withdrawn] ")]
    assert notice["content_html"].startswith("<p>This item was withdrawn.")
    assert notice["date_published"] == before[notice["id"]]["date_published"]
    assert notice["date_modified"] > before[notice["id"]]["date_modified"]
    assert json.loads(files["_gone.json"])["gone"] == [notice["url"].removeprefix("https://news.example")]
    assert not [
        what for name in ("rss.xml", "atom.xml", "feed.json") for what in faults(name, files[f"en/social/{name}"])
    ]
    put(real, digest="back")
    files = send(real)
    assert json.loads(files["_gone.json"])["gone"] == []
    assert not [one for one in items(files) if "Withdrawn" in one["title"]]


def test_an_item_that_was_never_out_is_withdrawn_without_a_word(real):
    put(real, status=ItemStatus.WITHDRAWN)
    assert [
        line.publication.state.value for line in plan(real.parts).lines if line.publication.channel == "feed"
    ] == ["draft"]


def test_a_broken_item_can_still_be_withdrawn(real):
    put(real)
    send(real)
    put(real, status=ItemStatus.WITHDRAWN, digest="x", attachments=("lost.pdf",))
    (one,) = items(send(real))
    assert one["title"].startswith("[Withdrawn] ")


def test_a_correction_keeps_its_date(real):
    put(real)
    send(real)
    put(real, correction="It was 15 May.", updated=NOW - timedelta(days=2), digest="corrected")
    (one,) = items(send(real))
    assert "It was 15 May. (14 November 2026)</p>" in one["content_html"]


def test_a_tags_feed_is_emptied_when_its_last_item_leaves_it(real):
    put(real, tags=("Once",))
    assert len(items(send(real), "en/tags/once/feed.json")) == 1
    put(real, tags=("Now",), digest="now")
    files = send(real)
    assert items(files, "en/tags/once/feed.json") == []
    assert len(items(files, "en/tags/now/feed.json")) == 1
    put(real, "second", digest="second")
    assert "en/tags/once/feed.json" not in send(real)


def test_an_expired_items_feeds_are_emptied(real):
    put(real, tags=("Once",), expires_at=NOW + timedelta(days=1))
    send(real)
    real.clock.advance(timedelta(days=2))
    publish(real.parts, real.stop)
    files = real.feed.sent[-1].body.files
    assert items(files) == items(files, "en/tags/once/feed.json") == []


def test_an_old_address_shows_the_item_as_it_is_and_never_what_was_taken_back(real):
    put(real, slug="old-words")
    send(real)
    put(real, slug="new-words", title="A better title", digest="moved")
    files = send(real)
    assert files["en/news/old-words/index.html"] == files["en/news/new-words/index.html"]
    assert (
        b'rel="canonical" href="https://news.example/en/news/new-words/"' in files["en/news/old-words/index.html"]
    )
    assert b"old-words" not in b"".join(body for name, body in files.items() if not name.endswith("html"))
    put(real, slug="new-words", status=ItemStatus.WITHDRAWN, digest="withdrawn")
    files = send(real)
    assert json.loads(files["_gone.json"])["gone"] == ["/en/news/new-words/", "/en/news/old-words/"]
    assert b"Five regions" not in files["en/news/old-words/index.html"]
    put(real, "second", slug="old-words", title="Another item takes the place")
    files = send(real)
    assert json.loads(files["_gone.json"])["gone"] == ["/en/news/new-words/"]
    assert b"Another item takes the place" in files["en/news/old-words/index.html"]


def test_an_item_that_expired_is_withdrawn_under_its_old_date(real):
    put(real, expires_at=NOW + timedelta(days=1))
    (before,) = items(send(real))
    real.clock.advance(timedelta(days=2))
    publish(real.parts, real.stop)
    put(real, status=ItemStatus.WITHDRAWN, digest="withdrawn")
    (notice,) = items(send(real))
    assert notice["date_published"] == before["date_published"] < notice["date_modified"]


def test_an_archive_that_is_not_needed_any_more_is_emptied(real):
    put(real, "old")
    send(real)
    real.clock.advance(timedelta(days=40))
    for number in range(30):
        expires = NOW + timedelta(days=60) if number == 7 else None
        put(real, f"new-{number}", expires_at=expires)
    path = "en/social/archive/2026-11/atom.xml"
    assert b"Title of old" in send(real)[path]
    real.clock.advance(timedelta(days=40))
    publish(real.parts, real.stop)
    files = real.feed.sent[-1].body.files
    assert len(items(files)) == 30
    assert b"<entry>" not in files[path]
    assert b"archive" not in files["en/social/atom.xml"]
    assert not [
        what for name in ("atom.xml", "rss.xml") for what in faults(name, files[path.replace("atom.xml", name)])
    ]


def test_what_was_approved_before_there_were_withdrawals_has_the_same_digest():
    entry = sample_entry()
    body = codec.encode(entry, ()).body
    assert not {"withdrawn", "corrected", "attachments"} & set(json.loads(body))
    assert codec.entry(body) == entry
    gone = replace(entry, withdrawn=True, corrected=NOW)
    assert codec.entry(codec.encode(gone, ()).body) == gone


def test_attached_files_are_public_as_they_are(tmp_path):
    (tmp_path / "plan.PDF").write_bytes(b"%PDF-1.7")
    made = PictureShop().attach(tmp_path, "plan.PDF")
    assert (made.media_type, made.body, made.name.rpartition(".")[2]) == ("application/pdf", b"%PDF-1.7", "pdf")


@pytest.mark.parametrize(
    "name", ["page.html", "drawing.svg", "run.exe", "none", "lost.pdf", "../out.pdf", "link.pdf", "folder.pdf"]
)
def test_what_may_not_be_public_is_refused(tmp_path, name):
    folder = tmp_path / "item"
    (folder / "folder.pdf").mkdir(parents=True)
    (tmp_path / "out.pdf").write_bytes(b"x")
    (folder / "link.pdf").symlink_to(tmp_path / "out.pdf")
    for other in ("page.html", "drawing.svg", "run.exe", "none"):
        (folder / other).write_bytes(b"x")
    with pytest.raises(RenderError):
        PictureShop().attach(folder, name)
