"""Feeds and pages: written together, a function of the entries that are out."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from dissemination.errors import ChannelError, FencedError
from dissemination.model import Carries, Entry, FileSet, Happening, LiveEntry, Message, Publication, Receipt
from dissemination.pipeline import content as codec
from dissemination.pipeline import outcome, websub
from dissemination.pipeline.parts import Parts

#: (digest, when) of each revision of an item that went out, the oldest first.
_Issues = Sequence[tuple[str, datetime]]


def publish_feeds(parts: Parts, due: Sequence[Publication]) -> int:
    """Write every due entry into the feeds, and take expired ones out; how many files changed."""
    changed = 0
    for channel in sorted({publication.channel for publication in due}):
        mine = [publication for publication in due if publication.channel == channel]
        changed += _publish(parts, channel, mine)
    return changed + _retire(parts)


def _publish(parts: Parts, channel: str, due: Sequence[Publication]) -> int:
    publications = parts.store.publications
    claims = [publications.claim(p.key, parts.owner, parts.rules.lease) for p in due]
    claimed = [claim for claim in claims if claim is not None]
    if not claimed:
        return 0
    issued, stood = publications.issued(channel), publications.live()
    live = {entry.item: entry for entry in stood if not _over(parts, entry)}
    fresh = {
        claim.key: _live(parts, claim, live.get(claim.subject), issued.get(claim.subject, ())) for claim in claimed
    }
    live |= {entry.item: entry for entry in fresh.values()}
    try:
        receipt = _write(parts, channel, list(live.values()), stood)
    except ChannelError as error:
        for claim in claimed:
            _settle(parts, claim, outcome.failed(parts, claim, error), ())
        return 0
    for claim in claimed:
        url = _stored(parts, claim.content).url
        done = outcome.sent(parts, claim, replace(receipt, url=url))
        _settle(parts, claim, done, [fresh[claim.key]])
    return receipt.changed


def _live(parts: Parts, claim: Publication, before: LiveEntry | None, issues: _Issues) -> LiveEntry:
    """`published` is fixed at the first claim, also over an expiry; `updated` moves with each edit that is seen."""
    entry = _stored(parts, claim.content)
    moment = (claim.published_at or parts.clock.now()).replace(microsecond=0)
    first = issues[0][1].replace(microsecond=0) if issues else moment
    unseen = before is not None and seen(_stored(parts, before.content)) == seen(entry)
    return LiveEntry(
        item=claim.subject,
        content=claim.content,
        published=before.published if before else first,
        updated=before.updated if before and unseen else moment,
        expires_at=entry.expires_at,
    )


def seen(entry: Entry) -> tuple[object, ...]:
    """What of an entry a reader sees as its news: not its addresses, tags, language versions or dates.

    Readers mark an entry whose `updated` moved as new again, so it moves for nothing less.
    """
    html = entry.html if "<pre" in entry.html else " ".join(entry.html.split())
    said = (entry.title, entry.summary, html, entry.byline, entry.correction, entry.withdrawn)
    return (*said, entry.picture, entry.attachments)


def _settle(parts: Parts, claim: Publication, result: outcome.Outcome, entries: Sequence[LiveEntry]) -> None:
    with suppress(FencedError):
        parts.store.publications.settle(claim, result.publication, [result.happening], entries)


def _write(parts: Parts, channel: str, live: Sequence[LiveEntry], before: Sequence[LiveEntry]) -> Receipt:
    """Write what is out; `before` are all entries as they stood in feeds until now."""
    issued = parts.store.publications.issued(channel)
    known = {one: _entry(parts, one, issued.get(one.item, ())) for one in {*live, *before}}
    entries = [known[one] for one in live]
    pictures = parts.store.contents.pictures(digest for entry in entries for digest in entry.pictures)
    files = dict(parts.renderer.files(entries, [known[one] for one in before]))
    media = {f"media/{picture.name}": picture.body for picture in pictures.values()}
    # Pictures first: a page never shows an address that does not answer yet.
    body = FileSet(files=media | files)
    key = f"{channel}:{max(entry.updated for entry in live).isoformat() if live else ''}"
    receipt = parts.channels[channel].send(Message(key=key, body=body, pictures=pictures), key=key)
    # Before anything is settled: whatever dies until here, the repeat owes the same.
    websub.owe(parts, files)
    return receipt


def _entry(parts: Parts, live: LiveEntry, issues: _Issues) -> Entry:
    stored = _stored(parts, live.content)
    others = dict.fromkeys(digest for digest, _ in issues if digest != live.content)
    paths = dict.fromkeys(_stored(parts, digest).path for digest in others)
    former = tuple(path for path in paths if path != stored.path)
    return replace(stored, former=former, published=live.published, updated=live.updated)


def _stored(parts: Parts, digest: str) -> Entry:
    return codec.entry(parts.store.contents.body(digest))


def _over(parts: Parts, entry: LiveEntry) -> bool:
    return entry.expires_at is not None and entry.expires_at <= parts.clock.now()


def _retire(parts: Parts) -> int:
    """Entries whose time is over leave the feeds; their pages stay. Kept as live until the files say so."""
    live = parts.store.publications.live()
    over = [entry for entry in live if _over(parts, entry)]
    if not over:
        return 0
    rest = [entry for entry in live if entry not in over]
    names = sorted(name for name, channel in parts.channels.items() if channel.limits.carries is Carries.FILES)
    try:
        changed = sum(_write(parts, name, rest, live).changed for name in names)
    except ChannelError:
        return 0  # the next pass tries again
    now = parts.clock.now()
    happenings = [Happening(at=now, kind="expired", subject=entry.item, channel="feed") for entry in over]
    parts.store.publications.retire([entry.item for entry in over], happenings)
    return changed
