"""Links and marks that only we can make: they name a subscriber and what may be done, and do not expire.

A link is 27 bytes: key id (1), list (3), subscriber (5), MAC (18). A multiple of three, so that base64 has exactly
one way to write it. The purpose is in the MAC alone: a link to confirm cannot unsubscribe.

The mark of a bounce is 20 bytes: key id (1), publication (4), subscriber (5), MAC (10), in base32, because
servers on the way may change the case of a local part.
"""

from __future__ import annotations

import base64
import binascii
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
_MARK = re.compile(r"[a-z2-7]{32}")
_PUBLICATION_BYTES = 4
_MARK_HEAD_BYTES = 1 + _PUBLICATION_BYTES + _SUBSCRIBER_BYTES
_MARK_MAC_BYTES = 10
#: The two letters of base64 that mean something else in an address (RFC 4648, section 5).
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
#: Base32 (RFC 4648) in small letters, ten bits at a time; the library's own takes twice as long.
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [one + other for one in _LETTERS for other in _LETTERS]
_PLACES = range(8 * (_MARK_HEAD_BYTES + _MARK_MAC_BYTES) - 10, -1, -10)
#: Bytes of a block of SHA-256.
_BLOCK = 64


class Purpose(StrEnum):
    """What a link is for."""

    UNSUBSCRIBE = "u"
    CONFIRM = "c"
    PREFERENCES = "p"
    VIEW = "v"
    BOUNCE = "b"
    #: Not a person but the second at which a form was handed out.
    FORM = "f"


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
        #: (id, MACs by purpose): one byte tells keys apart; two with the same byte are both tried.
        self._keys = tuple((_key_id(key), {purpose: _Mac(key, purpose) for purpose in Purpose}) for key in keys)
        self._site = site
        #: What every link begins with.
        self._lead = self._keys[0][0] + list_number.to_bytes(_LIST_BYTES)

    def links(self, subscriber: int) -> Mapping[str, str]:
        """{"unsubscribe_url": ..., "preferences_url": ...}."""
        head = self._head(subscriber)
        return {
            "unsubscribe_url": self._site.unsubscribe(self._signed(Purpose.UNSUBSCRIBE, head)),
            "preferences_url": self._site.preferences(self._signed(Purpose.PREFERENCES, head)),
        }

    def make(self, purpose: Purpose, subscriber: int) -> str:
        """A token of 36 letters, digits, "-" and "_".

        Raises:
            OverflowError: a number beyond 2**40 (subscriber) or 2**24 (list).
        """
        return self._signed(purpose, self._head(subscriber))

    def _head(self, subscriber: int) -> bytes:
        return self._lead + subscriber.to_bytes(_SUBSCRIBER_BYTES)

    def _signed(self, purpose: Purpose, head: bytes) -> str:
        raw = head + self._keys[0][1][purpose](head)[:_MAC_BYTES]
        return binascii.b2a_base64(raw, newline=False).translate(_URL_SAFE).decode("ascii")

    def read(self, token: str, purpose: Purpose) -> tuple[int, int] | None:
        """(list, subscriber), or None for everything that we did not make for this purpose."""
        if not _FORM.fullmatch(token):
            return None
        raw = base64.urlsafe_b64decode(token)
        head, mac = raw[:_HEAD_BYTES], raw[_HEAD_BYTES:]
        if not self._ours(purpose, head, mac):
            return None
        return int.from_bytes(head[1 : 1 + _LIST_BYTES]), int.from_bytes(head[1 + _LIST_BYTES :])

    def bounce(self, publication: int, subscriber: int) -> str:
        """The mark of one delivery: 32 lower-case letters and digits.

        Raises:
            OverflowError: a number beyond 2**32 (publication) or 2**40 (subscriber).
        """
        id_, macs = self._keys[0]
        head = id_ + publication.to_bytes(_PUBLICATION_BYTES) + subscriber.to_bytes(_SUBSCRIBER_BYTES)
        mark = int.from_bytes(head + macs[Purpose.BOUNCE](head)[:_MARK_MAC_BYTES])
        return "".join([_PAIRS[mark >> place & 0x3FF] for place in _PLACES])

    def read_bounce(self, mark: str) -> tuple[int, int] | None:
        """(publication, subscriber) of a mark in any case of letters; None for what we did not make."""
        lowered = mark.lower()
        if not _MARK.fullmatch(lowered):
            return None
        raw = base64.b32decode(lowered.upper())
        head, mac = raw[:_MARK_HEAD_BYTES], raw[_MARK_HEAD_BYTES:]
        if not self._ours(Purpose.BOUNCE, head, mac):
            return None
        return int.from_bytes(head[1 : 1 + _PUBLICATION_BYTES]), int.from_bytes(head[1 + _PUBLICATION_BYTES :])

    def read_unsubscribe(self, token: str) -> int | None:
        """The subscriber of a token to unsubscribe; None for what we did not make for that."""
        found = self.read(token, Purpose.UNSUBSCRIBE)
        return found[1] if found else None

    def sign(self, purpose: str, number: int) -> str:
        """`make` for whoever knows purposes by their letters (ports.Tokens)."""
        return self.make(Purpose(purpose), number)

    def number(self, purpose: str, token: str) -> int | None:
        """The number of a token; None for everything that we did not make for this purpose."""
        found = self.read(token, Purpose(purpose))
        return found[1] if found else None

    def _ours(self, purpose: Purpose, head: bytes, mac: bytes) -> bool:
        # A list, not a generator: how long it takes must not tell which key fits.
        good = [
            hmac.compare_digest(mac, macs[purpose](head)[: len(mac)]) for id_, macs in self._keys if head[:1] == id_
        ]
        return any(good)


def _key_id(key: bytes) -> bytes:
    return hmac.digest(key, b"dissemination:key-id", sha256)[:1]


class _Mac:
    """HMAC-SHA-256 (RFC 2104) of one key and one purpose: what all messages share is hashed once, and copied.

    A million letters need three million of these; `hmac.digest` begins with the key each time, at thrice the cost.
    """

    def __init__(self, key: bytes, purpose: Purpose) -> None:
        block = (sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
        start = b"dissemination:" + purpose.value.encode() + b":"
        self._inner = sha256(bytes(byte ^ 0x36 for byte in block) + start)
        self._outer = sha256(bytes(byte ^ 0x5C for byte in block))

    def __call__(self, head: bytes) -> bytes:
        inner = self._inner.copy()
        inner.update(head)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()
