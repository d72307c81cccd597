"""Mail addresses as they are kept, and as they are compared."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import idna

from dissemination.errors import AddressError

#: RFC 5321, 4.5.3.1, octets.
_LIMIT = 254
_LOCAL_LIMIT = 64
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
#: Unquoted characters of RFC 5322, 3.2.3 and RFC 6531: no spaces, separators or
#: control characters, and nothing that stands for letters that were lost.
_LOCAL = re.compile(r"[^\s\x00-\x20\x7f-\xa0()<>\[\]:;@\\,\"\u2028\u2029\ud800-\udfff\ufffd]+")


def tidy(address: str) -> str:
    """The address as it is kept and written to: the local part letter by letter, the domain in lower-case ASCII.

    Raises:
        AddressError: it is no address.
    """
    local, at, domain = address.strip().rpartition("@")
    if not at:
        raise _refused(address, "has no @")
    if not _LOCAL.fullmatch(local) or local[0] == "." or local[-1] == "." or ".." in local:
        raise _refused(address, "has a character before the @ that does not belong there")
    written = _domain(domain)
    if not written:
        raise _refused(address, "has a domain that cannot be")
    tidied = f"{local}@{written}"
    if len(local.encode()) > _LOCAL_LIMIT or len(tidied.encode()) > _LIMIT:
        raise _refused(address, "is too long")
    return tidied


def normalise(address: str) -> str:
    """The form that is compared: as `tidy`, and the local part without regard to case.

    Raises:
        AddressError: it is no address.
    """
    local, _, domain = tidy(address).rpartition("@")
    # Not `casefold`: it makes "ss" of "ß", and strasse@ may be somebody else than straße@.
    return f"{unicodedata.normalize('NFC', local).lower()}@{domain}"


@lru_cache(maxsize=4_096)
def _domain(domain: str) -> str:
    """In lower-case ASCII; "" if there can be no such domain. Many people share few: remembered."""
    if len(domain) > _LIMIT:
        return ""
    lowered = domain.lower()
    if not domain.isascii():
        try:
            lowered = idna.encode(domain, uts46=True).decode("ascii")
        except idna.IDNAError:
            return ""
    return lowered if _DOMAIN.fullmatch(lowered) else ""


def _refused(address: str, why: str) -> AddressError:
    return AddressError(f"{address[:80]!a} {why}; write it like ana@example.org")
