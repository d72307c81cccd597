"""The bytes of a signed message, by keys that everybody has: the same on every machine and in every version."""

import os
from pathlib import Path

from dissemination.channels.email.dkim import load_key, sign_message

DATA = Path(__file__).parent / "data" / "channels"
MESSAGE = (
    b"Date: Thu, 26 Nov 2026 10:00:00 +0200\r\n"
    b'From: "The project" <news@example.eu>\r\n'
    b"To: Ana <ana@example.org>\r\n"
    b"Subject: =?utf-8?b?zp3Orc6x?=\r\n"
    b"Message-ID: <1@example.eu>\r\n"
    b"List-Unsubscribe: <https://example.eu/u/abc>, <mailto:leave@example.eu>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    b"MIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"\r\n"
    b"Dear Ana,\r\n\r\nnews.\r\n"
)


def test_a_signature_by_two_keys():
    pem = (DATA / "dkim-keys.pem").read_text()
    first, second = pem.split("\n\n")
    keys = (load_key(first, "example.eu", "news"), load_key(second, "example.eu", "brisbane"))
    signed = sign_message(MESSAGE, keys, 1_764_000_000)
    path = DATA / "signed.eml"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.write_bytes(signed)
    assert signed == path.read_bytes()
