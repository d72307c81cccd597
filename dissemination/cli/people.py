"""disseminate subscribers: many people at once: add, import, list, export."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self, TextIO
from zoneinfo import ZoneInfo

import typer

from dissemination.cli.checking import show_findings
from dissemination.cli.common import (
    FINDINGS,
    FINE,
    Json,
    guarded,
    many,
    print_json,
    print_json_list,
    project,
    safe,
    say,
    table,
)
from dissemination.errors import FileRefusedError, WrongUseError
from dissemination.files import read_below
from dissemination.model import Added, Finding, Project, Subscriber

app = typer.Typer(help="The people who get the newsletter.", no_args_is_help=True)

Address = Annotated[str, typer.Argument(help="The mail address.", metavar="ADDRESS")]
Lists = Annotated[list[str] | None, typer.Option("--list", help="A mailing list; may be repeated.")]
Source = Annotated[str, typer.Option("--source", help='Where they consented, such as "form at the Paris meeting".')]
Date = Annotated[str, typer.Option("--date", help="When they consented, YYYY-MM-DD.")]


#: Findings that the screen shows; a report has them all, with these facts of each.
_FIRST = 20
_REPORT = ("line", "field", "message", "fix", "seen")
_WORDS_LIMIT = 100_000
_ATTRIBUTE = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class Standing(StrEnum):
    """Whether somebody is written to."""

    ACTIVE = "active"
    UNCONFIRMED = "unconfirmed"
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
    attributes: Annotated[
        list[str] | None, typer.Option("--attribute", help="NAME=VALUE, for segments; may be repeated.")
    ] = None,
    source: Source = "",
    date: Date = "",
    as_json: Json = False,
) -> None:
    """Add one person who consented."""
    from dissemination.pipeline.people import foreign  # noqa: PLC0415 - only this command needs it

    with project() as house:
        facts = house.parts.project
        person = Subscriber(
            id=0,
            email=address,
            name=" ".join(name.split()),
            lang=lang or facts.default_lang,
            lists=tuple(lists or list(facts.lists)[:1]),
            consent_source=source,
            consent_at=_day(date, facts.timezone),
            attributes=dict(_pair(text) for text in attributes or ()),
        )
        added = house.add_subscribers([person])
    if as_json:
        print_json(_counts(added))
        return
    said = "Added" if added.new else "Suppressed: not added" if added.suppressed else "Known already"
    say(f"{said}: {safe(address)}")
    if person.lang not in facts.languages:
        say(f"[yellow]Note:[/yellow] {safe('; '.join(foreign(facts, person.lang)))}")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not value or not _ATTRIBUTE.fullmatch(name):
        raise WrongUseError(f"--attribute {text}: write NAME=VALUE; a name has small letters, digits, - and _")
    return name, value


@app.command("import")
@guarded
def import_(
    file: Annotated[
        Path, typer.Argument(help="CSV: email, name, lang, lists, consent_source, consent_at, attr.NAME.")
    ],
    *,
    lists: Lists = None,
    source: Source = "",
    date: Date = "",
    wording: Annotated[
        str, typer.Option("--wording", help="The words they agreed to, or a text file with them.", metavar="TEXT")
    ] = "",
    report: Annotated[
        Path | None, typer.Option("--report", help="A new CSV file for everything that is wrong.", metavar="FILE")
    ] = None,
    as_json: Json = False,
) -> None:
    """Add everybody of a CSV file, or nobody if a line is wrong."""
    from dissemination.pipeline.people import Import  # noqa: PLC0415 - only this command needs it

    shown = _Shown(report)
    with project() as house, _opened(file) as stream, shown:
        rows = _rows(stream, file, house.parts.project, (lists or [], source, date))
        words = Import(rows=rows, path=str(file), name=file.name, wording=_words(wording))
        done = house.import_subscribers(words, shown.tell)
    if as_json:
        print_json(_counts(done.added) | {"wrong": done.wrong, "findings": shown.first})
    elif done.wrong:
        _tell_wrong(shown, done.wrong, report)
    else:
        show_findings(shown.first)
        added = done.added
        say(f"{added.new:,} added, {added.known:,} known already, {added.suppressed:,} suppressed")
    raise typer.Exit(FINDINGS if done.wrong else FINE)


def _counts(added: Added) -> dict[str, object]:
    return {"added": added.new, "known": added.known, "suppressed": added.suppressed}


def _rows(
    stream: TextIO, file: Path, facts: Project, said: tuple[Sequence[str], str, str]
) -> Iterator[tuple[int, Subscriber] | Finding]:
    from dissemination.subscribers import read_subscribers  # noqa: PLC0415 - only this command needs it

    lists, source, date = said
    if unknown := [name for name in lists if name not in facts.lists]:
        known = ", ".join(facts.lists) or "none"
        raise WrongUseError(f"subscribers import: no list {unknown[0]}; newsletter.lists has: {known}")
    return read_subscribers(
        stream,
        path=str(file),
        default_lang=facts.default_lang,
        default_lists=tuple(lists or list(facts.lists)[:1]),
        source=source,
        consent_at=_day(date, facts.timezone),
        zone=facts.timezone,
    )


class _Shown:
    """Findings of an import: the first ones for the screen, all of them for the report."""

    def __init__(self, report: Path | None) -> None:
        self.first: list[Finding] = []
        self._report = report
        self._stream: TextIO | None = None

    def __enter__(self) -> Self:
        if self._report:
            self._stream = _new(self._report, "subscribers import --report")
            csv.writer(self._stream).writerow(_REPORT)
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream:
            self._stream.close()

    def tell(self, finding: Finding) -> None:
        """Keep it, and write it down."""
        from dissemination.subscribers import as_text  # noqa: PLC0415 - only this command needs it

        if len(self.first) < _FIRST:
            self.first.append(finding)
        if self._stream:
            csv.writer(self._stream).writerow(as_text(str(getattr(finding, name))) for name in _REPORT)


def _tell_wrong(shown: _Shown, wrong: int, report: Path | None) -> None:
    show_findings(sorted(shown.first, key=lambda finding: finding.line))
    rest = wrong - len(shown.first)
    if rest > 0 and not report:
        say(f"and {rest:,} more; `--report FILE` writes them all into a file.")
    if report:
        say(f"Wrote {safe(str(report))}; only you can read it.")
    say(f"Nobody was added: {many(wrong, 'line')} to correct first.")


def _words(wording: str) -> str:
    """The words of `--wording`: a file's, or as they were given."""
    if not wording or any(letter.isspace() for letter in wording.strip()):
        return wording.strip()
    try:
        return read_below(Path(wording).parent, Path(wording).name, limit=_WORDS_LIMIT).decode("utf-8-sig").strip()
    except (OSError, ValueError, FileRefusedError) as error:
        raise WrongUseError(
            f"--wording {wording}: {error}; name a text file, or write the words in quotes"
        ) from error


def _opened(file: Path) -> TextIO:
    try:
        return file.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise WrongUseError(f"{file}: {error.strerror}") from error


def _new(file: Path, command: str) -> TextIO:
    """A file that was not there before, readable by its owner alone."""
    try:
        file.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        raise WrongUseError(f"{command}: {file} is there already; name a new file") from None
    return file.open("w", encoding="utf-8", newline="")


def _day(text: str, zone: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise WrongUseError(f"--date {text}: write YYYY-MM-DD") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))


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
        found = house.subscribers(listed=listed, state=state.value if state else "")
        if as_json:
            print_json_list(found)
            return
        people = list(found)
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
        people, names = house.subscribers(), house.parts.store.people.attributes()
        if file is None:
            print_json_list(people) if as_json else write_subscribers(sys.stdout, people, names)
            return
        with _new(file, "subscribers export") as stream:
            count = write_subscribers(stream, people, names)
    if as_json:
        print_json({"file": file, "people": count})
    else:
        say(f"Wrote {safe(str(file))} ({many(count, 'person', 'people')}); only you can read it")
