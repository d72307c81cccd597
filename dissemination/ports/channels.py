"""The door of the channels: one Protocol that each keeps, and optional powers as further ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from dissemination.errors import ChannelError
from dissemination.model import (
    Grant,
    Limits,
    Message,
    Post,
    Project,
    Rate,
    Receipt,
    Symptom,
)
from dissemination.ports.doors import Clock


class Channel(Protocol):
    """One way out. Made by `make(options)` behind the entry-point group `dissemination.channels`."""

    #: What it can carry, as data.
    limits: Limits

    def send(self, message: Message, /, *, key: str) -> Receipt:
        """Send once.

        Raises:
            RejectedError: never retry; the officer must change something.
            UnavailableError: nothing went out; retry.
            InDoubtError: it may have gone out.
            NeedsLoginError: credentials.
        """
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelOptions:
    """What `make(options)` of a channel is given. Making must not touch the network nor need a secret."""

    #: The channel's name in settings: "email", "x", "mastodon".
    name: str
    #: The channel's own section of settings.yaml, already plain data; each channel checks it with pydantic.
    settings: Mapping[str, Any]
    project: Project
    #: secret("X_API_KEY") reads it anew from credentials directory, NAME_FILE or environment; None: not set.
    secret: Callable[[str], str | None]
    #: Where the public files lie, and where outboxes are written (both absolute).
    public: Path
    outbox: Path
    clock: Clock
    #: Rates that all processes share; None where nothing is stored.
    quotas: Quotas | None = None
    #: What this channel keeps between calls; None where nothing is stored. Making must not read it.
    vault: Vault | None = None
    #: The line of each key in settings.yaml by its place in the section, such as ("servers", 0, "host"); (): where
    #: the section begins. What is not there has no line of its own.
    lines: Mapping[tuple[str | int, ...], int] = field(default_factory=dict)


@runtime_checkable
class SendsMany(Protocol):
    """Optional power: many messages over open connections, outcomes as they come."""

    def line(self, expected: int = 0) -> Line:
        """A way out for one caller. Opening it touches nothing; connections are made when there is work.

        Args:
            expected: about how many messages are coming; 0: not known.
        """
        ...


class Line(Protocol):
    """Messages on their way. For one thread; whoever opened it closes it.

    What was given and has no outcome yet is in flight: the most that a crash can leave in doubt.
    """

    def room(self) -> int:
        """How many more messages it takes now; 0: wait for outcomes first."""
        ...

    def give(self, messages: Sequence[Message]) -> None:
        """Take these on, in order; at most `room()` of them."""
        ...

    def outcomes(self, wait: float) -> Sequence[tuple[str, Receipt | ChannelError]]:
        """(key, outcome) of what was decided since the last call; waits at most `wait` seconds for the first.

        `NotBegunError` says that nothing was tried for this message: the way out is closed for now;
        `SenderRefusedError` that we are refused, whoever the recipient is. Neither counts as an attempt.
        """
        ...

    def carry_on(self) -> None:
        """Go on with what was given, without waiting and without asking the store.

        It is called in the middle of the store's transaction: servers need not stand still while it is written.
        """
        ...

    def close(self, patience: float) -> Sequence[tuple[str, Receipt | ChannelError]]:
        """Begin nothing more, wait at most `patience` seconds for answers, and let go; the last outcomes.

        Every message that was given has had its outcome then: `NotBegunError` for what was not begun,
        `InDoubtError` for what got no answer.
        """
        ...


class Quotas(Protocol):
    """Rates that several processes share: one persisted bucket a name."""

    def take(self, bucket: str, count: int, rate: Rate) -> Grant:
        """Take up to `count` from a bucket; what was granted is spent."""
        ...


class Vault(Protocol):
    """What one channel keeps between calls and shares with other processes: sessions, tokens, a server's limits."""

    def read(self, name: str) -> Mapping[str, Any] | None:
        """What was written last under this name; None: nothing."""
        ...

    def write(self, name: str, value: Mapping[str, Any]) -> None:
        """Keep plain data (JSON); it is committed when this returns."""
        ...

    def lock(self, name: str) -> AbstractContextManager[None]:
        """Nobody else, in any process, holds the lock of this name meanwhile. Not to be taken twice.

        Raises:
            UnavailableError: somebody has held it for half a minute.
        """
        ...


@runtime_checkable
class SendsThreads(Protocol):
    """Optional power: a whole thread in one step, all or nothing."""

    def send_thread(self, messages: Sequence[Message], /) -> Sequence[Receipt]:
        """Send all parts, the first one first; the errors of `Channel.send`.

        Args:
            messages: each part as a message of its own with its own key; `in_reply_to` is empty.
        """
        ...


@runtime_checkable
class Edits(Protocol):
    """Optional power: change what is out."""

    def edit(self, receipt: Receipt, message: Message, /) -> Receipt:
        """Make what stands there say what `message` says; doing it twice changes nothing. Errors as of `send`."""
        ...


@runtime_checkable
class Deletes(Protocol):
    """Optional power: take away what is out."""

    def delete(self, receipt: Receipt, /) -> None:
        """Delete it; what is gone already is no error. Errors as of `send`."""
        ...


@runtime_checkable
class Learns(Protocol):
    """Optional power: ask the server for its limits. `Channel.limits` is what was learnt last, from the vault."""

    def learn(self) -> None:
        """Ask, and keep the answer in the vault; the errors of `Probes.probe`."""
        ...


@runtime_checkable
class Priced(Protocol):
    """Optional power: the network bills for posts."""

    #: The most that posts of one calendar month (UTC) may cost, in millionths of a US dollar; None: no limit.
    monthly_cap: int | None

    def price(self, post: Post, /) -> int:
        """What a post is expected to cost with all its parts, in millionths of a US dollar. Pure."""
        ...


@runtime_checkable
class Expires(Protocol):
    """Optional power: credentials that end."""

    def expires(self) -> datetime | None:
        """When somebody must have logged in anew; None: never, or not known. The network is not touched."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """One thing to ask the officer while logging in."""

    #: Name of the answer; the name of a secret where it is one ("MASTODON_TOKEN").
    name: str
    #: What to enter, and where it is found, in one or two lines.
    text: str
    #: Never shown while it is typed, nor afterwards.
    secret: bool = False
    #: A page to open for it.
    url: str = ""


@runtime_checkable
class LogsIn(Protocol):
    """Optional power: guides through the network's credentials (`disseminate login`)."""

    def prompts(self, given: Mapping[str, str], /) -> Sequence[Prompt]:
        """What is still to be asked, as of the answers so far; none: enough is known."""
        ...

    def login(self, given: Mapping[str, str], /) -> Sequence[Symptom]:
        """Prove the answers by a harmless call, keep them in the vault, and say what was seen and what lacks.

        Raises:
            NeedsLoginError: they are wrong; nothing is kept.
            UnavailableError: they cannot be tried now; nothing is kept.
        """
        ...


@runtime_checkable
class Finds(Protocol):
    """Optional power: see whether a message is there."""

    def find(self, message: Message, *, key: str, since: datetime) -> Receipt | None:
        """The receipt if it is there, None if it certainly is not.

        Raises:
            UnavailableError: cannot look now.
            InDoubtError: looking does not tell.
        """
        ...


@runtime_checkable
class Probes(Protocol):
    """Optional power: a harmless call that proves the way out is open (`disseminate doctor`)."""

    def probe(self) -> str:
        """One line of what answered.

        Raises:
            ChannelError: what is wrong, and what to do.
        """
        ...


@runtime_checkable
class Examines(Protocol):
    """Optional power: looks whether receivers will trust what goes out (`disseminate doctor`)."""

    def examine(self) -> Sequence[Symptom]:
        """What was looked at and seen. Nothing is sent; what cannot be looked at is a symptom, not an error."""
        ...


@runtime_checkable
class Protects(Protocol):
    """Optional power: say how what goes out is protected on its way (`disseminate privacy record`)."""

    def protection(self) -> Sequence[str]:
        """Security measures as settings have them, each a line; the network is not touched."""
        ...


@runtime_checkable
class Writes(Protocol):
    """Optional power: show what would go out, for checks. Nothing is sent and no secret is needed."""

    def written(self, message: Message, /) -> bytes:
        """The whole message, as it would be handed over but for a signature.

        Raises:
            RejectedError: it would never be accepted as it is.
        """
        ...
