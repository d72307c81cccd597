"""Commands on the news folder: init, check, import, schema."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from dissemination.cli.common import COLOURS, FINDINGS, FINE, Json, guarded, out, plain, print_json, project
from dissemination.model import Finding, Level

_FACTS = ("rule", "level", "path", "line", "field", "message", "fix", "seen")


@guarded
def init(
    folder: Annotated[Path, typer.Argument(help="The new project folder.", metavar="DIR")] = Path(),
    *,
    as_json: Json = False,
) -> None:
    """Make a new project folder that passes `check`."""
    from dissemination.cli.starter import make_project  # noqa: PLC0415 - only this command needs it

    made = make_project(folder)
    if as_json:
        print_json({"folder": folder.resolve(), "files": made})
        return
    out.print(f"Made {len(made)} files in {escape(str(folder.resolve()))}:")
    for path in made:
        out.print(f"  {escape(path)}")
    out.print("Next: put your project into settings.yaml, write in news/, then `disseminate check`.")


@guarded
def check(
    paths: Annotated[list[Path] | None, typer.Argument(help="Files or folders; all news where left out.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Every problem of the news, with file, line, field and what to write instead."""
    with project() as app:
        room = app.check()
        root = app.parts.project.root
    findings = _below(room.findings, paths or [], root)
    if as_json:
        print_json({"items": len(room.items), "findings": [_facts(finding) for finding in findings]})
    else:
        show_findings(findings)
        out.print(_summary(findings, len(room.items)))
    raise typer.Exit(FINDINGS if any(f.level is Level.ERROR for f in findings) else FINE)


def _below(findings: tuple[Finding, ...], paths: list[Path], root: Path) -> list[Finding]:
    wanted = [path.resolve() for path in paths]
    chosen = [
        finding
        for finding in findings
        if not wanted or any((root / finding.path).resolve().is_relative_to(path) for path in wanted)
    ]
    return sorted(chosen, key=lambda f: (f.path, f.line, f.rule))


def show_findings(findings: list[Finding]) -> None:
    """Grouped by file: line, level, field, what is wrong and what to write instead."""
    for path, group in groupby(findings, key=lambda f: f.path):
        out.print(f"[bold]{escape(path)}[/bold]")
        for finding in group:
            colour = COLOURS[finding.level]
            where = f"line {finding.line}" if finding.line else "file"
            field = f"{finding.field}: " if finding.field else ""
            out.print(f"  [{colour}]{finding.level.value}[/{colour}] {where}: {escape(field + finding.message)}")
            if finding.fix:
                out.print(f"    {escape(finding.fix)}", style="dim")


def _summary(findings: list[Finding], items: int) -> str:
    counts = {level: sum(f.level is level for f in findings) for level in Level}
    said = ", ".join(
        f"{count} {level.value}{'s' if count != 1 else ''}" for level, count in counts.items() if count
    )
    return f"{items} items: {said or 'nothing to complain about'}"


def _facts(finding: Finding) -> dict[str, object]:
    return {name: plain(getattr(finding, name)) for name in _FACTS}


@guarded
def import_(
    files: Annotated[list[Path], typer.Argument(help="Scraped text pages or HTML pages.", metavar="FILE...")],
    *,
    as_json: Json = False,
) -> None:
    """Make a draft item of a scraped page, and list what was not found on it."""
    from dissemination.bootstrap import importer  # noqa: PLC0415 - brings an HTML reader with it

    with project() as app:
        results = [importer(app.parts.project, path) for path in files]
    if as_json:
        facts = [
            {
                "item": result.item,
                "findings": [
                    {name: plain(getattr(f, name)) for name in ("rule", "level", "field", "line", "seen")}
                    for f in result.findings
                ],
            }
            for result in results
        ]
        print_json(facts[0] if len(facts) == 1 else facts)
        return
    for result in results:
        out.print(f"{'Made' if result.created else 'Updated'} [bold]{escape(result.item)}[/bold] (a draft)")
        show_findings(list(result.findings))


@guarded
def schema() -> None:
    """The JSON Schema of settings.yaml, for editors."""
    from dissemination.settings import json_schema  # noqa: PLC0415 - only this command needs it

    print_json(json_schema())
