"""Mailgun (https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhooks).

The secret HOOK_MAILGUN is the webhook signing key. The signature covers a time and a token but not the event: so a
token counts once, whatever comes with it. The mark comes back as a user variable, which mails carry in the header
X-Mailgun-Variables: {"mark": "..."}.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from dissemination.model import Returned, ReturnKind
from dissemination.returns.hooks.checking import Post, inner, word
from dissemination.returns.marks import marks
from dissemination.returns.wording import clean, judge

# Kinds

#: `event` and `severity`; those that are not here do not concern us (accepted, delivered, ...).
_EVENTS = {
    ("failed", "permanent"): ReturnKind.HARD,
    ("failed", "temporary"): ReturnKind.DELAYED,
    ("complained", ""): ReturnKind.COMPLAINT,
    ("unsubscribed", ""): ReturnKind.UNSUBSCRIBE,
}

# Proof and events


def parse(post: Post) -> Sequence[Returned]:
    """The event of one post.

    Raises:
        ForgedError: the signature is wrong or old.
    """
    told = post.data()
    token = _signed(post, inner(told, "signature"))
    event = inner(told, "event-data")
    kind = _EVENTS.get((word(event, "event"), word(event, "severity")))
    return [_returned(event, kind, token)] if kind else []


def _signed(post: Post, signature: Any) -> str:
    """The token of a right signature."""
    moment, token, given = (word(signature, name) for name in ("timestamp", "token", "signature"))
    right = hmac.digest(post.secret.encode(), f"{moment}{token}".encode("utf-8", "replace"), sha256).hex()
    if not token or not hmac.compare_digest(given.encode("utf-8", "replace"), right.encode()):
        raise post.forged("the signature is wrong")
    try:
        post.check_fresh(datetime.fromtimestamp(int(moment), UTC))
    except (ValueError, OverflowError, OSError):
        raise post.forged("the signature's time is none") from None
    return token


def _returned(event: Any, kind: ReturnKind, token: str) -> Returned:
    status = inner(event, "delivery-status")
    said = " ".join(filter(None, (word(status, "code"), word(status, "message") or word(status, "description"))))
    judged, code = judge(word(status, "enhanced-code"), said)
    if kind is ReturnKind.HARD:
        # Permanent is what Mailgun tries no longer; a full mailbox or a blocked sender is that, too.
        kind = judged or ReturnKind.SOFT
    return Returned(
        kind=kind,
        echoes=marks([word(event, "user-variables", "mark")]),
        status=code,
        reason=clean(said),
        reporter="Mailgun",
        message_id=clean(word(event, "message", "headers", "message-id").replace("@", " at "), 200),
        once=token,
    )
