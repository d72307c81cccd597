"""Rules on dates and times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from dissemination.checks.findings import E, N, On, Rule, W
from dissemination.model import Finding, ItemStatus, ItemType, NewsItem, Project

#: What is not meant to go out needs no date yet.
_UNFINISHED = frozenset({ItemStatus.DRAFT, ItemStatus.REVIEW, ItemStatus.WITHDRAWN, ItemStatus.ARCHIVED})
_DAYS = {5: "a Saturday", 6: "a Sunday"}


def dated(item: NewsItem, project: Project) -> Iterator[Finding]:
    """A date there must be; at week-ends few people read."""
    if item.date is None:
        level = N if item.status in _UNFINISHED else E
        fix = "write `date: YYYY-MM-DD` with the day it happened; nobody guesses it"
        yield On(item, "date-missing", level, "date").say("no date", fix)
    field = "publish_at" if item.publish_at else "date"
    when = item.publish_at or item.date
    if when:
        day = when.astimezone(ZoneInfo(project.timezone)).weekday()
        if day in _DAYS:
            yield On(item, "weekend", N, field).say(f"{field} is {_DAYS[day]}", "a working day reaches more people")


#: (rule, level, earlier, later): the second must not come before the first.
_ORDERS = (
    ("publish-before-embargo", E, "embargo_until", "publish_at"),
    ("expires-before-date", E, "date", "expires_at"),
    ("expires-before-publish", E, "publish_at", "expires_at"),
    ("updated-before-date", W, "date", "updated"),
)


def ordered(item: NewsItem, project: Project) -> Iterator[Finding]:
    """Times that contradict each other."""
    for rule, level, earlier, later in _ORDERS:
        first, second = getattr(item, earlier), getattr(item, later)
        if first and second and second < first:
            message = f"{later} is before {earlier} ({_local(first, project)})"
            yield On(item, rule, level, later).say(message, f"write a later {later}", seen=_local(second, project))


def posts(item: NewsItem, project: Project) -> Iterator[Finding]:
    """Times of single posts."""
    for network, post in item.posts.items():
        if post.at and item.embargo_until and post.at < item.embargo_until:
            message = f"the post on {network} is before embargo_until ({_local(item.embargo_until, project)})"
            yield On(item, "post-before-embargo", E, f"posts.{network}.at").say(
                message, "write a later time", seen=_local(post.at, project)
            )


def event(item: NewsItem, project: Project) -> Iterator[Finding]:
    """When an event begins and ends."""
    facts = item.event
    if item.type is ItemType.EVENT and not (facts and facts.start):
        fix = "write `event:` with `start: YYYY-MM-DD HH:MM` below it"
        yield On(item, "event-start", E, "event.start").say("an event without a start", fix)
    if facts and facts.start and facts.end and facts.end < facts.start:
        message = f"the event ends before it starts ({_local(facts.start, project)})"
        yield On(item, "event-end", E, "event.end").say(
            message, "write a later end", seen=_local(facts.end, project)
        )


def reshare(item: NewsItem, project: Project) -> Iterator[Finding]:
    """Who posts an item again says it in other words each time, and not after the project's end."""
    wish = item.reshare
    if wish is None:
        return
    if wish.until and project.end and wish.until > project.end:
        message = f"reshare.until is after the project's end ({project.end})"
        yield On(item, "reshare-until", E, "reshare.until").say(
            message, f"until: {project.end}", seen=str(wish.until)
        )
    texts = [_plain(text) for text in wish.texts if text]
    missing = max(wish.times, 1) - len(texts)
    if missing > 0:
        message = f"{item.id}: reshare has {len(texts)} texts for {max(wish.times, 1)} times"
        fix = f"write {missing} more under `text`, each in other words, or lower `times`"
        yield On(item, "reshare-texts", E, "reshare.text").say(message, fix)
    yield from _said_before(item, texts)


def _said_before(item: NewsItem, texts: Sequence[str]) -> Iterator[Finding]:
    """Networks take the same text twice for spam (X suspends accounts for it)."""
    known = {_plain(words) for words in (item.title, item.summary, *(post.text for post in item.posts.values()))}
    for number, text in enumerate(texts, start=1):
        if text in known:
            message = f"{item.id}: text {number} of reshare says what was said before"
            yield On(item, "reshare-texts", E, "reshare.text").say(message, "write it in other words", seen=text)
        known.add(text)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _local(when: datetime, project: Project) -> str:
    return when.astimezone(ZoneInfo(project.timezone)).strftime("%Y-%m-%d %H:%M")


RULES: tuple[Rule, ...] = (dated, ordered, posts, event, reshare)
