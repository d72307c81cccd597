"""The guard in front of the public site, as raw ASGI: who is let in, how much may be sent, what answers carry.

Two layers, since files from memory lie between them: `Door` looks at each request in a few microseconds, `Cover`
watches over what our own code answers.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dissemination.settings.kinds import loopback
from dissemination.web.public.callers import Callers, Rates, place_of
from dissemination.web.public.headers import (
    HSTS,
    LIVE_POLICY,
    NO_REFERRER,
    NO_STORE,
    NOSNIFF,
    OWN_OPENER,
    Header,
    answer,
    policy,
    with_defaults,
)

METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
#: The most bytes that a request may bring.
BODY_LIMIT = 65_536
#: Events of mail providers come in bundles.
BODY_LIMITS: Mapping[str, int] = {"/hooks/": 1_000_000}
#: A provider unsubscribes thousands of people from one address, so these cost only what fails: guesses.
PAID_BY_FAILURE = ("/u/", "/hooks/")
#: Longer paths than any of ours.
LONGEST_PATH = 2_000
#: An endless number of header lines costs as much as an endless body.
MOST_HEADERS = 100

#: Nothing but a name or an address and a port: no user, no path, no list.
_HOST = re.compile(rb"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::\d{0,5})?\Z")

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where the site is, by `project.public_url` alone."""

    host: str
    #: "" or "/news": what all paths begin with.
    prefix: str
    secure: bool

    @classmethod
    def of(cls, public_url: str) -> Place:
        """Taken apart."""
        parts = urlsplit(public_url)
        return cls(
            host=(parts.hostname or "").lower(), prefix=parts.path.rstrip("/"), secure=parts.scheme == "https"
        )

    @property
    def always(self) -> tuple[Header, ...]:
        """What all answers under the public name carry."""
        return (HSTS,) if self.secure else ()


class Door:
    """Turns away: other hosts (421), other methods (405), too many requests (429), what lies outside (404).

    Args:
        app: what is behind it.
        place: where the site is.
        callers: finds the address that a request comes from.
        reads: how often an address may ask.
        posts: how often it may send something.
    """

    def __init__(self, app: ASGIApp, *, place: Place, callers: Callers, reads: Rates, posts: Rates) -> None:
        self._app = app
        self._place = place
        self._callers = callers
        self._reads = reads
        self._posts = posts
        self._host_of = lru_cache(maxsize=256)(_host_of)
        self._warned = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let in, or turn away."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        hosts, forwarded = _facts(scope["headers"])
        peer = scope["client"][0] if scope.get("client") else ""
        host = self._host_of(hosts[0]) if len(hosts) == 1 and len(hosts[0]) <= 255 else ""
        caller = place_of(self._callers.origin(peer, forwarded) if forwarded else peer)
        if forwarded and not self._warned:
            self._warn(peer)
        refused = self._refusal(scope, len(hosts), host, peer)
        if refused:
            await answer(send, *refused)
            return
        if host != self._place.host and self._place.secure:
            send = _without_hsts(send)
        await self._let_in(scope, receive, send, caller)

    def _refusal(
        self, scope: Scope, hosts: int, host: str, peer: str
    ) -> tuple[int, str, tuple[Header, ...]] | None:
        path, method = scope["path"], scope["method"]
        if hosts != 1 or not host or len(scope["headers"]) > MOST_HEADERS:
            return 400, "The request cannot be read.\n", ()
        # Whoever sits at this machine may look by its own names; nothing we answer depends on them.
        if host != self._place.host and not (loopback(host) and (loopback(peer) or loopback(self._place.host))):
            return 421, "This name is not served here.\n", ()
        if method not in METHODS:
            return 405, "This method is not served here.\n", ((b"allow", b", ".join(_ALLOWED)),)
        if not path.startswith(self._place.prefix + "/") or len(path) > LONGEST_PATH:
            return 404, "There is nothing here.\n", ()
        return None

    async def _let_in(self, scope: Scope, receive: Receive, send: Send, caller: str) -> None:
        if self._place.prefix:
            scope["root_path"] = self._place.prefix
        path = scope["path"].removeprefix(self._place.prefix)
        posting = scope["method"] == "POST"
        by_failure = posting and path.startswith(PAID_BY_FAILURE)
        rates = self._posts if posting else self._reads
        if wait := rates.wait(caller):
            seconds = str(math.ceil(wait)).encode()
            await answer(send, 429, "Too many requests.\n", ((b"retry-after", seconds),))
            return
        if not by_failure:
            rates.charge(caller)
            await self._app(scope, receive, send)
            return

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start" and 400 <= message["status"] < 500:
                rates.charge(caller)
            await send(message)

        await self._app(scope, receive, watched)

    def _warn(self, peer: str) -> None:
        """A proxy that settings do not name makes all its readers one address, and they share its limits."""
        if loopback(peer) and not self._callers.trusts(peer):
            self._warned = True
            _logger.warning(
                "web: a server in front forwards requests from %s; name it in web.trusted_proxies", peer
            )


_ALLOWED = tuple(method.encode() for method in sorted(METHODS))


def _facts(headers: list[tuple[bytes, bytes]]) -> tuple[list[bytes], bytes]:
    """The hosts and X-Forwarded-For, several lines as one (RFC 9110, 5.3)."""
    hosts, forwarded = [], b""
    for name, value in headers:
        if name == b"host":
            hosts.append(value)
        elif name == b"x-forwarded-for":
            forwarded = forwarded + b"," + value if forwarded else value
    return hosts, forwarded


def _host_of(value: bytes) -> str:
    """The name without the port, in small letters; "" if it is none. The port is the front server's business."""
    match = _HOST.match(value)
    return match[1].decode("ascii").lower().strip("[]").rstrip(".") if match else ""


def _without_hsts(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [header for header in message["headers"] if header != HSTS]
        await send(message)

    return sending


class _TooLargeError(Exception):
    """The body goes on beyond the limit."""


class Cover:
    """Bounds bodies (413), and gives answers of our own code the headers that they lack.

    Args:
        app: the routes.
        place: where the site is.
    """

    def __init__(self, app: ASGIApp, *, place: Place) -> None:
        self._app = app
        self._place = place
        self._defaults = (NOSNIFF, NO_REFERRER, NO_STORE, OWN_OPENER, policy(LIVE_POLICY), *place.always)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, watched."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._limit(scope["path"])
        started = False

        async def covered(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = with_defaults(message.get("headers", ()), self._defaults)
            await send(message)

        if _declared(scope) > limit:
            await answer(covered, 413, "This is too large.\n")
            return
        try:
            await self._app(scope, _bounded(receive, limit), covered)
        except _TooLargeError:
            if not started:
                await answer(covered, 413, "This is too large.\n")

    def _limit(self, path: str) -> int:
        plain = path.removeprefix(self._place.prefix)
        return next((most for start, most in BODY_LIMITS.items() if plain.startswith(start)), BODY_LIMIT)


def _declared(scope: Scope) -> int:
    """Content-Length; 0 where it is left out (the server has refused what is no number)."""
    value = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(value) if value.isdigit() and len(value) < 20 else BODY_LIMIT**2


def _bounded(receive: Receive, limit: int) -> Receive:
    taken = 0

    async def receiving() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise _TooLargeError
        return message

    return receiving
