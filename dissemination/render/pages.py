"""Pages for people: one an item, one a feed, and the list of feeds. No script, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment

from dissemination.model import Entry, EntryPicture, Project, Site
from dissemination.render import feed_opml
from dissemination.render.environment import render as fill
from dissemination.render.feed_document import FeedDocument, correction_note
from dissemination.render.feed_memory import Memory
from dissemination.render.feed_words import feed_words
from dissemination.render.words import direction, language_name, long_date, words


@dataclass(frozen=True, kw_only=True, slots=True)
class Pages:
    """Makes all pages of one project."""

    project: Project
    site: Site
    environment: Environment
    documents: Sequence[FeedDocument]
    #: The funding visual by its public address.
    visual: EntryPicture | None = None

    def render(self, entries: Sequence[Entry], emptied: Sequence[FeedDocument], memory: Memory) -> dict[str, bytes]:
        """All pages: path below the public root -> bytes. Those of `emptied` feeds are listed nowhere."""
        made = {"feeds/index.html": self.feeds()}
        made["index.html"] = made["feeds/index.html"]
        langs = {one.lang for one in (*self.documents, *emptied)} | {one.lang for one in entries}
        facts = {lang: self._facts_of(lang) for lang in langs}
        for document in (*self.documents, *emptied):
            path = document.path("index.html")
            made[path] = memory.get("twin", path, (document, facts[document.lang]), partial(self.feed, document))
        for entry in entries:
            path = f"{entry.path}index.html"
            made[path] = memory.get("page", path, (entry, facts[entry.lang]), partial(self.item, entry))
        return made

    def _facts_of(self, lang: str) -> tuple[object, ...]:
        """What every page of a language depends on, besides its own entry or feed."""
        return self.project, self.visual, [self._bare(document) for document in self.announced(lang)]

    def _bare(self, document: FeedDocument) -> tuple[str, str]:
        return document.title, document.url("")

    def feeds(self) -> bytes:
        """The list of feeds, in the default language."""
        return self._page("feeds.html", self.project.default_lang, url=self.site.address("feeds/"))

    def feed(self, document: FeedDocument) -> bytes:
        """The feed as a page."""
        announced = [
            replace(document, lang=lang, langs=document.langs) for lang in (document.lang, *document.sisters)
        ]
        return self._page("feed.html", document.lang, url=document.url(""), document=document, announced=announced)

    def announced(self, lang: str) -> Sequence[FeedDocument]:
        """The feeds that a page names for programs: the main one of each language, the page's own first."""
        by_lang: dict[str, FeedDocument] = {}
        for document in self.documents:
            by_lang.setdefault(document.lang, document)
        return sorted(by_lang.values(), key=lambda document: document.lang != self._own(lang).lang)

    def item(self, entry: Entry) -> bytes:
        """The item's own page."""
        note = correction_note(entry, ZoneInfo(self.project.timezone))
        return self._page("item.html", entry.lang, url=entry.url, entry=entry, facts=self._facts(entry), note=note)

    def _page(self, template: str, lang: str, **values: Any) -> bytes:
        common = {
            "lang": lang,
            "dir": direction(lang),
            "words": words(lang),
            "feed_words": feed_words(lang),
            "language_name": language_name,
            "day": lambda when: long_date(self._local(when), lang),
            "iso": lambda when: self._local(when).isoformat(),
            "shown": _shown,
            "project": self.project,
            "documents": self.documents,
            "own": self._own(lang),
            "announced": self.announced(lang),
            "visual": self.visual,
            "root": self.site.address("feeds/"),
            "opml": self.site.address(feed_opml.PATH),
        }
        return fill(self.environment, f"public/{template}", **{**common, **values}).encode()

    def _local(self, when: datetime) -> datetime:
        return when.astimezone(ZoneInfo(self.project.timezone))

    def _own(self, lang: str) -> FeedDocument:
        """The main feed in this language, or else in the default one."""
        wanted = (lang, self.project.default_lang)
        return next(document for one in wanted for document in self.documents if document.lang == one)

    def _facts(self, entry: Entry) -> dict[str, Any]:
        """What search engines read (schema.org/NewsArticle)."""
        facts = {
            "@context": "https://schema.org",
            "@type": "NewsArticle",
            "headline": entry.title,
            "description": entry.summary,
            "inLanguage": entry.lang,
            "mainEntityOfPage": entry.url,
            "datePublished": _iso(_shown(entry)),
            "dateModified": _iso(entry.updated),
            "author": {"@type": "Organization", "name": entry.byline},
            "publisher": {"@type": "Organization", "name": self.project.name},
            "image": [entry.picture.url] if entry.picture else [],
            "articleSection": list(entry.categories),
            "keywords": list(entry.tags),
        }
        return {key: value for key, value in facts.items() if value}


def _shown(entry: Entry) -> datetime | None:
    """The date a page shows: what the item says, but never later than it went out."""
    known = [when for when in (entry.date, entry.published) if when is not None]
    return min(known, default=None)


def _iso(when: datetime | None) -> str:
    return when.isoformat() if when else ""
