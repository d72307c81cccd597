"""The ordering gate against a real web server on loopback: 404 holds mail and posts, 200 lets them go."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dissemination.channels.gate import HttpGate
from dissemination.pipeline.approve import approve
from dissemination.pipeline.publish import publish


@pytest.fixture
def site():
    """A server whose pages answer what `site.status` says."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(self.server.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_HEAD = do_GET  # noqa: N815 - the name that the standard library calls

        def log_message(self, *words):
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.status = 404
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_mail_and_posts_wait_until_the_page_answers(house, site):
    address = f"http://127.0.0.1:{site.server_port}"
    house.change(gate=HttpGate(address))
    house.people(2)
    house.item(
        canonical_url=f"{address}/first",
        require_live=True,
        channels={"feed": "auto", "x": "auto", "newsletter": "flash"},
    )
    approve(house.parts, [], who="ana", everything=True)
    held = publish(house.parts, house.stop)
    assert (held.feeds, held.posts, held.mails) == (1, 0, 0)
    assert "404" in house.one("first", "x").reason
    assert "404" in house.one("flash-first", "email").reason
    site.status = 200
    open_ = publish(house.parts, house.stop)
    assert (open_.posts, open_.mails) == (1, 2)
