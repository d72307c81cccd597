"""Commands that look: status, log, doctor, when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from dissemination.cli.common import (
    COLOURS,
    FINDINGS,
    FINE,
    Json,
    columns,
    guarded,
    page,
    print_json,
    project,
    safe,
    say,
    say_hanging,
    state_text,
    table,
)
from dissemination.cli.planning import facts, show_bills, show_paused, show_plan
from dissemination.errors import SettingsError, WrongUseError
from dissemination.model import Happening, Level, State, Symptom

if TYPE_CHECKING:
    from dissemination.pipeline.status import Status

_SECTIONS = (("Asks you", "asking"), ("Waits", "waiting"), ("Went out", "sent"))


@guarded
def status(*, as_json: Json = False) -> None:
    """What went out, what waits, what failed and why, what is in doubt."""
    with project() as app:
        seen, zone = app.status(), app.parts.project.timezone
    if as_json:
        lists = ("waiting", "asking", "sent")
        print_json(
            {name: [facts(p) for p in getattr(seen, name)] for name in lists}
            | {"counts": seen.counts, "deliveries": seen.deliveries, "paused": seen.paused, "last": seen.last}
            | {"expiring": seen.expiring, "bills": seen.bills, "hub": seen.hub}
        )
    else:
        _show_status(seen, zone)
    raise typer.Exit(FINDINGS if seen.asking else FINE)


def _show_status(seen: Status, zone: str) -> None:
    show_paused(seen.paused)
    for symptom in seen.expiring:
        say(f"[{COLOURS[symptom.level or Level.NOTE]}]Login:[/] {safe(symptom.what)}: {safe(symptom.said)}")
    for symptom in seen.hub:
        say(f"[{COLOURS[symptom.level or Level.NOTE]}]WebSub:[/] {safe(symptom.said)}")
    counts = ", ".join(f"{count} {state_text(state)}" for state, count in seen.counts.items())
    say(counts or "Nothing is planned yet. `disseminate plan` reads the news and plans them.")
    for title, name in _SECTIONS:
        rows = getattr(seen, name)
        if rows:
            say(f"\n[bold underline]{title}[/bold underline]")
            show_plan(rows, zone)
        if name == "asking":
            _show_decisions(seen)
    show_bills(seen.bills)
    if seen.deliveries:
        _show_deliveries(seen)
    if State.IN_REVIEW in seen.counts:
        say("\nNext: `disseminate plan` shows what is in review, `disseminate approve` lets it go out.")


def _show_decisions(seen: Status) -> None:
    """For an edition the command that tells who was not reached, for a post in doubt the one that decides."""
    for row in seen.asking:
        if row.kind == "item" and row.state is State.IN_DOUBT:
            name = safe(f"{row.subject}:{row.channel}")
            page().print(f"  look there, then `disseminate resolve {name}` decides", soft_wrap=True)
        if seen.deliveries.get(row.key):
            page().print(f"  `disseminate edition show {safe(row.subject)}` tells who and why", soft_wrap=True)


def _show_deliveries(seen: Status) -> None:
    say("\n[bold underline]Letters[/bold underline]")
    rows = columns(None, None)
    for key, states in seen.deliveries.items():
        said = ", ".join(f"{count} {state.value.replace('_', ' ')}" for state, count in states.items())
        rows.add_row(f"[bold]{safe(key.rsplit(':', 2)[0])}[/bold]", said or "to nobody")
    say(rows)


@guarded
def log(
    count: Annotated[int, typer.Option("--lines", "-n", min=1, max=10_000, help="How many events.")] = 50,
    subject: Annotated[str, typer.Option("--of", help="Only of this item or edition.", metavar="ID")] = "",
    *,
    as_json: Json = False,
) -> None:
    """Every event with its time, the newest last."""
    with project() as app:
        events, zone = app.log(count, subject), app.parts.project.timezone
    if as_json:
        print_json(events)
        return
    if not events:
        say("Nothing has happened yet." if not subject else f"{safe(subject)}: nothing has happened with this id.")
        return
    width = max(len(event.kind) for event in events)
    for event in events:
        at = f"{event.at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M:%S}"
        kind = event.kind.replace("_", " ").ljust(width)
        say_hanging(_told(event), len(at) + width + 4, head=f"[dim]{at}[/dim]  [bold]{kind}[/bold]  ")


def _told(event: Happening) -> str:
    where = f"on {event.channel}" if event.channel and event.channel != "*" else ""
    place = " ".join(filter(None, (safe(event.subject), safe(where))))
    return ": ".join(filter(None, (place, safe(event.detail))))


@guarded
def doctor(*, as_json: Json = False) -> None:
    """Settings, templates, secrets, mail server, networks and logins, clock, database: is everything there?"""
    with project() as app:
        symptoms = app.doctor()
    if as_json:
        print_json(symptoms)
    else:
        show_symptoms(symptoms)
    raise typer.Exit(FINDINGS if any(s.level is Level.ERROR for s in symptoms) else FINE)


def show_symptoms(symptoms: Iterable[Symptom]) -> None:
    """Each with its mark: fine, or how grave it is."""
    made = table("What", "", "Seen")
    for symptom in symptoms:
        level = symptom.level
        mark = f"[{COLOURS[level]}]{level.value}[/{COLOURS[level]}]" if level else "[green]fine[/green]"
        made.add_row(safe(symptom.what), mark, safe(symptom.said))
    say(made)


@guarded
def when(
    expression: Annotated[str, typer.Argument(help='Cron: "0 10 * * thu", or @weekly.', metavar="EXPR")],
    zone: Annotated[str, typer.Option(help="IANA zone; the project's where left out.")] = "",
    start: Annotated[str, typer.Option("--from", help="ISO 8601; now where left out.", metavar="T")] = "",
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 5,
    *,
    as_json: Json = False,
) -> None:
    """The next instants of a recurrence; changes of clocks are noted."""
    from dissemination.bootstrap import SystemClock, recurrences  # noqa: PLC0415 - only this command needs it

    zone = zone or _project_zone()
    after = _instant(start, zone) if start else SystemClock().now()
    found = recurrences().next(expression, zone, after, count)
    if as_json:
        print_json([{"utc": o.utc, "local": o.local, "note": o.note} for o in found])
        return
    made = table("Local", "UTC", "Note")
    for occurrence in found:
        made.add_row(f"{occurrence.local:%a %F %H:%M}", f"{occurrence.utc:%F %H:%M}", safe(occurrence.note))
    say(made)


def _project_zone() -> str:
    from dissemination.bootstrap import find_root  # noqa: PLC0415 - only this command needs it
    from dissemination.settings import load  # noqa: PLC0415 - only this command needs it

    try:
        return load(find_root(Path.cwd()) / "settings.yaml").about.timezone
    except SettingsError as error:
        raise WrongUseError(f"when: no project here to take the zone from ({error}); give --zone") from error


def _instant(text: str, zone: str) -> datetime:
    try:
        moment_ = datetime.fromisoformat(text)
        place = ZoneInfo(zone)
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        raise WrongUseError(
            f"when: {error.args[0] if error.args else zone}; write --from 2026-10-24T00:00 --zone Europe/Paris"
        ) from error
    return (moment_ if moment_.tzinfo else moment_.replace(tzinfo=place)).astimezone(UTC)
