"""Real mail servers take what is sent, byte by byte, and each person's outcome is that person's own."""

from __future__ import annotations

import email
import email.policy
import email.utils
import hashlib
import html
import imaplib
import re
from collections import Counter
from datetime import UTC, datetime
from email.header import decode_header, make_header
from pathlib import Path

import dkim
import pytest
from mailing import TONGUES, drive, letters, only
from mtas import PASSWORD

from dissemination.channels.email import make
from dissemination.channels.email.dkim import load_key
from dissemination.errors import RejectedError, UnavailableError
from dissemination.model import Receipt
from dissemination.testing import FixedClock, sample_options

KEYS = (Path(__file__).parents[1] / "golden" / "data" / "channels" / "dkim-keys.pem").read_text().split("\n\n")
#: In the past: whoever verifies looks at the machine's own clock.
NOW = datetime(2025, 11, 26, 8, tzinfo=UTC)
PEOPLE, LAZY, UNKNOWN = 60, 3, 5
STRICT = email.policy.SMTP.clone(raise_on_defect=True)
#: name -> how its server is started; the last is a server that announces neither PIPELINING nor CHUNKING.
SERVERS = {
    "exim": lambda jail: jail.exim(),
    "exim-without-chunking": lambda jail: jail.exim(chunking=False),
    "exim-without-pipelining": lambda jail: jail.exim(pipelining=False, chunking=False),
    "opensmtpd": lambda jail: jail.opensmtpd(),
}

pytestmark = pytest.mark.slow


@pytest.fixture(params=SERVERS)
def jail(request, mail_jail):
    """A jail with users p0, p1, ... and a running server in it as `jail.server`."""
    jail = mail_jail()
    jail.add_users("bounces", *(f"p{n}" for n in range(PEOPLE)))
    jail.server = SERVERS[request.param](jail)
    return jail


@pytest.fixture
def opened(tmp_path, certificate):
    """Makes channels towards a server, and closes them."""
    channels = []

    def make_one(server, **settings):
        chosen = {
            "sender": "news@strict.example",
            "envelope_sender": "bounces@strict.example",
            "host": "localhost",
            "port": server.port,
            "tls": "starttls" if server.tls else "none",
            "ca_file": str(certificate[0]),
        } | settings
        channels.append(make(sample_options(tmp_path, name="email", settings=chosen, clock=FixedClock(NOW))))
        return channels[-1]

    yield make_one
    for channel in channels:
        channel.close()


def ours(stored: bytes) -> bytes:
    """A stored mail without the fields that servers put on top, and with the line ends of the wire."""
    wire = stored.replace(b"\n", b"\r\n")
    return wire[re.search(rb"^(?:DKIM-Signature|Date): ", wire, re.MULTILINE).start() :]


def name_of(stored: bytes) -> str:
    """The name in To. The new policies leave a blank between two encoded words of a name (CPython 3.11)."""
    name, _ = email.utils.parseaddr(re.sub(r"\n[ \t]+", " ", email.message_from_bytes(stored)["To"]))
    return str(make_header(decode_header(name)))


def digests(bodies) -> dict[str, str]:
    """Message-ID -> digest of the whole message."""
    return {email.message_from_bytes(body)["Message-ID"]: hashlib.sha256(body).hexdigest() for body in bodies}


def composed(opened, smtp_server, messages) -> dict[str, str]:
    """What goes over the wire, seen by a server that keeps every byte."""
    server = smtp_server(offers=("8BITMIME", "PIPELINING", "CHUNKING"))
    sent = only(drive(opened(server), messages))
    assert all(isinstance(outcome, Receipt) for outcome in sent.values())
    assert not server.early
    return digests(mail.body for mail in server.accepted)


def test_everybody_gets_their_own_bytes_and_the_others_their_own_answer(jail, opened, smtp_server):
    known = [f"p{n}@strict.example" for n in range(PEOPLE)]
    nobody = [f"nobody{n}@strict.example" for n in range(UNKNOWN)]
    mixed = known[:20] + nobody[:2] + ["lazy@strict.example"] * LAZY + known[20:] + nobody[2:]
    messages = letters(mixed)
    outcomes = only(drive(opened(jail.server), messages))
    kinds = {message.body.address: outcomes[message.key] for message in messages}
    assert all(isinstance(kinds[who], Receipt) for who in known), kinds
    assert {type(kinds[who]) for who in nobody} == {RejectedError}
    assert isinstance(kinds["lazy@strict.example"], UnavailableError)
    assert Counter(map(type, outcomes.values()))[Receipt] == PEOPLE

    expected = composed(opened, smtp_server, messages)
    for number in range(PEOPLE):
        [mail] = [ours(stored) for stored in jail.wait_for(f"p{number}", 1)]
        key = next(message.key for message in messages if message.body.address == f"p{number}@strict.example")
        [(message_id, digest)] = digests([mail]).items()
        assert message_id == outcomes[key].id
        assert digest == expected[message_id], f"p{number}: {jail.logs()}"


@pytest.mark.parametrize("jail", ["exim", "opensmtpd"], indirect=True)
def test_what_lies_in_the_mailbox_reads_as_it_was_written(jail, opened):
    messages = letters([f"p{n}@late.example" for n in range(len(TONGUES))])
    assert len(only(drive(opened(jail.server), messages))) == len(TONGUES)
    for number, (subject, name, greeting) in enumerate(TONGUES.values()):
        [stored] = jail.wait_for(f"p{number}", 1)
        mail = email.message_from_bytes(ours(stored), policy=STRICT)
        assert mail["Subject"] == subject
        assert [to.addr_spec for to in mail["To"].addresses] == [f"p{number}@late.example"]
        assert name_of(stored) == name.strip()
        text, page = mail.iter_parts()
        start = f"{greeting}\n.\n..dots\n{subject} {greeting * 200}\n"
        assert text.get_content().replace("\r\n", "\n").startswith(start)
        assert (
            page.get_content()
            .replace("\r\n", "\n")
            .startswith(f"<p>{start}</p>\n<p>{html.escape(name.strip())}</p>")
        )
        assert max(len(line) for line in ours(stored).split(b"\r\n")) <= 998


@pytest.mark.parametrize("jail", ["exim", "opensmtpd"], indirect=True)
def test_both_signatures_of_every_message_verify_in_the_mailbox(jail, opened, tmp_path):
    keys = {}
    for name, pem in zip(("news", "brisbane"), KEYS, strict=True):
        (tmp_path / f"{name}.pem").write_text(pem)
        (tmp_path / f"{name}.pem").chmod(0o600)
        key = load_key(pem, "strict.example", name)
        keys[f"{key.name}.".encode()] = key.record().encode()
    named = [{"selector": name, "key_file": f"{name}.pem"} for name in ("news", "brisbane")]
    messages = letters([f"p{n}@strict.example" for n in range(12)])
    outcomes = only(drive(opened(jail.server, dkim=named), messages))
    assert {type(outcome) for outcome in outcomes.values()} == {Receipt}
    for number in range(12):
        [stored] = jail.wait_for(f"p{number}", 1)
        mail = dkim.DKIM(ours(stored))
        assert all(mail.verify(idx=n, dnsfunc=lambda name, timeout=5: keys.get(name)) for n in range(2)), number
        assert email.message_from_bytes(ours(stored), policy=STRICT).get_all("DKIM-Signature")[1:]


@pytest.mark.parametrize("jail", ["exim", "opensmtpd"], indirect=True)
def test_a_real_bounce_comes_to_the_envelope_sender_and_is_read_by_imap(jail, opened, client_tls):
    messages = letters(["p0@late.example", "gone@late.example", "full@late.example"])
    outcomes = only(drive(opened(jail.server), messages))
    assert all(isinstance(outcome, Receipt) for outcome in outcomes.values())
    jail.wait_for("bounces", 2)
    server = jail.dovecot()
    with imaplib.IMAP4_SSL("localhost", server.port, ssl_context=client_tls) as client:
        client.login("bounces", PASSWORD)
        assert client.select() == ("OK", [b"2"])
        said = b"".join(client.fetch(str(number), "(RFC822)")[1][0][1] for number in (1, 2))
    failed = set(re.findall(rb"^Final-Recipient: *rfc822; *(\S+?)\r?$", said, re.MULTILINE))
    assert failed == {b"gone@late.example", b"full@late.example"}
    assert len(jail.mails("p0")) == 1


@pytest.mark.parametrize("jail", ["exim"], indirect=True)
def test_a_mailbox_with_letters_beyond_ascii(jail, opened):
    jail.add_users("josé")
    [outcome] = only(drive(opened(jail.server), letters(["josé@strict.example"]))).values()
    assert isinstance(outcome, Receipt), outcome
    [stored] = jail.wait_for("josé", 1)
    assert "josé@strict.example" in ours(stored).decode()
