"""The section `channels.email` of settings.yaml."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from dissemination.channels.email.addresses import mailbox
from dissemination.channels.email.keys import KeySettings
from dissemination.channels.email.mime import Sender
from dissemination.channels.email.names import split_server
from dissemination.channels.email.server import Server
from dissemination.channels.email.standing import Sending
from dissemination.errors import RejectedError
from dissemination.model import Rate

_HOST_NAME = r"^[A-Za-z0-9:]([A-Za-z0-9.:-]{0,252}[A-Za-z0-9])?$"


#: Letters of a mark (Tokens.bounce), and octets that a local part may have (RFC 5321, 4.5.3.1.1).
_MARK, _LOCAL = 32, 64


class RateSettings(BaseModel):
    """How much one server is given; shared by all processes that use this database."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    per_second: float | None = Field(default=None, gt=0, le=10_000, description="Messages a second.")
    per_hour: int | None = Field(default=None, ge=1, description="Messages an hour.")
    per_day: int | None = Field(default=None, ge=1, description="Messages a day.")

    def buckets(self, name: str) -> tuple[tuple[str, Rate], ...]:
        """(bucket, rate) for those that are set; the longest span first, since it is the one that ends a run."""
        spans = ((86_400.0, self.per_day), (3600.0, self.per_hour), (1.0, self.per_second))
        return tuple((f"{name}/{span:.0f}", _rate(count, span)) for span, count in spans if count is not None)


def _rate(count: float, span: float) -> Rate:
    """So much in any such span, the burst included; it is spread, so that the last hour of a day is not idle."""
    burst = max(1.0, count / 4 if span <= 1 else count // 60)
    return Rate(count=count if span <= 1 else max(count - burst, 1.0), seconds=span, burst=burst)


class ServerSettings(BaseModel):
    """One SMTP server; its password is no setting but a secret."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(pattern=_HOST_NAME, description="Name of the SMTP server.")
    port: int = Field(587, ge=1, le=65535)
    tls: Literal["starttls", "implicit", "none"] = Field(
        "starttls", description="How the connection is encrypted; none only on this machine."
    )
    ca_file: str = Field("", description="Certificates to trust in place of the system's; relative to the project.")
    username: str = Field("", max_length=320, description="Login name; empty: no login.")
    auth: Literal["auto", "plain", "login", "xoauth2"] = Field(
        "auto", description="How to log in; xoauth2 takes an access token in place of the password."
    )
    password_secret: str = Field(
        "SMTP_PASSWORD", pattern=r"^[A-Z][A-Z0-9_]{0,60}$", description="Name of the secret with the password."
    )
    timeout_seconds: float = Field(60, gt=0, le=600, description="For connecting and for each reply.")
    final_timeout_seconds: float = Field(
        600, gt=0, le=3600, description="For the reply to a whole message: RFC 5321, 4.5.3.2.6 says ten minutes."
    )
    connections: int = Field(8, ge=1, le=100, description="Connections at the most.")
    depth: int = Field(
        16,
        ge=1,
        le=100,
        description="Messages under way on each connection where the server takes BDAT (RFC 3030).",
    )
    messages_per_connection: int = Field(
        0, ge=0, description="Messages after which a connection is left for a new one; 0: none."
    )
    weight: int = Field(
        1, ge=0, le=100, description="Share among several servers; 0: only when no other one can be used."
    )
    rates: RateSettings = Field(default_factory=RateSettings, description="How much it is given.")

    @field_validator("tls")
    @classmethod
    def _encrypted(cls, value: str, info: ValidationInfo) -> str:
        if value == "none" and not _is_loopback(str(info.data.get("host", ""))):
            raise ValueError("none is for a server on this machine; write starttls or implicit")
        return value

    def place(self, root: Path, hostname: str, secret: Callable[[str], str | None]) -> Server:
        """The server; `ca_file` is below `root` unless absolute."""
        return Server(
            host=self.host,
            port=self.port,
            tls=self.tls,
            ca_file=root / self.ca_file if self.ca_file else None,
            username=self.username,
            auth=self.auth,
            password=lambda: secret(self.password_secret),
            secret=self.password_secret,
            hostname=hostname,
            timeout=self.timeout_seconds,
            final_timeout=self.final_timeout_seconds,
            connections=self.connections,
            depth=self.depth,
            messages_per_connection=self.messages_per_connection,
            weight=self.weight,
            rates=self.rates.buckets(f"server/{self.host}:{self.port}"),
        )


class EmailSettings(ServerSettings):
    """What an officer may set."""

    sender: str = Field(
        min_length=3, description="Address that mails come from; its domain is in every Message-ID."
    )
    sender_name: str = Field("", max_length=200, description="Name beside the address.")
    reply_to: str = Field("", description="Where answers go, if not to the sender.")
    envelope_sender: str = Field("", description="Where bounces go, if not to the sender.")
    verp: str = Field(
        "+",
        pattern=r"^[+=_-]?$",
        description="Between the name of envelope_sender and the mark by which a bounce is known; empty: no marks.",
    )
    hostname: str = Field(
        "", pattern=rf"{_HOST_NAME}|^$", description="Name said in EHLO; the sender's domain if empty."
    )
    servers: list[ServerSettings] = Field(
        default_factory=list, max_length=20, description="Further servers, by weight or as a fallback."
    )
    processes: int = Field(
        0, ge=0, le=64, description="Processes that compose, sign and send a large edition; 0: as many as help."
    )
    list_id: str = Field(
        "", pattern=r"^([A-Za-z0-9][A-Za-z0-9.-]{0,200})?$", description="One List-Id for all mail."
    )
    feedback_id: str = Field(
        "", pattern=r"^([A-Za-z0-9]{5,15})?$", description="Sender id in Feedback-ID; from the domain if empty."
    )
    provider: Literal["", "ses", "postmark", "mailgun", "brevo"] = Field(
        "", description="Whose webhooks tell of bounces; letters then carry the mark that it echoes."
    )
    unsubscribe_mailto: str = Field("", description="Address that takes unsubscriptions by mail.")
    in_doubt: Literal["resend", "hold"] = Field(
        "resend", description="When an answer was lost: send again under the same Message-ID, or ask the officer."
    )
    dkim: tuple[KeySettings, ...] = Field((), max_length=4, description="Keys that sign every mail.")
    dns_server: str = Field("", max_length=80, description="Name server that doctor asks; empty: the system's.")

    @field_validator("sender", "reply_to", "envelope_sender", "unsubscribe_mailto")
    @classmethod
    def _address(cls, value: str) -> str:
        if value:
            try:
                box = mailbox(value)
            except RejectedError:
                raise ValueError("no mail address; write one like news@example.eu") from None
            if box.needs_utf8:
                raise ValueError("has letters beyond ASCII before the @; not every receiver takes them")
        return value

    @field_validator("dkim")
    @classmethod
    def _different(cls, value: tuple[KeySettings, ...]) -> tuple[KeySettings, ...]:
        if len({(key.selector.lower(), key.domain.lower()) for key in value}) < len(value):
            raise ValueError("a selector is named twice; each key has one of its own")
        return value

    @field_validator("dns_server")
    @classmethod
    def _asked(cls, value: str) -> str:
        if value:
            split_server(value)
        return value

    @model_validator(mode="after")
    def _room_for_marks(self) -> Self:
        local = self.envelope_sender.rpartition("@")[0]
        if self.verp and len(local) + len(self.verp) + _MARK > _LOCAL:
            raise ValueError(
                f"envelope_sender: {local} leaves no room for a mark of {_MARK} letters before the @; "
                "choose a shorter one, or set verp to nothing"
            )
        return self

    def who(self) -> Sender:
        """What every mail says of its sender."""
        return Sender(
            box=mailbox(self.sender),
            name=self.sender_name,
            reply_to=mailbox(self.reply_to) if self.reply_to else None,
            list_id=self.list_id,
            unsubscribe=mailbox(self.unsubscribe_mailto) if self.unsubscribe_mailto else None,
            bounces=mailbox(self.envelope_sender) if self.envelope_sender else None,
            # Without an address of its own for bounces nobody said that marks reach anybody.
            verp=self.verp if self.envelope_sender else "",
            feedback_id=self.feedback_id,
            provider=self.provider,
        )

    def crew(self, cores: int) -> int:
        """How many processes send a large edition.

        Unsigned mail is sent faster by one core than servers take it; signing is what more cores help with. Rates
        are kept by one process, and whoever has set some needs no second one.
        """
        rated = any(rates.buckets("") for rates in (self.rates, *(server.rates for server in self.servers)))
        wanted = self.processes or (cores if self.dkim else 1)
        # Each of them has a connection of its own to every server, and a server may allow few.
        return 1 if rated else min(wanted, *(server.connections for server in (self, *self.servers)))

    def sending(self) -> Sending:
        """What receivers see of where mail comes from."""
        return Sending(
            sender=mailbox(self.sender).domain,
            envelope=mailbox(self.envelope_sender or self.sender).domain,
            host=self.host.lower(),
            here=_is_loopback(self.host),
        )

    def places(self, root: Path, secret: Callable[[str], str | None]) -> tuple[Server, ...]:
        """Where mail is handed over: the first server, and the further ones."""
        hostname = self.hostname or mailbox(self.sender).domain
        found = [one.place(root, hostname, secret) for one in (self, *self.servers)]
        if self.in_doubt == "hold":
            # One message under way on each connection: so few are in doubt when it breaks.
            found = [replace(server, depth=1) for server in found]
        return tuple(found)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
