"""Signs mail: DKIM (RFC 6376) with RSA and Ed25519 (RFC 8463), in process.

What every message of an edition shares is prepared once, in a `Stencil`: the header block is hashed up to the first
personal field, the body up to the first personal word. Per message there is only the rest, and the signature.

Header fields are signed in relaxed form, the body in simple form: our bodies are written so that nothing on the way
has a reason to touch them, and the relaxed form of a body costs more than an RSA signature.
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from dissemination.channels.email.addresses import ascii_domain
from dissemination.errors import SettingsError

if TYPE_CHECKING:
    from hashlib import _Hash

#: Fields that are signed where a message has them: who, to whom, what, when, and the way out (RFC 8058, 4).
SIGNED = (
    "from", "to", "subject", "date", "message-id", "reply-to", "list-unsubscribe", "list-unsubscribe-post",
    "list-id", "feedback-id", "mime-version", "content-type", "content-transfer-encoding",
)  # fmt: skip
#: Fields that are listed once more than they occur: adding one breaks the signature (RFC 6376, 8.15).
OVERSIGNED = ("from", "subject", "to", "date", "reply-to", "list-unsubscribe", "list-unsubscribe-post")

#: RFC 8301, 3.2: verifiers must refuse less; signers should use at least the second.
LEAST_BITS = 1024
GOOD_BITS = 2048
#: RFC 5322, 2.1.1, less the space that a folded line begins with.
_WIDTH = 77
_SELECTOR = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)
_NEXT_FIELD = re.compile(rb"\r\n(?![ \t])")
_WHITE = re.compile(rb"[ \t]+")
_PKCS1, _SHA256 = PKCS1v15(), Prehashed(SHA256())

Algorithm = Literal["rsa-sha256", "ed25519-sha256"]
#: Name and value of a header field as it is written, folds and all, without the final line end.
Field = tuple[str, bytes]


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """A private key and where its public half is found: `selector._domainkey.domain`. Pickles as PEM."""

    domain: str
    selector: str
    algorithm: Algorithm
    private: RSAPrivateKey | Ed25519PrivateKey = field(repr=False, compare=False)

    def __reduce__(self) -> tuple[object, ...]:
        # One process per core signs; the key goes to them over a pipe, never to a file.
        return load_key, (private_pem(self.private), self.domain, self.selector)

    @property
    def bits(self) -> int:
        """Length of the key."""
        return self.private.key_size if isinstance(self.private, RSAPrivateKey) else 256

    @property
    def name(self) -> str:
        """The name in DNS under which receivers look for the public key."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def public(self) -> bytes:
        """The public key as DNS has it under `p=`, before base64: for RSA with its envelope, for Ed25519 bare."""
        if isinstance(self.private, RSAPrivateKey):
            return self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return self.private.public_key().public_bytes_raw()

    def record(self) -> str:
        """The TXT record that receivers need (RFC 6376, 3.6.1)."""
        kind = self.algorithm.partition("-")[0]
        return f"v=DKIM1; k={kind}; p={_base64(self.public).decode()}"

    def sign(self, digest: bytes) -> bytes:
        """Sign a SHA-256 digest; the same digest gives the same signature. Other threads run meanwhile."""
        if isinstance(self.private, RSAPrivateKey):
            return self.private.sign(digest, _PKCS1, _SHA256)
        return self.private.sign(digest)  # RFC 8463, 3: Ed25519 signs the digest as its message


def load_key(pem: bytes | str, domain: str, selector: str) -> Key:
    """Read a private key, PKCS #1 or PKCS #8.

    Args:
        pem: the key as text; not encrypted, since nobody is there to type when mail goes out.
        domain: the domain that signs; may have letters beyond ASCII.
        selector: the name of the key below `_domainkey` of that domain.

    Raises:
        SettingsError: no key that mail can be signed with. The text holds nothing of the key.
    """
    signer = ascii_domain(domain)
    if not signer:
        raise SettingsError(f"dkim: {domain[:80]!a} is no domain; write one like news.example.eu")
    if not is_selector(selector):
        raise SettingsError(f"dkim: {selector[:80]!a} is no selector; take letters, digits, dashes and dots")
    private = _private(pem.encode() if isinstance(pem, str) else pem, selector)
    algorithm: Algorithm = "rsa-sha256" if isinstance(private, RSAPrivateKey) else "ed25519-sha256"
    return Key(domain=signer, selector=selector, algorithm=algorithm, private=private)


def make_key(domain: str, selector: str, *, ed25519: bool = False) -> tuple[Key, bytes]:
    """A new key, RSA of 2,048 bits where not Ed25519, and its text to keep.

    Raises:
        SettingsError: no domain, or no selector.
    """
    private = Ed25519PrivateKey.generate() if ed25519 else generate_private_key(65537, GOOD_BITS)
    pem = private_pem(private)
    return load_key(pem, domain, selector), pem


def is_selector(name: str) -> bool:
    """Whether it can stand before `_domainkey` (RFC 6376, 3.1)."""
    return _SELECTOR.fullmatch(name) is not None


def private_pem(private: RSAPrivateKey | Ed25519PrivateKey) -> bytes:
    """A private key as text (PKCS #8)."""
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _private(pem: bytes, selector: str) -> RSAPrivateKey | Ed25519PrivateKey:
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError:
        raise _unusable(selector, "is encrypted; write it without a passphrase") from None
    except (ValueError, UnsupportedAlgorithm):
        raise _unusable(selector, "is no private key in PEM; `disseminate dkim-key` makes one") from None
    if isinstance(key, Ed25519PrivateKey):
        return key
    if not isinstance(key, RSAPrivateKey):
        raise _unusable(selector, "is neither RSA nor Ed25519; `disseminate dkim-key` makes one")
    if key.key_size < LEAST_BITS:
        raise _unusable(selector, f"has {key.key_size} bits, and no receiver takes less than {LEAST_BITS}")
    return key


def _unusable(selector: str, why: str) -> SettingsError:
    return SettingsError(f"dkim: the key of selector {selector!r} {why}")


@dataclass(frozen=True, slots=True)
class Signer:
    """Keys to sign with: each adds a signature of its own."""

    keys: tuple[Key, ...]

    def stencil(
        self, constant: Iterable[Field], personal: Sequence[str] = (), *, start: bytes = b"", at: int
    ) -> Stencil:
        """Prepare what many messages share.

        Args:
            constant: fields that are the same in all, in the message's order; those not signed are passed over.
            personal: names of the fields that differ, each at most once in a message.
            start: what their bodies begin with.
            at: seconds since 1970; the edition's date, so that a repeat is the same bytes, but never in the future.

        Raises:
            ValueError: no From, or a personal field that is constant too.
        """
        fields = _grouped(constant)
        names = [name.lower() for name in personal]
        if len({*fields, *names}) < len(fields) + len(names) or not {*names} <= {*SIGNED}:
            raise ValueError("dkim: a personal field is given twice, or is none that is signed")
        if "from" not in {*fields, *names}:
            raise ValueError("dkim: a message without From cannot be signed")  # RFC 6376, 5.4
        listed = [name for name, values in fields.items() for _ in values] + names
        head = sha256(b"".join(_relaxed(name, value) for name, values in fields.items() for value in values))
        return Stencil(
            names=tuple(f"{name}:".encode() for name in names),
            forms=tuple(_form(key, [*listed, *OVERSIGNED], at) for key in self.keys),
            head=head,
            body=sha256(start),
            whole=_ends_body(start),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Form:
    """One key's signature field up to the body's digest: as it is written, and as it is hashed."""

    key: Key
    written: bytes
    hashed: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Stencil:
    """What the messages of an edition share, hashed. Threads may share it."""

    #: The personal fields, in order, each with its colon.
    names: tuple[bytes, ...]
    forms: tuple[_Form, ...]
    head: _Hash
    body: _Hash
    #: Whether the shared start is a body already: a letter without a personal word.
    whole: bool

    def sign(self, personal: Sequence[bytes | None], rest: Sequence[bytes]) -> bytes:
        """The signature fields of one message, each with its line end; they go before all other fields.

        Args:
            personal: the values of the personal fields, as they are written; None for one that this message lacks.
            rest: the body after `start`, in pieces. A body ends with one line end after a line that is not empty.

        Raises:
            ValueError: too many or too few values, or the last piece does not end a body.
        """
        if not (_ends_body(rest[-1]) if rest else self.whole):
            raise ValueError("dkim: the last piece of a body must end with one line end")
        body, head = self.body.copy(), self.head.copy()
        for piece in rest:
            body.update(piece)
        for name, value in zip(self.names, personal, strict=True):
            if value is not None:
                head.update(name + _value(value) + b"\r\n")
        digest = _base64(body.digest())
        return b"".join([_signed(form, digest, head.copy()) for form in self.forms])


def sign_message(message: bytes, keys: Sequence[Key], at: int) -> bytes:
    """A whole message with its signatures on top.

    Args:
        message: its lines end with CRLF.
        keys: each adds one signature.
        at: seconds since 1970.

    Raises:
        ValueError: no From.
    """
    head, _, body = message.partition(b"\r\n\r\n")
    return Signer(tuple(keys)).stencil(_fields(head), at=at).sign((), [_simple(body)]) + message


def _ends_body(last: bytes) -> bool:
    return last.endswith(b"\r\n") and not last.endswith(b"\r\n\r\n")


def _fields(head: bytes) -> Iterator[Field]:
    for line in _NEXT_FIELD.split(head):
        name, _, value = line.partition(b":")
        yield name.decode("latin-1").rstrip(" \t"), value


def _simple(body: bytes) -> bytes:
    """RFC 6376, 3.4.3: empty lines at the end do not count, and an empty body is one line end."""
    while body.endswith(b"\r\n"):
        body = body[:-2]
    return body + b"\r\n"


def _grouped(fields: Iterable[Field]) -> dict[str, list[bytes]]:
    """Values by name, in the order of signing; of a name that occurs several times, the last comes first."""
    found: dict[str, list[bytes]] = {name: [] for name in SIGNED}
    for name, value in fields:
        if name.lower() in found:
            found[name.lower()].insert(0, value)
    return {name: values for name, values in found.items() if values}


def _relaxed(name: str, value: bytes) -> bytes:
    """RFC 6376, 3.4.2."""
    return name.encode() + b":" + _value(value) + b"\r\n"


def _value(value: bytes) -> bytes:
    return _WHITE.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ")


def _form(key: Key, listed: Sequence[str], at: int) -> _Form:
    tags = f"v=1; a={key.algorithm}; c=relaxed/simple;\r\n d={key.domain}; s={key.selector}; t={at};\r\n"
    written = f"DKIM-Signature: {tags} h={_folded(listed)};\r\n bh=".encode()
    return _Form(key=key, written=written, hashed=_relaxed("dkim-signature", written.partition(b":")[2])[:-2])


def _folded(names: Sequence[str]) -> str:
    """Names with colons between them, on lines of a legal length."""
    lines = [names[0]]
    for name in names[1:]:
        if len(lines[-1]) + len(name) + len(" h=:;") > _WIDTH:
            lines.append(name)
        else:
            lines[-1] += f":{name}"
    return ":\r\n ".join(lines)


def _signed(form: _Form, digest: bytes, head: _Hash) -> bytes:
    head.update(form.hashed + digest + b"; b=")
    signature = b" b=" + _base64(form.key.sign(head.digest()))
    lines = [signature[at : at + _WIDTH] for at in range(0, len(signature), _WIDTH)]
    return form.written + digest + b";\r\n" + b"\r\n ".join(lines) + b"\r\n"


def _base64(data: bytes) -> bytes:
    return b2a_base64(data, newline=False)
