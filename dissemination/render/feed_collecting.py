"""Which entries stand in which document: the current one of each feed, and its monthly archives (RFC 5005)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise

from dissemination.model import Entry, Project, Site
from dissemination.render import feed_scopes
from dissemination.render.feed_document import FeedDocument
from dissemination.render.feed_scopes import Scope

#: Ours for ever: item ids become feed ids below it (docs/decisions/0005-feed-ids.md).
IDS = uuid.UUID("6f1d9c1e-94f5-4f0e-8f5c-2f3f0a3a5b7d")
#: How many entries a feed shows, and how many bytes of HTML: readers and hosts refuse what is much larger.
_MOST, _BUDGET = 30, 400_000
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Documents:
    """All feed documents of a project."""

    #: What people are shown: by language, the default one first.
    current: Sequence[FeedDocument]
    #: Also, without entries, those that were needed until now.
    archives: Sequence[FeedDocument]
    #: Feeds that lost their last entry: written once more, and listed nowhere.
    emptied: Sequence[FeedDocument]


#: (language, folder) -> the feed's scope, and the entries that belong into it.
_Found = dict[tuple[str, str], tuple[Scope, list[Entry]]]


def collect(entries: Iterable[Entry], before: Iterable[Entry], project: Project, site: Site) -> Documents:
    """The documents of entries that are out; `before` are all entries as they stood in feeds until now.

    Feeds are in the project's languages; what is written in another has its page alone.
    """
    found = _gathered((one for one in entries if one.lang in project.languages), project)
    kept = dict(found)
    for lang in _languages(found, project):
        for scope in feed_scopes.main_scopes(project):
            kept.setdefault((lang, scope.folder), (scope, []))
    stood = _gathered(before, project)
    lost: _Found = {key: (scope, []) for key, (scope, _) in stood.items() if key not in kept}
    made = list(_documents(kept, project, site))
    archives = [archive for _, archives in made for archive in archives]
    emptied = [document for document, _ in _documents(lost, project, site)]
    fallen = _fallen(_documents(stood, project, site), archives)
    return Documents(current=[document for document, _ in made], archives=[*archives, *fallen], emptied=emptied)


def _fallen(
    made: Iterable[tuple[FeedDocument, list[FeedDocument]]], archives: Iterable[FeedDocument]
) -> Iterator[FeedDocument]:
    """Archives that no feed leads to any more, emptied: nobody would take out of them what is withdrawn later."""
    kept = {archive.path("") for archive in archives}
    for archive in (archive for _, found in made for archive in found if archive.path("") not in kept):
        yield replace(archive, entries=(), previous="", following="")


def _gathered(entries: Iterable[Entry], project: Project) -> _Found:
    """Every feed that these entries have."""
    found: _Found = {}
    for entry in entries:
        for scope in feed_scopes.scopes_of(entry, project.category):
            found.setdefault((entry.lang, scope.folder), (scope, []))[1].append(entry)
    return found


def _languages(found: _Found, project: Project) -> list[str]:
    """Those that say something, and always the default one."""
    said = {lang for lang, _ in found}
    return [lang for lang in project.languages if lang in said or lang == project.default_lang]


def _documents(found: _Found, project: Project, site: Site) -> Iterator[tuple[FeedDocument, list[FeedDocument]]]:
    by_folder: dict[str, list[str]] = {}
    for lang, folder in sorted(found, key=lambda key: _rank(key[0], project)):
        by_folder.setdefault(folder, []).append(lang)
    for lang in sorted({lang for lang, _ in found}, key=lambda lang: _rank(lang, project)):
        for scope in feed_scopes.ordered([scope for (own, _), (scope, _) in found.items() if own == lang], project):
            document = FeedDocument(
                lang=lang,
                langs=tuple(by_folder[scope.folder]),
                scope=scope,
                entries=(),
                project=project,
                site=site,
                id=_id(project, lang, scope),
            )
            yield _filled(document, found[lang, scope.folder][1])


def _rank(lang: str, project: Project) -> tuple[int, str]:
    known = project.languages
    return (known.index(lang) if lang in known else len(known), lang)


def _id(project: Project, lang: str, scope: Scope) -> str:
    name = scope.term if scope.kind == "category" else scope.folder
    return uuid.uuid5(IDS, f"feed {project.acronym}/{lang}/{name}").urn


def _filled(document: FeedDocument, entries: Sequence[Entry]) -> tuple[FeedDocument, list[FeedDocument]]:
    """The current document, and the archives of the months that do not stand in it whole.

    What was edited or withdrawn lately is current however old it is: readers learn of it in no other way.
    """
    newest = sorted(entries, key=_published, reverse=True)
    shown = _most(sorted(newest, key=_updated, reverse=True))
    current = tuple(one for one in newest if one.id in shown)
    lasting = _most(newest)
    old = [one for one in newest if one.id not in lasting or one.id not in shown]
    archives = _archives(document, newest, {_month(one) for one in old})
    last = archives[-1].archive if archives else ""
    return replace(document, entries=current, previous=last), archives


def _most(entries: Sequence[Entry]) -> frozenset[str]:
    """The ids of as many of the first entries as one document may hold; one at least."""
    kept: list[str] = []
    size = 0
    for one in entries[:_MOST]:
        size += _size(one.html)
        if kept and size > _BUDGET:
            break
        kept.append(one.id)
    return frozenset(kept)


def _archives(document: FeedDocument, newest: Sequence[Entry], months: set[str]) -> list[FeedDocument]:
    """The oldest first. A month that is over never gets another entry, so its archive stays as it is."""
    parts = [
        (f"{month}-{number}" if number > 1 else month, part)
        for month in sorted(months)
        for number, part in enumerate(_parts([one for one in reversed(newest) if _month(one) == month]), 1)
    ]
    made = [replace(document, archive=name, entries=tuple(reversed(part))) for name, part in parts]
    for before, after in pairwise(range(len(made))):
        made[after] = replace(made[after], previous=made[before].archive)
        made[before] = replace(made[before], following=made[after].archive)
    return made


def _parts(oldest_first: Sequence[Entry]) -> Iterator[list[Entry]]:
    """A long month in parts that one document can hold; a full part stays as it is when more comes."""
    part: list[Entry] = []
    size = 0
    for one in oldest_first:
        if part and size + _size(one.html) > _BUDGET:
            yield part
            part, size = [], 0
        part.append(one)
        size += _size(one.html)
    if part:
        yield part


@lru_cache(maxsize=4096)
def _size(html: str) -> int:
    """In bytes, as RSS writes it: each of <, > and & takes six."""
    return len(html.encode()) + 5 * sum(map(html.count, "<>&"))


def _month(entry: Entry) -> str:
    return f"{entry.published:%Y-%m}"


def _published(entry: Entry) -> tuple[datetime, datetime, str]:
    return (entry.published or _NEVER, entry.date or _NEVER, entry.id)


def _updated(entry: Entry) -> tuple[datetime, datetime, datetime, str]:
    return (entry.updated or _NEVER, *_published(entry))
