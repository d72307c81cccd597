"""An SMTP server on loopback that misbehaves as it is told, and remembers what it accepted.

    with NastySmtp(["451@dot", "451@dot", "ok"]) as server:
        ...connect to 127.0.0.1, server.port...
    server.accepted[0].message_id

A script is any iterable of plans, "ok" once it is used up. A plan is taken when a connection comes, and again at
each later MAIL of that connection. A plan is "ok" or "<what>@<step>":

    steps   connect ehlo auth mail rcpt data dot (dot: the whole message has arrived)
    what    a code: answer it instead ("451@rcpt"); 421 also hangs up afterwards
            drop: hang up without an answer; the message is not accepted
            lose: accept the message, then hang up without an answer (only at dot)
            stall: say nothing until the client leaves or the server is closed
"""

from __future__ import annotations

import itertools
import os
import re
import socket
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

_MESSAGE_ID = re.compile(rb"^Message-ID:\s*(\S+)", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """A message that the server has taken responsibility for."""

    message_id: str
    sender: str
    recipient: str
    #: Without dot-stuffing; b"" where bodies are not kept.
    body: bytes = field(repr=False)


class _HangUpError(Exception):
    """End this connection."""


class NastySmtp:
    """The server. It listens from entering on; leaving ends every connection and thread of it.

    Args:
        script: plans, see the module.
        refuse: address -> the reply to its RCPT, whatever the plan: {"bob@example.org": "550 5.1.1 no such user"}.
        offers: extensions named in EHLO.
        log: a file that gets "<message id> <recipient>" for each accepted message, fsynced before the 250.
        keep_bodies: whether `accepted` holds the bytes of messages.
    """

    def __init__(
        self,
        script: Iterable[str] = (),
        *,
        refuse: Mapping[str, str] | None = None,
        offers: Iterable[str] = ("8BITMIME",),
        log: Path | None = None,
        keep_bodies: bool = True,
    ) -> None:
        self.accepted: list[Accepted] = []
        #: Every command line of every connection, in order of arrival.
        self.commands: list[str] = []
        self.connections = 0
        self.keep_bodies = keep_bodies
        self.refuse = dict(refuse or {})
        self.offers = tuple(offers)
        self._plans = itertools.chain(script, itertools.repeat("ok"))
        self._log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT) if log else None
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        self._start(self._listen)
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        # Closing alone does not wake a thread that waits in accept or recv; shutting down does.
        _shut(self._listener)
        self._threads[0].join()
        self._listener.close()
        with self._lock:
            open_sockets = list(self._sockets)
        for sock in open_sockets:
            _shut(sock)
        for thread in self._threads[1:]:
            thread.join()
        if self._log is not None:
            os.close(self._log)

    def script(self, *plans: str) -> None:
        """From now on behave like this."""
        with self._lock:
            self._plans = itertools.chain(plans, itertools.repeat("ok"))

    def next_plan(self) -> str:
        with self._lock:
            return next(self._plans)

    def accept(self, accepted: Accepted) -> None:
        with self._lock:
            if self._log is not None:
                os.write(self._log, f"{accepted.message_id} {accepted.recipient}\n".encode())
                os.fsync(self._log)
            self.accepted.append(accepted)

    def note(self, command: str) -> None:
        with self._lock:
            self.commands.append(command)

    def _start(self, target, *args) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        with self._lock:
            self._threads.append(thread)
        thread.start()

    def _listen(self) -> None:
        while not self._closed.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                self._sockets.add(sock)
            self._start(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        try:
            with sock, sock.makefile("rb") as lines:
                _Dialogue(self, sock, lines).run()
        except (OSError, _HangUpError, UnicodeError):
            pass  # the client left, or we did
        finally:
            with self._lock:
                self._sockets.discard(sock)


class _Dialogue:
    def __init__(self, server: NastySmtp, sock: socket.socket, lines) -> None:
        self.server, self.sock, self.lines = server, sock, lines
        self.plan: str | None = server.next_plan()
        self.sender = ""
        self.recipients: list[str] = []

    def run(self) -> None:
        self.step("connect", "220 nasty.example ESMTP")
        while line := self.lines.readline(8192):
            command = line.decode("utf-8").rstrip("\r\n")
            self.server.note(command)
            verb = command.split(" ", 1)[0].split(":", 1)[0].upper()
            getattr(self, f"do_{verb.lower()}", self.unknown)(command)

    def step(self, name: str, good: str) -> bool:
        """Answer as planned; whether the answer was the good one."""
        what, _, step = (self.plan or "ok").partition("@")
        if step != name:
            self.say(good)
            return True
        self.plan = "ok"
        if what == "drop":
            raise _HangUpError
        if what == "stall":
            self.lines.read()  # until the client, or leaving the server, ends the connection
            raise _HangUpError
        self.say(f"{what} 4.3.0 as planned")
        if what == "421":
            raise _HangUpError
        return False

    def say(self, line: str) -> None:
        self.sock.sendall(f"{line}\r\n".encode())

    def unknown(self, command: str) -> None:
        self.say("500 5.5.1 what?")

    def do_ehlo(self, command: str) -> None:
        self.step(
            "ehlo", "\r\n".join([*(f"250-{name}" for name in ("nasty.example", *self.server.offers)), "250 HELP"])
        )

    def do_mail(self, command: str) -> None:
        if self.plan is None:
            self.plan = self.server.next_plan()
        if self.step("mail", "250 2.1.0 ok"):
            self.sender, self.recipients = _path(command), []

    def do_rcpt(self, command: str) -> None:
        address = _path(command)
        if address in self.server.refuse:
            self.say(self.server.refuse[address])
        elif self.step("rcpt", "250 2.1.5 ok"):
            self.recipients.append(address)

    def do_data(self, command: str) -> None:
        if not self.recipients:
            self.say("503 5.5.1 no recipient")
        elif self.step("data", "354 go on"):
            self.message()

    def message(self) -> None:
        body = self.body()
        losing = self.plan == "lose@dot"
        if losing or not (self.plan or "").endswith("@dot"):
            self.keep(body)
        if losing:
            raise _HangUpError
        self.step("dot", f"250 2.0.0 queued as {len(self.server.accepted):06d}")
        self.recipients, self.plan = [], None

    def body(self) -> bytes:
        lines = []
        while (line := self.lines.readline()) != b".\r\n":
            if not line:
                raise _HangUpError  # the client died in the middle: nothing is accepted
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)

    def keep(self, body: bytes) -> None:
        found = _MESSAGE_ID.search(body)
        for recipient in self.recipients:
            self.server.accept(
                Accepted(
                    message_id=found[1].decode() if found else "",
                    sender=self.sender,
                    recipient=recipient,
                    body=body if self.server.keep_bodies else b"",
                )
            )

    def do_rset(self, command: str) -> None:
        self.recipients, self.plan = [], None
        self.say("250 2.0.0 forgotten")

    def do_noop(self, command: str) -> None:
        self.say("250 2.0.0 ok")

    def do_quit(self, command: str) -> None:
        self.say("221 2.0.0 bye")
        raise _HangUpError


def _path(command: str) -> str:
    return command.partition("<")[2].partition(">")[0]


def _shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        sock.close()
