"""Rules for those who hear the letter, or see it without pictures (WCAG 2.2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from dissemination.checks.findings import E, W
from dissemination.checks.letters.sheet import Said, Sheet, flat

_FILE_NAME = re.compile(r"\S+\.(?:jpe?g|png|gif|webp|svg|bmp)", re.IGNORECASE)


def alternatives(sheet: Sheet) -> Iterator[Said]:
    """Pictures are off in many mail programs."""
    for image in sheet.tree.iter("img"):
        alt, url = image.get("alt"), image.get("src") or ""
        if alt is None:
            yield "letter-alt", E, "a picture without alt", 'write alt="…", or alt="" if it is decorative', url
        elif _FILE_NAME.fullmatch(alt.strip()):
            yield "letter-alt", W, "the alternative text is a file name", "say what the picture shows", alt


def language(sheet: Sheet) -> Iterator[Said]:
    """Language and direction, also inside the body: web mail drops the outermost elements."""
    lang = sheet.letter.lang
    if sheet.tree.get("lang") != lang or not sheet.tree.get("dir"):
        yield "letter-lang", E, f"<html> without lang={lang} and dir", f'write <html lang="{lang}" dir="auto">', ""
    inside = sheet.tree.iterfind("body//*[@lang]")
    if not any(element.get("lang") == lang and element.get("dir") for element in inside):
        message = f"nothing inside <body> has lang={lang} and dir"
        yield "letter-lang", E, message, "wrap the content in such a <div>", ""


def layout(sheet: Sheet) -> Iterator[Said]:
    """Tables that only lay out are not read out as tables."""
    data = {"th", "caption", "thead"}
    for table in sheet.tree.iter("table"):
        if table.get("role") != "presentation" and not any(table.find(f".//{name}") is not None for name in data):
            seen = flat(table.text_content())[:60]
            yield "letter-table", W, "a layout table without role", 'write role="presentation"', seen


def headings(sheet: Sheet) -> Iterator[Said]:
    """No level is skipped."""
    last = 0
    for heading in sheet.tree.iter("h1", "h2", "h3", "h4", "h5", "h6"):
        level = int(heading.tag[1])
        if level > last + 1:
            before = f"<h{last}>" if last else "nothing"
            seen = flat(heading.text_content())
            yield "letter-headings", W, f"<h{level}> follows {before}", f"write <h{last + 1}>", seen
        last = level
    if not last:
        yield "letter-headings", W, "no heading", "write one <h1> with the newsletter's name", ""


RULES: tuple[Callable[[Sheet], Iterable[Said]], ...] = (alternatives, language, layout, headings)
