"""What comes back, and what follows: who is taken off, what counts, what is kept for a person to look at.

People are known by our own marks and tokens alone, never by an address that stands in a mail: so a bounce can never
unsubscribe somebody it does not concern. What names nobody for certain changes nothing, and is kept and shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from dissemination.errors import ChannelError, ForgedError, UnknownIdError, WrongUseError
from dissemination.files import digest_of
from dissemination.model import Concerned, Consequence, Happening, Return, Returned, ReturnKind, Why
from dissemination.pipeline.parts import Parts
from dissemination.ports import Addresses, Hook, Inlet, ReadsReturns, Tokens

#: Bytes that are kept of a mail that nobody could be found for.
KEPT = 64_000
#: Mails that one visit takes: publishing waits no longer for it.
_VISIT = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Inbound:
    """Where things come back, how they are read, and what settings say about them."""

    read: ReadsReturns
    addresses: Addresses
    inlets: Sequence[Inlet] = ()
    hooks: Mapping[str, Hook] = field(default_factory=dict)
    #: So many editions in a row must bounce softly, over so many days, before a person is taken off.
    soft_limit: int = 5
    soft_days: int = 14
    #: Days that unreadable mail is kept.
    keep_days: int = 30
    #: Seconds between two visits.
    every: int = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """One round through the inlets."""

    mails: int = 0
    #: Why an inlet could not be read.
    troubles: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Case:
    """A return with the one person that it concerns."""

    returned: Returned
    concerned: Concerned
    inbound: Inbound
    publication: int | None
    now: datetime

    @property
    def words(self) -> str:
        said = " ".join(filter(None, (self.returned.kind.value, self.returned.status)))
        return ": ".join(filter(None, (said, self.returned.reason)))

    def event(self, kind: str, detail: str) -> Happening:
        """A line for the log; it bears no address."""
        concerned = self.concerned
        return Happening(
            at=self.now, kind=kind, subject=concerned.subject, channel=concerned.channel, detail=detail
        )


def fetch(parts: Parts, inbound: Inbound) -> Fetched:
    """One visit to every inlet; one that cannot be read keeps no other from being read."""
    mails, troubles = 0, []
    for inlet in inbound.inlets:
        try:
            mails += visit(parts, inbound, inlet)
        except (ChannelError, OSError) as error:
            troubles.append(str(error))
    parts.store.bounces.tidy(parts.clock.now() - timedelta(days=inbound.keep_days))
    return Fetched(mails=mails, troubles=tuple(troubles))


def fetch_all(parts: Parts, inbound: Inbound, inlet: Inlet | None = None) -> Fetched:
    """Visits until nothing waits any more, to every inlet of settings or to the one given.

    Raises:
        WrongUseError: settings name no inlet, and none is given.
    """
    if inlet is not None:
        inbound = replace(inbound, inlets=(inlet,))
    if not inbound.inlets:
        raise WrongUseError("bounces: settings.yaml names neither bounces.maildir nor bounces.imap; name one")
    mails = 0
    while (found := fetch(parts, inbound)).mails and not found.troubles:
        mails += found.mails
    return replace(found, mails=mails + found.mails)


class Rounds:
    """`fetch` at the pace that settings name; a place that cannot be read is told of once."""

    def __init__(self, parts: Parts, inbound: Inbound) -> None:
        self._parts = parts
        self._inbound = inbound
        self._last: datetime | None = None
        self._troubles: Sequence[str] = ()

    def __call__(self) -> None:
        """To be called as often as one likes."""
        now, pace = self._parts.clock.now(), timedelta(seconds=self._inbound.every)
        # A clock that was set back must not end the reading.
        recent = self._last is not None and self._last <= now < self._last + pace
        if recent or not self._inbound.inlets:
            return
        self._last = now
        troubles = fetch(self._parts, self._inbound).troubles
        for trouble in troubles:
            if trouble not in self._troubles:
                self._parts.store.events.add(Happening(at=now, kind="error", detail=trouble))
        self._troubles = troubles


def visit(parts: Parts, inbound: Inbound, inlet: Inlet) -> int:
    """Take in what waits at one place; how many mails."""
    return inlet.visit(lambda raw: take(parts, inbound, raw, source=inlet.name), most=_VISIT)


def one(parts: Parts, number: int) -> Return:
    """One thing that came back.

    Raises:
        UnknownIdError: there is none with this number.
    """
    found = parts.store.bounces.get(number)
    if found is None:
        raise UnknownIdError(f"{number}: nothing with this number came back; `disseminate bounces list` shows them")
    return found


def whom(parts: Parts, returned: Return) -> Concerned | None:
    """The person and the edition that it speaks of; None: nobody was found for it."""
    if returned.subscriber is None:
        return None
    return parts.store.bounces.concerned(returned.publication, returned.subscriber)


def take(parts: Parts, inbound: Inbound, raw: bytes, *, source: str, to: str = "") -> Return | None:
    """Take one mail in; None if it was taken in before: the same bytes count once."""
    digest = digest_of(raw)
    if parts.store.bounces.seen(digest):
        return None
    return _settle(parts, inbound, inbound.read(raw, to), _Origin(digest=digest, source=source, body=raw))


def take_hook(
    parts: Parts, inbound: Inbound, provider: str, headers: Mapping[str, str], body: bytes
) -> Sequence[Return]:
    """Take in what a provider posts; what was taken in before is not among the answers.

    Raises:
        ForgedError: no such provider, or the post does not prove that it comes from it.
    """
    if provider not in inbound.hooks:
        raise ForgedError(f"hooks: no provider {provider[:40]!a}; there are {', '.join(inbound.hooks) or 'none'}")
    taken = []
    for returned in inbound.hooks[provider](headers, body):
        digest = digest_of(f"{provider} {returned.once}".encode("utf-8", "replace") if returned.once else body)
        origin = _Origin(digest=digest, source=f"webhook {provider}", body=body)
        if not parts.store.bounces.seen(digest) and (done := _settle(parts, inbound, returned, origin)):
            taken.append(done)
    return taken


@dataclass(frozen=True, kw_only=True, slots=True)
class _Origin:
    digest: str
    source: str
    body: bytes


def _settle(parts: Parts, inbound: Inbound, returned: Returned, origin: _Origin) -> Return | None:
    found = _found(parts, inbound, returned)
    case = found if isinstance(found, _Case) else None
    follows = _EFFECTS[returned.kind](case) if case else _without(parts, returned, str(found or ""))
    record = Return(
        digest=origin.digest,
        at=parts.clock.now(),
        kind=returned.kind,
        publication=case.publication if case else None,
        subscriber=case.concerned.subscriber if case else None,
        status=returned.status,
        reason=returned.reason,
        source=origin.source,
        effect=follows.effect,
        body=origin.body[:KEPT] if isinstance(found, str) else None,
    )
    return record if parts.store.bounces.settle(record, follows) else None


def _without(parts: Parts, returned: Returned, why: str) -> Consequence:
    """Nothing follows: it is harmless, or kept because of `why`."""
    if not why:
        return Consequence(effect="nothing")
    line = Happening(at=parts.clock.now(), kind="returned", detail=f"{returned.kind.value}: kept, {why}")
    return Consequence(effect=f"kept: {why}", happenings=(line,))


# Whom it concerns


def _found(parts: Parts, inbound: Inbound, returned: Returned) -> _Case | str | None:
    """The one person it concerns, or why it is kept; None for what changes nothing, whomever it concerns."""
    if returned.kind in _HARMLESS:
        return None
    if returned.kind not in _EFFECTS:
        return "it is not understood"
    named = _named(parts.tokens, returned)
    if isinstance(named, str):
        return named
    publication, subscriber = named
    concerned = parts.store.bounces.concerned(publication, subscriber)
    if concerned is None:
        return "its person is not known here"
    if publication is not None and not concerned.recipient:
        return "its person was not among the recipients of that edition"
    return _Case(
        returned=returned, concerned=concerned, inbound=inbound, publication=publication, now=parts.clock.now()
    )


def _named(tokens: Tokens, returned: Returned) -> tuple[int | None, int] | str:
    """(publication, subscriber) by our marks, or by a token where that is allowed; or why it is nobody."""
    if returned.recipients > 1:
        return "it speaks of several recipients"
    marks = [tokens.read_bounce(mark) for mark in _marks(returned)]
    if None in marks:
        return "it bears a mark that is not ours"
    named: list[tuple[int | None, int]] = [mark for mark in marks if mark is not None]
    if returned.kind in _BY_TOKEN:
        people = [tokens.read_unsubscribe(token) for token in returned.tokens]
        named += [(None, person) for person in people if person is not None]
    if len({person for _, person in named}) > 1 or len(set(filter(None, marks))) > 1:
        return "it bears marks of several mails"
    return named[0] if named else "it bears no mark of ours"


def _marks(returned: Returned) -> Sequence[str]:
    """The address that a bounce was sent to decides; what is inside it is heard only where that bears no mark."""
    if returned.kind in _BY_TOKEN:
        return (*returned.marks, *returned.echoes)
    return returned.marks or returned.echoes


# What follows


def _hard(case: _Case) -> Consequence:
    return _suppressed(case, Why.HARD_BOUNCE, "bounced")


def _complaint(case: _Case) -> Consequence:
    return _suppressed(case, Why.COMPLAINT, "complaint")


def _suppressed(case: _Case, why: Why, kind: str, effect: str = "suppressed") -> Consequence:
    if not case.concerned.email:
        return Consequence(effect="the person is erased", bounced=case.words)
    return Consequence(
        effect=effect,
        bounced=case.words,
        suppress=(case.inbound.addresses.hash(case.concerned.email), why),
        happenings=(case.event(kind, f"{case.words}; {effect}"),),
    )


def _soft(case: _Case) -> Consequence:
    """One edition more that did not arrive; enough of them in a row, over long enough, suppress."""
    arrived = case.concerned.arrived_at
    row = {publication: at for publication, at in case.concerned.soft if arrived is None or at > arrived}
    row.setdefault(case.publication or 0, case.now)
    since, inbound = min(row.values()), case.inbound
    if len(row) >= inbound.soft_limit and case.now - since >= timedelta(days=inbound.soft_days):
        return _suppressed(case, Why.SOFT_BOUNCES, "bounced", f"suppressed: {len(row)} editions in a row")
    effect = f"counted: {len(row)} in a row"
    return Consequence(
        effect=effect,
        bounced=case.words,
        counted=True,
        happenings=(case.event("bounced", f"{case.words}; {effect}"),),
    )


def _blocked(case: _Case) -> Consequence:
    """Refused because of us: everybody there would be lost if it counted against people."""
    return Consequence(
        effect="noted", bounced=case.words, happenings=(case.event("bounced", f"{case.words}; noted"),)
    )


def _unsubscribe(case: _Case) -> Consequence:
    line = case.event("unsubscribed", "one person, by mail")
    return Consequence(effect="unsubscribed", unsubscribe=True, happenings=(line,))


_EFFECTS: Mapping[ReturnKind, Callable[[_Case], Consequence]] = {
    ReturnKind.HARD: _hard,
    ReturnKind.SOFT: _soft,
    ReturnKind.BLOCKED: _blocked,
    ReturnKind.COMPLAINT: _complaint,
    ReturnKind.UNSUBSCRIBE: _unsubscribe,
}
#: Kinds that change nothing, whomever they concern.
_HARMLESS = frozenset({ReturnKind.AUTO_REPLY, ReturnKind.DELAYED, ReturnKind.NOTICE})
#: Kinds in which a token of a personal link tells who it is: the person used the link, or got the letter.
_BY_TOKEN = frozenset({ReturnKind.COMPLAINT, ReturnKind.UNSUBSCRIBE})
