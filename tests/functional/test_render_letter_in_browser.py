"""The letter as a browser shows it: nothing overflows, and every word can be read in light and in dark."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from dissemination.model import Audience, Edition, EventFacts, ItemType, Link, Slot
from dissemination.render import Rendering
from dissemination.testing.samples import sample_item, sample_picture, sample_project

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="no /usr/bin/chromium")

AT = datetime(2026, 12, 3, 8, 0, tzinfo=UTC)
BODY = (
    "<p>Text with <a href='https://example.eu'>a link</a>, <strong>weight</strong>, <code>code</code>.</p>"
    "<h2>Heading</h2><ul><li>item</li></ul><blockquote><p>quoted</p></blockquote><pre>verbatim</pre><hr>"
    "<table><caption>Table</caption><tr><th>head</th></tr><tr><td>cell</td></tr></table>"
    "<figure><figcaption>caption</figcaption></figure><dl><dt>term</dt><dd>meaning</dd></dl>"
)
#: Every visible text whose contrast with what lies behind it is below 4.5 (WCAG 2.2, 1.4.3).
WEAK = """() => {
  const parse = c => (c.match(/[\\d.]+/g) || []).map(Number);
  const linear = v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => { const f = v => linear(v / 255);
    return .2126 * f(r) + .7152 * f(g) + .0722 * f(b) };
  const behind = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c } return [255, 255, 255] };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), weak = [];
  for (let n; n = walker.nextNode();) {
    const e = n.parentElement;
    if (!n.data.trim() || !e.offsetParent || getComputedStyle(e).opacity === '0') continue;
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < 4.5) weak.push(`${n.data.trim().slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return weak;
}"""


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield running
        running.close()


def edition(kind):
    item = sample_item(
        html=BODY,
        correction="A year was wrong.",
        updated=AT,
        type=ItemType.EVENT,
        event=EventFacts(start=AT, place="Library", register_url="https://example.eu/register-here-and-now"),
        links=(Link(url="https://example.eu/report", text="Report"),),
        funding_note="Work package 2",
    )
    others = () if kind == "flash" else (sample_item(lang="ro", title="Titlu"), sample_item(image=None))
    return Edition(
        id="x",
        kind=kind,
        schedule="",
        at=AT,
        groups=tuple({one.lang: one} for one in (item, *others)),
        languages=("en",),
        audience=Audience(lists=("news",)),
        intro={"en": "Words at the top."},
        name={"en": "Microfuture News"},
    )


@pytest.fixture(scope="module", params=["digest", "flash"])
def html(request):
    project = sample_project()
    visual = replace(sample_picture(), width=600)
    pictures = {str(sample_item().image.file): replace(visual, width=1200), str(project.funding.visual): visual}
    made = Rendering(project).letter(edition(request.param), "en", pictures).html
    return "".join(f"https://hole.invalid/{part.name}" if isinstance(part, Slot) else part for part in made)


@pytest.fixture
def show(browser, html):
    opened = []

    def page(scheme, width=700, source=html):
        context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800}, offline=True)
        opened.append(context)
        shown = context.new_page()
        shown.set_content(source, wait_until="domcontentloaded")
        return shown

    yield page
    for context in opened:
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_word_has_contrast(show, scheme):
    assert show(scheme).evaluate(WEAK) == []


def test_the_measure_finds_what_is_weak(show, html):
    spoilt = html.replace("</body>", '<p style="color: #888; background-color: #999">hard to read</p></body>')
    assert show("light", source=spoilt).evaluate(WEAK) == ["hard to read: 1.24"]


def test_every_word_has_contrast_without_style_sheets(show, html):
    bare = html.replace("<style>", "<!-- <i>").replace("</style>", "</i> -->")
    assert bare != html
    assert show("light", source=bare).evaluate(WEAK) == []


@pytest.mark.parametrize("width", [320, 600, 1200])
def test_nothing_overflows(show, width):
    assert show("light", width).evaluate("document.documentElement.scrollWidth") <= width


def test_dark_is_dark(show):
    colour = "getComputedStyle(document.body).backgroundColor"
    assert show("dark").evaluate(colour) != show("light").evaluate(colour)


def test_the_funders_visual_keeps_its_white_ground_in_the_dark(show):
    ground = "getComputedStyle(document.querySelector('.visual')).backgroundColor"
    assert show("dark").evaluate(ground) == "rgb(255, 255, 255)"
