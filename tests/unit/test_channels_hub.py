"""The hub's adapter: one form-encoded POST, and what each answer means."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import parse_qs

import httpx
import pytest

from dissemination.channels import guard
from dissemination.channels.hub import WebSubHub
from dissemination.errors import NeedsLoginError, RejectedError, UnavailableError
from dissemination.ports import Hub
from dissemination.testing import FixedClock
from dissemination.testing.loopback import FAULTS, Answer, Fault, Loopback

TOPIC = "http://127.0.0.1:9/en/tags/r%C3%A9gion/atom.xml?a=1&b=2"


class Deaf(Loopback):
    """Keeps what it is asked, and says yes."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def answer(self, asked):
        self.asked.append(asked)
        return Answer(status=204)


@pytest.fixture
def server():
    with Deaf() as made:
        yield made


@pytest.fixture
def hub(server):
    made: Hub = WebSubHub(f"{server.address}/hub?key=1", FixedClock().now, connect=1, read=0.3)
    yield made
    made.close()


def refused(hub, error):
    with pytest.raises(error) as raised:
        hub.tell(TOPIC)
    assert type(raised.value) is error
    return raised.value


def test_the_ping_is_a_form_with_the_feed_under_both_names(hub, server):
    hub.tell(TOPIC)
    (asked,) = server.asked
    assert (asked.method, asked.target) == ("POST", "/hub?key=1")
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    form = parse_qs(asked.body.decode(), strict_parsing=True)
    assert form == {"hub.mode": ["publish"], "hub.url": [TOPIC], "hub.topic": [TOPIC]}


@pytest.mark.parametrize("status", [200, 202, 204])
def test_a_success_is_one_whatever_it_says(hub, server, status):
    server.program("POST /hub", Fault(stored=True, status=status, body=b"" if status == 204 else b"\xff<<"))
    hub.tell(TOPIC)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 401, 404, 405, 410])
def test_an_address_where_nobody_takes_pings(hub, server, status):
    elsewhere = {"Location": f"{server.address}/elsewhere"}
    server.program("POST /hub", Fault(status=status, body=b"", headers=elsewhere))
    error = refused(hub, NeedsLoginError)
    assert str(status) in str(error)
    assert "websub.hub" in str(error)
    assert server.requests == ["POST /hub"], "no redirect is followed"


@pytest.mark.parametrize("status", [400, 402, 403, 409, 413, 415, 422, 451, 499])
def test_a_feed_that_it_does_not_take(hub, server, status):
    server.program("POST /hub", Fault(status=status, body=b'{"error": "not yours"}'))
    assert f"{status} (not yours)" in str(refused(hub, RejectedError))


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_later(hub, server, status):
    server.program("POST /hub", Fault(status=status, body=b""))
    assert refused(hub, UnavailableError).retry_at is None


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("said", "wait"),
    [
        ("120", timedelta(seconds=120)),
        ("864000", timedelta(days=1)),
        ("Mon, 16 Nov 2026 09:10:00 GMT", timedelta(minutes=10)),
        ("-5", timedelta()),
    ],
)
def test_when_it_says_when(hub, server, status, said, wait):
    server.program("POST /hub", Fault(status=status, body=b"", headers={"Retry_After": said}))
    assert refused(hub, UnavailableError).retry_at == FixedClock().now() + wait


@pytest.mark.parametrize("fault", ["reset before", "reset after", "timeout before", "timeout after"])
def test_no_answer_is_to_be_repeated(hub, server, fault):
    server.program("POST /hub", FAULTS[fault])
    assert "look at the account" not in str(refused(hub, UnavailableError))


def test_a_refused_connection(hub, server):
    with server.closed():
        refused(hub, UnavailableError)
    hub.tell(TOPIC)


def test_an_answer_that_drips_has_an_end(hub, server):
    server.program("POST /hub", Fault(stored=True, status=200, body=b"x" * 400, drips=True))
    refused(hub, UnavailableError)


@contextmanager
def speaking(words):
    """A listener that says these bytes to whoever comes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def speak():
            line, _ = listener.accept()
            with line:
                line.recv(65_536)
                line.sendall(words)

        thread = threading.Thread(target=speak)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        thread.join(10)


@pytest.mark.parametrize(
    "words", [b"\x00\xff\r\n\r\n", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"]
)
def test_what_is_no_whole_answer(words):
    with speaking(words) as address:
        refused(WebSubHub(address, FixedClock().now, read=5), UnavailableError)


@pytest.mark.parametrize("host", ["10.0.0.1", "192.168.1.1", "169.254.169.254", "[fd00::1]", "[::ffff:10.0.0.1]"])
def test_a_hub_inside_is_not_asked_unless_settings_say_so(host):
    error = refused(WebSubHub(f"https://{host}/", FixedClock().now), NeedsLoginError)
    assert "websub.allow_private: true" in str(error)


def test_a_name_that_leads_inside_is_not_asked_either(monkeypatch):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.1.2.3", 443))]
    monkeypatch.setattr(guard.socket, "getaddrinfo", lambda *_, **__: found)
    refused(WebSubHub("https://hub.example/", FixedClock().now), NeedsLoginError)


def test_one_inside_is_asked_where_settings_say_so(monkeypatch, server):
    port = int(server.address.rpartition(":")[2])
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
    monkeypatch.setattr(guard.socket, "getaddrinfo", lambda *_, **__: found)
    address = f"http://hub.office.example:{port}/"
    refused(WebSubHub(address, FixedClock().now), NeedsLoginError)
    WebSubHub(address, FixedClock().now, allow_private=True).tell(TOPIC)
    assert server.asked[0].headers["host"] == f"hub.office.example:{port}"


def test_making_it_touches_no_network(monkeypatch):
    monkeypatch.setattr(httpx, "Client", lambda **_: pytest.fail("nobody asked"))
    WebSubHub("https://hub.example/", FixedClock().now).close()
