"""The webhook's stage of the fault matrix: what counts is how many different ids came."""

from dataclasses import replace

from dissemination.testing.loopback import FAULTS
from dissemination.testing.webhook import WEBHOOK_SECRETS, FakeReceiver


class Stage:
    name = "webhook"
    exact = True
    steps = ("POST",)
    # A thread goes in one request.
    thread_steps = ("POST",)

    def __init__(self, now):
        self._fake = FakeReceiver(now)
        self._fake.tells = {"url": "https://site.example/posts/7"}  # so that an answer has something to drip
        self.settings = {"url": self._fake.url, "allow_private": True, "read_timeout": 0.6}
        self.secrets = dict(WEBHOOK_SECRETS)

    def __enter__(self):
        self._fake.__enter__()
        return self

    def __exit__(self, *error):
        self._fake.__exit__(*error)
        assert self._fake.problems == []

    def fault(self, step, fault):
        # 2xx is the receiver's word that it has the post, whatever else it says: "garbage" without keeping it would
        # be a lie, not a fault of the way.
        lost = FAULTS[fault].status == 200
        self._fake.program(step, replace(FAULTS[fault], stored=True) if lost else FAULTS[fault])

    def count(self, step):
        return self._fake.count(step)

    def closed(self):
        return self._fake.closed()

    def posts(self):
        return [text for one in self._fake.taken.values() for text in texts(one["data"])]

    def repair(self):
        """The 401 was the receiver's whim."""


def texts(data):
    return [data["text"], *(part["text"] for part in data["thread"])]
