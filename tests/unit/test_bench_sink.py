"""The sink of the mail benchmark speaks SMTP: what it counts is what was sent, however the bytes are cut."""

from __future__ import annotations

import importlib.util
import shutil
import smtplib
import socket
import sys
import time
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "bench" / "servers.py"
pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="gcc is not installed; it compiles the sink")

#: Names the message that each of them is: what is handed over, then what the sink must count.
BODIES = {
    "plain": b"Subject: x\r\n\r\nhello\r\n",
    "lone dots": b"a\r\n..\r\n..\r\nb\r\n",
    "dot first": b"..\r\n",
    "dots inside": b"a.\r\n.. .\r\n...b\r\n",
    "returns alone": b"a\r\r\n..\r\r\n\r.\r\n\n..\r\n",
    "almost the end": b"a\r\n..\r\rb\r\n..\n\r\n",
    "nothing": b"",
}


@pytest.fixture(scope="module")
def servers():
    spec = importlib.util.spec_from_file_location("bench_servers", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("sink")


@pytest.fixture
def sink(servers, cache):
    return lambda *options: servers.sink(*options, cache=cache)


def talk(port: int) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", port), timeout=10)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return line


def answers(line: socket.socket, count: int) -> list[bytes]:
    """So many replies, the last line of each."""
    heard = b""
    while True:
        lines = [part for part in heard.split(b"\r\n")[:-1] if part[3:4] == b" "]
        if len(lines) >= count:
            assert len(lines) == count
            return lines
        more = line.recv(65536)
        assert more, f"hung up after {lines}"
        heard += more


def codes(line: socket.socket, count: int) -> list[int]:
    return [int(reply[:3]) for reply in answers(line, count)]


START = b"EHLO me\r\nMAIL FROM:<a@example.eu>\r\nRCPT TO:<b@example.eu>\r\n"
NEXT = START.split(b"\r\n", 1)[1]


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
@pytest.mark.parametrize("piece", [1, 2, 3, 5, 10_000])
def test_the_end_of_a_message_is_seen_across_every_cut(sink, body, piece):
    whole = START + b"DATA\r\n" + body + b".\r\n" + NEXT + b"DATA\r\n" + body + b".\r\nQUIT\r\n"
    with sink() as server, talk(server.port) as line:
        for at in range(0, len(whole), piece):
            line.sendall(whole[at : at + piece])
        assert codes(line, 11) == [220, 250, 250, 250, 354, 250, 250, 250, 354, 250, 221]
        assert line.recv(1) == b""
    assert server.taken | {"cpu": 0} == {"messages": 2, "bytes": 2 * len(body), "connections": 1, "cpu": 0}


def test_the_standard_library_gets_on_with_it(sink):
    text = "\r\n".join([".", "..", "a." * 40, ".end"] * 5000)
    with sink() as server, smtplib.SMTP("127.0.0.1", server.port) as smtp:
        for _ in range(3):
            assert smtp.sendmail("a@example.eu", ["b@example.eu", "c@example.eu"], text) == {}
        assert smtp.noop()[0] == smtp.rset()[0] == 250
        assert smtp.docmd("VRFY x")[0] == 500
    assert server.taken["messages"] == 3
    assert server.taken["bytes"] == 3 * len(text.replace("\r\n.", "\r\n..") + "\r\n.")


@pytest.mark.parametrize("piece", [1, 7, 10_000])
def test_chunks_are_counted_by_their_size_alone(sink, piece):
    first, second = b"a\r\n.\r\nQUIT\r\n", b"b" * 900
    whole = (
        START
        + b"BDAT %d\r\n" % len(first)
        + first
        + b"BDAT %d LAST\r\n" % len(second)
        + second
        + NEXT
        + b"BDAT 0 last\r\nQUIT\r\n"
    )
    with sink("--chunking") as server, talk(server.port) as line:
        for at in range(0, len(whole), piece):
            line.sendall(whole[at : at + piece])
        assert codes(line, 10) == [220, 250, 250, 250, 250, 250, 250, 250, 250, 221]
    assert (server.taken["messages"], server.taken["bytes"]) == (2, len(first) + len(second))


def test_what_comes_out_of_turn_is_refused_and_read_over(sink):
    with sink("--chunking") as server, talk(server.port) as line:
        line.sendall(b"DATA\r\nRCPT TO:<b@example.eu>\r\nBDAT 6 LAST\r\nQUIT\r\nBDAT x\r\n" + b"N" * 9000 + b"\r\n")
        assert codes(line, 6) == [220, 503, 503, 503, 501, 500]
        line.sendall(NEXT + b"MAIL FROM:<c@example.eu>\r\nRSET\r\nDATA\r\nNOOP\r\n")
        assert codes(line, 6) == [250, 250, 503, 250, 503, 250]
    assert server.taken["messages"] == 0


@pytest.mark.parametrize(
    ("options", "offers"),
    [((), {"PIPELINING"}), (("--chunking",), {"PIPELINING", "CHUNKING"}), (("--no-pipelining",), set())],
)
def test_it_offers_what_it_was_told(sink, options, offers):
    with sink(*options) as server, smtplib.SMTP("127.0.0.1", server.port) as smtp:
        smtp.ehlo()
        assert {name for name in ("PIPELINING", "CHUNKING") if smtp.has_extn(name)} == offers


def test_the_delay_is_paid_once_by_commands_that_come_together_and_each_time_by_those_that_wait(sink):
    with sink("--delay-ms", "60") as server, talk(server.port) as line:
        assert codes(line, 1) == [220]
        began = time.monotonic()
        line.sendall(b"NOOP\r\n" * 20)
        assert codes(line, 20) == [250] * 20
        together = time.monotonic() - began
        for _ in range(3):
            line.sendall(b"NOOP\r\n")
            assert codes(line, 1) == [250]
        apart = time.monotonic() - began - together
        line.sendall(NEXT)
        line.sendall(b"QUIT\r\n")
        assert codes(line, 3) == [250, 250, 221]
        assert line.recv(1) == b""
    # Only from below: a busy machine answers later, never sooner. 20 replies one by one would take 1.2 s.
    assert 0.06 <= together < 1.2
    assert apart >= 0.18


def test_it_ends_by_itself_after_so_many(sink):
    with sink("--count", "2") as server:
        with smtplib.SMTP("127.0.0.1", server.port) as smtp:
            for _ in range(2):
                smtp.sendmail("a@example.eu", ["b@example.eu"], "x")
        assert server.process.wait(10) == 0
