"""4,000 people leave by one-click POST: goal 5 s on one process; then the server is killed, and none may be lost.

    python bench/bench_unsubscribe.py [PEOPLE] [--clients N] [--kill-after N]

The server is a process of its own (uvicorn, uvloop, httptools) on a new project folder; the client keeps
its connections open, as mail providers do. `--kill-after N` sends SIGKILL when N were answered, in the middle.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

GOAL = 5.0
HERE = Path(__file__).parent
FAKES = HERE.parent / "tests" / "fakes"
sys.path.append(str(FAKES))
BODY = b"List-Unsubscribe=One-Click"


@dataclass
class Crowd:
    """Who has posted, and who was told that they are out."""

    paths: Sequence[tuple[int, str]]
    told: set[int] = field(default_factory=set)
    refused: int = 0
    #: How many answers until the server is killed; 0: it is not.
    kill_after: int = 0
    server: int = 0

    async def run(self, port: int, clients: int) -> float:
        """Post all of them; seconds."""
        waiting = list(self.paths)
        begun = time.perf_counter()
        await asyncio.gather(*(self._client(port, waiting) for _ in range(clients)), return_exceptions=True)
        return time.perf_counter() - begun

    async def _client(self, port: int, waiting: list[tuple[int, str]]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            while waiting:
                person, path = waiting.pop()
                head = f"POST {path} HTTP/1.1\r\nHost: news.test.example\r\nContent-Length: {len(BODY)}\r\n"
                kind = "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
                writer.write((head + kind).encode() + BODY)
                self._note(person, await _answer(reader))
        finally:
            writer.close()

    def _note(self, person: int, status: int) -> None:
        if status != 200:
            self.refused += 1
            return
        self.told.add(person)
        if self.kill_after and len(self.told) >= self.kill_after:
            os.kill(self.server, signal.SIGKILL)


async def _answer(reader: asyncio.StreamReader) -> int:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = int(head.partition("content-length:")[2].split("\r\n", 1)[0])
    await reader.readexactly(length)
    return int(head.split(" ", 2)[1])


def prepare(root: Path, people: int) -> list[tuple[int, str]]:
    """A project folder with so many subscribers; (number, path) of each."""
    from folder import add_people, write_project  # noqa: PLC0415 - found by the path set above

    from dissemination.bootstrap import opened  # noqa: PLC0415 - the same

    root.mkdir()
    write_project(root)
    add_people(root, people, environ={})
    with opened(root, environ={}) as house:
        return [(n, f"/u/{house.parts.tokens.sign('u', n)}") for n in range(1, people + 1)]


def measure(root: Path, people: int, clients: int, kill_after: int = 0) -> tuple[float, float, Crowd, int]:
    """(seconds, CPU seconds of the server, the crowd, how many who were told so are still on)."""
    crowd = Crowd(paths=prepare(root, people), kill_after=kill_after)
    command = [sys.executable, str(FAKES / "web_process.py"), str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            port = int((server.stdout.readline() if server.stdout else "0") or 0)
            crowd.server = server.pid
            seconds = asyncio.run(crowd.run(port, clients))
            cpu = _cpu(server.pid)
        finally:
            server.kill()
    return seconds, cpu, crowd, len(crowd.told & _still_on(root))


def _cpu(pid: int) -> float:
    """User and system seconds, from /proc; 0 where the process is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _still_on(root: Path) -> set[int]:
    [path] = (path for path in (root / "var").rglob("*.db"))
    with sqlite3.connect(path) as raw:
        return {row[0] for row in raw.execute("SELECT id FROM subscribers WHERE state = 'active'")}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("people", nargs="?", type=int, default=4_000)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--kill-after", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        seconds, cpu, crowd, lost = measure(root, given.people, given.clients, given.kill_after)
    told = len(crowd.told)
    print(f"{told:,} of {given.people:,} told that they are out in {seconds:.2f} s ({told / seconds:,.0f}/s)")
    print(f"refused: {crowd.refused}; CPU of the server: {cpu:.2f} s ({cpu / max(told, 1) * 1e6:,.0f} us each)")
    print(f"told, and still on the list after SIGKILL: {lost}")
    whole = given.kill_after or (told == given.people and seconds <= GOAL * given.people / 4_000)
    return 0 if whole and not lost else 1


if __name__ == "__main__":
    sys.exit(main())
