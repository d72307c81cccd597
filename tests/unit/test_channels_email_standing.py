"""SPF, DKIM and DMARC against a real DNS server on loopback."""

import socket
from functools import partial

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dissemination.channels.email import dmarc, spf
from dissemination.channels.email.dkim import load_key, private_pem
from dissemination.channels.email.dns import Resolver
from dissemination.channels.email.keys import KeyRing, Source
from dissemination.channels.email.names import FailingError, SilentError, is_reserved, split_server
from dissemination.channels.email.standing import Sending, examine
from dissemination.model import Level

RSA_PEM = private_pem(rsa.generate_private_key(65537, 2048)).decode()
OTHER_PEM = private_pem(rsa.generate_private_key(65537, 2048)).decode()
ED25519_PEM = private_pem(Ed25519PrivateKey.generate()).decode()
KEY = load_key(RSA_PEM, "news.eu", "s1")
SENDING = Sending(sender="news.eu", envelope="news.eu", host="smtp.news.eu", here=False)
GOOD = {
    "news.eu": ["v=spf1 a:smtp.news.eu -all", "another-service=1"],
    "s1._domainkey.news.eu": KEY.record(),
    "_dmarc.news.eu": "v=DMARC1; p=reject",
}


def ring(*pems, domain="news.eu"):
    return KeyRing(
        [
            Source(selector=f"s{number}", domain=domain, file=None, secret=lambda name, pem=pem: pem)
            for number, pem in enumerate(pems, 1)
        ]
    )


@pytest.fixture
def seen(dns_server):
    """What is seen with these records changed: {"SPF": [(level, said)], ...}."""

    def look(changes=None, *, sending=SENDING, keys=None, lifetime=5.0):
        table = {name: found for name, found in (GOOD | (changes or {})).items() if found is not None}
        texts = Resolver(dns_server(table).address, lifetime=lifetime).texts
        found = {}
        for symptom in examine(sending, ring(RSA_PEM) if keys is None else keys, texts):
            found.setdefault(symptom.what.removeprefix("email "), []).append((symptom.level, symptom.said))
        return found

    return look


def test_all_is_well(seen):
    assert seen() == {
        "SPF": [(None, "news.eu: v=spf1 a:smtp.news.eu -all (1 of 10 lookups)")],
        "DKIM s1": [(None, "s1._domainkey.news.eu has our public key")],
        "DMARC": [(None, "_dmarc.news.eu asks for reject")],
    }


# ---------------------------------------------------------------------------------------------- SPF


@pytest.mark.parametrize("absent", [None, "NODATA", ["something else"], ["v=spf10 -all"]])
def test_no_spf(seen, absent):
    [(level, said)] = seen({"news.eu": absent})["SPF"]
    assert level is Level.WARNING
    assert said == 'news.eu has none; add a TXT record at news.eu: "v=spf1 a:smtp.news.eu ~all"'


@pytest.mark.parametrize(
    ("records", "level", "words"),
    [
        (["v=spf1 -all", "v=spf1 mx -all"], Level.ERROR, "2 records, so none counts"),
        (["v=spf1 +all"], Level.WARNING, "lets everybody send"),
        (["v=spf1 mx all"], Level.WARNING, "lets everybody send"),
        (["v=spf1 mx"], Level.WARNING, "says nothing of other servers"),
        (["v=spf1 mx ?ALL"], Level.WARNING, "says nothing of other servers"),
        (["v=spf1 include:nowhere.eu -all"], Level.ERROR, "includes nowhere.eu, which has no SPF record"),
        (["v=spf1 " + " ".join(f"a:h{n}.news.eu" for n in range(11)) + " -all"], Level.ERROR, "more than 10"),
        (["v=spf1 include:news.eu -all"], Level.ERROR, "more than 10"),
        ([f"v=spf1 {' '.join(f'ip4:192.0.2.{n}' for n in range(60))} -all"], None, "0 of 10"),
        (["v=spf1 exists:%{i}.spf.news.eu ptr a/24 mx:x.eu ip6:2001:db8::1 ~all"], None, "4 of 10"),
        (["V=SPF1 Redirect=spf.good.eu"], None, "2 of 10"),
        (["v=spf1 include:spf.good.eu include:%{d}.good.eu -all"], None, "3 of 10"),
    ],
)
def test_what_an_spf_record_comes_to(seen, records, level, words):
    found = seen({"news.eu": records, "spf.good.eu": "v=spf1 mx -all"})["SPF"]
    assert [one[0] for one in found] == [level]
    assert words in found[0][1]


def test_a_chain_of_includes_is_read_to_its_end_and_no_further(dns_server):
    chain = {f"d{n}.eu": f"v=spf1 include:d{n + 1}.eu -all" for n in range(500)}
    server = dns_server(chain)
    assert spf.look("d0.eu", Resolver(server.address).texts).lookups == spf.LOOKUPS + 1
    assert len(server.asked) == 12
    ten = {"a.eu": "v=spf1 " + " ".join(f"include:i{n}.eu" for n in range(10)) + " -all"}
    ten |= {f"i{n}.eu": "v=spf1 ip4:192.0.2.1 -all" for n in range(10)}
    assert spf.look("a.eu", Resolver(dns_server(ten).address).texts).lookups == spf.LOOKUPS


@pytest.mark.parametrize(
    ("host", "here", "record"),
    [
        ("smtp.news.eu", False, "v=spf1 a:smtp.news.eu ~all"),
        ("news.eu", False, "v=spf1 a:news.eu ~all"),
        ("email-smtp.eu-west-1.amazonaws.com", False, "v=spf1 include:amazonses.com ~all"),
        ("smtp.fakenews.eu", False, "v=spf1 include:NAME-THAT-fakenews.eu-TELLS-YOU ~all"),
        ("localhost", True, "v=spf1 ip4:ADDRESS-OF-THIS-MACHINE ~all"),
    ],
)
def test_the_record_that_is_proposed(host, here, record):
    assert spf.suggestion(host, "news.eu", here=here) == record


def test_a_well_known_server_that_is_not_included_is_noted(seen):
    sending = Sending(sender="news.eu", envelope="news.eu", host="smtp.mailgun.org", here=False)
    (_, (level, said)) = seen({"news.eu": "v=spf1 mx -all"}, sending=sending)["SPF"]
    assert level is Level.NOTE
    assert "include:mailgun.org is not named" in said
    assert len(seen({"news.eu": "v=spf1 include:mailgun.org -all", "mailgun.org": "v=spf1 -all"})["SPF"]) == 1


# ---------------------------------------------------------------------------------------------- DKIM


@pytest.mark.parametrize("absent", [None, "NODATA", ["something else"]])
def test_no_public_key(seen, absent):
    [(level, said)] = seen({"s1._domainkey.news.eu": absent})["DKIM s1"]
    assert level is Level.ERROR
    assert f'add a TXT record at s1._domainkey.news.eu: "{KEY.record()}"' in said


@pytest.mark.parametrize(
    ("record", "level", "words"),
    [
        (load_key(OTHER_PEM, "news.eu", "s1").record(), Level.ERROR, "another key"),
        ("v=DKIM1; k=rsa; p=", Level.ERROR, "revoked"),
        ("v=DKIM1; p=%%%", Level.ERROR, "another key"),
        (KEY.record().replace("k=rsa", "k=ed25519"), Level.ERROR, "k= is not"),
        (KEY.record().replace("DKIM1", "DKIM2"), Level.ERROR, "v= is not"),
        (KEY.record() + "; h=sha1", Level.ERROR, "does not allow sha256"),
        (KEY.record() + "; s=tlsrpt", Level.ERROR, "does not allow email"),
        (KEY.record() + "; t=y:s", Level.WARNING, "testing"),
        ([KEY.record(), KEY.record() + ";"], Level.ERROR, "2 records"),
    ],
)
def test_what_is_wrong_with_a_public_key(seen, record, level, words):
    [(found, said)] = seen({"s1._domainkey.news.eu": record})["DKIM s1"]
    assert (found, words in said) == (level, True)
    assert KEY.record() in said


@pytest.mark.parametrize(
    "record",
    [
        KEY.record().removeprefix("v=DKIM1; k=rsa; "),
        KEY.record().replace("; ", ";") + ";",
        KEY.record() + "; h=sha1:sha256; s=email; t=s; n=note",
        KEY.record()[:100] + " " + KEY.record()[100:],
    ],
)
def test_the_same_key_written_otherwise(seen, record):
    assert [level for level, _ in seen({"s1._domainkey.news.eu": record})["DKIM s1"]] == [None]


def test_a_key_behind_an_alias(seen):
    changes = {"s1._domainkey.news.eu": ("CNAME", "key.provider.eu"), "key.provider.eu": KEY.record()}
    assert [level for level, _ in seen(changes)["DKIM s1"]] == [None]


def test_every_key_is_looked_up(seen):
    second = load_key(ED25519_PEM, "news.eu", "s2")
    found = seen({"s2._domainkey.news.eu": second.record()}, keys=ring(RSA_PEM, ED25519_PEM))
    assert [found["DKIM s1"][0][0], found["DKIM s2"][0][0]] == [None, None]


def test_ed25519_alone_is_warned_of(seen):
    found = seen(keys=ring(ED25519_PEM))
    assert found["DKIM"] == [(Level.WARNING, "many receivers do not know Ed25519; add an RSA key")]


def test_without_a_key_mail_may_be_signed_elsewhere(seen):
    found = seen(keys=ring())
    assert [level for level, _ in found["DKIM"]] == [Level.NOTE]
    assert found["DMARC"] == [(None, "_dmarc.news.eu asks for reject")]


def test_an_old_short_key_is_warned_of(seen):
    pem = private_pem(rsa.generate_private_key(65537, 1024)).decode()
    short = load_key(pem, "news.eu", "s1")
    found = seen({"s1._domainkey.news.eu": short.record()}, keys=ring(pem))
    [(level, said)] = found["key s1"]
    assert level is Level.WARNING
    assert "1024 bits" in said


def test_a_key_that_cannot_be_read_is_an_error_and_the_rest_is_looked_at(seen):
    found = seen(keys=ring("hunter2"))
    [(level, said)] = found["key s1"]
    assert level is Level.ERROR
    assert "hunter2" not in said
    assert found["DMARC"]


def test_a_key_file_that_others_can_read_is_warned_of(seen, tmp_path):
    path = tmp_path / "key.pem"
    path.write_text(RSA_PEM)
    keys = KeyRing([Source(selector="s1", domain="news.eu", file=path, secret=lambda name: None)])
    path.chmod(0o640)
    assert seen(keys=keys)["key s1"] == [(Level.WARNING, f"{path} can be read by others; `chmod 600` it")]
    path.chmod(0o600)
    assert "key s1" not in seen(keys=keys)


# ---------------------------------------------------------------------------------------------- DMARC


def test_no_dmarc(seen):
    [(level, said)] = seen({"_dmarc.news.eu": None})["DMARC"]
    assert level is Level.WARNING
    assert 'add a TXT record at _dmarc.news.eu: "v=DMARC1; p=none; rua=mailto:postmaster@news.eu"' in said


def test_two_records_are_none(seen):
    [(level, said)] = seen({"_dmarc.news.eu": ["v=DMARC1; p=none", "v=DMARC1; p=reject"]})["DMARC"]
    assert level is Level.ERROR
    assert "_dmarc.news.eu has several" in said


@pytest.mark.parametrize(
    ("record", "level", "words"),
    [
        ("v=DMARC1; p=none; rua=mailto:a@news.eu", None, "p=quarantine protects the name"),
        ("v=DMARC1;p=QUARANTINE", None, "asks for quarantine"),
        ("v=DMARC1", None, "asks for none"),
        ("v=DMARC1; p=monitor", Level.WARNING, "no policy"),
        ("v=DMARC2; p=none", Level.WARNING, "has none"),
    ],
)
def test_policies(seen, record, level, words):
    [(found, said)] = seen({"_dmarc.news.eu": record})["DMARC"]
    assert (found, words in said) == (level, True)


def sending(sender, envelope):
    return Sending(sender=sender, envelope=envelope, host="smtp.news.eu", here=False)


@pytest.mark.parametrize(
    ("who", "signs", "records", "levels"),
    [
        (("news.eu", "bounces.news.eu"), "mail.news.eu", {}, [None]),
        (("a.news.eu", "b.news.eu"), "news.eu", {}, [None]),
        (("news.eu", "news.eu"), "other.eu", {}, [None, Level.WARNING]),
        (("news.eu", "other.eu"), "news.eu", {}, [None, Level.NOTE]),
        (("news.eu", "other.eu"), "other.eu", {}, [None, Level.ERROR, Level.WARNING]),
        (("news.eu", "b.news.eu"), "news.eu", {"_dmarc.news.eu": "v=DMARC1;p=none;aspf=s"}, [None, Level.NOTE]),
        (("news.eu", "news.eu"), "m.news.eu", {"_dmarc.news.eu": "v=DMARC1;p=none;adkim=s"}, [None, Level.WARNING]),
        # A branch that says psd=n is an organisation of its own.
        (("a.news.eu", "a.news.eu"), "news.eu", {"_dmarc.a.news.eu": "v=DMARC1;psd=n"}, [None, Level.WARNING]),
        # A registry that says psd=y: the organisations are below it.
        (("a.gov.eu", "b.a.gov.eu"), "a.gov.eu", {"_dmarc.gov.eu": "v=DMARC1;psd=y"}, [None]),
        (("a.gov.eu", "a.gov.eu"), "b.gov.eu", {"_dmarc.gov.eu": "v=DMARC1;psd=y"}, [None, Level.WARNING]),
    ],
)
def test_who_speaks_for_the_sender(seen, who, signs, records, levels):
    found = seen(records, sending=sending(*who), keys=ring(RSA_PEM, domain=signs))
    assert [level for level, _ in found["DMARC"]] == levels


def test_without_a_key_the_envelope_must_speak_for_the_sender(seen):
    found = seen(sending=sending("news.eu", "other.eu"), keys=ring())["DMARC"]
    assert [level for level, _ in found] == [None, Level.WARNING]
    assert "unless your server signs for news.eu" in found[1][1]


@pytest.mark.parametrize(
    ("domain", "records", "organisation", "at", "policy"),
    [
        ("news.eu", {}, "news.eu", "", "none"),
        ("a.news.eu", {"news.eu": "v=DMARC1;p=reject"}, "news.eu", "news.eu", "reject"),
        ("a.news.eu", {"news.eu": "v=DMARC1;p=reject;sp=none"}, "news.eu", "news.eu", "none"),
        (
            "a.news.eu",
            {"a.news.eu": "v=DMARC1;p=none", "news.eu": "v=DMARC1;p=reject"},
            "news.eu",
            "a.news.eu",
            "none",
        ),
        ("a.b.eu", {"eu": "v=DMARC1;psd=y;p=reject"}, "b.eu", "eu", "reject"),
        ("eu", {"eu": "v=DMARC1;psd=y;p=reject"}, "eu", "eu", "reject"),
        ("a.b.news.eu", {"b.news.eu": "v=DMARC1;psd=n", "news.eu": "v=DMARC1"}, "b.news.eu", "b.news.eu", "none"),
    ],
)
def test_the_walk(domain, records, organisation, at, policy):
    found = dmarc.walk(domain, lambda name: [records[name[7:]]] if name[7:] in records else [])
    assert (found.organisation, found.at, found.policy) == (organisation, at, policy)


@pytest.mark.parametrize(
    ("domain", "asked"),
    [
        ("a.b.eu", ["a.b.eu", "b.eu", "eu"]),
        ("1.2.3.4.5.6.7.eu", ["1.2.3.4.5.6.7.eu", "2.3.4.5.6.7.eu", "3.4.5.6.7.eu"]),
        ("1.2.3.4.5.6.7.8.9.eu", ["1.2.3.4.5.6.7.8.9.eu", "4.5.6.7.8.9.eu", "5.6.7.8.9.eu"]),
        ("localhost", ["localhost"]),
    ],
)
def test_the_walk_asks_at_most_eight_names(domain, asked):
    names = []
    dmarc.walk(domain, lambda name: names.append(name.removeprefix("_dmarc.")) or [])
    assert names[:3] == asked
    assert len(names) <= 8
    assert len(set(names)) == len(names)


# ---------------------------------------------------------------------------------------------- DNS itself


def test_one_name_that_fails_costs_only_itself(seen, dns_fake):
    for illness in (dns_fake.SERVFAIL, dns_fake.REFUSED):
        found = seen({"s1._domainkey.news.eu": illness})
        [(level, said)] = found["DKIM s1"]
        assert level is Level.WARNING
        assert "DNS fails for s1._domainkey.news.eu" in said
        assert [found["SPF"][0][0], found["DMARC"][0][0]] == [None, None]


@pytest.mark.parametrize("illness", ["SILENT", "GARBAGE"])
def test_silence_is_said_once(seen, illness):
    found = seen({"news.eu": illness}, lifetime=0.3)
    assert found == {"DNS": [(Level.NOTE, "DNS does not answer here: SPF, DKIM and DMARC were not looked at")]}


def test_nobody_listens():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    with pytest.raises(SilentError) as caught:
        Resolver(address, lifetime=0.3).texts("news.eu")
    assert not isinstance(caught.value, FailingError)


def test_a_machine_without_any_name_server(monkeypatch):
    def none(*_, **__):
        raise __import__("dns.resolver").resolver.NoResolverConfiguration

    monkeypatch.setattr("dns.resolver.Resolver.read_resolv_conf", none)
    with pytest.raises(SilentError):
        Resolver().texts("news.eu")


@pytest.mark.parametrize("name", ["", "a..eu", "x" * 64 + ".eu", ".".join(["y" * 60] * 5), "\ud800.eu", "\\999.eu"])
def test_what_is_no_name_is_not_asked(dns_server, name):
    server = dns_server({})
    texts = partial(Resolver(server.address).texts, name)
    assert texts() == []


def test_a_long_text_is_joined(dns_server):
    text = "v=DKIM1; p=" + "A" * 600
    assert Resolver(dns_server({"a.eu": text}).address).texts("A.eu") == [text]


@pytest.mark.parametrize(
    "domain", ["news.example", "example.org", "a.example.com", "x.test", "localhost", "a.invalid"]
)
def test_examples_are_not_looked_up(domain):
    assert is_reserved(domain)

    def asked(name):
        raise AssertionError(name)

    found = examine(sending(domain, domain), ring(), asked)
    assert [(one.what, one.level) for one in found] == [("email DKIM", Level.NOTE), ("email DNS", None)]


@pytest.mark.parametrize("domain", ["example.eu", "news.eu", "myexample.com", "example.news.eu", "test.eu"])
def test_real_names_are_looked_up(domain):
    assert not is_reserved(domain)


@pytest.mark.parametrize(
    ("server", "split"),
    [
        ("192.0.2.53", ("192.0.2.53", 53)),
        ("192.0.2.53:5353", ("192.0.2.53", 5353)),
        ("2001:db8::53", ("2001:db8::53", 53)),
        ("[2001:db8::53]:5353", ("2001:db8::53", 5353)),
        ("[2001:db8::53]", ("2001:db8::53", 53)),
    ],
)
def test_the_address_of_a_name_server(server, split):
    assert split_server(server) == split


@pytest.mark.parametrize("server", ["dns.news.eu", "192.0.2.999", "[192.0.2", "192.0.2.1:", "192.0.2.1:x", "1:2"])
def test_what_is_no_name_server(server):
    with pytest.raises(ValueError, match=r".+"):
        split_server(server)
