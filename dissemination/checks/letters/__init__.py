"""Rules on a rendered newsletter, as it would go out: lists of plain functions, one file a subject."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from lxml import etree

from dissemination.checks.findings import E, guarded, shortened
from dissemination.checks.letters import duties, envelope, links, looks, privacy, reading, support
from dissemination.checks.letters.message import check_message
from dissemination.checks.letters.origin import trace
from dissemination.checks.letters.sheet import PARSED_BYTES, Said, Sheet, filled, laid_out
from dissemination.model import Edition, Finding, Letter, Project

__all__ = ["check_edition", "check_letter"]

_RULES: tuple[Callable[[Sheet], Iterable[Said]], ...] = (
    *envelope.RULES,
    *reading.RULES,
    *links.RULES,
    *duties.RULES,
    *privacy.RULES,
    *looks.RULES,
    *support.RULES,
)


def check_letter(letter: Letter, project: Project) -> list[Finding]:
    """Everything that is wrong with a rendered letter; errors must keep it from being sent."""
    path = f"newsletter ({letter.lang})"
    source = filled(letter.html)
    size = len(source.encode())
    if not source.strip() or size > PARSED_BYTES:
        fix = "carry fewer items, or mend the template"
        return [_finding(path, ("letter-size", E, f"the HTML has {size:,} bytes", fix, ""))]
    try:
        sheet = laid_out(letter, project, source)
    except etree.LxmlError as error:
        return [_finding(path, ("letter-html", E, f"no HTML: {error}", "mend the template", ""))]
    return [finding for rule in _RULES for finding in guarded(_speaking(rule, path), rule.__name__, path, sheet)]


def check_edition(letter: Letter, raw: bytes, edition: Edition, project: Project) -> Sequence[Finding]:
    """The same for a letter of an edition, with the message that would carry it.

    Args:
        letter: the edition in one language.
        raw: the whole message to one reader; empty where the channel cannot show it.
        edition: what it is made of; a finding names the item that it comes from.
        project: facts of the project.

    Returns:
        Findings on the item's file where it is known, else on the edition, "weekly-2026-W48".
    """
    path = f"newsletter ({letter.lang})"
    about_message = (_finding(path, said) for said in check_message(raw, project)) if raw else ()
    return [trace(finding, edition, letter.lang) for finding in (*check_letter(letter, project), *about_message)]


def _speaking(rule: Callable[[Sheet], Iterable[Said]], path: str) -> Callable[[Sheet], Iterator[Finding]]:
    return lambda sheet: (_finding(path, said) for said in rule(sheet))


def _finding(path: str, said: Said) -> Finding:
    rule, level, message, fix, seen = said
    return Finding(rule=rule, level=level, path=path, message=message, fix=fix, seen=shortened(seen))
