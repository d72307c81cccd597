"""The section `channels.email` of settings.yaml."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from dissemination.channels.email.addresses import mailbox
from dissemination.channels.email.mime import Sender
from dissemination.channels.email.transport import Server
from dissemination.errors import RejectedError

_HOST_NAME = r"^[A-Za-z0-9:]([A-Za-z0-9.:-]{0,252}[A-Za-z0-9])?$"


class EmailSettings(BaseModel):
    """What an officer may set; the password is no setting but the secret SMTP_PASSWORD."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sender: str = Field(
        min_length=3, description="Address that mails come from; its domain is in every Message-ID."
    )
    sender_name: str = Field("", max_length=200, description="Name beside the address.")
    reply_to: str = Field("", description="Where answers go, if not to the sender.")
    envelope_sender: str = Field("", description="Where bounces go, if not to the sender.")
    host: str = Field(pattern=_HOST_NAME, description="Name of the SMTP server.")
    port: int = Field(587, ge=1, le=65535)
    tls: Literal["starttls", "implicit", "none"] = Field(
        "starttls", description="How the connection is encrypted; none only on this machine."
    )
    ca_file: str = Field("", description="Certificates to trust in place of the system's; relative to the project.")
    username: str = Field("", max_length=320, description="Login name; empty: no login.")
    hostname: str = Field(
        "", pattern=rf"{_HOST_NAME}|^$", description="Name said in EHLO; the sender's domain if empty."
    )
    timeout_seconds: float = Field(60, gt=0, le=600, description="For connecting and for each reply.")
    final_timeout_seconds: float = Field(
        600, gt=0, le=3600, description="For the reply to a whole message: RFC 5321, 4.5.3.2.6 says ten minutes."
    )
    list_id: str = Field(
        "", pattern=r"^([A-Za-z0-9][A-Za-z0-9.-]{0,200})?$", description="One List-Id for all mail."
    )
    unsubscribe_mailto: str = Field("", description="Address that takes unsubscriptions by mail.")
    in_doubt: Literal["resend", "hold"] = Field(
        "resend", description="When an answer was lost: send again under the same Message-ID, or ask the officer."
    )

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

    @field_validator("tls")
    @classmethod
    def _encrypted(cls, value: str, info: ValidationInfo) -> str:
        if value == "none" and not _is_loopback(str(info.data.get("host", ""))):
            raise ValueError("none is for a server on this machine; write starttls or implicit")
        return value

    def who(self) -> Sender:
        """What every mail says of its sender."""
        return Sender(
            box=mailbox(self.sender),
            name=self.sender_name,
            reply_to=mailbox(self.reply_to) if self.reply_to else None,
            list_id=self.list_id,
            unsubscribe=mailbox(self.unsubscribe_mailto) if self.unsubscribe_mailto else None,
        )

    def server(self, root: Path) -> Server:
        """Where mail is handed over; `ca_file` is below `root` unless absolute."""
        return Server(
            host=self.host,
            port=self.port,
            tls=self.tls,
            ca_file=root / self.ca_file if self.ca_file else None,
            username=self.username,
            hostname=self.hostname or mailbox(self.sender).domain,
            timeout=self.timeout_seconds,
            final_timeout=self.final_timeout_seconds,
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
