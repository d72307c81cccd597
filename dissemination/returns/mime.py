"""A mail of a stranger taken apart, with bounds on everything: depth, parts, lines, sizes.

The standard library's parser is recursive and has no limits; here the work is linear in the size of the mail.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message

#: The most that is read of one mail; bounces stand at its beginning.
LIMIT = 1_000_000
_DEPTH = 20
_PARTS = 50
_HEADER_BYTES = 64_000
_HEADER_LINES = 500
_VALUE = 4_000
_TEXT = 64_000
_BLANK = re.compile(rb"\r?\n\r?\n")
_FOLD = re.compile(r"\r?\n(?=[ \t])")
#: What RFC 2046, RFC 3462 and RFC 6533 call a returned message, whole or only its headers.
_WHOLE = frozenset({"message/rfc822", "message/global"})
_HEADERS = frozenset({"text/rfc822-headers", "message/rfc822-headers", "message/global-headers"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One part of a mail; the first is the mail itself."""

    #: Media type in lower case, without parameters.
    type: str
    #: (name in lower case, unfolded value), in order.
    headers: tuple[tuple[str, str], ...]
    #: Content with its transfer encoding taken off.
    body: bytes = field(repr=False)
    charset: str = ""
    #: Whether it lies inside a message that was returned.
    returned: bool = False

    def all(self, *names: str) -> list[str]:
        """Every value of headers with these names (in lower case)."""
        return [value for name, value in self.headers if name in names]

    def get(self, name: str) -> str:
        """The first value of a header; "" where it is not there."""
        return next(iter(self.all(name)), "")

    def text(self) -> str:
        """The beginning of the content as words, whatever the charset is."""
        return _words(self.body[:_TEXT], self.charset)


def parts(raw: bytes) -> list[Part]:
    """The mail and all its parts, flat and in order; what is beyond the bounds is left out."""
    found: list[Part] = []
    for part in _walk(raw[:LIMIT], 0, returned=False):
        found.append(part)
        if len(found) >= _PARTS:
            break
    return found


def fields(block: bytes) -> tuple[tuple[str, str], ...]:
    """Header lines as (name in lower case, unfolded value); lines that are none are left out."""
    text = _FOLD.sub("", _words(block[:_HEADER_BYTES], "utf-8"))
    pairs = (line.partition(":") for line in text.splitlines()[:_HEADER_LINES])
    return tuple((name.strip().lower(), value.strip()[:_VALUE]) for name, colon, value in pairs if colon)


def decoded(value: str) -> str:
    """A header with its encoded words (RFC 2047) read; as it is where they are broken."""
    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, ValueError):
        return value


def _walk(raw: bytes, depth: int, *, returned: bool) -> Iterator[Part]:
    head, body = _split(raw)
    headers = fields(head)
    told = _content_type(headers)
    part = Part(
        type=told.get_content_type(),
        headers=headers,
        body=_uncoded(body, headers),
        charset=_charset(told),
        returned=returned,
    )
    yield part
    if depth < _DEPTH:
        yield from _inner(part, _boundary(told), depth + 1)


def _inner(part: Part, boundary: bytes, depth: int) -> Iterator[Part]:
    if part.type.startswith("multipart/") and boundary:
        for piece in _pieces(part.body, boundary):
            yield from _walk(piece, depth, returned=part.returned)
    elif part.type in _WHOLE:
        yield from _walk(part.body, depth, returned=True)
    elif part.type in _HEADERS:
        yield Part(type="text/plain", headers=fields(part.body), body=b"", returned=True)


def _split(raw: bytes) -> tuple[bytes, bytes]:
    """(header block, content). A part may begin with its empty line: it has no headers then."""
    if raw.startswith((b"\n", b"\r\n")):
        return b"", raw
    found = _BLANK.search(raw)
    return (raw[: found.start()], raw[found.end() :]) if found else (raw, b"")


def _pieces(body: bytes, boundary: bytes) -> Iterator[bytes]:
    line = re.compile(rb"^--" + re.escape(boundary) + rb"(--)?[ \t]*\r?(?:\n|\Z)", re.MULTILINE)
    start = None
    for found in line.finditer(body):
        if start is not None:
            yield body[start : found.start()]
        if found.group(1):
            return
        start = found.end()
    if start is not None:
        yield body[start:]  # cut off before its end: what is there is read


def _content_type(headers: tuple[tuple[str, str], ...]) -> Message:
    message = Message()
    value = next((value for name, value in headers if name == "content-type"), "text/plain")
    message["Content-Type"] = value.replace("\r", " ").replace("\n", " ")[:1000]
    return message


def _boundary(told: Message) -> bytes:
    try:
        return (told.get_boundary() or "").encode("utf-8", "replace")
    except (LookupError, TypeError, ValueError, HeaderParseError):
        return b""


def _charset(told: Message) -> str:
    try:
        return str(told.get_content_charset() or "")
    except (LookupError, TypeError, ValueError, HeaderParseError):
        return ""


def _uncoded(body: bytes, headers: tuple[tuple[str, str], ...]) -> bytes:
    encoding = next((value for name, value in headers if name == "content-transfer-encoding"), "")
    try:
        return _CODINGS.get(encoding.strip().lower(), bytes)(body)
    except (binascii.Error, ValueError):
        return body


_CODINGS: dict[str, Callable[[bytes], bytes]] = {"base64": binascii.a2b_base64, "quoted-printable": binascii.a2b_qp}


def _words(body: bytes, charset: str) -> str:
    try:
        return body.decode(charset or "utf-8", "replace")
    except (LookupError, ValueError):
        return body.decode("utf-8", "replace")
