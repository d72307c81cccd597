"""Messages on their way over several connections to several servers, in one thread (ports.Line)."""

from __future__ import annotations

import selectors
import socket
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

from dissemination.channels.email.connection import Connection, Stage
from dissemination.channels.email.place import Place
from dissemination.channels.email.server import unreachable, why
from dissemination.channels.email.session import Parcel, Session
from dissemination.channels.email.toll import Toll
from dissemination.errors import ChannelError, NeedsLoginError, NotBegunError, UnavailableError
from dissemination.model import Message, Receipt

#: Outcomes that are worth returning for while there is more to do.
_ENOUGH = 32
#: Times that a message is tried anew when a connection died under it before it was its turn.
_TRIES = 4
#: Seconds of waiting for a rate after which messages are handed back rather than kept.
_PATIENCE = 5.0
#: What one server may be ahead of another, in messages for each weight, and seconds without an answer after which
#: nobody waits for the other one.
_AHEAD, _STUCK = 8.0, 1.0
#: Messages under way from which on a breath is taken after the first answer, and its length in seconds.
_FEW, _BREATH = 4, 0.0004
#: Messages that are made ready while nothing moves, how few of them call for more, and the seconds that it may
#: take at once: signing takes its time, and answers are waiting.
_MADE, _SHORT_OF, _SPELL = 64, 32, 0.001
#: Seconds between looks whether a long queue is worth more connections.
_WIDER = 0.005
#: Seconds between looks at the deadlines.
_LOOK = 0.05

Outcome = tuple[str, Receipt | ChannelError]
Compose = Callable[[Message], Parcel]


class SmtpLine:
    """A way out for one caller. Not for several threads.

    Args:
        places: the servers; those of weight 0 are used when no other one can be.
        compose: makes a message ready for the wire, or raises ChannelError.
        kept: connections that are open from before; those still good at the end are put there again.
        now: seconds of a clock that only goes forward.
    """

    def __init__(
        self, places: Sequence[Place], compose: Compose, kept: list[Connection], now: Callable[[], float]
    ) -> None:
        self._places, self._compose, self._kept, self._now = places, compose, kept, now
        self._selector = selectors.DefaultSelector()
        self._queue: deque[Message | Parcel] = deque()
        #: Taken from the queue and ready for the wire.
        self._made: deque[Parcel] = deque()
        self._out: list[Outcome] = []
        self._tries: Counter[str] = Counter()
        self._flying = 0
        self._most = 2 * sum(place.server.connections * place.server.depth for place in places)
        self._looked = self._wider = 0.0
        self._adopt()

    # The door

    def room(self) -> int:
        """How many more messages it takes now."""
        return max(0, self._most - self._waiting - self._flying)

    def give(self, messages: Sequence[Message | Parcel]) -> None:
        """Take these on."""
        self._queue.extend(messages)

    def outcomes(self, wait: float) -> Sequence[Outcome]:
        """What was decided since the last call; waits at most `wait` seconds for the first."""
        end = self._now() + wait
        if self._waiting:
            ready = self._ready()
            self._fill(ready)
            for connection in ready:
                self._flush(connection)
        while self.busy:
            if self._out and (len(self._out) >= _ENOUGH or not self._waiting):
                break
            left = end - self._now()
            self._turn(max(0.0, left))
            if left <= 0:
                break
        out, self._out = self._out, []
        return out

    def carry_on(self) -> None:
        """Take answers in, and begin what waits on the connections there are.

        Nothing is begun that has to be paid for: the buckets are in the store. No connection is opened: names are
        looked up with patience, and secrets may be unreadable.
        """
        if self._flying and not any(place.toll.charges for place in self._places):
            self._turn(0.0, widen=False)

    def close(self, patience: float) -> Sequence[Outcome]:
        """Begin nothing more, wait for answers, and let go."""
        self._hand_back(NotBegunError("email: nothing more was begun"))
        end = self._now() + patience
        while self._flying and (left := end - self._now()) > 0:
            self._turn(left, begin=False)
            self._hand_back(NotBegunError("email: nothing more was begun"))
        for connection in self._connections():
            self._leave(connection)
        self._hand_back(NotBegunError("email: nothing more was begun"))
        self._selector.close()
        out, self._out = self._out, []
        return out

    def reach(self) -> Sequence[str]:
        """Be let in by every server, without sending anything; a line for each.

        Raises:
            ChannelError: one of them cannot be used.
        """
        return [self._reach(place) for place in self._places]

    def _reach(self, place: Place) -> str:
        while place.up:  # a name may have several addresses, and each is tried once
            if not place.connections:
                self._open(place, 1)
            for connection in place.connections:
                if connection.stage is Stage.READY:
                    login = f"logged in as {place.server.username}" if place.server.username else "no login"
                    return f"{place.server} answers: {connection.encryption()}, {login}"
            self._turn(_PATIENCE)
        raise place.error or self._closed()

    # For those who have more to listen to

    def watch(self, sock: socket.socket, heard: Callable[[], None]) -> None:
        """Call `heard` when there is something to read."""
        self._selector.register(sock, selectors.EVENT_READ, heard)

    @property
    def busy(self) -> bool:
        """Something is under way or waits."""
        return bool(self._flying or self._queue or self._made)

    def rest(self) -> None:
        """Wait until something happens, for a second at most."""
        self._turn(1.0)

    def stop(self) -> None:
        """Begin nothing more; `close` tells what was not begun."""
        self._hand_back(NotBegunError("email: nothing more was begun"))

    @property
    def _waiting(self) -> int:
        """Messages that were given and are not under way."""
        return len(self._made) + len(self._queue)

    # Connections

    def _adopt(self) -> None:
        places = {place.server: place for place in self._places}
        while True:
            try:  # another thread may be quicker
                connection = self._kept.pop()
            except IndexError:
                return
            if connection.server in places:
                places[connection.server].connections.append(connection)
                connection.watch(self._selector)
                connection.wake()
            else:
                connection.close()

    def _connections(self) -> list[Connection]:
        return [connection for place in self._places for connection in place.connections]

    def _ready(self) -> list[Connection]:
        return [c for c in self._connections() if c.stage is Stage.READY]

    def _open(self, place: Place, count: int) -> None:
        if not place.up:
            return
        for _ in range(count):
            try:
                connection = place.connect()
            except OSError as error:
                place.rest(unreachable(place.server, why(error)))
                return
            place.connections.append(connection)
            if connection.stage is Stage.CLOSED:
                self._bury(place, connection)
                return
            connection.watch(self._selector)

    def _place(self, connection: Connection) -> Place:
        return next(place for place in self._places if connection in place.connections)

    def _bury(self, place: Place, connection: Connection) -> None:
        """A connection has closed: what it leaves behind."""
        place.connections.remove(connection)
        session = connection.session
        if session is None:
            # Not a word of any message was said.
            error = connection.error or unreachable(place.server, connection.reason)
            place.refused(connection, error, for_good=isinstance(error, NeedsLoginError))
            return
        place.simple |= session.broken
        if not session.delivered and not place.connections and not session.broken:
            # It lets us in and takes nothing: calling again at once would only be a nuisance.
            place.rest(unreachable(place.server, connection.reason))
        left = session.close(connection.reason, connection.written)
        self._settle(left.outcomes)
        self._again(left.again, session)

    def _leave(self, connection: Connection) -> None:
        """At the end: keep it for the next caller if it is good."""
        place = self._place(connection)
        session = connection.session
        kept = sum(other.server == connection.server for other in list(self._kept))
        good = connection.idle and session is not None and not session.retiring
        if good and kept < connection.server.connections:
            place.connections.remove(connection)
            connection.watch(None)
            self._kept.append(connection)
        else:
            connection.reason = connection.reason or "we had to leave"
            if good:
                connection.quit()
            connection.close()
            self._bury(place, connection)

    # Turning

    def _turn(self, wait: float, *, begin: bool = True, widen: bool = True) -> None:
        """One look at the sockets, and what follows from it."""
        moved: list[Connection] = []
        for key, mask in self._events(min(wait, self._soonest())):
            if isinstance(key.data, Connection):
                key.data.event(mask)
                moved.append(key.data)
            else:
                key.data()
        now = self._now()
        if not moved or now - self._looked > _LOOK:
            self._looked = now
            moved += self._expire(now)
        for connection in moved:
            self._collect(connection)
        if begin:
            self._fill(moved, widen=widen)
        for connection in moved:
            self._flush(connection)

    def _events(self, wait: float) -> list[tuple[selectors.SelectorKey, int]]:
        """What moved. Where the servers keep us waiting, a breath is taken for further answers.

        A process that wakes up for each of them finds its caches cold: 75 microseconds a message, not 60.
        """
        events = self._selector.select(0)
        if not events and wait > 0 and self._prepare():
            events = self._selector.select(0)
        if not events and wait > 0:
            events = self._selector.select(wait)
            if events and self._flying > _FEW:
                time.sleep(_BREATH)
                events = self._selector.select(0)
        return events

    def _soonest(self) -> float:
        """Seconds until a deadline or a rate wants a look."""
        return _LOOK if self._waiting else 1.0

    def _expire(self, now: float) -> list[Connection]:
        late = [c for c in self._connections() if (end := c.deadline()) is not None and end <= now]
        for connection in late:
            connection.late()
        return late

    def _collect(self, connection: Connection) -> None:
        session = connection.session
        if session is not None:
            if session.outcomes:
                if len(self._places) > 1:
                    self._place(connection).moved = self._now()
                self._settle(session.outcomes)
                session.outcomes = []
            if session.again:
                self._again(session.again, session)
                session.again = []
        if connection.stage is Stage.CLOSED:
            if any(connection in place.connections for place in self._places):
                self._bury(self._place(connection), connection)
        elif session is not None and session.retiring and connection.idle:
            place = self._place(connection)
            place.simple |= session.broken
            place.connections.remove(connection)
            connection.quit()

    def _flush(self, connection: Connection) -> None:
        connection.flush()
        if connection.stage is Stage.CLOSED:  # it broke under it
            self._collect(connection)

    def _settle(self, outcomes: Iterable[tuple[Parcel, str | ChannelError]]) -> None:
        for parcel, outcome in outcomes:
            self._flying -= 1
            if isinstance(outcome, str):
                self._out.append((parcel.key, Receipt(id=parcel.message_id, detail=outcome)))
            else:
                self._out.append((parcel.key, outcome))

    def _again(self, parcels: Iterable[Parcel], session: Session) -> None:
        """These had bad luck with their connection; they go first on the next one."""
        for parcel in parcels:
            self._flying -= 1
            # A server that takes a few on each connection and then leaves gets on all the same.
            self._tries[parcel.key] += not session.delivered
            if self._tries[parcel.key] < _TRIES:
                self._made.appendleft(parcel)
            else:
                error = UnavailableError("email: every connection broke off before it was sent, nothing went out")
                self._out.append((parcel.key, error))

    def _hand_back(self, error: ChannelError) -> None:
        self._out += [(message.key, error) for message in (*self._made, *self._queue)]
        self._made.clear()
        self._queue.clear()

    # Filling

    def _fill(self, connections: Iterable[Connection], *, widen: bool = True) -> None:
        """Give what waits to these, and see to further ways."""
        if len(self._places) == 1:
            for connection in connections:
                self._load(self._places[0], connection)
        else:
            self._balance()
        now = self._now()
        if widen and self._waiting and (not self._flying or now >= self._wider):
            self._wider = now + _WIDER
            self._widen()

    def _load(self, place: Place, connection: Connection) -> None:
        """As much as the connection takes."""
        given = 0
        while (waiting := self._waiting) and connection.room > 0 and place.toll.pay(waiting):
            given += self._begin(connection)
        if given:
            place.given += given
            place.works()
            self._collect(connection)  # what was refused before a word of it was said

    def _begin(self, connection: Connection) -> int:
        if not self._made and not self._make():
            return 0
        self._flying += 1
        connection.begin(self._made.popleft())
        return 1

    def _make(self) -> bool:
        """The next one is made ready for the wire; False: it cannot be, and that is its outcome."""
        message = self._queue.popleft()
        if isinstance(message, Message):
            try:
                message = self._compose(message)
            except ChannelError as error:
                self._out.append((message.key, error))
                return False
        self._made.append(message)
        return True

    def _prepare(self) -> bool:
        """While nothing moves, make the next ones ready, many in a row; whether that took a while."""
        if not self._queue or len(self._made) >= _SHORT_OF:
            return False
        end = self._now() + _SPELL
        while self._queue and len(self._made) < _MADE and self._now() < end:
            self._make()
        return True

    def _balance(self) -> None:
        """One message after the other to whoever has had the least for its weight."""
        touched: set[Connection] = set()
        while self._waiting and (connection := self._next_way()) is not None:
            place = self._place(connection)
            if not place.toll.pay(self._waiting):
                continue  # its rate is used up, and so it is no way any more
            place.given += self._begin(connection)
            place.works()
            touched.add(connection)
        for connection in touched:
            self._collect(connection)
            self._flush(connection)

    def _next_way(self) -> Connection | None:
        """A connection of the place that is most behind its share; None: whoever is behind has no room yet.

        The others wait for it, since a share is a promise; but not for a place on which nothing moves.
        """
        now, usable = self._now(), self._usable()
        abreast = [place.share for place in usable if not place.behind]
        for place in usable:
            if place.behind:
                place.catch_up(min(abreast, default=0.0))
        ways = [(place.share, c) for place in usable for c in place.connections if c.room > 0]
        if not ways:
            return None
        share, connection = min(ways, key=lambda way: way[0])
        moving = [place.share for place in usable if now - place.moved < _STUCK]
        return connection if share <= min(moving, default=share) + _AHEAD else None

    def _usable(self) -> list[Place]:
        """Places that are neither down nor closed by their rate; those of weight 0 only if there is no other."""
        return [place for place in self._in_use() if not place.toll.wait()]

    def _in_use(self) -> list[Place]:
        """Places that are up or will be soon: a short wait for a rate does not call for a fallback."""
        up = [place for place in self._places if place.up and place.toll.wait() <= _PATIENCE]
        return [place for place in up if place.server.weight] or up

    def _widen(self) -> None:
        """More connections for a long queue; and where there is no way out, nobody waits for one."""
        for place in self._usable():
            self._open(place, place.wanted(self._waiting))
        if self._in_use():
            return
        waits = [place.toll.wait() for place in self._places if place.up]
        if waits:
            self._hand_back(self._spent(min(waits)))
        elif not self._connections():
            self._hand_back(self._closed())

    def _closed(self) -> ChannelError:
        errors = [place.error for place in self._places if place.error is not None]
        login = [error for error in errors if isinstance(error, NeedsLoginError)]
        if login:
            return login[0]
        return NotBegunError(str(errors[0]) if errors else "email: there is no server to send with")

    def _spent(self, wait: float) -> ChannelError:
        toll = min((place.toll for place in self._places), key=Toll.wait)
        at = toll.clock() + timedelta(seconds=wait)
        return NotBegunError(f"email: the rate of every server is used up until {at:%F %T} UTC", retry_at=at)
