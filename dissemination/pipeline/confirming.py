"""Confirmation mails: from the outbox of sign-ups, claimed before they go out and settled after it.

A crash in between loses none: the claim ends and the mail is sent again under the same Message-ID, by which
mailboxes know it again. So is a mail in doubt, once. What the server took is never sent a second time.
"""

from __future__ import annotations

from datetime import timedelta

from dissemination.errors import ChannelError, InDoubtError, RejectedError
from dissemination.model import Happening, Parcel
from dissemination.pipeline.errands import Errand
from dissemination.pipeline.parts import Parts
from dissemination.pipeline.proof import MAIL
from dissemination.pipeline.visiting import Visitors

#: A claim: longer than any dialogue with a mail server.
LEASE = timedelta(minutes=10)
#: Tries of one mail, and the pause after the first that failed; each further one is twice as long. Seventeen hours
#: in all: a mail server that is away for a night costs nobody their sign-up.
ATTEMPTS = 10
PAUSE = timedelta(minutes=2)


class Postman:
    """Sends what waits. To be called as often as one likes, by several processes.

    Args:
        parts: the house.
        visitors: words, and how a mail is sent.
    """

    def __init__(self, parts: Parts, visitors: Visitors) -> None:
        self._parts = parts
        self._visitors = visitors
        self._errand = Errand(self, "confirmation mails")

    def wake(self) -> None:
        """Send soon, beside the caller: how long it takes tells a visitor nothing."""
        self._errand.wake()

    def rest(self, seconds: float) -> bool:
        """Wait until what was woken is through."""
        return self._errand.rest(seconds)

    def __call__(self) -> None:
        """Everything that is due now."""
        signups = self._parts.store.signups
        if (
            self._visitors.send is None
            or not signups.waits()
            or {"*", MAIL} & set(self._parts.store.controls.paused())
        ):
            return
        while (parcel := signups.claim(LEASE)) is not None:
            self._deliver(parcel)

    def _deliver(self, parcel: Parcel) -> None:
        try:
            self._send(parcel)
        except RejectedError as error:
            self._give_up(parcel, error)
        except ChannelError as error:
            if parcel.attempt >= (2 if isinstance(error, InDoubtError) else ATTEMPTS):
                self._give_up(parcel, error)
            else:
                again = self._parts.clock.now() + PAUSE * 2 ** (parcel.attempt - 1)
                self._parts.store.signups.settle(parcel, again)
        else:
            self._parts.store.signups.settle(parcel)

    def _send(self, parcel: Parcel) -> None:
        if self._visitors.send is None:  # never: the caller has looked
            return
        url = self._parts.site.confirm(self._parts.tokens.sign("c", parcel.signup))
        subject, text = self._visitors.says.confirmation(parcel.lang, url)
        self._visitors.send(parcel.email, subject, text, key=f"confirm/{parcel.signup}/{parcel.number}")

    def _give_up(self, parcel: Parcel, error: ChannelError) -> None:
        """The log names no address: errors of mail servers like to repeat it."""
        self._parts.store.signups.settle(parcel)
        detail = f"a confirmation mail was given up after {parcel.attempt} tries: {type(error).__name__}"
        self._parts.store.events.add(Happening(at=self._parts.clock.now(), kind="confirmation", detail=detail))
