"""From the file to settings: everything that is wrong, all at once, each with its line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from dissemination.errors import FileRefusedError, SettingsError
from dissemination.files import read_below
from dissemination.model import Finding, Level
from dissemination.settings.consistency import Problem, inconsistencies
from dissemination.settings.credentials import exposed, variable_for
from dissemination.settings.kinds import nearest
from dissemination.settings.schema import Settings
from dissemination.settings.strict import MAX_BYTES, Where, YamlError, read

#: Pydantic's kind of error -> what we say instead; {x} comes from the error's context.
_SAYINGS = {
    "missing": "is missing; add it",
    "string_type": "must be text; put the value in quotes",
    "list_type": "must be a list; write [one, two] or one entry a line, each after a dash",
    "dict_type": "must hold keys of its own; write them below it, indented",
    "model_type": "must hold keys of its own; write them below it, indented",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "needs at least {min_length} entry",
    "too_long": "takes at most {max_length} entries",
    "date_from_datetime_parsing": "not a day of the calendar; write it as YYYY-MM-DD",
    "date_parsing": "not a day of the calendar; write it as YYYY-MM-DD",
    "datetime_from_date_parsing": 'not a time of the calendar; write it as "YYYY-MM-DD HH:MM"',
    "datetime_parsing": 'not a time of the calendar; write it as "YYYY-MM-DD HH:MM"',
    "string_pattern_mismatch": "does not have the form {pattern}",
}


def load(path: Path) -> Settings:
    """Read and check settings.yaml.

    Raises:
        SettingsError: it is missing, no YAML, or has problems; `findings` holds each with its line.
    """
    try:
        data, lines = read(read_below(path.parent, path.name, limit=MAX_BYTES))
    except FileNotFoundError:
        raise SettingsError(f"{path}: no such file; `disseminate init` makes one") from None
    except (FileRefusedError, OSError) as error:
        raise SettingsError(f"{path}: cannot be read: {error}") from error
    except YamlError as error:
        raise _error(path, [_finding(path, ("settings-yaml", (), error.message), error.line)]) from None
    problems = list(_problems({} if data is None else data))
    if problems:
        raise _error(path, [_finding(path, each, _line_of(each[1], lines)) for each in problems])
    return Settings.model_validate(data).placed().read_from(lines)


def _problems(data: Any) -> Iterator[Problem]:
    secret = list(exposed(data))
    for where in secret:
        variable = variable_for(where)
        text = "looks like a secret, and secrets never stand in this file; take it out, and where it is needed set"
        yield "settings-secret", where, f"{text} {variable} (or {variable}_FILE) in the environment"
    try:
        settings = Settings.model_validate(data)
    except ValidationError as error:
        yield from _said(error.errors(include_url=False), secret)
    else:
        yield from inconsistencies(settings)


def _said(errors: Iterable[ErrorDetails], secret: list[Where]) -> Iterator[Problem]:
    for error in errors:
        where = tuple(part for part in error["loc"] if part != "[key]")
        if where in secret:
            continue
        if error["type"] == "extra_forbidden":
            yield "settings-unknown-key", where, _unknown(where)
        else:
            yield "settings-value", where, _saying(error)


def _saying(error: ErrorDetails) -> str:
    template = _SAYINGS.get(error["type"])
    if template is None:
        return error["msg"].removeprefix("Value error, ")
    return template.format_map(error.get("ctx", {}))


def _unknown(where: Where) -> str:
    known = keys_at(where[:-1])
    near = nearest(str(where[-1]), known)
    return f"unknown key; did you mean `{near}`?" if near else f"unknown key; known here: {', '.join(known)}"


def keys_at(where: Where) -> list[str]:
    """The keys that the mapping at `where` knows; none where it is free."""
    kind: Any = Settings
    for part in where:
        kind = _below(kind, part)
    return [field.alias or name for name, field in kind.model_fields.items()] if _is_model(kind) else []


def _below(kind: Any, part: str | int) -> Any:
    if _is_model(kind):
        fields = {field.alias or name: field for name, field in kind.model_fields.items()}
        return fields[str(part)].annotation if part in fields else None
    # dict[key, value] and list[value] both end with what lies below; so does X | None, but for None.
    inner = [each for each in get_args(kind) if each is not type(None)]
    return inner[-1] if inner else None


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _finding(path: Path, problem: Problem, line: int) -> Finding:
    rule, where, text = problem
    message, _, fix = text.partition("; ")
    return Finding(
        rule=rule, level=Level.ERROR, path=path.name, message=message, fix=fix, field=dotted(where), line=line
    )


def _line_of(where: Where, lines: Mapping[Where, int]) -> int:
    """A missing key has no line: its section's is the best there is."""
    while where and where not in lines:
        where = where[:-1]
    return lines.get(where, 0)


def dotted(where: Where) -> str:
    """("partners", 0, "key") -> "partners[0].key"."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where).removeprefix(".")


def _error(path: Path, findings: list[Finding]) -> SettingsError:
    ordered = sorted(findings, key=lambda finding: (finding.line, finding.field))
    return SettingsError("\n".join(_line(path, finding) for finding in ordered), ordered)


def _line(path: Path, finding: Finding) -> str:
    field = f"{finding.field}: " if finding.field else ""
    return f"{path.name}:{finding.line}: {field}{finding.message}" + (f"; {finding.fix}" if finding.fix else "")
