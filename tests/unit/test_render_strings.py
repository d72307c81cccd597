"""The newsletter's own words."""

from dataclasses import fields
from string import Formatter

import pytest

from dissemination.errors import RenderError
from dissemination.model import ItemType
from dissemination.render.strings import Words, strings

LANGUAGES = ("en", "fr", "it", "ro", "sl", "sv", "de")
HOLES = {"by": {"name"}, "updated": {"date"}, "why": {"email", "lists", "project"}}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_language_says_everything(lang):
    words = strings(lang)
    assert all(getattr(words, field.name) for field in fields(Words))
    assert set(words.types) == set(ItemType)
    assert all(words.types.values())


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", HOLES)
def test_holes_are_the_same_in_every_language(lang, name):
    assert {field for _, field, _, _ in Formatter().parse(getattr(strings(lang), name)) if field} == HOLES[name]


@pytest.mark.parametrize("name", ["read_more", "why", "unsubscribe", "correction"])
def test_no_language_borrows_from_another(name):
    assert len({getattr(strings(lang), name) for lang in LANGUAGES}) == len(LANGUAGES)


@pytest.mark.parametrize("lang", ["fr-BE", "FR", "fr"])
def test_a_region_uses_its_languages_words(lang):
    assert strings(lang) == strings("fr")


@pytest.mark.parametrize("lang", ["xx", "", "no"])
def test_a_language_without_words_is_an_error_that_names_the_others(lang):
    with pytest.raises(RenderError, match=r"no words in language .*de, en, fr, it, ro, sl, sv"):
        strings(lang)
