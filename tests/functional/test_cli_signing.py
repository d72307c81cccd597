"""A key is made, its record comes into DNS, doctor sees it, and mail that goes out verifies."""

from __future__ import annotations

import re
import stat
from datetime import UTC, datetime, timedelta

import dkim as dkimpy
import pytest
import yaml

from dissemination.channels.email import make
from dissemination.errors import NeedsLoginError
from dissemination.ports import Examines
from dissemination.testing import FixedClock, sample_mail, sample_message, sample_options


@pytest.fixture
def shell(tmp_path, shells):
    """A small project whose mail comes from a domain that DNS might know."""
    shells.write_project(tmp_path)
    made = shells.Shell(tmp_path)
    change(made, sender="news@project.eu")
    return made


def change(shell, **email):
    path = shell.root / "settings.yaml"
    settings = yaml.safe_load(path.read_text("utf-8"))
    settings["channels"]["email"] |= email
    path.write_text(yaml.safe_dump(settings, allow_unicode=True, sort_keys=False), "utf-8")


# ---------------------------------------------------------------------------------------------- dkim-key


def test_a_key_is_made_for_the_senders_domain(shell):
    facts = shell.json("dkim-key")
    path = shell.root / "var" / "dkim-news.pem"
    assert facts["file"] == str(path)
    assert (facts["algorithm"], facts["bits"], facts["type"]) == ("rsa-sha256", 2048, "TXT")
    assert facts["name"] == "news._domainkey.project.eu"
    assert facts["value"].startswith("v=DKIM1; k=rsa; p=MII")
    assert "".join(facts["strings"]) == facts["value"]
    assert len(facts["strings"][0]) == 255
    assert all(len(string) <= 255 for string in facts["strings"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().startswith("-----BEGIN PRIVATE KEY-----")


def test_what_is_printed_can_be_copied(shell):
    facts = shell.json("dkim-key", "--selector", "other")
    (shell.root / "var" / "dkim-other.pem").unlink()
    shown = shell("dkim-key", "--selector", "other", "--domain", "mail.project.eu").stdout
    lines = shown.splitlines()
    assert "other._domainkey.mail.project.eu" in lines
    [value] = [line for line in lines if line.startswith("v=DKIM1")]
    assert len(value) == len(facts["value"])
    zone = shown[shown.index("other._domainkey.mail.project.eu. IN TXT (") :]
    assert "".join(re.findall(r'^  "(.*)"$', zone, re.MULTILINE)) == value
    long = [line for line in lines if len(line) > 80 and not line.startswith(("v=DKIM1", "/"))]
    assert long == []
    section = shown[shown.index("    dkim:") : shown.index("\n\nThen")]
    wanted = {"selector": "other", "domain": "mail.project.eu", "key_file": "var/dkim-other.pem"}
    assert yaml.safe_load(section) == {"dkim": [wanted]}
    assert "PRIVATE" not in shown


def test_an_ed25519_key_elsewhere(shell, tmp_path_factory):
    out = tmp_path_factory.mktemp("keys") / "deep" / "ed.pem"
    facts = shell.json("dkim-key", "--ed25519", "--out", str(out))
    assert (facts["algorithm"], facts["bits"], facts["strings"]) == ("ed25519-sha256", 256, [facts["value"]])
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_beside_other_keys_only_the_entry_is_shown(shell):
    shell("dkim-key")
    change(shell, dkim=[{"selector": "news", "key_file": "var/dkim-news.pem"}])
    shown = shell("dkim-key", "--selector", "next").stdout
    section = shown[shown.index("      - selector:") : shown.index("\n\nThen")]
    assert yaml.safe_load(section) == [{"selector": "next", "key_file": "var/dkim-next.pem"}]
    assert "dkim:\n" not in shown
    assert "below the keys of dkim" in shown


def test_a_key_is_never_overwritten(shell):
    shell("dkim-key")
    path = shell.root / "var" / "dkim-news.pem"
    before = path.read_bytes()
    assert "is there already" in shell("dkim-key", code=2).stderr
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--selector", "a b"), "no selector"),
        (("--selector", "../x"), "no selector"),
        (("--domain", "x y"), "no domain"),
    ],
)
def test_what_cannot_be_named_so_makes_no_key(shell, words, said):
    assert said in " ".join(shell("dkim-key", *words, code=2).stderr.split())
    assert not list(shell.root.rglob("*.pem"))


def test_without_an_email_channel_the_domain_must_be_given(shell):
    path = shell.root / "settings.yaml"
    settings = yaml.safe_load(path.read_text("utf-8"))
    del settings["channels"]["email"]
    path.write_text(yaml.safe_dump(settings, allow_unicode=True), "utf-8")
    assert "--domain" in shell("dkim-key", code=2).stderr
    assert shell.json("dkim-key", "--domain", "project.eu")["name"] == "news._domainkey.project.eu"


# ---------------------------------------------------------------------------------------------- doctor


def symptoms(shell):
    found = {}
    for symptom in shell.json("doctor", code=1):
        found.setdefault(symptom["what"], []).append((symptom["level"], symptom["said"]))
    return found


def test_doctor_from_nothing_to_all_is_well(shell, dns_server):
    table = {"project.eu": ["v=spf1 mx -all"]}
    server = dns_server(table)
    change(shell, dns_server=server.address)
    found = symptoms(shell)
    assert found["email DKIM"][0][0] == "note"
    assert found["email SPF"][0][0] is None
    assert "_dmarc.project.eu" in found["email DMARC"][0][1]

    facts = shell.json("dkim-key")
    change(shell, dkim=[{"selector": "news", "key_file": "var/dkim-news.pem"}])
    (level, said) = symptoms(shell)["email DKIM news"][0]
    assert (level, facts["value"] in said) == ("error", True)

    server.table |= {facts["name"]: facts["value"], "_dmarc.project.eu": "v=DMARC1; p=none"}
    found = symptoms(shell)
    assert [found[f"email {what}"][0][0] for what in ("SPF", "DKIM news", "DMARC")] == [None, None, None]


def test_doctor_tells_a_domain_that_is_not_there_from_one_without_a_record(shell, dns_server):
    server = dns_server({})
    change(shell, dns_server=server.address)
    [(level, said)] = symptoms(shell)["email SPF"]
    assert (level, said.partition(";")[0]) == ("error", "project.eu is not in DNS")
    assert "correct channels.email.sender" in said
    server.table["project.eu"] = "NODATA"
    [(level, said)] = symptoms(shell)["email SPF"]
    assert (level, said.partition(";")[0]) == ("warning", "project.eu has none")


def test_doctor_goes_on_where_dns_does_not_answer(shell):
    change(shell, dns_server="127.0.0.1:1")
    found = symptoms(shell)
    assert found["email DNS"] == [("note", "DNS does not answer here: SPF, DKIM and DMARC were not looked at")]


def test_doctor_names_a_key_that_is_not_there(shell):
    change(shell, sender="news@test.example", dkim=[{"selector": "news", "key_file": "var/none.pem"}])
    [(level, said)] = symptoms(shell)["email key news"]
    assert level == "error"
    assert "none.pem" in said
    assert "`disseminate dkim-key` makes a key" in said


# ---------------------------------------------------------------------------------------------- sending


#: In the past: whoever verifies looks at the machine's own clock.
NOW = datetime(2025, 11, 26, 8, tzinfo=UTC)


@pytest.fixture
def channel(tmp_path, smtp_server):
    """An email channel that signs with these keys, and its server."""
    opened = []

    def make_one(secrets, *keys):
        server = smtp_server()
        settings = {"sender": "news@project.eu", "host": "127.0.0.1", "port": server.port, "tls": "none"}
        settings |= {"dkim": list(keys)}
        options = sample_options(tmp_path, secrets.get, name="email", settings=settings, clock=FixedClock(NOW))
        opened.append(make(options))
        return opened[-1], server

    yield make_one
    for one in opened:
        one.close()


def verified(message, *facts):
    texts = {f"{one['name']}.".encode(): one["value"].encode() for one in facts}
    return [
        dkimpy.DKIM(message).verify(idx=index, dnsfunc=lambda name, timeout=5: texts.get(name))
        for index in range(message.count(b"DKIM-Signature:"))
    ]


def test_letters_and_notices_go_out_signed_by_every_key(shell, channel):
    rsa, ed25519 = shell.json("dkim-key"), shell.json("dkim-key", "--selector", "ed", "--ed25519")
    keys = (
        {"selector": "news", "key_file": "var/dkim-news.pem"},
        {"selector": "ed", "key_file": "var/dkim-ed.pem"},
    )
    email, server = channel({}, *keys)
    message = sample_message(sample_mail(date=NOW - timedelta(hours=1)), key="weekly:email:1/7")
    email.send(message, key=message.key)
    email.send(message, key=message.key)
    email.send_notice("officer@project.eu", "Something", "Words.\n", key="notice")
    letter, again, notice = [accepted.body for accepted in server.accepted]
    assert letter == again, "a repeat is the same bytes"
    assert f"t={int(message.body.date.timestamp())};".encode() in letter
    for mail in (letter, notice):
        assert verified(mail, rsa, ed25519) == [True, True]


@pytest.mark.parametrize("name", ["DKIM_KEY_A_1", "DKIM_KEY"])
def test_a_key_may_be_a_secret(shell, channel, name):
    facts = shell.json("dkim-key", "--selector", "a-1")
    pem = (shell.root / "var" / "dkim-a-1.pem").read_text().removesuffix("\n")
    email, server = channel({name: pem}, {"selector": "a-1"})
    email.send(sample_message(sample_mail(date=NOW)), key="x")
    assert verified(server.accepted[0].body, facts) == [True]


def test_a_missing_key_touches_nothing_until_mail_is_due_and_then_sends_nothing(channel):
    email, server = channel({}, {"selector": "news"})
    assert isinstance(email, Examines)
    with pytest.raises(NeedsLoginError, match="DKIM_KEY_NEWS"):
        email.send(sample_message(sample_mail(date=NOW)), key="x")
    with pytest.raises(NeedsLoginError):
        email.send_notice("officer@project.eu", "Something", "Words.\n", key="notice")
    assert server.accepted == []


def test_a_key_that_came_later_is_taken(channel, shell):
    shell("dkim-key")
    secrets = {}
    email, server = channel(secrets, {"selector": "news"})
    with pytest.raises(NeedsLoginError):
        email.send(sample_message(sample_mail(date=NOW)), key="x")
    secrets["DKIM_KEY"] = (shell.root / "var" / "dkim-news.pem").read_text()
    email.send(sample_message(sample_mail(date=NOW)), key="x")
    assert len(server.accepted) == 1
