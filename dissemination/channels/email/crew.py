"""A line over several processes, for signatures: a core makes so many a second and no more.

Helpers have no database and no say: they are given letters and names, and give back outcomes. A helper whose parent
is gone is gone with it, at once, so that nothing goes out that nobody would write down.
"""

from __future__ import annotations

import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from dissemination.channels.email.dkim import Signer
from dissemination.channels.email.frames import Frames
from dissemination.channels.email.line import Outcome
from dissemination.channels.email.mime import Sender
from dissemination.channels.email.server import Server
from dissemination.errors import ChannelError, InDoubtError, NotBegunError, RejectedError
from dissemination.model import Mail, Message, Receipt

#: Messages that are out at the most; each helper's line is full long before.
_MOST = 1024
#: The first word of a helper.
READY = "ready"
#: Seconds that helpers get to leave by themselves, all together.
_GOODBYE = 0.3
#: Seconds that a helper gets beyond the patience of `close`, to say what became of its messages.
_LAST_WORDS = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Kit:
    """What a helper needs in order to compose, sign and send; goes to it over its socket, never over a file."""

    sender: Sender
    signer: Signer | None
    servers: tuple[Server, ...]

    def among(self, count: int) -> Kit:
        """The same with the connections shared out among so many helpers."""
        shared = [
            replace(
                server,
                connections=max(1, server.connections // count),
                password=partial(_known, server.password() if server.username else None),
            )
            for server in self.servers
        ]
        return replace(self, servers=tuple(shared))


def _known(password: str | None) -> str | None:
    return password


class _Helper:
    """One process, and what it has been given."""

    def __init__(self, kit: Kit) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(  # noqa: S603 - this program itself
                [sys.executable, "-m", "dissemination.channels.email.helper", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
        self.frames = Frames(ours)
        self.frames.send(kit)
        self.out: set[str] = set()
        self._letters: set[str] = set()
        #: It has said that it works; it is gone.
        self.ready = self.gone = False

    def give(self, messages: Sequence[Message]) -> None:
        """Hand these over; a letter goes along when its first copy does."""
        letters = {}
        slips = []
        for message in messages:
            mail = message.body
            if not isinstance(mail, Mail):
                raise TypeError("a crew carries letters only")
            if mail.digest not in self._letters:
                self._letters.add(mail.digest)
                letters[mail.digest] = mail.letter
            slips.append(
                (message.key, mail.digest, mail.address, mail.name, mail.values, mail.bounce, mail.date,
                 mail.list_id, mail.test)
            )  # fmt: skip
        self.out.update(message.key for message in messages)
        self.frames.send(("give", letters, slips))

    def end(self, patience: float) -> None:
        """Be rid of it."""
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Crew:
    """A line whose work is done by helpers (ports.Line).

    Args:
        kit: gives what each of them needs, asked when the first message comes; may raise ChannelError.
        count: how many there are.
    """

    def __init__(self, kit: Callable[[], Kit], count: int) -> None:
        self._make, self._count = kit, count
        self._kit: Kit | None = None
        self._helpers: list[_Helper] = []
        self._selector = selectors.DefaultSelector()
        self._most = _MOST
        self._out: list[Outcome] = []

    def room(self) -> int:
        """How many more messages it takes now."""
        return max(0, self._most - sum(len(helper.out) for helper in self._helpers) - len(self._out))

    def give(self, messages: Sequence[Message]) -> None:
        """Share these out, most to those who have least."""
        mails = []
        for message in messages:
            if isinstance(message.body, Mail):
                mails.append(message)
            else:
                error = RejectedError("email: carries letters only; plan this for another channel")
                self._out.append((message.key, error))
        try:
            for helper, share in self._shares(mails):
                self._hand(helper, share)
        except ChannelError as error:
            self._out += [(message.key, error) for message in mails]

    def _hand(self, helper: _Helper, share: Sequence[Message]) -> None:
        try:
            helper.give(share)
        except EOFError:
            self._lost(helper)

    def outcomes(self, wait: float) -> Sequence[Outcome]:
        """What was decided since the last call; waits at most `wait` seconds for the first."""
        if not self._out and any(helper.out for helper in self._helpers):
            self._listen(wait)
        out, self._out = self._out, []
        return out

    def carry_on(self) -> None:
        """The helpers do, by themselves."""

    def close(self, patience: float) -> Sequence[Outcome]:
        """Begin nothing more, wait for answers, and let go."""
        for helper in self._helpers:
            with suppress(EOFError):
                helper.frames.send(("close", patience))
        end = time.monotonic() + patience + _LAST_WORDS
        while any(helper.out and not helper.gone for helper in self._helpers):
            left = end - time.monotonic()
            if left <= 0:
                break
            self._listen(left)
        for helper in self._helpers:
            self._lost(helper)
            helper.frames.sock.close()  # it leaves when it sees that
        end = time.monotonic() + _GOODBYE
        for helper in self._helpers:
            helper.end(max(0.0, end - time.monotonic()))
        self._selector.close()
        out, self._out = self._out, []
        return out

    def _shares(self, messages: Sequence[Message]) -> Iterable[tuple[_Helper, Sequence[Message]]]:
        crew = self._present()
        level = -(-(sum(len(helper.out) for helper in crew) + len(messages)) // len(crew))
        at = 0
        for helper in sorted(crew, key=lambda one: len(one.out)):
            share = messages[at : at + max(0, level - len(helper.out))]
            at += len(share)
            if share:
                yield helper, share

    def _present(self) -> list[_Helper]:
        """The crew, complete: who died is replaced."""
        there = [helper for helper in self._helpers if not helper.gone]
        if self._kit is None:
            self._kit = self._make().among(self._count)
        while len(there) < self._count:
            try:
                helper = _Helper(self._kit)
            except (OSError, EOFError) as error:
                raise NotBegunError(f"email: a helper process cannot be started: {error}") from error
            self._selector.register(helper.frames.sock, selectors.EVENT_READ, helper)
            self._helpers.append(helper)
            there.append(helper)
        return there

    def _listen(self, wait: float) -> None:
        full = [helper for helper in self._helpers if helper.frames.waiting and not helper.gone]
        for helper in full or [key.data for key, _ in self._selector.select(wait)]:
            try:
                for said in helper.frames.read():
                    self._hear(helper, said)
            except EOFError:
                self._lost(helper)

    def _hear(self, helper: _Helper, said: Any) -> None:
        if said == READY:
            helper.ready = True
        else:
            self._take(helper, said)

    def _take(self, helper: _Helper, outcomes: Iterable[tuple[str, str, str | ChannelError]]) -> None:
        for key, id_, said in outcomes:
            helper.out.discard(key)
            self._out.append((key, said if isinstance(said, ChannelError) else Receipt(id=id_, detail=said)))

    def _lost(self, helper: _Helper) -> None:
        """It will say nothing more: what it was given is in doubt."""
        if helper.gone:
            return
        helper.gone = True
        self._selector.unregister(helper.frames.sock)
        error: ChannelError = NotBegunError("email: a process that was to send it ended before it had begun")
        if helper.ready:
            error = InDoubtError("email: the process that was sending it ended and has not said what became of it")
        self._out += [(key, error) for key in helper.out]
        helper.out.clear()
