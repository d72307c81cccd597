"""Mailbox addresses as they go over the wire."""

from __future__ import annotations

import re
from dataclasses import dataclass

import idna

from dissemination.errors import RejectedError

#: RFC 5321, 4.5.3.1: octets of a local part, and of a whole address (a path without its angle brackets).
_LOCAL_LIMIT = 64
_LIMIT = 254
#: Dot-atom of RFC 5322, 3.2.3, with the characters of RFC 6531; quoted local parts are not taken.
_ATOM = r"[^\x00-\x20\x7f-\xa0()<>\[\]:;@\\,.\"\s\u2028\u2029\ud800-\udfff]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
#: Addresses that need nothing done to them: nearly all.
_LOWER_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_SIMPLE = re.compile(rf"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@{_LOWER_LABEL}(?:\.{_LOWER_LABEL})*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Mailbox:
    """An address that is safe between angle brackets: no space, no control character, no bracket."""

    local: str
    #: In ASCII (A-labels of RFC 5890).
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"

    @property
    def needs_utf8(self) -> bool:
        """Whether the server must offer SMTPUTF8 (RFC 6531)."""
        return not self.local.isascii()


def mailbox(address: str) -> Mailbox:
    """Read an address; its local part is kept letter by letter, its domain becomes ASCII by IDNA 2008.

    Raises:
        RejectedError: it is no address that mail can go to.
    """
    local, at, domain = address.strip().rpartition("@")
    if not at or not _LOCAL.fullmatch(local) or len(local.encode()) > _LOCAL_LIMIT:
        raise _refused(address, "is not an address")
    in_ascii = ascii_domain(domain)
    if not in_ascii:
        raise _refused(address, "has no usable domain")
    if len(local.encode()) + 1 + len(in_ascii) > _LIMIT:
        raise _refused(address, f"is longer than {_LIMIT} octets")
    return Mailbox(local=local, domain=in_ascii)


def ascii_domain(domain: str) -> str:
    """A domain as DNS knows it, in lower case; "" for what is none."""
    encoded = _ascii(domain).lower()
    return encoded if _DOMAIN.fullmatch(encoded) else ""


def on_the_wire(address: str) -> tuple[str, bool]:
    """An address for the envelope, and whether the server must offer SMTPUTF8.

    Raises:
        RejectedError: it is no address that mail can go to.
    """
    if len(address) <= _LOCAL_LIMIT and _SIMPLE.fullmatch(address):
        return address, False
    box = mailbox(address)
    return str(box), box.needs_utf8


def _ascii(domain: str) -> str:
    if domain.isascii() or len(domain) > _LIMIT:
        return domain
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        return ""


def _refused(address: str, why: str) -> RejectedError:
    return RejectedError(f"email: {address[:80]!a} {why}; correct it in the list of subscribers")
