"""The email channel keeps the contract."""

import pytest

from dissemination.channels import email
from dissemination.testing import sample_mail, sample_message
from dissemination.testing.contract import ChannelContract


class TestEmail(ChannelContract):
    @pytest.fixture
    def making(self):
        return email.make

    @pytest.fixture
    def settings(self, smtp_server):
        return {"sender": "news@example.eu", "host": "127.0.0.1", "port": smtp_server().port, "tls": "none"}

    @pytest.fixture
    def message(self):
        return sample_message(sample_mail(), key="weekly-2026-W48:email:1/7")


class TestEmailThatHolds(TestEmail):
    @pytest.fixture
    def settings(self, smtp_server):
        port = smtp_server().port
        return {"sender": "a@example.eu", "host": "127.0.0.1", "port": port, "tls": "none", "in_doubt": "hold"}
