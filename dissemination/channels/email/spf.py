"""Reads SPF records (RFC 7208): whether one is there, what it ends in, and how much it asks of receivers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dissemination.channels.email.names import Texts

#: RFC 7208, 4.6.4: a receiver gives up beyond.
LOOKUPS = 10
_RECORD = re.compile(r"v=spf1(?: |$)", re.IGNORECASE)
_ASKS = re.compile(
    r"[+?~-]?(?P<how>include|a|mx|ptr|exists)(?:[:/](?P<target>.*))?|redirect=(?P<other>.*)", re.IGNORECASE
)
#: What well-known servers ask to be included. Last part of the server's name -> name to include.
INCLUDES = {
    "amazonaws.com": "amazonses.com",
    "brevo.com": "spf.brevo.com",
    "gmail.com": "_spf.google.com",
    "google.com": "_spf.google.com",
    "mailgun.org": "mailgun.org",
    "mailjet.com": "spf.mailjet.com",
    "office365.com": "spf.protection.outlook.com",
    "postmarkapp.com": "spf.mtasv.net",
    "sendgrid.net": "sendgrid.net",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Spf:
    """What a domain's SPF record comes to."""

    records: Sequence[str]
    #: Questions that evaluating it costs; counting stops one above what is allowed.
    lookups: int = 0
    #: Names that it includes and that have no record of their own, which receivers take as an error.
    missing: Sequence[str] = ()

    @property
    def last(self) -> str:
        """The mechanism for everybody else: "-all", "~all", "?all", "+all"; "" if there is none."""
        terms = self.records[0].lower().split()[1:] if self.records else []
        ends = [term for term in terms if term in {"all", "+all", "-all", "~all", "?all"}]
        if ends:
            return ends[0] if ends[0] != "all" else "+all"
        return "redirect" if any(term.startswith("redirect=") for term in terms) else ""


def look(domain: str, texts: Texts) -> Spf:
    """Read a domain's record and those it includes, at most eleven.

    Raises:
        SilentError: DNS does not answer.
    """
    records = _records(domain, texts)
    if len(records) != 1:
        return Spf(records=records)
    count, missing, waiting = 0, [], list(_asks(records[0]))
    while waiting and count <= LOOKUPS:
        target = waiting.pop()
        count += 1
        if not target or "%" in target:
            continue  # a, mx, ptr, exists need no reading; a macro is only known when a mail is there
        inner = _records(target, texts)
        if len(inner) == 1:
            waiting += _asks(inner[0])
        else:
            missing.append(target)
    return Spf(records=records, lookups=count, missing=missing)


def suggestion(host: str, domain: str, *, here: bool) -> str:
    """The record that a domain needs for mail that this server hands on.

    Args:
        host: the SMTP server.
        domain: of the envelope's sender.
        here: the server is this machine.
    """
    if here:
        return "v=spf1 ip4:ADDRESS-OF-THIS-MACHINE ~all"
    if f".{host}".endswith(f".{domain}"):
        return f"v=spf1 a:{host} ~all"
    tail = ".".join(host.split(".")[-2:])
    return f"v=spf1 include:{INCLUDES.get(tail, f'NAME-THAT-{tail}-TELLS-YOU')} ~all"


def _records(domain: str, texts: Texts) -> Sequence[str]:
    return [text for text in texts(domain) if _RECORD.match(text)]


def _asks(record: str) -> Iterator[str]:
    """Every term that costs a question: the name to read on at, or "" if there is nothing to read."""
    for term in record.split()[1:]:
        match = _ASKS.fullmatch(term)
        if match:
            read_on = match["other"] or (match["target"] if (match["how"] or "").lower() == "include" else "")
            yield read_on or ""
