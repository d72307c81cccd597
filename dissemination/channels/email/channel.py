"""The channel: messages in, outcomes out, connections kept open in between."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from dissemination.channels import sections
from dissemination.channels.email.addresses import mailbox
from dissemination.channels.email.connection import Connection
from dissemination.channels.email.crew import Crew, Kit
from dissemination.channels.email.keys import KeyRing, key_ring
from dissemination.channels.email.line import SmtpLine
from dissemination.channels.email.mime import Composer
from dissemination.channels.email.place import Place
from dissemination.channels.email.server import Server
from dissemination.channels.email.session import Parcel
from dissemination.channels.email.settings import EmailSettings
from dissemination.channels.email.standing import examine
from dissemination.channels.email.toll import Toll
from dissemination.errors import ChannelError, UnavailableError
from dissemination.model import Carries, Limits, Message, Receipt, Repeat, Symptom
from dissemination.ports import ChannelOptions, Line, Quotas

#: Messages that are worth starting helper processes for.
_MANY = 1000
#: Seconds that a server gets to say good-bye, too.
_GOODBYE = 0.5

#: What a system says of a server that cannot be connected to.
_NOT_THERE = re.compile(r"email: (?P<place>\S+) cannot be used now: \[Errno -?\d+\] (?P<why>.+)")

# Making


def make(options: ChannelOptions) -> EmailChannel:
    """The email channel.

    Raises:
        SettingsError: the section of settings is not right.
    """
    settings = sections.read(options, EmailSettings)
    servers = settings.places(options.project.root, options.secret)
    keys = key_ring(settings.dkim, mailbox(settings.sender).domain, options.project.root, options.secret)
    return EmailChannel(settings, servers, options.quotas, options.clock.now, keys)


class EmailChannel:
    """Mail over SMTP: one message a person, several at once, over connections that are used again.

    It may be used by several threads: each call and each line has connections of its own while it runs.

    Args:
        settings: the checked section of settings.
        servers: where mail is handed over.
        quotas: the shared buckets of the servers' rates.
        now: the present, for the Date of notices.
        keys: what mail is signed with; read when the first letter of an edition is made.
    """

    def __init__(
        self,
        settings: EmailSettings,
        servers: Sequence[Server],
        quotas: Quotas | None,
        now: Callable[[], datetime],
        keys: KeyRing,
    ) -> None:
        #: Sent again, a message has the same Message-ID and the same bytes: receivers show it once, or it is
        #: at worst seen twice. Whether that counts as safe is the officer's policy.
        self.limits = Limits(
            carries=Carries.MAIL, repeat=Repeat.SAFE if settings.in_doubt == "resend" else Repeat.ASK
        )
        self._sender = settings.who()
        self._composer, self._unsigned = Composer(self._sender, keys.signer), Composer(self._sender)
        self._crew = settings.crew(os.cpu_count() or 1)
        self._keys, self._sending, self._dns_server = keys, settings.sending(), settings.dns_server
        self._servers, self._quotas, self._now = servers, quotas, now
        #: Idle connections. Threads may share it: a list's append and pop are atomic.
        self._kept: list[Connection] = []

    # Sending

    def line(self, expected: int = 0) -> Line:
        """Many messages at once, over several connections to every server; very many by several processes."""
        if self._crew > 1 and expected >= _MANY:
            return Crew(self._kit, self._crew)
        return self._line()

    def send(self, message: Message, /, *, key: str) -> Receipt:
        """Send one mail. The receipt's id is its Message-ID, the detail what the server said."""
        return self._one(replace(message, key=key))

    def send_notice(self, address: str, subject: str, text: str, *, key: str) -> Receipt:
        """Send a plain automatic mail to whoever looks after the project."""
        return self._one(self._composer.notice(key, mailbox(address), subject, text, self._now()))

    def _one(self, message: Message | Parcel) -> Receipt:
        with self._open() as line:
            line.give([message])
            outcomes: Sequence[tuple[str, Receipt | ChannelError]] = ()
            while not outcomes:
                outcomes = line.outcomes(1.0)
        [(_, outcome)] = outcomes
        if isinstance(outcome, ChannelError):
            raise outcome
        return outcome

    def _kit(self) -> Kit:
        return Kit(sender=self._sender, signer=self._keys.signer(), servers=tuple(self._servers))

    def _line(self) -> SmtpLine:
        places = [
            Place(server, Toll(server.rates, self._quotas, time.monotonic, self._now), time.monotonic)
            for server in self._servers
        ]
        return SmtpLine(places, self._composer.parcel, self._kept, time.monotonic)

    @contextmanager
    def _open(self) -> Iterator[SmtpLine]:
        line = self._line()
        try:
            yield line
        finally:
            line.close(0)

    # Looking after

    def written(self, message: Message, /) -> bytes:
        """The message as it would be handed over but for its signature: checks need no keys."""
        return self._unsigned.parcel(message).body

    def probe(self) -> str:
        """Connect to every server, greet, encrypt, log in, leave."""
        with self._open() as line:
            try:
                return "; ".join(line.reach())
            except UnavailableError as error:
                raise UnavailableError(_friendlier(str(error))) from error

    def examine(self) -> Sequence[Symptom]:
        """Keys, and what DNS says of the domains that mail comes from."""
        from dissemination.channels.email.dns import Resolver  # noqa: PLC0415 - only the doctor asks DNS

        resolver = Resolver(self._dns_server)
        return examine(self._sending, self._keys, resolver.texts, resolver.exists)

    def protection(self) -> Sequence[str]:
        """How letters are protected on their way to each server."""
        return [
            f"letters reach the mail server {server.host} "
            + (
                "on this machine, without encryption"
                if server.tls == "none"
                else "encrypted; its certificate is checked"
            )
            for server in self._servers
        ]

    def close(self) -> None:
        """Leave every server politely."""
        end = time.monotonic() + _GOODBYE
        for connection in self._kept:
            connection.say_goodbye()
        for connection in self._kept:
            connection.quit(max(0.0, end - time.monotonic()))
        self._kept.clear()


def _friendlier(words: str) -> str:
    """What the system says of a connection, in words that help whoever sets the channel up."""
    match = _NOT_THERE.fullmatch(words)
    if not match:
        return words
    why = match["why"][0].lower() + match["why"][1:]
    advice = "is the server running? If not there, correct channels.email.host and port"
    return f"email: nobody answers at {match['place']} ({why}); {advice}"
