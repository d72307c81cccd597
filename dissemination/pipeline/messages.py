"""Approved bytes as the messages that a channel is given: one for each part of a thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from dissemination.model import Message, Part, Picture, Post, Publication, Receipt
from dissemination.pipeline import content as codec
from dissemination.pipeline.parts import Parts


def post_messages(parts: Parts, publication: Publication) -> Sequence[Message]:
    """The approved post, part by part; equal at every attempt, so that a repeat is the same message.

    Raises:
        StoreError: what was approved is not there, or not as it was.
    """
    body = codec.post(parts.store.contents.body(publication.content))
    pictures = parts.store.contents.pictures(picture.digest for picture in body.pictures)
    return messages_of(publication, body, pictures)


def messages_of(publication: Publication, post: Post, pictures: Mapping[str, Picture]) -> Sequence[Message]:
    """Link card and pictures go with the first part."""
    alone = replace(post, thread=(), lengths=())
    bare = replace(alone, link="", title="", summary="", pictures=())
    first = Message(key=publication.key, body=alone, pictures=pictures, at=publication.published_at)
    lengths = post.lengths or (0,) * len(post.thread)  # what was approved long ago was not counted part by part
    further = [
        Message(
            key=f"{publication.key}/{number}",
            body=replace(bare, text=text, length=length),
            at=publication.published_at,
        )
        for number, (text, length) in enumerate(zip(post.thread, lengths, strict=True), start=2)
    ]
    return (first, *further)


def next_message(messages: Sequence[Message], out: Sequence[Part]) -> Message:
    """The first part that is not out yet, hung under the one before it."""
    message = messages[len(out)]
    return replace(message, in_reply_to=receipt_of(out[-1])) if out else message


def receipt_of(part: Part) -> Receipt:
    """The proof of a part, as its channel gave it."""
    return Receipt(id=part.id, url=part.url)


def place(publication: Publication, count: int) -> str:
    """Which part comes next, "part 3 of 5"; "" where there is but one.

    Args:
        publication: with the parts that are out.
        count: how many parts there are.
    """
    return f"part {len(publication.parts) + 1} of {count}" if count > 1 else ""
