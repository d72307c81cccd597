"""Pictures, rebuilt from their pixels: upright, in sRGB, of bounded size, without a trace of metadata.

Decoders are the most attacked code there is, and a few kilobytes can unfold to gigabytes. So: four formats, the
size checked before a pixel is decoded, the first frame only. Equal input gives equal bytes.
"""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from PIL import Image as Pillow
from PIL import ImageCms, ImageOps
from PIL import __version__ as pillow_version

from dissemination.errors import FileRefusedError, RenderError
from dissemination.files import digest_of, read_below, write_atomic
from dissemination.model import ATTACHED, Image, Picture

_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
_MEGABYTE = 1_000_000
_LARGEST_FILE = 25 * _MEGABYTE
_MOST_PIXELS = 25_000_000
_WIDEST = 1200
#: With no more colours than this it is a drawing, which JPEG would blur.
_DRAWING_COLOURS = 1024
_QUALITY = 82
#: Changes with whatever changes the bytes.
_RECIPE = f"1 {_WIDEST} {_DRAWING_COLOURS} {_QUALITY} pillow-{pillow_version}"
_QUALITIES = (82, 74, 66, 58, 50)
_SMALLEST_SIDE = 240


class PictureShop:
    """Implements `ports.Pictures`.

    Args:
        cache: an existing or new folder for what was made before; None: nothing is kept.
    """

    def __init__(self, cache: Path | None = None) -> None:
        self._cache = cache

    def prepare(self, image: Image) -> Picture:
        """The picture re-encoded: JPEG for photographs, PNG for drawings; at most 1200 pixels wide.

        Raises:
            RenderError: no such file, no picture that we take, or too large; the text says what to do.
        """
        source = _read(image)
        key = digest_of(f"{_RECIPE} {digest_of(source)}".encode())
        kept = self._kept(key)
        if kept is not None:
            return kept
        picture = _encode(_decode(source, str(image.file)))
        self._keep(key, picture)
        return picture

    def shrink(self, picture: Picture, max_bytes: int, max_side: int) -> Picture:
        """The picture as a network takes it; see `shrink`."""
        if _fits(picture, max_bytes, max_side):
            return picture
        key = digest_of(f"{_RECIPE} {picture.digest} {max_bytes} {max_side}".encode())
        kept = self._kept(key)
        if kept is not None:
            return kept
        smaller = shrink(picture, max_bytes, max_side)
        self._keep(key, smaller)
        return smaller

    def attach(self, folder: Path, name: str) -> Picture:
        """A file in an item's folder, as it is; see `attach`."""
        return attach(folder, name)

    def _kept(self, key: str) -> Picture | None:
        if self._cache is None:
            return None
        try:
            facts = json.loads((self._cache / f"{key}.json").read_bytes())
            picture = Picture(**facts, body=(self._cache / f"{key}.bin").read_bytes())
        except (OSError, ValueError, TypeError):
            return None
        return picture if digest_of(picture.body) == picture.digest else None

    def _keep(self, key: str, picture: Picture) -> None:
        if self._cache is None:
            return
        facts = {name: getattr(picture, name) for name in ("digest", "media_type", "width", "height")}
        write_atomic(self._cache / f"{key}.bin", picture.body)
        write_atomic(self._cache / f"{key}.json", json.dumps(facts).encode())


def shrink(picture: Picture, max_bytes: int, max_side: int) -> Picture:
    """The picture as a network takes it; the same one if it already fits.

    Args:
        picture: as `PictureShop` made it.
        max_bytes: the most bytes the network takes; 0: no limit.
        max_side: the longest side it takes, in pixels; 0: no limit.

    Raises:
        RenderError: it does not fit even small and coarse.
    """
    if _fits(picture, max_bytes, max_side):
        return picture
    pixels = _decode(picture.body, picture.name)
    for smaller in _smaller(pixels, max_side or max(pixels.size)):
        if _fits(smaller, max_bytes, max_side):
            return smaller
    raise RenderError(f"{picture.name}: cannot be made smaller than {max_bytes:,} bytes; choose another picture")


def _fits(picture: Picture, max_bytes: int, max_side: int) -> bool:
    light = not max_bytes or len(picture.body) <= max_bytes
    return light and (not max_side or max(picture.width, picture.height) <= max_side)


def _smaller(pixels: Pillow.Image, max_side: int) -> Iterator[Picture]:
    """Ever smaller versions: first by size alone, then coarser, then smaller still."""
    side = min(max_side, max(pixels.size))
    yield _encode(_within(pixels, side))
    opaque = _on_white(pixels)
    while side >= min(_SMALLEST_SIDE, max_side):
        for quality in _QUALITIES:
            yield _saved(_within(opaque, side), "JPEG", **_jpeg(quality))
        side = side * 4 // 5


# ------------------------------------------------------------------------------------------ reading


def attach(folder: Path, name: str) -> Picture:
    """A file in an item's folder, as it is, with the media type of its name.

    Raises:
        RenderError: no such file, none of the kinds that may be public, or too large.
    """
    suffix = Path(name).suffix.lower().removeprefix(".")
    if suffix not in ATTACHED:
        kinds = ", ".join(sorted(ATTACHED))
        raise RenderError(f"{name}: files of this kind are not made public; attach one of: {kinds}")
    try:
        body = read_below(folder, name, limit=_LARGEST_FILE)
    except FileNotFoundError as error:
        raise RenderError(f"{folder / name}: no such file; put it there, or correct `attachments`") from error
    except FileRefusedError as error:
        raise RenderError(f"{folder}/{error}") from error
    except OSError as error:
        raise RenderError(f"{folder / name}: cannot be read: {error.strerror}; put a file there") from error
    return Picture(digest=digest_of(body), media_type=ATTACHED[suffix], width=0, height=0, body=body)


def _read(image: Image) -> bytes:
    if image.file is None:
        raise RenderError(f"{image.src}: the picture's file is missing; put it there, or correct `src`")
    try:
        return read_below(image.file.parent, image.file.name, limit=_LARGEST_FILE)
    except FileNotFoundError as error:
        raise RenderError(f"{image.file}: no such picture; put it there, or correct `src`") from error
    except FileRefusedError as error:
        raise RenderError(f"{image.file.parent}/{error}") from error
    except OSError as error:
        raise RenderError(f"{image.file}: cannot be read: {error.strerror}; put a picture there") from error


def _decode(source: bytes, name: str) -> Pillow.Image:
    """Upright pixels in RGB or RGBA."""
    try:
        with warnings.catch_warnings():
            # Pillow warns of sizes and of broken metadata; we have limits of our own, and use no metadata.
            warnings.simplefilter("ignore")
            with Pillow.open(io.BytesIO(source), formats=_FORMATS) as opened:
                _check_size(opened.size, name)
                opened.load()
                return _plain(opened)
    except RenderError:
        raise
    except Pillow.DecompressionBombError as error:
        raise RenderError(f"{name}: far too many pixels; scale it down to 2000 pixels wide") from error
    except Exception as error:  # decoders raise anything on a hostile file
        raise RenderError(f"{name}: not a picture we can read; save it anew as PNG, JPEG, GIF or WebP") from error


def _check_size(size: tuple[int, int], name: str) -> None:
    if size[0] * size[1] > _MOST_PIXELS:
        raise RenderError(
            f"{name}: {size[0]} x {size[1]} pixels is more than {_MOST_PIXELS:,}; scale it down to 2000 pixels wide"
        )


def _plain(opened: Pillow.Image) -> Pillow.Image:
    upright = ImageOps.exif_transpose(opened)
    alpha = upright.has_transparency_data
    plain = upright.convert("RGBA") if alpha else _srgb(upright)
    if alpha and plain.getchannel("A").getextrema() == (255, 255):
        plain = plain.convert("RGB")
    # From the pixels alone: whatever else the file held (EXIF, GPS, comments, profiles, thumbnails) stays behind.
    return Pillow.frombytes(plain.mode, plain.size, plain.tobytes())


def _srgb(upright: Pillow.Image) -> Pillow.Image:
    profile = upright.info.get("icc_profile")
    if profile and upright.mode in {"RGB", "CMYK", "L"}:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(upright, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError):
            converted = None  # a broken profile: its colours are read as sRGB, as browsers do
        if converted is not None:
            return converted
    return upright.convert("RGB")


# ------------------------------------------------------------------------------------------ writing


def _encode(pixels: Pillow.Image) -> Picture:
    drawing = pixels.mode == "RGBA" or pixels.getcolors(_DRAWING_COLOURS) is not None
    width, height = pixels.size
    if width > _WIDEST:
        pixels = pixels.resize((_WIDEST, max(1, round(height * _WIDEST / width))), Pillow.Resampling.LANCZOS)
    if drawing:
        return _saved(pixels, "PNG", optimize=True)
    return _saved(pixels, "JPEG", **_jpeg(_QUALITY))


def _jpeg(quality: int) -> Mapping[str, Any]:
    return {"quality": quality, "progressive": True, "optimize": True, "subsampling": "4:2:0"}


def _saved(pixels: Pillow.Image, kind: str, **options: Any) -> Picture:
    stream = io.BytesIO()
    pixels.save(stream, kind, **options)
    body = stream.getvalue()
    width, height = pixels.size
    media_type = f"image/{kind.lower()}"
    return Picture(digest=digest_of(body), media_type=media_type, width=width, height=height, body=body)


def _within(pixels: Pillow.Image, side: int) -> Pillow.Image:
    longest = max(pixels.size)
    if longest <= side:
        return pixels
    width, height = (max(1, round(length * side / longest)) for length in pixels.size)
    return pixels.resize((width, height), Pillow.Resampling.LANCZOS)


def _on_white(pixels: Pillow.Image) -> Pillow.Image:
    if pixels.mode != "RGBA":
        return pixels
    ground = Pillow.new("RGBA", pixels.size, "white")
    return Pillow.alpha_composite(ground, pixels).convert("RGB")
