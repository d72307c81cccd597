"""A post on its way, part by part: the proof of each part is committed before the next one is sent."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from dissemination.errors import ChannelError, DisseminationError, RejectedError, StoreError
from dissemination.model import Message, Publication
from dissemination.pipeline import outcome
from dissemination.pipeline.messages import next_message, place, post_messages
from dissemination.pipeline.outcome import Outcome
from dissemination.pipeline.parts import Parts
from dissemination.ports import SendsThreads


def send_post(parts: Parts, claimed: Publication, stop: threading.Event) -> Outcome:
    """Send what is not out yet, and say what became of it.

    Raises:
        FencedError: somebody else took it over meanwhile: nothing more was sent, and what is out stands in the log.
    """
    try:
        messages = post_messages(parts, claimed)
    except StoreError as error:  # what was approved is not there, or not as it was: this one alone fails
        return outcome.failed(parts, claimed, RejectedError(str(error)))
    with _alive(parts, claimed):
        if isinstance(parts.channels[claimed.channel], SendsThreads) and len(messages) > 1 and not claimed.parts:
            return _at_once(parts, claimed, messages)
        return _one_by_one(parts, claimed, messages, stop)


def _at_once(parts: Parts, claimed: Publication, messages: Sequence[Message]) -> Outcome:
    channel = parts.channels[claimed.channel]
    assert isinstance(channel, SendsThreads)  # noqa: S101 - for the type checker: the caller has looked
    try:
        receipts = channel.send_thread(messages)
    except ChannelError as error:
        return outcome.failed(parts, claimed, error)
    return outcome.posted(parts, claimed, receipts, count=len(messages))


def _one_by_one(parts: Parts, claimed: Publication, messages: Sequence[Message], stop: threading.Event) -> Outcome:
    count, before = len(messages), len(claimed.parts)
    while len(claimed.parts) < count:
        if len(claimed.parts) > before and _halts(parts, claimed, stop):
            return outcome.halted(parts, claimed, count)
        message = next_message(messages, claimed.parts)
        try:
            receipt = parts.channels[claimed.channel].send(message, key=message.key)
        except ChannelError as error:
            return outcome.failed(parts, claimed, error, place(claimed, count))
        grown = outcome.grown(claimed, [receipt])
        if len(grown.parts) == count:
            return outcome.posted(parts, claimed, [receipt], count=count)
        claimed = parts.store.publications.progress(
            claimed, grown.parts, lease=parts.rules.lease, happening=outcome.part_line(parts, grown, count)
        )
    # Shortened and approved again after its last part had gone out.
    return outcome.posted(parts, claimed, (), count=count)


def _halts(parts: Parts, claimed: Publication, stop: threading.Event) -> bool:
    return stop.is_set() or bool({"*", claimed.channel} & parts.store.controls.paused().keys())


@contextmanager
def _alive(parts: Parts, claimed: Publication) -> Iterator[None]:
    """Signs of life while it is on its way: pictures may take longer than a lease, and others would take over."""
    done = threading.Event()
    beating = threading.Thread(target=_beat, args=(parts, claimed, done), name="alive", daemon=True)
    beating.start()
    try:
        yield
    finally:
        done.set()
        beating.join()


def _beat(parts: Parts, claimed: Publication, done: threading.Event) -> None:
    while not done.wait(parts.rules.lease / 3):
        with suppress(DisseminationError):  # the database is busy: the next sign is in time, too
            if not parts.store.publications.renew(claimed, parts.rules.lease):
                return
