"""The contract of every channel, as tests to inherit. Needs pytest.

class TestPigeon(ChannelContract):
    @pytest.fixture
    def making(self):
        return pigeon.make
"""
# ruff: noqa: S101 - asserting is what a contract test does

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dissemination.errors import ChannelError, RejectedError
from dissemination.model import Carries, FileSet, Limits, Mail, Message, Post, Receipt, Repeat
from dissemination.ports import Channel, ChannelOptions, Finds, Line, SendsMany
from dissemination.testing.samples import sample_mail, sample_message, sample_options, sample_post

_FITTING: dict[Carries, Callable[[], Mail | Post | FileSet]] = {
    Carries.MAIL: sample_mail,
    Carries.POST: sample_post,
    Carries.FILES: lambda: FileSet(files={"en/social/rss.xml": b"<rss/>", "index.html": b"<p>News</p>"}),
}


class ChannelContract:
    """Inherit it, give the fixture `making`, and change what else differs: settings, secrets, message, unknown."""

    @pytest.fixture
    def making(self) -> Callable[[ChannelOptions], Channel]:
        """The channel's `make`: every heir gives its own."""
        pytest.fail("give the fixture `making`: the channel's make(options)")

    @pytest.fixture
    def settings(self) -> Mapping[str, Any]:
        """The channel's section of settings.yaml."""
        return {}

    @pytest.fixture
    def secrets(self) -> Mapping[str, str]:
        """The secrets that sending needs."""
        return {}

    @pytest.fixture
    def options(self, tmp_path: Path, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> ChannelOptions:
        """What the channel is made from."""
        return sample_options(tmp_path, secrets.get, settings=settings)

    @pytest.fixture
    def channel(self, making: Callable[[ChannelOptions], Channel], options: ChannelOptions) -> Iterator[Channel]:
        """The channel under test, closed at the end."""
        channel = making(options)
        yield channel
        channel.close()

    @pytest.fixture
    def message(self, channel: Channel) -> Message:
        """A message that the channel can carry."""
        return sample_message(_FITTING[channel.limits.carries]())

    @pytest.fixture
    def unknown(self, message: Message) -> Message:
        """A message that was never sent."""
        body = message.body
        if isinstance(body, Post):
            body = replace(body, text=f"Never said: {body.text}")
        return replace(message, key=f"never-sent-{message.key}", body=body)

    @pytest.fixture
    def since(self) -> datetime:
        """From when on `find` looks."""
        return datetime(2026, 1, 1, tzinfo=UTC)

    def test_limits_are_plain_data(self, channel: Channel) -> None:
        """Planning reads them without asking the channel anything."""
        assert isinstance(channel.limits, Limits)
        assert isinstance(channel.limits.carries, Carries)
        assert isinstance(channel.limits.repeat, Repeat)

    def test_making_needs_no_network_and_no_secret(
        self,
        making: Callable[[ChannelOptions], Channel],
        options: ChannelOptions,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """`plan` and `preview` make every channel, on machines that hold no secret and have no way out."""

        def forbidden(*_: object, **__: object) -> Any:
            pytest.fail("making a channel must not do this; do it in send")

        with monkeypatch.context() as patch:
            for name in ("connect", "connect_ex", "sendto"):
                patch.setattr(socket.socket, name, forbidden)
            patch.setattr(socket, "getaddrinfo", forbidden)
            channel = making(replace(options, secret=forbidden))
            channel.close()

    def test_send_gives_a_receipt(self, channel: Channel, message: Message) -> None:
        """Proof that it went out."""
        receipt = channel.send(message, key=message.key)
        assert isinstance(receipt, Receipt)
        assert receipt.changed >= 1

    def test_a_repeat_is_what_the_limits_promise(self, channel: Channel, message: Message, since: datetime) -> None:
        """SAFE: a repeat changes nothing. LOOK: the channel sees what it sent."""
        first = channel.send(message, key=message.key)
        if channel.limits.repeat is Repeat.SAFE:
            second = channel.send(message, key=message.key)
            assert second.changed == 0 or (second.id and second.id == first.id), "a repeat changed something"
        if channel.limits.repeat is Repeat.LOOK:
            assert isinstance(channel, Finds), "Repeat.LOOK promises a `find`"
            found = channel.find(message, key=message.key, since=since)
            assert found is not None, "what was sent is not found"
            assert found.id == first.id

    def test_what_was_never_sent_is_not_found(
        self, channel: Channel, message: Message, unknown: Message, since: datetime
    ) -> None:
        """None only where it certainly is not there."""
        if not isinstance(channel, Finds):
            pytest.skip("the channel has no `find`")
        assert channel.find(message, key=message.key, since=since) is None
        if channel.limits.carries is not Carries.FILES:  # equal files are the same message, whatever the key
            channel.send(message, key=message.key)
            assert channel.find(unknown, key=unknown.key, since=since) is None

    def test_other_kinds_of_body_are_rejected(self, channel: Channel) -> None:
        """For good, and before anything goes out."""
        for carries, make in _FITTING.items():
            if carries is not channel.limits.carries:
                message = sample_message(make())
                with pytest.raises(RejectedError):
                    channel.send(message, key=message.key)

    def test_what_does_not_fit_is_rejected(self, channel: Channel, message: Message) -> None:
        """Never cut silently while sending."""
        if not isinstance(message.body, Post) or not channel.limits.max_length:
            pytest.skip("the channel has no length limit")
        size = 2 * channel.limits.max_length + 2
        body = replace(message.body, text="m " * size, length=2 * size, limit=channel.limits.max_length)
        with pytest.raises(ChannelError) as caught:
            channel.send(replace(message, body=body), key=message.key)
        assert isinstance(caught.value, RejectedError)

    @pytest.fixture
    def line(self, channel: Channel) -> Iterator[Line]:
        """A line of the channel, where it has any; closed at the end."""
        if not isinstance(channel, SendsMany):
            pytest.skip("the channel has no `line`")
        line = channel.line()
        yield line
        line.close(1.0)

    def test_a_line_gives_each_message_one_outcome(self, line: Line, message: Message) -> None:
        """In whatever order; and it has nothing left to tell when all are known."""
        messages = [replace(message, key=f"{message.key}-{number}") for number in range(50)]
        told: list[str] = []
        given = 0
        for _ in range(1000):
            room = line.room()
            assert room >= 0
            line.give(messages[given : given + room])
            given = min(given + room, len(messages))
            told += [key for key, outcome in line.outcomes(0.2) if isinstance(outcome, Receipt)]
            if len(told) >= len(messages):
                break
        assert sorted(told) == sorted(one.key for one in messages)
        assert not line.outcomes(0)
        assert not line.close(1.0)

    def test_a_line_has_less_room_for_what_it_was_given(self, line: Line, message: Message) -> None:
        """Whoever keeps to it never has more in flight than the channel can carry."""
        before = line.room()
        assert before > 0
        line.give([replace(message, key=f"{message.key}-{number}") for number in range(min(before, 3))])
        assert line.room() <= before - min(before, 3)

    def test_closing_a_line_settles_the_rest(self, line: Line, message: Message) -> None:
        """What was not begun, what is in doubt, and what was answered after all: each once."""
        messages = [replace(message, key=f"{message.key}-{number}") for number in range(min(line.room(), 20))]
        line.give(messages)
        told = [*line.outcomes(0), *line.close(5.0)]
        assert sorted(key for key, _ in told) == sorted(one.key for one in messages)
        assert all(isinstance(outcome, Receipt | ChannelError) for _, outcome in told)

    def test_a_line_rejects_other_kinds_of_body(self, channel: Channel, line: Line) -> None:
        """As an outcome: the other messages go on."""
        for carries, make in _FITTING.items():
            if carries is not channel.limits.carries:
                line.give([sample_message(make())])
                told = [*line.outcomes(1.0), *line.close(1.0)]
                assert [type(outcome) for _, outcome in told] == [RejectedError]
                break

    def test_closing_twice_is_fine(self, channel: Channel, message: Message) -> None:
        """Whoever cleans up need not know who did before."""
        channel.send(message, key=message.key)
        channel.close()
        channel.close()
