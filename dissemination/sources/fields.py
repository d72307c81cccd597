"""Typed reading of front matter: what is wrong is noted with its line, and reading goes on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar

from dissemination.model import Finding, Level
from dissemination.sources.dialects import nearest, unknown_field
from dissemination.sources.refusal import note, quoted, shortened
from dissemination.sources.times import TimeError, parse_time

T = TypeVar("T")

_NAMES = {str: "text", int: "a number", bool: "true or false", list: "a list", dict: "a map", type(None): "nothing"}


class Fields:
    """One mapping of the front matter.

    Args:
        values: canonical field -> value as read.
        lines: dotted path -> line in the file.
        findings: where problems are noted.
        prefix: the path of this mapping in the whole ("image."), "" for the outermost.
    """

    def __init__(
        self, values: Mapping[str, Any], lines: Mapping[str, int], findings: list[Finding], prefix: str = ""
    ) -> None:
        self._values = values
        self._lines = lines
        self._findings = findings
        self._prefix = prefix

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    def raw(self, name: str) -> Any:
        """The value as it was read, or None."""
        return self._values.get(name)

    def line(self, name: str) -> int:
        """The field's line, else that of the field around it."""
        path = f"{self._prefix}{name}"
        while path not in self._lines and "." in path:
            path = path.rpartition(".")[0]
        return self._lines.get(path, 0)

    def wrong(self, name: str, rule: str, message: str, *, level: Level = Level.ERROR, **facts: str) -> None:
        """Note a problem of one field; `facts` are `fix` and `seen`."""
        field = f"{self._prefix}{name}"
        self._findings.append(note(rule, level, message, line=self.line(name), field=field, **facts))

    def text(self, name: str) -> str:
        """Text on one line; a number is taken as its digits."""
        value = self._values.get(name)
        if isinstance(value, bool) or not isinstance(value, str | int | None):
            self._wrong_type(name, value, f"{name}: {quoted(str(value))}" if isinstance(value, bool) else "")
            return ""
        return "" if value is None else " ".join(str(value).split())

    def passage(self, name: str) -> str:
        """Text with its line breaks."""
        value = self._values.get(name)
        return value.strip() if isinstance(value, str) else self.text(name)

    def passages(self, name: str) -> tuple[str, ...]:
        """A list of texts with their line breaks; one text is a list of one."""
        value = self._values.get(name)
        if not isinstance(value, list):
            return tuple(filter(None, [self.passage(name)]))
        inner = self._listed(name, value)
        return tuple(filter(None, (inner.passage(str(index)) for index in range(len(value)))))

    def texts(self, name: str, separators: str = ",") -> tuple[str, ...]:
        """A list of texts without doubles; one text is split at any of the separators (a regex set)."""
        value = self._values.get(name)
        if isinstance(value, str):
            value = re.split(f"[{separators}]", value) if separators else [value]
        if isinstance(value, int) and not isinstance(value, bool):
            value = [value]
        if value is None:
            return ()
        if not isinstance(value, list):
            self._wrong_type(name, value, f"{name}: [one, two]")
            return ()
        return tuple(dict.fromkeys(self._entries(name, value)))

    def _entries(self, name: str, values: list[Any]) -> Iterator[str]:
        inner = self._listed(name, values)
        for index in range(len(values)):
            text = inner.text(str(index))
            if text:
                yield text

    def _listed(self, name: str, values: list[Any]) -> Fields:
        numbered = {str(index): value for index, value in enumerate(values)}
        return Fields(numbered, self._lines, self._findings, f"{self._prefix}{name}.")

    def flag(self, name: str) -> bool:
        """True or false; `yes`, `no`, `on` and `off` are read too, where nothing else can be meant."""
        value = self._values.get(name)
        words = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
        if isinstance(value, str) and value.lower() in words:
            return words[value.lower()]
        if not isinstance(value, bool | None):
            self._wrong_type(name, value, f"{name}: true")
            return False
        return bool(value)

    def choice(self, name: str, allowed: Mapping[str, T], default: T) -> T:
        """One of a closed set of words, in any case, `_` for `-`."""
        word = self.text(name)
        key = word.lower().replace("_", "-").replace(" ", "-")
        if word and key not in allowed:
            meant = nearest(key[:60], frozenset(allowed))
            fix = f"{name}: {meant}" if meant else "one of " + ", ".join(allowed)
            self.wrong(name, "unknown-value", f"`{shortened(word)}` is no {name}", fix=fix, seen=word)
        return allowed.get(key, default)

    def when(self, name: str, zone: str, *, strict: bool = False) -> datetime | None:
        """An instant in UTC; see `times.parse_time`."""
        text = self.text(name)
        if not text:
            return None
        try:
            return parse_time(text, zone, strict=strict)
        except TimeError as error:
            fix = f"{name}: {error.fix}" if error.fix else ""
            self.wrong(name, error.rule, f"{name} is not an instant: {error}", fix=fix, seen=text)
            return None

    def inner(self, name: str, known: frozenset[str], shorthand: str = "") -> Fields | None:
        """A mapping of its own; where a shorthand is named, a text alone stands for that field of it."""
        return self._inner(name, self._values.get(name), known, shorthand)

    def inners(self, name: str, known: frozenset[str], shorthand: str) -> Iterator[Fields]:
        """A list of mappings; one alone is a list of one."""
        value = self._values.get(name)
        if isinstance(value, list):
            for index, entry in enumerate(value):
                found = self._inner(f"{name}.{index}", entry, known, shorthand)
                if found:
                    yield found
        elif value is not None:
            found = self._inner(name, value, known, shorthand)
            if found:
                yield found

    def each(self, name: str) -> Iterator[tuple[str, Fields]]:
        """The entries of a mapping by name, each still unread: `entries.raw(key)`."""
        value = self._values.get(name)
        if value is None:
            return
        if not isinstance(value, dict):
            self._wrong_type(name, value, "")
            return
        entries = Fields(value, self._lines, self._findings, f"{self._prefix}{name}.")
        for key in value:
            yield key, entries

    def _inner(self, name: str, value: Any, known: frozenset[str], shorthand: str) -> Fields | None:
        if value is None or value == "":
            return None
        if shorthand and isinstance(value, str):
            value = {shorthand: value}
        if not isinstance(value, dict):
            self._wrong_type(name, value, "")
            return None
        values = {self._inner_name(key, known): inner for key, inner in value.items()}
        found = Fields(values, self._lines, self._findings, f"{self._prefix}{name}.")
        for key in values.keys() - known:
            path = f"{self._prefix}{name}.{key}"
            line = found.line(key)
            self._findings.append(unknown_field(path, known, line=line, level=Level.WARNING))
        return found

    @staticmethod
    def _inner_name(key: str, known: frozenset[str]) -> str:
        alias = _INNER_ALIASES.get(key, key)
        return key if key in known or alias not in known else alias

    def _wrong_type(self, name: str, value: Any, fix: str) -> None:
        kind = _NAMES.get(type(value), "something else")
        self.wrong(name, "wrong-type", f"`{name}` cannot be {kind}", fix=fix, seen=str(value))


#: Themes of other tools spell a picture's own fields so.
_INNER_ALIASES = {"path": "src", "image": "src", "file": "src", "href": "url"}
