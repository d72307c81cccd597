"""LinkedIn's stage of the fault matrix: the stand-in, and what a channel needs to talk to it."""

from __future__ import annotations

from contextlib import AbstractContextManager

from dissemination.testing.linkedin import LINKEDIN_PAGE, LINKEDIN_SECRETS, FakeLinkedIn
from dissemination.testing.loopback import FAULTS


class Stage:
    """One page's LinkedIn, from `with` to its end.

    Args:
        now: the test's clock.
    """

    name = "linkedin"
    #: LinkedIn keeps no key of ours: what was lost is looked for, and a person is asked where that is vain.
    exact = False
    steps = ("POST /rest/images", "PUT /upload", "POST /rest/posts", "GET /rest/posts/urn")
    thread_steps = ()

    def __init__(self, now) -> None:
        self.now, self.fake = now, FakeLinkedIn(now)
        self.settings: dict[str, object] = {}
        self.secrets = dict(LINKEDIN_SECRETS)

    def __enter__(self):
        self.fake.__enter__()
        self.settings = {
            "organization": int(LINKEDIN_PAGE),
            "version": int(f"{self.now():%Y%m}"),
            "api_base": self.fake.address,
            "login_base": self.fake.address,
            "connect_timeout": 0.6,
            "read_timeout": 0.6,
        }
        return self

    def __exit__(self, *caught) -> None:
        self.fake.__exit__(*caught)

    def fault(self, step: str, fault: str) -> None:
        """Let the next request of this step go wrong."""
        self.fake.program(step, FAULTS[fault])

    def count(self, step: str) -> int:
        """How many requests of this step came."""
        return self.fake.count(step)

    def closed(self) -> AbstractContextManager[None]:
        """Connections are refused meanwhile."""
        return self.fake.closed()

    def posts(self) -> list[str]:
        """What readers see, oldest first."""
        return [post.text for post in self.fake.posts]

    def repair(self) -> None:
        """The token was good all the time."""
