"""A letter held up to the light before anybody may approve it."""

from __future__ import annotations

from dataclasses import dataclass, field

from dissemination.errors import ChannelError, RenderError
from dissemination.files import digest_of
from dissemination.model import Edition, Finding, Letter, Mail, Message
from dissemination.pipeline import content as codec
from dissemination.pipeline.parts import Parts
from dissemination.ports import Writes

MAIL = "email"
#: A reader who does not exist (RFC 2606).
_READER = "reader@example.org"


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """One letter of an edition with everything that is wrong with it."""

    edition: str
    lang: str
    #: The whole message to a reader who does not exist; empty where the channel cannot show it.
    raw: bytes = field(repr=False)
    findings: tuple[Finding, ...]


def proof(parts: Parts, edition: Edition, letter: Letter) -> Proof:
    """Check the letter, and the message that would carry it.

    Raises:
        RenderError: the channel would refuse the message.
    """
    channel = parts.channels[MAIL]
    raw = _written(parts, channel, edition, letter) if isinstance(channel, Writes) else b""
    found = parts.checks.letter(letter, raw, edition, parts.project)
    return Proof(edition=edition.id, lang=letter.lang, raw=raw, findings=tuple(found))


def _written(parts: Parts, channel: Writes, edition: Edition, letter: Letter) -> bytes:
    mail = Mail(
        letter=letter,
        digest=digest_of(codec.encode({letter.lang: letter}, ()).body),
        address=_READER,
        # Links of nobody, and as long as those of somebody.
        values={"name": "", "email": _READER, **parts.tokens.links(0)},
        date=edition.at or parts.clock.now(),
        list_id=next(iter(edition.audience.lists), ""),
    )
    try:
        return channel.written(Message(key=f"{edition.id}:check:{letter.lang}", body=mail))
    except ChannelError as error:
        raise RenderError(f"{edition.id} ({letter.lang}): {error}") from error
