"""A real mail server on loopback that keeps every mail as a file: the subscribers' mailbox of the demo."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Any, Self

from aiosmtpd.controller import Controller


class Mailbox:
    """Accepts mail on a free port of 127.0.0.1 and writes one .eml file each.

    Args:
        folder: where the files go.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        #: Where it listens.
        self.port = _free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, ready_timeout=10)

    def __enter__(self) -> Self:
        """Start the server."""
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self._controller.stop()

    @property
    def count(self) -> int:
        """How many mails lie in the mailbox."""
        return sum(1 for _ in self._folder.glob("*.eml"))

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: ARG002, N802 - aiosmtpd's name and shape
        """Keep a mail; the server says 250 only when it is written."""
        who = re.sub(r"[^a-z0-9]+", "-", envelope.rcpt_tos[0].lower()).strip("-")
        number = self.count + 1
        (self._folder / f"{number:03}-{who}.eml").write_bytes(envelope.content)
        return "250 2.0.0 kept"


def _free_port() -> int:
    """A port that is free at this moment: the controller cannot be told to let the system choose."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
