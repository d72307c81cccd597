"""The memory channel keeps the contract that it helps to test."""

import pytest

from dissemination.model import Carries, Limits, Repeat
from dissemination.testing import MemoryChannel
from dissemination.testing.contract import ChannelContract


class TestMemoryChannel(ChannelContract):
    @pytest.fixture
    def making(self):
        return lambda options: MemoryChannel()


class TestMemoryChannelOfFiles(ChannelContract):
    @pytest.fixture
    def making(self):
        return lambda options: MemoryChannel(Limits(carries=Carries.FILES, repeat=Repeat.SAFE))


class TestMemoryChannelOfMail(ChannelContract):
    @pytest.fixture
    def making(self):
        return lambda options: MemoryChannel(Limits(carries=Carries.MAIL, repeat=Repeat.ASK))
