"""disseminate demo: the main job from nothing, on the sample, with a real mail server on loopback."""

from __future__ import annotations

import json
import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from dissemination.cli.common import FINDINGS, Json, complain, guarded, page, print_json, safe, table
from dissemination.cli.planning import show_parts, show_plan
from dissemination.cli.serving import serve_until_told
from dissemination.errors import WrongUseError
from dissemination.files import shipped
from dissemination.model import Carries, Publication, State, Subscriber

if TYPE_CHECKING:
    from rich.progress import Progress

    from dissemination.app import App
    from dissemination.cli.demo_networks import Networks
    from dissemination.cli.mailbox import Mailbox

PEOPLE = 25
#: The most that the demo waits for everything to be out, in seconds.
PATIENCE = 60.0
_LANGUAGES = ("en", "en", "en", "ro", "it")
_GOING = (State.SCHEDULED, State.SENDING)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pass:
    """What one pass brought to the outer world, counted there."""

    mails: int
    feeds: int
    posts: int


@guarded
def demo(
    folder: Annotated[
        Path | None, typer.Option("--out", help="A new folder; one under var/ where left out.", metavar="DIR")
    ] = None,
    *,
    networks: Annotated[
        bool,
        typer.Option(
            "--networks", help="Post to a real Bluesky server and to stand-ins of the others, on this machine."
        ),
    ] = False,
    serving: Annotated[
        bool, typer.Option("--serve", help="Serve feeds and pages on this machine afterwards, until Ctrl-C.")
    ] = False,
    as_json: Json = False,
) -> None:
    """The main job on the sample, from nothing: 25 mails, feeds and posts, and a second pass that sends nothing."""
    from dissemination.bootstrap import SystemClock, opened  # noqa: PLC0415 - brings every library with it
    from dissemination.cli.mailbox import Mailbox  # noqa: PLC0415 - only this command needs it

    root = folder.absolute() if folder else _fresh()
    if root.exists() and any(root.iterdir()):
        raise WrongUseError(f"demo: {root} is not empty; name a new folder")
    # Where standard output is for facts, what goes on is told on the other stream.
    show = page(errors=as_json)
    with ExitStack() as stack:
        mailbox = stack.enter_context(Mailbox(root / "mailbox"))
        outside = _Outside(root, mailbox, _networks(stack, SystemClock().now) if networks else None)
        _lay_out(root, mailbox.port, outside.networks, serving=serving)
        app = stack.enter_context(opened(root, environ=outside.environ))
        stack.enter_context(app.publishing())
        _prepare(app, outside.networks.notes if outside.networks else (), show)
        first = _first_pass(app, outside, show)
        second = _second_pass(app, outside)
        posts = [row for row in app.parts.store.publications.in_state(State.PUBLISHED) if _is_post(app, row)]
    _keep(root, first, second)
    addresses = {f"{row.subject}:{row.channel}": row.remote_url or row.remote_id for row in posts}
    if as_json:
        print_json({"folder": root, "first_pass": asdict(first), "second_pass": asdict(second), "posts": addresses})
    else:
        _report(root, first, second, show)
        if outside.networks:
            _show_posts(posts, show)
    if not (first.mails == PEOPLE and first.feeds and first.posts and second == Pass(mails=0, feeds=0, posts=0)):
        complain(f"not everything went out once; `disseminate log` in {_shown(root)} tells why")
        raise typer.Exit(FINDINGS)
    if serving:
        with opened(root, environ=outside.environ) as app:
            serve_until_told(app, as_json=as_json)


class _Outside:
    """What can be counted from outside: mails, files, and posts on the networks."""

    def __init__(self, root: Path, mailbox: Mailbox, networks: Networks | None) -> None:
        self.root, self.mailbox, self.networks = root, mailbox, networks
        self.environ = {**os.environ, **(networks.environ if networks else {})}

    def count(self) -> Pass:
        posts = len(_posts(self.root)) + (self.networks.posts() if self.networks else 0)
        return Pass(mails=self.mailbox.count, feeds=len(_feeds(self.root)), posts=posts)


def _networks(stack: ExitStack, now: Callable[[], datetime]) -> Networks:
    from dissemination.cli.demo_networks import Networks  # noqa: PLC0415 - only `--networks` needs it

    return stack.enter_context(Networks(now))


def _is_post(app: App, row: Publication) -> bool:
    return row.kind == "item" and app.parts.channels[row.channel].limits.carries is Carries.POST


def _show_posts(posts: Sequence[Publication], show: Console) -> None:
    show.print("[bold]6.[/bold] Where each post is:")
    for subject, rows in groupby(sorted(posts, key=lambda row: row.subject), key=lambda row: row.subject):
        show.print(f"[bold]{safe(subject)}[/bold]", soft_wrap=True)
        for row in sorted(rows, key=lambda row: row.channel):
            show_parts(row.channel, row.out, to=show)
    show.print("The addresses are as the networks would give them; what answered were servers on this machine.")


def _prepare(app: App, notes: Sequence[str], show: Console) -> None:
    app.add_subscribers(_people())
    show.print(f"[bold]1.[/bold] {PEOPLE} subscribers who consented, a project folder, a mail server on loopback.")
    for note in notes:
        show.print(f"   [yellow]{safe(note)}[/yellow]")
    plan = [line.publication for line in app.plan().lines]
    show.print("[bold]2.[/bold] The plan:")
    show_plan(plan, app.parts.project.timezone, to=show)
    verdicts = app.approve([], who="demo", everything=True)
    done = sum(not verdict.refused for verdict in verdicts)
    show.print(f"[bold]3.[/bold] {done} publications approved; their very bytes are stored.")


def _fresh() -> Path:
    base = Path.cwd() / "var"
    number = 1
    while (base / f"demo-{number}").exists():
        number += 1
    return base / f"demo-{number}"


def _lay_out(root: Path, port: int, networks: Networks | None, *, serving: bool) -> None:
    """The sample project, with the mail server on loopback and its digest due this very minute."""
    import yaml  # noqa: PLC0415 - only this command needs it

    shutil.copytree(shipped("news"), root / "news", ignore=shutil.ignore_patterns("__pycache__"))
    settings = yaml.safe_load(shipped("settings.yaml").read_text("utf-8"))
    _set_up_mail(settings, port)
    _make_due(settings)
    if serving:
        _set_up_web(settings)
    if networks:
        settings["channels"] |= networks.sections
        settings["news"]["channels"] |= dict.fromkeys(networks.sections, "auto")
    settings["publishing"] = {**(settings.get("publishing") or {}), "tick_seconds": 1}
    settings.pop("notify", None)
    text = yaml.safe_dump(settings, allow_unicode=True, sort_keys=False)
    (root / "settings.yaml").write_text(f"# The sample's settings, changed for the demo.\n{text}", "utf-8")
    (root / "feeds").mkdir()


def _set_up_mail(settings: dict[str, Any], port: int) -> None:
    mail = settings["channels"]["email"]
    for key in ("username", "ca_file", "hostname"):
        mail.pop(key, None)
    mail |= {"host": "127.0.0.1", "port": port, "tls": "none"}


def _set_up_web(settings: dict[str, Any]) -> None:
    """The public site is this machine, so that all links lead to what is served."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings["project"]["public_url"] = f"http://127.0.0.1:{port}"
    settings["web"] = {"host": "127.0.0.1", "port": port}


def _make_due(settings: dict[str, Any]) -> None:
    """The weekly digest comes out at this minute of this day instead."""
    zone = ZoneInfo(settings["project"]["timezone"])
    now = datetime.now(UTC).astimezone(zone).replace(second=0, microsecond=0)
    digests = settings["newsletter"]["digests"]
    name = next(iter(digests))
    settings["newsletter"]["digests"] = {
        name: digests[name] | {"cron": f"{now.minute} {now.hour} * * *", "starts": now.isoformat()}
    }


def _people() -> Iterator[Subscriber]:
    consented = datetime.now(UTC) - timedelta(days=30)
    for number in range(1, PEOPLE + 1):
        yield Subscriber(
            id=0,
            email=f"reader{number:02}@mailbox.example",
            name=f"Reader {number:02}",
            lang=_LANGUAGES[number % len(_LANGUAGES)],
            lists=("news",),
            consent_source="sample data of the demo",
            consent_at=consented,
        )


def _first_pass(app: App, outside: _Outside, show: Console) -> Pass:
    """Run the scheduler until all that is due is out."""
    show.print("[bold]4.[/bold] The scheduler runs until all that is due is out.")
    with _scheduler(app) as failures, _progress(show) as progress:
        task = progress.add_task("mails", total=PEOPLE)
        over = threading.Event()
        waited = 0.0
        while waited < PATIENCE and not failures and not _all_out(app):
            over.wait(0.2)
            waited += 0.2
            progress.update(task, completed=outside.mailbox.count)
        progress.update(task, completed=outside.mailbox.count)
    for failure in failures:
        complain(f"{type(failure).__name__}: {failure}")
    return outside.count()


def _all_out(app: App) -> bool:
    now = app.parts.clock.now()
    going = app.parts.store.publications.in_state(*_GOING)
    return not any(p.state is State.SENDING or (p.due_at is not None and p.due_at <= now) for p in going)


@contextmanager
def _scheduler(app: App) -> Iterator[list[Exception]]:
    from dissemination.bootstrap import make_ticker  # noqa: PLC0415 - brings every library with it

    failures: list[Exception] = []
    ticks = app.ticks()
    ticker = make_ticker(app, lambda: _ignore(ticks.tick()), failures.append)
    ticker.start()
    ticker.wake()
    try:
        yield failures
    finally:
        ticker.stop(PATIENCE)


def _ignore(_: object) -> None:
    """A tick's tally is counted outside, at the mailbox and in the folders."""


def _progress(show: Console) -> Progress:
    from rich.progress import (  # noqa: PLC0415 - only this command needs it
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
    )

    bar = BarColumn(30)
    return Progress(SpinnerColumn(), TextColumn("   {task.description}"), bar, MofNCompleteColumn(), console=show)


def _second_pass(app: App, outside: _Outside) -> Pass:
    """Publish again: the outer world must not change."""
    before, stamps = outside.count(), _stamps(outside.root)
    app.publish()
    after = outside.count()
    rewritten = sum(stamps.get(path) != stamp for path, stamp in _stamps(outside.root).items())
    return Pass(mails=after.mails - before.mails, feeds=rewritten, posts=after.posts - before.posts)


_DOCUMENTS = frozenset({"rss.xml", "atom.xml", "feed.json"})


def _feeds(root: Path) -> Sequence[Path]:
    return [path for path in (root / "feeds").rglob("*") if path.name in _DOCUMENTS]


def _posts(root: Path) -> Sequence[Path]:
    outbox = root / "var" / "outbox"
    # A pack's folder holds again what is in its zip.
    return sorted(p for p in outbox.glob("*/*") if p.is_file() and p.suffix in {".txt", ".zip"})


def _stamps(root: Path) -> dict[Path, tuple[int, int]]:
    files = [path for path in (root / "feeds").rglob("*") if path.is_file()]
    return {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in files}


def _keep(root: Path, first: Pass, second: Pass) -> None:
    shutil.copytree(root / "var" / "outbox", root / "outbox", dirs_exist_ok=True)
    facts = {"first_pass": asdict(first), "second_pass": asdict(second)}
    (root / "demo.json").write_text(json.dumps(facts, indent=2) + "\n")


def _report(root: Path, first: Pass, second: Pass, show: Console) -> None:
    show.print("[bold]5.[/bold] What went out, and what a second pass added:")
    made = table("What", "First", "Second", "Open")
    rows = (
        ("Mails (.eml)", "mails", "mailbox"),
        ("Feed documents", "feeds", "feeds"),
        ("Posts", "posts", "outbox"),
    )
    for title, name, place in rows:
        made.add_row(title, str(getattr(first, name)), str(getattr(second, name)), safe(_shown(root / place)))
    show.print(made)
    show.print(f"Start with {safe(_shown(root / 'feeds' / 'index.html'))}", soft_wrap=True)


def _shown(path: Path) -> str:
    try:
        return os.path.relpath(path)
    except ValueError:
        return str(path)
