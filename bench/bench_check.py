"""How long `disseminate check` takes: the whole process, on a warm disk, with and without what the last run kept.

    python bench/bench_check.py [--runs 3] [FILES ...]

The folder is made up: items of two kilobytes, every fourth a bundle with a picture, every fifth with a translation.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from statistics import median

from PIL import Image

from dissemination import __version__
from dissemination.files import shipped

#: Files -> the most seconds (cold, unchanged) that the median may take.
GOALS = {200: (2.0, 2.0), 10_000: (60.0, 15.0)}

WORDS = """
credit loan region partner visit workshop saving guarantee adviser cooperative farm village bank policy
small social careful open first shared local patient useful started asked listened met measured agreed
""".split()  # noqa: SIM905 -- thirty quoted words are harder to read
HEADER = """\
---
title: {title} {number}
date: {date}
status: review
lang: {lang}
summary: {summary}
tags: [Microfinance, Regional, {tag}]
partner: oirbi
{picture}channels:
  x: auto
  newsletter: digest
posts:
  mastodon:
    text: {summary}
---
"""
PICTURE = """\
image:
  src: picture.png
  alt: Two people at a table with papers between them
  credit: OIRBI
"""


def make_project(root: Path, files: int) -> None:
    """A project folder with so many items' files."""
    chance = random.Random(files)
    root.mkdir(parents=True)
    shutil.copy(shipped("settings.yaml"), root / "settings.yaml")
    shutil.copytree(shipped("news") / "_assets", root / "news" / "_assets")
    drawn = root / "picture.png"
    Image.new("RGB", (1200, 630), "teal").save(drawn)
    left, number = files, 0
    while left:
        left -= _write_item(root / "news", drawn, number, chance, translated=number % 5 == 0 and left > 1)
        number += 1


def _write_item(news: Path, drawn: Path, number: int, chance: random.Random, *, translated: bool) -> int:
    day = date(2019, 1, 7) + timedelta(days=number % 2000)
    folder = news / f"{day.year}" / f"{day}-item-{number}"
    folder.mkdir(parents=True)
    pictured = number % 4 == 0
    if pictured:
        shutil.copy(drawn, folder / "picture.png")
    names = {"en": "index.md"} | ({"ro": "index.ro.md"} if translated else {})
    for lang, name in names.items():
        (folder / name).write_text(_text(chance, number, day, lang, pictured=pictured), encoding="utf-8")
    return len(names)


def _text(chance: random.Random, number: int, day: date, lang: str, *, pictured: bool) -> str:
    def words(count: int) -> str:
        return " ".join(chance.choices(WORDS, k=count)).capitalize()

    header = HEADER.format(
        title=words(6),
        number=number,
        date=day,
        lang=lang,
        summary=words(15),
        tag=words(1),
        picture=PICTURE if pictured else "",
    )
    paragraphs = [
        f"{words(30)}, and **{words(3)}** with [{words(3)}](https://partner.example/{number})." for _ in range(5)
    ]
    points = "\n".join(f"- {words(8)}" for _ in range(4))
    return "\n".join(
        (header, *(f"{p}\n" for p in paragraphs[:3]), f"## {words(4)}\n", points, "", *paragraphs[3:], "")
    )


def timed(root: Path, before: Callable[[], object]) -> tuple[float, float]:
    """Seconds from the start of the process to its end, and those that processors worked for it."""
    before()
    worked, began = _worked(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "dissemination", "check", "--json"], cwd=root, capture_output=True, check=False
    )
    seconds = time.perf_counter() - began
    if not done.stdout or json.loads(done.stdout)["items"] == 0:
        raise SystemExit(f"check failed: {done.stderr.decode()[-2000:]}")
    return seconds, _worked() - worked


def _worked() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def machine() -> str:
    """What the figures hold for."""
    try:
        info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        names = {line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")}
    except OSError:
        names = {platform.processor()}
    cores, python = os.cpu_count(), platform.python_version()
    return f"{', '.join(sorted(names))}, {cores} cores, {platform.system()}, Python {python}, version {__version__}"


def measure(files: int, runs: int) -> bool:
    """Print both rows of one size; whether a goal was missed."""
    late = False
    with tempfile.TemporaryDirectory(prefix="bench-check-") as place:
        root = Path(place) / "project"
        make_project(root, files)
        timed(root, lambda: None)  # warms the disk
        before: dict[str, Callable[[], object]] = {
            "cold": lambda: shutil.rmtree(root / "var", ignore_errors=True),
            "unchanged": lambda: None,
        }
        for goal, (kind, prepare) in zip(GOALS.get(files, (0.0, 0.0)), before.items(), strict=True):
            took, worked = zip(*(timed(root, prepare) for _ in range(runs)), strict=True)
            missed = bool(goal) and median(took) > goal
            late |= missed
            said = f"{goal:8.1f}{' missed' if missed else ''}" if goal else ""
            figures = (median(took), min(took), max(took), median(worked))
            print(f"{files:7} {kind:10} {' '.join(f'{seconds:8.2f}' for seconds in figures)} {said}")
    return late


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=int, default=list(GOALS))
    parser.add_argument("--runs", type=int, default=3)
    wish = parser.parse_args()
    print(machine())
    print(f"load {os.getloadavg()[0]:.1f}; seconds, {wish.runs} runs each")
    print(f"{'files':>7} {'':10} {'median':>8} {'least':>8} {'most':>8} {'cpu':>8} {'goal':>8}")
    late = [measure(files, wish.runs) for files in wish.files]
    raise SystemExit(any(late))


if __name__ == "__main__":
    main()
