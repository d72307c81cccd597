"""After a crash: what was left half done is looked up where the channel can look, and shown where it cannot."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from dissemination.errors import ChannelError, FencedError, InDoubtError, NeedsLoginError, StoreError
from dissemination.model import Carries, Message, Publication, Receipt, State
from dissemination.pipeline import outcome
from dissemination.pipeline.messages import next_message, place, post_messages
from dissemination.pipeline.parts import Parts
from dissemination.ports import Channel, Finds, SendsThreads


def reconcile(parts: Parts) -> None:
    """Settle what a dead process left, then everything in doubt that can be looked up."""
    for left in parts.store.publications.abandoned():
        if left.channel in parts.channels:
            _settle(parts, left, outcome.abandoned(parts, left, _place(parts, left)))
    paused = parts.store.controls.paused()
    for doubtful in parts.store.publications.in_state(State.IN_DOUBT):
        if (
            doubtful.kind == "item"
            and doubtful.channel in parts.channels
            and not {"*", doubtful.channel} & paused.keys()
        ):
            _look(parts, doubtful)


def _place(parts: Parts, left: Publication) -> str:
    if parts.channels[left.channel].limits.carries is not Carries.POST:
        return ""
    with suppress(StoreError):
        return place(left, len(post_messages(parts, left)))
    return ""


def _look(parts: Parts, doubtful: Publication) -> None:
    channel = parts.channels[doubtful.channel]
    if not isinstance(channel, Finds) or (doubtful.not_before and doubtful.not_before > parts.clock.now()):
        return
    try:
        messages = post_messages(parts, doubtful)
    except StoreError:
        return  # nobody can tell what to look for: a person decides
    where = place(doubtful, len(messages))
    try:
        found = _found(parts, channel, doubtful, messages)
    except ChannelError as error:
        _unsure(parts, doubtful, error, where)
        return
    except Exception as error:  # noqa: BLE001 - a bug in reading a strange answer must not stop all other sending
        what = f"its answer cannot be read ({type(error).__name__}: {error}); tell the channel's makers"
        _unsure(parts, doubtful, InDoubtError(f"{doubtful.channel}: {what}"), where)
        return
    if found:
        said = "found on the channel after a lost answer"
        _settle(parts, doubtful, outcome.posted(parts, doubtful, found, count=len(messages), detail=said))
    else:
        _settle(parts, doubtful, outcome.not_there(parts, doubtful, where))


def _found(parts: Parts, channel: Channel, doubtful: Publication, messages: Sequence[Message]) -> Sequence[Receipt]:
    """Proofs of what went out when no answer came; none: certainly nothing did."""
    assert isinstance(channel, Finds)  # noqa: S101 - for the type checker: the caller has looked
    found: list[Receipt] = []
    since = doubtful.claimed_at or doubtful.published_at
    if since is None:
        raise InDoubtError(f"{doubtful.channel}: nobody knows when it was sent; look at the account")
    at_once = isinstance(channel, SendsThreads) and not doubtful.parts
    known = doubtful
    # Further parts, too: a backup that was put back may know less than the network.
    while len(known.parts) < len(messages):
        message = messages[len(known.parts)] if at_once else next_message(messages, known.parts)
        receipt = channel.find(message, key=message.key, since=since)
        if receipt is None:
            break
        if receipt.id in {part.id for part in known.parts} or _is_of_another(parts, doubtful, receipt):
            raise InDoubtError(
                f"{doubtful.channel}: {receipt.url or receipt.id} says the same; look at the account"
            )
        found.append(receipt)
        known = outcome.grown(known, [receipt])
    if at_once and found and len(found) < len(messages):
        raise InDoubtError(f"{doubtful.channel}: a part of the thread is there and another is not; look at it")
    return found


def _is_of_another(parts: Parts, doubtful: Publication, receipt: Receipt) -> bool:
    """Whether it is known as another item's post that says the same: no proof of this one."""
    return any(
        other.channel == doubtful.channel and other.key != doubtful.key and receipt.id in {p.id for p in other.out}
        for other in parts.store.publications.in_state(*State)
    )


def _unsure(parts: Parts, doubtful: Publication, error: ChannelError, where: str) -> None:
    if isinstance(error, NeedsLoginError):
        parts.store.controls.pause(doubtful.channel, who="dissemination", reason=str(error), kind="paused")
    parts.store.publications.sync((), [(doubtful, outcome.unsure(parts, doubtful, error, where))])


def _settle(parts: Parts, old: Publication, result: outcome.Outcome) -> None:
    with suppress(FencedError):
        parts.store.publications.settle(old, result.publication, [result.happening])
