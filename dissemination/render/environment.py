"""The one Jinja2 environment: sandboxed, strict about names, escaping by the template's kind.

A project may replace any single shipped template by one of the same name in its own templates folder.
"""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, TemplateError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from dissemination.errors import RenderError
from dissemination.files import shipped


def make_environment(templates: Path | None = None) -> Environment:
    """Templates of the project first, then those shipped with the package.

    Args:
        templates: the project's own templates folder; None: none.
    """
    folders = [*([templates] if templates is not None else []), shipped("templates")]
    environment = ImmutableSandboxedEnvironment(
        loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
        autoescape=_is_markup,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    # `range` and `lipsum` can burn any amount of time; no template needs them.
    environment.globals.clear()
    return environment


def _is_markup(name: str | None) -> bool:
    return name is None or not name.endswith(".txt")


def render(environment: Environment, name: str, /, **values: Any) -> str:
    """The template filled.

    Raises:
        RenderError: the template is missing or fails; the text names its file and line.
    """
    try:
        return environment.get_template(name).render(**values)
    except TemplateSyntaxError as error:
        where = error.filename or error.name or name
        raise RenderError(f"{where}:{error.lineno}: {error.message}; correct the template") from error
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        where = _place(error) or name
        raise RenderError(f"{where}: {str(error) or type(error).__name__}; correct the template") from error


def _place(error: BaseException) -> str:
    """File and line of the innermost template frame: Jinja2 rewrites tracebacks to the templates' own lines."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{frame.filename}:{frame.lineno}" for frame in frames if not frame.filename.endswith(".py")]
    return places[-1] if places else ""
