"""How long a million people take: import, count, freezing, export, erasure of one; seconds, rate and peak memory.

    python bench/bench_people.py [PEOPLE] [--keep DIR]

The file is made up. Each step is a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from dissemination.model import Audience, Publication, State, Step
from dissemination.store import Store
from dissemination.subscribers import AddressBook, read_subscribers, write_subscribers

#: Step -> the most seconds that a million people may take.
GOALS = {"import": 60.0, "freeze": 5.0}
#: The most memory of a process, in MB.
MEMORY = 150
BOOK = AddressBook(b"a pepper for the benchmark")
EVERYBODY = Audience(lists=("news",))
SEGMENT = Audience(lists=("news",), languages=("ro",), where=(("region", ("R1", "R2", "R3")),))


class _Clock:
    """The machine's."""

    real = True

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def make_file(path: Path, people: int) -> None:
    """People with names, two languages, two attributes, and addresses at two thousand domains in no order."""
    chance = random.Random(people)
    with path.open("w", encoding="utf-8") as stream:
        stream.write("email,name,lang,lists,consent_source,consent_at,attr.region,attr.role\n")
        for number in range(people):
            address = f"reader.{chance.randrange(10**9)}.{number}@mail{number % 2000}.example"
            facts = f"Reader Number{number},{'ro' if number % 3 else 'en'},news,form at the Paris meeting"
            stream.write(
                f"{address},{facts},2025-03-{number % 28 + 1:02},R{number % 40},{'staff' if number % 5 else ''}\n"
            )


def import_(folder: Path) -> int:
    store = Store(folder / "people.db", _Clock())
    with (folder / "people.csv").open(encoding="utf-8", newline="") as stream, store.people.set_aside() as aside:
        rows = read_subscribers(stream, default_lang="en")
        aside.add((line, person, *BOOK.both(person.email)) for line, person in rows)
        if any(True for _ in aside.repeated()):
            raise SystemExit("the file repeats an address")
        began = time.perf_counter()
        count = aside.settle(step=Step.IMPORTED, form="import of people.csv").new
        print(f"{'':18}of these {time.perf_counter() - began:.1f} s in which others wait to write")
    store.close()
    return count


def count_segment(folder: Path) -> int:
    store = Store(folder / "people.db", _Clock())
    return store.people.count(SEGMENT)


def freeze(folder: Path) -> int:
    store = Store(folder / "people.db", _Clock())
    row = Publication(
        key="bench:email:1", subject="bench", channel="email", kind="edition", lang="en", title="t",
        state=State.SCHEDULED,
    )  # fmt: skip
    store.publications.sync([row], [])
    return store.deliveries.freeze(row.key, EVERYBODY)


def export(folder: Path) -> int:
    store = Store(folder / "people.db", _Clock())
    with (folder / "export.csv").open("w", encoding="utf-8", newline="") as stream:
        return write_subscribers(stream, store.people.all(), store.people.attributes())


def erase(folder: Path) -> int:
    store = Store(folder / "people.db", _Clock())
    person = next(store.people.all())
    return int(store.people.remove(*BOOK.both(person.email), bar=True))


def scour(folder: Path) -> int:
    Store(folder / "people.db", _Clock()).privacy.scour()
    return 1


#: In the order of a list's life.
STEPS: dict[str, Callable[[Path], int]] = {
    "import": import_,
    "count a segment": count_segment,
    "freeze": freeze,
    "export": export,
    "erase one": erase,
    "write file anew": scour,
}


def _step(name: str, folder: Path, answer: multiprocessing.SimpleQueue[tuple[float, float, int, int]]) -> None:
    began, worked = time.perf_counter(), time.process_time()
    count = STEPS[name](folder)
    took = (time.perf_counter() - began, time.process_time() - worked)
    answer.put((*took, count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024))


def measure(folder: Path, people: int) -> bool:
    """Print a row for every step; whether a goal was missed."""
    late, spawn = False, multiprocessing.get_context("spawn")
    print(f"{'step':16} {'seconds':>8} {'CPU':>8} {'rows':>10} {'MB':>5} {'goal':>6}")
    for name in STEPS:
        answer: multiprocessing.SimpleQueue[tuple[float, float, int, int]] = spawn.SimpleQueue()
        worker = spawn.Process(target=_step, args=(name, folder, answer))
        worker.start()
        worker.join()
        seconds, cpu, count, memory = answer.get()
        goal = GOALS.get(name, 0.0) if people == 1_000_000 else 0.0
        missed = (bool(goal) and seconds > goal) or memory > MEMORY
        late |= missed
        said = f"{goal or '':>6}{' missed' if missed else ''}"
        print(f"{name:16} {seconds:8.2f} {cpu:8.2f} {count:10,} {memory:5} {said}")
    return late


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("people", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path, help="a folder for the files, which stay")
    wish = parser.parse_args()
    folder = wish.keep or Path(tempfile.mkdtemp(prefix="bench-people-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        make_file(folder / "people.csv", wish.people)
        print(f"{wish.people:,} people; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        late = measure(folder, wish.people)
    finally:
        if not wish.keep:
            shutil.rmtree(folder)
    sys.exit(late)


if __name__ == "__main__":
    main()
