"""All rules on items, in one list."""

from __future__ import annotations

from collections.abc import Sequence

from dissemination.checks import links, pictures, timing, vocabulary, wording
from dissemination.checks.across import duplicates
from dissemination.checks.findings import Rule, guarded
from dissemination.model import Finding, NewsItem, Project

RULES: tuple[Rule, ...] = (
    *wording.RULES,
    *timing.RULES,
    *vocabulary.RULES,
    *pictures.RULES,
    *links.RULES,
)


def check_items(items: Sequence[NewsItem], project: Project) -> list[Finding]:
    """Everything that is wrong with the items, each alone and with each other; by file, in the order of lines.

    Reads nothing but the headers of pictures that changed since the last time.
    """
    findings = [
        finding
        for item in items
        for rule in RULES
        for finding in guarded(rule, rule.__name__, item.path, item, project)
    ]
    findings += guarded(duplicates, "duplicates", "", items)
    return sorted(findings, key=lambda finding: (finding.path, finding.line, finding.rule))
