"""The public server over real sockets: what it says to bytes of all kinds, and how it ends."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import ExitStack, contextmanager, suppress

import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from dissemination.bootstrap import make_app
from dissemination.errors import StoreError, WrongUseError
from dissemination.settings import WebSection
from dissemination.web.public import app as site_module
from dissemination.web.public import files, serving
from dissemination.web.public.app import make_site
from dissemination.web.public.serving import PublicServer

HOST = "news.test.example"
#: An address of the server's own, so that its limits are known.
WEB = WebSection(per_minute=0, posts_per_minute=0)


def request(path="/en/", method="GET", *lines):
    return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {HOST}", *lines, "", ""]).encode("latin-1")


@pytest.fixture(scope="module")
def project(tmp_path_factory, folders):
    """An opened project with one published page."""
    root = folders.write_project(tmp_path_factory.mktemp("project"))
    page = root / "feeds" / "en" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text("<p>Words</p>")
    app = make_app(root)
    yield app
    app.close()


@pytest.fixture
def slow():
    """What a slow route waits for, and what it says when it is asked."""
    return Slow()


class Slow:
    def __init__(self) -> None:
        self.asked, self.go_on = threading.Event(), threading.Event()

    def routes(self, _, **__):
        def waiting(request):
            self.asked.set()
            self.go_on.wait(30)
            return PlainTextResponse("done")

        async def takes(request):
            return PlainTextResponse(str(len(await request.body())))

        return [Route("/slow", waiting), Route("/takes", takes, methods=["POST"])]


@pytest.fixture
def server(project, slow, monkeypatch):
    """The site on a free port of this machine."""
    monkeypatch.setattr(site_module.people, "routes", slow.routes)
    made = PublicServer(make_site(project, WEB))
    made.start()
    yield made
    slow.go_on.set()
    made.stop()


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


@contextmanager
def connected(port):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        yield line


def test_a_page_is_served_with_http_1_1_and_a_connection_serves_many(server, asgi):
    with connected(server.port) as line:
        for _ in range(3):
            line.sendall(request())
            answer = asgi.heard(line)
            assert status(answer) == 200
            assert answer.endswith(b"<p>Words</p>")
    assert b"\r\ndate: " in answer
    assert b"\r\nserver: " not in answer


def test_pipelined_requests_are_answered_in_order(server):
    with connected(server.port) as line:
        line.sendall(request() + request("/nothing") + request("/en/", "GET", "Connection: close"))
        got = b""
        while more := line.recv(65_536):
            got += more
    assert [part[:3] for part in got.split(b"HTTP/1.1 ")[1:]] == [b"200", b"404", b"200"]


def test_a_conditional_request_and_head_over_the_wire(server, asgi):
    answer = asgi.talk(server.port, request())
    tag = next(part[6:] for part in answer.split(b"\r\n") if part.startswith(b"etag: ")).decode()
    with connected(server.port) as line:
        line.sendall(request("/en/", "GET", f"If-None-Match: {tag}"))
        again = line.recv(65_536)
        line.sendall(request("/en/", "HEAD"))
        head = line.recv(65_536)
    assert status(again) == 304
    assert again.endswith(b"\r\n\r\n")
    assert status(head) == 200
    assert b"content-length: 12" in head
    assert head.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"\x00\x01\x02\x03\r\n\r\n", {400}),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS greeting \r\n\r\n", {400}),
        (b"GET\r\n\r\n", {400}),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {0, 400}),
        (b"GET /en/ HTTP/1.1\r\n\r\n", {400}),
        (b"GET /en/ HTTP/1.0\r\nHost: news.test.example\r\n\r\n", {200}),
        (b"GET http://evil.example/en/ HTTP/1.1\r\nHost: news.test.example\r\n\r\n", {200}),
        (b"OPTIONS * HTTP/1.1\r\nHost: news.test.example\r\n\r\n", {400, 404}),
        (b"CONNECT evil.example:443 HTTP/1.1\r\nHost: news.test.example\r\n\r\n", {400, 405}),
        (b"TRACE /en/ HTTP/1.1\r\nHost: news.test.example\r\n\r\n", {405}),
        (b"GET /en/ HTTP/1.1\r\nHost: news.test.example\r\nHost: evil.example\r\n\r\n", {400}),
        (b"GET /en/ HTTP/1.1\r\nHost : news.test.example\r\n\r\n", {400}),
        (b"GET /../settings.yaml HTTP/1.1\r\nHost: news.test.example\r\n\r\n", {404}),
        (b"GET /%2e%2e/settings.yaml HTTP/1.1\r\nHost: news.test.example\r\n\r\n", {404}),
        (b"GET /..%2fsettings.yaml HTTP/1.1\r\nHost: news.test.example\r\n\r\n", {404}),
        (b"GET /en%00/ HTTP/1.1\r\nHost: news.test.example\r\n\r\n", {404}),
        (b"GET /%ff%fe HTTP/1.1\r\nHost: news.test.example\r\n\r\n", {404}),
        (b"GET //evil.example/%2e%2e HTTP/1.1\r\nHost: news.test.example\r\n\r\n", {404}),
        (request("/takes", "POST", "Content-Length: -5"), {400}),
        (request("/takes", "POST", "Content-Length: 5", "Content-Length: 6") + b"hello", {400}),
        (request("/takes", "POST", "Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n", {400}),
        (b"POST /takes HTTP/1.1\r\nHost: news.test.example\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", {400, 0}),
        (
            b"GET /en/ HTTP/1.1\r\nHost: news.test.example\r\n"
            + b"".join(b"X-%d: y\r\n" % n for n in range(500))
            + b"\r\n",
            {400},
        ),
        (
            b"GET /en/ HTTP/1.1\r\nHost: news.test.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            {200, 400},
        ),
    ],
    ids=range(24),
)
def test_bytes_of_all_kinds_are_answered_and_the_server_goes_on(server, asgi, raw, expected):
    answer = asgi.talk(server.port, raw)
    assert status(answer) in expected, answer
    assert b"Traceback" not in answer
    assert b"evil" not in answer
    assert status(asgi.talk(server.port, request())) == 200


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "chunked"])
def test_hostile_12_a_body_of_3_megabytes_is_answered_413(server, declared):
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    body = b"x" * 3_000_000
    headers = {"Host": HOST} if declared else {"Host": HOST, "Transfer-Encoding": "chunked"}
    line.request(
        "POST", "/takes", body=body if declared else iter([body]), headers=headers, encode_chunked=not declared
    )
    assert line.getresponse().status == 413
    line.close()


def test_hostile_12_a_body_within_the_limit_is_taken_over_the_wire(server, asgi):
    answer = asgi.talk(server.port, request("/takes", "POST", "Content-Length: 5") + b"hello")
    assert answer.endswith(b"\r\n\r\n5")
    chunked = b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
    assert asgi.talk(server.port, request("/takes", "POST", "Transfer-Encoding: chunked") + chunked).endswith(
        b"\r\n\r\n5"
    )


# Slow and half-open connections


@pytest.fixture
def impatient(monkeypatch):
    """Times that a test can wait for."""
    monkeypatch.setattr(serving, "ARRIVE", 1.0)
    monkeypatch.setattr(serving, "LEAVE", 2.0)


def ended(line, seconds=10) -> float:
    """Seconds until the other side has closed."""
    began = time.monotonic()
    line.settimeout(seconds)
    with suppress(ConnectionResetError):
        while line.recv(65_536):
            pass
    return time.monotonic() - began


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET /en/ HT",
        request()[:-2],
        request("/takes", "POST", "Content-Length: 100"),
        request("/takes", "POST", "Content-Length: 100") + b"x",
        request("/takes", "POST", "Transfer-Encoding: chunked") + b"5\r\nhel",
    ],
    ids=["nothing", "line", "headers", "no body", "half a body", "half a chunk"],
)
def test_half_open_connections_are_ended(impatient, server, begun):
    with connected(server.port) as line:
        line.sendall(begun)
        assert ended(line) < 8


def test_a_second_request_that_is_half_open_is_ended_too(impatient, server, asgi):
    with connected(server.port) as line:
        line.sendall(request())
        asgi.heard(line)
        line.sendall(b"GET /en/ HT")
        assert ended(line) < 8


def test_who_drips_byte_by_byte_is_ended_too(impatient, server):
    """Progress is no excuse: the whole request has one limit."""
    with connected(server.port) as line:
        moment, end = threading.Event(), time.monotonic() + 10
        line.sendall(b"GET /en/ HTTP/1.1\r\nX-Slow: ")
        with suppress(BrokenPipeError, ConnectionResetError):
            while time.monotonic() < end:
                line.sendall(b"x")
                moment.wait(0.05)
        assert time.monotonic() < end


def test_who_does_not_take_the_answer_is_ended(impatient, server, project, monkeypatch):
    (project.parts.project.root / "feeds" / "big.txt").write_bytes(os.urandom(1_900_000))
    server._server.config.loaded_app.state.files.refresh()
    with connected(server.port) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        line.sendall(request("/big.txt") * 20)
        end, moment = time.monotonic() + 15, threading.Event()
        while server._server.server_state.connections and time.monotonic() < end:
            moment.wait(0.05)
        assert not server._server.server_state.connections


def test_hostile_plus_400_half_open_sockets_keep_nobody_out_and_go(impatient, server, asgi):
    with ExitStack() as stack:
        lines = [stack.enter_context(connected(server.port)) for _ in range(400)]
        for line in lines:
            line.sendall(b"GET /en/ HTTP/1.1\r\nHost: ")
        assert status(asgi.talk(server.port, request())) == 200
        assert max(ended(line) for line in lines) < 10
    assert status(asgi.talk(server.port, request())) == 200


def test_a_slow_answer_within_the_limit_is_not_ended(impatient, server, slow, asgi, monkeypatch):
    monkeypatch.setattr(serving, "LEAVE", 30.0)
    threading.Timer(2.5, slow.go_on.set).start()
    assert asgi.talk(server.port, request("/slow"), seconds=20).endswith(b"done")


# The end


def test_it_ends_at_once_when_connections_are_idle(server, asgi):
    with connected(server.port) as idle:
        idle.sendall(request())
        asgi.heard(idle)
        before = time.monotonic()
        assert server.stop()
        assert time.monotonic() - before < 2
    with pytest.raises(ConnectionRefusedError):
        asgi.talk(server.port, request())


def test_hostile_plus_it_ends_within_five_seconds_whatever_is_open(server, slow):
    with ExitStack() as stack:
        lines = [stack.enter_context(connected(server.port)) for _ in range(20)]
        lines[0].sendall(request("/slow"))
        assert slow.asked.wait(10)
        for line in lines[1:10]:
            line.sendall(request("/takes", "POST", "Content-Length: 100") + b"x")
        for line in lines[10:15]:
            line.sendall(b"GET /en/ HT")
        before = time.monotonic()
        assert server.stop()
        assert time.monotonic() - before < 5


def test_what_is_being_answered_is_answered_before_the_end(server, slow):
    with connected(server.port) as line:
        line.sendall(request("/slow"))
        assert slow.asked.wait(10)
        server.leave()
        slow.go_on.set()
        got = b""
        while more := line.recv(65_536):
            got += more
    assert got.endswith(b"done")
    assert server.stop()


def test_a_port_that_another_program_has_is_a_clear_error(server):
    with pytest.raises(WrongUseError, match=rf"port {server.port} .*web.port"):
        PublicServer(None, port=server.port)


def test_ipv6_is_listened_on_where_the_machine_has_it(project, asgi):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    made = PublicServer(make_site(project, WEB), host="::1")
    assert made.address == f"http://[::1]:{made.port}/"
    made.start()
    with socket.create_connection(("::1", made.port), timeout=10) as line:
        line.sendall(b"GET /en/ HTTP/1.1\r\nHost: [::1]\r\n\r\n")
        assert status(asgi.heard(line)) == 200
    assert made.stop()


def test_hostile_09_a_locked_database_is_answered_503_and_the_hook_is_not_lost(project, monkeypatch, asgi):
    """The provider posts again: that is its duty where it is not told 200."""
    monkeypatch.setenv("DISSEMINATION_HOOK_POSTMARK", "x" * 32)

    def locked(self, *_):
        raise sqlite_locked()

    monkeypatch.setattr("dissemination.app.App.returned", locked)
    made = PublicServer(make_site(project, WEB))
    made.start()
    answer = asgi.talk(made.port, request("/hooks/postmark", "POST", "Content-Length: 2") + b"{}")
    assert status(answer) == 503
    assert b"\r\nretry-after: 60\r\n" in answer
    assert made.stop()


def sqlite_locked():
    return StoreError(f"database: {sqlite3.OperationalError('database is locked')}; nothing of this step was kept")


# What was published is seen


def test_what_another_process_writes_is_seen_within_moments(server, project, asgi, monkeypatch):
    monkeypatch.setattr(files, "PAUSE", 0.05)
    (project.parts.project.root / "feeds" / "new.html").write_text("<p>Others</p>")
    end, moment = time.monotonic() + 10, threading.Event()
    while status(asgi.talk(server.port, request("/new.html"))) == 404 and time.monotonic() < end:
        moment.wait(0.05)
    assert asgi.talk(server.port, request("/new.html")).endswith(b"<p>Others</p>")


# Commands


@pytest.fixture
def command():
    """Starts `disseminate WORDS` in a folder; ended with the test."""
    started = []

    def start(root, *words):
        process = subprocess.Popen(
            [sys.executable, "-m", "dissemination", *words],
            cwd=root,
            env=os.environ | {"COLUMNS": "200"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def told(process) -> dict:
    """The line that tells where it listens."""
    for line in process.stdout:
        if line.startswith('{"listening"'):
            return json.loads(line)
    raise AssertionError(process.stderr.read())


def fetch(address: str) -> str:
    with urllib.request.urlopen(address, timeout=20) as answer:
        return answer.read().decode()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_tells_its_addresses_and_ends_with_0(project, command, number):
    feed = project.parts.project.root / "feeds" / "ro" / "social" / "atom.xml"
    feed.parent.mkdir(parents=True, exist_ok=True)
    feed.write_text("<feed/>")
    process = command(project.parts.project.root, "serve", "--port", "0", "--json")
    facts = told(process)
    assert fetch(f"{facts['listening']}en/") == "<p>Words</p>"
    assert facts["addresses"][0] == "https://news.test.example/"
    assert "https://news.test.example/ro/social/atom.xml" in facts["addresses"]
    assert not [one for one in facts["addresses"] if "signup" in one or "/feeds/" in one]  # neither is there
    assert not [one for one in facts["addresses"] if "/en/" in one]  # nothing of this language is out yet
    with connected(int(facts["listening"].rpartition(":")[2].strip("/"))) as half:
        half.sendall(b"GET /en/ HT")
        before = time.monotonic()
        process.send_signal(number)
        assert process.wait(10) == 0
        assert time.monotonic() - before < 5
    out, errors = process.communicate()
    assert "127.0.0.1" not in out + errors


def test_serve_on_a_port_that_is_taken_exits_with_2(project, command, server):
    process = command(project.parts.project.root, "serve", "--port", str(server.port))
    assert process.wait(30) == 2
    assert "web.port" in process.stderr.read()


def test_run_serves_beside_publishing_and_shows_what_it_publishes(tmp_path, folders, command):
    folders.write_project(tmp_path, web={"serve": True, "port": 0})
    process = command(tmp_path, "run", "--json")
    facts = told(process)
    folders.write_item(tmp_path, channels={"newsletter": "none", "x": "off", "mastodon": "off"})
    folders.approve_all(tmp_path)
    assert json.loads(process.stdout.readline())["feeds"]
    assert "Title of first" in fetch(f"{facts['listening']}en/social/atom.xml")
    before = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0
    assert time.monotonic() - before < 6


def test_demo_serves_what_it_made(tmp_path, command):
    process = command(tmp_path, "demo", "--serve", "--json", "--out", "made")
    facts = told(process)
    root = facts["listening"]
    assert facts["addresses"][:3] == [root, f"{root}signup/", f"{root}feeds/"]
    for address in facts["addresses"]:
        assert "MICROFUTURE" in fetch(address)
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0
