"""The gate: 200 lets through, everything else is told; machines inside are not asked."""

import ipaddress
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dissemination.channels.gate import HttpGate
from dissemination.channels.guard import is_public
from dissemination.ports import Gate


@contextmanager
def web(answers):
    """A server on loopback: path -> (status, headers) or an event to wait for. Yields its address and its log."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append((self.path, dict(self.headers)))
            answer = answers.get(self.path, (404, {}))
            if isinstance(answer, threading.Event):
                answer.wait(20)
                return
            self.send_response(answer[0])
            for name, value in answer[1].items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", seen
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def names(monkeypatch):
    """What names lead to: names["a.test"] = ["127.0.0.1"]; the real look-up answers for numbers alone."""
    real = socket.getaddrinfo
    table = {}

    def look_up(host, port, *args, **kwargs):
        if host not in table:
            return real(host, port, *args, flags=socket.AI_NUMERICHOST, **kwargs)
        answer = table[host]
        answer = answer.pop(0) if isinstance(answer[0], list) else answer
        return [entry for one in answer for entry in real(one, port, *args, **kwargs)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return table


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (200, ""),
        (204, "204 No Content"),
        (304, "304 Not Modified"),
        (401, "401 Unauthorized"),
        (404, "404 Not Found"),
        (500, "500 Internal Server Error"),
        (599, "599"),
    ],
)
def test_what_it_answered(status, answer):
    with web({"/page/": (status, {})}) as (address, _):
        gate: Gate = HttpGate(address)
        assert gate.live(f"{address}/page/") == answer


def test_held_and_then_let_go():
    answers = {}
    with web(answers) as (address, _):
        gate = HttpGate(address)
        assert gate.live(f"{address}/item/") == "404 Not Found"
        answers["/item/"] = (200, {})
        assert gate.live(f"{address}/item/") == ""


def test_an_endless_body_is_not_read():
    with web({"/": (200, {"Content-Length": str(10**12), "Content-Encoding": "gzip"})}) as (address, _):
        assert HttpGate(address).live(f"{address}/") == ""


def test_redirects_are_followed_three_times():
    hops = {f"/{n}": (302, {"Location": f"/{n + 1}"}) for n in range(9)} | {"/9": (200, {})}
    with web(hops) as (address, seen):
        gate = HttpGate(address)
        assert gate.live(f"{address}/6") == ""
        assert gate.live(f"{address}/5") == "more than 3 redirects"
        assert [path for path, _ in seen] == ["/6", "/7", "/8", "/9", "/5", "/6", "/7", "/8"]


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        ("http://169.254.169.254/latest/meta-data/", "inside"),
        ("http://localhost.test/", "inside"),
        ("http://[::1]/", "inside"),
        ("http://127.1/", "inside"),
        ("ftp://example.org/", "not a plain"),
        ("file:///etc/passwd", "not a plain"),
        ("http://user:pw@example.org/", "not a plain"),
        ("http://example.org:6379/", "port 6379"),
        ("//169.254.169.254/", "inside"),
    ],
)
def test_redirects_are_checked_again(names, target, answer):
    names["localhost.test"] = ["127.0.0.2"]
    with web({"/": (302, {"Location": target})}) as (address, _):
        assert answer in HttpGate(address).live(f"{address}/")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.2", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "10.0.0.1", "192.168.1.1", "172.16.0.1",
        "0.0.0.0", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
        "[fe80::1]", "[fc00::1]", "[fec0::1]", "[::127.0.0.1]", "①②⑦.0.0.1",
    ],
)  # fmt: skip
def test_machines_inside_are_not_asked(names, host):
    answer = HttpGate("https://news.example.eu").live(f"http://{host}/")
    assert "inside" in answer or "cannot be reached" in answer
    assert answer


@pytest.mark.parametrize(
    "url",
    [
        "",
        "news",
        "http://",
        "https:///x",
        "http://exa mple.org/",
        "http://[::1",
        "http://x:99999/",
        f"http://{'a' * 300}",
    ],
)
def test_strange_addresses_are_told_not_raised(names, url):
    assert HttpGate("https://news.example.eu").live(url)


def test_one_inside_address_among_public_ones_is_enough(names):
    names["mixed.test"] = ["93.184.215.14", "10.0.0.1"]
    assert "inside" in HttpGate("https://news.example.eu").live("http://mixed.test/")


def test_the_address_that_was_checked_is_the_one_that_is_called(names):
    """A name that leads elsewhere at the second look-up (DNS rebinding) is looked up once."""
    with web({"/": (200, {})}) as (address, seen):
        port = address.rpartition(":")[2]
        names["news.test"] = [["127.0.0.1"], ["10.255.255.1"]]
        assert HttpGate("http://news.test").live(f"http://news.test:{port}/") == ""
        assert seen[0][1]["Host"] == f"news.test:{port}"


def test_our_own_host_alone_may_be_this_machine(names):
    with web({"/": (200, {})}) as (address, seen):
        assert "port" in HttpGate("https://news.example.eu").live(f"{address}/")
        assert not seen


def test_nobody_answers():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    assert HttpGate(address).live(f"{address}/").startswith("cannot be reached")


def test_a_name_that_does_not_exist(names):
    assert HttpGate("https://news.example.eu").live("https://no-such-name.test/").startswith("cannot be reached")


def test_waiting_has_an_end():
    forever = threading.Event()
    with web({"/": forever}) as (address, _):
        assert HttpGate(address, seconds=0.2).live(f"{address}/")
        forever.set()


def test_no_proxy_and_no_cookies(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    hops = {"/": (302, {"Location": "/in", "Set-Cookie": "a=b"}), "/in": (200, {})}
    with web(hops) as (address, seen):
        assert HttpGate(address).live(f"{address}/") == ""
        assert "Cookie" not in seen[1][1]


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("::ffff:93.184.215.14", True),
        ("::ffff:10.0.0.1", False),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("100.64.0.1", False),
        ("192.0.0.8", False),
        ("192.0.2.1", False),
        ("198.18.0.1", False),
        ("224.0.0.1", False),
        ("239.1.1.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("::127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b:1::1", False),
        ("2001::1", False),
        ("2001:db8::1", False),
        ("2002:7f00:1::", False),
        ("fe80::1", False),
        ("fec0::1", False),
        ("fc00::1", False),
        ("ff02::1", False),
    ],
)
def test_which_addresses_are_public(address, public):
    assert is_public(ipaddress.ip_address(address)) is public
