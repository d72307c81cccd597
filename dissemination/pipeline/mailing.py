"""An edition on its way: the audience frozen once, a line kept full, intents before, outcomes after."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from dissemination.errors import (
    ChannelError,
    NeedsLoginError,
    NotBegunError,
    RejectedError,
    SenderRefusedError,
    UnavailableError,
)
from dissemination.files import digest_of
from dissemination.model import (
    DeliveryState,
    Happening,
    Letter,
    Mail,
    Message,
    Picture,
    Publication,
    Rates,
    Receipt,
    Recipient,
    Repeat,
    Settled,
    State,
)
from dissemination.pipeline import content as codec
from dissemination.pipeline.answers import Answer, Judge
from dissemination.pipeline.lines import open_line
from dissemination.pipeline.outcome import back_off
from dissemination.pipeline.parts import Parts
from dissemination.ports import Ledger, Line

#: Outcomes are written down together, but none waits longer than this, in seconds.
PATIENCE = 0.05
#: How long the line is asked while nothing is to be written down: what a stop waits for at most.
_IDLE = 0.2
#: A rate that lets nothing through is asked again after this, so that turns are not made for single mails.
_PAUSE = 0.1
#: The longest that is waited for a rate here; what takes longer is left to a later pass.
_SHORT = 5.0
#: Mails that are made at once: those under way are listened to in between.
_PORTION = 32
#: How long messages under way may wait for their answers when everything stops, in seconds.
DRAIN = 8.0
#: What says of a mail that nothing was tried for it, or that we are refused and not this recipient.
_SHUT = (NotBegunError, NeedsLoginError, SenderRefusedError)
#: The log's word for a server that refuses us.
_REFUSED = "refused"
#: The longest wait of an edition whose way out is closed.
_LONGEST_CLOSED = timedelta(minutes=15)


class Sheet:
    """What every mail of the edition has in common, and how each is made of it."""

    def __init__(self, parts: Parts, edition: Publication, number: int) -> None:
        letters = codec.letters(parts.store.contents.body(edition.content))
        _show(parts, edition.subject, letters)
        #: Language -> letter, and its digest, by which a channel keeps encoded parts.
        self._letters = {lang: (letter, _digest(lang, letter)) for lang, letter in letters.items()}
        self._default = self._letters[parts.project.default_lang]
        self._date = edition.published_at or parts.clock.now()
        self._key, self._number, self._tokens = edition.key, number, parts.tokens

    def message(self, person: Recipient) -> Message:
        """The mail of one person; the same at every attempt."""
        letter, digest = self._letters.get(person.lang, self._default)
        return Message(
            key=f"{self._key}/{person.id}",
            body=Mail(
                letter=letter,
                digest=digest,
                address=person.email,
                name=person.name,
                values={"name": person.name, "email": person.email, **self._tokens.links(person.id)},
                date=self._date,
                bounce=self._tokens.bounce(self._number, person.id),
            ),
        )


def _digest(lang: str, letter: Letter) -> str:
    return digest_of(codec.encode({lang: letter}, ()).body)


def _show(parts: Parts, id_: str, letters: Mapping[str, Letter]) -> None:
    """Pictures and pages are at their public addresses before the first mail that leads there."""
    digests = {digest for letter in letters.values() for digest in letter.pictures}
    pictures: Mapping[str, Picture] = parts.store.contents.pictures(digests)
    media = {f"media/{picture.name}": picture.body for picture in pictures.values()}
    parts.shelf.write({**media, **parts.renderer.edition(id_, letters)})


def send_edition(parts: Parts, edition: Publication, stop: threading.Event) -> int:
    """Carry a running edition as far as it goes now; how many mails were accepted."""
    parts.store.deliveries.freeze(edition.key, edition.audience)
    accepted = 0
    if parts.store.deliveries.workable(edition.key):
        _goes_on(parts, edition)
        channel = parts.channels[edition.channel]
        ledger = parts.store.deliveries.ledger(
            edition.key,
            owner=parts.owner,
            lease=parts.rules.lease,
            resend=channel.limits.repeat is Repeat.SAFE,
        )
        run = Run(
            parts,
            edition,
            Sheet(parts, edition, ledger.number),
            ledger=ledger,
            line=open_line(channel, edition.reach),
            stop=stop,
        )
        accepted = run.run()
        _put_off(parts, edition, run)
    if not stop.is_set():
        conclude(parts, edition)
    return accepted


def _goes_on(parts: Parts, edition: Publication) -> None:
    """What it waited for is over."""
    if edition.not_before or edition.reason:
        parts.store.publications.sync((), [(edition, replace(edition, not_before=None, reason=""))])


class Run:
    """One worker's run through an edition: everything happens in the caller's thread."""

    def __init__(  # noqa: PLR0913 - what a run is made of
        self,
        parts: Parts,
        edition: Publication,
        sheet: Sheet,
        *,
        ledger: Ledger,
        line: Line,
        stop: threading.Event,
    ) -> None:
        self._parts, self._edition, self._sheet = parts, edition, sheet
        self._ledger, self._line, self._stop = ledger, line, stop
        self._clock, self._window = parts.clock, parts.rules.window
        repeat = parts.channels[edition.channel].limits.repeat
        self._judge = Judge(edition=edition.key, repeat=repeat, give_up=parts.rules.give_up)
        #: Key -> who: given to the line, no outcome yet.
        self._out: dict[str, Recipient] = {}
        #: Ours by the ledger, their mail not made yet.
        self._taken: deque[Recipient] = deque()
        #: Outcomes that are not written down yet, since when, and when the last turn was.
        self._settled: list[Settled] = []
        self._since = self._turned = self._again = parts.clock.now()
        #: What the line raised in the middle of a turn.
        self._fault: Exception | None = None
        #: Paused, cancelled, or nobody is left who may be written to now.
        self._through = False
        #: Answers in a row that were no receipt.
        self._refused = 0
        self.accepted = 0
        #: Why the way out is closed; None: it is open.
        self.closed: ChannelError | None = None
        #: Until when a rate holds everybody back.
        self.held_until: datetime | None = None

    def run(self) -> int:
        """Until nobody is left whose mail may go now; how many mails were accepted."""
        try:
            while self._step():
                pass
        except BaseException:
            # Our fault: what is known is written down, and the batch stays claimed until its lease is over.
            self._drain()
            self._ledger.turn(self._settled, 0, Rates())
            raise
        self._drain()
        self._ledger.leave(self._settled)
        return self.accepted

    def _drain(self) -> None:
        self._hand_back()
        closed = self.closed
        self._hear(self._line.close(DRAIN), self._clock.now())
        self.closed = closed  # what was not begun because everything stops says nothing of the way out

    def _step(self) -> bool:
        """Listen, write down, take up; whether there is more to do."""
        self._give()
        heard = self._line.outcomes(self._wait()) if self._out else ()
        now = self._clock.now()
        self._hear(heard, now)
        if self._stop.is_set():
            return False
        if not self._taking():
            self._hand_back()
        if self._due(now, quiet=not heard and not self._taken):
            self._turn(now)
        return bool(self._out or self._taken) or self._taking()

    def _taking(self) -> bool:
        return not self._through and self.closed is None

    def _wait(self) -> float:
        if self._taken:
            return 0.0
        return PATIENCE if self._settled else _IDLE

    def _due(self, now: datetime, *, quiet: bool) -> bool:
        """Whether a turn is worth its transaction."""
        settled = len(self._settled)
        if settled:
            late = quiet or now - self._since >= timedelta(seconds=PATIENCE)
            return late or 2 * settled >= self._window or not (self._out or self._taken)
        if not (self._out or self._taken):
            return self._taking()
        if now - self._turned >= timedelta(seconds=self._parts.rules.lease / 3):
            return True
        return quiet and self._want(now) > 0

    def _want(self, now: datetime) -> int:
        if not self._taking() or now < self._again:
            return 0
        return min(self._window - len(self._out), self._line.room()) - len(self._taken)

    def _turn(self, now: datetime) -> None:
        want = self._want(now)
        pacing = self._parts.rules.pacing.at(now)
        turn = self._ledger.turn(self._settled, want, pacing, self._carry_on)
        self._settled, self._turned = [], now
        self._taken.extend(turn.people)
        if self._fault is not None:
            raise self._fault
        if not turn.going:
            self._through = True
        elif want and not turn.people:
            self._nobody(turn.wait, now)

    def _carry_on(self) -> None:
        """Servers need not stand still for a turn. What goes wrong with the line shows when it is written."""
        if self._fault is None:
            try:
                self._line.carry_on()
            except Exception as error:  # noqa: BLE001 - raised again when the turn is through
                self._fault = error

    def _give(self) -> None:
        """Some more of those taken up go out."""
        count = min(_PORTION, len(self._taken), self._line.room())
        if count > 0:
            people = [self._taken.popleft() for _ in range(count)]
            messages = [self._sheet.message(person) for person in people]
            self._out.update((message.key, person) for message, person in zip(messages, people, strict=True))
            self._line.give(messages)

    def _hand_back(self) -> None:
        """Those taken up whose mail is not made stay as they were."""
        error, now = NotBegunError("nothing was tried"), self._clock.now()
        self._settled += [self._judge.settled(person, error, now) for person in self._taken]
        self._taken.clear()

    def _nobody(self, wait: float | None, now: datetime) -> None:
        """Nobody may be taken up now: wait for a rate, or for what is out, or end."""
        if wait is None:
            self._through = not (self._out or self._taken)
            return
        if wait > _SHORT:
            self._through, self.held_until = True, now + timedelta(seconds=wait)
            return
        pause = max(wait, _PAUSE)
        self._again = now + timedelta(seconds=pause)
        if not (self._out or self._taken):
            self._clock.sleep(pause)

    def _hear(self, heard: Sequence[tuple[str, Answer]], now: datetime) -> None:
        if not self._settled:
            self._since = now
        for key, answer in heard:
            person = self._out.pop(key, None)
            if person is not None:
                self._settled.append(self._judge.settled(person, answer, now))
                self._judge_way(answer)

    def _judge_way(self, answer: Answer) -> None:
        """Whether the way out is open, as of this answer: a closed one is not hammered."""
        if isinstance(answer, Receipt):
            self.accepted += 1
            self._refused, self.closed = 0, None
            return
        # A whole window without one receipt, for whatever reason: it is rather us than every single recipient.
        self._refused += 1
        if isinstance(answer, _SHUT) or self._refused >= self._window:
            self.closed = answer


def _put_off(parts: Parts, edition: Publication, run: Run) -> None:
    """Where the way out is closed or a rate is used up, the edition waits; others go on."""
    if run.closed is not None and not parts.store.deliveries.unfinished(edition.key):
        return  # nobody is left who would wait
    if isinstance(run.closed, NeedsLoginError):
        _needs_login(parts, edition, run.closed)
    elif run.closed is not None:
        attempts = 1 if run.accepted else edition.attempts + 1
        wish = run.closed.retry_at if isinstance(run.closed, UnavailableError) else None
        now = parts.clock.now()
        at = min(back_off(now, edition.key, attempts, wish), now + _LONGEST_CLOSED)
        if isinstance(run.closed, SenderRefusedError | RejectedError):
            _tell_once(parts, edition, str(run.closed))
        _wait_until(parts, replace(edition, attempts=attempts), at, str(run.closed))
    elif run.held_until is not None:
        at = min(run.held_until, parts.rules.pacing.next_day(parts.clock.now()))
        _wait_until(parts, edition, at, "what its rate allows is used up")


def _wait_until(parts: Parts, edition: Publication, at: datetime, why: str) -> None:
    current = parts.store.publications.get(edition.key)
    if current is not None and current.state is State.SENDING:
        reason = f"{why}; it goes on at {at:%F %T} UTC"
        fresh = replace(current, attempts=edition.attempts, not_before=at, reason=reason)
        parts.store.publications.sync((), [(current, fresh)])


def _needs_login(parts: Parts, edition: Publication, error: NeedsLoginError) -> None:
    parts.store.controls.pause(edition.channel, who="dissemination", reason=str(error))
    parts.store.events.add(_line(parts, edition, "needs_login", str(error)))


def _tell_once(parts: Parts, edition: Publication, why: str) -> None:
    """Somebody must mend it. They are told when it begins, and not again at every try."""
    last = parts.store.events.latest(1, edition.subject)
    if not last or last[0].kind != _REFUSED:
        parts.store.events.add(_line(parts, edition, _REFUSED, why))


def _line(parts: Parts, edition: Publication, kind: str, detail: str) -> Happening:
    return Happening(
        at=parts.clock.now(), kind=kind, subject=edition.subject, channel=edition.channel, detail=detail
    )


def conclude(parts: Parts, edition: Publication) -> None:
    """Close the edition when nobody is left to write to."""
    current = parts.store.publications.get(edition.key)
    if current is None or current.state is not State.SENDING or parts.store.deliveries.unfinished(edition.key):
        return
    counts = parts.store.deliveries.counts(edition.key)
    state, kind = _verdict(counts)
    words = ", ".join(f"{count} {state_.value.replace('_', ' ')}" for state_, count in sorted(counts.items()))
    fresh = replace(
        current, state=state, not_before=None, reason="" if state is State.PUBLISHED and len(counts) == 1 else words
    )
    kinds = [kind]
    if kind == "sent" and counts.get(DeliveryState.FAILED):
        kinds.append("failed")  # somebody is told of the few, too
    happenings = [_line(parts, edition, each, words or "nobody") for each in kinds]
    parts.store.publications.conclude(current, fresh, happenings)


def _verdict(counts: Mapping[DeliveryState, int]) -> tuple[State, str]:
    if counts.get(DeliveryState.IN_DOUBT):
        return State.IN_DOUBT, "in_doubt"
    if counts.get(DeliveryState.FAILED) and not counts.get(DeliveryState.SENT):
        return State.FAILED, "failed"
    return State.PUBLISHED, "sent"
