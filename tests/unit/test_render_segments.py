"""Tokens while rendering, slots afterwards."""

import pytest

from dissemination.errors import RenderError
from dissemination.model import Slot
from dissemination.render.segments import NAMES, Holes


@pytest.fixture
def holes():
    return Holes.fresh()


def test_text_is_split_at_the_tokens(holes):
    token = holes.tokens
    text = f"Dear {token['name']}, leave: {token['unsubscribe_url']}"
    assert holes.split(text, what="t") == (
        "Dear ",
        Slot(name="name"),
        ", leave: ",
        Slot(name="unsubscribe_url"),
    )


def test_two_renderings_use_different_tokens_and_give_equal_segments():
    first, second = Holes.fresh(), Holes.fresh()
    assert not set(first.tokens.values()) & set(second.tokens.values())
    made = [h.split(f"a{h.tokens['email']}b{h.tokens['unsubscribe_url']}", what="t") for h in (first, second)]
    assert made[0] == made[1]


def test_tokens_are_plain_and_of_one_length(holes):
    assert set(holes.tokens) == set(NAMES)
    assert all(token.isascii() and token.isalnum() for token in holes.tokens.values())
    assert len({len(token) for token in holes.tokens.values()}) == 1


def test_no_token_is_left_in_the_segments(holes):
    segments = holes.split("".join(holes.tokens.values()) * 3, what="t")
    assert len(segments) == 3 * len(NAMES)
    assert not any(isinstance(piece, str) for piece in segments)


def test_no_way_out_is_an_error(holes):
    with pytest.raises(RenderError, match=r"t\.mjml: no way to unsubscribe; put .*unsubscribe_url"):
        holes.split(f"Dear {holes.tokens['name']}", what="t.mjml")


@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1), (1, 0)])
def test_a_token_lost_or_doubled_on_the_way_is_an_error(holes, before, after):
    out, name = holes.tokens["unsubscribe_url"], holes.tokens["name"]
    with pytest.raises(
        RenderError, match=f"hole.name }}}} stands {before} times in the template and {after} times"
    ):
        holes.split(out + name * after, made_from=out + name * before, what="t")


def test_a_token_in_capitals_is_an_error(holes):
    text = holes.tokens["unsubscribe_url"] + holes.tokens["name"].upper()
    with pytest.raises(RenderError, match="a hole is damaged"):
        holes.split(text, what="t")


def test_half_a_token_is_an_error(holes):
    text = holes.tokens["unsubscribe_url"] + holes.tokens["name"][:-1]
    with pytest.raises(RenderError, match="a hole is damaged"):
        holes.split(text, what="t")
