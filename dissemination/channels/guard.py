"""Where requests really go: never to machines inside, to the very address that was checked, and seen by no log.

Postiz shows the series: no check, then a redirect that was not checked again (CVE-2026-40168), then a name whose
address changed between the check and the connection (CVE-2026-42346).
"""

from __future__ import annotations

import ipaddress
import socket
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx

from dissemination.channels.exchange import is_loopback
from dissemination.errors import NeedsLoginError

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

#: Not public, whatever `is_global` says on the Python at hand: what embeds or translates to IPv4 (NAT64, 6to4,
#: Teredo, ORCHID, compatible addresses), site-local, the IETF's own block, and the one address in the public range
#: behind which a cloud keeps its metadata: https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
_INSIDE = tuple(
    ipaddress.ip_network(block)
    for block in (
        *("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "2001:10::/28", "::/96", "fec0::/10"),
        *("192.0.0.0/24", "168.63.129.16/32"),
    )
)
_PORTS = {"http": 80, "https": 443}
#: A connection that has rested may be closed from the other side just when the next post goes out, which would
#: leave that in doubt: every request has its own.
_NO_REST = httpx.Limits(max_keepalive_connections=0)
#: Name of the request's extension that holds the whole address.
_ADDRESS = "address"


class InsideError(Exception):
    """A name leads to a machine inside, not to the public internet."""


def is_public(address: IPAddress) -> bool:
    """Whether it is a machine of the public internet, also where an IPv4 address hides inside IPv6."""
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    inside = any(address in block for block in _INSIDE if block.version == address.version)
    return address.is_global and not (inside or address.is_multicast or address.is_reserved)


def resolve(host: str, port: int, *, inside: bool) -> Sequence[str]:
    """The numeric addresses of a host. All of them must be public: a mixture is an attack.

    Args:
        host: a name or an address in any notation that the system understands.
        port: of the connection.
        inside: whether machines inside may be called as well.

    Raises:
        InsideError: one of them is not public.
        OSError: the name leads nowhere.
        UnicodeError: it can be no name.
    """
    found: list[Any] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    numeric = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not inside and not all(is_public(ipaddress.ip_address(one.partition("%")[0])) for one in numeric):
        raise InsideError(host)
    return numeric


def pinned(url: httpx.URL, numeric: str) -> tuple[httpx.URL, Mapping[str, str]]:
    """An address that leads to a checked machine, and what makes TLS go on checking the name."""
    return url.copy_with(host=numeric), {"sni_hostname": url.raw_host.decode("ascii")}


class Guarded(httpx.BaseTransport):
    """Looks names up itself, checks every address and connects to what it has checked. No proxy is asked.

    Args:
        name: whose requests these are: begins the error.
        inside: whether machines inside may be called.
        remedy: what to do where a machine inside is meant ("set allow_private: true").
    """

    def __init__(self, name: str, *, inside: bool, remedy: str) -> None:
        self._name, self._allowed, self._remedy = name, inside, remedy
        self._inner = httpx.HTTPTransport(limits=_NO_REST)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer of the first address that can be reached.

        Raises:
            NeedsLoginError: it leads inside; the channel pauses, for the next request would as well.
            httpx.TransportError: as of httpx.
        """
        failure: httpx.TransportError = httpx.ConnectError("the name has no address")
        for numeric in self._numerics(request.url):
            url, extensions = pinned(request.url, numeric)
            try:
                return self._inner.handle_request(_moved(request, url, extensions))
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        raise failure

    def close(self) -> None:
        """Let go of connections."""
        self._inner.close()

    def _numerics(self, url: httpx.URL) -> Sequence[str]:
        if url.scheme not in _PORTS:
            raise httpx.UnsupportedProtocol("neither http nor https")
        try:
            return resolve(url.host, url.port or _PORTS[url.scheme], inside=self._allowed)
        except InsideError:
            raise NeedsLoginError(
                f"{self._name}: {url.host} leads to a machine inside, not to the public internet; write another "
                f"address, or if that machine is meant, {self._remedy}"
            ) from None
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(str(error)) from error


class Discreet(httpx.BaseTransport):
    """Takes requests whose address lacks what nobody may see, and puts it in at the last moment.

    httpx logs the address of every request, and its errors carry it. Paths of webhooks are often as good as a
    password, and Telegram has the bot's token in them.
    """

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """As of the transport inside, for the address that `hidden` gave."""
        return self._inner.handle_request(_moved(request, httpx.URL(request.extensions[_ADDRESS]), {}))

    def close(self) -> None:
        """Let go of connections."""
        self._inner.close()


def hidden(address: str) -> Mapping[str, Any]:
    """The extensions of a request that really goes there; its own address needs the same scheme and host."""
    return {_ADDRESS: address}


def outward(base: str) -> httpx.HTTPTransport:
    """A way out as httpx makes one for itself: by the environment's proxies, but never to this machine."""
    parts = urlsplit(base)
    host = parts.hostname or ""
    proxies = urllib.request.getproxies_environment()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or is_loopback(host) or urllib.request.proxy_bypass(host):
        return httpx.HTTPTransport(limits=_NO_REST)
    return httpx.HTTPTransport(limits=_NO_REST, proxy=proxy if "://" in proxy else f"http://{proxy}")


def _moved(request: httpx.Request, url: httpx.URL, extensions: Mapping[str, Any]) -> httpx.Request:
    """A request of its own: the one that others see stays as it is."""
    kept = {name: value for name, value in request.extensions.items() if name != _ADDRESS}
    return httpx.Request(
        request.method, url, headers=request.headers, stream=request.stream, extensions={**kept, **extensions}
    )
