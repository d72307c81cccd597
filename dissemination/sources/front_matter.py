"""Splits a file into its header and its body, whatever the header is wrapped in, and reads the header.

Six wrappings: YAML between `---`, TOML between `+++`, a JSON object, Nikola's `.. key: value` lines (also in
an HTML comment), Pelican's unfenced `Key: value` lines, and none.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any

from dissemination.model import Finding
from dissemination.sources import strict_yaml
from dissemination.sources.refusal import refused

HEADER_LIMIT = 64 * 1024

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
_CLOSED_BY = {
    "yaml": re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE),
    "toml": re.compile(r"^\+\+\+[ \t]*$", re.MULTILINE),
}
_NIKOLA = re.compile(r"(?:<!--[ \t]*\n)?((?:\.\. [A-Za-z][\w-]*:.*(?:\n|\Z))+)(?:\n*-->[ \t]*)?")
_PELICAN = re.compile(r"((?:[A-Za-z][\w-]*:(?:[ \t].*)?(?:\n|\Z)(?:[ \t]{4,}\S.*(?:\n|\Z))*)+)")
_PELICAN_TITLE = re.compile(r"^title:[ \t]*\S", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """A header as it was read: plain data only."""

    #: "yaml", "toml", "json", "nikola", "pelican" or "none".
    container: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    #: Dotted path of a key -> its 1-based line in the file.
    lines: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[Finding, ...] = ()


def decode(body: bytes) -> str:
    """The file's text: UTF-8 with or without a BOM, any line ends, no control characters.

    Raises:
        RefusedError: it is something else; the line is named.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        wide = body[:2] in {b"\xff\xfe", b"\xfe\xff"}
        message = "the file is UTF-16, not UTF-8" if wide else "the file is not UTF-8"
        line = body.count(b"\n", 0, error.start) + 1
        fix = 'in the editor: "Save as", encoding UTF-8'
        raise refused("not-utf8", message, line=line, fix=fix) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    found = _CONTROL.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        message = f"the control character U+{ord(found.group()):04X} cannot be sent"
        raise refused("control-character", message, line=line, fix="delete it")
    return text


def read_header(text: str) -> tuple[Header, str, int]:
    """The header, the body, and the line on which the body begins.

    Raises:
        RefusedError: a header that is not closed, too large, or not readable.
    """
    container, header, start, end = _split(text)
    if len(header.encode()) > HEADER_LIMIT:
        raise refused("too-large", "the front matter is larger than 64 KB", line=1, fix="move text to the body")
    first_line = text.count("\n", 0, start) + 1
    fields, lines, warnings = _READERS[container](header, first_line)
    read = Header(container=container, fields=fields, lines=lines, warnings=warnings)
    return read, text[end:], text.count("\n", 0, end) + 1


def _split(text: str) -> tuple[str, str, int, int]:
    """(container, header text, where it starts, where the body starts)."""
    start = len(text) - len(text.lstrip("\n \t"))
    opening = text[start:].partition("\n")[0].rstrip()
    if opening in {"---", "+++"}:
        return _fenced(text, "yaml" if opening == "---" else "toml", start)
    if opening.startswith(("---js", "---json", "---toml")):
        message = f"front matter in {opening[3:]} is not read"
        raise refused("front-matter-unknown", message, line=1, fix="write it as YAML between --- and ---")
    if opening.startswith("{"):
        return "json", *_json_extent(text, start)
    nikola = _NIKOLA.match(text, start)
    if nikola:
        return "nikola", nikola.group(1), nikola.start(1), nikola.end()
    pelican = _PELICAN.match(text, start)
    if pelican and _PELICAN_TITLE.search(pelican.group(1)):
        return "pelican", pelican.group(1), pelican.start(1), pelican.end()
    return "none", "", 0, 0


def _fenced(text: str, container: str, start: int) -> tuple[str, str, int, int]:
    first = text.find("\n", start) + 1
    closing = _CLOSED_BY[container].search(text, first) if first else None
    if not closing:
        fence = text[start : start + 3]
        message = f"the front matter that begins with {fence} is never closed"
        fix = f"a line {fence} after its last field"
        raise refused("front-matter-unclosed", message, line=text.count("\n", 0, start) + 1, fix=fix)
    return container, text[first : closing.start()], first, min(closing.end() + 1, len(text))


def _json_extent(text: str, start: int) -> tuple[str, int, int]:
    if len(text) - start > HEADER_LIMIT:
        text = text[: start + HEADER_LIMIT + 1]
    try:
        _, end = json.JSONDecoder(parse_int=str, parse_float=str).raw_decode(text, start)
    except json.JSONDecodeError as error:
        message = f"the JSON front matter is not readable ({error.msg})"
        raise refused("json-syntax", message, line=error.lineno) from None
    except RecursionError:
        raise refused("too-deep", "nested too deep", line=text.count("\n", 0, start) + 1) from None
    return text[start:end], start, end


_Read = tuple[dict[str, Any], dict[str, int], tuple[Finding, ...]]


def _read_toml(text: str, first_line: int) -> _Read:
    rows = text.split("\n")
    for number, row in enumerate(rows):
        # tomllib needs 18 seconds for a key of 30,000 dotted parts.
        if row.count(".") > 500:
            raise refused("too-deep", "a line with more than 500 dots", line=first_line + number)
    try:
        data = tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, and numbers of thousands of digits
        found = re.search(r"at line (\d+)", str(error))
        line = first_line + (int(found.group(1)) - 1 if found else 0)
        message = f"the TOML front matter is not readable ({error})"
        raise refused("toml-syntax", message, line=line, seen=rows[min(line - first_line, len(rows) - 1)]) from None
    except RecursionError:
        raise refused("too-deep", "nested too deep", line=first_line) from None
    return _plain(data, 0, first_line), _key_lines(text, data, first_line, "="), ()


def _read_json(text: str, first_line: int) -> _Read:
    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        data = dict(found)
        if len(data) < len(found):
            names = [name for name, _ in found]
            twice = next(name for name in names if names.count(name) > 1)
            raise refused("duplicate-key", f"the field `{twice}` stands here twice", line=first_line, field=twice)
        return data

    data = json.loads(text, object_pairs_hook=pairs, parse_int=_number, parse_float=str)
    return _plain(data, 0, first_line), _key_lines(text, data, first_line, ":"), ()


def _number(digits: str) -> int | str:
    return int(digits) if len(digits) < 19 else digits


def _plain(value: Any, depth: int, line: int) -> Any:
    """Dates become text again: all times are parsed in one place."""
    if depth > strict_yaml.MAX_DEPTH:
        raise refused("too-deep", f"nested more than {strict_yaml.MAX_DEPTH} levels deep", line=line)
    if isinstance(value, dict):
        return {_text(key, line): _plain(inner, depth + 1, line) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner, depth + 1, line) for inner in value]
    if isinstance(value, date | time):  # a datetime is a date
        return value.isoformat()
    if isinstance(value, float):
        return str(value)
    return _text(value, line) if isinstance(value, str) else value


def _text(value: str, line: int) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise refused("control-character", "half a character (a lone surrogate)", line=line) from None
    found = _CONTROL.search(value)
    if found:
        message = f"the control character U+{ord(found.group()):04X} cannot be sent"
        raise refused("control-character", message, line=line, fix="delete it")
    return value


def _key_lines(text: str, data: Mapping[str, Any], first_line: int, mark: str) -> dict[str, int]:
    """Neither library tells lines: the first line that looks like the key is taken, also for what is inside it."""
    lines: dict[str, int] = {}
    for key in data:
        pattern = rf"^[ \t{{,]*\[*[\"']?{re.escape(key)}[\"']?[ \t]*(?:{mark}|\])"
        found = re.search(pattern, text, re.MULTILINE)
        lines[key] = first_line + (text.count("\n", 0, found.end()) if found else 0)
    return lines


def _read_lines(text: str, first_line: int) -> _Read:
    """Nikola's and Pelican's lines: keys in lower case, values are text, indented lines go on."""
    fields: dict[str, Any] = {}
    lines: dict[str, int] = {}
    key = ""
    for number, row in enumerate(text.split("\n"), first_line):
        if row[:1] in {" ", "\t"} and key:
            fields[key] = f"{fields[key]} {row.strip()}".strip()
        elif row.strip():
            name, _, value = row.removeprefix(".. ").partition(":")
            key = name.strip().lower()
            if key in fields:
                message = f"the field `{key}` stands here twice; the first is in line {lines[key]}"
                raise refused("duplicate-key", message, line=number, field=key, fix="keep one of the two")
            fields[key], lines[key] = value.strip(), number
    return fields, lines, ()


def _read_nothing(*_nothing: object) -> _Read:
    return {}, {}, ()


_READERS: Mapping[str, Callable[[str, int], _Read]] = {
    "yaml": strict_yaml.load,
    "toml": _read_toml,
    "json": _read_json,
    "nikola": _read_lines,
    "pelican": _read_lines,
    "none": _read_nothing,
}
