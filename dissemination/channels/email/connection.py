"""A session's socket: connecting, encrypting, reading and writing without ever waiting."""

from __future__ import annotations

import errno
import os
import select
import selectors
import socket
import ssl
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from enum import Enum

from dissemination.channels.email.greeting import Deed, Offers, Talk, greet
from dissemination.channels.email.replies import GarbledError, Replies
from dissemination.channels.email.server import Reply, Server, trust, unreachable, why
from dissemination.channels.email.session import Parcel, Session, Step, Way
from dissemination.errors import ChannelError

_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
#: Octets read at once. Replies are short, and a larger buffer would be mapped and unmapped by the system each time.
_AT_ONCE = 16_384
#: Buffers of one sendmsg; systems take 1024, and a message is one.
_BUFFERS = 64
#: Seconds without a word after which a server is asked whether it is still there before it gets a message.
_RESTED = 10.0
#: Octets that must leave at once to count as a sign of life; less, and a server could hold a message for days.
_PROGRESS = 1024
#: A connection attempt that has only begun.
_UNDER_WAY = frozenset({errno.EINPROGRESS, errno.EALREADY, errno.EWOULDBLOCK})


#: As of `socket.getaddrinfo`: family, and where.
Address = tuple[int, tuple[object, ...]]


class Stage(Enum):
    """How far a connection is."""

    CONNECTING = 1
    ENCRYPTING = 2
    GREETING = 3
    READY = 4
    CLOSED = 5

    # Looked up at every event; hashing the name is slow.
    __hash__ = object.__hash__


class Connection:
    """One connection to a server.

    Args:
        server: whom to talk to.
        address: one of those that its name has.
        now: seconds of a clock that only goes forward.
        simple: leave pipelining.
    """

    def __init__(self, server: Server, address: Address, now: Callable[[], float], *, simple: bool) -> None:
        self.server, self.address = server, address
        self.stage = Stage.CONNECTING
        #: There as soon as messages can be sent.
        self.session: Session | None = None
        #: Why it is closed, if not on purpose.
        self.error: ChannelError | None = None
        self.reason = ""
        self._parting = False
        self._simple, self._now = simple, now
        self._talk: Talk = greet(server)
        self._replies = Replies()
        self._out: list[bytes] = []
        self._written = 0
        self._moved = now()
        self._selector: selectors.BaseSelector | None = None
        self._events = _READ | _WRITE
        self._sock: socket.socket = socket.socket(address[0], socket.SOCK_STREAM)
        self._sock.settimeout(0)
        # Many small commands, each of which the other side waits for.
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        begun = self._sock.connect_ex(address[1])
        if begun not in {0, *_UNDER_WAY}:
            self._fail(os.strerror(begun))

    def watch(self, selector: selectors.BaseSelector | None) -> None:
        """Be woken by this selector, or by none."""
        if self._selector is not None:
            self._selector.unregister(self._sock)
        self._selector = selector
        if selector is not None:
            selector.register(self._sock, self._events, self)

    # What the line asks

    @property
    def room(self) -> int:
        """How many parcels it takes now."""
        if self.session is None or self.stage is not Stage.READY:
            return 0
        if self.session.idle and self._now() - self._moved > _RESTED:
            self.session.check()
            self.flush()
            return 0
        return self.session.room

    @property
    def idle(self) -> bool:
        """Ready, and nothing is under way."""
        return self.stage is Stage.READY and self.session is not None and self.session.idle

    def deadline(self) -> float | None:
        """When it has waited long enough; None: it waits for nothing."""
        if self.stage is Stage.CLOSED or (self.idle and not self._out):
            return None
        final = self.session is not None and self.session.has_it_all(self._written)
        return self._moved + (self.server.final_timeout if final else self.server.timeout)

    def encryption(self) -> str:
        """For people: "TLSv1.3", or that there is none."""
        return str(self._sock.version()) if isinstance(self._sock, ssl.SSLSocket) else "not encrypted"

    # Moving on

    def event(self, mask: int) -> None:
        """The socket can be read or written."""
        try:
            if (move := _WHEN.get(self.stage)) is not None:
                move(self, mask)
        except (GarbledError, OSError) as error:
            self._fail(why(error) if isinstance(error, OSError) else str(error))
        except ChannelError as error:  # of the greeting
            self.error = error
            self.close()

    def begin(self, parcel: Parcel) -> None:
        """Take a parcel on; only where there is room. It leaves at the next `flush`."""
        session = self._talking()
        if session.idle:
            self._moved = self._now()  # the time it rested does not count
        session.begin(parcel)

    def flush(self) -> None:
        """Write what the session has to say, as far as it can be written."""
        if self.session is None or self.stage is Stage.CLOSED or not self.session.out:
            return
        self._out += self.session.out
        self.session.out.clear()
        self._write()

    def _write(self) -> None:
        try:
            self._flush()
        except OSError as error:
            self._last_words()
            self._fail(why(error))

    def wake(self) -> None:
        """It was kept for a while: it is asked whether it is still good before it gets a message."""
        self._moved = self._now() - 2 * _RESTED

    def late(self) -> None:
        """Its deadline has passed."""
        session = self.session
        if session is not None and session.way is not Way.STEPS and session.waiting is not Step.BODY:
            session.broken = not session.delivered  # perhaps it lost the commands that came together
        self._fail("no answer in time")

    def quit(self, patience: float = 0.0) -> None:
        """Say good-bye, wait at most `patience` seconds for the server to say it, too, and hang up."""
        self.say_goodbye()
        if patience and self.stage is not Stage.CLOSED:
            select.select([self._sock], [], [], patience)
        self.close()

    def say_goodbye(self) -> None:
        """Say it once, and do not wait."""
        if self.idle and self.session is not None and not self._parting:
            self._parting = True
            self.session.out.append(b"QUIT\r\n")
            self.flush()

    def close(self) -> None:
        """Hang up."""
        if self.stage is Stage.CLOSED:
            return
        self.watch(None)
        self.stage = Stage.CLOSED
        self._sock.close()

    @property
    def written(self) -> int:
        """Bytes of the session that have left."""
        return self._written

    def _fail(self, text: str) -> None:
        self.error = self.error or unreachable(self.server, text)
        self.reason = text
        self.close()

    def _connected(self, mask: int) -> None:
        if not mask & _WRITE:
            return
        code = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
        self._moved = self._now()
        self.stage = Stage.GREETING
        self._want(writing=False)
        self._do(next(self._talk))

    def _handshake(self, _mask: int) -> None:
        assert isinstance(self._sock, ssl.SSLSocket)  # noqa: S101 - for the type checker
        try:
            self._sock.do_handshake()
        except ssl.SSLWantReadError:
            self._want(writing=False)
        except ssl.SSLWantWriteError:
            self._want(writing=True)
        else:
            self._moved = self._now()
            self.stage = Stage.GREETING
            self._want(writing=False)
            self._go_on(None)

    def _greeting(self, mask: int) -> None:
        if mask & _WRITE:
            self._flush()
        clear = self._replies
        for reply in self._read():
            if self._replies is not clear:
                # RFC 3207, 4.2: what was said in the clear after the yes to STARTTLS is nobody's word.
                raise GarbledError("it went on talking in the clear when encryption began")
            if self.session is None:
                self._go_on(reply)
            else:  # said when the greeting was over
                self.session.reply(reply)
        if self.session is not None and self.session.dead:
            self._fail(self.session.dead)

    def _go_on(self, reply: Reply | None) -> None:
        try:
            self._do(next(self._talk) if reply is None else self._talk.send(reply))
        except StopIteration as done:
            self._ready(done.value)

    def _do(self, deed: bytes | Deed) -> None:
        if deed is Deed.ENCRYPT:
            self._encrypt()
        elif isinstance(deed, bytes):
            self._out.append(deed)
            self._flush()

    def _encrypt(self) -> None:
        selector = self._selector
        self.watch(None)  # a socket that is wrapped is another one to the selector
        self._sock = trust(self.server.ca_file).wrap_socket(
            self._sock, server_hostname=self.server.host, do_handshake_on_connect=False
        )
        self._replies = Replies()
        self.stage = Stage.ENCRYPTING
        self.watch(selector)
        self._handshake(0)

    def _ready(self, offers: Offers) -> None:
        self.session = Session(self.server, offers, simple=self._simple)
        self._written = 0
        self.stage = Stage.READY

    def _exchange(self, mask: int) -> None:
        if mask & _READ:
            session = self._talking()
            self._hear(session, self._read())
            if session.dead:
                self._fail(session.dead)
                return
        if mask & _WRITE:
            self._write()

    def _hear(self, session: Session, replies: Iterable[Reply]) -> None:
        for reply in replies:
            if session.dead:  # what follows says nothing
                return
            session.reply(reply)

    def _last_words(self) -> None:
        """A server that hung up may have answered before, and that is still there to read: it counts."""
        session = self._talking()
        with suppress(OSError, GarbledError):  # also when there is nothing more
            while data := self._sock.recv(_AT_ONCE):
                self._hear(session, self._replies.feed(data))

    def _talking(self) -> Session:
        if self.session is None:
            raise RuntimeError("this connection is not ready")
        return self.session

    def _read(self) -> Sequence[Reply]:
        try:
            data = self._sock.recv(_AT_ONCE)
            # What the encryption has taken from the socket already wakes nobody.
            while isinstance(self._sock, ssl.SSLSocket) and self._sock.pending():
                data += self._sock.recv(_AT_ONCE)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return ()
        if not data:
            raise ConnectionResetError("it hung up")
        replies = list(self._replies.feed(data))
        if replies:  # a server that gives a byte a minute has not answered
            self._moved = self._now()
        return replies

    def _flush(self) -> None:
        while self._out:
            try:
                sent = self._send()
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                break
            self._written += sent
            self._drop(sent)
            if sent >= _PROGRESS or not self._out:
                self._moved = self._now()
        self._want(writing=bool(self._out))

    def _send(self) -> int:
        if isinstance(self._sock, ssl.SSLSocket):
            return self._sock.send(self._out[0])
        if len(self._out) == 1:
            return self._sock.send(self._out[0])
        return self._sock.sendmsg(self._out[:_BUFFERS])

    def _drop(self, sent: int) -> None:
        """Forget what has left."""
        gone = 0
        for data in self._out:
            if sent < len(data):
                break
            sent -= len(data)
            gone += 1
        del self._out[:gone]
        if sent:
            self._out[0] = self._out[0][sent:]

    def _want(self, *, writing: bool) -> None:
        events = _READ | _WRITE if writing else _READ
        if events != self._events:
            self._events = events
            if self._selector is not None:
                self._selector.modify(self._sock, events, self)


_WHEN = {
    Stage.CONNECTING: Connection._connected,
    Stage.ENCRYPTING: Connection._handshake,
    Stage.GREETING: Connection._greeting,
    Stage.READY: Connection._exchange,
}
