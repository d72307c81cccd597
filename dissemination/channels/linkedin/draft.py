"""A message as LinkedIn is to be given it; what LinkedIn cannot carry is refused here, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

from dissemination.channels.linkedin.little import RESERVED, little, plain, units
from dissemination.channels.linkedin.seen import Seen
from dissemination.model import Limits, Message, Picture, Post

#: https://learn.microsoft.com/en-us/linkedin/marketing/community-management/shares/images-api
_FORMATS = ("image/jpeg", "image/png", "image/gif")
_MOST_PIXELS = 36_152_320
#: Characters of a card's title, and of its description.
_TITLE, _DESCRIPTION = 400, 4086
#: Characters; a text that LinkedIn finds too long ends behind them.
_NEARLY_ALL = 2900


@dataclass(frozen=True, kw_only=True, slots=True)
class Uploaded:
    """A picture on LinkedIn's side."""

    urn: str
    alt: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """One post, checked."""

    post: Post
    #: Its words in LinkedIn's format.
    commentary: str
    #: What readers will see of them, as `Seen.text` has it.
    text: str
    #: What is to be uploaded, with its alternative text.
    pictures: tuple[tuple[Picture, str], ...]
    #: Whether a card of the link goes with it, not the pictures.
    card: bool

    @classmethod
    def of(cls, message: Message, attach: str, limits: Limits) -> Self:
        """Of a message.

        Args:
            message: to be posted.
            attach: "card": a card of the link where there is one, with the first picture on it.
            limits: of the channel.

        Raises:
            ValueError: LinkedIn cannot carry it; the text says why, and what to do.
        """
        post = message.body
        if not isinstance(post, Post):
            raise ValueError("takes posts only; plan mail and files for another channel")  # noqa: TRY004 - as all else
        commentary = little(post.text, post.mentions)
        card = attach == "card" and bool(post.link and post.title)
        shown = post.pictures[:1] if card else post.pictures
        lacking = [picture.digest for picture in shown if picture.digest not in message.pictures]
        pictures = tuple((message.pictures[one.digest], one.alt) for one in shown if one.digest not in lacking)
        draft = cls(post=post, commentary=commentary, text=plain(commentary), pictures=pictures, card=card)
        problems = [
            *(["a picture is not there; plan it anew"] if lacking else []),
            *draft._problems(message, limits),
        ]
        if problems:
            raise ValueError(problems[0])
        return draft

    def _problems(self, message: Message, limits: Limits) -> Iterator[str]:
        post = self.post
        if post.thread or message.in_reply_to:
            yield "carries no threads; plan the post in one part"
        if post.warning:
            yield "has no content warnings; take `warning` out, or write it into the text"
        for length, what in ((units(post.text), ""), (units(self.commentary), " with LinkedIn's escapes")):
            if length > limits.max_length:
                yield f"{length:,} of {limits.max_length:,} characters{what}; shorten the text"
        if len(post.pictures) > limits.pictures:
            yield f"{len(post.pictures)} of {limits.pictures} pictures; leave some out"
        yield from self._picture_problems(limits)
        if self.card and (len(post.title) >= _TITLE or len(post.summary) >= _DESCRIPTION):
            yield f"a card takes less than {_TITLE} characters of title, {_DESCRIPTION} of summary; shorten them"

    def _picture_problems(self, limits: Limits) -> Iterator[str]:
        for picture, alt in self.pictures:
            if picture.media_type not in _FORMATS:
                yield f"takes no {picture.media_type}; use JPEG or PNG"
            if picture.width * picture.height >= _MOST_PIXELS or len(picture.body) > limits.picture_bytes:
                yield "a picture is too large; use a smaller one"
            if len(alt) > limits.alt_length:
                yield f"an alternative text has {len(alt):,} of {limits.alt_length:,} characters; shorten `alt`"

    def body(self, author: str, pictures: Sequence[Uploaded]) -> dict[str, Any]:
        """What is posted."""
        content = self._card(pictures) if self.card else _shown(pictures)
        return {
            "author": author,
            "commentary": self.commentary,
            "visibility": "PUBLIC",
            "distribution": {
                "feedDistribution": "MAIN_FEED",
                "targetEntities": [],
                "thirdPartyDistributionChannels": [],
            },
            **({"content": content} if content else {}),
            "lifecycleState": "PUBLISHED",
            "isReshareDisabledByAuthor": False,
        }

    def _card(self, pictures: Sequence[Uploaded]) -> dict[str, Any]:
        """LinkedIn fetches nothing from the link: a card shows what it is given."""
        article = {"source": self.post.link, "title": self.post.title, "description": self.post.summary}
        for picture in pictures:
            article |= {"thumbnail": picture.urn, "thumbnailAltText": picture.alt}
        return {"article": {name: value for name, value in article.items() if value}}

    def same(self, seen: Seen) -> bool:
        """Whether a post says what this one says."""
        return seen.text == self.text

    def begins(self, seen: Seen) -> bool:
        """Whether a post says the beginning alone, and ends where LinkedIn cuts: it may be this one."""
        rest = self.text.removeprefix(seen.text).lstrip()
        if not seen.text or not rest or not self.text.startswith(seen.text):
            return False
        names = tuple(mention.text for mention in self.post.mentions)
        return rest[0] in RESERVED or rest.startswith(names) or len(seen.text) > _NEARLY_ALL


def _shown(pictures: Sequence[Uploaded]) -> dict[str, Any]:
    images = [{"id": one.urn, **({"altText": one.alt} if one.alt else {})} for one in pictures]
    if len(images) > 1:
        return {"multiImage": {"images": images}}
    return {"media": images[0]} if images else {}
