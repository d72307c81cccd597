"""What a spam filter of this machine thinks of a message. Nothing is asked of the network."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from email import message_from_bytes
from email.policy import compat32
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from dissemination.errors import ToolError
from dissemination.model import SpamRule, SpamScore

#: Seconds; SpamAssassin reads all its rules anew for every message.
PATIENCE = 60
#: Rules that are shown; a letter that more of them speak against has other troubles.
_MOST_RULES = 30

_STATUS = re.compile(r"score=(-?\d+(?:\.\d+)?)\s+required=(-?\d+(?:\.\d+)?)\s+tests=([A-Z0-9_,\s]*)")
#: A line of SpamAssassin's report: points, rule, what it is.
_ROW = re.compile(r"^\s*(-?\d+(?:\.\d+)?)\s+([A-Z][A-Z0-9_]+)\s+(.*)$", re.MULTILINE)

Scorer = Callable[[bytes], SpamScore]


class _Symbol(BaseModel):
    score: float = 0
    description: str = Field("", max_length=2000)


class _Verdict(BaseModel):
    """rspamd's answer, as far as it is used."""

    score: float
    required_score: float
    symbols: dict[str, _Symbol] = Field(default_factory=dict)


def spam_scorer() -> Scorer | None:
    """Whatever is installed: SpamAssassin, else rspamd's client; None: neither."""
    for name, score in (("spamassassin", spamassassin), ("rspamc", rspamd)):
        program = shutil.which(name)
        if program:
            return partial(score, program)
    return None


def spamassassin(program: str, raw: bytes) -> SpamScore:
    """Score by `spamassassin`, with its local rules only.

    Raises:
        ToolError: it failed, took too long, or said something else.
    """
    # -L: no network; -t: with a report; -x: nothing is written into the home folder.
    said = _run([program, "-L", "-t", "-x"], raw)
    status = _STATUS.search(" ".join(str(message_from_bytes(said, policy=compat32)["X-Spam-Status"]).split()))
    if not status:
        raise ToolError("spamassassin: no score in its answer; try it by hand: spamassassin -L -t < mail")
    fired = set(re.split(r"[,\s]+", status[3]))
    rows = _ROW.findall(said.decode("utf-8", "replace"))
    rules = {
        name: SpamRule(name=name, points=float(points), what=what) for points, name, what in rows if name in fired
    }
    return SpamScore(
        program="SpamAssassin",
        score=float(status[1]),
        threshold=float(status[2]),
        rules=_heaviest(rules.values()),
    )


def rspamd(program: str, raw: bytes) -> SpamScore:
    """Score by the rspamd that runs on this machine, asked by `rspamc`.

    Raises:
        ToolError: it does not run, took too long, or said something else.
    """
    said = _run([program, "--json", "--timeout", str(PATIENCE // 2), "symbols"], raw)
    try:
        verdict = _Verdict.model_validate(_object(said.decode("utf-8", "replace")))
    except (ValueError, ValidationError, RecursionError):
        raise ToolError(
            "rspamc: no score in its answer; is rspamd running? try it by hand: rspamc < mail"
        ) from None
    rules = (
        SpamRule(name=name, points=symbol.score, what=symbol.description)
        for name, symbol in verdict.symbols.items()
    )
    return SpamScore(
        program="rspamd", score=verdict.score, threshold=verdict.required_score, rules=_heaviest(rules)
    )


def _object(said: str) -> Any:
    """The first JSON object; rspamc writes a line of its own before it."""
    return json.JSONDecoder().raw_decode(said, said.index("{"))[0]


def _heaviest(rules: Iterable[SpamRule]) -> tuple[SpamRule, ...]:
    return tuple(sorted(rules, key=lambda rule: -rule.points)[:_MOST_RULES])


def _run(command: Sequence[str], raw: bytes) -> bytes:
    """The program's answer to a message on its standard input."""
    name = Path(command[0]).name
    try:
        done = subprocess.run(  # noqa: S603 -- found on PATH, with arguments of ours alone
            command,
            input=raw,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
    except subprocess.TimeoutExpired:
        raise ToolError(f"{name}: no answer within {PATIENCE} s; try it by hand") from None
    except OSError as error:
        raise ToolError(f"{name}: cannot be started: {error.strerror}; install it anew") from error
    if done.returncode:
        said = (done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()
        raise ToolError(f"{name}: {said[-1][:200] if said else f'exit code {done.returncode}'}; try it by hand")
    return done.stdout
