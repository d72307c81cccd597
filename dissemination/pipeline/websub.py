"""Hubs are told of feeds that changed (WebSub): after the files are live, until they take it, beside all else.

What is owed follows from two digests a feed (`ports.PingsStore`), noted between the writing of the files and the
settling of what is in them: whatever dies, the repeat of the writing owes the same. One request tells one feed:
hubs in PHP read only the last of several and answer as if they had taken all (docs/decisions/0021).
"""

from __future__ import annotations

import ipaddress
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from dissemination.errors import NeedsLoginError, RejectedError, UnavailableError
from dissemination.files import digest_of
from dissemination.model import Happening, Level, Ping, Symptom
from dissemination.pipeline.outcome import LONGEST_WISH, back_off
from dissemination.pipeline.parts import Parts
from dissemination.ports import Hub

#: Web servers look at the folder now and then (ours once a second): a hub that comes sooner would find the old file
#: and never come back.
SETTLING = timedelta(seconds=5)
#: Nobody needs to be told of news that is a day old: readers have come by themselves.
GIVE_UP = timedelta(hours=24)
#: The longest wait between two tries, in seconds.
_LONGEST = 3600.0
#: Where it is kept how the hub answers, for all processes; and what the log calls it.
_NAME, _STATE = "websub", "pipeline: hub"


def owe(parts: Parts, files: Mapping[str, bytes]) -> None:
    """These files are live: the hub is owed news of the feeds among them that changed."""
    if parts.hub is None:
        return
    live = {parts.site.address(path): digest_of(files[path]) for path in parts.renderer.feeds(files)}
    parts.store.pings.owe(parts.hub.address, live, parts.clock.now() + SETTLING)


class Pings:
    """`tell` beside the ticks, so that a slow hub keeps nothing waiting.

    Args:
        parts: the house.
        stop: set: begin nothing more.
    """

    def __init__(self, parts: Parts, stop: threading.Event) -> None:
        self._parts = parts
        self._stop = stop

    def __call__(self) -> None:
        """To be called as often as one likes."""
        if self._parts.hub is not None and _due(self._parts, self._parts.hub):
            self._parts.engine.beside("websub", lambda: tell(self._parts, self._stop))


def finish(parts: Parts, stop: threading.Event) -> None:
    """`tell` at the end of a single pass, as soon as what it wrote may be told."""
    if parts.hub is None or stop.is_set() or _held(parts, parts.hub):
        return
    last = max((ping.not_before for ping in parts.store.pings.owed(parts.hub.address)), default=None)
    if last is not None:
        wait = last - parts.clock.now()
        parts.clock.sleep(wait.total_seconds() if timedelta() < wait <= SETTLING else 0)
        tell(parts, stop)


def tell(parts: Parts, stop: threading.Event) -> None:
    """Everything that is due now. Whatever goes wrong with it stops nothing."""
    if parts.hub is None or not _due(parts, parts.hub):
        return
    # Another process that holds the lock tells the very same.
    with suppress(UnavailableError), parts.store.vault(_NAME).lock(parts.hub.address):
        _tell(parts, parts.hub, stop)


def _due(parts: Parts, hub: Hub) -> Sequence[Ping]:
    if _held(parts, hub):
        return ()
    now = parts.clock.now()
    # A clock that was set back must not make anything wait for long.
    return [p for p in parts.store.pings.owed(hub.address) if not now < p.not_before <= now + SETTLING]


def _held(parts: Parts, hub: Hub) -> bool:
    """Whether an emergency stop holds everything, or the hub is to be left alone for a while."""
    return "*" in parts.store.controls.paused() or _state(parts, hub).waits(parts.clock.now())


def _tell(parts: Parts, hub: Hub, stop: threading.Event) -> None:
    told, refused = 0, defaultdict[str, list[Ping]](list)
    for ping in _due(parts, hub):
        if stop.is_set():
            break
        try:
            _ask(hub, ping.topic)
        except RejectedError as error:
            refused[str(error)].append(ping)
        except NeedsLoginError as error:
            _drop(parts, hub, parts.store.pings.owed(hub.address), str(error))
            _State().keep(parts, hub)
            break
        except UnavailableError as error:
            _wait(parts, hub, error)
            break
        else:
            parts.store.pings.told(hub.address, ping)
            told += 1
    else:
        _State().keep(parts, hub)
    for reason, pings in refused.items():
        _drop(parts, hub, pings, reason)
    if told:
        detail = f"{hub.address} was told of {_count(told)}"
        parts.store.events.add(Happening(at=parts.clock.now(), kind="pinged", channel=_NAME, detail=detail))


def _ask(hub: Hub, topic: str) -> None:
    try:
        hub.tell(topic)
    except (RejectedError, NeedsLoginError, UnavailableError):
        raise
    except Exception as error:
        # A bug in reading a strange answer must not stop what goes on beside.
        raise UnavailableError(f"{_NAME}: the hub's answer broke something ({error!r}); report it") from error


def _wait(parts: Parts, hub: Hub, error: UnavailableError) -> None:
    """It is not asked before its time, whatever changes; what is too old by now is given up."""
    now, before = parts.clock.now(), _state(parts, hub)
    attempts = before.attempts + 1
    at = back_off(now, hub.address, attempts, error.retry_at, longest=_LONGEST)
    _State(attempts=attempts, not_before=at, reason=str(error)).keep(parts, hub)
    if not before.attempts:  # said once, not at every try
        detail = f"{error}; next try {at:%F %T} UTC"
        parts.store.events.add(Happening(at=now, kind="deferred", channel=_NAME, detail=detail))
    old = [ping for ping in parts.store.pings.owed(hub.address) if now - ping.since >= GIVE_UP]
    if old:
        _drop(parts, hub, old, f"{error}; given up after {GIVE_UP.total_seconds() / 3600:.0f} hours")


def _drop(parts: Parts, hub: Hub, gone: Sequence[Ping], reason: str) -> None:
    detail = f"{reason}; {_count(len(gone))} not told until the next change"
    happening = Happening(at=parts.clock.now(), kind="failed", channel=_NAME, detail=detail)
    parts.store.pings.drop(hub.address, gone, reason, happening)


@dataclass(frozen=True, kw_only=True, slots=True)
class _State:
    """How the hub answered last."""

    #: Tries in a row that failed.
    attempts: int = 0
    not_before: datetime | None = None
    reason: str = ""

    def waits(self, now: datetime) -> bool:
        """Whether it is not to be asked now. No wait is longer than a hub may wish: clocks are set back."""
        return self.not_before is not None and now < self.not_before <= now + LONGEST_WISH

    def keep(self, parts: Parts, hub: Hub) -> None:
        """For every process, if it is news."""
        if self != _state(parts, hub):
            at = self.not_before.isoformat() if self.not_before else ""
            facts = {"hub": hub.address, "attempts": self.attempts, "not_before": at, "reason": self.reason}
            parts.store.vault(_NAME).write(_STATE, facts)


def _state(parts: Parts, hub: Hub) -> _State:
    kept = parts.store.vault(_NAME).read(_STATE) or {}
    if kept.get("hub") != hub.address:
        return _State()
    at = datetime.fromisoformat(kept["not_before"]) if kept["not_before"] else None
    return _State(attempts=kept["attempts"], not_before=at, reason=kept["reason"])


def standing(parts: Parts) -> Iterator[Symptom]:
    """What the hub is owed, and what it was not told; fine where it knows all."""
    hub = parts.hub
    if hub is None:
        return
    owed, dropped = parts.store.pings.owed(hub.address), parts.store.pings.dropped(hub.address)
    if owed:
        yield _owed(owed, _state(parts, hub))
    for reason, count in Counter(ping.reason for ping in dropped).items():
        yield Symptom(what=_NAME, level=Level.ERROR, said=f"{_count(count)} not told: {reason}")
    if not owed and not dropped:
        yield Symptom(what=_NAME, said=f"{hub.address} knows everything")


def _owed(owed: Sequence[Ping], state: _State) -> Symptom:
    said = f"{_count(len(owed))} to be told since {owed[0].since:%F %T} UTC"
    if not state.attempts or state.not_before is None:
        return Symptom(what=_NAME, level=Level.NOTE, said=said)
    failed = "1 failed try" if state.attempts == 1 else f"{state.attempts} failed tries"
    tries = f"{failed}, the next is at {state.not_before:%F %T} UTC"
    return Symptom(what=_NAME, level=Level.WARNING, said=f"{said}; {tries}: {state.reason}")


def unreachable(parts: Parts) -> Iterator[Symptom]:
    """A hub fetches feeds from `public_url`: one elsewhere cannot, if that names this machine alone."""
    if parts.hub is not None and _loopback(parts.site.public_url) and not _loopback(parts.hub.address):
        said = f"nobody else reaches {parts.site.public_url}, so the hub finds no feeds; correct project.public_url"
        yield Symptom(what=_NAME, level=Level.WARNING, said=said)


def _loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _count(feeds: int) -> str:
    return f"{feeds} feed{'s' * (feeds != 1)}"
