"""Checks a channel's own section of settings.yaml."""

from __future__ import annotations

import difflib
import re
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from dissemination.errors import SettingsError
from dissemination.ports import ChannelOptions

_Model = TypeVar("_Model", bound=BaseModel)

#: Pydantic's words -> ours, in this order.
_WORDS = (
    (re.compile("^Value error, "), ""),
    (re.compile("^Field required$"), "is missing; add it"),
    (re.compile(r"^(?:Input|String|List|Tuple) should (not )?"), r"must \1"),
    # Nobody writes an empty choice: leaving the key out says it.
    (re.compile(r"\'\'(?:, | or )"), ""),
)


def read(options: ChannelOptions, model: type[_Model]) -> _Model:
    """The section as `model`, which forbids unknown keys.

    Raises:
        SettingsError: every problem with its line and key.
    """
    try:
        return model.model_validate(dict(options.settings))
    except ValidationError as error:
        faults: list[dict[str, Any]] = [dict(one) for one in error.errors(include_url=False)]
    problems = sorted(
        (_line_of(options, tuple(fault["loc"])), _problem(options.name, fault, model)) for fault in faults
    )
    raise SettingsError("\n".join(f"{_place(line)}: {said}" for line, said in problems))


def _line_of(options: ChannelOptions, where: tuple[str | int, ...]) -> int:
    """A missing key has no line: its section's is the best there is."""
    while where and where not in options.lines:
        where = where[:-1]
    return options.lines.get(where, 0)


def _place(line: int) -> str:
    return f"settings.yaml:{line}" if line else "settings.yaml"


def _problem(channel: str, fault: dict[str, Any], model: type[BaseModel]) -> str:
    """Never the value itself: a secret may have been written there by mistake."""
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault["loc"])
    return f"channels.{channel}{key}: {_unknown(fault, model) or _said(fault['msg'])}"


def _unknown(fault: dict[str, Any], model: type[BaseModel]) -> str:
    if fault["type"] != "extra_forbidden":
        return ""
    near = difflib.get_close_matches(str(fault["loc"][-1]), sorted(model.model_fields), n=1)
    return f"unknown key{f'; did you mean {near[0]}?' if near else '; take it out'}"


def _said(message: str) -> str:
    for pattern, ours in _WORDS:
        message = pattern.sub(ours, message)
    return message
