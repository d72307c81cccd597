"""Stand-ins for the outer world: a clock that moves when told, a channel that keeps what it is given."""

from __future__ import annotations

import json
import threading
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from dissemination.errors import ChannelError, InDoubtError, NotBegunError, RejectedError, UnavailableError
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


class MemoryVault:
    """A channel's vault (`ports.Vault`) that lasts as long as the test."""

    def __init__(self) -> None:
        #: What is kept, by name.
        self.kept: dict[str, dict[str, Any]] = {}
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def read(self, name: str) -> Mapping[str, Any] | None:
        """What was written last; as JSON would give it back."""
        return json.loads(json.dumps(self.kept[name])) if name in self.kept else None

    def write(self, name: str, value: Mapping[str, Any]) -> None:
        """Keep plain data; anything else is a mistake."""
        self.kept[name] = json.loads(json.dumps(dict(value)))

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """One at a time."""
        if not self._locks[name].acquire(timeout=5):
            raise UnavailableError(f"memory: the lock {name} is held, perhaps by the very same caller")
        try:
            yield
        finally:
            self._locks[name].release()


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


class MemoryNetwork(MemoryChannel):
    """A memory channel whose posts stand until they are changed (`ports.Edits`) or deleted (`ports.Deletes`).

    `program("edit ID", ...)` and `program("delete ID", ...)` let those go wrong.
    """

    def __init__(self, limits: Limits = _SHORT_POSTS, *, doubt_arrives: bool = True) -> None:
        super().__init__(limits, doubt_arrives=doubt_arrives)
        #: What stands there now, by its id.
        self.standing: dict[str, Message] = {}

    def texts(self) -> list[str]:
        """What readers see, the oldest first."""
        return [message.body.text for message in self.standing.values() if isinstance(message.body, Post)]

    def edit(self, receipt: Receipt, message: Message, /) -> Receipt:
        """Exchange what stands there."""
        self._perhaps_fail(f"edit {receipt.id}")
        if receipt.id not in self.standing:
            raise RejectedError(f"memory: there is no {receipt.id}; it was deleted")
        self.standing[receipt.id] = message
        return receipt

    def delete(self, receipt: Receipt, /) -> None:
        """Take it away; what is gone is gone."""
        self._perhaps_fail(f"delete {receipt.id}")
        self.standing.pop(receipt.id, None)

    def _perhaps_fail(self, what: str) -> None:
        self.attempts.append(what)
        answer = self._answer(what)
        if isinstance(answer, Exception):
            raise answer

    def _keep(self, message: Message, key: str, receipt: Receipt) -> Receipt:
        self.standing[receipt.id] = message
        return super()._keep(message, key, receipt)


class MemoryThreads(MemoryNetwork):
    """A memory network that takes a whole thread in one step (`ports.SendsThreads`)."""

    def send_thread(self, messages: Sequence[Message], /) -> Sequence[Receipt]:
        """Keep all parts, or none; answers are programmed for the first one's key."""
        first = messages[0]
        self.attempts.append(f"thread {first.key}")
        for message in messages:
            self._refuse(message)
        answer = self._answer(first.key)
        if isinstance(answer, Exception) and not (isinstance(answer, InDoubtError) and self.doubt_arrives):
            raise answer
        receipts = [self._keep(message, message.key, Receipt(id=f"memory-{message.key}")) for message in messages]
        if isinstance(answer, Exception):
            raise answer
        return receipts


class MemoryMailer(MemoryChannel):
    """A memory channel that sends many (`ports.SendsMany`): answers may come late, in any order, or never."""

    def __init__(
        self,
        limits: Limits = Limits(carries=Carries.MAIL, repeat=Repeat.SAFE),  # noqa: B008 - frozen
        *,
        doubt_arrives: bool = True,
    ) -> None:
        super().__init__(limits, doubt_arrives=doubt_arrives)
        #: How many messages a line takes at once.
        self.depth = 1000
        #: How many of them it begins at each look for outcomes; None: all, as they are given.
        self.pace: int | None = None
        #: How many looks an answer takes.
        self.lag = 0
        #: Whether it begins some in the middle of the store's transactions, too, as a real line does.
        self.eager = False
        #: Whether answers come in the opposite order.
        self.backwards = False
        #: Keys of messages that arrive and get no answer.
        self.silent: set[str] = set()
        #: Every line that was opened.
        self.lines: list[MemoryLine] = []

    def line(self, expected: int = 0) -> MemoryLine:  # noqa: ARG002 - it has room for everything
        """A new line."""
        self.lines.append(MemoryLine(self))
        return self.lines[-1]


class MemoryLine:
    """A line of a `MemoryMailer` (`ports.Line`)."""

    def __init__(self, mailer: MemoryMailer) -> None:
        self._mailer = mailer
        self._queue: deque[Message] = deque()
        #: Begun: key, outcome, and looks until it is told.
        self._begun: list[tuple[str, Receipt | ChannelError, int]] = []
        #: The most that were under way together.
        self.fullest = 0
        self.closed = False

    def room(self) -> int:
        """What is left of the mailer's depth."""
        return self._mailer.depth - len(self._queue) - len(self._begun)

    def give(self, messages: Sequence[Message]) -> None:
        """Take these on."""
        if self.closed or len(messages) > self.room():
            raise ValueError(f"{len(messages)} messages given, where {self.room()} were asked for")
        self._queue.extend(messages)
        self.fullest = max(self.fullest, len(self._queue) + len(self._begun))
        if self._mailer.pace is None:
            self._begin(len(self._queue))

    def outcomes(self, wait: float) -> Sequence[tuple[str, Receipt | ChannelError]]:  # noqa: ARG002 - nothing is waited for
        """What is decided at this look."""
        self._begin(len(self._queue) if self._mailer.pace is None else self._mailer.pace)
        told = [(key, outcome) for key, outcome, looks in self._begun if looks <= 0 and not self._silent(key)]
        done = {key for key, _ in told}
        self._begun = [(key, outcome, looks - 1) for key, outcome, looks in self._begun if key not in done]
        return told[::-1] if self._mailer.backwards else told

    def carry_on(self) -> None:
        """Begin some of what waits, where the mailer is eager."""
        if self._mailer.eager:
            self._begin(len(self._queue) if self._mailer.pace is None else self._mailer.pace)

    def close(self, patience: float) -> Sequence[tuple[str, Receipt | ChannelError]]:  # noqa: ARG002 - nothing is waited for
        """All that is left: answered, not begun, or in doubt."""
        self.closed = True
        last = [
            (key, InDoubtError("memory: no answer came") if self._silent(key) else outcome)
            for key, outcome, _ in self._begun
        ]
        last += [(message.key, NotBegunError("memory: closed before it was begun")) for message in self._queue]
        self._begun, self._queue = [], deque()
        return last

    def _silent(self, key: str) -> bool:
        return key in self._mailer.silent

    def _begin(self, most: int) -> None:
        for _ in range(min(most, len(self._queue))):
            message = self._queue.popleft()
            try:
                outcome: Receipt | ChannelError = self._mailer.send(message, key=message.key)
            except ChannelError as error:
                outcome = error
            self._begun.append((message.key, outcome, self._mailer.lag))
