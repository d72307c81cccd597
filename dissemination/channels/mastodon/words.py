"""Whether a status says what we wrote: servers give it back as HTML, its links, mentions and hashtags marked up."""

from __future__ import annotations

import re
import unicodedata
from html.parser import HTMLParser

#: Snowflakes (Mastodon), ULIDs (GoToSocial), flakes (Pleroma).
_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
#: A mention of somebody elsewhere is shown without the server.
_MENTION = re.compile(r"(?<![\w/@])(@[\w.-]+)@[\w.-]*\w")
_BREAKS = frozenset({"br", "p", "div", "li", "ul", "ol", "blockquote", "pre"})
#: Characters; ours are far shorter, even marked up.
_LONGEST = 200_000


def is_id(text: str) -> bool:
    """Whether this may be an id, and may stand in an address."""
    return _ID.fullmatch(text) is not None


def same(text: str, content: object) -> bool:
    """Whether a status whose `content` (HTML) this is says `text`.

    Case, spaces and the servers of mentions are left out of it. A link counts by what it shows or by where it
    leads: some servers show less than the address.
    """
    if not isinstance(content, str) or len(content) > _LONGEST:
        return False
    reader = _Reader()
    reader.feed(content)
    reader.close()
    return _plain(text) in {_plain("".join(reader.shown)), _plain("".join(reader.leading))}


def _plain(text: str) -> str:
    composed = unicodedata.normalize("NFC", text)
    return "".join(_MENTION.sub(r"\1", composed).split()).casefold()


class _Reader(HTMLParser):
    """Reads the words of a status, links once as they are shown and once as they lead."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.shown: list[str] = []
        self.leading: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = dict(attrs)
        if tag in _BREAKS:
            self._add("\n")
        elif tag == "img":  # emoji of the server's own, on some
            self._add(facts.get("alt") or "")
        elif tag == "a" and not {"mention", "hashtag"} & set((facts.get("class") or "").split()):
            self.leading.append(facts.get("href") or "")
            self._inside = True

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._inside = False
        elif tag in _BREAKS:
            self._add("\n")

    def handle_data(self, data: str) -> None:
        self._add(data)

    def _add(self, text: str) -> None:
        self.shown.append(text)
        if not self._inside:
            self.leading.append(text)
