"""What hubs and their subscribers find in real documents, and in the headers that our server makes of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dissemination.model import Site
from dissemination.render import feed
from dissemination.render.environment import make_environment
from dissemination.testing import sample_entry, sample_project
from dissemination.testing.hub import document_links, header_links
from dissemination.web.public.kinds import kind_of

HUB = "https://hub.example/publish?key=a&b=2"
LANGUAGES = ("en", "ro", "it", "sl", "sv", "de", "fr", "es")
FORMATS = ("rss.xml", "atom.xml", "feed.json")
#: Names of categories and tags that could be taken for archives, or need escaping in an address.
NAMES = ("archive", "2026-11", "Région & Co", "tags", "all")


def made(hub=HUB, **changes):
    """Feeds in eight languages; those of English go back over two years."""
    project = sample_project(languages=LANGUAGES, hub=hub, name="A long name, " * 40, **changes)
    entries = [
        sample_entry(
            id=f"urn:uuid:{lang}{number}",
            item_id=f"{lang}{number}",
            lang=lang,
            path=f"{lang}/news/{number}/",
            categories=("Social", *NAMES),
            tags=NAMES,
            published=datetime(2026, 11, 1, tzinfo=UTC) - timedelta(days=9 * number),
            updated=datetime(2026, 11, 1, tzinfo=UTC) - timedelta(days=9 * number),
        )
        for lang in LANGUAGES
        for number in range(80 if lang == "en" else 2)
    ]
    site = Site(public_url=project.public_url)
    return feed.files(entries, project, site, make_environment()), site


@pytest.fixture(scope="module")
def files():
    return made()


def said(path, body):
    """(media type, links of the header, links of the document)."""
    headers = dict(kind_of(path, body).headers)
    media = headers[b"content-type"].decode()
    return media, header_links(headers.get(b"link", b"").decode()), document_links(media, body)


def test_every_feed_names_hub_and_itself_in_document_and_header_alike(files):
    written, site = files
    subscribed = feed.subscribed(written)
    assert {path.rpartition("/")[2] for path in subscribed} == set(FORMATS)
    for path in subscribed:
        _, header, document = said(path, written[path])
        assert header == document == {("hub", HUB), ("self", site.address(path))}, path


def test_every_format_of_every_scope_is_subscribed(files):
    subscribed = set(feed.subscribed(files[0]))
    folders = {path.rpartition("/")[0] for path in subscribed}
    assert subscribed == {f"{folder}/{name}" for folder in folders for name in FORMATS}
    assert {folder.partition("/")[0] for folder in folders} == set(LANGUAGES)
    assert {"en/archive", "en/tags/archive", "en/tags/2026-11", "en/2026-11", "en/social"} <= folders


def test_archives_pages_and_lists_are_no_topics(files):
    written, _ = files
    archives = [path for path in written if "/archive/20" in path and path.endswith(".xml")]
    assert len(archives) > 100
    assert any(path.startswith("en/archive/archive/20") for path in archives)
    assert not set(archives) & set(feed.subscribed(written))
    for path in archives:
        media, header, document = said(path, written[path])
        assert media.startswith(("application/rss+xml", "application/atom+xml"))
        assert not header
        assert {relation for relation, _ in document} == {"self"}


def test_without_a_hub_nothing_is_said_of_one():
    written, site = made(hub="")
    for path in feed.subscribed(written):
        _, header, document = said(path, written[path])
        assert not header
        assert document == {("self", site.address(path))}


def test_an_emptied_feed_still_names_its_hub():
    project = sample_project(hub=HUB)
    site = Site(public_url=project.public_url)
    gone = replace(sample_entry(), published=datetime(2026, 11, 1, tzinfo=UTC))
    written = feed.files([], project, site, make_environment(), before=[gone])
    path = "en/tags/interregional/atom.xml"
    assert path in feed.subscribed(written)
    assert said(path, written[path])[1] == {("hub", HUB), ("self", site.address(path))}


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("en/all/rss.xml", True),
        ("en/archive/atom.xml", True),
        ("en/archive/archive/2026-11/atom.xml", False),
        ("en/all/archive/2026-11-2/rss.xml", False),
        ("en/tags/2026-11/feed.json", True),
        ("en/all/index.html", False),
        ("feeds/feeds.opml", False),
        ("media/atom.xml.png", False),
        ("atom.xml", False),
    ],
)
def test_which_paths_are_feeds(path, is_one):
    assert bool(feed.subscribed([path])) is is_one
