"""Feeds: each fault of feedgen 1.0.0 that would reach a reader, and what the formats owe."""

import json
import locale
import re
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from html import unescape

import feedparser
import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from dissemination.model import EntryPicture, Site
from dissemination.render import feed
from dissemination.render.environment import make_environment
from dissemination.testing import sample_entry, sample_item, sample_project

PROJECT = sample_project()
SITE = Site(public_url=PROJECT.public_url)
ENVIRONMENT = make_environment()
DAY = datetime(2026, 11, 12, 8, 0, tzinfo=UTC)
NS = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "media": "http://search.yahoo.com/mrss/",
}
PICTURE = EntryPicture(
    url="https://news.example.eu/media/a.jpg",
    media_type="image/jpeg",
    size=12345,
    width=1200,
    height=675,
    alt="Twelve people",
    credit="OIRBI",
    caption="In Paris",
)
JSON_FEED = {
    "type": "object",
    "required": ["version", "title", "home_page_url", "feed_url", "language", "authors", "items"],
    "additionalProperties": False,
    "properties": {
        "version": {"const": "https://jsonfeed.org/version/1.1"},
        "title": {"type": "string", "minLength": 1},
        "description": {"type": "string"},
        "home_page_url": {"type": "string", "pattern": "^https://"},
        "feed_url": {"type": "string", "pattern": "^https://.*/feed.json$"},
        "language": {"type": "string"},
        "authors": {"type": "array", "items": {"type": "object", "required": ["name"]}},
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "url", "title", "content_html", "date_published", "date_modified"],
                "properties": {
                    "id": {"type": "string", "pattern": "^urn:uuid:"},
                    "url": {"type": "string", "pattern": "^https://"},
                    "date_published": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$"},
                    "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
                },
            },
        },
    },
}


def files(*entries, project=PROJECT, **options):
    return feed.files(entries, project, SITE, ENVIRONMENT, **options)


def numbered(number, **changes):
    when = DAY + timedelta(hours=number)
    facts = {"id": f"urn:uuid:{number}", "path": f"en/news/{number}/", "title": f"Item {number}", "published": when}
    return sample_entry(**{**facts, "updated": when, **changes})


def rss(*entries, **options):
    return etree.fromstring(files(*entries, **options)["en/social/rss.xml"])[0]


def atom(*entries, **options):
    return etree.fromstring(files(*entries, **options)["en/social/atom.xml"])


def json_feed(*entries, **options):
    return json.loads(files(*entries, **options)["en/social/feed.json"])


def text(element, path):
    return element.findtext(path, namespaces=NS)


# What feedgen does wrong (feedgen 1.0.0, by number of our notes)


def test_atom_links_keep_their_attributes():  # python-feedgen #135, #143
    (entry,) = atom(sample_entry(translations={"ro": "https://news.example.eu/ro/news/a/"})).iterfind(
        "atom:entry", NS
    )
    links = [dict(link.attrib) for link in entry.iterfind("atom:link", NS)]
    assert links == [
        {"href": sample_entry().url, "hreflang": "en", "rel": "alternate", "type": "text/html"},
        {"href": "https://news.example.eu/ro/news/a/", "hreflang": "ro", "rel": "related", "type": "text/html"},
    ]


def test_media_stands_directly_below_the_item():  # the library wraps one picture in a group
    item = rss(sample_entry(picture=PICTURE)).find("item")
    assert item.find("media:group", NS) is None
    content = item.find("media:content", NS)
    assert dict(content.attrib) == {
        "url": PICTURE.url,
        "type": "image/jpeg",
        "medium": "image",
        "fileSize": "12345",
        "width": "1200",
        "height": "675",
    }
    assert text(content, "media:description") == "Twelve people"
    assert (text(content, "media:title"), text(content, "media:credit")) == ("In Paris", "OIRBI")
    assert dict(item.find("media:thumbnail", NS).attrib) == {"url": PICTURE.url, "width": "1200", "height": "675"}
    assert item.find("enclosure") is None
    assert atom(sample_entry(picture=PICTURE)).find("atom:entry/media:content", NS) is not None


def test_a_pictures_description_is_html_or_feedparser_takes_it_for_the_entrys_text():
    picture = replace(PICTURE, alt="Twelve & <b>")
    for made in (rss(sample_entry(picture=picture)), atom(sample_entry(picture=picture))):
        description = made.find(".//media:description", NS)
        assert (description.text, dict(description.attrib)) == ("Twelve &amp; &lt;b&gt;", {"type": "html"})


def test_the_channels_link_is_the_page_and_self_the_feed():  # the last link given becomes the channel's
    channel = rss(sample_entry())
    assert text(channel, "link") == "https://news.example.eu/en/social/"
    (own,) = channel.xpath("atom:link[@rel='self']", namespaces=NS)
    assert dict(own.attrib) == {
        "href": "https://news.example.eu/en/social/rss.xml",
        "rel": "self",
        "type": "application/rss+xml",
    }


def test_rss_names_the_author_by_name():  # an author without an address is dropped
    item = rss(sample_entry()).find("item")
    assert text(item, "dc:creator") == "Project MICROFUTURE"
    assert item.find("author") is None


def test_one_dirty_entry_costs_only_itself():  # one control character costs the whole document
    dirty = numbered(1, title="A\x00B\ud800", html="<p>\x0b</p>", byline="\x01", tags=("\x02",), summary="\ufffe")
    made = files(dirty, numbered(2))
    for name in ("rss.xml", "atom.xml"):
        assert len(feedparser.parse(made[f"en/social/{name}"]).entries) == 2
    assert json.loads(made["en/social/feed.json"])["items"][1]["title"] == "AB"


def test_an_entry_without_words_is_carried_too():  # an empty title or content raises for the whole document
    made = files(numbered(1, title="", summary="", html="", byline="", tags=("",), topic=""), numbered(2))
    assert len(etree.fromstring(made["en/social/rss.xml"]).findall("channel/item")) == 2
    assert json.loads(made["en/social/feed.json"])["items"][1]["content_html"]


def test_nothing_says_now():  # lastBuildDate and missing updates default to the time of building
    early = numbered(1, updated=None)
    channel = rss(early, numbered(2))
    assert text(channel, "lastBuildDate") == "Thu, 12 Nov 2026 10:00:00 +0000"
    assert text(atom(early), "atom:updated") == "2026-11-12T09:00:00+00:00"
    assert len(channel.findall("lastBuildDate")) == 1


def test_rss_says_when_an_item_was_edited():
    item = rss(sample_entry(updated=DAY + timedelta(days=1))).find("item")
    assert text(item, "pubDate") == "Thu, 12 Nov 2026 08:00:00 +0000"
    assert text(item, "atom:updated") == "2026-11-13T08:00:00+00:00"


def test_the_locale_of_the_process_is_never_switched(monkeypatch):  # not safe with threads
    monkeypatch.setattr(locale, "setlocale", lambda *_: pytest.fail("the locale was switched"))
    assert files(sample_entry(picture=PICTURE))


def test_newest_first_and_thirty_at_most():  # the library prepends
    entries = [numbered(n) for n in range(40)]
    titles = [text(item, "title") for item in rss(*entries).iterfind("item")]
    assert titles == [f"Item {n}" for n in range(39, 9, -1)]
    assert [one["title"] for one in json_feed(*entries)["items"]] == titles
    assert [text(one, "atom:title") for one in atom(*entries).iterfind("atom:entry", NS)] == titles


def test_a_feed_of_long_items_is_cut_by_size():
    entries = [numbered(n, html=f"<p>{'long ' * 30_000}</p>") for n in range(10)]
    made = files(*entries)
    assert len(json.loads(made["en/social/feed.json"])["items"]) == 2
    assert all(len(body) < 500_000 for name, body in made.items() if name.startswith("en/social/"))


# What the formats owe


def test_titles_have_hexadecimal_references_in_rss():
    body = files(sample_entry(title="Q&A: <b> & co"))["en/social/rss.xml"]
    assert b"<title>Q&#x26;A: &#x3C;b&#x3E; &#x26; co</title>" in body
    assert text(rss(sample_entry(title="Q&A: <b> & co")), "item/title") == "Q&A: <b> & co"


def test_description_is_plain_and_comes_before_the_content():
    item = rss(sample_entry()).find("item")
    names = [etree.QName(child).localname for child in item]
    assert names.index("description") < names.index("encoded")
    assert text(item, "description") == sample_entry().summary
    assert text(item, "content:encoded") == sample_entry().html


def test_ids_are_equal_in_all_formats_and_no_link():
    entry = sample_entry()
    guid = rss(entry).find("item/guid")
    assert guid.get("isPermaLink") == "false"
    assert guid.text == text(atom(entry), "atom:entry/atom:id") == json_feed(entry)["items"][0]["id"] == entry.id


def test_categories_name_their_vocabulary():
    entry = sample_entry(categories=("Social", "Events"), tags=("Regional",))
    wanted = [("categories", "Social"), ("categories", "Events"), ("topics", "Social"), ("tags", "Regional")]
    wanted = [(f"https://news.example.eu/#{vocabulary}", term) for vocabulary, term in wanted]
    assert [(one.get("domain"), one.text) for one in rss(entry).iterfind("item/category")] == wanted
    found = list(atom(entry).iterfind("atom:entry/atom:category", NS))
    assert [(one.get("scheme"), one.get("term")) for one in found] == wanted
    assert [one.get("label") for one in found] == ["Social", "Events", "Social", "Regional"]
    assert json_feed(entry)["items"][0]["tags"] == ["Social", "Events", "Regional"]


def test_atom_says_what_its_texts_are():
    document = atom(sample_entry())
    assert document.get("{http://www.w3.org/XML/1998/namespace}lang") == "en"
    content = document.find("atom:entry/atom:content", NS)
    assert (content.get("type"), content.text) == ("html", sample_entry().html)
    assert text(document, "atom:entry/atom:summary") == sample_entry().summary
    assert text(document, "atom:entry/atom:published") == "2026-11-12T08:00:00+00:00"
    assert text(document, "atom:entry/atom:author/atom:name") == "Project MICROFUTURE"
    assert text(document, "atom:id").startswith("urn:uuid:")


def test_rss_says_its_language_and_how_often_to_look():
    channel = rss(sample_entry())
    assert (text(channel, "language"), text(channel, "ttl")) == ("en", "60")
    assert text(channel, "generator") == "Dissemination"


def test_json_feed_keeps_its_schema():
    document = json_feed(sample_entry(picture=PICTURE), numbered(3, tags=("Social", "x")))
    jsonschema.validate(document, JSON_FEED)
    assert document["items"][1]["image"] == PICTURE.url


def test_readers_of_old_news_see_the_correction():
    entry = sample_entry(correction="It was <15> May.")
    wanted = f"<p><strong>Correction:</strong> It was &lt;15&gt; May. (12 November 2026)</p>{entry.html}"
    assert text(rss(entry), "item/content:encoded") == wanted
    assert json_feed(entry)["items"][0]["content_html"] == wanted
    romanian = files(replace(entry, lang="ro"))["ro/social/feed.json"]
    assert "(12 noiembrie 2026)</p>" in romanian.decode()
    dated = replace(entry, corrected=DAY - timedelta(days=2))
    assert "(10 November 2026)</p>" in json_feed(dated)["items"][0]["content_html"]


def test_times_are_utc_and_whole_seconds():
    east = timezone(timedelta(hours=2))
    when = datetime(2026, 11, 12, 10, 0, 0, 999, tzinfo=east)
    entry = sample_entry(published=when, updated=when - timedelta(days=1))
    assert text(atom(entry), "atom:entry/atom:updated") == "2026-11-12T08:00:00+00:00"
    assert text(rss(entry), "item/pubDate") == "Thu, 12 Nov 2026 08:00:00 +0000"


def test_what_an_item_says_of_the_future_is_in_no_feed():
    made = files(sample_entry(date=datetime(2099, 1, 1, tzinfo=UTC)))
    assert not [name for name, body in made.items() if b"2099" in body]


# Which files there are


def test_a_language_with_entries_has_its_feeds_and_they_know_each_other():
    made = files(sample_entry(), sample_entry(lang="ro", path="ro/news/a/"))
    for lang in ("en", "ro"):
        assert {f"{lang}/social/{name}" for name in ("rss.xml", "atom.xml", "feed.json", "index.html")} <= set(made)
    channel = etree.fromstring(made["en/social/rss.xml"])[0]
    (sister,) = channel.xpath("atom:link[@hreflang]", namespaces=NS)
    assert (sister.get("href"), sister.get("hreflang")) == ("https://news.example.eu/ro/social/rss.xml", "ro")
    document = etree.fromstring(made["ro/social/atom.xml"])
    (sister,) = document.xpath("atom:link[@type='application/atom+xml'][@rel='alternate']", namespaces=NS)
    assert (sister.get("href"), sister.get("hreflang")) == ("https://news.example.eu/en/social/atom.xml", "en")
    ids = {
        etree.fromstring(made[f"{lang}/social/atom.xml"]).findtext("atom:id", namespaces=NS)
        for lang in ("en", "ro")
    }
    assert len(ids) == 2


def test_without_entries_the_default_language_has_empty_feeds():
    made = files()
    assert {name for name in made if not name.startswith("assets/")} == {
        *("index.html", "feeds/index.html", "feeds/feeds.opml", "_gone.json", "_gone.map"),
        *(f"en/{f}/{n}" for f in ("social", "all") for n in ("rss.xml", "atom.xml", "feed.json", "index.html")),
    }
    assert feedparser.parse(made["en/social/rss.xml"]).bozo == 0
    assert json.loads(made["en/social/feed.json"])["items"] == []
    assert text(etree.fromstring(made["en/social/atom.xml"]), "atom:updated") == "2023-03-01T00:00:00+00:00"


def test_other_categories_and_what_is_not_out_have_a_page_and_no_feed():
    made = files(numbered(1, categories=("Events",)), numbered(2, published=None, updated=None))
    assert json.loads(made["en/social/feed.json"])["items"] == []
    assert {"en/news/1/index.html", "en/news/2/index.html"} <= set(made)


def test_the_feeds_id_stays_when_the_host_moves():
    moved = feed.files([sample_entry()], PROJECT, Site(public_url="https://moved.example"), ENVIRONMENT)
    assert text(etree.fromstring(moved["en/social/atom.xml"]), "atom:id") == text(atom(sample_entry()), "atom:id")


# Sameness


def test_equal_entries_give_equal_bytes_in_any_order():
    entries = [numbered(n, picture=PICTURE) for n in range(5)]
    first = files(*entries)
    time.sleep(1.1)  # the library's "now" has a resolution of one second
    assert files(*reversed(entries)) == first


def test_equal_bytes_in_another_process_with_another_locale_and_hash_seed():
    code = (
        "import hashlib, locale\n"
        "from dissemination.model import Site\n"
        "from dissemination.render import feed\n"
        "from dissemination.render.environment import make_environment\n"
        "from dissemination.testing import *\n"
        "project, item = sample_project(), sample_item(tags=('a', 'b', 'c'))\n"
        "picture = {str(item.image.file): sample_picture()}\n"
        "entry = feed.entry(item, picture, {}, project, Site(public_url=project.public_url))\n"
        "site = Site(public_url=project.public_url)\n"
        "made = feed.files([sample_entry(), entry], project, site, make_environment())\n"
        "print(hashlib.sha256(repr(sorted(made.items())).encode()).hexdigest())"
    )
    answers = set()
    for seed, language, zone in (("1", "C", "UTC"), ("2", "C.UTF-8", "Asia/Tokyo")):
        variables = {"PYTHONHASHSEED": seed, "LC_ALL": language, "TZ": zone}
        done = subprocess.run(
            [sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=True
        )
        answers.add(done.stdout)
    assert len(answers) == 1


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(
    title=st.text(max_size=80),
    summary=st.text(max_size=120),
    html=st.text(max_size=200),
    tag=st.text(max_size=20),
    when=st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis wants naive bounds
)
def test_any_text_comes_back_from_all_formats(title, summary, html, tag, when):
    item = sample_item(title=title, summary=summary, html=html, tags=(tag,))
    entry = replace(feed.entry(item, {}, {}, PROJECT, SITE), published=when, updated=when)
    made = files(entry)
    second = when.replace(microsecond=0)
    wanted = (entry.title, entry.url, entry.id, entry.summary)
    item = etree.fromstring(made["en/social/rss.xml"]).find("channel/item")
    assert tuple(text(item, name) for name in ("title", "link", "guid")) == wanted[:3]
    assert html_words(text(item, "description")) == wanted[3]
    assert parsedate_to_datetime(text(item, "pubDate")) == second
    one = etree.fromstring(made["en/social/atom.xml"]).find("atom:entry", NS)
    found = [text(one, f"atom:{name}") for name in ("title", "id", "summary")]
    assert (found[0], one.find("atom:link", NS).get("href"), *found[1:]) == wanted
    assert datetime.fromisoformat(text(one, "atom:published")) == second
    (one,) = json.loads(made["en/social/feed.json"])["items"]
    assert tuple(one[key] for key in ("title", "url", "id", "summary")) == wanted
    assert datetime.fromisoformat(one["date_published"]) == second
    for name in ("rss.xml", "atom.xml"):
        parsed = feedparser.parse(made[f"en/social/{name}"])
        assert not parsed.bozo
        assert (parsed.entries[0].id, parsed.entries[0].link) == (entry.id, entry.url)


def html_words(text):
    """What a reader shows of a description: its HTML has text alone."""
    assert not re.search(r"<[A-Za-z/!?]", text)
    return unescape(text)


@pytest.mark.parametrize(
    ("summary", "described"),
    [
        ("R&D costs < 5 & more", "R&D costs < 5 & more"),
        ("About <script>alert(1)</script>", "About &lt;script>alert(1)&lt;/script>"),
        ("&lt;b&gt; is bold", "&amp;lt;b&amp;gt; is bold"),
        ("<!-- x --> <?x?>", "&lt;!-- x --> &lt;?x?>"),
    ],
)
def test_a_description_is_the_same_words_to_readers_of_html(summary, described):
    item = etree.fromstring(files(sample_entry(summary=summary))["en/social/rss.xml"]).find("channel/item")
    assert text(item, "description") == described
    assert html_words(described) == summary


@pytest.mark.parametrize("name", ["rss.xml", "atom.xml"])
def test_a_reader_reads_what_was_meant(name):
    entry = sample_entry(title="Micro-credit & Co: „altfel”", picture=PICTURE, updated=DAY + timedelta(days=2))
    parsed = feedparser.parse(files(entry)[f"en/social/{name}"])
    (one,) = parsed.entries
    assert (parsed.bozo, parsed.feed.title, parsed.feed.language) == (0, "MICROFUTURE: Social", "en")
    assert (one.title.replace("&amp;", "&"), one.link, one.author) == (
        entry.title,
        entry.url,
        "Project MICROFUTURE",
    )
    assert (one.summary, one.content[0].value) == (entry.summary, entry.html)
    assert one.published_parsed[:5] == (2026, 11, 12, 8, 0)
    assert one.updated_parsed[:5] == (2026, 11, 14, 8, 0)
    assert one.media_content[0]["url"] == PICTURE.url
    assert {tag.term for tag in one.tags} == {"Social", "Interregional"}
