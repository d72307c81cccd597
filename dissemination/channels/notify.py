"""Tells whoever is named in settings what failed, was missed or is in doubt: by mail and by webhook."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from hashlib import sha256
from typing import Protocol

import httpx

from dissemination.channels.exchange import Refusal, is_loopback
from dissemination.channels.hooks import Hook, headers_for, keys_of, message_id
from dissemination.errors import ChannelError, UnavailableError
from dissemination.model import Happening
from dissemination.ports import Clock

#: Lines of one mail; the log has the rest.
_LINES = 100
#: Whatever is answered, nothing is in doubt: who gets the same notice again knows it by its id.
_REFUSALS = (Refusal(status=0, error=UnavailableError, advice="is the address right?"),)


class SendsNotice(Protocol):
    """Sends one plain mail (the email channel's `send_notice`)."""

    def __call__(self, address: str, subject: str, text: str, *, key: str) -> object:
        """Raises ChannelError where it does not go out."""
        ...


class Notices:
    """Every way is tried; one that fails does not hinder the others.

    Args:
        addresses: who gets a mail.
        webhooks: web addresses that get a POST with JSON, as settings name them.
        mail: sends one mail; None: no mail can be sent.
        secret: secret("WEBHOOK_SECRET") signs the webhooks where it is set.
        clock: the time of a webhook.
        allow_private: whether webhooks may lead to machines inside; an address that names this machine always may.
    """

    def __init__(  # noqa: PLR0913 - who is told, by which ways, and how these are proved
        self,
        *,
        addresses: Sequence[str],
        webhooks: Sequence[str],
        mail: SendsNotice | None,
        secret: Callable[[str], str | None],
        clock: Clock,
        allow_private: bool = False,
    ) -> None:
        self._addresses = tuple(addresses)
        self._webhooks = tuple(webhooks)
        self._mail = mail
        self._secret = secret
        self._clock = clock
        self._allow_private = allow_private

    def tell(self, happenings: Sequence[Happening]) -> None:
        """Best effort by every way that is set up.

        Raises:
            UnavailableError: ways are set up, and none of them worked; the text names each.
        """
        ways = list(self._ways(happenings)) if happenings else []
        faults = [fault for fault in map(_attempt, ways) if fault]
        if ways and len(faults) == len(ways):
            raise UnavailableError("; ".join(faults))

    def _ways(self, happenings: Sequence[Happening]) -> Iterator[Callable[[], None]]:
        body = _body(happenings)
        key = sha256(body).hexdigest()[:32]
        for address in self._addresses:
            yield partial(self._write, address, happenings, f"notice/{key}/{address}")
        for url in self._webhooks:
            yield partial(self._post, url, body, message_id(body))

    def _write(self, address: str, happenings: Sequence[Happening], key: str) -> None:
        if self._mail is None:
            raise UnavailableError("notify.mail: no email channel is set up; add channels.email to settings.yaml")
        self._mail(address, _subject(happenings), _text(happenings), key=key)

    def _post(self, url: str, body: bytes, id_: str) -> None:
        hook = self._hook(url)
        try:
            secret = self._secret("WEBHOOK_SECRET")
            keys = keys_of("notify", "WEBHOOK_SECRET", secret) if secret else ()
            hook.post(body, headers_for(body, id_, self._clock.now(), keys), changes=False)
        finally:
            hook.close()

    def _hook(self, url: str) -> Hook:
        try:
            return Hook(
                _place(url),
                url,
                _REFUSALS,
                self._clock.now,
                inside=self._allow_private or is_loopback(httpx.URL(url).host),
                remedy="set notify.allow_private: true",
                connect=5,
                read=10,
            )
        except httpx.InvalidURL:
            raise UnavailableError(f"{_place(url)}: no web address; correct notify.webhooks") from None


def _attempt(way: Callable[[], None]) -> str:
    """What went wrong; "" if it worked."""
    try:
        way()
    except ChannelError as error:
        return str(error)
    return ""


def _body(happenings: Sequence[Happening]) -> bytes:
    events = [
        {
            "id": happening.id,
            "at": happening.at.isoformat(),
            "kind": happening.kind,
            "subject": happening.subject,
            "channel": happening.channel,
            "detail": happening.detail,
        }
        for happening in happenings
    ]
    return json.dumps({"type": "dissemination.events", "events": events}).encode()


def _subject(happenings: Sequence[Happening]) -> str:
    kinds = dict.fromkeys(happening.kind.replace("_", " ") for happening in happenings)
    return f"[Dissemination] {', '.join(kinds)}: {len(happenings)} to look at"


def _text(happenings: Sequence[Happening]) -> str:
    lines = [_line(happening) for happening in happenings[:_LINES]]
    if len(happenings) > _LINES:
        lines.append(f"... and {len(happenings) - _LINES} more.")
    return "\n".join([*lines, "", "`disseminate status` and `disseminate log` say more.", ""])


def _line(happening: Happening) -> str:
    facts = (happening.kind.replace("_", " "), happening.subject, happening.channel)
    head = " ".join(fact for fact in facts if fact)
    at = happening.at.strftime("%Y-%m-%d %H:%M UTC")
    return f"{at}  {head}{f': {happening.detail}' if happening.detail else ''}"


def _place(url: str) -> str:
    """The host alone: paths of webhooks are often as good as a password."""
    try:
        return f"webhook {httpx.URL(url).host}"
    except httpx.InvalidURL:
        return "webhook"
