"""A letter laid out for looking at, and how rules speak of it."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree, html

from dissemination.model import Letter, Level, Project, Segments, Slot

#: More is not even parsed.
PARSED_BYTES = 2_000_000
#: A personal address in a letter is about as long as this.
HOLE = "https://hole.invalid/"

#: What a rule says: rule, level, message, fix, what was seen.
#: Where an item has the same rule, the letter's is called "letter-" and that: the item's speaks for both.
Said = tuple[str, Level, str, str, str]


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

    def is_ours(self, url: str) -> bool:
        """Whether an address belongs to the project's own site, or is made for the reader."""
        public = self.project.public_url
        return url.startswith((f"{public}/", HOLE)) or url == public


def laid_out(letter: Letter, project: Project, source: str) -> Sheet:
    """The sheet of a letter.

    Raises:
        lxml.etree.LxmlError: it is no HTML.
    """
    tree = parsed(source)
    return Sheet(
        letter=letter,
        project=project,
        source=source,
        tree=tree,
        # XPath's text() leaves out comments, which only Outlook reads.
        words=flat(" ".join(tree.xpath("//body//text()[not(parent::style or parent::script)]"))),
        text=flat(filled(letter.text)),
    )


def parsed(source: str) -> etree._Element:
    """A whole document as a tree."""
    return html.document_fromstring(source.encode(), parser=html.HTMLParser(encoding="utf-8"))


def filled(segments: Segments) -> str:
    """Words and addresses in the holes."""
    return "".join(_hole(part) if isinstance(part, Slot) else part for part in segments)


def _hole(slot: Slot) -> str:
    return f"{HOLE}{slot.name}" if slot.name.endswith("_url") else slot.name


def flat(text: str) -> str:
    """On one line."""
    return " ".join(text.split())
