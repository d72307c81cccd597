"""Is everything there that publishing needs?"""

from __future__ import annotations

import email.policy
from collections.abc import Callable, Iterator, Sequence
from zoneinfo import ZoneInfo

from dissemination.errors import DisseminationError
from dissemination.model import Carries, Level, Symptom
from dissemination.pipeline import privacy, websub
from dissemination.pipeline.compose import Composer
from dissemination.pipeline.gather import read
from dissemination.pipeline.logins import expiring
from dissemination.pipeline.parts import Parts
from dissemination.pipeline.proof import MAIL
from dissemination.ports import Examines, Probes


def examine(parts: Parts, secrets: Sequence[str]) -> Sequence[Symptom]:
    """Every check in turn; one that breaks is a finding of its own.

    Args:
        parts: the house.
        secrets: the names of the secrets that are set.
    """
    found: list[Symptom] = []
    for check in _CHECKS:
        try:
            found += check(parts)
        except DisseminationError as error:
            found.append(Symptom(what=check.__name__.strip("_"), level=Level.ERROR, said=str(error)))
    said = ", ".join(secrets) or "none"
    return [*found, Symptom(what="secrets set", said=said)]


def _database(parts: Parts) -> Iterator[Symptom]:
    problems = parts.store.check()
    if problems:
        yield Symptom(what="database", level=Level.ERROR, said=f"{problems[0]}; restore a backup")
    else:
        yield Symptom(what="database", said="integrity check passed")


def _clock(parts: Parts) -> Iterator[Symptom]:
    now = parts.clock.now()
    local = now.astimezone(ZoneInfo(parts.project.timezone))
    yield Symptom(what="clock", said=f"{local:%a %F %T} in {parts.project.timezone}, {now:%T} UTC")
    latest = parts.store.events.latest(1)
    if latest and latest[-1].at > now:
        yield Symptom(
            what="clock",
            level=Level.ERROR,
            said=f"it stands before the last event of the log ({latest[-1].at:%F %T} UTC); set the clock",
        )


def _python(parts: Parts) -> Iterator[Symptom]:  # noqa: ARG001 - every check has one shape
    if not hasattr(email.policy.default, "verify_generated_headers"):
        said = "this Python writes unchecked mail headers (CVE-2024-6923); ours are checked, upgrade all the same"
        yield Symptom(what="python", level=Level.WARNING, said=said)
    else:
        yield Symptom(what="python", said="mail headers are checked")


def _templates(parts: Parts) -> Iterator[Symptom]:
    room = read(parts, mint=False)
    composer = Composer(parts, room, parts.store.publications.latest(), write=False)
    rendered = 0
    for proposal in composer.proposals():
        if not proposal.hold:
            proposal.render()
            rendered += 1
    if not rendered and room.items:
        composer.as_flash(room.items[0]).render()
    yield Symptom(what="templates", said=f"{rendered} publications render")


def _channels(parts: Parts) -> Iterator[Symptom]:
    for name, channel in parts.channels.items():
        if isinstance(channel, Probes):
            yield _probed(name, channel.probe)
        elif channel.limits.carries is not Carries.FILES:
            yield Symptom(what=name, said="ready")
        if isinstance(channel, Examines):
            yield from channel.examine()


def _logins(parts: Parts) -> Iterator[Symptom]:
    yield from expiring(parts)


def _hub(parts: Parts) -> Iterator[Symptom]:
    """What is known of it; it is not asked, since every question would be a ping."""
    yield from websub.standing(parts)
    yield from websub.unreachable(parts)


def _probed(name: str, probe: Callable[[], str]) -> Symptom:
    try:
        return Symptom(what=name, said=probe())
    except DisseminationError as error:
        return Symptom(what=name, level=Level.ERROR, said=str(error))


def _privacy(parts: Parts) -> Iterator[Symptom]:
    """Whoever writes to people keeps a record of it (GDPR, article 30)."""
    lacking = privacy.findings(parts)
    for finding in lacking:
        yield Symptom(what="privacy", level=finding.level, said=f"{finding.message}; {finding.fix}")
    if not lacking and MAIL in parts.channels:
        yield Symptom(what="privacy", said="the record of processing is complete")


_CHECKS: tuple[Callable[[Parts], Iterator[Symptom]], ...] = (
    _database,
    _clock,
    _python,
    _templates,
    _channels,
    _logins,
    _hub,
    _privacy,
)
