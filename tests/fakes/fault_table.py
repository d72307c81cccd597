"""What came of every fault, as a table: one row a step and fault, one column a network's outcome."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "channels" / "faults.md"
HEAD = """# What came of every fault

Made by `UPDATE_GOLDEN=1 pytest tests/functional/test_fault_matrix.py`: the real pipeline and the real channels,
against stand-ins on loopback (Bluesky: a real server behind a proxy). "once, at once" means that the first pass
published it; "once, at pass 2" that a later one did, or that a look at the network showed that it was there.
"in doubt" asks the officer (`disseminate resolve`). Nothing is ever there twice.

"before" means that the network did nothing of what was asked, "after" that it did all of it; "killed" that our
process got SIGKILL while it waited for the answer, and another one went on.

"""


def _rows(facts):
    """(step, fault, outcome) by network; the outcomes of equal steps and faults stand together."""
    rows = defaultdict(list)
    for name, step, parts, fault, outcome in map(tuple, facts):
        rows[name].append((f"{step}{' (thread)' if parts > 1 else ''}", fault, outcome))
    return {name: sorted(set(found)) for name, found in sorted(rows.items())}


def plain(facts) -> str:
    lines = ["network   | step | fault | what came of it"]
    lines += [f"{name:9} | {' | '.join(row)}" for name, rows in _rows(facts).items() for row in rows]
    return "\n".join(lines)


def write(facts) -> None:
    text = HEAD
    for name, rows in _rows(facts).items():
        text += f"## `{name}`\n\n| step | fault | what came of it |\n|---|---|---|\n"
        text += "".join(f"| {' | '.join(row)} |\n" for row in rows) + "\n"
    PAGE.write_text(text.rstrip() + "\n", "utf-8")
