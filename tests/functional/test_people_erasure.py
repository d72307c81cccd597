"""Erasure is proved by looking into every file that is left, and forgetting in time happens by itself."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from dissemination.app import App
from dissemination.model import (
    Audience,
    DeliveryState,
    Happening,
    Keep,
    Privacy,
    Publication,
    State,
    Step,
    Subscriber,
)
from dissemination.pipeline import people, retention
from dissemination.pipeline.returns import Inbound
from dissemination.returns import read_return
from dissemination.store import Store
from dissemination.store.schema import CODES, consents, deliveries, events, subscribers, troubles
from dissemination.subscribers import AddressBook

BOOK = AddressBook(b"a pepper for tests")
DAY = datetime(2025, 3, 1, tzinfo=UTC)
GONE = "Gone.Person@Mail.example"


def failures(store: Store) -> list[tuple[str, str]]:
    """(address, reason) of whoever failed."""
    return [(who.address, who.reason) for who in store.deliveries.people("e:email:1", DeliveryState.FAILED)]


def person(number: int, **changes) -> Subscriber:
    facts = {"id": 0, "lang": "en", "lists": ("news",), "consent_source": "form", "consent_at": DAY}
    return Subscriber(**({"email": f"reader{number}@mail.example", "name": f"Reader {number}"} | facts | changes))


def take_in(store: Store, *who: Subscriber) -> None:
    with store.people.set_aside() as aside:
        aside.add((line, one, *BOOK.both(one.email)) for line, one in enumerate(who))
        aside.settle(step=Step.IMPORTED, form="import of a.csv")


def files_with(folder: Path, *words: str) -> list[str]:
    """Names of the files that hold one of the words, in any case and encoding we might write."""
    needles = {word.lower().encode(code) for word in words for code in ("utf-8", "utf-16-le")}
    return [
        path.name
        for path in sorted(folder.rglob("*"))
        if path.is_file() and any(needle in path.read_bytes().lower() for needle in needles)
    ]


def crowd(store: Store, around: int) -> None:
    """Thousands of people in no order, so that pages of every index split, and one who is to go among them."""
    chance = random.Random(around)
    numbers = list(range(3_000))
    chance.shuffle(numbers)
    who = [person(number, attributes={"region": f"R{number % 9}"}) for number in numbers]
    gone = person(
        0, email=GONE, name="Gone Name", consent_source="letter of Gone Name", attributes={"note": "gone note"}
    )
    who.insert(around, gone)
    take_in(store, *who)


def an_edition_with_troubles(store: Store, clock) -> None:
    row = Publication(
        key="e:email:1", subject="e", channel="email", kind="edition", lang="en", title="t",
        state=State.SCHEDULED, due_at=clock.now(),
    )  # fmt: skip
    store.publications.sync([row], [])
    store.deliveries.freeze(row.key, Audience(lists=("news",)))
    gone = store.people.by_address(BOOK.normalise(GONE)).id
    with store.database.write() as connection:
        failed = CODES[DeliveryState.FAILED]
        connection.execute(sa.update(deliveries).where(deliveries.c.subscriber == gone).values(state=failed))
        trouble = {"publication": 1, "subscriber": gone, "reason": f"550 <{GONE}>: unknown", "at": clock.now()}
        connection.execute(sa.insert(troubles).values(trouble))
    store.events.add(Happening(at=clock.now(), kind="failed", detail=f"email: <{GONE.lower()}> and 3 others"))


@pytest.mark.parametrize("around", [0, 1_500, 3_000])
def test_an_erased_person_is_in_no_file_that_is_left(tmp_path, clock, around):
    store = Store(tmp_path / "var" / "a.db", clock)
    crowd(store, around)
    an_edition_with_troubles(store, clock)
    with closing(sqlite3.connect(tmp_path / "var" / "a.db")) as reader:  # keeps the write-ahead log alive
        assert reader.execute("SELECT count(*) FROM subscribers").fetchone() == (3_001,)
        assert store.people.remove(*BOOK.both(GONE), bar=True)
        store.backup(tmp_path / "after.db")
        assert (tmp_path / "var" / "a.db-wal").exists()
        words = (GONE, "gone.person", "Gone Name", "gone note")
        assert files_with(tmp_path, *words) == []
    store.close()
    assert files_with(tmp_path, *words) == []
    assert files_with(tmp_path, "reader77@mail.example") == ["after.db", "a.db"]  # the others are all there


def test_what_stays_of_an_erased_person_names_nobody(tmp_path, clock):
    store = Store(tmp_path / "a.db", clock)
    crowd(store, 5)
    an_edition_with_troubles(store, clock)
    store.people.remove(*BOOK.both(GONE), bar=True)
    counts = store.deliveries.counts("e:email:1")
    assert counts == {DeliveryState.PENDING: 3_000, DeliveryState.FAILED: 1}
    assert failures(store) == [("", "")]
    assert store.events.latest(1)[0].detail == "email: <(erased)> and 3 others"
    take_in(store, person(0, email=GONE.upper()))
    assert store.people.by_address(BOOK.normalise(GONE)) is None
    store.close()


def test_many_who_are_erased_one_after_another_are_all_gone(tmp_path, clock):
    store = Store(tmp_path / "a.db", clock)
    crowd(store, 9)
    gone = random.Random(1).sample(range(3_000), 150)
    for number in gone[:100]:  # about one in a hundred leaves a copy in the unused part of a page
        store.people.remove(*BOOK.both(f"reader{number}@mail.example"))
        assert f"reader{number}@mail".encode() not in (tmp_path / "a.db").read_bytes()
    store.people.remove_all([BOOK.both(f"reader{number}@mail.example") for number in gone[100:]])
    store.privacy.scour()
    store.close()
    held = (tmp_path / "a.db").read_bytes()
    assert [number for number in gone if f"reader{number}@mail".encode() in held] == []


def test_an_import_leaves_nothing_of_people_who_were_not_taken_in(tmp_path, clock):
    store = Store(tmp_path / "a.db", clock)
    with pytest.raises(RuntimeError), store.people.set_aside() as aside:  # noqa: PT012 - one reading
        aside.add((line, person(line, email=GONE), *BOOK.both(GONE)) for line in range(5_000))
        raise RuntimeError("in the middle")
    assert files_with(tmp_path, GONE) == []
    store.close()


# ------------------------------------------------------------------------------------------------ in time


@pytest.fixture
def kept(house):
    """A house with people of every age, and short memory."""
    house.change(privacy=Privacy(keep=Keep(unconfirmed=10, departed=20, troubles=30, log=40, proof=50, copies=60)))
    take_in(house.store, *(person(number) for number in range(1_005)))
    return house


def change(house, table: sa.Table, where: sa.ColumnElement[bool], **values) -> None:
    with house.store.database.write() as connection:
        connection.execute(sa.update(table).where(where).values(values))


def test_people_go_when_their_time_is_over_and_no_import_brings_them_back(kept):
    change(kept, subscribers, subscribers.c.id <= 300, state="unsubscribed", state_at=kept.clock.now())
    change(kept, subscribers, subscribers.c.id.in_([301, 302]), state="unconfirmed")
    assert retention.clean(kept.parts, BOOK).people == 0
    kept.clock.advance(timedelta(days=10, seconds=1))
    assert retention.clean(kept.parts, BOOK).people == 2
    kept.clock.advance(timedelta(days=10))
    assert str(retention.clean(kept.parts, BOOK)) == "people erased: 300"
    take_in(kept.store, *(person(number) for number in range(1_005)))
    assert sum(1 for _ in kept.store.people.all()) == 1_005 - 302
    kept.clock.advance(timedelta(days=50, seconds=1))
    assert retention.clean(kept.parts, BOOK).proofs == 302
    with kept.store.database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(consents)).scalar() == 1_005 - 302


def test_words_of_servers_and_old_lines_of_the_log_go_what_is_untold_stays(kept):
    kept.store.events.add(Happening(at=kept.clock.now(), kind="approved", detail="old"))
    kept.store.events.add(Happening(at=kept.clock.now(), kind="failed", detail="untold"))
    kept.clock.advance(timedelta(days=41))
    kept.store.events.add(Happening(at=kept.clock.now(), kind="sent", detail="new"))
    assert retention.clean(kept.parts, BOOK).log == 1
    with kept.store.database.read() as connection:
        left = connection.execute(sa.select(events.c.detail).order_by(events.c.id)).scalars().all()
    assert left == ["untold", "new", "log lines deleted: 1"]


def test_a_reason_is_forgotten_and_the_failure_is_not(house):
    house.change(privacy=Privacy(keep=Keep(troubles=30)))
    take_in(house.store, person(0, email=GONE))
    an_edition_with_troubles(house.store, house.clock)
    assert failures(house.store) == [(GONE, f"550 <{GONE}>: unknown")]
    house.clock.advance(timedelta(days=31))
    assert retention.clean(house.parts, BOOK).troubles == 1
    assert failures(house.store) == [(GONE, "")]


def test_old_copies_beside_the_database_go(tmp_path, clock, house_class):
    store = Store(tmp_path / "a.db", clock)
    for name in ("a.db.before-0002", "a.db.before-restore-20260101T000000-wal", "other.db.before-0002"):
        (tmp_path / name).write_bytes(b"old people")
    assert store.privacy.copies() == ["a.db.before-0002", "a.db.before-restore-20260101T000000-wal"]
    house = house_class(store, clock)
    os.utime(tmp_path / "a.db.before-0002", (0, 0))  # its last change was long ago, and yet it was put aside today
    clock.advance(timedelta(seconds=time.time()) - (clock.now() - datetime(1970, 1, 1, tzinfo=UTC)))
    assert retention.clean(house.parts, BOOK).copies == 0
    clock.advance(timedelta(days=31))
    assert retention.clean(house.parts, BOOK).copies == 2
    assert (tmp_path / "other.db.before-0002").exists()
    store.close()


def test_it_happens_once_a_day_from_the_tick_also_with_two_publishers(house):
    app = App(parts=house.parts, addresses=BOOK, inbound=Inbound(read=read_return, addresses=BOOK))
    ticks, others = app.ticks(), app.ticks()
    for _ in range(3):
        ticks.tick()
        others.tick()
        app.publish()
    assert house.kinds().count("cleaned") == 1
    house.clock.advance(timedelta(hours=23))
    ticks.tick()
    assert house.kinds().count("cleaned") == 1
    house.clock.advance(timedelta(hours=2))
    others.tick()
    ticks.tick()
    assert house.kinds().count("cleaned") == 2
    house.clock.advance(timedelta(days=-9))  # a clock that was wrong
    ticks.tick()
    assert house.kinds().count("cleaned") == 3


def test_leaving_by_word_of_mouth_is_in_the_log_without_an_address(house):
    take_in(house.store, person(0, email=GONE))
    assert people.unsubscribe(house.parts, BOOK, GONE, how="phone") is True
    assert people.unsubscribe(house.parts, BOOK, GONE, how="phone") is False
    assert people.unsubscribe(house.parts, BOOK, "nobody@mail.example", how="phone") is None
    assert "unsubscribed" in house.kinds()
    assert "gone" not in str(house.store.events.latest(10)).lower()
