# ruff: noqa: RUF001 - letters of many scripts
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dissemination.render.hashtags import hashtag, hashtag_places, hashtags

VECTORS = Path(__file__).parents[3] / "shared" / "data" / "twitter-text"
FILES = ("extract", "validate")
GROUPS = {"hashtags": 65, "hashtags_from_astral": 3, "hashtags_with_indices": 8}
#: What we make of a vector's hashtag where it is not the same, and why. X alone takes these signs: Mastodon knows
#: _ \u00b7 \u30fb \u200c (app/models/tag.rb, HASHTAG_SEPARATORS) and ends the hashtag at every other.
EXCEPTIONS = {
    "各\u3003": "#各",  # the ditto mark is no letter
    "メ\uff5eテレ": "#メテレ",  # full-width tilde
    "メ\u301cテレ": "#メテレ",  # wave dash
    "עַל\u05beיְדֵי": "#עַליְדֵי",  # maqaf, the Hebrew hyphen
    "וכו\u05f3": "#וכו",  # geresh, which shortens a word
    "מ\u05f4כ": "#מכ",  # gershayim, which makes an acronym
    "བོད\u0f0bསྐད\u0f0b": "#བོདསྐད",  # tsheg, which parts syllables
    "བོད\u0f0bསྐད": "#བོདསྐད",
    "\u0131n": "#In",  # the capital of the dotless i is I, whose small letter is another one outside Turkish
}


def extracted(text):
    return [text[start + 1 : end] for start, end in hashtag_places(text)]


@pytest.fixture(scope="session")
def vectors():
    if not VECTORS.is_dir():
        pytest.skip("the twitter-text vectors are not beside the checkout")
    return {name: yaml.safe_load((VECTORS / f"{name}.yml").read_text("utf-8"))["tests"] for name in FILES}


@pytest.fixture(scope="session")
def tags(vectors):
    """Every hashtag that the vectors expect."""
    groups = (vectors["extract"][name] for name in GROUPS)
    found = (tag for cases in groups for case in cases for tag in case["expected"])
    return {tag["hashtag"] if isinstance(tag, dict) else tag for tag in found}


@pytest.mark.parametrize(("group", "size"), GROUPS.items())
def test_every_hashtag_vector_of_twitter_text(vectors, group, size):
    cases = vectors["extract"][group]
    found = [extracted(case["text"]) for case in cases]
    wanted = [[tag["hashtag"] if isinstance(tag, dict) else tag for tag in case["expected"]] for case in cases]
    assert (len(cases), found) == (size, wanted)


def test_the_places_of_the_vectors(vectors):
    for case in vectors["extract"]["hashtags_with_indices"]:
        assert [list(place) for place in hashtag_places(case["text"])] == [
            tag["indices"] for tag in case["expected"]
        ]


def test_the_vectors_of_valid_hashtags(vectors):
    cases = vectors["validate"]["hashtags"]
    assert len(cases) == 7
    for case in cases:
        assert (hashtag_places(case["text"]) == [(0, len(case["text"]))]) is case["expected"]


def test_what_we_make_of_every_vector_is_one_whole_hashtag(tags):
    made = {tag: hashtag(tag) for tag in tags}
    assert {tag: out for tag, out in made.items() if out and extracted(out) != [out[1:]]} == {}
    other = {tag: out for tag, out in made.items() if out[1:].casefold() != tag.casefold()}
    assert other == EXCEPTIONS


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("Interreg Central Europe", "#InterregCentralEurope"),
        ("#interreg europe", "#InterregEurope"),
        ("výskum", "#Výskum"),
        ("vy\u0301skum", "#Výskum"),
        ("žltý kôň", "#ŽltýKôň"),
        ("a-b", "#AB"),
        ("e-learning", "#ELearning"),
        ("Green🌱Deal", "#GreenDeal"),
        ("Green 👨‍👩‍👧 Deal", "#GreenDeal"),
        ("Top 1️⃣", "#Top1"),
        ("women's rights", "#WomensRights"),
        ("SMEs", "#SMEs"),
        ("microFuture", "#MicroFuture"),
        ("C++", "#C"),
        ("2026 Forum", "#2026Forum"),
        ("il·lusió", "#Il·lusió"),
        ("social_inclusion", "#Social_inclusion"),
        ("می‌خواهم", "#می‌خواهم"),
        ("ශ්‍රීලංකා", "#ශ්‍රීලංකා"),
        ("#one#two", "#OneTwo"),
        ("https://example.eu/x", "#HttpsExampleEuX"),
        ("2026", ""),
        ("#2026", ""),
        ("1_2", ""),
        ("_", ""),
        ("🌱", ""),
        ("", ""),
        ("½", ""),
        ("a" * 64, "#A" + "a" * 63),
        ("a" * 65, ""),
    ],
)
def test_one_tag(name, tag):
    assert hashtag(name) == tag


def test_each_once_whatever_its_case():
    assert hashtags(["Interreg Europe", "interregeurope", "2026", "SMEs", "#smes", ""]) == (
        "#InterregEurope",
        "#SMEs",
    )


@given(st.text(max_size=40))
def test_whatever_is_made_is_one_whole_hashtag(name):
    tag = hashtag(name)
    assert not tag or extracted(f"text {tag} more") == [tag[1:]]
