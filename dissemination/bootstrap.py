"""The one place that knows every concrete part and brings them together."""

from __future__ import annotations

import os
import secrets as random
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from datetime import time as clock_time
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from dissemination import __version__
from dissemination.app import App
from dissemination.channels import load as load_channel
from dissemination.channels.gate import HttpGate
from dissemination.channels.hub import WebSubHub
from dissemination.channels.notify import Notices
from dissemination.checks import check_edition, check_items, check_post, spam_scorer
from dissemination.engines import LocalEngine
from dissemination.errors import SettingsError, StoreError
from dissemination.files import FolderShelf, shipped
from dissemination.model import Finding, Grant, Level, NewsItem, Posting, Privacy, Project, Rate, Site
from dissemination.model.naming import named, plain_names
from dissemination.pipeline.parts import Checks, Digest, Parts, Rules
from dissemination.pipeline.rates import Allowance, Pacing
from dissemination.pipeline.returns import Inbound
from dissemination.pipeline.timing import Timing
from dissemination.pipeline.visiting import Visitors
from dissemination.ports import Channel, ChannelOptions, Clock, Inlet, Recurrences, Vault
from dissemination.render import PictureShop, Rendering, VisitorSpeech
from dissemination.render.catalogues import LOCALES
from dissemination.render.strings import unspoken
from dissemination.returns import Certificates, ImapMailbox, ImapServer, Maildir, make_hooks, read_return
from dissemination.scheduling import Ticker, WallClockRecurrences
from dissemination.settings import (
    AllowanceSection,
    BouncesSection,
    DigestSection,
    PostingSection,
    RatesSection,
    Secrets,
    Settings,
    WebSection,
    load,
)
from dissemination.sources import FolderSource, Imported, import_file
from dissemination.store import Store
from dissemination.store.restore import restore as restore_store
from dissemination.subscribers import AddressBook, SubscriberTokens

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


class LaterQuotas:
    """The shared rates for channels (ports.Quotas): those are made before the database is opened."""

    store: Store | None = None

    def take(self, bucket: str, count: int, rate: Rate) -> Grant:
        """Take up to `count` from a bucket."""
        if self.store is None:
            raise StoreError(f"database: rate {bucket} was asked for before it is open")
        return self.store.quotas.take(bucket, count, rate)


class LaterVault:
    """A channel's vault (ports.Vault): channels are made before the database is opened."""

    def __init__(self, channel: str, quotas: LaterQuotas) -> None:
        self._channel, self._quotas = channel, quotas

    def _vault(self) -> Vault:
        if self._quotas.store is None:
            raise StoreError(f"database: what {self._channel} keeps was asked for before it is open")
        return self._quotas.store.vault(self._channel)

    def read(self, name: str) -> Mapping[str, Any] | None:
        """What was written last under this name."""
        return self._vault().read(name)

    def write(self, name: str, value: Mapping[str, Any]) -> None:
        """Keep plain data."""
        self._vault().write(name, value)

    def lock(self, name: str) -> AbstractContextManager[None]:
        """Nobody else holds the lock of this name meanwhile."""
        return self._vault().lock(name)


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
        SettingsError, StoreError: settings.yaml is not right; the database cannot be used.
    """
    settings = load((root := root.absolute()) / "settings.yaml")
    project, cache = settings.project(root), root / "var" / "cache"
    clock, secrets = clock or SystemClock(), Secrets(os.environ if environ is None else environ)
    site, shop = Site(public_url=project.public_url), PictureShop(cache / "pictures")
    channels = _channels(settings, project, secrets, clock, quotas := LaterQuotas())
    # Last of all: what settings refuse must not leave an open database behind.
    quotas.store = store = Store(secrets.get("DATABASE_URL") or root / settings.store.path, clock)
    addresses = AddressBook(_keys(store, secrets, "SUPPRESSION_KEY")[0])
    return App(
        parts=Parts(
            project=project,
            site=site,
            rules=_rules(settings, project),
            clock=clock,
            store=store,
            source=FolderSource(project, root / settings.news.folder, cache),
            checks=Checks(items=_check_items, letter=check_edition, post=check_post, spam=spam_scorer),
            pictures=shop,
            renderer=Rendering(project, _own_templates(root), shop),
            recurrences=WallClockRecurrences(),
            channels=channels,
            engine=LocalEngine(WORKERS),
            gate=HttpGate(project.public_url),
            shelf=FolderShelf(root / "feeds"),
            notifier=_notices(settings, channels, secrets, clock),
            tokens=SubscriberTokens(_keys(store, secrets, "TOKEN_KEYS"), site),
            owner=f"{socket.gethostname()}-{os.getpid()}-{random.token_hex(4)}",
            fingerprint=_fingerprint(root),
            privacy=_privacy(settings),
            hub=_hub(settings, clock),
        ),
        addresses=addresses,
        inbound=_inbound(settings, root, secrets, addresses, clock),
        visitors=Visitors(
            says=VisitorSpeech(project, _privacy(settings), settings.newsletter.name),
            send=getattr(channels.get("email"), "send_notice", None),
        ),
        secrets=secrets.known(),
    )


@contextmanager
def opened(root: Path, *, clock: Clock | None = None, environ: Mapping[str, str] | None = None) -> Iterator[App]:
    """`make_app`, closed at the end."""
    app = make_app(root, clock=clock, environ=environ)
    try:
        yield app
    finally:
        app.close()


def make_ticker(app: App, tick: Callable[[], None], on_error: Callable[[Exception], None]) -> Ticker:
    """The scheduler for `disseminate run`, at the pace that settings name."""
    return Ticker(tick, load(app.parts.project.root / "settings.yaml").publishing.tick_seconds, on_error=on_error)


def web_settings(app: App) -> WebSection:
    """What settings say about the public server."""
    return load(app.parts.project.root / "settings.yaml").web


def recurrences() -> Recurrences:
    """Wall-clock recurrences, also where there is no project."""
    return WallClockRecurrences()


def importer(project: Project, path: Path) -> Imported:
    """Make a draft item of a page; see `sources.import_file`."""
    folder = load(project.root / "settings.yaml").news.folder
    return import_file(path, project, project.root / folder)


def restore(root: Path, source: Path) -> Path | None:
    """Put a backup in place; see `store.restore`."""
    settings = load(root / "settings.yaml")
    if Secrets(os.environ).get("DATABASE_URL"):
        raise SettingsError("restore: this project's database is PostgreSQL; use pg_restore")
    return restore_store(source, root / settings.store.path, SystemClock())


def _rules(settings: Settings, project: Project) -> Rules:
    letters, publishing = settings.newsletter, settings.publishing
    return Rules(
        digests=tuple(_digest(name, section, project) for name, section in letters.digests.items()),
        flash=letters.flash.audience(),
        newsletter=letters.name,
        languages={name: channel.languages[0] for name, channel in settings.channels.items() if channel.languages},
        grace=publishing.grace_minutes * 60,
        lease=float(publishing.lease_seconds),
        window=publishing.window,
        attempts=publishing.attempts,
        give_up=publishing.give_up_hours * 3600.0,
        pacing=_pacing(letters.rates, project.timezone),
        timing={name: _timing(channel.posting, project) for name, channel in settings.channels.items()},
        posting={name: _posting(channel.posting) for name, channel in settings.channels.items()},
    )


def _timing(section: PostingSection, project: Project) -> Timing:
    return Timing(
        slots=section.crons(),
        timezone=project.timezone,
        quiet=section.span(),
        gap=section.gap_minutes * 60.0,
        per_hour=section.per_hour,
        per_day=section.per_day,
    )


def _posting(section: PostingSection) -> Posting:
    utm = {name: value for name, value in section.utm.model_dump().items() if value}
    return Posting(utm=utm, funding=section.funding, hashtags=section.hashtags)


def _privacy(settings: Settings) -> Privacy:
    told = settings.privacy.privacy()
    return replace(told, keep=replace(told.keep, returns=settings.bounces.keep_days))


def _pacing(section: RatesSection, zone: str) -> Pacing:
    return Pacing(
        total=_allowance(section),
        domains={domain: _allowance(inner) for domain, inner in section.domains.items()},
        warm_up_starts=section.warm_up.starts,
        warm_up=tuple(section.warm_up.days),
        timezone=zone,
    )


def _allowance(section: AllowanceSection) -> Allowance:
    return Allowance(per_second=section.per_second, per_hour=section.per_hour, per_day=section.per_day)


def _digest(name: str, section: DigestSection, project: Project) -> Digest:
    zone = section.timezone or project.timezone
    since = section.since
    return Digest(
        name=name,
        cron=section.cron,
        timezone=zone,
        audience=section.audience(),
        max_items=section.max_items,
        intro={lang: named(text, plain_names(project.partners, lang)) for lang, text in section.intro.items()},
        pinned=tuple(section.pinned),
        excluded=tuple(section.excluded),
        skip_when_empty=section.skip_when_empty,
        grace=section.grace_minutes * 60,
        starts=section.starts,
        since=datetime.combine(since, clock_time.min, ZoneInfo(zone)).astimezone(UTC) if since else None,
    )


def _channels(
    settings: Settings, project: Project, secrets: Secrets, clock: Clock, quotas: LaterQuotas
) -> Mapping[str, Channel]:
    return {
        name: load_channel(section.use)(
            ChannelOptions(
                name=name,
                settings=section.options,
                lines=settings.lines_below("channels", name),
                project=project,
                secret=secrets.get,
                public=project.root / "feeds",
                outbox=project.root / "var" / "outbox",
                clock=clock,
                quotas=quotas,
                vault=LaterVault(name, quotas),
            )
        )
        for name, section in settings.channels.items()
    }


def _inbound(settings: Settings, root: Path, secrets: Secrets, addresses: AddressBook, clock: Clock) -> Inbound:
    section = settings.bounces
    return Inbound(
        read=read_return,
        addresses=addresses,
        inlets=tuple(_inlets(section, root, secrets)),
        hooks=make_hooks(secrets.get, clock.now, Certificates().get),
        soft_limit=section.soft_limit,
        soft_days=section.soft_days,
        keep_days=section.keep_days,
        every=section.every_minutes * 60,
    )


def _inlets(section: BouncesSection, root: Path, secrets: Secrets) -> Iterator[Inlet]:
    if section.maildir:
        yield Maildir(root / section.maildir, keep=section.keep)
    if section.imap.host:
        imap = section.imap
        server = ImapServer(
            **imap.model_dump(include={"host", "port", "tls", "username", "folder"}),
            done=imap.done_folder,
            ca_file=root / imap.ca_file if imap.ca_file else None,
        )
        yield ImapMailbox(server, lambda: secrets.get("IMAP_PASSWORD"))


def maildir(path: Path) -> Inlet:
    """A maildir that no settings name."""
    return Maildir(path)


def _check_items(items: Sequence[NewsItem], project: Project) -> Sequence[Finding]:
    """What is wrong with items, and languages in which pages and letters speak English."""
    return [*check_items(items, project), *map(_borrowed, unspoken(project.languages))]


def _borrowed(lang: str) -> Finding:
    return Finding(
        rule="language-words",
        level=Level.WARNING,
        path="settings.yaml",
        field="project.languages",
        message=f"pages and letters in `{lang}` say their own words in English",
        fix="there is no catalogue; docs/pages.md tells how to add one",
        seen=lang,
    )


def _own_templates(root: Path) -> Path | None:
    folder = root / "templates"
    return folder if folder.is_dir() else None


def _notices(settings: Settings, channels: Mapping[str, Channel], secrets: Secrets, clock: Clock) -> Notices:
    return Notices(
        addresses=tuple(settings.notify.mail),
        webhooks=tuple(settings.notify.webhooks),
        mail=getattr(channels.get("email"), "send_notice", None),
        secret=secrets.get,
        clock=clock,
        allow_private=settings.notify.allow_private,
    )


def _hub(settings: Settings, clock: Clock) -> WebSubHub | None:
    section = settings.websub
    return WebSubHub(section.hub, clock.now, allow_private=section.allow_private) if section.hub else None


def _keys(store: Store, secrets: Secrets, name: str) -> list[bytes]:
    """Keys that settle who somebody is, newest first: from a secret, else the database's own."""
    given = secrets.get(name)
    return [key.encode() for key in given.split()] if given else [store.controls.key(name.lower())]


def _fingerprint(root: Path) -> str:
    """Everything besides items that rendering depends on: settings, templates, the program."""
    paths = [root / "settings.yaml"]
    for folder in filter(None, (shipped("templates"), LOCALES, _own_templates(root))):
        paths += sorted(path for path in folder.rglob("*") if path.is_file())
    digest = sha256(__version__.encode())
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()
