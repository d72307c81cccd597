"""Dates as people write them, and what languages are called."""

from __future__ import annotations

from datetime import date

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.units import format_unit

from dissemination.render.catalogues import base
from dissemination.render.strings import Words, strings

#: How each language calls itself.
_NAMES = {
    "ar": "العربية",
    "bg": "Български",
    "cs": "Čeština",
    "da": "Dansk",
    "de": "Deutsch",
    "el": "Ελληνικά",
    "en": "English",
    "es": "Español",
    "et": "Eesti",
    "fi": "Suomi",
    "fr": "Français",
    "ga": "Gaeilge",
    "he": "עברית",
    "hr": "Hrvatski",
    "hu": "Magyar",
    "it": "Italiano",
    "lt": "Lietuvių",
    "lv": "Latviešu",
    "mt": "Malti",
    "nl": "Nederlands",
    "no": "Norsk",
    "pl": "Polski",
    "pt": "Português",
    "ro": "Română",
    "sk": "Slovenčina",
    "sl": "Slovenščina",
    "sv": "Svenska",
    "uk": "Українська",
}
_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})
#: Where a bare tag means another country to Unicode than to a project in Europe: "12 November", not "November 12".
_MEANT = {"en": "en-GB"}


def words(lang: str) -> Words:
    """The words of a language; English where we have none of it."""
    return strings(lang)


def language_name(lang: str) -> str:
    """As in "Română" for "ro"; the tag itself where we do not know it."""
    return _NAMES.get(base(lang), lang)


def direction(lang: str) -> str:
    """Either "ltr" or "rtl"."""
    return "rtl" if base(lang) in _RIGHT_TO_LEFT else "ltr"


def locale(lang: str) -> Locale | None:
    """What Unicode knows of a language (CLDR); None where it knows nothing."""
    for tag in (_MEANT.get(lang, lang), base(lang)):
        try:
            return Locale.parse(tag, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return None


def long_date(day: date, lang: str) -> str:
    """As in "12 November 2026"; "2026-11-12" in languages whose months nobody knows."""
    found = locale(lang)
    return format_date(day, "long", locale=found) if found else f"{day:%Y-%m-%d}"


def file_size(size: int, lang: str) -> str:
    """A number of bytes as people read it: "1.2 MB", "1,2 Mo"."""
    unit, shown = ("megabyte", round(size / 1e6, 1)) if size >= 1e6 else ("kilobyte", max(1, round(size / 1e3)))
    return format_unit(shown, unit, "short", locale=locale(lang) or locale("en"))
