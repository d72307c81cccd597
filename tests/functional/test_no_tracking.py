"""Nobody is watched while reading: two people's letters differ by their own two links alone."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from dissemination.bootstrap import make_app
from dissemination.files import shipped
from dissemination.store.schema import metadata
from dissemination.testing import FixedClock

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
PUBLIC = "https://news.test.example"
_URL = re.compile(r"https?://[^\s\"'<>)\\]+")
#: Last part of a link that only one person has.
_PERSONAL = re.compile(rf"{PUBLIC}/(?:u|p|unsubscribe|preferences)/[A-Za-z0-9_-]{{36}}")


class Tags(HTMLParser):
    """Every start tag with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


@pytest.fixture
def letters(tmp_path, folders, smtp_server):
    """Two people's letters of one edition, as text and HTML, through the real templates and the real channel."""
    server = smtp_server()
    news = {"channels": {"newsletter": "flash"}}
    folders.write_project(tmp_path, port=server.port, news=news)
    folders.write_item(tmp_path, "first", body="Words with [a link](https://partner.example/page?id=7).")
    folders.add_people(tmp_path, 2)
    app = make_app(tmp_path, clock=FixedClock(NOW))
    try:
        app.approve([], who="ana", everything=True)
        with app.publishing():
            app.publish()
    finally:
        app.close()
    mails = [email.message_from_bytes(mail.body, policy=email.policy.default) for mail in server.accepted]
    assert len(mails) == 2
    return [
        {kind: mail.get_body((kind,)).get_content() for kind in ("plain", "html")}
        | {"head": "\n".join(f"{name}: {value}" for name, value in mail.items())}
        for mail in mails
    ]


@pytest.mark.parametrize("part", ["plain", "html"])
def test_two_peoples_letters_differ_in_the_addresses_of_leaving_and_preferences_alone(letters, part):
    one, other = (set(_URL.findall(letter[part])) for letter in letters)
    own = one ^ other
    assert own
    assert [url for url in own if not _PERSONAL.fullmatch(url)] == []
    shared = {_PERSONAL.sub("PERSONAL", _neutral(letter[part])) for letter in letters}
    assert len(shared) == 1


def _neutral(text: str) -> str:
    """Without what a letter may say to a person: their address and name."""
    return re.sub(r"[\w.+-]+@[\w.-]+|Reader \d+|Person \d+|\bp\d+\b", "WHO", text)


def test_links_lead_where_they_say_and_through_no_counter(letters):
    for letter in letters:
        assert "https://partner.example/page?id=7" in letter["html"]
        for url in _URL.findall(letter["html"] + letter["plain"]):
            assert not re.search(r"/(?:c|click|track|open|redirect|r)/", url), url
            assert "utm_" not in url


def test_every_picture_is_the_same_for_everybody_and_can_be_seen(letters):
    pictures = [[attrs for tag, attrs in Tags(letter["html"]).found if tag == "img"] for letter in letters]
    assert pictures[0] == pictures[1]
    assert pictures[0]
    for picture in pictures[0]:
        assert picture["src"].startswith((f"{PUBLIC}/media/", "cid:", "data:"))
        sizes = [int(size) for name in ("width", "height") if (size := picture.get(name) or "").isdigit()]
        assert all(size > 2 for size in sizes)
        assert not re.search(r"display:\s*none|(?:width|height):\s*[012]px", picture.get("style") or "")


def test_nothing_else_is_fetched_when_a_letter_is_opened(letters):
    fetching = {"iframe", "script", "object", "embed", "audio", "video", "source", "input", "form", "base"}
    for letter in letters:
        assert {tag for tag, _ in Tags(letter["html"]).found} & fetching == set()
        names = {name for _, attrs in Tags(letter["html"]).found for name in attrs}
        assert names & {"ping", "background", "srcset", "onload", "onerror"} == set()
        style = letter["html"]
        assert [url for url in re.findall(r"(?:url\(|@import)[^)]*", style) if PUBLIC not in url] == []


def test_a_letter_asks_for_no_receipt(letters):
    for letter in letters:
        assert not re.search(
            r"(?i)^(?:disposition-notification-to|return-receipt-to|x-confirm-reading-to)", letter["head"]
        )


def test_the_database_has_no_place_for_opens_or_clicks():
    names = [table.name for table in metadata.sorted_tables]
    names += [f"{table.name}.{column.name}" for table in metadata.sorted_tables for column in table.columns]
    assert [
        name for name in names if re.search(r"open(?:s|ed)|click|view|seen|read_at|user_agent|\bip\b", name)
    ] == []


def templates():
    """Path and text of every template; files that are sent as they are lie in `static`."""
    for path in Path(shipped("templates")).rglob("*"):
        if path.is_file() and "static" not in path.parts:
            yield path, path.read_text("utf-8")


def test_no_template_has_a_picture_that_nobody_could_see():
    for path, text in templates():
        assert not re.search(r"(?:width|height)=[\"']?[012](?:px)?[\"' />]", text), path.name
        assert not re.search(r"pixel|beacon|tracking", text, re.IGNORECASE), path.name


#: What a style sheet or a script loads: addresses as their syntax has them, not those in comments.
_LOADS = re.compile(r"(?:url\(|@import\s+|src\s*=\s*)[\s\"']*((?:https?:)?//[^\s\"')]+)", re.IGNORECASE)


def foreign(text):
    return _LOADS.findall(re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL))


def test_what_is_sent_as_it_is_loads_nothing_from_elsewhere():
    folder = Path(shipped("templates")) / "public" / "static"
    sheets = [path for path in folder.rglob("*") if path.suffix in {".css", ".js", ".svg"}]
    assert sheets
    assert [
        (path.name, foreign(path.read_text("utf-8"))) for path in sheets if foreign(path.read_text("utf-8"))
    ] == []


@pytest.mark.parametrize(
    "planted",
    ["a{b:url(https://x.example/y.png)}", "@import 'http://x.example/z.css';", 'a{b:url( "//x.example/f")}'],
)
def test_a_planted_foreign_address_is_found(planted):
    assert foreign(planted)
    assert not foreign(
        f"/*! from {planted} */a{{b:url(data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'%3E)}}"
    )
