"""The feed validator's rules: each finds its planted fault, and none finds one in any file that we write."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape

import feedparser
import pytest
from feed_rules import LARGEST, MEDIA_TYPES, faults, served
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from dissemination.model import Enclosure, EntryPicture, ItemStatus, Site
from dissemination.render import feed
from dissemination.render.environment import make_environment
from dissemination.sources.body import read_body
from dissemination.sources.refusal import RefusedError
from dissemination.testing import sample_entry, sample_item, sample_picture, sample_project

PROJECT = sample_project(hub="https://hub.example.org/")
SITE = Site(public_url=PROJECT.public_url)
ENVIRONMENT = make_environment()
NOW = datetime(2026, 12, 24, 12, 0, tzinfo=UTC)
OUT = datetime(2026, 11, 12, 8, 0, tzinfo=UTC)
PICTURE = EntryPicture(
    url="https://news.example.eu/media/a.jpg",
    media_type="image/jpeg",
    size=12345,
    width=1200,
    height=675,
    alt="Twelve & people",
    credit="OIRBI <x>",
    caption="In Paris",
)
FILES = tuple(
    Enclosure(
        url=f"https://news.example.eu/media/{n}.pdf", media_type="application/pdf", size=1000 + n, title=f"{n}.pdf"
    )
    for n in range(2)
)
RICH = sample_entry(
    title="Q&A: <b>",
    picture=PICTURE,
    attachments=FILES,
    correction="It was 15 May.",
    updated=OUT + timedelta(days=1),
    translations={"ro": "https://news.example.eu/ro/news/a/"},
)


def numbered(number, **changes):
    when = OUT + timedelta(hours=number)
    facts = {"id": f"urn:uuid:{number}", "path": f"en/news/{number}/", "published": when, "updated": when}
    return sample_entry(**{**facts, **changes})


def documents(*entries, project=PROJECT, **options):
    made = feed.files(entries, project, SITE, ENVIRONMENT, **options)
    return {
        name: body for name, body in made.items() if name.endswith(("rss.xml", "atom.xml", "feed.json", ".opml"))
    }


def said(*entries, **options):
    found = {name: faults(name, body, NOW) for name, body in documents(*entries, **options).items()}
    return {name: what for name, what in found.items() if what}


# ------------------------------------------------------------------------------- each rule finds its fault

RSS, ATOM, JSON, OPML = "en/social/rss.xml", "en/social/atom.xml", "en/social/feed.json", "feeds/feeds.opml"
PLANTED = [
    ("SAXError", RSS, b"</channel>", b""),
    ("CharacterData", RSS, b"Q&#x26;A", b"Q&amp;A"),
    ("UndefinedElement", RSS, b"<ttl>60</ttl>", b"<ttl>60</ttl><updatePeriod>hourly</updatePeriod>"),
    ("UndefinedElement", RSS, b"<guid", b"<modified>x</modified><guid"),
    ("UnknownNamespace", ATOM, b"<entry>", b"<x:deleted-entry xmlns:x='http://a.eu/'/><entry>"),
    ("DuplicateEnclosure", RSS, b"<enclosure ", b"<enclosure url='http://a.eu' length='1' type='a/b'/><enclosure "),
    ("InvalidIntegerAttribute", RSS, b'length="1000"', b'length="None"'),
    ("InvalidMIMEAttribute", RSS, b'type="application/pdf"', b""),
    ("DuplicateItemSemantics", RSS, b"<dc:creator>", b"<author>a@b.eu (A)</author><dc:creator>"),
    ("InvalidContact", RSS, b"<guid", b"<author>A</author><guid"),
    ("NeedDescriptionBeforeContent", RSS, b"<description>F", b"<content:encoded>x</content:encoded><description>F"),
    ("MissingGuid", RSS, b"urn:uuid:1c0e5a52-7a4f-5a0d-9b6c-5a7f2f0f4c11", b""),
    ("InvalidPermalink", RSS, b' isPermaLink="false"', b""),
    ("InvalidRFC2822Date", RSS, b"Thu, 12 Nov 2026 08:00:00 +0000", b"12.11.2026"),
    ("IncorrectDOW", RSS, b"Thu, 12 Nov 2026", b"Fri, 12 Nov 2026"),
    ("ImplausibleDate", RSS, b"Thu, 12 Nov 2026", b"Fri, 12 Nov 2027"),
    ("MissingAtomSelfLink", RSS, b'rel="self"', b'rel="via"'),
    ("InvalidLink", RSS, b"<link>https://", b"<link>"),
    ("InvalidLanguage", RSS, b"<language>en", b"<language>english_us"),
    ("SecurityRisk", RSS, b"&#x3C;p&#x3E;Five", b"&#x3C;script&#x3E;x&#x3C;/script&#x3E;&#x3C;p&#x3E;Five"),
    ("SecurityRiskAttr", RSS, b"&#x3C;p&#x3E;Five", b"&#x3C;p onclick='x'&#x3E;Five"),
    ("DangerousStyleAttr", RSS, b"&#x3C;p&#x3E;Five", b"&#x3C;p style='x'&#x3E;Five"),
    ("ContainsRelRef", RSS, b"&#x3C;p&#x3E;Five", b"&#x3C;p&#x3E;&#x3C;a href='../x'&#x3E;a&#x3C;/a&#x3E;Five"),
    ("InvalidMediaGroup", RSS, b"<media:thumbnail", b"<media:group/><media:thumbnail"),
    ("BadArchive", RSS, b'rel="hub"', b'rel="current"'),
    ("MissingElement", RSS, b"<description>Five regions compared how they lend to small firms.</description>", b""),
    ("MissingAttribute", ATOM, b' type="text/html"', b""),
    ("DuplicateAtomLink", ATOM, b'rel="related"', b'rel="alternate"'),
    ("UnregisteredAtomLinkRel", ATOM, b'rel="related"', b'rel="replies"'),
    ("InvalidRFC3339Date", ATOM, b"2026-11-12T08:00:00+00:00", b"2026-11-12T08:00:00.123"),
    ("InvalidDates", ATOM, b"<published>2026-11-12", b"<published>2026-11-20"),
    ("InvalidFullLink", ATOM, b"<id>urn:uuid:1c0e", b"<id>1c0e"),
    ("InvalidMIMEType", ATOM, b'<content type="html"', b'<content type="CDATA"'),
    ("MissingElement", ATOM, b"<name>Project MICROFUTURE</name>", b"<name></name>"),
    ("InvalidVersion", JSON, b"version/1.1", b"version/1"),
    ("InvalidJSON", JSON, b'"version"', b'"version'),
    ("MissingElement", JSON, b'"language": "en",\n "authors"', b'"authors"'),
    ("InvalidIntegerAttribute", JSON, b'"size_in_bytes": 1000', b'"size_in_bytes": 0'),
    ("InvalidOPMLVersion", OPML, b'version="2.0"', b'version="3.0"'),
    ("MissingAttribute", OPML, b'htmlUrl="https://news.example.eu/en/social/"', b""),
    ("InvalidRFC2822Date", OPML, b"Fri, 13 Nov 2026", b"2026-11-13"),
    ("InvalidIRI", ATOM, b"https://news.example.eu/ro/news/a/", "https://news.example.eu/ro/știri/".encode()),
]  # fmt: skip


@pytest.fixture(scope="module")
def rich():
    return documents(RICH)


@pytest.mark.parametrize(("rule", "name", "right", "wrong"), PLANTED)
def test_the_rule_finds_its_planted_fault(rich, rule, name, right, wrong):
    assert right in rich[name], "the fault cannot be planted"
    found = {what for what, _ in faults(name, rich[name].replace(right, wrong), NOW)}
    assert rule in found


def test_equal_ids_and_what_is_too_large_are_found():
    made = documents(numbered(1), numbered(2))
    for name in (RSS, ATOM, JSON):
        assert ("DuplicateIds") in {
            what
            for what, _ in faults(
                name, made[name].replace(b"urn:uuid:2<", b"urn:uuid:1<").replace(b'uuid:2"', b'uuid:1"')
            )
        }
    assert faults(RSS, b" " * (LARGEST + 1)) == [("TooLarge", f"{LARGEST + 1} bytes")]


@pytest.mark.parametrize("name", [RSS, ATOM, JSON, OPML])
def test_how_it_is_served_is_looked_at(rich, name):
    address, right = f"{PROJECT.public_url}/{name}", f"{MEDIA_TYPES[name.rpartition('/')[2]]}; charset=utf-8"
    assert served(address, rich[name], right) == []
    for wrong in ("text/html; charset=utf-8", "text/plain; charset=utf-8", "application/atom+xml2; charset=utf-8"):
        assert [what for what, _ in served(address, rich[name], wrong)] == ["UnexpectedContentType"]
    for wrong in (right.replace("utf-8", "iso-8859-1"), right.partition(";")[0]):
        assert [what for what, _ in served(address, rich[name], wrong)] == ["EncodingMismatch"]
    moved = served(address.replace("://", "://www."), rich[name], right)
    assert [what for what, _ in moved] == ([] if name == OPML else ["SelfDoesntMatchLocation"])


def test_rss_as_atom_is_unexpected(rich):
    assert served(f"{PROJECT.public_url}/{RSS}", rich[RSS], "application/atom+xml; charset=utf-8") != []


# ------------------------------------------------------------------------------- and none in what we write


def test_no_item_one_item_everything_at_once():
    assert said() == {}
    assert said(sample_entry()) == {}
    assert said(RICH, replace(RICH, lang="ro", path="ro/news/a/", translations={})) == {}
    assert said(sample_entry(), project=sample_project(start=None, name="", hub="")) == {}


def test_archives_and_emptied_feeds():
    many = [numbered(n * 24, title=f"Item {n}") for n in range(40)]
    assert any("/archive/2026-11/" in name for name in documents(*many))
    assert said(*many, before=[sample_entry(tags=("Gone",))]) == {}


def test_what_was_withdrawn():
    item = sample_item(status=ItemStatus.WITHDRAWN, title="A & B <c>")
    entry = replace(feed.entry(item, {}, {}, PROJECT, SITE), published=OUT, updated=NOW)
    assert said(entry) == {}


HOSTILE = {
    "control characters": "A\x00B\x07\x1b[31m \x85 \ufffe",
    "a lone surrogate": "A\ud800B",
    "the end of CDATA": "<p>]]></p> ]]> ]]&gt;",
    "emoji": "\U0001f1ea\U0001f1fa \U0001f469‍\U0001f469‍\U0001f467 ok",
    "markup": "<b>bold</b> & <i>more</i> &amp; &lt;x&gt; &nbsp; &bogus;",
    "script": "<script>alert(1)</script><img src=x onerror=alert(1)><iframe src='//e.example'></iframe>",
    "relative links": '<a href="../x">x</a> <a href="//e.example/y">y</a> <img src="z.png"> [z](?q=1 "t")',
    "other schemes": '<a href="javascript:alert(1)">x</a> <a href="data:text/html,x">y</a> <a href=" vbs:x">z</a>',
    "style": '<p style="position:fixed">x</p><style>p{}</style><link rel=stylesheet href=x><base href="//e">',
    "not closed": "<p><b><i>x <table><tr><td>y <ul><li>z",
    "comments": "<!-- <item> --> <?php echo 1 ?> <![CDATA[ <entry> ]]>",
    "our own frame": "    <item>\n</item>  </channel>\n  <entry></feed>\n\"items\": [\n \n ]\n}",
    "a form": "<form action=/x><input name=a><button>b</button></form>",
    "lines": "A\r\nB\rC\u2028D\tE",
    "right to left": "abc \u202e def \u2066 ghi",
    "brackets": "http://[broken <a href='http://[broken'>x</a>",
}  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_item_leaves_every_feed_valid(text):
    body = read_body(text.encode(errors="ignore").decode())  # a file's bytes hold no lone surrogate
    item = sample_item(
        title=text,
        summary=text,
        byline=text,
        correction=text,
        tags=(text,),
        categories=("Social", text),
        html=body.html,
    )
    item = replace(item, image=replace(item.image, alt=text, caption=text, credit=text))
    entry = feed.entry(item, {str(item.image.file): sample_picture()}, {}, PROJECT, SITE)
    entry = replace(entry, published=OUT, updated=OUT)
    assert said(entry, numbered(1)) == {}
    made = documents(entry, numbered(1))
    for name in (RSS, ATOM):
        assert len(feedparser.parse(made[name]).entries) == 2


@pytest.mark.parametrize(
    "text", ["x" * (512 * 1024 + 1), "<b>" * 201 + "x", "<blockquote>" * 50_000], ids=["size", "depth", "nesting"]
)
def test_what_is_too_large_or_too_deep_is_refused_at_the_door(text):
    with pytest.raises(RefusedError):
        read_body(text)


def test_an_item_without_author_title_or_text():
    bare = sample_item(title="", summary="", byline="", html="", tags=(), image=None)
    entry = replace(feed.entry(bare, {}, {}, PROJECT, SITE), published=OUT, updated=OUT)
    assert said(entry) == {}
    assert said(replace(entry, byline="", title="", summary="")) == {}


def test_thirty_long_items_keep_the_feed_below_the_limit():
    html = "<p>" + "&amp; ă" * 4_000 + "</p>"
    made = documents(*(numbered(n, html=html) for n in range(30)))
    assert 300_000 < max(map(len, made.values())) < LARGEST
    assert sum("/archive/" in name for name in made) == 2 * 3 * 5  # five parts each of three feeds, in two formats


# ------------------------------------------------------------------------------- whatever an item says

TEXT = st.text(max_size=40)
TIMES = st.integers(0, 800_000_000).map(
    lambda seconds: datetime(2000, 1, 1, 0, 0, 0, 7, tzinfo=UTC) + timedelta(0, seconds)
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    words=st.tuples(TEXT, TEXT, TEXT, TEXT, TEXT),
    number=st.integers(0, 10**9),
    out=TIMES,
    later=st.integers(0, 10**6),
)
def test_any_item_parses_back(words, number, out, later):
    title, summary, text, byline, tag = words
    try:
        html = read_body(text).html
    except RefusedError:
        return
    item = sample_item(
        id=f"i{number}", slug=f"i{number}", title=title, summary=summary, byline=byline, tags=(tag,), html=html
    )
    made = feed.entry(replace(item, image=None), {}, {}, PROJECT, SITE)
    entry = replace(made, published=out, updated=out + timedelta(seconds=later))
    found = documents(entry)
    assert {name: what for name, body in found.items() if (what := faults(name, body))} == {}
    moments = [one.replace(microsecond=0) for one in (entry.published, entry.updated)]
    for name in (RSS, ATOM):
        parsed = feedparser.parse(found[name], sanitize_html=False, resolve_relative_uris=False)
        (one,) = parsed.entries
        assert not parsed.bozo
        assert (one.id, one.link) == (entry.id, entry.url)
        assert [datetime(*when[:6], tzinfo=UTC) for when in (one.published_parsed, one.updated_parsed)] == moments
        root = etree.fromstring(found[name])
        shown = root.findtext("channel/item/title") or root.findtext("{*}entry/{*}title")
        assert shown == entry.title
    (one,) = json.loads(found[JSON])["items"]
    assert (one["id"], one["url"], one["title"]) == (entry.id, entry.url, entry.title)
    assert [datetime.fromisoformat(one[name]) for name in ("date_published", "date_modified")] == moments


#: What feeds, readers and templates stumble over, in any order.
NASTY = st.lists(
    st.one_of(
        st.sampled_from(
            [*HOSTILE.values(), "]]>", "&", "<", ">", '"', "\x00", "\x1b", "\ud800", "\ufffe", "\u202e"]
        ),
        st.text(max_size=5),
    ),
    max_size=6,
).map("".join)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(words=st.tuples(NASTY, NASTY, NASTY, NASTY, NASTY, NASTY, NASTY))
def test_any_words_around_an_item_parse_back(words):
    title, summary, correction, alt, caption, credit, term = words
    item = sample_item(
        title=title, summary=summary, correction=correction, tags=(term,), categories=("Social", term)
    )
    item = replace(item, image=replace(item.image, alt=alt, caption=caption, credit=credit))
    made = feed.entry(item, {str(item.image.file): sample_picture()}, {}, PROJECT, SITE)
    entry = replace(made, published=OUT, updated=OUT, attachments=FILES)
    found = documents(entry)
    assert {name: what for name, body in found.items() if (what := faults(name, body))} == {}
    rss = etree.fromstring(found[RSS]).find("channel/item")
    atom = etree.fromstring(found[ATOM]).find("{*}entry")
    (facts,) = json.loads(found[JSON])["items"]
    assert rss.findtext("title") == atom.findtext("{*}title") == facts["title"] == entry.title
    assert unescape(rss.findtext("description")) == atom.findtext("{*}summary") == facts["summary"] == entry.summary
    assert rss.findtext("{*}encoded") == atom.findtext("{*}content") == facts["content_html"]
    told = [element.text for element in rss.iterfind("category")]
    assert told == [element.get("term") for element in atom.iterfind("{*}category")]
    for one in (rss, atom):
        picture = one.find("{http://search.yahoo.com/mrss/}content")
        assert unescape(picture.findtext("{*}description") or "") == entry.picture.alt
        assert (picture.findtext("{*}title") or "") == entry.picture.caption
        assert (picture.findtext("{*}credit") or "") == entry.picture.credit
    for name in (RSS, ATOM):
        parsed = feedparser.parse(found[name])
        assert (parsed.bozo, len(parsed.entries), parsed.entries[0].id) == (False, 1, entry.id)
