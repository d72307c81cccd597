"""The second arrow: from items to what each channel would carry, rendered when it is asked for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from dissemination.errors import RenderError
from dissemination.model import (
    Carries,
    Content,
    Edition,
    Finding,
    Image,
    ItemStatus,
    Letter,
    Level,
    Limits,
    NewsItem,
    Picture,
    Post,
    Posting,
    PostOverride,
    Publication,
    State,
)
from dissemination.pipeline import content as codec
from dissemination.pipeline.gather import Newsroom, embargoed
from dissemination.pipeline.limits import fingerprint
from dissemination.pipeline.parts import Digest, Parts
from dissemination.pipeline.proof import MAIL, Proof, proof
from dissemination.pipeline.slots import open_slot, skip, slot_name
from dissemination.pipeline.times import Time, Times, flash_id, wants
from dissemination.ports import Priced

Latest = Mapping[tuple[str, str], Publication]
#: Editions of a slot that is over which the officer may still send, or has just decided to.
_REVIVABLE = frozenset({State.MISSED, State.APPROVED, State.SCHEDULED})
_KEEPS_ITEMS = frozenset({State.IN_REVIEW, State.APPROVED, State.SCHEDULED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """What would go out on one channel, before anybody approved it."""

    #: Everything but content: key and revision are given by the plan.
    publication: Publication
    #: Why it may not go out as it is; "" if it may.
    hold: str = ""
    #: What is special about its time; "" if nothing is.
    note: str = ""
    #: The digest whose items it takes; "" for all but digests.
    schedule: str = ""
    #: Renders it.
    #:
    #: Raises:
    #:     RenderError: it cannot be rendered.
    render: Callable[[], Content] = field(repr=False)
    #: The edition, for those who want to look at it, and its letters with everything that is wrong with them.
    edition: Edition | None = field(default=None, repr=False)
    proofs: Callable[[], Sequence[Proof]] = field(default=tuple, repr=False)


class Composer:
    """One planning's view: the house, the items, what is known of them, and the pictures already prepared."""

    def __init__(self, parts: Parts, room: Newsroom, latest: Latest, *, write: bool = True) -> None:
        self._parts = parts
        self._room = room
        self._latest = latest
        self._write = write
        self._now = parts.clock.now()
        self._prepared: dict[Path, Picture] = {}
        self._times = Times(parts, room, latest)

    def proposals(self) -> Iterator[Proposal]:
        """Everything that would go out: feed entries, posts, flashes, digests."""
        for key in self._room.groups:
            if self._is_for_the_public(key):
                yield from self._of_group(key)
                yield from self._flashes(key)
        yield from self._digests()

    def editions(self) -> Iterator[Proposal]:
        """What would go out by mail: flashes, digests."""
        for key in self._room.groups:
            if self._is_for_the_public(key):
                yield from self._flashes(key)
        yield from self._digests()

    def posts(self) -> Iterator[Proposal]:
        """What would go out on networks."""
        for key in self._room.groups:
            if self._is_for_the_public(key):
                for proposal in self._of_group(key):
                    if self._parts.channels[proposal.publication.channel].limits.carries is Carries.POST:
                        yield proposal

    def _is_for_the_public(self, key: str) -> bool:
        category = self._parts.project.category
        return any(category in item.categories for item in self._room.groups[key].values())

    def _flashes(self, key: str) -> Iterator[Proposal]:
        source = self._room.source(key)
        if MAIL in self._parts.channels and source.channels.get("newsletter") == "flash":
            yield self._flash(key, source)

    def _digests(self) -> Iterator[Proposal]:
        if MAIL in self._parts.channels:
            for digest in self._parts.rules.digests:
                yield from self._digest(digest)

    def _of_group(self, key: str) -> Iterator[Proposal]:
        versions, source = self._room.groups[key], self._room.source(key)
        for name, channel in self._parts.channels.items():
            if channel.limits.carries is Carries.FILES:
                yield from (self._entry(item, name) for item in versions.values() if wants(item, name))
            elif channel.limits.carries is Carries.POST and wants(source, name):
                item = self._version_for(name, versions, source)
                yield self._post(item, name)
                yield from self._reshares(item, name)

    def _version_for(self, network: str, versions: Mapping[str, NewsItem], source: NewsItem) -> NewsItem:
        override = source.posts.get(network)
        wanted = (override.lang if override else "") or self._parts.rules.languages.get(network, "")
        return versions.get(wanted, source)

    # ------------------------------------------------------------------------------------------ one item

    def _entry(self, item: NewsItem, channel: str) -> Proposal:
        when = self._times.when(item, channel)
        siblings = {
            lang: other
            for lang, other in self._room.groups[item.translation_key].items()
            if lang != item.lang and self._shown_with(other, channel, when)
        }

        def render() -> Content:
            files = {} if item.status is ItemStatus.WITHDRAWN else self._pictures([item]) | self._attached(item)
            entry = self._parts.renderer.entry(item, files, siblings)
            return codec.encode(entry, _named(files, entry.pictures))

        publication = self._item_publication(item, channel, when)
        sources = [item, *siblings.values()]
        if self._taken_back(item, channel):
            made = self._proposal(publication, sources, "", render)
            return replace(made, note="a withdrawal of what is out")
        return self._proposal(publication, sources, self._hold(item), render)

    def _taken_back(self, item: NewsItem, channel: str) -> bool:
        """Withdrawn after it was out: a notice takes its place, whatever else is wrong with the item."""
        known = self._latest.get((item.id, channel))
        is_out = known is not None and (known.state is State.PUBLISHED or known.revision > 1)
        return is_out and item.status is ItemStatus.WITHDRAWN

    def _attached(self, item: NewsItem) -> dict[str, Picture]:
        """Absolute path -> file, for every attachment that may be public."""
        attach = self._parts.pictures.attach
        return {str(item.folder / name): attach(item.folder, name) for name in item.attachments}

    def _shown_with(self, other: NewsItem, channel: str, when: datetime | None) -> bool:
        """A page links only to language versions that are out when it is."""
        theirs = self._times.when(other, channel)
        return not self._room.hold(other) and (theirs is None or (when is not None and theirs <= when))

    def _post(self, item: NewsItem, network: str) -> Proposal:
        return self._post_at(item, network, item.id, self._times.of_post(item, network), self._hold(item))

    def _post_at(self, item: NewsItem, network: str, subject: str, time: Time, hold: str) -> Proposal:
        channel = self._parts.channels[network]
        limits = channel.limits

        def render() -> Content:
            pictures = self._pictures([item])
            posting = self._parts.rules.posting.get(network, Posting())
            made = self._parts.renderer.post(item, network, limits, pictures, posting)
            post, shown = self._carried(made, pictures, limits)
            _refuse(self._parts.checks.post(post, self._parts.project))
            content = codec.encode(post, shown)
            return replace(content, price=channel.price(post)) if isinstance(channel, Priced) else content

        publication = replace(
            self._item_publication(item, network, time.at),
            subject=subject,
            slotted=time.slotted,
            after=self._after([item]),
            live_urls=self._live_urls([item]),
        )
        return replace(self._proposal(publication, [item], hold or time.hold, render), note=time.note)

    def _carried(
        self, post: Post, pictures: Mapping[str, Picture], limits: Limits
    ) -> tuple[Post, Sequence[Picture]]:
        """The post with its pictures as small as the network takes them: what is approved is what goes out."""
        known = {picture.digest: picture for picture in pictures.values()}
        shown = [
            self._parts.pictures.shrink(known[one.digest], limits.picture_bytes, limits.picture_side)
            for one in post.pictures
        ]
        named = (replace(one, digest=small.digest) for one, small in zip(post.pictures, shown, strict=True))
        return replace(post, pictures=tuple(named)), shown

    def _reshares(self, item: NewsItem, network: str) -> Iterator[Proposal]:
        """The item again, in other words, each time a publication of its own."""
        before = item.posts.get(network, PostOverride())
        link = before.link or item.canonical_url or self._parts.site.page(item)
        for again in self._times.reshares(item, network):
            words = replace(before, text=again.text, link=link, at=None, reply_chain=(), split=False)
            changed = replace(item, posts={**item.posts, network: words})
            made = self._post_at(changed, network, again.subject, again.time, self._hold(item))
            yield replace(made, publication=replace(made.publication, title=again.title))

    def _hold(self, item: NewsItem) -> str:
        return self._times.hold(item)

    def _item_publication(self, item: NewsItem, channel: str, when: datetime | None) -> Publication:
        return Publication(
            key="",
            subject=item.id,
            kind="item",
            channel=channel,
            lang=item.lang,
            title=item.title,
            when=when,
            grace=self._parts.rules.grace,
            items=(item.id,),
        )

    # ------------------------------------------------------------------------------------------ editions

    def as_flash(self, item: NewsItem) -> Proposal:
        """Any item as an edition of its own, to look at."""
        return self._flash(item.translation_key, item)

    def _flash(self, key: str, source: NewsItem) -> Proposal:
        audience = self._parts.rules.flash
        if source.lists:
            audience = replace(audience, lists=source.lists)
        edition = Edition(
            id=flash_id(source),
            kind="flash",
            schedule="",
            at=self._times.when(source, MAIL),
            groups=(self._room.groups[key],),
            languages=self._parts.project.languages,
            audience=audience,
            name=self._parts.rules.newsletter,
        )
        return self._edition(edition, source.title, self._parts.rules.grace)

    def _digest(self, digest: Digest) -> Iterator[Proposal]:
        """The edition of the open slot, and older ones that the officer may still send."""
        slot = open_slot(self._parts, digest, self._latest, write=self._write)
        own = slot_name(digest)
        for (subject, channel), known in self._latest.items():
            is_other = slot is None or subject != slot.edition
            if channel == MAIL and is_other and known.state in _REVIVABLE and own.fullmatch(subject) and known.when:
                yield self._slot_edition(digest, subject, known.when, known)
        if slot is None:
            return
        known_slot = self._latest.get((slot.edition, MAIL))
        if not self._chosen(digest, slot.at, known_slot) and digest.skip_when_empty:
            if self._write and slot.at <= self._now and known_slot is None:
                skip(self._parts, digest, slot)
            return
        yield self._slot_edition(digest, slot.edition, slot.at, known_slot)

    def _slot_edition(self, digest: Digest, id_: str, at: datetime, known: Publication | None) -> Proposal:
        keys = self._chosen(digest, at, known)
        edition = Edition(
            id=id_,
            kind="digest",
            schedule=digest.name,
            at=at,
            groups=tuple(self._room.groups[key] for key in keys),
            languages=self._parts.project.languages,
            audience=digest.audience,
            intro=digest.intro,
            name=self._parts.rules.newsletter,
        )
        title = ", ".join(self._room.source(key).title for key in keys[:2]) or "(no items)"
        return self._edition(edition, title, digest.grace)

    def _chosen(self, digest: Digest, at: datetime, known: Publication | None) -> list[str]:
        """Translation keys in reading order. An approved edition keeps its items; the rest goes into the next."""
        by_id = {self._room.source(key).id: key for key in self._room.groups}
        if known is not None and known.approved_by and known.state in _KEEPS_ITEMS:
            return [by_id[id_] for id_ in known.items if id_ in by_id]
        taken = self._parts.store.editions.taken(digest.name)
        fit = [
            source
            for key in self._room.groups
            if self._fits(source := self._room.source(key), digest, at) and source.id not in taken
        ]
        never = datetime.min.replace(tzinfo=UTC)
        fit.sort(key=lambda item: item.date or never, reverse=True)
        fit.sort(key=lambda item: _rank(item, digest))
        return [item.translation_key for item in fit[: digest.max_items]]

    def _fits(self, item: NewsItem, digest: Digest, at: datetime) -> bool:
        when = self._times.when(item, MAIL)
        return (
            item.channels.get("newsletter") == "digest"
            and self._parts.project.category in item.categories
            and not self._room.hold(item)
            and item.id not in digest.excluded
            and not embargoed(item, at)
            and (when is None or when <= at)
            and (item.expires_at is None or item.expires_at > at)
            and (digest.since is None or (item.date is not None and item.date >= digest.since))
            and (not item.lists or bool(set(item.lists) & set(digest.audience.lists)))
        )

    def _edition(self, edition: Edition, title: str, grace: int) -> Proposal:
        edition = replace(edition, groups=tuple(self._sendable(group, edition.at) for group in edition.groups))
        items = [item for group in edition.groups for item in group.values()]
        sources = [self._room.source(next(iter(g.values())).translation_key) for g in edition.groups if g]

        def letters(pictures: Mapping[str, Picture]) -> Mapping[str, Letter]:
            return {lang: self._parts.renderer.letter(edition, lang, pictures) for lang in edition.languages}

        def proofs() -> Sequence[Proof]:
            made = letters(self._pictures(items, visual=True))
            return [proof(self._parts, edition, letter) for letter in made.values()]

        def render() -> Content:
            pictures = self._pictures(items, visual=True)
            made = letters(pictures)
            for letter in made.values():
                _refuse(proof(self._parts, edition, letter).findings)
            shown = tuple(digest for letter in made.values() for digest in letter.pictures)
            return codec.encode(made, _named(pictures, shown))

        publication = Publication(
            key="",
            subject=edition.id,
            kind="edition",
            channel=MAIL,
            lang=self._parts.project.default_lang,
            title=title,
            when=edition.at,
            grace=grace,
            audience=edition.audience,
            reach=self._parts.store.people.count(edition.audience),
            items=tuple(item.id for item in sources),
            after=self._after(items),
            live_urls=self._live_urls(items),
        )
        hold = next(filter(None, (self._hold(item) or self._too_early(item, edition.at) for item in sources)), "")
        proposal = self._proposal(publication, items, hold, render, edition)
        return replace(proposal, schedule=edition.schedule, proofs=proofs)

    def _sendable(self, group: Mapping[str, NewsItem], at: datetime | None) -> Mapping[str, NewsItem]:
        """The source version, and the translations that may be shown by then."""
        moment = at or self._now
        return {
            lang: item
            for lang, item in group.items()
            if item.source_version or (not self._hold(item) and not self._too_early(item, moment))
        }

    def _too_early(self, item: NewsItem, at: datetime | None) -> str:
        """Why an edition of that time may not show the item; "" if it may. It lapses an approval, too."""
        if at is None:
            return ""
        when = self._times.when(item, MAIL)
        if embargoed(item, at) or (when is not None and when > at):
            return f"{item.id} may not be shown by then; its time or embargo is later"
        return ""

    # ------------------------------------------------------------------------------------------ common

    def _proposal(
        self,
        publication: Publication,
        items: list[NewsItem],
        hold: str,
        render: Callable[[], Content],
        edition: Edition | None = None,
    ) -> Proposal:
        source = self._source(publication, items, edition)
        return Proposal(publication=replace(publication, source=source), hold=hold, render=render, edition=edition)

    def _source(self, publication: Publication, items: list[NewsItem], edition: Edition | None) -> str:
        """A fingerprint of everything the rendering depends on; equal means: need not be rendered again."""
        facts = [
            self._parts.fingerprint,
            publication.subject,
            publication.channel,
            # A slot that is given anew changes no word.
            "slot" if publication.slotted else str(publication.when),
            repr(publication.audience),
            repr((dict(edition.intro), dict(edition.name), edition.languages)) if edition else "",
            *(f"{item.id} {item.digest} {_stamps(item)}" for item in items),
        ]
        visual = self._parts.project.funding.visual
        if edition and visual:
            facts.append(repr(_stamp(visual)))
        rendered = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
        return rendered + fingerprint(self._parts, publication.channel)

    def _after(self, items: list[NewsItem]) -> tuple[str, ...]:
        """The items whose feed entries must be out first."""
        feeds = [n for n, c in self._parts.channels.items() if c.limits.carries is Carries.FILES]
        return tuple(item.id for item in items if any(wants(item, name) for name in feeds))

    def _live_urls(self, items: list[NewsItem]) -> tuple[str, ...]:
        return tuple(item.canonical_url or self._parts.site.page(item) for item in items if item.require_live)

    def _pictures(self, items: list[NewsItem], *, visual: bool = False) -> dict[str, Picture]:
        """Absolute path -> re-encoded picture, for every picture of the items that has a file."""
        images = [image for item in items for image in (item.image, *item.images) if image and image.file]
        funding = self._parts.project.funding.visual
        if visual and funding:
            images.append(Image(src=funding.name, file=funding))
        return {str(image.file): self._prepare(image) for image in images}

    def _prepare(self, image: Image) -> Picture:
        if image.file is None:
            raise RenderError(f"{image.src}: the picture's file is missing")
        if image.file not in self._prepared:
            self._prepared[image.file] = self._parts.pictures.prepare(image)
        return self._prepared[image.file]


def _rank(item: NewsItem, digest: Digest) -> int:
    """Those pinned in settings first, in their order; then those that pin themselves; then the rest."""
    if item.id in digest.pinned:
        return digest.pinned.index(item.id) - len(digest.pinned)
    return 0 if item.pinned else 1


def _named(pictures: Mapping[str, Picture], digests: tuple[str, ...]) -> list[Picture]:
    return [picture for picture in pictures.values() if picture.digest in digests]


def _stamps(item: NewsItem) -> list[tuple[str, int, int]]:
    """Size and time of every file: an exchanged picture is a change, although the text is the same."""
    files = [image.file for image in (item.image, *item.images) if image and image.file]
    files += [item.folder / name for name in item.attachments]
    return [_stamp(file) for file in files]


def _stamp(file: Path) -> tuple[str, int, int]:
    try:
        facts = file.stat()
    except OSError:
        return (str(file.name), -1, -1)
    return (str(file.name), facts.st_size, facts.st_mtime_ns)


def _refuse(findings: Sequence[Finding]) -> None:
    worst = [finding for finding in findings if finding.level is Level.ERROR]
    if worst:
        raise RenderError("; ".join(f"{f.message}; {f.fix}" if f.fix else f.message for f in worst[:3]))
