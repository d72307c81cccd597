"""A photograph as it comes from a camera, on every network that takes pictures."""

import io
import random

import pytest
from PIL import Image as Pillow

from dissemination.channels.networks import NETWORKS
from dissemination.errors import RenderError
from dissemination.files import digest_of
from dissemination.model import Image, Picture
from dissemination.render import PictureShop, shrink

SECRETS = (b"GPS-SECRET", b"camera-secret", b"comment-secret", b"Exif", b"http://ns.adobe.com")
WITH_PICTURES = sorted(name for name, limits in NETWORKS.items() if limits.pictures)
#: Twelve megapixels, lying on its side: the camera was held upright.
LYING = (4000, 3000)


def noise(size, scale):
    """Hard to compress, always the same."""
    small = (size[0] // scale, size[1] // scale)
    pixels = random.Random(12).randbytes(small[0] * small[1] * 3)
    return Pillow.frombytes("RGB", small, pixels).resize(size, Pillow.Resampling.BICUBIC)


def metadata():
    data = Pillow.Exif()
    data[0x010F], data[0x0112] = "camera-secret", 6
    gps = data.get_ifd(0x8825)
    gps[1], gps[2], gps[29] = "N", (48.0, 51.0, 24.0), "GPS-SECRET"
    return data


@pytest.fixture(scope="module")
def photograph(tmp_path_factory):
    """What a telephone writes: orientation 6, the place, a comment; the top of the scene lies left, and is red."""
    image = noise(LYING, 5)
    image.paste((255, 0, 0), (0, 0, 400, LYING[1]))
    stream = io.BytesIO()
    image.save(
        stream, "JPEG", quality=92, exif=metadata(), comment=b"comment-secret", xmp=b"<x>http://ns.adobe.com</x>"
    )
    assert all(secret in stream.getvalue() for secret in SECRETS)
    path = tmp_path_factory.mktemp("photo") / "meeting.jpg"
    path.write_bytes(stream.getvalue())
    return Image(src=path.name, file=path, alt="A meeting")


@pytest.fixture(scope="module")
def prepared(photograph):
    return PictureShop().prepare(photograph)


@pytest.mark.parametrize("network", WITH_PICTURES)
def test_it_arrives_upright_without_metadata_and_under_the_limit(network, prepared, photograph):
    limits = NETWORKS[network]
    picture = PictureShop().shrink(prepared, limits.picture_bytes, limits.picture_side)
    assert not limits.picture_bytes or len(picture.body) <= limits.picture_bytes
    assert not limits.picture_side or max(picture.width, picture.height) <= limits.picture_side
    assert not any(secret in picture.body for secret in SECRETS)
    shown = Pillow.open(io.BytesIO(picture.body))
    assert not shown.getexif()
    assert "icc_profile" not in shown.info
    assert shown.size == (picture.width, picture.height) == (1200, 1600)
    red, green, blue = shown.convert("RGB").getpixel((600, 20))
    assert red > 200
    assert max(green, blue) < 60
    assert picture.media_type == "image/jpeg"
    assert picture.digest == digest_of(picture.body)


@pytest.mark.parametrize("network", WITH_PICTURES)
def test_a_repeat_has_the_same_bytes(network, prepared, photograph):
    limits = NETWORKS[network]
    again = PictureShop().prepare(photograph)
    assert again.body == prepared.body
    sizes = (limits.picture_bytes, limits.picture_side)
    assert PictureShop().shrink(again, *sizes).body == PictureShop().shrink(prepared, *sizes).body


@pytest.fixture(scope="module")
def drawing():
    """A drawing with a transparent corner: too many bytes for Bluesky, and never a GIF."""
    image = noise((1200, 900), 1)
    image.putalpha(Pillow.linear_gradient("L").resize((1200, 900)))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    body = stream.getvalue()
    return Picture(digest=digest_of(body), media_type="image/png", width=1200, height=900, body=body)


def test_what_is_too_heavy_is_made_lighter_and_stays_a_picture(drawing):
    limits = NETWORKS["bluesky"]
    assert len(drawing.body) > limits.picture_bytes
    picture = PictureShop().shrink(drawing, limits.picture_bytes, limits.picture_side)
    assert limits.picture_bytes / 3 < len(picture.body) <= limits.picture_bytes
    assert picture.media_type == "image/jpeg"
    assert PictureShop().shrink(drawing, limits.picture_bytes, limits.picture_side) == picture


def test_what_fits_is_the_same_picture(drawing):
    assert PictureShop().shrink(drawing, 0, 0) is drawing
    assert PictureShop().shrink(drawing, len(drawing.body), 1200) is drawing
    assert shrink(drawing, 0, 1200) is drawing


def test_a_side_alone_may_be_limited(drawing):
    assert max(PictureShop().shrink(drawing, 0, 300).width, 300) == 300


def test_what_was_made_smaller_is_kept_by_its_digest(drawing, tmp_path, monkeypatch):
    first = PictureShop(tmp_path).shrink(drawing, 200_000, 0)
    monkeypatch.setattr("dissemination.render.images.shrink", lambda *_: pytest.fail("made anew"))
    assert PictureShop(tmp_path).shrink(drawing, 200_000, 0) == first
    with pytest.raises(pytest.fail.Exception):
        PictureShop(tmp_path).shrink(drawing, 199_999, 0)


def test_what_cannot_be_made_small_enough_is_an_error(drawing, tmp_path):
    with pytest.raises(RenderError, match="cannot be made smaller than 100 bytes"):
        PictureShop(tmp_path).shrink(drawing, 100, 0)
    assert list(tmp_path.iterdir()) == []


def test_more_than_25_megapixels_are_refused_on_every_network(tmp_path):
    path = tmp_path / "huge.png"
    Pillow.new("1", (5001, 5000)).save(path)
    with pytest.raises(RenderError, match=r"5001 x 5000 pixels is more than 25,000,000; scale it down"):
        PictureShop().prepare(Image(src=path.name, file=path))
    Pillow.new("1", (5000, 5000)).save(path)
    assert PictureShop().prepare(Image(src=path.name, file=path)).width == 1200
