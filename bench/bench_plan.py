"""How long `disseminate plan` takes for 500 posts: 72 items on seven networks, each with weekly slots.

    python bench/bench_plan.py [--runs 5] [--items 72]

The whole process is timed, from its start to its end, and what processors worked for it. With --posts and --json it
shows the words of posts as well, and renders for that what nobody has approved yet.

cold: nothing was planned yet; no id is given, no item read, no picture made.
warm: all of it is planned and in review.
moved: every slot has passed, and each post takes a new one.
approved: all of it is approved.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import yaml
from bench_check import WORDS, machine
from PIL import Image

from dissemination.files import shipped

NETWORKS = ("x", "mastodon", "bluesky", "linkedin", "telegram", "webhook", "sharepack")
#: The most seconds that the median of a row may take.
GOAL = 2.0
ITEM = """\
---
title: {title} {number}
date: 2026-01-{day:02}
status: review
summary: {summary}
tags: [Microfinance, Regional]
partner: oirbi
{picture}---

{body}
"""
PICTURE = """\
image:
  src: picture.png
  alt: Two people at a table with papers between them
  credit: OIRBI
"""
POSTING = {"slots": ["tue 10:00", "thu 15:30"], "quiet": "21:00-07:00", "gap_minutes": 30}


def make_project(root: Path, items: int) -> None:
    """A folder of so many items, every fourth with a picture, that all go out on every network."""
    settings = yaml.safe_load(shipped("settings.yaml").read_text("utf-8"))
    settings["channels"] = {name: {"use": "outbox", "posting": POSTING} for name in NETWORKS}
    settings["news"]["channels"] = dict.fromkeys(NETWORKS, "auto")
    settings["newsletter"].pop("digests")
    root.mkdir(parents=True)
    plain = json.loads(json.dumps(settings))  # a value that stands twice would be written as an alias
    (root / "settings.yaml").write_text(yaml.safe_dump(plain, allow_unicode=True, sort_keys=False), "utf-8")
    shutil.copytree(shipped("news") / "_assets", root / "news" / "_assets")
    chance = random.Random(items)
    # As many colours and as much detail as a photo of that size has.
    noise = [Image.effect_noise((400, 225), 60).resize((1600, 900), Image.Resampling.BICUBIC) for _ in "RGB"]
    Image.merge("RGB", noise).save(root / "picture.png")
    for number in range(items):
        _write(root, number, chance)


def _write(root: Path, number: int, chance: random.Random) -> None:
    def words(count: int) -> str:
        return " ".join(chance.choices(WORDS, k=count)).capitalize()

    folder = root / "news" / f"item-{number:04}"
    folder.mkdir()
    pictured = number % 4 == 0
    if pictured:
        shutil.copy(root / "picture.png", folder / "picture.png")
    text = ITEM.format(
        title=words(6),
        number=number,
        day=number % 28 + 1,
        summary=words(20),
        picture=PICTURE if pictured else "",
        body="\n\n".join(f"{words(40)}." for _ in range(6)),
    )
    (folder / "index.md").write_text(text, encoding="utf-8")


def disseminate(root: Path, *words: str) -> str:
    """Run a command to its end; what it printed."""
    command = [sys.executable, "-m", "dissemination", *words]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode not in {0, 1} or not done.stdout:
        raise SystemExit(f"{words[0]} failed: {done.stderr[-2000:]}")
    return done.stdout


def forget(root: Path) -> None:
    shutil.rmtree(root / "var", ignore_errors=True)


def age(root: Path) -> None:
    """As if every slot had passed: a year is taken off each."""
    with sqlite3.connect(root / "var" / "dissemination.db") as database:
        database.execute('UPDATE publications SET "when" = "when" - 31536000000000 WHERE slotted')


def timed(root: Path, before: Callable[[Path], object], posts: int) -> tuple[float, float]:
    """Seconds from the start of the process to its end, and those that processors worked for it."""
    before(root)
    worked, began = _worked(), time.perf_counter()
    said = disseminate(root, "plan")
    seconds = time.perf_counter() - began
    if f"\n{posts} " not in said:
        raise SystemExit(f"not all {posts} posts are planned: {said[-500:]}")
    return seconds, _worked() - worked


def _worked() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=72)
    parser.add_argument("--runs", type=int, default=5)
    wish = parser.parse_args()
    posts = wish.items * len(NETWORKS)
    print(machine())
    print(
        f"load {os.getloadavg()[0]:.1f}; {posts} posts on {len(NETWORKS)} networks; seconds, {wish.runs} runs each"
    )
    print(f"{'':10} {'median':>8} {'least':>8} {'most':>8} {'cpu':>8} {'goal':>8}")
    late = False
    with tempfile.TemporaryDirectory(prefix="bench-plan-") as place:
        root = Path(place) / "project"
        make_project(root, wish.items)
        timed(root, lambda _: None, posts)  # warms the disk
        once: dict[str, tuple[Callable[[Path], object], Callable[[Path], object]]] = {
            "cold": (lambda _: None, forget),
            "warm": (lambda _: None, lambda _: None),
            "moved": (lambda _: None, age),
            "approved": (lambda root: disseminate(root, "approve", "--all", "--json"), lambda _: None),
        }
        for kind, (first, before) in once.items():
            first(root)
            took, worked = zip(*(timed(root, before, posts) for _ in range(wish.runs)), strict=True)
            missed = median(took) > GOAL
            late |= missed
            figures = (median(took), min(took), max(took), median(worked))
            said = f"{' '.join(f'{seconds:8.2f}' for seconds in figures)} {GOAL:8.1f}"
            print(f"{kind:10} {said}{' missed' if missed else ''}", flush=True)
    raise SystemExit(late)


if __name__ == "__main__":
    main()
