"""A real Bluesky server (PDS) on loopback, and a way to it on which every request can go wrong.

The server comes from the npm registry: `.ci/install-pds FOLDER` installs it; node runs it.
"""

from __future__ import annotations

import atexit
import json
import os
import secrets
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from dissemination.errors import ToolError
from dissemination.testing.loopback import Answer, Asked, Loopback

_SCRIPT = Path(__file__).with_name("pds.mjs")
#: Seconds until the server is ready; two to five on a machine that has nothing else to do.
_PATIENCE = 60.0
_POSTS = "app.bsky.feed.post"


def pds_folder() -> Path:
    """Where the server is installed: DISSEMINATION_PDS, else ~/.cache/dissemination-pds."""
    return Path(os.environ.get("DISSEMINATION_PDS") or Path.home() / ".cache" / "dissemination-pds")


def pds_missing() -> str:
    """What lacks for a server, in one line; "": nothing."""
    if shutil.which("node") is None:
        return "no Bluesky server: node is not installed"
    if not (pds_folder() / "complete").is_file():
        return "no Bluesky server: .ci/install-pds FOLDER, then DISSEMINATION_PDS=FOLDER"
    return ""


@cache
def shared_pds() -> Pds:
    """The one server of this process, started when it is first asked for.

    Raises:
        ToolError: it cannot be started.
    """
    server = Pds().__enter__()
    atexit.register(server.__exit__, None, None, None)
    return server


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """An account of the server, with an app password."""

    did: str
    handle: str
    password: str = field(repr=False)
    #: The account's own; nobody should give it to a program.
    own_password: str = field(repr=False)
    #: Tokens of a session that was made with the account: to log in takes the server 0.35 s, whatever the machine.
    access: str = field(repr=False)
    refresh: str = field(repr=False)


class Pds:
    """The server: ready in some seconds, 170 MB, ended with the `with` block. Share it; take an account a test.

    Args:
        folder: where it is installed.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or pds_folder()
        self._process: subprocess.Popen[bytes] | None = None
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the `with` block of this object
        self._client = httpx.Client(timeout=30, trust_env=False)
        #: http://127.0.0.1 and the port.
        self.address = ""

    def __enter__(self) -> Self:
        command = ["node", str(_SCRIPT), str(self._folder)]
        # Its own session: a Ctrl-C at the terminal is for the tests, which end it by closing its input.
        self._process = subprocess.Popen(  # noqa: S603 - our own script
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, start_new_session=True
        )
        self.address = f"http://127.0.0.1:{self._port(self._process)}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()
        self._said.close()
        if self._process is not None:
            _end(self._process)

    def account(self) -> Account:
        """A new account. Handles are looked up without regard to their case, and end in .test."""
        handle, own = f"a{secrets.token_hex(6)}.test", secrets.token_urlsafe(12)
        facts = {"handle": handle, "email": f"{handle}@example.eu", "password": own}
        made = self.ask("com.atproto.server.createAccount", facts)
        tokens = {"access": made["accessJwt"], "refresh": made["refreshJwt"]}
        app = self.ask("com.atproto.server.createAppPassword", {"name": "tests"}, token=tokens["access"])
        return Account(did=made["did"], handle=handle, password=app["password"], own_password=own, **tokens)

    def posts(self, account: Account) -> list[dict[str, Any]]:
        """Every post of an account as {"uri", "cid", "value"}, oldest key first."""
        query = {"repo": account.did, "collection": _POSTS, "limit": "100", "reverse": "true"}
        records: list[dict[str, Any]] = self.ask("com.atproto.repo.listRecords", params=query)["records"]
        return records

    def ask(
        self, method: str, body: object = None, *, params: Mapping[str, str] | None = None, token: str = ""
    ) -> dict[str, Any]:
        """Call a method (XRPC) past every fault: a query where there is no body, {} being one that says nothing."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url, verb = f"{self.address}/xrpc/{method}", "GET" if body is None else "POST"
        reply = self._client.request(verb, url, json=body or None, params=params, headers=headers)
        reply.raise_for_status()
        answer: dict[str, Any] = reply.json() if reply.content else {}
        return answer

    def forward(self, asked: Asked) -> Answer:
        """A request as it came to somebody else, and what the server says."""
        kept = {name: asked.headers[name] for name in ("authorization", "content-type") if name in asked.headers}
        reply = self._client.request(
            asked.method, f"{self.address}{asked.target}", content=asked.body or None, headers=kept
        )
        told = {name: value for name, value in reply.headers.items() if name.lower() in _TOLD}
        return Answer(status=reply.status_code, body=reply.content, headers=told)

    def _port(self, process: subprocess.Popen[bytes]) -> int:
        """What it prints when it is ready."""
        assert process.stdout is not None  # noqa: S101 - for the type checker: it is a pipe
        slow = threading.Timer(_PATIENCE, process.kill)
        slow.start()
        line = process.stdout.readline()
        slow.cancel()
        if not line:
            reason = self._reason()
            self.__exit__(None, None, None)
            raise ToolError(f"node: no Bluesky server ({reason}); install it anew with .ci/install-pds")
        return int(json.loads(line)["port"])

    def _reason(self) -> str:
        self._said.seek(0)
        lines = self._said.read().decode("utf-8", "replace").splitlines()
        return next((line.strip() for line in lines if "Error: " in line), "it did not start in time")


#: Headers of an answer that a client may read.
_TOLD = {"content-type", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "ratelimit-policy"}


def _end(process: subprocess.Popen[bytes]) -> None:
    """Close its input, and wait: it clears away what it kept."""
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


class FaultyPds(Loopback):
    """A way to the server: requests are forwarded, unless something is to go wrong (`Loopback.program`).

    Requests are named by the end of their method: "createSession", "uploadBlob", "putRecord".
    """

    def __init__(self, pds: Pds) -> None:
        super().__init__()
        self.pds = pds
        #: Every request, in order, with its body.
        self.asked: list[Asked] = []

    def name(self, asked: Asked) -> str:
        """The end of the method's name."""
        return asked.path.rpartition(".")[2]

    def answer(self, asked: Asked) -> Answer:
        """What the real server does and says."""
        self.asked.append(asked)
        return self.pds.forward(asked)
