"""Credentials of networks: asked for, proved, and warned of before they end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dissemination.errors import DisseminationError, WrongUseError
from dissemination.model import Level, Symptom
from dissemination.pipeline.parts import Parts
from dissemination.ports import Expires, LogsIn, Prompt

#: So long before credentials end it is said.
AHEAD = timedelta(days=14)
#: Who pauses a channel for want of a login, as `ControlsStore.paused` says it.
_OURS = "dissemination: "


@dataclass(frozen=True, kw_only=True, slots=True)
class LoggedIn:
    """What a login showed."""

    symptoms: Sequence[Symptom]
    #: The channel was paused for want of a login, and goes on.
    resumed: bool = False


def prompts(parts: Parts, network: str, given: Mapping[str, str]) -> Sequence[Prompt]:
    """What is still to be asked, as of the answers so far.

    Raises:
        WrongUseError: no such channel, or one that needs no login.
    """
    return _channel(parts, network).prompts(given)


def login(parts: Parts, network: str, given: Mapping[str, str], *, who: str) -> LoggedIn:
    """Prove the answers and keep them; a channel that was paused for want of them goes on.

    Raises:
        WrongUseError: no such channel, or one that needs no login.
        NeedsLoginError: they are wrong; nothing is kept.
        UnavailableError: they cannot be tried now; nothing is kept.
    """
    symptoms = _channel(parts, network).login(given)
    good = all(symptom.level is not Level.ERROR for symptom in symptoms)
    # What a person stopped goes on only when a person says so.
    ours = parts.store.controls.paused().get(network, "").startswith(_OURS)
    return LoggedIn(symptoms=symptoms, resumed=good and ours and parts.store.controls.resume(network, who=who))


def _channel(parts: Parts, network: str) -> LogsIn:
    if network not in parts.channels:
        raise WrongUseError(f"{network}: no such channel; settings.yaml has: {', '.join(parts.channels)}")
    channel = parts.channels[network]
    if not isinstance(channel, LogsIn):
        known = [name for name, other in parts.channels.items() if isinstance(other, LogsIn)]
        hint = f"these do: {', '.join(known)}" if known else "no channel in settings.yaml does"
        raise WrongUseError(
            f"{network}: takes no login; a network does once `use: NETWORK` stands in channels.{network}; {hint}"
        )
    return channel


def expiring(parts: Parts) -> Iterator[Symptom]:
    """For each channel whose credentials end: when, and what to do if that is soon."""
    for name, channel in parts.channels.items():
        if isinstance(channel, Expires):
            try:
                at = channel.expires()
            except DisseminationError as error:
                yield Symptom(what=name, level=Level.ERROR, said=str(error))
                continue
            if at is not None:
                yield _expiry(parts, name, at)


def _expiry(parts: Parts, name: str, at: datetime) -> Symptom:
    left = at - parts.clock.now()
    day = f"{at.astimezone(ZoneInfo(parts.project.timezone)):%a %d %b %Y}"
    todo = f"`disseminate login {name}` renews it"
    if left <= timedelta():
        return Symptom(what=name, level=Level.ERROR, said=f"its login ended on {day}; {todo}")
    if left <= AHEAD:
        days = {0: "in less than a day", 1: "in a day"}.get(left.days, f"in {left.days} days")
        return Symptom(what=name, level=Level.WARNING, said=f"its login ends {days}, on {day}; {todo}")
    return Symptom(what=name, said=f"its login is good until {day}")
