"""Putting a backup in place, so that what went out after it is not sent a second time."""

from __future__ import annotations

import shutil
import sqlite3
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
        former = _put_aside(target, clock)
        partial = target.with_name(target.name + ".partial")
        shutil.copyfile(source, partial)
        partial.chmod(0o600)
        partial.replace(target)
        sync_folder(target.parent)
        restored = Database(target, clock)
        migrate.upgrade(restored)
        _ask_again(restored, source)
        restored.close()
    return former


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
