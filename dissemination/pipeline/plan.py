"""The third arrow: proposals become publications, and what was approved is held against what is there now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from dissemination.errors import RenderError
from dissemination.model import Carries, Content, Happening, Publication, State
from dissemination.pipeline import content as codec
from dissemination.pipeline import limits
from dissemination.pipeline.compose import Composer, Proposal
from dissemination.pipeline.gather import Newsroom, read
from dissemination.pipeline.parts import Parts
from dissemination.pipeline.timing import of

_UNDECIDED = frozenset({State.DRAFT, State.IN_REVIEW})
_AGREED = frozenset({State.APPROVED, State.SCHEDULED})
#: Nothing of it went out, and an edit may bring it back to review.
_ENDED = frozenset({State.CANCELLED, State.FAILED, State.MISSED})
#: What the named parts of a binding are called when they changed.
_SAID = {"content": "the text", "pictures": "a picture", "time": "the time", "audience": "the audience"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """One line of the plan: the publication as stored, and how to render it."""

    publication: Publication
    proposal: Proposal | None
    #: Rendered just now, where it had to be.
    content: Content | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Everything that is planned, and the reading it came from."""

    lines: tuple[Planned, ...]
    room: Newsroom


@dataclass(frozen=True, slots=True)
class _Step:
    """What one comparison asks to be written down."""

    old: Publication | None
    fresh: Publication
    proposal: Proposal | None
    content: Content | None = None
    said: str = ""
    kind: str = "lapsed"


def plan(parts: Parts, *, write: bool = True) -> Plan:
    """Read, compose, and bring the stored plan up to date.

    Rendering happens only where something changed. With `write=False` nothing is stored: the plan is as it
    would become.
    """
    room = read(parts, mint=write)
    latest = parts.store.publications.latest()
    seen: set[tuple[str, str]] = set()
    steps: list[_Step] = []
    for proposal in Composer(parts, room, latest, write=write).proposals():
        name = (proposal.publication.subject, proposal.publication.channel)
        if name in seen:  # two files with the same id: the check names them, the first one stands
            continue
        seen.add(name)
        steps.append(_compare(parts, latest.get(name), proposal))
    steps += [_orphan(old) for name, old in latest.items() if name not in seen]
    steps = [_missed(parts, step) for step in steps]
    if write:
        _write(parts, steps)
    lines = (Planned(publication=s.fresh, proposal=s.proposal, content=s.content) for s in steps if not _is_gone(s))
    return Plan(lines=tuple(sorted(lines, key=_order)), room=room)


def _order(line: Planned) -> tuple[bool, float, str, str]:
    when = line.publication.due_at or line.publication.when
    return (when is None, when.timestamp() if when else 0.0, line.publication.subject, line.publication.channel)


def _compare(parts: Parts, old: Publication | None, proposal: Proposal) -> _Step:
    if old is None:
        return _Step(None, *_rendered(proposal, revision=1))
    if old.state is State.PUBLISHED:
        return _after_publishing(parts, old, proposal)
    stopped = old.kind == "edition" and old.token > 0 and old.state in _ENDED
    under_way = bool(old.parts) and old.state in _AGREED  # of a thread, to be carried to its end as it was approved
    if stopped or under_way or old.state not in _UNDECIDED | _AGREED | _ENDED:
        return _Step(old, old, proposal)  # it is under way: nothing may touch it
    same = _unchanged(parts, old, proposal)
    if same is not None:
        return _Step(old, same, proposal)
    out = frozenset(entry.content for entry in parts.store.publications.live()) if old.revision > 1 else frozenset()
    return _changed(old, proposal, out)


def _follow(old: Publication, proposal: Proposal) -> Publication:
    """What may move without touching an approval."""
    new = proposal.publication
    return replace(old, reach=new.reach, title=new.title, after=new.after, live_urls=new.live_urls)


def _unchanged(parts: Parts, old: Publication, proposal: Proposal) -> Publication | None:
    """As it stands, at the time that it has now: where nothing it is made of changed, it is not rendered again."""
    source = proposal.publication.source
    if proposal.hold:
        return None
    if old.source == source and old.state not in _UNDECIDED:
        return _follow(old, proposal)
    if old.source == source and old.state is State.IN_REVIEW and old.revision == 1 and old.content:
        return _moved(_follow(old, proposal), proposal)
    if old.state in _AGREED and limits.moved_alone(old, proposal.publication) and limits.still_hold(parts, old):
        return _follow(replace(old, source=source), proposal)
    return None


def _moved(old: Publication, proposal: Proposal) -> Publication:
    """The same words at the time that they have now: what nobody agreed to takes another slot."""
    new = proposal.publication
    if new.when == old.when:
        return old
    bound = {**old.bound, **codec.bind_time(new.when)}
    return replace(old, when=new.when, slotted=new.slotted, bound=bound, approved_by=(), reason=proposal.note)


def _rendered(proposal: Proposal, *, revision: int) -> tuple[Publication, Proposal, Content | None]:
    """A publication as it would be new; what cannot be rendered is a draft that says why."""
    wish = proposal.publication
    key = f"{wish.subject}:{wish.channel}:{revision}"
    fresh = replace(wish, key=key, revision=revision, state=State.DRAFT, reason=proposal.hold)
    if proposal.hold:
        return fresh, proposal, None
    try:
        content = proposal.render()
    except RenderError as error:
        return replace(fresh, reason=str(error)), proposal, None
    bound = codec.bind(content, wish.when, wish.audience)
    ready = replace(fresh, state=State.IN_REVIEW, bound=bound, reason=proposal.note, price=content.price)
    return ready, proposal, content


def _after_publishing(parts: Parts, old: Publication, proposal: Proposal) -> _Step:
    """Only feeds follow an edit; a mail or a post that went out is never sent again."""
    limits = parts.channels[old.channel].limits if old.channel in parts.channels else None
    if limits is None or limits.carries is not Carries.FILES or old.source == proposal.publication.source:
        return _Step(old, old, proposal)
    fresh, _, content = _rendered(proposal, revision=old.revision + 1)
    if content is not None and content.digest == old.content:
        return _Step(old, replace(old, source=fresh.source), proposal)
    if content is None:
        return _Step(old, old, proposal)  # a draft of an edit is nobody's business yet
    # An edit of what is out already goes out as soon as it is approved.
    bound = codec.bind(content, None, fresh.audience)
    return _Step(None, replace(fresh, when=None, bound=bound, reason=_edit(proposal)), proposal, content)


def _edit(proposal: Proposal) -> str:
    return proposal.note or "an edit of what is out"


def _changed(old: Publication, proposal: Proposal, out: frozenset[str]) -> _Step:
    fresh, _, content = _rendered(proposal, revision=old.revision)
    if old.revision > 1 and old.state in _UNDECIDED and content is not None and content.digest in out:
        return _Step(old, replace(old, state=State.DRAFT), None)  # back to what is out: there is no edit any more
    if old.revision > 1 and content is not None:
        bound = codec.bind(content, None, fresh.audience)
        fresh = replace(fresh, when=None, bound=bound, reason=_edit(proposal))
    if fresh.bound == old.bound and fresh.state is not State.DRAFT:
        kept = _follow(replace(old, source=fresh.source, price=fresh.price), proposal)
        if old.state is State.DRAFT:
            kept = replace(kept, state=State.IN_REVIEW, reason=fresh.reason)
        return _Step(old, kept, proposal, content)
    carried = replace(
        fresh,
        token=old.token,
        attempts=old.attempts,
        published_at=old.published_at,
        claimed_at=old.claimed_at,
        # What of a thread is out stays out: the rest goes on behind it.
        parts=old.parts,
        remote_id=old.remote_id,
        remote_url=old.remote_url,
        reason="; ".join(filter(None, (fresh.reason, _stays(old)))),
    )
    if old.state in _AGREED:
        why = fresh.reason or f"{_difference(old, fresh)} changed"
        reason = f"{why} after {' and '.join(old.approved_by)} approved it"
        return _Step(old, replace(carried, reason=reason), proposal, content, said=reason)
    if old.state in {State.CANCELLED, State.MISSED} and fresh.state is State.DRAFT:
        return _Step(old, old, proposal)
    return _Step(old, carried, proposal, content)


def _stays(old: Publication) -> str:
    """What whoever approves the rest must know."""
    count = len(old.parts)
    return f"what is out of it ({count} part{'s' if count > 1 else ''}) stays as it is" if count else ""


def _difference(old: Publication, fresh: Publication) -> str:
    if limits.moved_alone(old, fresh):
        return f"what {old.channel} takes"
    names = [_SAID[name] for name in _SAID if old.bound.get(name) != fresh.bound.get(name)]
    return " and ".join(names) or "the text"


def _orphan(old: Publication) -> _Step:
    """Nothing asks for it any more: its file is gone or refused, or the channel is switched off."""
    if old.state in _AGREED:
        reason = "its file is gone or refused, or its channel is off; run `disseminate check`"
        fresh = replace(old, state=State.IN_REVIEW, reason=reason, approved_by=(), due_at=None, source="")
        return _Step(old, fresh, None, said=reason)
    return _Step(old, old, None)


def _missed(parts: Parts, step: _Step) -> _Step:
    """What nobody approved in time asks the officer; it does not flood later."""
    fresh = step.fresh
    if fresh.state is not State.IN_REVIEW or fresh.when is None or step.proposal is None:
        return step
    if of(parts, fresh).shifted(fresh.when) + timedelta(seconds=fresh.grace) >= parts.clock.now():
        return step
    reason = "its time passed before it was approved; approve it to send it now, or cancel it"
    return replace(step, fresh=replace(fresh, state=State.MISSED, reason=reason), said=reason, kind="missed")


def _write(parts: Parts, steps: Sequence[_Step]) -> None:
    new = [step.fresh for step in steps if step.old is None]
    changed = [(step.old, step.fresh) for step in steps if step.old is not None and step.old != step.fresh]
    gone = [
        step.fresh for step in steps if step.proposal is None and step.fresh.state in _UNDECIDED and not step.said
    ]
    happenings = list(_happenings(parts, steps))
    if new or changed or happenings:
        parts.store.publications.sync(new, changed, happenings)
    if gone:
        parts.store.publications.remove(gone)


def _is_gone(step: _Step) -> bool:
    """Nobody decided on it, and nothing asks for it any more."""
    undecided = step.fresh.state in _UNDECIDED and not step.fresh.parts
    return step.proposal is None and undecided and not step.said


def _happenings(parts: Parts, steps: Sequence[_Step]) -> Iterator[Happening]:
    now = parts.clock.now()
    for step in steps:
        if step.said:
            yield Happening(
                at=now,
                kind=step.kind,
                subject=step.fresh.subject,
                channel=step.fresh.channel,
                detail=step.said,
            )
