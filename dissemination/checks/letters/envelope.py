"""Rules on what the mailbox's list shows, on the size, and on the plain-text twin."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

import regex

from dissemination.checks.findings import E, W
from dissemination.checks.letters.sheet import Said, Sheet, flat
from dissemination.checks.wording import PREHEADER_LENGTH, SUBJECT_LENGTH

#: Gmail shows no more of a letter than about 102 KB.
MOST_BYTES = 100_000
#: Characters of a subject that nobody's list shows any more.
SUBJECT_LIMIT = 200
#: How many of the HTML's words the plain text must have; filters compare the two (rspamd: R_PARTS_DIFFER).
_SHARED = 0.7

_GRAPHEME = regex.compile(r"\X")
#: Words long enough to tell one text from another.
_WORD = re.compile(r"[^\W\d_]{4,}")


def _length(text: str) -> int:
    """Characters as a reader counts them."""
    return len(_GRAPHEME.findall(text[:2000]))


def size(sheet: Sheet) -> Iterator[Said]:
    """What is larger is cut by the reader's mail program."""
    octets = len(sheet.source.encode())
    if octets >= MOST_BYTES:
        message = f"the HTML has {octets:,} bytes; more than {MOST_BYTES:,} are cut by some mail programs"
        yield "letter-size", E, message, "carry fewer items, or shorten their summaries", ""


def subject(sheet: Sheet) -> Iterator[Said]:
    """There is one, and it is seen whole."""
    words = sheet.letter.subject
    length = _length(words)
    if not words.strip():
        yield "letter-subject", E, "no subject", "name the newsletter, or give the item a title", ""
    elif length > SUBJECT_LENGTH:
        level = E if length > SUBJECT_LIMIT else W
        message = f"the subject has {length} characters"
        yield "letter-subject-long", level, message, f"shorten it to {SUBJECT_LENGTH}", words


def preheader(sheet: Sheet) -> Iterator[Said]:
    """What the list shows beside the subject, from the HTML's first words."""
    words, (least, most) = sheet.letter.preheader, PREHEADER_LENGTH
    length = _length(words)
    if not least <= length <= most:
        message = f"the preheader has {length} characters"
        yield "letter-preheader-length", W, message, f"write {least} to {most}", words
    elif flat(words) not in sheet.words:
        fix = "put page.preheader into the template, before everything else"
        yield "letter-preheader", W, "the preheader is not in the HTML", fix, words


def twin(sheet: Sheet) -> Iterator[Said]:
    """The plain text says what the HTML says."""
    if not sheet.text:
        fix = "mend newsletter.txt: some readers see nothing else, and filters count it"
        yield "letter-text", E, "the plain-text part is empty", fix, ""
        return
    wanted = set(_WORD.findall(sheet.words.casefold()))
    missing = wanted - set(_WORD.findall(sheet.text.casefold()))
    if len(wanted) > 20 and len(missing) > (1 - _SHARED) * len(wanted):
        message = f"the plain text lacks {len(missing)} of the HTML's {len(wanted)} words"
        seen = " ".join(sorted(missing)[:10])
        yield "letter-text", W, message, "tell the same in newsletter.txt as in newsletter.mjml", seen


RULES: tuple[Callable[[Sheet], Iterable[Said]], ...] = (size, subject, preheader, twin)
