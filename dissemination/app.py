"""The product's verbs. Each is one call into the pipeline; what is printed is the command line's business."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path

from dissemination.model import (
    Added,
    Choices,
    Concerned,
    DeliveryState,
    Dossier,
    Finding,
    Happening,
    Notice,
    Occurrence,
    Post,
    Preferences,
    Publication,
    Receipt,
    Return,
    SignUp,
    SpamScore,
    Standing,
    State,
    Subscriber,
    Symptom,
)
from dissemination.pipeline import approve as approving
from dissemination.pipeline import (
    correcting,
    doctor,
    doubts,
    editions,
    learning,
    logins,
    people,
    preview,
    privacy,
    publish,
    retention,
    returns,
    status,
    testmail,
    told,
    visiting,
    websub,
    withdrawing,
)
from dissemination.pipeline.approve import Verdict
from dissemination.pipeline.confirming import Postman
from dissemination.pipeline.correcting import Corrected, Correction
from dissemination.pipeline.deliver import Tally
from dissemination.pipeline.doubts import Decision
from dissemination.pipeline.editions import Progress
from dissemination.pipeline.gates import Gates
from dissemination.pipeline.inspect import Inspection, inspect
from dissemination.pipeline.leaving import Leaving
from dissemination.pipeline.logins import LoggedIn
from dissemination.pipeline.parts import Parts
from dissemination.pipeline.people import Import, Imported
from dissemination.pipeline.plan import Plan, plan
from dissemination.pipeline.privacy import Field
from dissemination.pipeline.publish import Ticks
from dissemination.pipeline.retention import Cleaned
from dissemination.pipeline.returns import Fetched, Inbound
from dissemination.pipeline.status import Status
from dissemination.pipeline.timing import WAITING, Bill, bills
from dissemination.pipeline.visiting import Visitors
from dissemination.pipeline.withdrawing import Withdrawal
from dissemination.ports import Addresses, Inlet, Prompt


@dataclass(frozen=True, kw_only=True)
class App:
    """One project folder, opened. Close it when done."""

    parts: Parts
    addresses: Addresses
    inbound: Inbound
    visitors: Visitors = field(default_factory=visiting.nobody)
    #: Names of the secrets that are set.
    secrets: Sequence[str] = ()
    #: Set it, and everything under way ends at its next message.
    stop: threading.Event = field(default_factory=threading.Event)

    def check(self, *, editions: bool = True) -> Inspection:
        """Every item, every edition to come, and every problem; nothing is stored."""
        seen = inspect(self.parts, editions=editions)
        return replace(seen, findings=(*seen.findings, *privacy.findings(self.parts)))

    def spam(self) -> Callable[[bytes], SpamScore] | None:
        """How to score a whole message by the spam filter that this machine has; None: it has none."""
        return self.parts.checks.spam()

    def plan(self) -> Plan:
        """What would go out, where, when, to how many; nothing is sent."""
        return plan(self.parts)

    def posts(self, planned: Plan) -> Mapping[str, Post]:
        """The posts of a plan by their publications' keys: text and count of what goes out."""
        found = ((line.publication.key, told.post_of(self.parts, line)) for line in planned.lines)
        return {key: post for key, post in found if post is not None}

    def bills(self, planned: Sequence[Publication]) -> Sequence[Bill]:
        """What networks bill for posts this month, with those of `planned` that are still to go out."""
        return bills(self.parts, [line for line in planned if line.state in WAITING])

    def preview(self) -> Mapping[str, bytes]:
        """What every channel would carry, as files; the network is not touched."""
        return preview.preview(self.parts)

    def approve(self, ids: Sequence[str], *, who: str, everything: bool = False) -> Sequence[Verdict]:
        """Say yes to the very bytes that will go out."""
        return approving.approve(self.parts, ids, who=who, everything=everything)

    def awaited(self, approved: Iterable[Publication]) -> Mapping[str, Sequence[str]]:
        """Item or edition -> items whose feed entry it waits for, and which nobody has approved."""
        gates = Gates(self.parts)
        found = {row.subject: gates.unapproved(row) for row in approved if row.state is State.SCHEDULED}
        return {subject: items for subject, items in found.items() if items}

    def cancel(self, ids: Sequence[str], *, who: str) -> Sequence[Verdict]:
        """Stop what these ids name."""
        return approving.cancel(self.parts, ids, who=who)

    def pause(self, channel: str, *, who: str, reason: str) -> None:
        """Emergency stop of one channel or of all ("*"), from the next window on, in every process."""
        self.parts.store.controls.pause(channel, who=who, reason=reason)

    def resume(self, channel: str, *, who: str) -> bool:
        """Go on; False if it was not paused."""
        return self.parts.store.controls.resume(channel, who=who)

    def prompts(self, network: str, given: Mapping[str, str]) -> Sequence[Prompt]:
        """What a login to this network still asks.

        Raises:
            WrongUseError: no such channel, or one that needs no login.
        """
        return logins.prompts(self.parts, network, given)

    def login(self, network: str, given: Mapping[str, str], *, who: str) -> LoggedIn:
        """Prove credentials by a harmless call, and keep them; see `logins.login`."""
        return logins.login(self.parts, network, given, who=who)

    def send_test(self, id_: str, to: str, lang: str) -> Receipt:
        """One real mail, marked as a test.

        Raises:
            AddressError: `to` is no address.
        """
        self.addresses.normalise(to)
        return testmail.send_test(self.parts, id_, to, lang)

    @contextmanager
    def publishing(self) -> Iterator[None]:
        """Be the process that publishes; on SQLite what a dead predecessor had claimed is free at once.

        Raises:
            BusyError: another process publishes.
        """
        with self.parts.store.hold():
            self.parts.store.publications.inherit()
            yield

    def publish(self) -> Tally:
        """One pass over everything due; call it inside `publishing`."""
        tally = publish.publish(self.parts, self.stop)
        retention.Daily(self.parts, self.addresses)()
        learning.learn(self.parts)
        self.postman()
        websub.finish(self.parts, self.stop)
        return tally

    def would_publish(self) -> Sequence[Publication]:
        """What `publish` would start now."""
        return publish.would_publish(self.parts)

    def ticks(self) -> Ticks:
        """The work of the scheduler's ticks; call them inside `publishing`."""
        chores = (
            retention.Daily(self.parts, self.addresses),
            returns.Rounds(self.parts, self.inbound),
            learning.Lessons(self.parts),
            self.postman,
            websub.Pings(self.parts, self.stop),
        )
        return Ticks(self.parts, self.stop, *chores)

    def status(self) -> Status:
        """What stands where."""
        return status.status(self.parts)

    def editions(self) -> Sequence[Progress]:
        """Every edition that has started."""
        return editions.editions(self.parts)

    def under_way(self) -> Sequence[Progress]:
        """Editions that are not through."""
        return editions.under_way(self.parts)

    def edition(self, id_: str) -> Progress:
        """How far one edition is, and why people were not reached."""
        return editions.progress(self.parts, id_)

    def edition_people(self, id_: str, state: DeliveryState) -> Iterator[Standing]:
        """Everybody of an edition who stands there."""
        return editions.people(self.parts, id_, state)

    def retry(self, id_: str, *, who: str) -> int:
        """Another try for those of an edition who failed."""
        return editions.retry(self.parts, id_, who=who)

    def resolve(self, id_: str, *, sent: bool, address: str, who: str) -> int:
        """Decide what became of those of an edition who are in doubt."""
        normal = self.addresses.normalise(address) if address else ""
        return editions.resolve(self.parts, id_, sent=sent, address=normal, who=who)

    def decide(self, id_: str, decision: Decision, *, url: str, who: str) -> Sequence[Verdict]:
        """Decide what became of the posts of this id that are in doubt."""
        return doubts.resolve(self.parts, id_, decision, url=url, who=who)

    def corrections(self, ids: Sequence[str]) -> Sequence[Correction]:
        """What of posts that are out differs from the news folder; nothing is changed."""
        return correcting.corrections(self.parts, ids)

    def correct(self, wanted: Sequence[Correction], *, who: str) -> Sequence[Corrected]:
        """Edit what somebody looked at and confirmed, where the network can."""
        return correcting.correct(self.parts, wanted, who=who)

    def withdraw(self, ids: Sequence[str], *, who: str) -> Sequence[Withdrawal]:
        """Take posts back: nothing more goes out, and what is out is deleted where the network can."""
        return withdrawing.withdraw(self.parts, ids, who=who)

    def still_told(self, seen: Sequence[Withdrawal]) -> Sequence[str]:
        """Items whose posts were taken back and which feeds and pages still tell."""
        return withdrawing.still_told(self.parts, seen)

    def log(self, count: int, subject: str = "") -> Sequence[Happening]:
        """The newest events, oldest first."""
        return self.parts.store.events.latest(count, subject)

    def add_subscribers(self, who: Iterable[Subscriber]) -> Added:
        """Add people who consented, all or none."""
        return people.add(self.parts, self.addresses, who)

    def import_subscribers(self, file: Import, tell: Callable[[Finding], None]) -> Imported:
        """Add everybody of a file, or nobody; `tell` is handed what is wrong."""
        return people.import_(self.parts, self.addresses, file, tell)

    def subscribers(self, *, listed: str = "", state: str = "") -> Iterator[Subscriber]:
        """Everybody."""
        return self.parts.store.people.all(listed=listed, state=state)

    def show_subscriber(self, address: str) -> Dossier | None:
        """Everything that is kept about a person."""
        return people.show(self.parts, self.addresses, address)

    def remove_subscriber(self, address: str, *, bar: bool = False) -> bool:
        """Erase a person; with `bar`, no import brings them back."""
        return people.remove(self.parts, self.addresses, address, bar=bar)

    def unsubscribe(self, address: str, lists: Sequence[str] = (), *, how: str) -> bool | None:
        """Somebody asked to leave; None: nobody has the address."""
        return people.unsubscribe(self.parts, self.addresses, address, lists, how=how)

    def suppress(self, address: str, words: str) -> bool:
        """Never write to this address again."""
        return people.suppress(self.parts, self.addresses, address, words)

    def privacy_record(self) -> Sequence[Field]:
        """The record of processing activities."""
        return privacy.record(self.parts)

    def clean(self) -> Cleaned:
        """Forget what was kept long enough."""
        return retention.clean(self.parts, self.addresses)

    @cached_property
    def leaving(self) -> Leaving:
        """Who unsubscribes by a link: `leaving.ask(subscriber)`."""
        return Leaving(self.parts)

    @cached_property
    def postman(self) -> Postman:
        """Sends confirmation mails: `postman.wake()`."""
        return Postman(self.parts, self.visitors)

    def sign_up_lacks(self) -> Sequence[str]:
        """Settings to fill before anybody can sign up."""
        return visiting.lacking(self.parts, self.visitors)

    def sign_up_notice(self, lang: str) -> Notice:
        """What stands beside the form, and is agreed to."""
        return visiting.notice(self.visitors, lang)

    def sign_up(self, email: str, lists: Sequence[str], said: Notice, *, form: str) -> None:
        """Somebody filled the form in; see `visiting.sign_up`."""
        visiting.sign_up(self.parts, self.visitors, self.addresses, email=email, lists=lists, said=said, form=form)

    def pending(self, token: str) -> SignUp | None:
        """What a link to confirm is about."""
        return visiting.pending(self.parts, token)

    def confirm(self, token: str, lists: Sequence[str]) -> str | None:
        """They said yes to these lists; the token of their preferences, or None."""
        return visiting.confirm(self.parts, token, lists)

    def leaver(self, token: str) -> str | None:
        """The language of the holder of a link to unsubscribe; None: it is none of ours."""
        return visiting.leaver(self.parts, token)

    def preferences(self, token: str) -> Preferences | None:
        """Of the holder of a link."""
        return visiting.preferences(self.parts, self.visitors, token)

    def choose(self, token: str, chosen: Choices) -> bool:
        """Change them; see `visiting.choose`."""
        return visiting.choose(self.parts, self.visitors, token, chosen)

    def export_by_link(self, token: str) -> Dossier | None:
        """Everything that is kept about the holder of a link to preferences."""
        return visiting.export(self.parts, self.visitors, self.addresses, token)

    def erase_by_link(self, token: str) -> bool:
        """Erase the holder of a link to preferences."""
        return visiting.erase(self.parts, self.visitors, self.addresses, token)

    def take_return(self, raw: bytes, *, to: str = "") -> Return | None:
        """Take one mail in that came back; None if it was taken in before. `to` is the envelope's recipient."""
        return returns.take(self.parts, self.inbound, raw, source="pipe", to=to)

    def fetch_returns(self, inlet: Inlet | None = None) -> Fetched:
        """Take in all that waits where settings say, or at one place."""
        return returns.fetch_all(self.parts, self.inbound, inlet)

    def returned(self, provider: str, headers: Mapping[str, str], body: bytes) -> Sequence[Return]:
        """Take in what a provider posts to /hooks/<provider>.

        Raises:
            ForgedError: it does not prove that it comes from the provider: answer 403.
            UnavailableError: the proof cannot be checked now: answer 503.
        """
        return returns.take_hook(self.parts, self.inbound, provider, headers, body)

    def came_back(self, count: int, *, kept: bool = False) -> Sequence[Return]:
        """What came back, the newest first; only what was kept unread if `kept`."""
        return self.parts.store.bounces.latest(count, kept=kept)

    def one_return(self, number: int) -> Return:
        """One thing that came back, with what is kept of it.

        Raises:
            UnknownIdError: there is none with this number.
        """
        return returns.one(self.parts, number)

    def whom(self, returned: Return) -> Concerned | None:
        """The person and the edition that it speaks of; None: nobody was found for it."""
        return returns.whom(self.parts, returned)

    def backup(self, target: Path) -> None:
        """A consistent copy of the database and the approved content."""
        self.parts.store.backup(target)

    def when(self, expression: str, zone: str, after: datetime, count: int) -> Sequence[Occurrence]:
        """The next instants of a recurrence."""
        return self.parts.recurrences.next(expression, zone or self.parts.project.timezone, after, count)

    def doctor(self) -> Sequence[Symptom]:
        """Is everything there?"""
        return doctor.examine(self.parts, self.secrets)

    def close(self) -> None:
        """Let go of channels and database."""
        for channel in self.parts.channels.values():
            channel.close()
        if self.parts.hub is not None:
            self.parts.hub.close()
        self.parts.store.close()
