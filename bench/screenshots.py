"""Photographs of the sample newsletter in Chromium, into docs/screenshots/; docs/newsletter.md shows them.

    python bench/screenshots.py [--out DIR] [--full] [--public]

With `--public`, those of the public pages instead: docs/pages.md shows them.

The edition is that of the sample project as it stands in this folder, in its first language. No network: pictures
that go out with the letter are answered from memory, and whatever else the page asks for is refused and named.
"""

from __future__ import annotations

import argparse
import io
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Route, sync_playwright
from public_shots import photographs

from dissemination.bootstrap import make_app
from dissemination.files import shipped
from dissemination.testing import FixedClock

CHROMIUM = "/usr/bin/chromium"
OUT = Path(__file__).parents[1] / "docs" / "screenshots"
#: The sample's third week of November 2026; the shots must not change with the day.
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
#: Pixels that are kept of beginning and end, and what parts them: the stories in between look all the same.
BEGINNING, GAP, END = 1500, 24, 1000
FITTING = 150_000
#: A public page: what is kept of it, and the bytes that it may take.
TALLEST, LITTLE = 1800, 60_000


@dataclass(frozen=True)
class Shot:
    name: str
    width: int
    scheme: str = "light"
    pictures: bool = True


SHOTS = (
    *(Shot(f"{scheme}-{width}", width, scheme) for scheme in ("light", "dark") for width in (320, 600, 1200)),
    Shot("no-pictures-600", 600, pictures=False),
    Shot("no-pictures-dark-600", 600, "dark", pictures=False),
)


def letter() -> tuple[str, Mapping[str, bytes]]:
    """HTML of the sample's next edition, and file name -> picture."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        shutil.copy(shipped("settings.yaml"), root)
        for name in ("news", "templates"):
            shutil.copytree(shipped(name), root / name)
        app = make_app(root, clock=FixedClock(NOW), environ={})
        files = app.preview()
        app.close()
    name = next(path for path in sorted(files) if path.startswith("mail/") and path.endswith(".en.html"))
    pictures = {path.rpartition("/")[2]: body for path, body in files.items() if path.startswith("site/media/")}
    return files[name].decode().replace("[email]", "reader@example.org"), pictures


def photograph(browser: Browser, shot: Shot, html: str, pictures: Mapping[str, bytes], *, full: bool) -> bytes:
    """One look, as WebP; whole, as PNG, if `full`."""
    strangers: list[str] = []

    def answer(route: Route) -> None:
        body = pictures.get(route.request.url.rpartition("/")[2])
        if body is None:
            strangers.append(route.request.url)
        if body is None or not shot.pictures:
            route.abort()
        else:
            route.fulfill(body=body)

    context = browser.new_context(
        color_scheme=shot.scheme, viewport={"width": shot.width, "height": 900}, device_scale_factor=1
    )
    context.route("**/*", answer)
    page = context.new_page()
    page.set_content(html.replace("../site/media/", "https://sample.invalid/media/"), wait_until="load")
    taken = page.screenshot(full_page=True)
    context.close()
    if strangers:
        raise SystemExit(f"{shot.name}: the letter asks for {strangers}")
    return taken if full else small(taken)


def small(taken: bytes) -> bytes:
    """Beginning and end, in a file that fits into the repository."""
    whole = Image.open(io.BytesIO(taken)).convert("RGB")
    image = Image.new("RGB", (whole.width, BEGINNING + GAP + END), "#b03a6e")
    image.paste(whole.crop((0, 0, whole.width, BEGINNING)))
    image.paste(whole.crop((0, whole.height - END, whole.width, whole.height)), (0, BEGINNING + GAP))
    return packed(image, FITTING)


def packed(image: Image.Image, most: int) -> bytes:
    """WebP of so many bytes at most; without loss where that is small enough, as words on plain ground are."""
    out = io.BytesIO()
    image.save(out, "WEBP", lossless=True, quality=100, method=6)
    if out.tell() < most:
        return out.getvalue()
    for quality in range(90, 10, -6):
        out = io.BytesIO()
        image.save(out, "WEBP", quality=quality, method=6)
        if out.tell() < most:
            break
    return out.getvalue()


def page(taken: bytes) -> bytes:
    """The upper part of a public page."""
    whole = Image.open(io.BytesIO(taken)).convert("RGB")
    return packed(whole.crop((0, 0, whole.width, min(whole.height, TALLEST))), LITTLE)


def side_by_side(wide: bytes, narrow: bytes) -> bytes:
    """The beginning of a page in a window by day and on a phone in the dark."""
    parts = [Image.open(io.BytesIO(one)).convert("RGB") for one in (wide, narrow)]
    parts[0] = parts[0].crop((130, 0, parts[0].width - 130, parts[0].height))
    image = Image.new("RGB", (sum(one.width + GAP for one in parts) - GAP, 1200), "#c3c8cc")
    at = 0
    for one in parts:
        image.paste(one, (at, 0))
        at += one.width + GAP
    return packed(image, FITTING)


def shots(browser: Browser, *, full: bool, public: bool) -> Iterator[tuple[str, bytes]]:
    """Name -> picture."""
    if public:
        taken = dict(photographs(browser))
        for name, body in taken.items():
            yield name, body if full else page(body)
        # README shows it, one folder higher.
        yield "../item-page", side_by_side(taken["public-item-1280"], taken["public-item-360-dark"])
        return
    html, pictures = letter()
    for shot in SHOTS:
        yield shot.name, photograph(browser, shot, html, pictures, full=full)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--full", action="store_true", help="whole letters as PNG, to look at")
    parser.add_argument("--public", action="store_true", help="the public pages instead of the letter")
    wish = parser.parse_args()
    wish.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for name, body in shots(browser, full=wish.full, public=wish.public):
            path = wish.out / f"{name}.{'png' if wish.full else 'webp'}"
            path.write_bytes(body)
            print(f"{path.name:32} {path.stat().st_size:9,} bytes")
        browser.close()


if __name__ == "__main__":
    main()
