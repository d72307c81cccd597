"""Which feeds there are, where they lie, and what stands in their current documents and archives."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree, html

from dissemination.model import ItemStatus, Site
from dissemination.render import feed
from dissemination.render.environment import make_environment
from dissemination.render.feed_memory import Memory
from dissemination.render.feed_scopes import of_category, of_tag, slug
from dissemination.render.feed_words import feed_words
from dissemination.testing import sample_entry, sample_item, sample_picture, sample_project

PROJECT = sample_project()
SITE = Site(public_url=PROJECT.public_url)
ENVIRONMENT = make_environment()
START = datetime(2026, 1, 10, 8, 0, tzinfo=UTC)
NS = {"atom": "http://www.w3.org/2005/Atom", "fh": "http://purl.org/syndication/history/1.0"}


def files(*entries, project=PROJECT, **options):
    return feed.files(entries, project, SITE, ENVIRONMENT, **options)


def monthly(number, **changes):
    """Five items a month."""
    when = datetime(2026, 1 + number // 5, 1 + number % 5, 8, 0, tzinfo=UTC)
    facts = {"id": f"urn:uuid:{number}", "path": f"en/news/{number}/", "title": f"Item {number}"}
    return sample_entry(**{**facts, "published": when, "updated": when, **changes})


def titles(made, path):
    return [one.text for one in etree.fromstring(made[path]).iterfind("atom:entry/atom:title", NS)]


def relations(body):
    root = etree.fromstring(body)
    links = root.iterfind("atom:link", NS) if root.tag.endswith("feed") else root[0].iterfind("atom:link", NS)
    return {one.get("rel"): one.get("href") for one in links}


# Addresses


@pytest.mark.parametrize(
    ("term", "wanted"),
    [
        ("Regional", "regional"),
        ("Micro credit", "micro-credit"),
        ("co-op", "co-op"),
        ("  Two   words ", "two-words"),
        ("C++", "c-cedb1b"),
        ("C#", "c-951a4d"),
        ("Știri", "stiri-d5731c"),
        ("日本", "cf2abf"),
        ("../../etc", "etc-74ccf3"),
        ("a/b", "a-b-c14cdd"),
    ],
)
def test_a_terms_address_is_plain_and_its_own_for_ever(term, wanted):
    assert slug(term) == wanted


@given(st.text(min_size=1).filter(str.strip), st.text(min_size=1).filter(str.strip))
def test_terms_share_an_address_only_if_people_would_take_them_for_one(one, other):
    def plain(term):
        return "-".join(unicodedata.normalize("NFC", term).casefold().split())

    assert set(slug(one)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert (slug(one) == slug(other)) == (plain(one) == plain(other))


def test_the_default_categorys_address_stays():
    assert of_category("Social", "Social").folder == "social/"
    assert of_category("Social Europe", "Social Europe").folder == "social-europe/"
    assert of_category("Events", "Social").folder == "events/"
    assert of_category("News", "Social").folder == "categories/news/"
    assert of_tag("Regional").folder == "tags/regional/"


def test_everything_a_category_and_a_tag_have_their_feeds():
    made = files(sample_entry(categories=("Social", "Events"), tags=("Regional", "regional", "Știri ă")))
    folders = {name.removesuffix("/atom.xml") for name in made if name.endswith("/atom.xml")}
    odd = of_tag("Știri ă").folder.rstrip("/")
    assert folders == {"en/social", "en/all", "en/events", "en/tags/regional", f"en/{odd}"}
    for folder in folders:
        assert {f"{folder}/{name}" for name in ("rss.xml", "feed.json", "index.html")} <= set(made)
    ids = {etree.fromstring(made[f"{folder}/atom.xml"]).findtext("atom:id", namespaces=NS) for folder in folders}
    assert len(ids) == 5
    assert f"https://news.example.eu/en/{odd}/atom.xml" in made["feeds/feeds.opml"].decode()


def test_a_category_with_letters_of_its_own_has_an_address_that_can_be_sent():
    project = sample_project(category="Știri sociale")
    made = files(sample_entry(categories=("Știri sociale",)), project=project)
    assert relations(made["en/știri-sociale/atom.xml"])["self"] == (
        "https://news.example.eu/en/%C8%99tiri-sociale/atom.xml"
    )


def test_the_list_of_feeds_and_opml_name_each_once():
    made = files(sample_entry(), sample_entry(lang="ro", path="ro/news/a/"))
    document = html.document_fromstring(made["feeds/index.html"])
    assert document.xpath("//link[@rel='canonical']/@href") == ["https://news.example.eu/feeds/"]
    shown = document.xpath("//main//h2/a/@href")
    listed = [
        one.get("htmlUrl") for one in etree.fromstring(made["feeds/feeds.opml"]).iter("outline") if one.get("type")
    ]
    assert shown == listed
    assert len(set(listed)) == 6
    assert document.xpath("//main//a[@type='text/x-opml']/@href") == ["https://news.example.eu/feeds/feeds.opml"]


def test_a_feed_that_lost_its_last_item_is_written_once_more_and_listed_nowhere():
    made = files(sample_entry(tags=()), before=[sample_entry(tags=("Gone",))])
    assert json.loads(made["en/tags/gone/feed.json"])["items"] == []
    assert "/tags/gone/" not in made["feeds/feeds.opml"].decode() + made["feeds/index.html"].decode()
    assert "en/tags/gone/atom.xml" not in files(sample_entry(tags=()))


def test_feeds_of_a_language_that_the_project_gave_up_are_emptied():
    given_up = sample_entry(lang="fr", path="fr/news/a/")
    made = files(given_up, sample_entry(), project=replace(PROJECT, languages=("en",)), before=[given_up])
    assert [json.loads(made[f"fr/{name}/feed.json"])["items"] for name in ("social", "all")] == [[], []]
    assert "/fr/" not in made["feeds/feeds.opml"].decode() + made["feeds/index.html"].decode()
    assert "fr/news/a/index.html" in made


# Archives (RFC 5005, section 4)


def test_thirty_items_need_no_archive():
    assert not [name for name in files(*(monthly(n) for n in range(30))) if "/archive/" in name]


def test_what_no_longer_stands_in_the_current_document_is_in_its_months_archive():
    made = files(*(monthly(n) for n in range(42)))
    archives = sorted(name for name in made if name.startswith("en/social/archive/") and name.endswith("atom.xml"))
    assert archives == [f"en/social/archive/2026-0{month}/atom.xml" for month in (1, 2, 3)]
    everything = {title for name in ("en/social/atom.xml", *archives) for title in titles(made, name)}
    assert everything == {f"Item {n}" for n in range(42)}
    assert titles(made, archives[0]) == [f"Item {n}" for n in (4, 3, 2, 1, 0)]


def test_a_reader_walks_from_the_current_document_to_the_oldest_and_back():
    made = files(*(monthly(n) for n in range(42)))
    for name in ("atom.xml", "rss.xml"):
        seen, path = [], f"en/social/{name}"
        while path:
            seen.append(path)
            path = relations(made[path]).get("prev-archive", "").removeprefix("https://news.example.eu/")
        assert seen == [
            f"en/social/{name}",
            *(f"en/social/archive/2026-0{month}/{name}" for month in (3, 2, 1)),
        ]
        for older, newer in zip(reversed(seen[1:]), list(reversed(seen[1:]))[1:], strict=False):
            assert relations(made[older])["next-archive"] == f"https://news.example.eu/{newer}"
        for archive in seen[1:]:
            assert etree.fromstring(made[archive]).find(".//fh:archive", NS) is not None
            assert relations(made[archive])["current"] == f"https://news.example.eu/en/social/{name}"
            assert relations(made[archive])["self"] == f"https://news.example.eu/{archive}"
        assert etree.fromstring(made[seen[0]]).find(".//fh:archive", NS) is None


def test_an_archive_stays_as_it_is_when_news_come():
    before = files(*(monthly(n) for n in range(42)))
    after = files(*(monthly(n) for n in range(44)))
    changed = {name for name, body in before.items() if after[name] != body}
    assert not [name for name in changed if "/archive/" in name]
    later = files(*(monthly(n) for n in range(47)))  # another month fell out of the current document
    changed = {name for name, body in before.items() if later[name] != body and "/archive/" in name}
    assert {name.split("/archive/")[1][:7] for name in changed} == {"2026-03"}  # it learns of its successor


def test_an_old_item_that_is_edited_or_withdrawn_is_current_again():
    edited = monthly(0, title="Item 0, edited", updated=datetime(2026, 12, 1, tzinfo=UTC))
    made = files(edited, *(monthly(n) for n in range(1, 42)))
    shown = titles(made, "en/social/atom.xml")
    assert shown[-1] == "Item 0, edited"
    assert len(shown) == 30
    assert "Item 12" in titles(made, "en/social/archive/2026-03/atom.xml")
    assert "Item 0, edited" in titles(made, "en/social/archive/2026-01/atom.xml")


def test_an_archive_that_nothing_leads_to_any_more_is_written_once_more_empty():
    stood = [monthly(n) for n in range(42)]
    made = files(*stood[10:], before=stood)
    fallen = [f"en/social/archive/2026-0{month}/atom.xml" for month in (1, 2)]
    assert [titles(made, path) for path in fallen] == [[], []]
    assert {name: to for name, to in relations(made[fallen[0]]).items() if name != "self"} == {
        "alternate": "https://news.example.eu/en/social/",
        "current": "https://news.example.eu/en/social/atom.xml",
    }
    assert titles(made, "en/social/archive/2026-03/atom.xml")
    assert fallen[0] not in files(*stood[10:], before=stood[10:])


def test_what_a_reader_is_led_to_is_written_before_what_leads_to_it():
    order = list(files(*(monthly(n) for n in range(42))))
    page = max(order.index(f"en/news/{n}/index.html") for n in range(42))
    archive = max(order.index(name) for name in order if "/archive/" in name)
    feeds = [order.index(f"en/social/{name}") for name in ("rss.xml", "atom.xml", "feed.json")]
    assert order.index(next(name for name in order if name.startswith("assets/"))) < page
    assert page < min(order.index("en/social/index.html"), archive)
    assert order.index("en/social/index.html") < order.index("index.html")
    assert archive < min(feeds)


# Withdrawn


def test_a_withdrawn_item_is_a_notice_under_its_id_and_its_page_is_gone():
    item = sample_item(attachments=("plan.pdf",), correction="x")
    pictures = {str(item.image.file): sample_picture()}
    before = feed.entry(item, pictures, {}, PROJECT, SITE)
    after = feed.entry(replace(item, status=ItemStatus.WITHDRAWN), pictures, {}, PROJECT, SITE)
    assert (after.id, after.path, after.url) == (before.id, before.path, before.url)
    assert after.title == f"[Withdrawn] {before.title}"
    assert (after.picture, after.pictures, after.attachments, after.correction) == (None, (), (), "")
    made = files(replace(after, published=START, updated=START + timedelta(days=1)))
    assert json.loads(made["_gone.json"]) == {"gone": [f"/{after.path}"]}
    assert made["_gone.map"].decode().splitlines()[1] == f'"/{after.path}" 1;'
    page = html.document_fromstring(made[f"{after.path}index.html"])
    assert page.xpath("//h1/text()") == [after.title]
    assert "This text was withdrawn on" in page.text_content()
    assert page.xpath("//meta[@name='robots']/@content") == ["noindex, noarchive"]
    assert not [name for name, body in made.items() if b"They meet again" in body]
    assert json.loads(files(sample_entry())["_gone.json"]) == {"gone": []}


def test_attachments_are_enclosures_with_their_true_length():
    item = sample_item(attachments=("plan.pdf", "sub/sheet.ods", "lost.pdf"))
    plan = replace(sample_picture(), digest="a", media_type="application/pdf", body=b"%PDF-1.7 ...")
    sheet = replace(plan, digest="b", media_type="application/vnd.oasis.opendocument.spreadsheet", body=b"PK..")
    given_files = {str(item.folder / "plan.pdf"): plan, str(item.folder / "sub/sheet.ods"): sheet}
    entry = replace(feed.entry(item, given_files, {}, PROJECT, SITE), published=START, updated=START)
    assert entry.pictures[-2:] == ("a", "b")
    made = files(entry)
    (only,) = etree.fromstring(made["en/social/rss.xml"]).iter("enclosure")
    assert dict(only.attrib) == {
        "url": "https://news.example.eu/media/a.pdf",
        "length": "12",
        "type": "application/pdf",
    }
    links = etree.fromstring(made["en/social/atom.xml"]).findall("atom:entry/atom:link[@rel='enclosure']", NS)
    assert [(one.get("href")[-5:], one.get("length"), one.get("title")) for one in links] == [
        ("a.pdf", "12", "plan.pdf"),
        ("b.ods", "4", "sheet.ods"),
    ]
    assert [one["size_in_bytes"] for one in json.loads(made["en/social/feed.json"])["items"][0]["attachments"]] == [
        12,
        4,
    ]


# What is remembered


def test_memory_changes_no_byte():
    memory = Memory()
    entries = [monthly(n) for n in range(42)]
    for changed in (
        entries,
        entries[:-1],
        [*entries[1:], monthly(0, title="Other")],
        [replace(one, lang="ro", path=f"ro/{one.path}") for one in entries[:3]] + entries,
        [],
        entries,
    ):
        assert files(*changed, memory=memory) == files(*changed)


def test_memory_makes_what_is_equal_once_and_forgets_what_nobody_asks_for():
    made, memory = [], Memory()

    def make():
        made.append(1)
        return len(made)

    assert [memory.get("a", "x", 1, make) for _ in range(3)] == [1, 1, 1]
    memory.turn()
    assert memory.get("a", "x", 1, make) == 1
    assert memory.get("a", "x", 2, make) == 2
    memory.turn()
    memory.turn()
    assert memory.get("a", "x", 2, make) == 3


def test_every_language_has_all_words():
    assert feed_words("ro-MD") == feed_words("ro")
    assert feed_words("tlh") == feed_words("en")
