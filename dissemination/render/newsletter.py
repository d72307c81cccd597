"""The newsletter: an edition in one language becomes a letter, rendered once for all who read that language.

Jinja2 fills `newsletter.mjml` and `newsletter.txt`; MJML becomes HTML; both are split at the holes where a
person's data goes. No clock: equal input gives equal segments.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from jinja2 import Environment

from dissemination.errors import RenderError
from dissemination.model import Edition, Image, Letter, NewsItem, Picture, Project, Segments, Site
from dissemination.render.bodies import one_line, scrolling
from dissemination.render.counting import graphemes
from dissemination.render.environment import render
from dissemination.render.mjml import to_html
from dissemination.render.segments import Holes
from dissemination.render.shortening import shortened
from dissemination.render.stories import Shown, Story, StoryTeller
from dissemination.render.strings import Words, strings
from dissemination.render.textmail import TextMail, underlined, wrap
from dissemination.render.words import direction, long_date

#: Gmail shows the first 102 kB or so of a letter's HTML and hides the rest, unsubscribe link and all.
LARGEST = 100_000
#: What a filled hole may take: an address with its token.
_ROOM_FOR_A_HOLE = 200
_SUBJECT = 60
_PREHEADER_LEAST, _PREHEADER_MOST = 40, 100
_VISUAL_WIDTH = 180
#: With fewer stories a list of them says nothing new.
_CONTENTS_FROM = 3
_HTML, _TEXT, _WEB = "newsletter.mjml", "newsletter.txt", "pages/stories.html"


@dataclass(frozen=True, kw_only=True, slots=True)
class FundingBlock:
    """Who pays: the visual and, spelled out beside it, the statement."""

    visual: Shown
    statement: str
    disclaimer: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """All that the two templates know."""

    lang: str
    dir: str
    subject: str
    preheader: str
    words: Words
    name: str
    project: Project
    category: str
    date: str
    intro: str
    #: One item, told in full.
    flash: bool
    stories: tuple[Story, ...]
    #: Whether the titles are listed at the top.
    contents: bool
    funding: FundingBlock
    imprint: str
    #: The names of the lists it goes to.
    lists: str
    news_url: str
    #: Where the same can be looked at in a browser; "": nowhere.
    view_url: str


def letter(  # noqa: PLR0913, PLR0917 - six values of six types: none can be taken for another
    edition: Edition,
    lang: str,
    pictures: Mapping[str, Picture],
    project: Project,
    site: Site,
    environment: Environment,
) -> Letter:
    """The edition in one language.

    `pictures` maps the absolute path of a picture's file (`str(image.file)`, and `str(project.funding.visual)`)
    to the re-encoded picture.

    Raises:
        RenderError: a template fails, a funding duty is not met in this language, or it is too large for Gmail.
    """
    page = _page(edition, lang, pictures, project, site)
    html = _html(page, environment)
    if _size(html) > LARGEST:
        raise RenderError(_too_large(page, edition, environment, _size(html)))
    shown = (digest for story in page.stories for digest in story.pictures)
    return Letter(
        lang=lang,
        subject=page.subject,
        preheader=page.preheader,
        html=html,
        text=_text(page, environment),
        pictures=tuple(dict.fromkeys((*shown, page.funding.visual.digest))),
        page=_web(page, environment) if page.view_url else "",
    )


# ------------------------------------------------------------------------------------------ templates


def _html(page: Page, environment: Environment) -> Segments:
    holes = Holes.fresh()
    mjml = render(environment, _HTML, page=page, words=page.words, hole=holes.tokens, why=_why(page, holes))
    return holes.split(to_html(mjml, _HTML), made_from=mjml, what=_HTML)


def _text(page: Page, environment: Environment) -> Segments:
    holes = Holes.fresh()
    mail = TextMail(picture=page.words.picture)
    text = render(
        environment,
        _TEXT,
        page=page,
        words=page.words,
        hole=holes.tokens,
        why=_why(page, holes),
        mail=mail,
        wrap=wrap,
        underlined=underlined,
    )
    return holes.split(text.strip("\n") + "\n", what=_TEXT)


def _web(page: Page, environment: Environment) -> str:
    def prose(body: str) -> str:
        return scrolling(body, page.words.table)

    return render(environment, _WEB, page=page, words=page.words, prose=prose)


def _why(page: Page, holes: Holes) -> str:
    return page.words.why.format(email=holes.tokens["email"], lists=page.lists, project=page.project.acronym)


def _size(html: Segments) -> int:
    return sum(len(piece.encode()) if isinstance(piece, str) else _ROOM_FOR_A_HOLE for piece in html)


def _too_large(page: Page, edition: Edition, environment: Environment, size: int) -> str:
    what = f"{edition.id} ({page.lang}): {size:,} bytes of HTML, and Gmail hides what is beyond {LARGEST:,}"
    if page.flash:
        return f"{what}; shorten the text, or let it go into a digest"

    def size_of(count: int) -> int:
        return _size(_html(replace(page, stories=page.stories[:count]), environment))

    fitting = bisect_right(range(1, len(page.stories)), LARGEST, key=size_of)
    return f"{what}; the first {fitting} of {len(page.stories)} stories fit: set `max_items: {fitting}`"


# ------------------------------------------------------------------------------------------ content


def _page(edition: Edition, lang: str, pictures: Mapping[str, Picture], project: Project, site: Site) -> Page:
    words = strings(lang)
    teller = StoryTeller(lang=lang, words=words, pictures=pictures, project=project, site=site)
    flash = edition.kind == "flash"
    items = [_version(group, lang, project) for group in edition.groups if group]
    if not items:
        raise RenderError(f"{edition.id}: nothing to tell; an edition needs at least one item")
    name = one_line(edition.name.get(lang) or edition.name.get(project.default_lang) or project.acronym)
    return Page(
        lang=lang,
        dir=direction(lang),
        subject=_subject(name, items[0], flash=flash),
        preheader=_preheader(items, project),
        words=words,
        name=name,
        project=project,
        category=project.category,
        date=long_date(teller.local(edition.at), lang) if edition.at else "",
        intro=edition.intro.get(lang, "").strip(),
        flash=flash,
        stories=tuple(teller.tell(item, whole=flash) for item in items),
        contents=not flash and len(items) >= _CONTENTS_FROM,
        funding=_funding(teller),
        imprint=_in(lang, project.imprint, "project.imprint"),
        lists=", ".join(_list_name(key, lang, project) for key in edition.audience.lists) or name,
        news_url=site.feed(lang, project.category, ""),
        view_url=site.edition(edition.id, lang) if project.edition_pages else "",
    )


def _version(group: Mapping[str, NewsItem], lang: str, project: Project) -> NewsItem:
    """The item in the letter's language, else in the project's, else as it was first written."""
    source = next((key for key, item in sorted(group.items()) if item.source_version), min(group))
    return next(group[key] for key in (lang, project.default_lang, source) if key in group)


def _list_name(key: str, lang: str, project: Project) -> str:
    names = project.lists.get(key, {})
    return names.get(lang) or names.get(project.default_lang) or key


def _in(lang: str, texts: Mapping[str, str], field: str) -> str:
    """A text that must exist in the letter's language if it exists at all."""
    if texts and not texts.get(lang, "").strip():
        raise RenderError(f"settings.yaml: {field}.{lang} is missing; write it in this language as in the others")
    return texts.get(lang, "").strip()


def _funding(teller: StoryTeller) -> FundingBlock:
    """The duties towards the funder: each missing piece is an error, for none is there a fallback."""
    lang, funding = teller.lang, teller.project.funding
    if funding.visual is None:
        raise RenderError("settings.yaml: funding.visual.src is missing; name the file of the funder's visual")
    picture = teller.pictures.get(str(funding.visual))
    if picture is None:
        raise RenderError(f"{funding.visual}: the funder's visual is not there; put the file there")
    duties = {"visual.alt": funding.visual_alt, "statement": funding.statement}
    for field, texts in duties.items():
        if not texts.get(lang, "").strip():
            raise RenderError(f"settings.yaml: funding.{field}.{lang} is missing; write it in this language")
    image = Image(src=funding.visual.name, file=funding.visual, alt=funding.visual_alt[lang])
    return FundingBlock(
        visual=teller.show(image, picture, _VISUAL_WIDTH),
        statement=one_line(funding.statement[lang]),
        disclaimer=_in(lang, funding.disclaimer, "funding.disclaimer"),
    )


# ------------------------------------------------------------------------------------------ the inbox's lines


def _subject(name: str, first: NewsItem, *, flash: bool) -> str:
    title = one_line(first.subject or first.title)
    return title if flash else _fitted(f"{name}: {title}", _SUBJECT)


def _preheader(items: Sequence[NewsItem], project: Project) -> str:
    """40 to 100 characters: what the subject does not say, lengthened from what comes next."""
    first = items[0]
    others = " · ".join(one_line(item.title) for item in items[1:])
    text = ""
    for piece in filter(None, (one_line(first.preheader), others, one_line(first.summary), project.name)):
        if len(graphemes(text)) < _PREHEADER_LEAST:
            text = f"{text} · {piece}" if text else piece
    return _fitted(text, _PREHEADER_MOST)


def _fitted(text: str, most: int) -> str:
    return shortened(text, lambda candidate: len(graphemes(candidate)) <= most)
