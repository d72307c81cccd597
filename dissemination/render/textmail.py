"""The plain-text twin of a newsletter: written for reading, not stripped from the HTML.

Lines are wrapped at 72 columns (RFC 5322, 2.1.1 allows 78) but no address is ever broken; addresses are numbered
in the text and listed at its end; headings are underlined.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lxml import html as lxml_html

COLUMNS = 72
#: However deep a list is nested, a line keeps this much room.
_NARROWEST = 24
_UNDERLINES = {1: "=", 2: "-"}
_HEADINGS = {f"h{level}": level for level in range(1, 7)}


def wrap(text: str, width: int = COLUMNS) -> str:
    """Every line of `text` wrapped at blanks; a word longer than the line stands alone, whole."""
    lines = (
        textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False) or [""]
        for line in text.split("\n")
    )
    return "\n".join(line for wrapped in lines for line in wrapped)


def underlined(title: str, level: int = 2, width: int = COLUMNS) -> str:
    """A heading: "=" below the first level, "-" below all others."""
    lines = wrap(" ".join(title.split()), width)
    longest = max(len(line) for line in lines.split("\n"))
    return f"{lines}\n{_UNDERLINES.get(level, '-') * longest}"


@dataclass(kw_only=True)
class TextMail:
    """What a text template lays its lines out with; one for each letter, because it numbers the addresses."""

    #: Stands for a picture: "Picture" gives "[Picture: a bridge]".
    picture: str
    _numbers: dict[str, int] = field(default_factory=dict)

    @property
    def links(self) -> Mapping[str, int]:
        """Address -> its number, in the order of their first mention."""
        return self._numbers

    def ref(self, url: str) -> str:
        """The mark of an address: "[3]"; the same address keeps its number."""
        return f"[{self._numbers.setdefault(url, len(self._numbers) + 1)}]"

    def alt(self, text: str) -> str:
        """A picture in words; nothing for a decorative one."""
        words = " ".join(text.split())
        return f"[{self.picture}: {words}]" if words else ""

    def prose(self, html: str) -> str:
        """Sanitised HTML (at most 200 levels deep) as text: blocks apart, lists, tables and quotations marked."""
        if not html.strip():
            return ""
        root = lxml_html.fragment_fromstring(html, create_parent="div")
        return "\n\n".join(_Prose(mail=self, width=COLUMNS).blocks(root))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Prose:
    """Converts elements to blocks of text of a given width."""

    mail: TextMail
    width: int

    def narrower(self, by: int) -> _Prose:
        return _Prose(mail=self.mail, width=max(self.width - by, _NARROWEST))

    def blocks(self, element: Any) -> list[str]:
        """The blocks inside `element`; loose text between block elements makes paragraphs of its own."""
        found: list[str] = []
        loose = element.text or ""
        for child in element:
            block = _BLOCKS.get(child.tag) if isinstance(child.tag, str) else None
            if block is None:
                loose += self._inline(child) + (child.tail or "")
                continue
            found += [_paragraph(loose, self.width), *block(self, child)]
            loose = child.tail or ""
        return [text for text in (*found, _paragraph(loose, self.width)) if text]

    def _inline(self, element: Any) -> str:
        if not isinstance(element.tag, str):
            return ""
        if element.tag == "br":
            return _BREAK
        if element.tag == "img":
            return self.mail.alt(element.get("alt", ""))
        text = self.inside(element)
        address = element.get("href", "") if element.tag == "a" else ""
        return f"{text} {self.mail.ref(address)}" if address else text

    def inside(self, element: Any) -> str:
        """All text in `element`, as one run."""
        pieces = [element.text or ""]
        for child in element:
            pieces += [self._inline(child), child.tail or ""]
        return "".join(pieces)

    def heading(self, element: Any) -> list[str]:
        """An underlined line."""
        text = _squeezed(self.inside(element))
        return [underlined(text, _HEADINGS[element.tag], self.width)] if text else []

    def items(self, element: Any) -> list[str]:
        """A list, its items one below the other with hanging indents."""
        marks = _marks(element)
        lines = [self._hanging(mark, child) for mark, child in zip(marks, element.iterchildren("li"), strict=False)]
        return ["\n".join(line for line in lines if line.strip())]

    def _hanging(self, mark: str, element: Any) -> str:
        text = "\n".join(self.narrower(len(mark)).blocks(element))
        return mark + textwrap.indent(text, " " * len(mark)).lstrip(" ")

    def quotation(self, element: Any) -> list[str]:
        """Lines marked with ">"."""
        text = "\n\n".join(self.narrower(2).blocks(element))
        return ["\n".join(f"> {line}".rstrip() for line in text.split("\n"))] if text else []

    def verbatim(self, element: Any) -> list[str]:
        """Lines as they are, moved in."""
        return [textwrap.indent("".join(element.itertext()).strip("\n"), "    ")]

    def table(self, element: Any) -> list[str]:
        """A line for each row, cells apart by a bar; the heading row underlined."""
        caption = [_squeezed(self.inside(one)) for one in element.iterchildren("caption")]
        return [*filter(None, caption), "\n".join(self._rows(element))]

    def _rows(self, element: Any) -> Iterator[str]:
        for row in element.iter("tr"):
            cells = [_squeezed(" ".join(self.narrower(0).blocks(cell))) for cell in row.iterchildren("th", "td")]
            line = wrap(" | ".join(cells), self.width)
            yield line
            if cells and all(cell.tag == "th" for cell in row.iterchildren("th", "td")):
                yield "-" * max(len(part) for part in line.split("\n"))

    def rule(self, element: Any) -> list[str]:  # noqa: ARG002 - the shape of the table below
        """A break of thought."""
        return ["* * *"]


#: A line break of the author's, kept while all other white space is squeezed.
_BREAK = "\x1e"


def _squeezed(text: str) -> str:
    return " ".join(text.replace(_BREAK, " ").split())


def _paragraph(text: str, width: int) -> str:
    lines = ("\n".join(wrap(" ".join(line.split()), width) for line in text.split(_BREAK))).strip("\n")
    return lines if lines.strip() else ""


def _marks(element: Any) -> Iterator[str]:
    start = element.get("start") or ""
    number = int(start) if re.fullmatch("[0-9]{1,6}", start) else 1
    while True:
        yield f"{number}. " if element.tag == "ol" else "- "
        number += 1


_Block = Callable[[_Prose, Any], list[str]]
_CONTAINERS = "address article aside dd details div dl dt figcaption figure footer header main p section summary"
_BLOCKS: Mapping[str, _Block] = {
    **dict.fromkeys(_CONTAINERS.split(), _Prose.blocks),
    **dict.fromkeys(_HEADINGS, _Prose.heading),
    **dict.fromkeys(("ul", "ol"), _Prose.items),
    "blockquote": _Prose.quotation,
    "pre": _Prose.verbatim,
    "table": _Prose.table,
    "hr": _Prose.rule,
}
