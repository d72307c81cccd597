"""What the formats of one feed have in common."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, tzinfo
from functools import cached_property
from html import escape

from dissemination.model import Entry, Project, Site
from dissemination.render.feed_scopes import Scope
from dissemination.render.words import long_date, words

#: How often a reader should look again, in minutes; what the web server says should agree.
TTL = 60


@dataclass(frozen=True, kw_only=True)
class FeedDocument:
    """One feed in one language, newest entry first; every entry has `published` and `updated`.

    An archive document (RFC 5005, section 4) is the same for the entries of one month.
    """

    lang: str
    #: All languages that have this feed, this one included.
    langs: tuple[str, ...]
    scope: Scope
    entries: tuple[Entry, ...]
    project: Project
    site: Site
    #: Never changes with the host: Atom's feed id.
    id: str
    #: "2026-11", or "2026-11-2" for a long month's second part; "": the current document.
    archive: str = ""
    #: The archive before it, and the one after it; "": none.
    previous: str = ""
    following: str = ""

    @property
    def title(self) -> str:
        """As in "MICROFUTURE: Social"; an archive's has its month."""
        name = self.scope.term or words(self.lang).news
        return f"{self.project.acronym}: {name}" + (f" ({self.archive})" if self.archive else "")

    @property
    def description(self) -> str:
        """The project's name."""
        return self.project.name or self.title

    @cached_property
    def updated(self) -> datetime:
        """The last edit of what is shown, never the time of building; of an empty feed the project's start."""
        moved = [one.updated for one in self.entries if one.updated is not None]
        start = self.project.start
        fallback = datetime.combine(start, time(), UTC) if start else datetime(1970, 1, 1, tzinfo=UTC)
        return max(moved, default=fallback)

    def path(self, name: str) -> str:
        """Path of a file of this document below the public root."""
        return f"{self.lang}/{self.scope.folder}{_folder(self.archive)}{name}"

    def url(self, name: str, lang: str = "") -> str:
        """Address of a file of the feed, or of its sister in `lang`; "" is the page."""
        return self.site.address(f"{lang or self.lang}/{self.scope.folder}{name}")

    def own_url(self, name: str) -> str:
        """Where this very document lies."""
        return self.site.address(self.path(name))

    def links(self, name: str) -> list[tuple[str, str]]:
        """(relation, address) of what belongs to the document: its hub, and its archives."""
        if not self.archive:
            found = [("hub", self.project.hub), ("prev-archive", self._archived(self.previous, name))]
        else:
            found = [
                ("current", self.url(name)),
                ("prev-archive", self._archived(self.previous, name)),
                ("next-archive", self._archived(self.following, name)),
            ]
        return [(relation, url) for relation, url in found if url]

    def _archived(self, month: str, name: str) -> str:
        return self.url(f"{_folder(month)}{name}") if month else ""

    @property
    def sisters(self) -> tuple[str, ...]:
        """The other languages; an archive has none, since months differ."""
        return () if self.archive else tuple(lang for lang in self.langs if lang != self.lang)


def _folder(archive: str) -> str:
    return f"archive/{archive}/" if archive else ""


def scheme(site: Site, vocabulary: str) -> str:
    """The name of a vocabulary as RSS's domain and Atom's scheme want it: "categories", "topics", "tags"."""
    return f"{site.public_url}/#{vocabulary}"


def terms(entry: Entry, site: Site) -> list[tuple[str, str]]:
    """(vocabulary's scheme, term) of all axes, each once."""
    axes = {"categories": entry.categories, "topics": (entry.topic,), "tags": entry.tags}
    return list(dict.fromkeys((scheme(site, axis), term) for axis, all_ in axes.items() for term in all_ if term))


def content(entry: Entry, zone: tzinfo) -> str:
    """The entry's HTML, under its dated correction if there is one: readers of old news must see it."""
    html = entry.html or f"<p>{escape(entry.summary)}</p>"
    note = correction_note(entry, zone)
    return f"<p><strong>{escape(words(entry.lang).correction)}</strong> {escape(note)}</p>{html}" if note else html


def correction_note(entry: Entry, zone: tzinfo) -> str:
    """As in "The meeting was on 15 May. (14 November 2026)"; "" where nothing was corrected."""
    if not entry.correction:
        return ""
    when = entry.corrected or entry.updated
    day = f" ({long_date(when.astimezone(zone), entry.lang)})" if when else ""
    return f"{entry.correction}{day}"
