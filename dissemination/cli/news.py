"""Commands on the news folder: init, import, schema. `check` is in checking.py."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dissemination.cli.checking import finding_facts, show_findings
from dissemination.cli.common import (
    FINE,
    Json,
    complain,
    exit_code,
    guarded,
    many,
    page,
    print_json,
    project,
    safe,
    say,
    say_path,
)
from dissemination.errors import DisseminationError

if TYPE_CHECKING:
    from dissemination.sources.importer import Imported

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
        facts = [
            {"item": one.item, "findings": [finding_facts(f, _IMPORT_FACTS) for f in one.findings]} for one in made
        ]
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
