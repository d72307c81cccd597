"""Room: settings.yaml checked once, at the door; secrets only from outside."""

from dissemination.settings.credentials import Secrets
from dissemination.settings.loading import load
from dissemination.settings.reference import json_schema
from dissemination.settings.schema import BouncesSection, ChannelSettings, DigestSection, Settings

__all__ = ["BouncesSection", "ChannelSettings", "DigestSection", "Secrets", "Settings", "json_schema", "load"]
