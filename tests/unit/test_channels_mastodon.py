"""What the channel `mastodon` reads: a status' words, and an instance's limits."""

import pytest

from dissemination.channels.mastodon import limits, words
from dissemination.channels.networks import NETWORKS

LINK = "https://news.example.eu/en/news/third-meeting/"
#: What we wrote, and how servers give it back.
SHOWN = [
    ("Hello", "<p>Hello</p>"),
    ("Hello", "Hello"),
    ("One\n\nTwo\nThree", "<p>One</p><p>Two<br />Three</p>"),
    ("One\n\nTwo", "One<br/><br/>Two"),
    ("3 < 4 & “x” 'y'", "<p>3 &lt; 4 &amp; “x” &#39;y&#39;</p>"),
    ("Cafe\u0301", "<p>Caf\u00e9</p>"),
    (
        f"See {LINK}",
        (
            f'<p>See <a href="{LINK}" rel="nofollow"><span class="invisible">https://</span><span class="ellipsis">'
            'news.example.eu/en/news/third-</span><span class="invisible">meeting/</span></a></p>'
        ),
    ),
    (f"See {LINK}.", f'<p>See <a href="{LINK}">news.example.eu/en/…</a>.</p>'),
    (
        "A #Výskum!",
        '<p>A <a href="https://s.eu/tags/v" class="mention hashtag" rel="tag">#<span>výskum</span></a>!</p>',
    ),
    ("A #b", '<p>A <a href="https://s.eu/tags/b" class="hashtag">#b</a></p>'),
    (
        "Hi @ana@else.eu.",
        (
            '<p>Hi <span class="h-card"><a href="https://else.eu/@ana" class="u-url mention">@<span>ana</span></a>'
            "</span>.</p>"
        ),
    ),
    ("Hi @ana@else.eu", "<p>Hi @ana@else.eu</p>"),
    ("Fine :blobcat:", '<p>Fine <img alt=":blobcat:" src="x.png"></p>'),
    ("a@example.eu", "<p>a@example.eu</p>"),
]


@pytest.mark.parametrize(("text", "content"), SHOWN)
def test_the_same_words(text, content):
    assert words.same(text, content)


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("Hello", "<p>Hello you</p>"),
        ("Hello", ""),
        (f"See {LINK}", '<p>See <a href="https://news.example.eu/other">news.example.eu/en/…</a></p>'),
        ("Hi @ana@else.eu", "<p>Hi @anna</p>"),
        ("a@example.eu", "<p>a</p>"),
        ("https://else.eu/@ana@x.eu", "<p>https://else.eu/@ana</p>"),
        ("Hello", None),
        ("Hello", 7),
        ("Hello", ["<p>Hello</p>"]),
        ("a", "a" + "<b>" * 100_000),
    ],
)
def test_other_words(text, content):
    assert not words.same(text, content)


@pytest.mark.parametrize(
    "content", ["<p>Hello", "<a href>Hello</a>", "<a>Hello</a></p></a>", "<p class>Hello<!-- -->"]
)
def test_html_that_is_none(content):
    assert words.same("Hello", content)


@pytest.mark.parametrize("text", ["109285376472065471", "01M7HSBCK80000000000000002", "AbCd-_1"])
def test_ids(text):
    assert words.is_id(text)


@pytest.mark.parametrize("text", ["", "..", "1/2", "1?x", "ľ", "a" * 65, "1\n"])
def test_no_ids(text):
    assert not words.is_id(text)


def instance(version="4.5.1", *, statuses=None, media=None):
    return {"version": version, "configuration": {"statuses": statuses or {}, "media_attachments": media or {}}}


@pytest.mark.parametrize("value", [None, "500", True, 0, -1, 5.5, 10**12, [], {}])
def test_what_is_no_number_is_left_out(value):
    told = instance(statuses={"max_characters": value, "max_media_attachments": 4})
    assert limits.facts(told) == {"pictures": 4}


def test_a_server_may_take_no_pictures():
    assert limits.facts(instance(statuses={"max_media_attachments": 0})) == {"pictures": 0}


@pytest.mark.parametrize(
    ("version", "link"),
    [
        ("4.5.1", 30),
        ("4.0.0rc1+glitch", 30),
        ("5.0.0", 30),
        ("0.20.2+git-7ab1b5c", 0),
        ("2.7.2 (compatible; Pleroma 2.6.1)", 0),
        ("4.2.0 (compatible; Iceshrimp.NET/2025.1)", 0),
        ("", 0),
        (None, 0),
    ],
)
def test_only_mastodon_is_believed_to_shorten_addresses(version, link):
    assert limits.facts(instance(version, statuses={"characters_reserved_per_url": 30}))["link_length"] == link


@pytest.mark.parametrize("told", [{}, {"configuration": 7}, {"configuration": {"statuses": None}}, instance()])
def test_nothing_is_told(told):
    assert limits.facts(told) == {}


def test_what_a_newer_version_kept_is_passed_over():
    kept = {"server": "https://s.eu", "limits": {"max_length": 7, "polls": 4}}
    assert limits.of(kept, "https://s.eu").max_length == 7
    assert limits.of(kept, "https://else.eu") == NETWORKS["mastodon"]
    assert limits.of({"server": "https://s.eu"}, "https://s.eu") == NETWORKS["mastodon"]
    assert limits.of(None, "https://s.eu") == NETWORKS["mastodon"]
