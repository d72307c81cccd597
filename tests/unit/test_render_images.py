"""Pictures are rebuilt: nothing but pixels survives, and hostile files cost nothing."""

import io
import os
import struct
import time
import zlib

import pytest
from PIL import Image as Pillow
from PIL import ImageCms
from PIL.PngImagePlugin import PngInfo

from dissemination.errors import RenderError
from dissemination.files import digest_of
from dissemination.model import Image
from dissemination.render import PictureShop, shrink

SECRETS = (b"GPS-SECRET", b"comment-secret", b"camera-secret", b"http://ns.adobe.com")


@pytest.fixture
def shop():
    return PictureShop()


@pytest.fixture
def prepare(shop, tmp_path):
    def make(body, name="a.png"):
        path = tmp_path / name
        path.write_bytes(body)
        return shop.prepare(Image(src=name, file=path))

    return make


def photo(size=(160, 90)):
    """Many colours, always the same."""
    width, height = size
    pixels = bytes((x * 7 + y * 13 * c) % 256 for y in range(height) for x in range(width) for c in (1, 2, 3))
    return Pillow.frombytes("RGB", size, pixels)


def noise(size):
    """Hard to compress, always the same."""
    state, out = 1, bytearray()
    for _ in range(size[0] * size[1] * 3):
        state = (state * 1103515245 + 12345) % 2**31
        out.append(state >> 16 & 255)
    return Pillow.frombytes("RGB", size, bytes(out))


def saved(image, kind="PNG", **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def opened(picture):
    image = Pillow.open(io.BytesIO(picture.body))
    image.load()
    return image


def exif(**tags):
    data = Pillow.Exif()
    data[0x010F] = "camera-secret"
    data[0x0112] = tags.get("orientation", 1)
    gps = data.get_ifd(0x8825)
    gps[1], gps[2], gps[29] = "N", (48.0, 51.0, 24.0), "GPS-SECRET"
    return data


# ------------------------------------------------------------------------------------------ metadata


def test_a_photographs_metadata_is_gone(prepare):
    body = saved(photo(), "JPEG", exif=exif(), comment=b"comment-secret", xmp=b"<x>http://ns.adobe.com</x>")
    assert all(secret in body for secret in SECRETS)
    picture = prepare(body, "a.jpg")
    assert not any(secret in picture.body for secret in SECRETS)
    again = opened(picture)
    assert not again.getexif()
    assert set(again.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "progressive", "progression"}


def test_a_drawings_metadata_is_gone(prepare):
    texts = PngInfo()
    texts.add_text("Comment", "comment-secret")
    texts.add_itxt("XML:com.adobe.xmp", "http://ns.adobe.com")
    body = saved(Pillow.new("RGB", (20, 20), "red"), pnginfo=texts, exif=exif())
    picture = prepare(body)
    assert not any(secret in picture.body for secret in SECRETS)
    assert opened(picture).info == {}


def test_what_follows_the_picture_is_gone(prepare):
    assert b"comment-secret" not in prepare(saved(photo(), "JPEG") + b"comment-secret", "a.jpg").body


def test_a_picture_is_upright(prepare):
    lying = Pillow.new("RGB", (40, 20), "white")
    lying.paste((255, 0, 0), (0, 0, 10, 20))
    picture = prepare(saved(lying, "PNG", exif=exif(orientation=6)))
    assert (picture.width, picture.height) == (20, 40)
    assert opened(picture).convert("RGB").getpixel((10, 2)) == (255, 0, 0)
    assert opened(picture).convert("RGB").getpixel((10, 38)) == (255, 255, 255)


def test_colours_are_put_into_srgb(prepare):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for old, new in ((b"rXYZ", b"????"), (b"bXYZ", b"rXYZ"), (b"????", b"bXYZ")):  # red and blue change places
        profile = profile.replace(old, new, 1)
    plain = prepare(saved(photo(), "PNG"), "plain.png")
    profiled = prepare(saved(photo(), "PNG", icc_profile=profile), "profiled.png")
    assert plain.digest != profiled.digest
    assert "icc_profile" not in opened(profiled).info


def test_a_broken_profile_costs_nothing(prepare):
    picture = prepare(saved(photo(), "PNG", icc_profile=b"nonsense" * 30))
    assert picture.digest == prepare(saved(photo(), "PNG"), "b.png").digest


# ------------------------------------------------------------------------------------------ kinds and sizes


def test_a_photograph_becomes_a_progressive_jpeg(prepare):
    picture = prepare(saved(photo(), "PNG"))
    assert (picture.media_type, picture.name) == ("image/jpeg", f"{picture.digest}.jpg")
    assert opened(picture).info["progressive"] == 1


def test_a_drawing_stays_sharp(prepare):
    picture = prepare(saved(Pillow.new("RGB", (30, 20), (1, 2, 3)), "PNG"))
    assert picture.media_type == "image/png"
    assert opened(picture).getpixel((5, 5)) == (1, 2, 3)


def test_transparency_is_kept(prepare):
    picture = prepare(saved(Pillow.new("RGBA", (30, 20), (1, 2, 3, 40)), "PNG"))
    assert opened(picture).getpixel((5, 5)) == (1, 2, 3, 40)


def test_transparency_that_is_none_is_dropped(prepare):
    image = photo()
    image.putalpha(255)
    assert prepare(saved(image, "PNG")).media_type == "image/jpeg"


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "LA", "I;16"])
def test_every_mode_is_taken(prepare, mode):
    image = Pillow.new("L", (30, 20), 200).convert(mode) if mode != "I;16" else Pillow.new("I;16", (30, 20), 9)
    picture = prepare(saved(image, "JPEG" if mode == "CMYK" else "PNG"))
    assert opened(picture).mode in {"RGB", "RGBA"}
    assert (picture.width, picture.height) == (30, 20)


def test_webp_becomes_what_every_mailbox_shows(prepare):
    assert prepare(saved(photo(), "WEBP"), "a.webp").media_type == "image/jpeg"


@pytest.mark.parametrize(
    ("size", "expected"), [((2400, 600), (1200, 300)), ((1200, 10), (1200, 10)), ((300, 2000), (300, 2000))]
)
def test_wide_pictures_are_scaled(prepare, size, expected):
    picture = prepare(saved(Pillow.new("RGB", size, "navy"), "PNG"))
    assert (picture.width, picture.height) == expected == opened(picture).size


def test_equal_input_gives_equal_bytes(prepare):
    body = saved(photo(), "PNG")
    first, second = prepare(body, "a.png"), prepare(body, "b.png")
    assert first == second
    assert first.digest == digest_of(first.body)


# ------------------------------------------------------------------------------------------ hostile files


def bomb(width, height):
    """A PNG of a few kilobytes that unfolds to all those pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress((b"\0" + b"\0" * (width // 8)) * height, 9)
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(12_000, 12_000), (40_000, 4_000), (200_000, 200_000)])
def test_a_bomb_is_refused_before_it_unfolds(prepare, size):
    body = bomb(*size) if size[0] < 100_000 else bomb(8, 8)[:16] + struct.pack(">II", *size) + bomb(8, 8)[24:]
    start = time.process_time()
    with pytest.raises(RenderError, match=r"a\.png: .*(scale it down|not a picture)"):
        prepare(body)
    assert time.process_time() - start < 20


def test_only_the_first_frame_of_many_is_read(prepare):
    frames = [Pillow.new("P", (50, 50), n) for n in range(200)]
    for n, frame in enumerate(frames):
        frame.putpalette([n, 255 - n, n] * 256)
    body = saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=20)
    picture = prepare(body, "a.gif")
    assert picture.media_type == "image/png"
    assert getattr(opened(picture), "n_frames", 1) == 1


OTHERS = {
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    "text": b"not a picture",
    "nothing": b"",
    "bmp": saved(Pillow.new("RGB", (4, 4)), "BMP"),
    "tiff": saved(Pillow.new("RGB", (4, 4)), "TIFF"),
    "half a jpeg": saved(photo((400, 400)), "JPEG")[:900],
    "a head alone": bomb(8, 8)[:40],
}


@pytest.mark.parametrize("body", OTHERS.values(), ids=OTHERS.keys())
def test_what_is_not_one_of_four_formats_is_refused_whatever_its_name(prepare, body):
    with pytest.raises(RenderError, match=r"a\.png: not a picture we can read; save it anew as PNG"):
        prepare(body)


def test_damage_anywhere_gives_a_picture_or_an_error_of_ours(prepare):
    for kind in ("PNG", "JPEG", "GIF", "WEBP"):
        whole = saved(photo((32, 32)), kind)
        for place in range(0, len(whole), max(1, len(whole) // 60)):
            damaged = whole[:place] + bytes((whole[place] ^ 0xFF,)) + whole[place + 1 :]
            try:
                assert prepare(damaged).body
            except RenderError as error:
                assert "a.png" in str(error)  # noqa: PT017 - either outcome is right


def test_a_missing_file_says_what_to_do(shop, tmp_path):
    with pytest.raises(RenderError, match=r"gone\.png: no such picture; put it there, or correct `src`"):
        shop.prepare(Image(src="gone.png", file=tmp_path / "gone.png"))
    with pytest.raises(RenderError, match=r"gone\.png: the picture's file is missing"):
        shop.prepare(Image(src="gone.png", file=None))


def test_a_link_is_refused(shop, tmp_path):
    (tmp_path / "real.png").write_bytes(saved(photo()))
    (tmp_path / "link.png").symlink_to("real.png")
    with pytest.raises(RenderError, match="a link; put the file itself there"):
        shop.prepare(Image(src="link.png", file=tmp_path / "link.png"))


def test_a_pipe_and_a_folder_are_refused_at_once(shop, tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    for name in ("pipe.png", "folder.png"):
        with pytest.raises(
            RenderError, match=rf"{name}: (not a regular file|cannot be read: Is a directory; put a picture there)"
        ):
            shop.prepare(Image(src=name, file=tmp_path / name))


def test_a_huge_file_is_refused(shop, tmp_path):
    with (tmp_path / "huge.png").open("wb") as stream:
        stream.truncate(26_000_000)
    with pytest.raises(RenderError, match="larger than 25,000,000 bytes; make it smaller"):
        shop.prepare(Image(src="huge.png", file=tmp_path / "huge.png"))


# ------------------------------------------------------------------------------------------ the cache


@pytest.fixture
def cached(tmp_path):
    (tmp_path / "a.png").write_bytes(saved(photo()))
    return PictureShop(tmp_path / "cache"), Image(src="a.png", file=tmp_path / "a.png"), tmp_path / "cache"


def test_what_was_made_before_is_taken_from_the_cache(cached):
    shop, image, folder = cached
    first = shop.prepare(image)
    stamps = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert shop.prepare(image) == first == PictureShop().prepare(image)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == stamps
    assert len(stamps) == 2


def test_a_changed_file_is_made_anew(cached):
    shop, image, _ = cached
    first = shop.prepare(image)
    image.file.write_bytes(saved(Pillow.new("RGB", (9, 9), "red")))
    assert shop.prepare(image).digest != first.digest


@pytest.mark.parametrize("ending", [".bin", ".json"])
@pytest.mark.parametrize("rubbish", [b"", b"{}", b"[1]", b"\xff\xfe"])
def test_a_spoilt_cache_is_mended(cached, ending, rubbish):
    shop, image, folder = cached
    first = shop.prepare(image)
    (spoilt,) = folder.glob(f"*{ending}")
    spoilt.write_bytes(rubbish)
    assert shop.prepare(image) == first
    assert PictureShop(folder).prepare(image) == first
    assert spoilt.read_bytes() != rubbish


# ------------------------------------------------------------------------------------------ for networks


def test_what_fits_is_not_touched(prepare):
    picture = prepare(saved(photo()))
    assert shrink(picture, len(picture.body), 160) is picture


def test_a_long_side_is_shortened(prepare):
    smaller = shrink(prepare(saved(photo((400, 200)))), 10**6, 100)
    assert (smaller.width, smaller.height) == (100, 50) == opened(smaller).size


@pytest.mark.parametrize("limit", [120_000, 60_000, 30_000])
def test_it_gets_small_enough_and_stays_as_large_as_it_can(prepare, limit):
    picture = prepare(saved(noise((640, 480))))
    smaller = shrink(picture, limit, 2000)
    assert limit / 2 < len(smaller.body) <= limit
    assert smaller == shrink(picture, limit, 2000)
    assert smaller.digest == digest_of(smaller.body)


def test_a_transparent_picture_too_large_gets_a_white_ground(prepare):
    image = noise((300, 300))
    image.putalpha(Pillow.linear_gradient("L").resize((300, 300)))
    smaller = shrink(prepare(saved(image)), 40_000, 2000)
    assert smaller.media_type == "image/jpeg"
    assert min(opened(smaller).getpixel((150, 0))) > 240


def test_what_cannot_be_made_small_enough_is_an_error(prepare):
    with pytest.raises(RenderError, match="cannot be made smaller than 100 bytes; choose another picture"):
        shrink(prepare(saved(noise((300, 300)))), 100, 2000)
