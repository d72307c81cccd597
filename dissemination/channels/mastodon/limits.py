"""What a server takes, as it says itself (https://docs.joinmastodon.org/entities/Instance/)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dissemination.channels.networks import NETWORKS
from dissemination.model import Limits

#: Our limit -> where the instance tells it, and the least that is believed.
_PLACES: Mapping[str, tuple[str, str, int]] = {
    "max_length": ("statuses", "max_characters", 1),
    "link_length": ("statuses", "characters_reserved_per_url", 1),
    "pictures": ("statuses", "max_media_attachments", 0),
    "picture_bytes": ("media_attachments", "image_size_limit", 1),
    "alt_length": ("media_attachments", "description_limit", 1),
}
#: More is a mistake.
_MOST = 1_000_000_000
#: Mastodon and its forks, since the second version of /instance. GoToSocial counts from 0; others that speak its
#: API write "2.7.2 (compatible; Pleroma 2.6.1)".
_MASTODON = re.compile(r"(?!.*compatible)[4-9]\.\d", re.DOTALL)


def facts(instance: Mapping[str, Any]) -> dict[str, int]:
    """What it tells, by the names of our limits; any of it may be missing or null."""
    configuration = _inner(instance, "configuration")
    told = {
        name: number
        for name, (group, key, least) in _PLACES.items()
        if (number := _number(_inner(configuration, group).get(key), least)) is not None
    }
    if matrix := _number(_inner(configuration, "media_attachments").get("image_matrix_limit"), 1):
        told["picture_side"] = math.isqrt(matrix)  # pixels in all: no picture of such sides has more
    if told and not _MASTODON.match(str(instance.get("version", ""))):
        told["link_length"] = 0  # GoToSocial names 25, and counts addresses in full
    return told


def of(kept: Mapping[str, Any] | None, server: str) -> Limits:
    """Mastodon's defaults, and what this server said instead.

    Args:
        kept: {"server": its address, "limits": `facts`}; None: nothing is known.
        server: whose limits are wanted: another's do not count.
    """
    static = NETWORKS["mastodon"]
    if kept is None or kept.get("server") != server:
        return static
    known = {*_PLACES, "picture_side"}
    told = {name: value for name, value in kept.get("limits", {}).items() if name in known}
    return replace(static, **told)


def _inner(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    inner = value.get(key)
    return inner if isinstance(inner, Mapping) else {}


def _number(value: object, least: int) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= _MOST:
        return value
    return None
