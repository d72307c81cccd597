"""What a refusal means: its codes (RFC 3463, RFC 5321) before its words, a table of each."""

from __future__ import annotations

import re

from dissemination.model import ReturnKind

#: Characters of a reason that is kept and shown.
_REASON = 300
#: Characters that are looked at.
_LOOKED_AT = 4_000
#: Control characters, what turns the direction of text round, lone surrogates.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]+")
_ADDRESS = re.compile(r"<?[^\s<>@\"'(),;:]{1,64}@[^\s<>@\"'(),;]{1,255}>?")

_ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?!\.?\d)", re.ASCII)
_REPLY = re.compile(r"(?<![\d.\-])([45]\d\d)(?=[ \-#])", re.ASCII)

#: Subject and detail of a permanent code -> what it means; these are sure.
_DETAILS = {
    "1.1": ReturnKind.HARD,  # no such mailbox
    "1.2": ReturnKind.HARD,  # no such domain
    "1.3": ReturnKind.HARD,  # no address
    "1.6": ReturnKind.HARD,  # moved, no new address
    "1.10": ReturnKind.HARD,  # the domain takes no mail (RFC 7505)
    "2.1": ReturnKind.HARD,  # switched off
    "4.4": ReturnKind.HARD,  # no route: the domain is gone
    "1.7": ReturnKind.BLOCKED,  # the sender's address
    "1.8": ReturnKind.BLOCKED,  # the sender's domain
}
#: Subject of a permanent code -> what it means where nothing surer is said.
_SUBJECTS = {
    "1": ReturnKind.HARD,
    "2": ReturnKind.SOFT,
    "3": ReturnKind.SOFT,
    "4": ReturnKind.SOFT,
    "5": ReturnKind.BLOCKED,
    "6": ReturnKind.BLOCKED,
    "7": ReturnKind.BLOCKED,
}
#: SMTP reply -> what it means where no enhanced code says more (RFC 5321, 4.2.3; RFC 7504).
_REPLIES = {
    "550": ReturnKind.HARD,
    "551": ReturnKind.HARD,
    "553": ReturnKind.HARD,
    "521": ReturnKind.HARD,
    "556": ReturnKind.HARD,
    "552": ReturnKind.SOFT,
    "554": ReturnKind.SOFT,
}
_FULL = re.compile(
    r"mailbox (?:is )?full|over ?quota|quota (?:is )?exceed|exceed\w* .{0,30}quota|insufficient storage",
    re.IGNORECASE,
)
_NOBODY = re.compile(
    r"unknown (?:user|recipient|mailbox|address)|(?:user|recipient|mailbox|address|account) "
    r"(?:is |was )?(?:unknown|not found|doesn.?t exist|does not exist|invalid|disabled|not listed)|"
    r"no such (?:user|mailbox|recipient|address|person|domain)|no mailbox here|unrouteable address|"
    r"invalid (?:recipient|mailbox|address)|doesn.?t have an? \S{1,40} account|mailbox unavailable|"
    r"recipient address rejected: access denied|host or domain name not found|recipnotfound|"
    r"address rejected: undeliverable|"
    r"address (?:couldn.?t|could not) be found|no longer (?:valid|available|in use)",
    re.IGNORECASE,
)
_REFUSED = re.compile(
    r"\bspam|block(?:ed|list|ing)|black ?list|reputation|\bpolicy\b|\bdmarc\b|\bspf\b|\bdkim\b|unauthenticated|"
    r"\brbl\b|dnsbl|spamhaus|content rejected|message rejected",
    re.IGNORECASE,
)  # fmt: skip


def clean(text: str, limit: int = _REASON) -> str:
    """One short line of somebody else's words: nothing that steers a terminal, and no addresses."""
    line = " ".join(_UNSAFE.sub(" ", text[:_LOOKED_AT]).split())
    return _ADDRESS.sub("(address)", line)[:limit]


def judge(status: str, text: str) -> tuple[ReturnKind | None, str]:
    """What a final refusal means, and its enhanced status code.

    A general code such as 5.0.0 gives way to a code in the words: Exim says 5.0.0 where the server said 552 5.2.2.

    Args:
        status: the Status field of the report, or "".
        text: what the other server said.

    Returns:
        (HARD, SOFT or BLOCKED, code); None where neither codes nor words tell.
    """
    text = text[:_LOOKED_AT]
    code = _code(status, text)
    reply = found.group(1) if (found := _REPLY.search(text)) else ""
    if code.startswith("4") or (not code and reply.startswith("4")):
        return ReturnKind.SOFT, code
    _, _, tail = code.partition(".")
    subject = tail.partition(".")[0]
    if subject != "1" and _FULL.search(text):
        return ReturnKind.SOFT, code
    return (_DETAILS.get(tail) or _said(text) or _SUBJECTS.get(subject) or _REPLIES.get(reply)), code


def telling(text: str) -> str:
    """The line of a long explanation that says why, else the one that names somebody, else all of it."""
    lines = text[:_LOOKED_AT].splitlines()
    for signs in ((_FULL, _NOBODY, _REFUSED, _ENHANCED, _REPLY), (_ADDRESS,)):
        for line in lines:
            if any(sign.search(line) for sign in signs):
                return line
    return text


def _said(text: str) -> ReturnKind | None:
    if _NOBODY.search(text):
        return ReturnKind.HARD
    return ReturnKind.BLOCKED if _REFUSED.search(text) else None


def _code(status: str, text: str) -> str:
    """The more telling of the report's code and the one in the words."""
    told = [".".join(found.groups()) for source in (status, text) if (found := _ENHANCED.search(source))]
    return next((code for code in told if not code.endswith(".0.0")), told[0] if told else "")
