"""What lies in the news folder, without following a link and without opening a file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from dissemination.sources.layout import PLUMBING_FOLDERS, is_item, is_sidecar

MAX_FOLDERS_DEEP = 20


class Stamp(NamedTuple):
    """Changes when a file is written: what the cache compares."""

    mtime_ns: int
    size: int
    inode: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """All paths are relative to the news folder, with forward slashes."""

    #: Items' files and pictures' sidecars, in order of their path.
    texts: Mapping[str, Stamp] = field(default_factory=dict)
    #: Every regular file.
    files: frozenset[str] = frozenset()
    #: Links, devices and folders too deep: seen, never opened.
    refused: frozenset[str] = frozenset()

    def is_refused(self, path: str) -> bool:
        """Whether the path is a link or a device, or lies behind one."""
        while path:
            if path in self.refused:
                return True
            path = path.rpartition("/")[0]
        return False


def walk(news: Path) -> Listing:
    """List the folder. Hidden names and folders that begin with `_` are left out, Jekyll's two excepted."""
    texts: dict[str, Stamp] = {}
    files: set[str] = set()
    refused: set[str] = set()
    for path, entry in _entries(news, "", 0, refused):
        name = entry.name
        if not entry.is_file(follow_symlinks=False):
            refused.add(path)
            continue
        files.add(path)
        if is_item(name) or is_sidecar(name):
            found = entry.stat(follow_symlinks=False)
            texts[path] = Stamp(found.st_mtime_ns, found.st_size, found.st_ino)
    ordered = dict(sorted(texts.items()))
    return Listing(texts=ordered, files=frozenset(files), refused=frozenset(refused))


def _entries(folder: Path, below: str, depth: int, refused: set[str]) -> Iterator[tuple[str, os.DirEntry[str]]]:
    try:
        with os.scandir(folder) as found:
            entries = list(found)
    except OSError:  # gone or forbidden while we looked: nothing to list
        if depth:
            refused.add(below.rstrip("/"))
        return
    for entry in entries:
        path = f"{below}{entry.name}"
        if not entry.is_dir(follow_symlinks=False):
            if not entry.name.startswith("."):
                yield path, entry
        elif _is_walked(entry.name):
            if depth < MAX_FOLDERS_DEEP:
                yield from _entries(folder / entry.name, f"{path}/", depth + 1, refused)
            else:
                refused.add(path)


def _is_walked(name: str) -> bool:
    return name in PLUMBING_FOLDERS or not name.startswith((".", "_"))
