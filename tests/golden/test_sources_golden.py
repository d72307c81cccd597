"""Folders as other tools write them, and the items that come of each; UPDATE_GOLDEN=1 writes that anew."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path

import pytest

from dissemination.model import NewsItem
from dissemination.sources import FolderSource
from dissemination.testing.samples import sample_project

DATA = Path(__file__).parent / "data" / "sources"
DIALECTS = {
    "ours": "auto",
    "hugo": "auto",
    "jekyll": "auto",
    "eleventy": "auto",
    "nikola": "auto",
    "pelican": "auto",
}
#: Decap's files look like ours: whoever has them says so.
DIALECTS["decap"] = "decap"
DEFAULTS = {field.name: field.default for field in fields(NewsItem)}


def told(item):
    """What differs from the defaults, readable, without what follows from the bytes."""
    plain = {name: value for name, value in asdict(item).items() if value != DEFAULTS[name]}
    for name in ("digest", "markdown", "lines"):
        plain.pop(name)
    return plain


def shown(value):
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return value.relative_to(DATA).as_posix()
    return str(value)


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_a_folder_of_this_dialect(name, tmp_path):
    project = sample_project(root=DATA, dialect=DIALECTS[name], default_channels={"feed": "auto", "mail": "digest"})
    gathered = FolderSource(project, DATA / name, tmp_path).gather()
    found = {"items": [told(item) for item in gathered.items], "findings": [asdict(f) for f in gathered.findings]}
    text = json.dumps(found, default=shown, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    expected = DATA / f"{name}.json"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_the_cache_gives_back_the_same(name, tmp_path):
    project = sample_project(root=DATA, dialect=DIALECTS[name])
    first = FolderSource(project, DATA / name, tmp_path).gather()
    assert FolderSource(project, DATA / name, tmp_path).gather() == first
    assert FolderSource(project, DATA / name).gather() == first
