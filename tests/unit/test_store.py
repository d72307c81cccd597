"""The store's promises, on SQLite and PostgreSQL alike where both can make them."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from dissemination.errors import BusyError, StoreError, WrongUseError
from dissemination.files import digest_of
from dissemination.model import (
    Audience,
    Content,
    Happening,
    Part,
    Publication,
    Rates,
    State,
    Subscriber,
)
from dissemination.store import Store, migrate
from dissemination.store.database import Database
from dissemination.store.migrate import HEAD
from dissemination.store.restore import restore
from dissemination.store.schema import Instant, metadata
from dissemination.testing import sample_picture

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)


def person(number: int, **changes) -> tuple[Subscriber, str, str]:
    facts = {
        "id": 0,
        "email": f"p{number}@example.org",
        "lists": ("news",),
        "consent_source": "x",
        "consent_at": NOW,
    }
    return Subscriber(**(facts | changes)), f"p{number}@example.org", f"hash{number}"


def publication(key: str = "first:x:1", **changes) -> Publication:
    subject, channel, revision = key.rsplit(":", 2)
    facts = {
        "key": key,
        "subject": subject,
        "channel": channel,
        "revision": int(revision),
        "kind": "item",
        "lang": "en",
        "title": "Title",
        "bound": {"content": "abc", "time": "t"},
        "audience": Audience(lists=("news",), exclude=("press",)),
        "items": ("first",),
    }
    return Publication(**(facts | changes))


# ------------------------------------------------------------------------------------------------ schema


def from_the_beginning(database: Database) -> None:
    """Empty it, and bring it up migration by migration."""
    with database.write() as connection:
        metadata.drop_all(connection)
        migrate._VERSION.drop(connection)
    with database.write() as connection:
        command.upgrade(migrate._config(connection), "head")


def words(index) -> str:
    """An index in words, the condition of a partial one too."""
    options = {name: str(value) for name, value in index.pop("dialect_options", {}).items()}
    return f"{index} {options}"


def shape(database: Database) -> dict[str, object]:
    """Tables with their columns, keys and indexes, in whatever order they were made."""
    with database.read() as connection:
        seen = sa.inspect(connection)
        columns = {
            table: sorted(
                (c["name"], str(c["type"]), c["nullable"], str(c["default"])) for c in seen.get_columns(table)
            )
            for table in seen.get_table_names()
        }
        keys = {
            table: (
                seen.get_pk_constraint(table),
                sorted(map(repr, seen.get_unique_constraints(table))),
                sorted(map(words, seen.get_indexes(table))),
                sorted(map(repr, seen.get_foreign_keys(table))),
            )
            for table in columns
        }
        rowless = set()
        if not database.is_postgres:
            query = "SELECT name FROM sqlite_master WHERE upper(sql) LIKE '%WITHOUT ROWID%'"
            rowless = set(connection.execute(sa.text(query)).scalars())
    return {"columns": columns, "keys": keys, "without rowid": rowless}


def test_the_migrations_make_exactly_what_a_new_database_has(store):
    made = shape(store.database)
    from_the_beginning(store.database)
    assert shape(store.database) == made
    with store.database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, metadata)
    schema_only = [d for d in differences if not isinstance(d, list)]
    assert schema_only == []


def test_the_head_is_the_newest_migration():
    assert ScriptDirectory.from_config(migrate._config()).get_current_head() == HEAD


def test_opening_twice_upgrades_once(store, store_target, clock):
    assert migrate.upgrade(store.database) == HEAD


def test_a_database_of_a_newer_program_is_refused(tmp_path, clock):
    path = tmp_path / "a.db"
    Store(path, clock).close()
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="newer version"):
        Store(path, clock)


def test_a_failed_migration_leaves_nothing(store):
    with pytest.raises(RuntimeError), store.database.write("migrate") as connection:  # noqa: PT012 - one transaction
        connection.execute(sa.text("CREATE TABLE half (a INTEGER)"))
        raise RuntimeError("in the middle")
    with store.database.read() as connection:
        assert "half" not in sa.inspect(connection).get_table_names()


def test_instants_are_exact_and_naive_ones_are_refused():
    moment = datetime(2026, 3, 29, 1, 59, 59, 999_999, tzinfo=UTC)
    kind = Instant()
    assert kind.process_result_value(kind.process_bind_param(moment, None), None) == moment
    with pytest.raises(ValueError, match="naive"):
        kind.process_bind_param(datetime(2026, 1, 1), None)  # noqa: DTZ001 - the point


# ------------------------------------------------------------------------------------------------ rows


def test_a_publication_comes_back_as_it_went_in(store):
    row = publication(
        state=State.SCHEDULED,
        when=NOW,
        due_at=NOW,
        after=("a",),
        live_urls=("https://x.example",),
        approved_by=("ana",),
        late=True,
    )
    store.publications.sync([row], [])
    assert store.publications.get(row.key) == row
    assert store.publications.latest() == {("first", "x"): row}


def test_only_the_newest_revision_counts(store):
    store.publications.sync([publication("first:x:1"), publication("first:x:2")], [])
    assert store.publications.latest()["first", "x"].revision == 2


def test_what_went_out_of_an_item_is_known_by_its_revisions(store):
    later = NOW + timedelta(days=1)
    rows = [
        publication("first:feed:2", state=State.PUBLISHED, bound={"content": "b"}, published_at=later),
        publication("first:feed:1", state=State.PUBLISHED, bound={"content": "a"}, published_at=NOW),
        publication("first:feed:3", state=State.IN_REVIEW, bound={"content": "c"}),
        publication("first:x:1", state=State.PUBLISHED, bound={"content": "d"}, published_at=NOW),
    ]
    store.publications.sync(rows, [])
    assert store.publications.issued("feed") == {"first": [("a", NOW), ("b", later)]}


def test_a_change_of_a_row_that_moved_on_is_dropped(store):
    row = publication(state=State.SCHEDULED, due_at=NOW)
    store.publications.sync([row], [])
    store.publications.claim(row.key, "me", 60)
    store.publications.sync([], [(row, replace(row, state=State.CANCELLED))])
    assert store.publications.get(row.key).state is State.SENDING


def test_due_means_scheduled_past_and_not_waiting(store):
    rows = [
        publication("now:x:1", state=State.SCHEDULED, due_at=NOW),
        publication("later:x:1", state=State.SCHEDULED, due_at=NOW + timedelta(seconds=1)),
        publication("review:x:1", state=State.IN_REVIEW, due_at=NOW),
        publication("wait:x:1", state=State.SCHEDULED, due_at=NOW, not_before=NOW + timedelta(seconds=1)),
    ]
    store.publications.sync(rows, [])
    assert [row.key for row in store.publications.due(NOW)] == ["now:x:1"]


def test_approved_bytes_are_kept_by_digest_and_checked(store):
    picture = sample_picture()
    content = Content(digest=digest_of(b"{}"), body=b"{}", pictures={picture.digest: picture})
    old = publication(state=State.IN_REVIEW)
    store.publications.sync([old], [])
    happening = Happening(at=NOW, kind="approved")
    fresh = replace(old, state=State.SCHEDULED)
    assert store.publications.approve(old, fresh, who="ana", content=content, happening=happening)
    assert not store.publications.approve(old, fresh, who="ana", content=content, happening=happening)
    assert store.contents.body(content.digest) == b"{}"
    assert store.contents.pictures([picture.digest]) == {picture.digest: picture}
    with store.database.write() as connection:
        connection.execute(sa.text("UPDATE contents SET body = :b"), {"b": b"changed"})
    with pytest.raises(StoreError, match="changed since the approval"):
        store.contents.body(content.digest)
    with pytest.raises(StoreError, match="not in the database"):
        store.contents.body("0" * 64)


def test_an_item_is_reserved_for_one_edition_and_released_when_it_lapses(store):
    old = publication("weekly-1:email:1", kind="edition", state=State.IN_REVIEW, items=("a", "b"))
    store.publications.sync([old], [])
    content = Content(digest=digest_of(b"x"), body=b"x")
    fresh = replace(old, state=State.SCHEDULED)
    happening = Happening(at=NOW, kind="approved")
    store.publications.approve(old, fresh, who="ana", content=content, schedule="weekly", happening=happening)
    assert store.editions.taken("weekly") == {"a": "weekly-1", "b": "weekly-1"}
    store.publications.sync([], [(fresh, replace(fresh, state=State.IN_REVIEW))])
    assert store.editions.taken("weekly") == {}


# ------------------------------------------------------------------------------------------------ people


def test_people_are_added_once_and_keep_their_lists(store):
    assert store.people.add([person(1), person(2, lists=("news", "press"))]) == (2, 0, 0)
    assert store.people.add([person(1, lists=("press",))]) == (0, 1, 0)
    assert [p.lists for p in store.people.all()] == [("news", "press"), ("news", "press")]
    assert store.people.count(Audience(lists=("news",))) == 2
    assert store.people.count(Audience(lists=("news",), exclude=("press",))) == 0


def test_all_or_nothing(store):
    def rows():
        yield person(1)
        raise RuntimeError("a broken line")

    with pytest.raises(RuntimeError):
        store.people.add(rows())
    assert list(store.people.all()) == []


def test_who_is_suppressed_is_not_added_again_even_after_erasure(store):
    store.people.add([person(1)])
    assert store.people.suppress("p1@example.org", "hash1", "complained")
    assert store.people.remove("p1@example.org")
    assert store.people.add([person(1)]) == (0, 0, 1)


def test_the_id_of_an_erased_person_is_never_given_again(store):
    store.people.add([person(1), person(2)])
    store.people.remove("p2@example.org")
    store.people.add([person(3)])
    assert [p.id for p in store.people.all()] == [1, 3]


def test_an_erased_address_is_nowhere_in_the_files(tmp_path, clock):
    store = Store(tmp_path / "a.db", clock)
    store.people.add([person(1, email="secret.person@example.org", name="Secret Person")])
    store.people.add([person(n) for n in range(2, 50)])
    with store.database.write() as connection:
        connection.execute(sa.text("UPDATE subscribers SET address = 'secret.person@example.org' WHERE id = 1"))
    store.people.remove("secret.person@example.org")
    for path in tmp_path.iterdir():
        assert b"secret.person" not in path.read_bytes().lower()
        assert b"Secret Person" not in path.read_bytes()
    store.close()


# ------------------------------------------------------------------------------------------------ deliveries


def test_the_audience_is_frozen_once_in_batches(store, monkeypatch):
    monkeypatch.setattr("dissemination.store.deliveries.BATCH", 4)
    store.people.add([person(n) for n in range(10)])
    row = publication("e:email:1", kind="edition", state=State.SCHEDULED, due_at=NOW)
    store.publications.sync([row], [])
    store.publications.claim(row.key, "me", 60)
    audience = Audience(lists=("news",))
    assert store.deliveries.freeze(row.key, audience) == 10
    store.people.add([person(99)])
    assert store.deliveries.freeze(row.key, audience) == 0
    assert sum(store.deliveries.counts(row.key).values()) == 10
    people = store.deliveries.ledger(row.key, owner="me", lease=60, resend=True).turn((), 50, Rates()).people
    assert [person.id for person in people] == list(range(1, 11))
    assert [person.batch for person in people] == [0] * 4 + [1] * 4 + [2] * 2


# ------------------------------------------------------------------------------------------------ events, controls


def test_events_come_in_order_and_are_told_once(store):
    store.events.add(Happening(at=NOW, kind="sent", subject="a"))
    store.events.add(Happening(at=NOW, kind="failed", subject="b", detail="x" * 9000))
    assert [e.kind for e in store.events.latest(10)] == ["sent", "failed"]
    assert [e.subject for e in store.events.latest(10, "b")] == ["b"]
    taken = store.events.take_untold()
    assert [e.kind for e in taken] == ["failed"]
    assert len(taken[0].detail) == 2000
    assert store.events.take_untold() == []
    store.events.told(taken, worked=False)
    assert len(store.events.take_untold()) == 1


def test_pauses_are_by_channel_and_star_ends_all(store):
    store.controls.pause("x", who="ana", reason="")
    store.controls.pause("x", who="bo", reason="again")
    assert store.controls.paused() == {"x": "bo: again"}
    store.controls.pause("email", who="ana", reason="")
    assert store.controls.resume("*", who="ana")
    assert store.controls.paused() == {}
    assert not store.controls.resume("x", who="ana")


def test_a_key_is_made_once_and_is_in_the_database(store):
    key = store.controls.key("token_key")
    assert len(key) == 64
    assert store.controls.key("token_key") == key != store.controls.key("suppression_key")


# ------------------------------------------------------------------------------------------------ SQLite's locks


def test_one_process_publishes_and_the_other_is_told_who(tmp_path, clock):
    path = tmp_path / "a.db"
    said = r"process \d+ on .* publishes from this folder"
    with Database(path, clock).hold(), pytest.raises(BusyError, match=said):
        Database(path, clock).hold().__enter__()
    with Database(path, clock).hold():
        pass


def test_a_dead_holder_leaves_no_lock(tmp_path, clock):
    code = (
        "import os, sys; from pathlib import Path\n"
        "from dissemination.store.database import Database\n"
        "from dissemination.testing import FixedClock\n"
        "Database(Path(sys.argv[1]), FixedClock()).hold().__enter__(); print('held', flush=True)\n"
        "os.kill(os.getpid(), 9)"
    )
    path = tmp_path / "a.db"
    assert b"held" in subprocess.run([sys.executable, "-c", code, path], check=False, capture_output=True).stdout
    with Database(path, clock).hold():
        pass


def test_small_changes_of_several_processes_wait_their_turn(tmp_path, clock):
    path = tmp_path / "a.db"
    Store(path, clock).close()
    stores = [Store(path, clock) for _ in range(3)]

    def work(store, start):
        for number in range(start, start + 20):
            store.people.add([person(number)])

    threads = [threading.Thread(target=work, args=(s, 100 * n)) for n, s in enumerate(stores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stores[0].people.count(Audience(lists=("news",))) == 60
    assert stores[0].check() == []
    for store in stores:
        store.close()


def test_sqlite_is_set_up_so_that_a_power_cut_loses_no_commit(tmp_path, clock):
    store = Store(tmp_path / "a.db", clock)
    wanted = {
        "journal_mode": "wal",
        "synchronous": 2,
        "secure_delete": 1,
        "wal_autocheckpoint": 0,
        "foreign_keys": 1,
    }
    with store.database.read() as connection:
        for name, value in wanted.items():
            assert connection.exec_driver_sql(f"PRAGMA {name}").scalar() == value
    store.close()


def test_the_database_is_its_owners_alone(tmp_path, clock):
    store = Store(tmp_path / "a.db", clock)
    store.people.add([person(1)])
    assert {path.stat().st_mode & 0o077 for path in tmp_path.glob("a.db*")} == {0}
    store.close()


def test_a_large_log_is_folded_back(tmp_path, clock, monkeypatch):
    monkeypatch.setattr("dissemination.store.database.CHECKPOINT_BYTES", 50_000)
    store = Store(tmp_path / "a.db", clock)
    for number in range(30):
        store.people.add([person(number, name="x" * 2000)])
    with store.database.read():  # a log is there as long as somebody has the database open
        assert (tmp_path / "a.db-wal").stat().st_size < 200_000
    store.close()


# ------------------------------------------------------------------------------------------------ backup


def test_a_restored_backup_asks_before_anything_goes_out_again(tmp_path, clock):
    path, copy = tmp_path / "var" / "a.db", tmp_path / "copy.db"
    store = Store(path, clock)
    store.publications.sync(
        [
            publication("agreed:x:1", state=State.SCHEDULED, due_at=NOW, approved_by=("ana",)),
            publication("going:x:1", state=State.SENDING),
            publication("out:x:1", state=State.PUBLISHED),
            publication("half:x:1", state=State.SCHEDULED, due_at=NOW, parts=(Part("1"),), remote_id="1"),
        ],
        [],
    )
    store.backup(copy)
    store.people.add([person(1)])
    store.close()
    former = restore(copy, path, clock)
    assert former is not None
    assert former.exists()
    back = Store(path, clock)
    states = {row.subject: row.state for row in back.publications.latest().values()}
    doubt = State.IN_DOUBT
    assert states == {"agreed": State.IN_REVIEW, "going": doubt, "out": State.PUBLISHED, "half": doubt}
    assert back.publications.get("agreed:x:1").approved_by == ()
    assert list(back.people.all()) == []
    assert back.events.latest(1)[0].kind == "restored"
    back.close()


@pytest.mark.parametrize("step", ["_put_aside", "sync_folder", "_ask_again"])
def test_a_restoring_that_dies_never_leaves_approvals_that_would_be_carried_out(tmp_path, clock, monkeypatch, step):
    """Wherever it ends, the database in place is the former one, none, or one in which everything asks again."""
    path, copy = tmp_path / "a.db", tmp_path / "copy.db"
    store = Store(path, clock)
    store.backup(tmp_path / "empty.db")
    store.publications.sync([publication("x:x:1", state=State.SCHEDULED, due_at=NOW, approved_by=("ana",))], [])
    store.backup(copy)
    store.close()
    path.unlink()
    (tmp_path / "empty.db").rename(path)

    def dies(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(f"dissemination.store.restore.{step}", dies)
        with pytest.raises(KeyboardInterrupt):
            restore(copy, path, clock)
    store = Store(path, clock)
    assert {row.state for row in store.publications.latest().values()} <= {State.IN_REVIEW}
    store.close()
    assert not list(tmp_path.glob("*.restoring*"))
    (tmp_path / "a.db.restoring-wal").write_bytes(b"of a process that was killed")
    restore(copy, path, clock)
    store = Store(path, clock)
    assert [row.state for row in store.publications.latest().values()] == [State.IN_REVIEW]
    store.close()


def test_what_a_restoring_left_behind_is_no_backup(tmp_path, clock):
    store = Store(tmp_path / "a.db", clock)
    store.backup(tmp_path / "a.db.restoring")
    store.backup(tmp_path / "a.db.restoring-of-march")
    store.close()
    with pytest.raises(StoreError, match="did not end; use a backup"):
        restore(tmp_path / "a.db.restoring", tmp_path / "a.db", clock)
    assert restore(tmp_path / "a.db.restoring-of-march", tmp_path / "a.db", clock)
    assert (tmp_path / "a.db.restoring-of-march").exists()
    assert not (tmp_path / "a.db.restoring").exists()


def test_a_plan_that_was_read_before_an_approval_does_not_undo_it(store):
    old = publication(state=State.IN_REVIEW)
    store.publications.sync([old], [])
    content = Content(digest=digest_of(b"{}"), body=b"{}", pictures={})
    first = replace(old, approved_by=("ana",), reason="approved by 1 of 2")
    happening = Happening(at=NOW, kind="approved")
    assert store.publications.approve(old, first, who="ana", content=content, happening=happening)
    store.publications.sync([], [(old, replace(old, title="Another title"))])
    assert store.publications.get(old.key) == first
    second = replace(first, approved_by=("ana", "Ștefan"), state=State.SCHEDULED)
    assert store.publications.approve(first, second, who="Ștefan", content=content, happening=happening)
    store.publications.sync([], [(second, replace(second, title="Another title"))])
    assert store.publications.get(old.key).title == "Another title"


def test_a_backup_never_overwrites_and_a_damaged_one_is_refused(tmp_path, clock):
    path, copy = tmp_path / "a.db", tmp_path / "copy.db"
    store = Store(path, clock)
    store.backup(copy)
    with pytest.raises(WrongUseError, match="is there already"):
        store.backup(copy)
    store.close()
    (tmp_path / "text.db").write_text("no database")
    with pytest.raises(StoreError, match="no backup of this program"):
        restore(tmp_path / "text.db", path, clock)
    body = bytearray(copy.read_bytes())
    body[8192:12288] = b"\xff" * 4096
    (tmp_path / "bad.db").write_bytes(body)
    with pytest.raises(StoreError):
        restore(tmp_path / "bad.db", path, clock)


def test_nothing_is_restored_under_a_publishing_process(tmp_path, clock):
    path, copy = tmp_path / "a.db", tmp_path / "copy.db"
    store = Store(path, clock)
    store.backup(copy)
    with store.hold(), pytest.raises(BusyError):
        restore(copy, path, clock)
    store.close()


def test_an_upgrade_makes_a_copy_first(tmp_path, clock, monkeypatch):
    path = tmp_path / "a.db"
    store = Store(path, clock)
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '0000'")
    monkeypatch.setattr("alembic.command.upgrade", lambda *_: None)
    known = [type("Script", (), {"revision": "0000"})()]
    monkeypatch.setattr("alembic.script.ScriptDirectory.walk_revisions", lambda self: known)
    migrate.upgrade(store.database)
    assert (tmp_path / f"a.db.before-{HEAD}").exists()
    store.close()


def test_days_that_were_counted_for_ever_are_forgotten_by_the_upgrade(store):
    """A bucket of revision 0004 that bears a day's name would be full again years later."""
    config = migrate._config
    with store.database.write("migrate") as connection:
        command.downgrade(config(connection), "0004")
        buckets = "('mail:day:2026-11-16', 9e15), ('domain:a:day:2026-11-16', 9e15), ('mail:hour', 9e15)"
        connection.exec_driver_sql(f"INSERT INTO quotas (bucket, full_at) VALUES {buckets}")
        connection.exec_driver_sql(
            "INSERT INTO batches (publication, no, state, owner, token, since) VALUES (1, 2, 'open', '', 3, 4)"
        )
        command.upgrade(config(connection), HEAD)
        assert connection.exec_driver_sql("SELECT bucket, taken FROM quotas").all() == [("mail:hour", 0)]
        assert connection.exec_driver_sql("SELECT no, state, token FROM batches").all() == [(2, "open", 3)]
