"""The memory channel keeps the contract that it helps to test."""

import pytest

from dissemination.model import Carries, Limits, Repeat
from dissemination.testing import MemoryChannel, MemoryMailer, MemoryNetwork, MemoryThreads
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


class TestMemoryNetwork(ChannelContract):
    @pytest.fixture
    def making(self):
        return lambda options: MemoryNetwork()


class TestMemoryThreads(ChannelContract):
    @pytest.fixture
    def making(self):
        return lambda options: MemoryThreads(Limits(carries=Carries.POST, max_length=500, repeat=Repeat.SAFE))


class TestMemoryMailer(ChannelContract):
    @pytest.fixture
    def making(self):
        return lambda options: MemoryMailer()


class TestSlowMemoryMailer(ChannelContract):
    """Answers late and backwards, and few at a time."""

    @pytest.fixture
    def making(self):
        def make(options):
            mailer = MemoryMailer()
            mailer.depth, mailer.pace, mailer.lag, mailer.backwards = 7, 2, 3, True
            return mailer

        return make
