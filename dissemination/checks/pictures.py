"""Rules on pictures and attachments."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from dissemination.checks.findings import E, On, Rule, W, advice, line_of
from dissemination.model import Finding, Image, Level, NewsItem, Project

LEAST_WIDTH = 1_200
MOST_BYTES = 5_000_000
#: More than this is not decoded: a small file can hold a picture that fills the memory.
MOST_PIXELS = 25_000_000
ATTACHMENT_BYTES = 10_000_000

_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")


def images(item: NewsItem, _project: Project) -> Iterator[Finding]:
    """Everything about every picture of the item."""
    if item.image:
        yield from _image(item, item.image, "image", own=True)
    for image in item.images:
        # Markdown has no place for a credit.
        yield from _image(item, image, "images", own=f'src="{image.src}"' not in item.html)


def _image(item: NewsItem, image: Image, field: str, *, own: bool) -> Iterator[Finding]:
    line = image.line or line_of(item, field)
    for rule, level, wrong, key, message, fix in _FACTS:
        if wrong(image) and (own or rule != "image-credit"):
            yield On(item, rule, level, f"{field}.{key}").say(
                f"{image.src}: {message}", fix, seen=image.src, line=line
            )
    if image.file:
        for rule, level, message, fix in _file(image.file):
            yield On(item, rule, level, f"{field}.src").say(
                f"{image.src}: {message}", fix, seen=image.src, line=line
            )


#: Rule, level, whether it applies, key, what is wrong, what to do.
_FACTS: tuple[tuple[str, Level, Callable[[Image], bool], str, str, str], ...] = (
    (
        "image-alt", E, lambda image: not image.alt.strip() and not image.decorative, "alt", "no alternative text",
        "write `alt:` with what is to be seen, or `decorative: true` if nothing is lost without it",
    ),
    (
        "image-basis", E, lambda image: image.people == "identifiable" and not image.basis, "basis",
        "people can be recognised, and nothing says on what basis they are shown",
        "write `basis:` consent, legitimate-interest, public-event or staff",
    ),
    (
        "image-consent", W, lambda image: image.basis == "consent" and not image.consent_ref, "consent_ref",
        "consent without a reference", "write `consent_ref:` with where the consent is kept",
    ),
    (
        "image-credit", W, lambda image: not image.credit and not image.decorative, "credit", "no credit",
        "write `credit:` with who made it",
    ),
    (
        "image-rights", W, lambda image: image.rights == "unverified", "rights", "nobody has verified the rights",
        "ask the owner, then delete `rights: unverified` and name the licence",
    ),
    (
        "image-missing", E, lambda image: image.file is None, "src", "no such file beside the item",
        "put the picture there, or correct its name; a web address is not fetched",
    ),
)  # fmt: skip


def _file(path: Path) -> Iterator[tuple[str, Level, str, str]]:
    try:
        facts = path.stat()
    except OSError:
        yield "image-missing", E, "no such file beside the item", "put the picture there, or correct its name"
        return
    if facts.st_size > MOST_BYTES:
        yield "image-bytes", W, f"{facts.st_size:,} bytes", f"make it smaller than {MOST_BYTES:,}"
    width, height = size_of(str(path), facts.st_mtime_ns, facts.st_size)
    if not width:
        yield "image-unreadable", E, "not a picture that can be read", "save it as PNG, JPEG, GIF or WebP"
    elif width * height > MOST_PIXELS:
        yield "image-pixels", E, f"{width} x {height} pixels", f"make it smaller than {MOST_PIXELS:,} pixels"
    elif width < LEAST_WIDTH:
        yield "image-narrow", W, f"only {width} pixels wide", f"use one of at least {LEAST_WIDTH}"


@functools.lru_cache(maxsize=50_000)
def size_of(path: str, _mtime: int, _bytes: int) -> tuple[int, int]:
    """Width and height in pixels, from the header alone; (0, 0): no picture. Kept until the file changes."""
    from PIL import Image as Pillow  # noqa: PLC0415 -- most runs find every picture in the cache of the last

    try:
        with warnings.catch_warnings():
            # Pillow warns of what we refuse ourselves.
            warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)
            with Pillow.open(path, formats=_FORMATS) as picture:
                return picture.size
    except Pillow.DecompressionBombError:
        return MOST_PIXELS, MOST_PIXELS
    except Exception:  # noqa: BLE001 -- a broken file makes Pillow raise nearly anything
        return 0, 0


def overrides(item: NewsItem, project: Project) -> Iterator[Finding]:
    """Pictures and languages of single posts."""
    listed = {image.src: image for image in (item.image, *item.images) if image}
    for network, post in item.posts.items():
        # What is wrong with a listed picture is said of it already.
        if post.image and not post.alt and post.image not in listed:
            fix = "write `alt:` with what is to be seen"
            yield On(item, "post-alt", E, f"posts.{network}.image").say("no alternative text", fix, seen=post.image)
        for src in post.images:
            if src not in listed:
                yield On(item, "post-image", E, f"posts.{network}.images").say(
                    f"`{src}` is none of the item's pictures", advice(src, listed), seen=src
                )
        if post.lang and post.lang not in project.languages:
            fix = f"write one of: {', '.join(project.languages)}"
            message = f"`{post.lang}` is none of the project's languages"
            yield On(item, "post-lang", E, f"posts.{network}.lang").say(message, fix, seen=post.lang)


def attachments(item: NewsItem, _project: Project) -> Iterator[Finding]:
    """Large files are better linked."""
    for name in item.attachments:
        try:
            size = (item.folder / name).stat().st_size
        except (OSError, ValueError):
            fix = "put the file beside the item, or correct its name"
            yield On(item, "attachment-missing", E, "attachments").say(f"{name}: no such file", fix, seen=name)
            continue
        if size > ATTACHMENT_BYTES:
            message, fix = f"{name}: {size:,} bytes are too much for mail", "publish it and write a link instead"
            yield On(item, "attachment-bytes", W, "attachments").say(message, fix, seen=name)


RULES: tuple[Rule, ...] = (images, overrides, attachments)
