"""One key, and each network's own way to name the partner behind it."""

from dataclasses import replace

import pytest

from dissemination.channels.networks import NETWORKS
from dissemination.errors import RenderError
from dissemination.model import Carries, Limits, Mention, Partner, PostOverride, Site, Units
from dissemination.render.counting import count
from dissemination.render.post import fit
from dissemination.render.shortening import shortened
from dissemination.testing import sample_item, sample_picture, sample_project

SITE = Site(public_url="https://news.example.eu")
PICTURES = {str(sample_item().image.file): sample_picture()}
HANDLES = {
    "x": "oirbi_ro",
    "mastodon": "@oirbi@social.example.eu",
    "bluesky": "oirbi.example.eu",
    "linkedin": "urn:li:organization:123",
    "telegram": "@oirbi",
}
OIRBI = Partner(key="oirbi", name="OIRBI", name_in={"ro": "Oficiul OIRBI"}, handles=HANDLES)
SILENT = Partner(key="seine-saint-denis", name="Seine-Saint-Denis & co", name_in={"ro": "Sena-Saint-Denis"})
PROJECT = sample_project(partners={"oirbi": OIRBI, "seine-saint-denis": SILENT})
OTHER = Limits(carries=Carries.POST, units=Units.GRAPHEMES, max_length=5000)


def fitted(network="x", project=PROJECT, **changes):
    limits = NETWORKS.get(network, OTHER)
    return fit(sample_item(**changes), network, limits, PICTURES, project, SITE)


def with_handle(network, handle):
    return sample_project(partners={"oirbi": replace(OIRBI, handles={network: handle})})


@pytest.mark.parametrize(
    ("network", "text", "target"),
    [
        ("x", "@oirbi_ro", "oirbi_ro"),
        ("mastodon", "@oirbi@social.example.eu", "oirbi@social.example.eu"),
        ("bluesky", "@oirbi.example.eu", "oirbi.example.eu"),
        ("telegram", "@oirbi", "oirbi"),
        ("linkedin", "OIRBI", "urn:li:organization:123"),
    ],
)
def test_each_network_has_its_own_way(network, text, target):
    post = fitted(network, title="Thanks to @{oirbi}, at last")
    assert post.text.startswith(f"Thanks to {text}, at last\n\n")
    assert post.mentions == (Mention(text=text, target=target),)
    assert post.length == count(post.text, NETWORKS[network])


@pytest.mark.parametrize("network", ["webhook", "sharepack", "facebook"])
@pytest.mark.parametrize(("lang", "name"), [("en", "OIRBI"), ("ro", "Oficiul OIRBI")])
def test_a_network_without_a_handle_has_the_name_in_its_language(network, lang, name):
    post = fitted(network, title="Thanks to @{oirbi}", lang=lang)
    assert post.text.startswith(f"Thanks to {name}\n\n")
    assert post.mentions == ()


def test_a_partner_without_handles_is_called_by_name_everywhere():
    for network in NETWORKS:
        post = fitted(network, title="Thanks to @{ seine-saint-denis }", lang="ro")
        assert post.text.startswith("Thanks to Sena-Saint-Denis\n\n")
        assert post.mentions == ()


def test_it_is_understood_in_every_text_of_a_post():
    words = PostOverride(text="With @{oirbi}", reply_chain=("And @{oirbi}", "and @{seine-saint-denis}"))
    post = fitted(posts={"x": words})
    assert (post.text, post.thread) == ("With @oirbi_ro", ("And @oirbi_ro", "and Seine-Saint-Denis & co"))
    assert fitted(summary="By @{oirbi}").text.split("\n\n")[1] == "By @oirbi_ro"


def test_who_is_named_in_a_further_part_alone_is_a_mention_too():
    post = fitted(posts={"x": PostOverride(text="One", reply_chain=("By @{oirbi}",))})
    assert [one.text for one in post.mentions] == ["@oirbi_ro"]


def test_what_is_read_out_or_stands_on_a_card_has_names():
    words = PostOverride(text="By @{oirbi}", alt="A talk of @{oirbi}", warning="About @{oirbi}")
    post = fitted("mastodon", title="With @{oirbi}", summary="By @{oirbi}", posts={"mastodon": words})
    assert (post.title, post.summary, post.warning) == ("With OIRBI", "By OIRBI", "About OIRBI")
    assert post.pictures[0].alt == "A talk of OIRBI"


def test_as_it_was_written_counts_where_names_were_put_in_already():
    post = fitted(title="With OIRBI", raw={"title": "With @{oirbi}"})
    assert post.text.startswith("With @oirbi_ro\n\n")
    assert post.title == "With OIRBI"


@pytest.mark.parametrize(
    ("key", "advice"),
    [
        ("oribi", r"write @\{oirbi\}"),
        ("OIRBI", r"write @\{oirbi\}"),
        ("seine saint denis", r"write @\{seine-saint-denis\}"),
        ("zzz", "write one of: oirbi, seine-saint-denis"),
        ("", "write one of: oirbi, seine-saint-denis"),
    ],
)
@pytest.mark.parametrize("field", ["title", "summary", "text", "reply_chain", "warning"])
def test_an_unknown_key_is_an_error_that_names_the_nearest(key, advice, field):
    said = f"By @{{{key}}}"
    changes = {field: said}
    if field not in {"title", "summary"}:
        given = {"text": "Words", field: (said,) if field == "reply_chain" else said}
        changes = {"posts": {"mastodon": PostOverride(**given)}}
    with pytest.raises(RenderError, match=rf"index\.md: mastodon: `{key}` names no partner; {advice}"):
        fitted("mastodon", **changes)


def test_an_unknown_key_in_the_words_of_a_picture_is_one_too():
    with pytest.raises(RenderError, match="`nobody` names no partner"):
        fitted(image=replace(sample_item().image, alt="A talk of @{nobody}"))


@pytest.mark.parametrize("title", ["The@{oirbi} news", "@{oirbi}s news"])
def test_a_handle_never_melts_into_a_word(title):
    with pytest.raises(
        RenderError, match=r"@\{oirbi\} stands inside a word, where @oirbi_ro names nobody; write a sp"
    ):
        fitted(title=title)
    assert fitted("webhook", title=title).text.startswith(title.replace("@{oirbi}", "OIRBI"))


def test_a_host_name_would_go_on_where_a_handle_ends():
    title = "News of @{oirbi}-ul"
    assert fitted(title=title).text.startswith("News of @oirbi_ro-ul\n")
    for network in ("mastodon", "bluesky"):
        with pytest.raises(RenderError, match="stands inside a word"):
            fitted(network, title=title)
        assert fitted(network, title="News of @{oirbi}. And").mentions


@pytest.mark.parametrize(
    ("handle", "text", "target"),
    [
        ("did:plc:abc", "OIRBI", "did:plc:abc"),
        ("@oirbi.example.eu did:plc:abc", "@oirbi.example.eu", "did:plc:abc"),
        ("did:plc:abc oirbi.example.eu", "@oirbi.example.eu", "did:plc:abc"),
    ],
)
def test_bluesky_knows_handles_and_dids(handle, text, target):
    post = fitted("bluesky", with_handle("bluesky", handle), title="With @{oirbi} here")
    assert post.text.startswith(f"With {text} here\n")
    assert post.mentions == (Mention(text=text, target=target),)


def test_linkedin_links_the_exact_name():
    given = with_handle("linkedin", "urn:li:organization:123 OIRBI Romania (official)")
    post = fitted("linkedin", given, title="With @{oirbi}", lang="ro")
    assert post.mentions == (Mention(text="OIRBI Romania (official)", target="urn:li:organization:123"),)
    assert "With OIRBI Romania (official)\n" in post.text
    with pytest.raises(
        RenderError, match=r"partners\.oirbi\.handles\.linkedin: `oirbi` is no URN; write urn:li:org"
    ):
        fitted("linkedin", with_handle("linkedin", "oirbi"), title="With @{oirbi}")


def test_a_second_channel_of_a_network_has_its_handles():
    assert fitted("mastodon-ro", title="With @{oirbi}").mentions[0].text == "@oirbi@social.example.eu"
    assert fitted("linkedin_it", title="With @{oirbi}").mentions[0].target.startswith("urn:")
    own = with_handle("x-ro", "oirbi_local")
    assert fitted("x-ro", own, title="With @{oirbi}").mentions[0].text == "@oirbi_local"


class TestListed:
    """`mentions` of the front matter: those whom no text names stand below the words, where they have a handle."""

    def test_they_stand_below_the_words(self):
        post = fitted("mastodon", mentions=("oirbi", "seine-saint-denis"))
        assert "\n\n@oirbi@social.example.eu\n\n#InterregEurope" in post.text
        assert "Seine" not in post.text
        assert [one.target for one in post.mentions] == ["oirbi@social.example.eu"]

    def test_not_twice_and_not_where_the_words_are_given(self):
        assert fitted(title="By @{oirbi}", mentions=("oirbi",)).text.count("@oirbi_ro") == 1
        assert fitted(mentions=("oirbi",), posts={"x": PostOverride(text="Ours")}).text == "Ours"

    def test_they_give_way_after_the_summary_and_the_hashtags_and_before_the_title(self):
        long = fitted(title="T" + "itle and more " * 14, summary="Word " * 50, mentions=("oirbi",))
        assert "@oirbi_ro" in long.text
        assert "Word" not in long.text
        longer = fitted(title="T" + "itle and more " * 18, mentions=("oirbi",))
        assert "@oirbi_ro" not in longer.text
        assert longer.mentions == ()

    def test_an_unknown_one_is_an_error(self):
        with pytest.raises(RenderError, match="`oribi` names no partner"):
            fitted(mentions=("oribi",))


def test_a_name_of_several_words_is_never_cut():
    name = "Yunus Foundation Italy"
    for size in range(10, 60):
        cut = shortened(
            f"A word of thanks to {name} and others", lambda text, most=size: len(text) <= most, names=[name]
        )
        assert name in cut or "Yunus" not in cut


def test_a_cut_title_mentions_only_whom_it_still_names():
    assert fitted(title="Many words " * 30 + "@{oirbi}").mentions == ()


def test_facets_find_the_mention_behind_signs_of_many_bytes():
    post = fitted("bluesky", title="👩🏽‍🚒 Știri de la @{oirbi}: início")
    mention = post.mentions[0].text
    start = post.text.encode().index(mention.encode())
    assert post.text.encode()[start : start + len(mention)].decode() == mention
    assert post.text.index(mention) != start
