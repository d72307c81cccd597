"""What the three formats of one feed have in common."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time
from html import escape

from dissemination.model import Entry, Project, Site
from dissemination.render.words import words

#: How often a reader should look again, in minutes; what the web server says should agree.
TTL = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedDocument:
    """One feed in one language, newest entry first; every entry has `published` and `updated`."""

    lang: str
    #: All languages that have a feed, this one included.
    langs: tuple[str, ...]
    entries: tuple[Entry, ...]
    project: Project
    site: Site
    #: Never changes with the host: Atom's feed id.
    id: str

    @property
    def title(self) -> str:
        """As in "MICROFUTURE: Social"."""
        return f"{self.project.acronym}: {self.project.category}"

    @property
    def description(self) -> str:
        """The project's name."""
        return self.project.name or self.title

    @property
    def updated(self) -> datetime:
        """The last edit of what is shown, never the time of building; of an empty feed the project's start."""
        moved = [one.updated for one in self.entries if one.updated is not None]
        start = self.project.start
        fallback = datetime.combine(start, time(), UTC) if start else datetime(1970, 1, 1, tzinfo=UTC)
        return max(moved, default=fallback)

    def path(self, name: str) -> str:
        """Path of a file of this feed below the public root."""
        return self.site.feed_path(self.lang, self.project.category, name)

    def url(self, name: str, lang: str = "") -> str:
        """Address of a file of this feed, or of its sister in `lang`; "" is the page."""
        return self.site.feed(lang or self.lang, self.project.category, name)

    @property
    def sisters(self) -> tuple[str, ...]:
        """The other languages."""
        return tuple(lang for lang in self.langs if lang != self.lang)

    def scheme(self, vocabulary: str) -> str:
        """The name of a vocabulary as RSS's domain and Atom's scheme want it: "categories", "topics", "tags"."""
        return f"{self.site.public_url}/#{vocabulary}"

    def content(self, entry: Entry) -> str:
        """The entry's HTML, under its correction if there is one: readers of old news must see it."""
        html = entry.html or f"<p>{escape(entry.summary)}</p>"
        if not entry.correction:
            return html
        return f"<p><strong>{escape(words(self.lang).correction)}</strong> {escape(entry.correction)}</p>{html}"

    def terms(self, entry: Entry) -> list[tuple[str, str]]:
        """(vocabulary's scheme, term) of all axes, each once."""
        axes = {"categories": entry.categories, "topics": (entry.topic,), "tags": entry.tags}
        return list(
            dict.fromkeys((self.scheme(axis), term) for axis, terms in axes.items() for term in terms if term)
        )
