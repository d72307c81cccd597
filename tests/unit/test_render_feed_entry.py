"""An item becomes an entry that can be shown anywhere."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from dissemination.model import Image, Site
from dissemination.render import bodies, feed
from dissemination.testing import sample_item, sample_picture, sample_project

SITE = Site(public_url="https://news.example.eu")
LEAD, OTHER = sample_picture(), sample_picture((90, 10, 10))
PAGE = "https://news.example.eu/en/news/third-meeting/"


def pictures(item, **by_name):
    known = {str(item.folder / name.replace("_", ".")): picture for name, picture in by_name.items()}
    return known | ({str(item.image.file): LEAD} if item.image else {})


def make(item, translations=None, **by_name):
    return feed.entry(item, pictures(item, **by_name), translations or {}, sample_project(), SITE)


def test_the_id_follows_from_the_items_id_alone():
    first = make(sample_item())
    moved = sample_item(title="New", slug="new", folder=Path("/elsewhere"), canonical_url="https://other.example/x")
    elsewhere = feed.entry(moved, {}, {}, sample_project(), Site(public_url="https://moved.example"))
    assert first.id == elsewhere.id == "urn:uuid:c1722a6e-e1e2-5881-9d27-f3287f48b70c"
    assert make(sample_item(id="other")).id != first.id


def test_facts_are_carried_over():
    item = sample_item(correction="It was\n15 May.", expires_at=sample_item().date)
    entry = make(item, {"ro": sample_item(lang="ro", slug="a-treia"), "en": item})
    assert (entry.item_id, entry.lang, entry.path, entry.url) == (item.id, "en", "en/news/third-meeting/", PAGE)
    assert (entry.date, entry.expires_at, entry.correction) == (item.date, item.date, "It was 15 May.")
    assert (entry.categories, entry.topic, entry.tags) == (("Social",), "Social", ("Interregional",))
    assert entry.translations == {"ro": "https://news.example.eu/ro/news/a-treia/"}
    assert entry.published is entry.updated is None


def test_the_link_is_the_page_the_author_calls_canonical():
    assert (
        make(sample_item(canonical_url="https://programme.example/news/1")).url
        == "https://programme.example/news/1"
    )
    assert make(sample_item(canonical_url="javascript:alert(1)")).url == PAGE


def test_the_lead_picture_comes_first_with_caption_and_credit():
    entry = make(sample_item())
    assert entry.picture.url == f"https://news.example.eu/media/{LEAD.name}"
    assert (entry.picture.size, entry.picture.media_type) == (len(LEAD.body), "image/png")
    assert entry.html.startswith(
        f'<figure><img src="{entry.picture.url}" width="64" height="36" alt="Twelve people'
    )
    assert "<figcaption>The partners in Paris <small>OIRBI</small></figcaption></figure><p>Five" in entry.html
    assert entry.pictures == (LEAD.digest,)


def test_the_lead_picture_is_not_shown_twice():
    entry = make(sample_item(html='<p>Text</p><p><img src="paris.jpg" alt="x"></p>'))
    assert entry.picture is not None
    assert "<figure" not in entry.html
    assert entry.pictures == (LEAD.digest,)


def test_an_item_without_a_picture_has_none():
    entry = make(sample_item(image=None))
    assert entry.picture is None
    assert entry.pictures == ()


def test_a_decorative_picture_has_an_empty_alternative():
    item = sample_item(image=replace(sample_item().image, decorative=True, alt="x", caption="", credit=""))
    assert make(item).html.startswith(
        f'<figure><img src="{SITE.media(LEAD)}" width="64" height="36" alt=""></figure>'
    )


@pytest.mark.parametrize("source", ["map.png", "./map.png", "../third-meeting/map.png", "%6dap.png"])
def test_pictures_of_the_body_have_their_public_address(source):
    entry = make(sample_item(image=None, html=f'<p><img src="{source}" alt="Map"></p>'), map_png=OTHER)
    assert entry.html == f'<p><img src="{SITE.media(OTHER)}" alt="Map" width="64" height="36"></p>'
    assert entry.pictures == (OTHER.digest,)


def test_a_picture_that_the_item_lists_is_found_by_what_was_written():
    image = Image(src="/shared/map.png", file=Path("/project/static/map.png"), alt="Map")
    item = sample_item(image=None, images=(image,), html='<img src="/shared/map.png" alt="Map">')
    entry = feed.entry(item, {"/project/static/map.png": OTHER}, {}, sample_project(), SITE)
    assert entry.pictures == (OTHER.digest,)


def test_a_picture_that_is_not_there_gives_way_to_its_words():
    entry = make(sample_item(image=None, html='<p><img src="lost.png" alt="A map"> and more</p>'))
    assert entry.html == "<p><span>A map</span> and more</p>"


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("../other/", "https://news.example.eu/en/news/other/"),
        ("/en/social/", "https://news.example.eu/en/social/"),
        ("#note", PAGE + "#note"),
        ("//cdn.example.org/a", "https://cdn.example.org/a"),
        ("http://plain.example/ä ö", "http://plain.example/%C3%A4%20%C3%B6"),
        ("mailto:info@example.eu", "mailto:info@example.eu"),
        ("https://a.example/?q=1&b=%20#x", "https://a.example/?q=1&b=%20#x"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("http://[broken", ""),
    ],
)
def test_links_are_absolute_or_gone(written, seen):
    assert bodies.absolute(written, PAGE) == seen
    html = make(sample_item(image=None, html=f'<p><a href="{written}">x</a></p>')).html
    assert html == (f'<p><a href="{seen.replace("&", "&amp;")}">x</a></p>' if seen else "<p><a>x</a></p>")


def test_attributes_that_readers_warn_of_are_dropped():
    html = '<p style="color:red" class="x"><img src="map.png" srcset="y 2x" loading="lazy" alt="">'
    entry = make(sample_item(image=None, html=html + "<!-- secret -->"), map_png=OTHER)
    assert entry.html == f'<p class="x"><img src="{SITE.media(OTHER)}" alt="" width="64" height="36"></p>'


@pytest.mark.parametrize("source", ["https://a.example/x.png", "//a.example/x.png"])
def test_a_picture_that_lies_elsewhere_is_not_fetched(source):
    entry = make(
        sample_item(image=None, html=f'<p><img src="{source}" alt="A map"><img src="{source}" alt=""> x</p>')
    )
    assert entry.html == '<p><a href="https://a.example/x.png">A map</a><span></span> x</p>'


def test_a_link_around_such_a_picture_stays_the_only_one():
    html = '<a href="https://b.example/"><img src="https://a.example/x.png" alt="A map"></a>'
    assert make(sample_item(image=None, html=html)).html == '<a href="https://b.example/"><span>A map</span></a>'


def test_headings_follow_the_title_without_a_gap():
    entry = make(sample_item(image=None, html="<h1>A</h1><h3>B</h3><h1>C</h1>"))
    assert entry.html == "<h2>A</h2><h3>B</h3><h2>C</h2>"
    every = "".join(f"<h{n}>x</h{n}>" for n in range(1, 7))
    assert make(sample_item(image=None, html=every)).html.count("<h6>") == 2
    assert make(sample_item(image=None, html="<h4>A</h4>")).html == "<h2>A</h2>"


def test_characters_that_cost_a_feed_are_gone():
    dirty = "A\x00\x0b\ud800B\ufffe\x1b"
    image = replace(sample_item().image, alt=dirty, caption=dirty, credit=dirty)
    entry = make(sample_item(title=dirty, summary=dirty, html=f"<p>{dirty}</p>", tags=(dirty,), image=image))
    assert (entry.title, entry.summary, entry.tags, entry.picture.alt) == ("AB", "AB", ("AB",), "AB")
    assert "<p>AB</p>" in entry.html


def test_an_item_that_says_nothing_still_has_a_title_and_a_summary():
    entry = make(sample_item(title="\x00", summary="", html="", byline=""))
    assert entry.title == entry.summary == "third-meeting"
    assert entry.byline == "Project MICROFUTURE"


@settings(deadline=None)  # a busy machine is no fault
@given(st.text(max_size=400))
def test_any_body_becomes_html_that_xml_can_carry(text):
    entry = make(sample_item(html=text))
    carrier = etree.Element("content")
    carrier.text = entry.html
    assert etree.fromstring(etree.tostring(carrier)).text == entry.html


def test_deep_nesting_is_no_trouble():
    entry = make(sample_item(html="<div>" * 200 + "x" + "</div>" * 200))
    assert entry.html.count("</div>") == 200


def test_cleaning_reaches_every_depth():
    entry = replace(make(sample_item()), translations={"r\x00o": "https://a.example/\x01"}, tags=("a\x02",))
    assert bodies.cleaned(entry).translations == {"ro": "https://a.example/"}
    assert bodies.cleaned(entry).tags == ("a",)
