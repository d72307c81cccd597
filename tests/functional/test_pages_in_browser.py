"""Public pages in a browser, under the strictest policy: accessible, nothing overflows, nobody else is asked."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from dissemination.files import digest_of
from dissemination.model import Audience, Edition, EventFacts, ItemType, Link, Picture
from dissemination.render import Rendering
from dissemination.testing import sample_item, sample_picture, sample_project

POLICY = "default-src 'none'; img-src 'self'; style-src 'self'"
LANGUAGES = ("en", "fr", "it", "ro", "sl", "sv", "de")
PROJECT = sample_project(
    languages=LANGUAGES,
    funding=replace(
        sample_project().funding,
        visual_alt=dict.fromkeys(LANGUAGES, "Co-funded by the European Union"),
        statement=dict.fromkeys(LANGUAGES, "Co-funded by the European Union, through Interreg Europe"),
        disclaimer=dict.fromkeys(LANGUAGES, "The authors alone answer for the views expressed here."),
    ),
    imprint=dict.fromkeys(LANGUAGES, "OIRBI, 1 Example Street\nBucharest"),
)
AT = datetime(2026, 11, 12, 8, 0, tzinfo=UTC)
BODY = (
    "<p>Text with <a href='https://example.eu'>a link</a>, <strong>weight</strong>, <code>code</code>.</p>"
    "<h2>What they saw</h2><ul><li>one</li><li>two</li></ul>"
    "<blockquote><p>Small loans, large effect.</p></blockquote>"
    "<pre>verbatim that is quite long and would make a narrow page scroll sideways if nobody took care</pre><hr>"
    "<table><caption>Loans</caption>"
    "<thead><tr><th>Region</th><th>Loans granted in the year</th><th>Firms</th></tr></thead>"
    "<tbody><tr><td>Călărași</td><td>120</td><td>98</td></tr></tbody></table>"
    "<p>Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaftsmitgliederversammlung.</p>"
)
EVENT = EventFacts(
    start=datetime(2026, 12, 3, 8, 0, tzinfo=UTC),
    end=datetime(2026, 12, 3, 10, 30, tzinfo=UTC),
    tz="Europe/Bucharest",
    place="Library",
    address="1 Example Street",
    online_url="https://meet.example.eu/a-room-with-a-long-name/0123456789",
    register_url="https://example.eu/register",
)
PAGES = {
    "item": "/en/news/third-meeting/",
    "romanian": "/ro/news/third-meeting/",
    "slovene": "/sl/news/third-meeting/",
    "withdrawn": "/en/news/gone/",
    "index": "/",
    "feeds": "/feeds/",
    "feed": "/en/social/",
    "digest": "/e/weekly-2026-W48/en/",
    "digest-de": "/e/weekly-2026-W48/de/",
    "flash": "/e/flash-third-meeting/en/",
}


def item(lang="en", **changes):
    facts = {
        "lang": lang,
        "type": ItemType.EVENT,
        "html": BODY,
        "event": EVENT,
        "correction": "The meeting was on 15 and 16 May.",
        "attachments": ("agenda.pdf",),
        "links": (Link(url="https://example.eu/report", text="The report of the first meeting"),),
        "funding_note": "Work package 2",
    }
    return sample_item(**(facts | changes))


@pytest.fixture(scope="module")
def site():
    """Path -> bytes of a whole site, with its pictures and an edition."""
    lead = sample_picture((20, 90, 140), size=(1200, 675))
    visual = sample_picture((10, 60, 160), (360, 80))
    agenda = Picture(digest=digest_of(b"pdf"), media_type="application/pdf", width=0, height=0, body=b"pdf" * 9000)
    first = item()
    pictures = {
        str(first.image.file): lead,
        str(PROJECT.funding.visual): visual,
        str(first.folder / "agenda.pdf"): agenda,
    }

    class Shop:
        def prepare(self, image):
            return visual

        def shrink(self, picture, max_bytes, max_side):
            return picture

    maker = Rendering(PROJECT, shop=Shop())
    versions = {lang: item(lang) for lang in LANGUAGES}
    entries = [maker.entry(one, pictures, versions) for one in versions.values()]
    entries.append(replace(maker.entry(item(slug="gone", id="gone"), pictures, {}), withdrawn=True))
    files = dict(maker.files(replace(one, published=AT, updated=AT.replace(day=14)) for one in entries))
    for kind, name in (("digest", "weekly-2026-W48"), ("flash", "flash-third-meeting")):
        edition = Edition(
            id=name,
            kind=kind,
            schedule="",
            at=AT,
            groups=(versions, {"en": sample_item(slug="b", image=None)})[: 1 if kind == "flash" else 2],
            languages=LANGUAGES,
            audience=Audience(lists=("news",)),
            intro={"en": "Words at the top."},
            name={"en": "Microfuture News"},
        )
        files |= maker.edition(name, {lang: maker.letter(edition, lang, pictures) for lang in LANGUAGES})
    return files | {f"media/{picture.name}": picture.body for picture in (lead, visual, agenda)}


@pytest.fixture
def show(browser, site):
    """show(path, width, scheme): the page under the policy; it may ask for nothing else and complain of nothing."""
    opened, strangers, complaints = [], [], []

    def answer(route):
        url = urlsplit(route.request.url)
        name = url.path.lstrip("/")
        name += "index.html" if not name or name.endswith("/") else ""
        if f"{url.scheme}://{url.netloc}" != PROJECT.public_url or name not in site:
            strangers.append(route.request.url)
            return route.abort()
        kind = {"html": "text/html; charset=utf-8", "css": "text/css", "png": "image/png"}[name.rpartition(".")[2]]
        headers = {"content-type": kind, "content-security-policy": POLICY, "x-content-type-options": "nosniff"}
        return route.fulfill(body=site[name], headers=headers)

    def page(path, width=1280, scheme="light", **options):
        context = browser.new_context(
            color_scheme=scheme, viewport={"width": width, "height": 800}, reduced_motion="reduce", **options
        )
        opened.append(context)
        context.route("**/*", answer)
        looked = context.new_page()
        looked.on("console", lambda said: said.type in {"error", "warning"} and complaints.append(said.text))
        looked.goto(f"{PROJECT.public_url}{path}", wait_until="load")
        return looked

    yield page
    for context in opened:
        context.close()
    assert strangers == []
    # Chromium asks for an icon by itself.
    assert [said for said in complaints if "favicon" not in said] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_no_violations_and_nothing_overflows(show, browsing, name, width, scheme):
    page = show(PAGES[name], width, scheme)
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=Path(folder) / f"{name}-{width}-{scheme}.png", full_page=True)
    assert browsing.violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(browsing.BEYOND) == []


def test_planted_faults_are_found(show, browsing):
    page = show(PAGES["item"])
    page.evaluate("""() => {
      document.querySelector('main img').removeAttribute('alt');
      document.querySelector('label').remove();
      document.querySelector('h1').outerHTML = '<p>No heading</p>'; }""")
    assert {"image-alt", "label", "page-has-heading-one"} <= {rule for rule, _ in browsing.violations(page)}


def test_the_policy_is_at_work(show, site, browser):
    """A style in a tag does nothing: whatever slips into a template is found here."""
    context = browser.new_context()
    page = context.new_page()
    html = b"<!doctype html><body style='color: rgb(9, 9, 9)'><script>document.title = 'ran'</script>"
    page.route("**/*", lambda route: route.fulfill(body=html, headers={"content-security-policy": POLICY}))
    page.goto(PROJECT.public_url)
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert page.title() == ""
    context.close()


def test_the_first_stop_of_the_keyboard_leads_to_the_content(show):
    page = show(PAGES["item"])
    page.keyboard.press("Tab")
    skip = page.locator(":focus")
    assert skip.inner_text() == "Skip to the content"
    assert skip.bounding_box()["y"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_focus_can_be_seen_everywhere(show):
    page = show(PAGES["item"])
    stops = page.evaluate("document.querySelectorAll('a[href], input').length")
    unseen = []
    for _ in range(stops):
        page.keyboard.press("Tab")
        unseen += page.evaluate("""() => { const e = document.activeElement, s = getComputedStyle(e);
          return s.outlineStyle === 'none' || parseFloat(s.outlineWidth) < 2 ? [e.outerHTML] : [] }""")
    assert unseen == []


@pytest.mark.parametrize("width", [360, 1280])
def test_links_that_stand_alone_have_room_for_a_finger(show, width):
    alone = ".switch a, .share a, .ways a, .files a"
    heights = show(PAGES["item"], width).evaluate(
        "which => [...document.querySelectorAll(which)].map(a => a.getBoundingClientRect().height)", alone
    )
    assert len(heights) >= 12
    assert min(heights) >= 24


def test_without_scripts_the_page_is_the_same(show):
    page = show(PAGES["item"], java_script_enabled=False)
    assert page.locator("h1").inner_text() == "Partners meet in Paris for the third time"
    assert page.locator("table.facts").is_visible()


def test_on_paper_there_is_the_text_and_no_way_to_click(show):
    page = show(PAGES["item"], 794, "dark")
    page.emulate_media(media="print", color_scheme="dark")
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=Path(folder) / "print.png", full_page=True)
    for hidden in (".switch", ".share", ".ways", ".skip"):
        assert not page.locator(hidden).is_visible()
    for there in ("h1", ".facts", ".funding", ".imprint"):
        assert page.locator(there).is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.prose a'), '::after').content")
        == '" (https://example.eu)"'
    )
