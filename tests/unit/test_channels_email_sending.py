"""What the server does decides what is said of a message: never a false "sent", never a false "not sent"."""

import threading
import time
from dataclasses import replace

import pytest

from dissemination.channels.email import make
from dissemination.errors import (
    ChannelError,
    InDoubtError,
    NeedsLoginError,
    NotBegunError,
    RejectedError,
    SenderRefusedError,
    UnavailableError,
)
from dissemination.model import Receipt
from dissemination.testing import drive, sample_mail, sample_message, sample_options, sample_post


@pytest.fixture
def opened(tmp_path):
    """Makes channels towards a port, and closes them."""
    channels = []

    def make_one(port, secrets=None, **settings):
        chosen = {"sender": "news@example.eu", "host": "127.0.0.1", "port": port, "tls": "none"} | settings
        options = sample_options(tmp_path, (secrets or {}).get, name="email", settings=chosen)
        channels.append(make(options))
        return channels[-1]

    yield make_one
    for channel in channels:
        channel.close()


def message(number=7, **changes):
    return sample_message(sample_mail(**changes), key=f"weekly-2026-W48:email:1/{number}")


def people(count):
    return [message(n, address=f"p{n}@example.org") for n in range(count)]


def in_turn(channel, messages):
    """Outcomes in the order of the messages."""
    messages = list(messages)
    outcomes = drive(channel, messages)
    return [outcomes[message.key] for message in messages]


def outcome(channel, mail=None):
    mail = mail or message()
    try:
        return channel.send(mail, key=mail.key)
    except ChannelError as error:
        return error


# One message


def test_what_is_accepted_is_sent(smtp_server, opened):
    server = smtp_server()
    receipt = outcome(opened(server.port))
    [accepted] = server.accepted
    assert accepted.recipient == "ana@example.org"
    assert accepted.sender == "news@example.eu"
    assert receipt == Receipt(id=accepted.message_id, detail="2.0.0 queued as 000001")


def test_the_machine_says_the_senders_domain(smtp_server, opened):
    server = smtp_server()
    outcome(opened(server.port))
    assert server.commands[0] == "EHLO example.eu"


def test_bounces_go_to_the_envelope_sender(smtp_server, opened):
    server = smtp_server()
    outcome(opened(server.port, envelope_sender="bounces@example.eu"))
    assert server.accepted[0].sender == "bounces@example.eu"
    assert b"From: news@example.eu" in server.accepted[0].body


def test_a_body_arrives_byte_by_byte(smtp_server, opened):
    server = smtp_server()
    channel = opened(server.port)
    mail = message(letter=replace(sample_mail().letter, text=(".\n..\n.a\n",), html=("<p>.</p>\n.\n" * 4000,)))
    outcome(channel, mail)
    assert b"\r\n=2E\r\n" in server.accepted[0].body
    assert b"\r\n." not in server.accepted[0].body
    assert server.accepted[0].body.endswith(b"--\r\n")


@pytest.mark.parametrize(
    ("plan", "kind", "words"),
    [
        ("421@connect", UnavailableError, "421"),
        ("554@connect", UnavailableError, "554"),
        ("drop@connect", UnavailableError, "cannot be used"),
        ("drop@ehlo", UnavailableError, "cannot be used"),
        ("421@ehlo", UnavailableError, "421"),
        ("421@mail", UnavailableError, "421"),
        ("451@mail", UnavailableError, "451"),
        ("550@mail", SenderRefusedError, "refused the sender: 550"),
        ("530@mail", NeedsLoginError, "SMTP_PASSWORD"),
        ("drop@mail", UnavailableError, "hung up"),
        ("421@rcpt", UnavailableError, "421"),
        ("450@rcpt", UnavailableError, "refused the recipient: 450"),
        ("550@rcpt", RejectedError, "refused the recipient: 550"),
        ("drop@rcpt", UnavailableError, "nothing went out"),
        ("421@data", UnavailableError, "421"),
        ("451@data", UnavailableError, "refused the message: 451"),
        ("554@data", RejectedError, "refused the message: 554"),
        ("drop@data", UnavailableError, "nothing went out"),
        ("421@dot", UnavailableError, "421"),
        ("451@dot", UnavailableError, "refused the message: 451"),
        ("550@dot", RejectedError, "refused the message: 550"),
        ("drop@dot", InDoubtError, "never answered"),
        ("lose@dot", InDoubtError, "never answered"),
        ("199@dot", InDoubtError, "no clear answer"),
        ("abc@dot", InDoubtError, "no clear answer"),
    ],
)
def test_every_failure_has_its_class(smtp_server, opened, plan, kind, words):
    server = smtp_server(plan)
    channel = opened(server.port)
    first = outcome(channel)
    assert type(first) is kind or (kind is UnavailableError and isinstance(first, UnavailableError))
    assert words in str(first)
    assert len(server.accepted) == (plan == "lose@dot")
    # and the next message is not disturbed
    assert isinstance(outcome(channel, message(8)), Receipt)


@pytest.mark.parametrize("step", ["connect", "ehlo", "mail", "rcpt", "data"])
def test_a_stall_before_the_end_sent_nothing(smtp_server, opened, step):
    server = smtp_server(f"stall@{step}")
    channel = opened(server.port, timeout_seconds=0.2)
    assert isinstance(outcome(channel), UnavailableError)
    assert not server.accepted
    assert isinstance(outcome(channel), Receipt)


def test_a_stall_after_the_end_is_in_doubt(smtp_server, opened):
    server = smtp_server("stall@dot")
    channel = opened(server.port, final_timeout_seconds=0.2)
    assert isinstance(outcome(channel), InDoubtError)
    assert isinstance(outcome(channel), Receipt)


def test_the_whole_message_has_a_longer_time(smtp_server, opened):
    """The time for a command is over ten times before the one for a whole message is."""
    channel = opened(smtp_server("stall@dot").port, timeout_seconds=0.05, final_timeout_seconds=0.5)
    begun = time.monotonic()
    assert isinstance(outcome(channel), InDoubtError)
    assert time.monotonic() - begun >= 0.5


def test_nobody_listens(smtp_server, opened, nasty_smtp):
    with nasty_smtp() as gone:
        port = gone.port
    error = outcome(opened(port))
    assert isinstance(error, UnavailableError)
    assert f"127.0.0.1:{port}" in str(error)


def test_a_repeat_has_the_same_message_id(smtp_server, opened):
    server = smtp_server("lose@dot")
    channel = opened(server.port)
    assert isinstance(outcome(channel), InDoubtError)
    receipt = outcome(channel)
    assert [accepted.message_id for accepted in server.accepted] == [receipt.id, receipt.id]
    assert server.accepted[0].body == server.accepted[1].body


def test_what_the_server_says_is_shown_short_and_clean(smtp_server, opened):
    server = smtp_server(refuse={"ana@example.org": "550 no\x1b[31m such\x00 user " + "x" * 2000})
    text = str(outcome(opened(server.port)))
    assert "no [31m such" in text
    assert len(text) < 300


def test_an_endless_reply_line_is_refused(smtp_server, opened):
    server = smtp_server(refuse={"ana@example.org": "550 " + "x" * 600_000})
    assert isinstance(outcome(opened(server.port)), UnavailableError)


# Addresses


def test_a_bad_address_never_reaches_the_server(smtp_server, opened):
    server = smtp_server()
    channel = opened(server.port)
    error = outcome(channel, message(address="a@example.org>\r\nRCPT TO:<x@evil.test"))
    assert isinstance(error, RejectedError)
    assert not [command for command in server.commands if command.startswith(("MAIL", "RCPT"))]


def test_letters_beyond_ascii_need_the_servers_consent(smtp_server, opened):
    server = smtp_server()
    channel = opened(server.port)
    error = outcome(channel, message(address="josé@example.org"))
    assert isinstance(error, RejectedError)
    assert "SMTPUTF8" in str(error)
    assert isinstance(outcome(channel), Receipt)


def test_letters_beyond_ascii_where_offered(smtp_server, opened):
    server = smtp_server(offers=("8BITMIME", "SMTPUTF8"))
    channel = opened(server.port)
    outcome(channel, message(address="josé@παράδειγμα.eu"))
    outcome(channel)
    assert "MAIL FROM:<news@example.eu> BODY=8BITMIME SMTPUTF8" in server.commands
    assert "MAIL FROM:<news@example.eu>" in server.commands
    assert server.accepted[0].recipient == "josé@xn--hxajbheg2az3al.eu"


# Many messages


def test_many_go_over_one_connection(smtp_server, opened):
    server = smtp_server()
    mails = people(20)
    outcomes = drive(opened(server.port, connections=1), mails)
    assert list(outcomes) == [mail.key for mail in mails]
    assert all(isinstance(result, Receipt) for result in outcomes.values())
    assert server.connections == 1


def test_a_long_queue_is_worth_more_connections(smtp_server, opened):
    server = smtp_server()
    outcomes = drive(opened(server.port, connections=4), people(100))
    assert sum(isinstance(result, Receipt) for result in outcomes.values()) == 100
    assert server.connections == 4


def test_the_connection_is_kept_between_calls(smtp_server, opened):
    server = smtp_server()
    channel = opened(server.port)
    for _ in range(3):
        drive(channel, people(2))
    assert server.connections == 1
    channel.close()
    assert server.commands[-1] == "QUIT"


def test_one_refused_person_does_not_disturb_the_others(smtp_server, opened):
    server = smtp_server(refuse={"p3@example.org": "550 5.1.1 no such user"})
    results = list(in_turn(opened(server.port, connections=1), people(10)))
    assert isinstance(results[3], RejectedError)
    assert "550 5.1.1 no such user" in str(results[3])
    assert sum(isinstance(result, Receipt) for result in results) == 9
    assert server.connections == 1


def test_a_bad_message_costs_only_itself(smtp_server, opened):
    server = smtp_server()
    mails = [
        *people(2),
        message(5, address="nobody"),
        sample_message(sample_post()),
        message(6, values={}),
        message(8),
    ]
    results = [type(result) for result in in_turn(opened(server.port), mails)]
    assert results == [Receipt, Receipt, RejectedError, RejectedError, RejectedError, Receipt]


def test_later_and_later_and_then_accepted(smtp_server, opened):
    server = smtp_server("451@dot", "451@dot")
    results = [type(result) for result in in_turn(opened(server.port), people(3))]
    assert results == [UnavailableError, UnavailableError, Receipt]
    assert server.connections == 1


@pytest.mark.parametrize("plan", ["421@dot", "drop@rcpt", "lose@dot"])
def test_a_lost_connection_costs_one_message(smtp_server, opened, plan):
    server = smtp_server("ok", plan)
    results = list(in_turn(opened(server.port), people(4)))
    assert [isinstance(result, Receipt) for result in results] == [True, False, True, True]
    assert server.connections == 2


@pytest.mark.parametrize("plan", ["421@mail", "drop@mail"])
def test_a_connection_that_has_aged_costs_nobody(smtp_server, opened, plan):
    server = smtp_server("ok", plan)
    results = list(in_turn(opened(server.port), people(4)))
    assert all(isinstance(result, Receipt) for result in results)
    assert server.connections == 2
    assert len(server.accepted) == 4


def test_where_there_is_no_way_in_nobody_waits_twice(smtp_server, opened):
    server = smtp_server(*["stall@ehlo"] * 5)
    results = list(in_turn(opened(server.port, timeout_seconds=0.3), people(5)))
    assert all(isinstance(result, UnavailableError) for result in results)
    assert server.connections == 1


def test_step_by_step_the_outcome_comes_before_the_next_message_begins(smtp_server, opened):
    server = smtp_server()
    line = opened(server.port, connections=1).line()
    line.give(people(3))
    seen = 0
    while seen < 3:
        seen += len(line.outcomes(0.2))
        assert len(server.accepted) <= seen + 1
    line.close(0)


def test_closing_says_what_was_not_begun(smtp_server, opened):
    server = smtp_server("stall@rcpt")
    line = opened(server.port, connections=1).line()
    line.give(people(3))
    assert line.outcomes(0.2) == []
    outcomes = dict(line.close(0.1))
    assert len(outcomes) == 3
    assert all(isinstance(outcome, UnavailableError) for outcome in outcomes.values())
    assert sum(isinstance(outcome, NotBegunError) for outcome in outcomes.values()) == 2
    assert not server.accepted


def test_a_caller_that_stops_leaves_the_connection_usable(smtp_server, opened):
    server = smtp_server()
    channel = opened(server.port, connections=1)
    line = channel.line()
    line.give(people(3))
    done = len(line.outcomes(0.5))
    line.close(5)
    assert isinstance(outcome(channel), Receipt)
    assert server.connections == 1
    assert done <= len(server.accepted) <= 4


def test_threads_have_connections_of_their_own(smtp_server, opened):
    server = smtp_server()
    channel = opened(server.port)
    together = threading.Barrier(3)

    def send(first):
        def mails():
            for number in range(first, first + 5):
                if number == first + 1:
                    together.wait(10)
                yield message(number, address=f"p{number}@example.org")

        results.extend(drive(channel, mails()).values())

    results = []
    threads = [threading.Thread(target=send, args=(n * 10,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [type(result) for result in results] == [Receipt] * 15
    assert len({accepted.recipient for accepted in server.accepted}) == 15
    assert server.connections == 3


# Login and encryption that are not there


def test_a_user_without_a_password(smtp_server, opened):
    error = outcome(opened(smtp_server().port, username="news"))
    assert isinstance(error, NeedsLoginError)
    assert "SMTP_PASSWORD" in str(error)


def test_a_server_without_login(smtp_server, opened):
    error = outcome(opened(smtp_server().port, {"SMTP_PASSWORD": "hunter2"}, username="news"))
    assert isinstance(error, NeedsLoginError)
    assert "hunter2" not in str(error)


def test_a_password_beyond_ascii(smtp_server, opened):
    server = smtp_server(offers=("AUTH PLAIN",))
    error = outcome(opened(server.port, {"SMTP_PASSWORD": "pässword"}, username="news"))
    assert isinstance(error, NeedsLoginError)
    assert "pässword" not in str(error)


def test_a_server_without_starttls_gets_nothing(smtp_server, opened):
    server = smtp_server()
    error = outcome(opened(server.port, tls="starttls"))
    assert isinstance(error, UnavailableError)
    assert "STARTTLS" in str(error)
    assert [command.split()[0] for command in server.commands] == ["EHLO"]


def test_a_plain_server_where_encryption_is_due_at_once(smtp_server, opened):
    error = outcome(opened(smtp_server().port, tls="implicit", timeout_seconds=1))
    assert isinstance(error, UnavailableError)


# Looking after


def test_written_shows_what_would_be_handed_over(smtp_server, opened):
    server = smtp_server("ok")
    channel = opened(server.port)
    shown = channel.written(message())
    assert server.accepted == []
    channel.send(message(), key=message().key)
    assert server.accepted[0].body == shown


def test_written_needs_neither_keys_nor_a_server(opened):
    shown = opened(9, dkim=[{"selector": "a", "key_file": "no-such-key.pem"}]).written(message())
    assert b"DKIM-Signature" not in shown
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in shown


def test_written_refuses_what_would_never_be_accepted(opened):
    with pytest.raises(RejectedError):
        opened(9).written(sample_message(sample_post()))
    with pytest.raises(RejectedError, match="address"):
        opened(9).written(message(address="nobody"))


def test_probe_says_what_answered(smtp_server, opened):
    server = smtp_server()
    channel = opened(server.port)
    assert channel.probe() == f"127.0.0.1:{server.port} answers: not encrypted, no login"
    channel.close()
    assert [command.split()[0] for command in server.commands] == ["EHLO", "QUIT"]


def test_probe_says_what_is_wrong(smtp_server, opened):
    with pytest.raises(UnavailableError, match="cannot be used"):
        opened(smtp_server("drop@ehlo").port).probe()


def test_a_notice_goes_the_same_way(smtp_server, opened):
    server = smtp_server()
    receipt = opened(server.port).send_notice(
        "office@example.eu", "2 mails failed", "See the log.\n", key="events-1"
    )
    [accepted] = server.accepted
    assert (accepted.recipient, accepted.message_id) == ("office@example.eu", receipt.id)
    assert b"Auto-Submitted: auto-generated\r\n" in accepted.body


# The server itself


def test_the_log_holds_what_was_accepted(nasty_smtp, opened, tmp_path):
    log = tmp_path / "accepted.log"
    with nasty_smtp(["ok", "lose@dot"], log=log, keep_bodies=False) as server:
        drive(opened(server.port, connections=1), people(3))
        lines = log.read_text().splitlines()
    taken = [f"accepted {mail.message_id} {mail.recipient} {mail.sender}" for mail in server.accepted]
    assert [line for line in lines if line.startswith("accepted")] == taken
    assert [line for line in lines if line.startswith("withheld")] == [
        f"withheld {server.accepted[1].message_id} {server.accepted[1].recipient}"
    ]
    assert len(taken) == 3
    assert all(accepted.body == b"" for accepted in server.accepted)
