"""OPML 2.0 (opml.org/spec2.opml): all feeds in one file, as readers import them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lxml import etree

from dissemination.model import Project
from dissemination.render.feed_document import FeedDocument
from dissemination.render.feed_extension import rfc2822
from dissemination.render.words import language_name

TYPE = "text/x-opml"
PATH = "feeds/feeds.opml"


def render(documents: Sequence[FeedDocument], project: Project) -> bytes:
    """The list, one group a language; Atom alone, since who subscribes to two formats sees everything twice."""
    root = etree.Element("opml", version="2.0")
    head = etree.SubElement(root, "head")
    _add(head, "title", project.acronym)
    _add(head, "dateModified", rfc2822(max(document.updated for document in documents)))
    _add(head, "ownerName", project.byline)
    body = etree.SubElement(root, "body")
    for lang in dict.fromkeys(document.lang for document in documents):
        group = etree.SubElement(body, "outline", text=language_name(lang))
        for document in documents:
            if document.lang == lang:
                etree.SubElement(group, "outline", _facts(document))
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return written


def _facts(document: FeedDocument) -> dict[str, str]:
    return {
        "type": "rss",
        "text": document.title,
        "title": document.title,
        "description": document.description,
        "xmlUrl": document.url("atom.xml"),
        "htmlUrl": document.url(""),
        "language": document.lang,
    }


def _add(parent: Any, tag: str, text: str) -> None:
    etree.SubElement(parent, tag).text = text
