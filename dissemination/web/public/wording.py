# ruff: noqa: RUF001 - French and Italian are written with this apostrophe
"""What people read instead of a page that is not there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Said:
    """Heading and sentence."""

    title: str
    text: str


#: Language -> status -> words.
SAID: Mapping[str, Mapping[int, Said]] = {
    "en": {
        404: Said("Page not found", "There is nothing at this address. The news and the feeds are linked below."),
        500: Said("Something went wrong", "This is our fault. Please try again later."),
        503: Said("Please try again", "This could not be done right now, and nothing was changed."),
    },
    "fr": {
        404: Said("Page introuvable", "Il n’y a rien à cette adresse. Les actualités et les flux sont ci-dessous."),
        500: Said("Une erreur s’est produite", "C’est notre faute. Veuillez réessayer plus tard."),
        503: Said("Veuillez réessayer", "Ce n’était pas possible pour l’instant, et rien n’a été modifié."),
    },
    "it": {
        404: Said(
            "Pagina non trovata", "A questo indirizzo non c’è nulla. Le notizie e i feed si trovano qui sotto."
        ),
        500: Said("Qualcosa è andato storto", "È colpa nostra. Riprova più tardi."),
        503: Said("Riprova", "Al momento non è stato possibile, e nulla è stato modificato."),
    },
    "ro": {
        404: Said("Pagina nu a fost găsită", "La această adresă nu este nimic. Știrile și fluxurile sunt mai jos."),
        500: Said("Ceva nu a funcționat", "Este vina noastră. Încercați din nou mai târziu."),
        503: Said("Încercați din nou", "Acum nu a fost posibil și nu s-a schimbat nimic."),
    },
    "sl": {
        404: Said("Strani ni mogoče najti", "Na tem naslovu ni ničesar. Novice in viri so povezani spodaj."),
        500: Said("Nekaj je šlo narobe", "To je naša napaka. Poskusite znova pozneje."),
        503: Said("Poskusite znova", "Trenutno to ni bilo mogoče in nič ni bilo spremenjeno."),
    },
    "sv": {
        404: Said("Sidan hittades inte", "Det finns inget på den här adressen. Nyheter och flöden länkas nedan."),
        500: Said("Något gick fel", "Det är vårt fel. Försök igen senare."),
        503: Said("Försök igen", "Det gick inte just nu, och inget har ändrats."),
    },
    "de": {
        404: Said(
            "Seite nicht gefunden", "Unter dieser Adresse gibt es nichts. Unten geht es zu Neuigkeiten und Feeds."
        ),
        500: Said("Etwas ist schiefgegangen", "Das liegt an uns. Bitte versuchen Sie es später noch einmal."),
        503: Said("Bitte noch einmal versuchen", "Das ging gerade nicht, und nichts wurde geändert."),
    },
}
