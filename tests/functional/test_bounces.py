"""What comes back has consequences: for exactly the person it concerns, once, and without traces of addresses."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from dissemination.errors import ForgedError, StoreError, UnavailableError, UnknownIdError, WrongUseError
from dissemination.model import DeliveryState, Returned, ReturnKind, Site, Step, Why
from dissemination.pipeline.approve import approve
from dissemination.pipeline.publish import publish
from dissemination.pipeline.returns import KEPT, Inbound, Rounds, fetch, fetch_all, one, take, take_hook
from dissemination.returns import Maildir, read_return
from dissemination.store.schema import (
    CODES,
    deliveries,
    publications,
    returns,
    subscribers,
    suppressions,
    troubles,
)
from dissemination.subscribers import AddressBook, Purpose, SubscriberTokens

SAMPLES = Path(__file__).parents[1] / "golden" / "data" / "returns"
KEY = b"a key for the samples of tests"
BOOK = AddressBook(b"a pepper that never changes")
#: The mark in the samples, which is of publication 7 and subscriber 42.
SAMPLE_MARK = "raaaaaahaaaaaabka4srmhyy5cdkwrmd"
TOKENS = SubscriberTokens([KEY], Site(public_url="https://news.example"))


class Desk:
    """A house whose flash editions went out, and what comes back to it."""

    def __init__(self, house) -> None:
        self.house = house
        house.change(tokens=TOKENS)
        self.inbound = Inbound(read=read_return, addresses=BOOK)
        house.people(3)

    def send(self, name: str = "first") -> int:
        """One flash edition goes out to everybody active; the row number of its publication."""
        self.house.item(name, channels={"feed": "auto", "newsletter": "flash"})
        approve(self.house.parts, [], who="ana", everything=True)
        publish(self.house.parts, self.house.stop)
        with self.house.store.database.read() as connection:
            query = sa.select(publications.c.id).where(publications.c.subject == f"flash-{name}")
            return connection.execute(query).scalar_one()

    def sample(self, name: str, publication: int, subscriber: int, **more) -> bytes:
        """A sample mail with marks and tokens of ours."""
        raw = (SAMPLES / f"{name}.eml").read_text("utf-8")
        raw = raw.replace(SAMPLE_MARK, TOKENS.bounce(publication, subscriber))
        sampled, token = (TOKENS.make(Purpose.UNSUBSCRIBE, person) for person in (42, subscriber))
        for cut in ("", "=\n"):  # quoted-printable breaks it in the middle
            raw = raw.replace(f"{sampled[:20]}{cut}{sampled[20:]}", f"{token[:20]}{cut}{token[20:]}")
        return "".join(f"{key}: {value}\n" for key, value in more.items()).encode() + raw.encode()

    def take(self, raw: bytes, **more):
        return take(self.house.parts, self.inbound, raw, source="pipe", **more)

    def states(self) -> dict[int, str]:
        return {person.id: person.state for person in self.house.store.people.all()}

    def suppressed(self) -> dict[str, str]:
        with self.house.store.database.read() as connection:
            return dict(connection.execute(sa.select(suppressions.c.hash, suppressions.c.reason)).all())

    def bounced(self, name: str = "first") -> list[tuple[int, str]]:
        """(subscriber, reason) of the bounced deliveries of an edition."""
        troubled = sa.and_(
            troubles.c.publication == deliveries.c.publication, troubles.c.subscriber == deliveries.c.subscriber
        )
        query = (
            sa.select(deliveries.c.subscriber, troubles.c.reason)
            .select_from(
                deliveries.join(troubles, troubled).join(
                    publications, publications.c.id == deliveries.c.publication
                )
            )
            .where(publications.c.subject == f"flash-{name}", deliveries.c.state == CODES[DeliveryState.BOUNCED])
        )
        with self.house.store.database.read() as connection:
            return [tuple(row) for row in connection.execute(query)]


@pytest.fixture
def desk(house):
    return Desk(house)


# ------------------------------------------------------------------------------------------------ consequences


@pytest.mark.parametrize(
    "name", ["exim-unknown", "postfix-unknown", "opensmtpd-unknown", "exchange-unknown", "qmail-unknown"]
)
def test_a_hard_bounce_suppresses_exactly_that_person(desk, name):
    edition = desk.send()
    taken = desk.take(desk.sample(name, edition, 2))
    assert (taken.kind, taken.publication, taken.subscriber) == (ReturnKind.HARD, edition, 2)
    assert taken.effect == "suppressed"
    assert taken.body is None
    assert desk.states() == {1: "active", 2: "suppressed", 3: "active"}
    assert list(desk.suppressed()) == [BOOK.hash("p1@example.org")]
    [(person, reason)] = desk.bounced()
    assert (person, reason[:4]) == (2, "hard")
    assert desk.house.store.deliveries.counts("flash-first:email:1") == {
        DeliveryState.SENT: 2,
        DeliveryState.BOUNCED: 1,
    }


def test_the_log_tells_of_it_without_the_address(desk):
    desk.take(desk.sample("postfix-unknown", desk.send(), 2))
    [line] = [event for event in desk.house.store.events.latest(100) if event.kind == "bounced"]
    assert (line.subject, line.channel) == ("flash-first", "email")
    assert line.detail.startswith("hard 5.1.1: 550 5.1.1 (address)")
    assert "@" not in line.detail


@pytest.mark.parametrize("name", ["arf-abuse", "arf-redacted"])
def test_a_complaint_suppresses_also_where_every_address_is_blacked_out(desk, name):
    desk.take(desk.sample(name, desk.send(), 3))
    assert desk.states() == {1: "active", 2: "active", 3: "suppressed"}
    assert set(desk.suppressed().values()) == {Why.COMPLAINT}
    assert desk.house.kinds()[-1] == "complaint"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("postfix-delayed", ReturnKind.DELAYED),
        ("arf-not-spam", ReturnKind.NOTICE),
        ("vacation", ReturnKind.AUTO_REPLY),
        ("mdn", ReturnKind.AUTO_REPLY),
        ("challenge", ReturnKind.AUTO_REPLY),
    ],
)
def test_what_is_harmless_changes_nothing_and_is_not_kept(desk, name, kind):
    taken = desk.take(desk.sample(name, desk.send(), 2))
    assert (taken.kind, taken.effect, taken.body, taken.subscriber) == (kind, "nothing", None, None)
    assert set(desk.states().values()) == {"active"}
    assert desk.bounced() == []


@pytest.mark.parametrize("name", ["unsubscribe-subject", "unsubscribe-reply"])
def test_a_request_by_mail_unsubscribes_and_a_second_one_too(desk, name):
    taken = desk.take(desk.sample(name, 1, 2))
    assert taken.effect == "unsubscribed"
    assert desk.states() == {1: "active", 2: "unsubscribed", 3: "active"}
    desk.take(desk.sample(name, 1, 2, **{"X-Second": "yes"}))
    assert desk.states()[2] == "unsubscribed"
    assert desk.suppressed() == {}
    lines = desk.house.store.privacy.dossier("p1@example.org", "hash1").consents
    assert [(line.step, line.form) for line in lines][1:] == [(Step.WITHDRAWN, "by mail")]


def test_an_unsubscribed_person_gets_the_next_edition_no_more(desk):
    desk.take(desk.sample("unsubscribe-subject", 1, 2))
    desk.send()
    assert {message.body.address for message in desk.house.mail.sent} == {"p0@example.org", "p2@example.org"}


def test_suppression_is_not_undone_by_a_request(desk):
    desk.take(desk.sample("postfix-unknown", desk.send(), 2))
    desk.take(desk.sample("unsubscribe-subject", 1, 2))
    assert desk.states()[2] == "suppressed"


def test_what_is_refused_because_of_us_takes_nobody_off_however_often(desk):
    for number in range(7):
        taken = desk.take(desk.sample("outlook-blocked", desk.send(f"item{number}"), 2))
        assert (taken.kind, taken.effect) == (ReturnKind.BLOCKED, "noted")
        desk.house.clock.advance(timedelta(days=7))
    assert desk.states()[2] == "active"
    assert len(desk.bounced("item0")) == 1


# ------------------------------------------------------------------------------------------------ soft bounces


def soft(desk, name: str) -> str:
    return desk.take(desk.sample("exim-full", desk.send(name), 2)).effect


def test_five_editions_in_a_row_over_two_weeks_are_enough(desk):
    effects = []
    for number in range(5):
        effects.append(soft(desk, f"item{number}"))
        desk.house.clock.advance(timedelta(days=4))
    assert effects == [f"counted: {n} in a row" for n in (1, 2, 3, 4)] + ["suppressed: 5 editions in a row"]
    assert desk.states() == {1: "active", 2: "suppressed", 3: "active"}
    assert list(desk.suppressed().values()) == [Why.SOFT_BOUNCES]


def test_five_editions_within_two_weeks_are_not_enough(desk):
    for number in range(5):
        assert "counted" in soft(desk, f"item{number}")
        desk.house.clock.advance(timedelta(days=3))
    assert desk.states()[2] == "active"
    assert soft(desk, "item5") == "suppressed: 6 editions in a row"  # the sixth is fifteen days after the first


def test_one_edition_counts_once_however_often_it_bounces(desk):
    edition = desk.send()
    for number in range(6):
        taken = desk.take(desk.sample("exim-full", edition, 2, **{"X-Try": number}))
        assert taken.effect == "counted: 1 in a row"
        desk.house.clock.advance(timedelta(days=5))
    assert desk.states()[2] == "active"


def test_an_edition_that_arrived_in_between_ends_the_row(desk):
    for number in range(4):
        soft(desk, f"item{number}")
        desk.house.clock.advance(timedelta(days=4))
    desk.send("arrived")  # and does not bounce
    desk.house.clock.advance(timedelta(days=8))
    assert soft(desk, "after") == "counted: 1 in a row"
    assert desk.states()[2] == "active"


def test_an_edition_that_may_still_bounce_ends_no_row(desk):
    for number in range(4):
        soft(desk, f"item{number}")
        desk.house.clock.advance(timedelta(days=4))
    desk.send("young")
    desk.house.clock.advance(timedelta(days=2))
    assert soft(desk, "after") == "suppressed: 5 editions in a row"


# ------------------------------------------------------------------------------------------------ forgeries


FOREIGN = SubscriberTokens([b"a key of somebody else's house"], Site(public_url="https://other.example"))


def forged(desk, name: str, edition: int) -> dict[str, bytes]:
    """Mails that name person 2 in words, but do not bear our mark of that person and edition."""
    good = desk.sample(name, edition, 2)
    mark, token = (made.encode() for made in (TOKENS.bounce(edition, 2), TOKENS.make(Purpose.UNSUBSCRIBE, 2)))
    swap = lambda new: good.replace(mark, new.encode())  # noqa: E731 - five times the same below
    return {
        "no mark": good.replace(b"+" + mark, b"").replace(token, b""),
        "foreign mark": swap(FOREIGN.bounce(edition, 2)),
        "one letter changed": swap(TOKENS.bounce(edition, 2)[:-1] + ("a" if mark[-1:] != b"a" else "b")),
        "an edition that does not exist": swap(TOKENS.bounce(edition + 100, 2)),
        "a person that does not exist": swap(TOKENS.bounce(edition, 999)),
        "marks of two people": good.replace(
            b"To: ", f"To: <b+{TOKENS.bounce(edition, 3)}@news.example>, ".encode(), 1
        ),
    }


CASES = (
    "no mark",
    "foreign mark",
    "one letter changed",
    "an edition that does not exist",
    "a person that does not exist",
    "marks of two people",
)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", ["postfix-unknown", "exim-full", "outlook-blocked", "opensmtpd-unknown"])
def test_a_bounce_without_our_one_mark_changes_nothing_and_is_kept(desk, name, case):
    raw = forged(desk, name, desk.send())[case]
    taken = desk.take(raw)
    assert taken.effect.startswith("kept: ")
    assert taken.subscriber is None
    assert taken.body == raw
    assert set(desk.states().values()) == {"active"}
    assert (desk.suppressed(), desk.bounced()) == ({}, [])
    assert [each.id for each in desk.house.store.bounces.latest(10, kept=True)] == [1]


def test_a_mark_of_somebody_who_was_no_recipient_changes_nothing(desk):
    edition = desk.send()
    first = next(iter(desk.house.store.people.all()))
    desk.house.store.people.add([(replace(first, email="new@example.org"), "new@example.org", "hash")])
    taken = desk.take(desk.sample("postfix-unknown", edition, 4))
    assert taken.effect == "kept: its person was not among the recipients of that edition"
    assert desk.states()[4] == "active"


def test_a_bounce_of_several_recipients_changes_nothing(desk):
    taken = desk.take(desk.sample("postfix-two-people", desk.send(), 2))
    assert taken.effect == "kept: it speaks of several recipients"
    assert set(desk.states().values()) == {"active"}


def test_a_mark_inside_does_not_outweigh_a_foreign_one_in_the_address(desk):
    edition = desk.send()
    raw = desk.sample("postfix-unknown", edition, 2)
    head, rest = raw.split(b"\n\n", 1)
    foreign = head.replace(TOKENS.bounce(edition, 2).encode(), FOREIGN.bounce(edition, 2).encode())
    assert desk.take(foreign + b"\n\n" + rest).effect == "kept: it bears a mark that is not ours"


def test_a_mark_inside_is_heard_where_the_address_bears_none(desk):
    edition = desk.send()
    raw = desk.sample("postfix-unknown", edition, 2)
    head, rest = raw.split(b"\n\n", 1)
    plain = head.replace(b"+" + TOKENS.bounce(edition, 2).encode(), b"")
    assert desk.take(plain + b"\n\n" + rest).subscriber == 2


@pytest.mark.parametrize("purpose", [Purpose.PREFERENCES, Purpose.CONFIRM, Purpose.VIEW])
def test_only_a_token_to_unsubscribe_unsubscribes(desk, purpose):
    raw = desk.sample("unsubscribe-subject", 1, 2)
    other = raw.replace(TOKENS.make(Purpose.UNSUBSCRIBE, 2).encode(), TOKENS.make(purpose, 2).encode())
    assert desk.take(other).effect == "kept: it bears no mark of ours"
    assert set(desk.states().values()) == {"active"}


def test_a_sender_alone_unsubscribes_nobody(desk):
    raw = b"From: p1@example.org\nTo: leave@news.example\nSubject: unsubscribe\n\nPlease.\n"
    taken = desk.take(raw)
    assert (taken.kind, taken.effect) == (ReturnKind.UNSUBSCRIBE, "kept: it bears no mark of ours")
    assert set(desk.states().values()) == {"active"}


def test_an_answer_of_a_person_is_kept_for_the_officer(desk):
    taken = desk.take(desk.sample("answer-of-a-person", 1, 2))
    assert taken.effect == "kept: it is not understood"
    assert set(desk.states().values()) == {"active"}
    assert desk.house.kinds()[-1] == "returned"


# ------------------------------------------------------------------------------------------------ once, and kept


def test_the_same_mail_counts_once(desk):
    raw = desk.sample("exim-full", desk.send(), 2)
    assert desk.take(raw) is not None
    assert desk.take(raw) is None
    assert len(desk.house.store.bounces.latest(10)) == 1
    assert desk.house.kinds().count("bounced") == 1


def test_two_readers_at_once_count_it_once(desk, monkeypatch):
    raw = desk.sample("postfix-unknown", desk.send(), 2)
    desk.take(raw)
    monkeypatch.setattr(desk.house.store.bounces, "seen", lambda digest: False)  # as the other one saw it
    assert desk.take(raw) is None
    assert len(desk.house.store.bounces.latest(10)) == 1


OUT = (DeliveryState.SENT, DeliveryState.SENDING, DeliveryState.DEFERRED, DeliveryState.IN_DOUBT)


@pytest.mark.parametrize("state", [state for state in DeliveryState if state is not DeliveryState.BOUNCED])
def test_only_what_may_have_gone_out_becomes_bounced(desk, state):
    """The report may come before our own server's answer is written down."""
    edition = desk.send()
    with desk.house.store.database.write() as connection:
        mine = (deliveries.c.publication == edition, deliveries.c.subscriber == 2)
        connection.execute(sa.update(deliveries).where(*mine).values(state=CODES[state]))
    desk.take(desk.sample("postfix-unknown", edition, 2))
    assert (desk.bounced() != []) is (state in OUT)
    assert desk.states()[2] == "suppressed"


def test_who_was_suppressed_gets_the_next_edition_no_more(desk):
    desk.take(desk.sample("postfix-unknown", desk.send(), 2))
    desk.send("second")
    assert desk.house.store.deliveries.counts("flash-second:email:1") == {DeliveryState.SENT: 2}


def test_only_the_beginning_of_a_kept_mail_stays_and_not_for_ever(desk):
    raw = b"Subject: hello\n\n" + b"x" * 200_000
    taken = desk.take(raw)
    assert taken.body == raw[:KEPT]
    assert one(desk.house.parts, 1).body == raw[:KEPT]
    desk.house.clock.advance(timedelta(days=31))
    fetch(desk.house.parts, desk.inbound)
    with pytest.raises(UnknownIdError):
        one(desk.house.parts, 1)


def test_a_flood_of_strangers_mail_fills_nothing(desk, monkeypatch):
    monkeypatch.setattr("dissemination.store.bounces._MOST_KEPT", 5)
    for number in range(12):
        desk.take(f"Subject: buy {number}\n\n".encode())
    fetch(desk.house.parts, desk.inbound)
    assert [each.id for each in desk.house.store.bounces.latest(20, kept=True)] == [12, 11, 10, 9, 8]
    assert one(desk.house.parts, 7).body is None


def test_what_concerns_somebody_stays_when_the_rest_goes(desk):
    desk.take(desk.sample("postfix-unknown", desk.send(), 2))
    desk.take(desk.sample("vacation", 1, 2))
    desk.house.clock.advance(timedelta(days=31))
    fetch(desk.house.parts, desk.inbound)
    assert [each.kind for each in desk.house.store.bounces.latest(9)] == [ReturnKind.HARD]


def test_an_unknown_number_is_said(desk):
    with pytest.raises(UnknownIdError, match="bounces list"):
        one(desk.house.parts, 7)


# ------------------------------------------------------------------------------------------------ erasure


def test_an_erased_person_leaves_no_address_in_what_came_back(desk):
    edition = desk.send()
    desk.take(desk.sample("exim-full", edition, 2))
    desk.take(b"From: p1@example.org\nSubject: a question\n\nHello\n")
    desk.take(b"Subject: a\nContent-Transfer-Encoding: quoted-printable\n\np1=40example.org\n")
    desk.take(b"Subject: b\nContent-Transfer-Encoding: base64\n\nZnJvbSBQMUBleGFtcGxlLm9yZw==\n")
    desk.take(b"From: p2@example.org\nSubject: another question\n\nHello\n")
    assert desk.house.store.people.remove("p1@example.org")
    assert [each.id for each in desk.house.store.bounces.latest(20)] == [5]
    path = desk.house.store.database.path
    if path:
        for file in path.parent.glob(f"{path.name}*"):
            assert b"p1@example.org" not in file.read_bytes()
            assert b"p1=40example.org" not in file.read_bytes()


def test_a_bounce_of_an_erased_person_suppresses_nobody(desk):
    edition = desk.send()
    desk.house.store.people.remove("p1@example.org")
    taken = desk.take(desk.sample("postfix-unknown", edition, 2))
    assert taken.effect == "the person is erased"
    assert desk.suppressed() == {}
    assert [person for person, _ in desk.bounced()] == [2]


# ------------------------------------------------------------------------------------------------ inlets


@pytest.fixture
def box(tmp_path):
    for folder in ("new", "cur", "tmp"):
        (tmp_path / "box" / folder).mkdir(parents=True)
    return tmp_path / "box"


def test_a_maildir_is_read_and_emptied(desk, box):
    edition = desk.send()
    (box / "new" / "1").write_bytes(desk.sample("postfix-unknown", edition, 2))
    (box / "cur" / "2:2,S").write_bytes(desk.sample("arf-abuse", edition, 3))
    found = fetch(desk.house.parts, replace(desk.inbound, inlets=(Maildir(box),)))
    assert (found.mails, found.troubles) == (2, ())
    assert desk.states() == {1: "active", 2: "suppressed", 3: "suppressed"}
    assert [*(box / "new").iterdir(), *(box / "cur").iterdir()] == []
    assert {each.source for each in desk.house.store.bounces.latest(9)} == {"maildir"}


def test_a_mail_whose_outcome_was_not_stored_stays(desk, box, monkeypatch):
    raw = desk.sample("postfix-unknown", desk.send(), 2)
    (box / "new" / "1").write_bytes(raw)
    inbound = replace(desk.inbound, inlets=(Maildir(box),))

    def full(*_):
        raise StoreError("database: the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(desk.house.store.bounces, "settle", full)
        with pytest.raises(StoreError):
            fetch(desk.house.parts, inbound)
    assert (box / "new" / "1").read_bytes() == raw
    assert fetch(desk.house.parts, inbound).mails == 1
    assert desk.states()[2] == "suppressed"


def test_a_crash_between_the_outcome_and_the_deletion_counts_nothing_twice(desk, box, monkeypatch):
    (box / "new" / "1").write_bytes(desk.sample("exim-full", desk.send(), 2))
    inbound = replace(desk.inbound, inlets=(Maildir(box),))
    with monkeypatch.context() as patch:
        patch.setattr(Maildir, "_put_away", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            fetch(desk.house.parts, inbound)
    assert (box / "new" / "1").exists()
    assert fetch(desk.house.parts, inbound).mails == 1
    assert not (box / "new" / "1").exists()
    assert [each.effect for each in desk.house.store.bounces.latest(9)] == ["counted: 1 in a row"]


class Fixed:
    """An inlet that is told what to do."""

    name = "fixed"

    def __init__(self, *mails: bytes, error: Exception | None = None) -> None:
        self.mails, self.error, self.visits = list(mails), error, 0

    def visit(self, take, *, most):
        self.visits += 1
        if self.error:
            raise self.error
        done = 0
        while self.mails and done < most:
            take(self.mails.pop(0))
            done += 1
        return done


def test_a_place_that_cannot_be_read_keeps_no_other_from_being_read(desk):
    broken, whole = Fixed(error=UnavailableError("imap: away")), Fixed(b"Subject: x\n\n")
    found = fetch(desk.house.parts, replace(desk.inbound, inlets=(broken, whole)))
    assert (found.mails, found.troubles) == (1, ("imap: away",))


def test_the_command_reads_until_nothing_waits(desk):
    many = Fixed(*(f"Subject: {n}\n\n".encode() for n in range(450)))
    assert fetch_all(desk.house.parts, desk.inbound, many).mails == 450
    assert many.visits == 4
    with pytest.raises(WrongUseError, match=r"bounces\.maildir"):
        fetch_all(desk.house.parts, desk.inbound)


def test_the_scheduler_reads_at_its_pace_and_tells_of_trouble_once(desk):
    inlet = Fixed(error=UnavailableError("imap: away"))
    rounds = Rounds(desk.house.parts, replace(desk.inbound, inlets=(inlet,), every=300))
    for _ in range(61):
        rounds()
        desk.house.clock.advance(timedelta(seconds=10))
    assert inlet.visits == 3  # at once, after five minutes, after ten
    assert [e.detail for e in desk.house.store.events.latest(99) if e.kind == "error"] == ["imap: away"]
    publish(desk.house.parts, desk.house.stop)
    assert [happening.detail for happening in desk.house.recorder.told] == ["imap: away"]
    inlet.error = None
    desk.house.clock.advance(timedelta(seconds=300))
    rounds()
    inlet.error = UnavailableError("imap: away")
    desk.house.clock.advance(timedelta(seconds=300))
    rounds()
    assert len([e for e in desk.house.store.events.latest(99) if e.kind == "error"]) == 2


# ------------------------------------------------------------------------------------------------ webhooks


def test_an_event_of_a_webhook_counts_once_whatever_comes_with_it(desk):
    edition = desk.send()
    event = Returned(kind=ReturnKind.HARD, echoes=(TOKENS.bounce(edition, 2),), once="event-1")
    inbound = replace(desk.inbound, hooks={"ours": lambda headers, body: [event]})
    [taken] = take_hook(desk.house.parts, inbound, "ours", {}, b"{}")
    assert (taken.source, taken.effect) == ("webhook ours", "suppressed")
    assert take_hook(desk.house.parts, inbound, "ours", {}, b'{"other": 1}') == []
    assert desk.states() == {1: "active", 2: "suppressed", 3: "active"}


def test_a_provider_that_nobody_knows_is_refused(desk):
    with pytest.raises(ForgedError, match="no provider"):
        take_hook(desk.house.parts, desk.inbound, "\x1b[31m", {}, b"")


# ------------------------------------------------------------------------------------------------ the database


def test_what_came_back_is_found_by_person_without_reading_everything(store):
    if store.database.is_postgres:
        pytest.skip("the plan of SQLite")
    with store.database.read() as connection:
        query = "EXPLAIN QUERY PLAN SELECT * FROM returns WHERE subscriber = 1"
        plan = " ".join(row[3] for row in connection.exec_driver_sql(query))
    assert "ix_returns_subscriber" in plan


def test_a_bounce_is_one_short_change_in_a_large_edition(desk):
    """The row is found by way of the batches: no scan of the edition."""
    if desk.house.store.database.is_postgres:
        pytest.skip("the plan of SQLite")
    with desk.house.store.database.read() as connection:
        query = (
            "EXPLAIN QUERY PLAN UPDATE deliveries SET state = 3 WHERE publication = 1 AND batch IN "
            "(SELECT no FROM batches WHERE publication = 1) AND subscriber = 5 AND state IN (2, 1, 4, 7)"
        )
        plan = " ".join(row[3] for row in connection.exec_driver_sql(query))
    assert "publication=? AND batch=? AND subscriber=?" in plan


def test_rows_are_as_the_types_say(desk):
    desk.take(desk.sample("exim-full", desk.send(), 2))
    [found] = desk.house.store.bounces.latest(1)
    assert found.kind is ReturnKind.SOFT
    assert found.at == desk.house.clock.now()
    with desk.house.store.database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(returns)).scalar() == 1
        assert connection.execute(sa.select(sa.func.count()).select_from(subscribers)).scalar() == 3
    assert json.dumps(found.status) == '"5.2.2"'
