"""The ordering gate: pages and feeds first, then mail and posts."""

from __future__ import annotations

from dissemination.model import Carries, Publication, State
from dissemination.pipeline.parts import Parts


def held(parts: Parts, publication: Publication, live: frozenset[str]) -> str:
    """Why it must wait; "" if it may go.

    Args:
        parts: the house.
        publication: a post or an edition that is due.
        live: ids of the items whose feed entries are out.
    """
    missing = [item for item in publication.after if item not in live]
    if missing:
        return f"waits for the feed entry of {missing[0]}{_state_of(parts, missing[0])}"
    for url in publication.live_urls:
        answer = parts.gate.live(url)
        if answer:
            return f"waits for {url}: {answer}"
    return ""


def _state_of(parts: Parts, item: str) -> str:
    latest = parts.store.publications.latest()
    feeds = [name for name, channel in parts.channels.items() if channel.limits.carries is Carries.FILES]
    states = [latest[item, name].state for name in feeds if (item, name) in latest]
    return f", which is {states[0].value.replace('_', ' ')}" if states and states[0] is not State.PUBLISHED else ""
