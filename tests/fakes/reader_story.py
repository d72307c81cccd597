"""What each reader shows as news come out, are edited, move house and are withdrawn; the page that tells of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pressroom import Pressroom
from readers import Feedparser, Feedsmith, Newsboat, Program, Reader, Rss2email, Rss2emailReplies, Seen

PAGE = Path(__file__).parents[2] / "docs" / "readers.md"
RSS, ATOM, JSON = "rss.xml", "atom.xml", "feed.json"
FORMATS = {RSS: "RSS", ATOM: "Atom", JSON: "JSON Feed"}
#: Name on the page -> the program, and the formats that it reads.
READERS: Mapping[str, tuple[type[Program], Sequence[str]]] = {
    "newsboat": (Newsboat, (RSS, ATOM)),
    "rss2email": (Rss2email, (RSS, ATOM)),
    "rss2email with `reply-changes`": (Rss2emailReplies, (ATOM,)),
    "reader": (Reader, (RSS, ATOM, JSON)),
    "feedparser": (Feedparser, (RSS, ATOM)),
    "feedsmith": (Feedsmith, (RSS, ATOM, JSON)),
}
ROWS = [(name, form) for name, (_, forms) in READERS.items() for form in forms]
#: Who cannot read JSON Feed.
DEAF = ("newsboat", "rss2email", "feedparser")
LANGUAGES = ("en", "ro")
FILES = {"talk.mp3": b"ID3" + bytes(500), "plan.pdf": b"%PDF-1.7 plan"}
OTHER_HOST = "https://elsewhere.example"
#: Words that tell the versions of an item apart.
EDITED, RETITLED = "Words that were edited.", "Quite another title"
TAKEN_BACK = ("[Withdrawn] Third & last", "This item was withdrawn.")
PLACES = {1: "1st", 2: "2nd", 3: "3rd"}


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A line of the table."""

    reader: str
    version: str
    format: str
    items: str
    enclosures: str
    language: str
    again: str
    edit: str
    moved: str
    withdrawn: str
    new: str


class Follower:
    """A reader that follows two languages in one format, and what came of each step."""

    def __init__(self, room: Pressroom, folder: Path, name: str, form: str) -> None:
        self._room = room
        self.name, self.form = name, form
        kind, _ = READERS[name]
        self.program = kind(folder, [room.address(f"{lang}/social/{form}") for lang in LANGUAGES])
        #: Fact's name -> what was seen.
        self.said: dict[str, str] = {"reader": name, "version": kind.version(), "format": FORMATS[form]}

    def begin(self) -> None:
        """Fetch for the first time, and until nothing new is an answer of 304."""
        passes = [self._fetch() for _ in range(3)]
        silent = [number for number, statuses in enumerate(passes, 1) if set(statuses) == {304}]
        self.said["again"] = f"304 the {PLACES[silent[0]]} time" if silent else "never 304"
        shown, true = self.program.items(), truth(self._room)
        right = [one for one in shown if (one.id, one.title, one.link) in true]
        self.said["items"] = f"{len(right)} of {len(true)}" if len(shown) == len(right) else "WRONG"
        self.said["enclosures"] = _files(shown, attached(self._room))
        self.said["language"] = _languages(shown, true)

    def told(self, step: str, *marks: str) -> None:
        """Fetch, and say what became of the item that has all these words now."""
        before = self.program.items()
        self._fetch()
        after = self.program.items()
        self.said[step] = change(before, after, marks, {id_ for id_, _, _ in truth(self._room)})

    def end(self) -> Facts:
        """Everything said."""
        self.program.end()
        return Facts(**self.said)

    def _fetch(self) -> list[int]:
        before = len(self._room.hits)
        self.program.fetch()
        return [hit.status for hit in self._room.hits[before:]]


def story(root: Path) -> dict[tuple[str, str], Facts]:
    """Everything, with the readers that are installed: (name, format) -> facts."""
    with Pressroom(root / "project") as room:
        _begin(room)
        followers = [
            Follower(room, root / f"reader{number}", name, form)
            for number, (name, form) in enumerate(ROWS)
            if not READERS[name][0].lack()
        ]
        for one in followers:
            one.begin()
        for step, marks, happen in STEPS:
            happen(room)
            room.publish()
            for one in followers:
                one.told(step, *marks)
        return {(one.name, one.form): one.end() for one in followers}


def _begin(room: Pressroom) -> None:
    folder = room.item("first", attachments=list(FILES), byline="Ana Pop").parent
    for name, body in FILES.items():
        (folder / name).write_bytes(body)
    room.item("second", title="Q&A: <b> & more", image=None)
    room.item("third", title="Third & last")
    room.item("noutate", title="Știri din România", lang="ro", summary="Împrumuturi mici.")
    room.publish()


def _edit(room: Pressroom) -> None:
    room.item("second", title="Q&A: <b> & more", image=None, summary=EDITED, body=EDITED)


def _move(room: Pressroom) -> None:
    room.item("second", title=RETITLED, image=None, summary=RETITLED, body=RETITLED, slug="quite-another-address")
    room.move(OTHER_HOST)


def _withdraw(room: Pressroom) -> None:
    room.item("third", title="Third & last", status="withdrawn")


def _add(room: Pressroom) -> None:
    room.item("fourth", title="One more")


#: (fact, words by which it is known, what happens)
STEPS: Sequence[tuple[str, Sequence[str], Callable[[Pressroom], None]]] = (
    ("edit", (EDITED,), _edit),
    ("moved", (RETITLED,), _move),
    ("withdrawn", TAKEN_BACK, _withdraw),
    ("new", ("One more",), _add),
)


# What was shown, beside what is true


def truth(room: Pressroom) -> set[tuple[str, str, str]]:
    """(id, title, address) of what is out."""
    items = (one for lang in LANGUAGES for one in room.read(f"{lang}/social/feed.json")["items"])
    return {(one["id"], one["title"], one["url"]) for one in items}


def attached(room: Pressroom) -> set[tuple[str, str, str]]:
    """(address, media type, length) of all files."""
    items = (one for lang in LANGUAGES for one in room.read(f"{lang}/social/feed.json")["items"])
    files = (file for one in items for file in one.get("attachments", ()))
    return {(file["url"], file["mime_type"], str(file["size_in_bytes"])) for file in files}


def _files(shown: Sequence[Seen], true: set[tuple[str, str, str]]) -> str:
    found = [file for one in shown for file in one.files]
    if any(file not in {whole[: len(file)] for whole in true} for file in found) or len(set(found)) != len(found):
        return "WRONG"
    told = {1: "address", 2: "address, type", 3: "address, type, length"}[max(map(len, found), default=1)]
    return f"{len(found)} of {len(true)}: {told}"


def _languages(shown: Sequence[Seen], true: set[tuple[str, str, str]]) -> str:
    """By the folder that the address names."""
    own = {id_: address.split("/")[3] for id_, _, address in true}
    if not any(one.lang for one in shown):
        return "not shown"
    return ", ".join(LANGUAGES) if all(one.lang == own[one.id] for one in shown) else "WRONG"


def change(before: Sequence[Seen], after: Sequence[Seen], marks: Sequence[str], ids: set[str]) -> str:
    """What became of the item with these words, where the feeds have these ids."""
    if {one.id for one in after} != ids:
        return "WRONG: other ids"
    once = sum(all(mark in re.sub(r"\s+", " ", f"{one.title} {one.text}") for mark in marks) for one in after) == 1
    more = len(after) - len(before)
    if more == 0:
        return "in place" if once else "not shown"
    if {one.id for one in before} != ids:
        return "one more" if more == 1 and once else "WRONG"
    replies = sum(one.reply for one in after) - sum(one.reply for one in before)
    return "as a reply" if replies == more and once else "TWICE"


# The page

COLUMNS = {
    "reader": "Reader",
    "version": "Version",
    "format": "Format",
    "items": "Items",
    "enclosures": "Enclosures",
    "language": "Language",
    "again": "Nothing new",
    "edit": "Edit",
    "moved": "Other title, address and host",
    "withdrawn": "Withdrawn",
    "new": "New item",
}
_TABLE = re.compile(r"^\| Reader \|.*?(?=\n\n)", re.MULTILINE | re.DOTALL)


def table(facts: Sequence[Facts]) -> str:
    """As Markdown."""
    rows = [list(COLUMNS.values()), ["---"] * len(COLUMNS), *([*asdict(one).values()] for one in facts)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def written() -> dict[tuple[str, str], Mapping[str, str]]:
    """The lines of the page: (name, format's name) -> facts."""
    lines = _TABLE.search(PAGE.read_text("utf-8"))[0].splitlines()[2:]
    rows = [
        dict(zip(COLUMNS, (cell.strip() for cell in line.strip("|").split("|")), strict=True)) for line in lines
    ]
    return {(row["reader"], row["format"]): row for row in rows}


def write(facts: Sequence[Facts]) -> None:
    """Put the table into the page."""
    made = table(facts)
    PAGE.write_text(_TABLE.sub(lambda _: made, PAGE.read_text("utf-8")), "utf-8")


def deaf(room: Pressroom, folder: Path, name: str) -> tuple[list[Seen], list[Any]]:
    """What one who cannot read JSON Feed shows of it, and its requests."""
    program = READERS[name][0](folder, [room.address("en/social/feed.json")])
    before = len(room.hits)
    program.fetch()
    shown = program.items()
    program.end()
    return shown, room.hits[before:]
