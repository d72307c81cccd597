import time
import unicodedata
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from twitter_text import parse_tweet

from dissemination.channels.networks import NETWORKS
from dissemination.model import Carries, Limits, Units
from dissemination.render.counting import count, fits, graphemes, links, over

X = NETWORKS["x"]
MASTODON = NETWORKS["mastodon"]
BLUESKY = NETWORKS["bluesky"]
VECTORS = Path(__file__).parents[3] / "shared" / "data" / "twitter-text"


@pytest.fixture(scope="session")
def vectors():
    if not VECTORS.is_dir():
        pytest.skip("the twitter-text vectors are not beside the checkout")
    return {
        name: yaml.safe_load((VECTORS / f"{name}.yml").read_text("utf-8"))["tests"]
        for name in ("validate", "extract")
    }


def test_the_weight_vectors_of_twitter_text(vectors):
    cases = vectors["validate"]["WeightedTweetsWithDiscountedEmojiCounterTest"]
    wrong = [case["text"] for case in cases if count(case["text"], X) != case["expected"]["weightedLength"]]
    assert (len(cases), wrong) == (22, [])


def test_the_address_vectors_of_twitter_text(vectors):
    cases = vectors["extract"]["urls"]
    found = [[case["text"][start:end] for start, end in links(case["text"])] for case in cases]
    assert len(cases) == 91
    assert found == [case["expected"] for case in cases]


def test_the_vectors_of_places_and_short_addresses(vectors):
    for name in ("urls_with_indices", "urls_with_directional_markers", "tco_urls_with_params"):
        for case in vectors["extract"][name]:
            spans = links(case["text"])
            assert [
                {"url": case["text"][start:end], "indices": [start, end]}
                if isinstance(url, dict)
                else case["text"][start:end]
                for (start, end), url in zip(spans, case["expected"], strict=True)
            ] == case["expected"]


# https://docs.x.com/fundamentals/counting-characters; both reference parsers give these figures.
@pytest.mark.parametrize(
    ("text", "weight"),
    [
        ("", 0),
        ("abc", 3),
        *((text, 2) for text in ("€", "…", "•", "→", "✅", "™", "欧", "©", "®")),
        *((text, 1) for text in ("—", "„", "“", "ж", "Ω", "ș")),
        ("👨‍👩‍👧‍👦", 2),
        ("🇸🇰", 2),
        ("👩🏽‍🚒", 2),
        ("🙂‍↔️", 5),  # Emoji 15.1, and the tables know Emoji 12
        ("cafe\u0301", 4),
        ("example.eu", 23),
        ("interreg-central.eu/news", 23),
        ("v1.2.sk", 23),
        ("https://example.eu/a/very/long/path/that/would/count/more/if/it/were/counted/by/its/letters", 23),
        ("(https://example.eu/a).", 26),
        ("https://example.eu/?b=c&d=é", 24),
        ("foo.pdf", 7),
        ("správa.Viac", 11),
        ("http://localhost", 16),
        ("ftp://x.eu", 10),
        ("a\r\nb", 3),
    ],
)
def test_x_weighs_as_documented(text, weight):
    assert count(text, X) == weight


PIECES = [*"aé ș.:/#@…欧—\n\u3000\u00a0\u0301\u200d\ufe0f👩👧🏽🇸🇰©1-", "https://", "eu", "www."]


@settings(max_examples=300, deadline=None)
@example("\néwww.eu")
@example("éwww.eu\néwww.eu")
@example("a\u001cwww.eu")
@given(st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
def test_x_weighs_as_the_parser_does(text):
    assert count(text, X) == parse_tweet(text).weightedLength


@pytest.mark.parametrize(
    ("text", "weight", "link"),
    [("éwww.eu", 24, "www.eu"), ("\néwww.eu", 24, "éwww.eu"), ("a éwww.eu", 25, "éwww.eu")],
)
def test_what_stands_before_an_address_decides_where_it_begins(text, weight, link):
    # regexp/extract_url.py: one character that may stand before an address, or else the text's beginning
    assert count(text, X) == weight
    assert [text[start:end] for start, end in links(text)] == [link]


@pytest.mark.parametrize(
    "text", ["a." * 5000, "a-" * 5000 + ".eu", "(" * 40_000, "https://example.eu/" + "(a" * 2000]
)
def test_a_hostile_text_takes_no_time_and_never_counts_too_little(text):
    begin = time.process_time()
    weight = count(text, X)
    assert time.process_time() - begin < 20
    assert weight > 280
    assert links(text) is not None


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("क्ष", 1),
        ("👨‍👩‍👧‍👦", 1),
        ("e\u0301", 1),
        ("a\r\nb", 3),
        ("https://example.eu/some/where/far/away see", 27),
        ("(https://example.eu/a).", 26),
        ("https://a.eu", 23),
        ("example.eu", 10),  # without a protocol it is no link there
        ("@ana@social.example.eu hi", 7),
        ("@ana@social.example.eu, hi", 8),
        ("mail ana@example.eu", 19),
        ("https://mastodon.social/@ana@example.eu", 23),
    ],
)
def test_mastodon_counts_characters_and_short_links(text, length):
    assert count(text, MASTODON) == length


def test_bluesky_counts_links_in_full_and_bytes_too():
    assert count("https://example.eu/a", BLUESKY) == 20
    family = "👨‍👩‍👧‍👦"
    assert fits(family * 120, BLUESKY)
    assert not fits(family * 121, BLUESKY)
    assert over(family * 121, BLUESKY) == "3,025 of 3,000 bytes"
    assert over("a" * 301, BLUESKY) == "301 of 300 characters"
    assert over("a" * 300, BLUESKY) == ""


@pytest.mark.parametrize(
    ("units", "length"), [(Units.UTF16, 3), (Units.BYTES, 5), (Units.GRAPHEMES, 2), (Units.NONE, 0)]
)
def test_each_unit(units, length):
    assert count("a👩", Limits(carries=Carries.POST, units=units)) == length


def test_no_limit_carries_everything():
    assert fits("a" * 10_000, Limits(carries=Carries.POST, units=Units.GRAPHEMES))
    assert fits("a" * 10_000, Limits(carries=Carries.POST))


@given(st.text(max_size=40))
def test_graphemes_lose_nothing(text):
    assert "".join(graphemes(text)) == text
    assert len(graphemes(unicodedata.normalize("NFC", text))) <= len(text) or not text
