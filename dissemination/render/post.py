"""An item as one network carries it: title, summary, link and hashtags, fitted to the network's own counting.

What gives way, in this order, until the whole fits:

1. the hashtags made from `tags`, the last first: rather than a word of the text;
2. the summary: cut between words with an ellipsis, and left out where less than a stub would remain;
3. the hashtags that the item and the project ask for, then the partners that `mentions` lists, the last first;
4. the title: cut between words, never below a stub.

The link and the funding statement never give way; nothing is cut inside a link, a mention, a hashtag or a grapheme.
What settings or the front matter ask for and the network cannot carry is an error: nothing is left out in silence.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import regex

from dissemination.errors import RenderError
from dissemination.model import Limits, NewsItem, Picture, Post, Posting, PostOverride, PostPicture, Project, Site
from dissemination.model.naming import named, plain_names
from dissemination.render.counting import count, fits, over
from dissemination.render.hashtags import hashtag_places, hashtags
from dissemination.render.links import encoded, encoded_in, tagged
from dissemination.render.mentions import Mentions, mentions_of
from dissemination.render.post_pictures import PictureShow
from dissemination.render.shortening import shortened
from dissemination.render.threads import MOST_PARTS, split

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
    funding: str = ""
    mentions: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    def text(self) -> str:
        return _together(self.title, self.summary, self.tail())

    def tail(self) -> str:
        """What stands below the words."""
        return _together(self.link, self.funding, ", ".join(self.mentions), " ".join(self.tags))

    def closed(self, number: int) -> _Draft:
        """With that many of its mentions and hashtags."""
        kept = max(number - len(self.mentions), 0)
        return replace(self, mentions=self.mentions[:number], tags=self.tags[:kept])


@dataclass(frozen=True, kw_only=True, slots=True)
class _Frame:
    """What does not change while one post is fitted."""

    item: NewsItem
    network: str
    override: PostOverride
    posting: Posting
    project: Project
    #: What the words may take: the network's limits less the content warning.
    limits: Limits
    mentions: Mentions
    link: str
    funding: str
    #: What errors begin with: file and network.
    where: str

    def fits(self, text: str) -> bool:
        return fits(text, self.limits)

    def passage(self, text: str) -> str:
        """Words as the network gets them."""
        return encoded_in(self.mentions.spell(_cleaned(text)))

    def line(self, text: str) -> str:
        """The same on one line."""
        return " ".join(self.passage(text[:_LONGEST]).split())

    def plain(self, text: str) -> str:
        """One line that no handle stands in: what is read out, or stands on a card."""
        names = plain_names(self.project.partners, self.item.lang)
        return " ".join(_cleaned(named(text[:_LONGEST], names)).split())


def fit(  # noqa: PLR0913, PLR0917 - values of seven types: none can be taken for another
    item: NewsItem,
    network: str,
    limits: Limits,
    pictures: Mapping[str, Picture],
    project: Project,
    site: Site,
    posting: Posting = Posting(),  # noqa: B008 - frozen
) -> Post:
    """The item fitted to a network's own counting.

    `posts.<network>.text` of the front matter stands as it is written, with `posts.<network>.link` below it if that
    is given and not in it, and the funding statement where settings ask for it. `reply_chain` gives the further
    parts of a thread; `split` makes a thread of what is too long, with the link in its first part. Where a picture
    leaves less room than the text needs, the picture goes first with the title, and the text follows it.

    Args:
        item: read and resolved.
        network: "x", "mastodon": which of the item's `posts` applies.
        limits: what the network carries.
        pictures: absolute path of a picture's file -> the re-encoded picture.
        project: for its hashtags, partners and funding statement.
        site: for the address of the item's own page.
        posting: what settings say about the channel's posts.

    Raises:
        RenderError: it does not fit even at its shortest, the network does not carry what is asked for, a partner
            is unknown, the link is no web address, or a picture lacks its alternative text; the text names file,
            network, count and limit.
    """
    where = f"{item.path}: {network}"
    frame = _frame(item, network, limits, project, site, posting, where)
    shown = PictureShow(
        item=item, override=frame.override, limits=limits, pictures=pictures, spell=frame.plain, where=where
    ).shown()
    title, summary = (frame.line(words) for words in _raw(item))
    parts = _under_pictures(_parts(frame, title, summary), title, shown, frame)
    warning = frame.plain(frame.override.warning)
    first, *rest = (count(part, limits) + count(warning, limits) for part in parts)
    return Post(
        network=network,
        lang=item.lang,
        text=parts[0],
        length=first,
        limit=(limits.pictured_length if shown else 0) or limits.max_length,
        link=frame.link,
        title=frame.plain(item.title),
        summary=frame.plain(item.summary),
        pictures=shown,
        thread=tuple(parts[1:]),
        lengths=tuple(rest),
        warning=warning,
        mentions=frame.mentions.shown(parts),
    )


# ------------------------------------------------------------------------------------------ what is asked for


def _frame(  # noqa: PLR0913, PLR0917 - as for `fit`
    item: NewsItem, network: str, limits: Limits, project: Project, site: Site, posting: Posting, where: str
) -> _Frame:
    override = item.posts.get(network, PostOverride())
    _refuse(override, limits, network, where)
    words = (override.text, override.warning, override.alt, *override.reply_chain)
    alts = (image.alt for image in (item.image, *item.images) if image)
    mentions = mentions_of(
        texts=(*_raw(item), *words, *alts),
        listed=() if override.text else item.mentions,
        network=network,
        lang=item.lang,
        partners=project.partners,
        where=where,
    )
    frame = _Frame(
        item=item,
        network=network,
        override=override,
        posting=posting,
        project=project,
        limits=limits,
        mentions=mentions,
        link=_link(item, override, site, posting, where),
        funding=_funding(item, project, where) if posting.funding else "",
        where=where,
    )
    return replace(frame, limits=_less(limits, frame.plain(override.warning), where))


def _raw(item: NewsItem) -> tuple[str, str]:
    """Title and summary as they were written."""
    return item.raw.get("title", item.title), item.raw.get("summary", item.summary)


def _refuse(override: PostOverride, limits: Limits, network: str, where: str) -> None:
    """What a network does not have is said, not left out."""
    asked = "reply_chain" if override.reply_chain else "split" if override.split else ""
    if asked and not limits.threads:
        raise RenderError(
            f"{where}: posts.{network}.{asked}: {network} carries no threads here; write one text that fits"
        )
    if override.reply_chain and override.split:
        raise RenderError(f"{where}: posts.{network} has both reply_chain and split; delete one of them")
    if override.warning and not limits.warnings:
        raise RenderError(
            f"{where}: posts.{network}.warning: {network} has no content warnings; say it in the text"
        )


def _less(limits: Limits, warning: str, where: str) -> Limits:
    """What is left beside a content warning: Mastodon counts both together (status_length_validator.rb)."""
    taken = count(warning, limits) if warning else 0
    if limits.max_length and taken >= limits.max_length:
        raise RenderError(
            f"{where}: the warning alone has {taken:,} of {limits.max_length:,} characters; shorten it"
        )
    pictured = max(limits.pictured_length - taken, 1) if limits.pictured_length else 0
    return replace(limits, max_length=limits.max_length and limits.max_length - taken, pictured_length=pictured)


def _link(item: NewsItem, override: PostOverride, site: Site, posting: Posting, where: str) -> str:
    try:
        return encoded(tagged(override.link or item.canonical_url or site.page(item), posting.utm))
    except ValueError as error:
        field = "posts.*.link" if override.link else "canonical_url"
        raise RenderError(f"{where}: {field}: {error}; write the whole address") from error


def _funding(item: NewsItem, project: Project, where: str) -> str:
    statement = _cleaned(project.funding.statement.get(item.lang, ""))
    if not statement:
        raise RenderError(
            f"{where}: settings ask for the funding statement, and have none in `{item.lang}`; "
            f"add funding.statement.{item.lang}"
        )
    return " ".join(statement.split())


# ------------------------------------------------------------------------------------------ words and parts


def _parts(frame: _Frame, title: str, summary: str) -> list[str]:
    override = frame.override
    first = _given(frame) if override.text else _made(frame, title, summary)
    chain = (
        _checked(frame.passage(part), frame, f"reply_chain, part {number}")
        for number, part in enumerate(override.reply_chain, start=1)
    )
    return [*first, *chain]


def _given(frame: _Frame) -> Sequence[str]:
    """The author's own words, with link and funding statement below them unless they say so themselves."""
    override, text = frame.override, frame.passage(frame.override.text)
    link = frame.link if override.link and not _has_link(text, override.link, frame.link) else ""
    said = "\n".join((text, *override.reply_chain)).casefold()
    funding = "" if frame.funding.casefold() in said else frame.funding
    tail = _together(link, funding)
    whole = _together(text, tail)
    if override.split and len(whole) <= _LONGEST and not frame.fits(whole):
        return _thread(frame, text, tail, "text")
    return [_checked(whole if text else "", frame, "text")]


def _has_link(text: str, raw: str, link: str) -> bool:
    return any(address in text for address in (raw, encoded(raw), link))


def _made(frame: _Frame, title: str, summary: str) -> Sequence[str]:
    draft, every = _draft(frame, title, summary)
    for number in range(len(every), len(draft.tags) - 1, -1):
        text = replace(draft, tags=every[:number]).text()
        if frame.fits(text):
            return [text]
    closing = len(draft.mentions) + len(draft.tags)
    if frame.override.split:
        # The first part has room for words: what closes it takes no more than half.
        half = replace(frame.limits, max_length=frame.limits.max_length // 2)
        tails = (draft.closed(number).tail() for number in range(closing, 0, -1))
        tail = next((one for one in tails if fits(one, half)), draft.closed(0).tail())
        return _thread(frame, _together(title, summary), tail, "split")
    for number in range(closing, -1, -1):
        short = _summarised(draft.closed(number), frame).text()
        if frame.fits(short):
            return [short]
    return [_titled(draft.closed(0), frame)]


def _draft(frame: _Frame, title: str, summary: str) -> tuple[_Draft, tuple[str, ...]]:
    """The whole of it with the hashtags that are asked for, and all that there could be."""
    item, words = frame.item, f"{title}\n{summary}"
    asked = (*item.hashtags, *frame.project.hashtags) if frame.posting.hashtags else ()
    tags = item.tags if frame.posting.hashtags else ()
    there = {words[start:end].casefold() for start, end in hashtag_places(words)}

    def new(names: Sequence[str]) -> tuple[str, ...]:
        return tuple(tag for tag in hashtags(names) if tag.casefold() not in there)

    draft = _Draft(
        title=title,
        summary=summary,
        link=frame.link,
        funding=frame.funding,
        mentions=frame.mentions.listed(item.mentions, (title, summary)),
        tags=new(asked),
    )
    return draft, new((*asked, *tags))


def _summarised(draft: _Draft, frame: _Frame) -> _Draft:
    """With as much of the summary as fits; without one, where nothing of it does."""

    def goes(summary: str) -> bool:
        return frame.fits(replace(draft, summary=summary).text())

    return replace(draft, summary=shortened(draft.summary, goes, least=_STUB, names=frame.mentions.names))


def _titled(draft: _Draft, frame: _Frame) -> str:
    """Title, link and funding statement alone, with as much of the title as fits."""
    bare = replace(draft, summary="")

    def goes(title: str) -> bool:
        return frame.fits(replace(bare, title=title).text())

    title = shortened(bare.title, goes, least=_STUB, names=frame.mentions.names)
    if title:
        return replace(bare, title=title).text()
    raise RenderError(
        f"{frame.where}: title and link alone are {over(bare.text(), frame.limits)}, and the title cannot be cut "
        f"to fit; shorten `title`, or write the post's own words in `posts`"
    )


def _thread(frame: _Frame, text: str, tail: str, field: str) -> Sequence[str]:
    parts = split(text, frame.fits, tail=tail, names=frame.mentions.names)
    if not parts:
        raise RenderError(
            f"{frame.where}: posts.{frame.network}.{field}: cannot be split into at most {MOST_PARTS} parts that "
            f"fit; shorten it, or the addresses in it"
        )
    return parts


def _under_pictures(parts: list[str], title: str, shown: tuple[PostPicture, ...], frame: _Frame) -> list[str]:
    """The parts, with the title alone under the pictures where the text has no room there, as on Telegram."""
    limits = frame.limits
    under = replace(limits, max_length=limits.pictured_length)
    if not shown or not limits.pictured_length or fits(parts[0], under):
        return parts
    caption = shortened(title, lambda text: fits(text, under), names=frame.mentions.names)
    if not limits.threads or not caption:
        raise RenderError(
            f"{frame.where}: {over(parts[0], under)} under a picture; shorten it, or take the picture out"
        )
    return [caption, parts[0].removeprefix(f"{title}\n\n"), *parts[1:]]


def _checked(text: str, frame: _Frame, field: str) -> str:
    """The text, if the network takes it as it is."""
    where = f"{frame.where}: posts.{frame.network}.{field}"
    if not text:
        raise RenderError(f"{where}: is empty; write it or remove it")
    if len(text) > _LONGEST:
        raise RenderError(f"{where}: {len(text):,} characters; no network takes more than {_LONGEST:,}: shorten it")
    if excess := over(text, frame.limits):
        taken = " beside the content warning" if frame.override.warning else ""
        raise RenderError(f"{where}: {excess}{taken}; shorten it")
    return text


def _together(*parts: str) -> str:
    # An empty line between the parts: no network counts anything across it, so parts never melt together.
    return "\n\n".join(filter(None, parts))


def _cleaned(text: str) -> str:
    composed = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    return str(_UNWANTED.sub("", composed)).strip()
