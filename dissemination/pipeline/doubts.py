"""A person decides what became of a post that is in doubt."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from urllib.parse import unquote, urlsplit

from dissemination.errors import StoreError, WrongUseError
from dissemination.model import Happening, Publication, Receipt, State
from dissemination.pipeline import outcome
from dissemination.pipeline.approve import Verdict, named
from dissemination.pipeline.messages import place, post_messages
from dissemination.pipeline.parts import Parts
from dissemination.pipeline.plan import plan
from dissemination.ports import SendsThreads


class Decision(StrEnum):
    """What became of it, and what follows."""

    PUBLISHED = "published"  # it is out: what is left of a thread follows
    RETRY = "retry"  # it is not: it is sent again
    DROP = "drop"  # whatever became of it, nothing more is sent


def resolve(parts: Parts, id_: str, decision: Decision, *, url: str = "", who: str) -> Sequence[Verdict]:
    """Decide of the posts of this id that are in doubt.

    Args:
        parts: the house.
        id_: an item, item:channel, or a publication's key.
        decision: what became of them.
        url: where it is, for PUBLISHED.
        who: the officer.

    Raises:
        UnknownIdError: the id names nothing.
        WrongUseError: nothing of it is in doubt; or an address was given for several, or is none.
    """
    doubtful = [line.publication for line in named(plan(parts), [id_]) if _is_doubtful(line.publication)]
    if not doubtful:
        raise WrongUseError(
            f"{id_}: no post of it is in doubt; people of an edition have `disseminate edition resolve`"
        )
    if decision is Decision.PUBLISHED:
        _check(url, doubtful)
    return [_resolve(parts, post, decision, url, who) for post in doubtful]


def _is_doubtful(publication: Publication) -> bool:
    return publication.kind == "item" and publication.state is State.IN_DOUBT


def _check(url: str, doubtful: Sequence[Publication]) -> None:
    if len(doubtful) > 1:
        names = ", ".join(f"{post.subject}:{post.channel}" for post in doubtful)
        raise WrongUseError(f"--published: several posts are in doubt; name one of {names}")
    try:
        address = urlsplit(url)
        known = address.scheme in {"http", "https"} and address.hostname and _id_in(url)
    except ValueError:
        known = ""
    if not known:
        raise WrongUseError(f"--published: {url!r} is no address of a post; copy it from the browser")


def _resolve(parts: Parts, post: Publication, decision: Decision, url: str, who: str) -> Verdict:
    count = _count(parts, post)
    fresh = _decided(parts, post, decision, url, who, count)
    said = ": ".join(filter(None, (place(post, count), decision.value, url)))
    happening = Happening(
        at=parts.clock.now(),
        kind="resolved",
        subject=post.subject,
        channel=post.channel,
        detail=f"by {who}: {said}",
    )
    done = parts.store.publications.conclude(post, fresh, [happening])
    return Verdict(publication=fresh if done else post, refused="" if done else "it was settled this very moment")


def _decided(  # noqa: PLR0913, PLR0917 - six values of six types
    parts: Parts, post: Publication, decision: Decision, url: str, who: str, count: int
) -> Publication:
    # However late it is by now, what follows is due at once.
    due = replace(
        post, state=State.SCHEDULED, due_at=parts.clock.now(), late=True, attempts=0, not_before=None, reason=""
    )
    if decision is Decision.RETRY:
        return due
    if decision is Decision.DROP:
        reason = f"given up by {who}; whether {place(post, count) or 'it'} went out is in doubt"
        return replace(due, state=State.WITHDRAWN, due_at=None, late=False, approved_by=(), reason=reason)
    receipt = Receipt(id=_id_in(url), url=url)
    at_once = isinstance(parts.channels.get(post.channel), SendsThreads) and not post.parts
    found = outcome.posted(parts, due, [receipt], count=1 if at_once else count, detail=f"seen by {who}")
    return found.publication


def _count(parts: Parts, post: Publication) -> int:
    try:
        return len(post_messages(parts, post))
    except StoreError:  # what was to follow is lost with it
        return len(post.parts) + 1


#: What X, and some servers of Mastodon's API, write behind it: the number of a picture in the post.
_STATUS = re.compile(r"/status(?:es)?/(\w+)")


def _id_in(url: str) -> str:
    """A post's address ends with its id: x.com/i/status/ID, HOST/@NAME/ID, t.me/NAME/ID, update/urn:li:share:ID."""
    path = urlsplit(url).path
    named = _STATUS.search(path)
    return named[1] if named else unquote(path.rstrip("/").rpartition("/")[2])
