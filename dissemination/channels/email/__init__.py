"""Mail over SMTP: letters composed once, spliced per person, handed over on connections that are used again."""

from dissemination.channels.email.channel import EmailChannel, make
from dissemination.channels.email.settings import EmailSettings

__all__ = ["EmailChannel", "EmailSettings", "make"]
