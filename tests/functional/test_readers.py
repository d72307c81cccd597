"""Real feed readers follow a real project over HTTP; docs/readers.md tells what each shows."""

from __future__ import annotations

import os
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import reader_story
from pressroom import Pressroom
from reader_story import ATOM, DEAF, FORMATS, JSON, READERS, ROWS, RSS, change
from readers import Seen

#: What each reader can do at best; the page has the same, and the test of the page compares every word.
CONDITIONAL = {"newsboat": "304 the 3rd time"}
TELLS_CHANGES = {"rss2email": "not shown", "rss2email with `reply-changes`": "as a reply"}
TELLS_LANGUAGE = {"feedparser": {RSS, ATOM}, "feedsmith": {RSS, ATOM, JSON}, "reader": {ATOM, JSON}}


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
    """The whole story, once."""
    return reader_story.story(tmp_path_factory.mktemp("readers"))


@pytest.fixture(params=ROWS, ids=lambda row: f"{row[0]} {row[1]}")
def row(request, needed):
    """(name, format) of one reader that is installed."""
    needed(READERS[request.param[0]][0].lack())
    return request.param


@pytest.fixture
def seen(facts, row):
    """What it showed."""
    return facts[row]


def test_every_item_is_shown_with_its_id_title_and_address(seen):
    assert seen.items == "4 of 4"


def test_attached_files_are_enclosures(seen, row):
    count, _, told = seen.enclosures.partition(": ")
    # newsboat keeps one; RSS carries one.
    assert count == ("1 of 2" if row[1] == RSS or row[0] == "newsboat" else "2 of 2")
    assert told.startswith("address")


def test_the_language_is_told_where_the_reader_tells_any(seen, row):
    name, form = row
    assert seen.language == ("en, ro" if form in TELLS_LANGUAGE.get(name, ()) else "not shown")


def test_who_has_everything_is_answered_304(seen, row):
    assert seen.again == CONDITIONAL.get(row[0], "304 the 2nd time")


@pytest.mark.parametrize("step", ["edit", "moved", "withdrawn"])
def test_a_change_replaces_and_never_doubles(seen, row, step):
    assert getattr(seen, step) == TELLS_CHANGES.get(row[0], "in place")


def test_what_is_new_is_shown_once(seen):
    assert seen.new == "one more"


def test_the_page_tells_what_was_seen(facts, needed):
    for kind, _ in READERS.values():
        needed(kind.lack())
    if os.environ.get("UPDATE_GOLDEN"):
        reader_story.write([facts[row] for row in ROWS])
    # Versions are those of the machine on which the page was written.
    told = {key: {**fact, "version": ""} for key, fact in reader_story.written().items()}
    assert told == {(name, FORMATS[form]): {**asdict(facts[name, form]), "version": ""} for name, form in ROWS}


# What looks at them sees what is wrong

OLD, NEW = Seen(id="a", title="Old", link="", text="x"), Seen(id="a", title="New", link="", text="x")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([OLD], [NEW], "in place"),
        ([OLD], [OLD], "not shown"),
        ([OLD], [OLD, NEW], "TWICE"),
        ([OLD], [OLD, replace(NEW, reply=True)], "as a reply"),
        ([OLD], [OLD, replace(NEW, id="b")], "WRONG: other ids"),
        ([OLD], [replace(NEW, id="b")], "WRONG: other ids"),
        ([OLD], [], "WRONG: other ids"),
        ([], [NEW], "one more"),
        ([], [NEW, NEW], "WRONG"),
    ],
)
def test_what_is_wrong_is_seen(before, after, expected):
    assert change(before, after, ["New"], {"a"}) == expected


# What the page says below its table


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """A newsroom with one item."""
    with Pressroom(tmp_path_factory.mktemp("room") / "project") as made:
        made.item("first", body="Words that no alternative text has.")
        made.publish()
        yield made


@pytest.mark.parametrize("name", DEAF)
def test_who_cannot_read_json_feed_shows_nothing_of_it(room, tmp_path, needed, name):
    needed(READERS[name][0].lack())
    shown, hits = reader_story.deaf(room, tmp_path / "reader", name)
    assert shown == []
    assert {hit.status for hit in hits} == {200}


def test_both_formats_of_a_feed_are_one_in_newsboat(room, tmp_path, needed):
    kind, _ = READERS["newsboat"]
    needed(kind.lack())
    program = kind(tmp_path / "reader", [room.address(f"en/social/{form}") for form in (RSS, ATOM)])
    program.fetch()
    assert len(program.items()) == 1


@pytest.mark.parametrize("form", [RSS, ATOM])
def test_rss2email_mails_the_text_of_an_item_with_a_picture(room, tmp_path, needed, form):
    """It takes feedparser's `summary_detail`, which a plain description of a picture would replace."""
    kind, _ = READERS["rss2email"]
    needed(kind.lack())
    program = kind(tmp_path / "reader", [room.address(f"en/social/{form}")])
    program.fetch()
    (mail,) = program.items()
    assert "Words that no alternative text has." in mail.text


def test_versions_are_told_by_the_programs(facts):
    for (name, _), fact in facts.items():
        assert fact.version == READERS[name][0].version()
        assert fact.version[0].isdigit()


def test_the_page_names_its_readers_once_a_format():
    lines = Path(reader_story.PAGE).read_text("utf-8").splitlines()
    assert sum(line.startswith("| ") for line in lines) == len(ROWS) + 2
