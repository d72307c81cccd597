"""A long text as a thread: nothing is lost, nothing is broken, each part fits with its number."""

import re
import time
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dissemination.channels.networks import NETWORKS
from dissemination.errors import RenderError
from dissemination.model import Posting, PostOverride, Site
from dissemination.render.counting import count, fits, graphemes
from dissemination.render.post import fit
from dissemination.render.shortening import whole_places
from dissemination.render.threads import MOST_PARTS, sentence_ends, split
from dissemination.testing import sample_item, sample_picture, sample_project

SITE = Site(public_url="https://news.example.eu")
LINK = "https://news.example.eu/en/news/third-meeting/"
PICTURES = {str(sample_item().image.file): sample_picture()}
THREADED = [name for name, limits in NETWORKS.items() if limits.threads]
SENTENCES = [
    f"Sentence number {n} tells what the region of {'x' * (n % 9 * 7)} did for small firms." for n in range(30)
]
NUMBER = re.compile(r" \((\d+)/(\d+)\)(?=\n\n|$)")


def fitted(network="x", posting=Posting(), **changes):  # noqa: B008 - frozen
    return fit(sample_item(**changes), network, NETWORKS[network], PICTURES, sample_project(), SITE, posting)


def within(length):
    return lambda text: len(text) <= length


def words(parts):
    """What was said, without the numbers."""
    return " ".join(NUMBER.sub("", part) for part in parts).split()


@pytest.mark.parametrize("network", THREADED)
def test_parts_end_with_sentences_and_are_numbered(network):
    text = " ".join(SENTENCES * 3)
    post = fitted(network, image=None, posts={network: PostOverride(text=text, split=True)})
    parts = (post.text, *post.thread)
    assert words(parts) == text.split()
    for number, part in enumerate(parts, start=1):
        assert part.endswith(f". ({number}/{len(parts)})")
        assert fits(part, NETWORKS[network])
    assert (post.length, *post.lengths) == tuple(count(part, NETWORKS[network]) for part in parts)
    # As much as goes into each: the next sentence would not.
    assert not fits(f"{parts[0]} {parts[1].partition('. ')[0]}.", NETWORKS[network])


def test_what_fits_is_no_thread():
    post = fitted(posts={"x": PostOverride(text="Short.", split=True)})
    assert (post.text, post.thread) == ("Short.", ())
    assert fitted(posts={"x": PostOverride(split=True)}).thread == ()


def test_the_link_and_the_funding_statement_stand_in_the_first_part():
    given = PostOverride(text=" ".join(SENTENCES[:9]), link="https://a.eu/é", split=True)
    post = fitted(posting=Posting(funding=True), posts={"x": given})
    assert post.text.endswith("/4)\n\nhttps://a.eu/%C3%A9\n\nCo-funded by the European Union")
    assert not any("a.eu" in part or "funded" in part for part in post.thread)


def test_a_title_and_a_long_summary_become_a_thread_with_their_link_and_hashtags():
    summary = " ".join(SENTENCES[:5])
    post = fitted(summary=summary, tags=("Never",), posts={"x": PostOverride(split=True)})
    first, link, tags = post.text.rsplit("\n\n", 2)
    assert first.startswith("Partners meet in Paris for the third time\n\nSentence number 0")
    assert (link, tags) == (LINK, "#InterregEurope")
    said = f"Partners meet in Paris for the third time {summary}"
    assert words((first, *post.thread)) == said.split()
    assert "…" not in post.text


def test_many_hashtags_leave_the_first_part_room_for_words():
    tags = tuple(f"Hashtag{'x' * 20}{n}" for n in range(20))
    post = fitted(summary=" ".join(SENTENCES[:5]), hashtags=tags, posts={"x": PostOverride(split=True)})
    assert post.text.count("#") in range(1, 6)
    assert "Sentence number 0" in post.text


def test_ten_parts_have_numbers_of_two_digits():
    parts = split(" ".join(SENTENCES), within(120))
    assert len(parts) > 9
    assert parts[0].endswith(f"(1/{len(parts)})")
    assert all(len(part) <= 120 for part in parts)


def test_more_than_a_thread_has_is_no_thread():
    assert split("word. " * 1000, within(30)) == ()
    given = PostOverride(text="A sentence of a good length, as there are so many of them. " * 330, split=True)
    limits = replace(NETWORKS["x"], max_length=140)
    with pytest.raises(
        RenderError, match=rf"x: posts\.x\.text: cannot be split into at most {MOST_PARTS} parts that"
    ):
        fit(sample_item(posts={"x": given}), "x", limits, PICTURES, sample_project(), SITE)


def test_a_sentence_longer_than_a_part_is_cut_between_words():
    text = "Start. " + "And then they went on and on " + "and on and on " * 24 + "until the end. Short one."
    parts = split(text, within(100))
    assert words(parts) == text.split()
    assert parts[0] == f"Start. (1/{len(parts)})"
    assert all(len(part) <= 100 for part in parts)


@pytest.mark.parametrize(
    "kept",
    [
        "https://example.eu/a/long/path/of/sixty/characters/and/no/more/xyz",
        "@oirbi@social.example.eu",
        "#HashTag",
        "example.eu/x",
    ],
)
def test_nothing_is_cut_inside_what_must_be_whole(kept):
    for padding in range(0, 90, 3):
        parts = split(f"{'y ' * padding}{kept}, {'z ' * 90}", within(80))
        assert sum(kept in part for part in parts) == 1


def test_a_name_is_never_cut():
    name = "Dr. A. Example Foundation"
    for padding in range(60):
        parts = split(f"{'y ' * padding}{name} {'z ' * 60}", within(50), names=[name])
        assert sum(name in part for part in parts) == 1


def test_an_address_longer_than_a_part_cannot_be_sent():
    text = f"Words. https://example.eu/{'a' * 400} more."
    with pytest.raises(
        RenderError, match=r"bluesky: posts\.bluesky\.text: cannot be split .* or the addresses in it"
    ):
        fitted("bluesky", posts={"bluesky": PostOverride(text=text, split=True)})
    assert fitted("x", posts={"x": PostOverride(text=text, split=True)}).thread == ()  # 23 there


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three? Four… Five", ["One.", "Two!", "Three?", "Four…", "Five"]),
        ("He said “One.” Then two.", ["He said “One.”", "Then two."]),
        ("Dr. Ion and Prof. Ana met. They talked", ["Dr. Ion and Prof. Ana met.", "They talked"]),
        ("See e.g. this. Or i.e. That. End", ["See e.g. this.", "Or i.e. That.", "End"]),
        ("On 15. May they met. In 2026. Then", ["On 15. May they met.", "In 2026.", "Then"]),
        ("J. Smith and A. B. Jones. End", ["J. Smith and A. B. Jones.", "End"]),
        ("At example.eu. or not. Yes", ["At example.eu. or not.", "Yes"]),
        ("A line\nAnother\n\nThird", ["A line", "Another", "Third"]),
        ("第一句。第二句\uff01第三", ["第一句。", "第二句\uff01", "第三"]),
        ("v1.2 is out. Good", ["v1.2 is out.", "Good"]),
        ("Wait... what? Yes", ["Wait... what?", "Yes"]),
        ("", [""]),
    ],
)
def test_where_sentences_end(text, sentences):
    edges = [0, *sentence_ends(text)]
    found = [text[a:b].strip() for a, b in pairwise(edges)]
    assert list(filter(None, found)) == list(filter(None, sentences))


@pytest.mark.parametrize("asked", [{"reply_chain": ("Two",)}, {"split": True}])
def test_a_network_without_threads_says_so(asked):
    (field,) = asked
    with pytest.raises(
        RenderError, match=rf"linkedin: posts\.linkedin\.{field}: linkedin carries no threads here; w"
    ):
        fitted("linkedin", posts={"linkedin": PostOverride(**asked)})


def test_a_chain_is_not_split():
    with pytest.raises(RenderError, match=r"posts\.x has both reply_chain and split; delete one of them"):
        fitted(posts={"x": PostOverride(reply_chain=("Two",), split=True)})


WHOLE = ("https://example.eu/a-b", "example.eu", "@ana@social.eu", "#Tag", "👨‍👩‍👧‍👦", "e\u0301", "क्ष")
LONG = ("欧" * 45, "🇸🇰" * 20, "a b c d e f g h")
SIGNS = ("word", "Word.", "end! ", "“So.”", "\n", "\n\n", "Dr.", "15.", "Știri", "…", "\u0600")
PIECES = st.sampled_from((*WHOLE, *LONG, *SIGNS))


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=120).map(" ".join), st.sampled_from([60, 100, 280]), st.sampled_from(["", LINK]))
@example("欧" * 400, 60, LINK)
@example("\u0600 \n", 60, "")
def test_whatever_comes_nothing_is_lost_or_broken(text, most, tail):
    parts = split(text, within(most), tail=tail)
    if not parts:
        return
    assert all(len(part) <= most for part in parts)
    said = [
        NUMBER.sub("", part.removesuffix(f"\n\n{tail}") if tail and not n else part) for n, part in enumerate(parts)
    ]
    assert "".join("".join(said).split()) == "".join(text.split())
    wholes = {text[start:end] for start, end in whole_places(text)}
    assert all(any(whole in part for part in said) for whole in wholes)
    # A space may hang on a sign before it (U+0600), and is not kept at the end of a part.
    rest = (cluster.rstrip() for cluster in graphemes(text))
    for cluster in graphemes("\n".join(said)):
        assert cluster.isspace() or cluster.rstrip() in rest


def test_a_long_text_takes_no_time():
    text = " ".join(SENTENCES * 7)
    started = time.process_time()
    fitted("mastodon", posts={"mastodon": PostOverride(text=text, split=True)})
    assert time.process_time() - started < 5


def test_the_same_text_gives_the_same_parts():
    text = " ".join(SENTENCES)
    assert split(text, within(200)) == split(text, within(200))
