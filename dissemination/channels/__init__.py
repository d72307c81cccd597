"""Room: channels. Each is made by `make(options)` behind the entry-point group `dissemination.channels`."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points

from dissemination.errors import SettingsError
from dissemination.ports import Channel, ChannelOptions

__all__ = ["load"]

_GROUP = "dissemination.channels"


def load(name: str) -> Callable[[ChannelOptions], Channel]:
    """The `make` of a channel, from this package or another one that is installed.

    Args:
        name: the entry point's name: "email", "feed", "outbox", "x".

    Raises:
        SettingsError: no package offers it, two packages do, or it cannot be imported.
    """
    known = entry_points(group=_GROUP)
    found = [point for point in known if point.name == name]
    if not found:
        raise SettingsError(_unknown(name, sorted(known.names)))
    if len(found) > 1:
        packages = ", ".join(sorted(_package(point) for point in found))
        raise SettingsError(f"channels: {name} is offered by several packages ({packages}); uninstall all but one")
    return _imported(found[0])


def _imported(point: EntryPoint) -> Callable[[ChannelOptions], Channel]:
    try:
        make: Callable[[ChannelOptions], Channel] = point.load()
    except (ImportError, AttributeError) as error:
        raise SettingsError(
            f"channels: {point.name} of {_package(point)} cannot be imported ({error}); install the package anew"
        ) from error
    return make


def _unknown(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name.lower(), known, n=1)
    hint = f"; did you mean {near[0]}?" if near else "; install the package that offers it, or use one of these"
    return f"channels: there is no channel {name!r}; installed are {', '.join(known)}{hint}"


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.value
