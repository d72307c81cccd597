"""YAML for strangers' front matter: pure Python, bounded, YAML 1.2 scalars, every key with its line.

PyYAML's own loaders turn `no` into False, `12:30` into 750, expand alias bombs, keep the last of two equal
keys, and its C loader ends the process at deep nesting. Here only the parser's events are used: no tags, no
aliases, no constructors, so that none of it can happen.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from dissemination.model import Finding, Level
from dissemination.sources.refusal import note, quoted, refused

MAX_DEPTH = 20

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
#: No leading zeros: `014` is somebody's label, not the number 12 (YAML 1.1) or 14.
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_COMMENT = re.compile(r"[ \t]+(#\S.*)")
_PAIR = re.compile(r"[ \t]*(?:- +)?([^\s:#'\"\[{][^:]*):[ \t]+(\S.*)")


def load(text: str, first_line: int = 1) -> tuple[dict[str, Any], dict[str, int], tuple[Finding, ...]]:
    r"""Read a mapping.

    Args:
        text: the YAML, at most 64 KiB, with `\n` line ends.
        first_line: the line of the file on which `text` begins.

    Returns:
        The data (dict, list, str, int, bool and None only), the line of every key by its dotted path
        ("image.alt", "images.0.alt"), and warnings on values that a `#` cut short.

    Raises:
        RefusedError: anything else than such a mapping.
    """
    document = _Document(text, first_line)
    try:
        return document.mapping(), document.key_lines, tuple(document.warnings)
    except yaml.YAMLError as error:
        raise _syntax(error, document.rows, first_line) from None


class _Document(yaml.SafeLoader):
    """Reads events into plain data. Base class: PyYAML's pure Python scanner and parser."""

    def __init__(self, text: str, first_line: int) -> None:
        self.rows = text.split("\n")
        self.first_line = first_line
        self.key_lines: dict[str, int] = {}
        self.warnings: list[Finding] = []
        super().__init__(text)

    def mapping(self) -> dict[str, Any]:
        """The one mapping of the one document."""
        self._next()  # the stream starts
        if isinstance(self._next(), yaml.StreamEndEvent):
            return {}
        value = self._value("", 0)
        self._next()  # the document ends
        if not isinstance(self._peek(), yaml.StreamEndEvent):
            raise refused("yaml-syntax", "a second document begins in the front matter", line=self._line())
        if value is None:
            return {}
        if not isinstance(value, dict):
            message = "the front matter is no list of `field: value` lines"
            raise refused("yaml-syntax", message, line=self.first_line, fix='title: "…"')
        return value

    def _next(self) -> Any:
        return self.get_event()  # type: ignore[no-untyped-call] # the stubs leave the parser untyped

    def _peek(self) -> Any:
        return self.peek_event()  # type: ignore[no-untyped-call] # the stubs leave the parser untyped

    def _line(self) -> int:
        return self.first_line + int(self._peek().start_mark.line)

    def _value(self, path: str, depth: int) -> Any:
        self._admit(path, depth)
        event = self._next()
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path, depth)
        return self._pairs(path, depth)

    def _admit(self, path: str, depth: int) -> None:
        event, line = self._peek(), self._line()
        if depth > MAX_DEPTH:
            field = path.lstrip(".").partition(".")[0]
            raise refused("too-deep", f"nested more than {MAX_DEPTH} levels deep", line=line, field=field)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            fix = 'put the text in quotes, e.g. title: "*news*"'
            raise refused("yaml-alias", "`&` and `*` references are not read", line=line, field=path, fix=fix)
        if getattr(event, "tag", None) is not None:
            fix = 'put the text in quotes, e.g. title: "!new"'
            raise refused("yaml-tag", "`!` tags are not read", line=line, field=path, fix=fix)

    def _sequence(self, path: str, depth: int) -> list[Any]:
        values: list[Any] = []
        while not self.check_event(yaml.SequenceEndEvent):
            here = f"{path}.{len(values)}"
            self.key_lines[here] = self._line()
            values.append(self._value(here, depth + 1))
        self._next()
        return values

    def _pairs(self, path: str, depth: int) -> dict[str, Any]:
        pairs: dict[str, Any] = {}
        while not self.check_event(yaml.MappingEndEvent):
            line = self._line()
            key = self._key(path, depth)
            here = f"{path}.{key}" if path else key
            if key in pairs:
                message = f"the field `{key}` stands here twice; the first is in line {self.key_lines[here]}"
                raise refused("duplicate-key", message, line=line, field=here, fix="keep one of the two")
            self.key_lines[here] = line
            pairs[key] = self._value(here, depth + 1)
        self._next()
        return pairs

    def _key(self, path: str, depth: int) -> str:
        self._admit(path, depth)
        event = self._next()
        if not isinstance(event, yaml.ScalarEvent):
            line = self.first_line + event.start_mark.line
            raise refused("yaml-syntax", "a list or a map cannot be the name of a field", line=line)
        self._check_characters(event, path)
        return str(event.value)

    def _scalar(self, event: Any, path: str) -> Any:
        self._check_characters(event, path)
        if event.style is not None:
            return event.value
        self._check_comment(event, path)
        if event.value in _NULLS:
            return None
        if event.value in _BOOLS:
            return _BOOLS[event.value]
        return int(event.value) if _INT.fullmatch(event.value) else event.value

    def _check_characters(self, event: Any, path: str) -> None:
        found = _CONTROL.search(event.value)
        if found:
            message = f"the control character U+{ord(found.group()):04X} cannot be sent"
            line = self.first_line + event.start_mark.line
            raise refused("control-character", message, line=line, field=path, fix="delete it")

    def _check_comment(self, event: Any, path: str) -> None:
        """`hashtags: #Interreg` is an empty value and a comment; whoever wrote it meant something else."""
        mark = event.end_mark
        found = _COMMENT.match(self.rows[mark.line][mark.column :]) if mark.line < len(self.rows) else None
        if not found:
            return
        lost, line = found.group(1), self.first_line + mark.line
        name = path.rsplit(".", 1)[-1]
        whole = quoted(f"{event.value} {lost}".strip())
        fix = f"- {whole}" if name.isdigit() else f"{name}: {whole}"
        if not event.value:
            message = "everything after `#` is a comment, so that the value is lost"
            raise refused("value-lost", message, line=line, field=path, fix=fix, seen=lost)
        message = "everything after ` #` is a comment, so that the value is cut short"
        self.warnings.append(note("value-cut", Level.WARNING, message, line=line, fix=fix, field=path, seen=lost))


def _syntax(error: yaml.YAMLError, rows: list[str], first_line: int) -> Exception:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None) or "not readable"
    context = getattr(error, "context", None) or ""
    if "quoted scalar" in context or "flow" in context:
        # The scanner notices at the end of the text; the author's slip is where the quote or bracket opened.
        mark = getattr(error, "context_mark", None) or mark
    index = min(mark.line, len(rows) - 1) if mark else 0
    while index and not rows[index].strip():
        index -= 1  # at the end of the text: the last line that says something
    pair = _PAIR.fullmatch(rows[index])
    field = pair.group(1).strip() if pair else ""
    return refused(
        "yaml-syntax",
        f"the front matter is not readable here ({problem})",
        line=first_line + index,
        field=field,
        fix=_quoting(field, pair.group(2)) if pair else "",
        seen=rows[index],
    )


def _quoting(field: str, value: str) -> str:
    bare = value.strip()
    if bare[0] in "'\"" and bare.count(bare[0]) == 1 + (len(bare) > 1 and bare[0] == bare[-1]):
        bare = bare.strip(bare[0])
    return f"{field}: {quoted(bare)}"
