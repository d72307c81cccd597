"""A line over several servers: shares, fallbacks, rates, limits of a connection, ways to log in."""

import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from dissemination.channels.email.channel import EmailChannel
from dissemination.channels.email.greeting import Offers, greet, read_offers
from dissemination.channels.email.keys import KeyRing
from dissemination.channels.email.place import Place
from dissemination.channels.email.server import Server
from dissemination.channels.email.session import Parcel, Session
from dissemination.channels.email.settings import EmailSettings
from dissemination.channels.email.toll import Toll
from dissemination.errors import InDoubtError, NeedsLoginError, NotBegunError, RejectedError, UnavailableError
from dissemination.model import Grant, Receipt
from dissemination.testing import drive, sample_mail, sample_message

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
CHUNKS = ("PIPELINING", "CHUNKING", "8BITMIME")


class Buckets:
    """Quotas that grant what a test says, then make wait."""

    def __init__(self, *grants):
        self.grants, self.asked = list(grants), []

    def take(self, bucket, count, rate):
        self.asked.append((bucket, count, rate))
        grant = self.grants.pop(0) if self.grants else Grant(count=count)
        return Grant(count=min(grant.count, count), wait=grant.wait)


@pytest.fixture
def opened(tmp_path):
    channels = []

    def make_one(*servers, quotas=None, secrets=None):
        first, *others = [{"host": "127.0.0.1", "tls": "none"} | server for server in servers]
        settings = EmailSettings.model_validate({"sender": "news@example.eu", **first, "servers": others})
        places = settings.places(tmp_path, (secrets or {}).get)
        channels.append(EmailChannel(settings, places, quotas, lambda: NOW, KeyRing()))
        return channels[-1]

    yield make_one
    for channel in channels:
        channel.close()


@pytest.fixture
def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def people(count):
    return [
        sample_message(sample_mail(address=f"p{n}@example.org"), key=f"weekly:email:1/{n}") for n in range(count)
    ]


def sent(outcomes):
    return sum(isinstance(outcome, Receipt) for outcome in outcomes.values())


# Several servers


@pytest.mark.parametrize("offers", [("8BITMIME",), CHUNKS])
def test_each_gets_its_share(smtp_server, opened, offers):
    one, three = smtp_server(offers=offers), smtp_server(offers=offers)
    channel = opened({"port": one.port, "weight": 1}, {"port": three.port, "weight": 3})
    assert sent(drive(channel, people(400))) == 400
    assert len(one.accepted) + len(three.accepted) == 400
    assert len({mail.recipient for mail in (*one.accepted, *three.accepted)}) == 400
    assert len(three.accepted) / len(one.accepted) == pytest.approx(3, abs=0.5)


def test_a_spare_server_is_left_alone(smtp_server, opened):
    main, spare = smtp_server(), smtp_server()
    assert sent(drive(opened({"port": main.port}, {"port": spare.port, "weight": 0}), people(50))) == 50
    assert spare.connections == 0


def test_a_spare_server_takes_over(closed_port, smtp_server, opened):
    spare = smtp_server(offers=CHUNKS)
    assert sent(drive(opened({"port": closed_port}, {"port": spare.port, "weight": 0}), people(50))) == 50
    assert len(spare.accepted) == 50


def test_one_of_two_falls_out(closed_port, smtp_server, opened):
    other = smtp_server(offers=CHUNKS)
    assert sent(drive(opened({"port": closed_port, "weight": 5}, {"port": other.port}), people(50))) == 50


def test_one_of_two_refuses_the_login(smtp_server, opened):
    shut, good = smtp_server(offers=("AUTH PLAIN",), users={"news": "right"}), smtp_server()
    channel = opened(
        {"port": shut.port, "username": "news"}, {"port": good.port}, secrets={"SMTP_PASSWORD": "wrong"}
    )
    assert sent(drive(channel, people(30))) == 30
    assert len(good.accepted) == 30


def test_nobody_waits_for_a_server_on_which_nothing_moves(smtp_server, opened):
    stuck, good = smtp_server(*["stall@mail"] * 50), smtp_server(offers=CHUNKS)
    channel = opened({"port": stuck.port, "timeout_seconds": 60, "connections": 1}, {"port": good.port})
    line = channel.line()
    line.give(people(100))
    outcomes = {}
    while len(outcomes) < 99:
        outcomes.update(line.outcomes(1.0))
    assert sent(outcomes) == 99
    line.close(0)


def test_where_no_server_is_there_nothing_is_begun(closed_port, opened):
    outcomes = drive(opened({"port": closed_port}, {"port": closed_port, "weight": 0}), people(20))
    assert {type(outcome) for outcome in outcomes.values()} == {NotBegunError}
    assert f"127.0.0.1:{closed_port} cannot be used now" in str(outcomes["weekly:email:1/0"])


def test_a_second_address_of_a_name_is_tried(smtp_server, opened, monkeypatch):
    server = smtp_server()
    found = socket.getaddrinfo("127.0.0.1", server.port, type=socket.SOCK_STREAM)
    dead = [(*found[0][:4], ("127.0.0.2", server.port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: dead + found)
    assert sent(drive(opened({"port": server.port}), people(3))) == 3


def test_every_server_is_looked_at(smtp_server, closed_port, opened):
    one, two = smtp_server(), smtp_server()
    said = opened({"port": one.port}, {"port": two.port}).probe()
    assert said == "; ".join(f"127.0.0.1:{s.port} answers: not encrypted, no login" for s in (one, two))
    with pytest.raises(UnavailableError, match=str(closed_port)):
        opened({"port": one.port}, {"port": closed_port}).probe()


# Rates


def test_what_a_rate_does_not_allow_is_handed_back_with_its_time(smtp_server, opened):
    server = smtp_server(offers=CHUNKS)
    quotas = Buckets(Grant(count=7), Grant(count=0, wait=600))
    outcomes = drive(opened({"port": server.port, "rates": {"per_hour": 100}}, quotas=quotas), people(20))
    assert sent(outcomes) == len(server.accepted) == 7
    rest = [outcome for outcome in outcomes.values() if isinstance(outcome, NotBegunError)]
    assert len(rest) == 13
    assert all(NOW < error.retry_at <= NOW + timedelta(seconds=600) for error in rest)
    assert quotas.asked[0][0] == f"server/127.0.0.1:{server.port}/3600"


def test_a_short_wait_is_waited_out(smtp_server, opened):
    server = smtp_server(offers=CHUNKS)
    quotas = Buckets(Grant(count=3), Grant(count=0, wait=0.1), Grant(count=3), Grant(count=0, wait=0.1))
    assert sent(drive(opened({"port": server.port, "rates": {"per_second": 30}}, quotas=quotas), people(20))) == 20


def test_every_rate_must_allow_it_and_nothing_paid_for_is_paid_twice(smtp_server, opened):
    server = smtp_server(offers=CHUNKS)
    # The day gives ten, the second only four and then makes wait: the other six of the day are still there.
    quotas = Buckets(Grant(count=10), Grant(count=4), Grant(count=0, wait=0.05), Grant(count=6))
    rates = {"per_second": 4, "per_day": 100}
    assert sent(drive(opened({"port": server.port, "rates": rates}, quotas=quotas), people(10))) == 10
    days = [count for bucket, count, _ in quotas.asked if bucket.endswith("/86400")]
    assert len(days) == 1


def test_between_two_looks_it_carries_on(smtp_server, opened):
    """What was given leaves and is answered, though nobody asks for outcomes."""
    server = smtp_server(offers=CHUNKS)
    line = opened({"port": server.port, "connections": 1, "depth": 2}).line()
    line.give(people(40))
    outcomes = dict(line.outcomes(0.5))
    end = time.monotonic() + 10
    while len(server.accepted) < 40 and time.monotonic() < end:
        line.carry_on()
    assert len(server.accepted) == 40
    while len(outcomes) < 40 and time.monotonic() < end:
        outcomes.update(line.outcomes(0.5))
    assert sent(outcomes) == 40
    line.close(1)


def test_what_must_be_paid_for_waits_until_the_store_can_be_asked(smtp_server, opened):
    server = smtp_server(offers=CHUNKS)
    quotas = Buckets()
    line = opened(
        {"port": server.port, "connections": 1, "depth": 1, "rates": {"per_second": 30}}, quotas=quotas
    ).line()
    line.give(people(40))
    line.outcomes(0.5)
    asked, accepted = len(quotas.asked), len(server.accepted)
    for _ in range(100):
        line.carry_on()
    assert (len(quotas.asked), len(server.accepted)) == (asked, accepted)
    assert 0 < accepted < 40
    line.close(1)


def test_another_server_goes_on_where_one_is_used_up(smtp_server, opened):
    rated, free = smtp_server(offers=CHUNKS), smtp_server(offers=CHUNKS)
    quotas = Buckets(Grant(count=5), Grant(count=0, wait=600))
    channel = opened({"port": rated.port, "rates": {"per_day": 5}}, {"port": free.port}, quotas=quotas)
    assert sent(drive(channel, people(60))) == 60
    assert (len(rated.accepted), len(free.accepted)) == (5, 55)


# A connection's limits


@pytest.mark.parametrize("offers", [("8BITMIME",), ("PIPELINING",), CHUNKS])
def test_a_connection_is_left_after_so_many(smtp_server, opened, offers):
    server = smtp_server(offers=offers)
    channel = opened({"port": server.port, "messages_per_connection": 5, "connections": 1})
    assert sent(drive(channel, people(23))) == 23
    assert server.connections == 5
    assert server.commands.count("QUIT") >= 4


def test_a_server_that_allows_few_connections_gets_few(smtp_server, opened):
    server = smtp_server("ok", *["421@connect"] * 30, offers=CHUNKS)
    outcomes = drive(opened({"port": server.port}), people(200))
    assert sent(outcomes) == 200


def test_a_dead_first_address_costs_no_connection_of_the_second():
    dead, good = (socket.AF_INET, ("127.0.0.2", 25)), (socket.AF_INET, ("127.0.0.1", 25))
    place = Place(place_of(connections=4), Toll((), None, lambda: 0.0, lambda: NOW), lambda: 0.0)
    place._addresses = [dead, good]
    assert place.wanted(100) == 4
    place.refused(SimpleNamespace(address=dead), NotBegunError("away"), for_good=False)
    assert place.up, "there is another address"
    assert place.wanted(100) == 1, "which is tried by one first"
    assert place._addresses[place._at] == good
    place.works()
    assert place.wanted(100) == 4
    place.refused(SimpleNamespace(address=good), NotBegunError("away"), for_good=False)
    place.refused(SimpleNamespace(address=dead), NotBegunError("away"), for_good=False)
    assert not place.up, "nobody is there"


def test_what_is_said_after_the_greeting_is_heard(opened):
    """The last word of the greeting and a good-bye in one piece, as of a server that shuts down at that moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            for _ in range(2):
                sock, _ = listener.accept()
                with sock:
                    sock.sendall(b"220 h\r\n")
                    sock.recv(1000)
                    sock.sendall(b"250 h\r\n421 shutting down\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        outcomes = drive(opened({"port": listener.getsockname()[1]}), people(3))
    assert {type(outcome) for outcome in outcomes.values()} == {NotBegunError}


def test_a_rested_connection_gets_nothing_before_it_has_answered():
    """What was kept open may be dead without anybody knowing: no message goes onto it unasked."""
    session = Session(place_of(), Offers(pipelining=True, chunking=True))
    assert session.room == 16
    session.check()
    assert session.room == 0
    session.reply((250, "here"))
    assert session.room == 16


@pytest.mark.parametrize("code", [220, 254, 299])
def test_an_unknown_good_code_is_good(code):
    session = Session(place_of(), Offers(pipelining=True, chunking=True))
    session.begin(parcel())
    for reply in [(250, "reset"), (code, "sender"), (code, "recipient"), (250, "queued")]:
        session.reply(reply)
    assert [said for _, said in session.outcomes] == ["queued"]


def test_a_message_that_was_taken_in_spite_of_a_refusal_is_in_doubt():
    session = Session(place_of(), Offers(pipelining=True, chunking=True))
    session.begin(parcel())
    for reply in [(250, "reset"), (250, "sender"), (451, "later"), (250, "queued")]:
        session.reply(reply)
    [(_, outcome)] = session.outcomes
    assert isinstance(outcome, InDoubtError)


def place_of(**changes):
    return Server(host="h", port=25, tls="none", hostname="example.eu", password=lambda: None, **changes)


def parcel(key="k"):
    body = b"Subject: x\r\n\r\nx\r\n"
    return Parcel(key, "news@example.eu", "p@example.org", utf8=False, message_id=f"<{key}@example.eu>", body=body)


def test_the_longer_time_is_for_the_message_that_has_left():
    session = Session(place_of(), Offers(pipelining=True, chunking=True))
    session.begin(parcel("a"))
    first = session.size
    session.begin(parcel("b"))
    assert not session.has_it_all(first), "the next reply is about its commands"
    for reply in [(250, "reset"), (250, "sender"), (250, "recipient")]:
        session.reply(reply)
    assert not session.has_it_all(first - 1)
    assert session.has_it_all(first), "whatever else is still to be written"


def test_who_comes_back_does_not_catch_up():
    now = [0.0]
    place = Place(place_of(weight=2), Toll((), None, lambda: now[0], lambda: NOW), lambda: now[0])
    place.rest(NotBegunError("away"))
    assert not place.up
    now[0] += 5.0
    assert place.up
    assert place.behind
    place.catch_up(100.0)
    assert place.given == 200
    assert place.share == 100.0


def test_a_short_wait_of_the_main_server_does_not_call_the_spare_one(smtp_server, opened):
    main, spare = smtp_server(offers=CHUNKS), smtp_server(offers=CHUNKS)
    quotas = Buckets(Grant(count=3), Grant(count=0, wait=0.1), Grant(count=3), Grant(count=0, wait=0.1))
    rated = {"port": main.port, "rates": {"per_second": 30}}
    assert sent(drive(opened(rated, {"port": spare.port, "weight": 0}, quotas=quotas), people(20))) == 20
    assert spare.connections == 0


def test_room_is_what_can_be_under_way(smtp_server, opened):
    line = opened({"port": smtp_server().port, "connections": 2, "depth": 3}).line()
    assert line.room() == 12
    line.give(people(5))
    assert line.room() == 7
    assert {type(outcome) for _, outcome in line.close(0)} == {NotBegunError}


# Ways to log in


@pytest.mark.parametrize(
    ("auth", "said"),
    [("auto", "AUTH PLAIN"), ("plain", "AUTH PLAIN"), ("login", "AUTH LOGIN"), ("xoauth2", "AUTH XOAUTH2")],
)
@pytest.mark.parametrize("password", ["s3cret", "pässwörd"])
def test_ways_to_log_in(smtp_server, opened, auth, said, password):
    server = smtp_server(users={"news": password})
    place = {"port": server.port, "username": "news", "auth": auth}
    channel = opened(place, secrets={"SMTP_PASSWORD": password})
    assert sent(drive(channel, people(1))) == 1
    assert any(command.startswith(said) for command in server.commands)


def greeted(offers, *replies, **changes):
    """What we say to a server that answers so, up to the point where messages can be sent."""
    server = Server(host="h", port=25, tls="none", hostname="example.eu", password=lambda: "pw", **changes)
    talk, said = greet(server), []
    lines = "\n".join(["h greets you", *offers])
    words = next(talk)
    for reply in [(220, "h"), (250, lines), *replies]:
        said.append(words)
        try:
            words = talk.send(reply)
        except StopIteration as done:
            return said[1:], done.value
    return said[1:], words


@pytest.mark.parametrize("offer", ["AUTH LOGIN", "auth login", "AUTH=LOGIN"])
def test_login_where_nothing_better_is_offered(offer):
    said, _ = greeted([offer], (334, "VXNlcm5hbWU6"), (334, "UGFzc3dvcmQ6"), (235, "yes"), username="news")
    assert said == [b"EHLO example.eu\r\n", b"AUTH LOGIN\r\n", b"bmV3cw==\r\n", b"cHc=\r\n"]


def test_a_server_that_knows_no_ehlo_is_greeted_the_old_way():
    server = Server(host="h", port=25, tls="none", hostname="example.eu", password=lambda: None)
    talk = greet(server)
    next(talk)
    assert talk.send((220, "h")) == b"EHLO example.eu\r\n"
    assert talk.send((502, "what?")) == b"HELO example.eu\r\n"
    with pytest.raises(StopIteration) as done:
        talk.send((250, "h"))
    assert done.value.value == Offers()


@pytest.mark.parametrize(
    ("lines", "offers"),
    [
        (["PIPELINING", "SIZE 10240000"], Offers(pipelining=True, size=10_240_000)),
        (["pipelining", "Chunking", "SMTPUTF8"], Offers(pipelining=True, chunking=True, smtputf8=True)),
        (["SIZE", "STARTTLS", ""], Offers(starttls=True)),
        (["SIZE 99999999999999999999999", "XPIPELINING"], Offers(size=999_999_999_999)),
        (["AUTH PLAIN login"], Offers(auth=frozenset({"PLAIN", "LOGIN"}))),
    ],
)
def test_what_a_server_offers(lines, offers):
    assert read_offers(lines) == offers


def test_a_message_beyond_the_servers_size_is_refused_before_it_is_sent(smtp_server, opened):
    server = smtp_server(offers=("SIZE 500",))
    [outcome] = drive(opened({"port": server.port}), people(1)).values()
    assert isinstance(outcome, RejectedError)
    assert "takes messages of 500 bytes" in str(outcome)
    assert not server.accepted


@pytest.mark.parametrize("auth", ["plain", "login", "xoauth2"])
def test_a_wrong_password_says_so_in_every_way(smtp_server, opened, auth):
    server = smtp_server(offers=("AUTH PLAIN LOGIN XOAUTH2",), users={"news": "right"})
    channel = opened({"port": server.port, "username": "news", "auth": auth}, secrets={"SMTP_PASSWORD": "hunter2"})
    [outcome] = drive(channel, people(1)).values()
    assert isinstance(outcome, NeedsLoginError)
    assert "check username and SMTP_PASSWORD" in str(outcome)
    assert "hunter2" not in str(outcome)
