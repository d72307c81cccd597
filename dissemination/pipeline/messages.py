"""Approved bytes as the message that a channel is given."""

from __future__ import annotations

from dissemination.model import Message, Publication
from dissemination.pipeline import content as codec
from dissemination.pipeline.parts import Parts


def post_message(parts: Parts, publication: Publication) -> Message:
    """The approved post; equal at every attempt, so that a repeat is the same message."""
    body = codec.post(parts.store.contents.body(publication.content))
    pictures = parts.store.contents.pictures(picture.digest for picture in body.pictures)
    return Message(key=publication.key, body=body, pictures=pictures)
