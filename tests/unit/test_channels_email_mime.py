"""The bytes of a message: read back with the standard library, compared with what went in."""

import email
import email.message
import email.policy
import html
import quopri
import re
import string
from dataclasses import replace
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.utils import getaddresses

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from hypothesis import given
from hypothesis import strategies as st

from dissemination.channels.email import headers
from dissemination.channels.email.addresses import mailbox, on_the_wire
from dissemination.channels.email.dkim import Signer, load_key, private_pem
from dissemination.channels.email.mime import Composer, Sender
from dissemination.channels.email.quoting import piece, plain_piece
from dissemination.errors import RejectedError
from dissemination.model import Slot
from dissemination.testing import sample_mail, sample_message

WORDS = {
    "greek": "Νέα από τις περιφέρειες",
    "bulgarian": "Новини от регионите",
    "romanian": "Știri din regiuni: ședință și întâlnire",
    "arabic": "أخبار المناطق هذا الشهر",
    "emoji": "👩‍👩‍👧‍👦 News 🇪🇺 of the month",
    "long": "Ș" * 2000,
    "long ascii": ("news of the month " * 120)[:1999].strip(),
    "plain": "News in November",
    "quotes": 'The "new" \\ fund, for <all>; a@b, c',
}
HOSTILE = {
    "encoded word": "=?utf-8?q?a=0D=0ABcc:_x=40evil.test?=",
    "encoded line feed": "News =?utf-8?q?=0A?=Bcc: x@evil.test",
    "crlf": "a\r\nBcc: x@evil.test",
    "line feed": "a\nBcc: x@evil.test",
    "line end": "News\n",
    "blank line": "a\r\n\r\n<script>",
    "folding": "a\r\n Bcc: x@evil.test",
    "nul": "a\0b",
    "separators": "a\u2028b\u2029c\x85d",
    "surrogate": "a\ud800b",
    "long": "x" * 10_000,
    "long wide": "Ж" * 10_000,
    "tabs": "a\tb\vc\fd",
    "spaces": "   \r\n  ",
}
SENDER = Sender(box=mailbox("news@example.eu"), name="Project MICROFUTURE")
NAMES = [
    "Date", "From", "To", "Subject", "Message-ID", "MIME-Version", "List-Id", "List-Unsubscribe",
    "List-Unsubscribe-Post", "Feedback-ID", "Auto-Submitted", "Content-Language", "Content-Type",
]  # fmt: skip


def composed(sender=SENDER, key="weekly:email:1/7", **changes):
    mail = sample_mail(**changes)
    return Composer(sender).compose(key, mail)


def parsed(body, policy=email.policy.default):
    return email.message_from_bytes(body, policy=policy.clone(raise_on_defect=True))


def names_of(body):
    """Names of the header lines as they stand there, without any library's opinion."""
    block = body.partition(b"\r\n\r\n")[0].decode()
    return [line.partition(":")[0] for line in block.split("\r\n") if not line.startswith(" ")]


def letter(**changes):
    return replace(sample_mail().letter, **changes)


def name_of(body, field):
    [(name, _)] = getaddresses([str(parsed(body, email.policy.compat32)[field])])
    return str(make_header(decode_header(name)))


def text_of(message, kind):
    part = message.get_body((kind,))
    return part.get_payload(decode=True).decode().replace("\r\n", "\n")


def test_a_letter_reads_back():
    message = parsed(composed())
    assert message["From"] == "Project MICROFUTURE <news@example.eu>"
    assert message["To"] == "Ana <ana@example.org>"
    assert message["Subject"] == "News in November"
    assert message["Date"].datetime == sample_mail().date
    assert message["List-Id"] == "<news.example.eu>"
    assert message["Content-Language"] == "en"
    assert message["Auto-Submitted"] == "auto-generated"
    assert text_of(message, "plain") == "Dear Ana\nLeave: https://news.example.eu/u/token\n"
    assert text_of(message, "html") == '<p>Dear Ana</p><p><a href="https://news.example.eu/u/token">Leave</a></p>'


def test_the_header_block_is_ours_in_order():
    assert names_of(composed()) == NAMES


def test_the_list_names_itself():
    assert parsed(composed(list_id="Project news!"))["List-Id"] == "<project-news.example.eu>"
    assert parsed(composed(list_id=""))["List-Id"] == "<news.example.eu>"
    fixed = replace(SENDER, list_id="all.example.org")
    assert parsed(composed(fixed))["List-Id"] == "<all.example.org>"


def test_a_test_mail_says_so():
    message = parsed(composed(test=True))
    assert message["Subject"] == "[TEST] News in November"
    assert message["X-Dissemination-Test"] == "yes"
    assert parsed(composed())["X-Dissemination-Test"] is None


def test_a_repeat_is_the_same_message():
    assert composed() == composed()


def test_another_key_is_another_message():
    first, second = (parsed(composed(key=key)) for key in ("weekly:email:1/7", "weekly:email:1/8"))
    assert first["Message-ID"] != second["Message-ID"]
    assert re.fullmatch(r"<[0-9a-f]{40}@example\.eu>", first["Message-ID"])
    # What copies of one edition share is the same in all: only then it is made once.
    assert first.get_boundary() == second.get_boundary()
    assert first.get_boundary() != parsed(composed(key="monthly:email:1/7")).get_boundary()


def test_answers_go_where_the_officer_says():
    assert parsed(composed())["Reply-To"] is None
    sender = replace(SENDER, reply_to=mailbox("office@example.eu"))
    assert parsed(composed(sender))["Reply-To"] == "office@example.eu"


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
def test_words_round_trip(words):
    body = composed(
        letter=letter(
            subject=words, text=(words, "\n", Slot(name="name")), html=("<p>", Slot(name="name"), "</p>")
        ),
        name=words,
        values={"name": words},
    )
    message = parsed(body)
    assert message["Subject"] == words
    assert name_of(body, "To") == words
    if len(words.encode()) <= 45:  # of longer ones this library gets its own encoding back with spaces put in
        assert message["To"].addresses[0].display_name == words
    assert [box.addr_spec for box in message["To"].addresses] == ["ana@example.org"]
    assert text_of(message, "plain") == f"{words}\n{words}"
    html_text = text_of(message, "html")
    assert html_text.removeprefix("<p>").removesuffix("</p>") == (
        words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    )
    assert max(len(line) for line in body.split(b"\r\n")) <= 78
    assert body.isascii()


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
def test_the_strict_policy_agrees(words):
    parsed(composed(letter=letter(subject=words), name=words), email.policy.strict)


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("where", ["name", "subject", "sender name", "value"])
def test_hostile_words_leave_the_header_block_unchanged(where, hostile):
    changes = {
        "name": {"name": hostile},
        "subject": {"letter": letter(subject=hostile)},
        "value": {"values": {"name": hostile, "unsubscribe_url": "https://news.example.eu/u/token"}},
        "sender name": {},
    }[where]
    sender = replace(SENDER, name=hostile) if where == "sender name" else SENDER
    body = composed(sender, **changes)
    expected = [name for name in NAMES if not (name == "Subject" and where == "subject" and not hostile.strip())]
    assert names_of(body) == expected
    message = parsed(body)
    assert message["Bcc"] is None
    assert not message.defects
    assert [box.addr_spec for box in message["To"].addresses] == ["ana@example.org"]
    assert all(32 <= byte < 127 for byte in body.partition(b"\r\n\r\n")[0].replace(b"\r\n", b""))
    # What the standard library writes again has no more headers either (CVE-2024-6923).
    assert email.message_from_bytes(message.as_bytes())["Bcc"] is None


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_words_make_a_legal_header_block(name, subject):
    body = composed(letter=letter(subject=subject), name=name)
    block = body.partition(b"\r\n\r\n")[0]
    assert [name for name in names_of(body) if name != "Subject"] == [name for name in NAMES if name != "Subject"]
    assert str(make_header(decode_header(parsed(body, email.policy.compat32)["Subject"] or ""))) == headers.clean(
        subject
    )
    assert max(map(len, block.split(b"\r\n"))) <= 998


def test_values_are_escaped_for_html_only():
    mail = {
        "letter": letter(text=(Slot(name="name"),), html=('<a title="', Slot(name="name"), '">')),
        "values": {"name": "\"><script>alert('&')</script>"},
    }
    message = parsed(composed(**mail))
    assert text_of(message, "plain") == "\"><script>alert('&')</script>"
    assert text_of(message, "html") == '<a title="&quot;&gt;&lt;script&gt;alert(&#x27;&amp;&#x27;)&lt;/script&gt;">'


def test_a_value_stays_on_its_line():
    message = parsed(
        composed(letter=letter(text=("Dear ", Slot(name="name"), "!\n"), html=()), values={"name": "Ana\r\n\0Bo"})
    )
    assert text_of(message, "plain") == "Dear Ana   Bo!\n"


def test_a_hole_without_a_value_is_refused():
    with pytest.raises(RejectedError, match="hole 'name'"):
        composed(values={})


# List-Unsubscribe


def line_of(body, name):
    [line] = [line for line in body.decode().split("\r\n") if line.startswith(f"{name}: ")]
    return line


@pytest.mark.parametrize("length", [30, 60, 200, 900])
def test_the_unsubscribe_address_is_one_plain_line(length):
    url = f"https://news.example.eu/u/{'t' * length}"
    body = composed(values={"name": "", "unsubscribe_url": url})
    assert line_of(body, "List-Unsubscribe") == f"List-Unsubscribe: <{url}>"
    assert line_of(body, "List-Unsubscribe-Post") == "List-Unsubscribe-Post: List-Unsubscribe=One-Click"
    assert parsed(body)["List-Unsubscribe"] == f"<{url}>"


def test_unsubscribing_by_mail_names_the_token():
    sender = replace(SENDER, unsubscribe=mailbox("leave@example.eu"))
    token = "A1b2-_" * 6
    body = composed(sender, values={"name": "", "unsubscribe_url": f"https://news.example.eu/u/{token}"})
    ways = f"<https://news.example.eu/u/{token}>, <mailto:leave@example.eu?subject=unsubscribe%20{token}>"
    assert line_of(body, "List-Unsubscribe") == f"List-Unsubscribe: {ways}"


def test_one_click_needs_https():
    body = composed(values={"name": "", "unsubscribe_url": "http://127.0.0.1:8000/u/token"})
    assert parsed(body)["List-Unsubscribe"] == "<http://127.0.0.1:8000/u/token>"
    assert parsed(body)["List-Unsubscribe-Post"] is None


@pytest.mark.parametrize(
    "url", ["https://x.eu/a b", "https://x.eu/>,<y", "https://x.eu/\r\nBcc: a", "ftp://x.eu/", "é"]
)
def test_a_strange_unsubscribe_address_is_refused(url):
    with pytest.raises(RejectedError, match="unsubscribe address"):
        composed(letter=letter(text=(), html=()), values={"unsubscribe_url": url})


def test_a_long_unsubscribe_address_stays_on_one_line():
    url = f"https://news.example.eu/{'t' * 900}/{'A' * 36}"
    body = composed(
        replace(SENDER, unsubscribe=mailbox("leave@example.eu")), values={"name": "", "unsubscribe_url": url}
    )
    assert f"List-Unsubscribe: <{url}>,\r\n <mailto:leave@example.eu?".encode() in body
    assert max(map(len, body.split(b"\r\n"))) <= 998


def test_an_unsubscribe_address_beyond_a_legal_line_is_refused():
    with pytest.raises(RejectedError, match="unsubscribe address"):
        composed(values={"name": "", "unsubscribe_url": f"https://news.example.eu/{'t' * 1000}"})


# The guard behind it all


@pytest.mark.parametrize(
    "value", ["a\r\nBcc: b", "a\r\n\r\nbody", "a\r\n", "a\nb", "a\r\n  ", "x" * 998, "é", "a\x00"], ids=ascii
)
def test_the_block_is_checked_line_by_line(value):
    with pytest.raises(RejectedError, match="not ours"):
        headers.block([("Subject", value), ("To", "a@example.org")])


def test_folded_lines_are_legal():
    assert headers.block([("Subject", "a\r\n b"), ("X", "")]) == b"Subject: a\r\n b\r\n\r\n"


def test_letters_beyond_ascii_only_where_asked():
    assert headers.block([("To", "é@example.org")], utf8=True) == "To: é@example.org\r\n\r\n".encode()


# Quoted-printable


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("", b""),
        ("a", b"a=\r\n"),
        ("a\n", b"a\r\n"),
        ("a\r\nb\rc\n", b"a\r\nb\r\nc\r\n"),
        ("a = b\n", b"a =3D b\r\n"),
        ("é\n", b"=C3=A9\r\n"),
        ("a \n", b"a=20\r\n"),
        ("a\t\n", b"a=09\r\n"),
        (".\n", b"=2E\r\n"),
        ("..a\n.b\n", b"=2E.a\r\n=2Eb\r\n"),
        ("\n\n", b"\r\n\r\n"),
    ],
)
def test_quoted_printable(text, encoded):
    assert piece(text) == encoded


@given(
    st.lists(
        st.text(alphabet=st.one_of(st.sampled_from(string.printable + "é😀. ="), st.characters(codec="utf-8")))
    )
)
def test_pieces_join_to_the_text(texts):
    encoded = b"".join(piece(text) for text in texts)
    assert decoded(encoded) == "".join(text.replace("\r\n", "\n").replace("\r", "\n") for text in texts)
    for line in encoded.split(b"\r\n"):
        assert len(line) <= 76
        assert not line.startswith(b".")
        assert not line.endswith((b" ", b"\t"))


def decoded(encoded):
    return quopri.decodestring(encoded.replace(b"\r\n", b"\n")).decode()


def test_a_single_huge_line_is_wrapped():
    encoded = piece("<td>é</td>" * 6000)
    assert max(map(len, encoded.split(b"\r\n"))) <= 76
    assert decoded(encoded) == "<td>é</td>" * 6000


# Against the standard library's own build


def built(mail, key):
    """The same letter, built by the standard library, with a header policy of one line each."""
    message = email.message.EmailMessage(policy=email.policy.SMTP.clone(max_line_length=998))
    ours = parsed(composed(key=key))
    message["Date"] = mail.date
    message["From"] = Address("Project MICROFUTURE", "news", "example.eu")
    message["To"] = Address(mail.name, addr_spec=mail.address)
    message["Subject"] = mail.letter.subject
    for name in ("Message-ID", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID"):
        message[name] = str(ours[name])
    fill = {False: lambda value: value, True: html.escape}
    for kind, segments in (("plain", mail.letter.text), ("html", mail.letter.html)):
        text = "".join(s if isinstance(s, str) else fill[kind == "html"](mail.values[s.name]) for s in segments)
        add = message.set_content if kind == "plain" else message.add_alternative
        add(text, subtype=kind, cte="quoted-printable")
    message["Content-Language"] = mail.letter.lang
    message["Auto-Submitted"] = "auto-generated"
    return message


@pytest.mark.parametrize(
    "name", ["Ana", "Ana Ionescu", "Ștefănescu, Ana", 'A "B" C', "Νίκος", "", "a@b.c", "👩‍👩‍👧"]
)
def test_it_reads_as_the_standard_librarys_own_build(name):
    mail = sample_mail(name=name, values={**sample_mail().values, "name": name})
    key = "weekly:email:1/7"
    ours = parsed(Composer(SENDER).compose(key, mail), email.policy.SMTP)
    theirs = parsed(built(mail, key).as_bytes(), email.policy.SMTP)
    assert {n.lower() for n in ours} == {n.lower() for n in theirs}
    for field in set(ours) - {"Content-Type", "Date"}:
        assert str(ours[field]) == str(theirs[field]), field
    assert ours["Date"].datetime == theirs["Date"].datetime
    pairs = list(zip(ours.walk(), theirs.walk(), strict=True))
    assert [a.get_content_type() for a, _ in pairs] == [b.get_content_type() for _, b in pairs]
    for mine, other in pairs[1:]:
        assert mine.get_content().rstrip("\r\n") == other.get_content().rstrip("\r\n")


@given(st.text(max_size=200))
def test_a_quick_piece_is_the_careful_one(text):
    quick = plain_piece(text)
    assert quick in {b"", piece(text)}
    if quick:
        assert html.escape(text) == text == headers.one_line(text)


@given(st.text(alphabet=string.ascii_letters + string.digits + ":/.-_", min_size=1, max_size=400))
def test_addresses_are_written_quickly_unless_a_line_began_with_a_dot(text):
    quick = plain_piece(text)
    assert quick == piece(text) or any(text[at] == "." for at in range(0, len(text), 75))


# The envelope


def test_a_bounce_comes_back_with_the_mark_of_its_delivery():
    sender = replace(SENDER, bounces=mailbox("bounces@mail.example.eu"), verp="+")
    mail = sample_mail(bounce="k" * 32)
    parcel = Composer(sender).parcel(sample_message(mail))
    assert parcel.sender == f"bounces+{'k' * 32}@mail.example.eu"
    assert Composer(sender).parcel(sample_message(sample_mail())).sender == "bounces@mail.example.eu"
    assert Composer(SENDER).parcel(sample_message(mail)).sender == "news@example.eu"


@pytest.mark.parametrize(
    ("provider", "field", "value"),
    [
        ("ses", "X-Dissemination-Mark", "k" * 32),
        ("postmark", "X-PM-Metadata-mark", "k" * 32),
        ("mailgun", "X-Mailgun-Variables", '{"mark":"' + "k" * 32 + '"}'),
        ("brevo", "X-Mailin-custom", "k" * 32),
    ],
)
def test_a_provider_is_given_the_mark_to_echo(provider, field, value):
    body = composed(replace(SENDER, provider=provider), bounce="k" * 32)
    assert parsed(body)[field] == value
    assert set(names_of(body)) - set(names_of(composed())) == {field}
    assert parsed(body).get_body(("plain",)).get_content() == parsed(composed()).get_body(("plain",)).get_content()


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("ana@example.org", ("ana@example.org", False)),
        ("Ana.B+c@Example.org", ("Ana.B+c@example.org", False)),
        ("josé@example.org", ("josé@example.org", True)),
        ("a@straße.example", ("a@xn--strae-oqa.example", False)),
        (f"{'a' * 64}@example.org", (f"{'a' * 64}@example.org", False)),
    ],
)
def test_addresses_for_the_wire(address, expected):
    assert on_the_wire(address) == expected


@given(st.from_regex(r"[A-Za-z0-9_+.-]{1,70}@[A-Za-z0-9.-]{1,70}", fullmatch=True))
def test_the_quick_way_takes_what_the_careful_one_takes(address):
    try:
        box = mailbox(address)
    except RejectedError:
        with pytest.raises(RejectedError):
            on_the_wire(address)
    else:
        assert on_the_wire(address) == (str(box), False)


def test_a_signed_letter_verifies_and_keeps_its_bytes():
    key = load_key(private_pem(generate_private_key(public_exponent=65537, key_size=2048)), "example.eu", "s1")
    composer = Composer(replace(SENDER, unsubscribe=mailbox("leave@example.eu")), lambda: Signer((key,)))
    for name in ("Ana", "Ștefănescu, Ana", ""):
        body = composer.compose("weekly:email:1/7", sample_mail(name=name))
        assert dkim.verify(body, dnsfunc=lambda name, timeout=5: key.record().encode())
        assert body == composer.compose("weekly:email:1/7", sample_mail(name=name))
        tampered = body.replace(b"List-Unsubscribe: <https://", b"List-Unsubscribe: <https://evil.")
        assert not dkim.verify(tampered, dnsfunc=lambda name, timeout=5: key.record().encode())


# Notices


def test_a_notice_is_marked_as_automatic():
    at = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
    composer = Composer(SENDER)
    parcel = composer.notice("k", mailbox("office@example.eu"), "2 mails failed ✗", "See the log: é\n.\n", at)
    assert (parcel.sender, parcel.recipient) == ("news@example.eu", "office@example.eu")
    message = parsed(parcel.body)
    assert message["Message-ID"] == parcel.message_id == composer.message_id("k")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Unsubscribe"] is None
    assert message["Subject"] == "2 mails failed ✗"
    assert message["Date"].datetime == at
    assert message.get_payload(decode=True).decode() == "See the log: é\r\n.\r\n"


# Addresses


@pytest.mark.parametrize(
    ("address", "wire"),
    [
        ("ana@example.org", "ana@example.org"),
        (" Ana.B+news@Example.ORG ", "Ana.B+news@example.org"),
        ("ana@straße.example", "ana@xn--strae-oqa.example"),
        ("ana@παράδειγμα.eu", "ana@xn--hxajbheg2az3al.eu"),
        ("o'neil_{x}@localhost", "o'neil_{x}@localhost"),
        ("josé@example.org", "josé@example.org"),
    ],
)
def test_addresses_go_over_the_wire(address, wire):
    assert str(mailbox(address)) == wire


@pytest.mark.parametrize(
    "address",
    [
        "", "ana", "@example.org", "ana@", "a b@example.org", "a\r\n@example.org", "ana@exa mple.org",
        "<ana@example.org>",
        "ana@example.org\r\nRCPT TO:<x@evil.test>", "ana@example.org>", '"a b"@example.org', "a..b@example.org",
        ".a@example.org", "a,b@example.org", "a;b@example.org", "a:b@example.org", "ana@-x.org", "ana@x-.org",
        "ana@[127.0.0.1]", "ana@ex_ample.org", f"{'a' * 65}@example.org", f"a@{'b' * 64}.org",
        f"{'a' * 60}@{'b.' * 100}org", "a\ud800@example.org", "ana@\ud800.org", "a\u2028b@example.org",
        "a\0@example.org",
        "ana@☃️.☃️\u200b", "x@evil.test,ana@example.org", "a@b@example.org", "ana@" + "ж" * 10_000,
    ],
    ids=lambda address: ascii(address)[:30],
)  # fmt: skip
def test_what_is_no_address_is_refused(address):
    with pytest.raises(RejectedError, match="correct it"):
        mailbox(address)
