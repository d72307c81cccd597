"""Pages for people: one an item, one a feed, the latest news and the feeds. No script, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from jinja2 import Environment

from dissemination.model import Entry, EntryPicture, EventFacts, Letter, Project, Site
from dissemination.render.dress import Dress, shown
from dissemination.render.feed_document import FeedDocument
from dissemination.render.sharing import ways
from dissemination.render.stories import Fact, StoryTeller
from dissemination.render.strings import strings


@dataclass(frozen=True, kw_only=True, slots=True)
class Pages:
    """Makes all pages of one project."""

    project: Project
    site: Site
    environment: Environment
    documents: Sequence[FeedDocument]
    #: The funding visual by its public address.
    visual: EntryPicture | None = None
    dress: Dress = field(init=False)

    def __post_init__(self) -> None:
        dress = Dress(self.project, self.site, self.environment, self.visual)
        object.__setattr__(self, "dress", dress)

    def render(self, entries: Sequence[Entry]) -> dict[str, bytes]:
        """All pages and their style sheet: path below the public root -> bytes."""
        made = dict([self.dress.stylesheet])
        made |= {"index.html": self.root(), "feeds/index.html": self.feeds()}
        made |= {document.path("index.html"): self.feed(document) for document in self.documents}
        made |= {f"{entry.path}index.html": self.item(entry) for entry in entries}
        return made

    def root(self) -> bytes:
        """The latest news, in the default language."""
        lang = self.project.default_lang
        return self._page("pages/index.html", lang, path="", url=f"{self.site.public_url}/")

    def feeds(self) -> bytes:
        """The list of feeds, in the default language."""
        url = f"{self.site.public_url}/feeds/"
        return self._page("public/feeds.html", self.project.default_lang, path="feeds/", url=url)

    def feed(self, document: FeedDocument) -> bytes:
        """The feed as a page."""
        versions = {lang: document.url("", lang) for lang in document.langs}
        return self._page(
            "public/feed.html",
            document.lang,
            path=document.path(""),
            url=document.url(""),
            document=document,
            versions=versions,
        )

    def item(self, entry: Entry) -> bytes:
        """The item's own page; of one that was withdrawn, a page that says so."""
        versions = _in_order({entry.lang: entry.url, **entry.translations}, self.project)
        make = partial(self._page, lang=entry.lang, path=entry.path, url=entry.url, entry=entry, versions=versions)
        if entry.withdrawn:
            return make("pages/withdrawn.html")
        return make(
            "pages/item.html",
            facts=self._facts(entry),
            about=tuple(self._about(entry)),
            edited=_edited(entry),
            corrected=entry.corrected or _edited(entry),
            ways=ways(entry.title, entry.url, strings(entry.lang)),
        )

    def _page(self, template: str, lang: str, *, versions: Mapping[str, str] | None = None, **values: Any) -> bytes:
        own = self._own(lang)
        return self.dress.page(
            template,
            lang,
            own=own,
            own_url=own.url(""),
            versions=versions or {},
            documents=self.documents,
            **values,
        )

    def _own(self, lang: str) -> FeedDocument:
        """The feed in this language, or else in the default one."""
        by_lang = {document.lang: document for document in self.documents}
        return by_lang.get(lang, by_lang[self.project.default_lang])

    def _about(self, entry: Entry) -> Iterator[Fact]:
        """The facts of an event, as lines of a table."""
        words = strings(entry.lang)
        teller = StoryTeller(lang=entry.lang, words=words, pictures={}, project=self.project, site=self.site)
        return teller.facts(entry.event) if entry.event else iter(())

    def _facts(self, entry: Entry) -> dict[str, Any]:
        """What search engines read (schema.org/NewsArticle)."""
        facts = {
            "@context": "https://schema.org",
            "@type": "NewsArticle",
            "headline": entry.title,
            "description": entry.summary,
            "inLanguage": entry.lang,
            "mainEntityOfPage": entry.url,
            "datePublished": _iso(shown(entry)),
            "dateModified": _iso(entry.updated),
            "author": {"@type": "Organization", "name": entry.byline},
            "publisher": {"@type": "Organization", "name": self.project.name, "url": f"{self.site.public_url}/"},
            "funder": _named("Organization", self.project.programme),
            "image": [entry.picture.url] if entry.picture else [],
            "articleSection": list(entry.categories),
            "keywords": list(entry.tags),
            "correction": entry.correction,
            "about": _event(entry.title, entry.event) if entry.event else {},
            "isAccessibleForFree": True,
        }
        return {key: value for key, value in facts.items() if value}


def edition(id_: str, letters: Mapping[str, Letter], dress: Dress) -> dict[str, bytes]:
    """An edition to look at in a browser, in every language that has a page, with the style sheet.

    The folder of the edition itself shows the default language.

    Args:
        id_: the edition's id.
        letters: language -> letter; one without a page is left out.
        dress: of the project.
    """
    site, project = dress.site, dress.project
    with_page = {lang: letter for lang, letter in letters.items() if letter.page}
    if not with_page:
        return {}
    versions = _in_order({lang: site.edition(id_, lang) for lang in with_page}, project)

    def page(lang: str, path: str) -> bytes:
        return dress.page(
            "pages/edition.html",
            lang,
            path=path,
            own_url=site.feed(lang, project.category, ""),
            feed_title=f"{project.acronym}: {project.category}",
            versions=versions,
            url=versions[lang],
            letter=with_page[lang],
        )

    first = project.default_lang if project.default_lang in with_page else min(with_page)
    folders = {site.edition_path(id_): first, **{site.edition_path(id_, lang): lang for lang in with_page}}
    pages = {f"{path}index.html": page(lang, path) for path, lang in folders.items()}
    return pages | dict([dress.stylesheet])


def _in_order(versions: Mapping[str, str], project: Project) -> Mapping[str, str]:
    """The same order on every page, so that nobody searches for a language twice."""
    known = dict.fromkeys((*project.languages, *sorted(versions)))
    return {lang: versions[lang] for lang in known if lang in versions}


def _edited(entry: Entry) -> datetime | None:
    """When it was edited after it was out; None if it never was."""
    moved = entry.published and entry.updated and entry.updated > entry.published
    return entry.updated if moved else None


def _event(title: str, event: EventFacts) -> dict[str, Any]:
    """What the item tells of (schema.org/Event); nothing without a beginning, which an event must have."""
    if event.start is None:
        return {}
    facts = {
        "@type": "Event",
        "name": title,
        "startDate": _iso(event.start),
        "endDate": _iso(event.end),
        "location": _place(event),
        "url": event.register_url,
    }
    return {key: value for key, value in facts.items() if value}


def _place(event: EventFacts) -> dict[str, str]:
    if event.place or event.address:
        return {**_named("Place", event.place or event.address), "address": event.address or event.place}
    return {"@type": "VirtualLocation", "url": event.online_url} if event.online_url else {}


def _named(kind: str, name: str) -> dict[str, str]:
    return {"@type": kind, "name": name} if name else {}


def _iso(when: datetime | None) -> str:
    return when.isoformat() if when else ""
