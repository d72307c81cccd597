"""A WebSub hub: told by one small POST that a feed has changed; it fetches the feed itself.

The recommendation leaves the way open (https://www.w3.org/TR/websub/#publishing). Hubs took over the ping of
PubSubHubbub 0.4, in two spellings: Google's and Superfeedr's read `hub.url`, Switchboard reads `hub.topic`
(https://github.com/w3c-social/social-web-protocols/issues/47). Both are sent; each hub ignores the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import httpx

from dissemination.channels.exchange import Exchange, Refusal, is_loopback
from dissemination.channels.guard import Guarded
from dissemination.errors import ChannelError, NeedsLoginError, RejectedError, UnavailableError

_NAME = "websub"


class WebSubHub:
    """One hub (`ports.Hub`). No redirect is followed: what is in settings is what gets told.

    Args:
        address: the hub's address, as feeds name it.
        now: the present.
        allow_private: whether it may be a machine inside; an address that names this machine always may.
        connect: seconds until a connection stands.
        read: seconds for an answer: for its next bytes, and for the whole of it.
    """

    def __init__(
        self,
        address: str,
        now: Callable[[], datetime],
        *,
        allow_private: bool = False,
        connect: float = 5,
        read: float = 10,
    ) -> None:
        self.address = address
        host = httpx.URL(address).host
        inside = allow_private or is_loopback(host)
        self._exchange = Exchange(
            _NAME,
            f"the hub {host}",
            _REFUSALS,
            now,
            connect=connect,
            read=read,
            transport=lambda: Guarded(_NAME, inside=inside, remedy="set websub.allow_private: true"),
        )

    def tell(self, topic: str) -> None:
        """A ping for one feed; see `ports.Hub`."""
        form = {"hub.mode": "publish", "hub.url": topic, "hub.topic": topic}
        # A ping more is harmless: it changes nothing that could be in doubt.
        reply = self._exchange("POST", self.address, changes=False, accept=tuple(_MEANINGS), data=form)
        if reply.status in _MEANINGS:
            raise self._exchange.refused(reply, changes=True)

    def close(self) -> None:
        """Let go of connections."""
        self._exchange.close()


# Classifying

_MOVED = "it points elsewhere and is not followed: write the address that it points to into websub.hub"
_WRONG = "nobody takes pings there, or not ours: correct websub.hub"
_REFUSED = "it does not take this feed: see what the hub asks of publishers, and whether it reaches public_url"
_LATER = "it is told again later"

#: What is no success; every other answer leaves it open, and a repeat settles that.
_MEANINGS: Mapping[int, tuple[type[ChannelError], str]] = {
    **dict.fromkeys(range(300, 400), (NeedsLoginError, _MOVED)),
    **dict.fromkeys(range(400, 500), (RejectedError, _REFUSED)),
    **dict.fromkeys((401, 404, 405, 410), (NeedsLoginError, _WRONG)),
    **dict.fromkeys((408, 425, 429), (UnavailableError, _LATER)),
}
_REFUSALS = (
    *(Refusal(status=status, error=error, advice=advice) for status, (error, advice) in _MEANINGS.items()),
    Refusal(status=0, error=UnavailableError, advice=_LATER),
)
