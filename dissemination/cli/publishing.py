"""Commands that publish or stop it: publish, run, pause, resume."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from dissemination.cli.common import (
    FINDINGS,
    FINE,
    Json,
    Name,
    complain,
    guarded,
    many,
    print_json,
    project,
    safe,
    say,
    who,
)
from dissemination.cli.planning import facts, next_try, resuming, show_plan
from dissemination.cli.serving import beside
from dissemination.errors import WrongUseError
from dissemination.model import DeliveryState, Happening, Publication, State

if TYPE_CHECKING:
    from dissemination.app import App
    from dissemination.pipeline.deliver import Tally
    from dissemination.pipeline.editions import Progress
    from dissemination.pipeline.publish import Ticks

#: What is under way has this long to end, in seconds: a mail may wait for its answer.
DRAIN = 9.5
#: People of an edition who are not settled.
_OPEN = (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.DEFERRED)


@guarded
def publish(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would start now.")] = False,
    as_json: Json = False,
) -> None:
    """One pass over everything due. A second one sends nothing twice."""
    with project() as app:
        if dry_run:
            due, zone = app.would_publish(), app.parts.project.timezone
            print_json([facts(line) for line in due]) if as_json else _show_due(due, zone)
            return
        _stop_on_signals(app.stop)
        with app.publishing():
            tally = app.publish()
        left, zone, now = app.under_way(), app.parts.project.timezone, app.parts.clock.now()
    if as_json:
        print_json(_counts(tally))
    else:
        say(_said(tally))
        for seen in left:
            say(_left(seen, zone, now))
    raise typer.Exit(FINDINGS if tally.failed or tally.in_doubt else FINE)


def _show_due(due: Sequence[Publication], zone: str) -> None:
    if due:
        show_plan(due, zone)
    else:
        say("Nothing is due. `disseminate plan` tells what comes when, and what waits for an approval.")


def _left(seen: Progress, zone: str, now: datetime) -> str:
    """What an edition that is not through waits for."""
    row = seen.publication
    people = sum(seen.counts.get(state, 0) for state in _OPEN)
    said = f"{safe(row.subject)} is not through: {many(people, 'person', 'people')} left"
    if row.state is State.PAUSED:
        return f"{said}; paused: {resuming(row.channel)} goes on"
    if row.reason:
        return f"{said}; {safe(row.reason)}"
    return f"{said}; {next_try(seen.next_try, zone, now)}" if seen.next_try else said


def _counts(tally: Tally) -> dict[str, int]:
    return {name: getattr(tally, name) for name in ("mails", "feeds", "posts", "failed", "in_doubt")}


def _said(tally: Tally) -> str:
    if not tally.tried and not any(_counts(tally).values()):
        return "Nothing was due. `disseminate status` tells what waits and what failed."
    files = many(tally.feeds, "public file")
    out = f"Out: {many(tally.mails, 'mail')}, {files} changed, {many(tally.posts, 'post')}."
    return "\n".join(filter(None, (out, _not_out(tally))))


def _not_out(tally: Tally) -> str:
    """Who and what was not reached, and where it stands why; "" if all went well."""
    counts = ((tally.failed, "failed"), (tally.in_doubt, "in doubt"))
    said = ", ".join(f"{count:,} {words}" for count, words in counts if count)
    commands = [f"`disseminate edition show {safe(edition)}`" for edition in sorted(tally.editions)]
    return f"{said}: {', '.join(commands) or '`disseminate status`'} says why." if said else ""


@guarded
def run(*, as_json: Json = False) -> None:
    """The scheduler: looks what is due, publishes it, and stops cleanly on SIGTERM."""
    from dissemination.bootstrap import make_ticker, web_settings  # noqa: PLC0415 - only this command needs it

    with (
        project() as app,
        app.publishing(),
        beside(app, web_settings(app), as_json=as_json) as public,
    ):
        _stop_on_signals(app.stop)
        ticks = app.ticks()
        ticker = make_ticker(app, _tick(ticks, public.refresh, as_json=as_json), lambda error: _broken(app, error))
        ticker.start()
        ticker.wake()
        if not as_json:
            say("Publishing what falls due. Stop with Ctrl-C.")
        app.stop.wait()
        public.leave()
        if not as_json:
            say("Stopping: what is in flight is settled.")
        end = time.monotonic() + DRAIN
        ticker.stop(DRAIN)
        _end(app, ticks, max(0.0, end - time.monotonic()))


def _end(app: App, ticks: Ticks, seconds: float) -> None:
    try:
        ticks.end(seconds)
    except Exception as error:  # noqa: BLE001 - whatever went wrong with an edition, we are leaving
        _broken(app, error)


def _tick(ticks: Ticks, refresh: Callable[[], None], *, as_json: bool) -> Callable[[], None]:
    def tick() -> None:
        tally = ticks.tick()
        if tally.feeds:
            refresh()
        if any(_counts(tally).values()):
            print_json(_counts(tally), indent=None) if as_json else say(_said(tally))

    return tick


def _broken(app: App, error: Exception) -> None:
    """A tick that failed is said and logged; the next one tries again."""
    detail = f"{type(error).__name__}: {error}"
    complain(detail)
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
    say("Paused: every channel" if channel == "*" else f"Paused: {safe(channel)}")
    say(f"{resuming(channel)} goes on.")


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
    say("Going on." if done else "Nothing was paused.")


def _known(app: App, channel: str) -> None:
    if channel != "*" and channel not in app.parts.channels:
        raise WrongUseError(f"{channel}: no such channel; settings.yaml has: {', '.join(app.parts.channels)}")
