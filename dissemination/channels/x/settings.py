"""What may stand in the section of a channel that posts to X."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from dissemination.channels.exchange import trusted


class XSettings(BaseModel):
    """The channel's section of settings.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    api_base: Annotated[str, AfterValidator(trusted)] = "https://api.twitter.com"
    """Where requests go instead, for a test's stand-in or a gateway; they stay signed for api.twitter.com."""
    connect_timeout: float = Field(default=5, gt=0, le=60)
    """Seconds until a connection stands."""
    read_timeout: float = Field(default=30, gt=0, le=300)
    """Seconds for an answer: for its next bytes, and for the whole of it."""
    monthly_cap_usd: float | None = Field(default=None, ge=0, le=1_000_000, allow_inf_nan=False)
    """The most US dollars that a calendar month's posts may cost; no limit where left out."""
