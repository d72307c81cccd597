"""The program of a helper process: `python -m dissemination.channels.email.helper FD` (see crew.py)."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from typing import Any, NoReturn

from dissemination.channels.email.crew import READY, Kit
from dissemination.channels.email.frames import Frames
from dissemination.channels.email.line import Outcome, SmtpLine
from dissemination.channels.email.mime import Composer
from dissemination.channels.email.place import Place
from dissemination.channels.email.toll import Toll
from dissemination.errors import ChannelError
from dissemination.model import Letter, Mail, Message, Receipt

#: Seconds between looks at what the parent wants, while mail is under way.
_TURN = 0.05


class Helper:
    """Composes, signs and sends what its parent gives it.

    Args:
        frames: to the parent.
    """

    def __init__(self, frames: Frames) -> None:
        self._frames = frames
        kit: Kit = frames.wait()
        frames.send(READY)
        composer = Composer(kit.sender, lambda: kit.signer)
        places = [
            Place(server, Toll((), None, time.monotonic, _no_clock), time.monotonic) for server in kit.servers
        ]
        self._line = SmtpLine(places, composer.parcel, [], time.monotonic)
        self._line.watch(frames.sock, self._hear)
        self._letters: dict[str, Letter] = {}
        self._ending, self._patience = False, 0.0

    def run(self) -> None:
        """Until the parent says so, or is gone."""
        self._hear()  # what came together with the kit
        while not self._ending:
            self._report(self._line.outcomes(_TURN))
            if not self._line.busy:
                self._line.rest()
        self._report(self._line.close(self._patience))

    def _hear(self) -> None:
        try:
            for word, *facts in self._frames.read():
                if word == "give":
                    self._give(*facts)
                else:
                    self._ending, self._patience = True, float(facts[0])
                    self._line.stop()
        except EOFError:
            _leave()

    def _give(self, letters: dict[str, Letter], slips: Sequence[tuple[Any, ...]]) -> None:
        self._letters |= letters
        self._line.give([self._message(*slip) for slip in slips])

    def _message(self, key: str, digest: str, *facts: Any) -> Message:
        address, name, values, bounce, date, list_id, test = facts
        mail = Mail(
            letter=self._letters[digest],
            digest=digest,
            address=address,
            name=name,
            values=values,
            bounce=bounce,
            date=date,
            list_id=list_id,
            test=test,
        )
        return Message(key=key, body=mail)

    def _report(self, outcomes: Sequence[Outcome]) -> None:
        if outcomes:
            try:
                self._frames.send([_told(key, outcome) for key, outcome in outcomes])
            except EOFError:
                _leave()
        if self._frames.waiting:
            self._hear()


def _told(key: str, outcome: Receipt | ChannelError) -> tuple[str, str, str | ChannelError]:
    return (key, outcome.id, outcome.detail) if isinstance(outcome, Receipt) else (key, "", outcome)


def _leave() -> NoReturn:
    """Nobody is there to write down what becomes of the rest: not one letter more, not even politely."""
    os._exit(0)


def _no_clock() -> Any:
    raise RuntimeError("a helper has no rates, and so no clock")


def main() -> None:
    """Whoever stops the parent means the parent: it drains, and then lets its helpers go."""
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    with socket.socket(fileno=int(sys.argv[1])) as sock:
        Helper(Frames(sock)).run()


if __name__ == "__main__":
    main()
