"""Rules on titles, summaries and what stands in the mailbox's list."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dissemination.checks.findings import E, N, On, Rule, W
from dissemination.model import Finding, NewsItem, Project

TITLE_LENGTH = 90
SUMMARY_WISH, SUMMARY_LIMIT = 160, 300
SUBJECT_LENGTH = 60
#: Fewer leave room for the letter's first words, more are never seen.
PREHEADER_LENGTH = (40, 130)

#: How much of a body is searched for abbreviations.
_SEARCHED = 20_000
_ABBREVIATION = re.compile(r"\b[A-Z][A-Z0-9]{2,9}\b")
_ROMAN = re.compile(r"[IVXLC]+\Z")
#: Abbreviations that nobody spells out.
_COMMON = frozenset(
    {"ABC", "CEO", "COVID", "DVD", "FAQ", "GDP", "HTML", "NGO", "PDF", "RSS", "SME", "SMS", "URL", "USA", "VAT"}
)
_WORD = re.compile(r"\w+(?:['\u2019-]\w+)*")


def title(item: NewsItem, project: Project) -> Iterator[Finding]:
    """Empty, long, in capitals, or with a full stop."""
    text = item.title
    if not text.strip():
        yield On(item, "title-empty", E, "title").say(
            "no title", "write `title:` with one sentence that says what happened"
        )
        return
    if len(text) > TITLE_LENGTH:
        message = f"the title has {len(text)} characters"
        yield On(item, "title-long", W, "title").say(message, f"shorten it to {TITLE_LENGTH}", seen=text)
    if in_capitals(text, project):
        fix = f"title: {sentence_case(text, project)}"
        yield On(item, "title-capitals", W, "title").say("the title is in capitals", fix, seen=text)
    if text.endswith(".") and not text.endswith("..."):
        yield On(item, "title-full-stop", W, "title").say("the title ends with a full stop", text[:-1], seen=text)


def in_capitals(text: str, project: Project) -> bool:
    """Whether a text shouts; names that are written so by themselves do not count."""
    words = [word for word in _WORD.findall(text) if any(char.isalpha() for char in word)]
    kept = _kept(project)
    return text == text.upper() and any(word != kept.get(word.casefold()) and len(word) > 3 for word in words)


def sentence_case(text: str, project: Project) -> str:
    """A title in capitals as a sentence; words of the glossary and names keep their own spelling."""
    kept = _kept(project)
    quiet = _WORD.sub(lambda found: kept.get(found[0].casefold(), found[0].lower()), text)
    return quiet[:1].upper() + quiet[1:]


def _kept(project: Project) -> dict[str, str]:
    names = [project.acronym, project.programme, *project.glossary]
    names += [
        name for partner in project.partners.values() for name in (partner.short, partner.name, partner.region)
    ]
    words = (word for name in names for word in _WORD.findall(name))
    return {word.casefold(): word for word in words if word[:1].isupper()}


def summary(item: NewsItem, _project: Project) -> Iterator[Finding]:
    """Missing, or too long for where it is shown."""
    length = len(item.summary)
    if not item.summary_given or not length:
        instead = "the first paragraph stands in for it" if length else "and nothing can stand in for it"
        fix = f"write `summary:` with at most {SUMMARY_WISH} characters"
        yield On(item, "summary-missing", W, "summary").say(f"no summary, {instead}", fix, seen=item.summary)
    elif length > SUMMARY_LIMIT:
        fix = f"shorten it to {SUMMARY_LIMIT}, better to {SUMMARY_WISH}"
        yield On(item, "summary-long", E, "summary").say(
            f"the summary has {length} characters", fix, seen=item.summary
        )
    elif length > SUMMARY_WISH:
        fix = f"shorten it to {SUMMARY_WISH}: more is cut by search engines and networks"
        yield On(item, "summary-long", W, "summary").say(
            f"the summary has {length} characters", fix, seen=item.summary
        )


def subject(item: NewsItem, _project: Project) -> Iterator[Finding]:
    """Subject and preheader, where the item names its own."""
    if len(item.subject) > SUBJECT_LENGTH:
        message, fix = f"the subject has {len(item.subject)} characters", f"shorten it to {SUBJECT_LENGTH}"
        yield On(item, "subject-long", W, "subject").say(message, fix, seen=item.subject)
    least, most = PREHEADER_LENGTH
    if item.preheader and not least <= len(item.preheader) <= most:
        message = f"the preheader has {len(item.preheader)} characters"
        fix = f"write {least} to {most}: it is shown beside the subject"
        yield On(item, "preheader-length", W, "preheader").say(message, fix, seen=item.preheader)


def abbreviations(item: NewsItem, project: Project) -> Iterator[Finding]:
    """Abbreviations that the item never spells out, such as "Regional Office (RO)"."""
    text = f"{item.summary}\n{item.markdown[:_SEARCHED]}"
    used = dict.fromkeys(_ABBREVIATION.findall(text))
    if not used:
        return
    known = _COMMON | {word.upper() for word in _kept(project).values()}
    unknown = [word for word in used if word not in known and not _ROMAN.match(word) and not _spelt_out(word, text)]
    if unknown:
        message = f"not spelt out: {', '.join(unknown[:5])}"
        fix = f"write the full name first: Full Name ({unknown[0]}), or add it to project.glossary"
        yield On(item, "abbreviation", N, "body").say(message, fix)


def _spelt_out(word: str, text: str) -> bool:
    return f"({word})" in text or f"{word} (" in text


RULES: tuple[Rule, ...] = (title, summary, subject, abbreviations)
