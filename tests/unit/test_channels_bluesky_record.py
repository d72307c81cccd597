"""What a post is on Bluesky, without a server: keys, proofs, facets."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest
from atproto_client.models.string_formats import validate_tid

from dissemination.channels.bluesky import record
from dissemination.channels.bluesky.record import facets, holds, named, record_cid, record_key, written_at
from dissemination.model import Mention
from dissemination.testing import sample_message

AT = datetime(2026, 11, 16, 9, 0, 0, 123456, tzinfo=UTC)


def message(key="third-meeting:bluesky:1", at=AT):
    return sample_message(key=key, at=at)


def marks(text, **known):
    """(words, what they are) of every facet."""
    body = text.encode()
    found = []
    for one in facets(text, **known):
        [feature] = one["features"]
        words = body[one["index"]["byteStart"] : one["index"]["byteEnd"]].decode()
        found.append((words, feature.get("uri") or feature.get("did") or f"#{feature['tag']}"))
    return found


# Keys


def test_the_key_is_a_tid_of_its_time():
    key = record_key(message())
    number = 0
    for letter in key:
        number = number * 32 + record._ALPHABET.index(letter)
    assert validate_tid(key, type("Info", (), {"context": {"strict_string_format": True}})) == key
    assert number >> 10 == (AT - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def test_a_key_that_is_known():
    """Computed by hand from the specification: the epoch, and no bits of a clock but those of the message's key."""
    key = record_key(message(at=datetime(1970, 1, 1, tzinfo=UTC)))
    assert key[:11] == "2" * 11
    assert key == record_key(message(at=datetime(1970, 1, 1, tzinfo=UTC)))


def test_the_same_message_has_the_same_key_in_any_zone():
    zone = timezone(timedelta(hours=2))
    assert record_key(message(at=AT.astimezone(zone))) == record_key(message())


def test_keys_follow_time():
    keys = [record_key(message(at=AT + timedelta(microseconds=n))) for n in range(50)]
    assert keys == sorted(keys)
    assert len({record_key(message(key=f"{n}")) for n in range(10)}) == 10


@pytest.mark.parametrize(
    ("key", "later"),
    [("a:bluesky:1", 0), ("a:bluesky:1/2", 1), ("a:bluesky:1/12", 11), ("a/2:bluesky:1", 0), ("a/b", 0)],
)
def test_parts_of_a_thread_are_a_millisecond_apart(key, later):
    assert written_at(message(key)) == AT + timedelta(milliseconds=later)


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (AT, "2026-11-16T09:00:00.123Z"),
        (datetime(2026, 3, 29, 2, 30, tzinfo=timezone(timedelta(hours=1))), "2026-03-29T01:30:00.000Z"),
    ],
)
def test_times_bear_their_zone(at, text):
    assert record.timestamp(at) == text


# Proofs, as a real server gave them


def test_the_proof_of_a_file():
    assert record.blob_cid(b"x") == "bafkreibnoelefnzgwbcacyt4vh52ymxvzbjq7mmqhtcnwarfq4lzegsiqe"


def test_the_proof_of_a_record():
    value = {"$type": "app.bsky.feed.post", "text": "hi", "createdAt": "2026-11-16T09:00:00.000Z", "langs": ["en"]}
    assert record_cid(value) == "bafyreicv2f3dnn7qthnwxmyvs3dvn56q4w3y5snxrniekxmlymrpxwwtvq"
    assert record_cid(dict(reversed(value.items()))) == record_cid(value)
    assert record_cid({**value, "text": "ho"}) != record_cid(value)


# Facets

LINK = "https://example.eu/a"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"See ({LINK}).", [(LINK, LINK)]),
        (f"See {LINK}, or not", [(LINK, LINK)]),
        (f"„{LINK}“", []),
        (f"see „it“ {LINK}“.", [(LINK, LINK)]),
        (f"see {LINK}…", [(LINK, LINK)]),
        (f"see {LINK}_(b).", [(f"{LINK}_(b)", f"{LINK}_(b)")]),
        ("Ďalej: example.eu.", [("example.eu", "https://example.eu")]),
        ("👨‍👩‍👧‍👦 https://žltý.eu/ž", [("https://žltý.eu/ž", "https://žltý.eu/ž")]),
        ("foo.pdf správa.Viac ftp://x.eu http://", []),
        ("mail ana@example.eu", []),
        (
            "#výskum #2026 #a-b #žltý_kôň. a#b",
            [("#výskum", "#výskum"), ("#a-b", "#a-b"), ("#žltý_kôň", "#žltý_kôň")],
        ),
        ("It costs $EUR 5 and $5", []),
        (f"#{'a' * 65} #{'b' * 64}", [(f"#{'b' * 64}", f"#{'b' * 64}")]),
        ("", []),
    ],
)
def test_what_is_linked(text, expected):
    assert marks(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{LINK} and {LINK}.", [(LINK, LINK), (LINK, LINK)]),
        (f"“{LINK}”", [(LINK, LINK)]),
        (f"»{LINK}«", [(LINK, LINK)]),
        (f"{LINK}/b", [(f"{LINK}/b", f"{LINK}/b")]),
        (f"{LINK}.html", [(f"{LINK}.html", f"{LINK}.html")]),
        (f"{LINK}?b=c", [(f"{LINK}?b=c", f"{LINK}?b=c")]),
    ],
)
def test_its_own_link_is_known_whole(text, expected):
    assert marks(text, link=LINK) == expected


@pytest.mark.parametrize(
    ("text", "whole"), [(LINK, True), (f"({LINK})", True), (f"{LINK}b", False), ("", False), (f"{LINK}.", True)]
)
def test_whether_a_text_holds_a_link(text, whole):
    assert holds(text, LINK) is whole
    assert not holds(text, "")


def test_what_was_named_first_wins():
    mention = Mention(text="@example.eu", target="example.eu")
    assert marks("@example.eu/x #a", mentions=[(mention, "did:plc:abc")]) == [
        ("@example.eu", "did:plc:abc"),
        ("#a", "#a"),
    ]


@pytest.mark.parametrize("did", ["", "example.eu", "did:", "did:plc:a b", "javascript:1"])
def test_a_mention_without_did_is_text(did):
    assert marks("With OIRBI", mentions=[(Mention(text="OIRBI", target="x"), did)]) == []


@pytest.mark.parametrize(
    ("start", "end", "feature"),
    [
        (-1, 2, {"uri": LINK}),
        (1, 99, {"uri": LINK}),
        (2, 2, {"uri": LINK}),
        (1, 3, {"uri": LINK}),
        (0, 1, {"uri": LINK}),
        (0, 2, {"uri": "javascript:alert(1)"}),
        (0, 2, {"uri": f"{LINK}/{'a' * 8192}"}),
        (0, 2, {"uri": "https:///a"}),
        (0, 2, {"tag": ""}),
        (0, 2, {"tag": "ž" * 321}),
    ],
)
def test_senseless_marks_are_seen(start, end, feature):
    """The server would take them: "žž" has four bytes."""
    kind = "app.bsky.richtext.facet#" + ("link" if "uri" in feature else "tag")
    assert not record._sound(record._Mark(start=start, end=end, feature={"$type": kind, **feature}), "žž".encode())
    assert record._sound(
        record._Mark(start=2, end=4, feature={"$type": "app.bsky.richtext.facet#link", "uri": LINK}), "žž".encode()
    )


def test_who_is_named():
    known = (
        Mention(text="OIRBI", target="oirbi.eu"),
        Mention(text="@b.eu", target="did:plc:b"),
        Mention(text="X", target="x"),
    )
    found = named("OIRBI and @b.eu, (@c.bsky.social). @d @e.notadomain f@g.eu", known)
    assert [(one.text, one.target) for one in found] == [
        ("OIRBI", "oirbi.eu"),
        ("@b.eu", "did:plc:b"),
        ("@c.bsky.social", "c.bsky.social"),
    ]


def test_the_library_is_not_loaded_for_planning():
    """It takes most of a second."""
    code = "import sys, dissemination.channels.bluesky; sys.exit('atproto_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
