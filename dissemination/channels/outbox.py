"""The outbox: what would be posted, as one file a post that a person can read and copy from.

It stands in for every network that has no channel of its own, or no account yet, and has that network's limits.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from dissemination.channels import sections
from dissemination.channels.fitting import fitting
from dissemination.channels.networks import NETWORKS
from dissemination.errors import FileRefusedError, RejectedError, UnavailableError
from dissemination.files import FolderShelf, digest_of
from dissemination.model import Carries, Limits, Message, Post, PostPicture, Receipt, Repeat, Units
from dissemination.ports import ChannelOptions

#: For networks that we know nothing of: what a person can still paste somewhere.
_GENEROUS = Limits(
    carries=Carries.POST, units=Units.GRAPHEMES, max_length=5000, pictures=10, alt_length=2000, warnings=True
)


class _Section(BaseModel):
    """The section of a channel that is served by the outbox."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    network: str = Field(default="", pattern=r"^[a-z][a-z0-9_-]*$|^$", max_length=40)
    """Whose limits count; the channel's own name where left out."""


def make(options: ChannelOptions) -> OutboxChannel:
    """The channel that writes below `options.outbox`, in a folder named after the channel.

    Raises:
        SettingsError: an unknown key.
    """
    section = sections.read(options, _Section)
    limits = limits_by_hand(section.network or options.name)
    return OutboxChannel(options.outbox, options.name, limits, shown=shown(options))


def limits_by_hand(network: str) -> Limits:
    """A network's limits for who writes files: whatever the network can do, a file can be written again."""
    return replace(NETWORKS.get(network, _GENEROUS), repeat=Repeat.SAFE)


def shown(options: ChannelOptions) -> str:
    """The outbox as people are told of it."""
    root, place = options.project.root, options.outbox
    return str(place.relative_to(root) if place.is_relative_to(root) else place)


class OutboxChannel:
    """Writes a file a post. A repeat writes the same file, and so nothing.

    Args:
        folder: the outbox, for all channels; made on the first sending.
        name: the channel's name, and the name of its folder in the outbox.
        limits: what the network would carry.
        shown: the outbox as people are told of it; the folder where left out.
    """

    def __init__(self, folder: Path, name: str, limits: Limits, *, shown: str = "") -> None:
        self.limits = limits
        self._folder = folder
        self._name = name
        self._shelf = FolderShelf(folder)
        self._shown = shown or str(folder)

    def probe(self) -> str:
        """Where posts go: nothing reaches the network."""
        return f"writes to {self._shown}; nothing is posted"

    def send(self, message: Message, /, *, key: str) -> Receipt:
        """Write the post and its pictures.

        Raises:
            RejectedError: it is no post, or the network would not carry it.
            UnavailableError: the disk refuses.
        """
        path, files = self._files(message, key)
        try:
            self._shelf.write({name: body for name, body in files.items() if name != path})
            changed = self._shelf.write({path: files[path]})
        except FileRefusedError as error:
            raise RejectedError(f"{self._name}: {error}") from error
        except OSError as error:
            raise UnavailableError(
                f"{self._name}: cannot write below {self._folder} ({error}); free space or give us the right"
            ) from error
        return Receipt(id=path, changed=changed, detail="written to the outbox")

    def find(self, message: Message, *, key: str, since: datetime) -> Receipt | None:  # noqa: ARG002 - the port's shape
        """A receipt if the post's file is there and says the same.

        Raises:
            UnavailableError: the file cannot be read.
        """
        path, files = self._files(message, key)
        try:
            there = (self._folder / path).read_bytes() == files[path]
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UnavailableError(f"{self._name}: cannot read {path} in the outbox ({error})") from error
        return Receipt(id=path, changed=0, detail="is in the outbox") if there else None

    def close(self) -> None:
        """Nothing is held open."""

    def _files(self, message: Message, key: str) -> tuple[str, dict[str, bytes]]:
        """The path of the post's file, and all files: relative path -> bytes."""
        post = fitting(self._name, message, self.limits)
        pictures = {
            f"{self._name}/media/{message.pictures[one.digest].name}": message.pictures[one.digest].body
            for one in post.pictures
        }
        path = f"{self._name}/{slug(key)}.txt"
        try:
            return path, pictures | {path: self._text(message, post, key).encode()}
        except UnicodeEncodeError as error:
            raise RejectedError(
                f"{self._name}: the text holds half a character (a surrogate); retype it"
            ) from error

    def _text(self, message: Message, post: Post, key: str) -> str:
        """A block of facts, an empty line, the text; further parts of a thread below a line of their own."""
        facts = {
            "network": post.network,
            "key": key,
            "language": post.lang,
            "length": f"{post.length} of {post.limit or self.limits.max_length or 'any'} {self.limits.units}",
            "warning": post.warning,
            "link": post.link,
            "title": post.title,
            "summary": post.summary,
            "answers": message.in_reply_to.id if message.in_reply_to else "",
        }
        lines = [f"{name}: {_one_line(value)}" for name, value in facts.items() if value]
        lines += [line for one in post.pictures for line in _picture(one, message)]
        parts = [f"\n--- {number} ---\n{part}\n" for number, part in enumerate(post.thread, start=2)]
        return "\n".join(lines) + f"\n\n{post.text}\n" + "".join(parts)


def _picture(picture: PostPicture, message: Message) -> tuple[str, str]:
    alt = _one_line(picture.alt) or "(decorative)"
    return f"picture: media/{message.pictures[picture.digest].name}", f"alt: {alt}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def slug(key: str) -> str:
    """A file name that a person recognises and that is no other key's."""
    readable = re.sub(r"[^a-z0-9]+", "-", key.lower()).strip("-")[:80]
    return f"{readable or 'post'}-{digest_of(key.encode(errors='surrogatepass'))[:8]}"
