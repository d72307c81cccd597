"""Signatures, as another program verifies them (dkimpy); DNS is a dictionary here."""

import base64
import copy
import pickle
import re
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import dkim as dkimpy
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from dissemination.channels.email.dkim import OVERSIGNED, SIGNED, Signer, load_key, private_pem, sign_message
from dissemination.errors import SettingsError

AT = 1_764_000_000
RSA_PRIVATE = rsa.generate_private_key(65537, 2048)
RSA = load_key(private_pem(RSA_PRIVATE), "example.eu", "news")
#: The key of RFC 8463, A.2.
SEED = base64.b64decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
ED25519 = load_key(private_pem(Ed25519PrivateKey.from_private_bytes(SEED)), "example.eu", "brisbane")
KEYS = {"rsa": (RSA,), "ed25519": (ED25519,), "both": (RSA, ED25519)}
TEXT = {f"{key.name}.".encode(): key.record().encode() for key in (RSA, ED25519)}

MESSAGE = (
    b"Date: Thu, 26 Nov 2026 10:00:00 +0200\r\n"
    b'From: "The project" <news@example.eu>\r\n'
    b"To: Ana <ana@example.org>\r\n"
    b"Reply-To: office@example.eu\r\n"
    b"Subject: =?utf-8?b?zp3Orc6x?=\r\n =?utf-8?b?zp3Orc6x?=\r\n"
    b"Message-ID: <1@example.eu>\r\n"
    b"MIME-Version: 1.0\r\n"
    b"List-Id: <news.example.eu>\r\n"
    b"List-Unsubscribe: <https://example.eu/u/abc>, <mailto:leave@example.eu>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    b"Feedback-ID: weekly:news:example\r\n"
    b"X-Other: not signed\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n"
    b"\r\n"
    b"Dear Ana,\r\n\r\nnews.\r\n"
)


def verdicts(message):
    """Of every signature, whether it holds; a signature that cannot even be read does not."""
    count = message.partition(b"\r\n\r\n")[0].count(b"DKIM-Signature:")
    found = []
    for index in range(count):
        try:
            found.append(dkimpy.DKIM(message).verify(idx=index, dnsfunc=lambda name, timeout=5: TEXT.get(name)))
        except dkimpy.DKIMException:
            found.append(False)
    return found


def tags(message):
    """The tags of the first signature."""
    head = re.split(rb"\r\n(?![ \t])", message)[0].partition(b":")[2]
    pairs = (tag.partition(b"=") for tag in head.replace(b"\r\n", b"").split(b";"))
    return {name.strip().decode(): re.sub(rb"\s", b"", value).decode() for name, _, value in pairs}


# ---------------------------------------------------------------------------------------------- it verifies


@pytest.mark.parametrize("which", KEYS)
def test_another_program_verifies_it(which):
    assert verdicts(sign_message(MESSAGE, KEYS[which], AT)) == [True] * len(KEYS[which])


@pytest.mark.parametrize("which", KEYS)
@pytest.mark.parametrize(
    "body", [b"", b"\r\n", b"\r\n\r\n\r\n", b"x", b"x\r\n", b"x\r\n\r\n\r\n", b" \t \r\n", b"\r\nx"]
)
def test_bodies_of_every_ending(which, body):
    head = MESSAGE.partition(b"\r\n\r\n")[0]
    assert all(verdicts(sign_message(head + b"\r\n\r\n" + body, KEYS[which], AT)))


def test_a_message_that_is_a_header_alone():
    assert all(verdicts(sign_message(b"From: a@example.eu\r\n\r\n", (RSA,), AT)))


def test_the_same_message_gives_the_same_bytes():
    assert sign_message(MESSAGE, KEYS["both"], AT) == sign_message(MESSAGE, KEYS["both"], AT)
    assert sign_message(MESSAGE, KEYS["both"], AT) != sign_message(MESSAGE, KEYS["both"], AT + 1)


def test_what_the_signature_says():
    said = tags(sign_message(MESSAGE, (RSA,), AT))
    assert (said["v"], said["a"], said["c"]) == ("1", "rsa-sha256", "relaxed/simple")
    assert (said["d"], said["s"], said["t"]) == ("example.eu", "news", str(AT))
    assert not {"i", "l", "x", "z"} & said.keys()
    listed = said["h"].split(":")
    present = {name for name in SIGNED if f"\r\n{name}:".encode() in b"\r\n" + MESSAGE.lower()}
    assert present == {*SIGNED}
    for name in SIGNED:
        assert listed.count(name) == (2 if name in OVERSIGNED else 1), name


def test_fields_that_are_not_there_are_listed_so_that_none_can_be_added():
    said = tags(sign_message(b"From: a@example.eu\r\n\r\nx\r\n", (RSA,), AT))
    assert sorted(said["h"].split(":")) == sorted(["from", *OVERSIGNED])


@pytest.mark.parametrize("domain", ["example.eu", f"{'a' * 60}.{'b' * 60}.eu"])
def test_its_lines_are_short(domain):
    key = load_key(private_pem(RSA_PRIVATE), domain, "news")
    signature = sign_message(MESSAGE, (key,), AT).removesuffix(MESSAGE)
    assert signature.endswith(b"\r\n")
    lines = signature.split(b"\r\n")[:-1]
    assert [line for line in lines if len(line) > 78 and b"d=" not in line] == []
    assert all(line.startswith(b" ") for line in lines[1:])
    assert all(line.strip() for line in lines)


# ---------------------------------------------------------------------------------------------- tampering


@pytest.mark.parametrize("which", KEYS)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"/u/abc", b"/u/abd"),
        (b"leave@example.eu", b"leave@evil.test"),
        (b"=One-Click", b"=Two-Click"),
        (b"ana@example.org", b"eve@example.org"),
        (b"office@example.eu", b"office@evil.test"),
        (b"news@example.eu", b"news@evil.test"),
        (b"zp3Orc6x", b"zp3Orc6y"),
        (b"<1@example.eu>", b"<2@example.eu>"),
        (b"+0200", b"+0300"),
        (b"weekly:", b"hourly:"),
        (b"<news.example.eu>", b"<news.evil.test>"),
        (b"text/plain", b"text/html"),
        (b"quoted-printable", b"base64"),
        (b"Dear Ana", b"Dear Eve"),
        (b"news.\r\n", b"news. \r\n"),
        (b"news.\r\n", b"news.\r\nMore.\r\n"),
        (b"t=1764000000", b"t=1764000001"),
        (b" s=", b" s=other."),
        (b"h=from:", b"h=date:from:"),
    ],
)
def test_a_change_breaks_it(which, old, new):
    signed = sign_message(MESSAGE, KEYS[which], AT)
    changed = signed.replace(old, new)
    assert changed != signed
    assert not all(verdicts(changed))


@pytest.mark.parametrize("name", OVERSIGNED)
@pytest.mark.parametrize("place", ["first", "last"])
def test_no_second_field_can_be_added(name, place):
    signed = sign_message(MESSAGE, KEYS["both"], AT)
    added = f"{name.title()}: eve@evil.test\r\n".encode()
    head, _, body = signed.partition(b"\r\n\r\n")
    changed = added + signed if place == "first" else head + b"\r\n" + added + b"\r\n" + body
    assert verdicts(changed) == [False, False]


@pytest.mark.parametrize("name", ["reply-to", "list-unsubscribe", "list-unsubscribe-post"])
def test_no_missing_field_can_be_added(name):
    signed = sign_message(b"From: a@example.eu\r\nSubject: x\r\n\r\nx\r\n", KEYS["both"], AT)
    assert verdicts(signed) == [True, True]
    assert verdicts(f"{name}: <https://evil.test>\r\n".encode() + signed) == [False, False]


def test_what_is_not_signed_may_change_on_the_way():
    signed = sign_message(MESSAGE, KEYS["both"], AT)
    assert verdicts(b"Received: from a by b\r\n" + signed.replace(b"not signed", b"changed")) == [True, True]


# ---------------------------------------------------------------------------------------------- white space

WHITE = st.sampled_from(["", " ", "  ", "\t", " \t ", "\r\n ", "\r\n\t", " \r\n  "])
WORDS = st.lists(
    st.tuples(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12), WHITE),
    min_size=1,
    max_size=6,
)


@st.composite
def fields(draw):
    name = draw(st.sampled_from([*SIGNED, "X-Mine", "received"]))
    name = draw(st.sampled_from([name, name.upper(), name.title()]))
    return name, draw(WHITE) + "".join(word + white for word, white in draw(WORDS))


@given(st.lists(fields(), max_size=8), st.text("a \t\r\n", max_size=12))
def test_white_space_and_folds_and_repeated_names(more, body):
    head = "".join(f"{name}:{value}\r\n" for name, value in [("From", " a@example.eu"), *more])
    # What relaxed canonicalisation takes away a relay may take away, so a fold never stands before nothing.
    message = head.replace("\r\n \r\n", "\r\n").replace("\r\n\t\r\n", "\r\n").encode()
    message += b"\r\n" + re.sub(r"\r\n?|\n", "\r\n", body).encode()
    assert verdicts(sign_message(message, (ED25519,), AT)) == [True]


@given(WORDS)
def test_a_relay_may_fold_anew(words):
    value = "x" + "".join(word + white for word, white in words)
    if "\r\n" in value.rstrip()[-2:]:
        return
    signed = sign_message(f"From: a@example.eu\r\nSubject: {value.rstrip()}\r\n\r\nx\r\n".encode(), (ED25519,), AT)
    line = f"Subject: {value.rstrip()}\r\n".encode()
    anew = b"SUBJECT:\t" + re.sub(rb"(\r\n)?[ \t]+", b"\r\n\t ", line.partition(b": ")[2].strip()) + b" \r\n"
    assert verdicts(signed.replace(line, anew)) == [True]


# ---------------------------------------------------------------------------------------------- stencils

CONSTANT = [("Date", b"now"), ("From", b"news@example.eu"), ("Subject", b"a\r\n b"), ("X-Mine", b"x")]
PERSONAL = ("To", "Message-ID", "List-Unsubscribe")


def spliced(keys, personal, start, rest):
    stencil = Signer(keys).stencil(CONSTANT, PERSONAL, start=start, at=AT)
    lines = b"".join(name.encode() + b": " + value + b"\r\n" for name, value in CONSTANT)
    own = b"".join(
        name.encode() + b": " + value + b"\r\n"
        for name, value in zip(PERSONAL, personal, strict=True)
        if value is not None
    )
    return stencil.sign(personal, rest) + own + lines + b"\r\n" + start + b"".join(rest)


@pytest.mark.parametrize("which", KEYS)
def test_the_shared_start_is_the_start_of_every_message(which):
    for name in (b"ana", b"bob"):
        personal = (name + b"@example.org", b"<" + name + b"@example.eu>", b"<https://example.eu/" + name + b">")
        message = spliced(KEYS[which], personal, b"Dear\r\n", [name, b",\r\nnews.", b"\r\n"])
        assert verdicts(message) == [True] * len(KEYS[which])


def test_a_letter_without_a_personal_word_is_its_shared_start():
    personal = (b"ana@example.org", b"<1@example.eu>", b"<https://example.eu/1>")
    assert verdicts(spliced(KEYS["both"], personal, b"Dear\r\nall\r\n", [])) == [True, True]
    for start in (b"", b"Dear", b"Dear\r\n\r\n"):
        with pytest.raises(ValueError, match="must end"):
            spliced(KEYS["both"], personal, start, [])


def test_a_message_may_lack_a_personal_field():
    message = spliced(KEYS["both"], (b"ana@example.org", b"<1@example.eu>", None), b"", [b"x\r\n"])
    assert verdicts(message) == [True, True]
    assert verdicts(b"List-Unsubscribe: <https://evil.test>\r\n" + message) == [False, False]


def test_a_personal_value_may_be_folded_and_beyond_ascii():
    message = spliced((RSA,), ("=?utf-8?b?zp0=?=\r\n <é@example.org>".encode(), b"<1@a>", b"<b>"), b"", [b"x\r\n"])
    assert verdicts(message) == [True]


def test_many_threads_use_one_stencil():
    stencil = Signer((ED25519,)).stencil(CONSTANT, PERSONAL, start=b"Dear\r\n", at=AT)
    people = [f"p{number}@example.org".encode() for number in range(50)]
    alone = {who: stencil.sign((who, who, who), [who, b"\r\n"]) for who in people}
    together = {}

    def work():
        for who in people:
            together[who, threading.get_ident()] = stencil.sign((who, who, who), [who, b"\r\n"])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(signature == alone[who] for (who, _), signature in together.items())


@pytest.mark.parametrize("last", [b"x", b"x\n", b"x\r\n\r\n", b""])
def test_a_body_that_does_not_end_as_bodies_do_is_refused(last):
    stencil = Signer((RSA,)).stencil(CONSTANT, (), at=AT)
    with pytest.raises(ValueError, match="must end"):
        stencil.sign((), [last])


@pytest.mark.parametrize("personal", [("from",), ("To", "to"), ("X-Mine",), ("DATE",)])
def test_a_stencil_that_could_sign_wrongly_is_refused(personal):
    with pytest.raises(ValueError, match="twice"):
        Signer((RSA,)).stencil(CONSTANT, personal, at=AT)


def test_without_from_there_is_nothing_to_sign_for():
    with pytest.raises(ValueError, match="From"):
        sign_message(b"To: a@example.eu\r\n\r\nx\r\n", (RSA,), AT)
    assert Signer((RSA,)).stencil([], ("From",), at=AT).sign((b"a@example.eu",), [b"x\r\n"])


def test_every_personal_value_is_needed():
    stencil = Signer((RSA,)).stencil(CONSTANT, PERSONAL, at=AT)
    with pytest.raises(ValueError, match="shorter"):
        stencil.sign((b"a",), [b"x\r\n"])


# ---------------------------------------------------------------------------------------------- keys


def _signed_elsewhere(signer):
    return signer.stencil(CONSTANT, (), at=AT).sign((), [b"x\r\n"])


def test_another_process_signs_the_same():
    signer = Signer(KEYS["both"])
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert pool.submit(_signed_elsewhere, signer).result(60) == _signed_elsewhere(signer)


def test_a_key_can_be_copied_and_never_shows_itself():
    for key in KEYS["both"]:
        for twin in (pickle.loads(pickle.dumps(key)), copy.copy(key), copy.deepcopy(key)):
            assert twin == key
            assert twin.sign(bytes(32)) == key.sign(bytes(32))
        assert "private" not in repr(key).lower()
    assert "private" not in repr(Signer(KEYS["both"])).lower()


@pytest.mark.parametrize("shape", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_both_forms_of_pem(shape):
    pem = RSA_PRIVATE.private_bytes(Encoding.PEM, shape, NoEncryption())
    assert load_key(pem, "example.eu", "news") == load_key(pem.decode(), "EXAMPLE.eu", "news") == RSA
    assert load_key(pem + b"\n\n", "example.eu", "news").public == RSA.public


def test_the_record():
    assert ED25519.name == "brisbane._domainkey.example.eu"
    # RFC 8463, A.2.
    assert ED25519.record() == "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    assert RSA.record().startswith("v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A")
    assert (RSA.bits, ED25519.bits) == (2048, 256)


def test_a_domain_with_other_letters_is_written_in_ascii():
    assert load_key(private_pem(RSA_PRIVATE), "straße.example", "news").domain == "xn--strae-oqa.example"


EC = ec.generate_private_key(ec.SECP256R1())
PUBLIC = RSA_PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
LOCKED = RSA_PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"pass"))
#: 512 bits; such a key is broken in hours.
WEAK = b"""-----BEGIN RSA PRIVATE KEY-----
MIIBOQIBAAJBALD2V0w/0YvohjWf5Dq7kxq+C3NEIgKgdwLPs2P0XzqkVlJHmFUS
HikLq9zkg5dZhiKQAwCptfNe+U5h0KgVodsCAwEAAQJAVOCzGoV5souC4/Ge/HS/
qBIDV/QUBAKHUrfgqU6q5mrkCp2ENS8nL5PNx2ROjqaVwzWA+tH2WqOFXkZvJlgb
kQIhAN3FIOHHQ42ha4lOd4avDE8a+gjfafpA96FQ51wZUjh9AiEAzEa1dIyCUSWY
gEjby9cCuePOj3TdR0PCeb2hb/lwqzcCIEI1jkGZ6hMotCBEKu8s57HeTfPEL7Gl
H8krjEc00BVJAiAWS61ocCGVG8ZeUhVzVR9eDKgx7i5spc+nG/Rv1Ujf1wIgG347
OAYjcjN8L1eQZaRmuUf3EMQO7Ha3yK+NSXNY29M=
-----END RSA PRIVATE KEY-----
"""


@pytest.mark.parametrize(
    ("pem", "words"),
    [
        (b"", "no private key in PEM"),
        (b"hunter2", "no private key in PEM"),
        (PUBLIC, "no private key in PEM"),
        (private_pem(RSA_PRIVATE)[:300], "no private key in PEM"),
        (private_pem(RSA_PRIVATE).replace(b"M", b"!", 3), "no private key in PEM"),
        (EC.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), "neither RSA nor Ed25519"),
        (LOCKED, "without a passphrase"),
        (WEAK, "no receiver takes less than 1024"),
    ],
    ids=["empty", "password", "public", "cut", "broken", "curve", "locked", "weak"],
)
def test_what_is_no_key_is_refused_without_showing_it(pem, words):
    with pytest.raises(SettingsError, match="'news'") as caught:
        load_key(pem, "example.eu", "news")
    assert words in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "MII" not in str(caught.value)


def test_a_key_of_1024_bits_still_signs():
    old = load_key(private_pem(rsa.generate_private_key(65537, 1024)), "example.eu", "old")
    assert old.bits == 1024
    signed = sign_message(MESSAGE, (old,), AT)
    assert dkimpy.DKIM(signed).verify(dnsfunc=lambda name, timeout=5: old.record().encode())


@pytest.mark.parametrize("selector", ["", "a b", "a_b", ".a", "a.", "a;d=evil.test", "a\r\nb", "x" * 64])
def test_what_is_no_selector_is_refused(selector):
    with pytest.raises(SettingsError, match="selector"):
        load_key(private_pem(RSA_PRIVATE), "example.eu", selector)


@pytest.mark.parametrize("domain", ["", "a b", "a;b", "a\r\nb", "-a.eu", "é" * 300])
def test_what_is_no_domain_is_refused(domain):
    with pytest.raises(SettingsError, match="domain"):
        load_key(private_pem(RSA_PRIVATE), domain, "news")
