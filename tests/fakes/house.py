"""A whole house for tests of the pipeline: real store, recurrences and engine; the outer world in memory."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from dissemination.engines import LocalEngine
from dissemination.errors import ChannelError, RenderError
from dissemination.files import digest_of
from dissemination.model import (
    Audience,
    Carries,
    Entry,
    Gathered,
    Letter,
    Limits,
    NewsItem,
    Picture,
    Post,
    Repeat,
    Site,
    Slot,
    Subscriber,
)
from dissemination.pipeline.parts import Checks, Digest, Parts, Rules
from dissemination.scheduling import WallClockRecurrences
from dissemination.store import Store
from dissemination.testing import FixedClock, MemoryChannel, sample_item, sample_picture, sample_project

START = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)  # a Monday
CONSENT = datetime(2026, 1, 1, tzinfo=UTC)


class ListSource:
    """Items that a test puts there."""

    def __init__(self) -> None:
        self.items: list[NewsItem] = []
        self.refused: set[str] = set()

    def gather(self, paths: Sequence[str] = ()) -> Gathered:
        return Gathered(items=tuple(self.items), refused=frozenset(self.refused))

    def put(self, item: NewsItem) -> NewsItem:
        """Add or exchange the item of this path."""
        item = replace(item, digest=digest_of(repr(item).encode()))
        self.items = [*(other for other in self.items if other.path != item.path), item]
        return item


class PlainRenderer:
    """Renders words only, as a function of the items alone."""

    def __init__(self) -> None:
        self.broken: set[str] = set()
        self.rendered = 0

    def letter(self, edition, lang: str, pictures: Mapping[str, Picture]) -> Letter:
        self.rendered += 1
        items = [group.get(lang) or next(iter(group.values())) for group in edition.groups]
        self._refuse(items)
        words = " / ".join(f"{item.title}: {item.summary}" for item in items)
        return Letter(
            lang=lang,
            subject=f"{edition.id}",
            preheader="",
            html=(f"<p>{words}</p>", Slot(name="unsubscribe_url")),
            text=(words, Slot(name="unsubscribe_url")),
        )

    def post(self, item: NewsItem, network: str, limits: Limits, pictures, posting) -> Post:
        self._refuse([item])
        override = item.posts.get(network)
        text = (override.text if override else "") or f"{item.title} {item.summary}"
        thread = override.reply_chain if override else ()
        return Post(network=network, lang=item.lang, text=text, length=len(text), limit=500, thread=thread)

    def holds(self, post: Post, limits: Limits) -> bool:
        return len(post.text) <= limits.max_length

    def entry(self, item: NewsItem, pictures, translations) -> Entry:
        self._refuse([item])
        return Entry(
            id=f"urn:test:{item.id}",
            item_id=item.id,
            lang=item.lang,
            title=item.title,
            summary=item.summary,
            html=item.html,
            url=f"https://news.example/{item.slug}/",
            path=f"{item.slug}/",
            byline=item.byline,
            expires_at=item.expires_at,
            translations={lang: other.id for lang, other in translations.items()},
        )

    def files(self, entries, before=()) -> Mapping[str, bytes]:
        entries = sorted(entries, key=lambda entry: entry.item_id)
        lines = [f"{e.item_id} {e.title} {e.published:%F %T} {e.updated:%F %T}" for e in entries]
        return {"feed.txt": "\n".join(lines).encode()}

    def feeds(self, paths) -> Sequence[str]:
        return list(paths)

    def edition(self, id_: str, letters) -> Mapping[str, bytes]:
        return {f"e/{id_}/{lang}/index.html": letter.page.encode() for lang, letter in letters.items()}

    def _refuse(self, items: Sequence[NewsItem]) -> None:
        for item in items:
            if item.id in self.broken:
                raise RenderError(f"{item.path}: it was told to break")


@dataclass
class Recorder:
    """Shelf, gate, notifier and tokens that remember."""

    files: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    told: list = field(default_factory=list)
    deaf: bool = False

    def write(self, files: Mapping[str, bytes]) -> int:
        changed = sum(self.files.get(name) != body for name, body in files.items())
        self.files |= files
        return changed

    def prepare(self, image) -> Picture:
        return sample_picture()

    def attach(self, folder, name) -> Picture:
        return replace(sample_picture(), media_type="application/pdf", width=0, height=0)

    def shrink(self, picture, max_bytes, max_side) -> Picture:
        return picture

    def live(self, url: str) -> str:
        self.asked.append(url)
        return self.answers.get(url, "")

    def tell(self, happenings) -> None:
        if self.deaf:
            raise ChannelError("notify: nobody answered")
        self.told += happenings

    def links(self, subscriber: int) -> Mapping[str, str]:
        return {"unsubscribe_url": f"https://news.example/u/{subscriber}", "preferences_url": ""}

    def bounce(self, publication: int, subscriber: int) -> str:
        return f"{publication:016}{subscriber:016}"

    def read_bounce(self, mark: str) -> tuple[int, int] | None:
        return int(mark[:16]), int(mark[16:])

    def read_unsubscribe(self, token: str) -> int | None:
        return int(token) if token.isdigit() else None


class House:
    """Parts, and short words for what tests do."""

    def __init__(self, store: Store, clock: FixedClock, **changes) -> None:
        self.clock, self.store = clock, store
        self.source, self.renderer, self.recorder = ListSource(), PlainRenderer(), Recorder()
        self.mail = MemoryChannel(Limits(carries=Carries.MAIL, repeat=Repeat.SAFE))
        self.feed = MemoryChannel(Limits(carries=Carries.FILES, repeat=Repeat.SAFE))
        self.x = MemoryChannel(Limits(carries=Carries.POST, max_length=500, repeat=Repeat.LOOK))
        self.stop = threading.Event()
        rules = {
            "flash": Audience(lists=("news",)),
            "newsletter": {"en": "Test news"},
            "window": 5,
        }
        project = sample_project(public_url="https://news.example")
        self.parts = Parts(
            project=project,
            site=Site(public_url=project.public_url),
            rules=Rules(**rules),
            clock=clock,
            store=store,
            source=self.source,
            checks=Checks(items=lambda items, project: [], letter=lambda *facts: [], post=lambda post, project: []),
            pictures=self.recorder,
            renderer=self.renderer,
            recurrences=WallClockRecurrences(),
            channels={"email": self.mail, "feed": self.feed, "x": self.x},
            engine=LocalEngine(2),
            gate=self.recorder,
            shelf=self.recorder,
            notifier=self.recorder,
            tokens=self.recorder,
            owner="house",
            fingerprint="one",
        )
        self.change(**changes)

    def change(self, **changes) -> None:
        """Exchange parts; those of Rules and Project too."""
        for name, value in changes.items():
            inner = next((p for p in ("rules", "project") if hasattr(getattr(self.parts, p), name)), None)
            if inner is None:
                self.parts = replace(self.parts, **{name: value})
            else:
                self.parts = replace(self.parts, **{inner: replace(getattr(self.parts, inner), **{name: value})})

    def item(self, id_: str = "first", **changes) -> NewsItem:
        """Put an item into the source."""
        facts = {
            "id": id_,
            "path": f"news/{id_}/index.md",
            "slug": id_,
            "translation_key": id_,
            "title": f"Title of {id_}",
            "image": None,
            "images": (),
            "markdown": f"body of {id_}",
            "channels": {"feed": "auto", "x": "auto", "newsletter": "none"},
        }
        return self.source.put(sample_item(**(facts | changes)))

    def people(self, count: int, **changes) -> None:
        """Add active subscribers of the list "news"."""
        self.store.people.add(
            (
                Subscriber(
                    id=0,
                    email=f"p{n}@example.org",
                    **(
                        {"lists": ("news",), "lang": "en", "consent_source": "test", "consent_at": CONSENT}
                        | changes
                    ),
                ),
                f"p{n}@example.org",
                f"hash{n}",
            )
            for n in range(count)
        )

    def digest(self, **changes) -> Digest:
        """A weekly digest, Thursday 10:00 in Bucharest."""
        facts = {
            "name": "weekly",
            "cron": "0 10 * * thu",
            "timezone": "Europe/Bucharest",
            "audience": Audience(lists=("news",)),
        }
        digest = Digest(**(facts | changes))
        self.change(digests=(digest,))
        return digest

    def states(self) -> dict[str, str]:
        """key -> state of everything planned."""
        rows = self.store.publications.latest().values()
        return {row.key: row.state.value for row in rows}

    def one(self, subject: str, channel: str):
        """A publication as it stands."""
        return self.store.publications.latest()[subject, channel]

    def kinds(self) -> list[str]:
        """The kinds of all events."""
        return [event.kind for event in self.store.events.latest(1000)]
