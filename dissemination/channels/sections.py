"""Checks a channel's own section of settings.yaml."""

from __future__ import annotations

import difflib
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from dissemination.errors import SettingsError
from dissemination.ports import ChannelOptions

_Model = TypeVar("_Model", bound=BaseModel)


def read(options: ChannelOptions, model: type[_Model]) -> _Model:
    """The section as `model`, which forbids unknown keys.

    Raises:
        SettingsError: every problem with its key.
    """
    try:
        return model.model_validate(dict(options.settings))
    except ValidationError as error:
        problems = [_problem(dict(one), sorted(model.model_fields)) for one in error.errors(include_url=False)]
        raise SettingsError(f"channels.{options.name}: {'; '.join(problems)}") from error


def _problem(fault: dict[str, Any], known: list[str]) -> str:
    """Never the value itself: a secret may have been written there by mistake."""
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] != "extra_forbidden":
        return f"{key}: {fault['msg']}"
    near = difflib.get_close_matches(key, known, n=1)
    return f"{key}: unknown key{f'; did you mean {near[0]}?' if near else '; take it out'}"
