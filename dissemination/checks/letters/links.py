"""Rules on links: where they lead, and what they say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import urlsplit

from lxml import etree

from dissemination.checks.findings import E, W
from dissemination.checks.letters.sheet import Said, Sheet, flat
from dissemination.checks.links import says_nothing
from dissemination.model import Slot

#: A link that is its own text is read out letter by letter; a bare name such as www.example.eu is bearable.
_BARE = re.compile(r"https?://\S{12,}", re.IGNORECASE)
#: Holes that are made to stand in a link; any other would tell the reader's name to whoever serves it.
_OWN_LINKS = frozenset({"unsubscribe_url", "preferences_url"})
_WEB, _OTHER = frozenset({"http", "https"}), frozenset({"mailto", "tel"})


def targets(sheet: Sheet) -> Iterator[Said]:
    """Every link leads somewhere from inside a mailbox."""
    for anchor in sheet.tree.iter("a", "area"):
        url = (anchor.get("href") or "").strip()
        seen = url or flat(anchor.text_content())
        if url.lower().startswith("http://") and not sheet.is_ours(url):
            yield "letter-link-http", W, "a link without encryption", f"write https{url[4:]}", seen
        elif not _leads_somewhere(url):
            message = "a link that leads nowhere from a mailbox"
            yield "letter-link", E, message, "write the whole address, with https://", seen


def _leads_somewhere(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:  # such as https://[half
        return False
    return bool(parts.netloc) if parts.scheme in _WEB else parts.scheme in _OTHER or url.startswith("#")


def texts(sheet: Sheet) -> Iterator[Said]:
    """A link says where it leads, also where links are listed out of their context."""
    told: dict[str, str] = {}
    for anchor in sheet.tree.iter("a"):
        url = (anchor.get("href") or "").strip()
        words = _words(anchor)
        if not words:
            yield "letter-link-text", W, "a link without a text", "write where it leads", url
        elif says_nothing(words):
            fix = "write where it leads, such as the title of the page"
            yield "letter-link-text", W, f"the link text `{words}` says nothing", fix, url
        elif _BARE.match(words):
            fix = "write the title of the page; the address stands in the link"
            yield "letter-link-bare", W, "a bare address as a link text", fix, url
        elif told.setdefault(words.casefold(), url) != url:
            fix = "tell them apart, if only by aria-label"
            yield "letter-link-same", W, f"two links called `{words[:60]}` lead to different places", fix, url


def _words(anchor: etree._Element) -> str:
    """What a screen reader calls the link."""
    label = flat(anchor.get("aria-label") or "")
    if label:
        return label
    pictured = " ".join(image.get("alt") or "" for image in anchor.iter("img"))
    return flat(f"{anchor.text_content()} {pictured}")


def personal(sheet: Sheet) -> Iterator[Said]:
    """What is known of a reader stands in words, never in an address: that would count who follows it."""
    before = ""
    for part in sheet.letter.html:
        if not isinstance(part, Slot):
            before = part
            continue
        inside = before.rfind("<") > before.rfind(">")
        if inside and not (part.name in _OWN_LINKS and before.endswith(('href="', "href='"))):
            fix = "put it into the text; only unsubscribe_url and preferences_url may stand in a link, whole"
            yield "letter-personal", E, f"{part.name} stands inside a tag", fix, before[-60:]


RULES: tuple[Callable[[Sheet], Iterable[Said]], ...] = (targets, texts, personal)
