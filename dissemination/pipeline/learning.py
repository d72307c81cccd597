"""Servers are asked for their limits once a day. Whatever goes wrong with it stops nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from dissemination.errors import ChannelError
from dissemination.model import Happening
from dissemination.pipeline.parts import Parts
from dissemination.ports import Learns

#: Name in the channel's vault, which all processes share.
_NAME = "pipeline: learnt"
_EVERY = timedelta(days=1)
#: A server that could not be asked is asked again after this.
_AGAIN = timedelta(hours=1)


def learn(parts: Parts) -> None:
    """Ask every channel whose time has come."""
    for name, channel in parts.channels.items():
        if isinstance(channel, Learns) and _is_due(parts, name):
            _learn(parts, name, channel)


class Lessons:
    """`learn` beside the ticks, so that a slow server keeps no post waiting."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def __call__(self) -> None:
        """To be called as often as one likes."""
        if any(isinstance(c, Learns) and _is_due(self._parts, name) for name, c in self._parts.channels.items()):
            self._parts.engine.beside("learning", lambda: learn(self._parts))


def _is_due(parts: Parts, name: str) -> bool:
    kept = parts.store.vault(name).read(_NAME) or {}
    at, now = _instant(kept), parts.clock.now()
    # A clock that was set back must not end the asking.
    return at is None or not at <= now < at + (_AGAIN if kept.get("failed") else _EVERY)


def _instant(kept: Mapping[str, Any]) -> datetime | None:
    try:
        return datetime.fromisoformat(kept["at"])
    except (KeyError, ValueError, TypeError):
        return None


def _learn(parts: Parts, name: str, channel: Learns) -> None:
    kept = parts.store.vault(name).read(_NAME) or {}
    failed = ""
    try:
        channel.learn()
    except ChannelError as error:
        failed = str(error)
    except Exception as error:  # noqa: BLE001 - a bug in reading a strange answer must not stop the sending
        failed = f"{name}: its limits cannot be read ({type(error).__name__}: {error}); tell the channel's makers"
    now = parts.clock.now()
    if failed and failed != kept.get("failed"):  # said once, not every hour
        parts.store.events.add(Happening(at=now, kind="not_learnt", channel=name, detail=failed))
    parts.store.vault(name).write(_NAME, {"at": now.isoformat(), "failed": failed})
