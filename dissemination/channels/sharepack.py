"""Sharepacks: a zip an item, with all that a person needs to post it where we cannot, or for us where we are not.

One channel makes one network's part, in one language; channels that name the same `pack` write into the same zip.
So every text is fitted, previewed and approved as that network's own, and `posts.<network>` of an item applies.
"""

from __future__ import annotations

import difflib
import fcntl
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from dissemination.channels import sections
from dissemination.channels.fitting import fitting
from dissemination.channels.networks import NETWORKS
from dissemination.channels.outbox import limits_by_hand, shown, slug
from dissemination.errors import RejectedError, UnavailableError
from dissemination.files import FolderShelf
from dissemination.model import Limits, Message, Post, Receipt
from dissemination.ports import ChannelOptions

# Limits: those of networks.py, and what is no number there


@dataclass(frozen=True, kw_only=True, slots=True)
class _Custom:
    """What people are told of a network."""

    title: str
    #: The most hashtags that it takes; 0: any number.
    hashtags: int = 0
    #: Whether it takes nothing without a picture.
    pictured: bool = False
    notes: tuple[str, ...] = ()


_CUSTOMS: Mapping[str, _Custom] = {
    "facebook": _Custom(title="Facebook"),
    "instagram": _Custom(
        title="Instagram",
        hashtags=5,
        pictured=True,
        notes=("Nobody can click the link in the text: put it into the profile as well.",),
    ),
    "threads": _Custom(title="Threads", notes=("Only one hashtag becomes a topic there; the others stay words.",)),
    "linkedin": _Custom(title="LinkedIn"),
}

# Settings


def _known(network: str) -> str:
    if network in NETWORKS:
        return network
    near = difflib.get_close_matches(network, NETWORKS, n=1)
    raise ValueError(f"unknown network; {f'did you mean {near[0]}?' if near else 'known: ' + ', '.join(NETWORKS)}")


class _Section(BaseModel):
    """The section of a channel that writes sharepacks."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    network: Annotated[str, AfterValidator(_known)] | None = None
    """Whose limits count; the channel's own name where left out."""
    pack: str = Field(default="", pattern=r"^[a-z][a-z0-9_-]*$|^$", max_length=40)
    """Folder of the zips below var/outbox/; channels with the same one share each item's zip. Their own name where
    left out."""
    days_ahead: int = Field(default=0, ge=0, le=60)
    """So many days before it is to be posted the zip is written: time for people to see it."""


# Making


def make(options: ChannelOptions) -> SharepackChannel:
    """The channel that writes below `options.outbox`.

    Raises:
        SettingsError: an unknown key or network.
    """
    return SharepackChannel(options, sections.read(options, _Section))


class SharepackChannel:
    """Writes one network's part of each item's zip. A repeat writes the same bytes, and so nothing.

    Args:
        options: what it is made from.
        section: the checked section of settings.
    """

    def __init__(self, options: ChannelOptions, section: _Section) -> None:
        self._network = section.network or options.name
        self.limits: Limits = limits_by_hand(self._network)
        self._name, self._project = options.name, options.project
        self._ahead = section.days_ahead
        self._pack = section.pack or options.name
        self._folder = options.outbox / self._pack
        self._shown = f"{shown(options)}/{self._pack}"

    def probe(self) -> str:
        """Where the zips go: nothing reaches the network."""
        return f"packs into {self._shown}; people post it"

    def send(self, message: Message, /, *, key: str) -> Receipt:
        """Write this part into the item's zip, beside what other networks have in it.

        Raises:
            RejectedError: it is no post, or the network would not carry it.
            UnavailableError: the disk refuses.
        """
        post = fitting(self._name, message, self.limits)
        if post.thread:
            raise RejectedError(f"{self._name}: takes one part of a thread at a time; plan the post in one part")
        place = _Place.of(key, post)
        try:
            files = self._files(message, post, place)
            with _alone(self._folder):
                changed = self._packed(place, files)
        except UnicodeEncodeError as error:
            raise RejectedError(f"{self._name}: the text holds half a character; retype it") from error
        except OSError as error:
            raise UnavailableError(
                f"{self._name}: cannot write below {self._folder} ({error}); free space or give us the right"
            ) from error
        return Receipt(id=f"{self._pack}/{place.pack}.zip", changed=changed, detail="packed for people to post")

    def close(self) -> None:
        """Nothing is held open."""

    # Packing

    def _packed(self, place: _Place, files: Mapping[str, bytes]) -> int:
        """Write the folder, then the zip of all that is in it; how many changed. A repeat mends a crash between."""
        folder = self._folder / place.pack
        for old in (folder / self._name).glob(f"{place.stem}.*"):
            if f"{self._name}/{old.name}" not in files:
                old.unlink()
        FolderShelf(folder).write(files)
        readme = {"README.txt": self._readme(folder).encode()}
        FolderShelf(folder).write(readme)
        return FolderShelf(self._folder).write({f"{place.pack}.zip": _zip(folder)})

    def _readme(self, folder: Path) -> str:
        parts = sorted(
            folder.glob("*/*.how-to.txt"), key=lambda path: (path.parent.name, len(path.name), path.name)
        )
        heading = f"{self._project.acronym}: posts to share"
        told = "Every folder has what one network needs. Thank you for posting it!"
        return "\n\n".join([heading, told, *(path.read_text("utf-8").strip() for path in parts)]) + "\n"

    def _files(self, message: Message, post: Post, place: _Place) -> dict[str, bytes]:
        """Relative path -> bytes: the text, the pictures, their alternative texts, and what to do with them."""
        stem = f"{self._name}/{place.stem}.{post.lang}"
        files = {f"{stem}.txt": f"{post.text}\n".encode()}
        for number, one in enumerate(post.pictures, start=1):
            picture = message.pictures[one.digest]
            files[f"{stem}.picture-{number}.{picture.name.rpartition('.')[2]}"] = picture.body
            if one.alt:
                files[f"{stem}.picture-{number}.alt.txt"] = f"{one.alt}\n".encode()
        steps = list(_steps(self._custom(), post, place, files, self._when(message.at)))
        return files | {f"{stem}.how-to.txt": "\n".join([self._heading(post, place), *steps, ""]).encode()}

    def _custom(self) -> _Custom:
        return _CUSTOMS.get(self._network) or _Custom(title=self._network.capitalize())

    def _heading(self, post: Post, place: _Place) -> str:
        part = f", part {place.part}" if place.part > 1 else ""
        line = f"{self._custom().title}, in {post.lang}{part}"
        return f"{line}\n{'-' * len(line)}" + (f"\n{post.title}" if post.title and place.part == 1 else "")

    def _when(self, at: datetime | None) -> str:
        """The wall time to post at; days are counted on the wall, whatever the clocks do in between."""
        if at is None:
            return "as soon as you can"
        zone = self._project.timezone
        local = at.astimezone(ZoneInfo(zone)) + timedelta(days=self._ahead)
        return f"on {_DAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]} {local:%Y, %H:%M} ({zone})"


#: The locale of the process must not change the bytes.
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


def _steps(custom: _Custom, post: Post, place: _Place, files: Mapping[str, bytes], when: str) -> Iterator[str]:
    """What a person does, in plain words, a line each."""
    text, *rest = files
    if place.part == 1:
        yield f"Post this {when}."
        yield f"- Copy the whole text of {text} ({_counted(custom, post)})."
    else:
        yield f"- Answer the part before with the whole text of {text}."
    if post.warning:
        yield f"- Set a content warning: {post.warning}"
    for path in rest:
        if not path.endswith(".alt.txt"):
            alt = f"{path.rpartition('.')[0]}.alt.txt"
            words = f"its alternative text is in {alt}" if alt in files else "it is decorative and needs no words"
            yield f"- Add the picture {path}; {words}."
    if custom.pictured and not rest and place.part == 1:
        yield f"- {custom.title} takes nothing without a picture: choose one, and describe it."
    if spare := _HASHTAG.findall(post.text)[custom.hashtags :] if custom.hashtags else []:
        yield f"- {custom.title} takes {custom.hashtags} hashtags at most: leave out {', '.join(spare)}."
    yield from (f"- {note}" for note in custom.notes)


#: Not the end of an address, nor a number.
_HASHTAG = re.compile(r"(?<![\w/&])#(?!\d+\b)\w+")


def _counted(custom: _Custom, post: Post) -> str:
    return f"{post.length:,} of {post.limit:,}, as {custom.title} counts" if post.limit else f"{post.length:,}"


# Naming

#: "<item>:<channel>:<revision>", and "/<part>" behind it from the second part of a thread on.
_KEY = re.compile(r"(?P<item>.+):[^:/]+:(?P<revision>\d+)(?:/(?P<part>\d+))?")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """Where a part stands."""

    #: Name of the zip, and of the folder with the same content, without folders before it.
    pack: str
    part: int

    @property
    def stem(self) -> str:
        """How the names of its files begin."""
        return f"post-{self.part}"

    @classmethod
    def of(cls, key: str, post: Post) -> _Place:
        """All language versions of an item share a zip; what is sent anew after a correction has its own."""
        found = _KEY.fullmatch(key)
        if found is None:
            return cls(pack=slug(key), part=1)
        item, revision = found["item"].removesuffix(f".{post.lang}"), int(found["revision"])
        name = item if revision == 1 else f"{item} revision {revision}"
        return cls(pack=slug(name), part=int(found["part"] or 1))


# Writing


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else packs into this folder meanwhile, in any process of this machine."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


#: The earliest time that a zip can say.
_ALWAYS = (1980, 1, 1, 0, 0, 0)


def _zip(folder: Path) -> bytes:
    """A folder's files. The same files are the same bytes: no times, no compressor, no order of the disk."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as pack:
        for path in sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _ALWAYS)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            pack.writestr(entry, path.read_bytes())
    return stream.getvalue()
