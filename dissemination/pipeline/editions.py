"""One edition looked at closely, and what an officer decides of those who failed or are in doubt."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dissemination.errors import UnknownIdError, WrongUseError
from dissemination.model import DeliveryState, Happening, Publication, Standing, State, Trouble
from dissemination.pipeline.mailing import conclude
from dissemination.pipeline.parts import Parts

#: The pace is that of so many minutes.
_SPAN = timedelta(minutes=5)
#: Without an accepted mail for so long there is no pace to tell.
_QUIET = timedelta(minutes=2)
#: An SMTP reply: its code and enhanced code, and the words that follow.
_REPLY = re.compile(
    r"(?<!\S)(?P<code>[245]\d\d)(?=[ -]|$)(?:[ -](?P<enhanced>[245]\.\d{1,3}\.\d{1,3})(?!\S))?[ -]?(?P<words>.*)",
    re.DOTALL,
)
#: Which channel and server it was stands elsewhere.
_SERVER = re.compile(r"^[a-z][\w-]*: (?:[^\s:]+:\d+ )?")
#: What differs from person to person: addresses, numbers and marks.
_PERSONAL = re.compile(r"<?[^\s<>]+@[^\s<>]+>?|\b(?=\w*\d)[\w-]{5,}\b")
_WORDS = 6
_DECIDABLE = frozenset({State.SENDING, State.PAUSED, State.PUBLISHED, State.FAILED, State.IN_DOUBT})


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far an edition is."""

    publication: Publication
    counts: Mapping[DeliveryState, int]
    #: Reasons by domain, the most frequent first.
    troubles: Sequence[Trouble] = ()
    #: Mails accepted in a minute, over the last five; None: none is on its way.
    per_minute: float | None = None
    #: When all that is not deferred will be out at this pace.
    done_at: datetime | None = None
    #: When the first of those deferred is tried again.
    next_try: datetime | None = None


def editions(parts: Parts) -> Sequence[Progress]:
    """Every edition that has been sent or is being sent, the newest last."""
    found = [row for row in parts.store.publications.in_state(*State) if row.kind == "edition" and row.token]
    found.sort(key=lambda row: (str(row.published_at), row.key))
    return [Progress(publication=row, counts=parts.store.deliveries.counts(row.key)) for row in found]


def under_way(parts: Parts) -> Sequence[Progress]:
    """Editions that are not through: how many people are left, and when it goes on."""
    deliveries = parts.store.deliveries
    return [
        Progress(publication=row, counts=deliveries.counts(row.key), next_try=deliveries.next_try(row.key))
        for row in parts.store.publications.in_state(State.SENDING, State.PAUSED)
        if row.kind == "edition"
    ]


def progress(parts: Parts, id_: str) -> Progress:
    """One edition.

    Raises:
        UnknownIdError: no edition that has started has this id.
    """
    row = _edition(parts, id_)
    deliveries = parts.store.deliveries
    counts = deliveries.counts(row.key)
    per_minute = _pace(parts, row)
    left = counts.get(DeliveryState.PENDING, 0) + counts.get(DeliveryState.SENDING, 0)
    return Progress(
        publication=row,
        counts=counts,
        troubles=summed(deliveries.troubles(row.key)),
        per_minute=per_minute,
        done_at=parts.clock.now() + timedelta(minutes=left / per_minute) if per_minute and left else None,
        next_try=deliveries.next_try(row.key) if counts.get(DeliveryState.DEFERRED) else None,
    )


def people(parts: Parts, id_: str, state: DeliveryState) -> Iterator[Standing]:
    """Everybody of an edition who stands there.

    Raises:
        UnknownIdError: no edition that has started has this id.
    """
    return parts.store.deliveries.people(_edition(parts, id_).key, state)


def retry(parts: Parts, id_: str, *, who: str) -> int:
    """Those who failed, and they alone, get another try; how many.

    Raises:
        UnknownIdError: no edition that has started has this id.
        WrongUseError: it was cancelled.
    """
    row = _decidable(parts, id_)
    return parts.store.deliveries.retry(row.key, _line(parts, row, "retried", f"{who}: those who failed"))


def resolve(parts: Parts, id_: str, *, sent: bool, address: str, who: str) -> int:
    """Decide what became of those in doubt; how many.

    Raises:
        UnknownIdError: no edition that has started has this id.
        WrongUseError: it was cancelled.
    """
    row = _decidable(parts, id_)
    said = "in doubt, taken as sent" if sent else "in doubt, sent again"
    happening = _line(parts, row, "resolved", f"{who}: {said}")
    done = parts.store.deliveries.resolve(row.key, happening, sent=sent, address=address)
    if done:
        conclude(parts, row)
    return done


def summed(troubles: Iterator[Trouble]) -> Sequence[Trouble]:
    """The same with what differs from person to person left out of the reasons, the most frequent first."""
    counts: Counter[tuple[DeliveryState, str, str]] = Counter()
    for trouble in troubles:
        counts[trouble.state, trouble.domain, gist(trouble.reason)] += trouble.count
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return [Trouble(state=key[0], domain=key[1], reason=key[2], count=count) for key, count in ordered]


def gist(reason: str) -> str:
    """An SMTP reply as its codes and first words; other reasons as their beginning."""
    match = _REPLY.search(reason)
    codes = [match["code"], match["enhanced"]] if match else []
    words = _PERSONAL.sub("…", match["words"] if match else _SERVER.sub("", reason)).split()
    short = " ".join(words[: _WORDS if match else 2 * _WORDS])
    return " ".join(filter(None, (*codes, short))) or "no reason is known"


def _pace(parts: Parts, row: Publication) -> float | None:
    now = parts.clock.now()
    noted = parts.store.deliveries.pace(row.key, now - _SPAN)
    if row.state is not State.SENDING or not noted or noted[-1][0] < now - _QUIET:
        return None
    begun = max(noted[0][0], row.claimed_at or noted[0][0])
    minutes = max((now - begun) / timedelta(minutes=1), 1 / 6)
    return sum(count for _, count in noted) / minutes


def _edition(parts: Parts, id_: str) -> Publication:
    started = {
        row.subject: row
        for row in parts.store.publications.latest().values()
        if row.kind == "edition" and row.token
    }
    for name in (id_, id_.partition(":")[0], f"flash-{id_}"):
        if name in started:
            return started[name]
    near = difflib.get_close_matches(id_, sorted(started), 1, 0.5)
    hint = f"did you mean {near[0]}?" if near else "`disseminate edition list` names them"
    raise UnknownIdError(f"{id_}: no edition that has started has this id; {hint}")


def _decidable(parts: Parts, id_: str) -> Publication:
    row = _edition(parts, id_)
    if row.state not in _DECIDABLE:
        raise WrongUseError(f"{row.subject}: it is {row.state.value}; nothing of it is sent again")
    return row


def _line(parts: Parts, row: Publication, kind: str, detail: str) -> Happening:
    return Happening(at=parts.clock.now(), kind=kind, subject=row.subject, channel=row.channel, detail=detail)
