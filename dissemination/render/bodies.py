"""Bodies for the world outside: clean characters, absolute addresses, pictures by their public address."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from html import escape
from typing import Any, TypeVar
from urllib.parse import quote, unquote, urljoin, urlsplit

from lxml import etree
from lxml import html as lxml_html

from dissemination.model import NewsItem, Picture, Site

#: What XML 1.0 (section 2.2) cannot hold or advises against: one of these costs the whole document.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_SCHEMES = frozenset({"http", "https", "mailto", "tel"})
_URL_SAFE = "%/:?@!$&'()*+,;=~-._[]"
#: Attributes that the feed validator warns of (style), or that mean nothing elsewhere.
_DROPPED = frozenset({"style", "srcset", "loading", "decoding", "data-src", "target"})
_TABLE = re.compile(r"<table\b")
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_ADDRESSES = ("href", "src", "cite")

_T = TypeVar("_T")


def clean(text: str) -> str:
    """`text` without the characters that no XML document can hold; line ends are LF."""
    return _NOT_XML.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str) -> str:
    """Clean text on one line, with single blanks."""
    return " ".join(clean(text).split())


def cleaned(value: _T) -> _T:
    """The same value with every text in it clean, at any depth of dataclasses, tuples and mappings."""
    result: Any = value
    if isinstance(value, str):
        result = clean(value)
    elif isinstance(value, tuple):
        result = tuple(cleaned(one) for one in value)
    elif isinstance(value, Mapping):
        result = {cleaned(key): cleaned(one) for key, one in value.items()}
    elif is_dataclass(value) and not isinstance(value, type):
        result = replace(value, **{f.name: cleaned(getattr(value, f.name)) for f in fields(value)})
    return result  # type: ignore[no-any-return]


def absolute(address: str, base: str) -> str:
    """`address` as seen from `base`, percent-encoded; "" where it cannot be followed from elsewhere."""
    try:
        parts = urlsplit(urljoin(base, clean(address).strip()))
    except ValueError:
        return ""
    if parts.scheme not in _SCHEMES:
        return ""
    path, query, fragment = (quote(part, safe=_URL_SAFE) for part in (parts.path, parts.query, parts.fragment))
    return parts._replace(path=path, query=query, fragment=fragment).geturl()


@dataclass(frozen=True, kw_only=True, slots=True)
class Body:
    """HTML that can be shown anywhere, and the digests of the pictures it shows, in order."""

    html: str
    shown: tuple[str, ...] = ()


def body(item: NewsItem, pictures: Mapping[str, Picture], site: Site) -> Body:
    """The item's body with absolute addresses, and headings that follow the title's without a gap.

    A picture that is not there, or lies elsewhere, gives way to its alternative text: fetching it from elsewhere
    would tell a third party who reads.
    """
    root = lxml_html.fragment_fromstring(clean(item.html), create_parent="div")
    etree.strip_elements(root, etree.Comment, etree.ProcessingInstruction, with_tail=False)
    rewriter = _Rewriter(item=item, pictures=pictures, site=site)
    _shift_headings(root)
    for element in list(root.iter()):
        rewriter.rewrite(element)
    return Body(html=_inner(root), shown=tuple(dict.fromkeys(rewriter.shown)))


def scrolling(html: str, name: str) -> str:
    """A body whose tables scroll by themselves, by the keyboard too, so that a narrow page never does.

    Args:
        html: a sanitised body.
        name: what a table is called for those who cannot see it.
    """
    opening = f'<div class="wide" role="group" tabindex="0" aria-label="{escape(name)}"><table'
    return _TABLE.sub(opening, html).replace("</table>", "</table></div>")


@dataclass(kw_only=True)
class _Rewriter:
    item: NewsItem
    pictures: Mapping[str, Picture]
    site: Site
    shown: list[str] = field(default_factory=list)

    def rewrite(self, element: Any) -> None:
        for name in _DROPPED & set(element.attrib):
            del element.attrib[name]
        if element.tag == "img":
            self._picture(element)
        base = self.site.page(self.item)
        for name in set(_ADDRESSES) & set(element.attrib):
            address = absolute(element.get(name), base)
            if address:
                element.set(name, address)
            else:
                del element.attrib[name]

    def _picture(self, element: Any) -> None:
        source = element.get("src", "")
        picture = self._prepared(source)
        if picture is not None:
            self.shown.append(picture.digest)
            element.set("src", self.site.media(picture))
            element.set("width", str(picture.width))
            element.set("height", str(picture.height))
        else:
            _give_way(element, _elsewhere(source))

    def _prepared(self, source: str) -> Picture | None:
        path = unquote(source)
        for image in self.item.images + ((self.item.image,) if self.item.image else ()):
            if image.src in {source, path} and image.file is not None:
                return self.pictures.get(str(image.file))
        return self.pictures.get(posixpath.normpath(posixpath.join(str(self.item.folder), path)))


def _elsewhere(source: str) -> str:
    """Where a picture can be looked at; "" for one of ours that is lost."""
    return absolute(f"https:{source}" if source.startswith("//") else source, "")


def _give_way(element: Any, address: str) -> None:
    """The words in place of the picture; a link, where it can be looked at elsewhere."""
    words = element.get("alt", "")
    element.clear(keep_tail=True)
    element.tag = "span"
    element.text = words
    if address and words and next(element.iterancestors("a"), None) is None:
        element.tag = "a"
        element.set("href", address)


def _shift_headings(root: Any) -> None:
    """Whatever levels are used become h2, h3, ... in their order: h1 is the title's."""
    used = sorted({element.tag for element in root.iter(*_HEADINGS)})
    levels = dict(zip(used, _HEADINGS[1:] + _HEADINGS[-1:], strict=False))
    for element in list(root.iter(*_HEADINGS)):
        element.tag = levels[element.tag]


def _inner(root: Any) -> str:
    parts = [escape(root.text or "", quote=False)]
    parts += [lxml_html.tostring(child, encoding="unicode") for child in root]
    return "".join(parts)
