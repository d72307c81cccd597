"""Rules on letters about links, privacy, duties, dark mode and the twin: where they speak and where not."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from dissemination.checks import check_letter
from dissemination.model import Level, Slot
from dissemination.testing import sample_project

E, W = Level.ERROR, Level.WARNING
MEDIA = "https://news.example.eu/media/a.png"
DARK = "@media (prefers-color-scheme: dark) {{ {} }}"


@pytest.fixture
def project():
    return sample_project(mail_programs=())


@pytest.fixture
def found(letters, project):
    def look(content="", head="", in_project=project, **changes):
        return check_letter(letters.good_letter(content, head, **changes), in_project)

    return look


def link(text, url="https://a.example/", more=""):
    return f'<a style="color:#005" href="{url}" {more}>{text}</a>'


@pytest.mark.parametrize(
    ("rule", "level", "content"),
    [
        ("letter-link-text", W, link("Click here")),
        ("letter-link-text", W, link("citiți mai mult »")),
        ("letter-link-text", W, link("leggi di più")),
        ("letter-link-text", W, link("")),
        ("letter-link-text", W, link(f'<img src="{MEDIA}" alt="">')),
        ("letter-link-text", W, link("The report", more='aria-label="here"')),
        ("letter-link-bare", W, link("https://a.example/a/long/address")),
        ("letter-link-same", W, link("The report") + link("the report", "https://b.example/")),
        ("letter-link", E, link("The report", "https://")),
        ("letter-link", E, link("The report", "https://[half")),
        ("letter-link", E, link("The report", "ftp://a.example/")),
        ("letter-alt", W, f'<img src="{MEDIA}" alt="IMG_2044.JPG">'),
        ("letter-tracking", E, f'<img src="{MEDIA}" alt="" width="2">'),
        ("letter-tracking", E, f'<img src="{MEDIA}" alt="" style="height: 2px">'),
        ("letter-tracking", E, f'<img src="{MEDIA}?reader=7" alt="A table">'),
        ("letter-remote", E, '<img src="https://news.example.eu/media/other.png" alt="A table">'),
        ("letter-remote", E, '<img src="https://news.example.eu/logo.png" alt="A logo">'),
        ("letter-active", E, "<form></form>"),
        ("letter-active", E, "<script>alert(1)</script>"),
        ("letter-active", E, "<iframe></iframe>"),
        ("letter-active", E, "<video></video>"),
        ("letter-leftover", E, "<p>Dear {{ name }}</p>"),
        ("letter-leftover", E, "<p>{% if x %}</p>"),
        ("letter-leftover", E, "<p>*|FNAME|*</p>"),
        ("letter-leftover", E, "<p>@@slot@@</p>"),
        ("letter-leftover", E, "<mj-divider></mj-divider>"),
        ("letter-leftover", E, f'<img src="{MEDIA}" alt="caf\\u{{e9}}">'),
    ],
)
def test_a_rule_speaks(found, rule, level, content):
    (finding,) = found(content)
    assert (finding.rule, finding.level) == (rule, level)
    assert finding.fix


@pytest.mark.parametrize(
    "content",
    [
        link("The report") + link("The report"),
        link("Read on", more='aria-label="Read on: one"')
        + link("Read on", "https://b.example/", 'aria-label="Read on: two"'),
        link("www.example.eu"),
        link(f'<img src="{MEDIA}" alt="The report">'),
        link("Call us", "tel:+40123"),
        "<p>80 % of {braces} and 5 %} alone</p>",
        "<style>@media print{a{color:red}}</style>",
        f'<img src="{MEDIA}" alt="A table" width="20">',
    ],
)
def test_rules_are_silent(found, content):
    assert found(content) == []


def test_a_page_that_leads_on_by_itself(found):
    (finding,) = found(head='<meta http-equiv="Refresh" content="0;url=https://a.example/">')
    assert finding.rule == "letter-active"


@pytest.mark.parametrize(
    ("before", "slot", "after"),
    [
        ('<a style="color:#005" href="https://a.example/?who=', "email", '">The report</a>'),
        ('<a style="color:#005" href="', "name", '">The report</a>'),
        ('<a style="color:#005" href="https://a.example/?next=', "unsubscribe_url", '">The report</a>'),
        (f'<img alt="A table" src="{MEDIA}#', "email", '">'),
        ('<p title="', "name", '">Hello</p>'),
    ],
)
def test_what_is_known_of_a_reader_stands_in_no_tag(letters, project, before, slot, after):
    base = letters.good_letter()
    html = (*base.html[:2], base.html[2] + before, Slot(name=slot), after, *base.html[3:])
    # The rest of the good letter follows: its last piece begins inside a tag of its own.
    html = (*html[:5], "<a style='color:#005' href=\"", *html[5:])
    rules = {finding.rule for finding in check_letter(replace(base, html=html), project)}
    assert "letter-personal" in rules


def test_a_reader_may_be_named_in_words(letters, project):
    assert check_letter(letters.good_letter("<p>Hello</p>"), project) == []


@pytest.mark.parametrize(
    ("rules", "weak"),
    [
        ("p { color: #333 !important; } div { background-color: #111 !important; }", True),
        ("p, h1, h2, a { color: #ddd !important; } div { background-color: #111 !important; }", False),
        # Without its own ground the body is dark, and the letter's <div> stays white.
        ("p { color: #fff !important; }", True),
    ],
)
def test_the_dark_is_looked_at_with_the_letters_own_rules(found, rules, weak):
    findings = found(head=f"<style>{DARK.format(rules)}</style>")
    assert ("letter-contrast" in {finding.rule for finding in findings}) is weak
    assert all("dark mode" in finding.message for finding in findings)


def test_other_media_queries_are_not_the_dark(found):
    assert found(head="<style>@media (max-width: 400px) { p { color: #eee !important; } }</style>") == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("The authors alone answer for these views.", "", "disclaimer"),
        ("Co-funded by\n the European Union", "", "statement"),
        ("The programme's visual", "A picture", "visual"),
    ],
)
def test_each_piece_of_the_funding_block_is_a_duty(letters, project, old, new, said):
    base = letters.good_letter()
    html = tuple(part.replace(old, new) if isinstance(part, str) else part for part in base.html)
    (finding,) = check_letter(replace(base, html=html), project)
    assert finding.rule == "letter-funding"
    assert said in finding.message


def test_an_empty_twin(found):
    rules = [finding.rule for finding in found(text=())]
    assert rules[0] == "letter-text"
    assert set(rules) == {"letter-text", "letter-unsubscribe", "letter-funding"}


def test_a_twin_that_tells_another_story(found):
    story = " ".join(f"<p>Sentence about {word}</p>" for word in WORDS)
    (finding,) = found(story)
    assert (finding.rule, finding.level) == ("letter-text", W)
    assert "alder" in finding.seen


WORDS = """alder birch cedar elder hazel holly laurel maple olive poplar rowan spruce walnut willow aspen
beech chestnut cherry cypress hawthorn juniper larch linden mulberry acacia almond apple apricot""".split()  # noqa: SIM905 -- a list of quoted words is harder to read


@pytest.mark.parametrize("subject", ["{{ title }}", "%%TITLE%%"])
def test_a_subject_that_nobody_filled_in(found, subject):
    assert [finding.rule for finding in found(subject=subject)] == ["letter-leftover"]


def test_characters_are_counted_as_readers_count(found):
    family = "👨‍👩‍👧‍👦"
    assert found(subject=family * 60) == []
    assert [finding.rule for finding in found(subject=family * 61)] == ["letter-subject-long"]


@pytest.mark.parametrize(
    "head",
    [
        "<style>" + "@media (prefers-color-scheme: dark) { p { color: red } }" * 3000 + "</style>",
        "<style>" + "{" * 100_000 + "</style>",
        "<style>" + "a:hover{" * 30_000 + "</style>",
        "<style>@media (prefers-color-scheme: dark) {" + "(" * 100_000 + "</style>",
    ],
)
def test_hostile_styles_cost_little_time(found, head):
    started = time.process_time()
    found(head=head, in_project=sample_project())
    assert time.process_time() - started < 10
