"""The pictures of a post: the lead picture, or those that the front matter names for this network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dissemination.errors import RenderError
from dissemination.model import Image, Limits, NewsItem, Picture, PostOverride, PostPicture


@dataclass(frozen=True, kw_only=True, slots=True)
class PictureShow:
    """What decides which pictures a post shows, and with which words."""

    item: NewsItem
    override: PostOverride
    limits: Limits
    #: Absolute path of a picture's file -> the re-encoded picture.
    pictures: Mapping[str, Picture]
    #: Puts partners' names in place of their keys, on one line.
    spell: Callable[[str], str]
    #: What errors begin with.
    where: str

    def shown(self) -> tuple[PostPicture, ...]:
        """`posts.<network>.image` in place of the lead picture, then `posts.<network>.images`.

        Where the network carries none, none is shown.

        Raises:
            RenderError: too many, or one that is not there, has no alternative text, or has too long a one.
        """
        limits, images = self.limits, list(self._images())
        if limits.pictures and len(images) > limits.pictures:
            raise RenderError(
                f"{self.where}: {len(images)} pictures of {limits.pictures}; take some out of posts.*.images"
            )
        return tuple(self._shown(image, words) for image, words in images) if limits.pictures else ()

    def _images(self) -> Iterator[tuple[Image, str]]:
        """Each picture once, with the words that this network has for it."""
        item, override = self.item, self.override
        known = {image.src: image for image in (*reversed(item.images), item.image) if image}
        first = override.image or (item.image.src if item.image else "")
        for src in dict.fromkeys(filter(None, (first, *override.images))):
            image = known.get(src) or Image(src=src, file=Path(item.folder, src))
            yield image, override.alt if src == first else ""

    def _shown(self, image: Image, words: str) -> PostPicture:
        place = f"{self.where}: picture {image.src}" + (f" (line {image.line})" if image.line else "")
        picture = self.pictures.get(str(image.file))
        if picture is None:
            raise RenderError(f"{place}: there is no such picture; correct its path")
        alt, most = self.spell(words or ("" if image.decorative else image.alt)), self.limits.alt_length
        if not alt and not image.decorative:
            raise RenderError(f"{place}: has no alternative text; write what it shows in `alt`")
        if most and len(alt) > most:
            raise RenderError(
                f"{place}: its alternative text has {len(alt):,} of {most:,} characters; shorten `alt`"
            )
        return PostPicture(digest=picture.digest, alt=alt, decorative=not alt)
