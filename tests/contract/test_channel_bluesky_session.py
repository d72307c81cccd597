"""The channel `bluesky` and its session: made once, kept, refreshed, never lost; logging in; settings."""

import json
import logging
import socket
import threading
from datetime import UTC, datetime, timedelta

import pytest

from dissemination.channels import bluesky
from dissemination.channels.bluesky import session
from dissemination.errors import ChannelError, NeedsLoginError, SettingsError, ToolError, UnavailableError
from dissemination.model import Level
from dissemination.testing import MemoryVault, sample_message, sample_options, sample_post
from dissemination.testing.bluesky import FaultyPds, Pds, pds_missing
from dissemination.testing.loopback import FAULTS, Fault

SECRET = "BLUESKY_APP_PASSWORD"
EXPIRED = Fault(status=400, body=b'{"error":"ExpiredToken","message":"Token has expired"}')


@pytest.fixture
def account(pds):
    return pds.account()


@pytest.fixture
def way(pds):
    with FaultyPds(pds) as way:
        yield way


@pytest.fixture
def vault(account, way):
    """With a session."""
    vault = MemoryVault()
    tokens = {"access": account.access, "refresh": account.refresh}
    made_for = {"identifier": account.handle, "service": way.address}
    vault.write(
        "session", {"did": account.did, "handle": account.handle, "host": way.address, **tokens, **made_for}
    )
    return vault


@pytest.fixture
def empty():
    return MemoryVault()


@pytest.fixture
def making(tmp_path, way, account, vault):
    made = []

    def make(secrets=None, vault=vault, **settings):
        section = {"service": way.address, "handle": account.handle, "read_timeout": 5, **settings}
        known = {SECRET: account.password} if secrets is None else secrets
        made.append(
            bluesky.make(sample_options(tmp_path, known.get, name="bluesky", settings=section, vault=vault))
        )
        return made[-1]

    yield make
    for channel in made:
        channel.close()


@pytest.fixture
def channel(making):
    return making()


@pytest.fixture
def known(making, empty):
    """A channel with an empty vault."""
    return making(vault=empty)


@pytest.fixture
def posts(pds, account):
    return lambda: pds.posts(account)


def send(channel, key="a"):
    post = sample_post(network="bluesky", text="Partners meet")
    return channel.send(sample_message(post, key=key, at=datetime(2026, 11, 16, 9, 0, tzinfo=UTC)), key=key)


def kept(vault):
    return vault.read("session") or {}


def test_a_session_is_made_once_and_shared(known, making, empty, way, account):
    send(known, "a")
    send(making(vault=empty, secrets={}), "b")
    assert way.count("createSession") == 1
    assert (kept(empty)["did"], kept(empty)["handle"]) == (account.did, account.handle)


@pytest.mark.parametrize(("status", "error"), [(400, "ExpiredToken"), (400, "InvalidToken"), (401, "AuthMissing")])
@pytest.mark.parametrize("step", ["getRecord", "putRecord"])
def test_an_expired_token_is_refreshed_and_nothing_lost(step, status, error, making, way, posts, vault):  # noqa: PLR0917
    before = kept(vault)
    way.program(step, Fault(status=status, body=json.dumps({"error": error}).encode()))
    send(making())
    after = kept(vault)
    assert (way.count("refreshSession"), way.count("createSession"), len(posts())) == (1, 0, 1)
    assert before["refresh"] != after["refresh"]
    assert way.asked[-1].headers["authorization"] == f"Bearer {after['access']}"
    send(making(secrets={}), "other")
    assert (way.count("refreshSession"), len(posts())) == (1, 2)


def test_new_tokens_are_written_before_they_are_used(channel, vault, way, monkeypatch):
    way.program("getRecord", EXPIRED)
    monkeypatch.setattr(vault, "write", lambda *_: pytest.fail("the disk is full"))
    with pytest.raises(pytest.fail.Exception, match="disk"):
        send(channel)
    assert way.requests == ["getRecord", "refreshSession"]


class Watched:
    """The server, with somebody who looks when a session is refreshed."""

    def __init__(self, pds, look):
        self.pds, self.look = pds, look

    def forward(self, asked):
        if asked.path.endswith("refreshSession"):
            self.look()
        return self.pds.forward(asked)


def test_the_lock_is_held_while_tokens_are_refreshed(channel, vault, way, pds):
    lock = vault._locks["session"]
    held = []
    way.pds = Watched(pds, lambda: held.append(lock.locked()))
    way.program("getRecord", EXPIRED)
    send(channel)
    assert held == [True]
    assert not lock.locked()


def test_two_that_find_it_expired_refresh_it_once(making, way, posts):
    """The second one waits for the lock until the first one has new tokens, and takes them."""
    both = threading.Barrier(2)
    way.program("getRecord", EXPIRED, EXPIRED)
    failed = []

    def sending(channel, key):
        judged = channel._account._renewed

        def renewed(stale):
            both.wait(10)  # both hold the same token
            return judged(stale)

        channel._account._renewed = renewed
        try:
            send(channel, key)
        except ChannelError as error:
            failed.append(error)

    threads = [threading.Thread(target=sending, args=(making(), key)) for key in "ab"]
    for one in threads:
        one.start()
    for one in threads:
        one.join(20)
    assert (failed, len(posts())) == ([], 2)
    assert (way.count("refreshSession"), way.count("createSession")) == (1, 0)


@pytest.mark.parametrize("nothing", ['""', "null", "7"])
def test_an_empty_token_overwrites_nothing(nothing, channel, vault, way, account):
    way.program("getRecord", EXPIRED)
    answer = f'{{"accessJwt":"{account.access}","refreshJwt":{nothing},"did":"{account.did}"}}'
    way.program("refreshSession", Fault(body=answer.encode()))
    send(channel)
    assert kept(vault)["refresh"] == account.refresh


@pytest.mark.parametrize("name", FAULTS)
def test_what_goes_wrong_while_refreshing(name, making, vault, way, posts):
    channel = making(read_timeout=0.8)
    way.program("getRecord", EXPIRED)
    way.program("refreshSession", FAULTS[name])
    before = kept(vault)["refresh"]
    if name != "401":
        with pytest.raises(UnavailableError, match=r"^bluesky: "):
            send(channel)
        assert kept(vault)["refresh"] == before
        way.program("getRecord", EXPIRED)
    send(channel)
    assert len(posts()) == 1
    assert way.count("createSession") == (name == "401")
    assert kept(vault)["refresh"] != before


def test_a_session_that_was_ended_is_made_anew(channel, way, pds, account, posts):
    pds.ask("com.atproto.server.deleteSession", {}, token=account.refresh)
    way.program("getRecord", EXPIRED)
    send(channel)
    assert (way.count("refreshSession"), way.count("createSession"), len(posts())) == (1, 1, 1)


def test_an_access_that_is_refused_for_good_asks_for_a_login(channel, way, posts):
    refused = Fault(status=401, body=b'{"error":"AuthMissing","message":"no"}')
    way.program("putRecord", refused, refused)
    with pytest.raises(NeedsLoginError, match=r"^bluesky: Bluesky answered 401 \(no\); make a new app password"):
        send(channel)
    assert posts() == []
    send(channel)
    assert len(posts()) == 1


def test_a_wrong_app_password(making, empty, posts, account):
    secrets = {SECRET: "wrong-word"}
    channel = making(secrets, vault=empty)
    with pytest.raises(
        NeedsLoginError, match=r"refuses .*Invalid identifier or password.*disseminate login bluesky"
    ):
        send(channel)
    assert (posts(), empty.kept) == ([], {})
    secrets[SECRET] = account.password
    send(channel)
    assert len(posts()) == 1


def test_no_app_password(making, empty, way):
    with pytest.raises(NeedsLoginError, match=f"^bluesky: {SECRET} not known; `disseminate login bluesky`"):
        send(making({}, vault=empty))
    assert way.requests == []


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"did":"did:plc:a","accessJwt":"a"}', b'{"did":7}'])
def test_a_session_that_is_none(body, known, way, empty):
    way.program("createSession", Fault(body=body))
    with pytest.raises(UnavailableError, match="without a session"):
        send(known)
    assert empty.kept == {}


@pytest.mark.parametrize("step", ["createSession", "refreshSession"])
@pytest.mark.parametrize("status", [404, 418, 429, 503])
def test_a_refusal_of_a_session_never_leaves_a_post_in_doubt(step, status, making, way, empty, vault, posts):  # noqa: PLR0917
    channel = making(vault=empty if step == "createSession" else vault)
    way.program("getRecord", EXPIRED)
    way.program(step, Fault(status=status, body=b"<html>no</html>"))
    with pytest.raises((UnavailableError, NeedsLoginError)):
        send(channel)
    assert posts() == []


def test_an_account_that_is_not_active(known, way, empty):
    facts = {"did": "did:plc:a", "accessJwt": "a", "refreshJwt": "r", "active": False, "status": "deactivated"}
    way.program("createSession", Fault(body=json.dumps(facts).encode()))
    with pytest.raises(NeedsLoginError, match="the account is deactivated"):
        send(known)
    assert empty.kept == {}


@pytest.mark.parametrize(
    "spoilt", [{"identifier": "b.test"}, {"service": "https://x.eu"}, {"access": ""}, {"did": 7}]
)
def test_a_kept_session_of_other_settings_is_not_used(spoilt, channel, vault, way, account):
    vault.write("session", {**kept(vault), **spoilt})
    send(channel)
    assert way.count("createSession") == 1
    assert kept(vault)["identifier"] == account.handle


DOCUMENT = {"service": [7, {"id": "#atproto_pds", "serviceEndpoint": "https://morel.host.example"}]}


@pytest.mark.parametrize(
    ("service", "document", "host"),
    [
        ("https://bsky.social", DOCUMENT, "https://morel.host.example"),
        (
            "https://bsky.social",
            {"service": [{"id": "did:plc:a#atproto_pds", "serviceEndpoint": "http://a.eu"}]},
            "",
        ),
        ("https://bsky.social", {"service": [{"id": "#atproto_pds", "serviceEndpoint": "https://u:p@a.eu"}]}, ""),
        ("https://bsky.social", {"service": None}, ""),
        ("https://bsky.social", {"service": 7}, ""),
        ("https://bsky.social", None, ""),
        ("http://127.0.0.1:1", DOCUMENT, ""),
    ],
)
def test_posts_go_to_the_accounts_own_server(service, document, host):
    assert session._host({"didDoc": document}, service) == host


# Logging in


def test_a_login_is_proved_and_kept(making, empty, way, account, posts):
    channel = making({}, vault=empty)
    [prompt] = channel.prompts({})
    assert (prompt.name, prompt.secret, prompt.url) == (SECRET, True, "https://bsky.app/settings/app-passwords")
    given = {SECRET: account.password}
    assert channel.prompts(given) == []
    [seen] = channel.login(given)
    assert (seen.level, account.handle in seen.said) == (None, True)
    assert empty.kept["login"] == given
    send(channel)
    assert (way.count("createSession"), len(posts())) == (1, 1)


def test_the_accounts_own_password_is_warned_of(making, empty, account):
    seen = making({}, vault=empty).login({SECRET: account.own_password})
    assert [(one.what, one.level) for one in seen] == [("account", None), ("password", Level.WARNING)]


def test_a_login_that_fails_keeps_nothing(making, empty, way):
    channel = making({}, vault=empty)
    with pytest.raises(NeedsLoginError, match="is missing; make an app password"):
        channel.login({})
    with pytest.raises(NeedsLoginError, match="refuses"):
        channel.login({SECRET: "wrong"})
    way.program("createSession", FAULTS["500 before"])
    with pytest.raises(UnavailableError):
        channel.login({SECRET: "any"})
    assert empty.kept == {}


def test_a_password_from_the_environment_is_not_asked_for_nor_kept(making, empty):
    channel = making(vault=empty)
    assert channel.prompts({}) == []
    channel.login({})
    assert list(empty.kept) == ["session"]


def test_when_a_login_ends(making, vault, empty):
    assert making().expires() is None
    assert making({}, vault=empty).expires() is None
    ends = making({}).expires()
    assert timedelta(days=85) < ends - datetime.now(UTC) < timedelta(days=95)
    vault.write("session", {**kept(vault), "refresh": "no.token"})
    assert making({}).expires() is None


def test_a_probe_says_whose_account_it_is(channel, account, way):
    assert channel.probe() == f"posts as @{account.handle} on 127.0.0.1"
    way.program("getSession", FAULTS["garbage"])
    with pytest.raises(UnavailableError):
        channel.probe()


# Settings


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({}, r"channels\.bluesky\.handle: is missing; add it"),
        ({"handle": "project"}, r"handle: .*whole name, such as project\.bsky\.social"),
        ({"handle": "a b.eu"}, "handle: .*whole name"),
        ({"handle": "a.eu", "handel": "a.eu"}, r"handel: unknown key; did you mean handle\?"),
        ({"handle": "a.eu", "attach": "link"}, "attach: must be"),
        ({"handle": "a.eu", "service": "http://example.eu"}, "service: .*must begin with https"),
        ({"handle": "a.eu", "service": "https://u:sesame@example.eu"}, "service: .*scheme and host alone"),
        ({"handle": "a.eu", "read_timeout": 0}, "read_timeout"),
        ({"handle": "a.eu", "password": "sesame"}, "password: unknown key"),
    ],
)
def test_settings_are_checked_when_it_is_made(settings, problem, tmp_path):
    with pytest.raises(SettingsError, match=problem) as caught:
        bluesky.make(sample_options(tmp_path, name="bluesky", settings=settings))
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize("handle", ["@Project.bsky.social", "did:plc:kptuh3535w3gcxvqsntlcoqb", "xn--a-0ga.eu"])
def test_how_an_account_may_be_named(handle, tmp_path):
    bluesky.make(sample_options(tmp_path, name="bluesky", settings={"handle": handle})).close()


def test_an_account_may_be_named_by_its_did(making, account, empty, posts):
    send(making(handle=account.did, vault=empty))
    assert len(posts()) == 1


def test_no_secret_is_logged_or_told(making, empty, account, way, caplog):
    caplog.set_level(logging.DEBUG)
    channel = making(vault=empty)
    way.program("getRecord", EXPIRED)
    send(channel)
    way.program("getRecord", *[Fault(status=401, body=b'{"error":"x"}')] * 2)
    with pytest.raises(NeedsLoginError) as caught:
        send(channel)
    told = f"{caplog.text} {caught.value!r} {vars(channel)!r} {channel._account.session()!r} {account!r}"
    for secret in (account.password, kept(empty)["access"], kept(empty)["refresh"], account.own_password):
        assert secret not in told


# The server itself


def test_the_server_is_on_this_machine_alone_and_leaves_nothing(tmp_path, monkeypatch, pds):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with Pds() as own:
        [folder] = tmp_path.glob("pds-*")
        with socket.socket() as other, pytest.raises(ConnectionRefusedError):
            other.connect(("127.0.0.2", int(own.address.rpartition(":")[2])))
    assert not folder.exists()


def test_a_folder_without_a_server(tmp_path, pds):
    with (
        pytest.raises(ToolError, match=r"no Bluesky server .*Cannot find module.*; install it anew"),
        Pds(tmp_path),
    ):
        pass


def test_what_lacks_is_said_in_a_line(tmp_path, monkeypatch):
    monkeypatch.setenv("DISSEMINATION_PDS", str(tmp_path))
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/node")
    assert pds_missing() == "no Bluesky server: .ci/install-pds FOLDER, then DISSEMINATION_PDS=FOLDER"
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert pds_missing() == "no Bluesky server: node is not installed"
