"""An item as one network carries it: title, summary, link and hashtags, fitted to the network's own counting.

What gives way, in this order, until the whole fits:

1. the hashtags made from `tags`, the last first: rather than a word of the text;
2. the summary: cut between words with an ellipsis, and left out where less than a stub would remain;
3. the hashtags that the item and the project ask for, the last first;
4. the title: cut between words, never below a stub.

The link never gives way; nothing is cut inside a link, a mention, a hashtag or a grapheme.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import regex

from dissemination.errors import RenderError
from dissemination.model import Image, Limits, NewsItem, Picture, Post, PostOverride, PostPicture, Project, Site
from dissemination.render.counting import count, fits, over
from dissemination.render.hashtags import hashtags
from dissemination.render.links import encoded
from dissemination.render.shortening import shortened

#: Fewer characters of a title or a summary are not worth reading.
_STUB = 20
#: No network takes more; what lies behind is not looked at.
_LONGEST = 20_000
# X refuses the last three; surrogates come from JSON escapes.
_UNWANTED = regex.compile(r"[^\P{Cc}\n\t]|\p{Cs}|[\uFEFF\uFFFE\uFFFF]")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Draft:
    """The parts of a text before they are put together."""

    title: str
    summary: str
    link: str
    tags: tuple[str, ...]

    def text(self) -> str:
        # An empty line between the parts: no network counts anything across it, so parts never melt together.
        return "\n\n".join(part for part in (self.title, self.summary, self.link, " ".join(self.tags)) if part)


def fit(  # noqa: PLR0913, PLR0917 - six values of six types: none can be taken for another
    item: NewsItem, network: str, limits: Limits, pictures: Mapping[str, Picture], project: Project, site: Site
) -> Post:
    """The item fitted to a network's own counting.

    `posts.<network>.text` of the front matter stands as it is written, with `posts.<network>.link` below it if that
    is given and not in it; `reply_chain` gives the further parts of a thread.

    Args:
        item: read and resolved.
        network: "x", "mastodon": which of the item's `posts` applies.
        limits: what the network carries.
        pictures: absolute path of a picture's file -> the re-encoded picture.
        project: for its hashtags.
        site: for the address of the item's own page.

    Raises:
        RenderError: it does not fit even at its shortest, the link is no web address, or the picture lacks its
            alternative text; the text names file, network, count and limit.
    """
    where = f"{item.path}: {network}"
    override = item.posts.get(network, PostOverride())
    link = _link(item, override, site, where)
    title, summary = (_one_line(text[:_LONGEST]) for text in (item.title, item.summary))
    if override.text:
        text = _given(override, link, limits, f"{where}: posts.{network}.text")
    else:
        text = _composed(_Draft(title=title, summary=summary, link=link, tags=()), item, limits, project, where)
    return Post(
        network=network,
        lang=item.lang,
        text=text,
        length=count(text, limits),
        limit=limits.max_length,
        link=link,
        title=title,
        summary=summary,
        pictures=_pictures(item, override, limits, pictures, where),
        thread=tuple(
            _checked(_cleaned(part), limits, f"{where}: posts.{network}.reply_chain, part {number}")
            for number, part in enumerate(override.reply_chain, start=1)
        ),
    )


def _link(item: NewsItem, override: PostOverride, site: Site, where: str) -> str:
    try:
        return encoded(override.link or item.canonical_url or site.page(item))
    except ValueError as error:
        field = "posts.*.link" if override.link else "canonical_url"
        raise RenderError(f"{where}: {field}: {error}; write the whole address") from error


def _given(override: PostOverride, link: str, limits: Limits, where: str) -> str:
    text = _cleaned(override.text)
    if override.link and link not in text and override.link not in text:
        text = f"{text}\n\n{link}"
    return _checked(text, limits, where)


def _checked(text: str, limits: Limits, where: str) -> str:
    """The text, if the network takes it as it is."""
    if not text:
        raise RenderError(f"{where}: is empty; write it or remove it")
    if len(text) > _LONGEST:
        raise RenderError(f"{where}: {len(text):,} characters; no network takes more than {_LONGEST:,}: shorten it")
    if excess := over(text, limits):
        raise RenderError(f"{where}: {excess}; shorten it")
    return text


def _composed(draft: _Draft, item: NewsItem, limits: Limits, project: Project, where: str) -> str:
    wanted = hashtags((*item.hashtags, *project.hashtags))
    every = hashtags((*item.hashtags, *project.hashtags, *item.tags))
    for number in range(len(every), len(wanted) - 1, -1):
        text = replace(draft, tags=every[:number]).text()
        if fits(text, limits):
            return text
    for number in range(len(wanted), -1, -1):
        short = _summarised(replace(draft, tags=wanted[:number]), limits).text()
        if fits(short, limits):
            return short
    return _titled(draft, limits, where)


def _summarised(draft: _Draft, limits: Limits) -> _Draft:
    """With as much of the summary as fits; without one, where nothing of it does."""

    def goes(summary: str) -> bool:
        return fits(replace(draft, summary=summary).text(), limits)

    return replace(draft, summary=shortened(draft.summary, goes, least=_STUB))


def _titled(draft: _Draft, limits: Limits, where: str) -> str:
    """Title and link alone, with as much of the title as fits."""
    bare = replace(draft, summary="", tags=())

    def goes(title: str) -> bool:
        return fits(replace(bare, title=title).text(), limits)

    title = shortened(bare.title, goes, least=_STUB)
    if title:
        return replace(bare, title=title).text()
    raise RenderError(
        f"{where}: title and link alone are {over(bare.text(), limits)}, and the title cannot be cut to fit; "
        f"shorten `title`, or write the post's own words in `posts`"
    )


def _pictures(
    item: NewsItem, override: PostOverride, limits: Limits, pictures: Mapping[str, Picture], where: str
) -> tuple[PostPicture, ...]:
    """The lead picture, where the network carries any."""
    image = _image(item, override)
    if image is None or limits.pictures < 1:
        return ()
    place = f"{where}: picture {image.src}" + (f" (line {image.line})" if image.line else "")
    picture = pictures.get(str(image.file))
    if picture is None:
        raise RenderError(f"{place}: there is no such picture; correct its path")
    alt = _one_line(override.alt or image.alt)
    if not alt and not image.decorative:
        raise RenderError(f"{place}: has no alternative text; write what it shows in `alt`")
    if limits.alt_length and len(alt) > limits.alt_length:
        raise RenderError(
            f"{place}: its alternative text has {len(alt):,} of {limits.alt_length:,} characters; shorten `alt`"
        )
    return (PostPicture(digest=picture.digest, alt=alt),)


def _image(item: NewsItem, override: PostOverride) -> Image | None:
    if not override.image:
        return item.image
    known = (*filter(None, [item.image]), *item.images)
    fresh = Image(src=override.image, file=Path(item.folder, override.image))
    return next((image for image in known if image.src == override.image), fresh)


def _one_line(text: str) -> str:
    return " ".join(_cleaned(text).split())


def _cleaned(text: str) -> str:
    composed = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    return str(_UNWANTED.sub("", composed)).strip()
