"""The few words that public pages say themselves, per language, and dates as people write them."""
# ruff: noqa: RUF001 - the typographic apostrophe is right in French and Italian

from __future__ import annotations

from datetime import date
from typing import NamedTuple


class Words(NamedTuple):
    """What pages say in one language."""

    correction: str
    updated: str
    languages: str
    news: str
    feeds: str
    address: str
    about: str
    empty: str


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
#: In the order of the fields of Words.
_WORDS = {
    "en": (
        "Correction:",
        "Updated",
        "Languages",
        "All news",
        "Feeds",
        "The address of this feed:",
        "A feed tells you of every new item, without an account. Copy the address into your feed reader.",
        "No news yet. A feed reader that knows the address will show the first item.",
    ),
    "ro": (
        "Corectură:",
        "Actualizat",
        "Limbi",
        "Toate știrile",
        "Fluxuri",
        "Adresa acestui flux:",
        "Un flux vă anunță fiecare știre nouă, fără cont. Copiați adresa în cititorul dumneavoastră de fluxuri.",
        "Încă nu sunt știri. Un cititor de fluxuri care știe adresa o va arăta pe prima.",
    ),
    "fr": (
        "Rectificatif :",
        "Mis à jour",
        "Langues",
        "Toutes les actualités",
        "Flux",
        "L’adresse de ce flux :",
        "Un flux vous annonce chaque actualité, sans compte. Copiez l’adresse dans votre lecteur de flux.",
        "Pas encore d’actualité. Un lecteur de flux qui connaît l’adresse montrera la première.",
    ),
    "it": (
        "Rettifica:",
        "Aggiornato",
        "Lingue",
        "Tutte le notizie",
        "Feed",
        "L’indirizzo di questo feed:",
        "Un feed segnala ogni notizia nuova, senza registrazione. Copiate l’indirizzo nel vostro lettore di feed.",
        "Ancora nessuna notizia. Un lettore di feed che conosce l’indirizzo mostrerà la prima.",
    ),
    "de": (
        "Berichtigung:",
        "Aktualisiert",
        "Sprachen",
        "Alle Meldungen",
        "Feeds",
        "Die Adresse dieses Feeds:",
        "Ein Feed meldet Ihnen jede Neuigkeit, ohne Konto. Kopieren Sie die Adresse in Ihr Leseprogramm.",
        "Noch keine Meldungen. Ein Leseprogramm, das die Adresse kennt, zeigt die erste an.",
    ),
    "es": (
        "Corrección:",
        "Actualizado",
        "Idiomas",
        "Todas las noticias",
        "Canales",
        "La dirección de este canal:",
        "Un canal le avisa de cada noticia nueva, sin cuenta. Copie la dirección en su lector de canales.",
        "Aún no hay noticias. Un lector que conozca la dirección mostrará la primera.",
    ),
    "sv": (
        "Rättelse:",
        "Uppdaterad",
        "Språk",
        "Alla nyheter",
        "Flöden",
        "Flödets adress:",
        "Ett flöde berättar om varje nyhet, utan konto. Kopiera adressen till din flödesläsare.",
        "Inga nyheter än. En flödesläsare som känner till adressen visar den första.",
    ),
    "sl": (
        "Popravek:",
        "Posodobljeno",
        "Jeziki",
        "Vse novice",
        "Viri",
        "Naslov tega vira:",
        "Vir vas obvesti o vsaki novici, brez računa. Naslov kopirajte v svoj bralnik virov.",
        "Novic še ni. Bralnik virov, ki pozna naslov, bo pokazal prvo.",
    ),
}
_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "ro": "ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie noiembrie decembrie",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "sv": "januari februari mars april maj juni juli augusti september oktober november december",
    "sl": "januar februar marec april maj junij julij avgust september oktober november december",
}
_PATTERNS = {"de": "{d}. {m} {y}", "sl": "{d}. {m} {y}", "es": "{d} de {m} de {y}"}


def _base(lang: str) -> str:
    return lang.partition("-")[0].lower()


def words(lang: str) -> Words:
    """The words of a language; English where we have none of it."""
    return Words(*_WORDS.get(_base(lang), _WORDS["en"]))


def language_name(lang: str) -> str:
    """As in "Română" for "ro"; the tag itself where we do not know it."""
    return _NAMES.get(_base(lang), lang)


def direction(lang: str) -> str:
    """Either "ltr" or "rtl"."""
    return "rtl" if _base(lang) in _RIGHT_TO_LEFT else "ltr"


def long_date(day: date, lang: str) -> str:
    """As in "12 November 2026"; "2026-11-12" in languages whose months we do not know. Needs no locale."""
    months = _MONTHS.get(_base(lang))
    if months is None:
        return day.isoformat()
    return _PATTERNS.get(_base(lang), "{d} {m} {y}").format(d=day.day, m=months.split()[day.month - 1], y=day.year)
