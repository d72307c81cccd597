"""How long feeds take when one item is new: 300 feeds of 30 items, on disk, and only what changed is written.

    python bench/bench_feeds.py [--feeds 300] [--items 30]

Prints a line for each case: nothing known yet, nothing new, one item new, one item withdrawn, in a process that
goes on (`disseminate run`); and nothing new and one new in one that has just started (`disseminate publish`).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from dissemination.files import FolderShelf
from dissemination.model import Entry
from dissemination.render.rendering import Rendering
from dissemination.testing import sample_entry, sample_project

#: An item has so many tags; two feeds are the default category's and everything.
_TAGS = 6
_WORDS = "<p>Five regions compared how they lend to <a href='https://news.example.eu/x/'>small firms</a>. </p>"


def entries_of(feeds: int, items: int) -> list[Entry]:
    """As few items as fill so many feeds with at least so many items each."""
    tags = feeds - 2
    count = -(-tags * items // _TAGS)
    return [_entry(number, tags) for number in range(count)]


def _entry(number: int, tags: int) -> Entry:
    when = sample_entry().published + timedelta(minutes=number)
    mine = tuple(f"Tag {(number * _TAGS + step) % tags}" for step in range(_TAGS))
    path = f"en/news/item-{number}/"
    return sample_entry(
        id=f"urn:uuid:{number:032}",
        item_id=f"item-{number}",
        title=f"Item {number} & what came of it",
        html=_WORDS * 15,
        path=path,
        url=f"https://news.example.eu/{path}",
        tags=mine,
        published=when,
        updated=when,
    )


def turn(rendering: Rendering, shelf: FolderShelf, entries: Sequence[Entry]) -> tuple[float, float, int, int]:
    """(seconds, seconds of the processor, files written, feed documents among all files) of one pass."""
    start, busy = time.perf_counter(), time.process_time()
    files = rendering.files(entries, entries)
    changed = shelf.write(files)
    took, used = time.perf_counter() - start, time.process_time() - busy
    return took, used, changed, sum(path.endswith(("rss.xml", "atom.xml", "feed.json")) for path in files)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feeds", type=int, default=300)
    parser.add_argument("--items", type=int, default=30)
    options = parser.parse_args()
    known = entries_of(options.feeds, options.items)
    tags = options.feeds - 2
    new = [*known, _entry(len(known), tags)]
    gone = [replace(new[0], withdrawn=True, title="[Withdrawn] x", updated=new[-1].updated), *new[1:]]
    print(f"{options.feeds} feeds x {options.items} items, from {len(known)} items")
    with tempfile.TemporaryDirectory() as folder:
        shelf, going = FolderShelf(Path(folder)), Rendering(sample_project())
        cases = (
            ("nothing known yet", going, known),
            ("nothing new", going, known),
            ("one item new", going, new),
            ("one withdrawn", going, gone),
            ("just started, nothing new", Rendering(sample_project()), gone),
            ("just started, one item new", Rendering(sample_project()), [*gone, _entry(len(new), tags)]),
        )
        for name, rendering, entries in cases:
            took, used, changed, documents = turn(rendering, shelf, entries)
            print(
                f"{name:28} {took:7.3f} s, {used:6.3f} s CPU  {changed:6} files written, {documents} feed documents"
            )


if __name__ == "__main__":
    main()
