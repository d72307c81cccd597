"""One SMTP connection (RFC 5321): what was said decides whether a message went out, did not, or may have."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dissemination.channels.email.addresses import Mailbox
from dissemination.errors import ChannelError, InDoubtError, NeedsLoginError, RejectedError, UnavailableError

_SHOWN = 200
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
#: Replies that speak of the login, whatever was asked (RFC 4954, 6).
_LOGIN_CODES = frozenset({530, 534, 535, 538})
#: RFC 5321, 3.8: the server closes the connection after it.
_CLOSING = 421

Reply = tuple[int, bytes]


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """Where mail is handed over."""

    host: str
    port: int
    tls: Literal["starttls", "implicit", "none"]
    #: Trusted instead of the system's certificates.
    ca_file: Path | None
    #: "": no login.
    username: str
    #: Said in EHLO.
    hostname: str
    #: Seconds for connecting and for each reply; `final_timeout` for the reply to a whole message.
    timeout: float
    final_timeout: float

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """Who sends and who receives, for MAIL and RCPT."""

    sender: Mailbox
    recipient: Mailbox

    @property
    def needs_utf8(self) -> bool:
        """Whether the server must offer SMTPUTF8."""
        return self.sender.needs_utf8 or self.recipient.needs_utf8


class HungUpError(UnavailableError):
    """The server had already left when a new message was begun on an old connection."""


def connect(server: Server, password: Callable[[], str | None]) -> Session:
    """Open a connection up to the point where mail can be handed over.

    Args:
        server: where.
        password: asked only if there is a user name.

    Raises:
        UnavailableError: not reachable, not to be trusted, or not encrypted as it should be. This is the server's
            state, not a fault of any message, so no message is rejected for it.
        NeedsLoginError: the login failed.
    """
    try:
        smtp = _open(server)
    except OSError as error:
        raise _unreachable(server, error) from error
    try:
        _prepare(smtp, server, password)
    except BaseException as error:
        smtp.close()
        if isinstance(error, OSError):
            raise _unreachable(server, error) from error
        raise
    return Session(smtp, server)


class Session:
    """An open connection that takes one message after the other.

    Args:
        smtp: connected, greeted, encrypted and logged in.
        server: what it is connected to.
    """

    def __init__(self, smtp: smtplib.SMTP, server: Server) -> None:
        self._smtp = smtp
        self._server = server
        #: False once the connection is no good for a further message.
        self.usable = True

    def deliver(self, envelope: Envelope, body: bytes) -> str:
        """Hand over one message.

        Args:
            envelope: sender and recipient.
            body: the message with CRLF line ends.

        Returns:
            What the server said when it took the message, shortened.

        Raises:
            HungUpError: it had left before the message was begun.
            UnavailableError: it has not taken the message, for now.
            RejectedError: it never will.
            InDoubtError: the whole message was handed over, and then no answer came.
            NeedsLoginError: it wants a login first.
        """
        try:
            self._begin(envelope)
            self._expect("the recipient", f"RCPT TO:<{envelope.recipient}>", 250, 251)
            self._expect("the message", "DATA", 354)
            self._hand_over(body)
        except ChannelError:
            self._reset()
            raise
        except OSError as error:
            self.close()
            raise UnavailableError(f"email: {self._server} broke off, nothing went out: {_why(error)}") from error
        return self._answer()

    def close(self) -> None:
        """Hang up."""
        self.usable = False
        self._smtp.close()

    def quit(self) -> None:
        """Say good-bye and hang up."""
        if self.usable:
            with suppress(OSError):
                self._smtp.docmd("QUIT")
        self.close()

    def encryption(self) -> str:
        """For people: "TLSv1.3", or that there is none."""
        sock = self._smtp.sock
        return str(sock.version()) if isinstance(sock, ssl.SSLSocket) else "not encrypted"

    def _begin(self, envelope: Envelope) -> None:
        command = f"MAIL FROM:<{envelope.sender}>"
        if envelope.needs_utf8:
            if not self._smtp.has_extn("smtputf8"):
                raise RejectedError(
                    f"email: {self._server} takes no letters beyond ASCII before the @ (no SMTPUTF8); "
                    "ask for another address"
                )
            command += " BODY=8BITMIME SMTPUTF8"
        self._smtp.command_encoding = "utf-8" if envelope.needs_utf8 else "ascii"
        try:
            reply = self._smtp.docmd(command)
        except OSError as error:
            self.close()
            raise HungUpError(f"email: {self._server} hung up, nothing went out: {_why(error)}") from error
        if reply[0] == _CLOSING:
            self.close()
            raise HungUpError(_sentence(self._server, "the sender", reply))
        _require(self._server, "the sender", reply, 250)

    def _expect(self, what: str, command: str, *wanted: int) -> None:
        reply = self._smtp.docmd(command)
        if reply[0] == _CLOSING:
            self.close()
        _require(self._server, what, reply, *wanted)

    def _hand_over(self, body: bytes) -> None:
        # RFC 5321, 4.5.2; our own composer begins no line with a dot, other bodies may.
        stuffed = body.replace(b"\r\n.", b"\r\n..")
        self._smtp.send(stuffed + (b".\r\n" if stuffed.endswith(b"\r\n") else b"\r\n.\r\n"))

    def _answer(self) -> str:
        try:
            self._wait(self._server.final_timeout)
            code, text = self._smtp.getreply()
            self._wait(self._server.timeout)
        except OSError as error:
            self.close()
            raise InDoubtError(
                f"email: {self._server} had the whole message and never answered: {_why(error)}"
            ) from error
        if code == _CLOSING or not 200 <= code < 600:
            self.close()
        if not 200 <= code < 300 and not 400 <= code < 600:
            raise InDoubtError(f"email: {self._server} gave no clear answer to the whole message: {_shown(text)}")
        _require(self._server, "the message", (code, text), *range(200, 300))
        return _shown(text)

    def _wait(self, seconds: float) -> None:
        if self._smtp.sock is not None:
            self._smtp.sock.settimeout(seconds)

    def _reset(self) -> None:
        """What was refused must not disturb the next message."""
        if not self.usable:
            return
        try:
            code, _ = self._smtp.docmd("RSET")
        except OSError:
            code = -1
        if code != 250:
            self.close()


def _open(server: Server) -> smtplib.SMTP:
    if server.tls == "implicit":
        return smtplib.SMTP_SSL(
            server.host, server.port, server.hostname, timeout=server.timeout, context=_trust(server)
        )
    return smtplib.SMTP(server.host, server.port, server.hostname, server.timeout)


def _prepare(smtp: smtplib.SMTP, server: Server, password: Callable[[], str | None]) -> None:
    _require(server, "our greeting", smtp.ehlo(), 250)
    if server.tls == "starttls":
        if not smtp.has_extn("starttls"):
            raise UnavailableError(
                f"email: {server} offers no STARTTLS; nothing is sent in the clear, check port and tls"
            )
        smtp.starttls(context=_trust(server))
        _require(server, "our greeting", smtp.ehlo(), 250)
    if server.username:
        _login(smtp, server, password())


def _login(smtp: smtplib.SMTP, server: Server, password: str | None) -> None:
    if password is None:
        raise NeedsLoginError(f"email: no password for {server.username}; set the secret SMTP_PASSWORD")
    try:
        smtp.login(server.username, password)
    except smtplib.SMTPAuthenticationError as error:
        text = f"email: {server} refused the login: {error.smtp_code} {_shown(error.smtp_error)}"
        if 400 <= error.smtp_code < 500:
            raise UnavailableError(text) from None
        raise NeedsLoginError(f"{text}; check username and SMTP_PASSWORD") from None
    except smtplib.SMTPNotSupportedError:
        raise NeedsLoginError(
            f"email: {server} offers no login; leave username empty or check port and tls"
        ) from None
    except UnicodeError:
        raise NeedsLoginError(
            "email: username and SMTP_PASSWORD must be plain ASCII; choose another password"
        ) from None


def _trust(server: Server) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=server.ca_file)


def _require(server: Server, what: str, reply: Reply, *wanted: int) -> None:
    code = reply[0]
    if code in wanted:
        return
    text = _sentence(server, what, reply)
    if code in _LOGIN_CODES:
        raise NeedsLoginError(f"{text}; check username and SMTP_PASSWORD")
    if 500 <= code < 600:
        raise RejectedError(text)
    raise UnavailableError(text)


def _sentence(server: Server, what: str, reply: Reply) -> str:
    return f"email: {server} refused {what}: {reply[0]} {_shown(reply[1])}"


def _shown(text: bytes | str) -> str:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return _UNPRINTABLE.sub(" ", said)[:_SHOWN].strip()


def _why(error: OSError) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_shown(error.smtp_error)}"
    return _shown(str(error)) or type(error).__name__


def _unreachable(server: Server, error: OSError) -> UnavailableError:
    return UnavailableError(f"email: {server} cannot be used now: {_why(error)}")
