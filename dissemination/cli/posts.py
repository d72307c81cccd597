"""Commands for posts that are out, or may be: resolve, correct, withdraw."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from dissemination.cli.common import (
    FINDINGS,
    FINE,
    Json,
    Name,
    guarded,
    many,
    page,
    print_json,
    project,
    safe,
    say,
    say_block,
    say_hanging,
    who,
)
from dissemination.cli.planning import address, facts, report, show_parts
from dissemination.errors import WrongUseError

if TYPE_CHECKING:
    from dissemination.pipeline.correcting import Change, Corrected, Correction
    from dissemination.pipeline.withdrawing import Withdrawal

_FILE = "Write `status: withdrawn` into its file, then approve that."
_IDS = typer.Argument(help="Items, or item:channel.", metavar="ID...")


@guarded
def resolve(
    id_: Annotated[str, typer.Argument(help="An item, or item:channel.", metavar="ID")],
    *,
    published: Annotated[str, typer.Option("--published", help="It is out, at this address.", metavar="URL")] = "",
    retry: Annotated[bool, typer.Option("--retry", help="It is not out: send it again.")] = False,
    drop: Annotated[bool, typer.Option("--drop", help="Whatever became of it: send nothing more.")] = False,
    name: Name = "",
    as_json: Json = False,
) -> None:
    """Decide what became of a post that is in doubt. Look at the network first."""
    from dissemination.pipeline.doubts import Decision  # noqa: PLC0415 - only this command needs it

    given = [Decision.PUBLISHED] * bool(published) + [Decision.RETRY] * retry + [Decision.DROP] * drop
    if len(given) != 1:
        raise WrongUseError("resolve: say what became of it, --published URL or --retry or --drop")
    with project() as app:
        verdicts = app.decide(id_, given[0], url=published, who=who(name))
        zone = app.parts.project.timezone
    done = report(verdicts, "Resolved", zone, as_json=as_json)
    raise typer.Exit(FINE if done == len(verdicts) else FINDINGS)


@guarded
def correct(
    ids: Annotated[list[str], _IDS],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Edit what is shown, without asking.")] = False,
    name: Name = "",
    as_json: Json = False,
) -> None:
    """Make posts that are out say what the news folder says now; what cannot be edited is listed for you."""
    with project() as app:
        wanted = app.corrections(ids)
        if not as_json:
            _show_corrections(wanted)
        editable = [one for one in wanted if one.edits and one.changes]
        done = app.correct(wanted, who=who(name)) if editable and (yes or _confirmed(editable, as_json)) else []
    if as_json:
        print_json([_correction_facts(one, done) for one in wanted])
    else:
        _show_corrected(done, bool(editable))
    raise typer.Exit(FINDINGS if _is_left(wanted, done) else FINE)


def _confirmed(editable: Sequence[Correction], as_json: bool) -> bool:
    """Asked where somebody sits; elsewhere only `--yes` is a yes."""
    if as_json or not sys.stdin.isatty():
        return False
    return typer.confirm(f"Edit {many(len(editable), 'post')}?")


def _show_corrections(wanted: Sequence[Correction]) -> None:
    for one in wanted:
        post = one.publication
        head = f"[bold]{safe(post.subject)}[/bold] on {safe(post.channel)}"
        if one.refused:
            say_hanging(f"{head}: [yellow]not corrected[/yellow], {safe(one.refused)}", 2)
        elif not one.changes:
            say(f"{head}: says what it should")
        else:
            say(f"{head}: {'is edited' if one.edits else '[yellow]by hand[/yellow]'}")
            for change in one.changes:
                _show_change(change, len(post.out))


def _show_change(change: Change, count: int) -> None:
    to = page()
    where = f"part {change.number} of {count}" if count > 1 or change.number > 1 else ""
    todo = "delete" if change.message is None else "new" if change.part is None else ""
    at = safe(address(change.part)) if change.part else ""
    said = ", ".join(filter(None, (where, todo)))
    to.print("  " + "  ".join(filter(None, (f"[dim]{said}[/dim]" if said else "", at))), soft_wrap=True)
    if change.message is not None:
        say_block(change.text, 6)


def _show_corrected(done: Sequence[Corrected], editable: bool) -> None:
    if editable and not done:
        say("Nothing was changed. `--yes` edits what is shown.")
    for one in done:
        post = one.publication
        if one.failed:
            said = f"{safe(post.subject)} on {safe(post.channel)}, {safe(one.failed)}"
            say_hanging(f"[red]Not corrected:[/red] {said}", 2)
            say("  The same command again goes on.")
        else:
            say(f"[green]Corrected:[/green] {safe(post.subject)} on {safe(post.channel)}")
            if one.said:
                say(f"  [yellow]{safe(post.channel)} says:[/yellow] {safe(one.said)}")


def _correction_facts(one: Correction, done: Sequence[Corrected]) -> dict[str, object]:
    told = next((each for each in done if each.publication.key == one.publication.key), None)
    changes = [
        {"number": c.number, "url": c.part.url if c.part else "", "id": c.part.id if c.part else "", "text": c.text}
        for c in one.changes
    ]
    return facts(told.publication if told else one.publication) | {
        "changes": changes,
        "by_hand": bool(one.changes) and not one.edits,
        "refused": one.refused,
        "done": told is not None and not told.failed,
        "failed": told.failed if told else "",
        "said": told.said if told else "",
    }


def _is_left(wanted: Sequence[Correction], done: Sequence[Corrected]) -> bool:
    """Whether something that is out does not say what it should."""
    corrected = {one.publication.key for one in done if not one.failed}
    # What is not out yet goes out as its file says then; where nothing is out, there was nothing to call this for.
    out = [one for one in wanted if one.publication.out] or wanted
    return any(one.refused or (one.changes and one.publication.key not in corrected) for one in out)


@guarded
def withdraw(ids: Annotated[list[str], _IDS], *, name: Name = "", as_json: Json = False) -> None:
    """Take posts back: what waits never goes out, what is out is deleted where the network can."""
    with project() as app:
        seen = app.withdraw(ids, who=who(name))
        told = app.still_told(seen)
    if as_json:
        print_json([_withdrawal_facts(one) for one in seen])
    else:
        for one in seen:
            _show_withdrawal(one)
        for item in told:
            say_hanging(f"[yellow]Still in feeds and on its page:[/yellow] [bold]{safe(item)}[/bold]. {_FILE}", 2)
    raise typer.Exit(FINDINGS if any(one.refused or one.publication.out for one in seen) else FINE)


def _show_withdrawal(one: Withdrawal) -> None:
    post = one.publication
    head = f"[bold]{safe(post.subject)}[/bold] on {safe(post.channel)}"
    if one.refused:
        say_hanging(f"[yellow]Not withdrawn:[/yellow] {head}, {safe(one.refused)}", 2)
        return
    gone = f", {many(len(one.deleted), 'part')} deleted" if one.deleted else ""
    say(f"[green]Withdrawn:[/green] {head}{gone}; {safe(post.reason)}")
    if one.failed:
        say_hanging(f"[red]Still there:[/red] {safe(one.failed)}; the same command again goes on", 4, head="  ")
    elif post.out:
        say("  [yellow]Delete by hand:[/yellow]")
    show_parts(post.channel, post.out)


def _withdrawal_facts(one: Withdrawal) -> dict[str, object]:
    return facts(one.publication) | {
        "deleted": [part._asdict() for part in one.deleted],
        "by_hand": bool(one.publication.out) and not one.failed and not one.refused,
        "failed": one.failed,
        "refused": one.refused,
        "done": not one.refused and not one.publication.out,
    }
