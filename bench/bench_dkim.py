"""Microseconds of CPU that signing a 30 KB newsletter costs, beside the bare signature of the library."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from dissemination.channels.email.dkim import Key, Signer, load_key, private_pem

COUNT, ROUNDS = 400, 9
TARGET = 1.25

LINE = b"Some words of a letter in quoted-printable, of the usual length =C3=A9.\r\n"
START = LINE * 40
REST = [
    b"Dear Alexandra=\r\n",
    LINE * 200,
    b"https://example.eu/u/0123456789abcdef=\r\n",
    LINE * 170,
    b"--=_b--\r\n",
]
CONSTANT = [
    ("Date", b"Tue, 24 Nov 2026 10:00:00 +0200"),
    ("From", b'"The project" <news@example.eu>'),
    ("Reply-To", b"office@example.eu"),
    ("Subject", b"=?utf-8?b?0J3QvtCy0LjQvdC4?="),
    ("MIME-Version", b"1.0"),
    ("List-Id", b"<news.example.eu>"),
    ("List-Unsubscribe-Post", b"List-Unsubscribe=One-Click"),
    ("Feedback-ID", b"weekly:news:example"),
    ("Content-Type", b'multipart/alternative;\r\n boundary="=_b"'),
]
PERSONAL = ("To", "Message-ID", "List-Unsubscribe")
VALUES = (
    b'"Alexandra" <alexandra@example.org>',
    b"<0123456789abcdef0123456789abcdef01234567@example.eu>",
    b"<https://example.eu/u/0123456789abcdef0123456789abcdef>, <mailto:leave@example.eu?subject=unsubscribe%20x>",
)


def main() -> None:
    rsa = load_key(private_pem(generate_private_key(65537, 2048)), "example.eu", "r")
    ed25519 = load_key(private_pem(Ed25519PrivateKey.generate()), "example.eu", "e")
    size = len(START) + sum(map(len, REST))
    print(f"{size} bytes of body; median of {ROUNDS} rounds of {COUNT}; CPU microseconds a message")
    print(f"{'':16}{'library':>10}{'ours':>10}{'ratio':>8}")
    for name, keys in (("RSA-2048", (rsa,)), ("Ed25519", (ed25519,)), ("both", (rsa, ed25519))):
        bare, ours = _compared(keys)
        verdict = f"   to reach: {TARGET}" if name == "RSA-2048" else ""
        print(f"{name:16}{bare:10.1f}{ours:10.1f}{ours / bare:8.3f}{verdict}")


def _compared(keys: tuple[Key, ...]) -> tuple[float, float]:
    """Medians of rounds in turn, so that a busy machine slows both alike."""
    digest = sha256(b"").digest()
    stencil = Signer(keys).stencil(CONSTANT, PERSONAL, start=START, at=1_764_000_000)

    def bare() -> None:
        for key in keys:
            key.sign(digest)

    pairs = [(_cost(bare), _cost(lambda: stencil.sign(VALUES, REST))) for _ in range(ROUNDS)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def _cost(work: Callable[[], object]) -> float:
    began = time.process_time()
    for _ in range(COUNT):
        work()
    return (time.process_time() - began) / COUNT * 1e6


if __name__ == "__main__":
    main()
