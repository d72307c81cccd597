"""Amazon SES by way of SNS (https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html).

The secret HOOK_SES is the ARN of your topic: anybody may sign messages of a topic of their own. The mark comes
back in the envelope's sender (`mail.source`), or in X-Dissemination-Mark where the topic
includes the original headers.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from dissemination.model import Returned, ReturnKind
from dissemination.returns.hooks.checking import Post, inner, word
from dissemination.returns.marks import marks
from dissemination.returns.wording import clean, judge

# Kinds

#: `bounceType` (https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html).
_BOUNCES = {
    "Permanent": ReturnKind.HARD,
    "Transient": ReturnKind.SOFT,
    "Undetermined": ReturnKind.SOFT,
}
#: `bounceType`, `bounceSubType`: what says nothing about the person.
_OTHERS = {
    ("Transient", "ContentRejected"): ReturnKind.BLOCKED,
    ("Transient", "AttachmentRejected"): ReturnKind.BLOCKED,
    ("Transient", "MessageTooLarge"): ReturnKind.BLOCKED,
}
_FEEDBACK = {"not-spam": ReturnKind.NOTICE, "auth-failure": ReturnKind.NOTICE}

# Proof

#: Only Amazon's own hosts, and only their certificates' paths: the address stands in a stranger's post.
_CERTIFICATE = re.compile(
    r"https://sns\.[a-z]{2}(?:-[a-z]+)+-[0-9]\.amazonaws\.com(?:\.cn)?/SimpleNotificationService-[0-9a-f]{32}\.pem"
)
#: Type -> the fields that are signed, in this order.
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message",
        "MessageId",
        "SubscribeURL",
        "Timestamp",
        "Token",
        "TopicArn",
        "Type",
    ),
}
_HASHES: Mapping[str, type[hashes.HashAlgorithm]] = {"1": hashes.SHA1, "2": hashes.SHA256}


def _check(post: Post, envelope: Any) -> None:
    if not hmac.compare_digest(word(envelope, "TopicArn").encode("utf-8", "replace"), post.secret.encode()):
        raise post.forged("it is of another topic than the secret HOOK_SES names")
    names = _SIGNED.get(word(envelope, "Type"), ())
    signed = "".join(f"{name}\n{envelope[name]}\n" for name in names if isinstance(envelope.get(name), str))
    address, algorithm = word(envelope, "SigningCertURL"), _HASHES.get(word(envelope, "SignatureVersion"))
    if not signed or algorithm is None or not _CERTIFICATE.fullmatch(address):
        raise post.forged("it is not signed by Amazon")
    try:
        key = x509.load_pem_x509_certificate(post.fetch(address)).public_key()
        signature = base64.b64decode(word(envelope, "Signature"), validate=True)
        if not isinstance(key, rsa.RSAPublicKey):
            raise post.forged("its certificate has no RSA key")
        key.verify(signature, signed.encode("utf-8", "surrogatepass"), padding.PKCS1v15(), algorithm())
    except (InvalidSignature, ValueError, binascii.Error):
        raise post.forged("the signature is wrong") from None
    post.check_fresh(_moment(post, word(envelope, "Timestamp")))


def _moment(post: Post, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise post.forged("the signature's time is none") from None


# Events


def parse(post: Post) -> Sequence[Returned]:
    """The events of one post. A question to confirm the subscription is kept for the officer, never followed.

    Raises:
        ForgedError: the signature is wrong or old, or it is another topic.
        UnavailableError: the certificate cannot be fetched now; answer 503, and Amazon repeats it.
    """
    envelope = post.data()
    _check(post, envelope)
    number = word(envelope, "MessageId")
    if word(envelope, "Type") == "SubscriptionConfirmation":
        said = "Amazon asks to confirm the subscription: visit the SubscribeURL that `bounces show` prints"
        return [Returned(kind=ReturnKind.UNKNOWN, reason=said, reporter="Amazon SES", once=number)]
    try:
        told = json.loads(envelope["Message"])
    except (KeyError, ValueError, RecursionError):
        return []  # Amazon's own greetings are plain words
    kind = word(told, "notificationType") or word(told, "eventType")
    read = _EVENTS.get(kind)
    return [read(told, number)] if read else []


def _bounce(told: Any, number: str) -> Returned:
    bounce = inner(told, "bounce")
    people = inner(bounce, "bouncedRecipients")
    person = people[0] if isinstance(people, list) and people else {}
    said = word(person, "diagnosticCode") or word(bounce, "bounceSubType")
    judged, code = judge(word(person, "status"), said)
    types = word(bounce, "bounceType"), word(bounce, "bounceSubType")
    kind = _OTHERS.get(types) or _BOUNCES.get(types[0], ReturnKind.UNKNOWN)
    # Amazon calls a refusal because of the sender permanent, too.
    if types == ("Permanent", "General") and judged:
        kind = judged
    return _returned(told, number, kind, status=code, said=said, recipients=_count(people))


def _complaint(told: Any, number: str) -> Returned:
    complaint = inner(told, "complaint")
    word_ = word(complaint, "complaintFeedbackType")
    kind = _FEEDBACK.get(word_, ReturnKind.COMPLAINT)
    people = _count(inner(complaint, "complainedRecipients"))
    return _returned(told, number, kind, status="", said=f"feedback: {word_ or 'none'}", recipients=people)


def _count(people: Any) -> int:
    return len(people) if isinstance(people, list) and people else 1


def _returned(  # noqa: PLR0913 - the facts of one event
    told: Any, number: str, kind: ReturnKind, *, status: str, said: str, recipients: int
) -> Returned:
    mail = inner(told, "mail")
    listed = inner(mail, "headers")
    headers = [word(header, "value") for header in listed or () if word(header, "name").lower() in _OURS]
    return Returned(
        kind=kind,
        echoes=marks([word(mail, "source"), *headers]),
        recipients=recipients,
        status=status,
        reason=clean(said),
        reporter="Amazon SES",
        message_id=clean(word(mail, "messageId"), 100),
        once=number,
    )


_OURS = frozenset({"x-dissemination-mark", "return-path"})
_EVENTS = {"Bounce": _bounce, "Complaint": _complaint}
