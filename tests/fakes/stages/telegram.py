"""Telegram's stage of the fault matrix."""

from dissemination.testing.loopback import FAULTS
from dissemination.testing.telegram import TELEGRAM_SECRETS, FakeTelegram


class Stage:
    name = "telegram"
    exact = False
    steps = ("sendPhoto",)
    thread_steps = ("sendMessage",)

    def __init__(self, now):
        self._fake = FakeTelegram(now)
        self.settings = {"chat": "@project", "api_base": self._fake.address, "read_timeout": 0.6}
        self.secrets = dict(TELEGRAM_SECRETS)

    def __enter__(self):
        self._fake.__enter__()
        return self

    def __exit__(self, *error):
        self._fake.__exit__(*error)

    def fault(self, step, fault):
        self._fake.program(step, FAULTS[fault])

    def count(self, step):
        return self._fake.count(step)

    def closed(self):
        return self._fake.closed()

    def posts(self):
        return [one.text for one in self._fake.messages]

    def repair(self):
        """The 401 was Telegram's whim."""
