"""Shown on real servers: mail to an unknown user comes back as a DSN and suppresses exactly that subscriber."""

from __future__ import annotations

import smtplib
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from mtas import PASSWORD

from dissemination.bootstrap import make_app
from dissemination.model import DeliveryState, Subscriber
from dissemination.returns import ImapMailbox, ImapServer
from dissemination.store.schema import CODES, deliveries, troubles

CONSENT = datetime(2026, 1, 1, tzinfo=UTC)
#: Of these, late.example takes every mail; only afterwards it finds that nobody is called so.
PEOPLE = ("ana@late.example", "nobody@late.example", "ben@late.example", "full@late.example")

pytestmark = pytest.mark.slow


@pytest.fixture(params=["exim", "opensmtpd"])
def jail(request, mail_jail):
    """A running server, and mailboxes of ana, ben and of what bounces."""
    jail = mail_jail()
    jail.add_users("ana", "ben", "bounces")
    jail.name = request.param
    jail.server = getattr(jail, request.param)()
    return jail


@pytest.fixture
def app(jail, folders, tmp_path, certificate):
    """A project whose flash edition was handed over to that server."""
    server = jail.server
    email = {
        "sender": "news@late.example",
        "envelope_sender": "bounces@late.example",
        "host": "localhost",
        "port": server.port,
        "tls": "starttls" if server.tls else "none",
        "ca_file": str(certificate[0]),
    }
    root = folders.write_project(
        tmp_path / "project",
        channels={"email": email, "feed": {}},
        news={"channels": {"feed": "auto", "newsletter": "flash"}},
        bounces={"maildir": str(jail.root / "mail" / "bounces" / "Maildir")},
    )
    folders.write_item(root)
    app = make_app(root)
    app.add_subscribers(
        Subscriber(id=0, email=address, lang="en", lists=("news",), consent_source="test", consent_at=CONSENT)
        for address in PEOPLE
    )
    app.approve([], who="test", everything=True)
    with app.publishing():
        app.publish()
    yield app
    app.close()


def bounced(app) -> dict[int, str]:
    """Subscriber -> why, of the bounced deliveries."""
    states = sa.select(deliveries.c.subscriber).where(deliveries.c.state == CODES[DeliveryState.BOUNCED])
    with app.parts.store.database.read() as connection:
        people = set(connection.execute(states).scalars())
        reasons = sa.select(troubles.c.subscriber, troubles.c.reason).where(troubles.c.subscriber.in_(people))
        return dict(connection.execute(reasons).all())


def test_an_unknown_user_is_found_out_and_nobody_else(jail, app):
    jail.wait_for("ana", 1)
    jail.wait_for("ben", 1)
    jail.wait_for("bounces", 2)
    assert app.fetch_returns().mails >= 2
    states = {person.email: person.state for person in app.subscribers()}
    why = bounced(app)
    assert set(why) == {2, 4}
    # OpenSMTPD's report has neither a code nor a word that tells an unknown user from a full mailbox: both count.
    hard = jail.name == "exim"
    assert states == dict.fromkeys(PEOPLE, "active") | ({"nobody@late.example": "suppressed"} if hard else {})
    assert why[2].startswith("hard" if hard else "soft")
    assert why[4].startswith("soft")


def test_what_was_read_is_gone_and_a_second_reading_finds_nothing(jail, app):
    jail.wait_for("bounces", 2)
    app.fetch_returns()
    assert jail.mails("bounces") == []
    before = app.came_back(100)
    assert app.fetch_returns().mails == 0
    assert app.came_back(100) == before


def test_dovecots_mailbox_is_read_as_well(mail_jail, certificate):
    jail = mail_jail()
    jail.add_users("bounces")
    exim, dovecot = jail.exim(), jail.dovecot()
    with smtplib.SMTP("localhost", exim.port) as client:
        for number in range(3):
            client.sendmail("ana@late.example", "bounces+x@late.example", f"Subject: {number}\n\nwords\n")
    jail.wait_for("bounces", 3)
    server = ImapServer(
        host="localhost", port=dovecot.port, tls="implicit", username="bounces", ca_file=certificate[0]
    )
    mailbox, taken = ImapMailbox(server, lambda: PASSWORD), []
    assert mailbox.visit(taken.append, most=2) == 2
    assert mailbox.visit(taken.append, most=2) == 1
    assert {raw.partition(b"Subject: ")[2][:1] for raw in taken} == {b"0", b"1", b"2"}
    assert mailbox.visit(taken.append, most=2) == 0
    assert not list((jail.root / "mail" / "bounces" / "Maildir" / "cur").iterdir())
