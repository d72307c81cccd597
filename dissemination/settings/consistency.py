"""What can be wrong between settings that are each right alone. A table of rules, each a plain function."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from dissemination.model.naming import keys
from dissemination.settings.kinds import loopback, nearest
from dissemination.settings.posting import clock
from dissemination.settings.schema import Settings
from dissemination.settings.strict import Where

#: Rule, place, and a text "what is wrong; what to write instead".
Problem = tuple[str, Where, str]

_RULE = "settings-consistency"
#: Entry points of channels that carry no posts.
_NO_POSTS = frozenset({"email", "feed"})
_NEWSLETTER_WORDS = ("digest", "flash", "none")


def inconsistencies(settings: Settings) -> Iterator[Problem]:
    """Every contradiction between keys."""
    for rule in _RULES:
        for where, text in rule(settings):
            yield _RULE, where, text


def _unknown(word: str, known: Iterable[str], what: str) -> str:
    names = list(known)
    near = nearest(word, names)
    advice = f"did you mean `{near}`?" if near else f"known: {', '.join(names) or 'none'}"
    return f"`{word}` is not among {what}; {advice}"


def _default_language(settings: Settings) -> Iterator[tuple[Where, str]]:
    about = settings.about
    if about.default_lang and about.default_lang not in about.languages:
        yield ("project", "default_lang"), _unknown(about.default_lang, about.languages, "project.languages")


def _period(settings: Settings) -> Iterator[tuple[Where, str]]:
    start, end = settings.about.start, settings.about.end
    if start and end and end < start:
        yield ("project", "end"), f"{end} is before project.start ({start}); exchange them or correct the year"


def _partner_keys(settings: Settings) -> Iterator[tuple[Where, str]]:
    counts = Counter(partner.key for partner in settings.partners)
    for place, partner in enumerate(settings.partners):
        if counts[partner.key] > 1:
            yield (
                ("partners", place, "key"),
                f"`{partner.key}` is used by {counts[partner.key]} partners; give each its own",
            )


def _urns(settings: Settings) -> Iterator[tuple[Where, str]]:
    for place, partner in enumerate(settings.partners):
        handle = partner.handles.get("linkedin", "urn:li:")
        if not handle.startswith("urn:li:"):
            yield (
                ("partners", place, "handles", "linkedin"),
                f"`{handle}` is no URN; write urn:li:organization: and the page's number",
            )


def _one_lead(settings: Settings) -> Iterator[tuple[Where, str]]:
    leads = [place for place, partner in enumerate(settings.partners) if partner.role == "lead"]
    for place in leads[1:]:
        yield ("partners", place, "role"), "a second lead partner; only one may have `role: lead`"


def _named_partners(settings: Settings) -> Iterator[tuple[Where, str]]:
    known = [partner.key for partner in settings.partners]
    for name, digest in settings.newsletter.digests.items():
        for lang, text in digest.intro.items():
            for key in keys([text]):
                if key not in known:
                    yield ("newsletter", "digests", name, "intro", lang), _unknown(key, known, "partners")


def _categories(settings: Settings) -> Iterator[tuple[Where, str]]:
    words = settings.taxonomy
    named: list[tuple[Where, str]] = [(("taxonomy", "category"), words.category)]
    named += [
        (("taxonomy", "default_categories", place), name) for place, name in enumerate(words.default_categories)
    ]
    for where, name in named:
        if name not in words.categories:
            yield where, _unknown(name, words.categories, "taxonomy.categories")


def _address_of_the_category(settings: Settings) -> Iterator[tuple[Where, str]]:
    name = settings.taxonomy.category
    if "/" in name or not name.strip(". "):
        yield ("taxonomy", "category"), f"`{name}` makes no address of a feed; write it without slashes and dots"


def _lists(settings: Settings) -> Iterator[tuple[Where, str]]:
    letter = settings.newsletter
    uses: list[tuple[Where, list[str]]] = [
        (("newsletter", "flash", "lists"), letter.flash.lists),
        (("newsletter", "flash", "exclude"), letter.flash.exclude),
    ]
    for name, digest in letter.digests.items():
        uses.append((("newsletter", "digests", name, "lists"), digest.lists))
        uses.append((("newsletter", "digests", name, "exclude"), digest.exclude))
    for where, lists in uses:
        for place, name in enumerate(lists):
            if name not in letter.lists:
                yield (*where, place), _unknown(name, letter.lists, "newsletter.lists")


def _languages_of_audiences(settings: Settings) -> Iterator[tuple[Where, str]]:
    letter, known = settings.newsletter, settings.about.languages
    uses: list[tuple[Where, list[str]]] = [(("newsletter", "flash", "languages"), letter.flash.languages)]
    uses += [
        (("newsletter", "digests", name, "languages"), each.languages) for name, each in letter.digests.items()
    ]
    for where, languages in uses:
        for place, lang in enumerate(languages):
            if lang not in known:
                yield (*where, place), _unknown(lang, known, "project.languages")


def _languages_of_channels(settings: Settings) -> Iterator[tuple[Where, str]]:
    for name, channel in settings.channels.items():
        for place, lang in enumerate(channel.languages):
            if lang not in settings.about.languages:
                yield (
                    ("channels", name, "languages", place),
                    _unknown(lang, settings.about.languages, "project.languages"),
                )


def _switches(settings: Settings) -> Iterator[tuple[Where, str]]:
    for name, word in settings.news.channels.items():
        if (word in _NEWSLETTER_WORDS) is not (name == "newsletter"):
            allowed = ", ".join(_NEWSLETTER_WORDS) if name == "newsletter" else "auto, manual, off"
            yield ("news", "channels", name), f"`{word}` is not for {name}; write one of {allowed}"


def _posting(settings: Settings) -> Iterator[tuple[Where, str]]:
    for name, channel in settings.channels.items():
        where = ("channels", name, "posting")
        if channel.use in _NO_POSTS and "posting" in channel.model_fields_set:
            yield where, f"{channel.use} carries no posts; take it out"
        span = channel.posting.span()
        for place, slot in enumerate(channel.posting.slots):
            if span and span.holds(clock(slot.rpartition(" ")[2])):
                yield (
                    (*where, "slots", place),
                    f"{slot} lies in the quiet hours; take another time, or move `quiet`",
                )


def _imap(settings: Settings) -> Iterator[tuple[Where, str]]:
    imap = settings.bounces.imap
    if imap.host and not imap.username:
        yield ("bounces", "imap", "username"), "no login name for the mailbox; write the one that the server knows"
    if imap.host and imap.tls == "none" and not loopback(imap.host):
        yield ("bounces", "imap", "tls"), "none is for a server on this machine; write implicit or starttls"


_RULES: tuple[Callable[[Settings], Iterator[tuple[Where, str]]], ...] = (
    _default_language,
    _period,
    _partner_keys,
    _urns,
    _one_lead,
    _named_partners,
    _categories,
    _address_of_the_category,
    _lists,
    _languages_of_audiences,
    _languages_of_channels,
    _switches,
    _posting,
    _imap,
)
