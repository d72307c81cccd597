"""An item under embargo leaves no trace: neither its own picture, nor a notice, nor a file of its name."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image

from dissemination.bootstrap import make_app
from dissemination.testing import FixedClock

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
EMBARGO = NOW + timedelta(days=2)
WORD = "quetzal"  # stands nowhere else


@pytest.fixture
def root(tmp_path, folders, smtp_server):
    """One open item and one under embargo, with a picture that no other item has; somebody is told of trouble."""
    server = smtp_server()
    folders.write_project(tmp_path, port=server.port, notify={"mail": ["officer@test.example"]})
    folders.write_item(tmp_path, "open")
    (tmp_path / "news" / "held").mkdir()
    Image.new("RGB", (1200, 675), "#aa1144").save(tmp_path / "news" / "held" / "picture.png")
    words = {"title": f"The {WORD} paper", "slug": WORD, "summary": f"About {WORD}.", "body": f"{WORD} inside."}
    folders.write_item(tmp_path, "held", embargo_until=EMBARGO.isoformat(), **words)
    folders.add_people(tmp_path, 2)
    return tmp_path, server


def traces(root, server) -> bytes:
    """Every byte and every name that is public, posted or mailed."""
    seen = [mail.body for mail in server.accepted]
    for folder in ("feeds", "var/outbox"):
        for path in sorted((root / folder).rglob("*")):
            seen.append(str(path.relative_to(root)).encode())
            if path.is_file():
                seen.append(path.read_bytes())
    return b"\n".join(seen).lower()


def is_red(app, digest) -> bool:
    """Whether an approved picture is the held item's: red, where the funder's visual is grey."""
    name = digest.decode()
    body = app.parts.store.contents.pictures([name])[name].body
    red, green, _ = Image.open(io.BytesIO(body)).convert("RGB").getpixel((5, 5))
    return red > green + 50


def test_neither_picture_nor_notice_nor_name_shows_before_the_time(root):
    folder, server = root
    clock = FixedClock(NOW)
    app = make_app(folder, clock=clock)
    try:
        approved = app.approve([], who="ana", everything=True)
        assert not [verdict.refused for verdict in approved if verdict.refused]
        held = {line.publication.subject: line for line in app.plan().lines if "held" in line.publication.subject}
        digests = {name.encode() for line in held.values() for name in line.proposal.render().pictures}
        own = {digest for digest in digests if is_red(app, digest)}
        assert own, "the held item has a picture of its own"
        assert own != digests, "the funder's visual is everybody's"
        with app.publishing():
            for passed in (timedelta(0), EMBARGO - NOW - timedelta(seconds=1)):
                clock.advance(passed)
                app.publish()
                seen = traces(folder, server)
                assert b"title of open" in seen
                assert WORD.encode() not in seen
                assert not [digest for digest in own if digest in seen]
            clock.advance(timedelta(seconds=1))
            app.publish()
        seen = traces(folder, server)
        assert WORD.encode() in seen
        assert all(digest in seen for digest in own)
    finally:
        app.close()
