"""The channel's section of settings.yaml."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from dissemination.channels.exchange import trusted

_ORGANIZATION = "urn:li:organization:"


def _organization(value: object) -> object:
    """The URN of a number or of itself; YAML reads a number as one."""
    number = str(value).removeprefix(_ORGANIZATION)
    if not re.fullmatch(r"[0-9]{1,19}", number):
        raise ValueError(
            "write the page's number, as its admin address shows it (linkedin.com/company/<number>/admin)"
        )
    return f"{_ORGANIZATION}{number}"


def _month(value: object) -> object:
    if not re.fullmatch(r"20[0-9]{2}(0[1-9]|1[0-2])", str(value)):
        raise ValueError("write a year and a month, such as 202609")
    return str(value)


def _redirect(address: str) -> str:
    return trusted(address) and address


class LinkedInSettings(BaseModel):
    """What settings say; everything but the page has a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    organization: Annotated[str, BeforeValidator(_organization)]
    """The page that posts: its number."""
    version: Annotated[str, BeforeValidator(_month)] = "202609"
    """The API's version (YYYYMM); each lives about a year."""
    attach: Literal["pictures", "card"] = "pictures"
    """What goes with the text: its pictures, or a card of its link with the first picture on it."""
    client_id: str = Field(default="", pattern=r"^[\w-]*$", max_length=100)
    """The app's client id, for `disseminate login`."""
    redirect: Annotated[str, AfterValidator(_redirect)] = "http://localhost:8765"
    """Where LinkedIn sends the browser after the officer agreed; it must stand in the app's settings. Nothing need
    answer there: the address that the browser shows is what counts."""
    api_base: Annotated[str, AfterValidator(trusted)] = "https://api.linkedin.com"
    """Where requests go, for a gateway or a test's stand-in."""
    login_base: Annotated[str, AfterValidator(trusted)] = "https://www.linkedin.com"
    """Where people agree, and where tokens come from."""
    connect_timeout: float = Field(default=5, gt=0, le=60)
    """Seconds until a connection stands."""
    read_timeout: float = Field(default=30, gt=0, le=300)
    """Seconds for an answer: for its next bytes, and for the whole of it."""

    def age(self, now: datetime) -> int:
        """How many months old the version is; less than nothing: it is of the future."""
        return (now.year - int(self.version[:4])) * 12 + now.month - int(self.version[4:])
