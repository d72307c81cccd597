"""Webhooks: what proves a post, what it means, and how it is known whom it concerns."""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from dissemination.errors import ForgedError, UnavailableError
from dissemination.model import ReturnKind
from dissemination.returns import make_hooks

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
MARK = "a" * 32
SECRETS = {
    "HOOK_SES": "arn:aws:sns:eu-central-1:111122223333:bounces",
    "HOOK_POSTMARK": "postmark:long and random",
    "HOOK_MAILGUN": "key-of-the-webhooks",
    "HOOK_BREVO": "token-of-the-webhook",
}
CERTIFICATE = f"https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-{'0' * 32}.pem"


def certified(key) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="module")
def amazon():
    """(key, certificate in PEM)"""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key, certified(key)


@pytest.fixture
def hooks(amazon):
    fetched: list[str] = []

    def fetch(url):
        fetched.append(url)
        return amazon[1]

    made = dict(make_hooks(SECRETS.get, lambda: NOW, fetch))
    made["fetched"] = fetched
    return made


def read(hooks, provider, post, **headers):
    body = post if isinstance(post, bytes) else json.dumps(post).encode()
    return hooks[provider](headers or {}, body)


# ------------------------------------------------------------------------------------------------ Postmark

BASIC = {"Authorization": "Basic " + base64.b64encode(SECRETS["HOOK_POSTMARK"].encode()).decode()}
POSTMARK = {
    "RecordType": "Bounce",
    "ID": 4323372036854775807,
    "Type": "HardBounce",
    "TypeCode": 1,
    "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
    "Description": "The server was unable to deliver your message (ex: unknown user, mailbox not found).",
    "Details": "smtp;550 5.1.1 <ana@people.example> unknown \x1b[31m",
    "Email": "ana@people.example",
    "BouncedAt": "2026-11-16T09:00:00Z",
    "Metadata": {"mark": MARK},
}


LEFT = {"RecordType": "SubscriptionChange", "SuppressSending": True, "Origin": "Recipient"}


def test_postmark_tells_of_a_bounce(hooks):
    [found] = hooks["postmark"](BASIC, json.dumps(POSTMARK).encode())
    assert (found.kind, found.echoes, found.status) == (ReturnKind.HARD, (MARK,), "5.1.1")
    assert found.reason == "smtp;550 5.1.1 (address) unknown [31m"
    assert found.once.startswith("Bounce 4323372036854775807")


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        ({"Type": "SoftBounce"}, [ReturnKind.SOFT]),
        ({"Type": "Transient"}, [ReturnKind.DELAYED]),
        ({"Type": "Blocked"}, [ReturnKind.BLOCKED]),
        ({"Type": "AutoResponder"}, [ReturnKind.AUTO_REPLY]),
        ({"Type": "SpamComplaint", "RecordType": "SpamComplaint"}, [ReturnKind.COMPLAINT]),
        ({"Type": "SomethingNew"}, [ReturnKind.UNKNOWN]),
        ({"RecordType": "Open"}, []),
        (LEFT, [ReturnKind.UNSUBSCRIBE]),
        (LEFT | {"SuppressSending": False}, []),
        (LEFT | {"Origin": "Customer"}, []),
    ],
    ids=str,
)
def test_postmarks_kinds(hooks, change, kinds):
    assert [found.kind for found in hooks["postmark"](BASIC, json.dumps(POSTMARK | change).encode())] == kinds


# ------------------------------------------------------------------------------------------------ Brevo

BREVO = {
    "event": "hard_bounce",
    "email": "ana@people.example",
    "id": 1,
    "date": "2026-11-16 09:00:00",
    "ts_event": 1794819600,
    "message-id": "<202611160900.1@smtp-relay.mailin.fr>",
    "X-Mailin-custom": MARK,
    "reason": "550 5.1.1 unknown recipient <ana@people.example>",
}


@pytest.mark.parametrize(
    "authorization",
    ["Bearer token-of-the-webhook", "bearer token-of-the-webhook"],
)
def test_brevo_tells_of_a_bounce(hooks, authorization):
    [found] = read(hooks, "brevo", BREVO, AUTHORIZATION=authorization)
    assert (found.kind, found.echoes, found.status) == (ReturnKind.HARD, (MARK,), "5.1.1")
    assert "@" not in found.reason


@pytest.mark.parametrize(
    ("event", "kinds"),
    [
        ("soft_bounce", [ReturnKind.SOFT]),
        ("invalid_email", [ReturnKind.HARD]),
        ("blocked", [ReturnKind.BLOCKED]),
        ("spam", [ReturnKind.COMPLAINT]),
        ("unsubscribed", [ReturnKind.UNSUBSCRIBE]),
        ("deferred", [ReturnKind.DELAYED]),
        ("delivered", []),
        ("unique_opened", []),
        (None, []),
        ([], []),
    ],
    ids=str,
)
def test_brevos_kinds(hooks, event, kinds):
    found = read(hooks, "brevo", BREVO | {"event": event}, authorization="Bearer token-of-the-webhook")
    assert [each.kind for each in found] == kinds


def test_brevos_batches(hooks):
    found = read(hooks, "brevo", [BREVO, 3, BREVO | {"email": "b"}], authorization="Bearer token-of-the-webhook")
    assert len({each.once for each in found}) == 2


# ------------------------------------------------------------------------------------------------ Mailgun


def mailgun(moment=NOW, key=SECRETS["HOOK_MAILGUN"], token="t" * 50, **event):
    stamp = str(int(moment.timestamp()))
    facts = {
        "event": "failed",
        "severity": "permanent",
        "recipient": "ana@people.example",
        "message": {"headers": {"message-id": "abc@news.example"}},
        "user-variables": {"mark": MARK},
        "delivery-status": {"code": 550, "enhanced-code": "5.1.1", "message": "No such user <ana@people.example>"},
    } | event
    signature = hmac.digest(key.encode(), f"{stamp}{token}".encode(), sha256).hex()
    return {"signature": {"timestamp": stamp, "token": token, "signature": signature}, "event-data": facts}


def test_mailgun_tells_of_a_bounce(hooks):
    [found] = read(hooks, "mailgun", mailgun())
    assert (found.kind, found.echoes, found.status, found.once) == (ReturnKind.HARD, (MARK,), "5.1.1", "t" * 50)
    assert found.reason == "550 No such user (address)"


@pytest.mark.parametrize(
    ("event", "kinds"),
    [
        ({"severity": "temporary"}, [ReturnKind.DELAYED]),
        ({"event": "complained", "severity": ""}, [ReturnKind.COMPLAINT]),
        ({"event": "unsubscribed", "severity": None}, [ReturnKind.UNSUBSCRIBE]),
        ({"event": "delivered", "severity": ""}, []),
        ({"delivery-status": {"code": 552, "message": "mailbox full"}}, [ReturnKind.SOFT]),
        ({"delivery-status": {"code": 550, "message": "5.7.1 blocked as spam"}}, [ReturnKind.BLOCKED]),
        ({"delivery-status": {}}, [ReturnKind.SOFT]),
        ({"delivery-status": 3}, [ReturnKind.SOFT]),
    ],
    ids=str,
)
def test_mailguns_kinds(hooks, event, kinds):
    assert [found.kind for found in read(hooks, "mailgun", mailgun(**event))] == kinds


FORGED_MAILGUN = {
    "another key": mailgun(key="guessed"),
    "too old": mailgun(moment=NOW - timedelta(minutes=16)),
    "of the future": mailgun(moment=NOW + timedelta(minutes=16)),
    "no signature": {"event-data": mailgun()["event-data"]},
    "an empty token": mailgun(token=""),
    "the signature of another token": mailgun() | {"signature": mailgun()["signature"] | {"token": "other"}},
    "a time that is none": {
        "signature": {
            "timestamp": "soon",
            "token": "x",
            "signature": hmac.digest(SECRETS["HOOK_MAILGUN"].encode(), b"soonx", sha256).hex(),
        }
    },
    "a signature of a strange kind": {"signature": {"timestamp": 1, "token": "x", "signature": "\ud800"}},
}


@pytest.mark.parametrize("post", FORGED_MAILGUN.values(), ids=FORGED_MAILGUN)
def test_a_post_that_mailgun_did_not_sign_now_is_refused(hooks, post):
    with pytest.raises(ForgedError, match="nothing was changed"):
        read(hooks, "mailgun", post)


# ------------------------------------------------------------------------------------------------ Amazon SES

BOUNCE = {
    "notificationType": "Bounce",
    "bounce": {
        "bounceType": "Permanent",
        "bounceSubType": "General",
        "bouncedRecipients": [
            {
                "emailAddress": "ana@people.example",
                "action": "failed",
                "status": "5.1.1",
                "diagnosticCode": "smtp; 550 5.1.1 user unknown",
            }
        ],
        "timestamp": "2026-11-16T09:00:00.000Z",
    },
    "mail": {"source": f"bounces+{MARK}@news.example", "messageId": "0102", "destination": ["ana@people.example"]},
}
COMPLAINT = {
    "notificationType": "Complaint",
    "complaint": {"complainedRecipients": [{"emailAddress": "x"}], "complaintFeedbackType": "abuse"},
    "mail": BOUNCE["mail"],
}


def sns(amazon, message=None, version="2", **changes):
    """A post as Amazon signs it; `changes` are made before the signature."""
    facts = {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": SECRETS["HOOK_SES"],
        "Message": message if isinstance(message, str) else json.dumps(message or BOUNCE),
        "Timestamp": "2026-11-16T09:00:00.000Z",
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE,
    } | changes
    if facts["Type"] == "Notification":
        names = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
    else:
        names = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
    signed = "".join(f"{name}\n{facts[name]}\n" for name in names if name in facts).encode()
    algorithm = hashes.SHA256() if version == "2" else hashes.SHA1()
    facts["Signature"] = base64.b64encode(amazon[0].sign(signed, padding.PKCS1v15(), algorithm)).decode()
    return facts


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("more", [{}, {"Subject": "Amazon SES Email Event Notification"}], ids=["", "subject"])
def test_ses_tells_of_a_bounce(hooks, amazon, version, more):
    [found] = read(hooks, "ses", sns(amazon, version=version, **more))
    assert (found.kind, found.echoes, found.status) == (ReturnKind.HARD, (MARK,), "5.1.1")
    assert found.once == "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324"
    assert hooks["fetched"] == [CERTIFICATE]


def with_bounce(**changes):
    return BOUNCE | {"bounce": BOUNCE["bounce"] | changes}


TWO = BOUNCE["bounce"]["bouncedRecipients"] * 2
BLOCKED_BY = [{"status": "5.7.1", "diagnosticCode": "smtp; 550 5.7.1 blocked by reputation"}]


@pytest.mark.parametrize(
    ("message", "kinds"),
    [
        (with_bounce(bounceType="Transient", bounceSubType="MailboxFull"), [ReturnKind.SOFT]),
        (with_bounce(bounceType="Transient", bounceSubType="ContentRejected"), [ReturnKind.BLOCKED]),
        (with_bounce(bounceType="Undetermined"), [ReturnKind.SOFT]),
        (with_bounce(bounceType="Permanent", bounceSubType="Suppressed"), [ReturnKind.HARD]),
        (with_bounce(bouncedRecipients=BLOCKED_BY), [ReturnKind.BLOCKED]),
        (with_bounce(bounceType="Novel"), [ReturnKind.UNKNOWN]),
        (COMPLAINT, [ReturnKind.COMPLAINT]),
        (COMPLAINT | {"complaint": {"complaintFeedbackType": "not-spam"}}, [ReturnKind.NOTICE]),
        (COMPLAINT | {"complaint": 3}, [ReturnKind.COMPLAINT]),
        (BOUNCE | {"notificationType": None, "eventType": "Bounce"}, [ReturnKind.HARD]),
        ({"notificationType": "Delivery"}, []),
        ("Successfully validated SNS topic for Amazon SES event publishing.", []),
        ("[" * 100_000, []),
        ("[1]", []),
    ],
    ids=lambda value: str(value)[:60],
)
def test_amazons_kinds(hooks, amazon, message, kinds):
    assert [found.kind for found in read(hooks, "ses", sns(amazon, message))] == kinds


def test_an_event_of_several_recipients_says_so(hooks, amazon):
    [found] = read(hooks, "ses", sns(amazon, with_bounce(bouncedRecipients=TWO)))
    assert found.recipients == 2


def test_the_mark_may_come_back_in_a_header(hooks, amazon):
    headers = [{"name": "X-Dissemination-Mark", "value": "b" * 32}, {"name": "Subject", "value": "c" * 32}, "odd"]
    mail = {"source": "news@news.example", "headers": headers}
    [found] = read(hooks, "ses", sns(amazon, BOUNCE | {"mail": mail}))
    assert found.echoes == ("b" * 32,)


def test_the_question_to_confirm_is_kept_and_not_followed(hooks, amazon):
    post = sns(
        amazon,
        "You have chosen to subscribe",
        Type="SubscriptionConfirmation",
        Token="2336412f37",
        SubscribeURL="https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=2336412f37",
    )
    [found] = read(hooks, "ses", post)
    assert found.kind is ReturnKind.UNKNOWN
    assert "bounces show" in found.reason
    assert hooks["fetched"] == [CERTIFICATE]


def changed(name, value):
    return lambda amazon: sns(amazon) | {name: value}


FORGED_SES = {
    "another message": changed("Message", json.dumps(COMPLAINT)),
    "another id": changed("MessageId", "x"),
    "no signature": changed("Signature", ""),
    "a signature that is no base64": changed("Signature", "!"),
    "another topic, rightly signed": lambda amazon: sns(amazon, TopicArn="arn:aws:sns:eu-central-1:9:theirs"),
    "a version that does not exist": changed("SignatureVersion", "3"),
    "the other version": changed("SignatureVersion", "1"),
    "an unknown type": lambda amazon: sns(amazon, Type="Novel"),
    "too old": lambda amazon: sns(amazon, Timestamp="2026-11-16T08:00:00.000Z"),
    "a time that is none": lambda amazon: sns(amazon, Timestamp="soon"),
    "no object": lambda amazon: [1, 2],
}


@pytest.mark.parametrize("post", FORGED_SES.values(), ids=FORGED_SES)
def test_a_post_that_amazon_did_not_sign_now_for_us_is_refused(hooks, amazon, post):
    with pytest.raises(ForgedError, match="nothing was changed"):
        read(hooks, "ses", post(amazon))


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-central-1.amazonaws.com/SimpleNotificationService-" + "0" * 32 + ".pem",
        "https://sns.eu-central-1.amazonaws.com.evil.example/SimpleNotificationService-" + "0" * 32 + ".pem",
        "https://evil.example/SimpleNotificationService-" + "0" * 32 + ".pem",
        "https://evil.example#sns.eu-central-1.amazonaws.com/SimpleNotificationService-" + "0" * 32 + ".pem",
        "https://x@sns.eu-central-1.amazonaws.com/SimpleNotificationService-" + "0" * 32 + ".pem",
        "https://sns.eu-central-1.amazonaws.com:8443/SimpleNotificationService-" + "0" * 32 + ".pem",
        "https://sns.eu-central-1.amazonaws.com/../bucket/SimpleNotificationService-" + "0" * 32 + ".pem",
        "https://bucket.s3.amazonaws.com/SimpleNotificationService-" + "0" * 32 + ".pem",
        "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-" + "0" * 32 + ".pem\n",
        "file:///etc/passwd",
        "",
    ],
)
def test_only_amazons_certificates_are_fetched(hooks, amazon, url):
    with pytest.raises(ForgedError, match="not signed by Amazon"):
        read(hooks, "ses", sns(amazon, SigningCertURL=url))
    assert hooks["fetched"] == []


@pytest.mark.parametrize(
    "certificate",
    [b"", b"junk", certified(ec.generate_private_key(ec.SECP256R1()))],
    ids=["empty", "junk", "no RSA"],
)
def test_a_certificate_that_is_none_proves_nothing(amazon, certificate):
    made = make_hooks(SECRETS.get, lambda: NOW, lambda url: certificate)
    with pytest.raises(ForgedError):
        made["ses"]({}, json.dumps(sns(amazon)).encode())


def test_a_certificate_that_cannot_be_had_now_is_no_forgery(amazon):
    def fetch(url):
        raise UnavailableError("hooks: not now")

    with pytest.raises(UnavailableError):
        make_hooks(SECRETS.get, lambda: NOW, fetch)["ses"]({}, json.dumps(sns(amazon)).encode())


# ------------------------------------------------------------------------------------------------ all of them

PROVIDERS = ("ses", "postmark", "mailgun", "brevo")


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic",
        "Basic !",
        "Basic " + base64.b64encode(b"postmark:guess").decode(),
        "Bearer guess",
        "Bearer",
        "Bearer ",
        "Digest long and random",
        "Basic \xff",
        "Bearer \ud800",
    ],
)
@pytest.mark.parametrize("provider", ["postmark", "brevo"])
def test_a_wrong_authorization_is_refused(hooks, provider, authorization):
    with pytest.raises(ForgedError, match="does not carry the secret"):
        hooks[provider]({"Authorization": authorization}, json.dumps(POSTMARK).encode())


@pytest.mark.parametrize("provider", PROVIDERS)
def test_without_a_secret_nothing_is_taken(provider):
    made = make_hooks({}.get, lambda: NOW, lambda url: b"")
    with pytest.raises(ForgedError, match=f"DISSEMINATION_HOOK_{provider.upper()}"):
        made[provider]({}, b"{}")


BODIES = {
    "nothing": b"",
    "no JSON": b"{",
    "no UTF-8": b"\xff\xfe\x00",
    "too large": b'"' + b"x" * 1_000_001 + b'"',
    "nested without end": b"[" * 200_000,
    "a number without end": b"9" * 10_000,
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_body_that_is_none_is_refused(hooks, provider, body):
    authorization = BASIC["Authorization"] if provider == "postmark" else "Bearer token-of-the-webhook"
    with pytest.raises(ForgedError):
        hooks[provider]({"Authorization": authorization}, body)


@pytest.mark.parametrize("value", [None, True, 3, -1.5, "x", "\ud800", [], [[]], {}, {"a": {}}], ids=str)
@pytest.mark.parametrize("name", ["Metadata", "Type", "Details", "MessageID", "ID", "RecordType"])
def test_values_of_any_kind_are_survived(hooks, name, value):
    body = json.dumps(POSTMARK | {name: value}).encode()
    for found in hooks["postmark"](BASIC, body):
        assert found.reason.isprintable()
        found.once.encode("utf-8", "replace")
        assert replace(found, kind=ReturnKind.UNKNOWN).recipients == 1
