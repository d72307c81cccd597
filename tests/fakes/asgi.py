"""One request to an ASGI application inside this process, and requests as bytes over a socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

HOST = "news.test.example"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def __getitem__(self, name: str) -> str:
        """A header's value; "" if there is none. It must not be there twice."""
        found = [value for known, value in self.headers if known == name]
        assert len(found) < 2, found
        return found[0] if found else ""

    @property
    def text(self) -> str:
        return self.body.decode()


def ask(
    app: Any,
    path: str,
    method: str = "GET",
    *,
    headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    chunks: Iterable[bytes] = (b"",),
    host: str | None = HOST,
    client: str = "192.0.2.7",
) -> Answer:
    """Ask as a server would; `host` None leaves the header out."""
    given = list(headers.items() if isinstance(headers, Mapping) else headers)
    lines = [("host", host)] * (host is not None) + given
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in lines],
        "client": (client, 50_000),
        "server": ("127.0.0.1", 80),
    }
    waiting = list(chunks)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not waiting:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    start = sent[0]
    known = [(name.decode(), value.decode("latin-1")) for name, value in start["headers"]]
    return Answer(start["status"], known, b"".join(message.get("body", b"") for message in sent[1:]))


def talk(port: int, raw: bytes, *, seconds: float = 10) -> bytes:
    """Everything that a server says to these bytes until it closes, or has said one whole answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as line:
        with suppress(BrokenPipeError, ConnectionResetError):  # it has answered, and reads no more
            line.sendall(raw)
        return heard(line)


def heard(line: socket.socket) -> bytes:
    """One answer with its body."""
    got = b""
    while b"\r\n\r\n" not in got:
        more = line.recv(65_536)
        if not more:
            return got
        got += more
    head, _, body = got.partition(b"\r\n\r\n")
    sizes = [int(one.split(b":")[1]) for one in head.lower().split(b"\r\n") if one.startswith(b"content-length:")]
    while sizes and len(body) < sizes[0] and (more := line.recv(65_536)):
        body += more
    return head + b"\r\n\r\n" + body
