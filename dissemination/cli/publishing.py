"""Commands that publish or stop it: publish, run, pause, resume."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Annotated

import typer
from rich.markup import escape

from dissemination.app import App
from dissemination.cli.common import Json, Name, err, guarded, out, print_json, project, who
from dissemination.cli.planning import facts, show_plan
from dissemination.errors import WrongUseError
from dissemination.model import Happening
from dissemination.pipeline.deliver import Tally
from dissemination.pipeline.publish import Ticks

#: A tick that is under way has this long to end, in seconds: a mail may wait for its answer.
DRAIN = 9.5


@guarded
def publish(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would start now.")] = False,
    as_json: Json = False,
) -> None:
    """One pass over everything due. A second one sends nothing twice."""
    with project() as app:
        if dry_run:
            due = app.would_publish()
            print_json([facts(p) for p in due]) if as_json else show_plan(due, app.parts.project.timezone)
            return
        _stop_on_signals(app.stop)
        with app.publishing():
            tally = app.publish()
    if as_json:
        print_json({"mails": tally.mails, "feeds": tally.feeds, "posts": tally.posts})
    else:
        out.print(_said(tally))


def _said(tally: Tally) -> str:
    return f"{tally.mails} mails, {tally.feeds} public files changed, {tally.posts} posts"


@guarded
def run() -> None:
    """The scheduler: looks what is due, publishes it, and stops cleanly on SIGTERM."""
    from dissemination.bootstrap import make_ticker  # noqa: PLC0415 - only this command needs it

    with project() as app, app.publishing():
        _stop_on_signals(app.stop)
        ticker = make_ticker(app, _tick(app.ticks()), lambda error: _broken(app, error))
        ticker.start()
        ticker.wake()
        out.print("Publishing what falls due. Stop with Ctrl-C.")
        app.stop.wait()
        out.print("Stopping: what is in flight is settled.")
        ticker.stop(DRAIN)


def _tick(ticks: Ticks) -> Callable[[], None]:
    def tick() -> None:
        tally = ticks.tick()
        if tally.mails or tally.feeds or tally.posts:
            out.print(_said(tally))

    return tick


def _broken(app: App, error: Exception) -> None:
    """A tick that failed is said and logged; the next one tries again."""
    err.print(f"[red]Error:[/red] {escape(f'{type(error).__name__}: {error}')}")
    detail = f"{type(error).__name__}: {error}"
    app.parts.store.events.add(Happening(at=app.parts.clock.now(), kind="error", detail=detail))


def _stop_on_signals(stop: threading.Event) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())


@guarded
def pause(
    channel: Annotated[str, typer.Argument(help="A channel; every one where left out.")] = "*",
    reason: Annotated[str, typer.Option(help="Why, for the others.")] = "",
    *,
    name: Name = "",
    as_json: Json = False,
) -> None:
    """Emergency stop: nothing new starts, also in a running process, from the next window on."""
    with project() as app:
        _known(app, channel)
        app.pause(channel, who=who(name), reason=reason)
    if as_json:
        print_json({"channel": channel, "paused": True})
        return
    out.print(f"Paused: {'every channel' if channel == '*' else escape(channel)}.")


@guarded
def resume(
    channel: Annotated[str, typer.Argument(help="A channel; every one where left out.")] = "*",
    *,
    name: Name = "",
    as_json: Json = False,
) -> None:
    """Go on after `pause`."""
    with project() as app:
        _known(app, channel)
        done = app.resume(channel, who=who(name))
    if as_json:
        print_json({"channel": channel, "paused": False, "was_paused": done})
        return
    out.print("Going on." if done else "Nothing was paused.")


def _known(app: App, channel: str) -> None:
    if channel != "*" and channel not in app.parts.channels:
        raise WrongUseError(f"{channel}: no such channel; settings.yaml has: {', '.join(app.parts.channels)}")
