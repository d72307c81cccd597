"""What every command shares: where the project is, how facts are printed, what an error exits with."""

from __future__ import annotations

import getpass
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, TypeVar

import typer
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from dissemination.errors import DisseminationError, WrongUseError
from dissemination.model import Level, State

if TYPE_CHECKING:
    from dissemination.app import App

P = ParamSpec("P")
R = TypeVar("R")

#: Exit codes: fine, findings or failures, wrong use or settings.
FINE, FINDINGS, WRONG = 0, 1, 2

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
#: How long a line may be that no person reads on a screen.
_ENDLESS = 10_000

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
        except DisseminationError as error:
            complain(str(error))
            raise typer.Exit(exit_code(error)) from error
        except OSError as error:
            if not error.filename:
                raise
            complain(f"{error.filename}: {error.strerror}")
            raise typer.Exit(FINDINGS) from error

    return run


def exit_code(error: DisseminationError) -> int:
    """2 for wrong use and settings, 1 for everything else that went wrong."""
    return WRONG if isinstance(error, WrongUseError) else FINDINGS


def safe(text: str) -> str:
    """Words of others as a terminal may show them: neither markup nor control characters, which it would obey."""
    return escape(_CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text))


def page(*, errors: bool = False) -> Console:
    """Where people read. In a pipe or file a line is as long as it is, so that it can be searched.

    Args:
        errors: the error stream.
    """
    wraps_lines = (sys.stderr if errors else sys.stdout).isatty() or "COLUMNS" in os.environ
    # No emoji codes: `weekly:email:1` is a key, not a picture.
    return Console(stderr=errors, highlight=False, emoji=False, width=None if wraps_lines else _ENDLESS)


def say(*what: RenderableType) -> None:
    """Print for people."""
    page().print(*what)


def say_path(path: Path) -> None:
    """Print a path in one piece, so that it can be copied."""
    page().print(safe(str(path)), soft_wrap=True)


def say_hanging(text: str, indent: int, *, head: str = "") -> None:
    """Print text whose further lines are indented. A long word, such as a web address, is never broken.

    Args:
        text: with markup.
        indent: blanks before every line but the first.
        head: what stands before the first line, with markup; as wide as the indent.
    """
    to = page()
    told = Text.from_markup(text)
    if head.strip() and max(map(len, told.plain.split()), default=0) > to.width - indent:
        to.print(head.rstrip(), soft_wrap=True)
        head, indent = "    ", 4
    for line in told.divide(_breaks(told.plain, to.width - indent)):
        line.rstrip()
        to.print(Text.from_markup(head).append_text(line), soft_wrap=True)
        head = " " * indent


def say_block(text: str, indent: int) -> None:
    """Print words of others as they are, indented. No address is broken and no line ends with blanks: for copying.

    Args:
        text: without markup; may have several lines.
        indent: blanks before every line.
    """
    to = page()
    for line in _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text).split("\n"):
        told = Text(line)
        for piece in told.divide(_breaks(told.plain, to.width - indent)):
            piece.rstrip()
            to.print(Text(" " * indent if piece.plain else "").append_text(piece), soft_wrap=True)


def _breaks(text: str, width: int) -> Iterator[int]:
    """Where new lines begin, so that none is longer than that but for words that are."""
    begun = 0
    for word in re.finditer(r"\S+", text):
        if cell_len(text[begun : word.end()]) > width and text[begun : word.start()].strip():
            begun = word.start()
            yield begun


def complain(message: str) -> None:
    """An error, on the error stream."""
    page(errors=True).print(f"[red]Error:[/red] {safe(message)}")


def many(count: int, one: str, several: str = "") -> str:
    """Such as "1 item" or "2 items"."""
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"


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


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """Facts for programs, on standard output and nothing else.

    Args:
        value: the facts.
        indent: None: all on one line, for commands that go on printing.
    """
    typer.echo(json.dumps(plain(value), ensure_ascii=False, indent=indent))


def print_json_list(values: Iterable[Any]) -> None:
    """A list that may be too long for the memory: printed entry by entry."""
    typer.echo("[", nl=False)
    for place, value in enumerate(values):
        typer.echo(("," if place else "") + "\n  " + json.dumps(plain(value), ensure_ascii=False), nl=False)
    typer.echo("\n]")


def table(*columns: str) -> Table:
    """A table that stays readable in 80 columns."""
    made = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def columns(*widths: int | None) -> Table:
    """Rows that line up, without a header; what is too long goes on below its own beginning.

    Args:
        widths: of each column; None: as wide as what stands in it.
    """
    made = Table.grid(padding=(0, 2, 0, 0))
    for width in widths:
        made.add_column(min_width=width, no_wrap=width is not None, overflow="fold")
    return made


def state_text(state: State) -> str:
    """A state, coloured."""
    words = state.value.replace("_", " ")
    colour = STATE_COLOURS.get(state)
    return f"[{colour}]{words}[/{colour}]" if colour else words
