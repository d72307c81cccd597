"""Feeds and pages: an item becomes an entry, entries become files. Pure: equal input gives equal bytes."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from jinja2 import Environment

from dissemination.model import Enclosure, Entry, EntryPicture, EventFacts, Image, NewsItem, Picture, Project, Site
from dissemination.render import bodies, feed_atom, feed_rss, jsonfeed, pages
from dissemination.render.feed_document import FeedDocument
from dissemination.render.stories import followed

#: Ours for ever: item ids become feed ids below it (docs/decisions/0005-feed-ids.md).
_IDS = uuid.UUID("6f1d9c1e-94f5-4f0e-8f5c-2f3f0a3a5b7d")
#: How many entries a feed shows, and how many characters of HTML: readers and hosts refuse what is much larger.
_MOST, _BUDGET = 30, 400_000


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
    body = bodies.body(item, pictures, site)
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
        translations={lang: site.page(other) for lang, other in sorted(translations.items()) if lang != item.lang},
        pictures=body.shown,
        corrected=item.updated if item.correction else None,
        kind=item.type,
        event=_event(item),
        links=tuple(followed(item.links)),
        note=bodies.one_line(item.funding_note),
    )
    result = _with_files(result, item, pictures, site)
    return bodies.cleaned(_with_lead(result, lead, _prepared(item.image, pictures)))


def _event(item: NewsItem) -> EventFacts | None:
    """What the item says of its event; None where it says nothing."""
    return item.event if item.event != EventFacts() else None


def _with_files(result: Entry, item: NewsItem, pictures: Mapping[str, Picture], site: Site) -> Entry:
    """The entry with the item's files to download, where they are there."""
    known = ((Path(name).name, pictures.get(str(item.folder / name))) for name in item.attachments)
    there = [(name, file) for name, file in known if file is not None]
    files = tuple(
        Enclosure(
            url=site.media(file), title=bodies.one_line(name), media_type=file.media_type, size=len(file.body)
        )
        for name, file in there
    )
    digests = dict.fromkeys((*result.pictures, *(file.digest for _, file in there)))
    return replace(result, attachments=files, pictures=tuple(digests))


def entry_id(item_id: str) -> str:
    """The id in all feeds: it follows from the item's id alone, never from its title or address (RFC 9562, 5.5)."""
    return uuid.uuid5(_IDS, bodies.clean(item_id)).urn


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


def files(
    entries: Iterable[Entry],
    project: Project,
    site: Site,
    environment: Environment,
    visual: EntryPicture | None = None,
) -> Mapping[str, bytes]:
    """Every feed document and page made of these entries: path below the public root -> bytes.

    An entry that is not out yet (no `published`) has its page and is in no feed. `visual` is the funding visual
    by its public address; without it the statement stands alone.
    """
    known = [_whole(one) for one in entries]
    documents = _documents([one for one in known if one.published], project, site)
    made: dict[str, bytes] = {}
    for document in documents:
        made[document.path("rss.xml")] = feed_rss.render(document)
        made[document.path("atom.xml")] = feed_atom.render(document)
        made[document.path("feed.json")] = jsonfeed.render(document)
    maker = pages.Pages(project=project, site=site, environment=environment, documents=documents, visual=visual)
    return made | maker.render(known)


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


def _documents(entries: Sequence[Entry], project: Project, site: Site) -> list[FeedDocument]:
    """A document a language, the default one always; each knows its sisters."""
    by_lang = {lang: _newest(entries, lang, project.category) for lang in project.languages}
    langs = tuple(lang for lang, found in by_lang.items() if found or lang == project.default_lang)
    return [
        FeedDocument(
            lang=lang,
            langs=langs,
            entries=by_lang[lang],
            project=project,
            site=site,
            id=uuid.uuid5(_IDS, f"feed {project.acronym}/{lang}/{project.category}").urn,
        )
        for lang in langs
    ]


def _newest(entries: Sequence[Entry], lang: str, category: str) -> tuple[Entry, ...]:
    mine = [one for one in entries if one.lang == lang and category in one.categories]
    never = datetime.min.replace(tzinfo=UTC)
    mine.sort(key=lambda one: (one.published or never, one.date or never, one.id), reverse=True)
    kept: list[Entry] = []
    size = 0
    for one in mine[:_MOST]:
        size += len(one.html)
        if kept and size > _BUDGET:
            break
        kept.append(one)
    return tuple(kept)
