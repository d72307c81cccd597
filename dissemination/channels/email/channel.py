"""The channel: messages in, outcomes out, connections kept open in between."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime

from dissemination.channels import sections
from dissemination.channels.email.addresses import mailbox
from dissemination.channels.email.mime import Composer
from dissemination.channels.email.settings import EmailSettings
from dissemination.channels.email.transport import Envelope, HungUpError, Server, Session, connect
from dissemination.errors import ChannelError, RejectedError
from dissemination.model import Carries, Limits, Mail, Message, Receipt, Repeat
from dissemination.ports import ChannelOptions

# Making


def make(options: ChannelOptions) -> EmailChannel:
    """The email channel.

    Raises:
        SettingsError: the section of settings is not right.
    """
    settings = sections.read(options, EmailSettings)
    return EmailChannel(
        settings, settings.server(options.project.root), lambda: options.secret("SMTP_PASSWORD"), options.clock.now
    )


class EmailChannel:
    """Mail over SMTP, one message a person, over connections that are used again.

    It may be used by several threads: each call has a connection of its own while it runs.

    Args:
        settings: the checked section of settings.
        server: where mail is handed over.
        password: asked when a login is due.
        now: the present, for the Date of notices.
    """

    def __init__(
        self,
        settings: EmailSettings,
        server: Server,
        password: Callable[[], str | None],
        now: Callable[[], datetime],
    ) -> None:
        #: Sent again, a message has the same Message-ID and the same bytes: receivers show it once, or it is
        #: at worst seen twice. Whether that counts as safe is the officer's policy.
        self.limits = Limits(
            carries=Carries.MAIL, repeat=Repeat.SAFE if settings.in_doubt == "resend" else Repeat.ASK
        )
        self._composer = Composer(settings.who())
        self._bounces = mailbox(settings.envelope_sender or settings.sender)
        self._now = now
        self._connections = _Connections(lambda: connect(server, password))
        self._server = server

    # Sending

    def send(self, message: Message, /, *, key: str) -> Receipt:
        """Send one mail. The receipt's id is its Message-ID, the detail what the server said."""
        [(_, outcome)] = self.send_many([replace(message, key=key)])
        if isinstance(outcome, ChannelError):
            raise outcome
        return outcome

    def send_many(self, messages: Iterable[Message]) -> Iterator[tuple[str, Receipt | ChannelError]]:
        """Send mails over one connection, in order; each outcome is yielded before the next mail is begun."""
        with self._connections.line() as line:
            for message in messages:
                yield message.key, self._outcome(line, message)

    def send_notice(self, address: str, subject: str, text: str, *, key: str) -> Receipt:
        """Send a plain automatic mail to whoever looks after the project."""
        recipient = mailbox(address)
        body = self._composer.notice(key, recipient, subject, text, self._now())
        with self._connections.line() as line:
            said = line.deliver(Envelope(sender=self._bounces, recipient=recipient), body)
        return Receipt(id=self._composer.message_id(key), detail=said)

    def _outcome(self, line: _Line, message: Message) -> Receipt | ChannelError:
        try:
            return self._deliver(line, message)
        except ChannelError as error:
            return error

    def _deliver(self, line: _Line, message: Message) -> Receipt:
        if not isinstance(message.body, Mail):
            raise RejectedError("email: carries letters only; plan this for another channel")
        recipient = mailbox(message.body.address)
        body = self._composer.compose(message.key, message.body, recipient)
        said = line.deliver(Envelope(sender=self._bounces, recipient=recipient), body)
        return Receipt(id=self._composer.message_id(message.key), detail=said)

    # Looking after

    def probe(self) -> str:
        """Connect, greet, encrypt, log in, leave."""
        with self._connections.line() as line:
            session = line.open()
            login = f"logged in as {self._server.username}" if self._server.username else "no login"
            return f"{self._server} answers: {session.encryption()}, {login}"

    def close(self) -> None:
        """Leave every server politely."""
        self._connections.close()


class _Connections:
    """Idle connections, and lines for those who send. Threads may share it: a list's append and pop are atomic."""

    def __init__(self, opening: Callable[[], Session]) -> None:
        self._opening = opening
        self._idle: list[Session] = []

    @contextmanager
    def line(self) -> Iterator[_Line]:
        line = _Line(self._opening, self._take())
        try:
            yield line
        finally:
            if line.session is not None and line.session.usable:
                self._idle.append(line.session)

    def close(self) -> None:
        while (session := self._take()) is not None:
            session.quit()

    def _take(self) -> Session | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None


class _Line:
    """One caller's way to the server: an open connection if there is one, a new one if it has died."""

    def __init__(self, opening: Callable[[], Session], session: Session | None) -> None:
        self._opening = opening
        self.session = session
        self._no_way: ChannelError | None = None

    def deliver(self, envelope: Envelope, body: bytes) -> str:
        if self.session is not None and self.session.usable:
            # Servers leave after a while or after so many messages; nothing went out, a new connection tells more.
            with suppress(HungUpError):
                return self.session.deliver(envelope, body)
        return self.open().deliver(envelope, body)

    def open(self) -> Session:
        """A new connection. Where there is no way in, the rest of the call does not wait for another time-out."""
        if self._no_way is not None:
            raise self._no_way
        try:
            self.session = self._opening()
        except ChannelError as error:
            self._no_way = error
            raise
        return self.session
