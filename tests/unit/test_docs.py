"""The documents name every command, setting and channel; the repository names nothing that it must not."""

from __future__ import annotations

import re
import subprocess
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import typer

from dissemination.cli import app
from dissemination.settings import json_schema

ROOT = Path(__file__).parents[2]
DOCS = "\n".join(path.read_text("utf-8") for path in (ROOT / "docs").rglob("*.md"))


def commands() -> list[str]:
    root = typer.main.get_command(app)
    names = []
    for name, command in root.commands.items():
        inner = getattr(command, "commands", None)
        names += [f"{name} {word}" for word in inner] if inner else [name]
    return names


def keys(schema: dict) -> set[str]:
    found: set[str] = set()
    for part in (schema, *schema.get("$defs", {}).values()):
        found |= set(part.get("properties", {}))
    return found


@pytest.mark.parametrize("command", commands())
def test_every_command_is_documented(command):
    assert f"disseminate {command}" in (ROOT / "docs" / "commands.md").read_text("utf-8")


def section(command: str) -> str:
    """What docs/commands.md says of a command, up to the next heading."""
    text = (ROOT / "docs" / "commands.md").read_text("utf-8")
    return re.split(r"\n##", re.split(rf"\n### `disseminate {command}(?=[ `])", text, maxsplit=1)[1], maxsplit=1)[0]


def options() -> list[tuple[str, str]]:
    root = typer.main.get_command(app)
    found = []
    for name in commands():
        command = root
        for word in name.split():
            command = command.commands[word]
        flags = {flag for parameter in command.params for flag in parameter.opts if flag.startswith("--")}
        # What all commands share is said once, on top.
        found += [(name, flag) for flag in sorted(flags - {"--json", "--help"})]
    return found


@pytest.mark.parametrize(("command", "option"), options())
def test_every_option_is_documented_with_its_command(command, option):
    assert option in section(command)


@pytest.mark.parametrize("command", commands())
def test_every_command_has_an_example(command):
    assert f"$ disseminate {command}" in section(command)


def test_every_setting_is_documented():
    text = (ROOT / "docs" / "settings.md").read_text("utf-8")
    assert [key for key in keys(json_schema()) if key not in text] == []


def test_every_channel_has_its_page():
    names = {point.name for point in entry_points(group="dissemination.channels")}
    assert {name for name in names if not (ROOT / "docs" / "channels" / f"{name}.md").exists()} == set()


def test_links_inside_the_documents_lead_somewhere():
    broken = [
        f"{path.name}: {target}"
        for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text("utf-8"))
        if not (path.parent / target).exists()
    ]
    assert broken == []


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("no git here")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name]


def test_no_file_names_a_registry_or_a_path_of_a_machine():
    # Put together here, so that this file does not name them either.
    hosts = ["pypi" + ".org", "files.python" + "hosted.org", "registry.npm" + "js.org", "deb.debian" + ".org"]
    paths = re.compile(r"(?<![\w.])/(?:work|farm|root|home)/\w")
    found = []
    for path in tracked():
        if path.suffix in {".png", ".jpg"} or not path.is_file():
            continue
        text = path.read_text("utf-8", errors="replace")
        found += [f"{path.name}: {host}" for host in hosts if host in text]
        found += [f"{path.name}: {hit}" for hit in paths.findall(text)]
    assert found == []


def test_the_top_level_is_what_it_should_be():
    allowed = {
        "dissemination", "templates", "feeds", "tests", "settings.yaml", "pyproject.toml", "README.md", "Makefile",
        "docs", "news", "bench", "CHANGELOG.md", "LICENSE", ".ci", ".gitignore",
        "requirements.txt", "requirements.in", "requirements-dev.txt", "requirements-dev.in",
    }  # fmt: skip
    assert {path.relative_to(ROOT).parts[0] for path in tracked()} <= allowed
