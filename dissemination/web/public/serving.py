"""uvicorn around the public site: one process, no access log, limits on time, an end within five seconds."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from dissemination.errors import WrongUseError

#: A request has this long to arrive as a whole, in seconds: uvicorn itself would wait for ever.
ARRIVE = 15.0
#: And its answer this long to be made and taken, in seconds: a locked database is waited for.
LEAVE = 60.0
#: A connection without a request, in seconds.
KEEP_ALIVE = 10
#: What is under way when we are told to stop has this long, in seconds.
GRACE = 3
#: Seconds in which a server has ended, whatever is open.
END = 5.0

#: Connections that may wait to be taken.
_BACKLOG = 2_048

_logger = logging.getLogger(__name__)


class _Patience:
    """Ends connections that neither ask nor take their answer: a look once a second costs a request nothing."""

    def __init__(self, server: uvicorn.Server, now: Any) -> None:
        self._server = server
        self._now = now
        #: Connection -> what it was busy with, and since when.
        self._since: dict[Any, tuple[Any, float]] = {}

    async def look(self) -> None:
        """End what has taken too long."""
        now = self._now()
        seen = {}
        for connection in list(self._server.server_state.connections):
            doing, allowed = _doing(connection)
            before, since = self._since.get(connection, (None, now))
            since = since if before == doing else now
            seen[connection] = (doing, since)
            if allowed and now - since >= allowed and connection.transport is not None:
                connection.transport.abort()
        self._since = seen


def _doing(connection: Any) -> tuple[Any, float]:
    """What a connection does, and how long it may; 0: as long as the server's own time limit says."""
    cycle = connection.cycle
    if connection.transport is not None and connection.transport.is_closing():
        return ("leaving", id(cycle)), LEAVE
    if cycle is None or (cycle.response_complete and connection.timeout_keep_alive_task is None) or cycle.more_body:
        return ("arriving", id(cycle)), ARRIVE
    return ("answering", id(cycle)), 0.0 if cycle.response_complete else LEAVE


class _Silent(HttpToolsProtocol):
    """Writes no access log, also where somebody gave uvicorn's logger a handler: paths hold people's tokens."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.access_log = False


class _Server(uvicorn.Server):
    """Tells when it listens, and leaves signals to whoever started it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None: the command line has set its own."""
        yield


class PublicServer:
    """One site on one port.

    Args:
        site: what is served.
        host: address of this machine.
        port: 0 takes a free one.

    Raises:
        WrongUseError: the port cannot be had.
    """

    def __init__(self, site: ASGIApp, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._socket = listen(host, port)
        config = uvicorn.Config(
            site,
            loop="uvloop",
            http=_Silent,
            ws="none",
            lifespan="on",
            log_config=None,
            # Addresses of readers and tokens of subscribers are nobody's business.
            access_log=False,
            server_header=False,
            # Whom to believe about the caller's address is the guard's business.
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=GRACE,
            timeout_notify=1,
            callback_notify=self._look,
        )
        self._server = _Server(config)
        self._patience: _Patience | None = None
        self._thread: threading.Thread | None = None
        name, number = self._socket.getsockname()[:2]
        self.address = f"http://{f'[{name}]' if ':' in name else name}:{number}/"
        self.port: int = number

    def run(self) -> None:
        """Serve in this thread until `stop`."""
        self._server.run(sockets=[self._socket])

    def start(self) -> None:
        """Serve in a thread of its own; back when it listens.

        Raises:
            WrongUseError: it does not come up.
        """
        self._thread = threading.Thread(target=self._run_apart, name="public server", daemon=True)
        self._thread.start()
        if not self._server.ready.wait(30):
            raise WrongUseError("web: the server does not start; the log tells why")

    def leave(self) -> None:
        """Begin to end; waits for nothing."""
        self._server.should_exit = True

    def stop(self) -> bool:
        """End within five seconds; whether it has."""
        self.leave()
        if self._thread is not None:
            self._thread.join(END)
        return self._thread is None or not self._thread.is_alive()

    def _run_apart(self) -> None:
        try:
            self.run()
        except Exception:
            _logger.exception("web: the server ended")

    async def _look(self) -> None:
        if self._patience is None:
            self._patience = _Patience(self._server, asyncio.get_running_loop().time)
        await self._patience.look()


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections for this address.

    Raises:
        WrongUseError: another program has the port, or we may not take it.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
        # Whoever is told the address may connect at once, also while the server comes up.
        made.listen(_BACKLOG)
    except OSError as error:
        made.close()
        raise WrongUseError(f"web: port {port} of {host} cannot be had ({error.strerror}); set web.port") from error
    return made
