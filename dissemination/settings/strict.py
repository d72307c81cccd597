"""A strict YAML reader: plain data and the line of every key, and nothing that can surprise.

Scalars follow the YAML 1.2 core schema, so `no` stays "no" and dates stay text. Anchors, aliases and tags are
refused (they make bombs and objects), duplicate keys are errors, depth and size are bounded. The pure-Python loader
is used on purpose: the C loader ends the process on 40,000 nested brackets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import yaml

#: The deepest nesting of lists and mappings.
MAX_DEPTH = 20
#: The most bytes a file may have.
MAX_BYTES = 128 * 1024

#: Path of keys and list positions: ("partners", 0, "key").
Where = tuple[str | int, ...]


class YamlError(Exception):
    """The text cannot be used.

    Args:
        message: what is wrong and what to write instead.
        line: 1-based; 0: unknown.
    """

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


#: YAML 1.2 core schema (section 10.3.2): tag -> (pattern, conversion), first match wins; all else is text.
_SCALARS: tuple[tuple[re.Pattern[str], Callable[[str], object]], ...] = (
    (re.compile(r"(~|null|Null|NULL|)\Z"), lambda text: None),  # noqa: ARG005 -- all of them mean nothing
    (re.compile(r"(true|True|TRUE)\Z"), bool),
    (re.compile(r"(false|False|FALSE)\Z"), lambda text: not text),
    (re.compile(r"[-+]?[0-9]{1,18}\Z"), int),
    (re.compile(r"0o[0-7]{1,18}\Z"), lambda text: int(text, 8)),
    (re.compile(r"0x[0-9a-fA-F]{1,15}\Z"), lambda text: int(text, 16)),
    (re.compile(r"(?=.*[.eE])[-+]?(\.[0-9]{1,30}|[0-9]{1,30}(\.[0-9]{0,30})?)([eE][-+]?[0-9]{1,3})?\Z"), float),
)


class _Composer(yaml.SafeLoader):
    """Builds nodes only; refuses what makes a file more than its text."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call] # so say the stubs
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise YamlError("anchors (&) and aliases (*) are not taken; write the value out, or in quotes", line)
        if getattr(event, "tag", None):
            raise YamlError("tags (!) are not taken; put the value in quotes", line)
        if self.depth >= MAX_DEPTH:
            raise YamlError(f"nested deeper than {MAX_DEPTH} levels; make it flatter", line)
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


def read(body: bytes) -> tuple[Any, dict[Where, int]]:
    """The document as plain data, and the 1-based line of every key and list entry.

    Raises:
        YamlError: it is no YAML, or more than we take.
    """
    if len(body) > MAX_BYTES:
        raise YamlError(f"larger than {MAX_BYTES:,} bytes; make it smaller")
    node = _compose(_decode(body))
    lines: dict[Where, int] = {}
    return (None if node is None else _plain(node, (), lines)), lines


def _decode(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise YamlError("not UTF-8; save the file as UTF-8", line) from None


def _compose(text: str) -> yaml.Node | None:
    try:
        return _Composer(text).get_single_node()
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError("a control character; delete it", line) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        # The mark's snippet would show the file's text, which may hold what should be secret.
        raise YamlError(_problem(error), mark.line + 1 if mark else 0) from None


def _problem(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or error.context or "no YAML"
    hint = (
        "; put a value that holds a colon, @, # or % in quotes"
        if isinstance(error, yaml.scanner.ScannerError)
        else ""
    )
    return f"{problem}{hint}"


def _plain(node: yaml.Node, where: Where, lines: dict[Where, int]) -> Any:
    lines.setdefault(where, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return {key: _plain(value, (*where, key), lines) for key, value in _pairs(node, where, lines)}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(value, (*where, place), lines) for place, value in enumerate(node.value)]
    return _scalar(node)


def _pairs(node: yaml.MappingNode, where: Where, lines: dict[Where, int]) -> Iterator[tuple[str, yaml.Node]]:
    seen: dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise YamlError("a key must be plain text", line)
        if key.value in seen:
            raise YamlError(f"`{key.value}` stands here twice (first in line {seen[key.value]}); keep one", line)
        seen[key.value] = lines[(*where, key.value)] = line
        yield key.value, value


def _scalar(node: yaml.Node) -> object:
    text: str = node.value
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise YamlError("half of a character (a lone surrogate); write the whole one", node.start_mark.line + 1)
    if getattr(node, "style", None) is None:
        for pattern, convert in _SCALARS:
            if pattern.match(text):
                return convert(text)
    return text
