"""The letter as a browser shows it: nothing overflows, and every word can be read in light and in dark."""

from datetime import UTC, datetime

import pytest

from dissemination.model import Audience, Edition, EventFacts, ItemType, Link, Slot
from dissemination.render import Rendering
from dissemination.testing.samples import sample_item, sample_picture, sample_project

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

#: Elements that stick out of the window on the right.
BEYOND = """() => [...document.body.querySelectorAll('*')]
  .filter(e => e.offsetParent && e.getBoundingClientRect().right > innerWidth + .5).map(e => e.tagName)"""
#: Every picture with words, as it is shown: whether it is there, its place, size and contrast of its words.
ALTERNATIVES = """() => {
  const parse = c => (c.match(/[\\d.]+/g) || []).map(Number);
  const linear = v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = c => { const [r, g, b] = parse(c).map(v => linear(v / 255)); return .2126*r + .7152*g + .0722*b };
  return [...document.images].filter(i => i.alt).map(i => {
    const s = getComputedStyle(i), box = i.getBoundingClientRect();
    const [a, b] = [light(s.color), light(s.backgroundColor)].sort((x, y) => y - x);
    return {alt: i.alt, there: i.naturalWidth > 0, ratio: (a + .05) / (b + .05), size: parseFloat(s.fontSize),
            width: box.width, height: box.height} });
}"""
#: Words below 14 pixels.
SMALL = """() => { const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), small = [];
  for (let n; n = walker.nextNode();) { const e = n.parentElement;
    if (n.data.trim() && e.offsetParent && parseFloat(getComputedStyle(e).fontSize) < 14)
      small.push(n.data.trim()) }
  return small }"""


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


@pytest.fixture(scope="module")
def pictures():
    """Path of a picture's file -> picture, as large as a letter's are."""
    project = sample_project()
    visual = sample_picture((250, 250, 250), (360, 80))
    return {str(sample_item().image.file): sample_picture(size=(1200, 675)), str(project.funding.visual): visual}


@pytest.fixture(scope="module", params=["digest", "flash"])
def html(request, pictures):
    made = Rendering(sample_project()).letter(edition(request.param), "en", pictures).html
    return "".join(f"https://hole.invalid/{part.name}" if isinstance(part, Slot) else part for part in made)


@pytest.fixture
def show(browser, html, pictures):
    """show(scheme, width): the letter, with its declared pictures if `shown`; it may ask for nothing else."""
    opened, strangers = [], []
    bodies = {f"https://news.example.eu/media/{picture.name}": picture.body for picture in pictures.values()}

    def page(scheme="light", width=700, source=html, *, shown=True):
        def answer(route):
            url = route.request.url
            if url not in bodies:
                strangers.append(url)
            if shown and url in bodies:
                route.fulfill(body=bodies[url])
            else:
                route.abort()

        context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800})
        opened.append(context)
        context.route("**/*", answer)
        looked = context.new_page()
        looked.set_content(source, wait_until="load")
        return looked

    yield page
    for context in opened:
        context.close()
    assert strangers == []


@pytest.mark.parametrize("shown", [True, False])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_word_has_contrast(show, scheme, shown):
    assert show(scheme, shown=shown).evaluate(WEAK) == []


def test_the_measure_finds_what_is_weak(show, html):
    spoilt = html.replace("</body>", '<p style="color: #888; background-color: #999">hard to read</p></body>')
    assert show(source=spoilt).evaluate(WEAK) == ["hard to read: 1.24"]


def test_every_word_has_contrast_without_style_sheets(show, html):
    bare = html.replace("<style>", "<!-- <i>").replace("</style>", "</i> -->")
    assert bare != html
    assert show(source=bare).evaluate(WEAK) == []


@pytest.mark.parametrize("shown", [True, False])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 600, 1200])
def test_nothing_overflows(show, width, scheme, shown):
    page = show(scheme, width, shown=shown)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(BEYOND) == []


def test_the_measure_finds_what_overflows(show, html):
    spoilt = html.replace("</body>", '<p style="width: 900px">too wide</p></body>')
    assert show(width=600, source=spoilt).evaluate(BEYOND) == ["P"]


def test_dark_is_dark(show):
    colour = "getComputedStyle(document.body).backgroundColor"
    assert show("dark").evaluate(colour) != show("light").evaluate(colour)


@pytest.mark.parametrize("selector", [".plate", ".visual"])
def test_the_funders_visual_keeps_its_white_ground_in_the_dark(show, selector):
    ground = f"getComputedStyle(document.querySelector('{selector}')).backgroundColor"
    assert show("dark").evaluate(ground) == "rgb(255, 255, 255)"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures_that_are_off_say_what_they_show(show, scheme):
    page = show(scheme, 600, shown=False)
    told = page.evaluate(ALTERNATIVES)
    assert told
    for picture in told:
        assert picture["alt"]
        assert not picture["there"]
        assert picture["ratio"] >= 4.5, picture
        assert picture["size"] >= 16
        # Its words have room: as wide as the picture would be, and as high as a line at least.
        assert picture["width"] >= 150
        assert picture["height"] >= 20


def test_pictures_that_are_on_are_there(show):
    assert all(picture["there"] for picture in show().evaluate(ALTERNATIVES))


@pytest.mark.parametrize("width", [320, 600])
def test_buttons_and_ways_out_can_be_touched(show, width):
    heights = show(width=width).evaluate(
        "[...document.querySelectorAll('.more a, .footer a')].map(a => a.getBoundingClientRect().height)"
    )
    assert len(heights) >= 4
    assert min(heights) >= 44


def test_no_word_is_small(show):
    assert show(width=320).evaluate(SMALL) == []


def test_whatever_else_it_asks_for_is_noticed(browser, html):
    asked = []
    context = browser.new_context()
    context.route("**/*", lambda route: (asked.append(route.request.url), route.abort()))
    spoilt = html.replace("</body>", '<img src="https://elsewhere.example/pixel.gif" alt=""></body>')
    context.new_page().set_content(spoilt, wait_until="load")
    context.close()
    assert "https://elsewhere.example/pixel.gif" in asked
