"""From the first word of a server to the point where it takes messages (RFC 5321, 3.1; RFC 3207; RFC 4954).

A generator: it yields what is to be said, is sent the reply, and returns what the server offers.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from enum import Enum

from dissemination.channels.email.server import Reply, Server, refusal, shown
from dissemination.errors import NeedsLoginError, UnavailableError


class Deed(Enum):
    """What is to be done instead of saying something."""

    #: Begin encryption; go on without a reply.
    ENCRYPT = "encrypt"
    #: Say nothing, wait for a reply.
    LISTEN = "listen"


@dataclass(frozen=True, kw_only=True, slots=True)
class Offers:
    """What the server can do, from its answer to EHLO."""

    pipelining: bool = False  # RFC 2920
    chunking: bool = False  # RFC 3030
    smtputf8: bool = False  # RFC 6531
    starttls: bool = False
    #: Octets of the largest message; 0: it does not say (RFC 1870).
    size: int = 0
    auth: frozenset[str] = frozenset()


Talk = Generator[bytes | Deed, Reply, Offers]


def greet(server: Server) -> Talk:
    """Be greeted, encrypt, log in.

    Raises:
        UnavailableError: refused, or not encrypted as it should be.
        NeedsLoginError: the login failed.
    """
    if server.tls == "implicit":
        yield Deed.ENCRYPT
    _require(server, (yield Deed.LISTEN), 220)
    offers = yield from _ehlo(server)
    if server.tls == "starttls":
        if not offers.starttls:
            raise UnavailableError(
                f"email: {server} offers no STARTTLS; nothing is sent in the clear, check port and tls"
            )
        _require(server, (yield b"STARTTLS\r\n"), 220)
        yield Deed.ENCRYPT
        offers = yield from _ehlo(server)
    if server.username:
        yield from _login(server, offers)
    return offers


def _require(server: Server, reply: Reply, *wanted: int) -> None:
    if reply[0] not in wanted:
        error = refusal(server, "our greeting", reply)
        # Nothing is wrong with any message: whoever refuses to talk at all may talk later.
        raise error if isinstance(error, NeedsLoginError) else UnavailableError(str(error))


def _ehlo(server: Server) -> Talk:
    reply = yield f"EHLO {server.hostname}\r\n".encode()
    if reply[0] in {500, 502}:
        _require(server, (yield f"HELO {server.hostname}\r\n".encode()), 250)
        return Offers()
    _require(server, reply, 250)
    return read_offers(reply[1].split("\n")[1:])


def read_offers(lines: Sequence[str]) -> Offers:
    """What the lines after the first one of an answer to EHLO say."""
    # "AUTH=" is how servers of the last century wrote it; some of them are still asked.
    rows = (line.replace("AUTH=", "AUTH ").split() for line in lines)
    words = {parts[0].upper(): parts[1:] for parts in rows if parts}
    size = words.get("SIZE", [])
    return Offers(
        pipelining="PIPELINING" in words,
        chunking="CHUNKING" in words,
        smtputf8="SMTPUTF8" in words,
        starttls="STARTTLS" in words,
        size=int(size[0][:12]) if size and size[0].isdecimal() else 0,
        auth=frozenset(name.upper() for name in words.get("AUTH", [])),
    )


def _login(server: Server, offers: Offers) -> Generator[bytes | Deed, Reply, None]:
    password = server.password()
    if password is None:
        raise NeedsLoginError(f"email: no password for {server.username}; set the secret {server.secret}")
    way = server.auth if server.auth != "auto" else _choose(server, offers)
    reply: Reply = (334, "")
    for words in _WAYS[way](server.username, password):
        if reply[0] != 334:
            break
        reply = yield words + b"\r\n"
    if reply[0] == 334 and way == "xoauth2":  # it explains its refusal, and wants an empty line before it refuses
        reply = yield b"\r\n"
    if reply[0] == 235:
        return
    text = f"email: {server} refused the login: {reply[0]} {shown(reply[1])}"
    if 400 <= reply[0] < 500:
        raise UnavailableError(text)
    raise NeedsLoginError(f"{text}; check username and {server.secret}")


def _choose(server: Server, offers: Offers) -> str:
    for way in ("PLAIN", "LOGIN", "XOAUTH2"):
        if way in offers.auth:
            return way.lower()
    raise NeedsLoginError(f"email: {server} offers no login; leave username empty or check port and tls")


def _plain(username: str, password: str) -> list[bytes]:
    return [b"AUTH PLAIN " + base64.b64encode(f"\0{username}\0{password}".encode())]


def _in_turn(username: str, password: str) -> list[bytes]:
    return [b"AUTH LOGIN", base64.b64encode(username.encode()), base64.b64encode(password.encode())]


def _xoauth2(username: str, token: str) -> list[bytes]:
    # developers.google.com/workspace/gmail/imap/xoauth2-protocol; Microsoft 365 takes the same.
    return [b"AUTH XOAUTH2 " + base64.b64encode(f"user={username}\1auth=Bearer {token}\1\1".encode())]


_WAYS: dict[str, Callable[[str, str], list[bytes]]] = {"plain": _plain, "login": _in_turn, "xoauth2": _xoauth2}
