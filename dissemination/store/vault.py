"""What channels keep between calls: sessions, tokens, a server's limits. Each channel sees its own things alone."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from dissemination.errors import UnavailableError
from dissemination.store.database import Database
from dissemination.store.dialect import upsert
from dissemination.store.schema import vault

#: How long a lock is waited for, in seconds, and between two tries: who holds it talks to a network.
_PATIENCE, _PAUSE = 30.0, 0.02


class Vault:
    """`ports.Vault` of one channel.

    Args:
        database: the door.
        channel: whose things these are.
    """

    def __init__(self, database: Database, channel: str) -> None:
        self._database, self._channel = database, channel

    def read(self, name: str) -> Mapping[str, Any] | None:
        """What was written last under this name; None: nothing."""
        query = sa.select(vault.c.value).where(vault.c.channel == self._channel, vault.c.name == name)
        with self._database.read() as connection:
            value: Mapping[str, Any] | None = connection.execute(query).scalar()
        return value

    def write(self, name: str, value: Mapping[str, Any]) -> None:
        """Keep plain data; it is committed when this returns."""
        facts = {"channel": self._channel, "name": name, "value": dict(value), "at": self._database.clock.now()}
        with self._database.write() as connection:
            statement = upsert(connection, vault).values(facts)
            fresh = {"value": facts["value"], "at": facts["at"]}
            connection.execute(statement.on_conflict_do_update(index_elements=["channel", "name"], set_=fresh))

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Nobody else, in any process, holds the lock of this name meanwhile.

        Raises:
            UnavailableError: somebody has held it for half a minute.
        """
        key = sha256(f"{self._channel} {name}".encode()).digest()
        if self._database.path is None:
            with self._advisory(int.from_bytes(key[:8], signed=True)):
                yield
        else:
            with self._file(self._database.path.with_name(f"{self._database.path.name}.vault-{key.hex()[:16]}")):
                yield

    @contextmanager
    def _file(self, path: Path) -> Iterator[None]:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            end = time.monotonic() + _PATIENCE
            while not _locked(handle):
                if time.monotonic() > end:
                    raise self._taken()
                time.sleep(_PAUSE)
            yield
        finally:
            os.close(handle)  # lets go of the lock

    @contextmanager
    def _advisory(self, key: int) -> Iterator[None]:
        """PostgreSQL's own, on a connection that does nothing else meanwhile."""
        with self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            end = time.monotonic() + _PATIENCE
            while not connection.execute(sa.select(sa.func.pg_try_advisory_lock(key))).scalar():
                if time.monotonic() > end:
                    raise self._taken()
                time.sleep(_PAUSE)
            try:
                yield
            finally:
                connection.execute(sa.select(sa.func.pg_advisory_unlock(key)))

    def _taken(self) -> UnavailableError:
        return UnavailableError(f"{self._channel}: another process has been talking to it for long; try again")


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
