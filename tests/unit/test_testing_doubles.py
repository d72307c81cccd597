"""The stand-ins that other tests trust."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from dissemination.errors import InDoubtError, RejectedError, UnavailableError
from dissemination.model import Carries, FileSet, Limits, Receipt
from dissemination.testing import FixedClock, MemoryChannel, sample_message, sample_picture, sample_post


def test_the_clock_moves_only_when_told():
    clock = FixedClock(datetime(2026, 10, 25, 0, 30, tzinfo=UTC))
    assert clock.now() == clock.now()
    clock.sleep(90)
    assert clock.now() == datetime(2026, 10, 25, 0, 31, 30, tzinfo=UTC)
    clock.advance(timedelta(days=1))
    assert clock.now().day == 26


def test_the_clock_refuses_a_naive_start():
    with pytest.raises(ValueError, match="aware"):
        FixedClock(datetime(2026, 1, 1))  # noqa: DTZ001 - a naive time is what is refused


def test_the_memory_channel_answers_as_programmed():
    channel = MemoryChannel()
    message = sample_message()
    channel.program(message.key, UnavailableError("memory: away"), Receipt(id="7"))
    with pytest.raises(UnavailableError):
        channel.send(message, key=message.key)
    assert channel.send(message, key=message.key).id == "7"
    assert channel.sent == [message]
    assert channel.attempts == [message.key, message.key]


def test_answers_for_any_key_come_after_those_of_the_key():
    channel = MemoryChannel()
    channel.program("", Receipt(id="any"))
    channel.program("a", Receipt(id="own"))
    assert channel.send(sample_message(key="a"), key="a").id == "own"
    assert channel.send(sample_message(key="a"), key="a").id == "any"


@pytest.mark.parametrize("arrives", [True, False])
def test_a_message_in_doubt_arrives_as_told(arrives):
    channel = MemoryChannel(doubt_arrives=arrives)
    message = sample_message()
    channel.program(message.key, InDoubtError("memory: the line broke"))
    with pytest.raises(InDoubtError):
        channel.send(message, key=message.key)
    found = channel.find(message, key=message.key, since=datetime(2026, 1, 1, tzinfo=UTC))
    assert (found is not None) is arrives
    assert len(channel.sent) == arrives


def test_the_memory_channel_refuses_what_its_limits_do_not_carry():
    channel = MemoryChannel(Limits(carries=Carries.FILES))
    with pytest.raises(RejectedError, match="files only"):
        channel.send(sample_message(sample_post()), key="k")
    assert channel.send(sample_message(FileSet(files={})), key="k").changed == 1


def test_sample_pictures_are_equal_and_differ_by_colour():
    assert sample_picture() == sample_picture()
    assert sample_picture().digest != sample_picture((0, 0, 0)).digest


def test_the_samples_need_no_pytest():
    code = "import sys; sys.modules['pytest'] = None; import dissemination.testing"
    subprocess.run([sys.executable, "-c", code], check=True)
