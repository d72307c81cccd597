"""The plain-text twin's layout."""

import pytest

from dissemination.render.textmail import COLUMNS, TextMail, underlined, wrap

URL = "https://news.example.eu/" + "a-very-long-path/" * 8


@pytest.fixture
def mail():
    return TextMail(picture="Picture")


# ------------------------------------------------------------------------------------------ lines


def test_lines_are_wrapped_at_72_columns():
    lines = wrap("word " * 100).split("\n")
    assert max(map(len, lines)) <= COLUMNS
    assert " ".join(lines).split() == ["word"] * 100


def test_an_address_is_never_broken():
    assert URL in wrap(f"Read this: {URL} and then go on " + "word " * 20).split("\n")


def test_a_hyphen_breaks_nothing():
    assert "well-known" in wrap("x" * 66 + " well-known words").replace("\n", " ").split()


def test_the_authors_line_breaks_stay():
    assert wrap("one\n\ntwo\nthree") == "one\n\ntwo\nthree"


@pytest.mark.parametrize(("level", "sign"), [(1, "="), (2, "-"), (3, "-"), (6, "-")])
def test_headings_are_underlined_at_their_length(level, sign):
    assert underlined("Știri noi", level) == f"Știri noi\n{sign * 9}"


def test_a_long_heading_is_wrapped_and_underlined_at_its_longest_line():
    *lines, rule = underlined("word " * 30).split("\n")
    assert len(lines) == 3
    assert len(rule) == max(map(len, lines)) <= COLUMNS


# ------------------------------------------------------------------------------------------ numbers


def test_addresses_are_numbered_in_the_order_of_their_mention(mail):
    assert [mail.ref(url) for url in ("https://b", "https://a", "https://b")] == ["[1]", "[2]", "[1]"]
    assert mail.links == {"https://b": 1, "https://a": 2}


def test_links_in_the_text_share_the_numbers(mail):
    mail.ref("https://a")
    assert mail.prose('<p><a href="https://b">B</a> and <a href="https://a">A</a></p>') == "B [2] and A [1]"


def test_a_link_without_an_address_is_text(mail):
    assert mail.prose("<p><a>here</a></p>") == "here"
    assert not mail.links


def test_a_picture_is_told_in_words(mail):
    assert mail.prose('<p>See: <img src="x" alt="A\nbridge"></p>') == "See: [Picture: A bridge]"


def test_a_decorative_picture_is_not_told(mail):
    assert mail.prose('<p>a</p><p><img src="x" alt=""></p><p>b</p>') == "a\n\nb"


# ------------------------------------------------------------------------------------------ prose

PROSE = {
    "nothing": ("", ""),
    "blanks": (" \n ", ""),
    "loose text": ("a <b>b</b> c", "a b c"),
    "paragraphs": ("<p>a\n  b</p>\n<p>c</p>", "a b\n\nc"),
    "loose text between": ("<p>a</p>b<p>c</p>d", "a\n\nb\n\nc\n\nd"),
    "references": ("<p>a &lt; b &amp; c&nbsp;d</p>", "a < b & c d"),
    "breaks": ("<p>a<br>b<br/>c</p>", "a\nb\nc"),
    "heading": ("<h2>A <em>b</em></h2><p>c</p>", "A b\n---\n\nc"),
    "empty heading": ("<h2> </h2><p>c</p>", "c"),
    "list": ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
    "loose list": ("<ul><li><p>a</p></li><li><p>b</p></li></ul>", "- a\n- b"),
    "numbers": ("<ol><li>a</li><li>b</li></ol>", "1. a\n2. b"),
    "numbers from": ('<ol start="9"><li>a</li><li>b</li></ol>', "9. a\n10. b"),
    "wrong start": ('<ol start="-1"><li>a</li></ol>', "1. a"),
    "huge start": (f'<ol start="{"9" * 5000}"><li>a</li></ol>', "1. a"),
    "inner list": ("<ul><li>a<ol><li>b</li><li>c</li></ol></li><li>d</li></ul>", "- a\n  1. b\n  2. c\n- d"),
    "quotation": ("<blockquote><p>a</p><p>b</p></blockquote>", "> a\n>\n> b"),
    "quotation in a list": ("<ul><li><blockquote><p>a</p></blockquote></li></ul>", "- > a"),
    "code": ("<pre><code>a\n   b\n</code></pre>", "    a\n       b"),
    "inline code": ("<p>a <code>b  c</code></p>", "a b c"),
    "rule": ("<p>a</p><hr><p>b</p>", "a\n\n* * *\n\nb"),
    "table": (
        "<table><thead><tr><th>A</th><th>B</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table>",
        "A | B\n-----\n1 | 2",
    ),
    "table with caption": ("<table><caption>T</caption><tr><td>1</td></tr></table>", "T\n\n1"),
    "figure": ('<figure><img src="x" alt="a"><figcaption>b</figcaption></figure>', "[Picture: a]\n\nb"),
    "comment": ("<p>a<!-- b --></p>", "a"),
    "definition": ("<dl><dt>a</dt><dd>b</dd></dl>", "a\n\nb"),
    "inline around blocks": ("<b>a</b><p>b</p><i>c</i>", "a\n\nb\n\nc"),
    "list with nothing": ("<ul></ul><p>a</p>", "a"),
    "letters beyond": ("<p>ăîș 😀 שלום</p>", "ăîș 😀 שלום"),
}


@pytest.mark.parametrize(("html", "text"), PROSE.values(), ids=PROSE.keys())
def test_prose(mail, html, text):
    assert mail.prose(html) == text


def test_long_items_hang_below_their_mark(mail):
    lines = mail.prose(f"<ol><li>{'word ' * 30}</li></ol>").split("\n")
    assert lines[0].startswith("1. word")
    assert all(line.startswith("   word") for line in lines[1:])
    assert max(map(len, lines)) <= COLUMNS


def test_the_deepest_nesting_is_still_told(mail):
    assert "deep" in mail.prose("<blockquote>" * 200 + "deep" + "</blockquote>" * 200)
    assert "deep" in mail.prose("<p>" + "<b>" * 199 + "deep")
