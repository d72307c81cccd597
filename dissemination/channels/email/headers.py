"""Header lines that nobody's name or title can add to (RFC 5322, RFC 2047).

The standard library's EmailMessage is not used: on several Python versions it decodes an encoded word and writes
the line break inside it into the header block (CVE-2024-6923), and it encodes a long List-Unsubscribe.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence

from dissemination.channels.email.addresses import Mailbox
from dissemination.errors import RejectedError

#: Control characters, line and paragraph separators, lone surrogates.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
#: Characters of a name or a subject; nobody reads more, and a header stays of a bounded size.
_TEXT_LIMIT = 2000
#: Longest text that is written as it is; longer ASCII is folded as encoded words, that may break anywhere.
_LITERAL_LIMIT = 60
#: Characters of a line that holds an encoded word (RFC 2047, 2), and those that are not its content: =?utf-8?b??=
_WORD_LINE = 76
_WORD_FRAME = 12
#: A name that can stand between quotes as it is.
_PLAIN = re.compile(r"(?!.*=\?)[ !#-\[\]-~]{1,60}")
#: RFC 5322, 2.2.3: what a long line is broken with, before a space.
FOLD = "\r\n"
#: RFC 5322, 2.1.1.
_LINE_LIMIT = 998


def one_line(text: str) -> str:
    """Words for a hole: one line without control characters."""
    return _UNSAFE.sub(" ", text[:_TEXT_LIMIT]).strip()


def clean(text: str) -> str:
    """Words for a header: one line with nothing in it that a decoder could take for an encoded word."""
    return one_line(text).replace("=?", "= ?")


def is_plain(name: str) -> bool:
    """Whether a display name can stand between quotes as it is: `address` would write just that."""
    return _PLAIN.fullmatch(name) is not None and name.strip() == name


def unstructured(field: str, text: str) -> tuple[str, str]:
    """A header such as Subject."""
    text = clean(text)
    return field, text if _literal(text) else "\r\n ".join(_words(field, text))


def address(field: str, name: str, box: Mailbox) -> tuple[str, str]:
    """A header such as From: display name and address."""
    return field, _address(field, clean(name), box)


def _address(field: str, name: str, box: Mailbox) -> str:
    if not name:
        return f"<{box}>" if box.needs_utf8 else str(box)
    if _literal(name):
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" <{box}>'
    return "\r\n ".join([*_words(field, name), f"<{box}>"])


def block(fields: Sequence[tuple[str, str]], *, utf8: bool = False) -> bytes:
    """The header block of these fields with the empty line after it; fields without a value are left out.

    Raises:
        RejectedError: what was written is not line by line what was set.
    """
    present = [(name, value) for name, value in fields if value]
    text = "".join(f"{name}: {value}\r\n" for name, value in present)
    _verify(text, [name for name, _ in present], utf8=utf8)
    return f"{text}\r\n".encode()


def _literal(text: str) -> bool:
    return text.isascii() and len(text) <= _LITERAL_LIMIT


def _words(field: str, text: str) -> Iterator[str]:
    size = (_WORD_LINE - _WORD_FRAME - len(f"{field}: ")) // 4 * 3
    chunk = bytearray()
    for character in text:
        encoded = character.encode()
        if len(chunk) + len(encoded) > size:
            yield _word(chunk)
            chunk.clear()
        chunk += encoded
    yield _word(chunk)


def _word(chunk: bytes | bytearray) -> str:
    return f"=?utf-8?b?{base64.b64encode(chunk).decode('ascii')}?="


def _verify(text: str, names: Sequence[str], *, utf8: bool) -> None:
    expected = list(names)
    for line in text.split("\r\n")[:-1]:
        folded = line.startswith(" ") and bool(line.strip()) and len(expected) < len(names)
        if not folded and not (expected and line.startswith(f"{expected.pop(0)}: ")):
            raise _broken(line)
        if _UNSAFE.search(line) or not (utf8 or line.isascii()) or len(line.encode()) > _LINE_LIMIT:
            raise _broken(line)
    if expected:
        raise _broken(expected[0])


def _broken(line: str) -> RejectedError:
    return RejectedError(
        f"email: the header block has a line that is not ours or is too long, {line[:60]!a}; "
        "correct the name, title or address that it shows"
    )
