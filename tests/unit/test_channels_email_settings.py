"""The section of settings: what is taken, what is refused, and in which words."""

from pathlib import Path

import pytest

from dissemination.channels.email import EmailSettings, make
from dissemination.channels.sections import read
from dissemination.errors import SettingsError
from dissemination.model import Rate, Repeat
from dissemination.ports import Probes, SendsMany
from dissemination.testing import sample_options


def read_settings(settings):
    return read(sample_options(Path("/project"), name="email", settings=settings), EmailSettings)


LEAST = {"sender": "news@example.eu", "host": "smtp.example.eu"}


def test_the_least_that_is_needed():
    settings = read_settings(LEAST)
    [server] = settings.places(Path("/project"), {}.get)
    assert (server.port, server.tls, server.timeout, server.final_timeout) == (587, "starttls", 60, 600)
    assert server.hostname == "example.eu", "the machine's own name must not leak"
    assert server.ca_file is None
    assert str(settings.who().box) == "news@example.eu"


def test_everything():
    settings = read_settings(
        LEAST
        | {
            "sender_name": "Project",
            "reply_to": "office@example.eu",
            "envelope_sender": "bounces@mail.example.eu",
            "port": 465,
            "tls": "implicit",
            "ca_file": "ca.pem",
            "username": "news",
            "hostname": "mail.example.eu",
            "timeout_seconds": 5,
            "final_timeout_seconds": 30,
            "list_id": "news.example.eu",
            "unsubscribe_mailto": "leave@example.eu",
            "in_doubt": "hold",
            "dkim": [{"selector": "a"}, {"selector": "a", "domain": "mail.example.eu", "key_file": "a.pem"}],
            "dns_server": "[2001:db8::53]:5353",
        },
    )
    [server] = settings.places(Path("/project"), {}.get)
    assert server.ca_file == Path("/project/ca.pem")
    assert (server.hostname, server.username) == ("mail.example.eu", "news")
    assert server.depth == 1, "so few may be in doubt where the officer is asked"
    assert str(settings.who().unsubscribe) == "leave@example.eu"


def test_further_servers_have_their_own_secret_and_share():
    settings = read_settings(
        LEAST
        | {
            "servers": [
                {"host": "second.example.eu", "weight": 3, "username": "b", "password_secret": "SECOND"},
                {"host": "last.example.eu", "weight": 0, "rates": {"per_second": 8, "per_day": 1000}},
            ]
        }
    )
    first, second, last = settings.places(Path("/project"), {"SECOND": "hunter2"}.get)
    assert [str(server) for server in (first, second, last)] == [
        "smtp.example.eu:587",
        "second.example.eu:587",
        "last.example.eu:587",
    ]
    assert (first.weight, second.weight, last.weight) == (1, 3, 0)
    assert (first.password(), second.password()) == (None, "hunter2")
    assert {server.hostname for server in (first, second, last)} == {"example.eu"}
    assert last.rates == (
        # No span of a day takes more than a day's worth, after a rest either.
        ("server/last.example.eu:587/86400", Rate(count=984, seconds=86_400, burst=16)),
        ("server/last.example.eu:587/1", Rate(count=8, seconds=1, burst=2)),
    )
    assert "hunter2" not in repr(second)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"sendr": "x"}, "sendr"),
        ({"sender": "nobody"}, "sender: no mail address"),
        ({"sender": ""}, "sender: must have at least 3 characters"),
        ({"sender": "é@example.eu"}, "letters beyond ASCII"),
        ({"reply_to": "a\r\nBcc: b@c.de"}, "reply_to"),
        ({"host": "evil.test\r\nX: y"}, "host"),
        ({"hostname": "a b"}, "hostname"),
        ({"list_id": "a>\r\nBcc: b"}, "list_id"),
        ({"port": 0}, "port"),
        ({"tls": "maybe"}, "tls"),
        ({"tls": "none"}, "none is for a server on this machine"),
        ({"tls": "none", "host": "10.0.0.1"}, "none is for a server on this machine"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
        ({"password": "hunter2"}, "password"),
        ({"verp": "++"}, "verp"),
        ({"envelope_sender": f"{'b' * 40}@example.eu"}, "leaves no room for a mark"),
        ({"servers": [{"host": "10.0.0.1", "tls": "none"}]}, "none is for a server on this machine"),
        ({"rates": {"per_minute": 3}}, "per_minute"),
        ({"dkim": [{"selector": "a b"}]}, "dkim[0].selector: no selector"),
        ({"dkim": [{"selector": "a", "domain": "x y"}]}, "dkim[0].domain: no domain"),
        ({"dkim": [{"selector": "a", "key": "hunter2"}]}, "dkim[0].key"),
        ({"dkim": [{"selector": "a"}, {"selector": "A"}]}, "named twice"),
        ({"dkim": [{"selector": f"s{n}"} for n in range(5)]}, "dkim"),
        ({"dns_server": "dns.example.eu"}, "dns_server: no address of a name server"),
        ({"dns_server": "192.0.2.999"}, "dns_server"),
    ],
)
def test_what_is_wrong_is_named(wrong, words):
    with pytest.raises(SettingsError, match="channels") as caught:
        read_settings(LEAST | wrong)
    assert words in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_what_receivers_see_of_where_mail_comes_from():
    seen = read_settings(LEAST | {"envelope_sender": "b@mail.example.eu", "host": "Smtp.example.eu"}).sending()
    assert (seen.sender, seen.envelope, seen.host, seen.here) == (
        "example.eu",
        "mail.example.eu",
        "smtp.example.eu",
        False,
    )
    here = read_settings({"sender": "news@straße.example", "host": "127.0.0.1"}).sending()
    assert (here.sender, here.envelope, here.here) == ("xn--strae-oqa.example", "xn--strae-oqa.example", True)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_no_encryption_on_this_machine(host):
    assert read_settings(LEAST | {"host": host, "tls": "none"}).tls == "none"


@pytest.mark.parametrize(("policy", "repeat"), [("resend", Repeat.SAFE), ("hold", Repeat.ASK)])
def test_the_policy_says_whether_a_repeat_is_safe(tmp_path, policy, repeat):
    channel = make(sample_options(tmp_path, name="email", settings=LEAST | {"in_doubt": policy}))
    assert channel.limits.repeat is repeat
    assert isinstance(channel, SendsMany)
    assert isinstance(channel, Probes)
