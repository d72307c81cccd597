import itertools
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
import regex
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dissemination.channels.networks import NETWORKS
from dissemination.errors import RenderError
from dissemination.model import Image, PostOverride, PostPicture, Site
from dissemination.render.counting import count, fits, graphemes
from dissemination.render.hashtags import hashtag_places, hashtags
from dissemination.render.links import encoded
from dissemination.render.post import fit
from dissemination.render.shortening import shortened
from dissemination.testing import sample_item, sample_picture, sample_project

SITE = Site(public_url="https://news.example.eu")
LINK = "https://news.example.eu/en/news/third-meeting/"
PROJECT = sample_project()
PICTURE = sample_picture()
PICTURES = {str(sample_item().image.file): PICTURE}
WORDS = "Five regions compared how they lend to small firms and what became of the firms after two years. "


def fitted(network="x", limits=None, pictures=PICTURES, project=PROJECT, **changes):
    return fit(sample_item(**changes), network, limits or NETWORKS[network], pictures, project, SITE)


@pytest.mark.parametrize("network", NETWORKS)
def test_what_fits_stands_whole(network):
    post = fitted(network)
    assert post.text == (
        "Partners meet in Paris for the third time\n\n"
        "Five regions compared how they lend to small firms.\n\n"
        f"{LINK}\n\n"
        "#InterregEurope #Interregional"
    )
    assert (post.network, post.lang, post.link) == (network, "en", LINK)
    limits = NETWORKS[network]
    assert (post.length, post.limit) == (count(post.text, limits), limits.pictured_length or limits.max_length)


def test_hashtags_of_the_item_then_of_the_project_then_its_tags():
    post = fitted(hashtags=("#micro finance", "2026"), tags=("Interreg europe", "a-b", "Green🌱Deal", "Regional"))
    assert post.text.endswith("#MicroFinance #InterregEurope #AB #GreenDeal #Regional")


def test_a_tag_gives_way_before_the_text():
    item = {"summary": (WORDS * 3)[:188].strip(), "tags": ("One", "Two", "Three")}
    post = fitted(**item)
    assert item["summary"] in post.text
    assert post.text.endswith("#InterregEurope #One")
    assert post.length <= 280


def test_then_the_summary_between_words():
    post = fitted(summary=WORDS * 5)
    title, summary, link, tags = post.text.split("\n\n")
    assert title == "Partners meet in Paris for the third time"
    assert summary.endswith("…")
    assert (WORDS * 5).startswith(summary.removesuffix("…"))
    assert (WORDS * 5)[len(summary) - 1] in " ."
    assert (link, tags) == (LINK, "#InterregEurope")
    assert 265 < post.length <= 280


def test_then_the_wanted_hashtags_and_last_the_title():
    post = fitted(title=WORDS * 4, summary=WORDS)
    title, link = post.text.split("\n\n")
    assert (WORDS * 4).startswith(title.removesuffix("…"))
    assert link == LINK
    assert 265 < post.length <= 280


def test_a_stub_of_a_summary_is_left_out():
    title = ("Title " * 45)[: 280 - 23 - 2 - 20].strip()
    assert "Five" not in fitted(title=title, project=sample_project(hashtags=()), hashtags=(), tags=()).text


@pytest.mark.parametrize(
    "kept", ["https://example.eu/some/where/far/away/and/farther", "@partner", "#Hashtag", "example.eu/x"]
)
def test_nothing_is_cut_inside_what_must_be_whole(kept):
    for padding in range(100, 240, 3):
        text = fitted(summary=f"{'y ' * (padding // 2)}{kept}, {WORDS}").text.replace(LINK, "")
        assert kept in text or not any(kept[:size] in text for size in range(4, len(kept)))


def test_the_ellipsis_is_not_glued_to_a_link():
    def goes(text):
        return len(text) <= 40

    assert (
        shortened("See https://example.eu/abcdefghijkl, some more", goes) == "See https://example.eu/abcdefghijkl …"
    )
    assert shortened("The one and only #hashtag is here for all", goes) == "The one and only #hashtag is here for…"
    assert (
        shortened("Ends at a sentence of its own. And more words", goes)
        == "Ends at a sentence of its own. And more…"
    )
    assert (
        shortened("This is all that is to be said here now, then", goes)
        == "This is all that is to be said here now…"
    )


def test_a_script_without_spaces_is_cut_between_characters():
    text = fitted(title="题目", summary="欧洲地区" * 100).text.split("\n\n")[1]
    assert text.endswith("…")
    assert len(text) > 80


def test_a_weighted_ellipsis_is_counted():
    for extra in range(12):
        assert fitted(summary="ab " * (70 + extra)).length <= 280


def test_text_is_composed_and_cleaned():
    post = fitted(title="Cafe\u0301\r\n  opens\ufeff", summary="A\x00\x1b[31m \ud800line\nmore")
    assert post.text.startswith("Café opens\n\nA[31m line more\n\n")
    assert (post.title, post.summary) == ("Café opens", "A[31m line more")


@pytest.mark.parametrize(
    ("changes", "link"),
    [
        ({"canonical_url": "https://príklad.eu/správa.?d=é"}, "https://xn--prklad-4va.eu/spr%C3%A1va%2E?d=%C3%A9"),
        ({"canonical_url": "https://example.eu"}, "https://example.eu/"),
        ({"slug": "schôdza", "lang": "sk"}, "https://news.example.eu/sk/news/sch%C3%B4dza/"),
        ({"posts": {"x": PostOverride(link="https://other.eu/a")}}, "https://other.eu/a"),
    ],
)
def test_links_are_encoded_first(changes, link):
    post = fitted(**changes)
    assert post.link == link
    assert f"\n\n{link}\n\n" in post.text


@pytest.mark.parametrize("url", ["ftp://example.eu/", "no address", "https://user:word@example.eu/"])
def test_a_link_that_is_none_is_refused(url):
    with pytest.raises(RenderError, match=r"third-meeting/index\.md: x: canonical_url: .*write the whole address"):
        fitted(canonical_url=url)


def test_an_override_stands_as_written():
    post = fitted(posts={"x": PostOverride(text="Our own words\nwith #a-b and example.eu\n")})
    assert post.text == "Our own words\nwith #a-b and example.eu"
    assert post.length == count(post.text, NETWORKS["x"])
    assert post.link == LINK
    assert fitted("mastodon", posts={"x": PostOverride(text="Ours")}).text.startswith("Partners meet")


def test_an_override_gets_the_link_it_names_once():
    assert (
        fitted(posts={"x": PostOverride(text="Words", link="https://a.eu/é")}).text
        == "Words\n\nhttps://a.eu/%C3%A9"
    )
    given = PostOverride(text="Words https://a.eu/é", link="https://a.eu/é")
    assert fitted(posts={"x": given}).text == "Words https://a.eu/%C3%A9"


@pytest.mark.parametrize(
    ("network", "override", "message"),
    [
        ("x", PostOverride(text="€" * 141), r"x: posts\.x\.text: 282 of 280 weighted characters; shorten it"),
        ("mastodon", PostOverride(text="a" * 501), r"mastodon: posts\.mastodon\.text: 501 of 500 characters"),
        ("bluesky", PostOverride(text="👨‍👩‍👧‍👦" * 121), r"bluesky: .*3,025 of 3,000 bytes"),
        ("telegram", PostOverride(text="👩" * 2049), r"telegram: .*4,098 of 4,096 UTF-16 units"),
        ("x", PostOverride(text="a " * 20_000), r"x: .*39,999 characters; no network takes more than 20,000"),
        ("x", PostOverride(text="\x00"), r"x: .*is empty"),
        ("x", PostOverride(reply_chain=("Two", "b" * 281)), r"x: posts\.x\.reply_chain, part 2: 281 of 280"),
    ],
)
def test_an_override_over_the_limit_is_refused(network, override, message):
    with pytest.raises(RenderError, match=r"^news/third-meeting/index\.md: " + message):
        fitted(network, posts={network: override})


def test_a_thread_has_its_parts_as_written():
    assert fitted(posts={"x": PostOverride(reply_chain=("Two\r\n", "Three"))}).thread == ("Two", "Three")


@pytest.mark.parametrize(
    ("network", "changes", "figures"),
    [
        ("bluesky", {"canonical_url": f"https://example.eu/{'a' * 300}"}, r"of 300 characters"),
        ("x", {"title": f"#{'a' * 400}"}, r"426 of 280 weighted characters"),
        ("x", {"title": "a." * 300}, r"of 280 weighted characters"),
    ],
)
def test_what_cannot_fit_at_its_shortest_is_refused(network, changes, figures):
    with pytest.raises(
        RenderError, match=rf"^news/third-meeting/index\.md: {network}: .*{figures}.*shorten `title`"
    ):
        fitted(network, **changes)


class TestPictures:
    def test_the_lead_picture_goes_with_its_words(self):
        assert fitted().pictures == (PostPicture(digest=PICTURE.digest, alt="Twelve people around a table"),)

    def test_where_none_are_carried_none_is_asked_for(self):
        limits = replace(NETWORKS["x"], pictures=0)
        assert fitted(limits=limits, pictures={}, image=replace(sample_item().image, alt="")).pictures == ()
        assert fitted(image=None).pictures == ()

    def test_words_are_a_duty_unless_decorative(self):
        bare = replace(sample_item().image, alt=" ", line=7)
        with pytest.raises(
            RenderError, match=r"index\.md: x: picture paris\.jpg \(line 7\): has no alternative text"
        ):
            fitted(image=bare)
        assert fitted(image=replace(bare, decorative=True)).pictures[0].alt == ""

    def test_words_have_the_networks_length(self):
        long = replace(sample_item().image, alt="a" * 1001)
        with pytest.raises(RenderError, match=r"1,001 of 1,000 characters; shorten `alt`"):
            fitted(image=long)
        assert len(fitted("mastodon", image=long).pictures[0].alt) == 1001
        assert len(fitted("bluesky", image=replace(long, alt="a" * 9000)).pictures[0].alt) == 9000

    def test_an_override_names_another(self):
        other = Image(src="map.png", file=Path("/project/news/third-meeting/map.png"), alt="A map")
        second = sample_picture((1, 2, 3))
        pictures = {**PICTURES, str(other.file): second}
        chosen = fitted(pictures=pictures, images=(other,), posts={"x": PostOverride(image="map.png")})
        assert chosen.pictures == (PostPicture(digest=second.digest, alt="A map"),)
        own = PostOverride(image="map.png", alt="Its own words")
        assert fitted(pictures=pictures, posts={"x": own}).pictures[0].alt == "Its own words"
        with pytest.raises(RenderError, match=r"picture gone\.png: there is no such picture"):
            fitted(posts={"x": PostOverride(image="gone.png", alt="Gone")})


WORDISH = st.text(alphabet=st.characters(codec="utf-8"), max_size=12)
SPECIAL = st.sampled_from(
    [
        "https://example.eu/a-b",
        "v1.2.sk",
        "@partner",
        "@ana@social.example.eu",
        "#AB",
        "👨‍👩‍👧‍👦",
        "क्ष",
        "欧" * 50,
        "e\u0301",
        "\u0600",
        "🇸🇰" * 20,
    ]
)
PIECES = st.one_of(WORDISH, SPECIAL, st.just("word"))
TEXTS = st.one_of(st.lists(PIECES, max_size=20), st.lists(PIECES, min_size=60, max_size=90)).map(" ".join)


def clean(text):
    composed = unicodedata.normalize("NFC", text.replace("\r", "\n"))
    kept = "".join(c for c in composed if unicodedata.category(c) not in {"Cc", "Cs"} or c in "\n\t")
    return " ".join(regex.sub("[\ufeff\ufffe\uffff]", "", kept).split())


@settings(max_examples=60, deadline=None)
@given(title=TEXTS, summary=TEXTS, tags=st.lists(WORDISH, max_size=8))
@example(title="word " * 80, summary="", tags=[])
@example(title="a", summary="\u0600 word " * 60, tags=["a"])
@example(title="", summary="0\r\U0001e8d0", tags=[])
@pytest.mark.parametrize("network", NETWORKS)
def test_whatever_comes_the_limit_the_link_and_the_graphemes_hold(network, title, summary, tags):
    limits = NETWORKS[network]
    try:
        post = fitted(network, title=title, summary=summary, tags=tuple(tags))
    except RenderError:
        assert count(f"{clean(title)}\n\n{LINK}", limits) > limits.max_length or limits.max_bytes
        return
    assert post.length == count(post.text, limits) <= limits.max_length
    assert not limits.max_bytes or len(post.text.encode()) <= limits.max_bytes
    # Where there is no room under the picture, the title stands there alone and the text follows.
    caption, text = ("", post.text) if not post.thread else (post.text, post.thread[0])
    assert all(fits(part, limits) for part in post.thread)
    assert f"\n\n{LINK}" in f"\n\n{text}"
    whole = graphemes(clean(title)) + graphemes(clean(summary))
    body = text.split(LINK)[0] if not caption else f"{caption}\n\n{text}".split(LINK)[0]
    rest = iter(whole)
    for cluster in graphemes(body):
        assert cluster.isspace() or cluster == "…" or cluster in rest, f"{cluster!r} is broken"
    shown = text.partition(LINK)[2].split()
    words = f"{clean(title)}\n{clean(summary)}"
    there = {words[start:end].casefold() for start, end in hashtag_places(words)}
    wanted = hashtags((*sample_item().hashtags, *PROJECT.hashtags, *tags))
    wanted = [tag for tag in wanted if tag.casefold() not in there]
    assert tuple(shown) == tuple(itertools.islice(wanted, len(shown)))


def test_the_same_input_gives_the_same_post():
    assert fitted(summary=WORDS * 9) == fitted(summary=WORDS * 9)


def test_a_huge_item_takes_no_time():
    post = fitted(title=WORDS * 3, summary=f"{WORDS * 10_000}{'a.' * 50_000}")
    assert post.length <= 280
    assert encoded(post.link) == post.link
