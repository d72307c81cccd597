"""The nasty server as a program of its own, with a mix of faults by chance; and what its log tells.

    with NastyProcess(folder, mix={"451@rcpt": 0.02, "drop@*": 0.002}, seed=7) as server:
        ...connect to 127.0.0.1, server.port...
    server.read().accepted

By hand: python smtp_process.py --port-file port --log accepted.log --mix 451@rcpt=0.02 drop@*=0.002
"""

from __future__ import annotations

import argparse
import itertools
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from smtp_server import NastySmtp

#: Where a plan "drop@*" may fall.
_ANYWHERE = ("mail", "rcpt", "body", "dot")
#: Seconds for the program to start, and for connections to end.
_PATIENCE = 30


def mixed(chances: Mapping[str, float], seed: int) -> Iterator[str]:
    """Plans without an end: each with its chance, "ok" for the rest; the same seed gives the same plans."""
    chance = random.Random(seed)
    steps = list(zip(itertools.accumulate(chances.values()), chances, strict=True))
    while True:
        drawn = chance.random()
        plan = next((plan for bound, plan in steps if drawn < bound), "ok")
        yield plan.replace("*", chance.choice(_ANYWHERE))


@dataclass(frozen=True, kw_only=True)
class Logged:
    """What the log tells."""

    #: (Message-ID, recipient, envelope sender) of each message taken, in order.
    accepted: list[tuple[str, str, str]] = field(default_factory=list)
    #: (Message-ID, recipient) of each message whose answer was withheld after it was taken.
    withheld: list[tuple[str, str]] = field(default_factory=list)
    #: Connections that are open.
    open: int = 0


class Reader:
    """Reads a log as it grows.

    Args:
        path: of the log; need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._offset = path, 0
        self._accepted: list[tuple[str, str, str]] = []
        self._withheld: list[tuple[str, str]] = []
        self._open = 0

    def read(self) -> Logged:
        """What the whole lines tell so far."""
        if self._path.exists():
            with self._path.open("rb") as log:
                log.seek(self._offset)
                data = log.read()
            whole = data[: data.rfind(b"\n") + 1]
            self._offset += len(whole)
            for line in whole.decode().splitlines():
                self._take(*line.split(" "))
        return Logged(accepted=self._accepted, withheld=self._withheld, open=self._open)

    def _take(self, kind: str, *words: str) -> None:
        if kind == "accepted":
            self._accepted.append((words[0], words[1], words[2]))
        elif kind == "withheld":
            self._withheld.append((words[0], words[1]))
        else:
            self._open = int(words[0])


class NastyProcess:
    """The program, running from entering on.

    Args:
        folder: for its log and its port.
        mix: plan -> chance of each message.
        seed: of the chances.
        options: further words of its command line.
    """

    def __init__(
        self, folder: Path, *, mix: Mapping[str, float] | None = None, seed: int = 1, options: tuple[str, ...] = ()
    ) -> None:
        self.log = folder / "nasty.log"
        self._port_file = folder / "nasty.port"
        self._reader = Reader(self.log)
        pairs = [f"{plan}={chance}" for plan, chance in (mix or {}).items()]
        self._words = ["--seed", str(seed), "--log", str(self.log), "--port-file", str(self._port_file), *options]
        self._words += ["--mix", *pairs] if pairs else []

    def __enter__(self) -> Self:
        self._process = subprocess.Popen([sys.executable, __file__, *self._words])
        self._wait(self._port_file.exists)
        self.port = int(self._port_file.read_text())
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(_PATIENCE) == 0

    def read(self) -> Logged:
        """The log so far."""
        return self._reader.read()

    def drained(self) -> Logged:
        """The log when every connection has ended: what dead clients had handed over is taken or given up."""
        self._wait(lambda: self.read().open == 0)
        return self.read()

    def _wait(self, there) -> None:
        end, moment = time.monotonic() + _PATIENCE, threading.Event()
        while not there():
            assert self._process.poll() is None, "the nasty server has ended"
            assert time.monotonic() < end, "the nasty server does not get there"
            moment.wait(0.01)


def _arguments() -> argparse.Namespace:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--port", type=int, default=0)
    words.add_argument("--port-file", type=Path)
    words.add_argument("--log", type=Path)
    words.add_argument("--script", nargs="*", default=[], help="plans, in order; then the mix")
    words.add_argument("--mix", nargs="*", default=[], help="plan=chance ...")
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--offers", nargs="*", default=["8BITMIME", "SMTPUTF8", "PIPELINING", "CHUNKING"])
    words.add_argument("--replies", default="whole")
    words.add_argument("--broken", default="")
    words.add_argument("--limit", type=int, default=0)
    return words.parse_args()


def main() -> None:
    """Serve until SIGTERM."""
    given = _arguments()
    sys.setswitchinterval(0.001)  # many connections, each with a thread that is soon done
    chances = {plan: float(chance) for plan, _, chance in (word.partition("=") for word in given.mix)}
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    with NastySmtp(
        itertools.chain(given.script, mixed(chances, given.seed)),
        offers=given.offers,
        log=given.log,
        keep_bodies=False,
        replies=given.replies,
        broken=given.broken,
        limit=given.limit,
        port=given.port,
    ) as server:
        if given.port_file:
            part = given.port_file.with_suffix(".part")
            part.write_text(str(server.port))
            part.replace(given.port_file)
        else:
            print(server.port, flush=True)  # noqa: T201 - a program's answer
        signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    main()
