"""Item pages in full, withdrawn ones, the index, and pages of editions."""
# ruff: noqa: RUF001 - the en dash is right between two times

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urljoin, urlsplit

import pytest
from lxml import html

from dissemination.errors import RenderError
from dissemination.files import digest_of
from dissemination.model import (
    Audience,
    Edition,
    EventFacts,
    Image,
    ItemType,
    Letter,
    Link,
    Picture,
    Site,
)
from dissemination.render import Rendering, feed, pages
from dissemination.render.dress import Dress, territory
from dissemination.render.environment import make_environment
from dissemination.render.sharing import ways
from dissemination.render.strings import strings
from dissemination.testing import sample_entry, sample_item, sample_picture, sample_project

PROJECT = sample_project()
SITE = Site(public_url=PROJECT.public_url)
DAY = datetime(2026, 11, 12, 8, 0, tzinfo=UTC)
EVENT = EventFacts(
    start=datetime(2026, 12, 3, 8, 0, tzinfo=UTC),
    end=datetime(2026, 12, 3, 10, 30, tzinfo=UTC),
    tz="Europe/Bucharest",
    place="Library",
    address="1 Example Street",
    register_url="https://example.eu/register",
    deadline=datetime(2026, 11, 30, 22, 0, tzinfo=UTC),
)


def made(*entries, project=PROJECT):
    return feed.files(entries, project, SITE, make_environment())


def page(entry, **options):
    return html.document_fromstring(made(entry, **options)[f"{entry.path}index.html"])


def metas(document):
    return {
        one.get("property") or one.get("name"): one.get("content") for one in document.xpath("//meta[@content]")
    }


# ------------------------------------------------------------------------------------------ items


def test_an_event_shows_its_facts_as_a_table_and_to_machines():
    item = sample_item(type=ItemType.EVENT, event=EVENT)
    entry = replace(feed.entry(item, {}, {}, PROJECT, SITE), published=DAY, updated=DAY)
    document = page(entry)
    rows = document.xpath("//table[@class='facts']//tr")
    assert [" ".join(row.text_content().split()) for row in rows] == [
        "When 3 December 2026, 10:00–12:30 EET",
        "Where Library, 1 Example Street",
        "Register example.eu/register",
        "Register by 1 December 2026",
    ]
    assert document.xpath("//table[@class='facts']/caption/text()") == ["The event at a glance"]
    assert document.xpath("//p[@class='kicker']/text()") == ["Event"]
    about = json.loads(document.xpath("//script/text()")[0])["about"]
    assert about["@type"] == "Event"
    assert about["startDate"] == "2026-12-03T08:00:00+00:00"
    assert about["location"] == {"@type": "Place", "name": "Library", "address": "1 Example Street"}


@pytest.mark.parametrize(
    ("event", "about"),
    [
        (EventFacts(place="Library"), None),
        (
            EventFacts(start=DAY, online_url="https://meet.example"),
            {"@type": "VirtualLocation", "url": "https://meet.example"},
        ),
    ],
)
def test_machines_are_told_of_an_event_only_what_is_known(event, about):
    document = page(sample_entry(event=event))
    told = json.loads(document.xpath("//script/text()")[0]).get("about")
    assert (told and told["location"]) == about


def test_files_to_download_have_name_kind_and_size():
    item = sample_item(attachments=("agenda.pdf", "lost.pdf"), image=None)
    file = Picture(digest="a" * 64, media_type="application/pdf", width=0, height=0, body=b"x" * 12_345)
    entry = feed.entry(item, {str(item.folder / "agenda.pdf"): file}, {}, PROJECT, SITE)
    assert entry.pictures == (file.digest,)
    (link,) = page(replace(entry, published=DAY, updated=DAY)).xpath("//ul[@class='files']/li/a")
    assert link.get("href") == f"https://news.example.eu/media/{'a' * 64}.pdf"
    assert (link.get("download"), link.get("type")) == ("agenda.pdf", "application/pdf")
    assert link.getparent().text_content().replace("\xa0", " ") == "agenda.pdf 12 kB"


def test_links_and_a_word_on_funding_stand_below_the_text():
    item = sample_item(links=(Link(url="https://example.eu/r"), Link(url="javascript:x")), funding_note="From WP 2")
    document = page(feed.entry(item, {}, {}, PROJECT, SITE))
    assert document.xpath("//ul[@class='further']/li/a/@href") == ["https://example.eu/r"]
    assert document.xpath("//p[@class='small']/text()") == ["From WP 2"]


def test_a_lead_picture_has_size_words_caption_and_credit():
    item = sample_item()
    entry = feed.entry(item, {str(item.image.file): sample_picture()}, {}, PROJECT, SITE)
    (picture,) = page(entry).xpath("//main//img")
    assert (picture.get("width"), picture.get("height")) == ("64", "36")
    assert picture.get("alt") == "Twelve people around a table"
    assert picture.getnext().text_content() == "The partners in Paris OIRBI"


@pytest.mark.parametrize("pictured", [True, False])
def test_cards_for_networks(pictured):
    item = sample_item(image=replace(sample_item().image, alt="Table") if pictured else None)
    pictures = {str(item.image.file): sample_picture()} if item.image else {}
    said = metas(page(feed.entry(item, pictures, {"ro": sample_item(lang="ro")}, PROJECT, SITE)))
    assert said["twitter:card"] == ("summary_large_image" if pictured else "summary")
    assert said.get("twitter:image:alt") == ("Table" if pictured else None)
    assert (said["og:locale"], said["og:locale:alternate"]) == ("en_GB", "ro_RO")


@pytest.mark.parametrize(
    ("lang", "said"), [("en", "en_GB"), ("sv", "sv_SE"), ("sl", "sl_SI"), ("fr-BE", "fr_BE"), ("xx", "xx")]
)
def test_a_language_has_the_country_that_cards_want(lang, said):
    assert territory(lang) == said


def test_a_correction_without_an_edit_has_no_date():
    (note,) = page(sample_entry(correction="It was May.")).xpath("//p[@role='note']")
    assert note.text_content() == "Correction: It was May."


def test_a_correction_has_the_day_that_the_item_says():
    item = sample_item(correction="It was May.", updated=DAY + timedelta(days=5))
    (note,) = page(feed.entry(item, {}, {}, PROJECT, SITE)).xpath("//p[@role='note']")
    assert note.text_content() == "Correction of 17 November 2026: It was May."


def test_what_was_withdrawn_says_so_and_nothing_else():
    gone = sample_entry(
        withdrawn=True, updated=DAY + timedelta(days=3), tags=("Secret",), summary="No longer true."
    )
    document = page(gone)
    assert document.xpath("//h1/text()") == [gone.title]
    assert document.xpath("//p[@role='note']/text()") == [
        "This text was withdrawn on 15 November 2026. Please do not quote it any more."
    ]
    text = html.tostring(document, encoding="unicode")
    for word in ("Five regions", "Secret", "No longer true.", "ld+json", "og:title", 'id="share"'):
        assert word not in text
    assert metas(document)["robots"] == "noindex, noarchive"


def test_the_frame_has_landmarks_and_a_way_past_them():
    document = page(sample_entry())
    assert document.xpath("//body/*[1][self::a]/@href") == ["#content"]
    assert [one.tag for one in document.xpath("//body/*")] == ["a", "header", "main", "footer"]
    assert document.xpath("//main/@id") == ["content"]
    ids = document.xpath("//@id")
    assert len(ids) == len(set(ids))


def test_the_style_sheet_has_an_address_of_its_own_bytes():
    (name,) = [name for name in made() if name.startswith("assets/")]
    body = made()[name]
    assert name == f"assets/pages.{digest_of(body)[:16]}.css"
    for path, body in made(sample_entry()).items():
        if path.endswith(".html"):
            (sheet,) = html.document_fromstring(body).xpath("//link[@rel='stylesheet']/@href")
            assert (
                urljoin(f"https://anywhere.example/below/{path}", sheet) == f"https://anywhere.example/below/{name}"
            )


def test_a_projects_own_style_sheet_takes_the_place_of_ours(tmp_path):
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "style.css").write_text("body { color: teal }")
    files = feed.files((), PROJECT, SITE, make_environment(tmp_path))
    (sheet,) = [body for name, body in files.items() if name.startswith("assets/")]
    assert sheet == b"body { color: teal }"


def test_a_lost_style_sheet_is_named(monkeypatch):
    monkeypatch.setattr("dissemination.render.dress._STYLE", "pages/none.css")
    with pytest.raises(RenderError, match=r"templates/pages/none.css is missing"):
        made()


def test_the_index_shows_the_latest_ten():
    entries = [
        sample_entry(
            id=f"urn:x:{n}", path=f"en/news/{n}/", url=f"https://news.example.eu/en/news/{n}/", title=f"N{n}"
        )
        for n in range(12)
    ]
    document = html.document_fromstring(made(*entries)["index.html"])
    assert len(document.xpath("//ol[@class='list']/li")) == 10
    assert document.xpath("//footer//a/@href")[1] == "https://news.example.eu/feeds/"


# ------------------------------------------------------------------------------------------ sharing


def test_share_links_carry_title_and_address_whole():
    title, url = "Fish & <chips> 100 % #1?", "https://news.example.eu/en/news/a-b/?x=1&y=2"
    links = {way.text: way.url for way in ways(title, url, strings("en"))}
    assert list(links) == ["By e-mail", "On Mastodon", "On Bluesky", "On LinkedIn", "On X"]
    mail = parse_qs(urlsplit(links["By e-mail"]).query)
    assert mail == {"subject": [title], "body": [f"{title}\r\n\r\n{url}"]}
    assert unquote(links["On Mastodon"].partition("#text=")[2]) == f"{title}\n\n{url}"
    assert urlsplit(links["On Mastodon"]).query == ""
    assert parse_qs(urlsplit(links["On Bluesky"]).query) == {"text": [f"{title}\n\n{url}"]}
    assert parse_qs(urlsplit(links["On LinkedIn"]).query) == {"url": [url]}
    assert parse_qs(urlsplit(links["On X"]).query) == {"text": [title], "url": [url]}


def test_share_links_cannot_be_broken_out_of():
    for way in ways('"><script>', "https://news.example.eu/'\"<>", strings("en")):
        assert not re.search(r"[\"'<>\s]", way.url)


# ------------------------------------------------------------------------------------------ editions


def edition(kind="digest", **changes):
    facts = {
        "id": "weekly-2026-W48",
        "kind": kind,
        "schedule": "",
        "at": DAY,
        "groups": ({"en": sample_item(event=EVENT, correction="It was 15 May.")},),
        "languages": ("en", "ro"),
        "audience": Audience(lists=("news",)),
        "intro": {"en": "Hello."},
        "name": {"en": "Microfuture News", "ro": "Știri Microfuture"},
    }
    return Edition(**(facts | changes))


def pictured():
    visual = sample_picture((250, 250, 250), (360, 80))
    return {str(sample_item().image.file): sample_picture(), str(PROJECT.funding.visual): visual}


def letters(kind="digest", project=PROJECT):
    maker = Rendering(project)
    return {lang: maker.letter(edition(kind), lang, pictured()) for lang in ("en", "ro")}


def words_of(segments):
    return "".join(part for part in segments if isinstance(part, str))


@pytest.mark.parametrize("kind", ["digest", "flash"])
def test_an_edition_has_a_page_a_language_that_its_letter_leads_to(kind):
    written = letters(kind)
    files = Rendering(PROJECT).edition("weekly-2026-W48", written)
    for lang, letter in written.items():
        address = f"https://news.example.eu/e/weekly-2026-W48/{lang}/"
        assert f'href="{address}"' in words_of(letter.html)
        assert address in words_of(letter.text)
        document = html.document_fromstring(files[f"e/weekly-2026-W48/{lang}/index.html"])
        assert document.xpath("//link[@rel='canonical']/@href") == [address]
        assert len(document.xpath("//h1")) == 1
        assert document.get("lang") == lang
        assert len(document.xpath("//nav//li")) == 2
    inner = files["e/weekly-2026-W48/en/index.html"].replace(b"../../../assets", b"../../assets")
    assert files["e/weekly-2026-W48/index.html"] == inner


@pytest.mark.parametrize("id_", ["flash-a/b", "flash-../../x", "flash-tag:x.eu,2024:1", "flash-ă", "a b", ".."])
def test_an_editions_folder_is_one_name_whatever_the_id(id_):
    folder = SITE.edition_path(id_)
    assert re.fullmatch(r"e/[A-Za-z0-9_-]+-[0-9a-f]{8}/", folder)
    assert SITE.edition(id_, "en") == f"https://news.example.eu/{folder}en/"


def test_ids_that_look_alike_have_folders_of_their_own():
    assert SITE.edition_path("weekly-2026-W48") == "e/weekly-2026-W48/"
    assert len({SITE.edition_path(one) for one in ("flash-a/b", "flash-a:b", "flash-a-b")}) == 3


@pytest.mark.parametrize("kind", ["digest", "flash"])
def test_nothing_personal_is_on_an_editions_page(kind):
    for name, body in Rendering(PROJECT).edition("e1", letters(kind)).items():
        if name.endswith(".html"):
            text = body.decode()
            for trace in ("hole", "/u/", "/p/", "Unsubscribe", "preferences", "You receive this", "Slot("):
                assert trace not in text, (name, trace)
            document = html.document_fromstring(text)
            assert document.xpath("//@style | //style | //script | //form") == []
            assert all(src.startswith("https://news.example.eu/") for src in document.xpath("//img/@src"))


def test_the_page_is_part_of_what_is_approved():
    assert "Partners meet" in letters()["en"].page
    assert letters()["en"].page == letters()["en"].page


def test_without_the_setting_there_is_neither_page_nor_link():
    written = letters(project=sample_project(edition_pages=False))
    assert Rendering(PROJECT).edition("e1", written) == {}
    for letter in written.values():
        assert "/e/weekly" not in words_of(letter.html) + words_of(letter.text)


def test_an_edition_without_the_default_language_shows_another_one():
    only = Letter(lang="ro", subject="S", preheader="", html=(), text=(), page="<h1>x</h1>")
    files = pages.edition("e1", {"ro": only}, Dress(PROJECT, SITE, make_environment()))
    assert 'lang="ro"' in files["e/e1/index.html"].decode()


def test_an_item_in_a_foreign_language_says_so():
    romanian = sample_item(lang="ro", title="Partenerii", event=None)
    maker = Rendering(PROJECT)
    letter = maker.letter(edition(groups=({"ro": romanian},)), "en", pictured())
    document = html.document_fromstring(maker.edition("e1", {"en": letter})["e/e1/en/index.html"])
    assert document.xpath("//h2/@lang") == ["ro"]
    assert document.xpath("//p[@class='more']/span/text()") == ["Română"]


def test_whatever_an_item_says_stays_text_on_an_editions_page():
    evil = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    item = sample_item(
        title=evil,
        summary=evil,
        byline=evil,
        correction=evil,
        image=Image(src="p", file=sample_item().image.file, alt=evil),
    )
    maker = Rendering(PROJECT)
    letter = maker.letter(edition(groups=({"en": item},)), "en", pictured())
    document = html.document_fromstring(maker.edition("e1", {"en": letter})["e/e1/en/index.html"])
    assert document.xpath("//script | //@onerror") == []
