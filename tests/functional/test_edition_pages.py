"""An edition's pages: there before the first letter leads to them, and as they were approved."""

from dataclasses import replace

import pytest

from dissemination.model import State
from dissemination.pipeline import content as codec
from dissemination.pipeline.preview import preview
from dissemination.pipeline.publish import publish


@pytest.fixture
def paged(house, monkeypatch):
    """The house, whose letters have a page."""
    plain = house.renderer.letter

    def letter(edition, lang, pictures):
        made = plain(edition, lang, pictures)
        return replace(made, page=f"<h1>{edition.id} in {lang}</h1>")

    monkeypatch.setattr(house.renderer, "letter", letter)
    return house


def test_the_page_is_there_before_the_first_letter(paged, mailer, flash, monkeypatch):
    there = []
    original = mailer.line

    def opening(expected=0):
        there.append("e/flash-first/en/index.html" in paged.recorder.files)
        return original(expected)

    monkeypatch.setattr(mailer, "line", opening)
    flash(3)
    assert paged.recorder.files == {}, "nothing is public before it goes out"
    publish(paged.parts, paged.stop)
    assert there == [True]
    assert paged.recorder.files["e/flash-first/en/index.html"] == b"<h1>flash-first in en</h1>"
    assert paged.one("flash-first", "email").state is State.PUBLISHED


def test_it_is_what_was_approved(paged, mailer, flash):
    flash(1)
    stored = paged.store.contents.body(paged.one("flash-first", "email").content)
    assert codec.letters(stored)["en"].page == "<h1>flash-first in en</h1>"


def test_a_page_is_bound_by_the_approval(paged):
    paged.item(channels={"newsletter": "flash"})
    letter = paged.renderer.letter(
        type("E", (), {"id": "e1", "groups": ({"en": paged.source.items[0]},)})(), "en", {}
    )
    assert codec.encode({"en": letter}, ()).digest != codec.encode({"en": replace(letter, page="")}, ()).digest


def test_a_letter_without_a_page_is_stored_as_before(paged):
    paged.item(channels={"newsletter": "flash"})
    edition = type("E", (), {"id": "e1", "groups": ({"en": paged.source.items[0]},)})()
    letter = replace(paged.renderer.letter(edition, "en", {}), page="")
    body = codec.encode({"en": letter}, ()).body
    assert b'"page"' not in body
    assert codec.letters(body) == {"en": letter}


def test_the_preview_shows_it(paged):
    paged.item(channels={"newsletter": "flash"})
    assert preview(paged.parts)["site/e/flash-first/en/index.html"] == b"<h1>flash-first in en</h1>"
