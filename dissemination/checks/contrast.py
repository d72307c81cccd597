"""Contrast of text on its background, from inline styles alone (WCAG 2.2, 1.4.3)."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from lxml import etree
from PIL import ImageColor

LEAST_RATIO = 4.5

Colour = tuple[int, int, int]

#: Text, its ground and links, where nothing says otherwise; the second is what browsers take in the dark.
_LIGHT: tuple[Colour, Colour, Colour] = ((0, 0, 0), (255, 255, 255), (0, 0, 238))
_DARK: tuple[Colour, Colour, Colour] = ((255, 255, 255), (18, 18, 18), (158, 158, 255))
_DECLARATION = re.compile(r"(?:^|;)\s*([a-z-]+)\s*:\s*([^;]+)", re.IGNORECASE)
_COLOUR = re.compile(r"#[0-9a-f]{3,8}\b|\b(?:rgb|hsl)a?\([^)]*\)|\b[a-z]{3,20}\b", re.IGNORECASE)
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all|font-size\s*:\s*0|opacity\s*:\s*0(?![.\d])",
    re.IGNORECASE,
)


def weak(root: etree._Element, *, dark: bool = False) -> Iterator[tuple[str, float]]:
    """Each text whose contrast is below 4.5 with its ratio; every pair of colours once.

    Args:
        root: the document.
        dark: whether what has no colour of its own is shown light on dark.
    """
    seen: set[tuple[Colour, Colour]] = set()
    for text, front, back in _texts(root, *(_DARK if dark else _LIGHT)):
        ratio = contrast(front, back)
        if ratio < LEAST_RATIO and (front, back) not in seen:
            seen.add((front, back))
            yield text, ratio


def _texts(
    root: etree._Element, text: Colour, ground: Colour, link: Colour
) -> Iterator[tuple[str, Colour, Colour]]:
    """Every visible text with its colour and the nearest background."""
    stack = [(root, text, ground)]
    while stack:
        element, front, back = stack.pop()
        style = element.get("style") or ""
        if not isinstance(element.tag, str) or element.tag in {"head", "style", "script"} or _HIDDEN.search(style):
            continue
        front, back = _colours(element, style, front, back, link)
        if element.text and element.text.strip():
            yield element.text.strip(), front, back
        for child in element:
            if child.tail and child.tail.strip():
                yield child.tail.strip(), front, back
            stack.append((child, front, back))


def _colours(
    element: etree._Element, style: str, front: Colour, back: Colour, link: Colour
) -> tuple[Colour, Colour]:
    rules = {name.lower(): value for name, value in _DECLARATION.findall(style)}
    behind = rules.get("background-color") or rules.get("background") or element.get("bgcolor") or ""
    words = rules.get("color") or element.get("color") or ""
    # A link without a colour of its own gets the mail program's blue.
    inherited = link if element.tag == "a" and element.get("href") and not words else front
    return parse(words) or inherited, parse(behind) or back


@functools.lru_cache(maxsize=512)
def parse(text: str) -> Colour | None:
    """The first colour that stands in a CSS value; None for none, or one that lets its ground shine through."""
    for word in _COLOUR.findall(text[:200]):
        try:
            red, green, blue, *alpha = ImageColor.getrgb(word)
        except ValueError:
            continue
        return (red, green, blue) if alpha in ([], [255]) else None
    return None


@functools.lru_cache(maxsize=512)
def contrast(front: Colour, back: Colour) -> float:
    """The ratio of WCAG 2.2: 1 (equal) to 21 (black on white)."""
    light, dark = sorted((_luminance(front), _luminance(back)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Colour) -> float:
    red, green, blue = (_linear(channel / 255) for channel in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
