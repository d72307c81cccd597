"""Commands before anything goes out: plan, preview, approve, cancel, send-test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.padding import Padding

from dissemination.cli.common import (
    FINDINGS,
    FINE,
    Json,
    Name,
    columns,
    guarded,
    many,
    page,
    print_json,
    project,
    safe,
    say,
    say_block,
    say_hanging,
    say_path,
    state_text,
    who,
)
from dissemination.errors import AddressError, WrongUseError
from dissemination.files import FolderShelf
from dissemination.model import DOLLAR, Part, Post, Publication, State, dollars

if TYPE_CHECKING:
    from dissemination.pipeline.approve import Verdict
    from dissemination.pipeline.timing import Bill

_DONE = frozenset({State.PUBLISHED, State.CANCELLED, State.WITHDRAWN})
_FACTS = (
    "key",
    "subject",
    "kind",
    "channel",
    "lang",
    "title",
    "state",
    "when",
    "due_at",
    "reach",
    "reason",
    "items",
)
_SAID = ("text", "length", "limit", "thread", "lengths", "warning")
#: What channels that write files name them by, below the outbox.
_FILES = (".txt", ".zip")
#: What a decision leaves of a post, where nothing follows.
_STANDS = {State.PUBLISHED: ", is out", State.WITHDRAWN: ", nothing more is sent"}
#: What the officer does next, by the first state that is there.
_NEXT = {
    State.IN_REVIEW: "look with `disseminate preview`, then `disseminate approve ID` or `--all`",
    State.SCHEDULED: "`disseminate run` publishes at the set times, `disseminate publish` what is due now",
    State.DRAFT: "set `status: review` in an item that is ready",
}


def facts(publication: Publication) -> dict[str, object]:
    """A publication for `--json`."""
    out = [part._asdict() for part in publication.out]
    told = {name: getattr(publication, name) for name in _FACTS}
    return told | {"parts": out, "price_usd": publication.price / DOLLAR}


def moment(instant: datetime | None, zone: str, *, none: str = "") -> str:
    """An instant on the project's wall clock."""
    return f"{instant.astimezone(ZoneInfo(zone)):%a %d %b %Y %H:%M}" if instant else none


def next_try(at: datetime, zone: str, now: datetime) -> str:
    """When people who were deferred are tried again."""
    return f"next try {moment(at, zone)}" if at > now else "the next pass tries them"


@guarded
def plan(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Also what is out or cancelled.")] = False,
    texts: Annotated[bool, typer.Option("--posts", help="Also what each post says, and how long it is.")] = False,
    as_json: Json = False,
) -> None:
    """What would go out: item or edition, channel, when, to how many, state. Nothing is sent."""
    with project() as app:
        made = app.plan()
        lines = [line.publication for line in made.lines]
        posts = app.posts(made) if texts or as_json else {}
        most = {name: channel.limits.max_length for name, channel in app.parts.channels.items()}
        zone, paused = app.parts.project.timezone, app.parts.store.controls.paused()
        bills = app.bills(lines)
    shown = [line for line in lines if everything or line.state not in _DONE]
    if as_json:
        print_json([facts(line) | {"post": said(posts.get(line.key))} for line in shown])
        return
    show_paused(paused)
    if not shown:
        done = f" {many(len(lines), 'line')} out or cancelled: `disseminate plan --all`." if lines else ""
        say(f"Nothing is planned. Write an item in news/ and set `status: review`.{done}")
        return
    show_plan(shown, zone)
    show_posts([(line, posts[line.key], most[line.channel]) for line in shown if line.key in posts])
    show_bills(bills)
    _show_next(shown)


def show_bills(bills: Sequence[Bill]) -> None:
    """What each network that bills for posts costs this month; nothing where nothing costs anything."""
    for bill in bills:
        if not bill.spent and not bill.planned:
            continue
        cap = f", of {dollars(bill.cap)} at the most" if bill.cap is not None else ""
        total = (
            f"{dollars(bill.spent + bill.planned)} ({dollars(bill.spent)} spent, {dollars(bill.planned)} planned)"
        )
        over = bill.cap is not None and bill.spent + bill.planned > bill.cap
        hint = "; the cap will hold posts back" if over else ""
        say(f"\n{safe(bill.channel)} in {bill.month:%B}: about {total}{cap}{hint}")


def said(post: Post | None) -> dict[str, object] | None:
    """A post's words and count for `--json`; None for what is none."""
    return {name: getattr(post, name) for name in _SAID} if post else None


def show_posts(posts: Sequence[tuple[Publication, Post, int]]) -> None:
    """Each post as it goes out, below its counts; networks that say the same stand together."""
    from dissemination.pipeline import told  # noqa: PLC0415 - only this command needs it

    alike: dict[tuple[str, str], list[str]] = {}
    for line, post, most in posts:
        said = f"[bold]{safe(line.channel)}[/bold], {safe('; '.join(told.facts(post, most)))}"
        alike.setdefault((line.subject, told.words(post)), []).append(said)
    for (subject, words), facts_ in alike.items():
        page().print(f"\n[bold]{safe(subject)}[/bold]", soft_wrap=True)
        for fact in facts_:
            say_hanging(fact, 4, head="  ")
        say_block(words, 4)


def show_paused(paused: Mapping[str, str]) -> None:
    """Each emergency stop that holds: who and why."""
    for channel, why in paused.items():
        name = "every channel" if channel == "*" else channel
        # What we stopped ourselves begins with our name and the channel's: said once is enough.
        said = why.removeprefix("dissemination: ").removeprefix(f"{channel}: ")
        say_hanging(f"[yellow]Paused:[/yellow] {name} ({safe(said)}); {resuming(channel)} goes on", 2)


def resuming(channel: str) -> str:
    """The command that ends an emergency stop."""
    return "`disseminate resume`" if channel == "*" else f"`disseminate resume {safe(channel)}`"


def _show_next(lines: Sequence[Publication]) -> None:
    counts = Counter(line.state for line in lines)
    said = ", ".join(f"{counts[state]} {state_text(state)}" for state in State if counts[state])
    say(f"\n{said}")
    step = next((text for state, text in _NEXT.items() if counts[state]), "")
    if step:
        say(f"Next: {step}.")


def show_plan(lines: Sequence[Publication], zone: str, *, to: Console | None = None) -> None:
    """Under each item or edition a row of state, time, reach and channels, and what holds them."""
    to = to or page()
    to.print(f"  {'State':<11}{'When':<23}{'To':>5}  Channels", style="bold", no_wrap=True)
    shown = ""
    for (subject, when, state, reach, reason), rows in _rows(lines, zone).items():
        if subject != shown:
            to.print(f"[bold]{safe(subject)}[/bold]", soft_wrap=True)
            shown = subject
        row = columns(9, 21, 5, None)
        row.columns[2].justify = "right"
        row.add_row(state_text(state), when, str(reach), safe(", ".join(sorted(map(_priced, rows)))))
        to.print(Padding(row, (0, 0, 0, 2), expand=False))
        if reason:
            to.print(Padding(f"[dim]{safe(reason)}[/dim]", (0, 0, 0, 4), expand=False))
        for line in sorted(rows, key=lambda row: row.channel):
            show_parts(line.channel, line.out, to=to)


def _priced(line: Publication) -> str:
    return f"{line.channel} ({dollars(line.price)})" if line.price else line.channel


def show_parts(channel: str, parts: Sequence[Part], *, to: Console | None = None) -> None:
    """Where a post stands, a line for each part; an address is never broken, so that it can be copied."""
    to = to or page()
    for number, part in enumerate(parts, start=1):
        name = f"{channel} {number}/{len(parts)}" if len(parts) > 1 else channel
        to.print(f"    [dim]{safe(name)}[/dim]  {safe(address(part))}", soft_wrap=True)


def address(part: Part) -> str:
    """Where a part of a post stands: its address, its file, or else the id that it has there."""
    if part.url:
        return part.url
    return f"var/outbox/{part.id}" if part.id.endswith(_FILES) else f"no address was told; its id is {part.id}"


_Row = tuple[str, str, State, int, str]


def _rows(lines: Sequence[Publication], zone: str) -> dict[_Row, list[Publication]]:
    """Lines that differ in their channel alone share a row."""
    rows: dict[_Row, list[Publication]] = {}
    for line in lines:
        when = moment(line.published_at or line.due_at or line.when, zone, none=_no_time(line))
        rows.setdefault((line.subject, when, line.state, line.reach, line.reason), []).append(line)
    return rows


def _no_time(line: Publication) -> str:
    return "" if line.state in _DONE else "on approval"


@guarded
def preview(
    folder: Annotated[
        Path | None, typer.Option("--out", help="Where to write; var/preview where left out.", metavar="DIR")
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Write what each channel would carry: mails, posts with their counted length, feeds and pages."""
    with project() as app:
        files = app.preview()
        target = (folder or app.parts.project.root / "var" / "preview").resolve()
    FolderShelf(target).write(files)
    if as_json:
        print_json({"folder": target, "files": sorted(files)})
        return
    say(f"{many(len(files), 'file')}; nothing was sent. Open:")
    say_path(target / "index.html")


@guarded
def approve(
    ids: Annotated[
        list[str] | None, typer.Argument(help="Items, editions, or item:channel.", metavar="ID...")
    ] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Everything that is in review.")] = False,
    name: Name = "",
    as_json: Json = False,
) -> None:
    """Say yes to the very bytes that will go out; a later change lapses it."""
    if bool(ids) == everything:
        raise WrongUseError("approve: name ids, or say --all; `disseminate plan` lists them")
    with project() as app:
        verdicts = app.approve(ids or [], who=who(name), everything=everything)
        zone, awaited = app.parts.project.timezone, app.awaited(v.publication for v in verdicts if not v.refused)
    done = report(verdicts, "Approved", zone, as_json=as_json)
    if not as_json:
        _show_awaited(awaited)
    if not as_json and not verdicts:
        say("Nothing is in review. `disseminate plan` tells what holds an item back.")
    elif not as_json and any(v.publication.state is State.SCHEDULED for v in verdicts if not v.refused):
        say(f"Next: {_NEXT[State.SCHEDULED]}.")
    raise typer.Exit(FINE if done or not verdicts else FINDINGS)


def _show_awaited(awaited: Mapping[str, Sequence[str]]) -> None:
    """Feeds come first: what was approved stays where it is until they may."""
    for subject, items in awaited.items():
        names = ", ".join(map(safe, items))
        it = "it" if len(items) == 1 else "them"
        say_hanging(f"[bold]{safe(subject)}[/bold] waits for the feed entry of {names}; approve {it} too", 4)


@guarded
def cancel(
    ids: Annotated[list[str], typer.Argument(help="Items, editions, or item:channel.", metavar="ID...")],
    *,
    name: Name = "",
    as_json: Json = False,
) -> None:
    """Stop what these ids name; an edition under way stops at its next window."""
    with project() as app:
        verdicts, zone = app.cancel(ids, who=who(name)), app.parts.project.timezone
    done = report(verdicts, "Cancelled", zone, as_json=as_json)
    raise typer.Exit(FINE if done or not verdicts else FINDINGS)


def report(verdicts: Sequence[Verdict], word: str, zone: str, *, as_json: bool) -> int:
    """What became of each publication; how many were done."""
    if as_json:
        print_json([facts(v.publication) | {"done": not v.refused, "refused": v.refused} for v in verdicts])
    else:
        show = page()
        for (head, subject, rest), channels in _fates(verdicts, word, zone).items():
            show.print(f"{head} [bold]{safe(subject)}[/bold] on {safe(', '.join(channels))}{safe(rest)}")
    return sum(not verdict.refused for verdict in verdicts)


def _fates(verdicts: Sequence[Verdict], word: str, zone: str) -> dict[tuple[str, str, str], list[str]]:
    """(what is said before, subject, what is said after) -> channels."""
    fates: dict[tuple[str, str, str], list[str]] = {}
    for verdict in verdicts:
        line = verdict.publication
        at = _STANDS.get(line.state, f", goes out {moment(line.due_at, zone)}" if line.due_at else "")
        waits = f", {line.reason}" if line.state is State.IN_REVIEW and line.reason else ""
        fate = (f"[green]{word}:[/green]", line.subject, at + waits)
        if verdict.refused:
            fate = (f"[yellow]Not {word.lower()}:[/yellow]", line.subject, f": {verdict.refused}")
        fates.setdefault(fate, []).append(line.channel)
    return fates


@guarded
def send_test(
    id_: Annotated[str, typer.Argument(help="An edition or an item.", metavar="ID")],
    to: Annotated[str, typer.Option("--to", help="The address.", metavar="ADDRESS")],
    lang: Annotated[str, typer.Option(help="Its language; the project's where left out.")] = "",
    *,
    as_json: Json = False,
) -> None:
    """Send one real mail of an edition or item, marked as a test and never counted."""
    with project() as app:
        try:
            receipt = app.send_test(id_, to, lang)
        except AddressError as error:
            raise WrongUseError(f"--to: {error}") from error
    if as_json:
        print_json({"id": id_, "to": to, "receipt": receipt})
    else:
        say(f"Sent to {safe(to)}: {safe(receipt.detail or receipt.id or 'accepted')}")
