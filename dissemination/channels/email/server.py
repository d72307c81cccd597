"""Where mail is handed over, and how a refusal of a server is told."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

from dissemination.errors import ChannelError, NeedsLoginError, RejectedError, UnavailableError
from dissemination.model import Rate

_SHOWN = 200
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
#: Replies that speak of the login, whatever was asked (RFC 4954, 6).
_LOGIN_CODES = frozenset({530, 534, 535, 538})
#: RFC 5321, 3.8: the server closes the connection after it.
CLOSING = 421

#: Code (-1: none that can be read) and text of a whole reply.
Reply = tuple[int, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """One server, and how much it is given at once."""

    host: str
    port: int
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    #: Trusted instead of the system's certificates.
    ca_file: Path | None = None
    #: "": no login.
    username: str = ""
    #: "auto": PLAIN, else LOGIN, whichever is offered.
    auth: Literal["auto", "plain", "login", "xoauth2"] = "auto"
    #: Asked anew at every login.
    password: Callable[[], str | None] = field(repr=False)
    #: Name of the secret, for messages.
    secret: str = "SMTP_PASSWORD"  # noqa: S105 - the name of a secret, not a secret
    #: Said in EHLO.
    hostname: str
    #: Seconds for connecting and for each reply; `final_timeout` for the reply to a whole message.
    timeout: float = 60.0
    final_timeout: float = 600.0
    #: Connections at the most, and messages under way on each where the server takes them in one go (CHUNKING).
    connections: int = 8
    depth: int = 16
    #: Messages after which a connection is left for a new one; 0: none.
    messages_per_connection: int = 0
    #: Share among several servers; 0: only when no other one can be used.
    weight: int = 1
    #: What it may be given, by the name of the shared bucket.
    rates: tuple[tuple[str, Rate], ...] = ()

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@lru_cache(maxsize=16)
def trust(ca_file: Path | None) -> ssl.SSLContext:
    """Certificates are verified, always. Made once: reading the system's certificates takes longer than a message.

    Raises:
        OSError: the file of certificates cannot be read.
    """
    return ssl.create_default_context(cafile=ca_file)


def refusal(server: Server, what: str, reply: Reply) -> ChannelError:
    """What a reply that is not the wanted one means; its class says what follows.

    Args:
        server: who said it.
        what: was refused: "the sender", "the recipient", "the message".
        reply: its code and text.
    """
    code, said = reply
    text = f"email: {server} refused {what}: {code} {shown(said)}"
    if code in _LOGIN_CODES:
        return NeedsLoginError(f"{text}; check username and {server.secret}")
    if 500 <= code < 600:
        return RejectedError(text)
    return UnavailableError(text)


def unreachable(server: Server, why: str) -> UnavailableError:
    """The server's state, not a fault of any message, so no message is rejected for it."""
    return UnavailableError(f"email: {server} cannot be used now: {why}")


def shown(said: str) -> str:
    """Words of a server for people: short, one line, nothing that steers a terminal."""
    if len(said) <= _SHOWN and said.isprintable():
        return said
    return _UNPRINTABLE.sub(" ", said)[:_SHOWN].strip()


def why(error: OSError) -> str:
    """Words of the system for people."""
    return shown(str(error)) or type(error).__name__
