"""Reading what comes back: codes and words, our marks, and mails made to break the reader."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dissemination.model import Returned, ReturnKind
from dissemination.returns import read_return
from dissemination.returns.marks import marks, tokens
from dissemination.returns.mime import LIMIT, fields, parts
from dissemination.returns.wording import clean, judge, telling

HARD, SOFT, BLOCKED = ReturnKind.HARD, ReturnKind.SOFT, ReturnKind.BLOCKED
MARK, OTHER = "a" * 32, "b" * 32
TOKEN = "A" * 36
SAMPLES = [path.read_bytes() for path in sorted((Path(__file__).parents[1] / "golden/data/returns").glob("*.eml"))]


# ------------------------------------------------------------------------------------------------ codes and words

REFUSALS = [
    ("5.1.1", "550 5.1.1 User unknown", HARD, "5.1.1"),
    ("5.1.10", "550 5.1.10 null MX", HARD, "5.1.10"),
    ("5.4.4", "unable to route: no mail hosts for domain", HARD, "5.4.4"),
    ("5.2.1", "550 5.2.1 The email account that you tried to reach is inactive", HARD, "5.2.1"),
    ("5.2.2", "552 5.2.2 mailbox full", SOFT, "5.2.2"),
    ("5.0.0", "552 5.2.2 quota exceeded", SOFT, "5.2.2"),
    ("", "550 Unrouteable address", HARD, ""),
    ("5.5.0", "550 5.5.0 Requested action not taken: mailbox unavailable", HARD, "5.5.0"),
    ("5.0.0", "554 delivery error: dd This user doesn't have a provider.example account", HARD, "5.0.0"),
    ("5.4.1", "550 5.4.1 Recipient address rejected: Access denied", HARD, "5.4.1"),
    ("5.7.1", "550 5.7.1 Service unavailable; client blocked using Spamhaus", BLOCKED, "5.7.1"),
    ("5.7.26", "550-5.7.26 This mail has been blocked because the sender is unauthenticated.", BLOCKED, "5.7.26"),
    ("5.1.8", "553 5.1.8 sender's domain does not resolve", BLOCKED, "5.1.8"),
    ("5.0.0", "554 rejected due to spam content", BLOCKED, "5.0.0"),
    ("5.3.4", "552 5.3.4 message too big", SOFT, "5.3.4"),
    ("4.4.7", "message expired", SOFT, "4.4.7"),
    ("4.2.2", "452 4.2.2 mailbox full", SOFT, "4.2.2"),
    ("", "421 too busy", SOFT, ""),
    ("", "550 whatever", HARD, ""),
    ("", "552 whatever", SOFT, ""),
    ("", "554 whatever", SOFT, ""),
    ("", "host 5.1.1.1 said nothing", None, ""),
    ("5.0.0", "something went wrong", None, "5.0.0"),
    ("", "", None, ""),
]


@pytest.mark.parametrize(
    ("status", "text", "kind", "code"), REFUSALS, ids=[f"{row[0]} {row[1]}" for row in REFUSALS]
)
def test_a_refusal_is_judged_by_its_code_and_then_by_its_words(status, text, kind, code):
    assert judge(status, text) == (kind, code)


def test_a_reason_is_one_short_line_without_addresses_or_control_characters():
    dirty = "550 <ana@people.example>:\r\n \x1b[31mno\x00 such\u202euser\u2028 ben@people.example," + "x" * 5000
    cleaned = clean(dirty)
    assert cleaned.startswith("550 (address): [31mno such user (address),x")
    assert cleaned.isprintable()
    assert len(cleaned) == 300


def test_the_telling_line_of_an_explanation():
    assert telling("Hello.\nI am a daemon.\n  no such user here\nBye.") == "  no such user here"
    assert telling("Hello.\nana@people.example: exited abnormally\nBye.") == "ana@people.example: exited abnormally"
    assert telling("Hello.\nBye.") == "Hello.\nBye."


# ------------------------------------------------------------------------------------------------ marks and tokens


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (f"bounces+{MARK}@news.example", (MARK,)),
        (f"<bounces={MARK.upper()}@news.example>", (MARK,)),
        (f"{MARK}@news.example", (MARK,)),
        (MARK, (MARK,)),
        (f"x{MARK}@news.example", ()),
        (f"bounces+{MARK}x@news.example", ()),
        (f"bounces+{MARK[:-1]}1@news.example", ()),
        (f"<b+{MARK}@n.example>, <b+{OTHER}@n.example>", (MARK, OTHER)),
        ("", ()),
    ],
)
def test_what_looks_like_a_mark(value, found):
    assert marks([value]) == found


def test_a_mail_full_of_marks_gives_only_a_few():
    many = [f"b+{'a' * 30}{chr(97 + n // 26)}{chr(97 + n % 26)}@n.example" for n in range(500)]
    assert len(marks(many)) == 10


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (f"<https://news.example/u/{TOKEN}>", (TOKEN,)),
        (f"<mailto:leave@news.example?subject=unsubscribe%20{TOKEN}>", (TOKEN,)),
        (f"unsubscribe {TOKEN}", (TOKEN,)),
        (f"unsubscribe {TOKEN}A", ()),
    ],
)
def test_what_looks_like_a_token(value, found):
    assert tokens([value]) == found


# ------------------------------------------------------------------------------------------------ kinds of mail


def mail(subject="", body="", **headers) -> bytes:
    facts = {"From": "ana@people.example", "To": "leave@news.example", "Subject": subject} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return "".join(f"{name}: {value}\n" for name, value in facts.items()).encode() + f"\n{body}".encode()


def report(*blocks: str, kind="message/delivery-status", to=f"b+{MARK}@news.example", original="") -> bytes:
    body = "Reporting-MTA: dns; mx.example\n\n" + "\n\n".join(blocks)
    returned = f"--x\nContent-Type: message/rfc822\n\n{original}\n" if original else ""
    return mail(
        body=f"--x\nContent-Type: {kind}\n\n{body}\n{returned}--x--\n",
        Delivered_To=to,
        Content_Type='multipart/report; boundary="x"',
    )


FAILED = "Final-Recipient: rfc822; ana@people.example\nAction: failed\nStatus: 5.1.1"


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("failed", HARD),
        ("Failed (bad address)", HARD),
        ("delayed", ReturnKind.DELAYED),
        ("delivered", ReturnKind.NOTICE),
        ("relayed", ReturnKind.NOTICE),
        ("exploded", ReturnKind.UNKNOWN),
        ("", ReturnKind.UNKNOWN),
    ],
)
def test_only_a_failure_is_a_bounce(action, kind):
    assert read_return(report(FAILED.replace("failed", action))).kind is kind


def test_the_failed_one_of_several_blocks_counts():
    later = "Final-Recipient: rfc822; ana@people.example\nAction: delayed\nStatus: 4.4.1"
    returned = read_return(report(later, FAILED))
    assert (returned.kind, returned.recipients) == (HARD, 1)


def test_several_recipients_are_counted():
    other = FAILED.replace("ana@", "ben@")
    assert read_return(report(FAILED, other)).recipients == 2


def test_an_internationalised_report_is_read_too():
    block = FAILED.replace("rfc822; ana", "utf-8; ană")
    assert read_return(report(block, kind="message/global-delivery-status")).kind is HARD


def test_a_report_in_base64_is_read_too():
    raw = (
        f"Delivered-To: b+{MARK}@news.example\nContent-Type: message/delivery-status\n"
        "Content-Transfer-Encoding: base64\n\n"
        "UmVwb3J0aW5nLU1UQTogZG5zOyBteAoKRmluYWwtUmVjaXBpZW50OiByZmM4MjI7IGEKQWN0aW9uOiBmYWlsZWQKU3RhdHVzOiA1LjEuMQo=\n"
    )
    returned = read_return(raw.encode())
    assert (returned.kind, returned.marks) == (HARD, (MARK,))


def test_a_report_inside_a_returned_message_is_not_about_us():
    inner = report(FAILED).decode().replace("--x", "--y").replace('"x"', '"y"')
    returned = read_return(report("Final-Recipient: rfc822; x\nAction: delayed", original=inner))
    assert returned.kind is ReturnKind.DELAYED
    assert returned.marks == (MARK,)


def test_marks_are_heard_only_in_headers_of_the_addressee_and_of_the_returned_message():
    original = (
        f"Return-Path: <b+{OTHER}@news.example>\nSubject: b+{'c' * 32}@news.example\n\nb+{'d' * 32}@news.example"
    )
    returned = read_return(report(FAILED + f"\nX-Mark: b+{'e' * 32}@news.example", original=original))
    assert (returned.marks, returned.echoes) == ((MARK,), (OTHER,))


def test_the_envelopes_recipient_may_be_given():
    returned = read_return(report(FAILED, to="postmaster@news.example"), to=f"b+{MARK}@news.example")
    assert returned.marks == (MARK,)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("abuse", ReturnKind.COMPLAINT),
        ("Fraud", ReturnKind.COMPLAINT),
        ("not-spam", ReturnKind.NOTICE),
        ("auth-failure", ReturnKind.NOTICE),
        ("novelty", ReturnKind.UNKNOWN),
        ("", ReturnKind.UNKNOWN),
    ],
)
def test_feedback_by_its_type(word, kind):
    raw = mail(
        body=f"--x\nContent-Type: message/feedback-report\n\nFeedback-Type: {word}\nVersion: 1\n--x--\n",
        Content_Type="multipart/report; boundary=x",
    )
    assert read_return(raw).kind is kind


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Auto_Submitted": "auto-generated"},
        {"X_Autoreply": "yes"},
        {"Precedence": "auto_reply"},
        {"Subject": "Out of office: back on Monday"},
        {"Subject": "Automatic reply: The third meeting"},
        {"Subject": "=?utf-8?Q?Automatisch?= Antwort"},
        {"Subject": "Abwesenheitsnotiz"},
        {"Subject": "Please verify your message"},
    ],
    ids=str,
)
def test_machines_that_answer_for_people_ask_for_nothing(headers):
    quoting = f"Unsubscribe: https://news.example/u/{TOKEN}"
    returned = read_return(mail(body=quoting, **headers))
    assert (returned.kind, returned.tokens) == (ReturnKind.AUTO_REPLY, ())


REQUESTS = {
    "link": (mail(f"unsubscribe {TOKEN}"), (TOKEN,)),
    "link, not decoded": (mail(f"unsubscribe%20{TOKEN}"), (TOKEN,)),
    "link, sent by a machine": (mail(f"unsubscribe {TOKEN}", Auto_Submitted="auto-generated"), (TOKEN,)),
    "link, encoded word": (mail(f"=?utf-8?Q?unsubscribe_{TOKEN}?="), (TOKEN,)),
    "address": (mail("bye", To=f"leave+{TOKEN}@news.example"), (TOKEN,)),
    "words above a quotation": (mail("Re: News", f"Unsubscribe me\n> https://n.example/u/{TOKEN}"), (TOKEN,)),
    "subject above a quotation": (mail("Re: unsubscribe", f"thanks\n> https://n.example/u/{TOKEN}"), (TOKEN,)),
    "without a token": (mail("unsubscribe", "please"), ()),
}


@pytest.mark.parametrize(("raw", "found"), REQUESTS.values(), ids=REQUESTS)
def test_requests_that_say_so(raw, found):
    returned = read_return(raw)
    assert (returned.kind, returned.tokens) == (ReturnKind.UNSUBSCRIBE, found)


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("Re: News", f"How nice!\n> https://n.example/u/{TOKEN}"),
        ("Never unsubscribe me", f"> https://n.example/u/{TOKEN}"),
        ("Re: News", f"\n\n> unsubscribe: https://n.example/u/{TOKEN}"),
        ("unsubscribed people, a question", f"https://n.example/u/{TOKEN}"),
    ],
)
def test_an_answer_that_quotes_the_letter_asks_for_nothing(subject, body):
    assert read_return(mail(subject, body)).kind is ReturnKind.UNKNOWN


def test_a_server_without_a_standard_report_is_understood_by_its_words():
    body = (
        "Hi. This is the qmail-send program at mx.example.\n"
        "I'm afraid I wasn't able to deliver your message to the following addresses.\n\n"
        "<ana@people.example>:\nUser and password not set, continuing without authentication.\n"
        "192.0.2.1 failed after I sent the message.\nRemote host said: 552 5.2.2 Mailbox full\n\n--- Below\n"
    )
    returned = read_return(mail("failure notice", body, From="MAILER-DAEMON@mx.example"))
    assert (returned.kind, returned.status) == (SOFT, "5.2.2")


def test_words_alone_of_a_person_are_no_bounce():
    body = "<ana@people.example>:\nSorry, no mailbox here by that name. (#5.1.1)\n"
    assert read_return(mail("hello", body)).kind is ReturnKind.UNKNOWN


# ------------------------------------------------------------------------------------------------ hostile mails


def nested(levels: int, kind: str) -> bytes:
    raw = b"Content-Type: text/plain\n\nx"
    for level in range(levels):
        if kind == "message":
            raw = b"Content-Type: message/rfc822\n\n" + raw
        else:
            raw = b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (level, level) + raw
    return raw[-LIMIT:] if len(raw) > LIMIT else raw


BOMBS = {
    "nested messages": nested(20_000, "message"),
    "nested parts": nested(10_000, "multipart"),
    "many parts": b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\na\n" * 120_000,
    "many boundaries of the same name": nested(1, "multipart") + b"--0\n" * 200_000,
    "one long header": b"Subject: " + b"a" * LIMIT,
    "many headers": b"X: y\n" * 200_000,
    "folded for ever": b"Subject: a\n" + b" b\n" * 300_000,
    "nothing but blank lines": b"\n" * LIMIT,
    "blocks without end": report(*([FAILED] * 9_000)),
    "a subject of encoded words": b"Subject: " + b"=?utf-8?Q?a?= " * 60_000,
    "addresses without end": mail("x", "a@" * 400_000, From="mailer-daemon@x"),
    "angles without end": mail("Undeliverable", "<" * 500_000, Content_Type="text/html"),
    "daemon with long lines": mail("Undeliverable", "Remote host said: 5" * 50_000, From="mailer-daemon@x"),
    "base64": mail("x", "A" * 900_000, Content_Transfer_Encoding="base64"),
    "quoted-printable": mail("x", "=\n" * 450_000, Content_Transfer_Encoding="quoted-printable"),
    "marks": mail("x", "", To=f"<b+{MARK}@x>, " * 20_000),
    "NULs": b"\0" * LIMIT,
    "eight bits": bytes(range(256)) * 3_900,
}


@pytest.mark.parametrize("raw", BOMBS.values(), ids=BOMBS)
def test_no_mail_takes_long(raw):
    start = time.process_time()
    returned = read_return(raw)
    assert time.process_time() - start < 2  # of this process alone, and with room for a slow machine
    assert isinstance(returned, Returned)


def test_the_bounds_of_the_walk():
    assert len(parts(nested(1_000, "message"))) == 21
    assert len(parts(BOMBS["many parts"])) == 50
    assert len(fields(BOMBS["many headers"])) == 500


@pytest.mark.parametrize(
    "header",
    [
        "Content-Type: text/plain; charset=no-such-charset",
        "Content-Type: text/plain; charset*=utf-8''%FF",
        "Content-Type: text/plain; charset=\x00",
        "Content-Type: text/plain; charset=idna",
        "Content-Type: text/plain; charset=zlib",
        "Content-Type: multipart/mixed; boundary*=x'y'%FF%00",
        "Content-Type: multipart/mixed; boundary*0=a; boundary*2=c",
        "Content-Type: multipart/mixed",
        "Content-Type: ;;;",
        "Content-Type:",
        "Content-Transfer-Encoding: base64",
        "Content-Transfer-Encoding: x-uuencode",
        "Subject: =?no-such?Q?a?= =?utf-8?B?!?=",
        "Subject: =?utf-8?B?A?=",
        "Subject: =?utf-8?q?=ED=A0=80?=",
    ],
)
def test_junk_in_headers_is_survived(header):
    assert read_return(f"{header}\n\nsome words\xff".encode("latin-1")).kind is ReturnKind.UNKNOWN


@st.composite
def mutated(draw) -> bytes:
    """A real sample with pieces exchanged, doubled, cut, or filled with bytes of any kind."""
    raw = bytearray(draw(st.sampled_from(SAMPLES)))
    for _ in range(draw(st.integers(1, 8))):
        start = draw(st.integers(0, len(raw)))
        end = draw(st.integers(start, min(start + 200, len(raw))))
        other = draw(st.sampled_from(SAMPLES))
        where = draw(st.integers(0, len(other)))
        piece = draw(
            st.one_of(
                st.binary(max_size=30), st.just(bytes(raw[start:end]) * 2), st.just(other[where : where + 300])
            )
        )
        raw[start:end] = piece
    return bytes(raw)


@given(mutated())
@settings(max_examples=300, deadline=None)
def test_no_mutation_of_a_real_mail_breaks_the_reader(raw):
    returned = read_return(raw)
    for words in (returned.reason, returned.reporter, returned.message_id, returned.status):
        assert words.isprintable()
        assert len(words) <= 300
    assert len(returned.marks) <= 10


@given(st.binary(max_size=2_000))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_a_mail_of_some_kind(raw):
    assert read_return(raw).kind in ReturnKind
