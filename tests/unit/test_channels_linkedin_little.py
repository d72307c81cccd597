"""LinkedIn's format of a post's words: nothing is cut, and what comes back says the same."""

import random

import pytest

from dissemination.channels.linkedin.little import RESERVED, little, plain, units
from dissemination.model import Mention
from dissemination.testing.linkedin import _cut  # LinkedIn's side of it, written apart from ours

OIRBI = Mention(text="OIRBI", target="urn:li:organization:34")
PIECES = [
    *sorted(RESERVED),
    " ",
    "\n",
    "a",
    "Ž",
    "7",
    "_x",
    ".",
    "\\\\",
    "#Tag",
    "#žltý_kôň",
    "#2026",
    "#a-b",
    "OIRBI",
    "@OIRBI",
    "👩🏽‍🚒",
    "1️⃣",
    "https://example.eu/a_(b)?c#d",
    "http://x.eu/~",
    "{hashtag|\\#|No}",
    "@[No](urn:li:organization:1)",
]


@pytest.mark.parametrize("sign", sorted(RESERVED))
def test_every_reserved_sign_is_escaped(sign):
    assert little(f"a {sign} b") == f"a \\{sign} b"
    assert little(sign * 3) == f"\\{sign}" * 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#Tag", r"{hashtag|\#|Tag}"),
        ("(#Tag)", r"\({hashtag|\#|Tag}\)"),
        ("#Tag.", r"{hashtag|\#|Tag}."),
        ("#žltý_kôň", r"{hashtag|\#|žltý\_kôň}"),
        ("#paral·lel #हिन्दी", r"{hashtag|\#|paral·lel} {hashtag|\#|हिन्दी}"),
        ("#Green🌱Deal", r"{hashtag|\#|Green}🌱Deal"),
        ("#2026 #2026Plan", r"\#2026 {hashtag|\#|2026Plan}"),
        ("C# a#b ##x &#x", r"C\# a\#b \#\#x &\#x"),
        ("#a-b", r"{hashtag|\#|a}-b"),
        ("#️⃣", "\\#️⃣"),
        ("https://x.eu/a_b#Tag", r"https://x.eu/a\_b\#Tag"),
        ("x.eu/#Tag", r"x.eu/\#Tag"),
    ],
)
def test_hashtags(text, expected):
    assert little(text) == expected


@pytest.mark.parametrize(
    ("text", "mentions", "expected"),
    [
        ("OIRBI", [OIRBI], "@[OIRBI](urn:li:organization:34)"),
        ("OIRBI, OIRBI", [OIRBI], "@[OIRBI](urn:li:organization:34), OIRBI"),
        ("OIRBI, OIRBI", [OIRBI, OIRBI], "@[OIRBI](urn:li:organization:34), @[OIRBI](urn:li:organization:34)"),
        ("XOIRBI OIRBIs", [OIRBI], "XOIRBI OIRBIs"),
        ("OIRBI", [], "OIRBI"),
        ("Nobody", [OIRBI], "Nobody"),
        ("(OIRBI)", [OIRBI], r"\(@[OIRBI](urn:li:organization:34)\)"),
        ("@OIRBI", [Mention(text="@OIRBI", target=OIRBI.target)], "@[OIRBI](urn:li:organization:34)"),
        (
            "OIRBI Plus and OIRBI",
            [OIRBI, Mention(text="OIRBI Plus", target="urn:li:organization:5")],
            "@[OIRBI Plus](urn:li:organization:5) and @[OIRBI](urn:li:organization:34)",
        ),
        ("Ana [A]", [Mention(text="Ana [A]", target="urn:li:person:a_B-1")], r"@[Ana \[A\]](urn:li:person:a_B-1)"),
    ],
)
def test_mentions(text, mentions, expected):
    assert little(text, mentions) == expected


@pytest.mark.parametrize(
    "target", ["", "@oirbi", "34", "urn:li:share:1", "urn:li:organization:1)(", "urn:li:person:"]
)
def test_a_target_is_a_urn(target):
    with pytest.raises(ValueError, match="write urn:li:organization:<number>"):
        little("OIRBI", [Mention(text="OIRBI", target=target)])


@pytest.mark.parametrize("seed", range(200))
def test_whatever_is_written_is_shown_whole(seed):
    chance = random.Random(seed)
    text = "".join(chance.choices(PIECES, k=chance.randint(1, 60)))
    written = little(text, [OIRBI] * chance.randint(0, 2))
    shown, kept = _cut(written)
    assert shown == text
    assert kept == written
    assert plain(written) == plain(little(text)) == " ".join(text.split())


def test_what_comes_back_in_other_words_is_the_same():
    assert plain("{hashtag|#|Tag} @[Acme \\(EU\\)](urn:li:organization:1)\n\\_a") == "#Tag Acme (EU) _a"
    assert plain("{hashtag|\uff03|Tag}") == "#Tag"
    assert plain("Cafe\u0301 \\") == "Café \\"


def test_long_texts_take_no_time():
    for text in ("\\" * 20_000, "{hashtag|" * 2_000, "@[" * 10_000, "#" * 20_000, "@[a](urn:li:" * 1_500):
        assert plain(little(text)) == text
        plain(text)
    assert units("👩a") == 3
