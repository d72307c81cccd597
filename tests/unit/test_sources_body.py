"""The body: what Markdown gives, what may stand in HTML, and inputs made to keep a parser busy."""

from __future__ import annotations

import re
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dissemination.sources import render_markdown
from dissemination.sources.body import BODY_LIMIT, plain, read_body
from dissemination.sources.refusal import RefusedError


def refusal(text, first_line=1):
    with pytest.raises(RefusedError) as caught:
        read_body(text, first_line)
    return caught.value.finding


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("", ""),
        ("One *two* **three** `four`", "<p>One <em>two</em> <strong>three</strong> <code>four</code></p>"),
        ("## Two", "<h2>Two</h2>"),
        ("[a](https://example.org/?a=1&b=2)", '<p><a href="https://example.org/?a=1&amp;b=2">a</a></p>'),
        ("[m](mailto:a@example.eu)", '<p><a href="mailto:a@example.eu">m</a></p>'),
        ("[r](/news/x)", '<p><a href="/news/x">r</a></p>'),
        ("![Alt](paris.jpg)", '<p><img src="paris.jpg" alt="Alt"></p>'),
        ("![Alt](<paris photo.jpg>)", '<p><img src="paris%20photo.jpg" alt="Alt"></p>'),
        ("> quote", "<blockquote>\n<p>quote</p>\n</blockquote>"),
        ("3. three", '<ol start="3">\n<li>three</li>\n</ol>'),
        ("```python\nx < 1\n```", "<pre><code>x &lt; 1\n</code></pre>"),
        ("a & b < c", "<p>a &amp; b &lt; c</p>"),
        ("{{< youtube x >}} {% include y %}", "<p>{{&lt; youtube x &gt;}} {% include y %}</p>"),
        ("<figure><img src='a.jpg' alt='b' width='10'><figcaption>c</figcaption></figure>",
         '<figure><img src="a.jpg" alt="b" width="10"><figcaption>c</figcaption></figure>'),
        ("x<!-- a comment -->y", "<p>xy</p>"),
    ],
)  # fmt: skip
def test_markdown(text, html):
    assert render_markdown(text) == html


def test_tables_keep_their_alignment_without_style():
    html = render_markdown("| a | b |\n|:-:|--:|\n| 1 | 2 |")
    assert '<th align="center">a</th>' in html
    assert '<td align="right">2</td>' in html
    assert "style" not in html


def test_footnotes_have_ids_that_differ_between_texts():
    one, two = render_markdown("a[^1]\n\n[^1]: Note one."), render_markdown("b[^1]\n\n[^1]: Note two.")
    ids = [re.findall(r'id="([^"]+)"', html) for html in (one, two)]
    assert len(ids[0]) == len(ids[1]) == 2
    assert not set(ids[0]) & set(ids[1])
    for html, names in zip((one, two), ids, strict=True):
        assert all(f'href="#{name}"' in html for name in names)
        assert '<section class="footnotes">' in html


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("# One\n\n## Two\n\n###### Six", [2, 3, 6]),
        ("## Two\n\n### Three", [2, 3]),
        ("<h1>raw</h1>\n\n## Two", [2, 3]),
        ("One\n===\n\nTwo\n---", [2, 3]),
        ("`<h1>`\n\n## Two", [2]),
    ],
)
def test_a_heading_of_level_one_shifts_all(text, levels):
    assert [int(level) for level in re.findall(r"<h(\d)>", render_markdown(text))] == levels


@pytest.mark.parametrize(
    "payload",
    [
        "<script>alert(1)</script>",
        "<style>*{}</style>",
        "<iframe src='//evil.test'></iframe>",
        "<img src=x onerror=alert(1)>",
        "<svg onload=alert(1)></svg>",
        "<svg><style><img src=x onerror=alert(1)></style></svg>",
        "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>",
        "<a href='javascript:alert(1)'>x</a>",
        "<a href='  java\tscript:alert(1)'>x</a>",
        "<a href='data:text/html,x'>x</a>",
        "[x](javascript:alert(1))",
        "[x](vbscript:x)",
        "![x](data:image/svg+xml;base64,AAAA)",
        "<form action='https://evil.test'><input name=a></form>",
        "<base href='https://evil.test'>",
        "<meta http-equiv=refresh content='0;url=//evil.test'>",
        "<link rel=stylesheet href=//evil.test>",
        "<div style='position:fixed'>x</div>",
        "<div hx-get='/x'>x</div>",
        "<a href='//evil.test/x'>x</a>",
        "[x](//evil.test)",
        "<a href='\\\\evil.test'>x</a>",
        "<a href='/\\evil.test'>x</a>",
        "<a href='/\t/evil.test'>x</a>",
        "<img src='//evil.test/x.png'>",
        "[x](https://user@evil.test/)",
        "[x](https://user:pass@evil.test/)",
        "<p class='footnotes' id='content'>x</p>",
        "<object data=x></object><embed src=x>",
        "<template><img src=x onerror=alert(1)></template>",
        "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\"></noscript>",
        "<textarea><img src=x onerror=alert(1)></textarea>",
        "<a href='https://a.eu' target=_top ping='//evil.test'>x</a>",
    ],
)  # fmt: skip
def test_nothing_active_and_no_hidden_address_passes(payload):
    html = render_markdown(f"before\n\n{payload}\n\nafter")
    assert "before" in html
    tags = " ".join(re.findall(r"<[^>]*>", html)).lower()
    for harmful in (
        "script",
        "style",
        "iframe",
        "onerror",
        "onload",
        "evil",
        "data:",
        "form",
        "meta",
        "svg",
        "hx-",
        "id=",
    ):
        assert harmful not in tags
    assert "target" not in tags
    assert "rel=" not in tags


@pytest.mark.parametrize(
    ("text", "teaser"),
    [
        ("First *paragraph*, all of it.\n\nSecond.", "First paragraph, all of it."),
        ("One.\n\nTwo.\n\n<!--more-->\n\nThree.", "One. Two."),
        ("One.\n\n<!-- TEASER_END -->\n\nTwo.", "One."),
        ("One.\n\n<!-- more -->\n\nTwo.", "One."),
        ("![Alt](a.jpg)\n\nAfter the picture.", "After the picture."),
        ("## Heading\n\nText.", "Text."),
        ("A & B < C", "A & B < C"),
        ("Text[^1].\n\n[^1]: Note.", "Text."),
        ("<b>Raw</b> text", "Raw text"),
        ("- a\n- b", ""),
        ("", ""),
    ],
)
def test_the_teaser_is_plain_text(text, teaser):
    assert read_body(text).teaser == teaser


def test_plain_separates_blocks_but_not_words():
    assert plain("<p>a<em>b</em></p><ul><li>c</li><li>d</li></ul>e<br>f") == "ab c d e f"


def test_pictures_of_the_body_with_their_lines():
    text = "x\n\n![One](a.jpg)\n\n<img src='b.jpg' alt='Two &amp; three'>\n\n![](c%20d.jpg)"
    assert read_body(text, 10).pictures == (
        ("a.jpg", "One", 12),
        ("b.jpg", "Two & three", 14),
        ("c%20d.jpg", "", 16),
    )


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("[" * 40_000, "paragraph-too-long"),
        ("[" * 19_000, "too-deep"),
        ("![" * 9_000, "too-deep"),
        ("\n\n".join(["[a " * 6_000] * 25), "too-deep"),
        ("^[" * 9_000, "too-deep"),
        ("a" * 20_001, "paragraph-too-long"),
        ("a" * (BODY_LIMIT + 1), "too-large"),
        ("<blockquote>" * 40_000, "too-deep"),
        ("<div>\n" * 300, "too-deep"),
        ("<b>" * 201, "too-deep"),
        ("<p>" + "".join(f"<b lang={i}>" for i in range(100)) + "</p>" + "<p>x</p>" * 60_000, "html-misnested"),
        ("<p>" + "".join(f"<b lang={i}>" for i in range(10)) + "</p>" + "<p>x</p>" * 60_000, "too-large"),
    ],
)
def test_hostile_bodies_are_refused_with_a_line_and_quickly(text, rule):
    begin = time.process_time()
    finding = refusal(text, 5)
    assert (finding.rule, finding.line) == (rule, 5)
    assert finding.fix
    assert time.process_time() - begin < 20


def test_a_hostile_paragraph_is_named_by_its_own_line():
    assert refusal("One.\n\nTwo.\n\n" + "[" * 500, 5).line == 9


@pytest.mark.parametrize(
    "text",
    [
        "*a **a " * 2_500,
        "`" * 5_000 + " " + "`" * 4_999,
        "<a " * 6_000,
        "&" * 15_000,
        "> " * 5_000 + "x",
        "- " * 5_000 + "x",
        "|" * 9_000 + "\n" + "-|" * 4_500,
        "[^1] " * 3_000 + "\n\n[^1]: x",
        "a <!-- " * 2_000,
        "a <![CDATA[ " * 1_500,
        "]" * 15_000,
        '<a b="' * 3_000,
    ],
)
def test_other_awkward_texts_are_read_or_refused_quickly(text):
    begin = time.process_time()
    with suppress(RefusedError):
        read_body(text)
    assert time.process_time() - begin < 20


def test_a_long_ordinary_text_passes():
    paragraph = "The partners compared how small loans reach people [1] (and firms) without a bank account. " * 10
    assert read_body("\n\n".join([paragraph] * 100)).html.count("<p>") == 100


def test_well_nested_html_of_two_hundred_levels_passes():
    assert render_markdown("<div>" * 150 + "x" + "</div>" * 150).count("<div>") == 150


@given(st.text(alphabet=st.sampled_from("<>/=\"'abip[]()!*_`#&;:-|^\\ \n"), max_size=300))
def test_whatever_is_written_the_result_is_stable_and_harmless(text):
    html = render_markdown(text)
    assert html == render_markdown(text)
    for tag in re.findall(r"<[a-z][^>]*>", html):
        assert not re.search(r"\son\w+=|javascript:|<script|style=", tag)
