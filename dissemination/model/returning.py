"""What comes back from the outer world: bounces, complaints, unsubscriptions by mail."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from dissemination.model.people import Why
from dissemination.model.publishing import Happening
from dissemination.model.states import ReturnKind


@dataclass(frozen=True, kw_only=True, slots=True)
class Returned:
    """One mail or one webhook event, read. It names nobody by address: people are known by our own marks alone.

    Marks and tokens are candidates by their form; whether we made them is for the pipeline to see.
    """

    kind: ReturnKind
    #: Marks (`Tokens.bounce`) in the address that it was sent to.
    marks: tuple[str, ...] = ()
    #: Marks in our own headers inside the returned message, or echoed by a provider.
    echoes: tuple[str, ...] = ()
    #: Unsubscribe tokens: of the request, or of List-Unsubscribe inside the returned message.
    tokens: tuple[str, ...] = ()
    #: Of how many recipients it speaks.
    recipients: int = 1
    #: Enhanced status code (RFC 3463), such as "5.1.1"; "" where none was found.
    status: str = ""
    #: Why, in one cleaned and shortened line without addresses.
    reason: str = ""
    #: The server that reports.
    reporter: str = ""
    #: Message-ID of the returned message.
    message_id: str = ""
    #: By what a repetition is known again, where the bytes do not tell (a provider's event id).
    once: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Return:
    """What is kept of something that came back."""

    id: int = 0
    #: SHA-256 (hex) by which the same thing is known again: it counts once.
    digest: str
    at: datetime
    kind: ReturnKind
    #: Row number of the publication, and number of the subscriber; None: not known.
    publication: int | None = None
    subscriber: int | None = None
    status: str = ""
    reason: str = ""
    #: Where it came from: "maildir", "imap", "pipe", "webhook ses".
    source: str = ""
    #: What followed from it: "suppressed", "counted", "kept: ...".
    effect: str = ""
    #: The first bytes of what nobody could be found for; it goes after a while.
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Concerned:
    """What the store knows of the person and the edition that a return speaks of."""

    subscriber: int
    #: "" once erased.
    email: str
    #: The publication's subject and channel; "" where no publication is named or none is there.
    subject: str = ""
    channel: str = ""
    #: Whether the person is among the recipients of that publication.
    recipient: bool = False
    #: (publication, when) of soft bounces so far, oldest first.
    soft: tuple[tuple[int, datetime], ...] = ()
    #: When the newest edition went out that must have arrived: no bounce came for long enough.
    arrived_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Consequence:
    """What follows from a return: decided by the pipeline, written down by the store in one transaction."""

    #: For the officer's eye.
    effect: str
    #: The delivery is marked as bounced, for this reason; "": it is left.
    bounced: str = ""
    #: The soft bounce counts.
    counted: bool = False
    #: Keyed hash and reason of a suppression.
    suppress: tuple[str, Why] | None = None
    unsubscribe: bool = False
    happenings: tuple[Happening, ...] = ()
