"""SIGKILL while a thread goes out, in a real process: the rest hangs under what is out, and nothing is doubled."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys

import pytest

FURTHER = ["Part two of the story.", "Part three of it.", "Part four.", "And the end."]
#: The real program, with a network that is a folder in place of the outbox. It dies where it is told to, by
#: SIGKILL, and looks at once, where the real one waits until a post would show.
PROGRAM = """
import json, os, signal
from datetime import timedelta
from pathlib import Path

from dissemination import bootstrap
from dissemination.channels import load
from dissemination.errors import InDoubtError, UnavailableError
from dissemination.model import Carries, Limits, Receipt, Repeat
from dissemination.pipeline import outcome

outcome.SETTLING, outcome._FIRST_WAIT = timedelta(0), 0.0
trouble = dict(pair.split("=") for pair in os.environ.get("TROUBLE", "").split())


class Network:
    limits = Limits(carries=Carries.POST, max_length=500, threads=True, repeat=Repeat.LOOK)

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def send(self, message, /, *, key):
        part = key.partition("/")[2] or "1"
        self.perhaps(part, "before")
        number = len(list(self.folder.iterdir())) + 1
        answers = message.in_reply_to.id if message.in_reply_to else ""
        post = {"key": key, "text": message.body.text, "answers": answers, "at": message.at.isoformat()}
        (self.folder / str(number)).write_text(json.dumps(post))
        self.perhaps(part, "after")
        return Receipt(id=str(number), url=f"https://x.example/{number}")

    def find(self, message, *, key, since):
        for path in self.folder.iterdir():
            if json.loads(path.read_text())["key"] == key:
                return Receipt(id=path.name, url=f"https://x.example/{path.name}")
        return None

    def perhaps(self, part, moment):
        match trouble.get(f"{part}-{moment}"):
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "503":
                raise UnavailableError("x: 503 Service Unavailable")
            case "lost":
                raise InDoubtError("x: no answer came")

    def close(self):
        pass


bootstrap.load_channel = lambda name: (
    (lambda options: Network(options.public.parent / "network")) if name == "outbox" else load(name)
)
from dissemination.__main__ import main

main()
"""


@pytest.fixture
def root(tmp_path, folders):
    """A project with an approved thread of five for x."""
    folders.write_project(
        tmp_path, channels={"feed": {}, "x": {}}, news={"channels": {"feed": "auto", "x": "auto"}}
    )
    folders.write_item(tmp_path, "first", posts={"x": {"text": "Part one.", "reply_chain": FURTHER}})
    done = run(tmp_path, "approve", "--all")
    assert done.returncode == 0, done.stderr
    return tmp_path


def run(root, *words, trouble=""):
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        cwd=root,
        env=os.environ | {"TROUBLE": trouble, "COLUMNS": "80", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def judge(root):
    """Five posts, each once, each hanging under the one before; and the database says so."""
    posts = [json.loads((root / "network" / str(n)).read_text()) for n in range(1, 6)]
    assert len(list((root / "network").iterdir())) == 5
    assert [post["text"] for post in posts] == ["Part one.", *FURTHER]
    assert [post["answers"] for post in posts] == ["", "1", "2", "3", "4"]
    assert len({post["at"] for post in posts}) == 1
    with sqlite3.connect(root / "var" / "dissemination.db") as raw:
        ((state, parts, remote),) = raw.execute(
            "SELECT state, parts, remote_id FROM publications WHERE channel = 'x'"
        )
    assert (state, remote) == ("published", "1")
    assert json.loads(parts) == [[str(n), f"https://x.example/{n}"] for n in range(1, 6)]


def test_a_kill_before_and_after_every_part(root):
    for part in range(1, 6):
        for moment in ("before", "after"):
            died = run(root, "publish", trouble=f"{part}-{moment}=kill")
            assert died.returncode == -signal.SIGKILL, died.stderr
            assert len(list((root / "network").iterdir())) == part - (moment == "before")
    assert run(root, "publish").returncode == 0
    judge(root)


def test_a_failure_after_the_second_part_then_a_kill_and_a_restart(root):
    failed = run(root, "publish", trouble="3-before=503")
    assert failed.returncode == 0, failed.stderr
    assert "part 3 of 5: x: 503" in run(root, "status").stdout
    assert run(root, "publish", trouble="4-after=kill").returncode == -signal.SIGKILL
    assert run(root, "publish").returncode == 0
    judge(root)


def test_a_lost_answer_then_a_kill_and_a_restart(root):
    run(root, "publish", trouble="2-after=lost")
    assert run(root, "publish", trouble="3-before=kill").returncode == -signal.SIGKILL
    assert run(root, "publish").returncode == 0
    judge(root)
    shown = run(root, "status").stdout
    assert "x 5/5  https://x.example/5" in shown
    assert max(map(len, shown.splitlines())) <= 80
