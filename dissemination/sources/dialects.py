"""The front matter of other tools, put into our words.

Hugo, Jekyll, Eleventy, Nikola, Pelican and Decap name the same facts differently, and sometimes name different
facts the same. One table of names that mean one thing everywhere, one of names that mean something in one dialect.
"""

from __future__ import annotations

import difflib
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dissemination.model import Finding, ItemType, Level, Project
from dissemination.sources.front_matter import Header
from dissemination.sources.layout import Place
from dissemination.sources.refusal import note, shortened


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Every field of the content model.
FIELDS = _words(
    """
    id title slug type lang translation_of translation_key translation_kind date publish_at embargo_until
    expires_at updated correction status summary subject preheader byline authors partner partners mentions
    categories topic tags hashtags image images attachments canonical_url require_live source_url source links
    channels posts reshare event funding lists reviewers reviewed_by report pinned
    """
)
#: Known, but no part of a NewsItem: kept as text.
KEPT = frozenset({"report", "source"})

#: In lower case, as all tools' keys are compared.
_EVERYWHERE = {
    "abstract": "summary",
    "audience": "lists",
    "author": "authors",
    "by": "byline",
    "category": "categories",
    "cover": "image",
    "description": "summary",
    "excerpt": "summary",
    "expirydate": "expires_at",
    "featured_image": "image",
    "keywords": "tags",
    "language": "lang",
    "last_modified_at": "updated",
    "lastmod": "updated",
    "locale": "lang",
    "modified": "updated",
    "previewimage": "image",
    "publishdate": "publish_at",
    "tag": "tags",
    "teaser": "summary",
    "thumbnail": "image",
    "translationkey": "translation_key",
    "unpublishdate": "expires_at",
}
_KNOWN = FIELDS.union(_EVERYWHERE)
_IN_ONE = {
    "nikola": {"guid": "id", "link": "source_url"},
    "hugo": {"pubdate": "publish_at"},
}
#: What says that an item is not ready, or that it is; read by `fields.status_of`.
SWITCHES = frozenset({"draft", "published", "permalink", "eleventyexcludefromcollections", "translation"})
#: Keys that steer the other tool and say nothing to us.
_PLUMBING = {
    "hugo": _words(
        """
        aliases build cascade headless iscjklanguage layout linktitle markup math menu outputs params resources
        series toc type url weight
        """
    ),
    "jekyll": _words("comments layout permalink redirect_from render_with_liquid sitemap toc"),
    "eleventy": _words("eleventycomputed eleventynavigation layout pagination permalink templateengineoverride"),
    "nikola": _words(
        "annotations filters has_math hidetitle hyphenate nocomments pretty_url template type url_type"
    ),
    "pelican": _words("save_as template url"),
    "decap": _words("layout template"),
    "ours": frozenset(),
}
#: Keys that only we use: such a file is ours, whatever else it looks like.
_OURS = _words(
    """
    publish_at embargo_until expires_at channels posts hashtags topic byline status partner partners mentions
    translation_key translation_of translation_kind reviewers reviewed_by funding event preheader subject source_url
    """
)
#: In this order: the first that a key of the file belongs to.
_MARKS = (
    ("hugo", frozenset({"publishdate", "expirydate", "lastmod", "linktitle", "iscjklanguage", "resources"})),
    ("eleventy", frozenset({"eleventyexcludefromcollections", "eleventynavigation", "eleventycomputed"})),
    ("nikola", frozenset({"previewimage", "hidetitle", "pretty_url"})),
    ("jekyll", frozenset({"published", "excerpt", "redirect_from", "last_modified_at"})),
    ("hugo", frozenset({"draft"})),
)
_BY_CONTAINER = {"toml": "hugo", "json": "hugo"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """Front matter in our words."""

    dialect: str
    #: Canonical field -> value as it was read.
    fields: Mapping[str, Any]
    #: Dotted canonical path -> line.
    lines: Mapping[str, int]
    #: The other tool's switches ("draft", "published", ...), in lower case.
    switches: Mapping[str, Any]
    extra: Mapping[str, str]
    findings: tuple[Finding, ...] = ()


def detect(header: Header, place: Place, setting: str) -> str:
    """Whose front matter it is: the folder's setting, else the container, telling keys, and the file's name."""
    if setting != "auto":
        return setting
    if header.container in {"nikola", "pelican"}:
        return header.container
    keys = {key.lower() for key in header.fields}
    if keys & _OURS:
        return "ours"
    marked = next((dialect for dialect, marks in _MARKS if keys & marks), "")
    return _BY_CONTAINER.get(header.container) or marked or _by_place(place, keys)


def _by_place(place: Place, keys: set[str]) -> str:
    if place.day or place.posts or place.drafts:
        return "jekyll"
    return "eleventy" if "layout" in keys else "ours"


def translate(header: Header, place: Place, project: Project) -> Facts:
    """Rename keys; what nobody knows is kept in `extra` and reported as the project wishes."""
    dialect = detect(header, place, project.dialect)
    names = {key: _canonical(key, dialect) for key in header.fields}
    fields: dict[str, Any] = {}
    switches: dict[str, Any] = {}
    extra: dict[str, str] = {}
    findings: list[Finding] = []
    for key in sorted(names, key=lambda key: key != names[key]):  # our own name wins over an alias
        name, value, low = names[key], header.fields[key], key.lower()
        if low in SWITCHES and not name:
            switches[low] = value
        if name and name not in fields and not _is_foreign_type(name, value, dialect):
            fields[name] = _one(key, value)
        elif not (low in SWITCHES and not name):
            extra[key] = as_text(value)
            if not name and low not in _PLUMBING[dialect]:
                findings.extend(_unknown(key, header.lines.get(key, 0), value, project.unknown))
    return Facts(
        dialect=dialect,
        fields=fields,
        lines=_renamed(header.lines, names),
        switches=switches,
        extra=extra,
        findings=tuple(findings),
    )


def as_text(value: Any) -> str:
    """A kept value as text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@functools.lru_cache(maxsize=1024)
def nearest(word: str, known: frozenset[str]) -> str:
    """The known word that was probably meant, or ""."""
    found = difflib.get_close_matches(word.lower(), known, 1, 0.7)
    return found[0] if found else ""


def unknown_field(path: str, known: frozenset[str], *, line: int, level: Level, seen: str = "") -> Finding:
    """A finding on a field that nobody knows."""
    *outer, name = path.split(".")
    meant = nearest(name[:60], known)
    fix = ".".join([*outer, meant]) if meant else "delete it, or name it x-… to keep it"
    shown = shortened(path)
    return note(
        "unknown-field", level, f"the field `{shown}` is not known", line=line, fix=fix, field=shown, seen=seen
    )


def _canonical(key: str, dialect: str) -> str:
    low = key.lower()
    if low in FIELDS:
        return low
    return _IN_ONE.get(dialect, {}).get(low) or _EVERYWHERE.get(low, "")


def _is_foreign_type(name: str, value: Any, dialect: str) -> bool:
    """Other tools' `type: post` names a template or a content type of theirs."""
    return name == "type" and dialect != "ours" and value not in {kind.value for kind in ItemType}


def _one(key: str, value: Any) -> Any:
    """`category: A b` and `author: A b` are one each, also where the plural is split."""
    single = key.lower() in {"category", "author", "tag"}
    return [value] if single and isinstance(value, str) and value and "," not in value else value


def _unknown(key: str, line: int, value: Any, setting: str) -> list[Finding]:
    if setting == "ignore" or key.lower().startswith("x-"):
        return []
    level = Level.ERROR if setting == "error" else Level.WARNING
    return [unknown_field(key, _KNOWN, line=line, level=level, seen=as_text(value))]


def _renamed(lines: Mapping[str, int], names: Mapping[str, str]) -> dict[str, int]:
    renamed: dict[str, int] = {}
    for path, line in lines.items():
        key, dot, rest = path.partition(".")
        name = names.get(key) or key
        if name != key:
            renamed.setdefault(f"{name}{dot}{rest}", line)
        else:
            renamed[path] = line
    return renamed
