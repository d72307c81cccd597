"""Pages become drafts: what they say is taken as it stands, what they do not say is named and never invented."""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dissemination.errors import ItemError, WrongUseError
from dissemination.model import ItemStatus, ItemType, Level, Topic
from dissemination.sources import FolderSource, Imported, import_file
from dissemination.sources.page import date_seen, whole_date
from dissemination.sources.scraped_text import literal, read_text
from dissemination.testing.samples import sample_project

SEEDS = Path(__file__).resolve().parents[2].parent / "shared" / "seeds"

SCRAPED = """\
Go to main menu Go to search Go to main content Go to footer

SIX PARTNERS COMPARE LOANS IN LJUBLJANA

Image
News
Social
Date
By Project MICROFUTURE

On the 3rd and 4th of October the partners met in Ljubljana, Slovenia, to compare how small loans work.

By pooling what they know, they found three practices that can be carried over.

# 1 of the practices is a *guarantee* for loans below 5,000 euro.

Tags
Interregional
Microfinance
Go to main content
"""

HTML = """<!DOCTYPE html>
<html lang="en-GB"><head><meta charset="utf-8">
<title>Partners meet in Ljubljana | Example Programme</title>
{head}
</head><body>
<nav><a href="#main">Go to main content</a><ul><li><a href="/">Home</a></li></ul></nav>
<main id="main"><article><header><h1>Partners meet in Ljubljana</h1><p>News</p><p>Social</p>{time}
<p>By Project MICROFUTURE</p></header>
{picture}
<p>Twelve partners of the project came to the city hall in Ljubljana to compare how small loans reach people who
have no bank account at all.</p>
<p>The <a href="https://example.org/report">report</a> on the &lt;needs&gt; of the regions was presented, and each
partner named two practices that could be carried over to another country.</p>
<h2>What comes next</h2>
<p>The next meeting takes place in Sweden, where the group will look at how public guarantees lower the cost of
very small loans.</p>
<div class="tags"><h3>Tags</h3><ul><li><a href="/t/1">Interregional</a></li><li>Microfinance</li></ul></div>
</article></main><footer><p>Cookie settings. Privacy.</p></footer></body></html>
"""

JSON_LD = {
    "@context": "https://schema.org",
    "@type": "NewsArticle",
    "headline": "Partners meet in Ljubljana",
    "description": "How small loans reach people.",
    "datePublished": "2024-10-02T10:30:00+02:00",
    "dateModified": "2024-10-05",
    "author": [{"@type": "Organization", "name": "Project MICROFUTURE"}, {"@type": "Person", "name": "Ana Pop"}],
    "articleSection": ["News", "Social", "A more social Europe"],
    "keywords": "Interregional, Microfinance",
    "inLanguage": "en",
    "url": "https://www.example.eu/microfuture/news/partners-meet",
    "image": {"@type": "ImageObject", "url": "/sites/meeting.jpg", "caption": "The meeting"},
}


def ld(**changes):
    return f'<script type="application/ld+json">{json.dumps({**JSON_LD, **changes})}</script>'


class Desk:
    """A project folder, and a folder of downloads to import from."""

    def __init__(self, root):
        self.root, self.news, self.downloads = root / "project", root / "project" / "news", root / "downloads"
        self.news.mkdir(parents=True)
        self.downloads.mkdir()
        self.project = sample_project(root=self.root)

    def bring(self, content, name="page.txt", **changes):
        page = self.downloads / name
        page.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
        return import_file(page, replace(self.project, **changes), self.news)

    def html(self, head="", name="page.html", when="", picture="", **changes):
        text = HTML.replace("{head}", head).replace("{time}", when).replace("{picture}", picture)
        return self.bring(text, name, **changes)

    def item(self, imported):
        gathered = FolderSource(self.project, self.news).gather()
        assert gathered.refused == frozenset(), gathered.findings
        return next(item for item in gathered.items if item.path == imported.item)


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def rules(imported):
    return [finding.rule for finding in imported.findings]


# The seed


def test_the_real_page_that_the_project_was_founded_on(desk):
    seeds = sorted(SEEDS.glob("*.txt"))
    if not seeds:
        pytest.skip("no seeds beside the checkout")
    page = desk.downloads / seeds[0].name
    shutil.copyfile(seeds[0], page)
    imported = import_file(page, desk.project, desk.news)
    assert {f.rule: (f.field, f.seen) for f in imported.findings} == {
        "date-missing": ("date", "On the 15th and 16th of May"),
        "summary-missing": ("summary", ""),
        "image-missing": ("image", ""),
        "title-capitals": ("title", "MICROFUTURE PARTNERS GATHER IN FRANCE FOR THE 3RD MEETING"),
    }
    item = desk.item(imported)
    assert item.title == "MICROFUTURE PARTNERS GATHER IN FRANCE FOR THE 3RD MEETING"
    assert (item.type, item.topic, item.status) == (ItemType.NEWS, Topic.SOCIAL, ItemStatus.DRAFT)
    assert (item.byline, item.authors, item.tags) == ("Project MICROFUTURE", (), ("Interregional",))
    assert (item.date, item.image, item.images) == (None, None, ())
    assert item.html.count("<p>") == 8
    assert "Go to" not in item.markdown
    original = [line.strip() for line in seeds[0].read_text("utf-8").split("\n") if len(line) > 80]
    assert item.markdown.strip().split("\n\n") == original
    assert (item.folder / "source.txt").read_bytes() == seeds[0].read_bytes()


# Scraped text


def test_a_scraped_page(desk):
    imported = desk.bring(SCRAPED)
    assert imported.item == "news/six-partners-compare-loans-in-ljubljana/index.md"
    assert (imported.created, imported.updated) == (True, False)
    item = desk.item(imported)
    assert (item.type, item.topic, item.byline) == (ItemType.NEWS, Topic.SOCIAL, "Project MICROFUTURE")
    assert item.tags == ("Interregional", "Microfinance")
    assert item.status is ItemStatus.DRAFT
    assert item.html.count("<p>") == 3
    assert "<p>By pooling what they know" in item.html
    assert "# 1 of the practices is a *guarantee* for" in item.html
    assert item.extra["source"] == "page.txt"
    assert FolderSource(desk.project, desk.news).gather().findings == ()


def test_exactly_what_it_does_not_say_is_found(desk):
    found = [(f.rule, f.level, f.field, f.line, f.seen) for f in desk.bring(SCRAPED).findings]
    title = "SIX PARTNERS COMPARE LOANS IN LJUBLJANA"
    assert found == [
        ("date-missing", Level.ERROR, "date", 11, "On the 3rd and 4th of October"),
        ("summary-missing", Level.WARNING, "summary", 0, ""),
        ("image-missing", Level.WARNING, "image", 5, ""),
        ("title-capitals", Level.WARNING, "title", 3, title),
    ]


def test_sentence_case_is_offered_and_not_applied(desk):
    imported = desk.bring(SCRAPED)
    assert desk.item(imported).title.isupper()
    fix = next(f.fix for f in imported.findings if f.rule == "title-capitals")
    assert fix == 'title: "Six partners compare loans in Ljubljana"'


@pytest.mark.parametrize(
    ("label", "date"),
    [
        ("Date\n27 May 2024", "2024-05-27"),
        ("Date: May 27, 2024", "2024-05-27"),
        ("Date\n27th of May 2024", "2024-05-27"),
        ("Date\n2024-05-27", "2024-05-27"),
        ("Date\n27 mai 2024", "2024-05-27"),
    ],
)
def test_a_whole_date_behind_the_label_is_taken(desk, label, date):
    imported = desk.bring(SCRAPED.replace("Date", label, 1))
    assert "date-missing" not in rules(imported)
    assert f'date: "{date}"' in (desk.root / imported.item).read_text()


@pytest.mark.parametrize(
    "label", ["Date\n15 May", "Date\n03/04/2024", "Date: soon", "Date\nMay 2024", "Date\n31 June 2024"]
)
def test_half_a_date_is_never_made_whole(desk, label):
    imported = desk.bring(SCRAPED.replace("Date", label, 1))
    assert "date-missing" in rules(imported)
    assert desk.item(imported).date is None


def test_a_picture_behind_the_label(desk):
    imported = desk.bring(SCRAPED.replace("Image", "Image\nmeeting.jpg", 1))
    assert "image-missing" not in rules(imported)
    assert "alt-missing" in rules(imported)
    image = desk.item(imported).image
    assert (image.src, image.alt, image.rights) == ("meeting.jpg", "", "unverified")


@pytest.mark.parametrize(
    ("page", "title", "body"),
    [
        ("Only a title", "Only a title", ""),
        ("Title\n\nText.", "Title", "Text."),
        ("\n\n  Title  \nText one.\nText two.\n", "Title", "Text one.\n\nText two."),
        ("Skip to content\nTitle\nText.\nTags:\na\nb\nb\n", "Title", "Text."),
        (
            "Title\nGreen\nEvents\nText about Social matters.\nSocial\n",
            "Title",
            "Text about Social matters.\n\nSocial",
        ),
        ("\ufeffTitle\r\nText.\r\n", "Title", "Text."),
    ],
)
def test_pages_that_say_less(page, title, body):
    read = read_text(page.removeprefix("\ufeff").replace("\r", ""))
    assert (read.title, read.body) == (title, body)


def test_a_page_without_tags_or_labels_has_none():
    page = read_text("Title\n\nText.\n")
    assert (page.tags, page.type, page.topic, page.byline, page.date) == ((), None, None, "", "")


@pytest.mark.parametrize(
    "text",
    [
        "# no heading",
        "1. no list",
        "- no list",
        "> no quote",
        "a *b* _c_ `d` [e](f) <g>",
        "&amp; &lt;",
        "\\x",
        "=== a",
        "~~~",
    ],
)
def test_plain_text_stays_that_text(desk, text):
    item = desk.item(desk.bring(f"A title\n\n{text}\n"))
    assert item.summary == text


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("On the 15th and 16th of May, in Paris", "On the 15th and 16th of May"),
        ("It was on June 26th in Rome", "on June 26th"),
        ("Pe 15-16 mai 2024, la Paris", "15-16 mai 2024"),
        ("from 3 to 5 October 2024", "3 to 5 October 2024"),
        ("the 1st of March", "the 1st of March"),
        ("le 3 février", "3 février"),
        ("published 2024-05-16 there", "2024-05-16"),
        ("on 16.05.2024 there", "16.05.2024"),
        ("for 50 years, 10 may well", "10 may"),
        ("There were 12 partners", ""),
        ("Mayday in Marchtown", ""),
        ("", ""),
    ],
)
def test_words_that_look_like_a_date(text, seen):
    assert date_seen(text) == seen


@pytest.mark.parametrize(
    "text", ["15 May", "May 2024", "2024", "5/6/2024", "31 February 2024", "soon", "", "15 May 2024 or so"]
)
def test_no_whole_date(text):
    assert whole_date(text) == ""


def test_searching_for_dates_is_quick_in_hostile_text():
    begin = time.process_time()
    for text in ("1 " * 100_000, "the " * 50_000, "1, " * 60_000, "on the 1st and " * 10_000, "may " * 50_000):
        date_seen(text)
    assert time.process_time() - begin < 20


# HTML


def test_an_html_page_that_says_everything(desk):
    imported = desk.html(ld())
    item = desk.item(imported)
    assert imported.item == "news/partners-meet-in-ljubljana/index.md"
    assert (item.title, item.summary, item.lang) == (
        "Partners meet in Ljubljana",
        "How small loans reach people.",
        "en",
    )
    assert item.date.isoformat() == "2024-10-02T08:30:00+00:00"
    assert item.updated.isoformat() == "2024-10-04T21:00:00+00:00"
    assert (item.type, item.topic, item.categories) == (ItemType.NEWS, Topic.SOCIAL, ("Social",))
    assert (item.byline, item.authors) == ("Project MICROFUTURE", ("Ana Pop",))
    assert item.tags == ("Interregional", "Microfinance")
    assert item.source_url == JSON_LD["url"]
    assert item.status is ItemStatus.DRAFT
    assert (item.image.src, item.image.rights) == ("https://www.example.eu/sites/meeting.jpg", "unverified")
    assert (item.image.alt, item.image.caption) == ("", "The meeting")
    assert rules(imported) == ["image-unverified", "alt-missing"]
    assert (item.folder / "source.html").read_text() == (desk.downloads / "page.html").read_text()


def test_the_body_is_the_text_alone(desk):
    item = desk.item(desk.html(ld()))
    paragraphs = item.markdown.strip().split("\n\n")
    assert len(paragraphs) == 4
    assert paragraphs[0].startswith("Twelve partners")
    assert paragraphs[2] == "## What comes next"
    assert '<a href="https://example.org/report">report</a> on the &lt;needs&gt;' in item.html
    for leak in ("Interregional", "Tags", "By Project", "Go to", "Cookie", "Home", "# Partners meet"):
        assert leak not in item.markdown


@pytest.mark.parametrize(
    ("head", "when", "date"),
    [
        (ld(), '<time datetime="2024-10-03">3 October</time>', "2024-10-02T10:30:00+02:00"),
        (ld(datePublished="soon"), '<time datetime="2024-10-03">3 October</time>', "2024-10-03"),
        (
            '<meta property="article:published_time" content="2024-10-01">',
            '<time datetime="2024-10-03"></time>',
            "2024-10-01",
        ),
        ("", '<time datetime="2024-10-03">3 October</time>', "2024-10-03"),
        ("", '<time datetime="2024-10-03"></time><time datetime="2024-10-03"></time>', "2024-10-03"),
        ("", '<time datetime="2024-10">October</time>', ""),
        ("", "<p>3 October 2024</p>", ""),
        ("", "", ""),
    ],
)
def test_dates_in_the_order_of_trust(desk, head, when, date):
    imported = desk.html(head, when=when)
    text = (desk.root / imported.item).read_text()
    assert (f'date: "{date}"' in text) if date else ("date-missing" in rules(imported))
    assert ("date-missing" in rules(imported)) is not bool(date)


def test_two_different_times_are_none(desk):
    imported = desk.html(picture='<time datetime="2024-10-03"></time><time datetime="2024-11-03"></time>')
    assert "date-missing" in rules(imported)


def test_a_plain_page_has_only_what_is_seen(desk):
    imported = desk.html()
    item = desk.item(imported)
    assert (item.title, item.byline, item.tags) == ("Partners meet in Ljubljana", "Project MICROFUTURE", ())
    assert rules(imported) == ["date-missing", "summary-missing", "image-missing"]
    assert "updated:" not in (desk.root / imported.item).read_text()


def test_no_author_is_invented(desk):
    text = (desk.root / desk.html(ld(author=None), name="a.html").item).read_text()
    assert 'byline: "Project MICROFUTURE"' in text  # the page's own visible line
    page = "<html><title>A page of somebody</title><p>Some longer text about loans, written by nobody known.</p>"
    assert "byline" not in (desk.root / desk.bring(page, "b.html").item).read_text()


def test_alternative_texts_are_only_those_of_the_page(desk):
    head = '<meta property="og:image" content="https://x.eu/a.jpg"><meta property="og:image:alt" content="A farm">'
    assert desk.item(desk.html(head)).image.alt == "A farm"
    shown = desk.html(name="b.html", picture='<img src="/b.jpg" alt="A hall"><img src="c.jpg"><img src="data:x">')
    item = next(i for i in FolderSource(desk.project, desk.news).gather().items if i.path == shown.item)
    assert (item.image.alt, [image.src for image in item.images]) == ("A hall", ["c.jpg"])


@pytest.mark.parametrize("wrap", [lambda a: [a], lambda a: {"@graph": [{"@type": "WebSite"}, a]}, lambda a: [[a]]])
def test_json_ld_in_its_usual_wrappings(desk, wrap):
    script = f'<script type="application/ld+json">{json.dumps(wrap(JSON_LD))}</script>'
    assert "date-missing" not in rules(desk.html(script))


@pytest.mark.parametrize(
    "script",
    [
        "not json",
        "[" * 100_000,
        '{"@type": "NewsArticle", "headline": {"a": 1}, "author": 7, "image": [[]], "keywords": {"a": 1}}',
        '{"@type": ["NewsArticle", {"a": 1}]}',
        '{"@type": "NewsArticle", "headline": "\\ud800 half \\u0000 a \\u2028 title", "url": "http://[bad"}',
        '{"@type": "NewsArticle", "url": "javascript:alert(1)", "image": "http://[bad"}',
        "null",
        "",
    ],
)
def test_broken_json_ld_is_passed_over(desk, script):
    imported = desk.html(f'<script type="application/ld+json">{script}</script>')
    item = desk.item(imported)
    assert item.title
    assert item.source_url == ""
    assert "date-missing" in rules(imported)


def test_a_language_that_the_project_has_not(desk):
    imported = desk.html(ld(inLanguage="sv"))
    assert "language-unknown" in rules(imported)
    assert "lang:" not in (desk.root / imported.item).read_text()


def test_nothing_active_comes_through(desk):
    payload = (
        '<p>Enough words here to be taken as a paragraph of the text itself. <img src=x onerror="alert(1)"></p>'
    )
    item = desk.item(
        desk.html(ld(headline="<b onclick=alert(1)>Bold</b>"), picture=payload + "<script>alert(1)</script>")
    )
    assert item.title == "<b onclick=alert(1)>Bold</b>"  # text: whoever shows it escapes it
    assert "onerror" not in item.html
    assert "script" not in item.html
    assert item.folder.parent == desk.news


# Hostile files


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("a.txt", "", "page-empty"),
        ("a.txt", "Go to main menu Go to footer\n", "page-empty"),
        ("a.txt", "Title\x00\n", "control-character"),
        ("a.txt", b"caf\xe9\n", "not-utf8"),
        ("a.txt", "a" * 600_000, "too-large"),
        ("a.html", "", "page-unreadable"),
        ("a.html", "<html><p>x", "page-empty"),
        ("a.html", "<html><title>x</title>" + "<div>" * 300_000, "too-deep"),
        ("a.html", "<html><title>x</title>" + "<p>a" * 200_000, "too-deep"),
        ("a.html", "<html>" + "x" * (5 * 1024 * 1024), "file-refused"),
    ],
)
def test_a_page_of_which_nothing_can_be_made_is_an_error_quickly(desk, name, content, rule):
    begin = time.process_time()
    with pytest.raises(ItemError) as caught:
        desk.bring(content, name)
    assert [f.rule for f in caught.value.findings] == [rule]
    assert caught.value.findings[0].path.endswith(name)
    assert time.process_time() - begin < 20
    assert list(desk.news.iterdir()) == []


def test_a_file_that_is_not_there_is_wrong_use(desk):
    for path in (desk.root / "none.txt", desk.root / "none" / "x.txt"):
        with pytest.raises(WrongUseError):
            import_file(path, desk.project, desk.news)


def test_a_pipe_or_a_folder_is_not_read(desk):
    os.mkfifo(desk.downloads / "pipe.txt")
    for path in (desk.downloads / "pipe.txt", desk.downloads):
        with pytest.raises((ItemError, WrongUseError)):
            import_file(path, desk.project, desk.news)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(text=st.text(max_size=300))
def test_whatever_was_scraped_is_refused_or_becomes_an_item_that_can_be_read(desk, text):
    shutil.rmtree(desk.news)
    desk.news.mkdir()
    try:
        imported = desk.bring(text)
    except ItemError:
        return
    assert desk.item(imported).title


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=80))
def test_escaping_never_loses_a_letter(text):
    from html import unescape  # noqa: PLC0415 # only here

    from dissemination.sources import render_markdown  # noqa: PLC0415 # only here

    flat = " ".join(text.split())
    html = render_markdown(literal(flat))
    assert unescape(html.removeprefix("<p>").removesuffix("</p>")) == flat


# Twice


def test_the_same_page_twice_is_one_item(desk):
    first = desk.bring(SCRAPED)
    body = (desk.root / first.item).read_bytes()
    again = desk.bring(SCRAPED)
    assert again == replace(first, created=False)
    assert (desk.root / first.item).read_bytes() == body
    assert len(list(desk.news.iterdir())) == 1


def test_a_changed_page_updates_its_item(desk):
    first = desk.bring(SCRAPED)
    again = desk.bring(SCRAPED.replace("three practices", "four practices"))
    assert (again.item, again.created, again.updated) == (first.item, False, True)
    assert "four practices" in desk.item(again).markdown
    assert "four practices" in (desk.root / first.item).with_name("source.txt").read_text()
    assert not desk.bring(SCRAPED.replace("three practices", "four practices")).updated


def test_an_item_that_was_edited_since_stays_as_it_is(desk):
    first = desk.bring(SCRAPED)
    target = desk.root / first.item
    target.write_text(target.read_text().replace("SIX PARTNERS", "Six partners"))
    mine = target.read_bytes()
    again = desk.bring(SCRAPED.replace("three", "four"))
    assert again == Imported(item=first.item, created=False, updated=False, findings=again.findings)
    assert [(f.rule, f.level, f.path) for f in again.findings] == [("item-edited", Level.NOTE, first.item)]
    assert target.read_bytes() == mine
    assert "four" in target.with_name("source.txt").read_text()


def test_line_ends_of_another_editor_are_no_edit(desk):
    first = desk.bring(SCRAPED)
    target = desk.root / first.item
    target.write_bytes(target.read_bytes().replace(b"\n", b"\r\n"))
    assert rules(desk.bring(SCRAPED)) == rules(first)


def test_a_moved_item_is_still_found(desk):
    first = desk.bring(SCRAPED)
    (desk.root / first.item).parent.rename(desk.news / "elsewhere")
    assert desk.bring(SCRAPED).item == "news/elsewhere/index.md"


def test_an_address_is_the_same_page_under_any_name_and_title(desk):
    first = desk.html(ld(), name="a.html")
    again = desk.html(ld(headline="Another headline"), name="b.html")
    assert (again.item, again.updated) == (first.item, True)


def test_equal_titles_of_different_pages_are_two_items(desk):
    one, two = desk.bring(SCRAPED, "a.txt"), desk.bring(SCRAPED, "b.txt")
    assert two.created
    assert two.item == one.item.replace("/index.md", "-2/index.md")


def test_a_link_in_the_place_of_the_folder_is_not_followed(desk, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (desk.news / "six-partners-compare-loans-in-ljubljana").symlink_to(outside)
    imported = desk.bring(SCRAPED)
    assert imported.item == "news/six-partners-compare-loans-in-ljubljana-2/index.md"
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("title", ["../../etc/passwd", "日本", "🎉", ": # & * - ' \"", "no", "---"])
def test_any_title_makes_a_folder_inside_and_survives_the_header(desk, title):
    imported = desk.bring(f"{title}\n\nText of it.\n")
    item = desk.item(imported)
    assert item.title == title
    assert item.folder.parent == desk.news
