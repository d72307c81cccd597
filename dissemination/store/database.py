"""One door to the database: connections, transactions, the locks of SQLite, migrations and backup."""

from __future__ import annotations

import fcntl
import os
import socket
import sqlite3
import threading
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dissemination.errors import BusyError, StoreError, WrongUseError
from dissemination.ports import Clock

#: How long a small change waits for its turn, in seconds: taking a million people in may last half a minute.
PATIENCE = 90.0
#: The write-ahead log is folded back when it is larger than this many bytes.
CHECKPOINT_BYTES = 16_000_000
#: Bytes that are looked through at once.
_CHUNK = 1 << 20

_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",  # NORMAL may lose the last commits at a power cut, and then mails go out twice
    "busy_timeout=30000",
    "foreign_keys=ON",
    "secure_delete=ON",  # an erased address must not stay behind in free pages
    # Only who holds the write lock folds the log back: sqlite.org/wal.html, the WAL-reset bug of 3.7.0 to 3.51.2
    # needs two connections that write and checkpoint at once.
    "wal_autocheckpoint=0",
)


class Database:
    """Connections to SQLite (one file) or PostgreSQL (one URL).

    On SQLite every write transaction of every process is taken under one file lock, so that writers and
    checkpoints never meet; the process that publishes holds a second lock for its whole life.
    """

    def __init__(self, target: Path | str, clock: Clock) -> None:
        self.clock = clock
        self.path = target if isinstance(target, Path) else None
        url = f"sqlite:///{target}" if self.path else str(target)
        if self.path:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # People's addresses lie in it: readable by its owner alone, and so are the log and the index beside it.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        # Errors would show what was to be written: addresses, and the tokens of networks.
        self.engine = sa.create_engine(url, hide_parameters=True, **_engine_options(on_file=self.path is not None))
        self._turn = threading.RLock()
        if self.path:
            sa.event.listen(self.engine, "connect", _prepare_sqlite)
            sa.event.listen(self.engine, "begin", _begin_sqlite)

    @property
    def is_postgres(self) -> bool:
        """Whether several workers may share it."""
        return self.path is None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view; writes are a mistake here."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def apart(self) -> Iterator[Connection]:
        """A connection whose temporary tables end with it. What is written there alone waits for nobody.

        They lie in a file that has no name, or in the server's own space: a crash leaves nothing behind.
        """
        connection = self.engine.connect()
        # Closed at the end, not handed back: the next one to use it would find the tables.
        connection.detach()
        try:
            yield connection
        finally:
            with self._turn, self._write_lock():  # as in `close`
                connection.close()

    @contextmanager
    def write(self, lock: str = "", *, on: Connection | None = None) -> Iterator[Connection]:
        """One transaction. Nothing is said to have happened before it returns.

        Args:
            lock: on PostgreSQL, work of the same name waits for one another (an advisory lock).
            on: a connection of `apart`, idle; a new one where left out.

        Raises:
            BusyError: another process did not let go for `PATIENCE` seconds.
            StoreError: the disk is full or faulty; nothing was changed.
        """
        with self._turn, self._write_lock():
            try:
                with self._writer(on) as connection, connection.begin():
                    if lock and self.is_postgres:
                        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(lock))))
                    yield connection
            except sa.exc.OperationalError as error:
                raise StoreError(f"database: {error.orig}; nothing of this step was kept") from error
            self._fold_log()

    @contextmanager
    def _writer(self, on: Connection | None) -> Iterator[Connection]:
        if on is None:
            with self.engine.connect().execution_options(writing=True) as connection:
                yield connection
            return
        on.execution_options(writing=True)
        try:
            yield on
        finally:
            on.execution_options(writing=False)

    def now(self, connection: Connection) -> datetime:
        """The instant that leases are judged by: the database's own where machines share it."""
        if not self.is_postgres or not getattr(self.clock, "real", False):
            return self.clock.now()
        moment = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
        if not isinstance(moment, datetime):
            raise StoreError(f"database: clock_timestamp() answered {moment!r}")
        return moment

    def _write_lock(self) -> AbstractContextManager[None]:
        return _flock(self.path.with_name(self.path.name + ".write")) if self.path else _nothing()

    def _fold_log(self) -> None:
        if not self.path:
            return
        log = self.path.with_name(self.path.name + "-wal")
        with suppress(FileNotFoundError):
            if log.stat().st_size > CHECKPOINT_BYTES:
                self._pragma("wal_checkpoint(TRUNCATE)")

    def _pragma(self, words: str) -> list[Any]:
        return self._run(f"PRAGMA {words}")

    def _run(self, words: str) -> list[Any]:
        """Outside of any transaction."""
        raw = self.engine.raw_connection()
        try:
            return list(raw.cursor().execute(words).fetchall())
        finally:
            raw.close()

    def scour(self, words: Collection[str] = ()) -> None:
        """Make sure that words which were deleted are in none of the files any more.

        SQLite overwrites a deleted row, and yet a copy of it may lie in the unused part of a page, from when its
        neighbours moved. Where the file still holds one of the words, it is written anew (VACUUM).

        Args:
            words: in whatever case; none: it is written anew at once.
        """
        if not self.path:
            return
        with self._turn, self._write_lock():
            self._pragma("wal_checkpoint(TRUNCATE)")
            if not words or _holds(self.path, words):
                self._run("VACUUM")
                self._pragma("wal_checkpoint(TRUNCATE)")

    def check(self) -> list[str]:
        """What `PRAGMA integrity_check` finds; empty when all is well."""
        if self.is_postgres:
            with self.read() as connection:
                connection.execute(sa.select(1))
            return []
        return [str(row[0]) for row in self._pragma("integrity_check") if row[0] != "ok"]

    def backup(self, target: Path) -> None:
        """A consistent copy while others go on writing (SQLite's online backup).

        Raises:
            StoreError: on PostgreSQL, where pg_dump is the tool.
            WrongUseError: the target exists.
        """
        if not self.path:
            raise StoreError("backup: this project's database is PostgreSQL; use pg_dump")
        if target.exists():
            raise WrongUseError(f"backup: {target} is there already; name a new file")
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(target.name + ".partial")
        source, copy = sqlite3.connect(self.path), sqlite3.connect(partial)
        try:
            source.backup(copy)
            # A single file without a log beside it is what people expect of a backup.
            copy.execute("PRAGMA journal_mode=DELETE")
        finally:
            copy.close()
            source.close()
        partial.chmod(0o600)
        partial.replace(target)

    def copies(self) -> list[Path]:
        """Copies beside the database that were made before an upgrade or a restoring, with their logs."""
        return sorted(self.path.parent.glob(f"{self.path.name}.before-*")) if self.path else []

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Be the one process that publishes; on PostgreSQL there may be several, and leases tell them apart.

        Raises:
            BusyError: another process publishes; the text names it.
        """
        if not self.path:
            yield
            return
        lock = self.path.with_name(self.path.name + ".lock")
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = (
                    os.read(handle, 200).decode(errors="replace").strip() or "a process that does not say its name"
                )
                raise BusyError(
                    f"publish: {holder} publishes from this folder already; stop it first, or let it do the work"
                ) from None
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
            yield
        finally:
            os.close(handle)

    def close(self) -> None:
        """Let go of every connection."""
        # The last connection to close folds the log back: that too needs the write lock.
        with self._write_lock():
            self.engine.dispose()


def _holds(path: Path, words: Collection[str]) -> bool:
    """Whether the file has one of the words, in whatever case."""
    needles = [word.lower().encode() for word in words]
    overlap = max(map(len, needles), default=1) - 1
    with path.open("rb") as stream:
        before = b""
        while chunk := stream.read(_CHUNK):
            seen = before + chunk.lower()
            if any(needle in seen for needle in needles):
                return True
            before = seen[len(seen) - overlap :]
    return False


def _engine_options(*, on_file: bool) -> dict[str, Any]:
    if on_file:
        # The driver's own transaction handling commits behind our back: we begin and end ourselves.
        return {"connect_args": {"isolation_level": None, "timeout": PATIENCE, "check_same_thread": False}}
    return {"pool_pre_ping": True}


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def _flock(path: Path) -> Iterator[None]:
    """An exclusive lock on a file, waited for with patience; it ends with the process, however that ends."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        waited, waiting = 0.0, threading.Event()
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if waited >= PATIENCE:
                    raise BusyError("database: another process is writing and did not finish; try again") from None
                pause = min(0.002 + waited / 10, 0.1)
                waiting.wait(pause)  # the machine's time, not the product's: another process must get its turn
                waited += pause
        yield
    finally:
        os.close(handle)
