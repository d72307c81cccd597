"""The store: SQLAlchemy Core on SQLite or PostgreSQL, queries by noun."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from dissemination.ports import Clock
from dissemination.store import migrate
from dissemination.store.bounces import Bounces
from dissemination.store.choices import Preferred
from dissemination.store.contents import Contents
from dissemination.store.controls import Controls
from dissemination.store.database import Database
from dissemination.store.deliveries import Deliveries
from dissemination.store.editions import Editions
from dissemination.store.events import Events
from dissemination.store.items import Items
from dissemination.store.people import People
from dissemination.store.pings import Pings
from dissemination.store.privacy import Privacy
from dissemination.store.publications import Publications
from dissemination.store.quotas import SharedQuotas
from dissemination.store.signups import SignUps
from dissemination.store.vault import Vault


class Store:
    """Everything that is kept, by noun. Opening it brings the schema up to date."""

    def __init__(self, target: Path | str, clock: Clock) -> None:
        self.database = Database(target, clock)
        migrate.upgrade(self.database)
        self.items = Items(self.database)
        self.publications = Publications(self.database)
        self.contents = Contents(self.database)
        self.editions = Editions(self.database)
        self.deliveries = Deliveries(self.database)
        self.people = People(self.database)
        self.privacy = Privacy(self.database)
        self.signups = SignUps(self.database)
        self.preferences = Preferred(self.database)
        self.bounces = Bounces(self.database)
        self.controls = Controls(self.database)
        self.events = Events(self.database)
        self.pings = Pings(self.database)
        self.quotas = SharedQuotas(self.database)

    def vault(self, channel: str) -> Vault:
        """What a channel keeps between calls."""
        return Vault(self.database, channel)

    def hold(self) -> AbstractContextManager[None]:
        """Be the one process that publishes; see `Database.hold`."""
        return self.database.hold()

    def check(self) -> list[str]:
        """What an integrity check finds; empty when all is well."""
        return self.database.check()

    def backup(self, target: Path) -> None:
        """A consistent copy while others go on writing."""
        self.database.backup(target)

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()


__all__ = ["Store"]
