"""Forms as browsers and mail providers post them: bounded, and read by the standard library alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs

from starlette.requests import Request

#: Bytes of a body; our own forms have a few hundred.
BODY_LIMIT = 65_536
_FIELDS = 100


class TooLargeError(Exception):
    """Answer 413."""


class Form:
    """What was posted; what is missing or unreadable is empty."""

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        self._fields = fields

    def one(self, name: str) -> str:
        """The field's first value without space around it."""
        return self.all(name)[0].strip() if self.all(name) else ""

    def all(self, name: str) -> Sequence[str]:
        """All its values."""
        return self._fields.get(name, ())


async def body_of(request: Request) -> bytes:
    """The body.

    Raises:
        TooLargeError: it is larger than `BODY_LIMIT`, said or sent.
    """
    said = request.headers.get("content-length", "")
    if said.isdigit() and int(said[:20]) > BODY_LIMIT:
        raise TooLargeError
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > BODY_LIMIT:
            raise TooLargeError
    return bytes(body)


def read(body: bytes) -> Form:
    """application/x-www-form-urlencoded; anything else is a form without the fields that we know."""
    try:
        text = body.decode("utf-8", "replace").replace("\0", "")
        return Form(parse_qs(text, keep_blank_values=True, max_num_fields=_FIELDS))
    except ValueError:
        return Form({})
