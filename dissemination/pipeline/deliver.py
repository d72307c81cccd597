"""The last arrow: one pass over everything that is due. A second pass, or a second process, sends nothing twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

from dissemination.errors import FencedError
from dissemination.model import Carries, DeliveryState, Happening, Publication, State
from dissemination.pipeline import outcome, timing
from dissemination.pipeline.feeds import publish_feeds
from dissemination.pipeline.gates import Gates
from dissemination.pipeline.mailing import send_edition
from dissemination.pipeline.parts import Parts
from dissemination.pipeline.posting import send_post
from dissemination.pipeline.reconcile import reconcile

#: What a pass tells of people who were not reached.
_TROUBLES = (DeliveryState.FAILED, DeliveryState.IN_DOUBT)


@dataclass(slots=True)
class Tally:
    """What one pass changed outside; counted by several threads."""

    mails: int = 0
    feeds: int = 0
    posts: int = 0
    #: Editions, posts and feeds that were tried, whatever came of it.
    tried: int = 0
    #: People, posts and feed entries that failed, and those in doubt that ask for a person.
    failed: int = 0
    in_doubt: int = 0
    #: The editions among whose people they are.
    editions: set[str] = field(default_factory=set)
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, **counts: int) -> None:
        """Count."""
        with self._turn:
            for name, count in counts.items():
                setattr(self, name, getattr(self, name) + count)

    def blame(self, edition: str, *, failed: int, in_doubt: int) -> None:
        """Count people of an edition who were not reached."""
        self.add(failed=failed, in_doubt=in_doubt)
        with self._turn:
            self.editions |= {edition} if failed or in_doubt else set()

    def move(self, to: Tally) -> None:
        """Hand over what was counted since the last call."""
        with self._turn:
            counts = {name: getattr(self, name) for name in _COUNTS}
            editions, self.editions = self.editions, set()
            for name in _COUNTS:
                setattr(self, name, 0)
        to.add(**counts)
        to.editions |= editions


_COUNTS = ("mails", "feeds", "posts", "tried", "failed", "in_doubt")


def deliver(parts: Parts, stop: threading.Event, beside: Tally | None = None) -> Tally:
    """Everything due: feeds first, then posts and mail whose gates are open.

    Args:
        parts: the house.
        stop: when set, nothing new starts, and what is in flight is settled.
        beside: editions go on beside the caller and count their mails here, so that a post need not wait until a
            hundred thousand letters are out; None: they are carried to their end.
    """
    tally = Tally()
    reconcile(parts)
    paused = parts.store.controls.paused()
    _pause_and_resume(parts, frozenset(paused))
    due = [p for p in parts.store.publications.due(parts.clock.now()) if p.channel in parts.channels]
    due = [p for p in due if not _too_late(parts, p) and not {"*", p.channel} & paused.keys()]
    due = timing.awake(parts, due)
    feeds = [p for p in due if parts.channels[p.channel].limits.carries is Carries.FILES]
    _publish_feeds(parts, feeds, tally)
    if not stop.is_set():
        open_ = _open(parts, [p for p in due if p not in feeds])
        _run(parts, _posts(parts, open_, stop, tally), _editions(parts, open_, stop, beside or tally), beside)
    return tally


def _publish_feeds(parts: Parts, feeds: Sequence[Publication], tally: Tally) -> None:
    tally.add(feeds=publish_feeds(parts, feeds), tried=len(feeds))
    for feed in feeds:
        _count_state(tally, parts.store.publications.get(feed.key))


def _count_state(tally: Tally, publication: Publication | None) -> None:
    state = publication.state if publication else None
    tally.add(failed=int(state is State.FAILED), in_doubt=int(state is State.IN_DOUBT))


_Job = Callable[[], None]


def _run(parts: Parts, posts: Sequence[_Job], editions: Mapping[str, _Job], beside: Tally | None) -> None:
    if beside is None:
        parts.engine.run([*posts, *editions.values()])
        return
    for key, job in editions.items():
        parts.engine.beside(key, job)
    parts.engine.run(posts)


def _open(parts: Parts, due: Sequence[Publication]) -> Sequence[Publication]:
    gates = Gates(parts)
    return [publication for publication in due if not _held(parts, publication, gates)]


def _posts(parts: Parts, due: Sequence[Publication], stop: threading.Event, tally: Tally) -> Sequence[_Job]:
    return [
        partial(_send_posts, parts, [p for p in due if p.channel == channel], stop, tally)
        for channel in sorted({p.channel for p in due if p.kind == "item"})
    ]


def _editions(parts: Parts, due: Sequence[Publication], stop: threading.Event, tally: Tally) -> Mapping[str, _Job]:
    for edition in (p for p in due if p.kind == "edition"):
        parts.store.publications.claim(edition.key, parts.owner, parts.rules.lease)
    now = parts.clock.now()
    return {
        p.key: partial(_send_edition, parts, p, stop, tally)
        for p in parts.store.publications.in_state(State.SENDING)
        if p.kind == "edition" and p.channel in parts.channels and (p.not_before is None or p.not_before <= now)
    }


def _send_edition(parts: Parts, edition: Publication, stop: threading.Event, tally: Tally) -> None:
    deliveries = parts.store.deliveries
    if deliveries.unfinished(edition.key) and not deliveries.workable(edition.key):
        tally.add(mails=send_edition(parts, edition, stop))  # nobody may be tried now: there is nothing to compare
        return
    before = deliveries.counts(edition.key)
    tally.add(mails=send_edition(parts, edition, stop), tried=1)
    after = deliveries.counts(edition.key)
    failed, in_doubt = (max(0, after.get(s, 0) - before.get(s, 0)) for s in _TROUBLES)
    tally.blame(edition.subject, failed=failed, in_doubt=in_doubt)


def _send_posts(parts: Parts, due: Sequence[Publication], stop: threading.Event, tally: Tally) -> None:
    """The posts of one network, one after the other: two at once from one account help nobody."""
    for publication in due:
        if stop.is_set():
            return
        claimed = timing.begin(parts, publication)
        if claimed is not None:
            sent = _send_post(parts, claimed, stop)
            timing.settled(parts, claimed, sent)
            tally.add(posts=int(sent.state is State.PUBLISHED), tried=1)
            _count_state(tally, sent)


def _send_post(parts: Parts, claimed: Publication, stop: threading.Event) -> Publication:
    try:
        result = send_post(parts, claimed, stop)
    except FencedError:
        return claimed
    settle(parts, claimed, result)
    return result.publication


def settle(parts: Parts, claimed: Publication, result: outcome.Outcome) -> None:
    """Commit an outcome; a claim that was taken over keeps the truth in the log."""
    if result.pause:
        parts.store.controls.pause(claimed.channel, who="dissemination", reason=result.pause, kind="paused")
    if result.closed_until:
        timing.close(parts, claimed.channel, result.closed_until)
    try:
        parts.store.publications.settle(claimed, result.publication, [result.happening])
    except FencedError:
        return


def _too_late(parts: Parts, publication: Publication) -> bool:
    """What could not start in time asks the officer. What had started is carried to its end."""
    if publication.attempts or publication.parts or publication.late or publication.due_at is None:
        return False
    now = parts.clock.now()
    if publication.due_at + timedelta(seconds=publication.grace) >= now:
        return False
    reason = publication.reason or "its time passed while nothing could be sent"
    fresh = replace(
        publication,
        state=State.MISSED,
        due_at=None,
        approved_by=(),
        reason=f"{reason}; approve it again to send it now, or cancel it",
    )
    happening = Happening(
        at=now, kind="missed", subject=publication.subject, channel=publication.channel, detail=fresh.reason
    )
    parts.store.publications.sync((), [(publication, fresh)], [happening])
    return True


def _held(parts: Parts, publication: Publication, gates: Gates) -> bool:
    reason = gates.held(publication)
    if reason != publication.reason and (reason or not publication.not_before):
        parts.store.publications.sync((), [(publication, replace(publication, reason=reason))])
    return bool(reason)


def _pause_and_resume(parts: Parts, paused: frozenset[str]) -> None:
    """Editions under way show whether they are paused; the window check is what really stops them."""
    for edition in parts.store.publications.in_state(State.SENDING, State.PAUSED):
        if edition.kind != "edition":
            continue
        state = State.PAUSED if {"*", edition.channel} & paused else State.SENDING
        if state is not edition.state:
            parts.store.publications.sync((), [(edition, replace(edition, state=state))])
