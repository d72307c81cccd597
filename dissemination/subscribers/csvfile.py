"""Subscribers from and to CSV files, line by line: memory does not grow with the file."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import TextIO
from zoneinfo import ZoneInfo

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
_ATTRIBUTES_LIMIT = 50
#: A column with an attribute: attr.region, attributes.region.
_ATTRIBUTE = re.compile(r"attr(?:ibutes?)?[.:]\s*(?P<name>.*)", re.IGNORECASE)
_ATTRIBUTE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
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
class _Layout:
    """How to read a line of this file: where its cells belong, and what holds for those that are left out."""

    lang: str
    lists: tuple[str, ...]
    source: str
    consent_at: datetime | None
    #: Of days and times that name none.
    zone: str = "UTC"
    delimiter: str = ","
    #: The column of each cell; "" for those that are not ours.
    columns: tuple[str, ...] = ()
    #: (place, attribute).
    attributes: tuple[tuple[int, str], ...] = ()


def read_subscribers(  # noqa: PLR0913 - what a line may leave out is said once for the whole file
    stream: TextIO,
    *,
    default_lang: str,
    source: str = "",
    consent_at: datetime | None = None,
    default_lists: Sequence[str] = (),
    zone: str = "UTC",
    path: str = "subscribers.csv",
) -> Iterator[tuple[int, Subscriber] | Finding]:
    """Read people with their line, or what is wrong with it.

    The first line names the columns; those called attr.NAME hold attributes, and unknown ones are ignored. A line
    is a person: line breaks inside quotes are not taken. Comma, semicolon or tab separate. Whoever `state` calls
    anything but active is left out, so that an export can be read back.

    Args:
        stream: opened with newline="" or not, as UTF-8; a byte order mark is skipped.
        default_lang: for lines without a language.
        source: where they consented, for lines that do not say.
        consent_at: when (aware), for lines that do not say.
        default_lists: for lines without lists.
        zone: IANA zone of days and times without an offset.
        path: the file's name, for findings.

    Yields:
        (line, subscriber with id 0), or an error finding with its line.
    """
    layout = _Layout(lang=default_lang, lists=tuple(default_lists), source=source, consent_at=consent_at, zone=zone)
    try:
        yield from _read(stream, layout, path)
    except UnicodeDecodeError:
        fix = "save the file as CSV UTF-8"
        yield _finding(_Refused("subscriber-encoding", "", "the file is not UTF-8", fix), path, 0)


def write_subscribers(stream: TextIO, people: Iterable[Subscriber], attributes: Sequence[str] = ()) -> int:
    """Write people so that no spreadsheet takes a cell for a formula, and `read_subscribers` gets them back.

    Args:
        stream: opened with newline="".
        people: as the store gives them.
        attributes: the names of those that get a column.

    Returns:
        How many people.
    """
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([*_COLUMNS, *(f"attr.{name}" for name in attributes)])
    count = 0
    for person in people:
        count += 1
        cells = (
            person.email,
            person.name,
            person.lang,
            ";".join(person.lists),
            person.state,
            person.consent_source,
            person.consent_at.isoformat() if person.consent_at else "",
            *(person.attributes.get(name, "") for name in attributes),
        )
        writer.writerow(map(as_text, cells))
    return count


def as_text(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; `read_subscribers` takes the guard off again."""
    cell = _CONTROLS.sub(" ", cell)
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _read(stream: TextIO, layout: _Layout, path: str) -> Iterator[tuple[int, Subscriber] | Finding]:
    lines = _lines(stream)
    number, header = next(lines, (1, ""))
    try:
        layout = _header(header, layout)
    except _Refused as error:
        yield _finding(error, path, number)
        return
    for number, line in lines:
        try:
            person = _person(line, layout)
        except _Refused as error:
            yield _finding(error, path, number)
        else:
            if person is not None:
                yield number, person


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
    cells = _quoted(line, delimiter) if '"' in line else line.split(delimiter)
    return [_as_written(cell) for cell in cells] if "'" in line else [cell.strip() for cell in cells]


def _quoted(line: str, delimiter: str) -> list[str]:
    try:
        [cells] = csv.reader([line], delimiter=delimiter, strict=True)
    except (csv.Error, ValueError) as error:
        fix = 'close every quote on its line, and write " inside quotes twice'
        raise _Refused("subscriber-line", "", f"the line cannot be read: {error}", fix, line) from None
    return cells


def _header(line: str | None, layout: _Layout) -> _Layout:
    delimiter = max(",;\t", key=(line or "").count)
    cells = _cells(line, delimiter)
    named = [_COLUMN_OF.get(re.sub(r"[\s_-]", "", cell.lower()), "") for cell in cells]
    columns = tuple("" if column in named[:place] else column for place, column in enumerate(named))
    if "email" not in columns:
        fix = f"name the columns in the first line: {','.join(_COLUMNS)}"
        raise _Refused("subscriber-columns", "email", "there is no column with addresses", fix, line or "")
    matches = ((place, _ATTRIBUTE.fullmatch(cell)) for place, cell in enumerate(cells))
    attributes = tuple((place, _attribute(match["name"])) for place, match in matches if match)
    if len(attributes) > _ATTRIBUTES_LIMIT or len({name for _, name in attributes}) < len(attributes):
        fix = f"name each attribute once, and at most {_ATTRIBUTES_LIMIT}"
        raise _Refused("subscriber-columns", "attr", "too many attributes, or one twice", fix, line or "")
    return replace(layout, delimiter=delimiter, columns=columns, attributes=attributes)


def _attribute(written: str) -> str:
    name = re.sub(r"\s+", "_", written.strip().lower())
    if not _ATTRIBUTE_NAME.fullmatch(name):
        fix = "name it with small letters, digits, - and _ (at most 64), such as attr.region"
        raise _Refused("subscriber-columns", "attr", "no name for an attribute", fix, written)
    return name


def _person(line: str | None, layout: _Layout) -> Subscriber | None:
    cells = _cells(line, layout.delimiter)
    if len(cells) > len(layout.columns):
        fix = "put quotes around a cell that holds the separator"
        raise _Refused(
            "subscriber-line", "", f"{len(cells)} cells under {len(layout.columns)} columns", fix, line or ""
        )
    if len(line or "") > _FIELD_LIMIT:
        _refuse_long(cells, layout)
    row = dict(zip(layout.columns, cells, strict=False))
    if row.get("state", "") not in {"", "active"}:
        return None
    source, at = _consent(row, layout)
    return Subscriber(
        id=0,
        email=_email(row.get("email", "")),
        name=_CONTROLS.sub(" ", row.get("name", "")).strip(),
        lang=_lang(row.get("lang", "")) or layout.lang,
        lists=_lists(row.get("lists", "")) or layout.lists,
        consent_source=source,
        consent_at=at,
        attributes={
            name: _CONTROLS.sub(" ", cells[place])
            for place, name in layout.attributes
            if place < len(cells) and cells[place]
        },
    )


def _refuse_long(cells: Sequence[str], layout: _Layout) -> None:
    ours = dict(enumerate(layout.columns)) | {place: f"attr.{name}" for place, name in layout.attributes}
    for place, cell in enumerate(cells):
        if ours[place] and len(cell) > _FIELD_LIMIT:
            raise _Refused(
                "subscriber-cell", ours[place], f"more than {_FIELD_LIMIT} characters", "shorten it", cell
            )


def _email(cell: str) -> str:
    try:
        return tidy(cell)
    except AddressError as error:
        raise _Refused("subscriber-email", "email", "no mail address", str(error), cell) from None


# A file says the same few things of many people: what was read once is remembered.


@lru_cache(maxsize=1_024)
def _lang(cell: str) -> str:
    if cell and not _LANGUAGE.fullmatch(cell):
        raise _Refused("subscriber-lang", "lang", "no language code", "write en, ro or pt-BR", cell)
    return cell.replace("_", "-")


@lru_cache(maxsize=1_024)
def _lists(cell: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in cell.split(";") if name.strip()))
    if len(names) > _LISTS_LIMIT:
        raise _Refused("subscriber-lists", "lists", f"more than {_LISTS_LIMIT} lists", "name fewer", cell)
    return names


def _consent(row: Mapping[str, str], layout: _Layout) -> tuple[str, datetime]:
    source = _CONTROLS.sub(" ", row.get("consent_source", "")).strip() or layout.source
    at = _moment(row.get("consent_at", ""), layout.zone) or layout.consent_at
    if not source or at is None:
        missing = "consent_at" if source else "consent_source"
        fix = "fill the columns consent_source and consent_at, or give --source and --date"
        raise _Refused("subscriber-consent", missing, "it is not said where and when they consented", fix)
    return source, at


@lru_cache(maxsize=4_096)
def _moment(cell: str, zone: str) -> datetime | None:
    if not cell:
        return None
    try:
        moment = datetime.fromisoformat(cell)
        return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
    except (ValueError, OverflowError):
        fix = "write YYYY-MM-DD, with a time if you have one"
        raise _Refused("subscriber-consent", "consent_at", "no date", fix, cell) from None


def _as_written(cell: str) -> str:
    cell = cell.strip()
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _finding(error: _Refused, path: str, number: int) -> Finding:
    return Finding(level=Level.ERROR, path=path, line=number, **error.finding)
