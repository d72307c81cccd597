"""Feeds and pages: an item becomes an entry, entries become files. Equal input gives equal bytes."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from html import escape
from pathlib import PurePosixPath
from typing import NamedTuple
from zoneinfo import ZoneInfo

from jinja2 import Environment

from dissemination.model import (
    Enclosure,
    Entry,
    EntryPicture,
    EventFacts,
    Image,
    ItemStatus,
    NewsItem,
    Picture,
    Project,
    Site,
)
from dissemination.render import bodies, feed_atom, feed_opml, feed_rss, jsonfeed, pages
from dissemination.render.feed_collecting import IDS, Documents, collect
from dissemination.render.feed_document import FeedDocument, content
from dissemination.render.feed_frame import Frame
from dissemination.render.feed_memory import Memory
from dissemination.render.feed_words import feed_words
from dissemination.render.stories import followed


class _Format(NamedTuple):
    """One format of a feed."""

    name: str
    #: Writes the document without its entries.
    frame: Callable[[FeedDocument], Frame]
    #: Writes an entry, given its whole HTML.
    entry: Callable[[Entry, str, Site], bytes]


_FORMATS = (
    _Format("rss.xml", feed_rss.frame, feed_rss.item),
    _Format("atom.xml", feed_atom.frame, feed_atom.entry),
    _Format("feed.json", jsonfeed.frame, jsonfeed.item),
)
#: JSON Feed knows no archives.
_ARCHIVED = _FORMATS[:2]
_DOCUMENT = re.compile(rf"/({'|'.join(re.escape(form.name) for form in _FORMATS)})\Z")
#: A category may be called "archive"; none has a month for a folder in it.
_IN_ARCHIVE = re.compile(r"/archive/[0-9]{4}-[0-9]{2}(-[0-9]+)?/[^/]+\Z")
#: Paths of pages that a server answers with 410 Gone, as JSON, and as `map` of nginx and Caddy includes them.
GONE, GONE_MAP = "_gone.json", "_gone.map"


def entry(
    item: NewsItem,
    pictures: Mapping[str, Picture],
    translations: Mapping[str, NewsItem],
    project: Project,
    site: Site,
) -> Entry:
    """The item as feeds and pages carry it. `published` and `updated` are set when it goes out.

    `pictures` maps the absolute path of a picture's file (`str(image.file)`) to the re-encoded picture,
    `translations` a language to the item's version in it.
    """
    if item.status is ItemStatus.WITHDRAWN:
        return _withdrawn(item, project, site)
    body = bodies.body(item, pictures, site)
    files = _attached(item, pictures)
    lead = _lead(item.image, pictures, site)
    title = bodies.one_line(item.title) or bodies.one_line(item.summary) or item.id
    result = Entry(
        id=entry_id(item.id),
        item_id=item.id,
        lang=item.lang,
        title=title,
        summary=bodies.one_line(item.summary) or title,
        html=body.html,
        url=bodies.absolute(item.canonical_url, "") or site.page(item),
        path=site.page_path(item),
        byline=bodies.one_line(item.byline) or project.byline,
        categories=item.categories,
        topic=str(item.topic),
        tags=item.tags,
        date=item.date,
        expires_at=item.expires_at,
        correction=bodies.one_line(item.correction),
        corrected=item.updated if item.correction else None,
        translations={lang: site.page(other) for lang, other in sorted(translations.items()) if lang != item.lang},
        attachments=tuple(
            Enclosure(url=site.media(file), media_type=file.media_type, size=len(file.body), title=name)
            for name, file in files.items()
        ),
        pictures=tuple(dict.fromkeys((*body.shown, *(file.digest for file in files.values())))),
        kind=item.type,
        event=_event(item),
        links=tuple(followed(item.links)),
        note=bodies.one_line(item.funding_note),
    )
    return bodies.cleaned(_with_lead(result, lead, _prepared(item.image, pictures)))


def _event(item: NewsItem) -> EventFacts | None:
    """What the item says of its event; None where it says nothing."""
    return item.event if item.event != EventFacts() else None


def entry_id(item_id: str) -> str:
    """The id in all feeds: it follows from the item's id alone, never from its title or address (RFC 9562, 5.5)."""
    return uuid.uuid5(IDS, bodies.clean(item_id)).urn


def _withdrawn(item: NewsItem, project: Project, site: Site) -> Entry:
    """A notice in the item's place, under its id: readers learn in no other way that it was taken back."""
    said = feed_words(item.lang)
    title = bodies.one_line(item.title) or item.id
    result = Entry(
        id=entry_id(item.id),
        item_id=item.id,
        lang=item.lang,
        title=f"[{said.withdrawn}] {title}",
        summary=said.notice,
        html=f"<p>{escape(said.notice)}</p>",
        url=site.page(item),
        path=site.page_path(item),
        byline=bodies.one_line(item.byline) or project.byline,
        categories=item.categories,
        topic=str(item.topic),
        tags=item.tags,
        date=item.date,
        withdrawn=True,
    )
    return bodies.cleaned(result)


def _attached(item: NewsItem, files: Mapping[str, Picture]) -> dict[str, Picture]:
    """The item's attachments that were prepared, by their names."""
    paths = {PurePosixPath(name).name: str(item.folder / name) for name in item.attachments}
    return {bodies.one_line(name): files[path] for name, path in paths.items() if path in files}


def _prepared(image: Image | None, pictures: Mapping[str, Picture]) -> Picture | None:
    return pictures.get(str(image.file)) if image is not None and image.file is not None else None


def _lead(image: Image | None, pictures: Mapping[str, Picture], site: Site) -> EntryPicture | None:
    picture = _prepared(image, pictures)
    if image is None or picture is None:
        return None
    return EntryPicture(
        url=site.media(picture),
        media_type=picture.media_type,
        size=len(picture.body),
        width=picture.width,
        height=picture.height,
        alt="" if image.decorative else bodies.one_line(image.alt),
        credit=bodies.one_line(image.credit),
        caption=bodies.one_line(image.caption),
    )


def _with_lead(result: Entry, lead: EntryPicture | None, picture: Picture | None) -> Entry:
    if lead is None or picture is None:
        return result
    if picture.digest in result.pictures:
        return replace(result, picture=lead)
    return replace(
        result, picture=lead, html=_figure(lead) + result.html, pictures=(picture.digest, *result.pictures)
    )


def _figure(picture: EntryPicture) -> str:
    words = " ".join(
        part
        for part in (escape(picture.caption), f"<small>{escape(picture.credit)}</small>" * bool(picture.credit))
        if part
    )
    caption = f"<figcaption>{words}</figcaption>" if words else ""
    return (
        f'<figure><img src="{escape(picture.url)}" width="{picture.width}" height="{picture.height}"'
        f' alt="{escape(picture.alt)}">{caption}</figure>'
    )


def files(  # noqa: PLR0913 - what entries were before and what is remembered are nobody else's business
    entries: Iterable[Entry],
    project: Project,
    site: Site,
    environment: Environment,
    visual: EntryPicture | None = None,
    *,
    before: Iterable[Entry] = (),
    memory: Memory | None = None,
) -> Mapping[str, bytes]:
    """Every feed document and page made of these entries: path below the public root -> bytes.

    An entry that is not out yet (no `published`) has its page and is in no feed. `visual` is the funding visual
    by its public address; without it the statement stands alone. `before` are all entries as they stood in feeds
    until now: a feed or an archive that lost its last one is written once more, empty. `memory` makes repeats fast
    and changes no byte.
    """
    memory = memory or Memory()

    def whole(one: Entry) -> Entry:
        return memory.get("whole", f"{one.lang} {one.path}", one, partial(_whole, one))

    stood, known = list(map(whole, before)), list(map(whole, entries))
    documents = collect([one for one in known if one.published], stood, project, site)
    maker = pages.Pages(
        project=project, site=site, environment=environment, documents=documents.current, visual=visual
    )
    at = _places(known)
    # In this order they are written: what a reader is led to is there before what leads to it.
    made = maker.render(at, documents.emptied, memory)
    made |= _feeds(documents, memory, ZoneInfo(project.timezone))
    made |= {feed_opml.PATH: feed_opml.render(documents.current, project), **_gone(at)}
    memory.turn()
    return made


def subscribed(paths: Iterable[str]) -> Sequence[str]:
    """Those that are feeds of today, in any format: what readers subscribe to, and what names the hub."""
    return [path for path in paths if _DOCUMENT.search(path) and not _IN_ARCHIVE.search(path)]


def _feeds(documents: Documents, memory: Memory, zone: ZoneInfo) -> dict[str, bytes]:
    made: dict[str, bytes] = {}
    for document in documents.archives:
        made |= _written(document, _ARCHIVED, memory, zone)
    for document in (*documents.current, *documents.emptied):
        made |= _written(document, _FORMATS, memory, zone)
    return made


def _written(
    document: FeedDocument, formats: Sequence[_Format], memory: Memory, zone: ZoneInfo
) -> dict[str, bytes]:
    """The document in these formats; its frame and each entry are written anew only where they changed."""
    facts = (replace(document, entries=()), document.updated, bool(document.entries))
    made: dict[str, bytes] = {}
    for form in formats:
        path = document.path(form.name)
        around = memory.get("frame", path, facts, partial(form.frame, document))
        made[path] = around.fill([_piece(one, form, document.site, memory, zone) for one in document.entries])
    return made


def _piece(one: Entry, form: _Format, site: Site, memory: Memory, zone: ZoneInfo) -> bytes:
    return memory.get(form.name, f"{one.lang} {one.id}", one, lambda: form.entry(one, content(one, zone), site))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _places(entries: Sequence[Entry]) -> dict[str, Entry]:
    """Path -> whose page lies there: also where it lay before, unless another's is there now."""
    return {path: one for one in entries for path in one.former} | {one.path: one for one in entries}


def _gone(at: Mapping[str, Entry]) -> dict[str, bytes]:
    """Which pages a server answers with 410: they still say why."""
    paths = sorted(f"/{path}" for path, one in at.items() if one.withdrawn)
    rows = "".join(f"{_quoted(path)} 1;\n{_quoted(f'{path}index.html')} 1;\n" for path in paths)
    return {
        GONE: json.dumps({"gone": paths}, ensure_ascii=False, indent=1).encode() + b"\n",
        # Caddy 2.6 includes no file that is empty.
        GONE_MAP: f"# Pages that were withdrawn.\n{rows}".encode(),
    }


def _whole(one: Entry) -> Entry:
    """The entry with clean text and times as feeds tell them: UTC, seconds, never edited before it was out.

    feedgen gives up a whole feed for one entry without a title.
    """
    one = bodies.cleaned(one)
    title = one.title or one.summary or one.item_id
    one = replace(one, title=title, summary=one.summary or title)
    if one.published is None:
        return one
    published = _second(one.published)
    updated = _second(one.updated or one.published)
    return replace(one, published=published, updated=max(published, updated))


def _second(when: datetime) -> datetime:
    return when.astimezone(UTC).replace(microsecond=0)
