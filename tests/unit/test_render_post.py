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
from dissemination.model import Image, Posting, PostOverride, PostPicture, Site
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


FUNDED = Posting(funding=True)


def fitted(network="x", limits=None, pictures=PICTURES, project=PROJECT, posting=Posting(), **changes):  # noqa: B008
    return fit(sample_item(**changes), network, limits or NETWORKS[network], pictures, project, SITE, posting)


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


class TestFunding:
    """The short statement: counted, never given up, in the item's own language alone."""

    def test_it_stands_where_settings_ask_for_it(self):
        post = fitted(posting=FUNDED)
        assert f"\n\n{LINK}\n\nCo-funded by the European Union\n\n#Interreg" in post.text
        assert post.length == count(post.text, NETWORKS["x"])
        assert "Cofinanțat de Uniunea Europeană" in fitted(posting=FUNDED, lang="ro").text
        assert "funded" not in fitted().text

    def test_it_does_not_give_way(self):
        post = fitted(posting=FUNDED, title=WORDS * 4, summary=WORDS)
        assert post.text.endswith(f"{LINK}\n\nCo-funded by the European Union")
        assert 265 < post.length <= 280

    def test_own_words_do_not_switch_it_off(self):
        assert fitted(posting=FUNDED, posts={"x": PostOverride(text="Ours")}).text == (
            "Ours\n\nCo-funded by the European Union"
        )
        linked = PostOverride(text="Ours", link="https://a.eu/b")
        assert fitted(posting=FUNDED, posts={"x": linked}).text == (
            "Ours\n\nhttps://a.eu/b\n\nCo-funded by the European Union"
        )
        with pytest.raises(RenderError, match=r"posts\.x\.text: 281 of 280"):
            fitted(posting=FUNDED, posts={"x": PostOverride(text="a" * (281 - 33))})

    @pytest.mark.parametrize(
        "own",
        [
            PostOverride(text="We are co-funded by the European Union."),
            PostOverride(text="Ours", reply_chain=("Co-funded by the European Union",)),
        ],
    )
    def test_words_that_say_it_themselves_say_it_once(self, own):
        post = fitted(posting=FUNDED, posts={"x": own})
        assert "\n".join((post.text, *post.thread)).casefold().count("funded by the european union") == 1

    def test_a_language_without_it_is_an_error(self):
        with pytest.raises(RenderError, match=r"index\.md: x: .* have none in `fr`; add funding\.statement\.fr"):
            fitted(posting=FUNDED, lang="fr")


class TestUtm:
    """Parameters that are the same for every reader, and off by default."""

    POSTING = Posting(utm={"source": "x", "medium": "social", "campaign": "micro future"})

    def test_the_link_bears_them(self):
        link = f"{LINK}?utm_source=x&utm_medium=social&utm_campaign=micro%20future"
        post = fitted(posting=self.POSTING)
        assert post.link == link
        assert f"\n\n{link}\n\n" in post.text
        assert post.length == fitted().length  # 23 there, however long it is
        assert "utm" not in fitted().text

    def test_also_where_the_words_are_given(self):
        given = PostOverride(text="Ours", link="https://a.eu/é?b=c#d")
        assert fitted(posting=Posting(utm={"source": "x"}), posts={"x": given}).text == (
            "Ours\n\nhttps://a.eu/%C3%A9?b=c&utm_source=x#d"
        )

    def test_a_link_that_stands_in_the_words_is_not_added_again(self):
        given = PostOverride(text="Ours https://a.eu/é", link="https://a.eu/é")
        assert fitted(posting=self.POSTING, posts={"x": given}).text == "Ours https://a.eu/%C3%A9"


def test_hashtags_can_be_switched_off():
    assert "#" not in fitted(posting=Posting(hashtags=False), hashtags=("One",)).text.replace(LINK, "")


def test_a_hashtag_that_stands_in_the_words_is_not_repeated():
    post = fitted(title="Meet #interregEurope in Paris", hashtags=("InterregEurope", "Other"))
    assert post.text.casefold().count("#interregeurope") == 1
    assert post.text.endswith("#Other #Interregional")


class TestWarning:
    """A content warning counts, and what a network does not have is said."""

    def test_it_counts_into_the_length(self):
        post = fitted("mastodon", posts={"mastodon": PostOverride(text="a" * 490, warning="Ten signs!")})
        assert (post.warning, post.length, post.limit) == ("Ten signs!", 500, 500)
        with pytest.raises(
            RenderError, match=r"mastodon: posts\.mastodon\.text: 491 of 490 .* beside the content w"
        ):
            fitted("mastodon", posts={"mastodon": PostOverride(text="a" * 491, warning="Ten signs!")})

    def test_the_composed_text_gives_way_to_it(self):
        item = {"title": WORDS, "summary": WORDS * 5}
        warned = fitted("mastodon", posts={"mastodon": PostOverride(warning="W" * 100)}, **item)
        assert 480 < warned.length <= 500
        assert count(warned.text, NETWORKS["mastodon"]) == warned.length - 100

    def test_it_counts_in_every_part(self):
        chain = PostOverride(text="One", reply_chain=("a" * 450,), warning="W" * 51)
        with pytest.raises(RenderError, match=r"reply_chain, part 1: 450 of 449 .* beside the content warning"):
            fitted("mastodon", posts={"mastodon": chain})
        split = PostOverride(text=f"{WORDS} " * 12, split=True, warning="W" * 300)
        post = fitted("mastodon", image=None, posts={"mastodon": split})
        assert all(length <= 500 for length in (post.length, *post.lengths))
        assert post.lengths[0] == 300 + count(post.thread[0], NETWORKS["mastodon"])

    @pytest.mark.parametrize("network", sorted(set(NETWORKS) - {"mastodon"}))
    def test_a_network_without_them_says_so(self, network):
        with pytest.raises(
            RenderError, match=rf"posts\.{network}\.warning: {network} has no content warnings; say it"
        ):
            fitted(network, posts={network: PostOverride(warning="Careful")})

    def test_one_that_leaves_no_room_is_an_error(self):
        with pytest.raises(RenderError, match="the warning alone has 500 of 500 characters"):
            fitted("mastodon", posts={"mastodon": PostOverride(warning="W" * 500)})


class TestUnderAPicture:
    """Telegram: 1,024 under a picture, 4,096 without; then the title stands there and the text follows."""

    def given(self, length, **more):
        return {"telegram": PostOverride(text="a" * length, **more)}

    def test_what_fits_there_stands_there(self):
        post = fitted("telegram", posts=self.given(1024))
        assert (post.length, post.limit, post.thread) == (1024, 1024, ())

    def test_what_does_not_fit_follows(self):
        post = fitted("telegram", posts=self.given(1025))
        assert (post.text, post.thread) == ("Partners meet in Paris for the third time", ("a" * 1025,))
        assert (post.length, post.limit, post.lengths) == (41, 1024, (1025,))
        assert len(post.pictures) == 1

    def test_without_a_picture_it_is_one_message(self):
        post = fitted("telegram", image=None, posts=self.given(4096))
        assert (post.length, post.limit, post.thread) == (4096, 4096, ())

    def test_more_than_a_message_is_an_error_or_a_thread(self):
        with pytest.raises(RenderError, match=r"telegram: posts\.telegram\.text: 4,097 of 4,096 UTF-16 units"):
            fitted("telegram", posts=self.given(4097))
        split = {"telegram": PostOverride(text=WORDS * 60, split=True)}
        post = fitted("telegram", posts=split)
        assert post.text == "Partners meet in Paris for the third time"
        assert [part[-5:] for part in post.thread] == ["(1/2)", "(2/2)"]

    def test_a_chain_goes_on_behind_it(self):
        post = fitted("telegram", posts=self.given(1500, reply_chain=("More",)))
        assert post.thread == ("a" * 1500, "More")

    def test_the_title_is_not_said_twice(self):
        post = fitted("telegram", summary=WORDS * 12)
        assert post.text == "Partners meet in Paris for the third time"
        assert post.thread[0].startswith("Five regions")
        assert LINK in post.thread[0]

    def test_a_title_too_long_is_cut_there(self):
        post = fitted("telegram", title=WORDS * 14, summary="")
        assert post.text.endswith("…")
        assert 1000 < post.length <= 1024

    def test_where_nothing_can_follow_it_is_an_error(self):
        limits = replace(NETWORKS["telegram"], threads=False)
        with pytest.raises(
            RenderError, match=r"telegram: 1,025 of 1,024 UTF-16 units under a picture; shorten it, or"
        ):
            fitted("telegram", limits=limits, posts=self.given(1025))


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

    def test_a_post_shows_the_further_ones_that_it_names(self):
        others = tuple(Image(src=f"{n}.png", file=Path(f"/p/{n}.png"), alt=f"Map {n}") for n in range(5))
        made = {str(image.file): sample_picture((n, 2, 3)) for n, image in enumerate(others)}
        pictures = {**PICTURES, **made}
        assert len(fitted(pictures=pictures, images=others).pictures) == 1
        named = PostOverride(images=("2.png", "0.png", "paris.jpg"))
        shown = fitted(pictures=pictures, images=others, posts={"x": named}).pictures
        assert [one.alt for one in shown] == ["Twelve people around a table", "Map 2", "Map 0"]
        own = PostOverride(image="1.png", alt="Ours", images=("0.png",))
        assert [one.alt for one in fitted(pictures=pictures, images=others, posts={"x": own}).pictures] == [
            "Ours",
            "Map 0",
        ]
        every = PostOverride(images=tuple(image.src for image in others))
        with pytest.raises(RenderError, match=r"x: 6 pictures of 4; take some out of posts\.\*\.images"):
            fitted(pictures=pictures, images=others, posts={"x": every})
        with pytest.raises(RenderError, match=r"telegram: 2 pictures of 1"):
            fitted(
                "telegram", pictures=pictures, images=others, posts={"telegram": PostOverride(images=("0.png",))}
            )
        bare = (replace(others[0], alt=""),)
        with pytest.raises(RenderError, match=r"picture 0\.png: has no alternative text"):
            fitted(pictures=pictures, images=bare, posts={"x": PostOverride(images=("0.png",))})

    def test_what_is_decorative_says_nothing(self):
        shown = fitted(image=replace(sample_item().image, decorative=True)).pictures
        assert shown == (PostPicture(digest=PICTURE.digest, alt="", decorative=True),)


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
@example(title="", summary="word " * 300, tags=[])
@pytest.mark.parametrize("network", NETWORKS)
def test_whatever_comes_the_limit_the_link_and_the_graphemes_hold(network, title, summary, tags):
    limits = NETWORKS[network]
    try:
        post = fitted(network, title=title, summary=summary, tags=tuple(tags))
    except RenderError:
        # Without a title nothing can stand under a picture that has no room for the text.
        bare = limits.pictured_length and not clean(title)
        assert bare or limits.max_bytes or count(f"{clean(title)}\n\n{LINK}", limits) > limits.max_length
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
