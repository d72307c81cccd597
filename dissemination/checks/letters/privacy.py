"""Rules for the reader's privacy: nothing watches, nothing is fetched but the pictures that were approved."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import unquote

from lxml import etree

from dissemination.checks.findings import E
from dissemination.checks.letters.sheet import Said, Sheet

_URL_IN_STYLE = re.compile(r"url\(\s*['\"]?\s*([^'\")\s]+)|@import\s+['\"]([^'\"]+)", re.IGNORECASE)
_SRC_IN_COMMENT = re.compile(r"\s(?:src|background)\s*=\s*['\"]([^'\"]+)", re.IGNORECASE)
#: Elements that fetch something, and the attribute that says what.
_FETCHING = (
    ("link", "href"), ("script", "src"), ("iframe", "src"), ("video", "src"), ("audio", "src"), ("source", "src"),
    ("embed", "src"), ("object", "data"), ("input", "src"),
)  # fmt: skip
#: Elements that no letter needs: they run, ask, play, or lay another page over it.
_ACTIVE = frozenset(
    {"script", "iframe", "frame", "object", "embed", "applet", "form", "input", "button", "select", "textarea",
     "video", "audio", "base", "portal"}
)  # fmt: skip
_TINY = re.compile(r"(?:^|;)\s*(?:max-)?(?:width|height)\s*:\s*[012](?:px)?\s*(?:;|!|$)", re.IGNORECASE)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


def tracking(sheet: Sheet) -> Iterator[Said]:
    """No picture that is there to be counted."""
    for image in sheet.tree.iter("img"):
        style, url = image.get("style") or "", image.get("src") or ""
        sizes = {(image.get(side) or "").strip().removesuffix("px") for side in ("width", "height")}
        fix = "delete it: readers are not watched"
        if sizes & {"0", "1", "2"} or _TINY.search(style) or _HIDDEN.search(style):
            yield "letter-tracking", E, "a picture that nobody can see", fix, url
        elif "?" in url:
            yield "letter-tracking", E, "a picture whose address has a query", "leave out what follows the ?", url


def remote(sheet: Sheet) -> Iterator[Said]:
    """Nothing is fetched but the pictures that go out with the letter."""
    declared = {f"{sheet.project.public_url}/media/{digest}" for digest in sheet.letter.pictures}
    for what, url in _fetched(sheet):
        if not sheet.is_ours(url):
            fix = f"serve it from {sheet.project.public_url}, or leave it out"
            yield "letter-remote", E, f"{what} from elsewhere", fix, url
        elif unquote(url).partition("?")[0].rpartition(".")[0] not in declared:
            fix = "show pictures of items, or the funder's visual: they are approved with the letter"
            yield "letter-remote", E, f"{what} that does not go out with the letter", fix, url


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


def active(sheet: Sheet) -> Iterator[Said]:
    """Nothing runs, asks or plays: mail programs drop it, and filters distrust the letter for it."""
    for element in sheet.tree.iter(*_ACTIVE):
        yield "letter-active", E, f"<{element.tag}> in a letter", "link to a page that has it", ""
    for meta in sheet.tree.iter("meta"):
        if (meta.get("http-equiv") or "").lower() == "refresh":
            yield "letter-active", E, "the letter leads to another page by itself", "delete the <meta>", ""


RULES: tuple[Callable[[Sheet], Iterable[Said]], ...] = (tracking, remote, active)
