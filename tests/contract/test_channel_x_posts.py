"""Pictures, threads, duplicates, deleting, prices and logins of the channel `x`."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from x_scene import DELETE, DESCRIBE, ME, NOW, POST, REPLY, TIMELINE, UPLOAD, OpenAPI, find, message, pictured, send

from dissemination.channels import x
from dissemination.channels.logins import KEPT
from dissemination.errors import (
    ChannelError,
    InDoubtError,
    NeedsLoginError,
    RejectedError,
    SettingsError,
    UnavailableError,
)
from dissemination.model import Level, Receipt
from dissemination.testing import FixedClock, MemoryVault, sample_options, sample_post
from dissemination.testing.loopback import FAULTS
from dissemination.testing.x import X_SECRETS, FakeX, Fault, limited, refusal

FORBIDDEN = "You are not permitted to perform this action."
NOTHING = Fault(body=b'{"meta": {"result_count": 0}}')


@pytest.fixture
def clock():
    return FixedClock(NOW)


@pytest.fixture
def server(clock):
    with FakeX(clock.now, OpenAPI.known()) as server:
        yield server
    assert server.problems == []


@pytest.fixture
def vault():
    return MemoryVault()


@pytest.fixture
def make_channel(tmp_path, server, clock, vault):
    def make(secrets=X_SECRETS, **settings):
        section = {"api_base": server.address, "read_timeout": 5, **settings}
        options = sample_options(tmp_path, secrets.get, name="x", settings=section, clock=clock, vault=vault)
        return x.make(options)

    return make


@pytest.fixture
def channel(make_channel):
    return make_channel()


def alts(server, post):
    return [server.media[number].alt for number in post["media"]]


# Pictures


def test_pictures_go_up_with_their_words_before_the_post(channel, server):
    one = pictured("Four pictures", "One", "Two \N{SMILING FACE WITH OPEN MOUTH}", "", "a" * 1000)
    send(channel, one)
    (post,) = server.posts
    assert alts(server, post) == ["One", "Two \N{SMILING FACE WITH OPEN MOUTH}", "", "a" * 1000]
    shown = [one.pictures[picture.digest].body for picture in one.body.pictures]
    assert [server.media[number].body for number in post["media"]] == shown
    # What is decorative has no words to send.
    assert server.requests == [UPLOAD, DESCRIBE, UPLOAD, DESCRIBE, UPLOAD, UPLOAD, DESCRIBE, POST]


def test_a_post_with_pictures_is_known_again(channel):
    for one in (pictured("One"), pictured("See example.eu & more", "A", "B"), pictured("https://example.eu/")):
        receipt = send(channel, one)
        assert find(channel, one) == receipt


def test_equal_words_without_the_picture_are_for_a_person(channel):
    with_one, without = pictured("The same words"), message("The same words")
    receipt = send(channel, without)
    with pytest.raises(InDoubtError, match=f"{receipt.id} has the same words and other addresses or pictures"):
        find(channel, with_one)
    channel.delete(receipt)
    send(channel, with_one)
    with pytest.raises(InDoubtError, match="other addresses or pictures"):
        find(channel, without)


def test_a_picture_that_x_cannot_use(channel, server):
    server.program(UPLOAD, Fault(body=b'{"data": {"id": "1", "processing_info": {"state": "failed"}}}'))
    with pytest.raises(RejectedError, match="cannot use the picture"):
        send(channel, pictured())
    server.program(UPLOAD, refusal(400, "media type unrecognized."))
    with pytest.raises(RejectedError, match="unrecognized"):
        send(channel, pictured())
    server.program(UPLOAD, Fault(status=413, body=b""))
    with pytest.raises(RejectedError, match="smaller"):
        send(channel, pictured())
    assert server.posts == []


@pytest.mark.parametrize("body", [b"{}", b'{"data": {"id": "7"}}', b'{"errors": [{"title": "x"}]}', b"[]"])
def test_a_picture_never_goes_out_without_its_words(body, channel, server):
    server.program(DESCRIBE, Fault(body=body))
    with pytest.raises(UnavailableError, match="alternative text"):
        send(channel, pictured())
    assert server.posts == []
    send(channel, pictured())
    assert alts(server, server.posts[0]) == ["Twelve people"]


def test_numbers_of_pictures_end_so_they_are_made_when_the_post_is(channel, server, clock):
    server.program(POST, limited(NOW, timedelta(hours=20)))
    with pytest.raises(UnavailableError):
        send(channel, pictured())
    clock.advance(timedelta(days=2))
    send(channel, pictured())
    assert (len(server.media), len(server.posts)) == (2, 1)


def test_a_number_that_x_does_not_know_is_made_anew(channel, server):
    server.program(UPLOAD, Fault(stored=True, body=b'{"data": {"id": "7"}}'))
    with pytest.raises(RejectedError):  # its words find no picture
        send(channel, pictured())
    server.program(UPLOAD, Fault(body=b'{"data": {"id": "7"}}'))
    with pytest.raises(UnavailableError, match=r"media IDs are invalid.*uploaded anew"):
        send(channel, pictured("Decorative", ""))
    assert server.posts == []
    send(channel, pictured("Decorative", ""))


# Threads


def test_a_part_that_x_does_not_let_us_reply_with_says_what_stays(channel, server):
    first = send(channel, message("One"))
    server.program(REPLY, refusal(403, FORBIDDEN, "Forbidden"))
    with pytest.raises(RejectedError, match=r"restricts replies.*the parts before it stay: a retry goes on"):
        send(channel, message("Two", in_reply_to=first))
    assert send(channel, message("Two", in_reply_to=first))
    assert [post["reply_to"] for post in server.posts] == ["", first.id]


def test_other_refusals_of_a_part_keep_their_meaning(channel, server):
    first = send(channel, message("One"))
    server.program(REPLY, refusal(403, "Your account is suspended."))
    with pytest.raises(NeedsLoginError, match="suspended"):
        send(channel, message("Two", in_reply_to=first))
    with pytest.raises(RejectedError, match="already"):
        send(channel, message("One", in_reply_to=first))
    channel.delete(first)
    with pytest.raises(RejectedError, match="deleted or not visible"):
        send(channel, message("Two", in_reply_to=first))


def test_a_part_of_a_thread_is_told_from_a_post_of_its_own(channel):
    root = send(channel, message("Root"))
    alone = send(channel, message("Words"))
    assert find(channel, message("Words", in_reply_to=root)) is None
    channel.delete(alone)
    part = send(channel, message("Words", in_reply_to=root))
    assert find(channel, message("Words", in_reply_to=root)) == part
    assert find(channel, message("Words")) is None


def test_a_reply_is_found_where_x_does_not_tell_of_conversations(channel, server):
    root = send(channel, message("Root"))
    body = b'{"data": [{"id": "9", "text": "@project @oirbi Thanks"}], "meta": {}}'
    server.program(TIMELINE, *[Fault(body=body)] * 4)
    assert find(channel, message("@oirbi Thanks", in_reply_to=root)).id == "9"
    assert find(channel, message("Thanks", in_reply_to=root)).id == "9"
    assert find(channel, message("oirbi Thanks", in_reply_to=root)) is None
    assert find(channel, message("@oirbi Thanks")) is None


# Faults at every step


def settle(channel, one):
    """Send, look and send again as the pipeline does, until it is out; how often it was sent."""
    for count in range(1, 5):
        try:
            channel.send(one, key=one.key)
        except InDoubtError:
            if find(channel, one):
                return count
        except (UnavailableError, NeedsLoginError):
            continue
        else:
            return count
    return pytest.fail("never out")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("step", [UPLOAD, DESCRIBE, POST])
def test_a_fault_at_any_step_ends_in_one_post_with_its_picture(step, fault, make_channel, server):
    channel = make_channel(read_timeout=0.6)
    server.program(step, FAULTS[fault])
    assert settle(channel, pictured(at=NOW)) <= 2
    (post,) = server.posts
    assert alts(server, post) == ["Twelve people"]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("step", [UPLOAD, DESCRIBE])
def test_before_the_post_nothing_is_ever_in_doubt(step, fault, make_channel, server):
    channel = make_channel(read_timeout=0.6)
    server.program(step, FAULTS[fault])
    with pytest.raises((UnavailableError, NeedsLoginError), match=r"^x: .+") as caught:
        send(channel, pictured())
    assert isinstance(caught.value, NeedsLoginError) == (fault == "401")
    assert server.count(POST) == 0


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_at_a_further_part_of_a_thread(fault, make_channel, server):
    channel = make_channel(read_timeout=0.6)
    first = send(channel, message("One"))
    server.program(REPLY, FAULTS[fault])
    assert settle(channel, message("Two", in_reply_to=first, at=NOW)) <= 2
    assert [(post["text"], post["reply_to"]) for post in server.posts] == [("One", ""), ("Two", first.id)]


def test_refused_connections_lose_nothing(channel, server):
    with server.closed(), pytest.raises(UnavailableError, match="cannot reach"):
        send(channel, pictured())
    send(channel, pictured())
    assert len(server.posts) == 1


# Duplicates


@pytest.mark.parametrize("kind", ["post", "picture", "reply"])
def test_a_duplicate_of_ours_is_adopted(kind, channel, server):
    """X took it, the answer was lost, and the list of posts did not show it yet."""
    made = {
        "post": message,
        "picture": pictured,
        "reply": partial(message, in_reply_to=send(channel, message("Root"))),
    }
    one = made[kind](at=NOW)
    server.program(REPLY if kind == "reply" else POST, Fault(stored=True, cut=True))
    server.program(TIMELINE, NOTHING)
    with pytest.raises(InDoubtError):
        send(channel, one)
    assert find(channel, one) is None
    receipt = send(channel, one)
    assert receipt == replace(find(channel, one), detail="X had it already")
    assert len(server.posts) == 2


def test_a_duplicate_of_an_older_post_is_for_the_officer(channel, server, clock):
    send(channel, message())
    clock.advance(timedelta(days=3))
    with pytest.raises(RejectedError, match="with this text already; if it is not this one, change the words"):
        send(channel, message(at=clock.now()))
    with pytest.raises(RejectedError, match="already"):
        send(channel, message())  # nobody knows since when to look
    assert len(server.posts) == 1


@pytest.mark.parametrize("fault", [Fault(cut=True), Fault(status=503, body=b""), Fault(body=b"[]")])
def test_a_duplicate_that_cannot_be_looked_up_stays_in_doubt(fault, channel, server):
    send(channel, message())
    server.program(TIMELINE, fault)
    with pytest.raises(InDoubtError, match="cannot show which"):
        send(channel, message(at=NOW))


def test_the_stand_in_says_of_a_duplicate_what_x_says(server):
    server.posts.append({"id": "1", "text": "One", "created_at": NOW, "reply_to": ""})
    with pytest.raises(Exception, match="duplicate") as caught:
        server._create({"text": "One"})
    assert caught.value.problem == {
        "detail": "You are not allowed to create a Tweet with duplicate content.",
        "type": "about:blank",
        "title": "Forbidden",
        "status": 403,
    }


# Deleting


def test_what_is_deleted_is_gone_and_deleting_it_again_is_fine(channel, server):
    receipt = send(channel, pictured())
    channel.delete(receipt)
    assert server.posts == []
    channel.delete(receipt)
    assert find(channel, pictured()) is None
    assert server.count(DELETE) == 2


@pytest.mark.parametrize("fault", [name for name in FAULTS if name != "401"])
def test_a_fault_while_deleting_is_no_harm(fault, make_channel, server):
    channel = make_channel(read_timeout=0.6)
    receipt = send(channel, message())
    server.program(DELETE, FAULTS[fault])
    with pytest.raises(UnavailableError):
        channel.delete(receipt)
    channel.delete(receipt)
    assert server.posts == []


def test_what_else_deleting_may_meet(channel, server):
    receipt = send(channel, message())
    server.program(DELETE, refusal(403, FORBIDDEN), FAULTS["401"], Fault(body=b'{"data": {"deleted": false}}'))
    for kind in (RejectedError, NeedsLoginError, UnavailableError):
        with pytest.raises(kind, match=r"^x: "):
            channel.delete(receipt)
    for number in ("", "mastodon/1.txt", "../users/me"):
        with pytest.raises(RejectedError, match="no number of a post"):
            channel.delete(Receipt(id=number))
    assert server.count(DELETE) == 3


# Prices


@pytest.mark.parametrize(
    ("parts", "price"),
    [
        (("Words alone",), 15_000),
        (("See https://example.eu/a",), 200_000),
        (("A bare example.eu is an address to X",), 200_000),
        (("And so is v1.2.sk",), 200_000),
        (("But no spr\u00e1va.Viac, foo.pdf or ftp://x.eu",), 15_000),
        (("One", "Two https://example.eu", "Three"), 230_000),
    ],
)
def test_what_a_post_costs(parts, price, channel, server):
    assert channel.price(sample_post(text=parts[0], thread=parts[1:])) == price
    assert server.requests == []


def test_the_cap_is_that_of_settings(make_channel):
    caps = [
        make_channel(**section).monthly_cap for section in ({}, {"monthly_cap_usd": 0}, {"monthly_cap_usd": 9.99})
    ]
    assert caps == [None, 0, 9_990_000]
    for wrong in (-1, "much", float("nan"), float("inf")):
        with pytest.raises(SettingsError, match="monthly_cap_usd"):
            make_channel(monthly_cap_usd=wrong)


# Logging in


def test_login_asks_for_four_values_and_keeps_them(make_channel, server, vault):
    channel = make_channel({})
    assert [ask.name for ask in channel.prompts({})] == list(X_SECRETS)
    assert all(ask.secret and ask.url.startswith("https://") for ask in channel.prompts({}))
    assert [ask.name for ask in channel.prompts({"X_API_KEY": "a"})] == list(X_SECRETS)[1:]
    assert channel.prompts(X_SECRETS) == []
    (symptom,) = channel.login(X_SECRETS)
    assert (symptom.said, symptom.level) == ("posts as @project", None)
    assert vault.kept[KEPT] == dict(X_SECRETS)
    assert server.requests == [ME]
    assert send(channel, message())


def test_login_with_wrong_values_keeps_nothing(make_channel, vault):
    channel = make_channel({})
    with pytest.raises(NeedsLoginError, match="401"):
        channel.login({**X_SECRETS, "X_ACCESS_SECRET": "sesame"})
    with pytest.raises(NeedsLoginError, match="X_ACCESS_SECRET not given"):
        channel.login({**X_SECRETS, "X_ACCESS_SECRET": ""})
    assert vault.kept == {}


def test_tokens_that_may_only_read_are_told(make_channel, server, vault):
    server.access = "read"
    with pytest.raises(NeedsLoginError, match="@project may only read; give the app the right"):
        make_channel({}).login(X_SECRETS)
    assert vault.kept == {}
    channel = make_channel()
    with pytest.raises(NeedsLoginError, match="may only read"):
        channel.probe()
    with pytest.raises(NeedsLoginError, match="read and write"):
        send(channel, message())
    server.access = "read-write-directmessages"
    assert channel.probe() == "posts as @project"


@pytest.mark.parametrize("fault", [name for name in FAULTS if name != "401"])
def test_login_that_cannot_be_tried_keeps_nothing(fault, make_channel, server, vault):
    server.program(ME, FAULTS[fault])
    with pytest.raises(UnavailableError):
        make_channel({}, read_timeout=0.6).login(X_SECRETS)
    assert vault.kept == {}


def test_whoever_may_not_even_ask_needs_other_credentials(make_channel, server):
    server.program(ME, refusal(403, FORBIDDEN), refusal(404, "Not found"))
    for _ in range(2):
        with pytest.raises(NeedsLoginError):
            make_channel({}).login(X_SECRETS)


def test_secrets_go_before_what_login_kept(make_channel, vault):
    channel = make_channel({"X_API_KEY": "old"})
    assert [ask.name for ask in channel.prompts({})] == list(X_SECRETS)[1:]
    said = channel.login(X_SECRETS)
    assert [(symptom.what, symptom.level) for symptom in said] == [("x", None), ("X_API_KEY", Level.WARNING)]
    assert "old" not in repr(said)
    with pytest.raises(ChannelError, match="401"):
        send(channel, message())


def test_a_login_with_secrets_alone_keeps_none_of_them(channel, vault):
    assert channel.prompts({}) == []
    assert channel.login({})
    assert vault.kept == {}


def test_an_old_login_gives_way_to_new_answers(make_channel, vault):
    channel = make_channel({})
    vault.write(KEPT, {**X_SECRETS, "X_ACCESS_TOKEN": "old"})
    with pytest.raises(NeedsLoginError):
        channel.probe()
    assert [ask.name for ask in channel.prompts({})] == list(X_SECRETS)
    channel.login({"X_ACCESS_TOKEN": X_SECRETS["X_ACCESS_TOKEN"]})
    assert channel.probe()
