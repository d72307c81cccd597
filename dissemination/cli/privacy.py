"""disseminate privacy: the record of processing, and forgetting in time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from dissemination.cli.common import FINDINGS, FINE, Json, guarded, page, plain, print_json, project, say

if TYPE_CHECKING:
    from dissemination.pipeline.privacy import Field

app = typer.Typer(help="What the law asks about personal data.", no_args_is_help=True)


@app.command("record")
@guarded
def record(*, as_json: Json = False) -> None:
    """The record of processing activities (GDPR, article 30(1)), as Markdown."""
    with project() as house:
        fields, name = house.privacy_record(), house.parts.project.name
    lacking = [field.missing for field in fields if field.missing]
    if as_json:
        print_json({"project": name, "record": [plain(field) for field in fields], "missing": lacking})
    else:
        typer.echo(_markdown(name, fields))
        if lacking:
            page(errors=True).print(f"[yellow]Missing:[/yellow] fill {', '.join(lacking)} in settings.yaml")
    raise typer.Exit(FINDINGS if lacking else FINE)


def _markdown(name: str, fields: Sequence[Field]) -> str:
    parts = [f"# Record of processing activities: newsletter of {name}"]
    for field in fields:
        lines = field.lines or (f"(missing: fill `{field.missing}` in settings.yaml)",)
        parts.append(f"## {field.title} (article 30(1)({field.point}))")
        parts.append(lines[0] if len(lines) == 1 else "\n".join(f"- {line}" for line in lines))
    return "\n\n".join(parts)


@app.command("clean")
@guarded
def clean(*, as_json: Json = False) -> None:
    """Forget now what `privacy.keep` no longer allows; `run` and `publish` do so once a day."""
    with project() as house:
        cleaned = house.clean()
    print_json(cleaned) if as_json else say(f"Done: {cleaned}.")
