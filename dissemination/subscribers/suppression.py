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


def suppression_hash(pepper: bytes, address: str) -> str:
    """HMAC-SHA256 in hexadecimal over the normalised address.

    Raises:
        AddressError: it is no address.
    """
    return hmac.digest(pepper, normalise(address).encode(), sha256).hex()
