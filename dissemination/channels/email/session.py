"""Messages in one SMTP dialogue, without its socket: replies go in, bytes to write and outcomes come out.

Three ways, by what the server offers:

    step by step   MAIL, RCPT, DATA and the message, each after the reply to the one before
    pipelined      MAIL, RCPT and DATA of the next message together with the message before (RFC 2920)
    chunked        whole messages after one another (RFC 3030); the replies come when they come

Replies come in the order of the commands: what each one is about is known from the queue `_expected` alone.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from dissemination.channels.email.greeting import Offers
from dissemination.channels.email.server import CLOSING, Reply, Server, refusal, shown
from dissemination.errors import ChannelError, InDoubtError, RejectedError, SenderRefusedError, UnavailableError

#: Replies that speak of the order of commands: in a pipelined dialogue they say that the server cannot follow it.
_OUT_OF_STEP = frozenset({500, 502, 503})


class Parcel(NamedTuple):
    """A message ready for the wire. A tuple, since there is one for every recipient of a large edition."""

    key: str
    sender: str
    recipient: str
    #: Its addresses have letters beyond ASCII (RFC 6531).
    utf8: bool
    message_id: str
    #: CRLF line ends, one at the end; no line begins with a dot.
    body: bytes


class Step(Enum):
    """What a reply is about; the text is for messages."""

    RSET = "our starting anew"
    NOOP = "our question whether it is there"
    MAIL = "the sender"
    RCPT = "the recipient"
    DATA = "the message"
    BODY = "the message "  # all of it was handed over

    # Members are looked up for every reply, and hashing their names costs as much as reading the reply.
    __hash__ = object.__hash__


_ENVELOPE = frozenset({Step.MAIL, Step.RCPT})


class Way(Enum):
    """How messages follow one another."""

    STEPS = 1
    PIPELINED = 2
    CHUNKED = 3


@dataclass(slots=True)
class Flight:
    """A parcel on this connection."""

    parcel: Parcel
    error: ChannelError | None = None
    #: Its commands are written; a reply to one of them has come.
    said: bool = False
    answered: bool = False
    #: Where its last byte stands among all that was to be written; None: not yet to be written.
    end: int | None = None
    #: Nothing was wrong with it: it is to go again, on another connection.
    again: bool = False


class Closed(NamedTuple):
    """What a connection leaves behind: outcomes, and parcels that another one may take."""

    outcomes: list[tuple[Parcel, str | ChannelError]]
    again: list[Parcel]


class Session:
    """The messages of one connection.

    Args:
        server: whom we talk to.
        offers: what it can do.
        simple: leave pipelining, whatever it offers: it was seen to fail there.
    """

    def __init__(self, server: Server, offers: Offers, *, simple: bool = False) -> None:
        self.server, self.offers = server, offers
        self.way = Way.STEPS if simple or not offers.pipelining else Way.PIPELINED
        if self.way is Way.PIPELINED and offers.chunking:
            self.way = Way.CHUNKED
        self._depth = {Way.STEPS: 1, Way.PIPELINED: 2, Way.CHUNKED: server.depth}[self.way]
        #: What is to be written, in order, and how many bytes that has been in all.
        self.out: list[bytes] = []
        self.size = 0
        #: (parcel, what the server said or what went wrong) since they were last taken.
        self.outcomes: list[tuple[Parcel, str | ChannelError]] = []
        self.again: list[Parcel] = []
        self._expected: deque[tuple[Step, Flight | None]] = deque()
        self._flights: deque[Flight] = deque()
        self._begun = self._done = 0
        #: How many messages the server took.
        self.delivered = 0
        #: Takes no further message; it is left when the last reply is there.
        self.retiring = False
        #: Why it is not to be used any more, at once.
        self.dead = ""
        #: It offers pipelining and cannot do it.
        self.broken = False

    # Giving

    @property
    def room(self) -> int:
        """How many parcels it takes now."""
        if self.retiring or self.dead or self.waiting is Step.NOOP:
            return 0
        if self.way is Way.STEPS and self._expected:
            return 0
        return self._depth - len(self._flights)

    @property
    def idle(self) -> bool:
        """No reply is waited for."""
        return not self._expected

    @property
    def waiting(self) -> Step | None:
        """What the next reply is about."""
        return self._expected[0][0] if self._expected else None

    def has_it_all(self, written: int) -> bool:
        """Whether the next reply is about a message that has left whole; `written` as in `close`."""
        step, flight = self._expected[0] if self._expected else (None, None)
        return step is Step.BODY and flight is not None and flight.end is not None and written >= flight.end

    def begin(self, parcel: Parcel) -> None:
        """Take a parcel on; only where there is room."""
        if refused := self._unfit(parcel):
            self.outcomes.append((parcel, refused))
            return
        flight = Flight(parcel)
        self._begun += 1
        self._flights.append(flight)
        self.retiring |= self._begun == self.server.messages_per_connection
        if self.way is Way.CHUNKED:
            self._chunk(flight)
        elif self.way is Way.STEPS:
            self._say(_mail(parcel), (Step.MAIL, flight))
        else:
            self._follow()

    def check(self) -> None:
        """Ask whether the server is still there."""
        self._say("NOOP\r\n", (Step.NOOP, None))

    def _unfit(self, parcel: Parcel) -> ChannelError | None:
        if parcel.utf8 and not self.offers.smtputf8:
            return RejectedError(
                f"email: {self.server} takes no letters beyond ASCII before the @ (no SMTPUTF8); "
                "ask for another address"
            )
        if 0 < self.offers.size < len(parcel.body):
            return RejectedError(
                f"email: {self.server} takes messages of {self.offers.size} bytes, and this one has "
                f"{len(parcel.body)}; make it shorter"
            )
        return None

    def _say(self, words: str, *expected: tuple[Step, Flight | None]) -> None:
        self._write(words.encode())
        self._expected.extend(expected)

    def _write(self, data: bytes) -> None:
        self.out.append(data)
        self.size += len(data)

    def _group(self, flight: Flight) -> None:
        flight.said = True
        self._say(
            f"{_mail(flight.parcel)}{_rcpt(flight.parcel)}DATA\r\n",
            (Step.MAIL, flight),
            (Step.RCPT, flight),
            (Step.DATA, flight),
        )

    def _chunk(self, flight: Flight) -> None:
        # RFC 3030, 2: after a refused BDAT the state is indeterminate. What a refusal of the message before leaves
        # behind must not become this message's envelope, so every message starts anew.
        parcel = flight.parcel
        self._say(
            f"RSET\r\n{_mail(parcel)}{_rcpt(parcel)}BDAT {len(parcel.body)} LAST\r\n",
            (Step.RSET, None),
            (Step.MAIL, flight),
            (Step.RCPT, flight),
            (Step.BODY, flight),
        )
        self._write(parcel.body)
        flight.end = self.size

    # Replies

    def reply(self, reply: Reply) -> None:
        """Take the next reply."""
        if not self._expected:
            self._unasked(reply)
            return
        step, flight = self._expected.popleft()
        if reply[0] == CLOSING:
            self.dead = self.dead or f"{reply[0]} {shown(reply[1])}"
        if flight is None:
            # What begins after a refused RSET may be disturbed: nothing further begins.
            self.retiring |= reply[0] != 250
            return
        flight.answered = True
        if 200 <= reply[0] < 300 and step in _ENVELOPE and self.way is not Way.STEPS:
            return  # nothing follows from it: what comes next was said already
        _AFTER[step](self, flight, reply)

    def _unasked(self, reply: Reply) -> None:
        """Servers say good-bye unasked when they have waited long enough."""
        self.dead = f"{reply[0]} {shown(reply[1])}"

    def _after_mail(self, flight: Flight, reply: Reply) -> None:
        self._judge(flight, Step.MAIL, reply)
        if self.way is Way.STEPS:
            self._next(flight, _rcpt(flight.parcel), Step.RCPT)

    def _after_rcpt(self, flight: Flight, reply: Reply) -> None:
        self._judge(flight, Step.RCPT, reply)
        if self.way is Way.STEPS:
            self._next(flight, "DATA\r\n", Step.DATA)

    def _next(self, flight: Flight, words: str, step: Step) -> None:
        if flight.error is None:
            self._say(words, (step, flight))
        else:
            self._abandon(flight)

    def _after_data(self, flight: Flight, reply: Reply) -> None:
        if reply[0] != 354:
            self._judge(flight, Step.DATA, reply)
            self._abandon(flight)
            return
        if flight.error is None:
            self._write(flight.parcel.body)
        # Else it wants a message for nobody and gets an empty one: RFC 2920, 3.1.
        self._write(b".\r\n")
        flight.end = self.size
        self._expected.append((Step.BODY, flight))
        self._follow()

    def _after_body(self, flight: Flight, reply: Reply) -> None:
        if flight.error is None and 200 <= reply[0] < 300:
            self.delivered += 1
            self._finish(flight, shown(reply[1]))
            return
        if self.way is Way.CHUNKED and 200 <= reply[0] < 300:
            flight.again, flight.error = False, self._contradiction(flight)
        elif flight.error is None and not 400 <= reply[0] < 600:
            self.dead = self.dead or "it does not speak SMTP"
            flight.error = InDoubtError(
                f"email: {self.server} gave no clear answer to the whole message: {shown(reply[1])}"
            )
        self._judge(flight, Step.BODY, reply)
        self._finish(flight, flight.error)

    def _contradiction(self, flight: Flight) -> ChannelError:
        """It took a message whose sender or recipient it had refused: who has it now, nobody can say."""
        return InDoubtError(f"{flight.error}; and yet it took the message")

    def _judge(self, flight: Flight, step: Step, reply: Reply) -> None:
        """The first refusal of a message is its outcome; what follows from it says nothing.

        A code that is not known is judged by its first digit (RFC 5321, 4.2.1).
        """
        if flight.error is not None or (200 <= reply[0] < 300 and step in _ENVELOPE):
            return
        flight.error = refusal(self.server, step.value.strip(), reply)
        if step is Step.MAIL and isinstance(flight.error, RejectedError):
            flight.error = SenderRefusedError(str(flight.error))
        if step is Step.MAIL and reply[0] == CLOSING and self._done:
            flight.again = True  # the connection has aged; that says nothing of this message
        if self.way is not Way.STEPS and reply[0] in _OUT_OF_STEP:
            self.broken = self.retiring = flight.again = True

    def _abandon(self, flight: Flight) -> None:
        """It was refused before the message: nothing of it may disturb the next one."""
        self._finish(flight, flight.error)
        if not self.dead:
            self._say("RSET\r\n", (Step.RSET, None))
            self._follow()

    def _follow(self) -> None:
        """The commands of the next message go out together with the message before: no sooner, and no later."""
        if self.way is not Way.PIPELINED:
            return
        for flight in self._flights:
            if flight.end is None:
                if not flight.said:
                    self._group(flight)
                return

    def _finish(self, flight: Flight, outcome: str | ChannelError | None) -> None:
        self._flights.remove(flight)
        self._done += 1
        if flight.again:
            self.again.append(flight.parcel)
        elif outcome is not None:
            self.outcomes.append((flight.parcel, outcome))

    # The end

    def close(self, why: str, written: int) -> Closed:
        """The connection is gone.

        Args:
            why: what happened, for people.
            written: how many bytes of all that was to be written have left.
        """
        outcomes, again = self.outcomes, self.again
        flights, self._flights = list(self._flights), deque()
        first = next((flight for _, flight in self._expected if flight), None)
        for flight in flights:
            if flight.again:
                again.append(flight.parcel)
            elif flight.error is not None:
                outcomes.append((flight.parcel, flight.error))
            elif flight.end is not None and written >= flight.end and not self._said_goodbye:
                outcomes.append((flight.parcel, self._doubt(why)))
            elif flight is first and self._was_its_turn(flight):
                outcomes.append((flight.parcel, self._nothing_went_out(why)))
            else:
                again.append(flight.parcel)
        self.outcomes, self.again = [], []
        return Closed(outcomes, again)

    @property
    def _said_goodbye(self) -> bool:
        """It said 421, and so it has not looked at anything after that."""
        return self.dead.startswith(str(CLOSING))

    def _was_its_turn(self, flight: Flight) -> bool:
        """A connection that has aged may go at any time; on a new one the message itself may be the cause."""
        return flight.answered or not self._done

    def _doubt(self, why: str) -> ChannelError:
        return InDoubtError(f"email: {self.server} had the whole message and never answered: {why}")

    def _nothing_went_out(self, why: str) -> ChannelError:
        return UnavailableError(f"email: {self.server} hung up, nothing went out: {why}")


def _mail(parcel: Parcel) -> str:
    return f"MAIL FROM:<{parcel.sender}>{' BODY=8BITMIME SMTPUTF8' if parcel.utf8 else ''}\r\n"


def _rcpt(parcel: Parcel) -> str:
    return f"RCPT TO:<{parcel.recipient}>\r\n"


_AFTER = {
    Step.MAIL: Session._after_mail,
    Step.RCPT: Session._after_rcpt,
    Step.DATA: Session._after_data,
    Step.BODY: Session._after_body,
}
