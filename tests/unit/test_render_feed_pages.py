"""The public pages: readable by people, by machines, and without anything from elsewhere."""

import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from lxml import html

from dissemination.model import EntryPicture, Site
from dissemination.render import feed
from dissemination.render.environment import make_environment
from dissemination.testing import sample_entry, sample_item, sample_picture, sample_project

PROJECT = sample_project()
SITE = Site(public_url=PROJECT.public_url)
DAY = datetime(2026, 11, 12, 8, 0, tzinfo=UTC)
VISUAL = EntryPicture(
    url="https://news.example.eu/media/v.png",
    media_type="image/png",
    size=9,
    width=300,
    height=80,
    alt="The visual",
)


def files(*entries, project=PROJECT, **options):
    return feed.files(entries, project, SITE, make_environment(), **options)


def page(entry, **options):
    return html.document_fromstring(files(entry, **options)[f"{entry.path}index.html"])


def metas(document):
    found = document.xpath("//meta[@content]")
    return {one.get("property") or one.get("name"): one.get("content") for one in found}


@pytest.fixture(scope="module")
def entry():
    item = sample_item(correction="It was 15 May.")
    sister = sample_item(lang="ro", slug="a-treia")
    made = feed.entry(item, {str(item.image.file): sample_picture()}, {"ro": sister}, PROJECT, SITE)
    return replace(made, published=DAY + timedelta(hours=2), updated=DAY + timedelta(days=2))


def test_a_person_finds_title_byline_dates_and_the_text(entry):
    document = page(entry)
    (title,) = document.xpath("//h1")
    assert title.text == entry.title
    assert " ".join(document.xpath("//p[@class='meta']")[0].text_content().split()) == (
        "Project MICROFUTURE 12 November 2026 Updated on 14 November 2026"
    )
    assert document.xpath("//p[@role='note']")[0].text_content() == "Correction of 14 November 2026: It was 15 May."
    assert document.xpath("//article//figure/img/@alt") == ["Twelve people around a table"]
    assert "They meet again in spring." in document.text_content()


def test_the_page_says_its_language_and_offers_the_others(entry):
    document = page(entry)
    assert (document.get("lang"), document.get("dir")) == ("en", "ltr")
    (link,) = document.xpath("//nav[@aria-label='Languages']//a")
    assert (link.text, link.get("lang"), link.get("href")) == ("Română", "ro", entry.translations["ro"])
    alternates = document.xpath("//head/link[@rel='alternate'][not(@type)]")
    known = {"en": entry.url, **entry.translations}
    assert {one.get("hreflang"): one.get("href") for one in alternates} == {**known, "x-default": entry.url}


def test_one_feed_a_language_is_announced(entry):
    made = files(entry, replace(entry, lang="ro", path="ro/news/a/"))
    for name in ("index.html", "feeds/index.html", "en/social/index.html", f"{entry.path}index.html"):
        links = html.document_fromstring(made[name]).xpath("//head/link[@type][@hreflang]")
        assert [(one.get("type"), one.get("hreflang")) for one in links] == [
            ("application/atom+xml", "en"),
            ("application/atom+xml", "ro"),
        ]
        assert links[0].get("href") == "https://news.example.eu/en/social/atom.xml"
    (own, sister) = html.document_fromstring(made["ro/all/index.html"]).xpath("//head/link[@type][@hreflang]")
    assert own.get("href") == "https://news.example.eu/ro/all/atom.xml"
    assert sister.get("href") == "https://news.example.eu/en/all/atom.xml"


def test_networks_and_search_engines_read_the_facts(entry):
    document = page(entry)
    facts = json.loads(document.xpath("//script/text()")[0])
    assert facts["@type"] == "NewsArticle"
    assert (facts["headline"], facts["datePublished"]) == (entry.title, "2026-11-12T08:00:00+00:00")
    assert facts["image"] == [entry.picture.url]
    said = metas(document)
    assert said["og:title"] == entry.title
    assert said["og:image"] == entry.picture.url
    assert said["og:image:alt"] == "Twelve people around a table"
    assert said["article:modified_time"] == "2026-11-14T08:00:00+00:00"
    assert document.xpath("//link[@rel='canonical']/@href") == [entry.url]


def test_no_page_runs_anything_or_fetches_from_elsewhere(entry):
    for name, body in files(entry, visual=VISUAL).items():
        if name.endswith(".html"):
            document = html.document_fromstring(body)
            assert document.xpath("//script[not(@type='application/ld+json')] | //iframe | //form") == []
            assert document.xpath("//@style | //style | //@onclick") == []
            (sheet,) = document.xpath("//link[@rel='stylesheet']/@href")
            assert sheet.lstrip("./") in files(entry)
            assert all(src.startswith("https://news.example.eu/") for src in document.xpath("//img/@src"))
        elif name.endswith(".css"):
            assert b"url(" not in body
            assert b"@import" not in body


def test_whatever_an_item_says_stays_text():
    evil = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    entry = sample_entry(title=evil, summary=evil, byline=evil, tags=(evil,), correction=evil)
    for name, body in files(entry).items():
        if name.endswith(".html"):
            document = html.document_fromstring(body)
            assert document.xpath("//script[not(@type='application/ld+json')] | //@onerror") == []
    assert json.loads(page(entry).xpath("//script/text()")[0])["headline"] == evil


def test_the_funder_is_named_on_every_page_in_its_language(entry):
    romanian = replace(entry, lang="ro", path="ro/news/a/")
    made = files(entry, romanian, visual=VISUAL)
    for name, statement in {
        "index.html": "Co-funded by the European Union",
        "en/social/index.html": "Co-funded by the European Union",
        "ro/social/index.html": "Cofinanțat de Uniunea Europeană",
        "ro/news/a/index.html": "Cofinanțat de Uniunea Europeană",
    }.items():
        footer = html.document_fromstring(made[name]).xpath("//footer")[0]
        assert statement in footer.text_content()
        said = "Identitatea vizuală a programului" if name.startswith("ro/") else "The programme's visual"
        assert footer.xpath(".//img/@alt") == [said]
    assert html.document_fromstring(files(entry)["index.html"]).xpath("//footer//img") == []


def test_the_feeds_page_gives_its_address_to_copy(entry):
    document = html.document_fromstring(files(entry)["en/social/index.html"])
    (address,) = document.xpath("//code[@class='address']")
    assert address.text == "https://news.example.eu/en/social/atom.xml"
    assert document.xpath("//ul[@class='formats']//a/text()") == ["Atom", "RSS", "JSON Feed"]
    assert document.xpath("//ol[@class='list']/li/h2/a/@href") == [entry.url]
    assert "The address of this feed:" in document.text_content()


def test_an_empty_feed_says_so():
    assert "No news yet." in files()["en/social/index.html"].decode()


def test_headings_are_in_order_and_there_is_one_of_the_first_level(entry):
    for name, body in files(entry).items():
        if name.endswith(".html"):
            levels = [int(one.tag[1]) for one in html.document_fromstring(body).xpath("//h1 | //h2 | //h3")]
            assert levels[0] == 1
            assert levels.count(1) == 1
            assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_a_language_written_from_right_to_left():
    project = sample_project(languages=("en", "he"))
    document = page(sample_entry(lang="he", path="he/news/a/"), project=project)
    assert (document.get("lang"), document.get("dir")) == ("he", "rtl")


def test_a_page_in_a_language_without_a_feed_leads_to_the_default_one():
    document = page(sample_entry(lang="fr", path="fr/news/a/"))
    assert document.xpath("//footer//a/@href")[0] == "https://news.example.eu/en/social/"


def test_a_date_is_the_projects_own_day():
    late = datetime(2026, 11, 12, 23, 30, tzinfo=UTC)
    document = page(sample_entry(date=None, published=late, updated=late))
    assert document.xpath("//time/@datetime") == ["2026-11-13T01:30:00+02:00"]
    assert document.xpath("//time/text()") == ["13 November 2026"]
