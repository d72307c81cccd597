"""X for the fault matrix."""

from x_scene import DESCRIBE, POST, REPLY, UPLOAD

from dissemination.testing.loopback import FAULTS
from dissemination.testing.x import X_SECRETS, FakeX


class Stage:
    name = "x"
    exact = False
    steps = (UPLOAD, DESCRIBE, POST)
    thread_steps = (REPLY,)

    def __init__(self, now):
        self._server = FakeX(now)
        self.secrets = dict(X_SECRETS)
        self.settings = {"api_base": self._server.address, "connect_timeout": 2, "read_timeout": 0.6}

    def __enter__(self):
        self._server.__enter__()
        return self

    def __exit__(self, *error):
        self._server.__exit__(*error)

    def fault(self, step, fault):
        self._server.program(step, FAULTS[fault])

    def count(self, step):
        return self._server.count(step)

    def closed(self):
        return self._server.closed()

    def posts(self):
        return [post["text"] for post in self._server.posts]

    def repair(self):
        """The tokens were good all the time."""
