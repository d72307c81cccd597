"""What a path says: which item, in which language, of which day."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePosixPath

SUFFIXES = (".md", ".markdown")
SIDECAR_SUFFIXES = (".yml", ".yaml")
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".gif", ".webp")
#: Jekyll's folders: walked although they begin with an underscore, and not part of an item's key.
PLUMBING_FOLDERS = frozenset({"_drafts", "_posts"})

_DATED = re.compile(r"(\d{4}-\d{2}-\d{2})-(.+)")
_WITH_LANGUAGE = re.compile(r"(.+)\.([A-Za-z]{2,3}(?:[-_][A-Za-z]{2,4})?)")
_SURELY_LANGUAGE = re.compile(r"[a-z]{2}(?:[-_][A-Z]{2})?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where an item's file lies below the news folder."""

    #: With forward slashes and suffix.
    relative: str
    #: Its folder below news; "" for news itself.
    folder: str
    #: Equal for the language versions of one item: the path without suffix and language.
    key: str
    #: The language its path names, as the project spells it, or as written if the project has no such; or "".
    lang: str = ""
    #: "2024-05-27" where the file (not the folder) is named by a day.
    day: str = ""
    #: The file's own name without day, language and suffix; the folder's for `index.md`.
    name: str = ""
    bundle: bool = False
    posts: bool = False
    drafts: bool = False


def is_item(name: str) -> bool:
    """Whether a file of this name is an item: Markdown, and neither README nor hidden nor put aside by `_`."""
    stem, dot, _ = name.rpartition(".")
    return bool(dot) and name.endswith(SUFFIXES) and not name.startswith((".", "_")) and stem.lower() != "readme"


def is_sidecar(name: str) -> bool:
    """Whether it holds the facts of a picture: `paris.jpg.yml`."""
    stem, _, suffix = name.rpartition(".")
    return f".{suffix}" in SIDECAR_SUFFIXES and stem.lower().endswith(PICTURE_SUFFIXES) and stem[0] not in "._"


def place_of(relative: str, languages: Collection[str]) -> Place:
    """Read the path of an item's file."""
    path = PurePosixPath(relative)
    folders = [part for part in path.parts[:-1] if part not in PLUMBING_FOLDERS]
    stem, lang = _language(path.stem, languages)
    if not lang:
        lang = next((part for part in folders if part in languages), "")
        if lang:
            folders.remove(lang)
    bundle = stem == "index" and bool(folders)
    dated = None if bundle else _DATED.fullmatch(stem)
    parts = folders if bundle else [*folders, stem]
    return Place(
        relative=relative,
        folder="" if str(path.parent) == "." else str(path.parent),
        key="/".join(parts),
        lang=lang,
        day=dated[1] if dated else "",
        name=dated[2] if dated else parts[-1],
        bundle=bundle,
        posts="_posts" in path.parts,
        drafts="_drafts" in path.parts,
    )


def _language(stem: str, languages: Collection[str]) -> tuple[str, str]:
    found = _WITH_LANGUAGE.fullmatch(stem)
    if not found:
        return stem, ""
    lang = language_of(found[2], languages)
    if lang or _SURELY_LANGUAGE.fullmatch(found[2]):
        return found[1], lang or found[2]
    return stem, ""


def language_of(text: str, languages: Collection[str]) -> str:
    """The project's language that a tag means: `en`, `EN`, `en_GB` and `en-GB` are all "en"; "" if none."""
    tag = text.strip().lower().replace("_", "-")
    known = {lang.lower(): lang for lang in languages}
    return known.get(tag) or known.get(tag.partition("-")[0]) or ""
