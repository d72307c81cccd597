"""nginx and Caddy in front of the public server, with our sample configurations."""

from __future__ import annotations

from contextlib import suppress
from itertools import count

import pytest
import web_servers
from pressroom import Pressroom
from web_servers import HOST, UPSTREAM, Caddy, Nginx, WebServer

from dissemination.settings import WebSection

FEED = "/en/social/atom.xml"
#: Requests that one address may make in a minute here.
LIMIT = 40
_NUMBERS = count(1)
#: What stands between may add to or take from.
LOOSE = {"date", "server", "connection", "keep-alive", "transfer-encoding"}


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """A project whose server believes the one in front, and lets one address ask only so often."""
    web = WebSection(trusted_proxies=["127.0.0.1"], per_minute=LIMIT, posts_per_minute=LIMIT)
    with Pressroom(tmp_path_factory.mktemp("room") / "project", web) as made:
        made.move(f"https://{HOST}")
        made.item("first")
        made.publish()
        yield made


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def front(request, room, needed, certificate, tmp_path_factory):
    """A server in front."""
    needed(web_servers.lack(request.param))
    changes = {UPSTREAM: f"127.0.0.1:{room.server.port}"}
    folder = tmp_path_factory.mktemp("front") / "run"
    made = (
        Nginx(folder, "nginx-proxy.conf", certificate, changes)
        if request.param == "nginx"
        else Caddy(folder, "Caddyfile-proxy", changes)
    )
    with made:
        yield made


@pytest.fixture
def sources():
    """Addresses of this machine that no other test asks from."""
    number = next(_NUMBERS)
    return [f"127.1.{number}.{last}" for last in range(1, 4)]


@pytest.mark.parametrize("coding", ["", "gzip", "br"])
@pytest.mark.parametrize("path", [FEED, "/en/social/", "/en/news/title-of-first/", "/nothing/"])
def test_answers_go_through_as_they_are(room, front, sources, path, coding):
    asked = {"Accept-Encoding": coding} if coding else {}
    through, straight = front.ask(path, asked, source=sources[0]), WebServer(room.server.port).ask(path, asked)
    assert (through.status, through.body) == (straight.status, straight.body)
    for name in straight.headers.keys() - LOOSE:
        assert through[name] == straight[name], name


def test_a_strong_tag_stays_strong_and_is_answered_304(front, sources):
    first = front.ask(FEED, {"Accept-Encoding": "gzip"}, source=sources[0])
    assert first["content-encoding"] == "gzip"
    assert first["etag"].startswith('"')
    again = front.ask(FEED, {"Accept-Encoding": "gzip", "If-None-Match": first["etag"]}, source=sources[0])
    assert (again.status, again.body) == (304, b"")


def exhaust(front, source):
    """Ask until there is no more; what is allowed grows back while we ask."""
    return any(front.ask(FEED, source=source).status == 429 for _ in range(3 * LIMIT))


def test_limits_count_by_the_callers_own_address(front, sources):
    one, other, _ = sources
    assert front.ask(FEED, source=one).status == 200
    assert exhaust(front, one)
    assert front.ask(FEED, source=other).status == 200


def test_who_says_that_they_are_somebody_else_is_not_believed(front, sources):
    one, _, third = sources
    assert exhaust(front, one)
    for said in ("203.0.113.9", "127.0.0.1", f"{third}, 203.0.113.9", "x"):
        assert front.ask(FEED, {"X-Forwarded-For": said}, source=one).status == 429


def test_the_name_goes_on_and_another_one_is_not_served(front, sources):
    assert front.ask(FEED, {"Host": HOST.upper()}, source=sources[0]).status == 200
    # Each server has its own way to say so; ours would say 421.
    answer = front.ask(FEED, {"Host": "evil.example"}, source=sources[0])
    assert answer.status != 200 or not answer.body


def test_an_unsubscribe_link_that_is_none_is_answered_by_the_server_behind_and_not_logged(front, sources):
    answer = front.ask("/u/not-a-token", source=sources[0])
    assert answer.status == 404
    assert answer["referrer-policy"] == "no-referrer"
    log = front.folder / "access.log"
    assert "not-a-token" not in (log.read_text() if log.exists() else "")


def test_a_body_of_three_megabytes_is_refused(front, sources):
    line = front.line(sources[0])
    with suppress(BrokenPipeError, ConnectionResetError):  # it has answered, and reads no more
        line.request("POST", "/hooks/postmark", body=bytes(3_000_000), headers={"Host": HOST})
    assert line.getresponse().status == 413
    line.close()
