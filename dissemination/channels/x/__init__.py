"""X, by tweepy: posts with pictures, and replies, of one account, over OAuth 1.0a user tokens."""

from dissemination.channels.x.channel import XChannel, make
from dissemination.channels.x.settings import XSettings

__all__ = ["XChannel", "XSettings", "make"]
