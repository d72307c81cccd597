"""Files, safely: reading below a folder without following links, and writing so that a crash leaves old or new."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from dissemination.errors import FileRefusedError


def read_below(root: Path, relative: str, *, limit: int) -> bytes:
    """The bytes of a regular file below `root`, opened component by component without following links.

    Args:
        root: an existing folder; it may itself be reached through links.
        relative: path with forward slashes; no "..", not absolute.
        limit: the most bytes it may have.

    Raises:
        FileRefusedError: a link, a device, a path out of the folder, or too large.
        FileNotFoundError: no such file.
    """
    parts = PurePosixPath(relative).parts
    if not parts or relative.startswith("/") or ".." in parts or "\0" in relative:
        raise FileRefusedError(f"{relative}: not a path inside the folder; write it relative to the item")
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts[:-1]:
            inner = _open_at(part, folder, relative, os.O_DIRECTORY)
            os.close(folder)
            folder = inner
        file = _open_at(parts[-1], folder, relative, os.O_NONBLOCK)
    finally:
        os.close(folder)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise FileRefusedError(f"{relative}: not a regular file")
    with os.fdopen(file, "rb") as stream:
        body = stream.read(limit + 1)
    if len(body) > limit:
        raise FileRefusedError(f"{relative}: larger than {limit:,} bytes; make it smaller")
    return body


def _open_at(name: str, folder: int, relative: str, flags: int) -> int:
    try:
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | flags, dir_fd=folder)
    except OSError as error:
        # O_NOFOLLOW on a link gives ELOOP; on a link to a folder with O_DIRECTORY, ENOTDIR.
        if error.errno in {errno.ELOOP, errno.ENOTDIR}:
            raise FileRefusedError(f"{relative}: a link; put the file itself there") from error
        raise


def write_atomic(path: Path, body: bytes, *, mode: int = 0o644) -> None:
    """Write by temporary file, fsync and rename: after a crash or a full disk there is the old file or the new."""
    _write_whole(path, body, mode)
    sync_folder(path.parent)


def _write_whole(path: Path, body: bytes, mode: int) -> None:
    """The rename is durable only when the folder is synced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(body)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class FolderShelf:
    """A public folder that only ever gets whole files, and only those that differ."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, files: Mapping[str, bytes]) -> int:
        """Write what differs; how many files changed.

        Raises:
            FileRefusedError: a path leads out of the folder.
        """
        folders: list[Path] = []
        try:
            for relative, body in files.items():
                path = self._path(relative)
                if not _same(path, body):
                    _write_whole(path, body, 0o644)
                    folders.append(path.parent)
        finally:
            for folder in dict.fromkeys(folders):
                sync_folder(folder)
        return len(folders)

    def _path(self, relative: str) -> Path:
        parts = PurePosixPath(relative).parts
        if relative.startswith("/") or ".." in parts or not parts:
            raise FileRefusedError(f"{relative}: leads out of {self.root}")
        return self.root.joinpath(*parts)


def _same(path: Path, body: bytes) -> bool:
    try:
        return path.stat().st_size == len(body) and path.read_bytes() == body
    except FileNotFoundError:
        return False


def digest_of(body: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(body).hexdigest()


def shipped(name: str) -> Path:
    """A folder or file that travels with the package ("templates", "news", "settings.yaml").

    In a checkout it lies at the top level, in an installed wheel below the package.
    """
    inside = Path(__file__).parent / "_shipped" / name
    return inside if inside.exists() else Path(__file__).parent.parent / name
