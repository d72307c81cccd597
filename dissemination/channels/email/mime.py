"""Letters as the bytes of messages (RFC 5322, RFC 2045): composed once an edition and language, spliced per person.

What every copy shares is a `_Mould` of ready bytes: header lines, encoded parts, and the holes between them. Per
person there is no template, no email package and no encoding but that of the person's own few words. The same key
gives the same bytes: the Message-ID comes from it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from hashlib import sha256

from dissemination.channels.email import headers
from dissemination.channels.email.addresses import Mailbox, on_the_wire
from dissemination.channels.email.dkim import Signer, Stencil, sign_message
from dissemination.channels.email.quoting import piece, plain_piece
from dissemination.channels.email.session import Parcel
from dissemination.errors import RejectedError
from dissemination.model import Mail, Message, Segments, Slot

_ADDRESS = re.compile(r"https?://[!-;=?-~]+")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_NO_LETTER = re.compile(r"[^a-z0-9]+")
#: Moulds that are kept: the languages of the editions that are under way.
_MOULDS = 32
#: RFC 5322, 2.1.1.
_LINE = 998
#: Characters of a sender id in Feedback-ID: support.google.com/a/answer/6254652.
_SENDER_ID = (5, 15)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sender:
    """What every mail of a channel says of its sender."""

    box: Mailbox
    name: str = ""
    reply_to: Mailbox | None = None
    #: One List-Id for every mail; "": made from the mail's list and the sender's domain.
    list_id: str = ""
    #: Takes unsubscriptions by mail.
    unsubscribe: Mailbox | None = None
    #: Where bounces go, and what parts its local part from the mark of a delivery; "": no marks.
    bounces: Mailbox | None = None
    verp: str = ""
    #: Sender id in Feedback-ID; "": made from the sender's domain.
    feedback_id: str = ""
    #: Whose webhooks tell of bounces: names the header in which that provider echoes our mark; "": none.
    provider: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Mould:
    """Ready bytes: the head in pieces, between which the person's own header values stand."""

    head: tuple[bytes, ...]
    #: The body: bytes, and numbers of names, for values that are the same in plain text and in HTML.
    body: tuple[bytes | int, ...]
    names: tuple[str, ...]
    #: How each number in `body` is written where a value needs care.
    care: tuple[Callable[[str], bytes], ...]
    stencil: Stencil | None

    def careful(self, values: Sequence[str]) -> list[bytes]:
        """The body with values that are written differently in plain text and in HTML."""
        how = iter(self.care)
        return [part if isinstance(part, bytes) else next(how)(values[part]) for part in self.body]


class Composer:
    """Writes messages of one sender.

    Args:
        sender: who sends.
        signer: gives the keys to sign with, asked when the first letter is made; None: mail is not signed.
    """

    def __init__(self, sender: Sender, signer: Callable[[], Signer | None] = lambda: None) -> None:
        self._sender, self._signer = sender, signer
        self._envelope = sender.bounces or sender.box
        self._echo = _ECHOES.get(sender.provider)
        #: By edition, letter, date, list, test and scheme of the unsubscribe address.
        self._moulds: dict[tuple[object, ...], _Mould] = {}
        #: What the last personal addresses began with: it was looked at already.
        self._base = ""

    def parcel(self, message: Message) -> Parcel:
        """A message ready for the wire.

        Raises:
            RejectedError: no letter, a hole without a value, an address that is none, or a header that would not
                be ours.
            NeedsLoginError: a key to sign with cannot be read.
        """
        mail = message.body
        if not isinstance(mail, Mail):
            raise RejectedError("email: carries letters only; plan this for another channel")
        recipient, utf8 = on_the_wire(mail.address)
        digest = _digest(message.key)
        return Parcel(
            message.key,
            self.envelope_sender(mail.bounce),
            recipient,
            utf8,
            f"<{digest}@{self._sender.box.domain}>",
            self._spliced(message.key, digest, mail, recipient, utf8=utf8),
        )

    def compose(self, key: str, mail: Mail) -> bytes:
        """The whole message, CRLF line ends, 7-bit but for a non-ASCII local part in To; see `parcel`."""
        return self.parcel(Message(key=key, body=mail)).body

    def notice(self, key: str, to: Mailbox, subject: str, text: str, date: datetime) -> Parcel:
        """A plain automatic mail (RFC 3834), for whoever looks after the project."""
        fields = [
            *self._fields(key, date, subject, headers.address("To", "", to)[1]),
            ("Auto-Submitted", "auto-generated"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "quoted-printable"),
        ]
        body = headers.block(fields, utf8=to.needs_utf8) + piece(text.rstrip("\n") + "\n")
        signer = self._signer()
        if signer is not None:
            body = sign_message(body, signer.keys, int(date.timestamp()))
        return Parcel(key, self.envelope_sender(""), str(to), to.needs_utf8, self.message_id(key), body)

    def message_id(self, key: str) -> str:
        """The same at every attempt; the machine's name is not in it."""
        return f"<{_digest(key)}@{self._sender.box.domain}>"

    def envelope_sender(self, mark: str) -> str:
        """Where a bounce of this delivery comes back to (VERP)."""
        if mark and self._sender.verp:
            return f"{self._envelope.local}{self._sender.verp}{mark}@{self._envelope.domain}"
        return str(self._envelope)

    # Splicing

    def _spliced(self, key: str, digest: str, mail: Mail, recipient: str, *, utf8: bool) -> bytes:
        values = mail.values
        url = values.get("unsubscribe_url", "")
        mould = self._mould(key, mail, url)
        to = self._to(mail.name, recipient, utf8=utf8).encode()
        message_id = f"<{digest}@{self._sender.box.domain}>".encode()
        unsubscribe = self._unsubscribe(url)
        try:
            quick = [plain_piece(values[name]) for name in mould.names]
        except KeyError as error:
            raise RejectedError(
                f"email: the letter has a hole {error} and nothing to fill it; see the template"
            ) from None
        body = [part if isinstance(part, bytes) else quick[part] for part in mould.body]
        if b"" in quick:
            body = mould.careful([values[name] for name in mould.names])
        personal = [to, message_id, unsubscribe] if url else [to, message_id]
        signature = mould.stencil.sign(personal, body[1:]) if mould.stencil is not None else b""
        if self._echo:
            personal.append((self._echo[1] % mail.bounce).encode())
        head = [signature, mould.head[0]]
        for value, after in zip(personal, mould.head[1:], strict=True):
            head += (value, after)
        return b"".join(head + body)

    def _to(self, name: str, recipient: str, *, utf8: bool) -> str:
        if not name and not utf8:
            return recipient
        if not utf8 and headers.is_plain(name):
            return f'"{name}" <{recipient}>'
        local, _, domain = recipient.rpartition("@")
        field = headers.address("To", name, Mailbox(local=local, domain=domain))
        headers.block([field], utf8=utf8)
        return field[1]

    def _unsubscribe(self, url: str) -> bytes:
        """RFC 2369, on one line as long as it is legal: receivers do not decode it and often do not unfold it."""
        if not url:
            return b""
        base, _, token = url.rpartition("/")
        known = base == self._base and _TOKEN.fullmatch(token)
        if not known:
            if not _ADDRESS.fullmatch(url) or len(url) > _LINE - len("List-Unsubscribe: <>,"):
                raise RejectedError("email: the unsubscribe address is no plain web address; correct public_url")
            self._base = base
        box = self._sender.unsubscribe
        if box is None or not (known or _TOKEN.fullmatch(token)):
            return f"<{url}>".encode()
        mailto = f"<mailto:{box}?subject=unsubscribe%20{token}>"
        fits = len(url) + len(mailto) + len("List-Unsubscribe: <>, ") <= _LINE
        return f"<{url}>,{' ' if fits else f'{headers.FOLD} '}{mailto}".encode()

    # Moulding

    def _mould(self, key: str, mail: Mail, url: str) -> _Mould:
        edition = key.partition(":")[0]
        found = (edition, mail.digest, mail.date, mail.list_id, mail.test, url[:5])
        mould = self._moulds.get(found)
        if mould is None:
            if len(self._moulds) >= _MOULDS:
                del self._moulds[next(iter(self._moulds))]
            mould = self._moulds[found] = self._make(edition, mail, url)
        return mould

    def _make(self, edition: str, mail: Mail, url: str) -> _Mould:
        boundary = f"=_{_digest(f'{edition} {mail.digest}')}"  # "=_" never occurs in quoted-printable text
        fields = self._letter_fields(edition, mail, url, boundary)
        headers.block([field for field in fields if field[1] != _PERSONAL])
        text, web = mail.letter.text, mail.letter.html
        names = tuple(dict.fromkeys(part.name for part in (*text, *web) if isinstance(part, Slot)))
        parts = [*_part(boundary, "plain", text, names), *_part(boundary, "html", web, names)]
        body = _joined([*parts, f"--{boundary}--\r\n".encode()])
        return _Mould(
            head=_cut(fields),
            body=body,
            names=names,
            care=(
                *(_plain for part in text if isinstance(part, Slot)),
                *(_escaped for p in web if isinstance(p, Slot)),
            ),
            stencil=self._stencil(fields, body[0], mail.date),
        )

    def _stencil(self, fields: Sequence[tuple[str, str]], start: bytes | int, date: datetime) -> Stencil | None:
        signer = self._signer()
        if signer is None:
            return None
        if not isinstance(start, bytes):
            raise TypeError("a body begins with the head of its first part")
        constant = [(name, value.encode()) for name, value in fields if value not in {"", _PERSONAL}]
        personal = [name for name, value in fields if value == _PERSONAL and name in _SPLICED]
        return signer.stencil(constant, personal, start=start, at=int(date.timestamp()))

    def _letter_fields(self, edition: str, mail: Mail, url: str, boundary: str) -> list[tuple[str, str]]:
        subject = f"[TEST] {mail.letter.subject}" if mail.test else mail.letter.subject
        lang = mail.letter.lang
        return [
            *self._fields("", mail.date, subject, _PERSONAL),
            ("List-Id", self._list_id(mail.list_id)),
            ("List-Unsubscribe", _PERSONAL if url else ""),
            (self._echo[0] if self._echo else "", _PERSONAL if self._echo else ""),
            # RFC 8058, 3.1: only together with an https address.
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click" if url.startswith("https://") else ""),
            ("Feedback-ID", self._feedback_id("test" if mail.test else edition, lang)),
            # Sent by a program, and nobody is there to read an answer of another program (RFC 3834, 5).
            ("Auto-Submitted", "auto-generated"),
            ("Content-Language", lang if _LANGUAGE.fullmatch(lang) else ""),
            ("X-Dissemination-Test", "yes" if mail.test else ""),
            ("Content-Type", f'multipart/alternative;\r\n boundary="{boundary}"'),
        ]

    def _fields(self, key: str, date: datetime, subject: str, to: str) -> list[tuple[str, str]]:
        sender = self._sender
        return [
            ("Date", format_datetime(date)),
            headers.address("From", sender.name, sender.box),
            ("Reply-To", str(sender.reply_to or "")),
            ("To", to),
            headers.unstructured("Subject", subject),
            ("Message-ID", self.message_id(key) if key else _PERSONAL),
            ("MIME-Version", "1.0"),
        ]

    def _list_id(self, name: str) -> str:
        """RFC 2919: a stable name in the sender's own name space."""
        label = _NO_LETTER.sub("-", name.lower())[:63].strip("-") or "news"
        return f"<{self._sender.list_id or f'{label}.{self._sender.box.domain}'}>"

    def _feedback_id(self, edition: str, lang: str) -> str:
        """By which a provider tells us of complaints in numbers; nothing in it is of one person."""
        least, most = _SENDER_ID
        made = _NO_LETTER.sub("", self._sender.box.domain)[:most].ljust(least, "0")
        words = (_NO_LETTER.sub("-", word.lower())[:60].strip("-") or "news" for word in (edition, lang))
        return ":".join([*words, "newsletter", self._sender.feedback_id or made])


#: Fields with a value of the person's own that are signed.
_SPLICED = ("To", "Message-ID", "List-Unsubscribe")
#: Provider -> the header that its webhooks echo, and how the mark is written there:
#: docs.aws.amazon.com/ses (original headers), postmarkapp.com/developer (metadata), documentation.mailgun.com (user
#: variables), developers.brevo.com (X-Mailin-custom).
_ECHOES = {
    "ses": ("X-Dissemination-Mark", "%s"),
    "postmark": ("X-PM-Metadata-mark", "%s"),
    "mailgun": ("X-Mailgun-Variables", '{"mark":"%s"}'),
    "brevo": ("X-Mailin-custom", "%s"),
}
#: Stands where a value is the person's own, until the fields are cut there.
_PERSONAL = "\x00"


def _cut(fields: Sequence[tuple[str, str]]) -> tuple[bytes, ...]:
    """The head as it is written, in the pieces between the personal values."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields if value)
    return tuple(f"{lines}\r\n".encode().split(_PERSONAL.encode()))


def _part(boundary: str, kind: str, segments: Segments, names: Sequence[str]) -> list[bytes | int]:
    """One part of the message; a hole is the number of its name."""
    head = (
        f"--{boundary}\r\n"
        f"Content-Type: text/{kind}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    return [
        head.encode(),
        *(piece(part) if isinstance(part, str) else names.index(part.name) for part in segments),
        b"\r\n",
    ]


def _joined(pieces: Sequence[bytes | int]) -> tuple[bytes | int, ...]:
    """The same with bytes that follow one another made one."""
    joined: list[bytes | int] = []
    for part in pieces:
        last = joined[-1] if joined else None
        if isinstance(part, bytes) and isinstance(last, bytes):
            joined[-1] = last + part
        else:
            joined.append(part)
    return tuple(joined)


def _plain(value: str) -> bytes:
    return piece(headers.one_line(value))


def _escaped(value: str) -> bytes:
    return piece(html.escape(headers.one_line(value)))


def _digest(key: str) -> str:
    return sha256(key.encode("utf-8", "backslashreplace")).hexdigest()[:40]
