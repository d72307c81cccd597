"""The command check: problems of items, of newsletters to come, and what a spam filter thinks of these."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.padding import Padding

from dissemination.cli.common import (
    COLOURS,
    FINDINGS,
    FINE,
    Json,
    columns,
    guarded,
    many,
    page,
    plain,
    print_json,
    project,
    safe,
    say,
)
from dissemination.errors import ToolError, WrongUseError
from dissemination.model import Finding, Level, NewsItem, SpamScore

if TYPE_CHECKING:
    from dissemination.pipeline.inspect import Inspection
    from dissemination.pipeline.proof import Proof

_FACTS = ("rule", "level", "path", "line", "field", "message", "fix", "seen")
#: Rules of a spam filter that weigh less say nothing.
_WEIGHTY = 0.05

Scored = tuple["Proof", SpamScore]


@guarded
def check(
    paths: Annotated[list[Path] | None, typer.Argument(help="Files or folders; all news where left out.")] = None,
    *,
    editions: Annotated[
        bool,
        typer.Option(
            "--editions/--no-editions", help="Whether posts and newsletters to come are rendered and checked."
        ),
    ] = True,
    spam: Annotated[bool, typer.Option("--spam", help="Score the newsletters by SpamAssassin or rspamd.")] = False,
    as_json: Json = False,
) -> None:
    """Every problem of the news, of posts and newsletters to come: file, line, field, what to write instead."""
    for path in paths or ():
        if not path.exists():
            raise WrongUseError(f"check: {path}: no such file or folder")
    with project() as app:
        seen = app.check(editions=editions or spam)
        root, scorer = app.parts.project.root, app.spam() if spam else None
    wanted = [path.resolve() for path in paths or ()]
    findings = sorted((f for f in seen.findings if _below(f, wanted, root)), key=lambda f: (f.path, f.line, f.rule))
    items = sum(_below(item, wanted, root) for item in seen.items)
    scores = _scores(seen, scorer) if spam else iter(())
    tell = _tell_json if as_json else _tell
    caught = tell(seen, findings, items, scores)
    raise typer.Exit(FINDINGS if caught or any(f.level is Level.ERROR for f in findings) else FINE)


def _below(place: Finding | NewsItem, wanted: Sequence[Path], root: Path) -> bool:
    return not wanted or any((root / place.path).resolve().is_relative_to(path) for path in wanted)


def _scores(seen: Inspection, scorer: Callable[[bytes], SpamScore] | None) -> Iterator[Scored]:
    if scorer is None:
        raise ToolError("check: no spam filter here; install SpamAssassin or rspamd (Debian: spamassassin, rspamd)")
    for proof in seen.proofs:
        if proof.raw:
            yield proof, scorer(proof.raw)


def _tell(seen: Inspection, findings: Sequence[Finding], items: int, scores: Iterator[Scored]) -> bool:
    """For people; whether a newsletter would be taken for spam."""
    show_findings(findings)
    say(_summary(findings, items, len({proof.edition for proof in seen.proofs})))
    caught = False
    for proof, score in scores:
        _show_score(proof, score)
        caught |= score.score >= score.threshold
    return caught


def _tell_json(seen: Inspection, findings: Sequence[Finding], items: int, scores: Iterator[Scored]) -> bool:
    scored = list(scores)
    print_json(
        {
            "items": items,
            "editions": sorted({proof.edition for proof in seen.proofs}),
            "findings": [finding_facts(finding, _FACTS) for finding in findings],
            "spam": [{"edition": proof.edition, "lang": proof.lang, **plain(score)} for proof, score in scored],
        }
    )
    return any(score.score >= score.threshold for _, score in scored)


def show_findings(findings: Iterable[Finding]) -> None:
    """Grouped by file: line, level, field, what is wrong and what to write instead."""
    show = page()
    for path, group in groupby(findings, key=lambda f: f.path):
        show.print(f"[bold]{safe(path)}[/bold]", soft_wrap=True)
        rows = columns(4, 7, None)
        rows.columns[0].justify = "right"
        for finding in group:
            colour = COLOURS[finding.level]
            field = f"[bold]{safe(finding.field)}[/bold]: " if finding.field else ""
            fix = f"\n[dim]{safe(finding.fix)}[/dim]" if finding.fix else ""
            level = f"[{colour}]{finding.level.value}[/{colour}]"
            rows.add_row(str(finding.line or "-"), level, f"{field}{safe(finding.message)}{fix}")
        show.print(Padding(rows, (0, 0, 0, 1), expand=False))


def finding_facts(finding: Finding, names: Sequence[str]) -> dict[str, object]:
    """The named fields of a finding, for programs."""
    return {name: plain(getattr(finding, name)) for name in names}


def _show_score(proof: Proof, score: SpamScore) -> None:
    """Score and threshold, and what fired, the heaviest first."""
    colour = "red" if score.score >= score.threshold else "green"
    # Adding nothing turns -0.0 into 0.
    says = f"[{colour}]{score.score + 0:g}[/{colour}] of {score.threshold:g} by {score.program}"
    page().print(f"[bold]{safe(proof.edition)} ({safe(proof.lang)})[/bold]: {says}", soft_wrap=True)
    rows = columns(5, None, None)
    rows.columns[0].justify = "right"
    for rule in score.rules:
        if abs(rule.points) >= _WEIGHTY:
            rows.add_row(f"{rule.points:+.1f}", safe(rule.name), f"[dim]{safe(rule.what)}[/dim]")
    page().print(Padding(rows, (0, 0, 0, 1), expand=False))


def _summary(findings: Sequence[Finding], items: int, editions: int) -> str:
    if not items and not findings:
        return "No items here. An item is a Markdown file in news/, with front matter."
    counts = {level: sum(f.level is level for f in findings) for level in Level}
    said = ", ".join(many(count, level.value) for level, count in counts.items() if count)
    looked = many(items, "item") + (f", {many(editions, 'newsletter')}" if editions else "")
    return f"{looked}: {said or 'nothing to complain about'}"
