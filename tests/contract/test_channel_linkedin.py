"""The channel `linkedin` against a stand-in that is as nasty as LinkedIn."""

import json
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dissemination.channels import linkedin
from dissemination.channels.linkedin.little import units
from dissemination.errors import (
    ChannelError,
    InDoubtError,
    NeedsLoginError,
    RejectedError,
    SettingsError,
    UnavailableError,
)
from dissemination.model import Level, Mention, PostPicture, Receipt, Repeat
from dissemination.ports import Deletes, Edits, Examines, Expires, Finds, LogsIn, Probes, SendsThreads, Writes
from dissemination.testing import (
    FixedClock,
    sample_mail,
    sample_message,
    sample_options,
    sample_picture,
    sample_post,
)
from dissemination.testing.contract import ChannelContract
from dissemination.testing.linkedin import LINKEDIN_PAGE, LINKEDIN_SECRETS, FakeLinkedIn
from dissemination.testing.loopback import FAULTS, Fault

IMAGES = "POST /rest/images"
PUT = "PUT /upload"
POST = "POST /rest/posts"
SEE = "GET /rest/posts/urn"
LIST = "GET /rest/posts"
NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
SINCE = datetime(2026, 11, 1, tzinfo=UTC)
TEXT = "Partners meet in Paris (again) https://news.example.eu/en/a_b/?c=~d#e #InterregEurope"


@pytest.fixture
def clock():
    return FixedClock(NOW)


@pytest.fixture
def server(clock):
    with FakeLinkedIn(clock.now) as server:
        yield server


@pytest.fixture
def make_channel(tmp_path, server, clock):
    made = []

    def make(secrets=LINKEDIN_SECRETS, **settings):
        section = {"organization": LINKEDIN_PAGE, "api_base": server.address, "login_base": server.address}
        options = sample_options(
            tmp_path,
            secrets.get,
            name="linkedin",
            settings={**section, "read_timeout": 0.6, **settings},
            clock=clock,
        )
        made.append(linkedin.make(options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def channel(make_channel):
    return make_channel()


def picture(alt="Twelve people around a table", number=0):
    made = sample_picture((number, 90, 140))
    return PostPicture(digest=made.digest, alt=alt), made


def message(text=TEXT, pictures=(), key="third-meeting:linkedin:1", at=None, **changes):
    post = sample_post(network="linkedin", text=text, pictures=tuple(one for one, _ in pictures), **changes)
    return sample_message(post, key=key, pictures={made.digest: made for _, made in pictures}, at=at)


def send(channel, one):
    return channel.send(one, key=one.key)


def find(channel, one, since=SINCE):
    return channel.find(one, key=one.key, since=since)


def saying(status, message, **facts):
    return Fault(status=status, body=json.dumps({"status": status, "message": message, **facts}).encode())


class TestContract(ChannelContract):
    @pytest.fixture
    def making(self):
        return linkedin.make

    @pytest.fixture
    def settings(self, server):
        return {"organization": LINKEDIN_PAGE, "api_base": server.address}

    @pytest.fixture
    def secrets(self):
        return LINKEDIN_SECRETS


def test_its_powers(channel):
    for power in (Deletes, Edits, Examines, Expires, Finds, LogsIn, Probes, Writes):
        assert isinstance(channel, power)
    assert not isinstance(channel, SendsThreads)
    assert (channel.limits.repeat, channel.limits.threads) == (Repeat.LOOK, False)


# What stands on the page


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        r"All of them: \ | { } @ [ ] ( ) < > # * _ ~ and the end",
        "„Príklad“ 👩🏽‍🚒 → 3 < 4 & 5 > 2\n\nfoo_bar*baz* ~40 % #Výskum #žltý_kôň #2026 C# a#b me@example.eu",
        "https://example.eu/a_(b)/~c?d=[e]&f={g}|h#i_j (https://example.eu/x_y).",
        r"\\server\share {hashtag|\#|Not} @[Nobody](urn:li:organization:1) \_",
        "No address at all",
        "#One#Two (#Three) #Four.",
        "x" * 3000,
    ],
)
def test_nothing_is_cut(text, channel, server):
    receipt = send(channel, message(text))
    assert [post.text for post in server.posts] == [text]
    assert receipt == Receipt(
        id=server.posts[0].urn, url=f"https://www.linkedin.com/feed/update/{server.posts[0].urn}/"
    )
    assert find(channel, message(text)) == receipt
    assert find(channel, message(f"{text} more"[-3000:])) is None


def test_the_stand_in_cuts_what_is_not_escaped(channel, server, monkeypatch):
    monkeypatch.setattr("dissemination.channels.linkedin.draft.little", lambda text, _: text)
    receipt = send(channel, message())
    assert server.posts[0].text == "Partners meet in Paris "
    assert receipt.id == server.posts[0].urn
    assert f"LinkedIn shows 22 of {len(TEXT)} characters: it was cut" in receipt.detail


def test_the_dialogue_of_a_post(channel, server):
    send(channel, message(pictures=[picture()]))
    assert server.requests == [IMAGES, PUT, POST, SEE]


def test_names_become_mentions_where_they_stand(channel, server):
    host = Mention(text="Acme (EU)", target="urn:li:organization:12")
    lead = Mention(text="OIRBI", target="urn:li:organization:34")
    text = "OIRBI2 and OIRBI meet Acme (EU); OIRBI, https://OIRBI.example #OIRBI"
    send(channel, message(text, mentions=(host, lead)))
    post = server.posts[0]
    assert post.text == text
    assert post.commentary == (
        r"OIRBI2 and @[OIRBI](urn:li:organization:34) meet @[Acme \(EU\)](urn:li:organization:12); OIRBI, "
        r"https://OIRBI.example {hashtag|\#|OIRBI}"
    )


def test_a_target_that_is_no_urn_is_refused(channel, server):
    with pytest.raises(RejectedError, match=r"^linkedin: OIRBI is '@oirbi' on LinkedIn; write urn:li:organization"):
        send(channel, message("OIRBI", mentions=(Mention(text="OIRBI", target="@oirbi"),)))
    assert server.requests == []


def test_one_picture_has_its_alternative_text(channel, server):
    one = picture()
    send(channel, message(pictures=[one]))
    [(urn, body)] = server.pictures.items()
    assert server.posts[0].content == {"media": {"id": urn, "altText": "Twelve people around a table"}}
    assert body == one[1].body


def test_several_pictures_keep_their_order(channel, server):
    shown = [picture(f"Picture {number}", number) for number in range(20)]
    shown[3] = picture("", 3)
    send(channel, message(pictures=shown))
    images = server.posts[0].content["multiImage"]["images"]
    assert [image.get("altText", "") for image in images] == [one.alt for one, _ in shown]
    assert [server.pictures[image["id"]] for image in images] == [made.body for _, made in shown]
    assert "altText" not in images[3]


def test_a_card_shows_what_it_is_given(make_channel, server):
    channel = make_channel(attach="card")
    send(channel, message(title="Third meeting", summary="In Paris", pictures=[picture(), picture("More", 9)]))
    [urn] = server.pictures
    assert server.posts[0].content == {
        "article": {
            "source": "https://news.example.eu/en/news/third-meeting/",
            "title": "Third meeting",
            "description": "In Paris",
            "thumbnail": urn,
            "thumbnailAltText": "Twelve people around a table",
        }
    }


def test_a_card_without_a_picture(make_channel, server):
    send(make_channel(attach="card"), message(title="Third meeting"))
    assert set(server.posts[0].content["article"]) == {"source", "title"}


@pytest.mark.parametrize("lacking", [{"link": ""}, {"title": ""}])
def test_what_has_no_card_shows_its_pictures(lacking, make_channel, server):
    send(make_channel(attach="card"), message(**{"title": "Third", **lacking}, pictures=[picture()]))
    assert set(server.posts[0].content) == {"media"}


@pytest.mark.parametrize("step", [IMAGES, PUT])
@pytest.mark.parametrize("fault", ["reset after", "timeout before", "500 before", "garbage", "429"])
def test_a_card_is_not_lost_with_its_picture(step, fault, make_channel, server):
    server.program(step, FAULTS[fault])
    receipt = send(make_channel(attach="card"), message(title="Third meeting", pictures=[picture()]))
    assert set(server.posts[0].content["article"]) == {"source", "title"}
    assert receipt.detail.startswith("the card has no picture (linkedin: ")


def test_a_card_waits_for_a_login(make_channel, server):
    server.program(IMAGES, FAULTS["401"])
    with pytest.raises(NeedsLoginError):
        send(make_channel(attach="card"), message(title="Third meeting", pictures=[picture()]))
    assert server.posts == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"text": "x" * 3001}, "3,001 of 3,000 characters; shorten"),
        ({"text": "👩" * 1501}, "3,002 of 3,000 characters; shorten"),
        ({"text": "(" * 1501}, "3,002 of 3,000 characters with LinkedIn's escapes"),
        ({"thread": ("Two",)}, "carries no threads"),
        ({"warning": "War"}, "no content warnings"),
        ({"pictures": [picture("x" * 4087)]}, r"4,087 of 4,086 characters; shorten `alt`"),
        ({"pictures": [picture(number=number) for number in range(21)]}, "21 of 20 pictures"),
        ({"pictures": [(picture()[0], sample_picture((1, 2, 3)))]}, "a picture is not there"),
        ({"pictures": [(picture()[0], replace(picture()[1], width=9000, height=9000))]}, "too large"),
        ({"pictures": [(picture()[0], replace(picture()[1], body=b"x" * 5_000_001))]}, "too large"),
        ({"pictures": [(picture()[0], replace(picture()[1], media_type="image/webp"))]}, "no image/webp; use JPEG"),
    ],
)
def test_what_it_cannot_carry_is_refused_before_anything_is_sent(changes, said, channel, server):
    one = message(**changes)
    for call in (channel.written, lambda one: send(channel, one), lambda one: find(channel, one)):
        with pytest.raises(RejectedError, match=rf"^linkedin: .*{said}"):
            call(one)
    assert server.requests == []


def test_a_reply_and_a_card_with_too_long_a_title_are_refused(make_channel):
    with pytest.raises(RejectedError, match="no threads"):
        send(make_channel(), replace(message(), in_reply_to=Receipt(id="urn:li:share:1")))
    with pytest.raises(RejectedError, match="a card takes less than 400"):
        send(make_channel(attach="card"), message(title="x" * 400))


def test_what_would_be_handed_over_can_be_seen(channel, server):
    assert channel.written(message("(a) #Tag")).decode() == r"\(a\) {hashtag|\#|Tag}"
    with pytest.raises(RejectedError, match="posts only"):
        channel.written(sample_message(sample_mail()))
    assert server.requests == []
    assert units("👩a") == 3


# What goes wrong: at every step, whatever happens, the post exists once in the end or is in doubt, and never twice.


def settled(channel, server, one, clock, tries=8):
    """As the pipeline does it: in doubt is looked for, what is not there is sent again; says what became of it."""
    for _ in range(tries):
        try:
            send(channel, one)
            return "published"
        except UnavailableError as error:
            clock.advance((error.retry_at or clock.now()) - clock.now() + timedelta(minutes=2))
        except NeedsLoginError:
            continue  # paused, resumed
        except RejectedError:
            return "failed"
        except InDoubtError:
            clock.advance(timedelta(minutes=2))
            if looked(channel, one):
                return "found"
    return "in doubt"


def looked(channel, one):
    for _ in range(3):
        try:
            return find(channel, one, NOW)
        except (UnavailableError, NeedsLoginError):
            continue
    raise AssertionError("it cannot be looked for")


#: While sending: what each fault means at each step. None: the post is out all the same.
MEANS = {
    IMAGES: dict.fromkeys(FAULTS, UnavailableError) | {"401": NeedsLoginError, "slow": UnavailableError},
    PUT: dict.fromkeys(FAULTS, UnavailableError) | {"401": NeedsLoginError, "slow": None},
    POST: dict.fromkeys(FAULTS, InDoubtError)
    | {"429": UnavailableError, "401": NeedsLoginError, "garbage after": None, "slow": None},
    SEE: dict.fromkeys(FAULTS, None),
}


@pytest.mark.parametrize("step", [IMAGES, PUT, POST, SEE])
@pytest.mark.parametrize("fault", FAULTS)
def test_what_goes_wrong_while_sending(step, fault, channel, server, clock):
    one = message(pictures=[picture()], at=NOW)
    server.program(step, FAULTS[fault])
    kind = MEANS[step][fault]
    if kind is None:
        assert send(channel, one).id == server.posts[0].urn
    else:
        with pytest.raises(ChannelError, match=r"^linkedin: .+; .+") as caught:
            send(channel, one)
        assert type(caught.value) is kind
        assert settled(channel, server, one, clock) in {"published", "found"}
    assert [post.text for post in server.posts] == [TEXT]


@pytest.mark.parametrize("step", [LIST, SEE])
@pytest.mark.parametrize("fault", FAULTS)
def test_what_goes_wrong_while_looking_after_a_lost_answer(step, fault, channel, server, clock):
    one = message(at=NOW)
    server.program(POST, FAULTS["timeout after"])
    server.program(step, FAULTS[fault])
    assert settled(channel, server, one, clock) in {"published", "found"}
    assert len(server.posts) == 1


def test_a_server_that_is_not_there(channel, server):
    one = message(pictures=[picture()])
    with server.closed():
        for call in (send, find):
            with pytest.raises(UnavailableError, match=r"^linkedin: cannot reach LinkedIn .*online"):
                call(channel, one)
    assert send(channel, one)
    assert len(server.posts) == 1


#: Answers of LinkedIn, and of others, and what they mean for the post.
REFUSALS = {
    "400": (saying(400, "The text is wrong"), RejectedError),
    "400 with a page": (Fault(status=400, body=b"<html>Bad request</html>"), InDoubtError),
    "403 for a scope": (saying(403, "Not enough permissions", code="ACCESS_DENIED"), NeedsLoginError),
    "403 with a page": (Fault(status=403, body=b"<html>Forbidden</html>"), InDoubtError),
    "404": (saying(404, "No such organization"), RejectedError),
    "409": (saying(409, "Conflict"), InDoubtError),
    "422": (saying(422, "A field is wrong"), RejectedError),
    "422 with nothing": (Fault(status=422, body=b""), InDoubtError),
    "426": (saying(426, "Requested version 20240101 is not active", code="NONEXISTENT_VERSION"), NeedsLoginError),
    "500": (saying(500, "Internal"), InDoubtError),
    "503": (Fault(status=503, body=b""), InDoubtError),
    "elsewhere": (Fault(status=307, headers={"Location": "https://127.0.0.1:9/"}), InDoubtError),
    "another id": (Fault(status=201, headers={"x_restli_id": "7"}), InDoubtError),
    "no end of the answer": (Fault(status=201, body=b" " * 5_000_000), InDoubtError),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_answers_mean(name, channel, server):
    fault, kind = REFUSALS[name]
    server.program(POST, fault)
    with pytest.raises(ChannelError, match=r"^linkedin: .+; .+") as caught:
        send(channel, message())
    assert type(caught.value) is kind
    assert server.requests == [POST]


def test_the_words_of_linkedin_reach_the_officer(channel, server):
    server.program(POST, saying(422, "Field /commentary\nis   wrong"))
    with pytest.raises(RejectedError, match=r"answered 422 \(Field /commentary is wrong\); change the post"):
        send(channel, message())


def test_a_picture_that_linkedin_refuses_is_for_the_officer(channel, server):
    server.program(PUT, Fault(status=413))
    with pytest.raises(RejectedError, match="use a smaller picture"):
        send(channel, message(pictures=[picture()]))
    server.program(IMAGES, saying(400, "No such owner"))
    with pytest.raises(RejectedError):
        send(channel, message(pictures=[picture()]))
    assert server.posts == []


@pytest.mark.parametrize(
    "value",
    [
        {"image": "urn:li:image:D1", "uploadUrl": "https://upload.example/there"},
        {"image": "urn:li:image:D1", "uploadUrl": "https://notlinkedin.com/there"},
        {"image": "urn:li:image:D1", "uploadUrl": "http://www.linkedin.com/there"},
        {"image": "D1", "uploadUrl": "https://www.linkedin.com/there"},
        {"image": "urn:li:image:D1"},
        [],
    ],
)
def test_the_token_goes_nowhere_else(value, channel, server):
    server.program(IMAGES, Fault(body=json.dumps({"value": value}).encode()))
    with pytest.raises(UnavailableError, match="a picture may not be there"):
        send(channel, message(pictures=[picture()]))
    assert server.requests == [IMAGES]


# Limits and versions


def test_a_day_without_a_word_about_its_end(tmp_path, clock):
    with FakeLinkedIn(clock.now, daily=1) as server:
        section = {"organization": int(LINKEDIN_PAGE), "api_base": server.address}
        channel = linkedin.make(sample_options(tmp_path, LINKEDIN_SECRETS.get, settings=section, clock=clock))
        send(channel, message("One"))
        with pytest.raises(UnavailableError) as caught:
            send(channel, message("Two"))
        assert caught.value.retry_at == datetime(2026, 11, 17, tzinfo=UTC)
        clock.advance(caught.value.retry_at - clock.now())
        send(channel, message("Two"))
        channel.close()


def test_a_wait_that_is_named_counts(channel, server):
    server.program(POST, Fault(status=429, headers={"Retry-After": "60"}))
    with pytest.raises(UnavailableError) as caught:
        send(channel, message())
    assert caught.value.retry_at == NOW + timedelta(minutes=1)


def test_other_troubles_are_not_waited_for_until_midnight(channel, server):
    server.program(LIST, saying(500, "Internal"))
    with pytest.raises(UnavailableError) as caught:
        find(channel, message())
    assert caught.value.retry_at is None


def test_a_version_that_is_gone(make_channel, server):
    with pytest.raises(NeedsLoginError, match=r"426 \(Requested version 20251101 is not active\); .*`version`"):
        send(make_channel(version="202511"), message())
    assert server.posts == []


@pytest.mark.parametrize(
    ("version", "level"),
    [
        ("202611", None),
        ("202602", None),
        ("202601", Level.WARNING),
        ("202401", Level.WARNING),
        (202612, Level.WARNING),
    ],
)
def test_the_doctor_warns_of_old_versions(version, level, make_channel, server):
    [symptom] = make_channel(version=version).examine()
    assert symptom.level is level
    assert str(version) in symptom.said
    assert server.requests == []


# Duplicates


def test_a_duplicate_after_a_lost_answer_is_adopted_once_it_is_seen(channel, server):
    one = message(at=NOW)
    server.program(POST, FAULTS["timeout after"])
    with pytest.raises(InDoubtError):
        send(channel, one)
    receipt = send(channel, one)
    assert (receipt.id, len(server.posts)) == (server.posts[0].urn, 1)
    assert "LinkedIn had it already" in receipt.detail
    assert server.requests == [POST, POST, SEE]


def test_the_refusal_is_the_one_that_was_seen_in_the_world(channel, server):
    first = send(channel, message())
    server.program(
        POST,
        Fault(
            status=422,
            body=json.dumps(
                {
                    "errorDetailType": "com.linkedin.common.error.BadRequest",
                    "message": "com.linkedin.content.common.exception.BadRequestResponseException: "
                    f"Content is a duplicate of {first.id}",
                    "errorDetails": {
                        "inputErrors": [
                            {"description": "Duplicate post is detected", "input": {}, "code": "DUPLICATE_POST"}
                        ]
                    },
                    "status": 422,
                }
            ).encode(),
        ),
    )
    assert send(channel, message()).id == first.id


def test_the_same_words_from_before_are_not_adopted(channel, server, clock):
    send(channel, message(key="old"))
    clock.advance(timedelta(hours=1))
    with pytest.raises(RejectedError, match="which was there before; change the words"):
        send(channel, message(key="new", at=clock.now()))
    assert len(server.posts) == 1


def test_a_ghost_is_not_adopted(channel, server, clock):
    channel.delete(send(channel, message()))
    for _ in range(3):
        with pytest.raises(InDoubtError, match="which is not there: deleted, or not shown yet"):
            send(channel, message())
        assert find(channel, message()) is None
    clock.advance(timedelta(hours=49))
    assert send(channel, message()).id == server.posts[0].urn


def test_a_post_that_is_not_shown_yet_is_not_sent_twice(channel, server, clock):
    one = message(at=NOW)
    server.program(POST, FAULTS["reset after"])
    with pytest.raises(InDoubtError):
        send(channel, one)
    server.unseen.add(server.posts[0].urn)
    assert find(channel, one) is None
    with pytest.raises(InDoubtError, match="not shown yet"):
        send(channel, one)
    server.unseen.clear()
    assert find(channel, one).id == server.posts[0].urn
    assert len(server.posts) == 1


@pytest.mark.parametrize("fault", [name for name in FAULTS if name not in {"slow", "garbage after"}])
def test_a_duplicate_that_cannot_be_seen_stays_in_doubt(fault, channel, server):
    first = send(channel, message())
    server.program(SEE, FAULTS[fault])
    with pytest.raises(InDoubtError, match=f"duplicate of https://www.linkedin.com/feed/update/{first.id}/, "):
        send(channel, message())
    assert send(channel, message()).id == first.id
    assert len(server.posts) == 1


def test_a_duplicate_without_the_right_to_look_is_for_a_person(tmp_path, clock):
    with FakeLinkedIn(clock.now, scopes=("w_organization_social",)) as server:
        section = {"organization": LINKEDIN_PAGE, "api_base": server.address}
        channel = linkedin.make(sample_options(tmp_path, LINKEDIN_SECRETS.get, settings=section, clock=clock))
        receipt = send(channel, message())
        assert (receipt.id, receipt.detail) == (server.posts[0].urn, "")
        with pytest.raises(
            InDoubtError, match=rf"{receipt.id}/, and the login has no right to look .*`disseminate"
        ):
            send(channel, message())
        with pytest.raises(
            InDoubtError, match=r"no right to look \(r_organization_social\); .*disseminate resolve"
        ):
            find(channel, message())
        assert "a person must look" in channel.probe()
        channel.close()


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ({"commentary": "Something else"}, RejectedError, "says something else"),
        ({"commentary": "Partners meet in Paris"}, InDoubtError, "does not show all of these words"),
        ({"commentary": "Partners meet"}, RejectedError, "says something else"),
        ({"state": "PUBLISH_FAILED"}, RejectedError, "is not public"),
        ({"state": "DRAFT"}, RejectedError, "is not public"),
    ],
)
def test_a_duplicate_that_is_another_is_not_adopted(change, kind, said, channel, server):
    send(channel, message())
    for name, value in change.items():
        setattr(server.posts[0], name, value)
    with pytest.raises(kind, match=said):
        send(channel, message())


def test_a_duplicate_of_nothing_named(channel, server):
    server.program(POST, saying(422, "Duplicate post is detected", code="DUPLICATE_POST"))
    with pytest.raises(InDoubtError, match="does not say where"):
        send(channel, message())


def test_a_post_that_is_refused_in_processing_did_not_go_out(channel, server):
    shown = {"commentary": "x", "lifecycleState": "PUBLISH_FAILED"}
    server.program(SEE, Fault(body=json.dumps(shown).encode()))
    with pytest.raises(RejectedError, match="took it and then refused it"):
        send(channel, message())
    server.posts[0].state = "PUBLISH_FAILED"
    assert find(channel, message()) is None


# Finding


def test_only_what_came_since_is_looked_at(channel):
    send(channel, message())
    assert find(channel, message(), NOW + timedelta(minutes=4)) is not None  # clocks differ
    assert find(channel, message(), NOW + timedelta(minutes=6)) is None


def test_a_post_that_was_cut_is_for_a_person(channel, server):
    receipt = send(channel, message())
    server.posts[0].commentary = "Partners meet in Paris "
    with pytest.raises(InDoubtError, match=f"{receipt.id}/ holds only the beginning"):
        find(channel, message())


def test_hashtags_and_spaces_may_come_back_otherwise(channel, server):
    receipt = send(channel, message("Cafe\u0301  in\n\nParis #Tag"))
    server.posts[0].commentary = "Caf\u00e9 in Paris {hashtag|#|Tag}"
    assert find(channel, message("Cafe\u0301  in\n\nParis #Tag")) == receipt


def test_more_posts_than_one_answer_shows(channel, server):
    first = send(channel, message())
    for number in range(99):
        server.posts.append(replace(server.posts[0], urn=f"urn:li:share:{number}", commentary=f"Post {number}"))
    assert find(channel, message()) == first
    with pytest.raises(InDoubtError, match="100 posts since, and it is not among them"):
        find(channel, message("Other"))
    assert find(channel, message("Other"), NOW + timedelta(days=1)) is None
    server.posts.pop()
    assert find(channel, message("Other")) is None


@pytest.mark.parametrize(
    "elements",
    [
        [None, 7, {"commentary": None}, {"id": 1, "commentary": TEXT}, {"commentary": "a." * 20_000, "id": "x"}],
        [{"commentary": "x", "createdAt": 10**30}, {"commentary": "x", "createdAt": "soon", "author": []}],
        [],
    ],
)
def test_posts_that_cannot_be_read_are_passed_over(elements, channel, server):
    server.program(LIST, Fault(body=json.dumps({"elements": elements}).encode()))
    assert find(channel, message("One")) is None


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"elements": 7}', b"[" * 100_000])
def test_a_list_that_is_none_is_asked_for_again(body, channel, server):
    server.program(LIST, Fault(body=body))
    with pytest.raises(UnavailableError, match="without a list of posts; it is asked again"):
        find(channel, message())


# Correcting and taking away


def test_words_are_changed(channel, server):
    receipt = send(channel, message())
    changed = message("Partners (all) met in Paris #Again")
    for _ in range(2):
        assert channel.edit(receipt, changed) == receipt
    assert [post.text for post in server.posts] == ["Partners (all) met in Paris #Again"]


def test_that_the_pictures_stay_is_said(channel, server):
    receipt = send(channel, message(pictures=[picture()]))
    changed = message("Partners met in Paris", pictures=[picture()])
    assert "the pictures or the card stay" in channel.edit(receipt, changed).detail


def test_a_post_is_taken_away_once(channel, server):
    receipt = send(channel, message())
    channel.delete(receipt)
    channel.delete(receipt)
    assert server.posts == []
    with pytest.raises(RejectedError, match="it is not there"):
        channel.edit(receipt, message())


def test_the_address_that_an_officer_gave_is_enough(channel, server):
    receipt = send(channel, message())
    channel.delete(Receipt(url=receipt.url))
    assert server.posts == []
    with pytest.raises(RejectedError, match="does not name the post's URN; do it on LinkedIn"):
        channel.delete(Receipt(url="https://www.linkedin.com/posts/x_activity-7332661864792854528-hcGT"))


@pytest.mark.parametrize("request_", ["POST /rest/posts/urn", "DELETE /rest/posts/urn"])
@pytest.mark.parametrize("fault", FAULTS)
def test_what_goes_wrong_while_changing(request_, fault, channel, server):
    receipt = send(channel, message())
    server.program(request_, FAULTS[fault])

    def change():
        return channel.delete(receipt) if request_.startswith("DELETE") else channel.edit(receipt, message("Two"))

    if fault in {"slow", "garbage", "garbage after"}:
        change()
    else:
        with pytest.raises(ChannelError) as caught:
            change()
        assert type(caught.value) is {"429": UnavailableError, "401": NeedsLoginError}.get(fault, InDoubtError)
    change()
    assert [post.text for post in server.posts] == ([] if request_.startswith("DELETE") else ["Two"])


# Settings and secrets


def test_the_token_is_asked_for_at_every_call(make_channel, server):
    secrets = {}
    channel = make_channel(secrets)
    with pytest.raises(NeedsLoginError, match="nobody has logged in; run `disseminate login linkedin`"):
        send(channel, message())
    assert server.requests == []
    secrets.update(LINKEDIN_SECRETS)
    assert send(channel, message())
    server.revoke()
    with pytest.raises(NeedsLoginError, match="401"):
        send(channel, message("Other"))


@pytest.mark.parametrize("token", ["AQX token", "AQX\n", "AQXé"])
def test_a_token_that_is_none(token, make_channel, server):
    with pytest.raises(NeedsLoginError, match="copy it anew") as caught:
        send(make_channel({"LINKEDIN_ACCESS_TOKEN": token}), message())
    assert token not in str(caught.value)
    assert server.requests == []


def test_an_expired_token(channel, server, clock):
    clock.advance(timedelta(days=60))
    with pytest.raises(
        NeedsLoginError, match=r"401 \(The token used in the request has expired\); .*disseminate login"
    ):
        send(channel, message())


def test_no_secret_is_logged_or_told(channel, server, caplog):
    caplog.set_level(logging.DEBUG)
    server.program(POST, FAULTS["401"])
    with pytest.raises(NeedsLoginError) as caught:
        send(channel, message(pictures=[picture()]))
    send(channel, message(pictures=[picture()]))
    told = f"{caplog.text} {caught.value!r} {vars(channel)!r}"
    assert LINKEDIN_SECRETS["LINKEDIN_ACCESS_TOKEN"] not in told


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"organization": ""}, r"organization: write the page's number"),
        ({"organization": "urn:li:person:1"}, r"organization: write the page's number"),
        ({"organisation": 1}, r"organisation: unknown key; did you mean organization\?"),
        ({"version": "2026-09"}, r"version: write a year and a month"),
        ({"version": 202613}, r"version: write a year and a month"),
        ({"attach": "video"}, r"attach: must be"),
        ({"redirect": "http://example.eu"}, r"redirect: must begin with https"),
        ({"client_id": "a b"}, r"client_id"),
        ({"api_base": "http://example.eu"}, r"api_base: .*must begin with https"),
        ({"read_timeout": 0}, r"read_timeout"),
        ({"token": "sesame"}, r"token: unknown key"),
    ],
)
def test_settings_are_checked_when_it_is_made(settings, problem, tmp_path):
    section = {"organization": LINKEDIN_PAGE, **settings}
    with pytest.raises(SettingsError, match=rf"channels\.linkedin\.{problem}") as caught:
        linkedin.make(sample_options(tmp_path, name="linkedin", settings=section))
    assert "sesame" not in str(caught.value)


def test_the_page_must_be_named(tmp_path):
    with pytest.raises(SettingsError, match=r"channels\.linkedin\.organization: is missing"):
        linkedin.make(sample_options(tmp_path, name="linkedin"))


def test_the_probe_says_who_posts(channel, server):
    assert channel.probe() == "posts as urn:li:organization:4711"
    server.program(LIST, FAULTS["401"])
    with pytest.raises(NeedsLoginError):
        channel.probe()


def test_the_probe_without_any_right(tmp_path, clock):
    with FakeLinkedIn(clock.now, scopes=()) as server:
        section = {"organization": LINKEDIN_PAGE, "api_base": server.address}
        channel = linkedin.make(sample_options(tmp_path, LINKEDIN_SECRETS.get, settings=section, clock=clock))
        with pytest.raises(NeedsLoginError, match="w_organization_social and r_organization_social"):
            channel.probe()
        channel.close()
