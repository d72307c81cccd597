"""What was read of unchanged files, kept in one file so that a large folder is not read again."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from dissemination import __version__
from dissemination.files import write_atomic
from dissemination.sources.parsing import Parsed
from dissemination.sources.walk import Stamp

#: Changes whenever `Parsed`, or how it comes about, changes.
FORMAT = 2
NAME = "items.jsonl"
#: File systems count time in steps: a file as young as the cache itself may have been written twice in one step.
_STEP_NS = 50_000_000


class ParseCache:
    """One line of JSON a file, below a first line with the version. A broken line, or file, counts as absent.

    What is kept follows from a file's bytes and this package's version alone, never from settings, pictures or
    the present, so that those need no invalidation.

    Args:
        folder: where it lies; None: nothing is kept.
    """

    def __init__(self, folder: Path | None) -> None:
        self._path = folder / NAME if folder else None

    def load(self, wanted: Mapping[str, Stamp]) -> dict[str, Parsed]:
        """What is known of those files that have not changed since."""
        known: dict[str, Parsed] = {}
        if self._path is None:
            return known
        try:
            with self._path.open(encoding="utf-8") as lines:
                young = os.fstat(lines.fileno()).st_mtime_ns - _STEP_NS
                if json.loads(lines.readline() or "null") != _version():
                    return known
                for line in lines:
                    _read(line, wanted, young, known)
        except (OSError, ValueError):
            return known
        return known

    def save(self, parsed: Mapping[str, Parsed], stamps: Mapping[str, Stamp]) -> None:
        """Replace the file; a folder that cannot be written only costs time."""
        if self._path is None:
            return
        rows = [_version(), *([path, list(stamps[path]), one.to_plain()] for path, one in parsed.items())]
        text = "\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
        try:
            write_atomic(self._path, text.encode(), mode=0o600)
        except OSError:
            return


def _version() -> list[str | int]:
    return ["dissemination", __version__, FORMAT]


def _read(line: str, wanted: Mapping[str, Stamp], young: int, known: dict[str, Parsed]) -> None:
    try:
        path, stamp, plain = json.loads(line)
        if Stamp(*stamp) == wanted.get(path) and stamp[0] < young:
            known[path] = Parsed.from_plain(plain)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return
