"""The stage of Bluesky for the fault matrix: the real server behind a way on which requests go wrong."""

from __future__ import annotations

import os

import pytest

from dissemination.testing.bluesky import FaultyPds, pds_missing, shared_pds
from dissemination.testing.loopback import FAULTS, Fault

_EXPIRED = Fault(status=400, body=b'{"error":"ExpiredToken"}')


class Stage:
    """A fresh account of the shared server."""

    name = "bluesky"
    exact = True
    steps = ("createSession", "getRecord", "uploadBlob", "putRecord")
    thread_steps = ("getRecord", "uploadBlob", "applyWrites")

    def __init__(self, now):
        self.now = now  # the server lives by the real time; records bear the messages'
        self.settings, self.secrets = {}, {}

    def __enter__(self):
        if lack := pds_missing():
            (pytest.fail if os.environ.get("DISSEMINATION_NO_SKIPS") else pytest.skip)(lack)
        self.pds = shared_pds()
        self.account = self.pds.account()
        self.way = FaultyPds(self.pds).__enter__()
        # The server takes 0.35 s to log in, on purpose: guessing passwords shall tell nothing by its time.
        self.settings = {"service": self.way.address, "handle": self.account.handle, "read_timeout": 1}
        self.secrets = {"BLUESKY_APP_PASSWORD": self.account.password}
        return self

    def __exit__(self, *error):
        self.way.__exit__(*error)

    def count(self, step):
        return self.way.count(step)

    def fault(self, step, fault):
        if step == "createSession":  # it is made only where the one at hand is of no use any more
            self.way.program("getRecord", _EXPIRED)
            self.way.program("refreshSession", _EXPIRED)
        self.way.program(step, FAULTS[fault])

    def closed(self):
        return self.way.closed()

    def posts(self):
        return [post["value"]["text"] for post in self.pds.posts(self.account)]

    def repair(self):
        """An app password that was refused once is as good as before."""
