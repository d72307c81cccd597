"""What the recording of deliveries costs: a real SQLite store and the real pipeline, a line that answers at once.

    python bench/bench_ledger.py [RECIPIENTS] [--window N] [--profile]

Prints seconds and peak memory of freezing the audience, and for a run through the edition messages a second and CPU
microseconds a message: all of it, and the recording alone; what making the messages costs is the difference.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import resource
import tempfile
import threading
import time
from pathlib import Path

import sqlalchemy as sa

from dissemination.bootstrap import SystemClock
from dissemination.model import Audience, Carries, Letter, Limits, Publication, Receipt, Repeat, Site, Slot, State
from dissemination.pipeline import content as codec
from dissemination.pipeline.mailing import send_edition
from dissemination.pipeline.parts import Parts, Rules
from dissemination.store import Store
from dissemination.store import contents as kept
from dissemination.subscribers import SubscriberTokens
from dissemination.testing import sample_project

KEY = "weekly-2026-W48:email:1"
RECEIPT = Receipt()


class NullLine:
    """Everything is accepted at once."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.keys: list[str] = []

    def room(self) -> int:
        return self.depth - len(self.keys)

    def give(self, messages) -> None:
        self.keys += [message.key for message in messages]

    def outcomes(self, wait: float):  # noqa: ARG002 - the port's shape
        # A few at a time, as answers of a server come.
        told, self.keys = self.keys[:16], self.keys[16:]
        return [(key, RECEIPT) for key in told]

    def carry_on(self) -> None:
        pass

    def close(self, patience: float):  # noqa: ARG002 - the port's shape
        told, self.keys = self.keys, []
        return [(key, RECEIPT) for key in told]


class NullChannel:
    limits = Limits(carries=Carries.MAIL, repeat=Repeat.SAFE)

    def __init__(self, depth: int) -> None:
        self.depth = depth

    def line(self, _expected: int = 0) -> NullLine:
        return NullLine(self.depth)

    def send(self, message, /, *, key: str) -> Receipt:
        raise NotImplementedError

    def close(self) -> None:
        pass


class NullShelf:
    def write(self, files) -> int:  # noqa: ARG002 - the port's shape
        return 0


def fill(store: Store, count: int) -> None:
    """So many people on a list, written by SQL alone."""
    numbers = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count) "
        "INSERT INTO subscribers (id, email, address, name, lang, state, consent_source, created_at, domain) "
        "SELECT i, 'person' || i || '@mail' || (i % 100) || '.example', "
        "'person' || i || '@mail' || (i % 100) || '.example', "
        "'Person ' || i, 'en', 'active', 'bench', 0, 'mail' || (i % 100) || '.example' FROM n"
    )
    with store.database.write() as connection:
        connection.execute(sa.text(numbers), {"count": count})
        connection.execute(sa.text("INSERT INTO memberships (list, subscriber) SELECT 'news', id FROM subscribers"))


def running(store: Store, clock: SystemClock) -> Publication:
    """An edition that was approved and claimed."""
    letter = Letter(
        lang="en",
        subject="News",
        preheader="",
        html=("<p>" + "words " * 4000, Slot(name="unsubscribe_url")),
        text=("words " * 1000, Slot(name="unsubscribe_url")),
    )
    body = codec.encode({"en": letter}, ())
    row = Publication(
        key=KEY,
        subject="weekly-2026-W48",
        kind="edition",
        channel="email",
        lang="en",
        title="News",
        state=State.SCHEDULED,
        due_at=clock.now(),
        bound={"content": body.digest},
        audience=Audience(lists=("news",)),
    )
    store.publications.sync([row], [])
    with store.database.write() as connection:
        kept.keep(connection, body)
    claimed = store.publications.claim(KEY, "bench", 120)
    assert claimed is not None
    return claimed


def parts(store: Store, clock: SystemClock, window: int, channel: NullChannel) -> Parts:
    project = sample_project()
    site = Site(public_url=project.public_url)
    nobody = None
    return Parts(
        project=project, site=site, rules=Rules(window=window), clock=clock, store=store, source=nobody,
        checks=nobody, pictures=nobody, renderer=nobody, recurrences=nobody, channels={"email": channel},
        engine=nobody, gate=nobody, shelf=NullShelf(), notifier=nobody,
        tokens=SubscriberTokens([b"0123456789abcdef" * 4], site), owner="bench", fingerprint="",
    )  # fmt: skip


class Recording:
    """Measures the ledger's own CPU time."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.turns = 0

    def around(self, store: Store) -> None:
        making = store.deliveries.ledger

        def ledger(*args, **options):
            made = making(*args, **options)
            turn = made.turn

            def timed(*facts):
                before = time.thread_time()
                try:
                    return turn(*facts)
                finally:
                    self.seconds += time.thread_time() - before
                    self.turns += 1

            made.turn = timed
            return made

        store.deliveries.ledger = ledger


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("recipients", nargs="?", type=int, default=100_000)
    asked.add_argument("--window", type=int, default=256)
    asked.add_argument("--profile", action="store_true")
    args = asked.parse_args()
    clock = SystemClock()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "bench.db", clock)
        fill(store, args.recipients)
        edition = running(store, clock)
        before = time.monotonic()
        store.deliveries.freeze(KEY, edition.audience)
        print(f"freezing {args.recipients:,}: {time.monotonic() - before:.2f} s, peak memory {peak():.0f} MB")
        recording = Recording()
        recording.around(store)
        house = parts(store, clock, args.window, NullChannel(args.window))
        profile = cProfile.Profile() if args.profile else None
        wall, cpu = time.monotonic(), time.process_time()
        if profile:
            profile.enable()
        sent = send_edition(house, edition, threading.Event())
        if profile:
            profile.disable()
        wall, cpu = time.monotonic() - wall, time.process_time() - cpu
        assert sent == args.recipients, sent
        each = 1e6 / sent
        print(
            f"sending, window {args.window}: {sent / wall:,.0f} messages/s; CPU {cpu * each:.1f} us a message, "
            f"recording {recording.seconds * each:.1f} us ({recording.turns:,} turns), "
            f"peak memory {peak():.0f} MB"
        )
        print(store.deliveries.counts(KEY), store.publications.get(KEY).state)
        store.close()
        if profile:
            pstats.Stats(profile).sort_stats("tottime").print_stats(35)


if __name__ == "__main__":
    main()
