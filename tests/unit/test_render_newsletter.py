"""The letter: what it says, what it refuses, and that it is right wherever it is read."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import html as lxml_html

from dissemination.checks import check_letter
from dissemination.errors import RenderError
from dissemination.model import Audience, Edition, Image, ItemType, Slot
from dissemination.render import Rendering
from dissemination.render.newsletter import LARGEST
from dissemination.testing.samples import sample_item, sample_picture, sample_project

VISUAL = sample_picture((255, 255, 255), (300, 100))
PHOTO = sample_picture(size=(1200, 600))
WORDS = {
    "statement": {
        "en": "Co-funded by the European Union",
        "ro": "Cofinanțat de Uniunea Europeană",
        "fr": "Cofinancé par l'Union européenne",
        "it": "Cofinanziato dall'Unione europea",
        "sl": "Sofinancira Evropska unija",
        "sv": "Medfinansieras av Europeiska unionen",
        "de": "Kofinanziert von der Europäischen Union",
    },
}
NAMES = ("A kitchen lends more than money", "Open day for lenders", "What a loan costs")


def project(**funding):
    langs = WORDS["statement"]
    base = sample_project()
    given = {
        "visual_alt": {lang: f"Visual ({lang})" for lang in langs},
        "statement": langs,
        "disclaimer": {lang: f"Disclaimer ({lang})." for lang in langs},
        **funding,
    }
    return replace(
        base,
        languages=tuple(langs),
        imprint={lang: f"OIRBI, 1 Example Street\n{lang}" for lang in langs},
        funding=replace(base.funding, **given),
    )


def pictures():
    return {str(sample_item().image.file): PHOTO, str(sample_project().funding.visual): VISUAL}


def story(number, **changes):
    key = f"item-{number}"
    title = changes.pop("title", NAMES[number % 3])
    return sample_item(id=key, slug=key, translation_key=key, title=title, **changes)


def digest(*items, **changes):
    items = items or (sample_item(), story(0), story(1))
    edition = Edition(
        id="weekly-2026-W48",
        kind="digest",
        schedule="weekly",
        at=datetime(2026, 11, 26, 8, 0, tzinfo=UTC),
        groups=tuple({item.lang: item} for item in items),
        languages=("en",),
        audience=Audience(lists=("news",)),
        intro={"en": "Small loans, long roads.\n\nThree stories."},
        name={"en": "Microfuture News"},
    )
    return replace(edition, **changes)


def flash(item=None, **changes):
    return digest(item or sample_item(), id="flash-third-meeting", kind="flash", at=None, intro={}, **changes)


def letter(edition, lang="en", *, about=None, templates=None, shown=None):
    return Rendering(about or project(), templates).letter(edition, lang, pictures() if shown is None else shown)


def filled(segments):
    return "".join(f"https://hole.invalid/{part.name}" if isinstance(part, Slot) else part for part in segments)


def tree(made):
    return lxml_html.document_fromstring(filled(made.html))


def text_of(element):
    return " ".join(element.text_content().split())


def readable(made):
    return text_of(tree(made).find("body"))


# ------------------------------------------------------------------------------------------ the same, always


@pytest.mark.parametrize("edition", [digest(), flash()], ids=["digest", "flash"])
def test_equal_input_gives_an_equal_letter(edition):
    assert letter(edition) == letter(edition)


@pytest.mark.parametrize("edition", [digest(), flash()], ids=["digest", "flash"])
@pytest.mark.parametrize("lang", WORDS["statement"])
def test_nothing_is_wrong_with_it_in_any_language(edition, lang):
    found = check_letter(letter(edition, lang), project())
    assert [finding for finding in found if finding.rule != "letter-preheader"] == []


def test_the_holes_are_in_both_parts():
    made = letter(digest())
    holes = {"email", "unsubscribe_url", "preferences_url"}
    assert {part.name for part in made.html if isinstance(part, Slot)} == holes
    assert {part.name for part in made.text if isinstance(part, Slot)} == holes


def test_the_pictures_are_named_once_each():
    assert letter(digest()).pictures == (PHOTO.digest, VISUAL.digest)


# ------------------------------------------------------------------------------------------ the inbox's lines


def test_the_subject_of_a_digest_fits():
    made = letter(digest(sample_item(title="A very long title that goes on about regions and their firms " * 2)))
    assert made.subject.startswith("Microfuture News: A very long title")
    assert made.subject.endswith("…")
    assert len(made.subject) <= 60


def test_the_subject_of_a_flash_is_the_items():
    assert letter(flash()).subject == "Partners meet in Paris for the third time"
    assert letter(flash(sample_item(subject="Paris!"))).subject == "Paris!"


def test_a_subject_cannot_carry_a_header():
    assert letter(flash(sample_item(subject="Hi\r\nBcc: x@example.org"))).subject == "Hi Bcc: x@example.org"


PREHEADERS = {
    "given": (flash(sample_item(preheader="p" * 45)), "p" * 45),
    "given but short": (
        flash(sample_item(preheader="Short")),
        "Short · Five regions compared how they lend to small firms.",
    ),
    "the other titles": (digest(), "A kitchen lends more than money · Open day for lenders"),
    "the summary": (flash(), "Five regions compared how they lend to small firms."),
    "nothing to say": (
        flash(sample_item(summary="Short.")),
        "Short. · Microfinance for the future of regions",
    ),
}


@pytest.mark.parametrize(("edition", "expected"), PREHEADERS.values(), ids=PREHEADERS.keys())
def test_the_preheader(edition, expected):
    made = letter(edition)
    assert made.preheader == expected
    assert 40 <= len(made.preheader) <= 100
    hidden = tree(made).find("body/div/div")
    assert "display: none" in hidden.get("style")
    assert text_of(hidden) == expected
    assert readable(made).startswith(expected)


def test_a_long_preheader_is_cut_between_words():
    made = letter(flash(sample_item(preheader="regions " * 40)))
    assert made.preheader.endswith("regions…")
    assert len(made.preheader) <= 100


# ------------------------------------------------------------------------------------------ content


def test_a_digest_tells_every_story():
    made = letter(digest(), "en")
    page = tree(made)
    assert [text_of(one) for one in page.iter("h1")] == ["Microfuture News"]
    titles = ["Partners meet in Paris for the third time", *NAMES[:2]]
    assert [text_of(one) for one in page.iter("h2")] == titles
    links = [one.get("href") for one in page.xpath('//p[@class="more"]/a')]
    assert links == [f"https://news.example.eu/en/news/{slug}/" for slug in ("third-meeting", "item-0", "item-1")]
    assert "26 November 2026" in readable(made)
    assert "Small loans, long roads." in readable(made)


def test_a_flash_tells_the_whole_text_below_its_title():
    body = "<h1>Costs</h1><p>Four <strong>per cent</strong>.</p><h2>Then</h2><p>Eleven.</p>"
    page = tree(letter(flash(sample_item(html=body))))
    headings = [(one.tag, text_of(one)) for one in page.iter("h1", "h2", "h3")]
    assert headings == [
        ("h1", "Partners meet in Paris for the third time"),
        ("h2", "Costs"),
        ("h3", "Then"),
    ]
    assert "Four per cent." in text_of(page)


def test_an_item_cannot_break_out_of_the_template():
    nasty = "</mj-text><script>x</script>{{ 7*7 }} \" ' & \\n @@name@@"
    made = letter(digest(sample_item(title=nasty, summary=nasty, image=replace(sample_item().image, alt=nasty))))
    page = tree(made)
    shown = nasty.replace("\n", " ")
    assert not list(page.iter("script"))
    assert text_of(page.find(".//h2")) == shown
    assert page.xpath('//img[@class="picture"]/@alt') == [nasty]
    assert shown in made.text[0].replace("\n", " ")


def test_a_foreign_story_says_its_language_and_a_right_to_left_one_its_direction():
    made = letter(digest(sample_item(), sample_item(lang="ar", title="اجتماع", translation_key="x", slug="x")))
    heading = tree(made).xpath("//h2[@lang]")
    assert [(one.get("lang"), one.get("dir")) for one in heading] == [("ar", "rtl")]
    assert "العربية" in readable(made)


def test_the_letters_own_language_is_preferred_then_the_projects_then_the_source():
    en, ro, fr = (sample_item(lang=lang, title=f"Title in {lang}") for lang in ("en", "ro", "fr"))
    ro, en = replace(ro, source_version=False), replace(en, source_version=False)
    every = digest(groups=({"en": en, "ro": ro, "fr": fr},))
    assert "Title in ro" in readable(letter(every, "ro"))
    assert "Title in en" in readable(letter(every, "de"))
    assert "Title in fr" in readable(letter(digest(groups=({"ro": ro, "fr": fr},)), "de"))


def test_a_correction_is_shown_in_both_parts():
    made = letter(digest(sample_item(correction="The year was wrong.")))
    assert "Correction: The year was wrong." in readable(made)
    assert "Correction: The year was wrong." in filled(made.text)


def test_the_kind_is_told_in_the_letters_language():
    assert "Veranstaltung" in readable(letter(digest(sample_item(type=ItemType.EVENT)), "de"))


def test_the_lists_are_named_in_the_letters_language():
    assert "„Știri”" in readable(letter(digest(), "ro"))


# ------------------------------------------------------------------------------------------ who pays


@pytest.mark.parametrize("edition", [digest(), flash()], ids=["digest", "flash"])
@pytest.mark.parametrize("lang", ["en", "ro"])
def test_the_statement_stands_beside_the_visual_in_the_letters_language(edition, lang):
    made = letter(edition, lang)
    (visual,) = tree(made).xpath(f'//img[@alt="Visual ({lang})"]')
    assert visual.get("src") == f"https://news.example.eu/media/{VISUAL.name}"
    row = text_of(visual.xpath('ancestor::div[contains(@class, "funding")]')[0])
    assert WORDS["statement"][lang] in row
    assert WORDS["statement"][lang] in filled(made.text)
    assert f"Visual ({lang})" in filled(made.text)
    assert f"Disclaimer ({lang})." in readable(made)


DUTIES = {
    "no visual": ({"visual": None}, r"settings\.yaml: funding\.visual\.src is missing; name the file"),
    "no alt": ({"visual_alt": {"en": "x"}}, r"settings\.yaml: funding\.visual\.alt\.ro is missing; write it"),
    "empty alt": ({"visual_alt": {"en": "x", "ro": " "}}, r"funding\.visual\.alt\.ro is missing"),
    "no statement": ({"statement": {"en": "x"}}, r"settings\.yaml: funding\.statement\.ro is missing; write it"),
    "disclaimer in English only": ({"disclaimer": {"en": "x"}}, r"funding\.disclaimer\.ro is missing; write it"),
}


@pytest.mark.parametrize(("change", "message"), DUTIES.values(), ids=DUTIES.keys())
def test_a_duty_that_is_not_met_is_an_error_and_never_a_fallback(change, message):
    with pytest.raises(RenderError, match=message):
        letter(digest(), "ro", about=project(**change))


def test_a_visual_that_is_not_prepared_is_an_error():
    with pytest.raises(RenderError, match=r"visual\.png: the funder's visual is not there"):
        letter(digest(), shown={str(sample_item().image.file): PHOTO})


def test_an_imprint_in_another_language_only_is_an_error():
    with pytest.raises(RenderError, match=r"project\.imprint\.de is missing"):
        letter(digest(), "de", about=replace(project(), imprint={"en": "x"}))


def test_a_language_without_a_catalogue_speaks_english():
    about = project()
    funding = replace(about.funding, visual_alt={"fi": "v"}, statement={"fi": "s"}, disclaimer={"fi": "d"})
    made = letter(digest(), "fi", about=replace(about, funding=funding, imprint={}))
    assert "Read the full story" in "".join(part for part in made.html if isinstance(part, str))


def test_an_edition_without_items_is_an_error():
    with pytest.raises(RenderError, match="weekly-2026-W48: nothing to tell"):
        letter(digest(groups=()))


# ------------------------------------------------------------------------------------------ size


def test_sixteen_stories_fit():
    made = letter(digest(*(story(n) for n in range(16))))
    assert len(filled(made.html).encode()) < LARGEST


def test_too_many_stories_are_an_error_that_says_how_many_fit():
    many = [story(n, summary="word " * 55) for n in range(40)]
    with pytest.raises(
        RenderError, match=r"weekly-2026-W48 \(en\): [\d,]+ bytes .*set `max_items: (\d+)`"
    ) as caught:
        letter(digest(*many))
    fitting = int(re.search(r"max_items: (\d+)", str(caught.value))[1])
    assert 10 < fitting < 30
    assert letter(digest(*many[:fitting]))
    with pytest.raises(RenderError, match="bytes of HTML"):
        letter(digest(*many[: fitting + 1]))


def test_too_long_a_text_is_an_error():
    with pytest.raises(RenderError, match="shorten the text, or let it go into a digest"):
        letter(flash(sample_item(html="<p>word</p>" * 12_000)))


# ------------------------------------------------------------------------------------------ wherever it is read


@pytest.mark.parametrize("edition", [digest(), flash()], ids=["digest", "flash"])
def test_it_is_right_with_inline_styles_alone(edition):
    page = tree(letter(edition))
    for style in page.xpath("//style"):
        assert "@media" in style.text
        style.drop_tree()
    buttons = [one.get("style") for one in page.xpath('//p[@class="more"]/a')]
    assert all("background-color: #0a6268" in style for style in buttons)
    assert "color: #ffffff" in page.xpath("//*[@class='name' or self::h1]")[0].get("style")


def test_every_picture_has_an_alt_and_a_width():
    second = Image(src="b.png", file=Path("/project/news/third-meeting/b.png"))
    item = sample_item(html='<p>x</p><img src="b.png">', images=(second,))
    found = tree(letter(flash(item), shown={**pictures(), str(second.file): sample_picture()})).xpath("//img")
    assert len(found) == 3
    assert all(one.get("alt") is not None and 0 < int(one.get("width")) <= 520 for one in found)


def test_language_and_direction_stand_outside_and_inside():
    page = tree(letter(digest(), "ro"))
    inside = page.xpath("//body/div[@lang]")[0]
    assert {(page.get("lang"), page.get("dir")), (inside.get("lang"), inside.get("dir"))} == {("ro", "ltr")}


def test_dark_mode_is_announced():
    page = tree(letter(digest()))
    assert page.xpath('//meta[@name="color-scheme"]/@content') == ["light dark"]
    assert any("prefers-color-scheme: dark" in style.text for style in page.xpath("//style"))


def test_nothing_comes_from_elsewhere():
    html = filled(letter(digest()).html)
    addresses = set(re.findall(r"(?:src|url|@import)\W+(https?://[^/\"' )]+)", html))
    assert addresses == {"https://news.example.eu"}


# ------------------------------------------------------------------------------------------ the text twin


def test_the_twin_has_underlined_headings_numbered_links_and_alt_texts():
    text = filled(letter(digest()).text)
    assert "Microfuture News\n================\n" in text
    assert "Open day for lenders\n--------------------\n" in text
    assert "[Picture: Twelve people around a table]\nThe partners in Paris · Picture: OIRBI\n" in text
    assert "Read the full story [2]" in text
    assert "\n[2] https://news.example.eu/en/news/item-0/\n" in text


def test_the_twins_links_are_all_used_and_all_listed():
    text = filled(letter(flash(sample_item(html='<p><a href="https://a.eu/x">a</a></p>'))).text)
    body, listed = text.split("\nLinks\n-----\n")
    numbers = re.findall(r"^\[(\d+)\] \S+$", listed, re.MULTILINE)
    assert numbers == [str(n) for n in range(1, len(numbers) + 1)]
    assert set(re.findall(r"\[(\d+)\]", body)) == set(numbers)


def test_the_twin_is_wrapped_and_the_way_out_stands_alone():
    text = filled(letter(digest(sample_item(summary="word " * 60))).text)
    assert all(len(line) <= 72 or "https://" in line for line in text.split("\n"))
    assert "\nUnsubscribe:\nhttps://hole.invalid/unsubscribe_url\n" in text


def test_the_twin_is_no_markup():
    text = filled(letter(flash(sample_item(title="Pots & pans <new>", html="<p>a &amp; b</p>"))).text)
    assert "Pots & pans <new>" in text
    assert "a & b" in text
    assert "&amp;" not in text


def test_the_twin_keeps_the_addresses_own_letters():
    item = sample_item(canonical_url="https://www.example.org/?a=1&b=2")
    assert "https://www.example.org/?a=1&b=2" in filled(letter(digest(item)).text)
    assert tree(letter(digest(item))).xpath('//p[@class="more"]/a/@href') == ["https://www.example.org/?a=1&b=2"]


# ------------------------------------------------------------------------------------------ own templates


def test_a_project_can_put_a_greeting_by_name(tmp_path):
    folder = tmp_path / "newsletter"
    folder.mkdir()
    (folder / "masthead.mjml").write_text(
        "<mj-section><mj-column><mj-text><h1>Dear {{ hole.name }}</h1></mj-text></mj-column></mj-section>"
    )
    made = letter(digest(), templates=tmp_path)
    assert "Dear https://hole.invalid/name" in readable(made)


def test_a_footer_without_a_way_out_is_an_error(tmp_path):
    folder = tmp_path / "newsletter"
    folder.mkdir()
    (folder / "footer.txt").write_text("Goodbye\n")
    with pytest.raises(RenderError, match=r"newsletter\.txt: no way to unsubscribe"):
        letter(digest(), templates=tmp_path)


def test_a_hole_in_the_title_is_an_error(tmp_path):
    (tmp_path / "newsletter.mjml").write_text(
        '<mjml lang="en" dir="ltr"><mj-head><mj-title>{{ hole.name }}</mj-title></mj-head><mj-body><mj-section>'
        "<mj-column><mj-text>{{ hole.unsubscribe_url }}</mj-text></mj-column></mj-section></mj-body></mjml>"
    )
    with pytest.raises(RenderError, match=r"hole\.name .* 1 times in the template and 2 times"):
        letter(digest(), templates=tmp_path)
