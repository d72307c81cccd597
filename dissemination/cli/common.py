"""What every command shares: where the project is, how facts are printed, what an error exits with."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dissemination.app import App
from dissemination.errors import DisseminationError, SettingsError, WrongUseError
from dissemination.model import Level, State

P = ParamSpec("P")
R = TypeVar("R")

#: Exit codes: fine, findings or failures, wrong use or settings.
FINE, FINDINGS, WRONG = 0, 1, 2

# No emoji codes: `weekly:email:1` is a key, not a picture.
out = Console(highlight=False, soft_wrap=False, emoji=False)
err = Console(stderr=True, highlight=False, emoji=False)

Json = Annotated[bool, typer.Option("--json", help="Print facts as JSON.")]
Name = Annotated[str, typer.Option("--as", help="Who you are; your login name where left out.", metavar="NAME")]

COLOURS = {Level.ERROR: "red", Level.WARNING: "yellow", Level.NOTE: "cyan"}
STATE_COLOURS = {
    State.IN_REVIEW: "yellow",
    State.SCHEDULED: "cyan",
    State.SENDING: "cyan",
    State.PUBLISHED: "green",
    State.FAILED: "red",
    State.IN_DOUBT: "magenta",
    State.MISSED: "red",
    State.PAUSED: "yellow",
}


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """Errors of ours become one clear message and the right exit code; anything else is a bug and shows itself."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except SettingsError as error:
            complain(str(error))
            raise typer.Exit(WRONG) from error
        except WrongUseError as error:
            complain(str(error))
            raise typer.Exit(WRONG) from error
        except DisseminationError as error:
            complain(str(error))
            raise typer.Exit(FINDINGS) from error

    return run


def complain(message: str) -> None:
    """An error, on the error stream."""
    err.print(f"[red]Error:[/red] {escape(message)}")


@contextmanager
def project() -> Iterator[App]:
    """The project folder that the user stands in, opened."""
    # Imported late: `--help` and wrong use need none of the libraries behind it.
    from dissemination.bootstrap import find_root, opened  # noqa: PLC0415 - see above

    with opened(find_root(Path.cwd())) as app:
        yield app


def who(name: str) -> str:
    """The person who gives the order."""
    return name or os.environ.get("DISSEMINATION_USER", "") or getpass.getuser()


def plain(value: Any) -> Any:
    """A value as JSON can hold it: dataclasses become objects, instants ISO 8601 in UTC."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]
    return str(value) if isinstance(value, Path) else value


def print_json(value: Any) -> None:
    """Facts for programs, on standard output and nothing else."""
    typer.echo(json.dumps(plain(value), ensure_ascii=False, indent=2))


def table(*columns: str) -> Table:
    """A table that stays readable in 80 columns."""
    made = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def state_text(state: State) -> str:
    """A state, coloured."""
    words = state.value.replace("_", " ")  # as long as the name itself: columns count on it
    colour = STATE_COLOURS.get(state)
    return f"[{colour}]{words}[/{colour}]" if colour else words
