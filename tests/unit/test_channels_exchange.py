"""The common exchange, its guard and its discretion."""

import ipaddress
import socket
from datetime import UTC, datetime

import httpx
import pytest

from dissemination.channels.exchange import Exchange, Refusal
from dissemination.channels.guard import Discreet, Guarded, InsideError, hidden, is_public, outward, resolve
from dissemination.channels.hooks import headers_for, keys_of, message_id
from dissemination.errors import InDoubtError, NeedsLoginError, UnavailableError
from dissemination.testing import FixedClock
from dissemination.testing.loopback import Answer, Fault, Loopback


class Echo(Loopback):
    def answer(self, asked):
        return Answer.of({"target": asked.target, "host": asked.headers["host"]})


@pytest.fixture
def server():
    with Echo() as server:
        yield server


@pytest.fixture
def make_exchange():
    made = []

    def make(**options):
        made.append(Exchange("post", "the office", options.pop("refusals", ()), FixedClock().now, **options))
        return made[-1]

    yield make
    for exchange in made:
        exchange.close()


def test_making_reads_no_certificates_and_closing_makes_no_client(monkeypatch, make_exchange):
    monkeypatch.setattr(httpx, "Client", lambda **_: pytest.fail("made too early"))
    make_exchange().close()


def test_after_closing_it_opens_again(make_exchange, server):
    exchange = make_exchange()
    for _ in range(2):
        assert exchange("GET", f"{server.address}/a", changes=False).status == 200
        exchange.close()


def test_an_answer_that_drips_is_not_waited_for_though_our_clock_stands(make_exchange, server):
    server.program("GET /a", Fault(stored=True, drips=True))
    with pytest.raises(UnavailableError, match="no whole answer"):
        make_exchange(read=0.2)("GET", f"{server.address}/a", changes=False)


@pytest.mark.parametrize("url", ["http://[broken", "nonsense", "ftp://example.org/", "https://", ""])
def test_what_is_no_address(url, make_exchange):
    with pytest.raises(UnavailableError, match="cannot reach"):
        make_exchange()("POST", url, changes=True)


def test_a_proxy_that_refuses_had_nothing_to_hand_on(make_exchange, server, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", server.address)  # it answers CONNECT with 501
    with pytest.raises(UnavailableError, match="cannot reach the office"):
        make_exchange()("POST", "https://office.example/a", changes=True)


# Discretion and the way out


def test_nobody_sees_where_it_really_goes(make_exchange, server):
    exchange = make_exchange(transport=lambda: Discreet(httpx.HTTPTransport()))
    reply = exchange("GET", f"{server.address}/", changes=False, extensions=hidden(f"{server.address}/secret?x=1"))
    assert reply.json() == {"target": "/secret?x=1", "host": server.address.removeprefix("http://")}


def test_what_is_hidden_stays_out_of_the_request_inside_too():
    seen = []

    def inside(request):
        seen.append((str(request.url), sorted(request.extensions)))
        return httpx.Response(204)

    request = httpx.Request(
        "GET", "https://a.example/", extensions={**hidden("https://a.example/x"), "timeout": {}}
    )
    Discreet(httpx.MockTransport(inside)).handle_request(request)
    assert seen == [("https://a.example/x", ["timeout"])]
    assert str(request.url) == "https://a.example/"


@pytest.mark.parametrize(
    ("environ", "base", "proxied"),
    [
        ({}, "https://api.telegram.org", False),
        ({"HTTPS_PROXY": "http://proxy.example:3128"}, "https://api.telegram.org", True),
        ({"HTTPS_PROXY": "proxy.example:3128"}, "https://api.telegram.org", True),
        ({"ALL_PROXY": "http://proxy.example:3128"}, "https://api.telegram.org", True),
        (
            {"HTTPS_PROXY": "http://proxy.example:3128", "NO_PROXY": "telegram.org"},
            "https://api.telegram.org",
            False,
        ),
        ({"HTTP_PROXY": "http://proxy.example:3128"}, "http://127.0.0.1:8000", False),
    ],
)
def test_the_environments_proxies_are_kept_to(environ, base, proxied, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    seen = []
    monkeypatch.setattr(httpx, "HTTPTransport", lambda **options: seen.append(options.get("proxy")))
    outward(base)
    assert seen == ["http://proxy.example:3128" if proxied else None]


# The guard


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f.1", "0177.0.0.1", "localhost", "::ffff:7f00:1"])
def test_every_notation_of_this_machine(host):
    with pytest.raises(InsideError):
        resolve(host, 443, inside=False)
    assert resolve(host, 443, inside=True)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        *((one, True) for one in ("93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34")),
        *((one, False) for one in ("168.63.129.16", "::ffff:168.63.129.16", "169.254.169.254", "100.64.0.1")),
    ],
)
def test_which_machines_are_public(address, public):
    assert is_public(ipaddress.ip_address(address)) is public


def test_the_guard_says_what_to_do(make_exchange, server):
    exchange = make_exchange(transport=lambda: Guarded("post", inside=False, remedy="say so"))
    with pytest.raises(NeedsLoginError, match=r"^post: 127\.0\.0\.1 leads to a machine inside.*say so$"):
        exchange("POST", f"{server.address}/a", changes=True)
    assert server.requests == []


def test_the_guard_keeps_the_name(make_exchange, server, monkeypatch):
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *a, **k: real("127.0.0.1", *a, **k))
    exchange = make_exchange(transport=lambda: Guarded("post", inside=True, remedy=""))
    url = server.address.replace("127.0.0.1", "office.example")
    assert exchange("GET", f"{url}/a", changes=False).json()["host"] == url.removeprefix("http://")


def test_the_guard_sends_once_where_the_first_address_took_it(make_exchange, server, monkeypatch):
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *a, **k: real("127.0.0.1", *a, **k) + real("127.0.0.2", *a, **k)
    )
    server.program("POST /a", Fault(stored=True, cut=True))
    exchange = make_exchange(transport=lambda: Guarded("post", inside=True, remedy=""))
    with pytest.raises(InDoubtError):
        exchange("POST", f"{server.address}/a", changes=True)
    assert server.requests == ["POST /a"]


def test_a_table_of_refusals_is_kept_to(make_exchange, server):
    server.program("POST /a", Fault(status=418, body=b'{"error": "teapot"}'))
    refusals = (Refusal(status=418, fragment="teapot", error=NeedsLoginError, advice="buy coffee"),)
    with pytest.raises(NeedsLoginError, match=r"post: the office answered 418 \(teapot\); buy coffee"):
        make_exchange(refusals=refusals)("POST", f"{server.address}/a", changes=True)


# Signatures


def test_the_specifications_own_example():
    """https://github.com/standard-webhooks/standard-webhooks: the vector of its libraries' tests."""
    [key] = keys_of("webhook", "WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    moment = datetime.fromtimestamp(1614265330, UTC)
    headers = headers_for(b'{"test": 2432232314}', "msg_p5jXN8AQM9LWM0D4loKWxJek", moment, [key])
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_an_id_has_no_dots_and_is_the_same_for_the_same():
    assert message_id(b"item.with.dots:webhook:1") == message_id(b"item.with.dots:webhook:1")
    assert message_id(b"a") != message_id(b"b")
    assert "." not in message_id(b"item.with.dots:webhook:1")


def test_numbers_of_ipv6_are_called_as_well(make_exchange):
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    with socket.socket(socket.AF_INET6) as listener:
        try:
            listener.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6 loopback")
        port = listener.getsockname()[1]
        listener.listen()
        listener.settimeout(5)
        exchange = make_exchange(read=0.2, transport=lambda: Guarded("post", inside=True, remedy=""))
        with pytest.raises(InDoubtError):
            exchange("POST", f"http://[::1]:{port}/a", changes=True)
        taken, _ = listener.accept()
        with taken:
            assert f"host: [::1]:{port}" in taken.recv(4000).decode().lower()


@pytest.mark.parametrize("secret", ["whsec_aGVs*bG8=", "whsec_abc", "whsec_aGVsbG8= whsec_*"])
def test_a_secret_that_is_half_copied_is_refused_and_not_told(secret):
    with pytest.raises(NeedsLoginError, match=r"^webhook: WEBHOOK_SECRET is not base64") as caught:
        keys_of("webhook", "WEBHOOK_SECRET", secret)
    assert secret not in str(caught.value)
    assert caught.value.__cause__ is None
