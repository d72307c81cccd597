"""Every fault at every step of every network: in the end each post is there once, or in doubt; never twice.

The real pipeline publishes from a real project folder, the real channel talks to a stand-in (Bluesky: to a real
server behind a faulty proxy), and the clock moves on between the passes until nothing moves any more. What came of
it stands in a table at the end of the test run.
"""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from folder import write_item, write_project

from dissemination.bootstrap import make_app
from dissemination.model import State
from dissemination.testing import FixedClock
from dissemination.testing.loopback import FAULTS

STAGES = ("bluesky", "linkedin", "mastodon", "telegram", "webhook", "x")
#: Minutes between passes: less than the hour of Mastodon's keys, and then more.
STEPS = (0, 2, 5, 15, 30, 90, 200, 400, 400, 400)
#: After these nothing more happens by itself.
SETTLED = frozenset({State.PUBLISHED, State.FAILED, State.IN_DOUBT, State.MISSED})
#: What went wrong says nothing of the post: it must be out once in the end, on every network.
HARMLESS = frozenset({"refused", "429", "401", "none"})
#: Seconds that a process gets to come to the step at which it is killed.
PATIENCE = 30


class Scene:
    """One network, and a project that posts on it alone."""

    def __init__(self, name, root, stack) -> None:
        # A process of its own has the machine's clock, so ours begins there.
        self.clock = FixedClock(datetime.now(UTC))
        self.stage = stack.enter_context(importlib.import_module(f"stages.{name}").Stage(self.clock.now))
        self.name, self.root = name, root
        self.environ = {f"DISSEMINATION_{key}": value for key, value in self.stage.secrets.items()}
        write_project(
            root,
            news={"channels": {name: "auto"}},
            channels={name: {"use": name, "languages": ["en"], **self.stage.settings}},
        )
        self.app = make_app(root, clock=self.clock, environ=self.environ)
        stack.callback(lambda: self.app.close())  # noqa: PLW0108 - whichever app it is by then

    def post(self, number: int, *, parts: int = 1) -> str:
        """Write and approve an item; its title."""
        name = f"item-{number}"
        chain = {"posts": {self.name: {"reply_chain": [f"{name}, part {n}." for n in range(2, parts + 1)]}}}
        # Words of its own: an item that follows another one with the same words is taken for the other one, moved.
        write_item(self.root, name, body=f"Words of {name}.", **(chain if parts > 1 else {}))
        verdicts = self.app.approve([], who="test", everything=True)
        assert [verdict.refused for verdict in verdicts] == [""]
        return name

    def passes(self, *, first=None) -> int:
        """Publish until nothing moves; how many passes it took."""
        for number, minutes in enumerate(STEPS, start=1):
            self.clock.advance(timedelta(minutes=minutes))
            with ExitStack() as stack:
                if first is not None and number == 1:
                    stack.enter_context(first)
                self.publish()
            if self.app.parts.store.controls.paused():
                self.stage.repair()
                self.app.resume(self.name, who="test")
            elif self.newest().state in SETTLED - {State.IN_DOUBT} or self._asks():
                return number
        return len(STEPS)

    def publish(self) -> None:
        with self.app.publishing():
            self.app.publish()

    def _asks(self) -> bool:
        """In doubt, and looking did not tell for long: a person must."""
        newest = self.newest()
        waited = newest.claimed_at is not None and self.clock.now() - newest.claimed_at > timedelta(hours=6)
        return newest.state is State.IN_DOUBT and waited

    def newest(self):
        rows = self.app.parts.store.publications.in_state(*State)
        return max(rows, key=lambda row: row.subject.zfill(20))

    def there(self, name: str) -> list[str]:
        return [text for text in self.stage.posts() if f"{name}" in text.replace(" ", "-") or name in text]

    def clear(self, name: str) -> None:
        """The next item is alone: planning stays quick."""
        for path in (self.root / "news" / name).iterdir():
            path.unlink()
        (self.root / "news" / name).rmdir()


@pytest.fixture
def scene(tmp_path):
    with ExitStack() as stack:
        yield lambda name: Scene(name, tmp_path / "project", stack)


def steps():
    """(network, step, parts of the thread): those of a post, and those of a thread's further part."""
    for name in STAGES:
        stage = importlib.import_module(f"stages.{name}").Stage
        yield from (pytest.param(name, step, 1, id=f"{name}-{step}") for step in stage.steps)
        yield from (pytest.param(name, step, 2, id=f"{name}-thread-{step}") for step in stage.thread_steps)


@pytest.mark.parametrize(("name", "step", "parts"), list(steps()))
def test_a_fault_at_any_step(scene, record_property, name, step, parts):
    here = scene(name)
    for number, fault in enumerate(FAULTS, start=1):
        item = here.post(number, parts=parts)
        here.stage.fault(step, fault)
        count = here.passes()
        judge(here, item, fault, parts)
        record_property("fault matrix", (name, step, parts, fault, said(here.newest(), count)))
        here.clear(item)


@pytest.mark.parametrize("name", STAGES)
def test_connections_are_refused(scene, record_property, name):
    here = scene(name)
    item = here.post(1)
    count = here.passes(first=here.stage.closed())
    judge(here, item, "refused", 1)
    record_property("fault matrix", (name, "connecting", 1, "refused", said(here.newest(), count)))


def judge(here, item, fault, parts):
    """Once, or in doubt with the reason; never twice."""
    newest, texts = here.newest(), here.there(item)
    assert len(texts) <= parts, f"doubled: {texts}"
    assert len(set(texts)) == len(texts)
    if newest.state is State.PUBLISHED:
        assert len(texts) == parts
        return
    assert not here.stage.exact, (newest.state, newest.reason)
    assert fault not in HARMLESS, (newest.state, newest.reason)
    assert newest.state is State.IN_DOUBT, (newest.state, newest.reason)
    assert newest.reason


def said(newest, count):
    if newest.state is State.PUBLISHED:
        return "once, at once" if count == 1 else f"once, at pass {count}"
    return newest.state.value.replace("_", " ")


@pytest.mark.parametrize("fault", ["timeout before", "timeout after"])
@pytest.mark.parametrize(("name", "step", "parts"), list(steps()))
def test_a_process_that_is_killed(scene, record_property, name, step, parts, fault):  # noqa: PLR0917 - pytest's
    """SIGKILL while the network has the request and has not answered; another process goes on."""
    here = scene(name)
    item = here.post(1, parts=parts)
    here.app.close()
    here.stage.fault(step, fault)
    before = here.stage.count(step)
    process = subprocess.Popen(
        [sys.executable, "-m", "dissemination", "publish"],
        cwd=here.root,
        env=os.environ | here.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    kill_when(process, lambda: here.stage.count(step) > before)
    here.clock.advance(timedelta(seconds=2 * PATIENCE))  # behind the machine's own, by which the process claimed
    here.app = make_app(here.root, clock=here.clock, environ=here.environ)
    count = here.passes()
    judge(here, item, fault, parts)
    record_property("fault matrix", (name, step, parts, f"killed, {fault}", said(here.newest(), count)))


def kill_when(process, begun) -> None:
    tick = threading.Event()
    for _ in range(PATIENCE * 200):
        if begun() or process.poll() is not None:
            break
        tick.wait(0.005)
    assert process.poll() is None, "it ended before it was killed"
    process.send_signal(signal.SIGKILL)
    process.wait()
