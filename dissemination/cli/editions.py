"""disseminate edition: list, show, retry, resolve."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.padding import Padding

from dissemination.cli.common import (
    FINDINGS,
    FINE,
    Json,
    Name,
    columns,
    guarded,
    many,
    plain,
    print_json,
    project,
    safe,
    say,
    say_hanging,
    state_text,
    table,
    who,
)
from dissemination.cli.planning import facts, moment, next_try, resuming
from dissemination.errors import WrongUseError
from dissemination.model import DeliveryState, Standing, State

if TYPE_CHECKING:
    from dissemination.pipeline.editions import Progress

app = typer.Typer(help="Editions on their way: how far, to whom, and whom not.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(help="An edition, such as weekly-2026-W49.", metavar="ID")]

#: Reasons that are shown; `--json` has all of them.
_SHOWN = 20
#: In the order in which they are shown.
_ORDER = tuple(DeliveryState)
_COLOURS = {
    DeliveryState.SENT: "green",
    DeliveryState.FAILED: "red",
    DeliveryState.BOUNCED: "red",
    DeliveryState.IN_DOUBT: "magenta",
    DeliveryState.DEFERRED: "yellow",
}
#: States that ask for a person.
_ASKING = (DeliveryState.FAILED, DeliveryState.IN_DOUBT)


class Who(StrEnum):
    """People of an edition, by where they stand."""

    PENDING = "pending"
    SENT = "sent"
    BOUNCED = "bounced"
    DEFERRED = "deferred"
    FAILED = "failed"
    SKIPPED = "skipped"
    IN_DOUBT = "in_doubt"


#: What is said where nobody stands there.
_NOBODY = {
    Who.PENDING: "is waiting",
    Who.SENT: "has got it yet",
    Who.BOUNCED: "has bounced",
    Who.DEFERRED: "is deferred",
    Who.FAILED: "has failed",
    Who.SKIPPED: "was skipped",
    Who.IN_DOUBT: "is in doubt",
}


@app.command("list")
@guarded
def list_(*, as_json: Json = False) -> None:
    """Every edition that has started, and how many people stand where."""
    with project() as house:
        found, zone = house.editions(), house.parts.project.timezone
    if as_json:
        print_json([facts(seen.publication) | {"deliveries": seen.counts} for seen in found])
        return
    if not found:
        say("No edition has started yet. `disseminate plan` tells what comes when.")
        return
    for seen in found:
        row = seen.publication
        say_hanging(f"[bold]{safe(row.subject)}[/bold]", 2)
        facts_ = columns(9, 21, None)
        facts_.add_row(state_text(row.state), moment(row.published_at, zone, none=""), _counted(seen.counts))
        say(Padding(facts_, (0, 0, 0, 2), expand=False))


@app.command("show")
@guarded
def show(
    id_: Id,
    *,
    people: Annotated[Who | None, typer.Option("--who", help="List the people who stand there.")] = None,
    as_json: Json = False,
) -> None:
    """How far an edition is: counts, pace, time left, and why people were not reached."""
    with project() as house:
        if people is not None:
            found = house.edition_people(id_, DeliveryState(people.value))
            _stream_json(found) if as_json else _stream(found, _NOBODY[people])
            return
        seen, zone, now = house.edition(id_), house.parts.project.timezone, house.parts.clock.now()
    if as_json:
        print_json(
            facts(seen.publication)
            | {"deliveries": seen.counts, "troubles": seen.troubles, "per_minute": seen.per_minute}
            | {"done_at": seen.done_at, "next_try": seen.next_try}
        )
    else:
        _show(seen, zone, now)
    raise typer.Exit(FINDINGS if any(seen.counts.get(state) for state in _ASKING) else FINE)


def _show(seen: Progress, zone: str, now: datetime) -> None:
    row = seen.publication
    begun = moment(row.published_at, zone, none="")
    say(f"[bold]{safe(row.subject)}[/bold] on {safe(row.channel)}: {state_text(row.state)}, begun {begun}")
    if row.reason:
        say(f"[dim]{safe(row.reason)}[/dim]")
    rows = columns(11, None)
    rows.columns[1].justify = "right"
    for state in _ORDER:
        if count := seen.counts.get(state):
            rows.add_row(_coloured(state), f"{count:,}")
    say(rows)
    if seen.per_minute:
        left = f"; the rest is out at {moment(seen.done_at, zone, none='')}" if seen.done_at else ""
        say(f"{seen.per_minute:,.0f} letters a minute{left}")
    if row.state is State.PAUSED:
        say(f"Paused: {resuming(row.channel)} goes on")
    elif seen.next_try:
        say(f"Those deferred: {next_try(seen.next_try, zone, now)}")
    if seen.troubles:
        _show_troubles(seen)
    _advise(seen)


def _show_troubles(seen: Progress) -> None:
    say("\n[bold underline]Why[/bold underline]")
    made = table("", "", "Domain", "Reason")
    made.columns[0].justify = "right"
    for trouble in seen.troubles[:_SHOWN]:
        domain = safe(trouble.domain) or "[dim]erased[/dim]"
        made.add_row(f"{trouble.count:,}", _coloured(trouble.state), domain, safe(trouble.reason))
    say(made)
    if len(seen.troubles) > _SHOWN:
        rest = sum(trouble.count for trouble in seen.troubles[_SHOWN:])
        say(f"and {many(rest, 'person', 'people')} for other reasons; `--json` has them all")


def _advise(seen: Progress) -> None:
    if seen.counts.get(DeliveryState.FAILED):
        say("\nThose who failed: `--who failed` lists them, `disseminate edition retry` tries them again.")
    if seen.counts.get(DeliveryState.IN_DOUBT):
        say("\nThose in doubt: `disseminate edition resolve` with `--sent` or `--retry` decides.")


def _stream(found: Iterable[Standing], nobody: str) -> None:
    """One line a person, as they are read: a million of them take no memory."""
    one = None
    for one in found:
        address = safe(one.address) or "[dim]erased[/dim]"
        tried = f" (tried {many(one.attempts, 'time')})" if one.attempts > 1 else ""
        said = f"  [dim]{safe(one.reason)}{tried}[/dim]" if one.reason else ""
        say_hanging(f"{address}{said}", 4)
    if one is None:
        say(f"Nobody {nobody}.")


def _stream_json(found: Iterable[Standing]) -> None:
    comma = "["
    for one in found:
        typer.echo(f"{comma}{json.dumps(plain(one), ensure_ascii=False)}", nl=False)
        comma = ",\n "
    typer.echo("]" if comma != "[" else "[]")


@app.command("retry")
@guarded
def retry(id_: Id, *, name: Name = "", as_json: Json = False) -> None:
    """Another try for those who failed, and for nobody else. Who bounced or left the list stays out."""
    with project() as house:
        count = house.retry(id_, who=who(name))
    if as_json:
        print_json({"id": id_, "again": count})
    elif count:
        say(f"Again: {many(count, 'person', 'people')}. The next `disseminate publish` writes to them.")
    else:
        say("Nobody is to be tried again.")


@app.command("resolve")
@guarded
def resolve(
    id_: Id,
    *,
    sent: Annotated[bool, typer.Option("--sent", help="It arrived: nothing is sent again.")] = False,
    again: Annotated[bool, typer.Option("--retry", help="It did not arrive: send the same message again.")] = False,
    address: Annotated[str, typer.Option("--address", help="Only this person.", metavar="ADDRESS")] = "",
    name: Name = "",
    as_json: Json = False,
) -> None:
    """Decide what became of the mails that are in doubt."""
    if sent is again:
        raise WrongUseError("edition resolve: say what became of them, --sent or --retry")
    with project() as house:
        count = house.resolve(id_, sent=sent, address=address, who=who(name))
    if as_json:
        print_json({"id": id_, "resolved": count})
        return
    if not count:
        say(f"{safe(address)} is not in doubt in this edition." if address else "Nobody is in doubt there.")
        return
    said = "taken as sent" if sent else "sent again by the next `disseminate publish`"
    say(f"{many(count, 'person', 'people')}: {said}.")


def _counted(counts: Mapping[DeliveryState, int]) -> str:
    said = [f"{counts[state]:,} {_coloured(state)}" for state in _ORDER if counts.get(state)]
    return ", ".join(said) or "to nobody"


def _coloured(state: DeliveryState) -> str:
    words, colour = state.value.replace("_", " "), _COLOURS.get(state)
    return f"[{colour}]{words}[/{colour}]" if colour else words
