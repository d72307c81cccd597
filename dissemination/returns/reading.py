"""A mail that came back -> what it says. Pure: it knows neither people nor keys, and no mail makes it fail."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from email.parser import BytesParser
from html import unescape

from flufl.bounce import all_failures

from dissemination.model import Returned, ReturnKind
from dissemination.returns.marks import marks, tokens
from dissemination.returns.mime import Part, decoded, fields, parts
from dissemination.returns.wording import clean, judge, telling

#: Where servers write whom a mail was for (Postfix, Exim, Dovecot, qmail), and where its sender did.
_ADDRESSEE = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to", "to")
#: Our own headers in a message that comes back.
_OURS = ("return-path", "x-dissemination-mark", "x-mailin-custom", "x-pm-metadata-mark")
_STATUS = frozenset({"message/delivery-status", "message/global-delivery-status"})
_DISPOSITION = frozenset({"message/disposition-notification", "message/global-disposition-notification"})
#: RFC 3464, 2.3.3; what is missing here (a made-up action) makes the mail unknown.
_ACTIONS = {
    "delayed": ReturnKind.DELAYED,
    "delivered": ReturnKind.NOTICE,
    "relayed": ReturnKind.NOTICE,
    "expanded": ReturnKind.NOTICE,
}
#: RFC 5965, 3.5 and 7.3; RFC 6591: reports on signatures are not about a person.
_FEEDBACK = {
    "abuse": ReturnKind.COMPLAINT,
    "fraud": ReturnKind.COMPLAINT,
    "virus": ReturnKind.COMPLAINT,
    "other": ReturnKind.COMPLAINT,
    "opt-out": ReturnKind.COMPLAINT,
    "opt-out-list": ReturnKind.COMPLAINT,
    "not-spam": ReturnKind.NOTICE,
    "auth-failure": ReturnKind.NOTICE,
}
_DAEMON = re.compile(r"mailer-daemon|mail-daemon|postmaster|mail delivery (?:sub)?system", re.IGNORECASE)
_FAILED = re.compile(
    r"undeliver|delivery (?:status|fail|report)|returned (?:mail|to sender)|failure notice|mail delivery failed",
    re.IGNORECASE,
)
_AWAY = re.compile(
    r"^\s*(?:auto(?:matic|matisch\w*)?[ :-]|out of (?:the )?office|vacation|abwesenheit|absence|away from)",
    re.IGNORECASE,
)
_CHALLENGE = re.compile(
    r"confirm(?:ation)? (?:your|that you)|verify (?:your|that you)|sender verification", re.IGNORECASE
)
_REQUEST = re.compile(r"^\s*(?:(?:re|fwd?|aw|sv|tr)\s*:\s*)*unsubscribe\b", re.IGNORECASE)
_TO_TOKEN = re.compile(r"\+([A-Za-z0-9_-]{36})@")
_BLOCKS = re.compile(rb"(?:\r?\n[ \t]*){2,}")
_MOST_BLOCKS = 100
_TAG = re.compile(r"<[^<>]{0,500}>")
#: What heuristics are given: they go through every line many times.
_HEURISTIC_BYTES = 64_000
_HEURISTIC_BOUNDARIES = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class _Mail:
    """A mail taken apart."""

    raw: bytes
    parts: Sequence[Part]

    @property
    def top(self) -> Part:
        return self.parts[0]

    def own(self, types: frozenset[str]) -> list[Part]:
        """Parts of these types, but not those of a message that was returned."""
        return [part for part in self.parts if part.type in types and not part.returned]

    def returned(self, *names: str) -> list[str]:
        """Values of headers of the returned message."""
        return [value for part in self.parts if part.returned for value in part.all(*names)]

    def words(self) -> str:
        """What it says to people."""
        plain = self.own(frozenset({"text/plain"}))
        if plain:
            return plain[0].text()
        return next((_TAG.sub(" ", unescape(part.text())) for part in self.own(frozenset({"text/html"}))), "")


def read_return(raw: bytes, to: str = "") -> Returned:
    """What a mail says that came to the address for bounces or unsubscriptions.

    Args:
        raw: the mail; what is beyond a megabyte is not looked at.
        to: the envelope's recipient, where it is known.
    """
    mail = _Mail(raw=raw, parts=parts(raw))
    said = next(filter(None, (reader(mail) for reader in _READERS)), None)
    found = said or Returned(kind=ReturnKind.UNKNOWN, reason=clean(decoded(mail.top.get("subject"))))
    return replace(
        found,
        marks=marks([to, *mail.top.all(*_ADDRESSEE)]),
        echoes=marks([*found.echoes, *mail.returned(*_OURS)]),
        message_id=clean_id(next(iter(mail.returned("message-id")), "")),
    )


def clean_id(value: str) -> str:
    """A Message-ID as it may be shown."""
    return "".join(letter for letter in value if "!" <= letter <= "~")[:200]


# Complaints


def _complaint(mail: _Mail) -> Returned | None:
    reports = mail.own(frozenset({"message/feedback-report"}))
    if not reports:
        return None
    told = dict(reversed(fields(reports[0].body)))
    word = told.get("feedback-type", "").lower()
    return Returned(
        kind=_FEEDBACK.get(word, ReturnKind.UNKNOWN),
        # The address of the person is often blacked out, our mark in the envelope's sender is not.
        echoes=(told.get("original-mail-from", ""),),
        tokens=tokens(mail.returned("list-unsubscribe")),
        reason=clean(f"feedback: {word}"),
        reporter=_server(told.get("reporting-mta", "") or told.get("user-agent", "")),
    )


# Reports of servers


def _report(mail: _Mail) -> Returned | None:
    blocks = [dict(reversed(fields(block))) for part in mail.own(_STATUS) for block in _blocks(part.body)]
    people = [block for block in blocks if "final-recipient" in block or "action" in block]
    if not people:
        return None
    reporter = next((block["reporting-mta"] for block in blocks if "reporting-mta" in block), "")
    verdicts = [_verdict(block, mail) for block in people]
    worst = next((v for v in verdicts if v.kind in _FAILURES), verdicts[0])
    names = {block.get("final-recipient", "").partition(";")[2].strip().lower() for block in people}
    return replace(worst, recipients=len(names), reporter=_server(reporter))


def _server(value: str) -> str:
    """The name in "dns; mx.example"."""
    return clean(value.partition(";")[2].strip() or value, 100)


_FAILURES = frozenset({ReturnKind.HARD, ReturnKind.SOFT, ReturnKind.BLOCKED})


def _blocks(body: bytes) -> list[bytes]:
    return _BLOCKS.split(body.strip(), maxsplit=_MOST_BLOCKS)[:_MOST_BLOCKS]


def _verdict(block: dict[str, str], mail: _Mail) -> Returned:
    action, status = block.get("action", "").partition(" ")[0].lower(), block.get("status", "")
    said = block.get("diagnostic-code", "")
    said = said.partition(";")[2].strip() or said
    if action != "failed":
        kind = _ACTIONS.get(action, ReturnKind.UNKNOWN)
        return Returned(kind=kind, status=judge(status, "")[1], reason=clean(said or telling(mail.words())))
    kind_, code = judge(status, said)
    if kind_ is None:  # the report itself does not tell; what it says to people may
        kind_, code = judge(status, mail.words())
    return Returned(kind=kind_ or ReturnKind.SOFT, status=code, reason=clean(said or telling(mail.words())))


def _disposition(mail: _Mail) -> Returned | None:
    """A note that it was displayed or deleted (RFC 8098)."""
    return _automatic_reply(mail) if mail.own(_DISPOSITION) else None


# Servers that report in words of their own


def _heuristic(mail: _Mail) -> Returned | None:
    daemon = _DAEMON.search(mail.top.get("from")) or _FAILED.search(decoded(mail.top.get("subject")))
    if not daemon or mail.raw.lower().count(b"boundary") > _HEURISTIC_BOUNDARIES:
        return None
    passing, final = _detected(mail.raw[:_HEURISTIC_BYTES])
    if not final:
        kind = ReturnKind.DELAYED if passing else None
        return Returned(kind=kind, reason=clean(telling(mail.words()))) if kind else None
    kind_, code = judge("", mail.words())
    return Returned(
        kind=kind_ or ReturnKind.SOFT, status=code, reason=clean(telling(mail.words())), recipients=len(final)
    )


def _detected(raw: bytes) -> tuple[frozenset[bytes], frozenset[bytes]]:
    try:
        passing, final = all_failures(BytesParser().parsebytes(raw))
    except Exception:  # noqa: BLE001 - seventeen foreign heuristics on a stranger's bytes; the mail is unknown then
        return frozenset(), frozenset()
    return frozenset(passing), frozenset(final)


# People and their machines


def _automatic(mail: _Mail) -> Returned | None:
    """Vacation notes and the like (RFC 3834), also of programs that say so in other ways; challenges."""
    top = mail.top
    submitted = top.get("auto-submitted").lower()
    signs = (
        submitted and not submitted.startswith("no"),
        any(top.get(name) for name in ("x-autoreply", "x-autorespond", "x-autoresponder")),
        top.get("precedence").lower() in {"auto_reply", "auto-reply"},
        top.get("x-auto-response-suppress") and _AWAY.search(decoded(top.get("subject"))),
        _AWAY.search(decoded(top.get("subject"))),
        _CHALLENGE.search(decoded(top.get("subject"))),
    )
    return _automatic_reply(mail) if any(signs) else None


def _automatic_reply(mail: _Mail) -> Returned:
    return Returned(kind=ReturnKind.AUTO_REPLY, reason=clean(decoded(mail.top.get("subject"))))


def _link(mail: _Mail) -> Returned | None:
    """What a mail program sends for the mailto address of List-Unsubscribe, on its own or not."""
    subject = decoded(mail.top.get("subject"))
    addressed = [token for value in mail.top.all("to", "delivered-to") for token in _TO_TOKEN.findall(value)]
    found = addressed or (tokens([subject]) if _REQUEST.search(subject) else ())
    return _asked(found) if found else None


def _asked(found: Sequence[str]) -> Returned:
    return Returned(kind=ReturnKind.UNSUBSCRIBE, tokens=tuple(found), reason="asked by mail")


def _request(mail: _Mail) -> Returned | None:
    """A wish of a person. It must be said: an answer that merely quotes the letter holds its links, too."""
    words = mail.words()
    first = next((line for line in words.splitlines() if line.strip()), "")
    wished = _REQUEST.search(decoded(mail.top.get("subject"))) or _REQUEST.search(first)
    return _asked(tokens([words])) if wished else None


#: The first that understands the mail tells what it is. Machines come before people: a vacation note
#: that quotes the letter must unsubscribe nobody.
_READERS: tuple[Callable[[_Mail], Returned | None], ...] = (
    _complaint,
    _report,
    _disposition,
    _link,
    _heuristic,
    _automatic,
    _request,
)
