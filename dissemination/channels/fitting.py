"""What a post must be for a channel to carry it: looked at before anything leaves, never cut."""

from __future__ import annotations

from collections.abc import Iterator

from dissemination.errors import RejectedError
from dissemination.model import Limits, Message, Post


def fitting(name: str, message: Message, limits: Limits) -> Post:
    """The message's post, if the channel `name` can carry it.

    Raises:
        RejectedError: it is no post, or does not fit into `limits`; the text says what to do.
    """
    post = message.body
    if not isinstance(post, Post):
        raise RejectedError(f"{name}: takes posts only; plan mail and files for another channel")
    for fault in _faults(post, limits, message):
        raise RejectedError(f"{name}: the post {fault}")
    return post


def _faults(post: Post, limits: Limits, message: Message) -> Iterator[str]:
    """What the network would not carry, and what to do."""
    if 0 < limits.max_length < post.length:
        yield f"has {post.length} of {limits.max_length} {limits.units}; shorten the text"
    if 0 < limits.max_bytes < len(post.text.encode(errors="replace")):
        yield f"has more than {limits.max_bytes} bytes; shorten the text"
    if limits.pictures < len(post.pictures):
        yield f"shows {len(post.pictures)} pictures of {limits.pictures}; take some out"
    if any(0 < limits.alt_length < len(one.alt) for one in post.pictures):
        yield f"describes a picture in more than {limits.alt_length} characters; shorten it"
    if any(one.digest not in message.pictures for one in post.pictures):
        yield "names a picture that is not there; plan it anew"
    if any(0 < limits.picture_bytes < len(picture.body) for picture in message.pictures.values()):
        yield f"has a picture of more than {limits.picture_bytes:,} bytes; make it smaller"
