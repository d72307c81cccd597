"""What mail programs do not know, by the data of caniemail.com (see bench/reduce_caniemail.py)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import tinycss2

from dissemination.checks.findings import N, W
from dissemination.checks.letters.sheet import Said, Sheet
from dissemination.model import MailProgram

#: More of a letter's styles is not read.
_READ = 200_000

#: A feature: its kind ("property", "element", "unit", …) and its name.
Feature = tuple[str, str]

#: Used knowingly, since the letter is right without them. Kind and name -> what happens where it is missing.
ACCEPTED: Mapping[Feature, str] = {
    ("element", "style"): "inline styles say everything; the sheet only adds",
    ("at-rule", "media"): "its rules only add",
    ("media", "prefers-color-scheme"): "the light colours stay",
    ("element", "body"): "a <div> inside it repeats language, direction and ground",
    ("attribute", "lang"): "lost to screen readers there; nothing can stand in for it",
    ("attribute", "dir"): "the same; align says it for the eye",
    ("attribute", "role"): "the same",
    ("attribute", "aria-label"): "the visible text stays",
    ("property", "border-radius"): "corners are square",
    ("property", "border-spacing"): "cellspacing says the same",
    ("property", "word-break"): "a long word widens its cell",
    ("property", "word-spacing"): "a reset of MJML",
    ("property", "outline"): "a reset of MJML",
    ("property", "height"): "pictures have height: auto, which is what they do anyway",
    # The preheader is hidden in four ways, of which every program knows one.
    ("property", "max-height"): "display: none hides it",
    ("property", "opacity"): "display: none hides it",
    ("property", "overflow"): "display: none hides it",
}

#: Kinds whose loss takes words or their order away; the rest is decoration.
_GRAVE = frozenset({"element", "declaration", "function"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Lack:
    """One feature as caniemail knows it."""

    slug: str
    programs: frozenset[str]


@cache
def lacks() -> Mapping[Feature, Lack]:
    """Feature -> the programs that do not know it; features that all know are not among them."""
    data = json.loads(files("dissemination.checks").joinpath("data", "caniemail.json").read_text("utf-8"))
    return {
        (row["kind"], name): Lack(slug=row["slug"], programs=frozenset(row["lacking"]))
        for row in data["features"]
        for name in row["names"]
    }


def support(sheet: Sheet) -> Iterator[Said]:
    """Features of the letter that one of the project's mail programs does not know."""
    asked, told = sheet.project.mail_programs, set[str]()
    for feature in sorted(used(sheet) - ACCEPTED.keys()):
        lack = lacks().get(feature)
        missing = [MailProgram(name).label for name in asked if lack and name in lack.programs]
        if lack is None or not missing or lack.slug in told:
            continue
        told.add(lack.slug)
        kind, name = feature
        message = f"{kind} {name} is unknown to {', '.join(missing)}"
        fix = f"do without it there: https://www.caniemail.com/features/{lack.slug}/"
        yield "letter-support", W if kind in _GRAVE else N, message, fix, name


def used(sheet: Sheet) -> set[Feature]:
    """Everything of HTML and CSS that the letter uses outside of media queries, which only add to what is there."""
    found: set[Feature] = set()
    styles: dict[str, None] = {}
    for element in sheet.tree.iter():
        if isinstance(element.tag, str):
            found.add(("element", element.tag))
            found |= {("attribute", name) for name in element.attrib}
            styles[element.get("style") or ""] = None
    found |= _of_style(";".join(styles)[:_READ])
    for sheet_of_style in sheet.tree.iter("style"):
        found |= _of_sheet((sheet_of_style.text or "")[:_READ])
    return found


# An edition's languages share their styles.
@lru_cache(maxsize=8)
def _of_style(text: str) -> frozenset[Feature]:
    return frozenset(one for part in tinycss2.parse_blocks_contents(text) for one in _of_declaration(part))


@lru_cache(maxsize=8)
def _of_sheet(text: str) -> frozenset[Feature]:
    rules = tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True)
    return frozenset(one for rule in rules for one in _of_rule(rule))


def _of_rule(rule: Any) -> set[Feature]:
    if rule.type == "qualified-rule":
        inside = tinycss2.parse_blocks_contents(rule.content)
        return _pseudo(rule.prelude) | {feature for one in inside for feature in _of_declaration(one)}
    if rule.type != "at-rule":
        return set()
    found = {("at-rule", rule.lower_at_keyword)}
    for token in rule.prelude:
        if token.type == "() block" and token.content and token.content[0].type == "ident":
            found.add((rule.lower_at_keyword, token.content[0].lower_value))
    return found


def _pseudo(prelude: list[Any]) -> set[Feature]:
    """Such as ":hover" and "::before", in a selector."""
    found, colons = set[Feature](), ""
    for token in prelude:
        if token.type == "literal" and token.value == ":":
            colons += ":"
            continue
        if colons and token.type in {"ident", "function"}:
            name = token.lower_value if token.type == "ident" else token.lower_name
            found.add(("pseudo", f"{colons}{name}"))
        colons = ""
    return found


def _of_declaration(declaration: Any) -> set[Feature]:
    if declaration.type != "declaration":
        return set()
    name = declaration.lower_name
    found = {("property", name)} | ({("value", "!important")} if declaration.important else set())
    tokens = list(declaration.value)
    while tokens:
        token = tokens.pop()
        if token.type == "function":
            found.add(("function", token.lower_name))
            tokens += token.arguments
        elif token.type == "dimension":
            found.add(("unit", token.lower_unit))
        elif token.type == "ident":
            found |= {("value", token.lower_value), ("declaration", f"{name}:{token.lower_value}")}
    return found


RULES: tuple[Callable[[Sheet], Iterable[Said]], ...] = (support,)
