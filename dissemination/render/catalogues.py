"""The catalogues: what the program says itself, in the languages that it ships (gettext, read from .po files).

A speaker is a frozen dataclass whose fields are English: `spoken(Words, "ro")` is the same in Romanian. What a
catalogue lacks stays English. Plural forms are counted as gettext counts them: three in Romanian, four in Slovene.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import TypeVar, cast

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

#: <language>/LC_MESSAGES/dissemination.po; the folder travels inside the wheel.
LOCALES = Path(__file__).parent.parent / "locales"

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Plural:
    """What is said of a number, with the hole {n}: `words.stories(3)` is "3 stories"."""

    one: str
    many: str
    #: Chooses the words for a number; English where nothing else is set.
    choose: Callable[[str, str, int], str] = NullTranslations().ngettext

    def __call__(self, number: int) -> str:
        """The words for this number."""
        return self.choose(self.one, self.many, number).format(n=number)


def base(lang: str) -> str:
    """The primary subtag: "fr" of "fr-BE" (RFC 5646, 2.2.1)."""
    return lang.partition("-")[0].lower()


@cache
def shipped_languages() -> tuple[str, ...]:
    """The languages that have a catalogue, English first."""
    return ("en", *sorted(path.parent.parent.name for path in LOCALES.glob("*/LC_MESSAGES/dissemination.po")))


@cache
def catalogue(lang: str) -> NullTranslations:
    """The catalogue of a primary subtag; one that says everything in English where we have none."""
    path = LOCALES / lang / "LC_MESSAGES" / "dissemination.po"
    if lang not in shipped_languages() or not path.exists():
        return NullTranslations()
    with path.open("rb") as stream:
        messages = read_po(stream, locale=lang, abort_invalid=True)
    compiled = io.BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return GNUTranslations(compiled)


def spoken(speaker: type[_T], lang: str) -> _T:
    """The speaker in a language, or its region ("fr-BE" is French); English where a word is missing."""
    found = catalogue(base(lang))
    return speaker(**{name: _said(value, found) for name, value in english(speaker).items()})


def english(speaker: type) -> Mapping[str, str | Plural]:
    """Field -> what it says in English."""
    return {field.name: cast("str | Plural", field.default) for field in fields(speaker)}


def _said(value: str | Plural, found: NullTranslations) -> str | Plural:
    return found.gettext(value) if isinstance(value, str) else Plural(value.one, value.many, found.ngettext)
