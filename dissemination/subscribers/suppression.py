"""Addresses that are never written to again: known again by a keyed hash, not kept."""

from __future__ import annotations

import hmac
from hashlib import sha256

from dissemination.subscribers.addresses import normalise


class AddressBook:
    """How addresses are compared, and remembered without being kept (ports.Addresses).

    Args:
        pepper: the secret of the hashes. It must never change, or suppressed people are written to again.
    """

    def __init__(self, pepper: bytes) -> None:
        self._pepper = pepper

    def normalise(self, address: str) -> str:
        """See `addresses.normalise`."""
        return normalise(address)

    def hash(self, address: str) -> str:
        """See `suppression_hash`."""
        return suppression_hash(self._pepper, address)

    def both(self, address: str) -> tuple[str, str]:
        """The normalised form, and the hash over it."""
        normal = normalise(address)
        return normal, _keyed(self._pepper, normal)


def suppression_hash(pepper: bytes, address: str) -> str:
    """HMAC-SHA256 in hexadecimal over the normalised address.

    Raises:
        AddressError: it is no address.
    """
    return _keyed(pepper, normalise(address))


def _keyed(pepper: bytes, normal: str) -> str:
    return hmac.digest(pepper, normal.encode(), sha256).hex()
