"""Rules on links, in the front matter and in the body."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import urlsplit

from dissemination.checks.findings import E, On, Rule, W, line_of
from dissemination.model import Finding, NewsItem, Project

#: Words that say nothing out of their context, which is how screen readers list links.
_EMPTY_WORDS = frozenset(
    {
        "click here", "click", "here", "this link", "link", "this", "read more", "more", "learn more", "see more",
        "click aici", "apasă aici", "apăsați aici", "aici", "citește mai mult", "citiți mai mult", "mai mult",
        "detalii",
        "clicca qui", "cliccare qui", "qui", "leggi di più", "leggi tutto", "continua",
        "cliquez ici", "cliquer ici", "ici", "en savoir plus", "lire la suite", "lire plus", "plus",
        "klicken sie hier", "hier klicken", "klick hier", "hier", "mehr", "mehr lesen", "weiterlesen",
        "haga clic aquí", "haz clic aquí", "aquí", "pincha aquí", "leer más", "más",
        "clique aqui", "aqui", "ler mais", "saiba mais", "klik hier", "lees meer", "meer",
        "kliknite tukaj", "tukaj", "preberi več", "več", "klicka här", "här", "läs mer", "mer",
        "kliknij tutaj", "tutaj", "czytaj więcej", "więcej", "klikněte zde", "zde", "více", "kliknite sem", "viac",
        "kattintson ide", "ide", "itt", "tovább", "kliknite ovdje", "ovdje", "više", "klikkaa tästä", "tästä",
        "lue lisää", "klik her", "her", "læs mere", "κάντε κλικ εδώ", "εδώ", "περισσότερα", "щракнете тук", "тук",
        "още", "vajuta siia", "siin", "loe edasi", "šeit", "lasīt vairāk", "čia", "skaityti daugiau",
    }
)  # fmt: skip

#: Sanitised HTML has double quotes only and closes what it opens; the text ends at the next tag of a link.
_ANCHOR = re.compile(r"<a(?=\s)([^<>]*+)>((?:[^<]|<(?!/?a\b))*+)</a>")
_HREF = re.compile(r'\shref="([^"]*)"')
_TAG = re.compile(r"<[^>]*>")
#: What an address may begin with.
_FOLLOWED = frozenset({"https", "mailto", "tel"})
_IMAGE_ALT = re.compile(r'<img(?=\s)[^<>]*?\salt="([^"<>]*)"[^<>]*>')


def links(item: NewsItem, _project: Project) -> Iterator[Finding]:
    """Texts that say nothing, and addresses without encryption."""
    for link in item.links:
        yield from _link(item, link.url, link.text, "links", line_of(item, "links"))
    if "<a " in item.html:
        for url, text in anchors(item.html):
            if not url.startswith("#"):
                yield from _link(item, url, text, "body", _line_in_body(item, url))


def anchors(html: str) -> Iterator[tuple[str, str]]:
    """Address and text of every link of sanitised HTML; a picture's text is its alternative text."""
    for attributes, inner in _ANCHOR.findall(html):
        href = _HREF.search(attributes)
        if not href:
            continue
        words = _TAG.sub("", _IMAGE_ALT.sub(r" \1 ", inner)) if "<" in inner else inner
        yield unescape(href[1]), " ".join(unescape(words).split())


def _link(item: NewsItem, url: str, text: str, field: str, line: int) -> Iterator[Finding]:
    if says_nothing(text) or (field == "body" and not text):
        fix = "write where it leads, such as the title of the page"
        yield On(item, "link-text", W, field).say(f"the link text `{text}` says nothing", fix, seen=url, line=line)
    if url.lower().startswith("http:"):
        fix = f"write https{url[4:120]}"
        yield On(item, "link-http", W, field).say("a link without encryption", fix, seen=url, line=line)


def says_nothing(text: str) -> bool:
    """Whether a link's text is one of the words that say nothing out of their context."""
    return text.strip(" .:!…>»→\xa0").casefold() in _EMPTY_WORDS


def addresses(item: NewsItem, _project: Project) -> Iterator[Finding]:
    """The same for single addresses. Pages and letters leave out what leads nowhere, and that is an error."""
    urls = [("canonical_url", item.canonical_url), ("source_url", item.source_url)]
    urls += [(f"posts.{network}.link", post.link) for network, post in item.posts.items()]
    if item.event:
        urls += [("event.online_url", item.event.online_url), ("event.register_url", item.event.register_url)]
    for field, url in urls:
        if url.lower().startswith("http:"):
            yield On(item, "link-http", W, field).say(
                "a link without encryption", f"write https{url[4:120]}", seen=url
            )
        elif url and _scheme(url) not in _FOLLOWED:
            fix = "write the whole address, from https:// on"
            yield On(item, "link-lost", E, field).say(
                "an address that nobody can follow is left out", fix, seen=url
            )


def _scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme
    except ValueError:
        return ""


def _line_in_body(item: NewsItem, url: str) -> int:
    start, place = item.lines.get("body", 0), item.markdown.find(url)
    return start + item.markdown.count("\n", 0, place) if start and place >= 0 else start


RULES: tuple[Rule, ...] = (links, addresses)
