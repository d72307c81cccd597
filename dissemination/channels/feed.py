"""The feed channel: files below the public folder, written so that a reader never sees half a feed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from dissemination.channels import sections
from dissemination.errors import FileRefusedError, RejectedError, UnavailableError
from dissemination.files import FolderShelf
from dissemination.model import Carries, FileSet, Limits, Message, Receipt, Repeat
from dissemination.ports import ChannelOptions


class _Section(BaseModel):
    """Where feeds are written and what is in them is the project's, so there is nothing to set."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def make(options: ChannelOptions) -> FeedChannel:
    """The channel that writes below `options.public`.

    Raises:
        SettingsError: the section has a key, and none is known.
    """
    sections.read(options, _Section)
    return FeedChannel(options.public)


class FeedChannel:
    """Writes files. A repeat writes nothing.

    Args:
        folder: the public root; made on the first sending.
    """

    limits = Limits(carries=Carries.FILES, repeat=Repeat.SAFE)

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shelf = FolderShelf(folder)

    def send(self, message: Message, /, *, key: str) -> Receipt:  # noqa: ARG002 - equal files are the same message
        """Write what differs.

        Raises:
            RejectedError: it is no set of files, or a path leads out of the folder.
            UnavailableError: the disk refuses; what was written already is whole, and a repeat goes on.
        """
        files = _files(message)
        try:
            changed = self._shelf.write(files.files)
        except FileRefusedError as error:
            raise RejectedError(f"feed: {error}") from error
        except OSError as error:
            raise UnavailableError(
                f"feed: cannot write below {self._folder} ({error}); free space or give us the right to write there"
            ) from error
        return Receipt(changed=changed, detail=f"{changed} of {len(files.files)} files changed")

    def find(self, message: Message, *, key: str, since: datetime) -> Receipt | None:  # noqa: ARG002 - the port's shape
        """A receipt if all files are there with these bytes.

        Raises:
            UnavailableError: a file cannot be read.
        """
        files = _files(message)
        try:
            there = all((self._folder / path).read_bytes() == body for path, body in files.files.items())
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            raise UnavailableError(
                f"feed: cannot read below {self._folder} ({error}); give us the right"
            ) from error
        return Receipt(changed=0, detail=f"all {len(files.files)} files are there") if there else None

    def close(self) -> None:
        """Nothing is held open."""


def _files(message: Message) -> FileSet:
    if not isinstance(message.body, FileSet):
        raise RejectedError("feed: takes files only; plan mail and posts for another channel")
    return message.body
