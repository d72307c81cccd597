"""The channel `webhook` against a receiver that checks signatures and knows what it has already."""

import base64
import json
import logging
import socket
import threading
import traceback
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dissemination.channels import webhook
from dissemination.errors import (
    ChannelError,
    InDoubtError,
    NeedsLoginError,
    RejectedError,
    SettingsError,
    UnavailableError,
)
from dissemination.model import Mention, PostPicture, Receipt, Repeat
from dissemination.ports import Finds, Probes, SendsThreads
from dissemination.testing import FixedClock, sample_message, sample_options, sample_picture, sample_post
from dissemination.testing.contract import ChannelContract
from dissemination.testing.loopback import FAULTS, Fault
from dissemination.testing.webhook import WEBHOOK_SECRETS, FakeReceiver

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
PICTURE = sample_picture()
PATH = "part-that-nobody-may-see"


@pytest.fixture
def clock():
    return FixedClock(NOW)


@pytest.fixture
def server(clock):
    with FakeReceiver(clock.now) as server:
        yield server
    assert server.problems == []


@pytest.fixture
def make_channel(tmp_path, server, clock):
    made = []

    def make(secrets=WEBHOOK_SECRETS, name="webhook", **settings):
        section = {"url": server.url, "allow_private": True, "read_timeout": 5, **settings}
        options = sample_options(tmp_path, secrets.get, name=name, settings=section, clock=clock)
        made.append(webhook.make(options))
        return made[-1]

    yield make
    for channel in made:
        channel.close()


@pytest.fixture
def channel(make_channel):
    return make_channel()


def message(text="Partners meet https://news.example.eu/en/", number=1, **changes):
    post = sample_post(**{"network": "webhook", "text": text, **changes.pop("post", {})})
    key = "third-meeting:webhook:1" if number == 1 else f"third-meeting:webhook:1/{number}"
    return sample_message(post, key=key, **{"at": NOW, **changes})


def send(channel, one):
    return channel.send(one, key=one.key)


def data(server):
    return [one["data"] for one in server.taken.values()]


class TestContract(ChannelContract):
    @pytest.fixture
    def making(self):
        return webhook.make

    @pytest.fixture
    def settings(self, server):
        return {"url": server.url, "allow_private": True}

    @pytest.fixture
    def secrets(self):
        return WEBHOOK_SECRETS


# What is sent


def test_everything_about_a_post(channel, server, tmp_path):
    post = {
        "title": "Partners meet",
        "summary": "In short",
        "link": "https://news.example.eu/en/",
        "warning": "Loud",
        "mentions": (Mention(text="@oirbi", target="oirbi.example"),),
        "pictures": (PostPicture(digest=PICTURE.digest, alt="A picture"),),
    }
    receipt = send(channel, message("Ľudia & <b> 👩🏽‍🚒", post=post, pictures={PICTURE.digest: PICTURE}))
    [(id_, told)] = server.taken.items()
    assert receipt == Receipt(id=id_, url="")
    assert told == {
        "type": "dissemination.post",
        "timestamp": "2026-11-16T09:00:00+00:00",
        "data": {
            "id": "third-meeting:webhook:1",
            "network": "webhook",
            "lang": "en",
            "title": "Partners meet",
            "summary": "In short",
            "link": "https://news.example.eu/en/",
            "warning": "Loud",
            "text": "Ľudia & <b> 👩🏽‍🚒",
            "thread": [],
            "in_reply_to": None,
            "pictures": [
                {
                    "url": f"https://news.example.eu/media/{PICTURE.name}",
                    "alt": "A picture",
                    "sha256": PICTURE.digest,
                    "media_type": "image/png",
                    "bytes": len(PICTURE.body),
                    "width": 64,
                    "height": 36,
                }
            ],
            "mentions": [{"text": "@oirbi", "target": "oirbi.example"}],
        },
    }
    assert (tmp_path / "feeds" / "media" / PICTURE.name).read_bytes() == PICTURE.body


def test_a_thread_goes_in_one_request(channel, server):
    receipts = channel.send_thread([message("One"), message("Two", 2), message("Three", 3)])
    [(id_, told)] = server.taken.items()
    assert [one.id for one in receipts] == [id_, f"{id_}/2", f"{id_}/3"]
    assert told["data"]["text"] == "One"
    assert told["data"]["thread"] == [
        {"id": "third-meeting:webhook:1/2", "text": "Two"},
        {"id": "third-meeting:webhook:1/3", "text": "Three"},
    ]
    assert server.requests == ["POST"]


def test_a_repeat_is_known_by_its_id_and_is_the_very_same(channel, make_channel, server, clock):
    first = send(channel, message())
    clock.advance(timedelta(days=1))
    assert send(make_channel(), message()) == first
    assert (len(server.taken), server.repeats, server.problems) == (1, 1, [])
    assert send(channel, replace(message(), key="third-meeting:webhook:2")) != first


def test_the_key_alone_makes_the_id(channel, server):
    assert send(channel, message("One")) == send(channel, message("Uno"))
    assert server.problems == [f"{next(iter(server.taken))} came with another body"]
    server.problems.clear()


def test_its_powers(channel):
    assert (channel.limits.repeat, channel.limits.max_length, channel.limits.threads) == (Repeat.SAFE, 0, True)
    assert isinstance(channel, Probes)
    assert isinstance(channel, SendsThreads)
    assert not isinstance(channel, Finds)


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ({"url": "https://site.example/7"}, "https://site.example/7"),
        ({"url": "javascript:alert(1)"}, ""),
        ({"url": "https://site.example/\x1b[2J"}, ""),
        ({"url": 7}, ""),
        ({"id": "7"}, ""),
    ],
)
def test_the_receiver_may_tell_the_posts_address(told, kept, channel, server):
    server.tells = told
    assert send(channel, message()).url == kept


def test_a_part_that_answers_names_what_it_answers(channel, server):
    send(channel, message(in_reply_to=Receipt(id="msg_1")))
    assert data(server)[0]["in_reply_to"] == "msg_1"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"text": "half \ud83d"}, "surrogate"),
        ({"thread": ("Two",)}, "send them as messages"),
        ({"pictures": (PostPicture(digest="0" * 64, alt=""),)}, "not there"),
        ({"pictures": (PostPicture(digest=PICTURE.digest, alt=""),) * 21}, "21 pictures of 20"),
    ],
)
def test_what_cannot_be_sent(change, problem, channel, server):
    with pytest.raises(RejectedError, match=rf"^webhook: .*{problem}"):
        send(channel, message(post=change))
    assert server.requests == []


def test_pictures_that_cannot_be_written(channel, server, tmp_path):
    (tmp_path / "feeds").write_text("in the way")
    post = {"pictures": (PostPicture(digest=PICTURE.digest, alt="A picture"),)}
    with pytest.raises(UnavailableError, match=r"cannot write pictures .*make that possible"):
        send(channel, message(post=post, pictures={PICTURE.digest: PICTURE}))
    assert server.requests == []


# Secrets


@pytest.mark.parametrize(
    ("name", "secrets"),
    [
        ("webhook", WEBHOOK_SECRETS),
        ("intranet", WEBHOOK_SECRETS),
        ("our-site", {"OUR_SITE_SECRET": WEBHOOK_SECRETS["WEBHOOK_SECRET"], "WEBHOOK_SECRET": "another"}),
        (
            "webhook",
            {"WEBHOOK_SECRET": f"whsec_{base64.b64encode(b'n' * 32).decode()} {WEBHOOK_SECRETS['WEBHOOK_SECRET']}"},
        ),
    ],
    ids=["its namesake", "the shared one", "its own before the shared one", "a new one before the old one"],
)
def test_which_secret_signs(name, secrets, make_channel, server):
    send(make_channel(secrets, name), message())
    assert len(server.taken) == 1


def test_words_as_a_secret(make_channel, server):
    words = "plain words, thirty-two letters.."
    server.secret = base64.b64encode(words.encode()).decode()
    send(make_channel({"WEBHOOK_SECRET": words}), message())
    assert len(server.taken) == 1


@pytest.mark.parametrize(
    ("secrets", "problem"),
    [
        ({}, "WEBHOOK_SECRET not known"),
        ({"WEBHOOK_SECRET": "whsec_*hunter2*"}, "WEBHOOK_SECRET is not base64"),
        ({"INTRANET_SECRET": "whsec_*hunter2*"}, "INTRANET_SECRET is not base64"),
        ({"WEBHOOK_SECRET": "hunter2"}, r"401 \(the signature is not right\).*same secret on both sides"),
    ],
)
def test_a_secret_that_does_not_do(secrets, problem, make_channel, server):
    with pytest.raises(NeedsLoginError, match=rf"^intranet: .*{problem}") as caught:
        send(make_channel(secrets, "intranet"), message())
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))
    assert server.taken == {}


@pytest.mark.parametrize("minutes", [-6, 6])
def test_the_receiver_refuses_what_was_recorded(minutes, tmp_path, server):
    clock = FixedClock(NOW + timedelta(minutes=minutes))
    section = {"url": server.url, "allow_private": True}
    channel = webhook.make(sample_options(tmp_path, WEBHOOK_SECRETS.get, settings=section, clock=clock))
    with pytest.raises(NeedsLoginError):
        send(channel, message())
    channel.close()


# What goes wrong

WRONG = {
    **{name: (fault, InDoubtError) for name, fault in FAULTS.items() if fault.status not in {200, 401, 429}},
    "401": (FAULTS["401"], NeedsLoginError),
    "403": (Fault(status=403, body=b"{}"), NeedsLoginError),
    "404": (Fault(status=404, body=b"<html>"), NeedsLoginError),
    "405": (Fault(status=405, body=b""), NeedsLoginError),
    "410": (Fault(status=410, body=b""), NeedsLoginError),
    **{
        f"{status}": (Fault(status=status, body=b"", headers={"Location": "https://127.0.0.1:9/"}), NeedsLoginError)
        for status in (301, 302, 303, 307, 308)
    },
    "304": (Fault(status=304, body=b""), InDoubtError),
    "400": (Fault(status=400, body=b"{}"), RejectedError),
    "413": (Fault(status=413, body=b"{}"), RejectedError),
    "422": (Fault(status=422, body=b"{}"), RejectedError),
    "409": (Fault(status=409, body=b"{}"), InDoubtError),
    "429": (FAULTS["429"], UnavailableError),
    "503": (Fault(status=503, body=b""), UnavailableError),
    "504 after": (Fault(stored=True, status=504, body=b"<html>"), InDoubtError),
    "an answer without end": (Fault(stored=True, status=200, body=b" " * 5_000_000), InDoubtError),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_goes_wrong_is_settled_by_sending_again(name, make_channel, server):
    fault, kind = WRONG[name]
    channel = make_channel(read_timeout=0.6)
    if fault.drips:  # an answer of nothing cannot drip
        server.tells = {"url": "https://site.example/7"}
    server.program("POST", fault)
    with pytest.raises(ChannelError, match=r"^webhook: .+; .+") as caught:
        send(channel, message())
    assert type(caught.value) is kind
    assert PATH not in "".join(traceback.format_exception(caught.value))
    assert (server.requests, len(server.taken)) == (["POST"], int(fault.stored))
    server.tells = {}
    send(channel, message())
    assert (len(server.taken), server.repeats, len(data(server))) == (1, int(fault.stored), 1)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
@pytest.mark.parametrize("body", [b"", b"<html>\xff", b"[1]", b'{"url": null}', b"[" * 100_000])
def test_2xx_is_the_receivers_word_whatever_it_says_besides(status, body, channel, server):
    server.program("POST", Fault(stored=True, status=status, body=b"" if status == 204 else body))
    assert send(channel, message()).url == ""


def test_a_receiver_that_is_gone_for_good(channel, server):
    server.gone = True
    for act in (lambda: send(channel, message()), channel.probe):
        with pytest.raises(NeedsLoginError, match=r"410.*gone for good: write its new address and resume"):
            act()


def test_a_receiver_that_is_not_there(channel, server):
    with server.closed(), pytest.raises(UnavailableError, match=r"cannot reach the receiver"):
        send(channel, message())
    assert send(channel, message())
    assert len(server.taken) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_when_it_takes_posts_again(status, channel, server):
    server.program("POST", Fault(status=status, body=b"", headers={"Retry_After": "120"}))
    with pytest.raises(UnavailableError) as caught:
        send(channel, message())
    assert caught.value.retry_at == NOW + timedelta(seconds=120)


def test_redirects_are_not_followed(channel, server, clock):
    with FakeReceiver(clock.now) as other:
        server.program("POST", Fault(status=307, headers={"Location": other.url}))
        with pytest.raises(NeedsLoginError, match="points elsewhere"):
            send(channel, message())
        assert other.requests == []


def test_the_probe_posts_nothing(channel, server):
    assert channel.probe() == "127.0.0.1 answers (405 to HEAD); nothing was posted"
    assert (server.requests, server.taken) == (["HEAD"], {})
    server.program("HEAD", Fault(status=500, body=b""))
    with pytest.raises(UnavailableError):
        channel.probe()


def test_the_address_is_nowhere(channel, server, caplog):
    caplog.set_level(logging.DEBUG)
    send(channel, message())
    server.program("POST", FAULTS["reset after"])
    with pytest.raises(InDoubtError) as caught:
        send(channel, message())
    told = "".join(traceback.format_exception(caught.value)) + str(caught.value.__cause__._request.url)
    assert "HTTP Request: POST" in caplog.text
    for secret in (PATH, *WEBHOOK_SECRETS.values()):
        assert secret not in caplog.text + told


# Machines inside


@pytest.fixture
def names(monkeypatch):
    """What names lead to, one answer a look-up; the real look-up answers for numbers alone."""
    real = socket.getaddrinfo
    table = {}

    def look_up(host, port, *args, **kwargs):
        if host not in table:
            return real(host, port, *args, flags=socket.AI_NUMERICHOST, **kwargs)
        answers = table[host]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return [entry for one in answer for entry in real(one, port, *args, **kwargs)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return table


@pytest.fixture
def connections(monkeypatch):
    """Where connections go: none of them stands."""
    tried = []

    def refuse(address, *args, **kwargs):
        tried.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", refuse)
    return tried


INSIDE = [
    *("127.0.0.1", "10.0.0.1", "172.16.5.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200"),
    *("0.0.0.0", "192.0.0.192", "168.63.129.16", "224.0.0.1", "255.255.255.255", "198.18.0.1"),
    *("::1", "::", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "fe80::1", "fd00:ec2::254", "fec0::1"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:0:7f00:1::", "ff02::1"),
]


@pytest.mark.parametrize("address", INSIDE)
def test_a_name_that_leads_inside(address, make_channel, names, connections):
    names["hook.example.eu"] = [[address]]
    channel = make_channel(url="https://hook.example.eu/in", allow_private=False)
    for act in (lambda: send(channel, message()), channel.probe):
        with pytest.raises(
            NeedsLoginError, match=r"^webhook: hook\.example\.eu leads .*allow_private: true and resume"
        ):
            act()
    assert connections == []


def test_one_address_inside_among_others_is_an_attack(make_channel, names, connections):
    names["hook.example.eu"] = [["93.184.216.34", "10.0.0.1"]]
    with pytest.raises(NeedsLoginError):
        send(make_channel(url="https://hook.example.eu/in", allow_private=False), message())
    assert connections == []


def test_the_address_that_was_checked_is_the_one_that_is_called(make_channel, names, connections):
    names["hook.example.eu"] = [["93.184.216.34"], ["127.0.0.1"]]
    channel = make_channel(url="https://hook.example.eu/in", allow_private=False)
    with pytest.raises(UnavailableError):
        send(channel, message())
    assert connections == [("93.184.216.34", 443)]
    with pytest.raises(NeedsLoginError):  # looked up and checked anew each time
        send(channel, message())
    assert len(connections) == 1


def test_all_addresses_are_tried_in_their_order(make_channel, names, connections):
    names["hook.example.eu"] = [["2606:2800:220:1:248:1893:25c8:1946", "93.184.216.34"]]
    with pytest.raises(UnavailableError, match="cannot reach"):
        send(make_channel(url="https://hook.example.eu/in", allow_private=False), message())
    assert [one[0] for one in connections] == ["2606:2800:220:1:248:1893:25c8:1946", "93.184.216.34"]


def test_the_first_address_that_answers_takes_it(make_channel, server, names):
    port = server.url.split(":")[2].split("/")[0]
    names["hook.example.eu"] = [["127.9.9.9", "127.0.0.1"]]  # nobody listens at the first
    send(make_channel(url=f"http://hook.example.eu:{port}{server.PATH}"), message())
    assert len(server.taken) == 1


@pytest.mark.parametrize(
    "failure", [socket.gaierror("no such name"), UnicodeError("label too long"), OSError("dns")]
)
def test_a_name_that_leads_nowhere(failure, make_channel, monkeypatch):
    def look_up(*_, **__):
        raise failure

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(UnavailableError, match="cannot reach"):
        send(make_channel(url="https://hook.example.eu/in", allow_private=False), message())


def test_no_proxy_is_asked(channel, server, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    send(channel, message())
    assert len(server.taken) == 1


# Encryption: the name is checked although a number is called


@pytest.fixture
def encrypted(server_tls):
    """An https receiver with a certificate for localhost: its port, and what it got."""
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append((self.headers["Host"], self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args):
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_):
            pass

    with Server(("127.0.0.1", 0), Handler) as running:
        running.socket = server_tls.wrap_socket(running.socket, server_side=True)
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running.server_port, got
        running.shutdown()
        thread.join()


def test_a_number_is_called_and_the_name_is_proved(make_channel, encrypted, certificate, monkeypatch):
    port, got = encrypted
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    send(make_channel(url=f"https://localhost:{port}/in"), message())
    [(host, body)] = got
    assert host == f"localhost:{port}"
    assert json.loads(body)["type"] == "dissemination.post"


@pytest.mark.parametrize("trusted", [True, False])
def test_who_proves_another_name_or_none_gets_nothing(  # noqa: PLR0917 - what a name leads to, and who proves it
    trusted, make_channel, encrypted, certificate, monkeypatch, names
):
    port, got = encrypted
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    names["hook.example.eu"] = [["127.0.0.1"]]
    names["localhost"] = [["127.0.0.1"]]
    host = "hook.example.eu" if trusted else "localhost"
    with pytest.raises(UnavailableError, match="certificate is of another name, or nobody vouches for it"):
        send(make_channel(url=f"https://{host}:{port}/in"), message())
    assert got == []


# Settings


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({}, r"channels\.webhook\.url: is missing"),
        ({"url": "hook.example.eu"}, "whole web address"),
        ({"url": "ftp://hook.example.eu/", "allow_private": True}, "whole web address"),
        ({"url": "https://user:hunter2@hook.example.eu/"}, "without user"),
        ({"url": "http://hook.example.eu/"}, "must begin with https"),
        *(({"url": f"https://{host}/"}, "no machine inside") for host in ("localhost", "10.0.0.1", "[::1]")),
        ({"url": "https://[::ffff:169.254.169.254]/"}, "no machine inside"),
        ({"url": "https://hook.example.eu/", "allow_privat": True}, r"did you mean allow_private\?"),
        ({"url": "https://hook.example.eu/", "read_timeout": 0}, "read_timeout"),
    ],
)
def test_settings_are_checked_when_it_is_made(settings, problem, tmp_path):
    with pytest.raises(SettingsError, match=problem) as caught:
        webhook.make(sample_options(tmp_path, name="webhook", settings=settings))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"url": "https://hook.example.eu/in?site=7"},
        {"url": "https://93.184.216.34:8443/"},
        {"url": "http://10.0.0.1/", "allow_private": True},
    ],
)
def test_where_posts_may_go(settings, tmp_path):
    webhook.make(sample_options(tmp_path, name="webhook", settings=settings)).close()
