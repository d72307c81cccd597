"""The README's example does what it says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from PIL import Image

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8").partition("## An example")[2]


def block(language: str) -> str:
    return re.search(rf"```{language}\n(.*?)```", README, re.DOTALL)[1]


def test_the_example_works_as_it_stands(tmp_path, shells):
    commands = [shlex.split(line, comments=True)[1:] for line in block("sh").splitlines()]
    init, *others = commands
    shells.Shell(tmp_path)(*init[: init.index("&&")])
    shell = shells.Shell(tmp_path / init[1])
    item = shell.root / "news" / "open-day"
    item.mkdir()
    (item / "index.md").write_text(block("markdown"), "utf-8")
    Image.new("RGB", (1200, 675), "#336677").save(item / "door.png")
    (shell.root / "people.csv").write_text("email\nana@mail.example\n")
    said = {words[0]: shell(*words).stdout for words in others if words != ["run"]}
    assert "0 errors" not in said["check"]
    assert "error" not in said["check"]
    assert "1 added" in said["subscribers"]
    assert "open-day" in said["plan"]
    assert "Approved: open-day on" in said["approve"]
    assert "scheduled" in said["status"]
