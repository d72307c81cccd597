"""What letters and pages say themselves: every catalogue is whole, and its holes and plurals agree."""

import re
from datetime import date
from string import Formatter

import pytest
from babel.messages.pofile import read_po

from dissemination.model import ItemType
from dissemination.render import catalogues, words
from dissemination.render.catalogues import LOCALES, Plural, catalogue, english, shipped_languages, spoken
from dissemination.render.people_strings import PeopleWords, VisitorWords
from dissemination.render.status_words import STATUSES, said
from dissemination.render.strings import SPEAKERS, Words, strings, unspoken

LANGUAGES = ("en", "fr", "it", "ro", "sl", "sv", "de")
TRANSLATED = shipped_languages()[1:]


def holes(text):
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)


def messages():
    """Every message that a catalogue must have, once: (singular, plural or "")."""
    found = (value for speaker in SPEAKERS for value in english(speaker).values())
    return sorted({(one.one, one.many) if isinstance(one, Plural) else (one, "") for one in found})


def read(lang):
    with (LOCALES / lang / "LC_MESSAGES" / "dissemination.po").open("rb") as stream:
        return read_po(stream, locale=lang, abort_invalid=True)


def test_the_languages_of_the_partnership_are_shipped():
    assert set(LANGUAGES) <= set(shipped_languages())


@pytest.mark.parametrize("lang", TRANSLATED)
def test_no_catalogue_lacks_a_message_or_has_one_too_many(lang):
    known = read(lang)
    there = {message.id if isinstance(message.id, tuple) else (message.id, "") for message in known if message.id}
    assert there == set(messages())
    assert [message.id for message in known if message.id and (message.fuzzy or not message.string)] == []


@pytest.mark.parametrize("lang", TRANSLATED)
def test_holes_are_the_same_in_every_language(lang):
    for message in read(lang):
        if not message.id:
            continue
        said = message.string if isinstance(message.string, tuple) else (message.string,)
        source = message.id[0] if isinstance(message.id, tuple) else message.id
        for form in said:
            assert form.strip()
            assert holes(form) == holes(source), (source, form)


@pytest.mark.parametrize("lang", TRANSLATED)
def test_every_plural_has_as_many_forms_as_the_language_and_they_differ(lang):
    known = read(lang)
    plurals = [message for message in known if isinstance(message.id, tuple)]
    assert plurals
    for message in plurals:
        assert len(message.string) == known.num_plurals
        assert len(set(message.string)) == known.num_plurals


@pytest.mark.parametrize("lang", TRANSLATED)
def test_a_sentence_ends_as_it_does_in_english(lang):
    known = read(lang)
    for source, plural in messages():
        if not plural:
            said = known[source].string
            assert said[-1] == source[-1] or not {said[-1], source[-1]} & set(".:"), (source, said)


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("en", ["1 story", "2 stories", "5 stories", "21 stories"]),
        ("fr", ["1 article", "2 articles", "5 articles", "21 articles"]),
        ("ro", ["1 articol", "2 articole", "5 articole", "21 de articole"]),
        ("sl", ["1 prispevek", "2 prispevka", "5 prispevkov", "21 prispevkov"]),
        ("sv", ["1 artikel", "2 artiklar", "5 artiklar", "21 artiklar"]),
    ],
)
def test_numbers_are_counted_as_the_language_counts(lang, said):
    assert [strings(lang).stories(number) for number in (1, 2, 5, 21)] == said
    assert strings("sl").stories(3) == "3 prispevki"
    assert strings("fr").stories(0) == "0 article"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_kind_of_item_has_a_name(lang):
    assert set(strings(lang).types) == set(ItemType)
    assert all(strings(lang).types.values())


@pytest.mark.parametrize("name", ["read_more", "why", "unsubscribe", "correction", "view", "withdrawn_on"])
def test_no_language_borrows_from_another(name):
    assert len({getattr(strings(lang), name) for lang in shipped_languages()}) == len(shipped_languages())


@pytest.mark.parametrize("lang", ["fr-BE", "FR", "fr"])
def test_a_region_uses_its_languages_words(lang):
    assert spoken(Words, lang).view == "Voir dans votre navigateur"


@pytest.mark.parametrize("lang", ["xx", "", "no", "../fr", "fr/../it"])
def test_a_language_without_a_catalogue_speaks_english(lang):
    assert strings(lang).view == Words().view
    assert strings(lang).stories(2) == "2 stories"
    assert unspoken(["en", "fr", lang]) == (lang,)


def test_a_message_that_a_catalogue_lacks_stays_english(tmp_path, monkeypatch):
    folder = tmp_path / "fr" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    head = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n"Language: fr\\n"\n\n'
    (folder / "dissemination.po").write_text(f'{head}msgid "Tags"\nmsgstr "Mots"\n')
    monkeypatch.setattr(catalogues, "LOCALES", tmp_path)
    for cached in (catalogue, shipped_languages):
        cached.cache_clear()
    try:
        said = spoken(Words, "fr")
        assert (said.tags, said.view) == ("Mots", "View in your browser")
        assert said.stories(0) == "0 stories"
    finally:
        for cached in (catalogue, shipped_languages):
            cached.cache_clear()


def test_every_word_is_used_by_a_template_or_the_code():
    root = LOCALES.parent.parent
    text = "".join(
        path.read_text()
        for folder, kinds in (("templates", ("html", "mjml", "txt")), ("dissemination", ("py",)))
        for kind in kinds
        for path in (root / folder).rglob(f"*.{kind}")
    )
    named = {*re.findall(r"\bwords(?:\(self\.lang\))?\.(\w+)", text), *re.findall(r"\bself\.(\w+)", text)}
    assert {name for name in english(Words) if name not in named} == set()


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("en", "3 May 2026"),
        ("en-US", "May 3, 2026"),
        ("ro", "3 mai 2026"),
        ("de", "3. Mai 2026"),
        ("sl", "3. maj 2026"),
        ("es-ES", "3 de mayo de 2026"),
        ("fr-XX", "3 mai 2026"),
        ("xx", "2026-05-03"),
        ("", "2026-05-03"),
    ],
)
def test_dates_are_written_as_people_write_them(lang, said):
    assert words.long_date(date(2026, 5, 3), lang) == said


@pytest.mark.parametrize(
    ("size", "lang", "said"),
    [
        (1, "en", "1 kB"),
        (12_345, "en", "12 kB"),
        (1_234_567, "fr", "1,2\u202fMo"),
        (1_234_567, "xx", "1.2 MB"),
    ],
)
def test_sizes_of_files_are_written_as_people_write_them(size, lang, said):
    assert words.file_size(size, lang).replace("\xa0", " ") == said


def test_languages_call_themselves_by_their_own_name():
    for lang in shipped_languages():
        assert words.language_name(lang) != lang
        assert len({words.long_date(date(2026, month, 1), lang) for month in range(1, 13)}) == 12
    assert words.language_name("tlh") == "tlh"


@pytest.mark.parametrize("lang", shipped_languages())
def test_pages_for_people_know_the_language_that_they_speak(lang):
    said = spoken(PeopleWords, lang)
    assert said.lang == lang
    assert list(said.frequencies) == ["each", "weekly", "monthly"]
    assert len(set(said.frequencies.values())) == 3
    assert spoken(PeopleWords, "xx").lang == "en"


@pytest.mark.parametrize("lang", shipped_languages())
def test_the_mail_that_asks_to_confirm_has_its_link_on_a_line_of_its_own(lang):
    text = spoken(VisitorWords, lang).text
    assert "{url}" in text.splitlines()
    assert text.endswith("\n")
    assert "7" in text


@pytest.mark.parametrize("lang", shipped_languages())
@pytest.mark.parametrize("status", STATUSES)
def test_each_status_that_has_a_page_speaks_every_language(lang, status):
    told = said(status, lang)
    assert told.title
    assert told.text.endswith(".")
    if lang != "en":
        assert {told.title, told.text} & {said(status, "en").title, said(status, "en").text} == set()
    assert said(status, f"{lang}-XX") == told
