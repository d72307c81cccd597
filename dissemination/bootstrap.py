"""The one place that knows every concrete part and brings them together.

A part is made, and its libraries are imported, at its first use: `check` reads the news, and waits neither for
template engines nor for mail and web clients.
"""
# ruff: noqa: PLC0415 -- see above

from __future__ import annotations

import os
import secrets as random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from datetime import time as clock_time
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast
from zoneinfo import ZoneInfo

from dissemination import __version__
from dissemination.app import App
from dissemination.channels import load as load_channel
from dissemination.checks import check_items, check_letter, check_post
from dissemination.engines import LocalEngine
from dissemination.errors import SettingsError
from dissemination.files import FolderShelf, shipped
from dissemination.model import Audience, Project, Site
from dissemination.pipeline.parts import Checks, Digest, Parts, Rules
from dissemination.ports import (
    Addresses,
    Channel,
    ChannelOptions,
    Clock,
    Gate,
    Notifier,
    Pictures,
    Recurrences,
    Renderer,
    Store,
    Tokens,
)
from dissemination.settings import DigestSection, Secrets, Settings, load
from dissemination.sources import FolderSource

if TYPE_CHECKING:
    from dissemination.scheduling import Ticker
    from dissemination.sources.importer import Imported

T = TypeVar("T")

#: Jobs that run side by side: one network's posts, one edition.
WORKERS = 4


class SystemClock:
    """The machine's clock."""

    #: Leases are then judged by the database's clock where machines share it.
    real = True

    def now(self) -> datetime:
        """The present instant in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def find_root(start: Path) -> Path:
    """The project folder that `start` lies in: the nearest one upwards with a settings.yaml.

    Raises:
        SettingsError: there is none.
    """
    for folder in (start, *start.parents):
        if (folder / "settings.yaml").is_file():
            return folder
    raise SettingsError(f"{start}: no settings.yaml here or above; `disseminate init` makes a project folder")


def make_app(root: Path, *, clock: Clock | None = None, environ: Mapping[str, str] | None = None) -> App:
    """Open the project folder.

    Args:
        root: the folder of settings.yaml.
        clock: the present; the machine's where left out.
        environ: where secrets are looked for; the process's environment where left out.

    Raises:
        SettingsError: settings.yaml is not right. What a channel refuses of its own section, and a database that
            cannot be used, show when they are first needed; `App.publishing` needs all of them.
    """
    root = root.absolute()
    settings = load(root / "settings.yaml")
    return _House(root, settings, clock or SystemClock(), Secrets(os.environ if environ is None else environ)).app()


class _Late(Generic[T]):
    """A part that is made once, when it is first asked for, and closed with the others."""

    def __init__(self, make: Callable[[], T], closing: ExitStack) -> None:
        self._make = make
        self._closing = closing
        self._turn = threading.Lock()
        self._made: list[T] = []

    def part(self) -> T:
        """The part itself."""
        with self._turn:
            if not self._made:
                self._made.append(self._make())
                close = getattr(self._made[0], "close", None)
                if close:
                    self._closing.callback(close)
        return self._made[0]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.part(), name)


class _Channels(Mapping[str, Channel]):
    """The channels that settings name, each made when it is first asked for."""

    def __init__(self, late: Mapping[str, _Late[Channel]]) -> None:
        self._late = late

    def __getitem__(self, name: str) -> Channel:
        return self._late[name].part()

    def __iter__(self) -> Iterator[str]:
        return iter(self._late)

    def __len__(self) -> int:
        return len(self._late)


class _House:
    """Makes the parts of one project folder."""

    def __init__(self, root: Path, settings: Settings, clock: Clock, secrets: Secrets) -> None:
        self._root, self._settings, self._clock, self._secrets = root, settings, clock, secrets
        self._project = settings.project(root)
        self._site = Site(public_url=self._project.public_url)
        self._cache = root / "var" / "cache"
        self._closing = ExitStack()
        self._store = self._late(self._make_store)
        self._pictures = self._late(self._make_pictures)
        self._channels = _Channels(
            {name: _Late(partial(self._make_channel, name), self._closing) for name in settings.channels}
        )

    def _late(self, make: Callable[[], T]) -> T:
        """What behaves as the part does; isinstance alone can tell."""
        return cast("T", _Late(make, self._closing))

    def app(self) -> App:
        """The project folder, opened."""
        parts = Parts(
            project=self._project,
            site=self._site,
            rules=_rules(self._settings, self._project),
            clock=self._clock,
            store=self._store,
            source=FolderSource(self._project, self._root / self._settings.news.folder, self._cache),
            checks=Checks(items=check_items, letter=check_letter, post=check_post),
            pictures=self._pictures,
            renderer=self._late(self._make_renderer),
            recurrences=self._late(recurrences),
            channels=self._channels,
            engine=LocalEngine(WORKERS),
            gate=self._late(self._make_gate),
            shelf=FolderShelf(self._root / "feeds"),
            notifier=self._late(self._make_notifier),
            tokens=self._late(self._make_tokens),
            owner=f"{socket.gethostname()}-{os.getpid()}-{random.token_hex(4)}",
            fingerprint=_fingerprint(self._root),
        )
        addresses = self._late(self._make_addresses)
        return App(parts=parts, addresses=addresses, secrets=self._secrets.known(), closing=self._closing)

    def _make_store(self) -> Store:
        from dissemination.store import Store as Database

        return Database(self._secrets.get("DATABASE_URL") or self._root / self._settings.store.path, self._clock)

    def _make_pictures(self) -> Pictures:
        from dissemination.render import PictureShop

        return PictureShop(self._cache / "pictures")

    def _make_renderer(self) -> Renderer:
        from dissemination.render import Rendering

        return Rendering(self._project, _own_templates(self._root), self._pictures)

    def _make_channel(self, name: str) -> Channel:
        section = self._settings.channels[name]
        options = ChannelOptions(
            name=name,
            settings=section.options,
            project=self._project,
            secret=self._secrets.get,
            public=self._root / "feeds",
            outbox=self._root / "var" / "outbox",
            clock=self._clock,
        )
        return load_channel(section.use)(options)

    def _make_gate(self) -> Gate:
        from dissemination.channels.gate import HttpGate

        return HttpGate(self._project.public_url)

    def _make_notifier(self) -> Notifier:
        from dissemination.channels.notify import Notices

        return Notices(
            addresses=tuple(self._settings.notify.mail),
            webhooks=tuple(self._settings.notify.webhooks),
            mail=getattr(self._channels.get("email"), "send_notice", None),
            secret=self._secrets.get,
            clock=self._clock,
        )

    def _make_tokens(self) -> Tokens:
        from dissemination.subscribers import SubscriberTokens

        return SubscriberTokens(self._keys("TOKEN_KEYS"), self._site)

    def _make_addresses(self) -> Addresses:
        from dissemination.subscribers import AddressBook

        return AddressBook(self._keys("SUPPRESSION_KEY")[0])

    def _fingerprint(root: Path) -> str:
    """Everything besides items that rendering depends on: settings, templates, the program."""
    paths = [root / "settings.yaml"]
    for folder in filter(None, (shipped("templates"), _own_templates(root))):
        paths += sorted(path for path in folder.rglob("*") if path.is_file())
    digest = sha256(__version__.encode())
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()
