"""What is out is corrected: edited where the network can, and said what to do by hand elsewhere.

An edit is an approval: the very bytes that a person saw and confirmed go out, and they are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from dissemination.errors import ChannelError, DisseminationError
from dissemination.model import Content, Happening, Message, Part, Picture, Post, Publication, State
from dissemination.pipeline import content as codec
from dissemination.pipeline.messages import messages_of, receipt_of
from dissemination.pipeline.parts import Parts
from dissemination.pipeline.plan import Planned
from dissemination.pipeline.withdrawing import posts_of
from dissemination.ports import Edits


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One part that says something else now."""

    #: 1 for the first.
    number: int
    #: Where it stands; None: it is new.
    part: Part | None
    #: Its text now; "": it is no more.
    text: str = ""
    #: The whole of it, for the channel.
    message: Message | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Correction:
    """What is to change of one post that is out."""

    publication: Publication
    changes: tuple[Change, ...] = ()
    #: The channel edits it; else a person does.
    edits: bool = False
    #: Why it cannot be corrected; "": it can, or there is nothing to correct.
    refused: str = ""
    #: What is confirmed, and the fingerprint of what it was made from.
    content: Content | None = field(default=None, repr=False)
    source: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Corrected:
    """What became of one post."""

    publication: Publication
    #: Parts that were edited.
    edited: tuple[Part, ...] = ()
    #: What the network says of it: that it left the picture as it was, or cut the words.
    said: str = ""
    #: Why not all of them were: calling again goes on.
    failed: str = ""


def corrections(parts: Parts, ids: Sequence[str]) -> Sequence[Correction]:
    """What of these ids' posts that are out differs from what the news folder says now; nothing is changed.

    Raises:
        UnknownIdError: an id names nothing.
        WrongUseError: none of them has a post.
    """
    return [_correction(parts, line) for line in posts_of(parts, ids)]


def _correction(parts: Parts, line: Planned) -> Correction:
    post = line.publication
    if post.state is not State.PUBLISHED:
        said = post.state.value.replace("_", " ")
        return Correction(publication=post, refused=f"it is {said}; only what is out can be corrected")
    if parts.project.quorum > 1:
        why = f"{parts.project.quorum} people must approve what goes out, and a correction is confirmed by one"
        return Correction(publication=post, refused=f"{why}; `disseminate withdraw` takes it back")
    if line.proposal is None or line.proposal.hold:
        why = line.proposal.hold if line.proposal else "its file is gone"
        return Correction(publication=post, refused=f"{why}; to take it back, `disseminate withdraw`")
    try:
        content = line.proposal.render()
        before = codec.post(parts.store.contents.body(post.content))
    except DisseminationError as error:
        return Correction(publication=post, refused=str(error))
    changes = tuple(_changes(post, before, codec.post(content.body), content.pictures))
    same_parts = all(change.part and change.message for change in changes)
    return Correction(
        publication=post,
        changes=changes,
        edits=same_parts and isinstance(parts.channels.get(post.channel), Edits),
        content=content,
        source=line.proposal.publication.source,
    )


def _changes(post: Publication, before: Post, after: Post, pictures: Mapping[str, Picture]) -> Iterator[Change]:
    """Part by part; only those that readers see differ."""
    was, now = messages_of(post, before, {}), messages_of(post, after, pictures)
    for number in range(max(len(was), len(now), len(post.out))):
        part = post.out[number] if number < len(post.out) else None
        message = now[number] if number < len(now) else None
        old = was[number] if number < len(was) else None
        if message is None:
            yield Change(number=number + 1, part=part)
        elif part is None or old is None or _seen(old) != _seen(message):
            yield Change(
                number=number + 1, part=part, text=_seen(message).text, message=_hung(message, post, number)
            )


def _seen(message: Message) -> Post:
    """What readers see of it: how it was counted is no part of that."""
    assert isinstance(message.body, Post)  # noqa: S101 - for the type checker: they are made of posts
    return replace(message.body, length=0, limit=0)


def _hung(message: Message, post: Publication, number: int) -> Message:
    before = post.out[number - 1 : number] if number else ()
    return replace(message, in_reply_to=receipt_of(before[0])) if before else message


def correct(parts: Parts, wanted: Sequence[Correction], *, who: str) -> Sequence[Corrected]:
    """Edit what was looked at and confirmed, where the network can. Doing it again changes nothing.

    Args:
        parts: the house.
        wanted: as `corrections` gave them: these very bytes go out.
        who: the person who confirmed.
    """
    return [_correct(parts, one, one.content, who) for one in wanted if one.edits and one.changes and one.content]


def _correct(parts: Parts, wanted: Correction, content: Content, who: str) -> Corrected:
    post = wanted.publication
    channel: object = parts.channels.get(post.channel)
    # Kept before anything is said to the network: whatever happens now, what went out can be proved.
    parts.store.contents.keep(content, _line(parts, post, "confirmed", f"by {who}: {content.digest[:12]}"))
    edited: list[Part] = []
    details: dict[str, None] = {}
    for change in wanted.changes:
        if not isinstance(channel, Edits) or change.part is None or change.message is None:
            continue  # for the type checker: what a person must do is not offered as an edit
        try:
            receipt = channel.edit(receipt_of(change.part), change.message)
        except ChannelError as error:
            said = f"part {change.number}: {error}" if len(post.out) > 1 else str(error)
            parts.store.events.add(_line(parts, post, "not_corrected", said))
            return Corrected(publication=post, edited=tuple(edited), failed=said)
        part = Part(receipt.id or change.part.id, receipt.url or change.part.url)
        edited.append(part)
        details |= {receipt.detail: None} if receipt.detail else {}
        post = _stands(parts, post, change.number, part)
    bound = codec.bind(content, post.when, post.audience)
    fresh = replace(post, bound={**post.bound, **bound}, source=wanted.source)
    said = "; ".join(details)
    happening = _line(parts, post, "corrected", f"by {who}: {said}" if said else f"by {who}")
    if not parts.store.publications.approve(post, fresh, who=who, content=content, happening=happening):
        return Corrected(
            publication=post, edited=tuple(edited), failed="it changed this very moment; call it again"
        )
    return Corrected(publication=fresh, edited=tuple(edited), said=said)


def _stands(parts: Parts, post: Publication, number: int, part: Part) -> Publication:
    """With the proof that the edit gave, which may be another."""
    out = (*post.out[: number - 1], part, *post.out[number:])
    fresh = replace(post, parts=out, remote_id=out[0].id, remote_url=out[0].url)
    if fresh != post:
        parts.store.publications.sync((), [(post, fresh)])
    return fresh


def _line(parts: Parts, post: Publication, kind: str, detail: str) -> Happening:
    return Happening(at=parts.clock.now(), kind=kind, subject=post.subject, channel=post.channel, detail=detail)
