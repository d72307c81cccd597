"""The stand-ins that other tests trust."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from dissemination.errors import InDoubtError, NotBegunError, RejectedError, UnavailableError
from dissemination.model import Carries, FileSet, Limits, Receipt
from dissemination.testing import (
    FixedClock,
    MemoryChannel,
    MemoryMailer,
    sample_mail,
    sample_message,
    sample_picture,
    sample_post,
)


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


def mails(*keys):
    return [sample_message(sample_mail(), key=key) for key in keys]


def test_a_memory_line_tells_late_backwards_and_in_its_own_pace():
    mailer = MemoryMailer()
    mailer.lag, mailer.pace, mailer.backwards = 1, 2, True
    line = mailer.line()
    line.give(mails("a", "b", "c"))
    looks = [[key for key, _ in line.outcomes(1)] for _ in range(3)]
    assert looks == [[], ["b", "a"], ["c"]]
    assert line.fullest == 3


def test_a_memory_line_keeps_silent_settles_at_the_end_and_has_its_limits():
    mailer = MemoryMailer()
    mailer.depth, mailer.pace, mailer.silent = 3, 1, {"a"}
    line = mailer.line()
    line.give(mails("a", "b", "c"))
    with pytest.raises(ValueError, match="1 messages given, where 0"):
        line.give(mails("d"))
    assert line.outcomes(1) == []
    last = dict(line.close(1))
    assert [type(outcome) for outcome in last.values()] == [InDoubtError, NotBegunError, NotBegunError]
    assert [message.key for message in mailer.sent] == ["a"]
    with pytest.raises(ValueError, match="given"):
        line.give(mails("d"))
