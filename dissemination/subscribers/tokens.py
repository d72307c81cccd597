"""Links that only we can make: 36 letters that name a subscriber and what may be done; they do not expire.

27 bytes: key id (1), list (3), subscriber (5), MAC (18). A multiple of three, so that base64 has exactly one way to
write it. The purpose is in the MAC alone: a link to confirm cannot unsubscribe.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from hashlib import sha256

from dissemination.errors import SettingsError
from dissemination.model import Site

_FORM = re.compile(r"[A-Za-z0-9_-]{36}")
_LIST_BYTES = 3
_SUBSCRIBER_BYTES = 5
_HEAD_BYTES = 1 + _LIST_BYTES + _SUBSCRIBER_BYTES
_MAC_BYTES = 18
_LEAST_KEY = 16


class Purpose(StrEnum):
    """What a link is for."""

    UNSUBSCRIBE = "u"
    CONFIRM = "c"
    PREFERENCES = "p"
    VIEW = "v"


class SubscriberTokens:
    """Makes and reads the tokens of personal links (ports.Tokens).

    Args:
        keys: the first signs, all verify: a new key goes in front, and old links work on.
        site: where links lead.
        list_number: the list that links are for; 0: all.

    Raises:
        SettingsError: no key, or one that is too short to be a secret.
    """

    def __init__(self, keys: Sequence[bytes], site: Site, list_number: int = 0) -> None:
        if not keys or min(map(len, keys)) < _LEAST_KEY:
            raise SettingsError(f"TOKEN_KEYS: needs keys of at least {_LEAST_KEY} characters; make one at random")
        self._keys = tuple(keys)
        self._site = site
        self._list = list_number

    def links(self, subscriber: int) -> Mapping[str, str]:
        """{"unsubscribe_url": ..., "preferences_url": ...}."""
        return {
            "unsubscribe_url": self._site.unsubscribe(self.make(Purpose.UNSUBSCRIBE, subscriber)),
            "preferences_url": self._site.preferences(self.make(Purpose.PREFERENCES, subscriber)),
        }

    def make(self, purpose: Purpose, subscriber: int) -> str:
        """A token of 36 letters, digits, "-" and "_".

        Raises:
            OverflowError: a number beyond 2**40 (subscriber) or 2**24 (list).
        """
        key = self._keys[0]
        head = _key_id(key) + self._list.to_bytes(_LIST_BYTES) + subscriber.to_bytes(_SUBSCRIBER_BYTES)
        return base64.urlsafe_b64encode(head + _mac(key, purpose, head)).decode("ascii")

    def read(self, token: str, purpose: Purpose) -> tuple[int, int] | None:
        """(list, subscriber), or None for everything that we did not make for this purpose."""
        if not _FORM.fullmatch(token):
            return None
        raw = base64.urlsafe_b64decode(token)
        head, mac = raw[:_HEAD_BYTES], raw[_HEAD_BYTES:]
        good = [
            hmac.compare_digest(mac, _mac(key, purpose, head)) for key in self._keys if head[:1] == _key_id(key)
        ]
        if not any(good):
            return None
        return int.from_bytes(head[1 : 1 + _LIST_BYTES]), int.from_bytes(head[1 + _LIST_BYTES :])


def _key_id(key: bytes) -> bytes:
    """One byte that tells keys apart; two with the same byte are both tried."""
    return hmac.digest(key, b"dissemination:key-id", sha256)[:1]


def _mac(key: bytes, purpose: Purpose, head: bytes) -> bytes:
    return hmac.digest(key, b"dissemination:" + purpose.value.encode() + b":" + head, sha256)[:_MAC_BYTES]
