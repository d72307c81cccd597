"""The rules of the W3C feed validator that our feeds could break, over serialised bytes: name -> what is wrong.

The validator is in no package registry; its names are kept so that its documentation explains them. Written after
that documentation (validator.w3.org/feed/docs), RFC 4287, RFC 5005, the RSS Board's profile and jsonfeed.org.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from lxml import etree
from lxml import html as lxml_html

ATOM = "{http://www.w3.org/2005/Atom}"
DC = "{http://purl.org/dc/elements/1.1/}"
MEDIA = "{http://search.yahoo.com/mrss/}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}"
HISTORY = "{http://purl.org/syndication/history/1.0}"
KNOWN = {"", *(one[1:-1] for one in (ATOM, DC, MEDIA, CONTENT, HISTORY))}
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
#: The hosts and readers with the smallest limit stop above it.
LARGEST = 500_000
_RFC2822 = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4}"
    r" \d\d:\d\d:\d\d \+0000"
)
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|\+00:00)")
_TAGGED = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+")
_RISKY = ("script", "style", "iframe", "object", "embed", "form", "link", "meta", "base", "frame", "applet")
_ITEM = {
    "title", "link", "description", "author", "category", "comments", "enclosure", "guid", "pubDate", "source",
}  # fmt: skip
_CHANNEL = {
    "title", "link", "description", "language", "copyright", "managingEditor", "webMaster", "pubDate",
    "lastBuildDate", "category", "generator", "docs", "cloud", "ttl", "image", "textInput", "skipHours", "skipDays",
    "item",
}  # fmt: skip
_RELATIONS = {"alternate", "enclosure", "related", "self", "via"}
_FEED_RELATIONS = {*_RELATIONS, "hub", "current", "prev-archive", "next-archive"}

Faults = Iterator[tuple[str, str]]


def faults(path: str, body: bytes, now: datetime | None = None) -> list[tuple[str, str]]:
    """Everything that the validator would say of a feed file, an error or a warning alike.

    Args:
        path: its name decides the format.
        body: the bytes as they are served.
        now: nothing in it may be later; None: nothing is held against it.
    """
    if len(body) > LARGEST:
        return [("TooLarge", f"{len(body)} bytes")]
    checks = {"rss.xml": _rss, "atom.xml": _atom, "feed.json": _json, "feeds.opml": _opml}
    check = checks[path.rpartition("/")[2]]
    if check is _json:
        return list(_json(body, now))
    try:
        root = etree.fromstring(body)
    except etree.XMLSyntaxError as error:
        return [("SAXError", str(error))]
    found = [*_namespaces(root), *check(root, now)]
    if check is _rss:
        found += _character_data(body)
    return found


#: Name of a file -> how it must be served.
MEDIA_TYPES = {
    "rss.xml": "application/rss+xml",
    "atom.xml": "application/atom+xml",
    "feed.json": "application/feed+json",
    "feeds.opml": "text/x-opml",
}


def served(address: str, body: bytes, content_type: str) -> list[tuple[str, str]]:
    """What the validator would say besides of how a feed came over HTTP.

    Args:
        address: what was asked for, by its public name.
        body: what came.
        content_type: the header.
    """
    name = address.rpartition("/")[2]
    media, _, charset = content_type.partition("; charset=")
    declared = re.match(rb"<\?xml[^>]*encoding=['\"]([^'\"]+)", body)
    found = []
    if media != MEDIA_TYPES[name]:
        found.append(("UnexpectedContentType", content_type))
    if charset.lower() != (declared[1].decode().lower() if declared else "utf-8"):
        found.append(("EncodingMismatch", content_type))
    if name != "feeds.opml" and _own_address(name, body) != address:
        found.append(("SelfDoesntMatchLocation", address))
    return found


def _own_address(name: str, body: bytes) -> str:
    if name == "feed.json":
        return json.loads(body)["feed_url"]
    root = etree.fromstring(body)
    parent = root[0] if root.tag == "rss" else root
    return next((link.get("href") for link in parent.iterfind(f"{ATOM}link") if link.get("rel") == "self"), "")


def _namespaces(root) -> Faults:
    for element in root.iter(etree.Element):
        if (etree.QName(element).namespace or "") not in KNOWN:
            yield "UnknownNamespace", element.tag


def _character_data(body: bytes) -> Faults:
    """The profile: & and < in a title by hexadecimal reference."""
    for title in re.findall(rb"<title>(.*?)</title>", body, re.DOTALL):
        if re.search(rb"&(amp|lt|gt);|<!\[CDATA", title):
            yield "CharacterData", title.decode()


def _rss(root, now) -> Faults:
    channel = root[0]
    if (root.tag, root.get("version"), channel.tag) != ("rss", "2.0", "channel"):
        yield "UndefinedElement", "no RSS 2.0"
    yield from _once(
        channel, "title", "link", "description", "language", "lastBuildDate", "ttl", optional={"lastBuildDate"}
    )
    for child in channel.iterchildren(etree.Element):
        if "}" not in child.tag and child.tag not in _CHANNEL:
            yield "UndefinedElement", child.tag
    yield from _url(channel.findtext("link"), "InvalidLink")
    yield from _language(channel.findtext("language"))
    if not (channel.findtext("ttl") or "").isdigit():
        yield "InvalidIntegerAttribute", "ttl"
    yield from _date2822(channel.findtext("lastBuildDate"), now)
    yield from _feed_links(channel, now)
    tags = [child.tag for child in channel.iterchildren(etree.Element)]
    if "item" in tags and set(tags[tags.index("item") :]) != {"item"}:
        yield "MisplacedItem", "something stands after the items"
    items = channel.findall("item")
    yield from _ids([item.findtext("guid") for item in items])
    for item in items:
        yield from _rss_item(item, now)


def _rss_item(item, now) -> Faults:
    yield from _once(item, "title", "link", "description", "guid", "pubDate", f"{CONTENT}encoded")
    tags = [child.tag for child in item.iterchildren(etree.Element)]
    for tag in tags:
        if "}" not in tag and tag not in _ITEM:
            yield "UndefinedElement", tag
    if tags.count("enclosure") > 1:
        yield "DuplicateEnclosure", str(tags.count("enclosure"))
    if "author" in tags and f"{DC}creator" in tags:
        yield "DuplicateItemSemantics", "author and dc:creator"
    if "author" in tags and "@" not in (item.findtext("author") or ""):
        yield "InvalidContact", item.findtext("author")
    if {"description", f"{CONTENT}encoded"} <= set(tags) and tags.index("description") > tags.index(
        f"{CONTENT}encoded"
    ):
        yield "NeedDescriptionBeforeContent", ""
    for enclosure in item.findall("enclosure"):
        yield from _file(enclosure.get("url"), enclosure.get("type"), enclosure.get("length"))
    guid = item.find("guid")
    if guid is not None and guid.get("isPermaLink") != "false":
        yield "InvalidPermalink", "no address, and not said so"
    yield from _url(item.findtext("link"), "InvalidLink")
    yield from _date2822(item.findtext("pubDate"), now)
    yield from _date3339(item.findtext(f"{ATOM}updated"), now)
    yield from _text(item.findtext("title"), item.findtext("description"))
    yield from _html(item.findtext("description"))
    yield from _html(item.findtext(f"{CONTENT}encoded"))
    yield from _media(item)


def _atom(root, now) -> Faults:
    if root.tag != f"{ATOM}feed":
        yield "UndefinedElement", root.tag
    yield from _once(root, *(f"{ATOM}{tag}" for tag in ("id", "title", "updated")))
    yield from _language(root.get(LANG))
    yield from _iri(root.findtext(f"{ATOM}id"))
    yield from _date3339(root.findtext(f"{ATOM}updated"), now)
    yield from _feed_links(root, now)
    entries = root.findall(f"{ATOM}entry")
    yield from _ids([entry.findtext(f"{ATOM}id") for entry in entries])
    authored = root.find(f"{ATOM}author") is not None
    for entry in entries:
        if not authored and entry.find(f"{ATOM}author") is None:
            yield "MissingElement", "author"
        yield from _atom_entry(entry, now)


def _atom_entry(entry, now) -> Faults:
    yield from _once(
        entry, *(f"{ATOM}{tag}" for tag in ("id", "title", "updated", "published", "content", "summary"))
    )
    yield from _iri(entry.findtext(f"{ATOM}id"))
    for tag in ("updated", "published"):
        yield from _date3339(entry.findtext(f"{ATOM}{tag}"), now)
    if (entry.findtext(f"{ATOM}updated") or "") < (entry.findtext(f"{ATOM}published") or ""):
        yield "InvalidDates", "updated before it was published"
    for name in entry.iterfind(f"{ATOM}author/{ATOM}name"):
        if not (name.text or "").strip():
            yield "MissingElement", "author's name"
    yield from _entry_links(entry)
    for category in entry.iterfind(f"{ATOM}category"):
        if not category.get("term"):
            yield "MissingAttribute", "term"
    content = entry.find(f"{ATOM}content")
    if content is not None and content.get("type") not in {"html", "text", "xhtml"}:
        yield "InvalidMIMEType", str(content.get("type"))
    yield from _text(entry.findtext(f"{ATOM}title"), entry.findtext(f"{ATOM}summary"))
    yield from _html(entry.findtext(f"{ATOM}content"))
    yield from _media(entry)


def _entry_links(entry) -> Faults:
    links = entry.findall(f"{ATOM}link")
    for link in links:
        if link.get("rel", "alternate") not in _RELATIONS:
            yield "UnregisteredAtomLinkRel", link.get("rel")
        if not link.get("rel") or not link.get("type"):
            yield "MissingAttribute", f"link {link.get('href')}"
        if link.get("rel") == "enclosure":
            yield from _file(link.get("href"), link.get("type"), link.get("length"))
        yield from _url(link.get("href"), "InvalidLink")
    if [link.get("rel") for link in links].count("alternate") != 1:
        yield "DuplicateAtomLink", "not one alternate"


def _feed_links(parent, _now) -> Faults:
    links = parent.findall(f"{ATOM}link")
    relations = [link.get("rel") for link in links]
    if relations.count("self") != 1:
        yield "MissingAtomSelfLink", str(relations.count("self"))
    for link in links:
        if link.get("rel") not in _FEED_RELATIONS:
            yield "UnregisteredAtomLinkRel", str(link.get("rel"))
        if link.get("hreflang"):
            yield from _language(link.get("hreflang"))
        yield from _url(link.get("href"), "InvalidLink")
    archive = parent.find(f"{HISTORY}archive") is not None
    if archive != ("current" in relations) or (archive and "hub" in relations):
        yield "BadArchive", "RFC 5005, section 4: an archive names its current document, and is not pushed"


def _json(body, now) -> Faults:
    try:
        feed = json.loads(body)
    except ValueError as error:
        yield "InvalidJSON", str(error)
        return
    if feed.get("version") != "https://jsonfeed.org/version/1.1":
        yield "InvalidVersion", str(feed.get("version"))
    for name in ("title", "home_page_url", "feed_url", "language"):
        if not feed.get(name):
            yield "MissingElement", name
    for name in ("home_page_url", "feed_url"):
        yield from _url(feed.get(name), "InvalidLink")
    yield from _language(feed.get("language"))
    yield from _ids([item.get("id") for item in feed["items"]])
    for item in feed["items"]:
        yield from _url(item.get("url"), "InvalidLink")
        yield from _date3339(item.get("date_published"), now)
        yield from _date3339(item.get("date_modified"), now)
        yield from _text(item.get("title"), item.get("summary"))
        yield from _html(item.get("content_html"))
        for file in item.get("attachments", ()):
            yield from _file(file.get("url"), file.get("mime_type"), str(file.get("size_in_bytes")))
        if any(not author.get("name") for author in item.get("authors", ())):
            yield "MissingElement", "author's name"


def _opml(root, now) -> Faults:
    if (root.tag, root.get("version")) != ("opml", "2.0"):
        yield "InvalidOPMLVersion", str(root.get("version"))
    if not root.findtext("head/title"):
        yield "MissingElement", "title"
    yield from _date2822(root.findtext("head/dateModified"), now)
    outlines = list(root.iterfind("body//outline"))
    if not outlines:
        yield "MissingElement", "outline"
    for outline in outlines:
        if not outline.get("text"):
            yield "MissingAttribute", "text"
        if outline.get("type") == "rss":
            for name in ("xmlUrl", "htmlUrl", "title", "language"):
                if not outline.get(name):
                    yield "MissingAttribute", name
            yield from _url(outline.get("xmlUrl"), "InvalidLink")
            yield from _url(outline.get("htmlUrl"), "InvalidLink")
            yield from _language(outline.get("language"))


# ------------------------------------------------------------------------------------------ what they share


def _once(parent, *tags, optional=frozenset()) -> Faults:
    for tag in tags:
        found = parent.findall(tag)
        name = etree.QName(tag).localname
        if len(found) > 1:
            yield "DuplicateElement", name
        elif tag not in optional and (not found or not (found[0].text or "").strip()):
            yield "MissingGuid" if name == "guid" else "MissingElement", name


def _ids(ids) -> Faults:
    if len(set(ids)) != len(ids):
        yield "DuplicateIds", str(ids)


def _url(url, name) -> Faults:
    try:
        parts = urlsplit(url or "")
    except ValueError:
        yield name, str(url)
        return
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        yield name, str(url)
    if not (url or "").isascii() or re.search(r'[\s<>"{}|\\^`]', url or ""):
        yield "InvalidIRI", str(url)


def _iri(text) -> Faults:
    if not re.fullmatch(r"[a-z][a-z0-9+.-]*:\S+", text or ""):
        yield "InvalidFullLink", str(text)


def _language(text) -> Faults:
    if not _TAGGED.fullmatch(text or ""):
        yield "InvalidLanguage", str(text)


def _date2822(text, now) -> Faults:
    if text is not None:
        if not _RFC2822.fullmatch(text):
            yield "InvalidRFC2822Date", text
        elif parsedate_to_datetime(text).strftime("%a") != text[:3]:
            yield "IncorrectDOW", text
        else:
            yield from _past(parsedate_to_datetime(text), now)


def _date3339(text, now) -> Faults:
    if text is not None:
        if not _RFC3339.fullmatch(text):
            yield "InvalidRFC3339Date", text
        else:
            yield from _past(datetime.fromisoformat(text), now)


def _past(when, now) -> Faults:
    if now is not None and when.astimezone(UTC) > now + timedelta(minutes=1):
        yield "ImplausibleDate", when.isoformat()


def _file(url, media_type, length) -> Faults:
    yield from _url(url, "InvalidURIAttribute")
    if not _MEDIA_TYPE.fullmatch(media_type or ""):
        yield "InvalidMIMEAttribute", str(media_type)
    if not re.fullmatch(r"[1-9]\d*", length or ""):
        yield "InvalidIntegerAttribute", str(length)


def _text(*texts) -> Faults:
    for text in texts:
        if text is not None and (text != " ".join(text.split()) or not text):
            yield "NotInline", repr(text)


def _html(text) -> Faults:
    if not (text or "").strip():
        yield "NotHtml", "no content"
        return
    for element in lxml_html.fragment_fromstring(text, create_parent="div").iter(etree.Element):
        if element.tag in _RISKY:
            yield "SecurityRisk", element.tag
        for name, value in element.attrib.items():
            if name.startswith("on"):
                yield "SecurityRiskAttr", name
            if name == "style":
                yield "DangerousStyleAttr", value
            if name in {"href", "src", "cite"} and urlsplit(value).scheme not in {"http", "https", "mailto", "tel"}:
                yield "ContainsRelRef", value


def _media(parent) -> Faults:
    for group in parent.iterfind(f"{MEDIA}group"):
        if len(group.findall(f"{MEDIA}content")) < 2:
            yield "InvalidMediaGroup", "of one"
    for content in parent.iterfind(f"{MEDIA}content"):
        yield from _file(content.get("url"), content.get("type"), content.get("fileSize"))
        if not all((content.get(name) or "").isdigit() for name in ("width", "height")):
            yield "InvalidIntegerAttribute", "width and height"
    for thumbnail in parent.iterfind(f"{MEDIA}thumbnail"):
        yield from _url(thumbnail.get("url"), "InvalidURIAttribute")
