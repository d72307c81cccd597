"""The doors between rooms: small Protocols, implemented farther out and brought together in bootstrap.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from dissemination.model import (
    Edition,
    Entry,
    Gathered,
    Happening,
    Image,
    Letter,
    Limits,
    NewsItem,
    Occurrence,
    Picture,
    Post,
    Posting,
    Returned,
)


class Clock(Protocol):
    """The only source of the present."""

    def now(self) -> datetime:
        """The present instant, aware and in UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; a test's clock only moves on."""
        ...


class Source(Protocol):
    """Where items come from."""

    def gather(self, paths: Sequence[str] = ()) -> Gathered:
        """Read all items, or those under `paths` (relative to the project). A bad item is a finding, not raised."""
        ...


class Pictures(Protocol):
    """Re-encodes pictures: orientation applied, metadata dropped, size bounded."""

    def prepare(self, image: Image) -> Picture:
        """Same input, same bytes.

        Raises:
            RenderError: the file is no picture that we take, or too large.
        """
        ...

    def attach(self, folder: Path, name: str) -> Picture:
        """A file in an item's folder, as it is.

        Raises:
            RenderError: no such file, none of the kinds that may be public, or too large.
        """
        ...

    def shrink(self, picture: Picture, max_bytes: int, max_side: int) -> Picture:
        """A prepared picture as a network takes it, the same one if it fits; same input, same bytes.

        Args:
            picture: as `prepare` made it.
            max_bytes: the most bytes; 0: no limit.
            max_side: the longest side in pixels; 0: no limit.

        Raises:
            RenderError: it does not fit even small and coarse.
        """
        ...


class Renderer(Protocol):
    """Turns items into what channels carry. Pure: the same input gives the same output at any time.

    `pictures` maps the absolute path of a picture's file (`str(image.file)`) to the re-encoded picture.
    """

    def letter(self, edition: Edition, lang: str, pictures: Mapping[str, Picture]) -> Letter:
        """The newsletter in one language, rendered once, split at the holes.

        Raises:
            RenderError: a template fails, or a funding duty is not met in this language.
        """
        ...

    def post(
        self, item: NewsItem, network: str, limits: Limits, pictures: Mapping[str, Picture], posting: Posting
    ) -> Post:
        """The item fitted to a network's own counting, in the words that settings ask for.

        Raises:
            RenderError: it does not fit even at its shortest.
        """
        ...

    def holds(self, post: Post, limits: Limits) -> bool:
        """Whether a network with these limits takes a post that was fitted to others."""
        ...

    def entry(self, item: NewsItem, pictures: Mapping[str, Picture], translations: Mapping[str, NewsItem]) -> Entry:
        """The item as feeds and pages carry it."""
        ...

    def files(self, entries: Iterable[Entry], before: Iterable[Entry] = ()) -> Mapping[str, bytes]:
        """Every feed document and page made of these entries: path below the public root -> bytes.

        `before` are all entries as they stood in feeds until now: a feed or an archive that lost its last one is
        written empty.
        """
        ...

    def feeds(self, paths: Iterable[str]) -> Sequence[str]:
        """Those of these files that readers subscribe to, and that name the hub: no pages and no archives."""
        ...

    def edition(self, id_: str, letters: Mapping[str, Letter]) -> Mapping[str, bytes]:
        """The pages of an edition, made of its approved letters: path below the public root -> bytes."""
        ...


class Shelf(Protocol):
    """The public folder."""

    def write(self, files: Mapping[str, bytes]) -> int:
        """Write what differs, each by temporary file, fsync and rename; how many changed."""
        ...


class Addresses(Protocol):
    """How mail addresses are compared, and remembered without being kept."""

    def normalise(self, address: str) -> str:
        """The form that is compared.

        Raises:
            DisseminationError: no mail address; the text says why.
        """
        ...

    def hash(self, address: str) -> str:
        """The keyed hash under which a suppressed address is remembered."""
        ...

    def both(self, address: str) -> tuple[str, str]:
        """The normalised form and the hash of an address, for many at once.

        Raises:
            DisseminationError: no mail address; the text says why.
        """
        ...


class Gate(Protocol):
    """Whether an address is live."""

    def live(self, url: str) -> str:
        """Nothing ("") if it answers 200; else what it answered, for the officer."""
        ...


class Notifier(Protocol):
    """Tells whoever is named in settings."""

    def tell(self, happenings: Sequence[Happening]) -> None:
        """Best effort by every way that is set up; raises ChannelError if no way worked."""
        ...


class Tokens(Protocol):
    """A subscriber's personal links, and the mark in the envelope by which a bounce is known again."""

    def links(self, subscriber: int) -> Mapping[str, str]:
        """{"unsubscribe_url": ..., "preferences_url": ...}."""
        ...

    def bounce(self, publication: int, subscriber: int) -> str:
        """The mark of one delivery: 32 lower-case letters and digits, for the local part of an envelope sender."""
        ...

    def read_bounce(self, mark: str) -> tuple[int, int] | None:
        """(publication, subscriber) of a mark in any case of letters; None for what we did not make."""
        ...

    def read_unsubscribe(self, token: str) -> int | None:
        """The subscriber of a token to unsubscribe; None for what we did not make for that."""
        ...

    def sign(self, purpose: str, number: int) -> str:
        """A token for "c" (confirm a sign-up), "p" (preferences), "u" (unsubscribe), "f" (a form and its time)."""
        ...

    def number(self, purpose: str, token: str) -> int | None:
        """The number of a token; None for everything that we did not make for this purpose."""
        ...


class SaysToVisitors(Protocol):
    """The words that the program itself says to people who come to the public pages."""

    def notice(self, lang: str) -> Sequence[str]:
        """What stands beside the form and is agreed to, paragraph by paragraph."""
        ...

    def confirmation(self, lang: str, url: str) -> tuple[str, str]:
        """Subject and text of the mail that asks to confirm; nothing in it was typed by whoever signed up."""
        ...


class ReadsReturns(Protocol):
    """Takes a mail apart that came back."""

    def __call__(self, raw: bytes, to: str = "") -> Returned:
        """What it says; `to` is the envelope's recipient where it is known. No mail makes it fail."""
        ...


class Inlet(Protocol):
    """A place where returned mail waits: a maildir, an IMAP mailbox."""

    #: What the log calls it.
    name: str

    def visit(self, take: Callable[[bytes], object], *, most: int) -> int:
        """Give each waiting mail to `take`, and put it away once `take` has returned; how many.

        What `take` raises goes through, and the mail waits on: what is put away was committed before.

        Args:
            take: takes a mail in, its first megabyte; the same mail may come again after a crash.
            most: how many to give at most.

        Raises:
            UnavailableError: the place cannot be reached now.
            NeedsLoginError: the credentials are missing or wrong.
        """
        ...


class Hook(Protocol):
    """Reads what a mail provider posts."""

    def __call__(self, headers: Mapping[str, str], body: bytes) -> Sequence[Returned]:
        """The events that concern us; none for those that do not.

        Raises:
            ForgedError: it does not prove that it comes from the provider.
        """
        ...


class Recurrences(Protocol):
    """Wall-clock recurrences, right over every change of clocks."""

    def between(self, expression: str, zone: str, after: datetime, until: datetime) -> Sequence[Occurrence]:
        """All instants in (after, until], in order."""
        ...

    def next(self, expression: str, zone: str, after: datetime, count: int) -> Sequence[Occurrence]:
        """The next `count` instants after `after`."""
        ...


class Engine(Protocol):
    """Who carries out woken work: `run` calls each job once, with what parallelism it has."""

    def run(self, jobs: Sequence[Callable[[], None]]) -> None:
        """Carry out all jobs and wait for every one; the first unexpected error is raised at the end."""
        ...

    def beside(self, name: str, job: Callable[[], None]) -> None:
        """Carry a job out beside the caller; nothing happens while one of this name is under way."""
        ...

    def wait(self, seconds: float) -> bool:
        """Wait for jobs beside, so long at most; whether none is left. An unexpected error of theirs is raised."""
        ...
