"""An edition on its way: the audience frozen once, batches claimed, windows of intent, outcomes one by one."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from dissemination.errors import (
    ChannelError,
    FencedError,
    InDoubtError,
    NeedsLoginError,
    UnavailableError,
)
from dissemination.files import digest_of
from dissemination.model import (
    Claim,
    DeliveryState,
    Happening,
    Letter,
    Mail,
    Message,
    Picture,
    Publication,
    Receipt,
    Repeat,
    State,
    Subscriber,
)
from dissemination.pipeline import content as codec
from dissemination.pipeline.outcome import back_off
from dissemination.pipeline.parts import Parts
from dissemination.ports import Channel

Outcomes = Iterator[tuple[str, Receipt | ChannelError]]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sheet:
    """What every mail of the edition has in common."""

    parts: Parts
    edition: Publication
    letters: Mapping[str, Letter]
    #: language -> digest of its letter, by which a channel may keep encoded parts.
    digests: Mapping[str, str]

    def message(self, person: Subscriber) -> Message:
        lang = person.lang if person.lang in self.letters else self.parts.project.default_lang
        mail = Mail(
            letter=self.letters[lang],
            digest=self.digests[lang],
            address=person.email,
            name=person.name,
            values={"name": person.name, "email": person.email, **self.parts.tokens.links(person.id)},
            date=self.edition.published_at or self.parts.clock.now(),
        )
        return Message(key=f"{self.edition.key}/{person.id}", body=mail)


def send_edition(parts: Parts, edition: Publication, stop: threading.Event) -> int:
    """Carry a running edition as far as it goes now; how many mails were accepted."""
    body = parts.store.contents.body(edition.content)
    letters = codec.letters(body)
    _show(parts, letters)
    sheet = _Sheet(
        parts=parts,
        edition=edition,
        letters=letters,
        digests={lang: digest_of(codec.encode(letter_of, ()).body) for lang, letter_of in _single(letters)},
    )
    parts.store.deliveries.freeze(edition.key, edition.audience)
    resend = parts.channels[edition.channel].limits.repeat is Repeat.SAFE
    accepted = 0
    while not stop.is_set():
        claim = parts.store.deliveries.claim(edition.key, parts.owner, parts.rules.lease, resend=resend)
        if claim is None:
            break
        sent, go_on = _Batch(sheet, claim, stop).run()
        accepted += sent
        if not go_on:
            break
    if not stop.is_set():
        _conclude(parts, edition)
    return accepted


def _single(letters: Mapping[str, Letter]) -> Iterator[tuple[str, Mapping[str, Letter]]]:
    return ((lang, {lang: letter}) for lang, letter in letters.items())


def _show(parts: Parts, letters: Mapping[str, Letter]) -> None:
    """The pictures are at their public addresses before the first mail that shows them."""
    digests = {digest for letter in letters.values() for digest in letter.pictures}
    pictures: Mapping[str, Picture] = parts.store.contents.pictures(digests)
    parts.shelf.write({f"media/{picture.name}": picture.body for picture in pictures.values()})


class _Batch:
    """One claimed batch: window after window until it is through, stopped, or the way out is closed."""

    def __init__(self, sheet: _Sheet, claim: Claim, stop: threading.Event) -> None:
        self._sheet = sheet
        self._parts = sheet.parts
        self._claim = claim
        self._stop = stop
        self._channel = sheet.parts.channels[sheet.edition.channel]
        self._sent = 0
        self._worst_attempt = 0

    def run(self) -> tuple[int, bool]:
        """(mails accepted, whether the next batch is worth trying)."""
        go_on = True
        with suppress(FencedError):
            while go_on and not self._stop.is_set():
                people = self._parts.store.deliveries.window(
                    self._claim, self._parts.rules.window, self._parts.rules.lease
                )
                if not people:
                    break
                go_on = self._window(people)
            self._release()
        return self._sent, go_on

    def _release(self) -> None:
        # A batch that was stopped, not deferred, is free at once.
        now = self._parts.clock.now()
        at = back_off(now, self._claim.publication, self._worst_attempt) if self._worst_attempt else None
        self._parts.store.deliveries.release(self._claim, retry_at=at)

    def _window(self, people: Sequence[Subscriber]) -> bool:
        """Send to these; False when the whole window met a closed door."""
        waiting = {self._sheet.message(person).key: person for person in people}
        taken: set[str] = set()
        closed = 0
        for key, result in _send_all(self._channel, self._messages(people, taken)):
            person = waiting.pop(key)
            if isinstance(result, NeedsLoginError):
                self._needs_login(result, [person, *waiting.values()])
                return False
            closed += isinstance(result, UnavailableError)
            self._settle(person, result)
        untried = [person.id for key, person in waiting.items() if key not in taken]
        if untried:
            self._parts.store.deliveries.hand_back(self._claim, untried)
        for key in taken & waiting.keys():
            self._settle(waiting[key], InDoubtError("email: no answer came for this message"))
        return closed < len(people)

    def _messages(self, people: Sequence[Subscriber], taken: set[str]) -> Iterator[Message]:
        """Handed out one by one, so that a stop ends the window at the next message."""
        for person in people:
            if self._stop.is_set():
                return
            message = self._sheet.message(person)
            taken.add(message.key)
            yield message

    def _settle(self, person: Subscriber, result: Receipt | ChannelError) -> None:
        state, reason = self._judge(person, result)
        # Counted first: a mail that went out went out, also where the batch was taken over meanwhile.
        self._sent += state is DeliveryState.SENT
        self._parts.store.deliveries.settle(self._claim, person.id, state, reason, lease=self._parts.rules.lease)

    def _judge(self, person: Subscriber, result: Receipt | ChannelError) -> tuple[DeliveryState, str]:
        if isinstance(result, Receipt):
            return DeliveryState.SENT, ""
        again = isinstance(result, UnavailableError) or (
            isinstance(result, InDoubtError) and self._channel.limits.repeat is Repeat.SAFE
        )
        if again:
            attempts = self._parts.store.deliveries.attempts(self._claim, person.id)
            if attempts < self._parts.rules.attempts:
                self._worst_attempt = max(self._worst_attempt, attempts)
                return DeliveryState.DEFERRED, str(result)
            return DeliveryState.FAILED, f"{result} (tried {attempts} times)"
        if isinstance(result, InDoubtError):
            return DeliveryState.IN_DOUBT, str(result)
        return DeliveryState.FAILED, str(result)

    def _needs_login(self, error: NeedsLoginError, people: Sequence[Subscriber]) -> None:
        self._parts.store.deliveries.hand_back(self._claim, [person.id for person in people])
        edition = self._sheet.edition
        self._parts.store.controls.pause(edition.channel, who="dissemination", reason=str(error))
        self._parts.store.events.add(
            Happening(
                at=self._parts.clock.now(),
                kind="needs_login",
                subject=edition.subject,
                channel=edition.channel,
                detail=str(error),
            )
        )


def _send_all(channel: Channel, messages: Iterator[Message]) -> Outcomes:
    for message in messages:
        try:
            yield message.key, channel.send(message, key=message.key)
        except ChannelError as error:
            yield message.key, error


def _conclude(parts: Parts, edition: Publication) -> None:
    """Close the edition when nobody is left to write to."""
    current = parts.store.publications.get(edition.key)
    if current is None or current.state is not State.SENDING or parts.store.deliveries.unfinished(edition.key):
        return
    counts = parts.store.deliveries.counts(edition.key)
    state, kind = _verdict(counts)
    words = ", ".join(f"{count} {state_.value.replace('_', ' ')}" for state_, count in sorted(counts.items()))
    fresh = replace(current, state=state, reason="" if state is State.PUBLISHED and len(counts) == 1 else words)
    kinds = [kind]
    if kind == "sent" and counts.get(DeliveryState.FAILED):
        kinds.append("failed")  # somebody is told of the few, too
    happenings = [
        Happening(
            at=parts.clock.now(),
            kind=each,
            subject=edition.subject,
            channel=edition.channel,
            detail=words or "nobody",
        )
        for each in kinds
    ]
    with suppress(FencedError):
        parts.store.publications.settle(current, fresh, happenings)


def _verdict(counts: Mapping[DeliveryState, int]) -> tuple[State, str]:
    if counts.get(DeliveryState.IN_DOUBT):
        return State.IN_DOUBT, "in_doubt"
    if counts.get(DeliveryState.FAILED) and not counts.get(DeliveryState.SENT):
        return State.FAILED, "failed"
    return State.PUBLISHED, "sent"
