"""The pictures of an item: where their files are, and what is said of them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from dissemination.model import Finding, Image
from dissemination.sources.fields import Fields
from dissemination.sources.layout import SIDECAR_SUFFIXES, Place
from dissemination.sources.parsing import Parsed
from dissemination.sources.walk import Listing

IMAGE = frozenset(
    "src alt caption credit license people basis consent_ref rights decorative focal".split()  # noqa: SIM905 # one line
)
_PEOPLE = {word: word for word in ("none", "crowd", "identifiable")}
_BASES = {word: word for word in ("consent", "legitimate-interest", "public-event", "staff")}
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//")


@dataclass(frozen=True, kw_only=True, slots=True)
class NewsFolder:
    """The folder as it was found."""

    root: Path
    listing: Listing = field(default_factory=Listing)
    #: Path of a sidecar -> what it says.
    sidecars: Mapping[str, Parsed] = field(default_factory=dict)

    def picture(self, src: str, folder: str) -> str:
        """The path of a picture below the news folder: from the item's folder, else from the news folder; or "".

        Raises:
            ValueError: it leads out of the folder, or is a link; the text says which.
        """
        if _SCHEME.match(src):
            return ""
        path = unquote(src.partition("?")[0].partition("#")[0])
        near = posixpath.normpath(posixpath.join(folder, path.lstrip("/")))
        far = posixpath.normpath(path.lstrip("/"))
        candidates = (far,) if path.startswith("/") else (near, far)
        for candidate in candidates:
            if candidate in self.listing.files:
                return candidate
        for candidate in candidates:
            if self.listing.is_refused(candidate):
                raise ValueError("is a link or no regular file; put the picture itself there")
        if all(candidate.startswith("../") for candidate in candidates):
            raise ValueError("lies outside the news folder; put it beside the item")
        return ""

    def facts(self, path: str, findings: list[Finding]) -> Fields:
        """What the sidecar of a picture says, if there is one."""
        for suffix in SIDECAR_SUFFIXES:
            parsed = self.sidecars.get(f"{path}{suffix}")
            if parsed:
                return Fields(parsed.header.fields, parsed.header.lines, findings)
        return Fields({}, {}, findings)


class Pictures:
    """Reads the pictures of one item.

    Args:
        folder: the news folder.
        place: the item's file.
        lang: the item's language, for alternative texts given by language.
        findings: where problems are noted.
    """

    def __init__(self, folder: NewsFolder, place: Place, lang: str, findings: list[Finding]) -> None:
        self._folder, self._place, self._lang, self._findings = folder, place, lang, findings

    def lead_and_others(
        self, fields: Fields, shown: Iterable[tuple[str, str, int]], of_posts: Iterable[tuple[str, str]] = ()
    ) -> tuple[Image | None, tuple[Image, ...]]:
        """The lead picture, and all others: those listed, those that the body shows, those of single posts.

        Args:
            fields: the item's.
            shown: address, alternative text and line of each picture of the body.
            of_posts: path and alternative text of each picture that one network's post shows.
        """
        lead = fields.inner("image", IMAGE, "src")
        listed = [self._image(one) for one in fields.inners("images", IMAGE, "src")]
        image = self._image(lead) if lead else (listed.pop(0) if listed else None)
        images = {one.src: one for one in listed}
        posts = ((src, alt, fields.line("posts")) for src, alt in of_posts)
        for src, alt, line in (*shown, *posts):
            if src not in images and not (image and image.src == src):
                images[src] = self._image(Fields({"src": src, "alt": alt}, {"": line, "src": line}, self._findings))
        return image, tuple(images.values())

    def _image(self, own: Fields) -> Image:
        src = own.text("src")
        path = self._find(own, src)
        side = self._folder.facts(path, self._findings)
        facts = {name: self._spoken(own, name) or self._spoken(side, name) for name in ("alt", "caption", "credit")}
        plain = {name: own.text(name) or side.text(name) for name in ("license", "consent_ref", "rights")}
        return Image(
            src=src,
            file=self._folder.root / path if path else None,
            **facts,
            **plain,
            people=own.choice("people", _PEOPLE, "") or side.choice("people", _PEOPLE, ""),
            basis=own.choice("basis", _BASES, "") or side.choice("basis", _BASES, ""),
            decorative=(own if "decorative" in own else side).flag("decorative"),
            line=own.line("src"),
        )

    def _find(self, own: Fields, src: str) -> str:
        if not src:
            own.wrong("src", "image-refused", "a picture without a file", fix='src: "paris.jpg"')
            return ""
        try:
            return self._folder.picture(src, self._place.folder)
        except ValueError as error:
            own.wrong("src", "image-refused", f"the picture {error}", seen=src)
            return ""

    def _spoken(self, fields: Fields, name: str) -> str:
        """A text, or one by language."""
        value = fields.raw(name)
        if not isinstance(value, dict):
            return fields.text(name)
        return Fields(value, {}, self._findings, f"{name}.").text(self._lang)
