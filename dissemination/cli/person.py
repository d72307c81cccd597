"""disseminate subscribers: one person at a time: show, remove, unsubscribe, suppress; and who is suppressed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated

import typer

from dissemination.cli.common import (
    FINDINGS,
    FINE,
    Json,
    columns,
    guarded,
    many,
    plain,
    print_json,
    project,
    safe,
    say,
    say_hanging,
    table,
)
from dissemination.cli.people import Address
from dissemination.cli.planning import moment
from dissemination.model import Consent, Dossier

_NOBODY = "Nobody has this address."


@guarded
def show(address: Address, *, as_json: Json = False) -> None:
    """Everything that is kept about a person; with --json as the copy that they may ask for."""
    with project() as house:
        dossier = house.show_subscriber(address)
        zone = house.parts.project.timezone
    if as_json:
        print_json(_facts(dossier) if dossier else None)
    elif dossier:
        _show(dossier, zone)
    else:
        say(_NOBODY)
    raise typer.Exit(FINE if dossier else FINDINGS)


def _facts(dossier: Dossier) -> dict[str, object]:
    """The numbers that we give to people say nothing to them; a consent reads in one piece."""
    facts: dict[str, object] = plain(dossier)
    person = {name: value for name, value in plain(dossier.person).items() if name != "id"}
    return person | {name: value for name, value in facts.items() if name != "person"}


def _show(dossier: Dossier, zone: str) -> None:
    say(f"[bold]{safe(dossier.person.email)}[/bold]")
    rows = columns(11, None)
    for name, value in _lines(dossier, zone):
        rows.add_row(f"  {name}", safe(value))
    say(rows)
    say("\n[bold]Consent[/bold]" if dossier.consents else "\nNo consent is on record.")
    for line in dossier.consents:
        _show_consent(line, zone)
    if not dossier.editions:
        say("\nNo edition was sent.")
        return
    say("\n[bold]Editions[/bold]")
    for one in dossier.editions:
        say_hanging(f"  {safe(one.edition)}", 2)
        told = ": ".join(filter(None, (one.state.value.replace("_", " "), safe(one.reason))))
        when = moment(one.at, zone, none="not begun")
        say_hanging(told, len(when) + 6, head=f"    {when}  ")


def _lines(dossier: Dossier, zone: str) -> Iterator[tuple[str, str]]:
    person = dossier.person
    left = f" (left: {', '.join(dossier.left)})" if dossier.left else ""
    yield "name", person.name or "-"
    yield "language", person.lang
    yield "state", f"{person.state}; here since {moment(dossier.created_at, zone)}"
    yield "lists", (", ".join(person.lists) or "-") + left
    if dossier.asked:
        yield "asked for", f"{', '.join(dossier.asked)}; not confirmed"
    for name, value in person.attributes.items():
        yield "attribute", f"{name}: {value}"
    if dossier.suppressed:
        yield "suppressed", f"{dossier.suppressed.reason}, {moment(dossier.suppressed.at, zone)}"


def _when(at: datetime, zone: str) -> str:
    """An instant; the day alone where no time of day was given."""
    said = moment(at, zone)
    return said.removesuffix(" 00:00")


def _show_consent(line: Consent, zone: str) -> None:
    rows = columns(11, None)
    said = ", ".join(
        filter(None, (line.source, line.form, f"lists: {', '.join(line.lists)}" if line.lists else ""))
    )
    rows.add_row(f"  {line.step.value}", f"{_when(line.at, zone)}: {safe(said)}")
    if line.wording:
        proof = "proved by" if line.proved else "[red]no longer the words of[/red]"
        rows.add_row(
            "", f"wording {line.wording.version} ({line.wording.lang}), {proof} {line.wording.digest[:12]}:"
        )
        rows.add_row("", f"[italic]{safe(line.wording.text)}[/italic]")
    elif line.proved is False:
        rows.add_row("", "[red]the words they agreed to are no longer in the database[/red]")
    say(rows)


@guarded
def remove(
    address: Address,
    bar: Annotated[
        bool, typer.Option("--suppress", help="Also keep a new import from bringing them back.")
    ] = False,
    *,
    as_json: Json = False,
) -> None:
    """Erase a person, in the database file too."""
    with project() as house:
        done = house.remove_subscriber(address, bar=bar)
        copies = house.parts.store.privacy.copies() if done else ()
    if as_json:
        print_json({"erased": done, "suppressed": bar, "copies": copies})
    else:
        say("Erased." if done else _NOBODY)
        if bar:
            say("Suppressed: no import brings the address back.")
        if copies:
            say(f"Older copies may still hold the address: {safe(', '.join(copies))}.")
    raise typer.Exit(FINE if done or bar else FINDINGS)


@guarded
def unsubscribe(
    address: Address,
    lists: Annotated[
        list[str] | None, typer.Option("--list", help="Only this list; may be repeated; all where left out.")
    ] = None,
    how: Annotated[str, typer.Option(help="How they asked, for the consent log.")] = "told the officer",
    *,
    as_json: Json = False,
) -> None:
    """Take somebody off who asked for it; a new import does not bring them back."""
    with project() as house:
        dossier = house.show_subscriber(address)
        done = house.unsubscribe(address, lists or (), how=how)
    if as_json:
        print_json({"unsubscribed": bool(done), "known": done is not None})
    else:
        say(_NOBODY if done is None else "Unsubscribed." if done else _not_on(dossier, lists or ()))
    raise typer.Exit(FINDINGS if done is None else FINE)


def _not_on(dossier: Dossier | None, lists: Sequence[str]) -> str:
    """Why nothing was to be done: they had left, or were never there."""
    never = [name for name in lists if dossier and name not in dossier.left]
    if dossier is None or not never:
        return "They had left already."
    return f"Not on {', '.join(map(safe, never))}; on: {', '.join(map(safe, dossier.person.lists)) or 'no list'}."


@guarded
def suppress(
    address: Address,
    reason: Annotated[str, typer.Option(help="Why; it stands in the log.")] = "asked not to be written to",
    *,
    as_json: Json = False,
) -> None:
    """Never write to this address again, also after a new import."""
    with project() as house:
        known = house.suppress(address, reason)
    if as_json:
        print_json({"suppressed": True, "was_listed": known})
        return
    say("Suppressed." if known else "Suppressed; it was on no list.")


@guarded
def suppressions(
    address: Annotated[
        str, typer.Argument(help="Only whether this address is suppressed.", metavar="[ADDRESS]")
    ] = "",
    *,
    as_json: Json = False,
) -> None:
    """How many addresses are never written to, and why. They are kept as keyed hashes, not as addresses."""
    with project() as house:
        people, zone = house.parts.store.people, house.parts.project.timezone
        one = people.suppression(house.addresses.hash(address)) if address else None
        counts = {} if address else people.suppressions()
    if address:
        if as_json:
            print_json(one)
        else:
            say(f"Suppressed: {safe(one.reason)}, {moment(one.at, zone)}" if one else "Not suppressed.")
        raise typer.Exit(FINE if one else FINDINGS)
    if as_json:
        print_json([{"reason": why, "count": count, "newest": at} for why, (count, at) in counts.items()])
        return
    made = table("Reason", "Addresses", "Newest")
    for why, (count, at) in counts.items():
        made.add_row(safe(why), f"{count:,}", moment(at, zone))
    say(made) if counts else say("Nobody is suppressed.")
    if counts:
        say(f"\n{many(sum(count for count, _ in counts.values()), 'address', 'addresses')}")
