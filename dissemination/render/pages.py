"""Pages for people: one an item, one a feed, the latest news and the feeds. No script, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from jinja2 import Environment

from dissemination.model import Entry, EntryPicture, EventFacts, Letter, Project, Site
from dissemination.render import feed_opml
from dissemination.render.dress import Dress, shown
from dissemination.render.feed_document import FeedDocument
from dissemination.render.feed_memory import Memory
from dissemination.render.feed_words import feed_words
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

    def render(self, at: Mapping[str, Entry], emptied: Sequence[FeedDocument], memory: Memory) -> dict[str, bytes]:
        """All pages and their style sheet: path below the public root -> bytes.

        `at` tells whose page lies at which path. Those of `emptied` feeds are listed nowhere; `memory` makes
        repeats fast and changes no byte.
        """
        made = dict([self.dress.stylesheet])
        langs = {one.lang for one in (*self.documents, *emptied)} | {one.lang for one in at.values()}
        facts = {lang: self._facts_of(lang) for lang in langs}
        for folder, entry in at.items():
            path = f"{folder}index.html"
            made[path] = memory.get("page", path, (entry, facts[entry.lang]), partial(self.item, entry))
        for document in (*self.documents, *emptied):
            path = document.path("index.html")
            made[path] = memory.get("twin", path, (document, facts[document.lang]), partial(self.feed, document))
        return made | {"feeds/index.html": self.feeds(), "index.html": self.root()}

    def _facts_of(self, lang: str) -> tuple[object, ...]:
        """What every page of a language depends on, besides its own entry or feed."""
        announced = [(document.title, document.url("")) for document in self.announced(lang)]
        return self.project, self.visual, self.dress.stylesheet[0], announced

    def root(self) -> bytes:
        """The latest news, in the default language."""
        lang = self.project.default_lang
        return self._page("pages/index.html", lang, path="", url=f"{self.site.public_url}/")

    def feeds(self) -> bytes:
        """The list of feeds, in the default language."""
        path, lang = "feeds/", self.project.default_lang
        return self._page("public/feeds.html", lang, path=path, url=self.site.address(path))

    def feed(self, document: FeedDocument) -> bytes:
        """The feed as a page."""
        announced = [
            replace(document, lang=lang, langs=document.langs) for lang in (document.lang, *document.sisters)
        ]
        versions = {lang: document.url("", lang) for lang in document.langs}
        return self._page(
            "public/feed.html",
            document.lang,
            path=document.path(""),
            url=document.url(""),
            document=document,
            versions=_in_order(versions, self.project),
            announced=announced,
        )

    def announced(self, lang: str) -> Sequence[FeedDocument]:
        """The feeds that a page names for programs: the main one of each language, the page's own first."""
        by_lang: dict[str, FeedDocument] = {}
        for document in self.documents:
            by_lang.setdefault(document.lang, document)
        return sorted(by_lang.values(), key=lambda document: document.lang != self._own(lang).lang)

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
        common = {
            "own": own,
            "own_url": own.url(""),
            "versions": versions or {},
            "documents": self.documents,
            "announced": self.announced(lang),
            "feed_words": feed_words(lang),
            "opml": self.site.address(feed_opml.PATH),
        }
        return self.dress.page(template, lang, **{**common, **values})

    def _own(self, lang: str) -> FeedDocument:
        """The main feed in this language, or else in the default one."""
        wanted = (lang, self.project.default_lang)
        return next(document for one in wanted for document in self.documents if document.lang == one)

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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Announced:
    """The main feed of a language, as far as pages of editions name it for programs."""

    lang: str
    project: Project
    site: Site

    @property
    def title(self) -> str:
        """As the feed itself is called."""
        return f"{self.project.acronym}: {self.project.category}"

    def url(self, name: str) -> str:
        """Of a file of the feed."""
        return self.site.feed(self.lang, self.project.category, name)


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
            announced=[_Announced(lang=lang, project=project, site=site)],
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
