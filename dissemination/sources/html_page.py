"""A saved HTML page: facts from what it says of itself, the body by trafilatura, cleaned of what leaks in.

The order in which facts are believed: JSON-LD, then `article:` and Open Graph, then `<time datetime>`, then the
text that is seen. Dates that a library would guess are not asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from dissemination.sources.page import LABELS, SKIP_LINKS, TOPICS, TYPES, Page, PagePicture, date_seen, whole_date
from dissemination.sources.refusal import refused

PAGE_LIMIT = 5 * 1024 * 1024
MAX_DEPTH = 200
MAX_ELEMENTS = 100_000
MAX_PICTURES = 20

_ARTICLES = frozenset({"NewsArticle", "Article", "BlogPosting", "Report", "Event"})
#: What the gate for items refuses: here it is the page's noise.
_HARMFUL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_BULLET = re.compile(r"^[-*+]\s+")
_HEADING = re.compile(r"^#{1,6}\s+")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Said:
    """One voice: what JSON-LD, or Open Graph, or the visible page says."""

    title: str = ""
    date: str = ""
    updated: str = ""
    summary: str = ""
    lang: str = ""
    byline: str = ""
    authors: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    url: str = ""
    pictures: tuple[PagePicture, ...] = ()


def read_html(content: bytes) -> Page:
    """Read a page of at most 5 MB.

    Raises:
        RefusedError: too large, too deep, or no page.
    """
    if len(content) > PAGE_LIMIT:
        raise refused("too-large", "the page is larger than 5 MB", fix="save it without its pictures")
    tree = _tree(content)
    voices = (_json_ld(tree), _open_graph(tree), _visible(tree))
    facts = {name: _first(voices, name) for name in _Said.__dataclass_fields__}
    sections = facts.pop("sections")
    title = facts["title"]
    if not title:
        raise refused("page-empty", "the page has no title")
    body = _cleaned(_body(tree), title, {*facts["tags"], *sections})
    axes = _axes(sections)
    pictures = tuple(_absolute(picture, facts["url"]) for picture in facts.pop("pictures")[:MAX_PICTURES])
    lines = _lines(content, title)
    seen = "" if facts["date"] else date_seen(body)
    return Page(body=body, date_seen=seen, pictures=pictures, lines=lines, **axes, **facts)


def _tree(content: bytes) -> Any:
    from lxml import etree, html  # noqa: PLC0415 # heavy; only the importer needs it

    parser = html.HTMLParser(no_network=True, huge_tree=False, remove_comments=True, remove_pis=True)
    declared = re.search(rb"<meta[^>]{0,200}charset", content[:4096], re.IGNORECASE)
    if not declared:
        parser = html.HTMLParser(no_network=True, remove_comments=True, remove_pis=True, encoding="utf-8")
    try:
        tree = html.document_fromstring(content, parser=parser)
    except (etree.LxmlError, ValueError) as error:
        raise refused("page-unreadable", f"this is no HTML page ({error})") from None
    depth = count = 0
    for event, _ in etree.iterwalk(tree, events=("start", "end")):
        depth += 1 if event == "start" else -1
        count += event == "start"
        if depth > MAX_DEPTH or count > MAX_ELEMENTS:
            raise refused("too-deep", f"the page has more than {MAX_DEPTH} levels or {MAX_ELEMENTS:,} elements")
    return tree


def _first(voices: tuple[_Said, ...], name: str) -> Any:
    return next((value for voice in voices if (value := getattr(voice, name))), getattr(_Said(), name))


def _json_ld(tree: Any) -> _Said:
    for script in tree.iterfind(".//script[@type='application/ld+json']"):
        try:
            data = json.loads(script.text or "null")
        except (ValueError, RecursionError):
            continue
        article = next(_articles(data, 0), None)
        if article:
            return _from_article(article)
    return _Said()


def _articles(data: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    if depth > 5:
        return
    if isinstance(data, list):
        for entry in data[:100]:
            yield from _articles(entry, depth + 1)
    elif isinstance(data, dict):
        kinds = data.get("@type")
        if _ARTICLES.intersection(map(str, kinds if isinstance(kinds, list) else [kinds])):
            yield data
        yield from _articles(data.get("@graph"), depth + 1)


def _from_article(article: Mapping[str, Any]) -> _Said:
    organisations, people = _authors(article.get("author"))
    return _Said(
        title=_text(article.get("headline")) or _text(article.get("name")),
        date=_date(article.get("datePublished")),
        updated=_date(article.get("dateModified")),
        summary=_text(article.get("description")),
        lang=_text(article.get("inLanguage")),
        byline=", ".join(organisations),
        authors=people,
        sections=_texts(article.get("articleSection")),
        tags=_texts(article.get("keywords")),
        url=_web(article.get("url")) or _web(article.get("mainEntityOfPage")),
        pictures=tuple(_ld_pictures(article.get("image"))),
    )


def _authors(value: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(organisations, people): only who is called a person is one."""
    found: dict[bool, list[str]] = {True: [], False: []}
    for author in value if isinstance(value, list) else [value]:
        name = _text(author.get("name")) if isinstance(author, dict) else _text(author)
        if name and not name.startswith(("http:", "https:")):
            found[isinstance(author, dict) and author.get("@type") == "Person"].append(name)
    return tuple(found[False]), tuple(found[True])


def _ld_pictures(value: Any) -> Iterator[PagePicture]:
    for image in value if isinstance(value, list) else [value]:
        facts = image if isinstance(image, dict) else {"url": image}
        src = _text(facts.get("url")) or _text(facts.get("contentUrl"))
        if src:
            yield PagePicture(src=src, caption=_text(facts.get("caption")))


def _open_graph(tree: Any) -> _Said:
    meta: dict[str, list[str]] = {}
    for tag in tree.iterfind(".//meta"):
        name = (tag.get("property") or tag.get("name") or "").lower()
        if name and (content := _text(tag.get("content"))):
            meta.setdefault(name, []).append(content)

    def one(*names: str) -> str:
        return next((meta[name][0] for name in names if name in meta), "")

    src = one("og:image", "og:image:url")
    author = one("article:author")
    return _Said(
        title=one("og:title"),
        date=_date(one("article:published_time")),
        updated=_date(one("article:modified_time")),
        summary=one("og:description", "description"),
        lang=one("og:locale"),
        byline="" if author.startswith("http") else author,
        sections=tuple(meta.get("article:section", ())),
        tags=tuple(meta.get("article:tag", ())) or _texts(one("keywords")),
        url=_web(one("og:url")),
        pictures=(PagePicture(src=src, alt=one("og:image:alt")),) if src else (),
    )


def _visible(tree: Any) -> _Said:
    heading = tree.find(".//h1")
    title = tree.find(".//title")
    canonical = tree.find(".//link[@rel='canonical']")
    name = _text(heading.text_content()) if heading is not None else ""
    return _Said(
        title=name or (re.split(r"\s+[|\u2013]\s+", _text(title.text_content()))[0] if title is not None else ""),
        date=_time(tree),
        lang=_text(tree.get("lang")),
        byline=_signature(tree),
        url=_web(canonical.get("href")) if canonical is not None else "",
        pictures=tuple(_shown(_article(tree))),
    )


def _article(tree: Any) -> Any:
    found = tree.find(".//article")
    found = tree.find(".//main") if found is None else found
    return tree if found is None else found


def _time(tree: Any) -> str:
    """The article's only `<time>`; where several differ, none of them is known to be the item's."""
    article = _article(tree)
    times = {_date(tag.get("datetime")) for tag in article.iterfind(".//time[@datetime]")}
    heads = {_date(tag.get("datetime")) for tag in article.iterfind(".//header//time[@datetime]")}
    for found in (times, heads):
        if len(found) == 1:
            return found.pop()
    return ""


def _signature(tree: Any) -> str:
    for tag in _article(tree).iter("p", "span", "div", "address"):
        found = re.fullmatch(r"By\s+(\S.{0,79})", _text(tag.text_content())) if len(tag) < 3 else None
        if found and not found[1].endswith("."):
            return found[1]
    return ""


def _shown(article: Any) -> Iterator[PagePicture]:
    for image in article.iterfind(".//img[@src]"):
        src = _text(image.get("src"))
        if src and not src.startswith("data:"):
            yield PagePicture(src=src, alt=_text(image.get("alt")))


def _absolute(picture: PagePicture, base: str) -> PagePicture:
    try:
        src = urljoin(base, picture.src)
    except ValueError:
        src = picture.src
    return PagePicture(src=src, alt=picture.alt, caption=picture.caption)


def _axes(sections: tuple[str, ...]) -> dict[str, Any]:
    """The word "Social" is the programme's topic, "News" a type; what is neither is a category."""
    low = [section.lower() for section in sections]
    others = tuple(section for section in sections if section.lower() not in {*TYPES, *TOPICS})
    return {
        "type": next((TYPES[word] for word in low if word in TYPES), None),
        "topic": next((TOPICS[word] for word in low if word in TOPICS), None),
        "categories": others,
    }


def _body(tree: Any) -> str:
    import trafilatura  # noqa: PLC0415 # half a second; only the importer needs it

    found = trafilatura.extract(
        tree,
        output_format="markdown",
        include_comments=False,
        include_links=True,
        include_tables=True,
        with_metadata=False,
    )
    return "\n".join(_HARMFUL.sub(" ", line) for line in (found or "").split("\n"))


def _cleaned(body: str, title: str, words: set[str]) -> str:
    """Without the repeated title, the site's labels, skip links, and lists of tags."""
    leaks = {word.lower() for word in words} | LABELS | TYPES.keys() | TOPICS.keys() | {title.lower()}
    kept = []
    for line in body.split("\n"):
        bare = _HEADING.sub("", _BULLET.sub("", line.strip())).strip("*_: ").lower()
        if not (bare and (bare in leaks or SKIP_LINKS.fullmatch(bare))):
            kept.append(line.rstrip())
    paragraphs = re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()
    return re.sub(r"^By [^\n.]{1,79}\n+", "", paragraphs)


def _lines(content: bytes, title: str) -> dict[str, int]:
    places = {
        "title": content.find(title.encode()),
        "date": content.lower().find(b"<time"),
        "image": content.find(b"<img"),
    }
    return {name: content.count(b"\n", 0, place) + 1 for name, place in places.items() if place >= 0}


def _text(value: Any) -> str:
    return " ".join(_HARMFUL.sub(" ", value).split())[:1000] if isinstance(value, str) else ""


def _texts(value: Any) -> tuple[str, ...]:
    entries = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
    return tuple(dict.fromkeys(text for entry in entries[:100] if (text := _text(entry))))


def _date(value: Any) -> str:
    return whole_date(_text(value))


def _web(value: Any) -> str:
    address = _text(value.get("@id") if isinstance(value, dict) else value)
    try:
        return address if urlsplit(address).scheme in {"http", "https"} else ""
    except ValueError:
        return ""
