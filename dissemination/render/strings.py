"""The words that a newsletter says itself, in every language it can be sent in.

There is no fallback: a reader who chose Romanian gets no English footer.
"""
# ruff: noqa: RUF001 - typographic apostrophes and dashes are right in these languages

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dissemination.errors import RenderError
from dissemination.model import ItemType


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """Everything the newsletter's templates say, in one language."""

    read_more: str
    #: At the end of an item that is told in full.
    on_the_web: str
    contents: str
    #: Before the name of who made a picture.
    credit: str
    #: Stands for a picture in the plain text.
    picture: str
    by: str
    correction: str
    updated: str
    when: str
    where: str
    online: str
    register: str
    register_by: str
    further: str
    links: str
    all_news: str
    #: Holes: {email}, {lists}, {project}.
    why: str
    unsubscribe: str
    preferences: str
    #: What each kind of item is called above its title.
    types: Mapping[ItemType, str]


def strings(lang: str) -> Words:
    """The words of a language, found by its primary subtag ("fr-BE" is French).

    Raises:
        RenderError: the newsletter cannot speak it.
    """
    found = _WORDS.get(lang.partition("-")[0].lower())
    if found is None:
        raise RenderError(
            f"newsletter: no words in language `{lang}`; take it out of `languages` of the newsletter, "
            f"or use one of {', '.join(sorted(_WORDS))}"
        )
    return found


def _types(news: str, event: str, practice: str, publication: str, newsletter: str) -> Mapping[ItemType, str]:
    return dict(zip(ItemType, (news, event, practice, publication, newsletter), strict=True))


_WORDS: Mapping[str, Words] = {
    "en": Words(
        read_more="Read the full story",
        on_the_web="Read on the web",
        contents="In this edition",
        credit="Picture:",
        picture="Picture",
        by="By {name}",
        correction="Correction",
        updated="Updated on {date}",
        when="When",
        where="Where",
        online="Online",
        register="Register",
        register_by="Register by",
        further="Read further",
        links="Links",
        all_news="All our news",
        why="You receive this letter because {email} is subscribed to “{lists}” of {project}.",
        unsubscribe="Unsubscribe",
        preferences="Your preferences",
        types=_types("News", "Event", "Good practice", "Publication", "Newsletter"),
    ),
    "fr": Words(
        read_more="Lire l’article complet",
        on_the_web="Lire sur le web",
        contents="Dans ce numéro",
        credit="Image :",
        picture="Image",
        by="Par {name}",
        correction="Rectificatif",
        updated="Mis à jour le {date}",
        when="Quand",
        where="Où",
        online="En ligne",
        register="S’inscrire",
        register_by="S’inscrire avant le",
        further="Pour aller plus loin",
        links="Liens",
        all_news="Toutes nos actualités",
        why="Vous recevez cette lettre parce que {email} est inscrit à « {lists} » de {project}.",
        unsubscribe="Se désabonner",
        preferences="Vos préférences",
        types=_types("Actualité", "Événement", "Bonne pratique", "Publication", "Lettre d’information"),
    ),
    "it": Words(
        read_more="Leggi l’articolo completo",
        on_the_web="Leggi sul web",
        contents="In questo numero",
        credit="Immagine:",
        picture="Immagine",
        by="Di {name}",
        correction="Rettifica",
        updated="Aggiornato il {date}",
        when="Quando",
        where="Dove",
        online="Online",
        register="Iscriversi",
        register_by="Iscriversi entro il",
        further="Per approfondire",
        links="Link",
        all_news="Tutte le nostre notizie",
        why="Ricevete questa lettera perché {email} è iscritto a «{lists}» di {project}.",
        unsubscribe="Annulla l’iscrizione",
        preferences="Le vostre preferenze",
        types=_types("Notizia", "Evento", "Buona pratica", "Pubblicazione", "Newsletter"),
    ),
    "ro": Words(
        read_more="Citiți articolul complet",
        on_the_web="Citiți pe web",
        contents="În această ediție",
        credit="Imagine:",
        picture="Imagine",
        by="De {name}",
        correction="Corectură",
        updated="Actualizat la {date}",
        when="Când",
        where="Unde",
        online="Online",
        register="Înscriere",
        register_by="Înscriere până la",
        further="Citiți și",
        links="Linkuri",
        all_news="Toate știrile noastre",
        why="Primiți această scrisoare pentru că {email} este abonat la „{lists}” – {project}.",
        unsubscribe="Dezabonare",
        preferences="Preferințele dumneavoastră",
        types=_types("Știre", "Eveniment", "Bună practică", "Publicație", "Buletin informativ"),
    ),
    "sl": Words(
        read_more="Preberite celoten članek",
        on_the_web="Preberite na spletu",
        contents="V tej številki",
        credit="Slika:",
        picture="Slika",
        by="Besedilo: {name}",
        correction="Popravek",
        updated="Posodobljeno {date}",
        when="Kdaj",
        where="Kje",
        online="Na spletu",
        register="Prijava",
        register_by="Prijava do",
        further="Več o tem",
        links="Povezave",
        all_news="Vse naše novice",
        why="To pismo prejemate, ker je naslov {email} naročen na »{lists}« projekta {project}.",
        unsubscribe="Odjava",
        preferences="Vaše nastavitve",
        types=_types("Novica", "Dogodek", "Dobra praksa", "Publikacija", "Novičnik"),
    ),
    "sv": Words(
        read_more="Läs hela artikeln",
        on_the_web="Läs på webben",
        contents="I detta nummer",
        credit="Bild:",
        picture="Bild",
        by="Av {name}",
        correction="Rättelse",
        updated="Uppdaterad {date}",
        when="När",
        where="Var",
        online="På nätet",
        register="Anmäl dig",
        register_by="Anmäl dig senast",
        further="Läs vidare",
        links="Länkar",
        all_news="Alla våra nyheter",
        why="Du får det här brevet eftersom {email} prenumererar på ”{lists}” från {project}.",
        unsubscribe="Avsluta prenumerationen",
        preferences="Dina inställningar",
        types=_types("Nyhet", "Evenemang", "God praxis", "Publikation", "Nyhetsbrev"),
    ),
    "de": Words(
        read_more="Den ganzen Artikel lesen",
        on_the_web="Im Web lesen",
        contents="In dieser Ausgabe",
        credit="Bild:",
        picture="Bild",
        by="Von {name}",
        correction="Berichtigung",
        updated="Aktualisiert am {date}",
        when="Wann",
        where="Wo",
        online="Online",
        register="Anmelden",
        register_by="Anmelden bis",
        further="Weiterlesen",
        links="Links",
        all_news="Alle unsere Meldungen",
        why="Sie erhalten diesen Brief, weil {email} „{lists}“ von {project} abonniert hat.",
        unsubscribe="Abmelden",
        preferences="Ihre Einstellungen",
        types=_types("Meldung", "Veranstaltung", "Gute Praxis", "Veröffentlichung", "Newsletter"),
    ),
}
