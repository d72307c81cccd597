"""How this room says no: one finding, raised where reading must stop and caught at the border of the file."""

from __future__ import annotations

import json

from dissemination.model import Finding, Level


class RefusedError(Exception):
    """This file cannot be used; the finding says why. Its `path` is filled in at the border.

    Args:
        finding: what is wrong.
    """

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


def note(rule: str, level: Level, message: str, *, line: int = 0, **facts: str) -> Finding:
    """A finding without its path; `line` is 1-based in the file, `facts` are `fix`, `field` and `seen`."""
    facts["seen"] = shortened(facts.get("seen", ""))
    return Finding(rule=rule, level=level, path="", message=message, line=line, **facts)


def refused(rule: str, message: str, *, line: int = 0, **facts: str) -> RefusedError:
    """An error to raise, with a finding as `note` makes it."""
    return RefusedError(note(rule, Level.ERROR, message, line=line, **facts))


def shortened(text: str) -> str:
    """At most 120 characters on one line, harmless to print and to store."""
    flat = " ".join(text.split())
    return flat if len(flat) <= 120 else flat[:119] + "…"


def quoted(text: str) -> str:
    """The text as a double-quoted scalar that YAML, JSON and TOML read alike."""
    return json.dumps(text, ensure_ascii=False)
