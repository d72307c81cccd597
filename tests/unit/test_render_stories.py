"""An item as a story."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from lxml import html as lxml_html

from dissemination.errors import RenderError
from dissemination.model import EventFacts, Image, ItemType, Link, Site
from dissemination.render.stories import COLUMN, Fact, StoryTeller, for_mail
from dissemination.render.strings import strings
from dissemination.testing.samples import sample_item, sample_picture, sample_project

PUBLIC = "https://news.example.eu"
DAY = datetime(2026, 12, 3, 8, 0, tzinfo=UTC)
PHOTO = sample_picture(size=(1200, 600))


@pytest.fixture
def teller():
    def make(lang="en", **changes):
        image = sample_item().image
        return StoryTeller(
            lang=lang,
            words=strings(lang),
            pictures={str(image.file): PHOTO},
            project=sample_project(**changes),
            site=Site(public_url=PUBLIC),
        )

    return make


def facts(teller, **event):
    item = sample_item(type=ItemType.EVENT, event=EventFacts(**event))
    return teller.tell(item, whole=False).facts


# ------------------------------------------------------------------------------------------ texts


def test_a_story_in_a_digest(teller):
    story = teller().tell(sample_item(), whole=False)
    assert (story.title, story.kind, story.date) == (
        "Partners meet in Paris for the third time",
        "News",
        "12 November 2026",
    )
    assert story.byline == "By Project MICROFUTURE"
    assert story.url == f"{PUBLIC}/en/news/third-meeting/"
    assert story.body == ""
    assert story.pictures == (PHOTO.digest,)


def test_the_date_is_the_projects_day_in_the_letters_language(teller):
    late = sample_item(date=datetime(2026, 11, 12, 23, 30, tzinfo=UTC))
    assert teller("ro").tell(late, whole=False).date == "13 noiembrie 2026"
    assert teller(timezone="Europe/Lisbon").tell(late, whole=False).date == "12 November 2026"


def test_an_item_without_a_date_shows_none(teller):
    assert teller().tell(sample_item(date=None), whole=False).date == ""


def test_a_foreign_item_says_its_language(teller):
    story = teller("en").tell(sample_item(lang="ar"), whole=False)
    assert (story.lang, story.dir, story.language) == ("ar", "rtl", "العربية")


def test_the_canonical_address_comes_first(teller):
    item = sample_item(canonical_url="https://www.example.org/a b")
    assert teller().tell(item, whole=False).url == "https://www.example.org/a%20b"


def test_an_address_that_runs_code_is_not_used(teller):
    item = sample_item(canonical_url="javascript:alert(1)")
    assert teller().tell(item, whole=False).url.startswith(PUBLIC)


def test_a_title_is_one_clean_line(teller):
    assert teller().tell(sample_item(title="a\r\nBcc: b\x00\x1b[31m"), whole=False).title == "a Bcc: b[31m"


def test_a_correction_and_its_day_are_told(teller):
    story = teller("de").tell(sample_item(correction="Das Jahr war falsch.", updated=DAY), whole=False)
    assert (story.correction, story.updated) == ("Das Jahr war falsch.", "Aktualisiert am 3. Dezember 2026")


def test_links_belong_to_the_whole_text_and_must_be_followable(teller):
    links = (Link(url="https://www.example.eu/r/", text="Report"), Link(url="data:x"), Link(url="http://b.eu/"))
    item = sample_item(links=links)
    assert teller().tell(item, whole=False).links == ()
    assert teller().tell(item, whole=True).links == (links[0], Link(url="http://b.eu/", text="b.eu"))


# ------------------------------------------------------------------------------------------ pictures


def test_a_picture_is_no_wider_than_the_column(teller):
    shown = teller().tell(sample_item(), whole=False).picture
    assert (shown.width, shown.alt, shown.credit) == (COLUMN, "Twelve people around a table", "OIRBI")
    assert shown.url == f"{PUBLIC}/media/{PHOTO.name}"


def test_a_small_picture_keeps_its_width(teller):
    assert teller().show(sample_item().image, sample_picture()).width == 64


def test_a_decorative_picture_has_an_empty_alt(teller):
    item = sample_item(image=replace(sample_item().image, decorative=True))
    assert teller().tell(item, whole=False).picture.alt == ""


@pytest.mark.parametrize("image", [None, Image(src="gone.jpg", file=None, alt="x")])
def test_no_picture(teller, image):
    assert teller().tell(sample_item(image=image), whole=False).picture is None


def test_a_lead_picture_that_the_text_shows_comes_once(teller):
    item = sample_item(html='<p><img src="paris.jpg" alt="Partners"></p>')
    story = teller().tell(item, whole=True)
    assert story.picture is None
    assert story.pictures == (PHOTO.digest,)
    assert f'src="{PUBLIC}/media/{PHOTO.name}"' in story.body


# ------------------------------------------------------------------------------------------ events


def test_when_in_the_events_zone(teller):
    when = facts(teller(), start=DAY, end=DAY + timedelta(hours=6), tz="Europe/Ljubljana")
    assert when == (Fact(label="When", text="3 December 2026, 09:00–15:00 CET"),)  # noqa: RUF001 - a time span


SPANS = {
    "no end": ({"start": DAY}, "3 décembre 2026, 10:00 EET"),
    "two days": (
        {"start": DAY, "end": DAY + timedelta(days=1, hours=2)},
        "3 décembre 2026, 10:00 – 4 décembre 2026, 12:00 EET",  # noqa: RUF001
    ),
    "whole days": (
        {"start": DAY - timedelta(hours=10), "end": DAY + timedelta(hours=14)},
        "3 décembre 2026 – 4 décembre 2026",  # noqa: RUF001
    ),
    "one whole day": ({"start": DAY - timedelta(hours=10)}, "3 décembre 2026"),
    "summer": ({"start": datetime(2026, 7, 1, 8, tzinfo=UTC)}, "1 juillet 2026, 11:00 EEST"),
}


@pytest.mark.parametrize(("event", "text"), SPANS.values(), ids=SPANS.keys())
def test_spans(teller, event, text):
    assert facts(teller("fr"), **event)[0] == Fact(label="Quand", text=text)


def test_where_and_how(teller):
    found = facts(
        teller(),
        start=DAY,
        place="City Library",
        address="Kersnikova 2",
        online_url="https://meet.example.eu/x/",
        register_url="https://www.example.eu/r",
        deadline=DAY,
    )
    assert found[1:] == (
        Fact(label="Where", text="City Library, Kersnikova 2"),
        Fact(label="Online", text="meet.example.eu/x", url="https://meet.example.eu/x/"),
        Fact(label="Register", text="example.eu/r", url="https://www.example.eu/r"),
        Fact(label="Register by", text="3 December 2026, 10:00 EET"),
    )


def test_an_event_without_facts_shows_none(teller):
    assert facts(teller()) == ()


# ------------------------------------------------------------------------------------------ bodies


def test_a_body_that_would_crash_is_refused_by_name(teller):
    with pytest.raises(RenderError, match=r"news/third-meeting/index\.md: more than 200 tags inside each other"):
        teller().tell(sample_item(html="<b>" * 201), whole=True)


def test_a_deep_body_does_not_matter_in_a_digest(teller):
    assert teller().tell(sample_item(html="<b>" * 5000), whole=False).title


HEADINGS = {
    "from the first": ("h1 h2 h3", "h2 h3 h4"),
    "already right": ("h2 h3", "h2 h3"),
    "with a gap": ("h1 h4 h1 h6", "h2 h3 h2 h4"),
    "all": ("h1 h2 h3 h4 h5 h6", "h2 h3 h4 h5 h6 h6"),
}


@pytest.mark.parametrize(("before", "after"), HEADINGS.values(), ids=HEADINGS.keys())
def test_headings_follow_the_title_without_a_gap(teller, before, after):
    html = "".join(f"<{tag}>x</{tag}>" for tag in before.split())
    made = teller().tell(sample_item(html=html), whole=True).body
    assert [element.tag for element in lxml_html.fragments_fromstring(made)] == after.split()


@pytest.mark.parametrize(
    ("given", "width"), [("1200", str(COLUMN)), ("200", "200"), ("", str(COLUMN)), ("x", "520")]
)
def test_pictures_in_the_text_fit_and_speak(given, width):
    made = for_mail(f'<img src="{PUBLIC}/media/a.jpg" width="{given}" height="900">')
    image = lxml_html.fragment_fromstring(made)
    assert (image.get("width"), image.get("height"), image.get("alt")) == (width, None, "")


def test_a_picture_from_elsewhere_becomes_a_link(teller):
    html = '<p>a <img src="https://evil.example/t.gif" alt="A chart"> b</p>'
    made = teller().tell(sample_item(html=html), whole=True).body
    assert made == '<p>a <a href="https://evil.example/t.gif">A chart</a> b</p>'


def test_a_silent_picture_from_elsewhere_disappears(teller):
    html = '<p>a <img src="https://news.example.eu.evil.example/t.gif"> b</p>'
    made = teller().tell(sample_item(html=html), whole=True).body
    assert "evil" not in made
    assert "<img" not in made


def test_the_body_is_plain_ascii_with_references():
    assert for_mail("<p>ăș\u00a0x &amp; y<br>z</p>") == "<p>&#259;&#537;&#160;x &amp; y<br>z</p>"


def test_an_empty_body():
    assert for_mail(" ") == ""
