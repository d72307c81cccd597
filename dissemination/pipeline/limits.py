"""What a network takes may change, as its server says: what that means for a post that was approved."""

from __future__ import annotations

import hashlib

from dissemination.errors import StoreError
from dissemination.model import Carries, Publication
from dissemination.pipeline import content as codec
from dissemination.pipeline.parts import Parts


def fingerprint(parts: Parts, channel: str) -> str:
    """What stands at the end of a post's `source`; "" for mail and feeds, which no server limits."""
    limits = parts.channels[channel].limits
    if limits.carries is not Carries.POST:
        return ""
    return f" {hashlib.sha256(repr(limits).encode()).hexdigest()[:16]}"


def moved_alone(old: Publication, new: Publication) -> bool:
    """Whether nothing that a post is rendered from changed but the limits."""
    return old.source != new.source and old.source.partition(" ")[0] == new.source.partition(" ")[0]


def still_hold(parts: Parts, approved: Publication) -> bool:
    """Whether the very bytes that were approved go through as they are."""
    try:
        post = codec.post(parts.store.contents.body(approved.content))
    except StoreError:
        return False
    return parts.renderer.holds(post, parts.channels[approved.channel].limits)
