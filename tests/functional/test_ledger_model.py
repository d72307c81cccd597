"""The ledger against a model: whatever happens in whatever order, nobody is missed and nobody is sent to twice
without a mail that was in flight when its worker died or slept too long.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from dissemination.model import (
    Audience,
    DeliveryState,
    Publication,
    Rate,
    Rates,
    Settled,
    State,
    Subscriber,
)
from dissemination.store import Store, deliveries
from dissemination.testing import FixedClock

KEY, LEASE, PEOPLE, WORKERS = "weekly:email:1", 60, 6, 2
SENT, FAILED, SKIPPED = DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.SKIPPED
FINAL = {SENT, FAILED, SKIPPED}
NONE, SLOW = (
    Rates(),
    Rates(total={"mail": Rate(count=1, burst=4)}, domains={"d1": {"second": Rate(count=1, burst=2)}}),
)


class Ledgers(RuleBasedStateMachine):
    """Workers that take, send, settle, sleep and die; people who leave; officers who pause."""

    @initialize()
    def begin(self):
        self.folder = Path(tempfile.mkdtemp())
        self.clock = FixedClock()
        self.store = Store(self.folder / "a.db", self.clock)
        self.store.people.add(
            (
                Subscriber(id=0, email=f"p{n}@d{n % 3}", lists=("news",), consent_source="x"),
                f"p{n}@d{n % 3}",
                f"hash{n}",
            )
            for n in range(PEOPLE)
        )
        row = Publication(
            key=KEY, subject="weekly", kind="edition", channel="email", lang="en", title="t",
            state=State.SCHEDULED, due_at=self.clock.now(), audience=Audience(lists=("news",)),
        )  # fmt: skip
        self.store.publications.sync([row], [])
        self.store.publications.claim(KEY, "me", LEASE)
        before, deliveries.BATCH = deliveries.BATCH, 3
        self.store.deliveries.freeze(KEY, Audience(lists=("news",)))
        deliveries.BATCH = before
        self.workers = [self.born() for _ in range(WORKERS)]
        #: Mails that arrived while their worker was known to live, and those of the dead and of those who slept.
        self.arrived, self.strays = Counter(), Counter()
        self.refused, self.gone = set(), set()

    def born(self):
        ledger = self.store.deliveries.ledger(KEY, owner="me", lease=LEASE, resend=True)
        return SimpleNamespace(ledger=ledger, out=[], late=set(), seen=self.clock.now())

    def teardown(self):
        if hasattr(self, "store"):
            self.finish()
            self.store.close()
            shutil.rmtree(self.folder)

    # What workers do

    workers_ = st.integers(0, WORKERS - 1)

    @rule(
        worker=workers_, want=st.integers(0, 9), fates=st.lists(st.integers(0, 5), max_size=9), slow=st.booleans()
    )
    def turn(self, worker, want, fates, slow):
        """Settle some of what is out, and take more."""
        who = self.workers[worker]
        self.late(who)
        settled = [self.fate(who, who.out.pop(0), fate) for fate in fates if who.out]
        turn = who.ledger.turn(settled, want, SLOW if slow else NONE)
        who.seen = self.clock.now()
        assert len(turn.people) <= want
        paused = self.store.controls.paused()
        assert turn.going is not bool(paused)
        assert not (turn.people and paused)
        assert not {person.id for person in turn.people} & self.gone
        who.out += turn.people

    def end(self, worker, how):
        """Leave in good order, or by SIGKILL: what is in flight may have arrived, and nobody writes it down."""
        who = self.workers[worker]
        self.late(who)
        if how == "leave":
            who.ledger.leave([self.fate(who, person, 0) for person in who.out])
        self.strays.update(person.id for person in who.out if how == "die")
        self.workers[worker] = self.born()

    def fate(self, who, person, number):
        """What comes of a mail: it arrives, is refused, deferred, or was not begun."""
        if number == 1:
            self.refused.add(person.id)
            return Settled(person, FAILED, "550 no")
        if number == 2:
            at = self.clock.now() + timedelta(seconds=90)
            return Settled(person, DeliveryState.DEFERRED, "451 later", at)
        if number == 3:
            return Settled(person, DeliveryState.PENDING)
        (self.strays if person in who.late else self.arrived)[person.id] += 1
        return Settled(person, SENT)

    def late(self, who):
        """Asleep longer than its lease: another may have taken over what it has out."""
        if self.clock.now() - who.seen >= timedelta(seconds=LEASE):
            who.late.update(who.out)

    # What happens around them

    @rule(seconds=st.sampled_from([1, 30, 61, 200]))
    def time_passes(self, seconds):
        self.clock.advance(timedelta(seconds=seconds))

    @rule(number=st.integers(0, 2 * PEOPLE), worker=workers_, how=st.sampled_from(["leave", "die", "die unheard"]))
    def something_happens(self, number, worker, how):
        """A worker ends; somebody is taken off the list; everything is paused, or goes on."""
        if number == 0:
            self.end(worker, how)
        elif number < 3:
            self.store.people.suppress(f"p{number}@d{number % 3}", f"hash{number}", "asked")
            self.gone.add(number + 1)
        elif number == 3:
            self.store.controls.pause("email", who="ana", reason="")
        else:
            self.store.controls.resume("email", who="ana")

    @invariant()
    def nobody_has_two_without_a_reason(self):
        for person, count in self.arrived.items():
            assert count <= 1, f"person {person} has {count}, and {self.strays[person]} that went astray"

    def finish(self):
        """Everybody else is dead; one worker carries the edition to its end."""
        self.store.controls.resume("email", who="ana")
        for number in range(WORKERS):
            self.end(number, "die")
        for _ in range(10):
            self.clock.advance(timedelta(seconds=300))
            who = self.born()
            while people := who.ledger.turn([], 7, NONE).people:
                who.ledger.turn([self.fate(who, person, 0) for person in people], 0, NONE)
            who.ledger.leave([])
            if not self.store.deliveries.unfinished(KEY):
                break
        self.nobody_has_two_without_a_reason()
        counts = self.store.deliveries.counts(KEY)
        assert set(counts) <= FINAL
        assert sum(counts.values()) == PEOPLE
        for person in range(1, PEOPLE + 1):
            reached = self.arrived[person] or self.strays[person]
            assert reached or person in self.refused | self.gone, f"person {person} was missed"


TestLedgers = Ledgers.TestCase
TestLedgers.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
