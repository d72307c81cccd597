"""Rules on words that settings define: partners, categories, tags, lists, languages, funding."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from dissemination.checks.findings import E, On, Rule, W, advice
from dissemination.model import Finding, NewsItem, Project
from dissemination.model.naming import keys as keys_in

_HASHTAG = re.compile(r"#?\w*[^\W\d]\w*\Z")


def language(item: NewsItem, project: Project) -> Iterator[Finding]:
    """The language is one of the project's."""
    if item.lang not in project.languages:
        message = f"`{item.lang}` is none of the project's languages"
        yield On(item, "lang-unknown", E, "lang").say(message, advice(item.lang, project.languages), seen=item.lang)


def partners(item: NewsItem, project: Project) -> Iterator[Finding]:
    """Every partner's key is known."""
    named = [("partner", (item.partner,) if item.partner else ())]
    for field, keys in (*named, ("partners", item.partners), ("mentions", item.mentions)):
        for key in keys:
            if key not in project.partners:
                message = f"`{key}` is no partner"
                yield On(item, "partner-unknown", E, field).say(message, advice(key, project.partners), seen=key)


def named_partners(item: NewsItem, project: Project) -> Iterator[Finding]:
    """Every partner that a text names by key is known."""
    for field, texts in _naming(item):
        for key in keys_in(texts):
            if key not in project.partners:
                message = f"`@{{{key}}}` names no partner"
                yield On(item, "partner-unknown", E, field).say(message, advice(key, project.partners), seen=key)


def _naming(item: NewsItem) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Field -> its texts, wherever `@{key}` is understood."""
    for name in ("title", "summary", "subject", "preheader", "correction", "byline"):
        yield name, (getattr(item, name),)
    yield "funding", (item.funding_note,)
    yield "body", (item.html,)
    yield "links", tuple(link.text for link in item.links)
    if item.event:
        yield "event", (item.event.place, item.event.address)
    for image in (item.image, *item.images):
        if image:
            yield "image" if image is item.image else "images", (image.alt, image.caption, image.credit)
    for network, post in item.posts.items():
        yield f"posts.{network}", (post.text, post.warning, post.alt, *post.reply_chain)
    if item.reshare:
        yield "reshare", item.reshare.texts


def categories(item: NewsItem, project: Project) -> Iterator[Finding]:
    """Every category is in the taxonomy, by its name or another spelling."""
    known = {project.category, *project.default_categories, *project.categories}
    spellings = {name.casefold() for name in known}
    spellings |= {alias.casefold() for aliases in project.categories.values() for alias in aliases}
    for name in item.categories:
        if name.casefold() not in spellings:
            message = f"`{name}` is no category"
            yield On(item, "category-unknown", E, "categories").say(message, advice(name, known), seen=name)


def tags(item: NewsItem, project: Project) -> Iterator[Finding]:
    """Tags in another spelling, and unknown ones where only known ones are wished."""
    known = {tag.casefold(): tag for tag in project.tags}
    for tag in item.tags:
        right = known.get(tag.casefold())
        if right and right != tag:
            message = f"the tag `{tag}` is spelt `{right}` here"
            yield On(item, "tag-spelling", W, "tags").say(message, f"write `{right}`", seen=tag)
        elif not right and not project.free_tags:
            message = f"`{tag}` is not among the tags"
            yield On(item, "tag-unknown", W, "tags").say(message, advice(tag, project.tags), seen=tag)


def hashtags(item: NewsItem, _project: Project) -> Iterator[Finding]:
    """A hashtag ends at the first space or sign, on every network."""
    for tag in item.hashtags:
        if re.search(r"\s", tag.strip()):
            fix = "write `{}`".format("".join(word[:1].upper() + word[1:] for word in tag.split()))
            yield On(item, "hashtag-space", E, "hashtags").say("a hashtag with a space", fix, seen=tag)
        elif not _HASHTAG.match(tag.strip()):
            fix = "write letters, digits and _ only, with at least one letter"
            yield On(item, "hashtag-signs", W, "hashtags").say("a hashtag that networks cut short", fix, seen=tag)


def lists(item: NewsItem, project: Project) -> Iterator[Finding]:
    """Every mailing list is known."""
    for name in item.lists:
        if name not in project.lists:
            message = f"`{name}` is no mailing list"
            yield On(item, "list-unknown", E, "lists").say(message, advice(name, project.lists), seen=name)


def translation(item: NewsItem, _project: Project) -> Iterator[Finding]:
    """A machine's translation goes out only after somebody has read it."""
    if item.translation_kind == "machine" and not item.reviewed_by:
        fix = "let somebody read it, and write `reviewed_by:` with the name"
        yield On(item, "machine-translation", E, "translation_kind").say(
            "a machine translation that nobody reviewed", fix
        )


def funding(item: NewsItem, project: Project) -> Iterator[Finding]:
    """The funder is named in the item's own language, with the visual and its alternative text."""
    if item.lang not in project.languages:
        return  # the rule `language` has said what is wrong
    for key in _missing_funding(item.lang, project):
        message = f"settings.yaml has no funding.{key} for this item"
        fix = f"add funding.{key} to settings.yaml; no other language stands in for it"
        yield On(item, "funding-missing", E, "lang").say(message, fix)


def _missing_funding(lang: str, project: Project) -> Iterable[str]:
    if not project.funding.visual:
        yield "visual.src"
    elif not project.funding.visual.is_file():
        yield f"visual.src that exists ({project.funding.visual.name})"
    if not project.funding.visual_alt.get(lang):
        yield f"visual.alt.{lang}"
    if not project.funding.statement.get(lang):
        yield f"statement.{lang}"


RULES: tuple[Rule, ...] = (
    language,
    partners,
    named_partners,
    categories,
    tags,
    hashtags,
    lists,
    translation,
    funding,
)
