"""What every webhook shares: the post, its proofs, its JSON. No proof is compared letter by letter."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from dissemination.errors import ForgedError

#: Bytes of a post; providers' events have a few thousand.
LIMIT = 1_000_000
#: How old a signed post may be, and how far ahead the provider's clock: a recorded post is of no use later.
WINDOW = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True, slots=True)
class Post:
    """One HTTP request of a provider."""

    provider: str
    #: Names in lower case.
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    #: The secret HOOK_<PROVIDER>.
    secret: str = field(repr=False)
    now: datetime
    #: Gets a certificate by its address.
    fetch: Callable[[str], bytes] = field(repr=False)

    def forged(self, why: str) -> ForgedError:
        """The error for a post without proof."""
        return ForgedError(f"hooks: {self.provider}: {why}; nothing was changed")

    def data(self) -> Any:
        """The body as JSON.

        Raises:
            ForgedError: too large, no JSON, or nested without end.
        """
        if len(self.body) > LIMIT:
            raise self.forged("larger than a megabyte")
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise self.forged("no JSON") from None

    def check_credentials(self) -> None:
        """The secret as it is, as a bearer token, or as user:password of basic authentication (RFC 7617).

        Raises:
            ForgedError: none of these.
        """
        scheme, _, told = self.headers.get("authorization", "").partition(" ")
        given = _basic(told) if scheme.lower() == "basic" else told.strip() if scheme.lower() == "bearer" else ""
        if not given or not hmac.compare_digest(given.encode("utf-8", "replace"), self.secret.encode()):
            raise self.forged("the Authorization header does not carry the secret")

    def check_fresh(self, moment: datetime) -> None:
        """The time that a signature covers is about now.

        Raises:
            ForgedError: too old, or of the future.
        """
        if abs(self.now - moment) > WINDOW:
            raise self.forged("its time is too far from now; a repetition, or this machine's clock is wrong")


def _basic(told: str) -> str:
    try:
        return base64.b64decode(told, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""


def inner(value: Any, *names: str) -> Any:
    """What lies in nested objects; {} where one of them is not there or no object."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return {} if value is None else value


def word(value: Any, *names: str) -> str:
    """Text or a number in nested objects; "" where there is none."""
    found = inner(value, *names)
    return str(found)[:4_000] if isinstance(found, str | int) else ""
