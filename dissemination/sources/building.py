"""From a file's facts to a NewsItem, resolved against the project."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dissemination.model import (
    EventFacts,
    Finding,
    ItemStatus,
    ItemType,
    Level,
    Link,
    NewsItem,
    PostOverride,
    Project,
    Topic,
)
from dissemination.sources.dialects import KEPT, Facts, as_text, nearest, translate
from dissemination.sources.fields import Fields
from dissemination.sources.layout import Place, language_of
from dissemination.sources.naming import by_name
from dissemination.sources.parsing import Parsed
from dissemination.sources.pictures import NewsFolder, Pictures
from dissemination.sources.refusal import quoted
from dissemination.sources.reshare import read_reshare
from dissemination.sources.slugs import slug_of
from dissemination.sources.times import TimeError, zone_of

TEXTS = ("correction", "subject", "preheader", "canonical_url", "source_url", "reviewed_by")
LISTS = ("partners", "mentions", "lists", "reviewers")
#: Instants at which something happens: an hour that the clocks skip or show twice is an error here.
EXACT = ("publish_at", "embargo_until")
LENIENT = ("date", "expires_at", "updated")
EVENT = frozenset({"start", "end", "tz", "place", "address", "online_url", "register_url", "deadline"})
POST = frozenset({"text", "link", "image", "images", "alt", "at", "lang", "reply_chain", "split", "warning"})

_TYPES = {kind.value: kind for kind in ItemType}
_TOPICS = {topic.value.lower(): topic for topic in Topic}
_KINDS = {word: word for word in ("source", "translation", "adaptation", "machine")}
_STATUSES = {status.value: status for status in ItemStatus} | {
    "featured": ItemStatus.REVIEW,
    "future": ItemStatus.REVIEW,
    "hidden": ItemStatus.ARCHIVED,
    "pending": ItemStatus.REVIEW,
    "pending-publish": ItemStatus.REVIEW,
    "pending-review": ItemStatus.REVIEW,
    "private": ItemStatus.ARCHIVED,
    "publish": ItemStatus.REVIEW,
    "unlisted": ItemStatus.ARCHIVED,
}
_UNLISTED = frozenset({"private", "hidden", "unlisted"})
_NEWSLETTER = {
    "digest": "digest",
    "flash": "flash",
    "none": "none",
    "true": "digest",
    "false": "none",
    "off": "none",
}
_CHANNEL = {"auto": "auto", "manual": "manual", "off": "off", "true": "auto", "false": "off"}
_CHANNEL_NAMES = {"email": "newsletter", "mail": "newsletter"}
_ID = re.compile(r"[A-Za-z0-9][\w.:/@#-]{0,199}", re.ASCII)
_SLUG = re.compile(r"[a-z0-9]+(?:-+[a-z0-9]+)*")
_SPLIT = {"jekyll": r"\s", "pelican": ",", "nikola": ",", "hugo": "", "eleventy": ""}
_TRUE, _FALSE = (True, "true", "True", "yes"), (False, "false", "False", "no")


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """An item that does not yet know its other language versions."""

    item: NewsItem
    place: Place
    #: What the front matter says of them; "" if nothing.
    key: str = ""
    of: str = ""
    kind: str = ""
    #: False where the file calls itself a translation (Pelican).
    may_be_source: bool = True
    #: False: refused. It only serves to give its other language versions the key and id they had before.
    sound: bool = True


def build(parsed: Parsed, place: Place, project: Project, folder: NewsFolder) -> tuple[Draft | None, list[Finding]]:
    """The item, or None if not even its header could be read; the findings' paths are those of the project."""
    path = project_path(folder, place.relative, project)
    findings = list(parsed.findings)
    draft = _Builder(parsed, place, project, folder, findings).draft(path) if parsed.usable else None
    if draft and any(finding.level is Level.ERROR for finding in findings):
        draft = replace(draft, sound=False)
    return draft, [replace(finding, path=path) for finding in findings]


def project_path(folder: NewsFolder, relative: str, project: Project) -> str:
    """The path as the user knows it: relative to the project folder."""
    path = folder.root / relative
    return (path.relative_to(project.root) if path.is_relative_to(project.root) else path).as_posix()


class _Builder:
    def __init__(
        self, parsed: Parsed, place: Place, project: Project, folder: NewsFolder, findings: list[Finding]
    ) -> None:
        self.parsed, self.place, self.project, self.folder, self.findings = parsed, place, project, folder, findings
        self.facts: Facts = translate(parsed.header, place, project)
        findings.extend(self.facts.findings)
        self.fields = Fields(self.facts.fields, self.facts.lines, findings)

    def draft(self, path: str) -> Draft | None:
        fields, title = self.fields, self._title()
        if not title:
            return None
        item = NewsItem(
            **self._identity(title, path),
            **self._as_written(),
            **self._words(),
            **self._media(),
            **self._axes(),
            **self._ways_out(),
        )
        item = by_name(item, self.project.partners)
        return Draft(
            item=item if item.date or not self.place.day else replace(item, date=self._day()),
            place=self.place,
            key=self._group_key(item),
            of=fields.text("translation_of"),
            kind=fields.choice("translation_kind", _KINDS, ""),
            may_be_source=self.facts.switches.get("translation") not in _TRUE,
        )

    def _identity(self, title: str, path: str) -> dict[str, Any]:
        given = self._id()
        return {
            "id": given or self._provisional_id(),
            "explicit_id": bool(given),
            "title": title,
            "lang": self._lang(),
            "path": path,
            "folder": self.folder.root / self.place.folder,
            "slug": self._slug(title),
            "translation_key": self.place.key,
            "html": self.parsed.body.html,
            "markdown": self.parsed.markdown,
            "digest": self.parsed.digest,
            "dialect": self.facts.dialect,
            "lines": self.facts.lines,
            "extra": self._extra(),
        }

    def _as_written(self) -> dict[str, Any]:
        fields, zone = self.fields, self.project.timezone
        return {
            **{name: fields.text(name) for name in TEXTS},
            **{name: fields.texts(name) for name in LISTS},
            **{name: fields.when(name, zone, strict=True) for name in EXACT},
            **{name: fields.when(name, zone) for name in LENIENT},
        }

    def _words(self) -> dict[str, Any]:
        given = self.fields.text("summary")
        return {
            "summary": given or self.parsed.body.teaser,
            "summary_given": bool(given),
            "byline": self.fields.text("byline") or self.project.byline,
            "authors": self._split("authors"),
            "partner": self.fields.text("partner") or self.project.lead,
            "funding_note": self._funding_note(),
        }

    def _axes(self) -> dict[str, Any]:
        fields = self.fields
        return {
            "type": fields.choice("type", _TYPES, ItemType.NEWS),
            "status": self._status(),
            "categories": self._categories(),
            "topic": fields.choice("topic", _TOPICS, self.project.topic),
            "tags": self._tags(),
            "hashtags": self._hashtags(),
            "pinned": fields.flag("pinned"),
        }

    def _media(self) -> dict[str, Any]:
        pictures = Pictures(self.folder, self.place, self._lang(quiet=True), self.findings)
        posts = self._posts()
        of_posts = [(post.image, post.alt) for post in posts.values() if post.image]
        image, images = pictures.lead_and_others(self.fields, self.parsed.body.pictures, of_posts)
        sources = self.fields.inners("attachments", frozenset({"src", "text", "alt", "caption"}), "src")
        return {
            "image": image,
            "images": images,
            "attachments": tuple(one.text("src") for one in sources),
            "posts": posts,
        }

    def _ways_out(self) -> dict[str, Any]:
        links = self.fields.inners("links", frozenset({"url", "text"}), "url")
        return {
            "require_live": self.fields.flag("require_live"),
            "links": tuple(Link(url=link.text("url"), text=link.text("text")) for link in links),
            "channels": self._channels(),
            "reshare": read_reshare(self.fields, self.project.timezone),
            "event": self._event(),
        }

    def _title(self) -> str:
        title = self.fields.text("title")
        if title or not isinstance(self.fields.raw("title"), str | None):
            return title  # what is no text is already noted
        if self.facts.dialect == "jekyll":
            return " ".join(word.capitalize() for word in self.place.name.split("-"))
        heading = re.search(r"^#{1,2}[ \t]+(\S.*)", self.parsed.markdown, re.MULTILINE)
        fix = f"title: {quoted(heading[1].strip(' #'))}" if heading else 'title: "…"'
        if self.parsed.header.container == "none":
            message = "no front matter was found: the file does not begin with ---"
            self.fields.wrong("title", "front-matter-missing", message, fix=f"---\n{fix}\n---")
        else:
            self.fields.wrong("title", "title-missing", "the title is missing", fix=fix)
        return ""

    def _id(self) -> str:
        given = self.fields.text("id")
        if given and not _ID.fullmatch(given):
            fix = f"id: {slug_of(given) or self.place.name}"
            self.fields.wrong(
                "id", "id-invalid", "an id is made of letters, digits and . : / - _", fix=fix, seen=given
            )
        return given

    def _provisional_id(self) -> str:
        lang = self.place.lang
        return f"{self.place.key}.{lang}" if lang and lang != self.project.default_lang else self.place.key

    def _lang(self, *, quiet: bool = False) -> str:
        project, said = (
            self.project,
            self.fields.text("lang") if not quiet else as_text(self.fields.raw("lang") or ""),
        )
        asked = self.place.lang or said
        lang = language_of(asked, project.languages) if asked else project.default_lang
        if quiet:
            return lang
        known = ", ".join(project.languages)
        if not lang:
            message = f"`{asked}` is none of the project's languages ({known})"
            fix = f"lang: {project.default_lang}, or add it to `languages` in settings.yaml"
            self.fields.wrong("lang", "language-unknown", message, fix=fix, seen=asked)
        elif said and language_of(said, project.languages) != lang:
            message = f"the path says `{lang}`, the front matter `{said}`"
            self.fields.wrong(
                "lang", "language-conflict", message, fix=f"lang: {lang}, or rename the file", seen=said
            )
        return lang

    def _slug(self, title: str) -> str:
        given = self.fields.text("slug")
        if given and not _SLUG.fullmatch(given):
            if self.facts.dialect == "ours":
                fix, message = f"slug: {slug_of(given)}", "a slug is made of a to z, digits and hyphens"
                self.fields.wrong("slug", "slug-invalid", message, fix=fix, seen=given)
            given = slug_of(given)
        return given or slug_of(title) or slug_of(self.place.name) or f"item-{self.parsed.digest[:8]}"

    def _group_key(self, item: NewsItem) -> str:
        given = self.fields.text("translation_key")
        # Pelican's translations lie anywhere; an equal slug ties them.
        return given or (item.slug if self.facts.dialect == "pelican" else "")

    def _day(self) -> Any:
        day = Fields({"date": self.place.day}, {}, self.findings)
        return day.when("date", self.project.timezone)

    def _status(self) -> ItemStatus:
        word = self.fields.text("status").lower()
        status = self.fields.choice("status", _STATUSES, ItemStatus.DRAFT)
        if word in _UNLISTED:
            message = f"`{word}` items are not disseminated"
            fix = "status: review"
            self.fields.wrong("status", "not-disseminated", message, fix=fix, seen=word, level=Level.NOTE)
        foreign = self.facts.dialect != "ours"
        if self._is_switched_off():
            return ItemStatus.DRAFT
        if not word:
            # Other tools call everything ready that is not a draft; ours asks for a word.
            ready = foreign or bool({"draft", "published"} & self.facts.switches.keys())
            return ItemStatus.REVIEW if ready else ItemStatus.DRAFT
        return ItemStatus.REVIEW if foreign and status is ItemStatus.PUBLISHED else status

    def _is_switched_off(self) -> bool:
        switches = self.facts.switches
        on = ("draft", "eleventyexcludefromcollections")
        off = ("published", "permalink")
        return (
            self.place.drafts
            or any(switches.get(name) in _TRUE for name in on)
            or any(name in switches and switches[name] in _FALSE for name in off)
        )

    def _split(self, name: str) -> tuple[str, ...]:
        separators = _SPLIT.get(self.facts.dialect, ",")
        value = self.fields.raw(name)
        if self.facts.dialect == "pelican" and isinstance(value, str) and ";" in value:
            separators = ";"
        return self.fields.texts(name, "," if name == "authors" and separators == r"\s" else separators)

    def _categories(self) -> tuple[str, ...]:
        names = _spellings(tuple((name, tuple(others)) for name, others in self.project.categories.items()))
        given = self._split("categories")
        known = tuple(dict.fromkeys(names.get(name.casefold(), name) for name in given))
        return known or tuple(self.project.default_categories)

    def _tags(self) -> tuple[str, ...]:
        value = self.fields.raw("tags")
        if isinstance(value, str) and " " in value and "," not in value and self._is_unsure():
            message = "it is not clear whether this is one tag or several"
            fix = f"tags: [{quoted(value)}], or `dialect: jekyll` in settings.yaml"
            self.fields.wrong("tags", "dialect-unclear", message, fix=fix, seen=value, level=Level.WARNING)
        ignored = {tag.casefold() for tag in self.project.ignore_tags}
        return tuple(tag for tag in self._split("tags") if tag.casefold() not in ignored)

    def _is_unsure(self) -> bool:
        return (
            self.project.dialect == "auto"
            and self.facts.dialect == "ours"
            and self.parsed.header.container == "yaml"
        )

    def _hashtags(self) -> tuple[str, ...]:
        words = self.fields.texts("hashtags", r",\s")
        return tuple(dict.fromkeys(word.lstrip("#").strip() for word in words if word.strip("# ")))

    def _channels(self) -> Mapping[str, str]:
        channels = {_CHANNEL_NAMES.get(name, name): word for name, word in self.project.default_channels.items()}
        for key, entries in self.fields.each("channels"):
            name = _CHANNEL_NAMES.get(key, key)
            value = entries.raw(key)
            words = _NEWSLETTER if name == "newsletter" else _CHANNEL
            word = str(value).lower() if isinstance(value, bool | str) else ""
            if word in words:
                channels[name] = words[word]
            else:
                kinds = ", ".join(dict.fromkeys(words.values()))
                meant = nearest(word, frozenset(words))
                fix = f"{key}: {meant}" if meant else f"one of {kinds}"
                entries.wrong(key, "unknown-value", f"`{key}` is one of {kinds}", fix=fix, seen=str(value))
        return channels

    def _posts(self) -> Mapping[str, PostOverride]:
        posts: dict[str, PostOverride] = {}
        for network, entries in self.fields.each("posts"):
            post = entries.inner(network, POST, "text")
            if post:
                posts[network] = PostOverride(
                    link=post.text("link"),
                    image=post.text("image"),
                    images=post.texts("images"),
                    alt=post.text("alt"),
                    lang=post.text("lang"),
                    warning=post.text("warning"),
                    split=post.flag("split"),
                    text=post.passage("text"),
                    at=post.when("at", self.project.timezone, strict=True),
                    reply_chain=post.passages("reply_chain"),
                )
        return posts

    def _event(self) -> EventFacts | None:
        event = self.fields.inner("event", EVENT)
        if event is None:
            return None
        zone = event.text("tz") or self.project.timezone
        try:
            zone_of(zone)
        except TimeError as error:
            event.wrong("tz", error.rule, f"`{zone}`: {error}", fix=f"tz: {error.fix}", seen=zone)
            zone = self.project.timezone
        words = ("tz", "place", "address", "online_url", "register_url")
        times = ("start", "end", "deadline")
        return EventFacts(
            **{name: event.text(name) for name in words},  # type: ignore[arg-type] # texts by name
            **{name: event.when(name, zone) for name in times},  # type: ignore[arg-type] # instants by name
        )

    def _funding_note(self) -> str:
        funding = self.fields.inner("funding", frozenset({"extra_note"}), "extra_note")
        return funding.text("extra_note") if funding else ""

    def _extra(self) -> Mapping[str, str]:
        kept = {name: as_text(self.fields.raw(name)) for name in sorted(KEPT) if name in self.fields}
        return {**self.facts.extra, **kept}


@functools.lru_cache(maxsize=8)
def _spellings(categories: Iterable[tuple[str, tuple[str, ...]]]) -> Mapping[str, str]:
    return {word.casefold(): name for name, others in categories for word in (name, *others)}
