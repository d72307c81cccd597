"""Outgoing webhooks: one address, one POST with JSON, signed as the Standard Webhooks specification 1.0 says.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256

import httpx

from dissemination.channels.exchange import Exchange, Refusal, Reply
from dissemination.channels.guard import Discreet, Guarded, hidden
from dissemination.errors import NeedsLoginError

#: The secret's prefix, before base64.
_PREFIX = "whsec_"


class Hook:
    """One receiver. No redirect is followed: what is in settings is what gets the news.

    Args:
        name: begins every message ("webhook").
        url: the whole address; only its host is ever told or logged.
        refusals: what the receiver's refusals mean.
        now: the present.
        inside: whether the receiver may be a machine inside.
        remedy: what to do where such a one is meant.
        connect: seconds until a connection stands.
        read: seconds for an answer.

    Raises:
        httpx.InvalidURL: the address is none.
    """

    def __init__(  # noqa: PLR0913 - who is told what, and how long it may take
        self,
        name: str,
        url: str,
        refusals: Sequence[Refusal],
        now: Callable[[], datetime],
        *,
        inside: bool,
        remedy: str,
        connect: float,
        read: float,
    ) -> None:
        self._url = url
        self._shown = str(httpx.URL(url).copy_with(userinfo=b"", raw_path=b"/", fragment=None))
        self._exchange = Exchange(
            name,
            "the receiver",
            refusals,
            now,
            connect=connect,
            read=read,
            transport=lambda: Discreet(Guarded(name, inside=inside, remedy=remedy)),
        )

    def post(self, body: bytes, headers: Mapping[str, str], *, changes: bool) -> Reply:
        """Hand it over; the errors of `Exchange`."""
        return self._exchange(
            "POST", self._shown, changes=changes, content=body, headers=headers, extensions=hidden(self._url)
        )

    def look(self, accept: Sequence[int]) -> Reply:
        """Ask with HEAD: it proves the way and changes nothing. These statuses are no errors."""
        return self._exchange("HEAD", self._shown, changes=False, accept=accept, extensions=hidden(self._url))

    def close(self) -> None:
        """Let go of connections."""
        self._exchange.close()


def message_id(material: bytes) -> str:
    """The `webhook-id`: the same for the same material, and without dots, which part what is signed."""
    return f"msg_{sha256(material).hexdigest()[:32]}"


def headers_for(body: bytes, id_: str, now: datetime, keys: Sequence[bytes]) -> dict[str, str]:
    """The headers of one attempt: the id is constant over all of them, the time is this attempt's.

    Args:
        body: the very bytes that are sent.
        id_: of `message_id`.
        now: the time of this attempt.
        keys: one signature each, so that a receiver may know the old or the new one; none: unsigned.
    """
    stamp = str(int(now.timestamp()))
    headers = {"content-type": "application/json", "webhook-id": id_, "webhook-timestamp": stamp}
    macs = [hmac.digest(key, f"{id_}.{stamp}.".encode() + body, "sha256") for key in keys]
    signature = " ".join(f"v1,{base64.b64encode(mac).decode('ascii')}" for mac in macs)
    return headers | ({"webhook-signature": signature} if macs else {})


def keys_of(name: str, variable: str, secret: str) -> Sequence[bytes]:
    """The keys in a secret: several where each begins with whsec_, else its own bytes.

    Args:
        name: begins the error.
        variable: the secret's name, for the error.
        secret: its value.

    Raises:
        NeedsLoginError: what follows whsec_ is not base64.
    """
    if not secret.startswith(_PREFIX):
        return (secret.encode(),)
    try:
        return [base64.b64decode(one.removeprefix(_PREFIX), validate=True) for one in secret.split()]
    except binascii.Error:
        raise NeedsLoginError(f"{name}: {variable} is not base64 after whsec_; copy it again") from None
