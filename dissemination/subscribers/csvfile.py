"""Subscribers from and to CSV files, line by line: memory does not grow with the file."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TextIO

from dissemination.errors import AddressError
from dissemination.model import Finding, Level, Subscriber
from dissemination.subscribers.addresses import tidy

#: How programs and people name the columns; compared in lower case, without spaces, "-" and "_".
_ALIASES = {
    "email": ("email", "mail", "emailaddress", "mailaddress", "address", "eaddress", "subscriberemail"),
    "name": ("name", "fullname", "displayname", "subscribername"),
    "lang": ("lang", "language", "locale", "languagecode"),
    "lists": ("lists", "list", "mailinglist", "mailinglists"),
    "consent_source": ("consentsource", "source", "optinsource", "consentfrom"),
    "consent_at": ("consentat", "consentdate", "consent", "optindate", "optintime", "subscribedat"),
    "state": ("state", "status"),
}
_COLUMN_OF = {alias: column for column, aliases in _ALIASES.items() for alias in aliases}
_COLUMNS = ("email", "name", "lang", "lists", "state", "consent_source", "consent_at")
_LINE_LIMIT = 10_000
_FIELD_LIMIT = 500
_LISTS_LIMIT = 50
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
#: What a spreadsheet may take for a formula, also in full width and after spaces; "'" before it makes it text.
_FORMULA = re.compile(r"'*\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")


class _Refused(Exception):  # noqa: N818 - never leaves this file
    """One line is wrong: rule, field, what, what to do, what was seen."""

    def __init__(self, rule: str, field: str, message: str, fix: str, seen: str = "") -> None:
        super().__init__(message)
        self.finding = {"rule": rule, "field": field, "message": message, "fix": fix, "seen": seen[:120]}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Defaults:
    """What holds for lines that say nothing themselves."""

    lang: str
    lists: tuple[str, ...]
    source: str
    consent_at: datetime | None


def read_subscribers(  # noqa: PLR0913 - what a line may leave out is said once for the whole file
    stream: TextIO,
    *,
    default_lang: str,
    source: str = "",
    consent_at: datetime | None = None,
    default_lists: Sequence[str] = (),
    path: str = "subscribers.csv",
) -> Iterator[Subscriber | Finding]:
    """Read people, or what is wrong with their line. The first line names the columns; unknown ones are ignored.

    A line is a person: line breaks inside quotes are not taken. Comma, semicolon or tab separate. Whoever `state`
    calls anything but active is left out, so that an export can be read back.

    Args:
        stream: opened with newline="" or not, as UTF-8; a byte order mark is skipped.
        default_lang: for lines without a language.
        source: where they consented, for lines that do not say.
        consent_at: when (aware), for lines that do not say.
        default_lists: for lines without lists.
        path: the file's name, for findings.

    Yields:
        A subscriber with id 0, or an error finding with its line.
    """
    defaults = _Defaults(lang=default_lang, lists=tuple(default_lists), source=source, consent_at=consent_at)
    try:
        yield from _read(stream, defaults, path)
    except UnicodeDecodeError:
        fix = "save the file as CSV UTF-8"
        yield _finding(_Refused("subscriber-encoding", "", "the file is not UTF-8", fix), path, 0)


def write_subscribers(stream: TextIO, people: Iterable[Subscriber]) -> None:
    """Write people so that no spreadsheet takes a cell for a formula, and `read_subscribers` gets them back.

    Args:
        stream: opened with newline="".
        people: as the store gives them.
    """
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for person in people:
        cells: Mapping[str, str] = {
            "email": person.email,
            "name": person.name,
            "lang": person.lang,
            "lists": ";".join(person.lists),
            "state": person.state,
            "consent_source": person.consent_source,
            "consent_at": person.consent_at.isoformat() if person.consent_at else "",
        }
        writer.writerow([_as_text(cells[column]) for column in _COLUMNS])


def _read(stream: TextIO, defaults: _Defaults, path: str) -> Iterator[Subscriber | Finding]:
    lines = _lines(stream)
    number, header = next(lines, (1, ""))
    delimiter = max(",;\t", key=(header or "").count)
    try:
        columns = _header(header, delimiter)
    except _Refused as error:
        yield _finding(error, path, number)
        return
    for number, line in lines:
        try:
            person = _person(line, delimiter, columns, defaults)
        except _Refused as error:
            yield _finding(error, path, number)
        else:
            if person is not None:
                yield person


def _lines(stream: TextIO) -> Iterator[tuple[int, str | None]]:
    """Numbered lines that are not empty; None for one that is too long."""
    number = 0
    while line := stream.readline(_LINE_LIMIT):
        number += 1
        whole = line.endswith(("\n", "\r")) or len(line) < _LINE_LIMIT
        while not whole:
            rest = stream.readline(_LINE_LIMIT)
            whole = not rest or rest.endswith(("\n", "\r"))
            line = ""
        text = line.strip("\r\n")
        if number == 1:
            text = text.removeprefix("\ufeff")
        if text.strip() or not line:
            yield number, text if line else None


def _cells(line: str | None, delimiter: str) -> list[str]:
    if line is None:
        raise _Refused("subscriber-line", "", f"the line has more than {_LINE_LIMIT:,} characters", "shorten it")
    try:
        [cells] = csv.reader([line], delimiter=delimiter, strict=True)
    except (csv.Error, ValueError) as error:
        fix = 'close every quote on its line, and write " inside quotes twice'
        raise _Refused("subscriber-line", "", f"the line cannot be read: {error}", fix, line) from None
    return [_as_written(cell) for cell in cells]


def _header(line: str | None, delimiter: str) -> list[str]:
    """The name of each column; "" for those that are not ours."""
    named = [_COLUMN_OF.get(re.sub(r"[\s_-]", "", cell.lower()), "") for cell in _cells(line, delimiter)]
    columns = ["" if column in named[:place] else column for place, column in enumerate(named)]
    if "email" not in columns:
        fix = f"name the columns in the first line: {','.join(_COLUMNS)}"
        raise _Refused("subscriber-columns", "email", "there is no column with addresses", fix, line or "")
    return columns


def _person(line: str | None, delimiter: str, columns: Sequence[str], defaults: _Defaults) -> Subscriber | None:
    cells = _cells(line, delimiter)
    if len(cells) > len(columns):
        fix = "put quotes around a cell that holds the separator"
        raise _Refused("subscriber-line", "", f"{len(cells)} cells under {len(columns)} columns", fix, line or "")
    row = {column: cell for column, cell in zip(columns, cells, strict=False) if column}
    for column, cell in row.items():
        if len(cell) > _FIELD_LIMIT:
            raise _Refused("subscriber-cell", column, f"more than {_FIELD_LIMIT} characters", "shorten it", cell)
    if row.get("state", "") not in {"", "active"}:
        return None
    return Subscriber(
        id=0,
        email=_email(row.get("email", "")),
        name=_CONTROLS.sub(" ", row.get("name", "")).strip(),
        lang=_lang(row.get("lang", "")) or defaults.lang,
        lists=_lists(row.get("lists", "")) or defaults.lists,
        **_consent(row, defaults),
    )


def _email(cell: str) -> str:
    try:
        return tidy(cell)
    except AddressError as error:
        raise _Refused("subscriber-email", "email", "no mail address", str(error), cell) from None


def _lang(cell: str) -> str:
    if cell and not _LANGUAGE.fullmatch(cell):
        raise _Refused("subscriber-lang", "lang", "no language code", "write en, ro or pt-BR", cell)
    return cell.replace("_", "-")


def _lists(cell: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in cell.split(";") if name.strip()))
    if len(names) > _LISTS_LIMIT:
        raise _Refused("subscriber-lists", "lists", f"more than {_LISTS_LIMIT} lists", "name fewer", cell)
    return names


def _consent(row: Mapping[str, str], defaults: _Defaults) -> dict[str, Any]:
    source = _CONTROLS.sub(" ", row.get("consent_source", "")).strip() or defaults.source
    at = _moment(row.get("consent_at", "")) or defaults.consent_at
    if not source or at is None:
        missing = "consent_at" if source else "consent_source"
        fix = "fill the columns consent_source and consent_at, or give --source and --date"
        raise _Refused("subscriber-consent", missing, "it is not said where and when they consented", fix)
    return {"consent_source": source, "consent_at": at}


def _moment(cell: str) -> datetime | None:
    if not cell:
        return None
    try:
        moment = datetime.fromisoformat(cell)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        fix = "write YYYY-MM-DD, with a time if you have one"
        raise _Refused("subscriber-consent", "consent_at", "no date", fix, cell) from None


def _as_text(cell: str) -> str:
    cell = _CONTROLS.sub(" ", cell)
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _as_written(cell: str) -> str:
    cell = cell.strip()
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _finding(error: _Refused, path: str, number: int) -> Finding:
    return Finding(level=Level.ERROR, path=path, line=number, **error.finding)
