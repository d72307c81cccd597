"""What answers carry for the browser's sake, and short answers without a page."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256

from starlette.types import Send

Header = tuple[bytes, bytes]

NOSNIFF: Header = (b"x-content-type-options", b"nosniff")
#: Personal addresses must not travel; public pages may say which host a reader came from.
NO_REFERRER: Header = (b"referrer-policy", b"no-referrer")
ORIGIN_REFERRER: Header = (b"referrer-policy", b"strict-origin-when-cross-origin")
NO_STORE: Header = (b"cache-control", b"no-store")
#: RFC 6797; a browser that has seen it asks by https alone for a year.
HSTS: Header = (b"strict-transport-security", b"max-age=31536000")
OWN_OPENER: Header = (b"cross-origin-opener-policy", b"same-origin")

#: What is no page loads nothing.
BARE_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
#: Pages that the server makes: our own style sheets and pictures, and forms to ourselves. `data:` is Pico's arrows.
LIVE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
#: A newsletter as a page: our style sheet works, and nothing in it can run, post or reach our origin.
LETTER_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'self'; "
    "img-src 'self' data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)

_STYLE = re.compile(rb"<style>(.*?)</style>", re.DOTALL)


def page_policy(html: bytes) -> str:
    """The Content-Security-Policy of a static page: its inline styles, known by their digests, and no script."""
    digests = (b64encode(sha256(style).digest()).decode() for style in _STYLE.findall(html))
    allowed = " ".join(["'self'", *dict.fromkeys(f"'sha256-{digest}'" for digest in digests)])
    return LIVE_POLICY.replace("style-src 'self'", f"style-src {allowed}")


def policy(text: str) -> Header:
    """As a header."""
    return (b"content-security-policy", text.encode("ascii"))


#: Answers of a few plain words carry all of these.
_PLAIN = ((b"content-type", b"text/plain; charset=utf-8"), NOSNIFF, NO_REFERRER, NO_STORE, policy(BARE_POLICY))


async def answer(send: Send, status: int, text: str = "", more: Iterable[Header] = ()) -> None:
    """A short answer in plain text."""
    body = text.encode()
    # RFC 9110, 8.6: 204 must not tell a length.
    length = () if status == 204 else ((b"content-length", str(len(body)).encode()),)
    headers = [*_PLAIN, *length, *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def with_defaults(headers: Sequence[Header], defaults: Iterable[Header]) -> list[Header]:
    """`headers`, and of `defaults` those that it has not."""
    known = {name.lower() for name, _ in headers}
    return [*headers, *(default for default in defaults if default[0] not in known)]
