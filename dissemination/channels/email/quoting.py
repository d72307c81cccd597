"""Quoted-printable (RFC 2045, 6.7), in pieces that can be joined in any order.

A piece always starts at the beginning of a line and leaves the next one at the beginning of a line, by a soft
break where its text has none. So a letter is encoded once, and a person's words are put between its pieces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

#: With the "=" of a soft break, a line has at most 76 characters.
_WIDTH = 75
_SOFT = b"=\r\n"
_TOKENS = tuple(
    bytes([code]) if code == 32 or (33 <= code <= 126 and code != ord("=")) else b"=%02X" % code
    for code in range(256)
)


#: What stands for itself in plain text and in HTML alike: no "=", nothing to escape, no white space at the end.
_ITSELF = re.compile(r"(?!\.)[ !#-%(-;?-~]*[!#-%(-;?-~]")


def plain_piece(text: str) -> bytes:
    """`piece` of a text that is the same in plain text and in HTML, faster; b"" where it is not the same."""
    if not _ITSELF.fullmatch(text):
        return b""
    if len(text) <= _WIDTH:
        return text.encode() + _SOFT
    rows = [text[at : at + _WIDTH] for at in range(0, len(text), _WIDTH)]
    if any(row[0] == "." for row in rows):
        return b""
    return "=\r\n".join([*rows, ""]).encode()


def piece(text: str) -> bytes:
    """One piece of text, encoded; every kind of line end becomes CRLF.

    No line of it starts with a dot or ends in white space: nothing on the way needs to touch it.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    encoded = b"\r\n".join(_SOFT.join(_rows(line)) for line in lines)
    return encoded if not encoded or encoded.endswith(b"\r\n") else encoded + _SOFT


def _rows(line: str) -> Iterator[bytes]:
    tokens = [_TOKENS[code] for code in line.encode("utf-8", "replace")]
    if tokens and tokens[-1] == b" ":
        tokens[-1] = b"=20"
    row = bytearray()
    for token in tokens:
        if len(row) + len(token) > _WIDTH:
            yield bytes(row)
            row.clear()
        row += b"=2E" if token == b"." and not row else token
    yield bytes(row)
