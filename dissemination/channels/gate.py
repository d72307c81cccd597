"""Is an address live? Asked before mail and posts point to it.

An address may come from an item, so from anybody who may write news: it must not make us call machines inside.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from http import HTTPStatus

import httpx

from dissemination.channels.guard import InsideError, pinned, resolve

_REDIRECTS = 3
_PORTS = {"http": 80, "https": 443}


class _NotLiveError(Exception):
    """The answer for the officer."""


class HttpGate:
    """Asks by HTTP GET and reads no body: many servers answer HEAD wrongly.

    Args:
        public_url: our own public address; its host is trusted, wherever it leads, also to this machine.
        connect_seconds: limit for connecting.
        seconds: limit for one address in all, redirects included.
    """

    def __init__(self, public_url: str, *, connect_seconds: float = 5, seconds: float = 10) -> None:
        self._own_host = httpx.URL(public_url).host
        self._timeout = httpx.Timeout(seconds, connect=connect_seconds)
        self._seconds = seconds

    def live(self, url: str) -> str:
        """Nothing ("") if it answers 200; else what it answered, for the officer."""
        answers: list[str] = []
        # Looking a name up and slow headers know no limit of their own, so the limit is outside.
        asking = threading.Thread(target=lambda: answers.append(self._answer(url)), daemon=True)
        asking.start()
        asking.join(self._seconds)
        return answers[0] if answers else f"no answer within {self._seconds:g} seconds"

    def _answer(self, url: str) -> str:
        try:
            return self._follow(url)
        except _NotLiveError as error:
            return str(error)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            return f"cannot be reached: {str(error)[:200] or type(error).__name__}"

    def _follow(self, url: str) -> str:
        address = httpx.URL(url)
        # trust_env: a proxy would undo the check of addresses.
        with httpx.Client(timeout=self._timeout, trust_env=False) as client:
            for _ in range(_REDIRECTS + 1):
                status, location = self._get(client, address)
                if not location:
                    return "" if status == HTTPStatus.OK else _phrase(status)
                address = address.join(location)
        raise _NotLiveError(f"more than {_REDIRECTS} redirects")

    def _get(self, client: httpx.Client, url: httpx.URL) -> tuple[int, str]:
        """Status, and where it redirects to."""
        port = self._allowed_port(url)
        numeric = _resolve(url.host, port, trusted=url.host == self._own_host)
        # Connected to the very address that was checked; the certificate is still checked against the name.
        there, extensions = pinned(url, numeric)
        headers = {"Host": url.netloc.decode("ascii")}
        request = client.build_request("GET", there, headers=headers, extensions=dict(extensions))
        response = client.send(request, stream=True)
        client.cookies.clear()
        response.close()
        return response.status_code, response.headers["Location"] if response.has_redirect_location else ""

    def _allowed_port(self, url: httpx.URL) -> int:
        if url.scheme not in _PORTS or not url.host or url.userinfo:
            raise _NotLiveError("not a plain http or https address")
        usual = _PORTS[url.scheme]
        if url.port not in {None, *_PORTS.values()} and url.host != self._own_host:
            raise _NotLiveError(f"port {url.port} is not asked; use the usual one")
        return url.port or usual


def _resolve(host: str, port: int, *, trusted: bool) -> str:
    """A numeric address that may be called."""
    try:
        return resolve(host, port, inside=trusted)[0]
    except InsideError:
        raise _NotLiveError("leads to a machine inside, not to the public internet") from None


def _phrase(status: int) -> str:
    with suppress(ValueError):
        return f"{status} {HTTPStatus(status).phrase}"
    return str(status)
