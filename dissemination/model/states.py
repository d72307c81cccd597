"""The closed vocabularies: kinds, levels and states."""

from __future__ import annotations

from enum import StrEnum


class ItemType(StrEnum):
    """What kind of item it is; one of five axes that are never mixed."""

    NEWS = "news"
    EVENT = "event"
    GOOD_PRACTICE = "good-practice"
    PUBLICATION = "publication"
    NEWSLETTER = "newsletter"


class Topic(StrEnum):
    """The programme's six thematic areas (Interreg Europe)."""

    SMART = "Smart"
    GREEN = "Green"
    CONNECTED = "Connected"
    SOCIAL = "Social"
    CITIZENS = "Citizens"
    GOVERNANCE = "Governance"


class ItemStatus(StrEnum):
    """What the author says of the item. It never approves anything: approvals are records in the store."""

    DRAFT = "draft"
    REVIEW = "review"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    PUBLISHED = "published"
    CORRECTED = "corrected"
    WITHDRAWN = "withdrawn"
    ARCHIVED = "archived"


class Level(StrEnum):
    """How grave a finding is: an error blocks scheduling, a warning warns, a note informs."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class State(StrEnum):
    """Where a publication stands (docs/architecture.md, States)."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    PAUSED = "paused"
    PUBLISHED = "published"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    MISSED = "missed"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"


class DeliveryState(StrEnum):
    """Where one recipient of an edition stands."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    BOUNCED = "bounced"
    DEFERRED = "deferred"
    FAILED = "failed"
    SKIPPED = "skipped"
    IN_DOUBT = "in_doubt"


class ReturnKind(StrEnum):
    """What a mail that came back means."""

    HARD = "hard"  # nobody has this address
    SOFT = "soft"  # not this time: a full mailbox, a server that was away for days
    BLOCKED = "blocked"  # refused because of the sender or the words: it says nothing about the person
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    AUTO_REPLY = "auto_reply"
    DELAYED = "delayed"
    NOTICE = "notice"  # delivered, relayed, not spam after all
    UNKNOWN = "unknown"


class MailProgram(StrEnum):
    """What people read mail with; the values name them in settings and in the data of caniemail."""

    GMAIL = "gmail"
    OUTLOOK_WINDOWS = "outlook-windows"
    OUTLOOK = "outlook"
    APPLE_MAIL = "apple-mail"
    YAHOO = "yahoo"
    GMX = "gmx"
    WEB_DE = "web-de"
    THUNDERBIRD = "thunderbird"
    PROTON_MAIL = "proton-mail"
    SAMSUNG_EMAIL = "samsung-email"
    ORANGE = "orange"
    LAPOSTE = "laposte"
    SFR = "sfr"
    IONOS = "ionos"
    FASTMAIL = "fastmail"
    AOL = "aol"

    @property
    def label(self) -> str:
        """As its makers write it."""
        return _LABELS.get(self.value) or self.value.replace("-", " ").title()


_LABELS = {
    "outlook-windows": "Outlook for Windows",
    "outlook": "Outlook (new, web, mobile)",
    "gmx": "GMX",
    "web-de": "WEB.DE",
    "sfr": "SFR",
    "ionos": "IONOS",
    "aol": "AOL",
}
#: What most people in Europe read mail with.
COMMON_MAIL_PROGRAMS = (
    MailProgram.GMAIL,
    MailProgram.OUTLOOK_WINDOWS,
    MailProgram.OUTLOOK,
    MailProgram.APPLE_MAIL,
    MailProgram.YAHOO,
    MailProgram.GMX,
    MailProgram.WEB_DE,
    MailProgram.THUNDERBIRD,
)


class Units(StrEnum):
    """How a network counts a text."""

    NONE = "none"
    WEIGHTED = "weighted"  # X: twitter-text configuration v3
    GRAPHEMES = "graphemes"
    BYTES = "bytes"
    UTF16 = "utf16"


class Carries(StrEnum):
    """Which kind of body a channel takes."""

    MAIL = "mail"
    POST = "post"
    FILES = "files"


class Repeat(StrEnum):
    """What may be done when it is not known whether a message went out."""

    SAFE = "safe"  # sending the same message again changes nothing
    LOOK = "look"  # the channel has `find`: it can see for itself
    ASK = "ask"  # only a person can tell
