"""The nasty server itself, spoken to by hand: what it offers it means, and what is planned happens."""

import base64
import smtplib
import socket
import ssl
from contextlib import closing

import pytest

EVERYTHING = ("8BITMIME", "SMTPUTF8", "PIPELINING", "CHUNKING")
GREETING = b"EHLO test.example\r\n"


def letter(number=1, body=b"Words.\r\n"):
    return b"Message-ID: <m%d@test>\r\n\r\n%s" % (number, body)


def group(number=1, chunk=None):
    """A whole message in one flight."""
    body = letter(number) if chunk is None else chunk
    return b"MAIL FROM:<s@test>\r\nRCPT TO:<p%d@test>\r\nBDAT %d LAST\r\n%s" % (number, len(body), body)


class Talk:
    """A client that says exactly what it is told."""

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.read = self.sock.makefile("rb")

    def say(self, data):
        self.sock.sendall(data)

    def replies(self, count):
        """The last lines of so many replies, b"" for a connection that has ended."""
        return [self.reply() for _ in range(count)]

    def reply(self):
        try:
            while (line := self.read.readline())[3:4] == b"-":
                pass
        except ConnectionError:
            return b""
        return line.rstrip()

    def codes(self, count):
        return [reply[:3].decode("latin-1") for reply in self.replies(count)]

    def close(self):
        self.read.close()
        self.sock.close()


@pytest.fixture
def talk(smtp_server):
    """Starts a server and speaks to it; the greetings are exchanged."""
    opened = []

    def start(*script, offers=EVERYTHING, **options):
        server = smtp_server(*script, offers=offers, **options)
        opened.append(Talk(server.port))
        opened[-1].say(GREETING)
        assert opened[-1].codes(2) == ["220", "250"]
        return server, opened[-1]

    yield start
    for one in opened:
        one.close()


# What it offers it means


def test_three_messages_in_one_flight(talk):
    server, client = talk()
    client.say(group(1) + group(2) + group(3))
    assert client.codes(9) == ["250"] * 9
    assert [mail.message_id for mail in server.accepted] == ["<m1@test>", "<m2@test>", "<m3@test>"]
    assert server.accepted[1].body == letter(2)
    assert not server.early


def test_a_message_in_chunks_with_the_last_one_empty(talk):
    server, client = talk()
    whole = letter(1, b".dots stay\r\n..\r\n")
    client.say(b"MAIL FROM:<s@test>\r\nRCPT TO:<p@test>\r\n")
    for start in range(0, len(whole), 10):
        piece = whole[start : start + 10]
        client.say(b"BDAT %d\r\n%s" % (len(piece), piece))
    client.say(b"BDAT 0 LAST\r\n")
    assert set(client.codes(2 + -(-len(whole) // 10) + 1)) == {"250"}
    assert server.accepted[0].body == whole


def test_data_in_a_pipeline_and_dots(talk):
    server, client = talk()
    client.say(b"MAIL FROM:<s@test>\r\nRCPT TO:<p@test>\r\nDATA\r\n")
    assert client.codes(3) == ["250", "250", "354"]
    client.say(b"..one\r\n..\r\nwords\r\n.\r\nMAIL FROM:<s@test>\r\nRCPT TO:<q@test>\r\nDATA\r\n")
    assert client.codes(4) == ["250", "250", "250", "354"]
    client.say(b".\r\n")
    assert client.codes(1) == ["250"]
    assert [mail.body for mail in server.accepted] == [b".one\r\n.\r\nwords\r\n", b""]
    assert not server.early


@pytest.mark.parametrize(
    ("offers", "said", "early"),
    [
        (("8BITMIME",), b"MAIL FROM:<s@test>\r\nRCPT TO:<p@test>\r\n", ["MAIL"]),
        (EVERYTHING, b"MAIL FROM:<s@test>\r\nRCPT TO:<p@test>\r\nDATA\r\nMessage", ["DATA"]),
        (EVERYTHING, b"NOOP\r\nMAIL FROM:<s@test>\r\n", ["NOOP"]),
    ],
)
def test_who_speaks_too_early_is_noted(talk, offers, said, early):
    server, client = talk(offers=offers)
    client.say(said)
    client.replies(2)
    assert server.early == early


def test_a_transaction_must_be_ended(talk):
    server, client = talk(refuse={"p1@test": "550 5.1.1 no such user"})
    client.say(group(1) + b"MAIL FROM:<s@test>\r\nRSET\r\n" + group(2))
    assert client.codes(8) == ["250", "550", "503", "503", "250", "250", "250", "250"]
    assert [mail.recipient for mail in server.accepted] == ["p2@test"]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (b"MAIL FROM:<s@test> BODY=8BITMIME SMTPUTF8", "250"),
        (b"MAIL FROM:<s@test> BODY=BINARYMIME", "555"),
        (b"MAIL FROM:<s@test> SIZE=5", "555"),
        (b"RCPT TO:<p@test>", "503"),
        (b"DATA", "503"),
        (b"BDAT 0 LAST", "503"),
        (b"STARTTLS", "503"),
        (b"EXPN all", "500"),
    ],
)
def test_what_was_not_offered_is_refused(talk, command, code):
    _, client = talk()
    client.say(command + b"\r\n")
    assert client.codes(1) == [code]


def test_letters_beyond_ascii_need_their_word(talk):
    server, client = talk()
    for words, code in ((b"", "553"), (b" SMTPUTF8", "250")):
        client.say(b"MAIL FROM:<s@test>%s\r\n" % words + "RCPT TO:<josé@test>\r\nRSET\r\n".encode())
        assert client.codes(3) == ["250", code, "250"]
    assert not server.accepted


def test_a_bare_line_feed_is_refused(talk):
    server, client = talk()
    client.say(group(1, b"Message-ID: <m@test>\r\n\r\n\n.\n"))
    assert client.codes(3) == ["250", "250", "550"]
    assert not server.accepted


# What is planned happens


@pytest.mark.parametrize(
    ("plan", "codes"),
    [
        ("451@mail", ["451", "503", "503", "250", "250", "250", "250"]),
        ("451@rcpt", ["250", "451", "503", "250", "250", "250", "250"]),
        ("451@bdat", ["250", "250", "451", "250", "250", "250", "250"]),
        ("451@dot", ["250", "250", "451", "250", "250", "250", "250"]),
        ("451@rset", ["250", "250", "250", "250", "250", "250", "250"]),
        ("421@rcpt", ["250", "421", ""]),
        ("drop@mail", [""]),
        ("drop@rcpt", ["250", ""]),
        ("drop@body", ["250", "250", ""]),
        ("drop@dot", ["250", "250", ""]),
        ("lose@bdat", ["250", "250", ""]),
    ],
)
def test_a_plan_in_a_pipeline(talk, plan, codes):
    server, client = talk(plan)
    client.say(group(1) + b"RSET\r\n" + group(2))
    assert client.codes(len(codes)) == codes
    taken = [mail.message_id for mail in server.accepted]
    expected = ["<m1@test>"] * (codes[:3] == ["250"] * 3 or "lose" in plan) + ["<m2@test>"] * (len(codes) == 7)
    assert taken == expected
    assert server.withheld == ["<m1@test>"] * ("lose" in plan)


@pytest.mark.parametrize("plan", ["stall@rcpt", "stall@body", "stall@dot"])
def test_a_stall_hands_out_what_came_before(talk, plan):
    server, client = talk("ok", plan)
    client.say(group(1) + group(2))
    assert client.codes(4) == ["250"] * 4
    client.sock.settimeout(0.1)
    client.replies(plan != "stall@rcpt")
    with pytest.raises(TimeoutError):
        client.reply()
    assert [mail.message_id for mail in server.accepted] == ["<m1@test>"]


def test_garbage_is_no_reply(talk):
    server, client = talk("garbage@dot")
    client.say(group())
    assert b"\xff" in client.replies(3)[2]
    assert not server.accepted


def test_enough_for_one_connection(talk):
    server, client = talk(limit=2)
    client.say(group(1) + group(2) + group(3))
    assert client.codes(8) == ["250"] * 6 + ["421", ""]
    assert len(server.accepted) == 2


def test_a_message_without_recipients_where_354_is_given(talk):
    server, client = talk(lax="554 5.5.1 no valid recipients", refuse={"p@test": "550 5.1.1 no"})
    client.say(b"MAIL FROM:<s@test>\r\nRCPT TO:<p@test>\r\nDATA\r\n")
    assert client.codes(3) == ["250", "550", "354"]
    client.say(b".\r\n" + group(2))
    assert client.codes(4) == ["554", "250", "250", "250"]
    assert [mail.recipient for mail in server.accepted] == ["p2@test"]


@pytest.mark.parametrize(
    ("broken", "said", "codes"),
    [
        ("503", group(1), ["250", "503", "503"]),
        ("flush@dot", group(1) + group(2), ["250", "250", "250", "timeout"]),
        ("flush", group(1), ["250", "timeout"]),
    ],
)
def test_a_broken_pipeline(talk, broken, said, codes):
    _, client = talk(broken=broken)
    client.say(said)
    client.sock.settimeout(0.2)
    waiting = codes[-1] == "timeout"
    assert client.codes(len(codes) - waiting) == codes[: len(codes) - waiting]
    if waiting:
        with pytest.raises(TimeoutError):
            client.reply()


@pytest.mark.parametrize(("replies", "size"), [("whole", 15), ("bytes", 15), ("split", 15), ("long", 20_000)])
def test_replies_in_every_shape_say_the_same(talk, replies, size):
    server, client = talk(replies=replies)
    client.say(group(1) + group(2))
    said = client.replies(6)
    assert [reply[:3] for reply in said] == [b"250"] * 6
    assert said[2] == b"250 2.0.0 queued as 000001"
    assert len(server.accepted) == 2
    client.say(b"QUIT\r\n")
    assert len(client.read.read()) >= size


# Login and encryption


@pytest.mark.parametrize("initial", [True, False])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_a_login_by_the_standard_library(smtp_server, mechanism, initial):
    server = smtp_server(users={"news": "secret"})
    with smtplib.SMTP("127.0.0.1", server.port, timeout=10) as client:
        client.ehlo()
        client.user, client.password = "news", "secret"
        method = {"PLAIN": client.auth_plain, "LOGIN": client.auth_login}[mechanism]
        assert client.auth(mechanism, method, initial_response_ok=initial)[0] == 235
        assert client.docmd("MAIL FROM:<s@test>")[0] == 250


def test_who_does_not_log_in_or_wrongly(smtp_server):
    server = smtp_server(users={"news": "secret"})
    with smtplib.SMTP("127.0.0.1", server.port, timeout=10) as client:
        client.ehlo()
        assert client.docmd("MAIL FROM:<s@test>")[0] == 530
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login("news", "wrong")


@pytest.mark.parametrize(("token", "codes"), [("right", ["235"]), ("wrong", ["334", "535"])])
def test_a_token(talk, token, codes):
    _, client = talk(users={"news": "right"})
    words = base64.b64encode(f"user=news\1auth=Bearer {token}\1\1".encode())
    client.say(b"AUTH XOAUTH2 " + words + b"\r\n")
    assert client.codes(1) == codes[:1]
    if len(codes) > 1:
        client.say(b"\r\n")
        assert client.codes(1) == codes[1:]


@pytest.mark.parametrize("implicit", [True, False])
def test_encryption(smtp_server, server_tls, client_tls, implicit):
    server = smtp_server(tls=server_tls, implicit=implicit, offers=EVERYTHING)
    opening = smtplib.SMTP_SSL if implicit else smtplib.SMTP
    options = {"context": client_tls} if implicit else {}
    with opening("localhost", server.port, timeout=10, **options) as client:
        if not implicit:
            client.starttls(context=client_tls)
        client.sendmail("s@test", ["p@test"], letter())
        assert isinstance(client.sock, ssl.SSLSocket)
        assert not client.has_extn("starttls")
    assert len(server.accepted) == 1


# As a program


def test_the_program_logs_a_mix_of_faults_that_a_seed_repeats(tmp_path, nasty_process):
    mix = {"lose@dot": 0.2, "451@rcpt": 0.2}
    taken = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        with nasty_process(folder, mix=mix, seed=5) as server:
            for number in range(40):
                with closing(Talk(server.port)) as client:
                    client.say(GREETING)
                    client.codes(2)
                    client.say(group(number))
                    client.codes(3)
            logged = server.drained()
        taken.append(logged)
    assert taken[0] == taken[1]
    assert 20 < len(logged.accepted) < 40
    assert logged.withheld
    assert set(logged.withheld) <= {(one, who) for one, who, _ in logged.accepted}
    assert {sender for _, _, sender in logged.accepted} == {"s@test"}
