"""A network's stand-in on loopback: a small HTTP server whose every request can be made to go wrong."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """What goes wrong with one request.

    Args:
        stored: whether the network does what was asked before it goes wrong.
        status: what is answered; 0: what the network would answer.
        body: the answer's bytes; None: what the network would say.
        headers: added to the answer's; an underscore stands for a hyphen.
        cut: the connection is reset instead of an answer.
        silent: no answer comes, for as long as the server runs.
        drips: the answer comes byte by byte.
    """

    stored: bool = False
    status: int = 0
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    silent: bool = False
    drips: bool = False


#: What may happen to a request, by name: for tables of faults. "refused" is `Loopback.closed`.
FAULTS: Mapping[str, Fault] = {
    "reset before": Fault(cut=True),
    "reset after": Fault(stored=True, cut=True),
    "timeout before": Fault(silent=True),
    "timeout after": Fault(stored=True, silent=True),
    "429": Fault(status=429, body=b"{}"),
    "500 before": Fault(status=500, body=b"{}"),
    "500 after": Fault(stored=True, status=500, body=b"{}"),
    "401": Fault(status=401, body=b'{"error":"expired"}'),
    "garbage": Fault(status=200, body=b"<html>\xff not what was asked for"),
    "garbage after": Fault(stored=True, status=200, body=b"<html>\xff not what was asked for"),
    "slow": Fault(stored=True, drips=True),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One request."""

    method: str
    path: str
    #: The last value of each name.
    query: Mapping[str, str]
    body: bytes
    #: Lower-case names.
    headers: Mapping[str, str]
    #: Path and query as they came.
    target: str

    def json(self) -> Any:
        """The body as JSON; None: it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What is answered."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, value: object, status: int = 200, **headers: str) -> Answer:
        """JSON."""
        kind = {"Content-Type": "application/json"}
        return cls(status=status, body=json.dumps(value).encode(), headers={**kind, **headers})


class Loopback:
    """A server on a free port of 127.0.0.1, ended with the `with` block. Heirs give `answer`."""

    def __init__(self) -> None:
        #: `name` of every request, in order.
        self.requests: list[str] = []
        self._faults: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._turn = threading.Lock()
        self._server = _Server(self)
        self._port = self._server.server_address[1]
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> str:
        """http://127.0.0.1 and the port."""
        return f"http://127.0.0.1:{self._port}"

    def name(self, asked: Asked) -> str:
        """What tests call a request: "POST /2/tweets"; heirs may leave ids out."""
        return f"{asked.method} {asked.path}"

    def answer(self, asked: Asked) -> Answer:
        """What the network does and says; one call at a time."""
        raise NotImplementedError

    def program(self, request: str, *faults: Fault) -> None:
        """Let the next requests of this name go wrong, one a fault."""
        self._faults[request].extend(faults)

    def count(self, request: str) -> int:
        """How many requests of this name came."""
        return self.requests.count(request)

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Connections are refused meanwhile; the port stays ours."""
        self._stop()
        try:
            yield
        finally:
            self._server = _Server(self, self._port)
            self._start()

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def _stop(self) -> None:
        self._server.ended.set()
        self._server.shutdown()
        self._server.server_close()
        if self._thread:
            self._thread.join()

    def exchange(self, asked: Asked) -> tuple[Fault, Answer]:
        """What is to go wrong, and the answer."""
        name = self.name(asked)
        with self._turn:
            self.requests.append(name)
            fault = self._faults[name].popleft() if self._faults[name] else Fault(stored=True)
            answer = self.answer(asked) if fault.stored else Answer()
        return fault, Answer(
            status=fault.status or answer.status,
            body=answer.body if fault.body is None else fault.body,
            headers={**answer.headers, **{k.replace("_", "-"): v for k, v in fault.headers.items()}},
        )


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, network: Loopback, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.network = network
        self.ended = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what many tests want."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        self.close_connection = True
        ended = self.server.ended
        fault, answer = self.server.network.exchange(self._asked())
        if fault.silent:
            ended.wait(30)
        elif fault.cut:
            # A reset, not an orderly end (SO_LINGER with no time).
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        else:
            self._reply(answer, ended, drips=fault.drips)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_GET  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""

    def _asked(self) -> Asked:
        parts = urlsplit(self.path)
        return Asked(
            method=self.command,
            path=parts.path,
            query={name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()},
            body=self._body(),
            headers={name.lower(): value for name, value in self.headers.items()},
            target=self.path,
        )

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _reply(self, answer: Answer, ended: threading.Event, *, drips: bool) -> None:
        self.send_response(answer.status)
        for name, value in {"Connection": "close", **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        pieces = [answer.body[at : at + 1] for at in range(len(answer.body))] if drips else [answer.body]
        for piece in pieces:
            self.wfile.write(piece)
            if drips and ended.wait(0.05):
                return
