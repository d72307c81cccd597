"""Mastodon, and another server that speaks its API, for the fault matrix."""

from dissemination.testing.loopback import FAULTS
from dissemination.testing.mastodon import MASTODON_SECRETS, FakeMastodon


class Stage:
    name = "mastodon"
    exact = True
    steps = ("POST /api/v2/media", "GET /api/v1/media/:id", "POST /api/v1/statuses")
    thread_steps = ("POST /api/v1/statuses (reply)",)
    personality = "mastodon"

    def __init__(self, now):
        self._server = FakeMastodon(now, self.personality)
        self.secrets = dict(MASTODON_SECRETS)
        self.settings = {"server": self._server.address, "connect_timeout": 2, "read_timeout": 0.6}

    def __enter__(self):
        self._server.__enter__()
        return self

    def __exit__(self, *error):
        self._server.__exit__(*error)

    def fault(self, step, fault):
        self._server.program(step, FAULTS[fault])

    def count(self, step):
        return self._server.count(step)

    def closed(self):
        return self._server.closed()

    def posts(self):
        return [status.text for status in self._server.statuses]

    def repair(self):
        """The token was good all the time."""


class OtherStage(Stage):
    """Knows no Idempotency-Key, and has pictures ready at once."""

    steps = ("POST /api/v2/media", "POST /api/v1/statuses")
    personality = "other"
