"""MJML to HTML by mjml-python, with cures for what its engine does wrong (mrml 6.0; docs/decisions).

What it does, and what is done about it here:

- it prints attribute values in Rust's debug notation: line ends, tabs, backslashes, quotes and most invisible
  characters come out as escapes. So tags are put on one line and everything doubtful becomes a numeric reference,
  which it passes through untouched;
- it crashes the process on some thousand nested tags. So depth is bounded before;
- it checks nothing, and its errors name byte offsets. So offsets become lines;
- it fetches web fonts from a third party for families it knows. So it knows none;
- it inlines no style sheet. So css-inline does; media queries and Outlook's conditional comments are kept.
"""

from __future__ import annotations

import re

import css_inline
from mjml import mjml2html

from dissemination.errors import RenderError

#: Deepest nesting of tags in an item's body.
DEEPEST = 200
#: The template's own tags come on top of an item's.
_DEEPEST_DOCUMENT = DEEPEST + 40

_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
#: A tag with its attributes; possessive, so that hostile text costs linear time.
_TAG = re.compile(r"""<(/?)([A-Za-z][A-Za-z0-9:-]*)((?:[^<>"']|"[^"]*"|'[^']*')*+)>""")
_VALUE = re.compile(r"""=\s*(?:"([^"]*)"|'([^']*)')""")
#: No-break spaces are not among them: they stay, as references.
_BLANKS = re.compile(r"[ \t\r\n]+")
_COMMENT = re.compile(r"<!--(?:-?>|.*?(?:-->|\Z))", re.DOTALL)
_POSITION = re.compile(r"position (\d+)")


def depth(markup: str) -> int:
    """The deepest nesting of tags; linear in time, and right for unclosed tags too."""
    deepest = open_tags = 0
    for closing, name, rest in _TAG.findall(_COMMENT.sub("", markup)):
        if name.lower() in _VOID or rest.endswith("/"):
            continue
        open_tags = max(open_tags - 1, 0) if closing else open_tags + 1
        deepest = max(deepest, open_tags)
    return deepest


def to_html(mjml: str, name: str) -> str:
    """HTML for mail: tables, inline styles, one `<style>` with the media queries.

    Args:
        mjml: a whole MJML document; Jinja2 is already done.
        name: what it was made from, for messages.

    Raises:
        RenderError: nested too deeply, or no MJML.
    """
    if depth(mjml) > _DEEPEST_DOCUMENT:
        raise RenderError(f"{name}: more than {_DEEPEST_DOCUMENT} tags inside each other; simplify the body")
    safe = cured(mjml)
    try:
        html = mjml2html(safe, fonts={})
    except ValueError as error:
        raise RenderError(f"{name}:{_line(safe, str(error))}: not MJML: {error}; correct the template") from error
    return _inliner().inline(html)


def _inliner() -> css_inline.CSSInliner:
    return css_inline.CSSInliner(keep_style_tags=False, keep_at_rules=True, load_remote_stylesheets=False)


def cured(mjml: str) -> str:
    """The same document in pure ASCII, every tag on one line, attribute values free of what the engine escapes."""
    return _TAG.sub(_cured_tag, mjml).encode("ascii", "xmlcharrefreplace").decode("ascii")


def _cured_tag(tag: re.Match[str]) -> str:
    closing, name, rest = tag.groups()
    return f"<{closing}{name}{_BLANKS.sub(' ', _VALUE.sub(_cured_value, rest))}>"


def _cured_value(value: re.Match[str]) -> str:
    text = value[1] if value[1] is not None else value[2].replace('"', "&#34;")
    return f'="{_BLANKS.sub(" ", text).replace(chr(92), "&#92;")}"'


def _line(mjml: str, message: str) -> int:
    """The line that a message like "unexpected token at position 160:168" means; 1 where it says none."""
    position = _POSITION.search(message)
    return mjml.count("\n", 0, int(position[1])) + 1 if position else 1
