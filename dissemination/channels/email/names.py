"""Names in DNS, apart from asking for them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence

from dissemination.errors import UnavailableError

#: RFC 2606 and RFC 6761: nobody has these, so nobody is asked.
_RESERVED = re.compile(r"(?:.*\.)?(?:example|test|invalid|localhost|local|example\.(?:com|net|org))")
_SERVER = re.compile(r"(?:(?P<four>[0-9.]+)|\[(?P<six>[0-9A-Fa-f:.]+)\])(?::(?P<port>[0-9]{1,5}))?|[0-9A-Fa-f:.]+")

#: The TXT records at a name; raises SilentError.
Texts = Callable[[str], Sequence[str]]


class SilentError(UnavailableError):
    """DNS gave no answer at all: neither a record nor that there is none."""


class FailingError(SilentError):
    """A server answered that it cannot answer (SERVFAIL, REFUSED): this name's fault, others may be found."""


def split_server(server: str) -> tuple[str, int]:
    """Address and port of "192.0.2.53", "192.0.2.53:5353", "2001:db8::1" or "[2001:db8::1]:5353".

    Raises:
        ValueError: none of these.
    """
    match = _SERVER.fullmatch(server)
    port = int(match["port"] or 53) if match else 0
    if not match or not 0 < port < 65536:
        raise ValueError("no address of a name server; write one like 192.0.2.53 or 192.0.2.53:5353")
    return str(ipaddress.ip_address(match["six"] or match["four"] or server)), port


def is_reserved(domain: str) -> bool:
    """Whether a domain is for examples and tests, and so in no DNS."""
    return _RESERVED.fullmatch(domain) is not None
