"""One exchange with a network over HTTP (httpx), for channels that have no library: bounded, judged by a table.

What matters after a failure is whether the request may have been carried out. A connection that never stood means
no; an answer that never came means perhaps, if the request asked for a change, and nothing if it only looked.
"""

from __future__ import annotations

import ipaddress
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from dissemination.errors import ChannelError, InDoubtError, RejectedError, UnavailableError

#: Bytes of an answer; the largest that any network needs is a list of posts.
_LARGEST = 4_000_000
#: A network that says when to come back is believed for so long.
_LONGEST_WAIT = timedelta(days=1)
#: Nothing has left when one of these is raised.
_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.InvalidURL,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """An answer, read whole."""

    status: int
    #: Lower-case names.
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json(self) -> dict[str, Any]:
        """The answer's object; empty where it is none."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """What an answer that is no success means; the first of a table that applies counts."""

    #: HTTP status; 0: any.
    status: int
    #: Stands in the body, in lower case; "": whatever it says.
    fragment: str = ""
    error: type[ChannelError]
    #: What to do, for the officer.
    advice: str


#: What the same answers mean to who only looks: nothing was to change, so nothing is in doubt but the answer.
LOOKING: Mapping[type[ChannelError], type[ChannelError]] = {
    RejectedError: InDoubtError,
    InDoubtError: UnavailableError,
}


class Exchange:
    """Requests to one service. It keeps connections between calls; close it.

    Args:
        name: what settings call the channel; every message begins with it.
        service: what people call the other side ("LinkedIn").
        refusals: what its refusals mean; an answer that none of them names leaves it in doubt.
        now: the present.
        connect: seconds until a connection stands.
        read: seconds for an answer: for its next bytes, and for the whole of it.
        waits: when to come back, as an answer says it: (answer's headers and object, now) -> instant or None.
        transport: makes what requests travel by; None: as httpx does it, by the environment's proxies.
    """

    def __init__(  # noqa: PLR0913 - who talks to whom, what answers mean, and how long they may take
        self,
        name: str,
        service: str,
        refusals: Sequence[Refusal],
        now: Callable[[], datetime],
        *,
        connect: float = 5.0,
        read: float = 30.0,
        waits: Callable[[Reply, datetime], datetime | None] | None = None,
        transport: Callable[[], httpx.BaseTransport] | None = None,
    ) -> None:
        self._name, self._service, self._refusals, self._now = name, service, tuple(refusals), now
        self._waits = waits or retry_after
        self._most = read
        self._timeout, self._transport = httpx.Timeout(read, connect=connect), transport
        self._turn = threading.Lock()
        self._clients: dict[bool, httpx.Client] = {}

    def close(self) -> None:
        """Let go of connections."""
        with self._turn:
            while self._clients:
                self._clients.popitem()[1].close()

    def __call__(
        self, method: str, url: str, *, changes: bool, accept: Sequence[int] = (), **options: Any
    ) -> Reply:
        """One request; success is any 2xx, and what `accept` names besides.

        Args:
            method: "POST".
            url: the whole address.
            changes: whether it asks for a change, so that a lost answer leaves it in doubt.
            accept: further statuses that the caller reads for itself.
            options: of httpx: headers, json, content, params, data, files.

        Raises:
            UnavailableError: it never left, or it changes nothing and no whole answer came; or it is to come later.
            InDoubtError: it was sent, may have been carried out, and nothing tells.
            RejectedError, NeedsLoginError: as the table of refusals says.
        """
        try:
            with self._client(url).stream(method, url, **options) as response:
                body = self._read(response)
        except _NEVER_SENT as error:
            what = type(error).__name__
            raise UnavailableError(
                f"{self._name}: cannot reach {self._service} ({what}); {_remedy(error)}"
            ) from error
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise self._lost(type(error).__name__, changes=changes) from error
        reply = Reply(
            status=response.status_code,
            headers={key.lower(): value for key, value in response.headers.items()},
            body=body,
        )
        if 200 <= reply.status < 300 or reply.status in accept:
            return reply
        raise self.refused(reply, changes=changes)

    def _client(self, url: str) -> httpx.Client:
        """Made when it is needed: reading the system's certificates takes a tenth of a second.

        No redirects: somebody else's answer proves nothing. No proxies for a stand-in on this machine.
        """
        direct = self._transport is not None or is_loopback(httpx.URL(url).host)
        with self._turn:
            if direct not in self._clients:
                self._clients[direct] = httpx.Client(
                    timeout=self._timeout,
                    follow_redirects=False,
                    trust_env=not direct,
                    transport=self._transport() if self._transport else None,
                )
            return self._clients[direct]

    def refused(self, reply: Reply, *, changes: bool) -> ChannelError:
        """What an answer means that is no success."""
        rule = ruled(self._refusals, reply)
        error = rule.error if changes else LOOKING.get(rule.error, rule.error)
        text = f"{self._name}: {self._service} answered {reply.status}{said(reply)}; {rule.advice}"
        if error is UnavailableError:
            return UnavailableError(text, retry_at=self._waits(reply, self._now()))
        return error(text)

    def unreadable(self, what: str, *, changes: bool) -> ChannelError:
        """A success that says nothing that can be understood: an error page of somebody in between, perhaps."""
        text = f"{self._name}: {self._service} answered without {what}"
        if changes:
            return InDoubtError(f"{text}; look at the account")
        return UnavailableError(f"{text}; it is asked again")

    def _lost(self, what: str, *, changes: bool) -> ChannelError:
        if changes:
            return InDoubtError(f"{self._name}: it was sent and no answer came ({what}); look at the account")
        return UnavailableError(f"{self._name}: {self._service} gave no whole answer ({what}); it is asked again")

    def _read(self, response: httpx.Response) -> bytes:
        """All of it. A read timeout begins anew with every byte; this one does not."""
        body, end = bytearray(), time.monotonic() + self._most
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > _LARGEST or time.monotonic() > end:
                raise httpx.ReadTimeout("too long or too slow an answer")
        return bytes(body)


def _remedy(error: Exception) -> str:
    if "CERTIFICATE" in str(error):
        return "its certificate is of another name, or nobody vouches for it: see that the address is right"
    return "see that this machine is online"


_UNKNOWN = Refusal(status=0, error=InDoubtError, advice="that does not tell whether it is out; look at the account")


def ruled(refusals: Sequence[Refusal], reply: Reply) -> Refusal:
    """The first refusal that applies; where none does, the answer leaves it in doubt."""
    facts = reply.body[:_LARGEST].decode("utf-8", "replace").lower()
    return next((one for one in refusals if one.status in {0, reply.status} and one.fragment in facts), _UNKNOWN)


def said(reply: Reply) -> str:
    """What an answer says of itself, for people: " (the reason)"; never more than a line."""
    facts = reply.json()
    words = next((facts[key] for key in _WORDS if isinstance(facts.get(key), str)), "")
    return f" ({' '.join(words.split())[:200]})" if words else ""


_WORDS = ("detail", "error_description", "description", "message", "error", "title")


def retry_after(reply: Reply, now: datetime) -> datetime | None:
    """When to come back, as the headers of most networks say it: Retry-After, or a reset in either form."""
    for name in ("retry-after", "x-ratelimit-reset", "ratelimit-reset", "x-rate-limit-reset"):
        if (at := moment(reply.headers.get(name, ""), now)) is not None:
            return at
    return None


def moment(text: str, now: datetime) -> datetime | None:
    """An instant as networks write it, between now and a day from now: clocks differ, and so do servers.

    Seconds from now (small numbers), seconds since 1970 (large ones), ISO 8601, or the date of HTTP (RFC 9110).
    """
    text = text.strip()
    for read in (_seconds, _iso, _http):
        try:
            named = read(text, now)
        except (ValueError, OverflowError, OSError, TypeError):
            continue
        return min(max(named, now), now + _LONGEST_WAIT)
    return None


#: Larger numbers of seconds are no waits: they count from 1970.
_EPOCH_LIKE = 100_000_000.0


def _seconds(text: str, now: datetime) -> datetime:
    number = float(text)
    return datetime.fromtimestamp(number, UTC) if number > _EPOCH_LIKE else now + timedelta(seconds=number)


def _iso(text: str, _now: datetime) -> datetime:
    named = datetime.fromisoformat(text)
    return named if named.tzinfo else named.replace(tzinfo=UTC)


def _http(text: str, _now: datetime) -> datetime:
    return parsedate_to_datetime(text).astimezone(UTC)


def is_loopback(host: str) -> bool:
    """Whether a host is this very machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def trusted(address: str) -> str:
    """A base address from settings, without a slash at the end: https, or http to this machine itself.

    Raises:
        ValueError: anything else.
    """
    parts = urlsplit(address)
    if parts.username or parts.query or parts.fragment or not parts.hostname:
        raise ValueError("write scheme and host alone")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise ValueError("must begin with https://, or name this machine itself (http://127.0.0.1:8000)")
    return address.rstrip("/")
