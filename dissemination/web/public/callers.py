"""Who asks, and how often: addresses behind proxies that settings name, and what one may ask in a minute."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from functools import lru_cache

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: Addresses that are remembered; beyond these the eldest are forgotten.
REMEMBERED = 20_000
#: Longer names of addresses are none.
_LONGEST = 60


class Callers:
    """Finds the address that a request comes from.

    Args:
        trusted: addresses or networks of proxies. X-Forwarded-For of anybody else is what a stranger says.
    """

    def __init__(self, trusted: Iterable[str] = ()) -> None:
        self._networks = tuple(ipaddress.ip_network(one) for one in trusted)
        self._trusted = lru_cache(maxsize=1024)(self._is_trusted)

    def trusts(self, peer: str) -> bool:
        """Whether the other end of the connection is a proxy of ours."""
        return bool(self._networks) and len(peer) <= _LONGEST and self._trusted(peer)

    def origin(self, peer: str, forwarded: bytes) -> str:
        """The last address of X-Forwarded-For that is no proxy of ours: each adds its own caller at the end."""
        if not forwarded or not self.trusts(peer):
            return peer
        for part in reversed(forwarded.decode("latin-1").split(",")):
            name = part.strip()
            if not is_address(name):
                return peer
            if not self.trusts(name):
                return name
        return peer

    def _is_trusted(self, name: str) -> bool:
        address = _read(name)
        return address is not None and any(address in network for network in self._networks)


def is_address(name: str) -> bool:
    """Whether it is an IP address."""
    return len(name) <= _LONGEST and _read(name) is not None


def _read(name: str) -> _Address | None:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return None
    # A socket that listens on both families shows IPv4 so.
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped if isinstance(mapped, ipaddress.IPv4Address) else address


@lru_cache(maxsize=4096)
def place_of(name: str) -> str:
    """What limits are counted by: an IPv4 address, or the /64 of an IPv6 one, since a household has all of it."""
    address = _read(name)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address) if address else name[:_LONGEST]


class Rates:
    """So many requests a minute and place, which may come all at once (the generic cell rate algorithm).

    Args:
        per_minute: 0 for no limit.
        now: seconds that never go back.
    """

    def __init__(self, per_minute: int, now: Callable[[], float]) -> None:
        self._each = 60.0 / per_minute if per_minute else 0.0
        self._now = now
        #: Place -> when all that it asked will be paid for.
        self._paid: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._paid)

    def wait(self, place: str) -> float:
        """Seconds until it may ask again; 0 if it may now."""
        if not self._each:
            return 0.0
        return max(0.0, self._paid.get(place, 0.0) - self._now() + self._each - 60.0 - 1e-6)

    def charge(self, place: str) -> None:
        """Count a request."""
        if not self._each:
            return
        if len(self._paid) >= REMEMBERED and place not in self._paid:
            self._forget()
        now = self._now()
        self._paid[place] = max(now, self._paid.get(place, 0.0)) + self._each

    def _forget(self) -> None:
        now = self._now()
        self._paid = {place: paid for place, paid in self._paid.items() if paid > now}
        for place in list(self._paid)[: max(0, len(self._paid) - REMEMBERED // 2)]:
            del self._paid[place]
