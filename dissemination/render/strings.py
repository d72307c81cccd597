"""Every word that letters and public pages say themselves: here in English, in catalogues in other languages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from dissemination.model import ItemType
from dissemination.render.catalogues import Plural, base, shipped_languages, spoken
from dissemination.render.feed_words import FeedWords
from dissemination.render.people_strings import PeopleWords, VisitorWords
from dissemination.render.status_words import StatusWords


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """What templates say, in English where nothing else is given. Comments are for translators, too."""

    # -- items, in letters and on pages
    read_more: str = "Read the full story"
    #: At the end of an item that is told in full.
    on_the_web: str = "Read on the web"
    #: Before the name of who made a picture.
    credit: str = "Picture:"
    #: Stands for a picture in plain text.
    picture: str = "Picture"
    by: str = "By {name}"
    correction: str = "Correction:"
    corrected: str = "Correction of {date}:"
    updated: str = "Updated on {date}"
    #: Facts of an event: labels of a table.
    facts: str = "The event at a glance"
    when: str = "When"
    where: str = "Where"
    online: str = "Online"
    register: str = "Register"
    register_by: str = "Register by"
    further: str = "Read further"
    #: What each kind of item is called above its title.
    news_item: str = "News"
    event: str = "Event"
    practice: str = "Good practice"
    publication: str = "Publication"
    newsletter: str = "Newsletter"

    # -- letters
    contents: str = "In this edition"
    #: Heading of the list of addresses in plain text.
    links: str = "Links"
    all_news: str = "All our news"
    why: str = "You receive this letter because {email} is subscribed to “{lists}” of {project}."
    unsubscribe: str = "Unsubscribe"
    preferences: str = "Your preferences"
    #: A link to the same letter on the web.
    view: str = "View in your browser"

    # -- pages of editions
    web_version: str = "This is the web version of a newsletter. Nothing in it is personal."
    stories: Plural = Plural("{n} story", "{n} stories")  # noqa: RUF009 - frozen

    # -- public pages
    skip: str = "Skip to the content"
    languages: str = "Languages"
    news: str = "All news"
    latest: str = "Latest news"
    tags: str = "Tags"
    #: What a table is called for those who cannot see it.
    table: str = "Table"
    attachments: str = "Files to download"
    funding: str = "Funding"
    imprint: str = "Imprint"
    share: str = "Share this page"
    #: A link that opens the reader's mail program.
    share_mail: str = "By e-mail"
    #: A link to a social network.
    share_on: str = "On {network}"
    page_address: str = "The address of this page:"
    withdrawn: str = "This text was withdrawn. Please do not quote it any more."
    withdrawn_on: str = "This text was withdrawn on {date}. Please do not quote it any more."

    # -- feeds
    feeds: str = "Feeds"
    address: str = "The address of this feed:"
    about: str = "A feed tells you of every new item, without an account. Copy the address into your feed reader."
    empty: str = "No news yet. A feed reader that knows the address will show the first item."

    @property
    def types(self) -> Mapping[ItemType, str]:
        """What each kind of item is called."""
        names = (self.news_item, self.event, self.practice, self.publication, self.newsletter)
        return dict(zip(ItemType, names, strict=True))


#: Every dataclass whose words the catalogues hold; a test keeps them whole.
SPEAKERS: tuple[type, ...] = (Words, FeedWords, PeopleWords, VisitorWords, StatusWords)


@cache
def strings(lang: str) -> Words:
    """The words of a language, found by its primary subtag; English where we have no catalogue."""
    return spoken(Words, lang)


def unspoken(languages: Iterable[str]) -> tuple[str, ...]:
    """Those of the languages that we have no catalogue for: English stands in."""
    return tuple(lang for lang in languages if base(lang) not in shipped_languages())
