"""The channel `mastodon` through the real Mastodon.py: against Mastodon, and a server that only speaks its API."""

import json
import logging
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import regex

from dissemination.channels import mastodon
from dissemination.channels.networks import NETWORKS
from dissemination.errors import (
    ChannelError,
    InDoubtError,
    NeedsLoginError,
    RejectedError,
    SettingsError,
    UnavailableError,
)
from dissemination.model import Level, Mention, PostPicture, Receipt, Repeat
from dissemination.ports import Deletes, Edits, Finds, Learns, LogsIn, Probes
from dissemination.testing import (
    FixedClock,
    MemoryVault,
    sample_message,
    sample_options,
    sample_picture,
    sample_post,
)
from dissemination.testing.contract import ChannelContract
from dissemination.testing.loopback import FAULTS, Fault
from dissemination.testing.mastodon import MASTODON_SECRETS, SCOPES, FakeMastodon, limited, refusal

UPLOAD, READY = "POST /api/v2/media", "GET /api/v1/media/:id"
POST, REPLY = "POST /api/v1/statuses", "POST /api/v1/statuses (reply)"
EDIT, DELETE = "PUT /api/v1/statuses/:id", "DELETE /api/v1/statuses/:id"
ME, TIMELINE = "GET /api/v1/accounts/verify_credentials", "GET /api/v1/accounts/:id/statuses"
INSTANCE, DESCRIBE = "GET /api/v2/instance", "PUT /api/v1/media/:id"
NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
TOKEN = MASTODON_SECRETS["MASTODON_TOKEN"]
KINDS = ("mastodon", "other")
#: What each kind is asked for, in order, for one post with one picture.
DIALOGUES = {"mastodon": (UPLOAD, READY, POST), "other": (UPLOAD, POST)}
#: And how many minutes pass between two tries.
STEPS = [(kind, step, 2) for kind, steps in DIALOGUES.items() for step in steps] + [("mastodon", POST, 70)]
RED, BLUE = sample_picture((200, 20, 20)), sample_picture((20, 20, 200))


@pytest.fixture
def clock():
    return FixedClock(NOW)


@pytest.fixture
def kind():
    return "mastodon"


@pytest.fixture
def server(clock, kind):
    with FakeMastodon(clock.now, kind) as server:
        yield server


@pytest.fixture
def vault():
    return MemoryVault()


@pytest.fixture
def make_channel(tmp_path, server, clock, vault):
    made = []

    def make(secrets=MASTODON_SECRETS, **settings):
        section = {"server": server.address, "connect_timeout": 2, "read_timeout": 5, **settings}
        options = sample_options(tmp_path, secrets.get, settings=section, clock=clock, vault=vault)
        made.append(mastodon.make(options))
        return made[-1]

    yield make
    for channel in made:
        channel.close()


@pytest.fixture
def channel(make_channel):
    return make_channel()


def message(
    text="Partners meet https://news.example.eu/en/news/third-meeting/ #InterregEurope", *, key="k", **post
):
    pictures = {one.digest: one for one in post.pop("shows", ())}
    changes = {"in_reply_to": post.pop("in_reply_to", None), "pictures": pictures}
    shown = tuple(PostPicture(digest=digest, alt=f"Picture {n}") for n, digest in enumerate(pictures))
    post = {"text": text, "length": len(text), "pictures": shown, **post}
    return sample_message(sample_post(**post), key=key, **changes)


def pictured(**changes):
    return message(shows=(RED,), **changes)


def send(channel, one):
    return channel.send(one, key=one.key)


def find(channel, one, since=NOW):
    return channel.find(one, key=one.key, since=since)


def settle(channel, one, clock, *, minutes=2):
    """As the pipeline does it: look where it is in doubt, send again where nothing went out, until it is out."""
    since, doubt, errors = clock.now(), False, []
    for _ in range(6):
        try:
            receipt = find(channel, one, since) if doubt else send(channel, one)
        except ChannelError as error:
            errors.append(type(error))
            doubt = doubt or isinstance(error, InDoubtError)
        else:
            if receipt is not None:
                return receipt, errors
            doubt, since = False, clock.now()
        clock.advance(timedelta(minutes=minutes))
    return None, errors


@pytest.mark.parametrize("kind", KINDS)
class TestContract(ChannelContract):
    @pytest.fixture
    def making(self):
        return mastodon.make

    @pytest.fixture
    def settings(self, server):
        return {"server": server.address}

    @pytest.fixture
    def secrets(self):
        return MASTODON_SECRETS

    @pytest.fixture
    def channel(self, making, options):
        channel = making(options)
        channel.learn()
        yield channel
        channel.close()


def test_its_powers(channel):
    assert all(isinstance(channel, power) for power in (Finds, Edits, Deletes, Learns, Probes, LogsIn))
    assert channel.limits.repeat is Repeat.LOOK


# What is sent


def test_a_post_is_sent_as_it_is(channel, server):
    text = "Partners & friends: 3 < 4 → „Príklad“ 👩🏽‍🚒\n\n_Not_ *Markdown* https://news.example.eu/en/ #Výskum"
    receipt = send(channel, message(text, lang="en-GB"))
    (status,) = server.statuses
    assert (status.text, status.language, status.visibility, status.sensitive) == (text, "en", "public", False)
    assert receipt == Receipt(id=status.id, url=f"https://social.example.eu/@project/{status.id}")
    assert server.requests == [POST]


@pytest.mark.parametrize("visibility", ["unlisted", "private"])
def test_who_sees_it(visibility, make_channel, server):
    send(make_channel(visibility=visibility), message())
    assert server.statuses[0].visibility == visibility


@pytest.mark.parametrize("kind", KINDS)
def test_a_content_warning_goes_before_the_text_and_covers_pictures(channel, server):
    send(channel, pictured(warning="Flood pictures"))
    assert (server.statuses[0].spoiler_text, server.statuses[0].sensitive) == ("Flood pictures", True)


def test_the_warning_counts_into_the_length(channel, server):
    send(channel, message("a" * 495, warning="12345"))
    with pytest.raises(RejectedError, match="character limit"):
        send(channel, message("a" * 496, warning="12345", key="other"))
    assert len(server.statuses) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_go_first_each_with_its_words(channel, server):
    send(channel, message(shows=(RED, BLUE)))
    media = [server.media[number] for number in server.statuses[0].media]
    assert [(one.body, one.media_type, one.description) for one in media] == [
        (RED.body, "image/png", "Picture 0"),
        (BLUE.body, "image/png", "Picture 1"),
    ]
    assert server.requests[-1] == POST
    assert "POST /api/v1/media" not in server.requests


def test_a_decorative_picture_has_no_words(channel, server):
    send(channel, pictured(pictures=(PostPicture(digest=RED.digest, alt=""),)))
    assert [one.description for one in server.media.values()] == [""]


def test_a_picture_is_waited_for(channel, server, clock):
    server.kind = replace(server.kind, processing=5)
    send(channel, pictured())
    assert server.requests == [UPLOAD, *[READY] * 5, POST]
    assert clock.now() == NOW + timedelta(seconds=5)


def test_a_picture_is_not_waited_for_without_end(make_channel, server, clock):
    server.kind = replace(server.kind, processing=99)
    with pytest.raises(UnavailableError, match="busy with a picture"):
        send(make_channel(media_timeout=3), pictured())
    assert server.requests == [UPLOAD, READY, READY, READY]
    assert clock.now() == NOW + timedelta(seconds=3)


def test_a_picture_that_was_not_ready_after_all(channel, server):
    server.program(
        POST, refusal(422, "Cannot attach files that have not finished processing. Try again in a moment!")
    )
    with pytest.raises(UnavailableError):
        send(channel, pictured())
    assert send(channel, pictured())
    assert len(server.statuses) == 1


@pytest.mark.parametrize(
    ("one", "problem"),
    [
        (message("a " * 300), r"600 of 500"),
        (message(shows=[sample_picture((n, n, n)) for n in range(5)]), r"5 pictures of 4"),
        (pictured(pictures=(PostPicture(digest=RED.digest, alt="a" * 1501),)), r"more than 1500 characters"),
        (message(pictures=(PostPicture(digest="0" * 64, alt="a"),)), r"not there"),
        (message(shows=[replace(RED, body=b"0" * 16_000_001)]), r"16,000,000 bytes"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_uploaded(one, problem, channel, server):
    with pytest.raises(RejectedError, match=rf"^mastodon: .*{problem}"):
        send(channel, one)
    assert server.requests == []


def test_what_the_server_takes_for_no_picture(channel, server):
    server.program(UPLOAD, refusal(422, "Validation failed: File content type is invalid"))
    with pytest.raises(RejectedError, match=r"422 \(Validation failed: File content type is invalid\)"):
        send(channel, pictured())
    assert server.requests == [UPLOAD]


@pytest.mark.parametrize("kind", KINDS)
def test_parts_of_a_thread_hang_one_under_the_other(channel, server):
    first = send(channel, pictured(key="k"))
    second = send(channel, message("Two", key="k/2", in_reply_to=first))
    send(channel, message("Three", key="k/3", in_reply_to=second))
    assert [status.in_reply_to_id for status in server.statuses] == ["", first.id, second.id]
    assert server.requests[-2:] == [REPLY, REPLY]


def test_a_reply_to_what_is_gone(channel, server):
    with pytest.raises(RejectedError, match=r"404 \(Record not found\); what it replies to"):
        send(channel, message(in_reply_to=Receipt(id="12")))
    assert server.statuses == []


# The key


def test_within_the_hour_a_repeat_gives_the_old_status(channel, server, clock):
    first = send(channel, pictured())
    clock.advance(timedelta(minutes=59))
    assert send(channel, pictured()) == first
    clock.advance(timedelta(minutes=2))
    assert send(channel, pictured()) != first
    assert len(server.statuses) == 2


def test_after_a_lost_answer_a_repeat_within_the_hour_adopts_the_old_status(channel, server):
    server.program(POST, Fault(stored=True, cut=True))
    with pytest.raises(InDoubtError, match="look at the account"):
        send(channel, message())
    assert send(channel, message()).id == server.statuses[0].id
    assert len(server.statuses) == 1


def test_the_key_is_that_of_our_key_and_of_the_content(channel, server, make_channel):
    first = send(channel, pictured())
    assert all(key != "k" and regex.fullmatch(r"[0-9a-f]{64}", key) for key in server.keys)
    others = [
        pictured(key="k2"),
        pictured(text="Other words"),
        pictured(warning="Loud"),
        pictured(lang="ro"),
        message(shows=(BLUE,)),
        pictured(pictures=(PostPicture(digest=RED.digest, alt="Other"),)),
        pictured(in_reply_to=first),
    ]
    ids = {send(channel, one).id for one in others} | {send(make_channel(visibility="private"), pictured()).id}
    assert len(ids | {first.id}) == len(others) + 2
    assert send(make_channel(), pictured()) == first


@pytest.mark.parametrize("kind", ["other"])
def test_a_server_that_knows_no_key_would_double_a_blind_repeat(channel, server):
    assert send(channel, message()) != send(channel, message())
    assert len(server.statuses) == 2
    assert channel.limits.repeat is Repeat.LOOK  # so the pipeline looks before it sends again


# What goes wrong


@pytest.mark.parametrize(("kind", "step", "minutes"), STEPS)
@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_goes_wrong_it_is_there_once(  # noqa: PLR0917 - fixtures, and what the table varies
    fault, step, minutes, make_channel, server, clock
):
    channel = make_channel(read_timeout=0.6)
    server.program(step, FAULTS[fault])
    receipt, errors = settle(channel, pictured(), clock, minutes=minutes)
    assert [status.id for status in server.statuses] == [receipt.id]
    assert len(server.statuses[0].media) == 1
    assert len(errors) <= 1
    if step != POST:
        assert InDoubtError not in errors
    if fault == "401":
        assert errors == [NeedsLoginError]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_at_a_further_part_of_a_thread(fault, kind, make_channel, server, clock):
    channel = make_channel(read_timeout=0.6)
    first = send(channel, message("The same words"))
    server.program(REPLY, FAULTS[fault])
    receipt, _ = settle(channel, message("The same words", key="k/2", in_reply_to=first), clock)
    assert [status.id for status in server.statuses] == [first.id, receipt.id]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", [ME, TIMELINE])
@pytest.mark.parametrize("fault", FAULTS)
def test_what_goes_wrong_while_looking(fault, step, kind, make_channel, server):
    channel = make_channel(read_timeout=0.6)
    receipt = send(channel, message())
    server.program(step, FAULTS[fault])
    with suppress(UnavailableError, NeedsLoginError):  # never None, and never in doubt
        assert find(channel, message()) == receipt
    assert find(channel, message()) == receipt
    assert server.count(POST) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_faults_one_upon_the_other(kind, make_channel, server, clock):
    channel = make_channel(read_timeout=0.6)
    server.program(POST, FAULTS["500 before"], FAULTS["timeout after"])
    server.program(TIMELINE, FAULTS["429"])
    receipt, errors = settle(channel, pictured(), clock)
    assert [status.id for status in server.statuses] == [receipt.id]
    assert errors == [InDoubtError, UnavailableError, InDoubtError]


ANSWERS = {
    "401": (refusal(401, "The access token is invalid"), NeedsLoginError, "take a new access token"),
    "401 with a page": (Fault(status=401, body=b"<html>"), NeedsLoginError, "resume the channel"),
    "403 scope": (refusal(403, "This action is outside the authorized scopes"), NeedsLoginError, "write:statuses"),
    "403 disabled": (refusal(403, "Your login is currently disabled"), NeedsLoginError, "see to the account"),
    "403": (refusal(403, "This action is not allowed"), RejectedError, "not allowed"),
    "403 with a page": (Fault(status=403, body=b"<html>Blocked</html>"), InDoubtError, "look at the account"),
    "404": (refusal(404, "Record not found"), RejectedError, "gone"),
    "404 with a page": (Fault(status=404, body=b"<html>"), InDoubtError, ""),
    "410": (refusal(410, "Gone"), RejectedError, "gone"),
    "413": (Fault(status=413, body=b"<html>"), RejectedError, "smaller"),
    "422": (
        refusal(422, "Validation failed:  Text\ncan't be blank"),
        RejectedError,
        r"\(Validation failed: Text can",
    ),
    "422 with a page": (Fault(status=422, body=b"<html>"), InDoubtError, ""),
    "400": (refusal(400, "Bad Request: text exceeds limit"), RejectedError, "exceeds limit"),
    "429": (Fault(status=429, body=b"Retry later\n"), UnavailableError, "later"),
    "502 with a page": (Fault(status=502, body=b"<html>Bad gateway</html>"), InDoubtError, "502"),
    "503": (refusal(503, "Remote data could not be fetched"), InDoubtError, "could not be fetched"),
    "elsewhere": (Fault(status=302, headers={"Location": "http://127.0.0.1:9/"}), InDoubtError, "302"),
    "a list": (Fault(stored=True, body=b"[1, 2]"), InDoubtError, "without an id"),
    "a number": (Fault(stored=True, body=b"7"), InDoubtError, "without an id"),
    "no number": (Fault(stored=True, body=b'{"id": null}'), InDoubtError, "without an id"),
    "a path for a number": (Fault(stored=True, body=b'{"id": "../1"}'), InDoubtError, "without an id"),
    "nothing": (Fault(stored=True, body=b""), InDoubtError, "without an id"),
    "an error for a post": (Fault(body=b'{"error": "?"}'), InDoubtError, "without an id"),
    "nesting without end": (Fault(stored=True, body=b"[" * 100_000), InDoubtError, "without what was asked for"),
    "no end": (Fault(stored=True, body=b" " * 5_000_000), InDoubtError, "no answer came"),
    "another packing": (Fault(stored=True, headers={"Content_Encoding": "gzip"}), InDoubtError, "no answer came"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_what_answers_mean(name, channel, server):
    fault, error, said = ANSWERS[name]
    server.program(POST, fault)
    with pytest.raises(ChannelError, match=rf"^mastodon: .*{said}") as caught:
        send(channel, message())
    assert type(caught.value) is error
    assert "\n" not in str(caught.value)
    assert (find(channel, message()) is not None) == fault.stored


HARMLESS_HEADERS = {
    "X_RateLimit_Reset": "soon",
    "X_RateLimit_Remaining": "many",
    "Deprecation": "@1688169599",
    "Link": "nonsense",
    "Mastodon_Async_Refresh": 'id="a", retry=x',
}


def test_headers_that_mastodon_py_trips_over(channel, server):
    server.program(POST, Fault(stored=True, headers=HARMLESS_HEADERS))
    assert send(channel, message()).id == server.statuses[0].id


def test_a_server_that_is_not_there(channel, server):
    with server.closed():
        with pytest.raises(UnavailableError, match=r"cannot reach 127\.0\.0\.1:.*online"):
            send(channel, message())
        with pytest.raises(UnavailableError, match="cannot reach"):
            find(channel, message())
        with pytest.raises(UnavailableError, match="cannot reach"):
            channel.learn()
    assert send(channel, message())


@pytest.mark.parametrize(
    ("wait", "expected"),
    [
        (timedelta(minutes=5), timedelta(minutes=5)),
        (timedelta(minutes=-5), timedelta()),
        (timedelta(days=400), timedelta(days=1)),
    ],
)
@pytest.mark.parametrize("step", [UPLOAD, READY, POST])
def test_when_the_server_takes_posts_again(wait, expected, step, channel, server):
    server.program(step, limited(NOW, wait))
    with pytest.raises(UnavailableError, match="429") as caught:
        send(channel, pictured())
    assert abs(caught.value.retry_at - NOW - expected) <= timedelta(seconds=1)  # a picture is waited for
    assert server.statuses == []


@pytest.mark.parametrize("value", ["soon", "9" * 40, ""])
def test_a_reset_that_says_nothing(value, channel, server):
    server.program(POST, Fault(status=429, body=b"{}", headers={"X_RateLimit_Reset": value}))
    with pytest.raises(UnavailableError):
        send(channel, message())


# Finding


TEXTS = [
    "Partners & friends: 3 < 4, “quotes” &amp; done <b>not bold</b>",
    "Long: https://www.news.example.eu/en/news/the-third-meeting-of-all-partners/?a=1&b=%C3%A9 (see it).",
    "With @ana@else.example.eu, @here and a mail to ana@example.eu, https://else.example.eu/@ana/112233",
    "#InterregEurope #Výskum #2026 a#b\n\nTwo paragraphs\nand a break  with  spaces",
    "Cafe\u0301 👩🏽‍🚒 🇸🇰 क्ष \u200d",
    "*Stars* and _lines_ and `code` ~ [no](https://example.eu)",
    "https://example.eu",
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", TEXTS)
def test_a_post_is_found_as_the_server_shows_it(text, channel):
    receipt = send(channel, message(text))
    assert find(channel, message(text)) == receipt
    assert find(channel, message(f"{text} more")) is None
    assert find(channel, message(text[1:])) is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_post_with_mentions_is_found(channel):
    one = message("With @ana@else.example.eu", mentions=(Mention(text="@ana@else.example.eu", target="@ana"),))
    assert find(channel, one) is None
    assert send(channel, one) == find(channel, one)


def test_the_same_words_in_another_place_are_another_post(channel):
    first = send(channel, message("One"))
    second = send(channel, message("One", key="k/2", in_reply_to=first))
    assert find(channel, message("One")) == first
    assert find(channel, message("One", key="k/2", in_reply_to=first)) == second
    assert find(channel, message("One", key="k/3", in_reply_to=second)) is None


def test_only_what_came_since_is_looked_at(channel):
    send(channel, message())
    assert find(channel, message(), since=NOW + timedelta(minutes=14)) is not None  # clocks differ
    assert find(channel, message(), since=NOW + timedelta(minutes=16)) is None


@pytest.mark.parametrize("kind", KINDS)
def test_older_pages_are_looked_through(channel, server, clock):
    first = send(channel, message())
    for number in range(100):
        clock.advance(timedelta(seconds=1))
        send(channel, message(f"Post {number}", key=f"{number}"))
    assert find(channel, message()) == first
    assert server.count(TIMELINE) == 3
    assert find(channel, message("Nowhere")) is None
    assert server.count(TIMELINE) == 3 + 4
    assert find(channel, message("Nowhere"), since=clock.now() + timedelta(minutes=15)) is None
    assert server.count(TIMELINE) == 3 + 4 + 1


def test_pages_without_end_are_not_read(channel, server, clock):
    for number in range(40):
        send(channel, message(f"Post {number}", key=f"{number}"))
    shown = [server.shown(one) for one in server.statuses]
    pages = [[{**one, "id": f"{page}{n:02}"} for n, one in enumerate(shown)] for page in range(60)]
    server.program(TIMELINE, *(Fault(body=json.dumps(page).encode()) for page in pages))
    with pytest.raises(InDoubtError, match="more than 2000 statuses since"):
        find(channel, message())


def test_a_server_that_gives_the_same_page_again(channel, server):
    send(channel, message("Other"))
    body = json.dumps([server.shown(server.statuses[0])]).encode()
    server.program(TIMELINE, Fault(body=body), Fault(body=body))
    with pytest.raises(UnavailableError, match="without a list of statuses"):
        find(channel, message())


@pytest.mark.parametrize(
    "page",
    [
        {"error": "?"},
        7,
        ["status"],
        [{"id": "1"}],
        [{"id": "1", "created_at": "soon"}],
        [{"id": "/", "created_at": 1}],
    ],
)
def test_a_page_that_cannot_be_read_proves_nothing(page, channel, server):
    server.program(TIMELINE, Fault(body=json.dumps(page).encode()))
    with pytest.raises(UnavailableError, match="without a list of statuses"):
        find(channel, message())


def test_statuses_of_odd_content_are_passed_over(channel, server):
    receipt = send(channel, message())
    shown = server.shown(server.statuses[0])
    odd = [{**shown, "id": f"9{n}", "content": content} for n, content in enumerate([None, 7, "<p" * 200_000])]
    server.program(
        TIMELINE, Fault(body=json.dumps([*odd, {**shown, "created_at": "2026-11-16 09:00:00"}]).encode())
    )
    assert find(channel, message()) == receipt


@pytest.mark.parametrize("body", [b'{"id": null}', b"[]", b'{"id": "../.."}'])
def test_an_account_that_cannot_be_read(body, channel, server):
    server.program(ME, Fault(body=body))
    with pytest.raises(UnavailableError, match="whose account it is"):
        find(channel, message())


def test_what_is_out_is_found_whatever_the_limits_have_become(channel, server, vault):
    receipt = send(channel, message())
    server.instance = {"version": "4.5.1", "configuration": {"statuses": {"max_characters": 10}}}
    channel.learn()
    assert channel.limits.max_length == 10
    assert find(channel, message()) == receipt


# Corrections and withdrawals


@pytest.mark.parametrize("kind", KINDS)
def test_a_correction_changes_words_warning_and_pictures(channel, server):
    receipt = send(channel, pictured())
    corrected = message("Corrected", warning="Loud", shows=(BLUE, RED))
    assert channel.edit(receipt, corrected).id == receipt.id
    (status,) = server.statuses
    assert (status.text, status.spoiler_text, status.sensitive) == ("Corrected", "Loud", True)
    assert [server.media[number].body for number in status.media] == [BLUE.body, RED.body]
    assert find(channel, corrected) == receipt
    channel.edit(receipt, message("Without"))
    assert (status.text, status.spoiler_text, status.media, status.edits) == ("Without", "", (), 2)


@pytest.mark.parametrize("step", [UPLOAD, READY, EDIT])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_correction_may_be_asked_for_again(step, fault, make_channel, server):
    channel = make_channel(read_timeout=0.6)
    receipt = send(channel, message())
    server.program(step, FAULTS[fault])
    with suppress(UnavailableError, NeedsLoginError):
        channel.edit(receipt, pictured(text="Corrected"))
    assert channel.edit(receipt, pictured(text="Corrected")).id == receipt.id
    assert [(status.text, len(status.media)) for status in server.statuses] == [("Corrected", 1)]


def test_a_correction_of_what_is_gone(channel):
    with pytest.raises(RejectedError, match=r"404 .*gone"):
        channel.edit(Receipt(id="12"), message())
    with pytest.raises(UnavailableError, match="without an id"):
        channel.edit(Receipt(id="../12"), message())


def test_a_correction_that_does_not_fit(channel, server):
    receipt = send(channel, message())
    with pytest.raises(RejectedError, match="of 500"):
        channel.edit(receipt, message("a" * 501))
    assert server.count(EDIT) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_withdrawal_and_another(channel, server):
    receipt = send(channel, message())
    channel.delete(receipt)
    assert server.statuses == []
    channel.delete(receipt)
    assert server.count(DELETE) == 2
    assert find(channel, message()) is None


@pytest.mark.parametrize("fault", FAULTS)
def test_a_withdrawal_may_be_asked_for_again(fault, make_channel, server):
    channel = make_channel(read_timeout=0.6)
    receipt = send(channel, message())
    server.program(DELETE, FAULTS[fault])
    with suppress(UnavailableError, NeedsLoginError):
        channel.delete(receipt)
    channel.delete(receipt)
    assert server.statuses == []


def test_a_page_for_what_is_gone_proves_nothing(channel, server):
    receipt = send(channel, message())
    server.program(DELETE, Fault(status=404, body=b"<html>no such host</html>"))
    with pytest.raises(UnavailableError, match="404"):
        channel.delete(receipt)
    server.program(DELETE, refusal(410, "Gone"))
    channel.delete(receipt)
    server.program(DELETE, refusal(403, "This action is not allowed"))
    with pytest.raises(RejectedError):
        channel.delete(receipt)


# Limits


def test_until_it_was_asked_the_defaults_count(channel, server):
    assert channel.limits == NETWORKS["mastodon"]
    assert server.requests == []


def test_what_mastodon_says_of_itself(channel):
    channel.learn()
    assert channel.limits == replace(NETWORKS["mastodon"], picture_bytes=16_777_216, picture_side=5760)


@pytest.mark.parametrize("kind", ["other"])
def test_what_another_server_says_of_itself(channel):
    channel.learn()
    expected = {
        "max_length": 5000,
        "link_length": 0,
        "pictures": 6,
        "picture_bytes": 41_943_040,
        "picture_side": 4096,
    }
    assert channel.limits == replace(NETWORKS["mastodon"], **expected)


def test_what_was_learnt_is_shared_and_looked_up_once_a_minute(make_channel, vault, clock):
    first, second = make_channel(), make_channel()
    assert second.limits.picture_side == 0
    first.learn()
    assert make_channel().limits.picture_side == 5760
    assert second.limits.picture_side == 0
    clock.advance(timedelta(minutes=1))
    assert second.limits.picture_side == 5760


def test_another_servers_limits_do_not_count(channel, vault, make_channel):
    channel.learn()
    vault.write("limits", {**vault.read("limits"), "server": "https://else.example.eu"})
    assert make_channel().limits == NETWORKS["mastodon"]


def test_without_a_vault_they_last_as_long_as_the_channel(tmp_path, server):
    channel = mastodon.make(sample_options(tmp_path, settings={"server": server.address}, vault=None))
    assert channel.limits == NETWORKS["mastodon"]
    channel.learn()  # without a token: most servers tell anybody
    assert channel.limits.picture_side == 5760
    channel.close()


@pytest.mark.parametrize("answer", [{}, {"configuration": None}, {"configuration": {"statuses": []}}])
def test_a_server_that_tells_nothing(answer, channel, server):
    server.instance = answer
    with pytest.raises(UnavailableError, match="without its limits"):
        channel.learn()
    assert channel.limits == NETWORKS["mastodon"]


@pytest.mark.parametrize("fault", [name for name in FAULTS if name != "slow"])
def test_limits_stay_as_they_were_when_asking_fails(fault, make_channel, server):
    channel = make_channel(read_timeout=0.6)
    channel.learn()
    before = channel.limits
    server.program(INSTANCE, FAULTS[fault])
    with pytest.raises((UnavailableError, NeedsLoginError)):
        channel.learn()
    assert channel.limits == before


# Credentials


@pytest.mark.parametrize("kind", KINDS)
def test_a_probe_says_whose_account_it_is_and_changes_nothing(channel, server):
    said = channel.probe()
    assert said == f"posts as @project@{server.address.removeprefix('http://')}"
    assert (server.statuses, server.media) == ([], {})
    assert server.requests == [ME, TIMELINE, DESCRIBE, EDIT]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("missing", [{"write:media"}, {"write:statuses", "read:statuses"}])
def test_a_probe_names_the_scopes_that_lack(missing, channel, server):
    server.tokens[TOKEN] = SCOPES - missing
    with pytest.raises(NeedsLoginError, match=f"lacks {', '.join(sorted(missing))}; give the application"):
        channel.probe()


def test_a_wide_scope_holds_the_narrow_ones(channel, server):
    server.tokens[TOKEN] = frozenset({"read", "write"})
    assert channel.probe().startswith("posts as @project")


def test_without_the_right_to_see_whose_account_it_is(channel, server):
    server.tokens[TOKEN] = SCOPES - {"read:accounts"}
    with pytest.raises(NeedsLoginError, match="read:accounts"):
        channel.probe()


@pytest.mark.parametrize("scope", ["write:media", "write:statuses"])
def test_sending_without_a_right(scope, channel, server):
    server.tokens[TOKEN] = SCOPES - {scope}
    with pytest.raises(NeedsLoginError, match=rf"outside the authorized scopes\).*{scope}"):
        send(channel, pictured())
    assert server.statuses == []


def test_the_token_is_asked_for_at_every_call(make_channel, server):
    secrets = {}
    channel = make_channel(secrets)
    for call in (send, find):
        with pytest.raises(NeedsLoginError, match=r"MASTODON_TOKEN not known; `disseminate login mastodon`"):
            call(channel, message())
    assert server.requests == []
    secrets["MASTODON_TOKEN"] = TOKEN
    assert send(channel, message())
    secrets["MASTODON_TOKEN"] = "changed"
    with pytest.raises(NeedsLoginError, match="401"):
        send(channel, message("Other"))
    assert len(server.statuses) == 1


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "ľ", "\x00"])
def test_what_is_no_token_is_neither_sent_nor_told(token, make_channel, server):
    channel = make_channel({"MASTODON_TOKEN": token})
    for call in (lambda: send(channel, message()), channel.learn, channel.probe, lambda: channel.login({})):
        with pytest.raises(NeedsLoginError, match="no access token") as caught:
            call()
        assert token not in str(caught.value)
    assert server.requests == []


def test_a_token_that_is_the_name_of_a_file(make_channel, server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / TOKEN).write_text("another\nhttps://else.example.eu\n", encoding="utf-8")
    assert send(make_channel(), message())


def test_no_secret_is_logged_or_told(channel, server, caplog):
    caplog.set_level(logging.DEBUG)
    server.program(POST, refusal(401, "Unauthorized"))
    with pytest.raises(NeedsLoginError) as caught:
        send(channel, message())
    send(channel, message())
    assert TOKEN not in f"{caplog.text} {caught.value!r} {vars(channel)!r}"


def test_logging_in(make_channel, server, vault):
    channel = make_channel({})
    (prompt,) = channel.prompts({})
    assert (prompt.name, prompt.secret, prompt.url) == (
        "MASTODON_TOKEN",
        True,
        f"{server.address}/settings/applications",
    )
    assert all(scope in prompt.text for scope in SCOPES)
    given = {"MASTODON_TOKEN": TOKEN}
    assert channel.prompts(given) == ()
    account, scopes, limits = channel.login(given)
    assert account.said.startswith("posts as @project@127.0.0.1")
    assert (scopes.level, scopes.said) == (None, "all that are needed")
    assert limits.said == "500 characters, 4 pictures"
    assert vault.read("login") == {"MASTODON_TOKEN": TOKEN}
    assert channel.prompts({}) == ()
    assert send(make_channel({}), message())


def test_logging_in_with_too_few_scopes_says_which_lack(make_channel, server):
    server.tokens[TOKEN] = SCOPES - {"write:media"}
    server.instance = {}
    _, scopes, limits = make_channel({}).login({"MASTODON_TOKEN": TOKEN})
    assert (scopes.level, "lacks write:media;" in scopes.said) == (Level.ERROR, True)
    assert (limits.level, "defaults count" in limits.said) == (Level.WARNING, True)


def test_a_wrong_token_is_not_kept(make_channel, vault, server):
    channel = make_channel({})
    for given in ({}, {"MASTODON_TOKEN": ""}, {"MASTODON_TOKEN": "wrong"}):
        with pytest.raises(NeedsLoginError):
            channel.login(given)
    server.program(ME, FAULTS["500 before"])
    with pytest.raises(UnavailableError):
        channel.login({"MASTODON_TOKEN": TOKEN})
    assert vault.read("login") is None


def test_a_secret_of_the_environment_is_proved_and_not_copied(make_channel, vault):
    channel = make_channel()
    assert channel.prompts({}) == ()
    assert channel.login({})[0].said.startswith("posts as")
    assert vault.read("login") is None


# Settings


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({}, r"channels\.mastodon\.server: is missing; add it"),
        ({"server": "https://s.eu", "visibilty": "public"}, r"visibilty: unknown key; did you mean visibility\?"),
        ({"server": "https://s.eu", "visibility": "direct"}, r"visibility: must be"),
        ({"server": "http://social.example.eu"}, r"server: .*must begin with https"),
        ({"server": "social.example.eu"}, r"server: "),
        ({"server": "https://user:word@social.example.eu"}, r"server: .*scheme and host alone"),
        ({"server": "https://s.eu", "read_timeout": 0}, r"read_timeout"),
        ({"server": "https://s.eu", "media_timeout": 601}, r"media_timeout"),
        ({"server": "https://s.eu", "token": "sesame"}, r"token: unknown key"),
    ],
)
def test_settings_are_checked_when_it_is_made(settings, problem, tmp_path):
    with pytest.raises(SettingsError, match=problem) as caught:
        mastodon.make(sample_options(tmp_path, settings=settings))
    assert "word" not in str(caught.value)
    assert "sesame" not in str(caught.value)


def test_the_environments_proxy_is_not_asked_for_this_machine(channel, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert send(channel, message())


# The stand-in


def test_the_stand_in_counts_as_mastodon_does(channel, server):
    link = f"https://example.eu/{'a' * 300}"
    text = f"{'a' * 471} @ana@{'b' * 100}.eu {link}"
    assert send(channel, message(text, length=500, key="fits"))
    with pytest.raises(RejectedError, match=r"422 .*limit of 500"):
        send(channel, message(f"{text}!", length=500))


@pytest.mark.parametrize("kind", ["other"])
def test_the_other_counts_addresses_in_full(channel, server):
    channel.learn()
    link = f"https://example.eu/{'a' * 81}"
    assert send(channel, message(f"{'a ' * 2449} {link}", length=5000))
    with pytest.raises(RejectedError, match=r"400 .*limit of 5000"):
        send(channel, message(f"{'a ' * 2450} {link}", length=5000))
    assert server.count(INSTANCE) == 1
