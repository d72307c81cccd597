"""What a request costs the public server, beside nginx that serves the same file, in turn in one run.

    python bench/bench_web.py [--seconds 2] [--pairs 5] [--json]

One feed of some 50 KB. CPU is what the server's process used, user and system, by the requests that it answered;
nginx is Debian's, with one worker, `gzip_static` and a tag. Medians of the pairs. One-click POSTs name a different
subscriber each; nginx has nothing like it.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import yaml
from bench_check import machine
from servers import CACHE, free_port

from dissemination.bootstrap import opened
from dissemination.files import shipped
from dissemination.model import Subscriber

CONNECTIONS = 32
#: Our CPU for one request by nginx's: no more than this.
GOALS = {"304": 8.0, "200 gzip": 6.0}
TICKS = os.sysconf("SC_CLK_TCK")
PATH = "/en/social/atom.xml"
ENTRY = """<entry><id>urn:uuid:6f1d9c1e-94f5-4f0e-8f5c-{number:012}</id><title>News {number}</title>
<updated>2026-11-{day:02}T09:00:00Z</updated><link href="https://news.example/en/news/{number}/"/>
<content type="html">{text}</content></entry>
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """One run of one kind of request at one server."""

    requests: int
    seconds: float
    cpu: float

    @property
    def micros(self) -> float:
        """CPU of one request, in millionths of a second."""
        return self.cpu / self.requests * 1e6


def main() -> None:
    told = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    told.add_argument("--seconds", type=float, default=2.0)
    told.add_argument("--pairs", type=int, default=5)
    told.add_argument("--people", type=int, default=4_000)
    told.add_argument("--json", action="store_true")
    asked = told.parse_args()
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        ours = free_port()
        tokens = lay_out(root, ours, asked.people)
        with nginx(root) as theirs, served(root, ours) as process:
            found = compare(asked.seconds, asked.pairs, (process.pid, ours), theirs)
            clicks = one_click(process.pid, ours, tokens)
    report(found, clicks, as_json=asked.json)


def lay_out(root: Path, port: int, people: int) -> Sequence[str]:
    """A project with one feed and subscribers; their tokens."""
    settings = yaml.safe_load(shipped("settings.yaml").read_text("utf-8"))
    settings["project"]["public_url"] = f"http://127.0.0.1:{port}"
    settings["channels"] = {"feed": {}}
    settings["news"].pop("channels")
    settings["web"] = {"port": port, "per_minute": 0, "posts_per_minute": 0}
    shutil.copytree(shipped("news") / "_assets", root / "news" / "_assets")
    (root / "settings.yaml").write_text(yaml.safe_dump(settings, allow_unicode=True, sort_keys=False), "utf-8")
    feed = root / "feeds" / PATH.removeprefix("/")
    feed.parent.mkdir(parents=True)
    words = "Small loans with a social purpose change what people can do in the region of number {}. "
    entries = (
        ENTRY.format(number=n, day=n % 28 + 1, text="".join(words.format(n * 31 + m) for m in range(16)))
        for n in range(30)
    )
    body = f'<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title>{"".join(entries)}</feed>\n'.encode()
    feed.write_bytes(body)
    # Beside the project: our own server packs by itself.
    twin = root / "static" / PATH.removeprefix("/")
    twin.parent.mkdir(parents=True)
    twin.write_bytes(body)
    twin.with_name(f"{twin.name}.gz").write_bytes(gzip.compress(body, 9))
    now = datetime.now(UTC)
    with opened(root) as app:
        app.add_subscribers(
            Subscriber(
                id=0,
                email=f"p{n}@mail.example",
                name="",
                lang="en",
                lists=("news",),
                consent_source="benchmark",
                consent_at=now,
            )
            for n in range(people)
        )
        links = (app.parts.tokens.links(person.id)["unsubscribe_url"] for person in app.subscribers())
        return [link.rpartition("/u/")[2] for link in links]


@contextmanager
def served(root: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """`disseminate serve`."""
    command = [sys.executable, "-m", "dissemination", "serve"]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL) as process:
        try:
            wait_for(port)
            yield process
        finally:
            process.terminate()


@contextmanager
def nginx(root: Path) -> Iterator[tuple[int, int]]:
    """Nginx with the same file: (process of the worker, port)."""
    port = free_port()
    (root / "nginx.conf").write_text(f"""
{"user root;" if os.geteuid() == 0 else ""}
worker_processes 1; daemon off; pid {root}/nginx.pid; error_log {root}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; types {{ application/atom+xml xml; }}
  client_body_temp_path {root}/t1; proxy_temp_path {root}/t2; fastcgi_temp_path {root}/t3;
  uwsgi_temp_path {root}/t4; scgi_temp_path {root}/t5;
  server {{
    listen 127.0.0.1:{port}; root {root}/static; gzip_static on; gzip_vary on; expires 1h;
    add_header X-Content-Type-Options nosniff;
  }}
}}
""")
    command = [program(), "-e", f"{root}/error.log", "-p", str(root), "-c", str(root / "nginx.conf")]
    with subprocess.Popen(command) as process:
        try:
            wait_for(port)
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            yield int(children[0]), port
        finally:
            process.terminate()


def program() -> str:
    """Debian's nginx: installed, or fetched and unpacked."""
    if found := shutil.which("nginx"):
        return found
    target = CACHE / "nginx"
    if not target.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as place:
            # apt drops its privileges to a user of its own, who must be able to write here.
            Path(place).chmod(0o777)
            subprocess.run(["apt-get", "-q", "download", "nginx"], cwd=place, check=True, stdout=subprocess.DEVNULL)
            package = next(Path(place).glob("nginx_*.deb"))
            subprocess.run(["dpkg", "-x", str(package), f"{place}/unpacked"], check=True)
            Path(f"{place}/unpacked").replace(target)
    return str(target / "usr/sbin/nginx")


def wait_for(port: int) -> None:
    """Until somebody listens."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.05)
    raise SystemExit(f"bench: nobody listens on {port}")


def compare(
    seconds: float, pairs: int, ours: tuple[int, int], theirs: tuple[int, int]
) -> dict[str, tuple[list[Measured], list[Measured]]]:
    """Both servers in turn, for each kind of request."""
    found: dict[str, tuple[list[Measured], list[Measured]]] = {}
    for name in GOALS:
        requests = [_request(name, port) for _, port in (ours, theirs)]
        found[name] = ([], [])
        for _ in range(pairs):
            for place, (pid, port) in enumerate((ours, theirs)):
                found[name][place].append(drive(pid, port, [requests[place]], seconds))
    return found


def _request(name: str, port: int) -> bytes:
    head = f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: reader/1.0\r\nAccept: */*\r\n"
    packed = f"{head}Accept-Encoding: gzip\r\n"
    if name == "200 gzip":
        status, _ = ask(port, f"{packed}\r\n".encode())
        assert status == 200, status
        return f"{packed}\r\n".encode()
    status, tag = ask(port, f"{packed}\r\n".encode())
    asking = f"{packed}If-None-Match: {tag}\r\n\r\n".encode()
    status, _ = ask(port, asking)
    assert status == 304, status
    return asking


def ask(port: int, request: bytes) -> tuple[int, str]:
    """Status and tag of one answer."""
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(request)
        with line.makefile("rb") as stream:
            status = int(stream.readline().split()[1])
            head = iter(stream.readline, b"\r\n")
            fields = dict(field.decode().strip().lower().split(": ", 1) for field in head)
    return status, fields.get("etag", "")


def drive(pid: int, port: int, requests: Sequence[bytes], seconds: float, *, once: bool = False) -> Measured:
    """Ask on many connections at a time; every answer has the length of the first one, and its status."""
    lines = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)]
    lines[0].sendall(requests[0])
    length, status = _first(lines[0])
    before, began = cpu(pid), time.perf_counter()
    done, buffer = 0, bytearray(length)
    while time.perf_counter() - began < seconds if not once else done < len(requests):
        batch = lines[: max(1, min(CONNECTIONS, len(requests) - done))] if once else lines
        for number, line in enumerate(batch):
            line.sendall(requests[done + number] if once else requests[0])
        for line in batch:
            _take(line, buffer)
            assert buffer.startswith(status), bytes(buffer[:80])
        done += len(batch)
    spent = Measured(requests=done, seconds=time.perf_counter() - began, cpu=cpu(pid) - before)
    for line in lines:
        line.close()
    return spent


def _first(line: socket.socket) -> tuple[int, bytes]:
    got = b""
    while b"\r\n\r\n" not in got:
        got += line.recv(65_536)
    head, _, body = got.partition(b"\r\n\r\n")
    sizes = [int(f.split(b":")[1]) for f in head.lower().split(b"\r\n") if f.startswith(b"content-length")]
    size = 0 if head.split()[1] == b"304" else sizes[0]
    while len(body) < size:
        body += line.recv(65_536)
    return len(head) + 4 + size, head[:12]


def _take(line: socket.socket, buffer: bytearray) -> None:
    view, place = memoryview(buffer), 0
    while place < len(buffer):
        got = line.recv_into(view[place:])
        assert got, "the server closed a connection"
        place += got


def cpu(pid: int) -> float:
    """Seconds that a process has used, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def one_click(pid: int, port: int, tokens: Sequence[str]) -> Measured | None:
    """Every subscriber unsubscribes once, as RFC 8058 has it; None: there is no such address yet."""
    body = "List-Unsubscribe=One-Click"
    head = (
        f"Host: 127.0.0.1:{port}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}"
    )
    requests = [f"POST /u/{token} HTTP/1.1\r\n{head}\r\n\r\n{body}".encode() for token in tokens]
    status, _ = ask(port, requests[0])
    return drive(pid, port, requests[1:], 0.0, once=True) if status == 200 else None


def report(
    found: dict[str, tuple[list[Measured], list[Measured]]], clicks: Measured | None, *, as_json: bool
) -> None:
    """The table, with the goals."""
    rows = {
        name: {
            "ours_us": median(one.micros for one in ours),
            "nginx_us": median(one.micros for one in theirs),
            "ours_per_second": median(one.requests / one.seconds for one in ours),
            "goal": GOALS[name],
        }
        for name, (ours, theirs) in found.items()
    }
    facts = {"machine": machine(), "rows": rows, "one_click": None}
    if clicks:
        facts["one_click"] = {"us": clicks.micros, "count": clicks.requests, "seconds": clicks.seconds}
    if as_json:
        print(json.dumps(facts, indent=2))
        return
    print(machine())
    print(f"{'CPU per request':16} {'ours':>9} {'nginx':>9} {'times':>6} {'goal':>6}")
    for name, row in rows.items():
        times = row["ours_us"] / row["nginx_us"]
        print(f"{name:16} {row['ours_us']:6.1f} µs {row['nginx_us']:6.1f} µs {times:6.1f} {row['goal']:6.1f}")
    if clicks:
        print(f"{'one-click POST':16} {clicks.micros:6.1f} µs; {clicks.requests} people in {clicks.seconds:.2f} s")
    else:
        print(f"{'one-click POST':16} is not served here")


if __name__ == "__main__":
    main()
