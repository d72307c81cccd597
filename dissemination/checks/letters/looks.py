"""Rules on colours: as the letter looks by day, and as it looks in the dark."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import css_inline
import tinycss2

from dissemination.checks.contrast import LEAST_RATIO, weak
from dissemination.checks.findings import W
from dissemination.checks.letters.sheet import Said, Sheet, parsed

#: More of a style sheet is not read.
_READ = 200_000


def light(sheet: Sheet) -> Iterator[Said]:
    """Contrast by inline styles alone, which some mail programs are left with."""
    for text, ratio in weak(sheet.tree):
        yield _said(f"the contrast is {ratio:.1f} to 1", "a darker or lighter colour", text)


def dark(sheet: Sheet) -> Iterator[Said]:
    """The same with the letter's own rules for dark mode in force."""
    rules = dark_rules(sheet)
    if not rules:
        return
    inliner = css_inline.CSSInliner(keep_style_tags=False, load_remote_stylesheets=False, extra_css=rules)
    for text, ratio in weak(parsed(inliner.inline(sheet.source)), dark=True):
        yield _said(f"the contrast in dark mode is {ratio:.1f} to 1", "the rules for dark mode", text)


def dark_rules(sheet: Sheet) -> str:
    """What the letter's style sheets say for `prefers-color-scheme: dark`."""
    found = []
    for style in sheet.tree.iter("style"):
        for rule in tinycss2.parse_stylesheet((style.text or "")[:_READ], skip_comments=True, skip_whitespace=True):
            if rule.type == "at-rule" and rule.lower_at_keyword == "media" and rule.content is not None:
                asked = "".join(tinycss2.serialize(rule.prelude).lower().split())
                if "prefers-color-scheme:dark" in asked:
                    found.append(tinycss2.serialize(rule.content))
    return "\n".join(found)


def _said(message: str, by: str, text: str) -> Said:
    return "letter-contrast", W, message, f"make it {LEAST_RATIO} to 1 by {by}", text


RULES: tuple[Callable[[Sheet], Iterable[Said]], ...] = (light, dark)
