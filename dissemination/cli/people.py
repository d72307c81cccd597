"""disseminate subscribers: add, import, list, export, remove, suppress."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from dissemination.cli.common import FINDINGS, FINE, Json, guarded, many, print_json, project, safe, say, table
from dissemination.cli.news import show_findings
from dissemination.errors import WrongUseError
from dissemination.model import Finding, Project, Subscriber

if TYPE_CHECKING:
    from dissemination.pipeline.people import Added

app = typer.Typer(help="The people who get the newsletter.", no_args_is_help=True)

Address = Annotated[str, typer.Argument(help="The mail address.", metavar="ADDRESS")]
Lists = Annotated[list[str] | None, typer.Option("--list", help="A mailing list; may be repeated.")]
Source = Annotated[str, typer.Option("--source", help='Where they consented, such as "form at the Paris meeting".')]
Date = Annotated[str, typer.Option("--date", help="When they consented, YYYY-MM-DD.")]


class Standing(StrEnum):
    """Whether somebody is written to."""

    ACTIVE = "active"
    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSED = "suppressed"


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
            name=" ".join(name.split()),
            lang=lang or facts.default_lang,
            lists=tuple(lists or list(facts.lists)[:1]),
            consent_source=source,
            consent_at=_day(date),
        )
        added = house.add_subscribers([person])
    if as_json:
        print_json(_counts(added))
        return
    said = "Added" if added.new else "Suppressed: not added" if added.suppressed else "Known already"
    say(f"{said}: {safe(address)}")


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
        people, findings = _read(file, house.parts.project, lists or [], source, _day(date))
        added = None if findings else house.add_subscribers(people)
    if as_json:
        counts = _counts(added) if added else {"added": 0, "known": 0, "suppressed": 0}
        print_json(counts | {"findings": findings})
    elif added:
        say(f"{added.new} added, {added.known} known already, {added.suppressed} suppressed")
    else:
        show_findings(findings)
        say(f"Nobody was added: {many(len(findings), 'line')} to correct first.")
    raise typer.Exit(FINDINGS if findings else FINE)


def _counts(added: Added) -> dict[str, object]:
    return {"added": added.new, "known": added.known, "suppressed": added.suppressed}


def _read(
    file: Path, facts: Project, lists: Sequence[str], source: str, day: datetime | None
) -> tuple[list[Subscriber], list[Finding]]:
    from dissemination.subscribers import read_subscribers  # noqa: PLC0415 - only this command needs it

    people: list[Subscriber] = []
    findings: list[Finding] = []
    with _opened(file) as stream:
        rows = read_subscribers(
            stream,
            path=str(file),
            default_lang=facts.default_lang,
            default_lists=tuple(lists or list(facts.lists)[:1]),
            source=source,
            consent_at=day,
        )
        for row in rows:
            if isinstance(row, Finding):
                findings.append(row)
            else:
                people.append(row)
    return people, findings


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
    state: Annotated[Standing | None, typer.Option(help="Only who stands so.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Show the people."""
    with project() as house:
        if listed and listed not in house.parts.project.lists:
            known = ", ".join(house.parts.project.lists) or "none"
            raise WrongUseError(f"subscribers list: no list {listed}; newsletter.lists has: {known}")
        people = list(house.subscribers(listed=listed, state=state.value if state else ""))
    if as_json:
        print_json(people)
        return
    made = table("Address", "Name", "Lang", "Lists", "State")
    for person in people:
        cells = (person.email, person.name, person.lang, ", ".join(person.lists), person.state)
        made.add_row(*map(safe, cells))
    if people:
        say(made)
        say(f"\n{many(len(people), 'person', 'people')}")
    else:
        say("Nobody. `disseminate subscribers add ADDRESS` or `import FILE` takes people in, with their consent.")


@app.command("export")
@guarded
def export(
    file: Annotated[Path | None, typer.Argument(help="A new CSV file; standard output where left out.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Everybody as CSV that no spreadsheet mistakes for formulas."""
    from dissemination.subscribers import write_subscribers  # noqa: PLC0415 - only this command needs it

    with project() as house:
        people = list(house.subscribers())
    if file is None:
        print_json(people) if as_json else write_subscribers(sys.stdout, people)
        return
    try:
        file.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        raise WrongUseError(f"subscribers export: {file} is there already; name a new file") from None
    with file.open("w", encoding="utf-8", newline="") as stream:
        write_subscribers(stream, people)
    if as_json:
        print_json({"file": file, "people": len(people)})
    else:
        say(f"Wrote {safe(str(file))} ({many(len(people), 'person', 'people')}); only you can read it")


@app.command("remove")
@guarded
def remove(address: Address, *, as_json: Json = False) -> None:
    """Erase a person from the list."""
    with project() as house:
        done = house.remove_subscriber(address)
    if as_json:
        print_json({"erased": done})
    else:
        say("Erased." if done else "Nobody has this address.")
    raise typer.Exit(FINE if done else FINDINGS)


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
    say("Suppressed." if known else "Suppressed; it was on no list.")
