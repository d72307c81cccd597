"""A receiver of webhooks on loopback, and a careful one: it checks signatures and knows what it has already."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from dissemination.testing.loopback import Answer, Asked, Loopback

#: What a channel must hold to be believed.
WEBHOOK_SECRETS: Mapping[str, str] = {
    "WEBHOOK_SECRET": f"whsec_{base64.b64encode(b'a key of thirty-two bytes, long.').decode()}"
}
#: Seconds that a post's time may be away from now: a recorded one is of no use later.
_WINDOW = 300


class FakeReceiver(Loopback):
    """Takes what is signed, each id once, at the path /hook/part-that-nobody-may-see.

    Args:
        now: the present.
    """

    PATH = "/hook/part-that-nobody-may-see"

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__()
        #: id -> what came with it first: the JSON.
        self.taken: dict[str, Any] = {}
        #: How often an id came that was here already.
        self.repeats = 0
        #: What a careful receiver wonders about.
        self.problems: list[str] = []
        #: What it tells of each post that it takes; {}: nothing (204).
        self.tells: dict[str, str] = {}
        #: Whether it says that it is gone for good.
        self.gone = False
        #: The secret it knows.
        self.secret = WEBHOOK_SECRETS["WEBHOOK_SECRET"]
        self._bodies: dict[str, bytes] = {}
        self._now = now

    @property
    def url(self) -> str:
        """For the setting `url`."""
        return f"{self.address}{self.PATH}"

    def name(self, asked: Asked) -> str:
        """The method alone: "POST"."""
        return asked.method

    def answer(self, asked: Asked) -> Answer:
        """Takes it, or says why not."""
        if asked.path != self.PATH:
            return Answer.of({"error": "not here"}, 404)
        if self.gone:
            return Answer.of({"error": "gone for good"}, 410)
        if asked.method != "POST":
            return Answer.of({"error": "post it"}, 405)
        if not self._genuine(asked):
            return Answer.of({"error": "the signature is not right"}, 401)
        return self._take(asked.headers["webhook-id"], asked)

    def _genuine(self, asked: Asked) -> bool:
        """https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md."""
        stamp = asked.headers.get("webhook-timestamp", "")
        if not stamp.isdigit() or abs(self._now().timestamp() - int(stamp)) > _WINDOW:
            return False
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        signed = f"{asked.headers.get('webhook-id', '')}.{stamp}.".encode() + asked.body
        proof = f"v1,{base64.b64encode(hmac.digest(key, signed, 'sha256')).decode()}"
        given = asked.headers.get("webhook-signature", "").split()
        return any(hmac.compare_digest(one.encode(), proof.encode()) for one in given)

    def _take(self, id_: str, asked: Asked) -> Answer:
        body = asked.json()
        if not isinstance(body, dict):
            return Answer.of({"error": "no JSON"}, 400)
        if id_ in self.taken:
            self.repeats += 1
            if self._bodies[id_] != asked.body:
                self.problems.append(f"{id_} came with another body")
        self.taken.setdefault(id_, body)
        self._bodies.setdefault(id_, asked.body)
        return Answer.of(self.tells) if self.tells else Answer(status=204)
