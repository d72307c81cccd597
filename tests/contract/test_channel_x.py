"""The channel `x` through the real tweepy, against a stand-in that is held to X's own OpenAPI document."""

import json
import logging
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import jsonschema
import pytest
from x_scene import ME, NOW, POST, TIMELINE, OpenAPI, find, message, pictured, send

from dissemination.channels import x
from dissemination.channels.networks import NETWORKS
from dissemination.errors import (
    ChannelError,
    InDoubtError,
    NeedsLoginError,
    RejectedError,
    SettingsError,
    UnavailableError,
)
from dissemination.model import PostPicture, Receipt, Repeat
from dissemination.ports import Deletes, Finds, LogsIn, Priced, Probes
from dissemination.testing import FixedClock, sample_message, sample_options, sample_post
from dissemination.testing.contract import ChannelContract
from dissemination.testing.x import X_SECRETS, FakeX, Fault, limited, refusal


@pytest.fixture
def openapi():
    witness = OpenAPI.known()
    if witness is None:
        pytest.skip("X's OpenAPI document is not beside the checkout")
    return witness


@pytest.fixture
def clock():
    return FixedClock(NOW)


@pytest.fixture
def server(clock):
    with FakeX(clock.now, OpenAPI.known()) as server:
        yield server
    assert server.problems == []


@pytest.fixture
def make_channel(tmp_path, server, clock):
    def make(secrets=X_SECRETS, clock=clock, **settings):
        section = {"api_base": server.address, "read_timeout": 5, **settings}
        return x.make(sample_options(tmp_path, secrets.get, name="x", settings=section, clock=clock))

    return make


@pytest.fixture
def channel(make_channel):
    return make_channel()


class TestContract(ChannelContract):
    @pytest.fixture
    def making(self):
        return x.make

    @pytest.fixture
    def settings(self, server):
        return {"api_base": server.address}

    @pytest.fixture
    def secrets(self):
        return X_SECRETS


def test_the_dialogue_is_that_of_the_official_document(openapi, clock, tmp_path):
    with FakeX(clock.now, openapi) as server:
        channel = x.make(sample_options(tmp_path, X_SECRETS.get, settings={"api_base": server.address}))
        first = send(channel, pictured())
        second = send(channel, message("A reply", in_reply_to=first))
        assert find(channel, pictured()) == first
        assert channel.probe() == "posts as @project"
        channel.delete(second)
    reading, changing = {"getUsersMe", "getUsersPosts"}, {"createPosts", "deletePosts"}
    assert openapi.seen == reading | changing | {"mediaUpload", "createMediaMetadata"}
    assert server.problems == []
    with pytest.raises(jsonschema.ValidationError):
        openapi("POST", "/2/tweets", {}, {"text": "a", "unknown": 1}, 201, {})
    with pytest.raises(jsonschema.ValidationError):
        openapi("POST", "/2/media/upload", {}, {"media": "YQ==", "alt": "A picture"}, 0, None)
    with pytest.raises(KeyError):
        openapi("GET", "/2/users/me", {"tweet.fields": "text"}, None, 200, {})


def test_a_post_is_sent_as_it_is(channel, server):
    text = "Partners & friends: 3 < 4 → „Príklad“ 👩🏽‍🚒\n\nhttps://news.example.eu/en/ #Výskum"
    receipt = send(channel, message(text))
    assert [(post["text"], post["reply_to"]) for post in server.posts] == [(text, "")]
    assert receipt == Receipt(id=server.posts[0]["id"], url=f"https://x.com/i/status/{server.posts[0]['id']}")
    assert server.requests == [POST]


def test_parts_of_a_thread_hang_one_under_the_other(channel, server):
    first = send(channel, message("One"))
    second = send(channel, message("Two", in_reply_to=first))
    send(channel, message("Three", in_reply_to=second))
    assert [post["reply_to"] for post in server.posts] == ["", first.id, second.id]


def test_what_it_carries_is_plain_data(channel):
    assert channel.limits == NETWORKS["x"]
    assert (channel.limits.pictures, channel.limits.threads, channel.limits.repeat) == (4, True, Repeat.LOOK)
    for power in (Finds, Probes, Deletes, Priced, LogsIn):
        assert isinstance(channel, power)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"thread": ("Two",)}, "one part of a thread at a time"),
        ({"pictures": (PostPicture(digest="0" * 64, alt="A picture"),)}, "not there"),
        ({"pictures": (PostPicture(digest="0" * 64, alt="A picture"),) * 5}, "5 pictures of 4"),
        ({"pictures": (PostPicture(digest="0" * 64, alt="a" * 1001),)}, "more than 1000 characters"),
        ({"length": 281}, "281 of 280"),
    ],
)
def test_what_does_not_fit_never_leaves(changes, fault, channel, server):
    one = sample_message(sample_post(**changes))
    with pytest.raises(RejectedError, match=rf"^x: .*{fault}"):
        send(channel, one)
    with pytest.raises(RejectedError, match=fault):
        find(channel, one)
    assert server.requests == []


# Every way in which X, or the way to it, can fail: what is sent of it, what it means, and whether the post is out.
CUT = Fault(cut=True)
GARBAGE = b"<html>Bad gateway</html>"
FORBIDDEN = "Your client app is not configured with the appropriate oauth1 app permissions for this endpoint."
FAULTS = {
    "reset before it was taken": (CUT, InDoubtError, 0),
    "reset after it was taken": (Fault(stored=True, cut=True), InDoubtError, 1),
    "silence after it was taken": (Fault(stored=True, silent=True), InDoubtError, 1),
    "silence before it was taken": (Fault(silent=True), InDoubtError, 0),
    "500": (Fault(status=500, body=b""), InDoubtError, 0),
    "500 after it was taken": (Fault(stored=True, status=500, body=b"{}"), InDoubtError, 1),
    "502 with a page": (Fault(status=502, body=GARBAGE), InDoubtError, 0),
    "503 with a problem": (refusal(503, "Over capacity"), InDoubtError, 0),
    "garbage for a post": (Fault(stored=True, body=GARBAGE), InDoubtError, 1),
    "a list for a post": (Fault(stored=True, body=b"[1, 2]"), InDoubtError, 1),
    "a post without a number": (Fault(stored=True, body=b'{"data": {"id": 7}}'), InDoubtError, 1),
    "errors for a post": (Fault(body=b'{"errors": null}'), InDoubtError, 0),
    "nesting without end": (Fault(stored=True, body=b"[" * 100_000), InDoubtError, 1),
    "no end of the answer": (Fault(stored=True, headers={"Content_Encoding": "gzip"}), InDoubtError, 1),
    "elsewhere": (Fault(status=307, headers={"Location": "https://127.0.0.1:9/"}), InDoubtError, 0),
    "401": (refusal(401, "Unauthorized"), NeedsLoginError, 0),
    "401 with a page": (Fault(status=401, body=GARBAGE), NeedsLoginError, 0),
    "402": (refusal(402, "You do not have enough credits.", "CreditsDepleted"), NeedsLoginError, 0),
    "403 for a right": (refusal(403, FORBIDDEN, "Forbidden"), NeedsLoginError, 0),
    "403 for a suspended account": (refusal(403, "Your account is suspended."), NeedsLoginError, 0),
    "403 for a locked account": (refusal(403, "This account is temporarily locked."), NeedsLoginError, 0),
    "403 for a blocked link": (refusal(403, "This link was blocked as harmful."), RejectedError, 0),
    "403 for the post": (refusal(403, "You are not permitted to perform this action."), RejectedError, 0),
    "403 with a page": (Fault(status=403, body=GARBAGE), InDoubtError, 0),
    "403 with a list": (Fault(status=403, body=b'["duplicate"]'), InDoubtError, 0),
    "400": (refusal(400, "Your Tweet text is too long."), RejectedError, 0),
    "404": (refusal(404, "Not found"), RejectedError, 0),
    "422": (refusal(422, "What is this?"), InDoubtError, 0),
    "429": (limited(NOW, timedelta(minutes=15)), UnavailableError, 0),
    "429 with nothing": (Fault(status=429, body=b""), UnavailableError, 0),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_goes_wrong_while_sending(name, make_channel, server):
    fault, kind, posts = FAULTS[name]
    channel = make_channel(read_timeout=0.6 if fault.silent else 5)
    server.program(POST, fault)
    with pytest.raises(ChannelError, match=r"^x: .+") as caught:
        send(channel, message())
    assert type(caught.value) is kind
    assert (server.requests, len(server.posts)) == ([POST], posts)
    assert (find(channel, message()) is not None) == bool(posts)


@pytest.mark.parametrize("request_", [ME, TIMELINE])
@pytest.mark.parametrize("name", FAULTS)
def test_what_goes_wrong_while_looking(name, request_, make_channel, server):
    fault, _, _ = FAULTS[name]
    channel = make_channel(read_timeout=0.6 if fault.silent else 5)
    send(channel, message())
    server.program(request_, fault)
    with pytest.raises((UnavailableError, InDoubtError, NeedsLoginError), match=r"^x: .+"):
        find(channel, message())
    assert find(channel, message()) is not None
    assert server.requests.count(POST) == 1


def test_the_words_of_x_reach_the_officer(channel, server):
    server.program(POST, refusal(403, "You are not permitted\nto perform   this action."))
    with pytest.raises(RejectedError, match=r"403 \(You are not permitted to perform this action\.\); change"):
        send(channel, message())


def test_a_server_that_is_not_there(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: nobody else gets the port
        section = {"api_base": f"http://127.0.0.1:{taken.getsockname()[1]}"}
        channel = x.make(sample_options(tmp_path, X_SECRETS.get, name="x", settings=section))
        with pytest.raises(UnavailableError, match=r"cannot reach X .*online"):
            send(channel, message())
        with pytest.raises(UnavailableError):
            find(channel, message())


class RealClock:
    def now(self):
        return datetime.now(UTC)


def test_an_answer_that_drips_is_not_waited_for(make_channel, server):
    channel = make_channel(clock=RealClock(), read_timeout=0.6)
    server.program(POST, Fault(stored=True, drips=True))
    with pytest.raises(InDoubtError, match="no answer came"):
        send(channel, message())
    assert len(server.posts) == 1


def test_an_answer_without_end_is_not_read(channel, server):
    server.program(POST, Fault(stored=True, body=b" " * 5_000_000))
    with pytest.raises(InDoubtError, match="no answer came"):
        send(channel, message())


@pytest.mark.parametrize(
    ("wait", "expected"),
    [
        (timedelta(minutes=15), timedelta(minutes=15)),
        (timedelta(minutes=-5), timedelta()),
        (timedelta(days=400), timedelta(days=1)),
    ],
)
def test_when_x_takes_posts_again(wait, expected, channel, server):
    server.program(POST, limited(NOW, wait))
    with pytest.raises(UnavailableError) as caught:
        send(channel, message())
    assert caught.value.retry_at == NOW + expected


@pytest.mark.parametrize("value", ["soon", "9" * 30, ""])
def test_a_reset_that_says_nothing(value, channel, server):
    server.program(POST, refusal(429, "Too Many Requests", x_rate_limit_reset=value))
    with pytest.raises(UnavailableError) as caught:
        send(channel, message())
    assert caught.value.retry_at is None


def test_a_duplicate_is_told_from_other_refusals(channel, server):
    first = send(channel, message())
    with pytest.raises(RejectedError, match="has a post with this text already"):
        send(channel, message())
    assert len(server.posts) == 1
    assert find(channel, message()) == first


def test_after_a_lost_answer_the_post_is_found_and_a_repeat_is_refused(channel, server):
    server.program(POST, Fault(stored=True, cut=True))
    with pytest.raises(InDoubtError):
        send(channel, message())
    assert find(channel, message()).id == server.posts[0]["id"]
    with pytest.raises(RejectedError, match="already"):
        send(channel, message())
    assert len(server.posts) == 1


@pytest.mark.parametrize(
    "text",
    [
        "A bare example.eu, then https://example.eu/a?b=c&d=%C3%A9.",
        "Less < more & > “quotes” &amp; done",
        "Cafe\u0301 on\n\ntwo  lines 👩🏽‍🚒",
        "https://example.eu/",
        "No address at all",
    ],
)
def test_a_post_is_found_as_x_shows_it(text, channel):
    receipt = send(channel, message(text))
    assert find(channel, message(text)) == receipt
    assert find(channel, message(f"{text} more")) is None


def test_a_reply_is_found_behind_the_names_that_x_puts_before_it(channel, server):
    first = send(channel, message("One"))
    second = send(channel, message("Two", in_reply_to=first))
    server.posts[1]["text"] = "@project @other_1 Two"
    assert find(channel, message("Two", in_reply_to=first)) == second
    assert find(channel, message("Two")) is None


def test_only_what_came_since_is_looked_at(channel, clock):
    send(channel, message())
    assert find(channel, message(), since=NOW + timedelta(minutes=4)) is not None  # clocks differ
    assert find(channel, message(), since=NOW + timedelta(minutes=6)) is None


def test_the_same_words_with_another_address_are_for_a_person(channel):
    receipt = send(channel, message("See https://example.eu/a"))
    with pytest.raises(InDoubtError, match=f"{receipt.id} has the same words and other addresses"):
        find(channel, message("See https://example.eu/b"))


def test_more_posts_than_one_answer_shows(channel, server):
    first = send(channel, message())
    for number in range(99):
        server.posts.append({"id": f"{number}", "text": f"Post {number}", "created_at": NOW, "reply_to": ""})
    assert find(channel, message()) == first
    assert find(channel, message("Other")) is None
    server.posts.append({"id": "99", "text": "Post 99", "created_at": NOW, "reply_to": ""})
    with pytest.raises(InDoubtError, match="more than 100 posts since"):
        find(channel, message())


@pytest.mark.parametrize(
    "posts",
    [
        [{"id": "1", "text": None}, {"id": 2, "text": "One"}, "post", {"id": "x", "text": "One"}],
        [
            {
                "id": "1",
                "text": "https://t.co/1",
                "entities": {"urls": [None, {"url": 1}, {"url": "https://t.co/1"}]},
            }
        ],
        [{"id": "1", "text": "a." * 50_000, "entities": 7}],
    ],
)
def test_posts_that_cannot_be_read_are_passed_over(posts, channel, server):
    server.program(TIMELINE, Fault(body=json.dumps({"data": posts, "meta": {}}).encode()))
    assert find(channel, message("One")) is None


def test_every_secret_is_asked_for_at_every_call(make_channel, server):
    secrets = {}
    channel = make_channel(secrets)
    for name, value in X_SECRETS.items():
        with pytest.raises(NeedsLoginError, match=rf"^x: (.*, )?{name}(, .*)? not known; `disseminate login x`"):
            send(channel, message())
        secrets[name] = value
    assert server.requests == []
    assert send(channel, message())
    secrets["X_ACCESS_SECRET"] = "changed"
    with pytest.raises(NeedsLoginError, match="401"):
        send(channel, message("Other"))
    assert len(server.posts) == 1


def test_no_secret_is_logged_or_told(channel, server, caplog):
    caplog.set_level(logging.DEBUG)
    server.program(POST, refusal(401, "Unauthorized"))
    with pytest.raises(NeedsLoginError) as caught:
        send(channel, message())
    send(channel, message())
    told = f"{caplog.text} {caught.value!r} {vars(channel)!r}"
    for name in ("X_API_SECRET", "X_ACCESS_SECRET"):
        assert X_SECRETS[name] not in told


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"api_bse": "https://x.eu"}, r"channels\.x\.api_bse: unknown key; did you mean api_base\?"),
        ({"api_base": "http://example.eu"}, r"api_base: .*must begin with https"),
        ({"api_base": "https://user:word@example.eu"}, r"api_base: .*scheme and host alone"),
        ({"api_base": "ftp://localhost"}, r"api_base"),
        ({"read_timeout": 0}, r"read_timeout"),
        ({"token": "sesame"}, r"token: unknown key"),
    ],
)
def test_settings_are_checked_when_it_is_made(settings, problem, tmp_path):
    with pytest.raises(SettingsError, match=problem) as caught:
        x.make(sample_options(tmp_path, name="x", settings=settings))
    assert "word" not in str(caught.value)
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize("base", ["https://gateway.example.eu/x", "http://localhost:8000", "http://[::1]:8000/"])
def test_where_requests_may_go(base, tmp_path):
    x.make(sample_options(tmp_path, name="x", settings={"api_base": base}))


def test_the_environments_proxy_is_not_asked_for_this_machine(channel, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert send(channel, message())


def test_the_stand_in_refuses_a_foreign_signature(server, tmp_path):
    strangers = {**X_SECRETS, "X_API_SECRET": "another"}
    channel = x.make(sample_options(tmp_path, strangers.get, settings={"api_base": server.address}))
    with pytest.raises(NeedsLoginError):
        send(channel, message())
    assert server.posts == []


def test_the_stand_in_counts_as_x_does(channel, server):
    with pytest.raises(RejectedError, match="too long"):
        send(channel, message("€" * 141))
    assert send(channel, replace(message("€" * 140)))
