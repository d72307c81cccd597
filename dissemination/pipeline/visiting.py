"""What people do by themselves on the public pages: sign up, confirm, choose, look, go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from dissemination.errors import UnavailableError, WrongUseError
from dissemination.files import digest_of
from dissemination.model import Choices, Dossier, Frequency, Happening, Notice, Preferences, SignUp, masked
from dissemination.pipeline.parts import Parts
from dissemination.pipeline.proof import MAIL
from dissemination.ports import Addresses, SaysToVisitors

#: How long a link to confirm holds good.
CONFIRM = timedelta(days=7)
#: The longest pause that can be asked for.
LONGEST_PAUSE = timedelta(days=366)
#: The attribute that editions ask for.
FREQUENCY = "frequency"


class SendsMail(Protocol):
    """Sends one plain mail (the email channel's `send_notice`)."""

    def __call__(self, address: str, subject: str, text: str, *, key: str) -> object:
        """Raises ChannelError where it does not go out."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Visitors:
    """What the program says to visitors, and how it writes to them."""

    says: SaysToVisitors
    #: None: no mail can be sent, and so nobody can sign up.
    send: SendsMail | None = None


class _Silent:
    """Says nothing: nobody can come."""

    def notice(self, lang: str) -> Sequence[str]:  # noqa: ARG002 - the port's shape
        return ()

    def confirmation(self, lang: str, url: str) -> tuple[str, str]:  # noqa: ARG002 - the port's shape
        return "", ""


def nobody() -> Visitors:
    """Where nobody is to come."""
    return Visitors(says=_Silent())


def lacking(parts: Parts, visitors: Visitors) -> Sequence[str]:
    """Settings that are missing to ask people for their address (GDPR, article 13); (): the form may be shown."""
    privacy = parts.privacy
    duties = {
        "privacy.controller": privacy.controller.strip(),
        "privacy.contact": privacy.contact.strip(),
        "privacy.purposes": privacy.purposes,
        "privacy.keep": privacy.keep,
        "newsletter.lists": parts.project.lists,
        f"channels.{MAIL}": visitors.send,
    }
    return [name for name, said in duties.items() if not said]


def notice(visitors: Visitors, lang: str) -> Notice:
    """What stands beside the form in this language."""
    paragraphs = tuple(visitors.says.notice(lang))
    return Notice(lang=lang, paragraphs=paragraphs, digest=digest_of("\n\n".join(paragraphs).encode()))


def sign_up(  # noqa: PLR0913 - the house, and what the form says
    parts: Parts,
    visitors: Visitors,
    addresses: Addresses,
    *,
    email: str,
    lists: Sequence[str],
    said: Notice,
    form: str,
) -> None:
    """Somebody filled the form in. Whether the address is known here makes no difference that could be seen.

    Raises:
        AddressError: it is no address.
        WrongUseError: no list, one that is not there, or the form may not be shown.
        UnavailableError: too many sign up at the moment.
    """
    if lacking(parts, visitors):
        raise WrongUseError(f"sign-up: fill {', '.join(lacking(parts, visitors))} in settings.yaml")
    if not lists or any(name not in parts.project.lists for name in lists):
        raise WrongUseError("sign-up: choose a list")
    address, hashed = addresses.both(email)
    asked = SignUp(
        email=email.strip(),
        address=address,
        hash=hashed,
        lang=said.lang,
        lists=tuple(dict.fromkeys(lists)),
        words=said.text,
        form=form,
        at=parts.clock.now(),
    )
    if not parts.store.signups.ask(asked):
        raise UnavailableError("sign-up: too many at the moment; try again in an hour")


def pending(parts: Parts, token: str) -> SignUp | None:
    """What a link to confirm is about; None: it is none of ours, or too old."""
    number = parts.tokens.number("c", token)
    return None if number is None else parts.store.signups.pending(number, parts.clock.now() - CONFIRM)


def confirm(parts: Parts, token: str, lists: Sequence[str]) -> str | None:
    """The token of the preferences of whoever said yes to these lists; None: there is nothing to confirm."""
    number = parts.tokens.number("c", token)
    if number is None:
        return None
    begin = Frequency.EACH.value if frequencies(parts) else ""
    person = parts.store.signups.confirm(number, lists, parts.clock.now() - CONFIRM, begin)
    return None if person is None else parts.tokens.sign("p", person)


def frequencies(parts: Parts) -> tuple[str, ...]:
    """The frequencies that some edition asks for in its audience: any other would be a promise nobody keeps."""
    audiences = [parts.rules.flash, *(digest.audience for digest in parts.rules.digests)]
    asked = {value for one in audiences for name, values in one.where if name == FREQUENCY for value in values}
    return tuple(each.value for each in Frequency if each.value in asked)


def leaver(parts: Parts, token: str) -> str | None:
    """The language of the page for the holder of a link to unsubscribe; None: it is none of ours."""
    number = parts.tokens.number("u", token)
    if number is None:
        return None
    person = parts.store.people.by_id(number)
    return _page_language(parts, person.lang if person else "")


def _page_language(parts: Parts, wanted: str) -> str:
    return wanted if wanted in parts.project.languages else parts.project.default_lang


def preferences(parts: Parts, visitors: Visitors, token: str) -> Preferences | None:
    """Of the holder of the link; None: none of ours, erased or suppressed."""
    number = parts.tokens.number("p", token)
    person = None if number is None else parts.store.people.by_id(number)
    if person is None or person.state == "suppressed":
        return None
    said = notice(visitors, _page_language(parts, person.lang))
    return Preferences(person=person, masked=masked(person.email), frequencies=frequencies(parts), said=said)


def choose(parts: Parts, visitors: Visitors, token: str, chosen: Choices) -> bool:
    """Change them; False: the link is none of ours, or its person is not there.

    Lists that are new to them are agreed to by the words of `Preferences.said`.

    Raises:
        WrongUseError: a list, language, frequency or date that cannot be chosen.
    """
    shown = preferences(parts, visitors, token)
    if shown is None:
        return False
    _proper(parts, chosen, shown)
    return parts.store.preferences.choose(shown.person.id, chosen, tuple(parts.project.lists), shown.said)


def _proper(parts: Parts, chosen: Choices, shown: Preferences) -> None:
    now = parts.clock.now()
    until = chosen.paused_until
    wrong = {
        "lists": any(name not in parts.project.lists for name in chosen.lists),
        "lang": chosen.lang not in {*parts.project.languages, shown.person.lang},
        "frequency": bool(chosen.frequency) and chosen.frequency not in shown.frequencies,
        "pause": until is not None and not now - timedelta(days=2) <= until <= now + LONGEST_PAUSE,
    }
    if any(wrong.values()):
        raise WrongUseError(next(name for name, is_so in wrong.items() if is_so))


def export(parts: Parts, visitors: Visitors, addresses: Addresses, token: str) -> Dossier | None:
    """Everything that is kept about the holder of the link (GDPR, articles 15 and 20)."""
    shown = preferences(parts, visitors, token)
    if shown is None:
        return None
    _log(parts, "exported")
    return parts.store.privacy.dossier(*addresses.both(shown.person.email))


def erase(parts: Parts, visitors: Visitors, addresses: Addresses, token: str) -> bool:
    """Erase the holder of the link; no import brings them back, only a new sign-up of their own."""
    shown = preferences(parts, visitors, token)
    if shown is None:
        return False
    done = parts.store.people.remove(*addresses.both(shown.person.email), bar=True)
    if done:
        _log(parts, "erased")
    return done


def _log(parts: Parts, kind: str) -> None:
    parts.store.events.add(Happening(at=parts.clock.now(), kind=kind, detail="one subscriber, on the public page"))
