"""The schema as editors and people read it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dissemination.settings.schema import Settings

_PREFACE = """# Settings

`settings.yaml` lies in the project folder and is checked as a whole before anything else happens: every problem
is named with its line, and an unknown key with the nearest known one. The file is YAML 1.2 without anchors and
tags, so `no` is the word "no". The sample in the repository's root has every key with a comment; `disseminate
schema` prints the same as a JSON Schema for editors. `<name>` stands for a name that you choose, `[]` for each
entry of a list.

Secrets never stand in it. A secret `NAME` comes from the file `dissemination_name` in the service manager's
credentials folder (`$CREDENTIALS_DIRECTORY`), else from the file that `DISSEMINATION_NAME_FILE` names, else
from the variable `DISSEMINATION_NAME`. A key or a value that looks like a secret stops the start. The address
of a PostgreSQL database holds a password, so it is one of them: `DISSEMINATION_DATABASE_URL`.

Keys of a channel besides `use`, `languages` and `posting` belong to the channel: see its page in `docs/channels/`.

| Key | Type | Default | Meaning |
|---|---|---|---|
"""


#: JSON Schema's format or type -> the word for it.
_PLAIN_TYPES = {
    "object": "keys",
    "boolean": "true or false",
    "string": "text",
    "integer": "number",
    "number": "number",
    "date": "date",
    "date-time": "time",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """One key that settings.yaml may have."""

    #: "newsletter.digests.<name>.cron"; "[]" stands for each entry of a list.
    path: str
    type: str
    #: As it is written; "required" where there is none.
    default: str
    meaning: str

    @property
    def name(self) -> str:
        """The last part: "cron"."""
        return self.path.rpartition(".")[2]


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of settings.yaml."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Settings.model_json_schema(by_alias=True)}


def keys() -> list[Key]:
    """Every key, in the order of the schema."""
    schema = json_schema()
    return list(_below(schema, "", schema["$defs"]))


def markdown() -> str:
    """The text of docs/settings.md."""
    rows = (f"| `{key.path}` | {key.type} | {key.default} | {key.meaning} |" for key in keys())
    return _PREFACE + "\n".join(rows) + "\n"


def _below(schema: dict[str, Any], prefix: str, models: dict[str, Any]) -> Iterator[Key]:
    required = schema.get("required", [])
    for name, field in schema.get("properties", {}).items():
        default = "required" if name in required else _written(field)
        inner, mark = _inner(field, models)
        # Pydantic leaves out a description that equals the one of the mapping below.
        meaning = field.get("description") or inner["description"]
        yield Key(path=prefix + name, type=_type(field, models), default=default, meaning=meaning)
        yield from _below(inner, f"{prefix}{name}{mark}.", models)


def _inner(field: dict[str, Any], models: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The mapping below a field, and how its place is written."""
    for holder, mark in (
        (field, ""),
        (field.get("items", {}), "[]"),
        (field.get("additionalProperties", {}), ".<name>"),
    ):
        if isinstance(holder, dict) and "$ref" in holder:
            return models[holder["$ref"].rpartition("/")[2]], mark
    return {}, ""


def _type(field: dict[str, Any], models: dict[str, Any]) -> str:
    if "anyOf" in field:
        return _type(field["anyOf"][0], models)
    if "$ref" in field:
        return _type(models[field["$ref"].rpartition("/")[2]], models)
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if field["type"] == "array":
        return f"list of {_type(field['items'], models)}"
    if "additionalProperties" in field and isinstance(field["additionalProperties"], dict):
        return f"name → {_type(field['additionalProperties'], models)}"
    return _PLAIN_TYPES[field.get("format", field["type"])]


def _written(field: dict[str, Any]) -> str:
    default = field.get("default")
    # A section's default says nothing that its own keys do not say.
    if default in (None, "", [], {}) or ("$ref" in field and isinstance(default, dict)):
        return "none"
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"
