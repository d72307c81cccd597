"""Several processes send one edition: nobody is lost between them, and none outlives its parent."""

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import dkim
import pytest

from dissemination.channels.email import make
from dissemination.channels.email.dkim import make_key
from dissemination.channels.email.frames import Frames
from dissemination.errors import InDoubtError, NeedsLoginError, NotBegunError, RejectedError, UnavailableError
from dissemination.model import Receipt
from dissemination.testing import drive, sample_mail, sample_message, sample_options, sample_post

MANY = 1000  # what a crew is called for
CHUNKS = ("PIPELINING", "CHUNKING", "8BITMIME")


@pytest.fixture
def opened(tmp_path):
    channels = []

    def make_one(port, secrets=None, **settings):
        chosen = {"sender": "news@example.eu", "host": "127.0.0.1", "port": port, "tls": "none", "processes": 2}
        options = sample_options(tmp_path, (secrets or {}).get, name="email", settings=chosen | settings)
        channels.append(make(options))
        return channels[-1]

    yield make_one
    for channel in channels:
        channel.close()


class Crewed:
    """A channel whose lines are always of several processes."""

    def __init__(self, channel):
        self.channel = channel

    def line(self, expected=MANY):
        return self.channel.line(MANY)


def people(count):
    return [
        sample_message(sample_mail(address=f"p{n}@example.org"), key=f"weekly:email:1/{n}") for n in range(count)
    ]


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:1]


def helpers_of(line):
    return [helper.process.pid for helper in line._helpers]


def test_everybody_gets_one_letter_from_one_of_them(smtp_server, opened):
    server = smtp_server(offers=CHUNKS)
    outcomes = drive(Crewed(opened(server.port)), people(600))
    assert len(outcomes) == 600
    assert all(isinstance(outcome, Receipt) for outcome in outcomes.values())
    assert sorted(mail.recipient for mail in server.accepted) == sorted(f"p{n}@example.org" for n in range(600))
    assert {outcome.id for outcome in outcomes.values()} == {mail.message_id for mail in server.accepted}


def test_the_bytes_are_those_of_one_process(smtp_server, opened):
    server = smtp_server(offers=CHUNKS)
    channel = opened(server.port)
    drive(Crewed(channel), people(20))
    apart = {mail.message_id: mail.body for mail in server.accepted}
    server.accepted.clear()
    drive(opened(server.port, processes=1), people(20))
    assert {mail.message_id: mail.body for mail in server.accepted} == apart


def test_they_sign(smtp_server, opened, tmp_path):
    server = smtp_server(offers=CHUNKS)
    key, pem = make_key("example.eu", "s1")
    (tmp_path / "key.pem").write_bytes(pem)
    (tmp_path / "key.pem").chmod(0o600)
    channel = opened(server.port, processes=0, dkim=[{"selector": "s1", "key_file": "key.pem"}])
    drive(Crewed(channel), people(30))
    assert len(server.accepted) == 30
    for mail in server.accepted:
        assert dkim.verify(mail.body, dnsfunc=lambda name, timeout=5: key.record().encode())


def test_a_key_that_is_not_there_sends_nothing(smtp_server, opened):
    server = smtp_server(offers=CHUNKS)
    channel = opened(server.port, dkim=[{"selector": "s1"}])
    outcomes = drive(Crewed(channel), people(5))
    assert {type(outcome) for outcome in outcomes.values()} == {NeedsLoginError}
    assert not server.accepted


def test_a_bad_message_costs_only_itself(smtp_server, opened):
    server = smtp_server(offers=CHUNKS)
    bad = [sample_message(sample_mail(address="nobody"), key="a/1"), sample_message(sample_post(), key="a/2")]
    outcomes = drive(Crewed(opened(server.port)), [*bad, *people(3)])
    assert [type(outcomes[key]) for key in ("a/1", "a/2")] == [RejectedError, RejectedError]
    assert len(server.accepted) == 3


def test_long_refusals_and_many_letters_do_not_wait_for_each_other(smtp_server, opened):
    refuse = {f"p{n}@example.org": "550 5.1.1 " + "no such user " * 20 for n in range(3000)}
    server = smtp_server(offers=CHUNKS, refuse=refuse)
    outcomes = drive(Crewed(opened(server.port)), people(3000))
    assert {type(outcome) for outcome in outcomes.values()} == {RejectedError}
    assert len(outcomes) == 3000


def test_what_a_dead_helper_had_is_in_doubt_and_another_one_goes_on(smtp_server, opened):
    server = smtp_server(*["stall@mail"] * 40, offers=CHUNKS)
    line = opened(server.port).line(MANY)
    line.give(people(40))
    while not all(helper.ready for helper in line._helpers):
        assert line.outcomes(0.2) == []
    victim, other = helpers_of(line)
    os.kill(victim, signal.SIGKILL)
    outcomes = {}
    while not outcomes:
        outcomes.update(line.outcomes(1.0))
    assert {type(outcome) for outcome in outcomes.values()} == {InDoubtError}
    assert len(outcomes) == 20
    server.script()
    line.give(people(60)[40:])
    while sum(isinstance(outcome, Receipt) for outcome in outcomes.values()) < 5:
        outcomes.update(line.outcomes(1.0))
    assert len(set(helpers_of(line)) - {victim, other}) == 1
    line.close(0.1)
    assert not any(alive(pid) for pid in helpers_of(line))


def test_closing_says_what_was_not_begun(smtp_server, opened):
    server = smtp_server(*["stall@rcpt"] * 50, offers=("8BITMIME",))
    line = opened(server.port, connections=2).line(MANY)
    line.give(people(50))
    while sum(command.startswith("RCPT") for command in server.commands) < 2:
        assert line.outcomes(0.2) == []
    outcomes = dict(line.close(0.2))
    assert len(outcomes) == 50
    assert all(isinstance(outcome, UnavailableError) for outcome in outcomes.values())
    assert sum(isinstance(outcome, NotBegunError) for outcome in outcomes.values()) == 48
    assert not server.accepted


PARENT = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_channels_email_crew import people
from dissemination.channels.email import make
from dissemination.testing import sample_options
settings = {"sender": "news@example.eu", "host": "127.0.0.1", "port": int(sys.argv[1]), "tls": "none"}
channel = make(sample_options(Path("."), {}.get, name="email", settings=settings | {"processes": 2}))
line = channel.line(1000)
line.give(people(100))
print(*[helper.process.pid for helper in line._helpers], flush=True)
while True:
    line.outcomes(60)
"""


def test_they_die_with_their_parent(smtp_server, tmp_path):
    server = smtp_server(*["stall@dot"] * 100, offers=CHUNKS)
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(server.port), str(Path(__file__).parent)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    with parent:
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert all(alive(pid) for pid in pids)
        parent.kill()
    tick = threading.Event()
    for _ in range(200):
        if not any(alive(pid) for pid in pids):
            break
        tick.wait(0.05)
    assert not any(alive(pid) for pid in pids)


def test_small_editions_and_rated_servers_need_no_helpers(opened):
    assert type(opened(25).line(MANY - 1)).__name__ == "SmtpLine"
    assert type(opened(25, rates={"per_second": 5}).line(MANY)).__name__ == "SmtpLine"
    assert type(opened(25, processes=0).line(MANY)).__name__ == "SmtpLine"


# The frames


def test_two_that_write_at_once_do_not_wait_for_each_other():
    left, right = socket.socketpair()
    with left, right:
        ends = Frames(left), Frames(right)
        big = ["x" * 100] * 50_000
        other = threading.Thread(target=ends[1].send, args=(big,))
        other.start()
        ends[0].send(big)
        other.join(10)
        assert not other.is_alive()
        assert ends[0].wait() == ends[1].wait() == big


def test_the_last_words_of_who_is_gone_count():
    left, right = socket.socketpair()
    with right:
        with left:
            Frames(left).send("done")
        reader, heard = Frames(right), []
        reader._more()  # as while writing
        with pytest.raises(EOFError):
            collect(reader, heard)
        assert heard == ["done"]


def collect(reader, heard):
    for word in reader.read():
        heard.append(word)


def test_values_come_whole_however_they_arrive():
    left, right = socket.socketpair()
    with left, right:
        sender, reader = Frames(left), Frames(right)
        sender.send("first")
        sender.send({"second": 2})
        assert reader.wait() == "first"
        assert reader.waiting
        assert list(reader.read()) == [{"second": 2}]
        assert not reader.waiting
        assert list(reader.read()) == []
        left.close()
        with pytest.raises(EOFError):
            list(reader.read())
