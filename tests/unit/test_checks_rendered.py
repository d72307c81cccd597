"""Every rule on rendered letters and posts: once where it speaks, once where it is silent."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from dissemination.checks import check_letter, check_post
from dissemination.checks.contrast import contrast, parse
from dissemination.model import Level, PostPicture, Slot
from dissemination.testing import sample_post, sample_project

E, W = Level.ERROR, Level.WARNING
UNSUBSCRIBE = Slot(name="unsubscribe_url")
STATEMENT = "Co-funded by the European Union. The authors alone answer for these views."
MEDIA = "https://news.example.eu/media/a.png"


@pytest.fixture
def project():
    # Which mail program lacks what has its own tests.
    return sample_project(mail_programs=())


@pytest.fixture
def letter(letters):
    return letters.good_letter


@pytest.fixture
def found(letter, project):
    def look(content="", head="", in_project=project, **changes):
        return {finding.rule: finding for finding in check_letter(letter(content, head, **changes), in_project)}

    return look


def test_nothing_is_wrong_with_a_good_letter(found):
    assert found() == {}


@pytest.mark.parametrize(
    ("rule", "level", "content"),
    [
        ("letter-size", E, "<p>word</p>" * 9_500),
        ("letter-alt", E, f'<img src="{MEDIA}">'),
        ("letter-table", W, "<table><tr><td>x</td></tr></table>"),
        ("letter-headings", W, "<h4>Too deep</h4>"),
        ("letter-link", E, '<a style="color:#005" href="/en/news/">News</a>'),
        ("letter-link", E, '<a style="color:#005">News</a>'),
        ("letter-link", E, '<a style="color:#005" href="javascript:alert(1)">News</a>'),
        ("letter-link-http", W, '<a style="color:#005" href="http://a.example/">News</a>'),
        ("letter-tracking", E, f'<img src="{MEDIA}" alt="" width="1" height="1">'),
        ("letter-tracking", E, f'<img src="{MEDIA}" alt="" height="0px">'),
        ("letter-tracking", E, f'<img src="{MEDIA}" alt="" style="border:0;width:1px;">'),
        ("letter-tracking", E, f'<img src="{MEDIA}" alt="" style="display: none">'),
        ("letter-remote", E, '<img src="https://elsewhere.example/a.png" alt="A table">'),
        ("letter-remote", E, '<img src="https://news.example.eu.evil.example/a.png" alt="A table">'),
        ("letter-remote", E, '<img src="data:image/png;base64,AAAA" alt="A table">'),
        ("letter-remote", E, '<img alt="A table">'),
        ("letter-remote", E, '<p style="background:url(https://elsewhere.example/a.png)">x</p>'),
        ("letter-remote", E, '<table role="presentation" background="https://elsewhere.example/a"><tr><td>x</td></tr></table>'),
        ("letter-remote", E, "<style>@import url(https://fonts.example/css);</style>"),
        ("letter-remote", E, '<!--[if mso]><v:image xmlns:v="x" src="https://elsewhere.example/a.png"/><![endif]-->'),
        ("letter-contrast", W, '<p style="color:#999">pale</p>'),
        ("letter-contrast", W, '<p style="background:#333">black on black</p>'),
        ("letter-contrast", W, '<table role="presentation"><tr><td bgcolor="#333333">x</td></tr></table>'),
        ("letter-contrast", W, '<p style="background-color:navy"><a href="https://a.example/">Paris</a></p>'),
        ("letter-contrast", W, '<p style="color:#999"><b style="color:#000">dark</b> tail</p>'),
    ],
)  # fmt: skip
def test_a_rule_on_the_html_speaks(found, rule, level, content):
    findings = found(content)
    assert list(findings) == [rule]
    assert findings[rule].level is level
    assert findings[rule].path == "newsletter (en)"
    assert findings[rule].fix


@pytest.mark.parametrize(
    "content",
    [
        f'<img src="{MEDIA}" alt="">',
        "<table><tr><th>Region</th><td>Paris</td></tr></table>",
        "<h3>Deeper</h3><h2>Up again</h2>",
        '<a style="color:#005" href="mailto:a@example.eu">Mail</a><a style="color:#005" href="#top">Top</a>',
        '<p style="display:none;color:#fff">preheader</p>',
        '<p style="font-size:0;color:#fff">preheader</p>',
        '<p style="color:#fff;background:#005 none">light on dark</p>',
        '<p style="color:rgba(0,0,0,.5)">cannot be told</p>',
        '<p style="color:inherit">inherited</p>',
        f"<p style=\"background-image:url('{MEDIA}')\">own picture</p>",
        f'<!--[if mso]><v:image src="{MEDIA}"/><![endif]-->',
        "<!-- a comment -->",
    ],
)
def test_rules_on_the_html_are_silent(found, content):
    assert found(content) == {}


@pytest.mark.parametrize(
    ("rule", "level", "changes"),
    [
        ("letter-subject", E, {"subject": " "}),
        ("letter-subject-long", W, {"subject": "s" * 61}),
        ("letter-subject-long", E, {"subject": "s" * 201}),
        ("letter-preheader-length", W, {"preheader": ""}),
        ("letter-preheader-length", W, {"preheader": "s" * 39}),
        ("letter-preheader-length", W, {"preheader": "s" * 131}),
        ("letter-preheader", W, {"preheader": "what stands nowhere in the HTML of this letter"}),
        ("letter-unsubscribe", E, {"text": (STATEMENT,)}),
        ("letter-funding", E, {"text": ("Unsubscribe: ", UNSUBSCRIBE)}),
    ],
)
def test_a_rule_on_the_rest_speaks(found, rule, level, changes):
    findings = found(**changes)
    assert list(findings) == [rule]
    assert findings[rule].level is level


def test_the_unsubscribe_link_must_be_in_the_html_too(letter, project):
    base = letter()
    without = tuple("https://a.example/" if part == UNSUBSCRIBE else part for part in base.html)
    assert [f.rule for f in check_letter(replace(base, html=without), project)] == ["letter-unsubscribe"]


def test_the_funding_statement_is_that_of_the_language(letter, project):
    base = letter()
    romanian = tuple(p.replace('lang="en"', 'lang="ro"') if isinstance(p, str) else p for p in base.html)
    rules = [f.rule for f in check_letter(replace(base, lang="ro", html=romanian), project)]
    assert rules == ["letter-funding"] * 5  # statement and disclaimer in both parts, and the visual's words


def test_a_statement_that_settings_do_not_have(found, project):
    lacking = replace(project, funding=replace(project.funding, statement={}))
    assert found(in_project=lacking)["letter-funding"].fix == "add funding.statement.en to settings.yaml"


@pytest.mark.parametrize(
    ("old", "new", "count"),
    [
        ('<html lang="en" dir="ltr">', "<html>", 1),
        ('<html lang="en" dir="ltr">', '<html lang="en">', 1),
        ('<html lang="en" dir="ltr">', '<html lang="ro" dir="ltr">', 1),
        ('<div lang="en" dir="ltr"', "<div", 1),
        ('lang="en"', 'lang="ro"', 2),
    ],
)
def test_language_and_direction_outside_and_inside(letter, project, old, new, count):
    base = letter()
    changed = tuple(part.replace(old, new) if isinstance(part, str) else part for part in base.html)
    assert [f.rule for f in check_letter(replace(base, html=changed), project)] == ["letter-lang"] * count


def test_a_letter_without_headings(letter, project):
    base = letter()
    flat = tuple(p.replace("h1>", "b>").replace("h2>", "b>") if isinstance(p, str) else p for p in base.html)
    assert [f.rule for f in check_letter(replace(base, html=flat), project)] == ["letter-headings"]


def test_a_style_sheet_may_not_fetch(found):
    assert list(found(head='<link rel="stylesheet" href="https://fonts.example/css">')) == ["letter-remote"]
    assert list(found(head="<style>a{background:url( 'https://a.example/x')}</style>")) == ["letter-remote"]
    assert list(found(head="<style>@import 'https://a.example/x';</style>")) == ["letter-remote"]
    assert found(head="<style>a{color:red}</style>") == {}


def test_a_public_address_on_this_machine_may_be_http(letter):
    local = sample_project(public_url="http://127.0.0.1:8080")
    base = letter('<a style="color:#005" href="http://127.0.0.1:8080/en/">News</a>')
    html = tuple(
        p.replace("https://news.example.eu", "http://127.0.0.1:8080") if isinstance(p, str) else p
        for p in base.html
    )
    assert check_letter(replace(base, html=html), local) == []


@pytest.mark.parametrize("html", [(), (" ",), ("x" * 2_000_001,)])
def test_what_is_not_even_looked_at(letter, project, html):
    assert [f.rule for f in check_letter(letter(html=html), project)] == ["letter-size"]


@pytest.mark.parametrize(
    "html", ["<", "<!---->", "plain", "<div>" * 50_000, "<a " * 30_000, "\x00", "<style>" + "url(" * 30_000]
)
def test_broken_html_gives_findings_and_no_error(letter, project, html):
    started = time.process_time()
    findings = check_letter(letter(html=(html,)), project)
    assert {"letter-unsubscribe", "letter-html"} & {finding.rule for finding in findings}
    assert time.process_time() - started < 20


def test_seen_is_short(found):
    assert len(found('<p style="color:#999">' + "word " * 100 + "</p>")["letter-contrast"].seen) <= 120


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        ("#fff", (255, 255, 255)),
        ("#0a0b0c", (10, 11, 12)),
        ("white", (255, 255, 255)),
        ("rgb(1, 2, 3)", (1, 2, 3)),
        ("url(x.png) #010203 no-repeat", (1, 2, 3)),
        ("#ffffff80", None),
        ("transparent", None),
        ("inherit", None),
        ("", None),
    ],
)
def test_colours(text, colour):
    assert parse(text) == colour


def test_contrast_is_that_of_wcag():
    black, white, grey = (0, 0, 0), (255, 255, 255), (118, 118, 118)
    assert contrast(black, white) == pytest.approx(21)
    assert contrast(white, white) == pytest.approx(1)
    assert contrast(grey, white) == contrast(white, grey) == pytest.approx(4.54, abs=0.01)


def test_nothing_is_wrong_with_a_good_post(project):
    assert check_post(sample_post(), project) == []
    assert (
        check_post(sample_post(pictures=(PostPicture(digest="d", alt="A table"),), thread=("More",)), project) == []
    )
    assert (
        check_post(sample_post(text="", length=0, pictures=(PostPicture(digest="d", alt="A table"),)), project)
        == []
    )


@pytest.mark.parametrize(
    ("rule", "level", "changes"),
    [
        ("post-empty", E, {"text": " "}),
        ("post-empty", E, {"thread": ("one", "")}),
        ("post-control", E, {"text": "a\x00b"}),
        ("post-control", E, {"thread": ("a\x85b",)}),
        ("post-long", E, {"length": 501}),
        ("post-link", W, {"link": "http://a.example"}),
        ("post-link", E, {"link": "/en/news"}),
        ("post-alt", E, {"pictures": (PostPicture(digest="d", alt=""),)}),
        ("post-naming", E, {"text": "Thanks to @{host}"}),
        ("post-naming", E, {"thread": ("Thanks to @{nobody}",)}),
        ("post-lang", E, {"lang": "fr"}),
    ],
)
def test_a_rule_on_posts_speaks(project, rule, level, changes):
    (finding,) = check_post(sample_post(**changes), project)
    assert (finding.rule, finding.level, finding.path) == (rule, level, "post (mastodon)")
    assert finding.fix


def test_a_decorative_picture_needs_no_words(project):
    assert check_post(sample_post(pictures=(PostPicture(digest="d", alt="", decorative=True),)), project) == []


def test_a_post_without_limit_may_be_long(project):
    assert check_post(sample_post(limit=0, length=10_000), project) == []
