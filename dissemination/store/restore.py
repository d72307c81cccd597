"""Putting a backup in place, so that what went out after it is not sent a second time."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from dissemination.errors import StoreError
from dissemination.files import sync_folder
from dissemination.model import Happening, State
from dissemination.ports import Clock
from dissemination.store import migrate
from dissemination.store.database import Database
from dissemination.store.events import record
from dissemination.store.schema import edition_items, publications

#: What a backup says is still to come may have gone out since: a person decides.
_AGREED = (State.APPROVED.value, State.SCHEDULED.value)
_UNDER_WAY = (State.SENDING.value, State.PAUSED.value)


def restore(source: Path, target: Path, clock: Clock) -> Path | None:
    """Replace the database by a backup; the one that was there is kept beside it.

    Approvals that had not been carried out lapse, and what was under way is in doubt: between the backup and
    now they may have gone out.

    Returns:
        Where the former database is now, or None if there was none.

    Raises:
        StoreError: the file is no backup of ours, or damaged.
        BusyError: a process publishes from this folder.
    """
    _inspect(source)
    database = Database(target, clock)
    with database.hold():
        database.close()
        partial = target.with_name(target.name + ".restoring")
        if source.resolve() in _traces(partial.resolve()):
            raise StoreError(f"restore: {source} is what a restoring left behind that did not end; use a backup")
        with _no_traces(partial):
            _prepare(source, partial, clock)
            former = _put_aside(target, clock)
            partial.replace(target)
        sync_folder(target.parent)
    return former


def _prepare(source: Path, copy: Path, clock: Clock) -> None:
    """A copy in which everything asks again already: put in place, it is never one that would send on."""
    shutil.copyfile(source, copy)
    copy.chmod(0o600)
    prepared = Database(copy, clock)
    migrate.upgrade(prepared)
    _ask_again(prepared, source)
    prepared.close()  # folds the log back: the file is moved alone


@contextmanager
def _no_traces(copy: Path) -> Iterator[None]:
    """Nothing of an earlier try is in the way, and nothing of this one is left: addresses lie in it."""
    _sweep(copy)
    try:
        yield
    finally:
        _sweep(copy)


def _sweep(copy: Path) -> None:
    for file in _traces(copy):
        file.unlink(missing_ok=True)


def _traces(copy: Path) -> list[Path]:
    """Itself, what SQLite and we put beside it, and its copies from before an upgrade."""
    before = f".before-{migrate.HEAD}"
    endings = ("", "-wal", "-shm", "-journal", ".write", before, f"{before}.partial")
    return [copy.with_name(copy.name + ending) for ending in endings]


def _inspect(source: Path) -> None:
    if not source.is_file():
        raise StoreError(f"restore: {source} is no file")
    try:
        connection = sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)
        try:
            sound = connection.execute("PRAGMA integrity_check").fetchone()[0]
            connection.execute("SELECT version_num FROM alembic_version").fetchone()
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        raise StoreError(f"restore: {source} is no backup of this program ({error})") from error
    if sound != "ok":
        raise StoreError(f"restore: {source} is damaged ({sound}); use another backup")


def _put_aside(target: Path, clock: Clock) -> Path | None:
    if not target.exists():
        return None
    former = target.with_name(f"{target.name}.before-restore-{clock.now():%Y%m%dT%H%M%S}")
    # With its log: the newest commits may stand only there.
    for ending in ("", "-wal", "-shm"):
        part = target.with_name(target.name + ending)
        if part.exists():
            part.replace(former.with_name(former.name + ending))
    return former


def _ask_again(database: Database, source: Path) -> None:
    now = database.clock.now()
    with database.write() as connection:
        # Of a thread that had begun, more may be out by now than the backup knows.
        begun = sa.and_(publications.c.state.in_(_AGREED), publications.c.remote_id != "")
        connection.execute(
            sa.update(publications)
            .where(sa.or_(publications.c.state.in_(_UNDER_WAY), begun))
            .values(
                state=State.IN_DOUBT.value,
                not_before=None,
                reason="it was under way when the backup was made; look at the channel, then "
                "`disseminate resolve` a post, and cancel an edition or leave it",
            )
        )
        connection.execute(
            sa.update(publications)
            .where(publications.c.state.in_(_AGREED))
            .values(
                state=State.IN_REVIEW.value,
                due_at=None,
                approved_by=sa.literal([], type_=publications.c.approved_by.type),
                reason="restored from a backup: it may have gone out since; look, then approve or cancel it",
            )
        )
        open_editions = sa.select(publications.c.subject).where(publications.c.state == State.IN_REVIEW.value)
        connection.execute(sa.delete(edition_items).where(edition_items.c.edition.in_(open_editions)))
        record(connection, [Happening(at=now, kind="restored", detail=f"from {source.name}")])
