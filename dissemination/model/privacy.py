"""What settings say about personal data: the record of processing, and how long things are kept."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Keep:
    """How long, in days."""

    #: People who never confirmed.
    unconfirmed: int = 30
    #: People who left or are suppressed; then only the keyed hash of their address is kept.
    departed: int = 365
    #: The words of servers about letters that were not simply sent.
    troubles: int = 90
    #: The log.
    log: int = 730
    #: Consent lines of people who were erased, under the keyed hash of their address.
    proof: int = 1095
    #: Mail that came back and that nobody could be found for (`bounces.keep_days`).
    returns: int = 30
    #: Copies of the database that were made before an upgrade or a restoring.
    copies: int = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Privacy:
    """Facts of the record of processing activities (GDPR, article 30(1))."""

    #: Name and postal address of who decides about the data.
    controller: str = ""
    contact: str = ""
    #: Data protection officer, joint controllers, representative; not everybody has them.
    officer: str = ""
    purposes: tuple[str, ...] = ()
    legal_basis: str = ""
    recipients: tuple[str, ...] = ()
    transfers: str = ""
    keep: Keep = field(default_factory=Keep)
