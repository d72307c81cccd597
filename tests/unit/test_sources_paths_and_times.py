"""What a path says, what a time means, and what a title becomes in an address."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dissemination.sources.layout import is_item, is_sidecar, language_of, place_of
from dissemination.sources.slugs import LENGTH, slug_of
from dissemination.sources.times import TimeError, parse_time, zone_of
from dissemination.sources.titles import is_capitals, sentence_case

LANGUAGES = ("en", "ro", "pt-BR")


@pytest.mark.parametrize(
    ("path", "key", "lang", "day"),
    [
        ("2024-05-27-third/index.md", "2024-05-27-third", "", ""),
        ("2024-05-27-third/index.ro.md", "2024-05-27-third", "ro", ""),
        ("2024/third/index.md", "2024/third", "", ""),
        ("third.md", "third", "", ""),
        ("third.ro.md", "third", "ro", ""),
        ("third.pt_BR.md", "third", "pt-BR", ""),
        ("third.en-GB.md", "third", "en", ""),
        ("third.fr.md", "third", "fr", ""),
        ("third.draft.md", "third.draft", "", ""),
        ("v1.2.md", "v1.2", "", ""),
        ("ro/third.md", "third", "ro", ""),
        ("posts/ro/third.md", "posts/third", "ro", ""),
        ("fr/third.md", "fr/third", "", ""),
        ("2024-05-27-third.md", "2024-05-27-third", "", "2024-05-27"),
        ("2024-05-27-third.ro.md", "2024-05-27-third", "ro", "2024-05-27"),
        ("_posts/2024-05-27-third.md", "2024-05-27-third", "", "2024-05-27"),
        ("_drafts/third.md", "third", "", ""),
        ("index.md", "index", "", ""),
        ("third.markdown", "third", "", ""),
    ],
)
def test_a_path_names_item_language_and_day(path, key, lang, day):
    place = place_of(path, LANGUAGES)
    assert (place.key, place.lang, place.day) == (key, lang, day)
    assert place.drafts is path.startswith("_drafts")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.md", True),
        ("a.markdown", True),
        ("README.md", False),
        ("readme.md", False),
        ("_index.md", False),
        (".hidden.md", False),
        ("a.txt", False),
        ("md", False),
        (".md", False),
        ("source.html", False),
    ],
)
def test_which_files_are_items(name, expected):
    assert is_item(name) is expected


def test_which_files_are_sidecars():
    assert is_sidecar("paris.jpg.yml")
    assert is_sidecar("paris.PNG.yaml")
    assert not is_sidecar("settings.yml")
    assert not is_sidecar(".jpg.yml")


@pytest.mark.parametrize(
    ("tag", "lang"),
    [("EN", "en"), ("en_US", "en"), ("pt-br", "pt-BR"), ("pt", ""), ("no", ""), ("", ""), ("x" * 99, "")],
)
def test_language_tags_are_matched_without_case(tag, lang):
    assert language_of(tag, LANGUAGES) == lang


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2024-05-16", (2024, 5, 15, 21, 0)),
        ("2024-05-16 10:00", (2024, 5, 16, 7, 0)),
        ("2024-05-16T10:00:30", (2024, 5, 16, 7, 0, 30)),
        ("2024-05-16T10:00:30.123456", (2024, 5, 16, 7, 0, 30)),
        ("2024-05-16 10:00Z", (2024, 5, 16, 10, 0)),
        ("2024-05-16 10:00:00 UTC", (2024, 5, 16, 10, 0)),
        ("2024-05-16 10:00:00 +0200", (2024, 5, 16, 8, 0)),
        ("2024-05-16T10:00:00-03:30", (2024, 5, 16, 13, 30)),
        ("2012/09/17 14:00:00 UTC-03:00", (2012, 9, 17, 17, 0)),
        ("2024-1-2 3:04", (2024, 1, 2, 1, 4)),
        (" 2024-05-16 ", (2024, 5, 15, 21, 0)),
    ],
)
def test_times_are_wall_time_of_the_project_unless_they_say_otherwise(text, instant):
    assert parse_time(text, "Europe/Bucharest") == datetime(*instant, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("2026-13-45", "time-invalid"),
        ("2026-02-30", "time-invalid"),
        ("2024-05-16 25:00", "time-invalid"),
        ("16 May", "time-invalid"),
        ("16/05/2024", "time-invalid"),
        ("", "time-invalid"),
        ("2024-05-16 10:00 +02:00 extra", "time-invalid"),
        ("2024-05-16 10:00 +99:00", "time-invalid"),
        ("2024-05-16 10:00 +", "time-invalid"),
        ("0001-01-01", "time-invalid"),
        ("9999-12-31 23:59-10:00", "time-invalid"),
        ("2024", "time-incomplete"),
        ("2024-05", "time-incomplete"),
    ],
)
def test_what_is_no_instant_is_an_error(text, rule):
    with pytest.raises(TimeError) as caught:
        parse_time(text, "Europe/Bucharest")
    assert caught.value.rule == rule
    assert caught.value.fix


@pytest.mark.parametrize(
    ("zone", "text", "rule", "fix"),
    [
        ("Europe/Bucharest", "2027-03-28 03:30", "time-nonexistent", "2027-03-28 04:30+03:00"),
        ("Europe/Rome", "2027-03-28 02:30", "time-nonexistent", "2027-03-28 03:30+02:00"),
        ("Europe/Rome", "2026-10-25 02:30", "time-ambiguous", "2026-10-25 02:30+02:00 or 2026-10-25 02:30+01:00"),
        (
            "America/New_York",
            "2026-11-01 01:30",
            "time-ambiguous",
            "2026-11-01 01:30-04:00 or 2026-11-01 01:30-05:00",
        ),
    ],
)
def test_a_time_that_the_clocks_skip_or_show_twice(zone, text, rule, fix):
    with pytest.raises(TimeError) as caught:
        parse_time(text, zone, strict=True)
    assert (caught.value.rule, caught.value.fix) == (rule, fix)
    for choice in fix.split(" or "):
        assert parse_time(choice, zone, strict=True)


def test_without_strictness_a_gap_shifts_and_a_fold_takes_the_first():
    assert parse_time("2027-03-28 02:30", "Europe/Rome") == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)
    assert parse_time("2026-10-25 02:30", "Europe/Rome") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_a_day_whose_midnight_is_skipped_is_still_a_day():
    assert parse_time("2026-04-24", "Africa/Cairo", strict=True) == datetime(2026, 4, 23, 22, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "../../etc/passwd", "/etc/passwd", "x" * 5000, "a\0b", "Europe"]
)
def test_a_zone_that_is_none(name):
    with pytest.raises(TimeError):
        zone_of(name)


@given(st.text(max_size=40), st.booleans())
def test_no_text_makes_the_clock_crash(text, strict):
    with suppress(TimeError):
        assert parse_time(text, "Europe/Bucharest", strict=strict).tzinfo is UTC


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Third partner meeting", "third-partner-meeting"),
        ("Știri și țări: OIRBI’s 3rd", "stiri-si-tari-oirbis-3rd"),  # noqa: RUF001 # as word processors write it
        ("Şcoală nouă", "scoala-noua"),
        ("Καλημέρα κόσμε", "kalimera-kosme"),
        ("Съфинансирано от ЕС", "safinansirano-ot-es"),  # noqa: RUF001 # Bulgarian
        ("Žluťoučký kůň", "zlutoucky-kun"),
        ("Żółć i Łódź", "zolc-i-lodz"),
        ("Straße & œuvre", "strasse-oeuvre"),
        ("Größe – Ærø", "grosse-aero"),  # noqa: RUF001 # a dash as people write it
        ("ıİ", "ii"),
        ("日本", ""),
        ("🎉", ""),
        ("", ""),
        ("--a--b--", "a-b"),
        ("../../etc/passwd", "etc-passwd"),
    ],
)
def test_slugs(title, slug):
    assert slug_of(title) == slug


def test_a_long_slug_is_cut_between_words():
    slug = slug_of("partners " * 30)
    assert len(slug) <= LENGTH
    assert set(slug.split("-")) == {"partners"}
    assert len(slug_of("x" * 500)) == LENGTH


@given(st.text(max_size=200))
def test_a_slug_is_always_safe_in_a_path(text):
    slug = slug_of(text)
    assert set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert not slug.startswith("-")
    assert not slug.endswith("-")
    assert slug_of(slug) == slug


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("PARTNERS GATHER IN FRANCE", True),
        ("PARTNERS GATHER FOR THE 3RD MEETING", True),
        ("ÎNTÂLNIRE ÎN ROMÂNIA", True),
        ("MICROFUTURE", False),
        ("OIRBI EU", False),
        ("Partners gather", False),
        ("PARTNERS gather", False),
        ("2024", False),
        ("", False),
    ],
)
def test_titles_in_capitals(title, expected):
    assert is_capitals(title) is expected


def test_sentence_case_keeps_the_glossary_and_names_seen_in_the_text():
    text = (
        "On Monday, in Paris, France, the Microfuture project partners met. France was glad. The meeting was long."
    )
    title = "MICROFUTURE PARTNERS GATHER IN FRANCE FOR THE 3RD MEETING"
    expected = "MICROFUTURE partners gather in France for the 3rd meeting"
    assert sentence_case(title, ("MICROFUTURE", "OIRBI"), text) == expected


def test_sentence_case_without_help_only_lowers():
    assert sentence_case("THE END OF POVERTY", ()) == "The end of poverty"
    assert sentence_case("", ()) == ""
