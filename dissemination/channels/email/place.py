"""One server as a line sees it: its connections, its addresses, its share, and whether it can be used now."""

from __future__ import annotations

import socket
from collections.abc import Callable

from dissemination.channels.email.connection import Address, Connection, Stage
from dissemination.channels.email.server import Server
from dissemination.channels.email.toll import Toll
from dissemination.errors import ChannelError

#: A connection more for every so many messages that wait.
_WORTH = 8
#: Seconds that a server is left alone after it could not be reached: the first time, and at the most.
_FIRST_REST, _LONGEST_REST = 5.0, 300.0
#: Seconds after which a server that let in fewer connections than asked for is asked for one more.
_REGROW = 60.0


class Place:
    """One server.

    Args:
        server: which one.
        toll: what its rates still allow.
        now: seconds of a clock that only goes forward.
    """

    def __init__(self, server: Server, toll: Toll, now: Callable[[], float]) -> None:
        self.server, self.toll, self._now = server, toll, now
        self.connections: list[Connection] = []
        self.given = 0
        #: When it last took or answered something.
        self.moved = now()
        #: It cannot follow commands that come together.
        self.simple = False
        #: Not to be called before this instant, and why.
        self.down_until = 0.0
        self.error: ChannelError | None = None
        #: It was away: what the others did meanwhile is not its to catch up with.
        self.behind = False
        self._failures = 0
        self._limit, self._limited = server.connections, 0.0
        self._addresses: list[Address] = []
        #: Which address is called next, and how many in a row let nobody in.
        self._at = self._tried = 0

    @property
    def up(self) -> bool:
        """Whether it may be called now."""
        return self._now() >= self.down_until

    @property
    def share(self) -> float:
        """What it was given, for its weight."""
        return self.given / max(self.server.weight, 1)

    def rest(self, error: ChannelError) -> None:
        """It could not be used."""
        self.error, self.behind = error, True
        self.down_until = self._now() + min(_FIRST_REST * 2**self._failures, _LONGEST_REST)
        self._failures += 1
        self._tried = 0

    def catch_up(self, share: float) -> None:
        """It is back; `share` is what the others have had."""
        self.behind = False
        self.given = max(self.given, round(share * max(self.server.weight, 1)))

    def works(self) -> None:
        """It takes messages."""
        self.error, self._failures, self._tried = None, 0, 0

    def refused(self, connection: Connection, error: ChannelError, *, for_good: bool) -> None:
        """It did not let a connection in: another address, fewer connections, or a rest.

        Args:
            connection: which it was; not among `connections` any more.
            error: why.
            for_good: it is no question of the address.
        """
        ready = [other for other in self.connections if other.stage is Stage.READY]
        if any(other.address == connection.address for other in ready):
            self._limit, self._limited = len(self.connections), self._now()
            return
        if self._addresses and connection.address == self._addresses[self._at]:
            self._at = (self._at + 1) % len(self._addresses)
            self._tried += 1
        if not self.connections and (for_good or self._tried >= len(self._addresses)):
            self.rest(error)

    def wanted(self, backlog: int) -> int:
        """How many further connections so many waiting messages are worth."""
        if self._limit < self.server.connections and self._now() - self._limited > _REGROW:
            self._limit, self._limited = self._limit + 1, self._now()
        # Whoever was just refused knocks once more, not eight times.
        most = 1 if self._tried else max(self._limit, 1)
        return min(most, -(-backlog // _WORTH)) - len(self.connections)

    def connect(self) -> Connection:
        """A new connection, to an address that its name has.

        Raises:
            OSError: the name leads nowhere.
        """
        if not self._addresses:
            found = socket.getaddrinfo(self.server.host, self.server.port, type=socket.SOCK_STREAM)
            self._addresses = [(family, address) for family, _, _, _, address in found]
        return Connection(self.server, self._addresses[self._at], self._now, simple=self.simple)
