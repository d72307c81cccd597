"""Which feeds there are: in each language everything, one a category, one a tag; and where each of them lies.

An address follows from the term alone, never from what other terms there are: it must stay for ever.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from dissemination.model import Entry, Project, Site

#: Names below a language's folder that other things have.
_TAKEN = frozenset({"all", "categories", "news", "tags", "feeds"})
_UNSAFE = re.compile("[^a-z0-9]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """What a feed is about, in any language."""

    #: "all", "category" or "tag".
    kind: str
    #: The category or tag as it is shown; "" for everything.
    term: str = ""
    #: The folder below the language's, with a slash at the end.
    folder: str


def everything() -> Scope:
    """All news of a language."""
    return Scope(kind="all", folder="all/")


def of_category(term: str, default: str) -> Scope:
    """A category's feed; the default category's has the address that it had when there was no other."""
    if term == default:
        return Scope(kind="category", term=term, folder=Site(public_url="").feed_path("", term, "").lstrip("/"))
    name = slug(term)
    return Scope(kind="category", term=term, folder=f"categories/{name}/" if name in _TAKEN else f"{name}/")


def of_tag(term: str) -> Scope:
    """A tag's feed."""
    return Scope(kind="tag", term=term, folder=f"tags/{slug(term)}/")


def scopes_of(entry: Entry, default: str) -> Iterator[Scope]:
    """The feeds that an entry belongs into, each once; `default` is the default category."""
    seen = set()
    found = (
        everything(),
        *(of_category(term, default) for term in entry.categories if term.strip()),
        *(of_tag(term) for term in entry.tags if term.strip()),
    )
    for scope in found:
        if scope.folder not in seen:
            seen.add(scope.folder)
            yield scope


def main_scopes(project: Project) -> tuple[Scope, Scope]:
    """The two feeds that a language always has: the default category first."""
    return of_category(project.category, project.category), everything()


def sort_key(scope: Scope, project: Project) -> tuple[int, str, str]:
    """The default category, everything, the other categories, the tags."""
    rank = {"all": 1, "category": 2, "tag": 3}[scope.kind]
    own = scope.kind == "category" and scope.term == project.category
    return (0 if own else rank, scope.term.casefold(), scope.folder)


def slug(term: str) -> str:
    """The term in an address. Where letters are lost, a mark keeps "C++" and "C#" apart."""
    words = " ".join(unicodedata.normalize("NFC", term).casefold().split())
    name = _UNSAFE.sub("-", words).strip("-")
    if name == words.replace(" ", "-") and name:
        return name
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode()
    mark = hashlib.sha256(words.encode()).hexdigest()[:6]
    return f"{_UNSAFE.sub('-', plain).strip('-')[:60]}-{mark}".lstrip("-")


def ordered(scopes: Iterable[Scope], project: Project) -> Sequence[Scope]:
    """As people are shown them."""
    return sorted(scopes, key=lambda scope: sort_key(scope, project))
