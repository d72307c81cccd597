"""disseminate bounces: read, list, show."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from dissemination.cli.common import (
    FINDINGS,
    FINE,
    Json,
    columns,
    complain,
    guarded,
    many,
    print_json,
    project,
    safe,
    say,
    table,
)
from dissemination.cli.planning import moment
from dissemination.errors import DisseminationError, WrongUseError
from dissemination.model import Concerned, Return

if TYPE_CHECKING:
    from dissemination.pipeline.returns import Fetched

app = typer.Typer(help="What comes back: bounces, complaints, requests by mail.", no_args_is_help=True)

#: sysexits.h: the mail server keeps the mail and tries again.
_TEMPORARY = os.EX_TEMPFAIL
#: Bytes that are taken of one mail.
_LIMIT = 1_000_000


@app.command("read")
@guarded
def read(
    maildir: Annotated[Path | None, typer.Option(help="Read this maildir.")] = None,
    *,
    imap: Annotated[bool, typer.Option("--imap", help="Read the places that settings name.")] = False,
    to: Annotated[str, typer.Option(help="The envelope's recipient of the mail.", metavar="ADDRESS")] = "",
    as_json: Json = False,
) -> None:
    """Take mails in; without options one mail from standard input, as a mail server's pipe hands it over."""
    if maildir and imap:
        raise WrongUseError("bounces read: give --maildir or --imap, not both")
    if maildir or imap:
        _read_places(maildir, as_json=as_json)
    else:
        _read_pipe(to, as_json=as_json)


def _read_places(maildir: Path | None, *, as_json: bool) -> None:
    from dissemination.bootstrap import maildir as inlet  # noqa: PLC0415 - only this command needs it

    place = inlet(maildir.absolute()) if maildir else None
    with project() as house:
        fetched = house.fetch_returns(place)
    print_json(fetched) if as_json else _say_fetched(fetched)
    raise typer.Exit(FINDINGS if fetched.troubles else FINE)


def _say_fetched(fetched: Fetched) -> None:
    for trouble in fetched.troubles:
        complain(trouble)
    say(f"{many(fetched.mails, 'mail')} taken in. `disseminate bounces list` shows what followed.")


def _read_pipe(to: str, *, as_json: bool) -> None:
    """Whatever goes wrong, the mail is not lost: the server is told to try again."""
    if sys.stdin.isatty():
        raise WrongUseError("bounces read: a mail is expected on standard input; or give --maildir DIR or --imap")
    try:
        raw = _whole(sys.stdin.buffer.read(_LIMIT))
        with project() as house:
            taken = house.take_return(raw, to=to)
    except Exception as error:
        complain(str(error) if isinstance(error, DisseminationError) else f"{type(error).__name__}: {error}")
        raise typer.Exit(_TEMPORARY) from error
    if as_json:
        print_json(_facts(taken) if taken else None)


def _whole(raw: bytes) -> bytes:
    """The beginning is enough for us, but a server whose pipe breaks would send it again."""
    while sys.stdin.buffer.read(_LIMIT):
        pass
    return raw


@app.command("list")
@guarded
def list_(
    count: Annotated[int, typer.Option("--lines", "-n", min=1, max=10_000, help="How many.")] = 50,
    *,
    kept: Annotated[bool, typer.Option("--kept", help="Only what was kept for you to look at.")] = False,
    as_json: Json = False,
) -> None:
    """What came back and what followed from it, the newest last."""
    with project() as house:
        found, zone = house.came_back(count, kept=kept), house.parts.project.timezone
    if as_json:
        print_json([_facts(each) for each in found])
    elif found:
        _show(found, zone)
    else:
        say("Nothing was kept." if kept else "Nothing came back yet.")


def _show(found: Sequence[Return], zone: str) -> None:
    made = table("No.", "When", "What", "Why", "What followed")
    for each in reversed(found):
        what = " ".join(filter(None, (each.kind.value.replace("_", " "), each.status)))
        when = f"{each.at.astimezone(ZoneInfo(zone)):%m-%d %H:%M}"
        made.add_row(str(each.id), when, *map(safe, (what, each.reason, each.effect)))
    say(made)


@app.command("show")
@guarded
def show(
    number: Annotated[int, typer.Argument(help="Its number in `bounces list`.", metavar="ID")],
    *,
    as_json: Json = False,
) -> None:
    """One thing that came back, and the beginning of the mail where it was kept."""
    with project() as house:
        found, zone = house.one_return(number), house.parts.project.timezone
        concerned = house.whom(found)
    if as_json:
        body = (found.body or b"").decode("utf-8", "backslashreplace")
        print_json(_facts(found) | _whom(concerned) | {"body": body})
        return
    rows = columns(13, None)
    for name, value in _lines(found, concerned, zone):
        if value:
            rows.add_row(f"[bold]{name}[/bold]", safe(value))
    say(rows)
    if found.body:
        say()
        say(safe(found.body.decode("utf-8", "replace")))


def _whom(concerned: Concerned | None) -> dict[str, object]:
    return {"edition": concerned.subject if concerned else "", "address": concerned.email if concerned else ""}


def _lines(found: Return, concerned: Concerned | None, zone: str) -> Iterator[tuple[str, str]]:
    yield "When", moment(found.at, zone)
    yield "What", " ".join(filter(None, (found.kind.value.replace("_", " "), found.status)))
    yield "Why", found.reason
    yield "What followed", found.effect
    yield "Came by", found.source
    if concerned is not None:
        yield "Edition", concerned.subject
        yield "Person", concerned.email or "erased"


def _facts(found: Return) -> dict[str, object]:
    names = ("id", "at", "kind", "status", "reason", "effect", "source", "publication", "subscriber")
    return {name: getattr(found, name) for name in names}
