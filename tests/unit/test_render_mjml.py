"""Every fault of mjml-python, and its cure."""

import time

import pytest
from lxml import html as lxml_html
from mjml import mjml2html

from dissemination.errors import RenderError
from dissemination.render.mjml import DEEPEST, cured, depth, to_html

INVISIBLE = {
    "no-break space": "12\u00a0%",
    "narrow no-break space": "Qui\u202f?",
    "zero-width joiner": "\U0001f469\u200d\U0001f33e",
    "right-to-left mark": "\u200f\u05d0\u05d1",
    "soft hyphen": "micro\u00adfinance",
    "combining accent": "e\u0301",
    "byte order mark": "\ufeffx",
    "line separator": "a\u2028b",
    "romanian": "ăîșț",
}


def document(body, head=""):
    return (
        f'<mjml lang="en" dir="ltr"><mj-head>{head}</mj-head><mj-body><mj-section><mj-column>{body}</mj-column>'
        "</mj-section></mj-body></mjml>"
    )


def tree(body, head=""):
    return lxml_html.document_fromstring(to_html(document(body, head), "t.mjml"))


def only(found):
    assert len(found) == 1
    return found[0]


def picture(alt):
    return only(tree(f'<mj-image src="a.png" width="100px" alt="{alt}" />').xpath("//img"))


# ------------------------------------------------------------------------------------------ attributes


@pytest.mark.parametrize("text", INVISIBLE.values(), ids=INVISIBLE.keys())
def test_an_invisible_character_in_an_attribute_stays_itself(text):
    assert picture(text).get("alt") == text


def test_the_engine_alone_would_spoil_it():
    assert r"\u{a0}" in mjml2html(document('<mj-image src="a.png" alt="12\u00a0%" />'))


def test_a_backslash_in_an_attribute_stays_single():
    assert picture(r"C:\new\table").get("alt") == r"C:\new\table"


def test_quotes_in_an_attribute_end_nothing():
    assert picture("say &#34;cheese&#34;").get("alt") == 'say "cheese"'


def test_raw_quotes_inside_single_quotes_end_nothing():
    image = only(tree("""<mj-image src="a.png" width="9px" alt='say "cheese"' />""").xpath("//img"))
    assert image.get("alt") == 'say "cheese"'


def test_a_style_over_several_lines_keeps_its_rules():
    found = tree('<mj-text><p style="color: red;\n\t\tmargin: 3px;">x</p></mj-text>')
    style = only(found.xpath("//p")).get("style")
    assert "color: red" in style
    assert "margin: 3px" in style
    assert "\\" not in style


def test_a_tag_over_several_lines_keeps_its_attributes():
    image = only(tree('<mj-image\n  src="a.png"\n\twidth="77px"\r\n  alt="x"\n/>').xpath("//img"))
    assert (image.get("src"), image.get("width"), image.get("alt")) == ("a.png", "77", "x")


def test_text_is_left_as_it_is():
    paragraph = only(tree('<mj-text><p>"a"\\n &amp; é\u00a0- 😀 &lt;b&gt;</p></mj-text>').xpath("//p"))
    assert paragraph.text == '"a"\\n & é\u00a0- 😀 <b>'


def test_preformatted_lines_stay():
    assert only(tree("<mj-text><pre>a\n   b\n\nc</pre></mj-text>").xpath("//pre")).text == "a\n   b\n\nc"


def test_the_engine_gets_pure_ascii():
    assert cured(document(f'<mj-text a="{"".join(INVISIBLE.values())}">ăé😀</mj-text>')).isascii()


def test_the_title_is_the_label_of_the_whole():
    found = tree("<mj-text>x</mj-text>", "<mj-title>Say &#34;a\u00a0b&#34;</mj-title>")
    assert only(found.xpath('//div[@role="article"]')).get("aria-label") == 'Say "a\u00a0b"'


# ------------------------------------------------------------------------------------------ styles


def test_styles_are_written_into_the_tags():
    found = tree('<mj-text><p class="a">x</p></mj-text>', "<mj-style>.a { color: #123456 }</mj-style>")
    assert "color: #123456" in only(found.xpath("//p")).get("style")


def test_media_queries_stay():
    style = "<mj-style>@media (prefers-color-scheme: dark) { .a { color: #fff !important } }</mj-style>"
    assert "@media (prefers-color-scheme: dark)" in to_html(document("<mj-text>x</mj-text>", style), "t")


def test_outlooks_comments_stay():
    html = to_html(document("<mj-text>x</mj-text>"), "t")
    assert html.count("<!--[if mso | IE]>") >= 3
    assert html.count("<!--[if mso | IE]>") == html.count("<![endif]-->") - html.count("<!--[if !mso]><!-->") - 2


def test_no_font_is_fetched_from_elsewhere():
    body = '<mj-text font-family="Roboto, Open Sans, Lato, Ubuntu, Montserrat">x</mj-text>'
    assert "fonts.googleapis.com" in mjml2html(document(body))
    html = to_html(document(body), "t")
    assert "googleapis" not in html
    assert "@import" not in html


def test_a_style_sheet_elsewhere_is_not_fetched():
    link = '<mj-raw><link rel="stylesheet" href="http://127.0.0.1:1/x.css" /></mj-raw>'
    assert "x" in to_html(document("<mj-text>x</mj-text>", link), "t")


# ------------------------------------------------------------------------------------------ pictures, language


def test_an_empty_alt_is_kept():
    assert picture("").get("alt") == ""


def test_the_width_is_as_written():
    found = tree('<mj-image src="a.png" alt="x" width="123px" padding="0 60px" />')
    assert only(found.xpath("//img")).get("width") == "123"


def test_language_and_direction_stand_outside_and_inside():
    found = lxml_html.document_fromstring(
        to_html(document("<mj-text>x</mj-text>").replace('"en" dir="ltr"', '"ar" dir="rtl"'), "t")
    )
    inside = only(found.xpath("//body/div[@lang]"))
    assert (found.get("lang"), found.get("dir"), inside.get("lang"), inside.get("dir")) == (
        "ar",
        "rtl",
        "ar",
        "rtl",
    )


def test_layout_tables_say_that_they_are():
    assert {table.get("role") for table in tree("<mj-text>x</mj-text>").iter("table")} == {"presentation"}


# ------------------------------------------------------------------------------------------ refusals


def test_what_would_crash_the_process_is_refused():
    with pytest.raises(RenderError, match=r"t\.mjml: more than \d+ tags inside each other"):
        to_html(document(f"<mj-text>{'<b>' * 10_000}x{'</b>' * 10_000}</mj-text>"), "t.mjml")


def test_unclosed_tags_count_as_deep():
    with pytest.raises(RenderError, match="inside each other"):
        to_html(document(f"<mj-text>{'<i>' * 10_000}</mj-text>"), "t.mjml")


def test_the_deepest_body_is_rendered():
    assert "deep" in to_html(document(f"<mj-text>{'<b>' * DEEPEST}deep{'</b>' * DEEPEST}</mj-text>"), "t.mjml")


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("", 0),
        ("plain > text < here", 0),
        ("<p>a</p><p>b</p>", 1),
        ("<p><br><br><img src='x'><b>c</b></p>", 2),
        ("<p/><p/><p/>", 0),
        ('<a title="<b><b><b>">x</a>', 1),
        ("<!-- <b><b><b> --><i>x</i>", 1),
        ("</p></p><p>x", 1),
        ("<ul><li><ul><li>x</li></ul></li></ul>", 4),
    ],
)
def test_depth(markup, expected):
    assert depth(markup) == expected


@pytest.mark.parametrize("hostile", ["<a " * 40_000, '<a b="' * 40_000, "<!--" * 40_000, "<a =" * 40_000 + ">"])
def test_hostile_markup_costs_little_time(hostile):
    start = time.process_time()
    depth(hostile)
    cured(hostile)
    assert time.process_time() - start < 20


def test_what_is_no_mjml_names_template_and_line():
    with pytest.raises(RenderError, match=r"^newsletter\.mjml:\d+: not MJML: .*correct the template"):
        to_html("<mjml>\n<mj-body>\n<nonsense></mj-body>\n</mjml>", "newsletter.mjml")


def test_equal_input_gives_equal_output():
    source = document("<mj-text><p class='a'>x</p></mj-text>", "<mj-style>.a { color: red; margin: 0 }</mj-style>")
    assert len({to_html(source, "t") for _ in range(5)}) == 1
