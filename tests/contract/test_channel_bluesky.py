"""The channel `bluesky` against a real server (PDS), with everything that can go wrong on the way to it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from atproto_client import models
from atproto_client.models.utils import get_or_create

from dissemination.channels import bluesky
from dissemination.channels.bluesky.record import blob_cid, record_cid
from dissemination.errors import (
    ChannelError,
    InDoubtError,
    NeedsLoginError,
    RejectedError,
    UnavailableError,
)
from dissemination.model import Mention, PostPicture, Receipt, Repeat
from dissemination.ports import Deletes, Expires, Finds, LogsIn, Probes, SendsThreads
from dissemination.testing import (
    FixedClock,
    MemoryVault,
    sample_message,
    sample_options,
    sample_picture,
    sample_post,
)
from dissemination.testing.bluesky import FaultyPds
from dissemination.testing.contract import ChannelContract
from dissemination.testing.loopback import FAULTS, Fault

NOW = datetime(2026, 11, 16, 9, 0, 0, 123456, tzinfo=UTC)
KEY = "third-meeting:bluesky:1"
LINK = "https://news.example.eu/en/news/third-meeting/"
SECRET = "BLUESKY_APP_PASSWORD"


@pytest.fixture
def account(pds):
    return pds.account()


@pytest.fixture
def way(pds):
    with FaultyPds(pds) as way:
        yield way


@pytest.fixture
def empty():
    return MemoryVault()


@pytest.fixture
def vault(account, way):
    """With a session: to log in takes long."""
    vault = MemoryVault()
    tokens = {"access": account.access, "refresh": account.refresh}
    made_for = {"identifier": account.handle, "service": way.address}
    vault.write(
        "session", {"did": account.did, "handle": account.handle, "host": way.address, **tokens, **made_for}
    )
    return vault


@pytest.fixture
def clock():
    return FixedClock(NOW)


@pytest.fixture
def making(tmp_path, way, account, vault, clock):
    made = []

    def make(secrets=None, vault=vault, **settings):
        section = {"service": way.address, "handle": account.handle, "read_timeout": 5, **settings}
        known = {SECRET: account.password} if secrets is None else secrets
        options = sample_options(tmp_path, known.get, name="bluesky", settings=section, vault=vault, clock=clock)
        made.append(bluesky.make(options))
        return made[-1]

    yield make
    for channel in made:
        channel.close()


@pytest.fixture
def channel(making):
    return making()


@pytest.fixture
def posts(pds, account):
    return lambda: pds.posts(account)


def message(text=f"Partners meet in Paris {LINK} #InterregEurope", key=KEY, at=NOW, pictures=(), **changes):
    shown = tuple(PostPicture(digest=one.digest, alt=f"Picture {number}") for number, one in enumerate(pictures))
    post = sample_post(network="bluesky", text=text, pictures=shown, **{"title": "Third meeting", **changes})
    return sample_message(post, key=key, at=at, pictures={one.digest: one for one in pictures})


def thread(size=5, pictures=()):
    first = message(key=KEY, pictures=pictures)
    return [first, *(message(f"Part {n} of {size}", key=f"{KEY}/{n}") for n in range(2, size + 1))]


def send(channel, one):
    return channel.send(one, key=one.key)


def find(channel, one):
    return channel.find(one, key=one.key, since=NOW)


def settled(action, tries=10):
    """What comes of it in the end, and the errors on the way."""
    errors = []
    for _ in range(tries):
        try:
            return action(), errors
        except (UnavailableError, InDoubtError, NeedsLoginError) as error:
            errors.append(str(error))
            if not errors[-1].startswith("bluesky: "):
                raise
    raise AssertionError(errors)


class TestContract(ChannelContract):
    @pytest.fixture
    def making(self):
        return bluesky.make

    @pytest.fixture
    def settings(self, way, account):
        return {"service": way.address, "handle": account.handle}

    @pytest.fixture
    def secrets(self, account):
        return {SECRET: account.password}

    @pytest.fixture
    def message(self):
        return message()


# Records


def test_what_it_can(channel):
    assert channel.limits.repeat is Repeat.SAFE
    assert (channel.limits.max_length, channel.limits.max_bytes, channel.limits.pictures) == (300, 3000, 4)
    for power in (SendsThreads, Finds, Deletes, Probes, LogsIn, Expires):
        assert isinstance(channel, power)


def test_a_post_is_written_as_it_is(channel, posts, account, way):
    text = f"Žltý kôň 👨‍👩‍👧‍👦 ({LINK}). Ďalej example.eu #výskum #2026"
    receipt = send(channel, message(text, lang="sk", link=""))
    [post] = posts()
    value = post["value"]
    key = post["uri"].rpartition("/")[2]
    assert receipt == Receipt(id=post["uri"], url=f"https://bsky.app/profile/{account.did}/post/{key}")
    assert (value["text"], value["langs"], value["createdAt"]) == (text, ["sk"], "2026-11-16T09:00:00.123Z")
    marked = [
        (text.encode()[one["index"]["byteStart"] : one["index"]["byteEnd"]].decode(), one["features"][0])
        for one in value["facets"]
    ]
    assert [(words, feature.get("uri") or feature.get("tag")) for words, feature in marked] == [
        (LINK, LINK),
        ("example.eu", "https://example.eu"),
        ("#výskum", "výskum"),
    ]
    assert way.requests == ["getRecord", "putRecord"]


def test_the_record_is_one_to_the_library_as_well(channel, posts):
    send(channel, message(pictures=[sample_picture()]))
    read = get_or_create(posts()[0]["value"], models.AppBskyFeedPost.Record, strict=True)
    assert read.embed.images[0].alt == "Picture 0"


@pytest.mark.parametrize(
    "text",
    ["क्ष" * 150, "ก็" * 300, "e\u0301" * 300, "👨‍👩‍👧‍👦" * 119, "\r\n".join("ab" for _ in range(100)), "🇸🇰" * 300],
    ids=["Devanagari", "Thai", "NFD", "families", "CRLF", "flags"],
)
def test_it_counts_as_the_server_does(text, channel, posts, pds, account):
    send(channel, message(text, link=""))
    assert posts()[0]["value"]["text"] == text
    with pytest.raises(
        RejectedError, match=r"^bluesky: the post has (\d+ of 300 characters|more than 3000 bytes); shorten"
    ):
        send(channel, message(text * 2 + "a" * 200, key="other", link=""))
    assert len(posts()) == 1


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"text": "a" * 301}, "301 of 300 characters"),
        ({"text": "👨‍👩‍👧‍👦" * 121}, "more than 3000 bytes"),
        ({"text": " "}, "says nothing"),
        ({"warning": "War"}, "content warning"),
        ({"thread": ("Two",)}, "goes out as a whole"),
        ({"at": None}, "has no time"),
        ({"pictures": [sample_picture((shade, 0, 0)) for shade in range(5)]}, "5 pictures of 4"),
        ({"pictures": [replace(sample_picture(), body=b"a" * 950_001)]}, "more than 950,000 bytes"),
    ],
)
def test_what_it_cannot_carry_is_refused_before_anything_is_asked(changes, problem, channel, way):
    with pytest.raises(RejectedError, match=f"^bluesky: .*{problem}.*; "):
        send(channel, message(**changes))
    assert way.requests == []


def test_a_warning_that_is_in_the_text_is_carried(channel, posts):
    send(channel, message("CW: War. A text", warning="War"))
    assert len(posts()) == 1


def test_a_picture_that_is_not_there(channel, way):
    one = message(pictures=[sample_picture()])
    with pytest.raises(RejectedError, match="picture that is not there"):
        send(channel, replace(one, pictures={}))
    assert way.requests == []


# Pictures and cards


def test_pictures_with_their_words_and_sizes(channel, posts):
    pictures = [sample_picture((shade, 0, 0), (30 + shade, 20)) for shade in range(4)]
    send(channel, message(pictures=pictures))
    shown = posts()[0]["value"]["embed"]["images"]
    assert [(one["alt"], one["aspectRatio"]) for one in shown] == [
        (f"Picture {n}", {"width": 30 + n, "height": 20}) for n in range(4)
    ]
    assert [one["image"]["ref"]["$link"] for one in shown] == [blob_cid(one.body) for one in pictures]


def test_a_decorative_picture_has_empty_words(channel, posts):
    picture = sample_picture()
    one = message(pictures=[picture])
    send(channel, replace(one, body=replace(one.body, pictures=(PostPicture(digest=picture.digest, alt=""),))))
    assert posts()[0]["value"]["embed"]["images"][0]["alt"] == ""


def test_a_post_without_picture_has_a_card(channel, posts):
    send(channel, message(summary="Five regions compared."))
    assert posts()[0]["value"]["embed"] == {
        "$type": "app.bsky.embed.external",
        "external": {"uri": LINK, "title": "Third meeting", "description": "Five regions compared."},
    }


def test_a_card_may_be_wanted_instead_of_pictures(making, posts):
    picture = sample_picture()
    send(making(attach="card"), message(pictures=[picture, sample_picture((1, 1, 1))]))
    external = posts()[0]["value"]["embed"]["external"]
    assert (external["uri"], external["thumb"]["ref"]["$link"]) == (LINK, blob_cid(picture.body))


def test_without_a_link_there_is_no_card(making, posts):
    send(making(attach="card"), message("No link", link="", pictures=[sample_picture()]))
    send(making(), message("Nothing at all", link="", key="other"))
    assert sorted(one["value"].get("embed", {}).get("$type", "") for one in posts()) == [
        "",
        "app.bsky.embed.images",
    ]


@pytest.mark.parametrize("name", [name for name in FAULTS if name not in {"429", "401"}])
def test_a_thumbnail_never_costs_the_post(name, making, posts, way):
    channel = making(attach="card", read_timeout=0.8)
    way.program("uploadBlob", FAULTS[name])
    settled(lambda: send(channel, message(pictures=[sample_picture()])))
    assert [post["value"]["embed"]["external"]["uri"] for post in posts()] == [LINK]


def test_a_thumbnail_that_the_server_refuses(making, posts, way):
    way.program("uploadBlob", Fault(status=400, body=b'{"error":"InvalidMimeType"}'))
    send(making(attach="card"), message(pictures=[sample_picture()]))
    assert "thumb" not in posts()[0]["value"]["embed"]["external"]


def test_a_repeat_with_the_thumbnail_is_still_the_same_post(making, posts, way):
    channel, one = making(attach="card"), message(pictures=[sample_picture()])
    way.program("uploadBlob", FAULTS["500 before"])
    first = send(channel, one)
    assert send(channel, one) == first
    assert "thumb" not in posts()[0]["value"]["embed"]["external"]


def test_a_picture_that_the_server_refuses_costs_the_post(channel, posts, way):
    way.program("uploadBlob", Fault(status=413, body=b'{"error":"PayloadTooLarge","message":"too large"}'))
    with pytest.raises(RejectedError, match=r"413 \(too large\); make its picture smaller"):
        send(channel, message(pictures=[sample_picture()]))
    assert posts() == []


def test_a_picture_with_another_id_is_not_trusted(channel, posts, way):
    blob = {"$type": "blob", "ref": {"$link": blob_cid(b"another")}, "mimeType": "image/png", "size": 7}
    way.program("uploadBlob", Fault(stored=True, body=json.dumps({"blob": blob}).encode()))
    with pytest.raises(UnavailableError, match="picture's id"):
        send(channel, message(pictures=[sample_picture()]))
    assert posts() == []


# Once, whatever goes wrong

STEPS = ("createSession", "getRecord", "uploadBlob", "resolveHandle", "putRecord")
THREAD_STEPS = ("createSession", "getRecord", "uploadBlob", "applyWrites")
#: "refused" is for every request at once.
ALL = [*FAULTS, "refused"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("name", ALL)
def test_a_post_is_there_once(name, step, making, posts, way, account, empty):  # noqa: PLR0917
    channel = making(read_timeout=1, vault=empty) if step == "createSession" else making(read_timeout=0.8)
    one = message(f"With @{account.handle} at {LINK}", pictures=[sample_picture()])
    if name == "refused":
        with way.closed(), pytest.raises(UnavailableError, match="cannot reach Bluesky"):
            send(channel, one)
        assert posts() == []
    else:
        way.program(step, FAULTS[name])
    receipt, _ = settled(lambda: send(channel, one))
    assert [post["uri"] for post in posts()] == [receipt.id]
    assert send(channel, one) == find(channel, one) == receipt
    assert len(posts()) == 1


@pytest.mark.parametrize("step", THREAD_STEPS)
@pytest.mark.parametrize("name", ALL)
def test_a_thread_is_there_once(name, step, making, posts, way, empty):  # noqa: PLR0917
    channel = making(read_timeout=1, vault=empty) if step == "createSession" else making(read_timeout=0.8)
    parts = thread(pictures=[sample_picture()])
    if name == "refused":
        with way.closed(), pytest.raises(UnavailableError, match="cannot reach Bluesky"):
            channel.send_thread(parts)
        assert posts() == []
    else:
        way.program(step, FAULTS[name])
    receipts, _ = settled(lambda: channel.send_thread(parts))
    assert [post["uri"] for post in posts()] == [one.id for one in receipts]
    assert list(channel.send_thread(parts)) == list(receipts)
    assert len(posts()) == 5


@pytest.mark.parametrize("name", ["500 after", "reset after", "garbage after"])
def test_a_lost_answer_is_looked_up_at_once(name, channel, posts, way):
    way.program("putRecord", FAULTS[name])
    receipt = send(channel, message())
    assert way.requests == ["getRecord", "putRecord", "getRecord"]
    assert [post["uri"] for post in posts()] == [receipt.id]


def test_a_lost_answer_that_cannot_be_looked_up_is_in_doubt_until_the_repeat(channel, posts, way):
    way.program("putRecord", FAULTS["500 after"])
    way.program("getRecord", Fault(stored=True), FAULTS["500 before"])
    with pytest.raises(UnavailableError):
        send(channel, message())
    receipt = send(channel, message())
    assert [post["uri"] for post in posts()] == [receipt.id]


def test_a_repeat_asks_and_writes_nothing(channel, way):
    send(channel, message(pictures=[sample_picture()]))
    way.requests.clear()
    send(channel, message(pictures=[sample_picture()]))
    assert set(way.requests) == {"getRecord"}  # a look that takes long is repeated


def test_writing_anew_what_is_there_is_no_change(channel, way, posts):
    """As if the first look had come before the other attempt was carried out."""
    receipt = send(channel, message())
    before = posts()
    way.program("getRecord", Fault(status=400, body=b'{"error":"RecordNotFound"}'))
    assert send(channel, message()) == receipt
    assert posts() == before


def test_a_swap_that_the_server_refuses_is_looked_at(channel, making, way, posts):
    picture = sample_picture()
    way.program("uploadBlob", FAULTS["500 before"])
    carded = making(attach="card")
    receipt = send(carded, message(pictures=[picture]))
    way.program("getRecord", Fault(status=400, body=b'{"error":"RecordNotFound"}'))
    assert send(carded, message(pictures=[picture])) == receipt  # now with its thumbnail: another record
    assert way.requests[-2:] == ["putRecord", "getRecord"]
    assert "thumb" not in posts()[0]["value"]["embed"]["external"]


def test_another_post_under_the_key_is_said(channel, posts):
    receipt = send(channel, message("One thing"))
    with pytest.raises(RejectedError, match=f"{receipt.url} stands under this post's key with other words"):
        send(channel, message("Another thing"))
    with pytest.raises(InDoubtError, match="other words"):
        find(channel, message("Another thing"))
    assert [post["value"]["text"] for post in posts()] == ["One thing"]


def test_equal_words_under_another_key_are_another_post(channel, posts):
    send(channel, message(key="a"))
    send(channel, message(key="b"))
    assert len(posts()) == 2


def test_the_time_and_the_key_make_the_place(channel, making):
    places = {
        send(channel, message("A", key=key, at=at)).id for key in ("a", "b") for at in (NOW, NOW + timedelta(1))
    }
    assert len(places) == 4
    assert find(making(), message("A", key="a", at=NOW)).id in places
    assert find(making(), message("A", key="a", at=NOW + timedelta(microseconds=1))) is None


# Threads


def test_a_thread_hangs_part_under_part(channel, posts, way):
    receipts = channel.send_thread(thread())
    there = posts()
    assert way.requests == ["getRecord", "applyWrites"]
    assert [post["uri"] for post in there] == [one.id for one in receipts]
    assert [post["cid"] for post in there] == [record_cid(post["value"]) for post in there]
    proofs = [{"uri": post["uri"], "cid": post["cid"]} for post in there]
    assert [post["value"].get("reply") for post in there] == [
        None,
        *({"root": proofs[0], "parent": before} for before in proofs[:-1]),
    ]
    assert [post["value"]["createdAt"][-5:-1] for post in there] == [f".{123 + n}" for n in range(5)]


def test_the_proof_of_a_part_with_pictures_is_the_servers(channel, posts):
    channel.send_thread(thread(2, pictures=[sample_picture()]))
    assert posts()[1]["value"]["reply"]["root"]["cid"] == posts()[0]["cid"]


def test_one_bad_part_and_nothing_is_written(channel, posts, way):
    parts = thread(3)
    with pytest.raises(RejectedError, match="of 300"):
        channel.send_thread([*parts, message("a" * 301, key=f"{KEY}/4")])
    assert way.requests == []
    with pytest.raises(RejectedError, match=r"answered 400 .*; change the post"):
        channel.send_thread([*parts, message("A", key=f"{KEY}/4", lang="no language")])
    assert posts() == []


def test_the_card_goes_where_the_link_is(making, posts):
    parts = [
        message("One", key=KEY, pictures=[sample_picture()]),
        message(f"Two {LINK}.", key=f"{KEY}/2", link="", title=""),
    ]
    making().send_thread(parts)
    assert [post["value"]["embed"]["$type"] for post in posts()] == [
        "app.bsky.embed.images",
        "app.bsky.embed.external",
    ]
    external = posts()[1]["value"]["embed"]["external"]
    assert (external["title"], external["thumb"]["ref"]["$link"]) == (
        "Third meeting",
        blob_cid(sample_picture().body),
    )
    assert posts()[1]["value"]["facets"][0]["features"][0]["uri"] == LINK


def test_a_thread_of_which_a_person_deleted_a_part(channel, posts):
    receipts = channel.send_thread(thread(3))
    channel.delete(receipts[0])
    with pytest.raises(RejectedError, match="2 of the thread's 3 parts stand there and the rest is gone"):
        channel.send_thread(thread(3))
    assert len(posts()) == 2


def test_a_thread_whose_rest_was_changed_since_is_not_taken_for_out(channel):
    channel.send_thread(thread(3))
    changed = message("Something else", key=f"{KEY}/3")
    with pytest.raises(RejectedError, match="with other words"):
        channel.send_thread([*thread(2), changed])
    with pytest.raises(RejectedError, match="3 of the thread's 4 parts"):
        channel.send_thread([*thread(3), message("One more", key=f"{KEY}/4")])


def test_a_thread_of_one_is_a_post(channel, posts):
    assert channel.send_thread(thread(1)) == [send(channel, message())]
    assert len(posts()) == 1


def test_a_reply_hangs_under_what_it_answers(channel, posts):
    first, second = channel.send_thread(thread(2))
    send(channel, replace(message("Later", key="later", at=NOW + timedelta(1)), in_reply_to=second))
    there = posts()
    assert there[2]["value"]["reply"] == {
        "root": {"uri": first.id, "cid": there[0]["cid"]},
        "parent": {"uri": second.id, "cid": there[1]["cid"]},
    }
    channel.delete(first)
    with pytest.raises(RejectedError, match="what it replies to is gone"):
        send(channel, replace(message("Later", key="other"), in_reply_to=first))


# Mentions


def test_who_is_named_is_told(channel, posts, pds, account, way):
    other = pds.account()
    named = (
        Mention(text="OIRBI", target=f"@{other.handle}"),
        Mention(text="@host", target=other.did),
        Mention(text="@nobody", target="nobody.test"),
        Mention(text="@elsewhere", target="elsewhere.test"),
        Mention(text="Plain", target=""),
    )
    text = f"Žena: OIRBI, OIRBIs and @host with @nobody, Plain, @{account.handle} and ana@{other.handle}"
    send(channel, message(text, mentions=named))
    marks = {
        text.encode()[one["index"]["byteStart"] : one["index"]["byteEnd"]].decode(): one["features"][0].get("did")
        for one in posts()[0]["value"]["facets"]
    }
    assert marks == {"OIRBI": other.did, "@host": other.did, f"@{account.handle}": account.did}
    assert way.count("resolveHandle") == 3


def test_a_handle_is_asked_for_once_a_week(channel, making, account, way, clock):
    text = f"With @{account.handle}"
    for number in range(3):
        send(making(), message(text, key=f"{number}"))
    assert way.count("resolveHandle") == 1
    clock.advance(timedelta(days=8))
    way.program("resolveHandle", FAULTS["500 before"])
    send(channel, message(text, key="later"))
    assert way.count("resolveHandle") == 2


@pytest.mark.parametrize("name", ["500 before", "reset before", "429", "garbage"])
def test_a_handle_that_cannot_be_asked_for_stays_text(name, channel, account, way, posts):
    way.program("resolveHandle", FAULTS[name])
    send(channel, message(f"With @{account.handle}", link=""))
    assert "facets" not in posts()[0]["value"]


def test_without_a_vault_it_works_as_well(making, account, posts, way):
    channel = making(vault=None)
    send(channel, message(f"With @{account.handle}"))
    send(channel, message("Other", key="other"))
    assert (len(posts()), way.count("createSession")) == (2, 1)


# Looking and deleting


def test_what_was_sent_is_found_by_whoever_looks(channel, making, way):
    assert find(channel, message()) is None
    receipt = send(channel, message())
    assert find(making(), message()) == receipt
    assert find(making(), replace(message(), body=replace(message().body, thread=("Two",)))) == receipt


@pytest.mark.parametrize("name", [name for name in FAULTS if name != "401"])
def test_what_goes_wrong_while_looking(name, making, way):
    channel = making(read_timeout=0.8)
    send(making(), message())
    way.program("getRecord", FAULTS[name])
    with pytest.raises((UnavailableError, InDoubtError)):
        find(channel, message())
    assert find(channel, message()) is not None


def test_another_answer_than_no_record_is_not_taken_for_one(channel, way):
    way.program(
        "getRecord", Fault(status=400, body=b'{"error":"InvalidRequest","message":"Could not locate record"}')
    )
    with pytest.raises(InDoubtError, match="Could not locate"):
        find(channel, message())


def test_what_has_no_time_cannot_be_looked_for(channel):
    with pytest.raises(InDoubtError, match="has no time"):
        find(channel, message(at=None))


def test_what_is_deleted_is_gone(channel, posts):
    receipt = send(channel, message())
    channel.delete(receipt)
    assert posts() == []
    channel.delete(receipt)
    assert find(channel, message()) is None


@pytest.mark.parametrize("name", FAULTS)
def test_deleting_is_done_in_the_end(name, making, posts, way):
    channel = making(read_timeout=0.8)
    receipt = send(making(), message())
    way.program("deleteRecord", FAULTS[name])
    settled(lambda: channel.delete(receipt))
    assert posts() == []


def test_a_server_that_says_that_it_was_gone_already(channel, way):
    receipt = send(channel, message())
    channel.delete(receipt)
    way.program("deleteRecord", Fault(status=400, body=b'{"error":"RecordNotFound"}'))
    channel.delete(receipt)


@pytest.mark.parametrize("place", ["", "4711", "at://did:plc:another/app.bsky.feed.post/3n2g62fb3m2n5"])
def test_what_is_not_ours_is_not_deleted(place, channel):
    with pytest.raises(RejectedError, match=r"^bluesky: .*no post of this account"):
        channel.delete(Receipt(id=place))


# Refusals

REFUSED = [
    (400, "InvalidRequest", "bad record", RejectedError, "change the post"),
    (400, "AccountTakedown", "Account has been taken down", NeedsLoginError, "mend the account"),
    (400, "AccountDeactivated", "Account is deactivated", NeedsLoginError, "mend the account"),
    (403, "Forbidden", "Bad token scope", NeedsLoginError, "app password"),
    (429, "RateLimitExceeded", "Rate Limit Exceeded", UnavailableError, "later"),
]


@pytest.mark.parametrize(("status", "error", "words", "kind", "advice"), REFUSED)
@pytest.mark.parametrize("step", ["putRecord", "applyWrites", "deleteRecord"])
def test_what_the_server_refuses(step, status, error, words, kind, advice, channel, way, posts):  # noqa: PLR0917
    acts = {
        "putRecord": lambda: send(channel, message()),
        "applyWrites": lambda: channel.send_thread(thread()),
        "deleteRecord": lambda: channel.delete(send(channel, message())),
    }
    way.program(step, Fault(status=status, body=json.dumps({"error": error, "message": words}).encode()))
    with pytest.raises(
        ChannelError, match=rf"^bluesky: Bluesky answered {status} \({words}\); .*{advice}"
    ) as caught:
        acts[step]()
    assert type(caught.value) is kind
    assert len(posts()) == (step == "deleteRecord")


def test_a_page_of_somebody_in_between_does_not_speak_for_the_server(channel, way, posts):
    for status in (400, 403, 404):
        way.program("putRecord", Fault(status=status, body=b"<html>no</html>"))
        with pytest.raises(InDoubtError, match=f"{status}"):
            send(channel, message())
    assert posts() == []


@pytest.mark.parametrize(
    ("reset", "expected"),
    [
        (NOW + timedelta(minutes=5), timedelta(minutes=5)),
        (NOW - timedelta(minutes=5), timedelta()),
        (NOW + timedelta(days=90), timedelta(days=1)),
    ],
)
@pytest.mark.parametrize("step", ["createSession", "putRecord"])
def test_when_the_server_takes_posts_again(step, reset, expected, making, way, empty, vault):  # noqa: PLR0917
    channel = making(vault=empty if step == "createSession" else vault)
    headers = {"ratelimit_reset": str(int(reset.timestamp())), "ratelimit_policy": "5000;w=3600"}
    way.program(step, Fault(status=429, body=b'{"error":"RateLimitExceeded"}', headers=headers))
    with pytest.raises(UnavailableError) as caught:
        send(channel, message())
    assert abs(caught.value.retry_at - NOW - expected) < timedelta(seconds=1)
