"""Postmark (https://postmarkapp.com/developer/webhooks/bounce-webhook).

It signs nothing: the secret HOOK_POSTMARK is the user:password in the webhook's address. The mark comes back as
metadata, which mails carry in the header X-PM-Metadata-mark.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dissemination.model import Returned, ReturnKind
from dissemination.returns.hooks.checking import Post, word
from dissemination.returns.marks import marks
from dissemination.returns.wording import clean, judge

# Kinds

#: Type of a bounce (https://postmarkapp.com/developer/api/bounce-api#bounce-types).
_BOUNCES = {
    "HardBounce": ReturnKind.HARD,
    "BadEmailAddress": ReturnKind.HARD,
    "SoftBounce": ReturnKind.SOFT,
    "DnsError": ReturnKind.SOFT,
    "Unknown": ReturnKind.SOFT,
    "Blocked": ReturnKind.BLOCKED,
    "SpamNotification": ReturnKind.BLOCKED,
    "DMARCPolicy": ReturnKind.BLOCKED,
    "VirusNotification": ReturnKind.BLOCKED,
    "SpamComplaint": ReturnKind.COMPLAINT,
    "Unsubscribe": ReturnKind.UNSUBSCRIBE,
    "Transient": ReturnKind.DELAYED,
    "AutoResponder": ReturnKind.AUTO_REPLY,
    "ChallengeVerification": ReturnKind.AUTO_REPLY,
}
_RECORDS = frozenset({"Bounce", "SpamComplaint"})

# Proof and events


def parse(post: Post) -> Sequence[Returned]:
    """The event of one post.

    Raises:
        ForgedError: the Authorization header does not carry the secret.
    """
    post.check_credentials()
    event = post.data()
    record = word(event, "RecordType")
    if record == "SubscriptionChange" and isinstance(event, dict):
        left = event.get("SuppressSending") is True and word(event, "Origin") == "Recipient"
        return [_returned(event, ReturnKind.UNSUBSCRIBE)] if left else []
    if record not in _RECORDS:
        return []
    return [_returned(event, _BOUNCES.get(word(event, "Type"), ReturnKind.UNKNOWN))]


def _returned(event: Any, kind: ReturnKind) -> Returned:
    said = word(event, "Details") or word(event, "Description")
    return Returned(
        kind=kind,
        echoes=marks([word(event, "Metadata", "mark")]),
        status=judge("", said)[1],
        reason=clean(said),
        reporter="Postmark",
        message_id=clean(word(event, "MessageID"), 100),
        once=" ".join(word(event, name) for name in ("RecordType", "ID", "MessageID", "ChangedAt")),
    )
