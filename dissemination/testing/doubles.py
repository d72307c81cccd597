"""Stand-ins for the outer world: a clock that moves when told, a channel that keeps what it is given."""

from __future__ import annotations

from collections import defaultdict, deque
from datetime import UTC, datetime, timedelta

from dissemination.errors import InDoubtError, RejectedError
from dissemination.model import Carries, FileSet, Limits, Mail, Message, Post, Receipt, Repeat

_BODIES: dict[Carries, type[Mail | Post | FileSet]] = {
    Carries.MAIL: Mail,
    Carries.POST: Post,
    Carries.FILES: FileSet,
}
_SHORT_POSTS = Limits(carries=Carries.POST, max_length=500, pictures=4, repeat=Repeat.LOOK)


class FixedClock:
    """A clock that stands still until somebody sleeps or moves it on.

    Args:
        start: where it stands at first; aware, kept in UTC.
    """

    def __init__(self, start: datetime = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)) -> None:
        if start.tzinfo is None:
            raise ValueError(f"{start}: a clock needs an aware time; add tzinfo=UTC")
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """The instant it stands at."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Move on at once."""
        self.advance(timedelta(seconds=seconds))

    def advance(self, span: timedelta) -> None:
        """Move on by `span`."""
        self._now += span


class MemoryChannel:
    """A channel that keeps what it is given and answers what it was told to answer.

    Args:
        limits: what it carries; short posts, where nothing is said.
        doubt_arrives: whether a message that ends in doubt did in fact arrive: the hard case, and so the default.
    """

    def __init__(
        self,
        limits: Limits = _SHORT_POSTS,
        *,
        doubt_arrives: bool = True,
    ) -> None:
        self.limits = limits
        self.doubt_arrives = doubt_arrives
        #: Every message that arrived, in order; a message that was sent twice is here twice.
        self.sent: list[Message] = []
        #: The key of every call of `send`, in order.
        self.attempts: list[str] = []
        self.closed = False
        self._answers: defaultdict[str, deque[Receipt | Exception]] = defaultdict(deque)
        self._receipts: dict[str, Receipt] = {}

    def program(self, key: str, *answers: Receipt | Exception) -> None:
        """Give these answers, one a call, to messages of this key; "" is any key without its own."""
        self._answers[key].extend(answers)

    def send(self, message: Message, /, *, key: str) -> Receipt:
        """Keep the message, unless it was told to fail.

        Raises:
            RejectedError: the body is of a kind that the limits do not name, or a post is too long.
        """
        self.attempts.append(key)
        self._refuse(message)
        answer = self._answer(key)
        if isinstance(answer, Exception):
            if isinstance(answer, InDoubtError) and self.doubt_arrives:
                self._keep(message, key, Receipt(id=f"memory-{key}"))
            raise answer
        return self._keep(message, key, answer)

    def find(self, message: Message, *, key: str, since: datetime) -> Receipt | None:  # noqa: ARG002 - the port's shape
        """The receipt of what arrived under this key."""
        return self._receipts.get(key)

    def close(self) -> None:
        """Nothing to let go of."""
        self.closed = True

    def _refuse(self, message: Message) -> None:
        if not isinstance(message.body, _BODIES[self.limits.carries]):
            raise RejectedError(f"memory: takes {self.limits.carries} only; plan this for another channel")
        if isinstance(message.body, Post) and 0 < self.limits.max_length < len(message.body.text):
            raise RejectedError(f"memory: longer than {self.limits.max_length}; shorten the text")

    def _answer(self, key: str) -> Receipt | Exception:
        for name in (key, ""):
            if self._answers[name]:
                return self._answers[name].popleft()
        return self._receipts.get(key) or Receipt(id=f"memory-{key}")

    def _keep(self, message: Message, key: str, receipt: Receipt) -> Receipt:
        self.sent.append(message)
        self._receipts[key] = receipt
        return receipt
