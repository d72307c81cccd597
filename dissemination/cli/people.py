"""disseminate subscribers: add, import, list, export, remove, suppress."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.markup import escape

from dissemination.cli.common import FINDINGS, Json, guarded, out, print_json, project, table
from dissemination.cli.news import show_findings
from dissemination.errors import WrongUseError
from dissemination.model import Finding, Subscriber
from dissemination.subscribers import read_subscribers, write_subscribers

app = typer.Typer(help="The people who get the newsletter.", no_args_is_help=True)

Address = Annotated[str, typer.Argument(help="The mail address.", metavar="ADDRESS")]
Lists = Annotated[list[str] | None, typer.Option("--list", help="A mailing list; may be repeated.")]
Source = Annotated[str, typer.Option("--source", help='Where they consented, such as "form at the Paris meeting".')]
Date = Annotated[str, typer.Option("--date", help="When they consented, YYYY-MM-DD.")]


@app.command("add")
@guarded
def add(
    address: Address,
    *,
    lists: Lists = None,
    name: Annotated[str, typer.Option(help="Their name.")] = "",
    lang: Annotated[str, typer.Option(help="Their language.")] = "",
    source: Source = "",
    date: Date = "",
    as_json: Json = False,
) -> None:
    """Add one person who consented."""
    with project() as house:
        facts = house.parts.project
        person = Subscriber(
            id=0,
            email=address,
            name=name,
            lang=lang or facts.default_lang,
            lists=tuple(lists or list(facts.lists)[:1]),
            consent_source=source,
            consent_at=_day(date),
        )
        added = house.add_subscribers([person])
    if as_json:
        print_json({"added": added.new, "known": added.known, "suppressed": added.suppressed})
        return
    said = "Added" if added.new else "Suppressed: not added" if added.suppressed else "Known already"
    out.print(f"{said}: {escape(address)}")


@app.command("import")
@guarded
def import_(
    file: Annotated[Path, typer.Argument(help="CSV: email, name, lang, lists, consent_source, consent_at.")],
    lists: Lists = None,
    source: Source = "",
    date: Date = "",
    *,
    as_json: Json = False,
) -> None:
    """Add everybody of a CSV file, or nobody if a line is wrong."""
    with project() as house:
        facts = house.parts.project
        known = tuple(lists or list(facts.lists)[:1])
        people: list[Subscriber] = []
        findings: list[Finding] = []
        with _opened(file) as stream:
            rows = read_subscribers(
                stream,
                path=str(file),
                default_lang=facts.default_lang,
                default_lists=known,
                source=source,
                consent_at=_day(date),
            )
            for row in rows:
                (findings if isinstance(row, Finding) else people).append(row)  # type: ignore[arg-type]
        if findings:
            print_json({"added": 0, "findings": findings}) if as_json else show_findings(findings)
            raise typer.Exit(FINDINGS)
        added = house.add_subscribers(people)
    if as_json:
        print_json({"added": added.new, "known": added.known, "suppressed": added.suppressed, "findings": []})
    else:
        out.print(f"{added.new} added, {added.known} known already, {added.suppressed} suppressed")


def _opened(file: Path) -> TextIO:
    try:
        return file.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise WrongUseError(f"{file}: {error.strerror}") from error


def _day(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise WrongUseError(f"--date {text}: write YYYY-MM-DD") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@app.command("list")
@guarded
def list_(
    listed: Annotated[str, typer.Option("--list", help="Only this mailing list.")] = "",
    state: Annotated[str, typer.Option(help="active, unsubscribed or suppressed.")] = "",
    *,
    as_json: Json = False,
) -> None:
    """Show the people."""
    with project() as house:
        people = list(house.subscribers(listed=listed, state=state))
    if as_json:
        print_json(people)
        return
    made = table("Address", "Name", "Lang", "Lists", "State")
    for person in people:
        made.add_row(escape(person.email), escape(person.name), person.lang, ", ".join(person.lists), person.state)
    out.print(made)
    out.print(f"{len(people)} people")


@app.command("export")
@guarded
def export(
    file: Annotated[Path | None, typer.Argument(help="The CSV file; standard output where left out.")] = None,
) -> None:
    """Everybody as CSV that no spreadsheet mistakes for formulas."""
    with project() as house:
        if file is None:
            write_subscribers(sys.stdout, house.subscribers())
            return
        with file.open("x", encoding="utf-8", newline="") as stream:
            file.chmod(0o600)
            write_subscribers(stream, house.subscribers())
    out.print(f"Wrote {escape(str(file))}")


@app.command("remove")
@guarded
def remove(address: Address, *, as_json: Json = False) -> None:
    """Erase a person from the list."""
    with project() as house:
        done = house.remove_subscriber(address)
    if as_json:
        print_json({"erased": done})
    else:
        out.print("Erased." if done else "Nobody has this address.")
    raise typer.Exit(0 if done else FINDINGS)


@app.command("suppress")
@guarded
def suppress(
    address: Address,
    reason: Annotated[str, typer.Option(help="Why.")] = "asked not to be written to",
    *,
    as_json: Json = False,
) -> None:
    """Never write to this address again, also after a new import."""
    with project() as house:
        known = house.suppress(address, reason)
    if as_json:
        print_json({"suppressed": True, "was_listed": known})
        return
    out.print("Suppressed." if known else "Suppressed; it was on no list.")
