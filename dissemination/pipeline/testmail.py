"""One real mail to look at, marked as a test and counted nowhere."""

from __future__ import annotations

from dissemination.errors import UnknownIdError, WrongUseError
from dissemination.files import digest_of
from dissemination.model import Happening, Letter, Mail, Message, Receipt
from dissemination.pipeline import content as codec
from dissemination.pipeline.compose import Composer, Proposal
from dissemination.pipeline.gather import read
from dissemination.pipeline.parts import Parts
from dissemination.pipeline.proof import MAIL


def send_test(parts: Parts, id_: str, to: str, lang: str = "") -> Receipt:
    """Send the edition, or the item as a flash, to one address.

    Args:
        parts: the house.
        id_: an edition's or an item's id.
        to: the address.
        lang: the language; "" for the project's.

    Raises:
        UnknownIdError: nothing has this id.
        WrongUseError: there is no mail channel.
        ChannelError: it did not go out.
    """
    if MAIL not in parts.channels:
        raise WrongUseError("send-test: settings.yaml has no channels.email; add it")
    letters = codec.letters(_proposal(parts, id_).render().body)
    letter = letters.get(lang) or letters[parts.project.default_lang]
    now = parts.clock.now()
    mail = Mail(
        letter=letter,
        digest=_digest(letter),
        address=to,
        # Links of nobody: a test mail must not be able to unsubscribe a person.
        values={"name": "", "email": to, **parts.tokens.links(0)},
        test=True,
        date=now,
    )
    key = f"test:{id_}:{now.isoformat()}"
    receipt = parts.channels[MAIL].send(Message(key=key, body=mail), key=key)
    # The log names no address: whoever asks to be erased need not be looked for there.
    parts.store.events.add(Happening(at=now, kind="test", subject=id_, channel=MAIL, detail="one mail to look at"))
    return receipt


def _digest(letter: Letter) -> str:
    return digest_of(codec.encode({letter.lang: letter}, ()).body)


def _proposal(parts: Parts, id_: str) -> Proposal:
    room = read(parts, mint=False)
    composer = Composer(parts, room, parts.store.publications.latest(), write=False)
    for proposal in composer.proposals():
        publication = proposal.publication
        if publication.channel == MAIL and id_ in {publication.subject, publication.subject.removeprefix("flash-")}:
            return proposal
    item = next((item for item in room.items if item.id == id_), None)
    if item is None:
        raise UnknownIdError(f"{id_}: no item or edition has this id; `disseminate plan` lists them")
    return composer.as_flash(item)
