"""What a preview shows of a post is what an approval stores."""

from __future__ import annotations

import pytest

from dissemination.bootstrap import make_app
from dissemination.model import Carries
from dissemination.pipeline import content as codec


@pytest.fixture
def app(tmp_path, folders):
    """A project of one item, opened."""
    folders.write_project(tmp_path)
    folders.write_item(tmp_path, "first", body="Words with [a link](https://partner.example/page).")
    made = make_app(tmp_path)
    yield made
    made.close()


def test_a_previewed_post_has_the_text_and_the_count_that_are_stored(app):
    shown = app.preview()
    app.approve([], who="ana", everything=True)
    posts = [
        line.publication
        for line in app.plan().lines
        if app.parts.channels[line.publication.channel].limits.carries is Carries.POST
    ]
    assert {post.channel for post in posts} == {"x", "mastodon"}
    for publication in posts:
        stored = codec.post(app.parts.store.contents.body(publication.content))
        facts, _, text = shown[f"posts/{publication.channel}/{publication.subject}.txt"].decode().partition("\n\n")
        assert text == "\n\n--\n\n".join((stored.text, *stored.thread)) + "\n"
        assert f"{stored.length} of {stored.limit or 'no limit'}" in facts


def test_a_previewed_letter_is_the_stored_one_with_its_slots_named(app):
    shown = app.preview()
    app.approve([], who="ana", everything=True)
    (edition,) = (line.publication for line in app.plan().lines if line.publication.kind == "edition")
    for lang, letter in codec.letters(app.parts.store.contents.body(edition.content)).items():
        text = "".join(part if isinstance(part, str) else f"[{part.name}]" for part in letter.text)
        assert shown[f"mail/{edition.subject}.{lang}.txt"].decode() == f"Subject: {letter.subject}\n\n{text}"
