"""The fourth arrow: somebody says yes to the very bytes that will go out."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from dissemination.errors import DisseminationError, UnknownIdError
from dissemination.model import Happening, Publication, State
from dissemination.pipeline.gather import Newsroom
from dissemination.pipeline.parts import Parts
from dissemination.pipeline.plan import Plan, Planned, plan
from dissemination.pipeline.slots import LET_GO
from dissemination.pipeline.timing import of

_OPEN_TO_APPROVAL = frozenset({State.IN_REVIEW, State.MISSED, State.FAILED, State.CANCELLED})
#: What `--all` means: nothing that was cancelled, missed or failed comes back by a sweep.
_SWEPT = frozenset({State.IN_REVIEW})
#: What was given up while in doubt and came back by an edit would perhaps go out twice.
_DOUBTFUL = "whether it went out is in doubt; look at the channel, then `disseminate resolve` decides"
_CANCELLABLE = frozenset(
    {State.DRAFT, State.IN_REVIEW, State.APPROVED, State.SCHEDULED, State.MISSED, State.FAILED, State.IN_DOUBT}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What became of one publication."""

    publication: Publication
    #: "" if it was done; else why not.
    refused: str = ""


def approve(parts: Parts, ids: Sequence[str], *, who: str, everything: bool = False) -> Sequence[Verdict]:
    """Approve what these ids name, as it stands in the news folder at this moment.

    Args:
        parts: the house.
        ids: item, edition or publication ids; "item:channel" for one channel of an item.
        who: the approver.
        everything: all that is in review, instead of ids.

    Raises:
        UnknownIdError: an id names nothing.
    """
    current = plan(parts)
    if everything:
        lines = [line for line in current.lines if line.publication.state in _SWEPT]
    else:
        lines = list(named(current, ids))
    # Editions first: were an item's own post approved and sent between the two, its page would still be waited for.
    return [_approve(parts, line, who, current) for line in lines]


def named(current: Plan, ids: Iterable[str]) -> Iterable[Planned]:
    """The lines of the plan that the ids name.

    Raises:
        UnknownIdError: an id names nothing; the nearest is named.
    """
    found: dict[str, Planned] = {}
    for id_ in ids:
        hits = [line for line in current.lines if id_ in _names(line.publication, current.room)]
        if not hits:
            known = sorted({line.publication.subject for line in current.lines})
            near = difflib.get_close_matches(id_, known, 1, 0.5)
            hint = f"; did you mean {near[0]}?" if near else "; `disseminate plan` lists them"
            raise UnknownIdError(f"{id_}: no item or edition has this id{hint}")
        found |= {line.publication.key: line for line in hits}
    return found.values()


def _names(publication: Publication, room: Newsroom) -> set[str]:
    names = {publication.subject, publication.key, f"{publication.subject}:{publication.channel}"}
    group = next((i.translation_key for i in room.items if i.id == publication.subject), "")
    return names | {group} if group else names


def _approve(parts: Parts, line: Planned, who: str, current: Plan) -> Verdict:
    old = line.publication
    if old.state not in _OPEN_TO_APPROVAL or (old.kind == "edition" and old.token > 0):
        return Verdict(publication=old, refused=_why_not(old))
    if line.proposal is None:
        return Verdict(publication=old, refused=old.reason or "its file is gone")
    try:
        content = line.content or line.proposal.render()
    except DisseminationError as error:
        return Verdict(publication=old, refused=str(error))
    if content.digest != old.content:
        return Verdict(publication=old, refused="it changed this very moment; look again and approve again")
    fresh = _decided(parts, old, who, gave_up_slot=_gave_up_slot(parts, old, current))
    schedule = line.proposal.schedule if fresh.state is State.SCHEDULED else ""
    happening = Happening(
        at=parts.clock.now(),
        kind="approved",
        subject=old.subject,
        channel=old.channel,
        detail=f"by {who}" if fresh.state is State.SCHEDULED else f"by {who}; waits for another approval",
    )
    taken = _taken_elsewhere(parts, fresh, schedule)
    if taken:
        return Verdict(publication=old, refused=taken)
    done = parts.store.publications.approve(
        old, fresh, who=who, content=content, schedule=schedule, happening=happening
    )
    return Verdict(publication=fresh if done else old, refused="" if done else "somebody changed it; look again")


def _gave_up_slot(parts: Parts, old: Publication, current: Plan) -> bool:
    """Whether a cancelled post comes back too late for its slot, or finds another one in it: it is then due now."""
    if old.state is not State.CANCELLED or not old.slotted or old.when is None:
        return False
    others = (line.publication for line in current.lines if line.publication.key != old.key)
    taken = any(p.channel == old.channel and p.when == old.when and p.state not in LET_GO for p in others)
    return taken or old.when <= parts.clock.now()


def _decided(parts: Parts, old: Publication, who: str, *, gave_up_slot: bool) -> Publication:
    approvers = tuple(dict.fromkeys((*old.approved_by, who)))
    enough = len(approvers) >= parts.project.quorum
    late = old.state in {State.MISSED, State.FAILED} or old.late
    due = parts.clock.now() if old.when is None or late or gave_up_slot else old.when
    return replace(
        old,
        state=State.SCHEDULED if enough else State.IN_REVIEW,
        approved_by=approvers,
        due_at=of(parts, old).shifted(due) if enough else None,
        late=late,
        attempts=0,
        not_before=None,
        reason="" if enough else f"approved by {len(approvers)} of {parts.project.quorum}",
    )


def _taken_elsewhere(parts: Parts, fresh: Publication, schedule: str) -> str:
    if not schedule:
        return ""
    taken = parts.store.editions.taken(schedule)
    clash = [item for item in fresh.items if taken.get(item, fresh.subject) != fresh.subject]
    return f"{clash[0]} is in edition {taken[clash[0]]} already" if clash else ""


def _why_not(publication: Publication) -> str:
    said = {
        State.DRAFT: publication.reason or "it is a draft; set `status: review` when it is ready",
        State.SCHEDULED: "it is approved already",
        State.APPROVED: "it is approved already",
        State.PUBLISHED: "it is out already",
        State.SENDING: "it is going out",
        State.PAUSED: "it is under way and paused; `disseminate resume` goes on",
        State.CANCELLED: "it was stopped on its way; who had it keeps it, and it is not begun again",
        State.FAILED: "its mails were refused one by one; `disseminate status` says why",
        State.IN_DOUBT: _DOUBTFUL,
        State.WITHDRAWN: "it was withdrawn, and does not go out again",
    }
    return said.get(publication.state, f"it is {publication.state.value}")


def cancel(parts: Parts, ids: Sequence[str], *, who: str) -> Sequence[Verdict]:
    """Stop what these ids name; a running edition stops at its next window.

    Raises:
        UnknownIdError: an id names nothing.
    """
    return [_cancel(parts, line.publication, who) for line in named(plan(parts), ids)]


def _cancel(parts: Parts, old: Publication, who: str) -> Verdict:
    running = old.kind == "edition" and old.state in {State.SENDING, State.PAUSED}
    if old.kind == "item" and old.state is State.IN_DOUBT:
        return Verdict(publication=old, refused=_DOUBTFUL)
    if old.state not in _CANCELLABLE and not running:
        return Verdict(publication=old, refused=f"it is {old.state.value}: nothing is left to stop")
    fresh = replace(old, state=State.CANCELLED, reason=f"by {who}", approved_by=(), due_at=None, late=False)
    happening = Happening(
        at=parts.clock.now(), kind="cancelled", subject=old.subject, channel=old.channel, detail=f"by {who}"
    )
    parts.store.publications.sync((), [(old, fresh)], [happening])
    now = parts.store.publications.get(old.key) or fresh
    if now.state is State.CANCELLED:
        return Verdict(publication=now)
    waits = now.state in _CANCELLABLE
    said = "it changed this very moment; call it again" if waits else "it went out at this very moment"
    return Verdict(publication=now, refused=said)
