"""A new project folder."""

from __future__ import annotations

from pathlib import Path

from dissemination.errors import WrongUseError
from dissemination.files import shipped, write_atomic

_IGNORE = "/var/\n/feeds/*\n!/feeds/README.md\n"
_TEMPLATES = """# templates/

A file here takes the place of the shipped template of the same name. An empty folder changes nothing.
"""
_FIRST = """---
title: "We have started a newsletter"
status: draft
date: 2026-01-15
lang: en
summary: "Our project now tells its news by mail, in feeds and on networks. Remove this item and write your own."
categories: [Social]
image:
  src: picture.png
  alt: "A placeholder: exchange it for a photo of your own"
  credit: "Your project"
---

This is the first item of your project. It is a draft, and drafts never go out.

Change the text, put a picture of your own beside this file, set `status: review`, and run `disseminate check`.
"""


def make_project(folder: Path) -> list[str]:
    """Write a project that passes `check`: settings with every key explained, and one draft.

    Returns:
        The files made, relative to the folder.

    Raises:
        WrongUseError: there is a project already.
    """
    if (folder / "settings.yaml").exists():
        raise WrongUseError(f"init: {folder / 'settings.yaml'} is there already; choose an empty folder")
    placeholder = shipped("news") / "_assets" / "funding-placeholder.png"
    files = {
        "settings.yaml": shipped("settings.yaml").read_bytes(),
        "news/_assets/funding-placeholder.png": placeholder.read_bytes(),
        "news/2026-01-15-first-item/index.md": _FIRST.encode(),
        "news/2026-01-15-first-item/picture.png": _picture(),
        "feeds/README.md": (shipped("feeds") / "README.md").read_bytes(),
        "templates/README.md": _TEMPLATES.encode(),
        ".gitignore": _IGNORE.encode(),
    }
    for name, body in files.items():
        if not (folder / name).exists():
            write_atomic(folder / name, body)
    return list(files)


def _picture() -> bytes:
    """A calm placeholder, large enough for every channel."""
    import io  # noqa: PLC0415 - only here

    from PIL import Image, ImageDraw  # noqa: PLC0415 - only here

    picture = Image.new("RGB", (1200, 675), "#1f4e5f")
    draw = ImageDraw.Draw(picture)
    for step in range(6):
        reach = 90 + step * 95
        draw.ellipse((600 - reach, 675 - reach, 600 + reach, 675 + reach), outline="#9ad1d4", width=6)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
