"""A stand-in for X on loopback: what its API does with posts, and what can go wrong on the way."""

from __future__ import annotations

import html
import json
import socket
import struct
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from oauthlib.common import Request
from oauthlib.oauth1.rfc5849 import signature
from twitter_text import extract_urls_with_indices, parse_tweet

#: What a channel must hold to be let in.
X_SECRETS: Mapping[str, str] = {
    "X_API_KEY": "key-of-the-app",
    "X_API_SECRET": "word-of-the-app",
    "X_ACCESS_TOKEN": "4711-token-of-the-account",
    "X_ACCESS_SECRET": "word-of-the-account",
}

#: Told of every request and every answer: (method, path, query, body of the request, status, body of the answer).
Witness = Callable[[str, str, Mapping[str, str], object, int, object], None]

_ACCOUNT = {"id": "4711", "name": "Project", "username": "project"}
_SIGNED_FOR = "https://api.twitter.com"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """What goes wrong with one request.

    Args:
        stored: whether X does what was asked before it goes wrong.
        status: what is answered; 0: what X would answer.
        body: the answer's bytes; None: what X would say.
        headers: added to the answer's.
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


def refusal(status: int, detail: str, title: str = "", kind: str = "about:blank", **headers: str) -> Fault:
    """X refuses with a problem document (RFC 9457)."""
    problem = {"title": title or detail, "detail": detail, "type": kind, "status": status}
    return Fault(status=status, body=json.dumps(problem).encode(), headers=headers)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    authorization: str
    target: str


class _Refused(Exception):  # noqa: N818 - it never leaves this module
    def __init__(self, status: int, detail: str, title: str = "Invalid Request") -> None:
        self.status = status
        self.problem = {"detail": detail, "type": "about:blank", "title": title, "status": status}


class FakeX:
    """One account's X on a free port of 127.0.0.1, ended with the `with` block.

    It checks OAuth 1.0a signatures, counts by twitter-text, refuses a text twice, shows addresses as t.co and the
    signs of HTML escaped, and pages its answers.

    Args:
        now: the time of new posts.
        witness: told of every exchange that went well; what it raises is kept in `problems`.
    """

    def __init__(self, now: Callable[[], datetime], witness: Witness | None = None) -> None:
        #: Every post, oldest first: {"id", "text" as it was sent, "created_at", "reply_to"}.
        self.posts: list[dict[str, Any]] = []
        #: "POST /2/tweets" for every request, in order.
        self.requests: list[str] = []
        #: What the witness objected to.
        self.problems: list[str] = []
        self._now = now
        self._witness = witness
        self._faults: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._turn = threading.Lock()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def address(self) -> str:
        """For the setting `api_base`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def program(self, request: str, *faults: Fault) -> None:
        """Let the next requests of this kind ("POST /2/tweets") go wrong, one a fault."""
        self._faults[request].extend(faults)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # One exchange

    def exchange(self, asked: _Asked) -> tuple[Fault, int, bytes]:
        """What is to go wrong, and the answer: status and body."""
        name = f"{asked.method} {asked.path}"
        with self._turn:
            self.requests.append(name)
            fault = self._faults[name].popleft() if self._faults[name] else Fault(stored=True)
            status, answer = self._answer(asked) if fault.stored else (200, {})
        body = fault.body if fault.body is not None else json.dumps(answer).encode()
        return fault, fault.status or status, body

    def _answer(self, asked: _Asked) -> tuple[int, dict[str, Any]]:
        try:
            _check_signature(asked)
            status, answer = self._dispatch(asked)
        except _Refused as refused:
            return refused.status, refused.problem
        if self._witness:
            try:
                self._witness(asked.method, asked.path, asked.query, asked.body, status, answer)
            except Exception as error:  # noqa: BLE001 - whatever it is, the test reads it
                self.problems.append(f"{asked.method} {asked.path}: {error}")
        return status, answer

    def _dispatch(self, asked: _Asked) -> tuple[int, dict[str, Any]]:
        match asked.method, asked.path:
            case "POST", "/2/tweets":
                return 201, self._create(asked.body)
            case "GET", "/2/users/me":
                return 200, {"data": dict(_ACCOUNT)}
            case "GET", path if path == f"/2/users/{_ACCOUNT['id']}/tweets":
                return 200, self._timeline(asked.query)
        raise _Refused(404, f"{asked.method} {asked.path} is not known here", "Not Found Error")

    def _create(self, body: Any) -> dict[str, Any]:
        text = body.get("text", "") if isinstance(body, dict) else ""
        reply_to = body.get("reply", {}).get("in_reply_to_tweet_id", "") if isinstance(body, dict) else ""
        if not parse_tweet(text).valid:
            raise _Refused(400, "Your Tweet text is too long, or empty.")
        if any(post["text"] == text for post in self.posts):
            raise _Refused(403, "You are not allowed to create a Tweet with duplicate content.", "Forbidden")
        if reply_to and all(post["id"] != reply_to for post in self.posts):
            raise _Refused(400, "You attempted to reply to a Tweet that is deleted or not visible to you.")
        number = str(1_900_000_000_000_000_000 + len(self.posts))
        self.posts.append({"id": number, "text": text, "created_at": self._now(), "reply_to": reply_to})
        return {"data": {"id": number, "text": _shown(number, text)["text"], "edit_history_tweet_ids": [number]}}

    def _timeline(self, query: Mapping[str, str]) -> dict[str, Any]:
        start = datetime.fromisoformat(query.get("start_time", "2010-11-06T00:00:00Z"))
        first = int(query.get("pagination_token", "0"))
        most = int(query.get("max_results", "10"))
        posts = [post for post in reversed(self.posts) if post["created_at"] >= start]
        page = posts[first : first + most]
        meta: dict[str, Any] = {"result_count": len(page)}
        if len(posts) > first + most:
            meta["next_token"] = str(first + most)
        if not page:
            return {"meta": meta}
        full = "entities" in query.get("post.fields", "").split(",")
        return {"data": [_shown(post["id"], post["text"], entities=full) for post in page], "meta": meta}


def _shown(number: str, text: str, *, entities: bool = False) -> dict[str, Any]:
    """The post as X gives it back."""
    shown, urls, end = "", [], 0
    for place, url in enumerate(extract_urls_with_indices(text)):
        short = f"https://t.co/{number[-6:]}{place:04}"
        start, stop = url["indices"]
        shown += html.escape(text[end:start], quote=False)
        whole = url["url"] if "://" in url["url"] else f"http://{url['url']}"
        urls.append({"start": len(shown), "end": len(shown) + 23, "url": short, "expanded_url": whole})
        shown += short
        end = stop
    post: dict[str, Any] = {"id": number, "text": shown + html.escape(text[end:], quote=False)}
    if entities and urls:
        post["entities"] = {"urls": urls}
    return post


def _check_signature(asked: _Asked) -> None:
    """RFC 5849: signed by the app and the account, for the address that tweepy means."""
    headers = {"Authorization": asked.authorization}
    pairs = signature.collect_parameters(
        uri_query=urlsplit(asked.target).query, headers=headers, exclude_oauth_signature=False
    )
    given = dict(pairs)
    request = Request(f"{_SIGNED_FOR}{asked.target}", asked.method, headers=headers)
    request.params = [pair for pair in pairs if pair[0] != "oauth_signature"]
    request.signature = given.get("oauth_signature", "")
    known = (given.get("oauth_consumer_key"), given.get("oauth_token"), given.get("oauth_version"))
    if known != (X_SECRETS["X_API_KEY"], X_SECRETS["X_ACCESS_TOKEN"], "1.0") or not signature.verify_hmac_sha1(
        request, X_SECRETS["X_API_SECRET"], X_SECRETS["X_ACCESS_SECRET"]
    ):
        raise _Refused(401, "Unauthorized", "Unauthorized")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, fake: FakeX) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.fake = fake
        self.ended = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what many tests want."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        self.close_connection = True
        fault, status, body = self.server.fake.exchange(self._asked())
        if fault.silent:
            self.server.ended.wait(30)
        elif fault.cut:
            # A reset, not an orderly end (SO_LINGER with no time).
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        else:
            self._reply(fault, status, body)

    do_POST = do_GET  # noqa: N815 - http.server's name

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""

    def _asked(self) -> _Asked:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        return _Asked(
            method=self.command,
            path=parts.path,
            query={name: values[-1] for name, values in parse_qs(parts.query).items()},
            body=json.loads(raw) if raw else None,
            authorization=self.headers.get("Authorization", ""),
            target=self.path,
        )

    def _reply(self, fault: Fault, status: int, body: bytes) -> None:
        self.send_response(status)
        kind = "application/json" if status < 300 else "application/problem+json"
        for name, value in {"Content-Type": kind, "Connection": "close", **fault.headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        for piece in (body[at : at + 1] for at in range(len(body))) if fault.drips else (body,):
            self.wfile.write(piece)
            if fault.drips and self.server.ended.wait(0.05):
                return


def limited(now: datetime, wait: timedelta) -> Fault:
    """Too many requests (429), until `wait` from `now`."""
    reset = str(int((now.astimezone(UTC) + wait).timestamp()))
    return refusal(429, "Too Many Requests", x_rate_limit_reset=reset, x_rate_limit_remaining="0")
