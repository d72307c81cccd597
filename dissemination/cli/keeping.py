"""Commands that keep the state safe: backup, restore."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dissemination.cli.common import Json, guarded, print_json, project, safe, say, say_path


@guarded
def backup(
    file: Annotated[Path, typer.Argument(help="A new file.", metavar="FILE")],
    *,
    as_json: Json = False,
) -> None:
    """Copy the database and the approved content, consistent also while publishing."""
    with project() as app:
        app.backup(file.absolute())
    size = file.stat().st_size
    if as_json:
        print_json({"file": file, "bytes": size})
    else:
        say(f"Wrote {safe(str(file))} ({size:,} bytes). It holds people's addresses: keep it like a password.")


@guarded
def restore(
    file: Annotated[Path, typer.Argument(help="A backup.", metavar="FILE")],
    *,
    as_json: Json = False,
) -> None:
    """Put a backup in place; what was still to go out then asks for approval again."""
    from dissemination.bootstrap import find_root  # noqa: PLC0415 - only this command needs it
    from dissemination.bootstrap import restore as put_back  # noqa: PLC0415 - only this command needs it

    former = put_back(find_root(Path.cwd()), file)
    if as_json:
        print_json({"restored": file, "former": former})
        return
    say("Restored. What waited to go out is in review again: `disseminate plan`.")
    if former:
        say("The former database is")
        say_path(former)
