"""Every rule on items: once where it speaks, once where it is silent."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from PIL import Image as Pillow

from dissemination.checks import check_items
from dissemination.checks import items as items_module
from dissemination.model import EventFacts, Image, ItemStatus, ItemType, Level, Link, PostOverride, Reshare
from dissemination.testing import sample_item, sample_project

E, W, N = Level.ERROR, Level.WARNING, Level.NOTE
DAY = datetime(2026, 11, 12, 8, 0, tzinfo=UTC)  # a Thursday
HOUR = timedelta(hours=1)
SATURDAY = datetime(2026, 11, 14, 8, 0, tzinfo=UTC)


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "paris.png"
    Pillow.new("RGB", (1200, 800), (20, 90, 140)).save(path)
    return path


@pytest.fixture
def project(tmp_path, picture):
    project = sample_project(root=tmp_path)
    return replace(project, funding=replace(project.funding, visual=picture))


@pytest.fixture
def item(picture, tmp_path):
    """An item that nothing is wrong with."""

    def make(**changes):
        base = sample_item(folder=tmp_path, lines={"title": 2, "date": 3, "image": 4, "posts": 9, "posts.x": 10})
        return replace(base, **{"image": replace(base.image, file=picture), **changes})

    return make


@pytest.fixture
def found(project, item):
    """Rules and levels of the findings on an item with these changes, by rule."""

    def look(in_project=None, **changes):
        findings = check_items([item(**changes)], in_project or project)
        return {finding.rule: finding for finding in findings}

    return look


def test_nothing_is_wrong_with_a_good_item(found):
    assert found() == {}


CASES = [
    ("title-empty", E, "title", {"title": " "}),
    ("title-long", W, "title", {"title": "Partners " * 11}),
    ("title-capitals", W, "title", {"title": "PARTNERS MEET IN PARIS"}),
    ("title-full-stop", W, "title", {"title": "Partners meet in Paris."}),
    ("summary-missing", W, "summary", {"summary_given": False}),
    ("summary-missing", W, "summary", {"summary": "", "summary_given": False}),
    ("summary-long", W, "summary", {"summary": "s" * 161}),
    ("summary-long", E, "summary", {"summary": "s" * 301}),
    ("subject-long", W, "subject", {"subject": "s" * 61}),
    ("preheader-length", W, "preheader", {"preheader": "s" * 39}),
    ("preheader-length", W, "preheader", {"preheader": "s" * 131}),
    ("abbreviation", N, "body", {"markdown": "The ESIF pay for it.\n"}),
    ("date-missing", E, "date", {"date": None}),
    ("date-missing", N, "date", {"date": None, "status": ItemStatus.DRAFT}),
    ("weekend", N, "date", {"date": SATURDAY}),
    ("weekend", N, "publish_at", {"publish_at": SATURDAY}),
    ("publish-before-embargo", E, "publish_at", {"publish_at": DAY, "embargo_until": DAY + HOUR}),
    ("expires-before-date", E, "expires_at", {"expires_at": DAY - timedelta(days=1)}),
    ("expires-before-publish", E, "expires_at", {"publish_at": DAY + 5 * HOUR, "expires_at": DAY + HOUR}),
    ("updated-before-date", W, "updated", {"updated": DAY - timedelta(days=1)}),
    ("post-before-embargo", E, "posts.x.at", {"embargo_until": DAY, "posts": {"x": PostOverride(at=DAY - HOUR)}}),
    ("event-start", E, "event.start", {"type": ItemType.EVENT}),
    ("event-start", E, "event.start", {"type": ItemType.EVENT, "event": EventFacts(place="Paris")}),
    ("event-end", E, "event.end", {"event": EventFacts(start=DAY, end=DAY - HOUR)}),
    (
        "reshare-until",
        E,
        "reshare.until",
        {"reshare": Reshare(every=60, times=1, until=date(2027, 6, 1), texts=("Once more",))},
    ),
    ("reshare-texts", E, "reshare.text", {"reshare": Reshare(every=60, times=2, texts=("Once more",))}),
    ("reshare-texts", E, "reshare.text", {"reshare": Reshare(every=60, times=0)}),
    ("reshare-texts", E, "reshare.text", {"reshare": Reshare(every=9, times=2, texts=("Hi you", "hi  YOU"))}),
    ("reshare-texts", E, "reshare.text", {"title": "Day", "reshare": Reshare(every=9, times=1, texts=("day",))}),
    ("lang-unknown", E, "lang", {"lang": "fr"}),
    ("partner-unknown", E, "partner", {"partner": "led"}),
    ("partner-unknown", E, "partners", {"partners": ("lead", "hots")}),
    ("partner-unknown", E, "mentions", {"mentions": ("nobody",)}),
    ("partner-unknown", E, "title", {"title": "Thanks to @{hots}"}),
    ("partner-unknown", E, "body", {"html": "<p>Thanks to @{hots}</p>"}),
    ("partner-unknown", E, "links", {"links": (Link(url="https://a.eu/", text="Of @{hots}"),)}),
    ("partner-unknown", E, "event", {"event": EventFacts(start=DAY, place="At @{hots}")}),
    ("partner-unknown", E, "funding", {"funding_note": "By @{hots}"}),
    ("partner-unknown", E, "image", {"image": {"alt": "A talk of @{hots}"}}),
    ("partner-unknown", E, "posts.x", {"posts": {"x": PostOverride(text="Thanks to @{hots}")}}),
    ("partner-unknown", E, "posts.x", {"posts": {"x": PostOverride(reply_chain=("One", "By @{hots}"))}}),
    ("partner-unknown", E, "reshare", {"reshare": Reshare(every=9, times=1, texts=("By @{hots}",))}),
    ("category-unknown", E, "categories", {"categories": ("Green",)}),
    ("tag-spelling", W, "tags", {"tags": ("interregional",)}),
    ("hashtag-space", E, "hashtags", {"hashtags": ("Interreg Europe",)}),
    ("hashtag-signs", W, "hashtags", {"hashtags": ("micro-finance",)}),
    ("hashtag-signs", W, "hashtags", {"hashtags": ("2026",)}),
    ("list-unknown", E, "lists", {"lists": ("nwes",)}),
    ("machine-translation", E, "translation_kind", {"translation_kind": "machine"}),
    ("image-rights", W, "image.rights", {"image": {"rights": "unverified"}}),
    ("image-alt", E, "image.alt", {"image": {"alt": " "}}),
    ("image-basis", E, "image.basis", {"image": {"people": "identifiable"}}),
    ("image-consent", W, "image.consent_ref", {"image": {"people": "identifiable", "basis": "consent"}}),
    ("image-credit", W, "image.credit", {"image": {"credit": ""}}),
    ("image-missing", E, "image.src", {"image": {"file": None}}),
    ("post-alt", E, "posts.x.image", {"posts": {"x": PostOverride(image="a.png")}}),
    ("post-image", E, "posts.x.images", {"posts": {"x": PostOverride(images=("gone.png",))}}),
    ("post-lang", E, "posts.x.lang", {"posts": {"x": PostOverride(lang="fr")}}),
    ("attachment-missing", E, "attachments", {"attachments": ("none.pdf",)}),
    ("attachment-missing", E, "attachments", {"attachments": ("a\0b",)}),
    ("link-text", W, "links", {"links": (Link(url="https://a.example", text="Click here!"),)}),
    ("link-http", W, "links", {"links": (Link(url="http://a.example", text="The agenda"),)}),
    ("link-text", W, "body", {"html": '<p><a href="https://a.example">citește mai mult</a></p>'}),
    ("link-text", W, "body", {"html": '<p><a href="https://a.example"><em>Here</em>…</a></p>'}),
    ("link-text", W, "body", {"html": '<p><a href="https://a.example"><img src="a.png" alt=""></a></p>'}),
    ("link-http", W, "body", {"html": '<p><a title="x" href="http://a.example/?a=1&amp;b=2">The agenda</a></p>'}),
    ("link-http", W, "canonical_url", {"canonical_url": "http://a.example"}),
    ("link-lost", E, "canonical_url", {"canonical_url": "javascript:alert(1)"}),
    ("link-lost", E, "source_url", {"source_url": "www.example.eu/news"}),
    ("link-lost", E, "event.online_url", {"event": EventFacts(online_url="https://[broken")}),
    ("link-http", W, "event.register_url", {"event": EventFacts(register_url="http://a.example")}),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_a_rule_speaks(found, item, case):
    rule, level, field, changes = case
    if isinstance(changes.get("image"), dict):
        changes = {**changes, "image": replace(item().image, **changes["image"])}
    findings = found(**changes)
    assert list(findings) == [rule]
    assert (findings[rule].level, findings[rule].field) == (level, field)
    assert findings[rule].path == "news/third-meeting/index.md"
    assert findings[rule].message
    assert findings[rule].fix
    assert len(findings[rule].seen) <= 120


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "MICROFUTURE"},
        {"title": "MICROFUTURE: OIRBI"},
        {"title": "To be continued..."},
        {"title": "An EU day"},
        {"title": "3"},
        {"summary": "s" * 160},
        {"subject": "s" * 60},
        {"preheader": "s" * 40},
        {"preheader": "s" * 100},
        {"markdown": "The Structural Funds (ESIF) pay. ESIF again. OIRBI and MICROFUTURE, part III, a PDF.\n"},
        {"markdown": "ESIF (the Structural Funds) pay.\n"},
        {"date": None, "status": ItemStatus.DRAFT, "lang": "en"},
        {"publish_at": DAY, "embargo_until": DAY},
        {"expires_at": DAY + timedelta(days=1), "updated": DAY},
        {"posts": {"x": PostOverride(at=DAY)}, "embargo_until": DAY},
        {"type": ItemType.EVENT, "event": EventFacts(start=DAY, end=DAY + HOUR)},
        {"reshare": Reshare(every=60, times=1, until=date(2027, 5, 31), texts=("Once more", "And again"))},
        {"partner": ""},
        {"partners": ("host", "lead"), "mentions": ("host",)},
        {"categories": ("A MORE social Europe",)},
        {"tags": ("Something else",)},
        {"hashtags": ("#Românește", "Interreg_2026")},
        {"lists": ("news",)},
        {"event": EventFacts(start=DAY, end=DAY + HOUR, register_url="mailto:events@a.example")},
        {"canonical_url": "HTTPS://a.example/news"},
        {"translation_kind": "machine", "reviewed_by": "Ana"},
        {"image": None},
        {"posts": {"x": PostOverride(image="a.png", alt="A table", lang="ro")}},
        {"links": (Link(url="https://a.example", text="Agenda"), Link(url="https://a.example"))},
        {"html": '<p><a href="#fn-1" id="r">1</a> <a href="https://a.example">Here is the agenda</a></p>'},
        {"html": '<p><a href="https://a.example"><img src="a.png" alt="The agenda"></a></p>'},
    ],
)
def test_rules_are_silent(found, changes):
    findings = {rule: finding for rule, finding in found(**changes).items() if finding.level is not N}
    assert findings == {}


def test_lines_are_those_of_the_field_or_of_what_encloses_it(found):
    assert found(title="")["title-empty"].line == 2
    assert found(date=None)["date-missing"].line == 3
    assert found(posts={"x": PostOverride(lang="fr")})["post-lang"].line == 10
    assert found(posts={"y": PostOverride(lang="fr")})["post-lang"].line == 9
    assert found(lists=("x",))["list-unknown"].line == 0


def test_a_pictures_own_line_wins(found, item):
    assert found(image=replace(item().image, alt="", line=7))["image-alt"].line == 7


def test_a_link_in_the_body_has_its_line_where_the_body_is_known(found, item):
    lines = {"body": 12}
    html, markdown = '<p><a href="http://a.example">Agenda</a></p>', "One\n\nTwo [Agenda](http://a.example)\n"
    assert found(html=html, markdown=markdown, lines=lines)["link-http"].line == 14
    assert found(html=html, markdown=markdown)["link-http"].line == 0


def test_capitals_are_offered_as_a_sentence(found, project):
    findings = found(
        replace(project, glossary=("France",)), title="MICROFUTURE PARTNERS GATHER IN FRANCE FOR THE 3RD MEETING"
    )
    assert findings["title-capitals"].fix == "title: MICROFUTURE partners gather in France for the 3rd meeting"


def test_capitals_beyond_ascii(found):
    assert found(title="ȘTIRI DIN BUCUREȘTI")["title-capitals"].fix == "title: Știri din bucurești"


def test_the_nearest_word_is_offered(found):
    assert found(partner="led")["partner-unknown"].fix == "write `lead`"
    assert found(categories=("Evnts",))["category-unknown"].fix == "write `Events`"
    assert found(lists=("nwes",))["list-unknown"].fix == "write `news`"
    assert found(summary="By @{hots}")["partner-unknown"].fix == "write `host`"
    assert found(mentions=("zzzz",))["partner-unknown"].fix == "write one of: host, lead"
    assert found(hashtags=("interreg europe",))["hashtag-space"].fix == "write `InterregEurope`"


def test_unknown_tags_where_only_known_ones_are_wished(found, project):
    strict = replace(project, free_tags=False)
    assert found(strict, tags=("Regionl",))["tag-unknown"].fix == "write `Regional`"
    assert "tag-unknown" not in found(strict, tags=("Regional",))


def test_the_projects_zone_decides_what_a_weekend_is(found, project):
    friday_night = datetime(2026, 11, 13, 23, 0, tzinfo=UTC)  # one o'clock on Saturday in Bucharest
    assert "weekend" in found(date=friday_night)
    assert "weekend" not in found(replace(project, timezone="UTC"), date=friday_night)


def test_a_project_without_an_end_has_endless_reshares(found, project):
    late = Reshare(every=60, times=1, until=date(2099, 1, 1), texts=("Once more",))
    assert found(replace(project, end=None), reshare=late) == {}
    assert found(replace(project, end=date(2026, 1, 1)), reshare=late)


@pytest.mark.parametrize("key", ["visual.alt.ro", "statement.ro"])
def test_each_language_needs_its_own_funding_words(found, project, key):
    field = {"visual.alt.ro": "visual_alt", "statement.ro": "statement"}[key]
    lacking = replace(project, funding=replace(project.funding, **{field: {"en": "words"}}))
    assert found(lacking) == {}
    finding = found(lacking, lang="ro")["funding-missing"]
    assert finding.level is E
    assert f"funding.{key}" in finding.message


def test_the_visual_must_be_there(found, project, tmp_path):
    for visual in (None, tmp_path / "none.png"):
        lacking = replace(project, funding=replace(project.funding, visual=visual))
        assert "funding.visual.src" in found(lacking)["funding-missing"].message


def test_pictures_in_the_body_need_alt_but_no_credit(found, item):
    image = Image(src="a.png", file=item().image.file, alt="A table")
    assert found(images=(image,), html='<img src="a.png" alt="A table">') == {}
    assert list(found(images=(image,))) == ["image-credit"]
    assert list(found(images=(replace(image, alt="", decorative=True),))) == []
    assert found(images=(replace(image, alt=""),), html='<img src="a.png">')["image-alt"].field == "images.alt"


def test_a_pictures_file(found, item, tmp_path):
    def at(path):
        return found(image=replace(item().image, src=path.name, file=path))

    narrow, text, svg, gone = (tmp_path / name for name in ("narrow.webp", "text.png", "drawing.png", "gone.png"))
    Pillow.new("RGB", (1199, 10)).save(narrow)
    text.write_text("no picture")
    svg.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    assert list(at(narrow)) == ["image-narrow"]
    assert list(at(text)) == ["image-unreadable"]
    assert list(at(svg)) == ["image-unreadable"]
    assert list(at(gone)) == ["image-missing"]


def test_a_heavy_picture(found, item, picture):
    with picture.open("ab") as stream:
        stream.truncate(5_000_001)
    assert list(found()) == ["image-bytes"]


@pytest.mark.parametrize("side", [12_000, 20_000])
def test_a_bomb_is_refused_by_its_header(found, item, tmp_path, side):
    bomb = tmp_path / "bomb.png"
    Pillow.new("1", (side, side)).save(bomb)
    started = time.process_time()
    assert list(found(image=replace(item().image, file=bomb))) == ["image-pixels"]
    assert time.process_time() - started < 20


def test_a_pictures_header_is_read_again_when_the_file_changes(found, picture):
    assert found() == {}
    Pillow.new("RGB", (600, 400)).save(picture)
    assert list(found()) == ["image-narrow"]


def test_a_heavy_attachment(found, tmp_path):
    (tmp_path / "minutes.pdf").write_bytes(b"x")
    assert found(attachments=("minutes.pdf",)) == {}
    with (tmp_path / "minutes.pdf").open("ab") as stream:
        stream.truncate(10_000_001)
    assert list(found(attachments=("minutes.pdf",))) == ["attachment-bytes"]


def test_two_items_may_not_share_an_id(project, item):
    one = item(path="news/a.md", slug="a", translation_key="a")
    two = item(path="news/b.md", slug="b", translation_key="b")
    findings = check_items([one, two], project)
    assert [(f.rule, f.level, f.path) for f in findings] == [
        ("id-duplicate", E, "news/a.md"),
        ("id-duplicate", E, "news/b.md"),
    ]
    assert "news/b.md" in findings[0].message


def test_language_versions_may_share_an_id_and_a_slug(project, item):
    assert check_items([item(path="a.md"), item(path="a.ro.md", lang="ro")], project) == []


def test_a_slug_is_unique_in_its_language(project, item):
    one = item(path="news/a.md", id="a", translation_key="a")
    two = item(path="news/b.md", id="b", translation_key="b")
    assert {f.rule for f in check_items([one, two], project)} == {"slug-duplicate"}
    assert check_items([one, replace(two, lang="ro")], project) == []


def test_an_item_has_one_file_a_language(project, item):
    one, two = item(path="news/a.md", slug="a"), item(path="news/b.md", slug="b")
    assert {(f.rule, f.path) for f in check_items([one, two], project)} == {
        ("translation-duplicate", "news/a.md"),
        ("translation-duplicate", "news/b.md"),
    }


def test_findings_are_sorted_by_file_and_line(project, item):
    bad = {"title": "", "date": None, "image": None, "lists": ("x",)}
    items = [item(path=f"news/{name}.md", slug=name, id=name, translation_key=name, **bad) for name in "ba"]
    findings = check_items(items, project)
    assert [(f.path, f.line) for f in findings] == [
        (f"news/{name}.md", line) for name in "ab" for line in (0, 2, 3)
    ]


def test_a_rule_that_fails_costs_only_itself(monkeypatch, project, item):
    def broken(item, project):
        raise ZeroDivisionError

    monkeypatch.setattr(items_module, "RULES", (broken, *items_module.RULES))
    findings = check_items([item(title="")], project)
    assert [(f.rule, f.level) for f in findings] == [("check-failed", E), ("title-empty", E)]
    assert "broken failed: ZeroDivisionError" in findings[0].message


def test_links_that_never_end_cost_little(found):
    started = time.process_time()
    found(html='<a href="x">' * 20_000)
    found(html='<a href="' * 20_000)
    found(html="<a " * 50_000)
    assert time.process_time() - started < 20
