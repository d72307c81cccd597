"""The networks of `disseminate demo --networks`: a real Bluesky server where node is found, else stand-ins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from dissemination.testing.linkedin import LINKEDIN_PAGE, LINKEDIN_SECRETS, FakeLinkedIn
from dissemination.testing.mastodon import MASTODON_SECRETS, FakeMastodon
from dissemination.testing.telegram import TELEGRAM_SECRETS, FakeTelegram
from dissemination.testing.webhook import WEBHOOK_SECRETS, FakeReceiver
from dissemination.testing.x import X_SECRETS, FakeX


class Networks:
    """Every network on a free port of this machine, from `with` to its end.

    Args:
        now: the present.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._stack = ExitStack()
        #: Channel -> its section of settings.yaml.
        self.sections: dict[str, dict[str, Any]] = {}
        #: Environment variable -> secret.
        self.environ: dict[str, str] = {}
        #: What is not there, and why.
        self.notes: list[str] = []
        self._counts: list[Callable[[], int]] = []

    def __enter__(self) -> Self:
        self._x()
        self._mastodon()
        self._bluesky()
        self._linkedin()
        self._telegram()
        self._webhook()
        self.sections["sharepack"] = {"use": "sharepack", "network": "facebook"}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def posts(self) -> int:
        """How many posts the networks have; the parts of a thread count each."""
        return sum(count() for count in self._counts)

    def _add(self, name: str, count: Callable[[], int], secrets: Mapping[str, str], **section: object) -> None:
        self.sections[name] = {"use": name, "languages": ["en"], **section}
        self.environ |= {f"DISSEMINATION_{key}": value for key, value in secrets.items()}
        self._counts.append(count)

    def _x(self) -> None:
        fake = self._stack.enter_context(FakeX(self._now))
        self._add("x", lambda: len(fake.posts), X_SECRETS, api_base=fake.address)

    def _mastodon(self) -> None:
        fake = self._stack.enter_context(FakeMastodon(self._now))
        self._add("mastodon", lambda: len(fake.statuses), MASTODON_SECRETS, server=fake.address)

    def _bluesky(self) -> None:
        from dissemination.testing.bluesky import Pds, pds_missing  # noqa: PLC0415 - only where it can start

        if lack := pds_missing():
            self.notes.append(f"Bluesky writes to the outbox: {lack}")
            self.sections["bluesky"] = {"use": "outbox", "languages": ["en"]}
            return
        server = self._stack.enter_context(Pds())
        account = server.account()
        secrets = {"BLUESKY_APP_PASSWORD": account.password}
        self._add(
            "bluesky",
            lambda: len(server.posts(account)),
            secrets,
            service=server.address,
            handle=account.handle,
        )

    def _linkedin(self) -> None:
        fake = self._stack.enter_context(FakeLinkedIn(self._now))
        self._add(
            "linkedin",
            lambda: len(fake.posts),
            LINKEDIN_SECRETS,
            organization=int(LINKEDIN_PAGE),
            version=int(f"{self._now():%Y%m}"),
            api_base=fake.address,
            login_base=fake.address,
        )

    def _telegram(self) -> None:
        fake = self._stack.enter_context(FakeTelegram(self._now))
        self._add("telegram", lambda: len(fake.messages), TELEGRAM_SECRETS, chat="@project", api_base=fake.address)

    def _webhook(self) -> None:
        fake = self._stack.enter_context(FakeReceiver(self._now))
        self._add("webhook", lambda: len(fake.taken), WEBHOOK_SECRETS, url=fake.url, allow_private=True)
