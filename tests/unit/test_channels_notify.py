"""Notices: every way is tried, a way that fails does not hinder the others, nobody told is an error."""

import base64
import hmac
import json
import logging
import socket
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dissemination.channels.notify import Notices
from dissemination.errors import ChannelError, RejectedError, UnavailableError
from dissemination.model import Happening
from dissemination.ports import Notifier
from dissemination.testing import FixedClock

AT = datetime(2026, 11, 16, 8, 30, tzinfo=UTC)
FAILED = Happening(at=AT, kind="failed", subject="third-meeting", channel="x", detail="403", id=1)
DOUBT = Happening(at=AT, kind="in_doubt", subject="weekly-2026-W48", channel="email", id=2)


class Post:
    def __init__(self, fails=()):
        self.fails, self.sent = fails, []

    def __call__(self, address, subject, text, *, key):
        if address in self.fails:
            raise RejectedError(f"email: {address} refused")
        self.sent.append((address, subject, text, key))


@contextmanager
def hook(status=204, location=""):
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            seen.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.end_headers()

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hook/secret-path", seen
        finally:
            server.shutdown()
            thread.join()


def notices(addresses=(), webhooks=(), mail=None, secrets=None):
    made: Notifier = Notices(
        addresses=addresses, webhooks=webhooks, mail=mail, secret=(secrets or {}).get, clock=FixedClock(AT)
    )
    return made


def test_nobody_is_named():
    notices().tell([FAILED])


def test_nothing_happened():
    post = Post()
    notices(["office@example.eu"], mail=post).tell([])
    assert not post.sent


def test_everybody_gets_one_mail_of_all():
    post = Post()
    notices(["a@example.eu", "b@example.eu"], mail=post).tell([FAILED, DOUBT])
    assert [sent[0] for sent in post.sent] == ["a@example.eu", "b@example.eu"]
    _, subject, text, _ = post.sent[0]
    assert subject == "[Dissemination] failed, in doubt: 2 to look at"
    assert text.splitlines()[:2] == [
        "2026-11-16 08:30 UTC  failed third-meeting x: 403",
        "2026-11-16 08:30 UTC  in doubt weekly-2026-W48 email",
    ]


def test_a_mail_has_a_key_of_its_own():
    post = Post()
    way = notices(["a@example.eu", "b@example.eu"], mail=post)
    way.tell([FAILED])
    way.tell([FAILED])
    way.tell([DOUBT])
    keys = [sent[3] for sent in post.sent]
    assert keys[:2] == keys[2:4]
    assert len(set(keys)) == 4


def test_a_flood_is_one_mail_of_bounded_size():
    post = Post()
    notices(["a@example.eu"], mail=post).tell([FAILED] * 1000)
    [(_, subject, text, _)] = post.sent
    assert "1000 to look at" in subject
    assert "... and 900 more." in text


def test_one_refused_address_does_not_hinder_the_others():
    post = Post(fails={"a@example.eu"})
    notices(["a@example.eu", "b@example.eu"], mail=post).tell([FAILED])
    assert [sent[0] for sent in post.sent] == ["b@example.eu"]


def test_nobody_reached_is_an_error_that_names_everyone():
    post = Post(fails={"a@example.eu", "b@example.eu"})
    with pytest.raises(ChannelError, match=r"a@example\.eu refused; email: b@example\.eu refused"):
        notices(["a@example.eu", "b@example.eu"], mail=post).tell([FAILED])


def test_mail_without_a_channel():
    with pytest.raises(UnavailableError, match="no email channel"):
        notices(["a@example.eu"]).tell([FAILED])


def test_a_bug_is_not_swallowed():
    def broken(*_, key):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        notices(["a@example.eu"], mail=broken).tell([FAILED])


# Webhooks


def test_a_webhook_gets_json():
    with hook() as (url, seen):
        notices(webhooks=[url]).tell([FAILED, DOUBT])
    [(headers, body)] = seen
    assert headers["content-type"] == "application/json"
    assert headers["webhook-id"].startswith("msg_")
    assert headers["webhook-timestamp"] == str(int(AT.timestamp()))
    assert "webhook-signature" not in headers
    told = json.loads(body)
    assert told["type"] == "dissemination.events"
    assert told["events"][0] == {
        "id": 1,
        "at": "2026-11-16T08:30:00+00:00",
        "kind": "failed",
        "subject": "third-meeting",
        "channel": "x",
        "detail": "403",
    }
    assert len(told["events"]) == 2


@pytest.mark.parametrize(
    ("secret", "key"),
    [("plain words", b"plain words"), (f"whsec_{base64.b64encode(b'k' * 24).decode()}", b"k" * 24)],
)
def test_a_webhook_is_signed_where_there_is_a_secret(secret, key):
    with hook() as (url, seen):
        notices(webhooks=[url], secrets={"WEBHOOK_SECRET": secret}).tell([FAILED])
    [(headers, body)] = seen
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"


def test_a_broken_secret_is_told_without_it():
    with hook() as (url, seen), pytest.raises(UnavailableError) as caught:
        notices(webhooks=[url], secrets={"WEBHOOK_SECRET": "whsec_*hunter2*"}).tell([FAILED])
    assert not seen
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("status", [301, 400, 404, 500])
def test_a_webhook_that_does_not_take_it(status):
    with hook(status) as (url, _), pytest.raises(UnavailableError) as caught:
        notices(webhooks=[url]).tell([FAILED])
    assert str(status) in str(caught.value)
    assert "secret-path" not in str(caught.value), "an address may be as good as a password"


def test_redirects_are_not_followed():
    with hook() as (target, seen), hook(307, target) as (url, _), pytest.raises(UnavailableError):
        notices(webhooks=[url]).tell([FAILED])
    assert not seen


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "http://[broken", "nonsense", "ftp://example.org/"])
def test_a_webhook_that_cannot_be_reached(url):
    with pytest.raises(UnavailableError, match="webhook"):
        notices(webhooks=[url]).tell([FAILED])


def test_one_way_that_works_is_enough():
    with hook() as (url, seen):
        notices(["a@example.eu"], ["http://127.0.0.1:1/", url], mail=Post(fails={"a@example.eu"})).tell([FAILED])
    assert len(seen) == 1


@pytest.fixture
def inside(monkeypatch):
    """A name that leads to this machine."""
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *a, **k: real("127.0.0.1", *a, **k))


def test_a_name_that_leads_inside_is_not_called(inside):
    with hook() as (url, seen):
        away = url.replace("127.0.0.1", "hook.example.eu")
        with pytest.raises(
            UnavailableError, match=r"webhook hook\.example\.eu: .*set notify\.allow_private: true$"
        ):
            notices(webhooks=[away]).tell([FAILED])
        assert not seen
        Notices(
            addresses=(), webhooks=[away], mail=None, secret={}.get, clock=FixedClock(AT), allow_private=True
        ).tell([FAILED])
        assert len(seen) == 1


def test_the_path_of_a_webhook_is_not_logged(caplog):
    caplog.set_level(logging.DEBUG)
    with hook() as (url, seen):
        notices(webhooks=[url]).tell([FAILED])
    assert seen
    assert "HTTP Request: POST" in caplog.text
    assert "secret-path" not in caplog.text
