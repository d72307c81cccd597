"""Rules on a rendered newsletter, as it would go out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from lxml import etree, html

from dissemination.checks.contrast import weak
from dissemination.checks.findings import E, W, guarded, shortened
from dissemination.checks.wording import PREHEADER_LENGTH, SUBJECT_LENGTH
from dissemination.model import Finding, Letter, Level, Project, Segments, Slot

#: Gmail shows no more of a letter than about 102 KB.
MOST_BYTES = 100_000
#: More is not even parsed.
_PARSED_BYTES = 2_000_000
#: A personal address in a letter is about as long as this.
_HOLE = "https://hole.invalid/"

_URL_IN_STYLE = re.compile(r"url\(\s*['\"]?\s*([^'\")\s]+)|@import\s+['\"]([^'\"]+)", re.IGNORECASE)
_SRC_IN_COMMENT = re.compile(r"\s(?:src|background)\s*=\s*['\"]([^'\"]+)", re.IGNORECASE)
#: Elements that fetch something, and the attribute that says what.
_FETCHING = (
    ("link", "href"), ("script", "src"), ("iframe", "src"), ("video", "src"), ("audio", "src"), ("source", "src"),
    ("embed", "src"), ("object", "data"), ("input", "src"),
)  # fmt: skip
_TINY = re.compile(r"(?:^|;)\s*(?:max-)?(?:width|height)\s*:\s*[01](?:px)?\s*(?:;|!|$)", re.IGNORECASE)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """A letter laid out for looking at."""

    letter: Letter
    project: Project
    #: The HTML with addresses in its holes.
    source: str
    tree: etree._Element
    #: What is to be read, on one line.
    words: str
    #: The same of the plain-text twin.
    text: str


#: What a rule says: rule, level, message, fix, what was seen.
_Said = tuple[str, Level, str, str, str]


def check_letter(letter: Letter, project: Project) -> list[Finding]:
    """Everything that is wrong with a rendered letter; errors must keep it from being sent."""
    path = f"newsletter ({letter.lang})"
    source = _filled(letter.html)
    size = len(source.encode())
    if not source.strip() or size > _PARSED_BYTES:
        fix = "carry fewer items, or mend the template"
        return [_finding(path, ("letter-size", E, f"the HTML has {size:,} bytes", fix, ""))]
    try:
        tree = html.document_fromstring(source.encode(), parser=html.HTMLParser(encoding="utf-8"))
    except etree.LxmlError as error:
        return [_finding(path, ("letter-html", E, f"no HTML: {error}", "mend the template", ""))]
    sheet = Sheet(
        letter=letter,
        project=project,
        source=source,
        tree=tree,
        words=_words(tree),
        text=_flat(_filled(letter.text)),
    )
    return [finding for rule in _RULES for finding in guarded(_speaking(rule, path), rule.__name__, path, sheet)]


def _speaking(rule: Callable[[Sheet], Iterable[_Said]], path: str) -> Callable[[Sheet], Iterator[Finding]]:
    return lambda sheet: (_finding(path, said) for said in rule(sheet))


def _finding(path: str, said: _Said) -> Finding:
    rule, level, message, fix, seen = said
    return Finding(rule=rule, level=level, path=path, message=message, fix=fix, seen=shortened(seen))


def _filled(segments: Segments) -> str:
    return "".join(_hole(part) if isinstance(part, Slot) else part for part in segments)


def _hole(slot: Slot) -> str:
    return f"{_HOLE}{slot.name}" if slot.name.endswith("_url") else slot.name


def _words(tree: etree._Element) -> str:
    # XPath's text() leaves out comments, which only Outlook reads.
    return _flat(" ".join(tree.xpath("//body//text()")))


def _flat(text: str) -> str:
    return " ".join(text.split())


def size(sheet: Sheet) -> Iterator[_Said]:
    """What is larger is cut by the reader's mail program."""
    octets = len(sheet.source.encode())
    if octets >= MOST_BYTES:
        message = f"the HTML has {octets:,} bytes; more than {MOST_BYTES:,} are cut by some mail programs"
        yield "letter-size", E, message, "carry fewer items, or shorten their summaries", ""


def envelope(sheet: Sheet) -> Iterator[_Said]:
    """Subject and preheader."""
    letter, (least, most) = sheet.letter, PREHEADER_LENGTH
    if not letter.subject.strip():
        yield "letter-subject", E, "no subject", "name the newsletter, or give the item a title", ""
    elif len(letter.subject) > SUBJECT_LENGTH:
        message = f"the subject has {len(letter.subject)} characters"
        yield "letter-subject", W, message, f"shorten it to {SUBJECT_LENGTH}", letter.subject
    if not least <= len(letter.preheader) <= most:
        message = f"the preheader has {len(letter.preheader)} characters"
        yield "letter-preheader", W, message, f"write {least} to {most}", letter.preheader


def alternatives(sheet: Sheet) -> Iterator[_Said]:
    """Pictures are off in many mail programs."""
    for image in sheet.tree.iter("img"):
        if image.get("alt") is None:
            yield (
                "letter-alt",
                E,
                "a picture without alt",
                'write alt="…", or alt="" if it is decorative',
                _src(image),
            )


def language(sheet: Sheet) -> Iterator[_Said]:
    """Language and direction, also inside the body: web mail drops the outermost elements."""
    lang = sheet.letter.lang
    if sheet.tree.get("lang") != lang or not sheet.tree.get("dir"):
        yield "letter-lang", E, f"<html> without lang={lang} and dir", f'write <html lang="{lang}" dir="auto">', ""
    inside = sheet.tree.iterfind("body//*[@lang]")
    if not any(element.get("lang") == lang and element.get("dir") for element in inside):
        yield (
            "letter-lang",
            E,
            f"nothing inside <body> has lang={lang} and dir",
            "wrap the content in such a <div>",
            "",
        )


def layout(sheet: Sheet) -> Iterator[_Said]:
    """Tables that only lay out are not read out as tables."""
    data = {"th", "caption", "thead"}
    for table in sheet.tree.iter("table"):
        if table.get("role") != "presentation" and not any(table.find(f".//{name}") is not None for name in data):
            yield "letter-table", W, "a layout table without role", 'write role="presentation"', _start(table)


def headings(sheet: Sheet) -> Iterator[_Said]:
    """No level is skipped."""
    last = 0
    for heading in sheet.tree.iter("h1", "h2", "h3", "h4", "h5", "h6"):
        level = int(heading.tag[1])
        if level > last + 1:
            before = f"<h{last}>" if last else "nothing"
            seen = _flat(heading.text_content())
            yield "letter-headings", W, f"<h{level}> follows {before}", f"write <h{last + 1}>", seen
        last = level
    if not last:
        yield "letter-headings", W, "no heading", "write one <h1> with the newsletter's name", ""


def links(sheet: Sheet) -> Iterator[_Said]:
    """Every link leads somewhere from inside a mailbox."""
    for anchor in sheet.tree.iter("a", "area"):
        url = (anchor.get("href") or "").strip()
        seen = url or _flat(anchor.text_content())
        scheme = urlsplit(url).scheme.lower()
        if scheme == "http" and not _ours(url, sheet.project):
            yield "letter-link-http", W, "a link without encryption", f"https{url[4:]}", seen
        elif scheme not in {"http", "https", "mailto", "tel"} and not url.startswith("#"):
            yield (
                "letter-link",
                E,
                "a link that leads nowhere from a mailbox",
                "write the whole address, with https://",
                seen,
            )


def unsubscribing(sheet: Sheet) -> Iterator[_Said]:
    """The way out, in both parts."""
    for name, part in (("HTML", sheet.letter.html), ("text", sheet.letter.text)):
        if Slot(name="unsubscribe_url") not in part:
            message = f"no unsubscribe link in the {name} part"
            yield "letter-unsubscribe", E, message, "put unsubscribe_url back into the template", ""


def funding(sheet: Sheet) -> Iterator[_Said]:
    """The funding statement of this language, in both parts."""
    statement = _flat(sheet.project.funding.statement.get(sheet.letter.lang, ""))
    if not statement:
        fix = f"add funding.statement.{sheet.letter.lang} to settings.yaml"
        yield "letter-funding", E, f"no funding statement in `{sheet.letter.lang}`", fix, ""
        return
    for name, words in (("HTML", sheet.words), ("text", sheet.text)):
        if statement not in words:
            fix = "put the funding block back into the template"
            yield "letter-funding", E, f"the funding statement is not in the {name} part", fix, statement


def tracking(sheet: Sheet) -> Iterator[_Said]:
    """No picture that is there to be counted."""
    for image in sheet.tree.iter("img"):
        style = image.get("style") or ""
        sizes = {(image.get(side) or "").strip().removesuffix("px") for side in ("width", "height")}
        if sizes & {"0", "1"} or _TINY.search(style) or _HIDDEN.search(style):
            yield (
                "letter-tracking",
                E,
                "a picture that nobody can see",
                "delete it: readers are not watched",
                _src(image),
            )


def remote(sheet: Sheet) -> Iterator[_Said]:
    """Nothing is fetched but pictures from the public address."""
    for what, url in _fetched(sheet):
        if not _ours(url, sheet.project):
            fix = f"serve it from {sheet.project.public_url}, or leave it out"
            yield "letter-remote", E, f"{what} from elsewhere", fix, url


def _fetched(sheet: Sheet) -> Iterator[tuple[str, str]]:
    yield from (("a picture", image.get("src") or "") for image in sheet.tree.iter("img"))
    for tag, attribute in _FETCHING:
        yield from ((f"<{tag}>", found.get(attribute)) for found in sheet.tree.iter(tag) if found.get(attribute))
    yield from (("a background", found.get("background")) for found in sheet.tree.iterfind(".//*[@background]"))
    styles = [style.text or "" for style in sheet.tree.iter("style")]
    styles += [found.get("style") for found in sheet.tree.iterfind(".//*[@style]")]
    for style in styles:
        yield from (("a style", match[0] or match[1]) for match in _URL_IN_STYLE.findall(style))
    # Outlook reads what others take for comments.
    for comment in sheet.tree.iter(etree.Comment):
        yield from (("a picture for Outlook", url) for url in _SRC_IN_COMMENT.findall(comment.text or ""))


def readable(sheet: Sheet) -> Iterator[_Said]:
    """Contrast by inline styles alone, which some mail programs are left with."""
    for text, ratio in weak(sheet.tree):
        message = f"the contrast is {ratio:.1f} to 1"
        yield "letter-contrast", W, message, "make it 4.5 to 1 by a darker or lighter colour", text


def _ours(url: str, project: Project) -> bool:
    return url.startswith((f"{project.public_url}/", _HOLE)) or url == project.public_url


def _src(image: etree._Element) -> str:
    return image.get("src") or ""


def _start(element: etree._Element) -> str:
    return _flat(element.text_content())[:60]


_RULES: tuple[Callable[[Sheet], Iterable[_Said]], ...] = (
    size,
    envelope,
    alternatives,
    language,
    layout,
    headings,
    links,
    unsubscribing,
    funding,
    tracking,
    remote,
    readable,
)
