"""Brevo (https://developers.brevo.com/docs/transactional-webhooks and .../docs/secured-webhooks).

It signs nothing: the secret HOOK_BREVO is the webhook's bearer token, or user:password in its address. The mark
comes back in X-Mailin-custom, a header that mails carry.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dissemination.model import Returned, ReturnKind
from dissemination.returns.hooks.checking import Post, word
from dissemination.returns.marks import marks
from dissemination.returns.wording import clean, judge

# Kinds

#: `event`; those that are not here do not concern us (sent, delivered, ...).
_EVENTS = {
    "hard_bounce": ReturnKind.HARD,
    "invalid_email": ReturnKind.HARD,
    "soft_bounce": ReturnKind.SOFT,
    "blocked": ReturnKind.BLOCKED,
    "spam": ReturnKind.COMPLAINT,
    "complaint": ReturnKind.COMPLAINT,
    "unsubscribed": ReturnKind.UNSUBSCRIBE,
    "unsubscribe": ReturnKind.UNSUBSCRIBE,
    "deferred": ReturnKind.DELAYED,
}

# Proof and events


def parse(post: Post) -> Sequence[Returned]:
    """The events of one post: one, or a list of them where batches are switched on.

    Raises:
        ForgedError: the Authorization header does not carry the secret.
    """
    post.check_credentials()
    told = post.data()
    events = told if isinstance(told, list) else [told]
    return [_returned(event, _EVENTS[word(event, "event")]) for event in events if word(event, "event") in _EVENTS]


def _returned(event: Any, kind: ReturnKind) -> Returned:
    said = word(event, "reason")
    return Returned(
        kind=kind,
        echoes=marks([word(event, "X-Mailin-custom")]),
        status=judge("", said)[1],
        reason=clean(said),
        reporter="Brevo",
        message_id=clean(word(event, "message-id").strip("<>").replace("@", " at "), 200),
        # An event has no id of its own.
        once=" ".join(word(event, name) for name in ("event", "message-id", "ts_event", "ts_epoch", "email")),
    )
