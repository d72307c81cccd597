"""Pages for people: one an item, one a feed, and the list of feeds. No script, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment

from dissemination.model import Entry, EntryPicture, Project, Site
from dissemination.render.environment import render as fill
from dissemination.render.feed_document import FeedDocument
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

    def render(self, entries: Sequence[Entry]) -> dict[str, bytes]:
        """All pages: path below the public root -> bytes."""
        made = {"index.html": self.root()}
        made |= {document.path("index.html"): self.feed(document) for document in self.documents}
        made |= {f"{entry.path}index.html": self.item(entry) for entry in entries}
        return made

    def root(self) -> bytes:
        """The list of feeds, in the default language."""
        return self._page("feeds.html", self.project.default_lang, url=f"{self.site.public_url}/")

    def feed(self, document: FeedDocument) -> bytes:
        """The feed as a page."""
        return self._page("feed.html", document.lang, url=document.url(""), document=document)

    def item(self, entry: Entry) -> bytes:
        """The item's own page."""
        return self._page("item.html", entry.lang, url=entry.url, entry=entry, facts=self._facts(entry))

    def _page(self, template: str, lang: str, **values: Any) -> bytes:
        text = fill(
            self.environment,
            f"public/{template}",
            lang=lang,
            dir=direction(lang),
            words=words(lang),
            language_name=language_name,
            day=lambda when: long_date(self._local(when), lang),
            iso=lambda when: self._local(when).isoformat(),
            shown=_shown,
            project=self.project,
            documents=self.documents,
            own=self._own(lang),
            visual=self.visual,
            root=f"{self.site.public_url}/",
            **values,
        )
        return text.encode()

    def _local(self, when: datetime) -> datetime:
        return when.astimezone(ZoneInfo(self.project.timezone))

    def _own(self, lang: str) -> FeedDocument:
        """The feed in this language, or else in the default one."""
        by_lang = {document.lang: document for document in self.documents}
        return by_lang.get(lang, by_lang[self.project.default_lang])

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
