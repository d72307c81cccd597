"""Rules on what must stand in every letter, and on what must not be left over in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from dissemination.checks.findings import E
from dissemination.checks.letters.sheet import Said, Sheet, flat
from dissemination.model import Slot

#: Template language that nobody filled in, a tag that MJML did not know, an escape that its engine printed.
_LEFTOVER = re.compile(
    r"\{\{[^{}\n]{0,80}\}\}|\{%[^{}\n]{0,80}%\}|@@\w{1,40}@@|%%\w{1,40}%%|\*\|\w{1,40}\|\*|<mj-\w+|\\u\{[0-9a-f]+\}"
)


def unsubscribing(sheet: Sheet) -> Iterator[Said]:
    """The way out, in both parts."""
    for name, part in (("HTML", sheet.letter.html), ("text", sheet.letter.text)):
        if Slot(name="unsubscribe_url") not in part:
            message = f"no unsubscribe link in the {name} part"
            yield "letter-unsubscribe", E, message, "put unsubscribe_url back into the template", ""


def funding(sheet: Sheet) -> Iterator[Said]:
    """Statement and disclaimer in the letter's language, in both parts, and the visual beside them."""
    lang, block = sheet.letter.lang, sheet.project.funding
    if not flat(block.statement.get(lang, "")):
        fix = f"add funding.statement.{lang} to settings.yaml"
        yield "letter-funding", E, f"no funding statement in `{lang}`", fix, ""
        return
    fix = "put the funding block back into the template"
    for what, texts in (("statement", block.statement), ("disclaimer", block.disclaimer)):
        said = flat(texts.get(lang, ""))
        for name, words in (("HTML", sheet.words), ("text", sheet.text)):
            if said and said not in words:
                yield "letter-funding", E, f"the funding {what} is not in the {name} part", fix, said
    alt = flat(block.visual_alt.get(lang, ""))
    if alt and not any(flat(image.get("alt") or "") == alt for image in sheet.tree.iter("img")):
        yield "letter-funding", E, "the funder's visual is not in the letter", fix, alt


def leftovers(sheet: Sheet) -> Iterator[Said]:
    """No hole of a template that was never filled."""
    letter = sheet.letter
    places: dict[str, list[str]] = {}
    for name, words in (
        ("subject", letter.subject),
        ("preheader", letter.preheader),
        ("HTML", sheet.source),
        ("text", sheet.text),
    ):
        for found in set(_LEFTOVER.findall(words)):
            places.setdefault(found, []).append(name)
    for found, names in places.items():
        fix = "mend the template, or the item that says it"
        yield "letter-leftover", E, f"`{found}` was left over in the {' and the '.join(names)}", fix, found


RULES: tuple[Callable[[Sheet], Iterable[Said]], ...] = (unsubscribing, funding, leftovers)
