"""Commands run inside this process, in a small project folder of their own: for tests of the command line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import yaml
from PIL import Image
from typer.testing import CliRunner

from dissemination.cli import app


class Shell:
    """Runs commands in one folder, as somebody in an 80-column terminal."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __call__(self, *words: str, code: int | None = 0, columns: str | None = "80"):
        """Run a command; `columns` None is a pipe, as wide as its lines."""
        before = Path.cwd()
        os.chdir(self.root)
        try:
            result = CliRunner().invoke(app, list(words), env={"COLUMNS": columns, "NO_COLOR": "1"})
        finally:
            os.chdir(before)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        if code is not None:
            assert result.exit_code == code, result.output + result.stderr
        return result

    def json(self, *words: str, code: int | None = 0):
        return json.loads(self(*words, "--json", code=code).stdout)


def write_project(root: Path, *, port: int = 9, **changes) -> Path:
    """Settings, a funding visual, and no news yet. `changes` replace whole sections."""
    (root / "news" / "_assets").mkdir(parents=True)
    Image.new("RGB", (400, 90), "#dddddd").save(root / "news" / "_assets" / "visual.png")
    settings = {
        "project": {
            "acronym": "TEST",
            "name": "A project for tests",
            "timezone": "Europe/Bucharest",
            "languages": ["en", "ro"],
            "default_lang": "en",
            "public_url": "https://news.test.example",
            "imprint": {"en": "Test Street 1", "ro": "Strada Test 1"},
        },
        "funding": {
            "visual": {"src": "news/_assets/visual.png", "alt": {"en": "Placeholder", "ro": "Substituent"}},
            "statement": {"en": "Co-funded by the European Union", "ro": "Cofinanțat de Uniunea Europeană"},
        },
        "news": {"channels": {"feed": "auto", "x": "auto", "mastodon": "auto", "newsletter": "flash"}},
        "newsletter": {
            "name": {"en": "Test news", "ro": "Știri de test"},
            "lists": {"news": {"en": "News", "ro": "Știri"}},
            "flash": {"lists": ["news"]},
        },
        "channels": {
            "email": {"sender": "news@test.example", "host": "127.0.0.1", "port": port, "tls": "none"},
            "feed": {},
            "x": {},
            "mastodon": {},
        },
        "publishing": {"tick_seconds": 1, "window": 20, "lease_seconds": 10},
        "privacy": {
            "controller": "Test Partner, Test Street 1",
            "contact": "privacy@test.example",
            "purposes": ["Sending the newsletter"],
            "legal_basis": "consent",
            "recipients": ["Mail provider"],
            "transfers": "none",
        },
    } | changes
    (root / "settings.yaml").write_text(yaml.safe_dump(settings, allow_unicode=True, sort_keys=False), "utf-8")
    return root


def write_item(root: Path, name: str = "first", *, body: str = "Some words of news.", **fields) -> Path:
    """An item that is ready to go out; `fields` change or add front matter, None leaves a field out."""
    folder = root / "news" / name
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "picture.png").exists():
        Image.new("RGB", (1200, 675), "#336677").save(folder / "picture.png")
    facts = {
        "title": f"Title of {name}",
        "status": "review",
        "date": "2026-01-13",
        "lang": "en",
        "summary": f"What {name} is about.",
        "image": {"src": "picture.png", "alt": f"A picture of {name}", "credit": "Test"},
        "categories": ["Social"],
    } | fields
    text = yaml.safe_dump({k: v for k, v in facts.items() if v is not None}, allow_unicode=True, sort_keys=False)
    path = folder / "index.md"
    path.write_text(f"---\n{text}---\n\n{body}\n", "utf-8")
    return path
