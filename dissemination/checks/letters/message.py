"""Rules on the whole message: what the headers say, and what servers take."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from email.policy import compat32

from dissemination.checks.findings import E, W
from dissemination.checks.letters.sheet import Said
from dissemination.model import Project

#: Readers on the move pay for more, and filters look more closely.
MOST_MESSAGE_BYTES = 250_000
#: RFC 5322, 2.1.1, without the line end.
_LONGEST_LINE = 998
_ONE_CLICK = "List-Unsubscribe=One-Click"
_HTTPS = re.compile(r"<https://[^<>\s]+>")


def check_message(raw: bytes, project: Project) -> Iterator[Said]:
    """What is wrong with the message that one reader would get."""
    message = message_from_bytes(raw, policy=compat32)
    if len(raw) > MOST_MESSAGE_BYTES:
        fix = "carry fewer items"
        yield (
            "message-size",
            W,
            f"the message has {len(raw):,} bytes",
            f"{fix}; {MOST_MESSAGE_BYTES:,} are enough",
            "",
        )
    longest = max(map(len, raw.split(b"\r\n")))
    if longest > _LONGEST_LINE:
        message_text = f"a line has {longest:,} bytes, and servers take {_LONGEST_LINE}"
        yield "message-line", E, message_text, "report this with the item", ""
    yield from _way_out(message, project)
    kinds = [part.get_content_type() for part in message.walk() if not part.is_multipart()]
    if kinds != ["text/plain", "text/html"]:
        seen = ", ".join(kinds)
        yield "message-parts", E, "the parts are not plain text, then HTML", "report this with the item", seen


def _way_out(message: Message, project: Project) -> Iterator[Said]:
    """RFC 2369 and RFC 8058: the button that mail programs show; asked for where the site has https at all."""
    said = str(message.get("List-Unsubscribe", ""))
    if not said:
        fix = "report this with the item"
        yield "message-unsubscribe", E, "no List-Unsubscribe among the headers", fix, ""
    elif project.public_url.startswith("https://") and not (
        _HTTPS.search(said) and message.get("List-Unsubscribe-Post") == _ONE_CLICK
    ):
        # Mail programs do not decode these headers: an encoded word hides the button as well.
        text = "the headers offer no way out with one click"
        yield "message-unsubscribe", E, text, "set project.public_url to an address with https", said
