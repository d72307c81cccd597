"""LinkedIn: posts of one organisation's page, over its REST Posts API."""

from dissemination.channels.linkedin.channel import LIMITS, LinkedInChannel, make
from dissemination.channels.linkedin.settings import LinkedInSettings

__all__ = ["LIMITS", "LinkedInChannel", "LinkedInSettings", "make"]
