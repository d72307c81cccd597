"""Commands before anything goes out: plan, preview, approve, cancel, send-test."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape
from rich.padding import Padding

from dissemination.app import App
from dissemination.cli.common import (
    FINDINGS,
    FINE,
    Json,
    Name,
    guarded,
    out,
    print_json,
    project,
    state_text,
    who,
)
from dissemination.errors import WrongUseError
from dissemination.files import FolderShelf
from dissemination.model import Publication, State
from dissemination.pipeline.approve import Verdict

_DONE = frozenset({State.PUBLISHED, State.CANCELLED, State.WITHDRAWN})
_FACTS = (
    "key",
    "subject",
    "kind",
    "channel",
    "lang",
    "title",
    "state",
    "when",
    "due_at",
    "reach",
    "reason",
    "items",
)


def facts(publication: Publication) -> dict[str, object]:
    """A publication for `--json`."""
    return {name: getattr(publication, name) for name in _FACTS}


def moment(instant: datetime | None, zone: str, *, none: str = "") -> str:
    """An instant on the project's wall clock."""
    return f"{instant.astimezone(ZoneInfo(zone)):%a %d %b %Y %H:%M}" if instant else none


@guarded
def plan(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Also what is out or cancelled.")] = False,
    as_json: Json = False,
) -> None:
    """What would go out: item or edition, channel, when, to how many, state. Nothing is sent."""
    with project() as app:
        lines = [line.publication for line in app.plan().lines]
        zone, paused = app.parts.project.timezone, app.parts.store.controls.paused()
    shown = [line for line in lines if everything or line.state not in _DONE]
    if as_json:
        print_json([facts(line) for line in shown])
        return
    for channel, why in paused.items():
        out.print(f"[yellow]Paused:[/yellow] {'every channel' if channel == '*' else channel} ({escape(why)})")
    show_plan(shown, zone)


def show_plan(lines: Sequence[Publication], zone: str) -> None:
    """The plan: under each item or edition a row of state, time, reach and channels, and what holds them."""
    if not lines:
        out.print("Nothing is planned.")
        return
    out.print(f"  {'State':<10} {'When':<22} {'To':>6}  Channels", style="bold", no_wrap=True)
    shown = ""
    for (subject, when, state, reach, reason), channels in _rows(lines, zone).items():
        if subject != shown:
            out.print(f"[bold]{escape(subject)}[/bold]", soft_wrap=True)
            shown = subject
        gap = " " * (10 - len(state.value))
        out.print(Padding(f"{state_text(state)}{gap} {when:<22} {reach:>6}  {', '.join(channels)}", (0, 0, 0, 2)))
        if reason:
            out.print(Padding(f"[dim]{escape(reason)}[/dim]", (0, 0, 0, 4)))


_Row = tuple[str, str, State, int, str]


def _rows(lines: Sequence[Publication], zone: str) -> dict[_Row, list[str]]:
    """Lines that differ in their channel alone share a row."""
    rows: dict[_Row, list[str]] = {}
    for line in lines:
        when = moment(line.due_at or line.when, zone, none="on approval")
        rows.setdefault((line.subject, when, line.state, line.reach, line.reason), []).append(line.channel)
    return rows


@guarded
def preview(
    folder: Annotated[Path, typer.Option("--out", help="Where to write.", metavar="DIR")] = Path("var/preview"),
    *,
    as_json: Json = False,
) -> None:
    """Write what each channel would carry: mails, posts with their counted length, feeds and pages."""
    with project() as app:
        files = app.preview()
        target = (
            folder if folder.is_absolute() or folder != Path("var/preview") else app.parts.project.root / folder
        )
    FolderShelf(target).write(files)
    if as_json:
        print_json({"folder": str(target.resolve()), "files": sorted(files)})
        return
    out.print(f"{len(files)} files; nothing was sent. Open:")
    out.print(str((target / "index.html").resolve()), soft_wrap=True)


@guarded
def approve(
    ids: Annotated[
        list[str] | None, typer.Argument(help="Items, editions, or item:channel.", metavar="ID...")
    ] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Everything that is in review.")] = False,
    name: Name = "",
    as_json: Json = False,
) -> None:
    """Say yes to the very bytes that will go out; a later change lapses it."""
    if bool(ids) == everything:
        raise WrongUseError("approve: name ids, or say --all; `disseminate plan` lists them")
    with project() as app:
        verdicts = app.approve(ids or [], who=who(name), everything=everything)
        report(app, verdicts, "Approved", as_json=as_json)


@guarded
def cancel(
    ids: Annotated[list[str], typer.Argument(help="Items, editions, or item:channel.", metavar="ID...")],
    *,
    name: Name = "",
    as_json: Json = False,
) -> None:
    """Stop what these ids name; an edition under way stops at its next window."""
    with project() as app:
        report(app, app.cancel(ids, who=who(name)), "Cancelled", as_json=as_json)


def report(app: App, verdicts: Sequence[Verdict], word: str, *, as_json: bool) -> None:
    """What became of each publication; exit 1 if nothing was done."""
    done = [verdict for verdict in verdicts if not verdict.refused]
    if as_json:
        print_json([facts(v.publication) | {"done": not v.refused, "refused": v.refused} for v in verdicts])
    else:
        zone = app.parts.project.timezone
        for verdict in verdicts:
            publication = verdict.publication
            name = f"[bold]{escape(publication.subject)}[/bold] on {publication.channel}"
            if verdict.refused:
                out.print(f"[yellow]Not {word.lower()}:[/yellow] {name}: {escape(verdict.refused)}")
            else:
                at = moment(publication.due_at, zone)
                out.print(f"[green]{word}:[/green] {name}{f', goes out {at}' if at else ''}")
        if not verdicts:
            out.print("Nothing is in review.")
    raise typer.Exit(FINE if done or not verdicts else FINDINGS)


@guarded
def send_test(
    id_: Annotated[str, typer.Argument(help="An edition or an item.", metavar="ID")],
    to: Annotated[str, typer.Option("--to", help="The address.", metavar="ADDRESS")],
    lang: Annotated[str, typer.Option(help="Its language; the project's where left out.")] = "",
    *,
    as_json: Json = False,
) -> None:
    """Send one real mail of an edition or item, marked as a test and never counted."""
    with project() as app:
        receipt = app.send_test(id_, to, lang)
    if as_json:
        print_json({"id": id_, "to": to, "receipt": receipt})
    else:
        out.print(f"Sent to {escape(to)}: {escape(receipt.detail or receipt.id or 'accepted')}")
