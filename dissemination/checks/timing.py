"""Rules on dates and times."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
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
    """Reshares end with the project."""
    until = _until(item.extra.get("reshare", ""))
    if until and project.end and until > project.end:
        message = f"reshare.until is after the project's end ({project.end})"
        yield On(item, "reshare-until", E, "reshare.until").say(message, f"until: {project.end}", seen=str(until))


def _until(text: str) -> date | None:
    # The sources keep what they do not use as text; a mapping as JSON.
    try:
        return datetime.fromisoformat(str(json.loads(text)["until"])).date()
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _local(when: datetime, project: Project) -> str:
    return when.astimezone(ZoneInfo(project.timezone)).strftime("%Y-%m-%d %H:%M")


RULES: tuple[Rule, ...] = (dated, ordered, posts, event, reshare)
