"""nginx and Caddy on free ports, with the configurations of docs/hosting/, as ordinary processes in a folder."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

SAMPLES = Path(__file__).parents[2] / "docs" / "hosting"
HOST = "news.microfuture.example"
#: Where the samples look for files, and where they look for the public server.
FOLDER, UPSTREAM = "/srv/dissemination/feeds", "127.0.0.1:8080"
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a server answered; names of headers in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def __getitem__(self, name: str) -> str:
        return self.headers.get(name, "")


class WebServer:
    """A server that can be asked under the public name; its heirs start it.

    Args:
        port: of this machine.
        tls: whether it speaks TLS there; its certificate is not looked at.
    """

    def __init__(self, port: int, *, tls: bool = False) -> None:
        self.port = port
        self.tls = tls

    def ask(
        self, path: str, headers: Mapping[str, str] | None = None, method: str = "GET", source: str = "127.0.0.1"
    ) -> Answer:
        """One request; `source` is the caller's own address."""
        line = self.line(source)
        line.request(method, path, headers={"Host": HOST} | dict(headers or {}))
        answer = line.getresponse()
        body = answer.read()
        found: dict[str, str] = {}
        for name, value in answer.getheaders():
            assert name.lower() not in found, f"{name} twice"
            found[name.lower()] = value
        line.close()
        return Answer(status=answer.status, headers=found, body=body)

    def line(self, source: str = "127.0.0.1") -> http.client.HTTPConnection:
        """A connection of its own."""
        where: dict[str, Any] = {"source_address": (source, 0), "timeout": 20}
        if self.tls:
            return http.client.HTTPSConnection("127.0.0.1", self.port, context=trusting(), **where)
        return http.client.HTTPConnection("127.0.0.1", self.port, **where)


def trusting() -> ssl.SSLContext:
    """A client that takes any certificate; what the system trusts takes long to read."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class _Process(WebServer):
    """A server that is a program; ended with the `with` block."""

    def __init__(self, command: list[str], folder: Path, port: int, *, tls: bool) -> None:
        super().__init__(port, tls=tls)
        self.folder = folder
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={"HOME": str(folder), "PATH": _PATH},
            )

    def __enter__(self) -> Self:
        end, moment = time.monotonic() + 20, threading.Event()
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            if self._process.poll() is not None or time.monotonic() > end:
                self._process.kill()
                raise AssertionError(self._log.read_text())
            moment.wait(0.02)

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)


def lack(name: str) -> str:
    """What must be installed first; "": nothing."""
    return "" if shutil.which(name, path=_PATH) else f"no {name}; on Debian: apt-get install {name}"


class Nginx(_Process):
    """Debian's nginx with a sample, over TLS; `plain` is the port that its port 80 became.

    Args:
        folder: empty; everything that it writes is there.
        sample: file of docs/hosting/.
        certificate: its file and its key's.
        changes: words of the sample -> what stands there here.
    """

    def __init__(
        self, folder: Path, sample: str, certificate: tuple[Path, Path], changes: Mapping[str, str]
    ) -> None:
        folder.mkdir()
        port, self.plain = free_port(), free_port()
        ours = {
            "listen 80;": f"listen 127.0.0.1:{self.plain};",
            "listen 443 ssl http2;": f"listen 127.0.0.1:{port} ssl http2;",
            "/etc/ssl/news.pem": str(certificate[0]),
            "/etc/ssl/news.key": str(certificate[1]),
        }
        (folder / "sample.conf").write_text(_changed(sample, ours | dict(changes)), "utf-8")
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
        (folder / "nginx.conf").write_text(
            f"{'user root;' if os.geteuid() == 0 else ''} worker_processes 1; daemon off; pid {folder}/pid;\n"
            f"events {{}}\nhttp {{ {temporary} access_log {folder}/access.log; include {folder}/sample.conf; }}\n"
        )
        program = shutil.which("nginx", path=_PATH) or "nginx"
        command = [program, "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]
        super().__init__(command, folder, port, tls=True)


class Caddy(_Process):
    """Debian's Caddy with a sample, without TLS: its certificates come from elsewhere.

    Args:
        folder: empty; everything that it writes is there.
        sample: file of docs/hosting/.
        changes: words of the sample -> what stands there here.
    """

    def __init__(self, folder: Path, sample: str, changes: Mapping[str, str]) -> None:
        folder.mkdir()
        port = free_port()
        ours = {f"\n{HOST} {{": f"\nhttp://{HOST}:{port} {{\n\tbind 127.0.0.1"}
        text = "{\n\tadmin off\n\tauto_https off\n}\n" + _changed(sample, ours | dict(changes))
        (folder / "Caddyfile").write_text(text, "utf-8")
        command = ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
        super().__init__(command, folder, port, tls=False)


def _changed(sample: str, changes: Mapping[str, str]) -> str:
    text = (SAMPLES / sample).read_text("utf-8")
    for words, instead in changes.items():
        assert words in text, f"{sample} does not say {words!r}"
        text = text.replace(words, instead)
    return text


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
