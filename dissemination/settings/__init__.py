"""Room: settings.yaml checked once, at the door; secrets only from outside."""

from dissemination.settings.credentials import Secrets
from dissemination.settings.loading import load
from dissemination.settings.posting import PostingSection
from dissemination.settings.reference import json_schema
from dissemination.settings.schema import (
    AllowanceSection,
    BouncesSection,
    ChannelSettings,
    DigestSection,
    RatesSection,
    Settings,
)
from dissemination.settings.web import WebSection

__all__ = [
    "AllowanceSection",
    "BouncesSection",
    "ChannelSettings",
    "DigestSection",
    "PostingSection",
    "RatesSection",
    "Secrets",
    "Settings",
    "WebSection",
    "json_schema",
    "load",
]
