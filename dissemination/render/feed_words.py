"""The words of feeds and of their pages, per language."""
# ruff: noqa: RUF001 - the typographic apostrophe is right in French and Italian

from __future__ import annotations

from typing import NamedTuple


class FeedWords(NamedTuple):
    """What feeds say in one language."""

    #: Stands in brackets before the title of what was taken back.
    withdrawn: str
    notice: str
    archive: str
    categories: str
    tags: str
    opml: str


_WORDS = {
    "en": FeedWords(
        "Withdrawn",
        "This item was withdrawn. What it said must no longer be relied on.",
        "Archive",
        "Categories",
        "Tags",
        "All feeds as one OPML file",
    ),
    "ro": FeedWords(
        "Retras",
        "Această știre a fost retrasă. Nu vă mai bazați pe cele spuse în ea.",
        "Arhivă",
        "Categorii",
        "Etichete",
        "Toate fluxurile într-un fișier OPML",
    ),
    "fr": FeedWords(
        "Retiré",
        "Cette actualité a été retirée. Ne vous fiez plus à ce qu’elle disait.",
        "Archives",
        "Catégories",
        "Étiquettes",
        "Tous les flux dans un fichier OPML",
    ),
    "it": FeedWords(
        "Ritirata",
        "Questa notizia è stata ritirata. Quanto vi era scritto non è più valido.",
        "Archivio",
        "Categorie",
        "Etichette",
        "Tutti i feed in un file OPML",
    ),
    "de": FeedWords(
        "Zurückgezogen",
        "Diese Meldung wurde zurückgezogen. Was darin stand, gilt nicht mehr.",
        "Archiv",
        "Kategorien",
        "Schlagwörter",
        "Alle Feeds in einer OPML-Datei",
    ),
    "es": FeedWords(
        "Retirada",
        "Esta noticia se ha retirado. Lo que decía ya no es válido.",
        "Archivo",
        "Categorías",
        "Etiquetas",
        "Todos los canales en un archivo OPML",
    ),
    "sv": FeedWords(
        "Återkallad",
        "Nyheten har återkallats. Det som stod i den gäller inte längre.",
        "Arkiv",
        "Kategorier",
        "Etiketter",
        "Alla flöden i en OPML-fil",
    ),
    "sl": FeedWords(
        "Umaknjeno",
        "Ta novica je bila umaknjena. Kar je pisalo v njej, ne velja več.",
        "Arhiv",
        "Kategorije",
        "Oznake",
        "Vsi viri v datoteki OPML",
    ),
}


def feed_words(lang: str) -> FeedWords:
    """The words of a language; English where we have none of it."""
    return _WORDS.get(lang.partition("-")[0].lower(), _WORDS["en"])
