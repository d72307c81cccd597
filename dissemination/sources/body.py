"""The body: Markdown to sanitised HTML, the words that can stand in for a summary, and the pictures it shows.

markdown-it-py and nh3 are both quadratic in places: what grows that way is bounded before each of them.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from mdit_py_plugins.footnote import footnote_plugin

from dissemination.sources.refusal import refused

BODY_LIMIT = 512 * 1024
MAX_DEPTH = 200
#: One paragraph, heading or table cell. Inline parsing is quadratic in places; this is ten printed pages.
INLINE_LIMIT = 20_000
MAX_OPEN_BRACKETS = 200
#: `<b>` and its like left open by a closed paragraph: HTML parsers open each of them again in every later one.
MAX_DANGLING = 10

_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_FORMATTING = frozenset(
    {"a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"}
)
_PLAIN_TAGS = frozenset(
    {
        "b",
        "blockquote",
        "br",
        "caption",
        "code",
        "dd",
        "del",
        "div",
        "dl",
        "dt",
        "em",
        "figcaption",
        "figure",
        "h2",
        "h3",
    }
    | {"h4", "h5", "h6", "hr", "i", "ins", "kbd", "mark", "p", "pre", "s", "small", "span", "strong", "sub", "sup"}
    | {
        "table",
        "tbody",
        "tfoot",
        "thead",
        "tr",
        "u",
        "ul",
        "cite",
        "var",
        "samp",
        "section",
        "aside",
        "details",
        "summary",
    }
)
#: Tags with attributes of their own; `lang` and `dir` are allowed on all.
_TAG_ATTRIBUTES = {
    "a": {"href", "title", "id"},
    "abbr": {"title"},
    "blockquote": {"cite"},
    "img": {"src", "alt", "title", "width", "height"},
    "li": {"id", "value"},
    "ol": {"start"},
    "q": {"cite"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan", "scope"},
    "time": {"datetime"},
}
_CLASSES = {
    "a": {"footnote-backref"},
    "hr": {"footnotes-sep"},
    "li": {"footnote-item"},
    "ol": {"footnotes-list"},
    "section": {"footnotes"},
    "sup": {"footnote-ref"},
}
_SHAPES = {
    "align": re.compile(r"left|center|right"),
    "colspan": re.compile(r"[0-9]{1,3}"),
    "dir": re.compile(r"ltr|rtl|auto"),
    "height": re.compile(r"[0-9]{1,5}"),
    "id": re.compile(r"fn(?:ref)?-[0-9a-f]{8}-[0-9]{1,6}(?::[0-9]{1,6})?"),
    "lang": re.compile(r"[A-Za-z0-9-]{1,35}"),
    "rowspan": re.compile(r"[0-9]{1,3}"),
    "start": re.compile(r"[0-9]{1,9}"),
    "value": re.compile(r"[0-9]{1,9}"),
    "width": re.compile(r"[0-9]{1,5}"),
}
_ADDRESSES = frozenset({"href", "src", "cite"})

_MORE = re.compile(r"<!--\s*(?:more|TEASER_END)(?::[^>\n]{0,80})?\s*-->", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)\b(?:[^<>\"']|\"[^\"<]*\"|'[^'<]*')*+(/?)>?")
_TOP_HEADING = re.compile(r"<h1[\s>]", re.IGNORECASE)
_HEADING = re.compile(r"<(/?)h([1-5])(?=[\s>])", re.IGNORECASE)
_PARAGRAPH = re.compile(r"<p(?: [^>]*)?>(.*?)</p>", re.DOTALL)
_FOOTNOTE_REF = re.compile(r'<sup class="footnote-ref">.*?</sup>', re.DOTALL)
_BREAK = re.compile(r"</?(?:br|p|div|h[1-6]|li|t[dhr]|d[dt]|hr|blockquote|figcaption|section|img)\b[^>]*>")
_ANY_TAG = re.compile(r"<[^>]*>")
_IMG = re.compile(r"<img((?: [a-z]+=\"[^\"]*\")*)>")
_ATTRIBUTE = re.compile(r" ([a-z]+)=\"([^\"]*)\"")


@dataclass(frozen=True, kw_only=True, slots=True)
class Body:
    """A body as it was read."""

    html: str
    #: Plain text before `<!--more-->`, else of the first paragraph.
    teaser: str
    #: Of the pictures it shows: address as it stands in `html`, alternative text, line in the file.
    pictures: tuple[tuple[str, str, int], ...] = ()


def render_markdown(text: str) -> str:
    """CommonMark with tables and footnotes to sanitised HTML (see docs: what may stand in a body).

    Args:
        text: at most 512 KB.

    Raises:
        RefusedError: too large, too deep, or made to keep a parser busy; `finding.line` counts from 1.
    """
    return read_body(text).html


def read_body(text: str, first_line: int = 1) -> Body:
    """Render the body that begins on `first_line` of its file.

    Raises:
        RefusedError: as `render_markdown`.
    """
    if len(text.encode()) > BODY_LIMIT:
        raise refused("too-large", "the text is larger than 512 KB", line=first_line, fix="split it, or link to it")
    html = _render(text, first_line)
    more = _MORE.search(text)
    teaser = plain(_render(text[: more.start()], first_line)) if more else _first_paragraph(html)
    return Body(html=html, teaser=teaser, pictures=tuple(_pictures(html, text, first_line)))


def plain(html: str) -> str:
    """The text of sanitised HTML, on one line, without footnote marks."""
    words = _ANY_TAG.sub("", _BREAK.sub(" ", _FOOTNOTE_REF.sub("", html)))
    return " ".join(unescape(words).split())


def sanitised(html: str, line: int = 1) -> str:
    """HTML reduced to what may stand in a body.

    Raises:
        RefusedError: larger than 512 KB, or nested deeper than 200.
    """
    if len(html.encode()) > BODY_LIMIT:
        raise refused("too-large", "the text is larger than 512 KB as HTML", line=line, fix="split it")
    _check_depth(html, line)
    clean = _cleaner().clean(html).strip()
    if len(clean) > 2 * BODY_LIMIT:
        raise refused("too-large", "the text grows to more than 1 MB of HTML", line=line, fix="close its tags")
    return clean


def _render(text: str, first_line: int) -> str:
    # Footnote ids carry a digest of the text, so that several items can stand on one page.
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    html = _markdown().render(text, {"docId": digest, "first_line": first_line})
    if _TOP_HEADING.search(html):
        html = _HEADING.sub(lambda found: f"<{found[1]}h{int(found[2]) + 1}", html)
    return sanitised(html, first_line)


@functools.cache
def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": True}).enable("table").use(footnote_plugin)
    markdown.core.ruler.before("inline", "bounds", _check_inline)
    markdown.core.ruler.push("align", _align_cells)
    return markdown


def _check_inline(state: StateCore) -> None:
    for token in state.tokens:
        if token.type != "inline":
            continue
        line = state.env["first_line"] + (token.map[0] if token.map else 0)
        if len(token.content) > INLINE_LIMIT:
            message = f"a paragraph of more than {INLINE_LIMIT:,} characters"
            raise refused("paragraph-too-long", message, line=line, fix="break it with empty lines")
        if token.content.count("[") > MAX_OPEN_BRACKETS and _open_brackets(token.content) > MAX_OPEN_BRACKETS:
            message = f"more than {MAX_OPEN_BRACKETS} brackets are open at once"
            raise refused("too-deep", message, line=line, fix="close them, or write \\[", seen=token.content)


def _open_brackets(text: str) -> int:
    depth = most = 0
    for character in re.findall(r"[\[\]]", text):
        depth = depth + 1 if character == "[" else max(depth - 1, 0)
        most = max(most, depth)
    return most


def _align_cells(state: StateCore) -> None:
    """`style` never passes the sanitiser; `align` on cells does, and mail clients know it."""
    for token in state.tokens:
        style = token.attrGet("style") if token.type in {"td_open", "th_open"} else None
        if isinstance(style, str):
            token.attrs = {"align": style.removeprefix("text-align:")}


def _check_depth(html: str, line: int) -> None:
    """A cheap look before nh3, which is quadratic in nesting."""
    open_tags: list[str] = []
    dangling = 0
    for found in _TAG.finditer(html):
        name = found[2].lower()
        if name in _VOID:
            continue
        if not found[1]:
            open_tags.append(name)
            if len(open_tags) > MAX_DEPTH:
                message = f"more than {MAX_DEPTH} HTML tags are open at once"
                raise refused("too-deep", message, line=line, fix="close them", seen=f"<{name}>")
        elif name in open_tags:
            dangling += _close(open_tags, name)
    if dangling > MAX_DANGLING:
        message = "HTML tags are closed in another order than they were opened"
        raise refused("html-misnested", message, line=line, fix="close the inner tag first")


def _close(open_tags: list[str], name: str) -> int:
    dangling = 0
    while (last := open_tags.pop()) != name:
        dangling += last in _FORMATTING
    return dangling


@functools.cache
def _cleaner() -> nh3.Cleaner:
    attributes = {tag: set(names) for tag, names in _TAG_ATTRIBUTES.items()}
    return nh3.Cleaner(
        tags=set(_PLAIN_TAGS | _TAG_ATTRIBUTES.keys()),
        clean_content_tags={"script", "style", "iframe", "object", "embed", "svg", "math", "template", "title"},
        attributes={**attributes, "*": {"lang", "dir"}},
        attribute_filter=_attribute,
        url_schemes={"http", "https", "mailto", "tel"},
        allowed_classes={tag: set(names) for tag, names in _CLASSES.items()},
        link_rel=None,
    )


def _attribute(_tag: str, name: str, value: str) -> str | None:
    if name in _ADDRESSES:
        return value if _address_is_fine(value) else None
    shape = _SHAPES.get(name)
    return value if shape is None or shape.fullmatch(value) else None


def _address_is_fine(value: str) -> bool:
    """No scheme-relative address, which nh3 lets through, and nobody's name before the host."""
    flat = re.sub(r"[\x00-\x20]", "", value).replace("\\", "/")
    if flat.startswith("//"):
        return False
    try:
        parts = urlsplit(flat)
    except ValueError:
        return False
    return "@" not in parts.netloc


def _first_paragraph(html: str) -> str:
    return next((text for found in _PARAGRAPH.finditer(html) if (text := plain(found[1]))), "")


def _pictures(html: str, text: str, first_line: int) -> Iterator[tuple[str, str, int]]:
    for found in _IMG.finditer(html):
        facts = {name: unescape(value) for name, value in _ATTRIBUTE.findall(found[1])}
        src = facts.get("src", "")
        if src:
            place = text.find(src)
            line = first_line + text.count("\n", 0, place) if place >= 0 else 0
            yield src, facts.get("alt", ""), line
