"""A news item as a newsletter tells it: plain texts and absolute addresses, ready for both templates."""
# ruff: noqa: RUF001 - the en dash is right between two times

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from lxml import etree
from lxml import html as lxml_html

from dissemination.errors import RenderError
from dissemination.model import EventFacts, Image, Link, NewsItem, Picture, Project, Site
from dissemination.render import bodies
from dissemination.render.mjml import DEEPEST, depth
from dissemination.render.strings import Words
from dissemination.render.words import direction, language_name, long_date

#: Width of the text column in pixels: nothing in it may be wider.
COLUMN = 520


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A picture by its public address; `width` is what it takes in the letter, in pixels."""

    url: str
    alt: str
    width: int
    digest: str
    height: int
    credit: str = ""
    caption: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """A line of the box of an event: "When: ...". With an address, the text is its link."""

    label: str
    text: str
    url: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Story:
    """Everything the templates say of one item."""

    lang: str
    dir: str
    #: What the language calls itself; empty where it is the letter's own.
    language: str
    kind: str
    title: str
    url: str
    byline: str
    date: str
    summary: str
    picture: Shown | None
    facts: tuple[Fact, ...]
    correction: str
    updated: str
    links: tuple[Link, ...]
    note: str
    #: The whole text as sanitised HTML, headings from the second level down; empty in a digest.
    body: str
    #: Digests of all pictures it shows.
    pictures: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class StoryTeller:
    """Makes stories for a letter in one language."""

    lang: str
    words: Words
    pictures: Mapping[str, Picture]
    project: Project
    site: Site

    def tell(self, item: NewsItem, *, whole: bool) -> Story:
        """The item as a story, with its body if `whole`.

        Raises:
            RenderError: the body is nested too deeply; the text names the item's file.
        """
        body = self._body(item) if whole else bodies.Body(html="")
        picture = self._lead(item, body)
        return Story(
            lang=item.lang,
            dir=direction(item.lang),
            language="" if item.lang == self.lang else language_name(item.lang),
            kind=self.words.types[item.type],
            title=bodies.one_line(item.title),
            url=bodies.absolute(item.canonical_url, "") or self.site.page(item),
            byline=self.words.by.format(name=bodies.one_line(item.byline or self.project.byline)),
            date=self._day(item.date),
            summary=bodies.one_line(item.summary),
            picture=picture,
            facts=tuple(self.facts(item.event)) if item.event else (),
            correction=bodies.one_line(item.correction),
            updated=self.words.updated.format(date=self._day(item.updated)) if item.updated else "",
            links=tuple(followed(item.links)) if whole else (),
            note=bodies.one_line(item.funding_note),
            body=body.html,
            pictures=(*([picture.digest] if picture else []), *body.shown),
        )

    def show(self, image: Image, picture: Picture, widest: int = COLUMN) -> Shown:
        """The picture at most `widest` pixels wide."""
        width = min(picture.width, widest)
        return Shown(
            url=self.site.media(picture),
            alt="" if image.decorative else bodies.one_line(image.alt),
            width=width,
            height=round(picture.height * width / picture.width),
            digest=picture.digest,
            credit=bodies.one_line(image.credit),
            caption=bodies.one_line(image.caption),
        )

    def _lead(self, item: NewsItem, body: bodies.Body) -> Shown | None:
        picture = self.pictures.get(str(item.image.file)) if item.image and item.image.file else None
        if item.image is None or picture is None or picture.digest in body.shown:
            return None
        return self.show(item.image, picture)

    def _body(self, item: NewsItem) -> bodies.Body:
        if depth(item.html) > DEEPEST:
            raise RenderError(f"{item.path}: more than {DEEPEST} tags inside each other; simplify the text")
        body = bodies.body(item, self.pictures, self.site)
        return bodies.Body(html=for_mail(body.html), shown=body.shown)

    def local(self, when: datetime, zone: str = "") -> datetime:
        """Wall time in the zone, or else in the project's."""
        return when.astimezone(ZoneInfo(zone or self.project.timezone))

    def _day(self, when: datetime | None) -> str:
        return long_date(self.local(when), self.lang) if when else ""

    def facts(self, event: EventFacts) -> Iterator[Fact]:
        """What is known of an event, as lines of a table."""
        words = self.words
        where = ", ".join(filter(None, (bodies.one_line(event.place), bodies.one_line(event.address))))
        register = bodies.absolute(event.register_url, "")
        online = bodies.absolute(event.online_url, "")
        lines = (
            Fact(label=words.when, text=self._span(event)),
            Fact(label=words.where, text=where),
            Fact(label=words.online, text=_bare(online), url=online),
            Fact(label=words.register, text=_bare(register), url=register),
            Fact(label=words.register_by, text=self._moment(event.deadline, event.tz)),
        )
        return (fact for fact in lines if fact.text)

    def _span(self, event: EventFacts) -> str:
        """The days alone where it begins and ends at midnight, as whole days are written."""
        if event.start is None:
            return ""
        start = self.local(event.start, event.tz)
        end = self.local(event.end, event.tz) if event.end else start
        days = [long_date(start, self.lang), long_date(end, self.lang)]
        if not any((start.hour, start.minute, end.hour, end.minute)):
            return " – ".join(dict.fromkeys(days))
        if end == start:
            return f"{days[0]}, {start:%H:%M} {start.tzname()}"
        if days[0] == days[1]:
            return f"{days[0]}, {start:%H:%M}–{end:%H:%M} {end.tzname()}"
        return f"{days[0]}, {start:%H:%M} – {days[1]}, {end:%H:%M} {end.tzname()}"

    def _moment(self, when: datetime | None, zone: str) -> str:
        if when is None:
            return ""
        local = self.local(when, zone)
        day = long_date(local, self.lang)
        return f"{day}, {local:%H:%M} {local.tzname()}" if (local.hour, local.minute) != (0, 0) else day


def followed(links: tuple[Link, ...]) -> Iterator[Link]:
    """Those that lead somewhere, each with a text."""
    for link in links:
        url = bodies.absolute(link.url, "")
        if url:
            yield Link(url=url, text=bodies.one_line(link.text) or _bare(url))


def _bare(url: str) -> str:
    """An address as people read it."""
    return url.removeprefix("https://").removeprefix("http://").removeprefix("www.").rstrip("/")


def for_mail(html: str) -> str:
    """A body as a mail carries it: its pictures no wider than the column, none without an alt."""
    if not html.strip():
        return ""
    root = lxml_html.fragment_fromstring(html, create_parent="div")
    for picture in root.iter("img"):
        _fit(picture)
    inner = str(etree.tostring(root, method="html", encoding="ascii"), "ascii")
    return inner.removeprefix("<div>").removesuffix("</div>")


def _fit(picture: Any) -> None:
    picture.attrib.pop("height", None)
    width = picture.get("width", "")
    picture.set("width", str(min(int(width), COLUMN) if re.fullmatch("[1-9][0-9]{0,5}", width) else COLUMN))
    picture.set("alt", picture.get("alt", ""))
