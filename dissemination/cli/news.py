"""Commands on the news folder: init, check, import, schema."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    complain,
    exit_code,
    guarded,
    many,
    page,
    plain,
    print_json,
    project,
    safe,
    say,
    say_path,
)
from dissemination.errors import DisseminationError, WrongUseError
from dissemination.model import Finding, Level, NewsItem

if TYPE_CHECKING:
    from dissemination.sources.importer import Imported

_FACTS = ("rule", "level", "path", "line", "field", "message", "fix", "seen")
_IMPORT_FACTS = ("rule", "level", "field", "line", "seen")


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
    say(f"Made {many(len(made), 'file')} in")
    say_path(folder.resolve())
    for path in made:
        say(f"  {safe(path)}")
    say("Next: put your project into settings.yaml, write in news/, then `disseminate check`.")


@guarded
def check(
    paths: Annotated[list[Path] | None, typer.Argument(help="Files or folders; all news where left out.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Every problem of the news, with file, line, field and what to write instead."""
    for path in paths or ():
        if not path.exists():
            raise WrongUseError(f"check: {path}: no such file or folder")
    with project() as app:
        room = app.check()
        root = app.parts.project.root
    wanted = [path.resolve() for path in paths or ()]
    findings = sorted((f for f in room.findings if _below(f, wanted, root)), key=lambda f: (f.path, f.line, f.rule))
    items = sum(_below(item, wanted, root) for item in room.items)
    if as_json:
        print_json({"items": items, "findings": [_facts(finding, _FACTS) for finding in findings]})
    else:
        show_findings(findings)
        say(_summary(findings, items))
    raise typer.Exit(FINDINGS if any(f.level is Level.ERROR for f in findings) else FINE)


def _below(place: Finding | NewsItem, wanted: Sequence[Path], root: Path) -> bool:
    return not wanted or any((root / place.path).resolve().is_relative_to(path) for path in wanted)


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


def _summary(findings: Sequence[Finding], items: int) -> str:
    if not items and not findings:
        return "No items here. An item is a Markdown file in news/, with front matter."
    counts = {level: sum(f.level is level for f in findings) for level in Level}
    said = ", ".join(many(count, level.value) for level, count in counts.items() if count)
    return f"{many(items, 'item')}: {said or 'nothing to complain about'}"


def _facts(finding: Finding, names: Sequence[str]) -> dict[str, object]:
    return {name: plain(getattr(finding, name)) for name in names}


@guarded
def import_(
    files: Annotated[list[Path], typer.Argument(help="Scraped text pages or HTML pages.", metavar="FILE...")],
    *,
    as_json: Json = False,
) -> None:
    """Make a draft item of a scraped page, and list what was not found on it."""
    from dissemination.bootstrap import importer  # noqa: PLC0415 - brings an HTML reader with it

    made: list[Imported] = []
    code = FINE
    with project() as app:
        for path in files:
            try:
                made.append(importer(app.parts.project, path))
            except DisseminationError as error:
                complain(str(error))
                code = max(code, exit_code(error))
    _tell_imported(made, alone=len(files) == 1, as_json=as_json)
    raise typer.Exit(code)


def _tell_imported(made: Sequence[Imported], *, alone: bool, as_json: bool) -> None:
    if as_json:
        facts = [{"item": one.item, "findings": [_facts(f, _IMPORT_FACTS) for f in one.findings]} for one in made]
        if facts or not alone:
            print_json(facts[0] if alone else facts)
        return
    for one in made:
        said = "Made" if one.created else "Updated" if one.updated else "Unchanged:"
        page().print(f"{said} [bold]{safe(one.item)}[/bold] (a draft)", soft_wrap=True)
        show_findings(one.findings)
    if made:
        say("Next: fill in what is missing, set `status: review`, then `disseminate check`.")


@guarded
def schema() -> None:
    """The JSON Schema of settings.yaml, for editors."""
    from dissemination.settings import json_schema  # noqa: PLC0415 - only this command needs it

    print_json(json_schema())
