"""The ordering gate: pages and feeds first, then mail and posts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dissemination.model import Carries, Publication, State
from dissemination.pipeline.parts import Parts

_UNAPPROVED = frozenset({State.DRAFT, State.IN_REVIEW})


class Gates:
    """The gates as they stand in one pass; the store is asked once."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._live = frozenset(entry.item for entry in parts.store.publications.live())
        self._entries: Mapping[str, State] | None = None

    def held(self, publication: Publication) -> str:
        """Why a post or an edition that is due must wait; "" if it may go."""
        missing = [item for item in publication.after if item not in self._live and not self._was_out(item)]
        if missing:
            return f"waits for the feed entry of {missing[0]}{self._state_of(missing[0])}"
        for url in publication.live_urls:
            answer = self._parts.gate.live(url)
            if answer:
                return f"waits for {url}: {answer}"
        return ""

    def unapproved(self, publication: Publication) -> Sequence[str]:
        """Items whose feed entry it will wait for, and which nobody has approved."""
        return [item for item in publication.after if self._states().get(item) in _UNAPPROVED]

    def _was_out(self, item: str) -> bool:
        """An entry that has expired since has its page still."""
        return self._states().get(item) is State.PUBLISHED

    def _states(self) -> Mapping[str, State]:
        if self._entries is None:
            self._entries = {
                subject: row.state
                for (subject, channel), row in self._parts.store.publications.latest().items()
                if channel in self._parts.channels and self._parts.channels[channel].limits.carries is Carries.FILES
            }
        return self._entries

    def _state_of(self, item: str) -> str:
        state = self._states().get(item)
        return f", which is {state.value.replace('_', ' ')}" if state and state is not State.PUBLISHED else ""
