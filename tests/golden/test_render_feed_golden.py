"""Feeds and pages as they are: read the diff. UPDATE_GOLDEN=1 writes them anew."""

import os
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dissemination.model import ItemStatus, Site
from dissemination.render import feed
from dissemination.render.environment import make_environment
from dissemination.testing import sample_item, sample_project

GOLDEN = Path(__file__).parent / "data" / "render_feed"
NAMES = (
    "index.html",
    "feeds/index.html",
    "en/social/index.html",
    "en/social/rss.xml",
    "en/social/atom.xml",
    "en/social/feed.json",
    "en/news/third-meeting/index.html",
    "en/all/rss.xml",
    "en/tags/interregional/atom.xml",
    "feeds/feeds.opml",
    "_gone.json",
    "_gone.map",
    "ro/social/rss.xml",
    "ro/news/retrasa/index.html",
    "ro/news/a-treia-intalnire/index.html",
)


@pytest.fixture(scope="module")
def made():
    project = sample_project(hub="https://hub.example.org/")
    site = Site(public_url=project.public_url)
    english = sample_item(
        title="Micro-credit & guarantees: partners meet <again>",
        correction="The meeting was on 15 and 16 May.",
        html='<p>Five regions <a href="../second-meeting/">met again</a>.</p><h2>Next</h2><p>In spring.</p>',
    )
    romanian = sample_item(
        id="third-meeting-ro",
        lang="ro",
        slug="a-treia-intalnire",
        title="Partenerii s-au întâlnit la Paris",
        summary="Cinci regiuni au comparat cum împrumută firmele mici.",
        html="<p>Cinci regiuni au comparat cum împrumută firmele mici.</p>",
    )
    gone = sample_item(id="gone-ro", lang="ro", slug="retrasa", title="Ce nu mai e", status=ItemStatus.WITHDRAWN)
    # Pictures depend on the codec's version, so the golden items have none.
    english, romanian = replace(english, image=None), replace(romanian, image=None)
    first = feed.entry(english, {}, {"ro": romanian}, project, site)
    second = feed.entry(romanian, {}, {"en": english}, project, site)
    out = datetime(2026, 11, 12, 9, 0, tzinfo=UTC)
    edited = datetime(2026, 11, 14, 9, 0, tzinfo=UTC)
    third = feed.entry(gone, {}, {}, project, site)
    entries = [
        replace(first, published=out, updated=edited),
        replace(second, published=out, updated=out),
        replace(third, published=out, updated=edited),
    ]
    made = feed.files(entries, project, site, make_environment())
    # The style sheet is looked at by eye: its digest would only make every diff longer.
    return {
        name: re.sub(rb"assets/pages\.[0-9a-f]{16}\.css", b"assets/pages.css", body) for name, body in made.items()
    }


@pytest.mark.parametrize("name", NAMES)
def test_files_are_as_they_were(made, name):
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(made[name])
    assert made[name] == path.read_bytes()
