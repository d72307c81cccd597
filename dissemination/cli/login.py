"""The command that guides through a network's credentials: login."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dissemination.cli.common import FINDINGS, FINE, Json, Name, guarded, print_json, project, safe, say, who
from dissemination.cli.looking import show_symptoms
from dissemination.errors import WrongUseError
from dissemination.model import Level

if TYPE_CHECKING:
    from dissemination.app import App
    from dissemination.ports import Prompt

#: A file of answers is no longer than that, in bytes.
_MOST = 64 * 1024


@guarded
def login(
    network: Annotated[str, typer.Argument(help="A channel of settings.yaml.", metavar="NETWORK")],
    *,
    from_env: Annotated[
        bool,
        typer.Option("--from-env", help="Take answers from the environment (DISSEMINATION_NAME); ask nothing."),
    ] = False,
    answers: Annotated[
        str, typer.Option("--answers", help="Take them from a file, NAME=value or JSON; - is standard input.")
    ] = "",
    name: Name = "",
    as_json: Json = False,
) -> None:
    """Guide through a network's credentials, prove them by a harmless call, and keep them."""
    written = _read(answers) if answers else {}
    with project() as app:
        asks = not (from_env or answers or as_json)
        given = _given(app, network, written, _secret if from_env else lambda _: None, asks=asks)
        seen = app.login(network, given, who=who(name))
    if as_json:
        print_json({"network": network, "symptoms": seen.symptoms, "resumed": seen.resumed})
    else:
        show_symptoms(seen.symptoms)
        if seen.resumed:
            say(f"{safe(network)} was paused for want of a login, and goes on.")
    raise typer.Exit(FINDINGS if any(s.level is Level.ERROR for s in seen.symptoms) else FINE)


def _given(
    app: App, network: str, written: Mapping[str, str], secret: Callable[[str], str | None], *, asks: bool
) -> dict[str, str]:
    """Answers to everything that the channel asks, in as many rounds as it takes."""
    given: dict[str, str] = {}
    while open_ := [prompt for prompt in app.prompts(network, given) if prompt.name not in given]:
        known = {prompt.name: written.get(prompt.name) or secret(prompt.name) for prompt in open_}
        missing = [prompt for prompt in open_ if not known[prompt.name]]
        if missing and not asks:
            raise WrongUseError(f"login: no answer for {', '.join(_named(prompt) for prompt in missing)}")
        given |= {prompt.name: known[prompt.name] or _ask(prompt) for prompt in open_}
    return given


def _named(prompt: Prompt) -> str:
    return f"{prompt.name} ({' '.join(prompt.text.split())})"


def _ask(prompt: Prompt) -> str:
    """Ask the person; what is secret is not shown."""
    if prompt.url:
        say(f"Open {safe(prompt.url)}")
    answer: str = typer.prompt(safe(prompt.text), hide_input=prompt.secret, err=True)
    return answer.strip()


def _secret(name: str) -> str | None:
    from dissemination.settings import Secrets  # noqa: PLC0415 - only here, and only where it is asked for

    return Secrets(os.environ).get(name)


def _read(source: str) -> dict[str, str]:
    """The answers of a file: a JSON object, or lines NAME=value. No error repeats any of it."""
    try:
        text = sys.stdin.read(_MOST) if source == "-" else Path(source).read_text("utf-8")[:_MOST]
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUseError(f"--answers: {source} cannot be read ({type(error).__name__})") from None
    if text.lstrip().startswith("{"):
        return _object(text)
    lines = [line.strip() for line in text.splitlines()]
    pairs = [line.partition("=") for line in lines if line and not line.startswith("#")]
    if bad := [number for number, (_, sign, _) in enumerate(pairs, start=1) if not sign]:
        raise WrongUseError(f"--answers: entry {bad[0]} has no =; write NAME=value, one a line")
    return {key.strip(): value.strip() for key, _, value in pairs}


def _object(text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise WrongUseError("--answers: it begins with { and is no JSON; write NAME=value, one a line") from None
    return {str(key): str(value) for key, value in found.items()}
