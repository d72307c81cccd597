"""A maildir that a mail server delivers into (maildir(5)): each mail is a file, whole once it is in new/."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from dissemination.errors import UnavailableError
from dissemination.files import sync_folder
from dissemination.returns.mime import LIMIT

_FOLDERS = ("new", "cur")


class Maildir:
    """Mails of one maildir, taken once each (ports.Inlet).

    Args:
        root: the folder that holds new, cur and tmp.
        keep: put what was taken into its folder .done in place of deleting it.
    """

    name = "maildir"

    def __init__(self, root: Path, *, keep: bool = False) -> None:
        self._root = root
        self._keep = keep

    def visit(self, take: Callable[[bytes], object], *, most: int) -> int:
        """Give each waiting mail to `take`, and delete or move it after that; how many.

        Raises:
            UnavailableError: there is no such maildir.
        """
        if not (self._root / "new").is_dir():
            raise UnavailableError(
                f"maildir: {self._root} has no folder new; name the folder that holds new and cur"
            )
        done = 0
        for path in self._waiting():
            if done >= most:
                break
            raw = _read(path)
            if raw is not None:
                take(raw)
                self._put_away(path)
                done += 1
        return done

    def _waiting(self) -> Iterator[Path]:
        for folder in _FOLDERS:
            place = self._root / folder
            paths = sorted(place.iterdir()) if place.is_dir() else []
            yield from (path for path in paths if not path.name.startswith("."))

    def _put_away(self, path: Path) -> None:
        if self._keep:
            for folder in ("new", "cur", "tmp"):
                (self._root / ".done" / folder).mkdir(parents=True, exist_ok=True)
            path.replace(self._root / ".done" / "cur" / path.name)
        else:
            path.unlink(missing_ok=True)
        sync_folder(path.parent)


def _read(path: Path) -> bytes | None:
    """The first megabyte; None for a link, a device, or a file that another reader took meanwhile."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        return None
    with os.fdopen(handle, "rb") as stream:
        return stream.read(LIMIT)
