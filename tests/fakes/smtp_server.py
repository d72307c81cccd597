"""An SMTP server on loopback that misbehaves as it is told, and remembers what it accepted.

    with NastySmtp(["451@dot", "451@dot", "ok"]) as server:
        ...connect to 127.0.0.1, server.port...
    server.accepted[0].message_id

It speaks the extensions that it is told to offer, and means it: PIPELINING (replies wait until nothing is left to
read, RFC 2920, 3.2), CHUNKING (RFC 3030), SMTPUTF8, AUTH PLAIN, LOGIN and XOAUTH2, STARTTLS and encryption at once.

A script is any iterable of plans, "ok" once it is used up. A plan is taken when a connection comes, and again at
each later MAIL of that connection; one that strikes a message is left for the next MAIL, since a connection may get
no message at all. A plan is "ok" or "<what>@<step>":

    steps   connect ehlo starttls auth mail rcpt data body dot bdat rset
            body: a part of the message has arrived, or its BDAT line; bdat: a chunk has arrived
            dot: the whole message has arrived, by DATA or by its last BDAT
    what    a code: answer it instead ("451@rcpt"); 421 also hangs up afterwards
            garbage: answer what is no reply
            drop: hang up without an answer; the message is not accepted
            reset: the same at once, while the client may still be writing: it gets a reset (RST)
            lose: accept the message, then hang up without an answer (only at dot and bdat)
            stall: say nothing until the client leaves or the server is closed

Before it hangs up or stalls it hands out the answers to what came earlier: only the planned one is withheld.
smtp_process.py runs it as a program of its own.
"""

from __future__ import annotations

import base64
import itertools
import os
import re
import socket
import ssl
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from smtp_wire import HangUpError, Wire

_MESSAGE_ID = re.compile(rb"^Message-ID:\s*(\S+)", re.MULTILINE | re.IGNORECASE)
#: Commands that end a group (RFC 2920, 3.1): nothing may follow them before their reply.
_LAST_OF_GROUP = frozenset({"EHLO", "HELO", "DATA", "STARTTLS", "AUTH", "NOOP", "QUIT"})
#: Steps before there is a message.
_BEGINNING = frozenset({"connect", "ehlo", "starttls", "auth"})


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """A message that the server has taken responsibility for."""

    message_id: str
    sender: str
    recipient: str
    #: Without dot-stuffing; b"" where bodies are not kept.
    body: bytes = field(repr=False)


class NastySmtp:
    """The server. It listens from entering on; leaving ends every connection and thread of it.

    Args:
        script: plans, see the module.
        refuse: address -> the reply to its RCPT, whatever the plan: {"bob@example.org": "550 5.1.1 no such user"}.
        offers: extensions named in EHLO; AUTH and STARTTLS are added where `users` and `tls` are given.
        log: a file that gets "accepted <message id> <recipient> <sender>" for each message, fsynced before the 250,
            "withheld <message id> <recipient>" when its answer is then withheld, and "open <n>" when a connection
            came or went.
        keep_bodies: whether `accepted` holds the bytes of messages.
        users: login name -> password or token; who gives none gets 530.
        tls: encrypts, after STARTTLS or from the start (`implicit`).
        replies: "whole", "bytes" (one at a time), "split" (at odd places), "long" (20 KB each).
        broken: PIPELINING in name only: "flush" (forgets its input after each reply of a transaction),
            "flush@dot" (after the reply to a message), "503" (refuses commands that came too early).
        lax: what a message without recipients is answered after a 354; "": its DATA is refused with 503.
        limit: messages of one connection, then 421; 0: any number.
    """

    def __init__(
        self,
        script: Iterable[str] = (),
        *,
        refuse: Mapping[str, str] | None = None,
        offers: Iterable[str] = ("8BITMIME",),
        log: Path | None = None,
        keep_bodies: bool = True,
        users: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        implicit: bool = False,
        replies: str = "whole",
        broken: str = "",
        lax: str = "",
        limit: int = 0,
        port: int = 0,
    ) -> None:
        self.accepted: list[Accepted] = []
        #: Message-IDs whose answer was withheld after they were accepted, once for each time.
        self.withheld: list[str] = []
        #: Every command line of every connection, in order of arrival.
        self.commands: list[str] = []
        #: Commands after which the client went on before it was allowed to.
        self.early: list[str] = []
        self.connections = 0
        self.keep_bodies = keep_bodies
        self.refuse = dict(refuse or {})
        self.offers = tuple(offers)
        self.users, self.tls, self.implicit = dict(users or {}), tls, implicit
        self.replies, self.broken, self.lax, self.limit = replies, broken, lax, limit
        self._plans = itertools.chain(script, itertools.repeat("ok"))
        self._log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT) if log else None
        self._dirty = False
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", port), backlog=128)
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

    def plan_of_connection(self) -> str | None:
        """The next plan, unless it waits for a message."""
        with self._lock:
            plan = next(self._plans)
            if plan == "ok" or plan.partition("@")[2] in _BEGINNING:
                return plan
            self._plans = itertools.chain([plan], self._plans)
            return None

    def accept(self, accepted: Accepted) -> None:
        with self._lock:
            self._write(f"accepted {accepted.message_id} {accepted.recipient} {accepted.sender}")
            self.accepted.append(accepted)

    def withhold(self, accepted: Accepted) -> None:
        with self._lock:
            self._write(f"withheld {accepted.message_id} {accepted.recipient}")
            self.withheld.append(accepted.message_id)

    def settle(self) -> None:
        """What was logged is on the disk; before any answer goes out."""
        with self._lock:
            if self._dirty and self._log is not None:
                os.fsync(self._log)
                self._dirty = False

    def note(self, command: str) -> None:
        self.commands.append(command)

    def _write(self, line: str) -> None:
        if self._log is not None:
            os.write(self._log, f"{line}\n".encode())
            self._dirty = True

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
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            self._swap(None, sock)
            self._start(self._serve, sock)

    def _swap(self, old: socket.socket | None, new: socket.socket | None) -> None:
        with self._lock:
            self._sockets.discard(old)
            if new is not None:
                self._sockets.add(new)
            self._write(f"open {len(self._sockets)}")

    def _serve(self, sock: socket.socket) -> None:
        wire = Wire(sock, self.replies, self.settle)
        try:
            if self.implicit:
                self.encrypt(wire)
            _Dialogue(self, wire).run()
        except (OSError, HangUpError, ValueError, IndexError):
            pass  # the client left, or we did, or it talks nonsense
        finally:
            wire.sock.close()
            self._swap(wire.sock, None)

    def encrypt(self, wire: Wire) -> None:
        """Go on in TLS."""
        plain = wire.sock
        wire.sock = self.tls.wrap_socket(plain, server_side=True)
        self._swap(plain, wire.sock)


class _Dialogue:
    def __init__(self, server: NastySmtp, wire: Wire) -> None:
        self.server, self.wire = server, wire
        self.plan = server.plan_of_connection()
        self.user = ""
        self.verb = ""
        self.messages = 0
        #: Whether this command had come before the last reply went out.
        self.rushed = False
        self.nonsense = False
        self.begin()

    def begin(self) -> None:
        self.sender: str | None = None
        self.recipients: list[str] = []
        self.chunks: list[bytes] = []
        self.utf8 = False

    def run(self) -> None:
        self.step("220 nasty.example ESMTP", "connect")
        while True:
            command = self.wire.line()
            self.server.note(command)
            self.verb = command.split(" ", 1)[0].split(":", 1)[0].upper()
            if self.server.broken == "503" and self.rushed:
                if self.verb == "BDAT":
                    self.wire.octets(_size(command))
                self.answer("503 5.5.0 one at a time")
            else:
                getattr(self, f"do_{self.verb.lower()}", self.unknown)(command)

    # Answers

    def step(self, good: str, *names: str) -> bool:
        """Answer as planned; whether the answer was the good one."""
        what, _, step = (self.plan or "ok").partition("@")
        if step not in names:
            self.answer(good)
            return True
        self.plan = "ok"
        self.misbehave(what)
        return False

    def misbehave(self, what: str) -> None:
        if what in {"drop", "lose"}:
            self.hang_up()
        if what == "reset":
            self.wire.flush()
            raise HangUpError
        if what == "stall":
            self.wire.swallow()
            raise HangUpError
        # Who has once talked nonsense is not believed any more.
        self.nonsense |= what == "garbage" or not "200" <= what < "600"
        if what == "garbage":
            self.wire.say(b"\x00\xff\xfe what? 250\r\n")
            return
        self.answer(f"{what} 4.3.0 as planned")
        if what == "421":
            self.hang_up()

    def hang_up(self) -> None:
        self.wire.part()
        raise HangUpError

    def answer(self, reply: str) -> None:
        self.rushed = bool(self.wire.buffer)
        if self.rushed and (self.verb in _LAST_OF_GROUP or "PIPELINING" not in self.server.offers):
            self.server.early.append(self.verb)
        self.wire.say(f"{reply}\r\n".encode())
        if self.server.broken == "flush" and self.verb in {"MAIL", "RCPT", "BDAT", "DOT"}:
            self.wire.forget()

    def unknown(self, command: str) -> None:
        self.answer("500 5.5.1 what?")

    # The beginning of a connection

    def do_ehlo(self, command: str) -> None:
        names = ["nasty.example", *self.server.offers]
        if self.server.tls and not isinstance(self.wire.sock, ssl.SSLSocket):
            names.append("STARTTLS")
        if self.server.users:
            names.append("AUTH PLAIN LOGIN XOAUTH2")
        self.step("\r\n".join([*(f"250-{name}" for name in names), "250 HELP"]), "ehlo")

    def do_starttls(self, command: str) -> None:
        if self.server.tls is None or isinstance(self.wire.sock, ssl.SSLSocket):
            self.answer("503 5.5.1 not here")
        elif self.step("220 2.0.0 go ahead", "starttls"):
            self.wire.flush()
            self.wire.buffer.clear()  # what came in the clear is not believed
            self.server.encrypt(self.wire)

    def do_auth(self, command: str) -> None:
        _, mechanism, *initial = command.split(" ")
        reading = {"PLAIN": self.read_plain, "LOGIN": self.read_login, "XOAUTH2": self.read_xoauth2}
        if mechanism.upper() not in reading:
            self.answer("504 5.5.4 unknown mechanism")
            return
        user, secret = reading[mechanism.upper()](initial[0] if initial else None)
        right = bool(user) and self.server.users.get(user) == secret
        if right:
            right = self.step("235 2.7.0 welcome", "auth")
        else:
            if mechanism.upper() == "XOAUTH2":  # the reason comes as a challenge that is answered with nothing
                self.ask('{"status":"401"}')
            self.answer("535 5.7.8 wrong")
        self.user = user if right else ""

    def read_plain(self, initial: str | None) -> tuple[str, str]:
        _, user, secret = self.decoded(initial, "").split("\0")
        return user, secret

    def read_login(self, initial: str | None) -> tuple[str, str]:
        return self.decoded(initial, "Username:"), self.ask("Password:")

    def read_xoauth2(self, initial: str | None) -> tuple[str, str]:
        user, secret, *_ = self.decoded(initial, "").split("\1")
        return user.removeprefix("user="), secret.removeprefix("auth=Bearer ")

    def decoded(self, initial: str | None, question: str) -> str:
        return self.ask(question) if initial is None else base64.b64decode(initial).decode()

    def ask(self, question: str) -> str:
        self.answer(f"334 {base64.b64encode(question.encode()).decode()}")
        return base64.b64decode(self.wire.line()).decode()

    # A message

    def do_mail(self, command: str) -> None:
        if self.sender is not None:
            self.answer("503 5.5.1 nested MAIL, RSET first")
            return
        if self.plan is None:
            self.plan = self.server.next_plan()
        if self.server.users and not self.user:
            self.answer("530 5.7.0 log in first")
        elif 0 < self.server.limit <= self.messages:
            self.answer("421 4.7.0 enough for one connection")
            self.hang_up()
        elif self.foreign(command):
            self.answer("555 5.5.4 not offered")
        elif self.step("250 2.1.0 ok", "mail"):
            self.begin()
            self.sender, self.utf8 = _path(command), "SMTPUTF8" in command

    def foreign(self, command: str) -> bool:
        """Whether MAIL has a parameter that was not offered."""
        words = command.partition(">")[2].split()
        offered = {offer.split()[0] for offer in self.server.offers}
        return not {word.split("=")[-1] if word.startswith("BODY") else word for word in words} <= offered | {
            "7BIT"
        }

    def do_rcpt(self, command: str) -> None:
        address = _path(command)
        if self.sender is None:
            self.answer("503 5.5.1 MAIL first")
        elif address in self.server.refuse:
            self.answer(self.server.refuse[address])
        elif not address.isascii() and not self.utf8:
            self.answer("553 5.6.7 not without SMTPUTF8")
        elif self.step("250 2.1.5 ok", "rcpt"):
            self.recipients.append(address)

    def do_data(self, command: str) -> None:
        if not self.recipients and not self.server.lax:
            self.answer("503 5.5.1 no recipient")
        elif self.step("354 go on", "data"):
            self.verb = "DOT"  # after the message a group may follow
            self.in_the_middle()
            self.whole(self.wire.until_dot(), "dot")

    def do_bdat(self, command: str) -> None:
        if "CHUNKING" not in self.server.offers:
            self.unknown(command)
            return
        self.in_the_middle()
        self.chunks.append(self.wire.octets(_size(command)))
        if not self.recipients:
            self.answer("503 5.5.1 no recipient")
        elif command.upper().endswith(" LAST"):
            self.whole(b"".join(self.chunks), "dot", "bdat")
        elif not self.step("250 2.0.0 chunk", "bdat"):
            self.begin()

    def in_the_middle(self) -> None:
        """What is planned for when a part of the message is here."""
        what, _, step = (self.plan or "ok").partition("@")
        if step == "body":
            if self.verb == "DOT":
                self.wire.fill()
            self.misbehave(what)

    def whole(self, body: bytes, *names: str) -> None:
        """The whole message has arrived."""
        what, _, step = (self.plan or "ok").partition("@")
        if not self.recipients:
            self.answer(self.server.lax)
        elif not body.count(b"\r\n") == body.count(b"\n") == body.count(b"\r"):
            self.answer("550 5.6.11 a bare CR or LF")
        else:
            kept = self.keep(body) if what == "lose" or step not in names else []
            if self.nonsense or (what == "lose" and step in names):
                for accepted in kept:
                    self.server.withhold(accepted)
            self.step(f"250 2.0.0 queued as {len(self.server.accepted):06d}", *names)
        self.begin()
        self.messages, self.plan = self.messages + 1, None
        if self.server.broken == "flush@dot":
            self.wire.forget()

    def keep(self, body: bytes) -> list[Accepted]:
        found = _MESSAGE_ID.search(body)
        kept = [
            Accepted(
                message_id=found[1].decode() if found else "",
                sender=self.sender or "",
                recipient=recipient,
                body=body if self.server.keep_bodies else b"",
            )
            for recipient in self.recipients
        ]
        for accepted in kept:
            self.server.accept(accepted)
        return kept

    def do_rset(self, command: str) -> None:
        self.step("250 2.0.0 forgotten", "rset")
        if self.sender is not None:
            self.plan = None
        self.begin()

    def do_noop(self, command: str) -> None:
        self.answer("250 2.0.0 ok")

    def do_quit(self, command: str) -> None:
        self.answer("221 2.0.0 bye")
        self.hang_up()


def _path(command: str) -> str:
    return command.partition("<")[2].partition(">")[0]


def _size(command: str) -> int:
    return int(command.split(" ")[1])


def _shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        with suppress(OSError):
            sock.close()
