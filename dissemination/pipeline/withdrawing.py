"""A post is taken back: nothing more of it goes out, and what is out is deleted where the network can."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from dissemination.errors import ChannelError, WrongUseError
from dissemination.model import Carries, Happening, Part, Publication, State
from dissemination.pipeline import content as codec
from dissemination.pipeline.approve import named
from dissemination.pipeline.messages import receipt_of
from dissemination.pipeline.parts import Parts
from dissemination.pipeline.plan import Planned, plan
from dissemination.ports import Deletes


@dataclass(frozen=True, kw_only=True, slots=True)
class Withdrawal:
    """What became of one post. What is still out is `publication.out`."""

    publication: Publication
    #: Deleted just now, the last part first.
    deleted: tuple[Part, ...] = ()
    #: Why something is still out that can be deleted: calling again goes on.
    failed: str = ""
    #: Why nothing was done at all.
    refused: str = ""


def withdraw(parts: Parts, ids: Sequence[str], *, who: str) -> Sequence[Withdrawal]:
    """Take back the posts of these ids. Doing it again goes on where it stopped, and changes nothing in the end.

    Args:
        parts: the house.
        ids: items, item:channel, or keys of publications.
        who: the officer.

    Raises:
        UnknownIdError: an id names nothing.
        WrongUseError: none of them has a post.
    """
    posts = [line.publication for line in posts_of(parts, ids)]
    return [_withdraw(parts, post, who) for post in (*posts, *_others(parts, posts))]


def posts_of(parts: Parts, ids: Sequence[str]) -> Sequence[Planned]:
    """The lines of the plan that these ids name and that are posts.

    Raises:
        UnknownIdError: an id names nothing.
        WrongUseError: none of them has a post.
    """
    found = [line for line in named(plan(parts), ids) if _is_post(parts, line.publication)]
    if not found:
        raise WrongUseError(
            f"{', '.join(ids)}: no post; mails cannot be taken back, and feeds follow the item's file "
            "(`status: withdrawn`, or what you change in it)"
        )
    return found


def still_told(parts: Parts, seen: Sequence[Withdrawal]) -> Sequence[str]:
    """Of these items, those that feeds and their pages still tell: their files decide that."""
    subjects = {one.publication.subject for one in seen}
    live = [entry for entry in parts.store.publications.live() if entry.item in subjects]
    return [one.item for one in live if not codec.entry(parts.store.contents.body(one.content)).withdrawn]


def _is_post(parts: Parts, publication: Publication) -> bool:
    """Whether it is for a network; also of a channel that was switched off, where it was sent."""
    channel = parts.channels.get(publication.channel)
    carries = channel.limits.carries if channel else None
    return publication.kind == "item" and (carries is Carries.POST or (carries is None and bool(publication.out)))


def _others(parts: Parts, posts: Sequence[Publication]) -> Iterator[Publication]:
    """What else there is: older revisions that are out, and the item shared again under an id of its own."""
    names, keys = {(post.subject, post.channel) for post in posts}, {post.key for post in posts}
    subjects = {post.subject for post in posts}
    for row in parts.store.publications.in_state(*State):
        older = (row.subject, row.channel) in names and bool(row.out)
        again = row.subject not in subjects and any((item, row.channel) in names for item in row.items)
        if row.kind == "item" and row.key not in keys and (older or again):
            yield row


def _withdraw(parts: Parts, post: Publication, who: str) -> Withdrawal:
    if post.state is State.SENDING:
        return Withdrawal(publication=post, refused="it is going out this very moment; call it again in a minute")
    stopped = _stopped(parts, post, who)
    if stopped is None:
        return Withdrawal(publication=post, refused="it changed this very moment; call it again")
    channel: object = parts.channels.get(post.channel)
    if not isinstance(channel, Deletes):
        return Withdrawal(publication=stopped)
    return _delete(parts, channel, stopped)


def _stopped(parts: Parts, post: Publication, who: str) -> Publication | None:
    """Nothing more of it goes out: written down before anything is deleted. None: it is not as it was read."""
    if post.state is State.WITHDRAWN:
        return post
    doubt = f"; whether {_next(post)} went out is in doubt" if post.state is State.IN_DOUBT else ""
    fresh = replace(
        post,
        state=State.WITHDRAWN,
        parts=post.out,
        approved_by=(),
        due_at=None,
        not_before=None,
        late=False,
        reason=f"by {who}{doubt}",
    )
    done = parts.store.publications.conclude(post, fresh, [_line(parts, post, "withdrawn", fresh.reason)])
    return fresh if done else None


def _next(post: Publication) -> str:
    return f"part {len(post.parts) + 1}" if post.parts else "it"


def _delete(parts: Parts, channel: Deletes, post: Publication) -> Withdrawal:
    """The last part first: what is left is still a thread that reads well."""
    deleted: list[Part] = []
    for part in reversed(post.out):
        try:
            channel.delete(receipt_of(part))
        except ChannelError as error:
            line = _line(parts, post, "not_deleted", f"{_named(part)}: {error}")
            parts.store.events.add(line)
            return Withdrawal(publication=post, deleted=tuple(deleted), failed=str(error))
        left = post.out[:-1]
        first = left[0] if left else Part("")
        fresh = replace(post, parts=left, remote_id=first.id, remote_url=first.url)
        parts.store.publications.conclude(post, fresh, [_line(parts, post, "deleted", _named(part))])
        deleted.append(part)
        post = fresh
    return Withdrawal(publication=post, deleted=tuple(deleted))


def _named(part: Part) -> str:
    return part.url or part.id or "without an address"


def _line(parts: Parts, post: Publication, kind: str, detail: str) -> Happening:
    return Happening(at=parts.clock.now(), kind=kind, subject=post.subject, channel=post.channel, detail=detail)
