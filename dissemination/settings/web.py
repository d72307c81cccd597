"""`web`: the public pages' server."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _network(text: str) -> str:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        raise ValueError("not an address or network; write it as 127.0.0.1, ::1 or 10.0.0.0/8") from None
    return text


def _listen(text: str) -> str:
    if text == "localhost":
        return text
    try:
        ipaddress.ip_address(text)
    except ValueError:
        raise ValueError("not an address of this machine; write 127.0.0.1, ::1, or 0.0.0.0 for all") from None
    return text


Network = Annotated[str, AfterValidator(_network)]
Listen = Annotated[str, AfterValidator(_listen)]


class WebSection(BaseModel):
    """The server of the public pages."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    serve: bool = False
    """Whether `disseminate run` serves the public pages, too; `disseminate serve` does so alone."""
    host: Listen = "127.0.0.1"
    """Address of this machine that is listened on; 0.0.0.0 is every one."""
    port: int = Field(default=8080, ge=0, le=65_535)
    """Port that is listened on; 0 takes a free one."""
    trusted_proxies: list[Network] = Field(default_factory=list, max_length=50)
    """Addresses or networks of web servers in front, whose X-Forwarded-For is believed."""
    per_minute: int = Field(default=600, ge=0)
    """Requests that one address may make in a minute; 0 for no limit."""
    posts_per_minute: int = Field(default=30, ge=0)
    """Forms that one address may send in a minute; unsubscribing and webhooks cost only when they fail."""
