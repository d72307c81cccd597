"""From the news folder to one zip for partners: networks and languages side by side, as they were approved."""

import zipfile

import pytest
from folder import write_item, write_project

from dissemination.bootstrap import make_app
from dissemination.model import State
from dissemination.testing import FixedClock

CHANNELS = {
    "facebook": {"use": "sharepack", "pack": "partners", "languages": ["en"]},
    "facebook-ro": {"use": "sharepack", "network": "facebook", "pack": "partners", "languages": ["ro"]},
    "instagram": {"use": "sharepack", "pack": "partners", "languages": ["en"], "days_ahead": 1},
}


@pytest.fixture
def root(tmp_path):
    return write_project(
        tmp_path / "project", news={"channels": dict.fromkeys(CHANNELS, "auto")}, channels=CHANNELS
    )


@pytest.fixture
def app(root):
    app = make_app(root, clock=FixedClock())
    yield app
    app.close()


def publish(app):
    with app.publishing():
        app.publish()
    return [(row.state, row.reason) for row in app.parts.store.publications.in_state(*State)]


def test_an_item_in_two_languages_becomes_one_zip(root, app):
    item = write_item(root, "meeting", id="meeting", posts={"instagram": {"text": "Written for Instagram"}})
    words = item.read_text("utf-8").replace("Title of meeting", "Întâlnirea").replace("lang: en", "lang: ro")
    item.with_name("index.ro.md").write_text(words.replace("id: meeting\n", ""), "utf-8")
    assert [verdict.refused for verdict in app.approve([], who="test", everything=True)] == [""] * 3
    assert publish(app) == [(State.PUBLISHED, "")] * 3
    (path,) = (root / "var" / "outbox" / "partners").glob("*.zip")
    with zipfile.ZipFile(path) as pack:
        files = {name: pack.read(name) for name in pack.namelist()}
    assert files["facebook/post-1.en.txt"].decode().startswith("Title of meeting\n\n")
    assert files["facebook-ro/post-1.ro.txt"].decode().startswith("Întâlnirea\n\n")
    assert files["instagram/post-1.en.txt"].decode() == "Written for Instagram\n"
    assert files["instagram/post-1.en.picture-1.alt.txt"].decode() == "A picture of meeting\n"
    told = files["README.txt"].decode()
    assert [told.count(f"{line}\n") for line in ("Facebook, in en", "Facebook, in ro", "Instagram, in en")] == [
        1
    ] * 3
    before = path.stat().st_mtime_ns
    assert publish(app) == [(State.PUBLISHED, "")] * 3
    assert path.stat().st_mtime_ns == before
