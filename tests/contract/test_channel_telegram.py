"""The channel `telegram` against a stand-in of the Bot API that takes everything twice."""

import json
import logging
import traceback
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dissemination.channels import telegram
from dissemination.errors import (
    ChannelError,
    InDoubtError,
    NeedsLoginError,
    RejectedError,
    SettingsError,
    UnavailableError,
)
from dissemination.model import Level, PostPicture, Receipt, Repeat
from dissemination.ports import Deletes, Edits, Finds, LogsIn, Probes
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
from dissemination.testing.telegram import TELEGRAM_SECRETS, FakeTelegram, limited, refusal

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
TOKEN = TELEGRAM_SECRETS["TELEGRAM_TOKEN"]
PICTURE = sample_picture()


@pytest.fixture
def clock():
    return FixedClock(NOW)


@pytest.fixture
def server(clock):
    with FakeTelegram(clock.now) as server:
        yield server


@pytest.fixture
def vault():
    return MemoryVault()


@pytest.fixture
def make_channel(tmp_path, server, clock, vault):
    made = []

    def make(secrets=TELEGRAM_SECRETS, **settings):
        section = {"chat": "@project", "api_base": server.address, "read_timeout": 5, **settings}
        options = sample_options(
            tmp_path, dict(secrets).get, name="telegram", settings=section, clock=clock, vault=vault
        )
        made.append(telegram.make(options))
        return made[-1]

    yield make
    for channel in made:
        channel.close()


@pytest.fixture
def channel(make_channel):
    return make_channel()


def message(text="Partners meet https://news.example.eu/en/ #InterregEurope", picture=None, **changes):
    pictures = (PostPicture(digest=picture.digest, alt="A picture"),) if picture else ()
    link = "https://news.example.eu/en/" if "https://news.example.eu/en/" in text else ""
    post = sample_post(network="telegram", text=text, link=link, pictures=pictures)
    shown = {picture.digest: picture} if picture else {}
    return sample_message(post, key="third-meeting:telegram:1", pictures=shown, **changes)


def send(channel, one):
    return channel.send(one, key=one.key)


class TestContract(ChannelContract):
    @pytest.fixture
    def making(self):
        return telegram.make

    @pytest.fixture
    def settings(self, server):
        return {"api_base": server.address, "chat": "@project"}

    @pytest.fixture
    def secrets(self):
        return TELEGRAM_SECRETS


# What is sent


def test_a_text_and_where_it_stands(channel, server):
    receipt = send(channel, message())
    assert receipt == Receipt(id="-1001234567890:1", url="https://t.me/project/1")
    assert server.messages[0].text == message().body.text
    assert server.messages[0].preview == "https://news.example.eu/en/"
    assert server.requests == ["sendMessage"]


def test_it_asks_a_person_and_has_its_powers(channel):
    assert channel.limits.repeat is Repeat.ASK
    assert not isinstance(channel, Finds)
    assert all(isinstance(channel, power) for power in (Edits, Deletes, Probes, LogsIn))


@pytest.mark.parametrize(
    "text",
    [
        "Partners & friends: 3 < 4 > 2 &amp; \"quotes\" 'too'",
        "<b>not bold</b> & <script>",
        "a_b *c* [d](e) `f` ~g~ 👩🏽‍🚒 „Príklad“\n\nnext",
    ],
)
@pytest.mark.parametrize("picture", [None, PICTURE])
def test_every_sign_arrives_as_it_is(text, picture, channel, server):
    send(channel, message(text, picture))
    assert server.messages[0].text == text


def test_only_three_signs_mean_anything():
    assert telegram._escaped("\"'&<>_*[]()~`#+-=|{}.!") == "\"'&amp;&lt;&gt;_*[]()~`#+-=|{}.!"


def test_a_card_only_for_the_posts_own_link_and_where_it_is_wanted(channel, make_channel, server):
    send(channel, message("Two https://other.example/"))
    send(make_channel(link_preview=False), message())
    assert [one.preview for one in server.messages] == ["", ""]


def test_a_picture_with_its_caption(channel, server):
    receipt = send(channel, message("See", PICTURE))
    assert (server.messages[0].photo, server.messages[0].text) == (PICTURE.body, "See")
    assert receipt.url == "https://t.me/project/1"
    assert server.requests == ["sendPhoto"]


def test_a_picture_without_words_and_the_words_as_its_answer(channel, server):
    first = send(channel, message("", PICTURE))
    send(channel, message("m" * 4096, in_reply_to=first))
    assert [(one.text[:2], one.reply_to) for one in server.messages] == [("", None), ("mm", 1)]


def test_a_picture_may_answer_too(channel, server):
    first = send(channel, message("One"))
    send(channel, message("Two", PICTURE, in_reply_to=first))
    assert [one.reply_to for one in server.messages] == [None, 1]


def test_what_it_answers_is_gone(channel, server):
    first = send(channel, message("One"))
    channel.delete(first)
    with pytest.raises(RejectedError, match="what it answers is gone"):
        send(channel, message("Two", in_reply_to=first))
    with pytest.raises(RejectedError, match="no message of Telegram"):
        send(channel, message("Two", in_reply_to=Receipt(id="abc")))
    assert server.messages == []


def test_what_an_officer_found_by_its_address_is_answered_changed_and_taken_away(channel, server):
    """`disseminate resolve --published https://t.me/project/1` knows the number alone."""
    send(channel, message("One"))
    seen = Receipt(id="1", url="https://t.me/project/1")
    send(channel, message("Two", in_reply_to=seen))
    assert [one.reply_to for one in server.messages] == [None, 1]
    channel.edit(seen, message("One, mended"))
    assert server.messages[0].text == "One, mended"
    channel.delete(seen)
    assert [one.text for one in server.messages] == ["Two"]


def test_the_same_post_twice_stands_twice(channel, server):
    assert send(channel, message()).id != send(channel, message()).id
    assert len(server.messages) == 2


def test_a_channel_without_a_public_name(make_channel, server):
    del server.chat["username"]
    receipt = send(make_channel(chat=-1001234567890), message())
    assert receipt.url == "https://t.me/c/1234567890/1"
    server.chat.update(id=-4711, type="group")
    assert send(make_channel(chat="-4711"), message()) == Receipt(id="-4711:2", url="")


# What does not fit is refused before anything goes out


@pytest.mark.parametrize(
    ("text", "picture", "goes"),
    [
        ("m" * 4096, None, True),
        ("m" * 4097, None, False),
        ("&" * 4096, None, True),  # five characters each while they travel
        ("👩" * 2048, None, True),
        ("👩" * 2048 + "m", None, False),
        ("m" * 1024, PICTURE, True),
        ("<" * 1024, PICTURE, True),
        ("m" * 1025, PICTURE, False),
        ("👩" * 512 + "m", PICTURE, False),
        ("", None, False),
        (" \n", None, False),
    ],
)
def test_length_in_utf16_units_after_parsing(text, picture, goes, channel, server):
    if goes:
        assert send(channel, message(text, picture))
    else:
        with pytest.raises(RejectedError, match=r"^telegram: the post has "):
            send(channel, message(text, picture))
    assert len(server.messages) == int(goes)
    assert bool(server.requests) == goes


@pytest.mark.parametrize("surplus", [("m" * 4097, None), ("m" * 1025, PICTURE)])
def test_the_stand_in_counts_too(surplus, channel, server):
    channel.limits = replace(channel.limits, max_length=9999, pictured_length=9999)
    with pytest.raises(RejectedError, match="too long"):
        send(channel, message(*surplus))
    assert server.messages == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"text": "half \ud83d"}, "surrogate"),
        ({"thread": ("Two",)}, "one by one"),
        ({"pictures": (PostPicture(digest="0" * 64, alt=""),)}, "not there"),
        ({"pictures": (PostPicture(digest=PICTURE.digest, alt=""),) * 2}, "2 pictures of 1"),
    ],
)
def test_what_telegram_cannot_carry(change, problem, channel, server):
    one = message("See", PICTURE)
    with pytest.raises(RejectedError, match=problem):
        send(channel, replace(one, body=replace(one.body, **change)))
    assert server.requests == []


@pytest.mark.parametrize(
    ("size", "problem"),
    [((9000, 1001), "10,001 of 10,000 pixels"), ((210, 10), "20 times"), ((10, 210), "20 times")],
)
def test_pictures_that_telegram_refuses(size, problem, channel, server):
    with pytest.raises(RejectedError, match=problem):
        send(channel, message("See", replace(PICTURE, width=size[0], height=size[1])))
    with pytest.raises(RejectedError, match=r"more than 10,000,000 bytes"):
        send(channel, message("See", replace(PICTURE, body=b"m" * 10_000_001)))
    assert server.requests == []


def test_telegram_looks_at_pictures_itself(channel, server):
    with pytest.raises(RejectedError, match="IMAGE_PROCESS_FAILED"):
        send(channel, message("See", replace(PICTURE, body=b"no picture")))
    with pytest.raises(RejectedError, match="PHOTO_INVALID_DIMENSIONS"):
        send(channel, message("See", replace(sample_picture(size=(420, 20)), width=20)))
    assert server.messages == []


# What goes wrong: what is sent of it, what it means, and whether the post is out

WRONG = {
    **{name: (fault, InDoubtError) for name, fault in FAULTS.items() if name not in {"429", "401"}},
    "429": (FAULTS["429"], UnavailableError),
    "429 with its wait": (limited(35), UnavailableError),
    "401": (FAULTS["401"], NeedsLoginError),
    "401 of Telegram": (refusal(401, "Unauthorized"), NeedsLoginError),
    "404": (refusal(404, "Not Found"), NeedsLoginError),
    "403": (refusal(403, "Forbidden: bot was kicked from the channel chat"), NeedsLoginError),
    "400 for a right": (refusal(400, "Bad Request: not enough rights to send photos to the chat"), NeedsLoginError),
    "400 for the chat": (refusal(400, "Bad Request: chat not found"), NeedsLoginError),
    "400 for the post": (refusal(400, "Bad Request: can't parse entities: what?"), RejectedError),
    "413": (Fault(status=413, body=b"<html>Request Entity Too Large</html>"), RejectedError),
    "400 with a page": (Fault(status=400, body=b"<html>Bad Request</html>"), InDoubtError),
    "403 with a page": (Fault(status=403, body=b"<html>Blocked</html>"), InDoubtError),
    "404 with a page": (Fault(status=404, body=b"<html>Not found</html>"), InDoubtError),
    "502 with a page": (Fault(status=502, body=b"<html>Bad Gateway</html>"), InDoubtError),
    "elsewhere": (Fault(status=302, headers={"Location": "https://127.0.0.1:9/"}), InDoubtError),
    "a list": (Fault(stored=True, body=b"[1]"), InDoubtError),
    "no result": (Fault(stored=True, body=b'{"ok":true}'), InDoubtError),
    "not ok": (Fault(body=b'{"ok":false,"result":{}}'), InDoubtError),
    "not ok, though it looks so": (
        Fault(body=b'{"ok":false,"result":{"message_id":7,"chat":{"id":-1}}}'),
        InDoubtError,
    ),
    "no number": (Fault(stored=True, body=b'{"ok":true,"result":{"chat":{"id":-1}}}'), InDoubtError),
    "no chat": (Fault(stored=True, body=b'{"ok":true,"result":{"message_id":7}}'), InDoubtError),
    "a truth for a number": (
        Fault(stored=True, body=b'{"ok":true,"result":{"message_id":true,"chat":{"id":-1}}}'),
        InDoubtError,
    ),
    "nesting without end": (Fault(stored=True, body=b"[" * 100_000), InDoubtError),
    "an answer without end": (Fault(stored=True, body=b" " * 5_000_000), InDoubtError),
    "packed, and it is not": (Fault(stored=True, headers={"Content_Encoding": "gzip"}), InDoubtError),
}


@pytest.mark.parametrize("picture", [None, PICTURE])
@pytest.mark.parametrize("name", WRONG)
def test_what_goes_wrong_while_sending(name, picture, make_channel, server):
    fault, kind = WRONG[name]
    channel = make_channel(read_timeout=0.6 if fault.silent or fault.drips else 5)
    step = "sendPhoto" if picture else "sendMessage"
    server.program(step, fault)
    with pytest.raises(ChannelError, match=r"^telegram: .+; .+") as caught:
        send(channel, message("See", picture))
    assert type(caught.value) is kind
    assert (server.requests, len(server.messages)) == ([step], int(fault.stored))
    assert TOKEN not in "".join(traceback.format_exception(caught.value))
    if kind is not InDoubtError:  # nothing is lost: later it goes out once
        send(channel, message("See", picture))
        assert len(server.messages) == 1


def test_a_server_that_is_not_there(channel, server):
    with server.closed(), pytest.raises(UnavailableError, match=r"cannot reach Telegram .*online"):
        send(channel, message())
    assert send(channel, message())
    assert len(server.messages) == 1


@pytest.mark.parametrize(("seconds", "wait"), [(35, 35), (0, 0), (-5, 0), (400 * 86_400, 86_400)])
def test_when_telegram_takes_posts_again(seconds, wait, channel, server):
    server.program("sendMessage", limited(seconds))
    with pytest.raises(UnavailableError, match=r"429 \(Too Many Requests: retry after .*later") as caught:
        send(channel, message())
    assert caught.value.retry_at == NOW + timedelta(seconds=wait)


@pytest.mark.parametrize(
    "parameters", [{"retry_after": "soon"}, {"retry_after": None}, {"retry_after": True}, [], None]
)
def test_a_wait_that_says_nothing(parameters, channel, server):
    body = json.dumps({"ok": False, "description": "slow down", "parameters": parameters}).encode()
    server.program("sendMessage", Fault(status=429, body=body))
    with pytest.raises(UnavailableError) as caught:
        send(channel, message())
    assert caught.value.retry_at is None


def test_a_wait_in_the_header_is_better_than_none(channel, server):
    server.program("sendMessage", Fault(status=429, body=b"{}", headers={"Retry_After": "60"}))
    with pytest.raises(UnavailableError) as caught:
        send(channel, message())
    assert caught.value.retry_at == NOW + timedelta(seconds=60)


def test_a_group_that_became_another_one(channel, server):
    server.migrated_to = -1009876543210
    with pytest.raises(NeedsLoginError, match=r"write `chat: -1009876543210` into channels\.telegram"):
        send(channel, message())


def test_a_bot_that_is_no_administrator(channel, server):
    server.status = "left"
    with pytest.raises(
        NeedsLoginError, match=r"403 \(Forbidden: bot is not a member.*make the bot an administrator"
    ):
        send(channel, message())
    server.status, server.may_post = "administrator", False
    with pytest.raises(NeedsLoginError, match="need administrator rights"):
        send(channel, message("See", PICTURE))
    assert server.messages == []


def test_html_that_is_none_is_refused_by_the_stand_in(channel, server, monkeypatch):
    for text in ("<x>", "a < b", "<b>open", "</i>", "<b></i></b>"):
        monkeypatch.setattr(telegram, "_escaped", lambda given, text=text: text)
        with pytest.raises(RejectedError, match="can't parse entities"):
            send(channel, message())
    assert server.messages == []


# Changing what is out


def test_words_are_changed(channel, server):
    first, second = send(channel, message("One")), send(channel, message("Two", PICTURE))
    edited = channel.edit(first, message("Uno & more"))
    assert (edited.id, edited.url, edited.changed) == (first.id, first.url, 1)
    assert "picture stays" in channel.edit(second, message("Due", PICTURE)).detail
    assert [one.text for one in server.messages] == ["Uno & more", "Due"]
    assert server.messages[1].photo == PICTURE.body


@pytest.mark.parametrize("picture", [None, PICTURE])
def test_changing_twice_changes_nothing(picture, channel, server):
    first = send(channel, message("One", picture))
    assert channel.edit(first, message("Two", picture)).changed == 1
    assert channel.edit(first, message("Two", picture)).changed == 0
    assert len(server.messages) == 1


def test_what_cannot_be_changed(channel, server):
    first = send(channel, message("One"))
    with pytest.raises(RejectedError, match="no caption"):
        channel.edit(first, message("Two", PICTURE))
    server.program("editMessageText", refusal(400, "Bad Request: message can't be edited"))
    with pytest.raises(RejectedError, match="do it by hand"):
        channel.edit(first, message("Two"))
    channel.delete(first)
    with pytest.raises(RejectedError, match="message to edit not found"):
        channel.edit(first, message("Two"))
    with pytest.raises(RejectedError, match="no message of Telegram"):
        channel.edit(Receipt(id="seven"), message("Two"))


def test_taking_away(channel, server):
    first, second = send(channel, message("One")), send(channel, message("Two"))
    channel.delete(first)
    channel.delete(first)
    assert [one.id for one in server.messages] == [2]
    assert second.id.endswith(":2")


def test_what_is_old_is_taken_away_by_hand(channel, server, clock):
    first = send(channel, message())
    clock.advance(timedelta(hours=49))
    with pytest.raises(RejectedError, match=r"can't be deleted.*by hand: https://t\.me/project/1"):
        channel.delete(first)
    assert len(server.messages) == 1


@pytest.mark.parametrize("name", FAULTS)
def test_what_goes_wrong_while_changing_and_taking_away(name, make_channel, server):
    fault = FAULTS[name]
    channel = make_channel(read_timeout=0.6)
    first = send(channel, message("One"))
    for step, act in (
        ("editMessageText", lambda: channel.edit(first, message("Two"))),
        ("deleteMessage", lambda: channel.delete(first)),
    ):
        server.program(step, fault)
        with pytest.raises(ChannelError):
            act()
        act()
    assert server.messages == []


# Who posts where


def test_the_probe_says_who_posts_where(channel, server):
    assert channel.probe() == "posts as @project_bot to The project @project"
    assert server.requests == ["getMe", "getChat", "getChatMember"]


@pytest.mark.parametrize(
    ("status", "may_post", "kind", "problem"),
    [
        ("administrator", False, "channel", r"lacks the right to post messages .*can_post_messages"),
        ("member", False, "channel", r"no administrator of The project @project; make it one"),
        ("left", False, "channel", r"member list is inaccessible.*administrator"),
        ("restricted", False, "supergroup", r"may not write"),
        ("kicked", False, "supergroup", r"may not write"),
    ],
)
def test_the_probe_says_which_right_is_missing(  # noqa: PLR0917 - a row of the table
    status, may_post, kind, problem, channel, server
):
    server.status, server.may_post = status, may_post
    server.chat["type"] = kind
    with pytest.raises(NeedsLoginError, match=problem):
        channel.probe()


def test_members_of_a_group_may_write(channel, server):
    server.chat["type"], server.status = "supergroup", "member"
    assert channel.probe().startswith("posts as")


@pytest.mark.parametrize("step", ["getMe", "getChat", "getChatMember"])
@pytest.mark.parametrize("name", FAULTS)
def test_what_goes_wrong_while_looking(name, step, make_channel, server):
    channel = make_channel(read_timeout=0.6)
    server.program(step, FAULTS[name])
    with pytest.raises((UnavailableError, NeedsLoginError)):
        channel.probe()
    assert channel.probe()


# Logging in


def test_a_login_asks_for_the_token_and_keeps_it(make_channel, server, vault):
    channel = make_channel({})
    [prompt] = channel.prompts({})
    assert (prompt.name, prompt.secret, prompt.url) == ("TELEGRAM_TOKEN", True, "https://t.me/BotFather")
    assert channel.prompts({"TELEGRAM_TOKEN": TOKEN}) == ()
    with pytest.raises(NeedsLoginError, match=r"TELEGRAM_TOKEN not known; `disseminate login telegram`"):
        send(channel, message())
    seen = channel.login({"TELEGRAM_TOKEN": f" {TOKEN}\n"})
    assert [(one.level, one.said) for one in seen] == [
        (None, "the token is that of @project_bot"),
        (None, "posts to The project @project"),
    ]
    assert vault.kept == {"login": {"TELEGRAM_TOKEN": TOKEN}}
    assert send(channel, message())


@pytest.mark.parametrize(
    "token", ["4711:" + "b" * 35, "sesame", "4711:AA/../../x" + "a" * 30, "", "4711:\u0661" * 9]
)
def test_a_wrong_token_is_not_kept(token, make_channel, vault, server):
    with pytest.raises(NeedsLoginError) as caught:
        make_channel({}).login({"TELEGRAM_TOKEN": token})
    assert vault.kept == {}
    assert not token or token not in str(caught.value)


def test_a_login_says_what_lacks_and_keeps_the_token(make_channel, server, vault):
    channel = make_channel({})
    server.may_post = False
    assert [one.level for one in channel.login({"TELEGRAM_TOKEN": TOKEN})] == [None, Level.ERROR]
    server.status = "left"
    assert "make the bot an administrator" in channel.login({"TELEGRAM_TOKEN": TOKEN})[1].said
    elsewhere = make_channel({}, chat="@elsewhere").login({"TELEGRAM_TOKEN": TOKEN})
    assert "see `chat`" in elsewhere[1].said
    assert vault.kept


@pytest.mark.parametrize("step", ["getMe", "getChat", "getChatMember"])
def test_a_login_that_cannot_be_tried_keeps_nothing(step, make_channel, server, vault):
    server.program(step, FAULTS["500 before"])
    with pytest.raises(UnavailableError):
        make_channel({}).login({"TELEGRAM_TOKEN": TOKEN})
    assert vault.kept == {}


def test_a_token_of_the_environment_counts_first_and_is_told(make_channel, server):
    old = "4711:" + "o" * 35
    seen = make_channel({"TELEGRAM_TOKEN": old}).login({"TELEGRAM_TOKEN": TOKEN})
    assert seen[-1].level is Level.WARNING
    assert "take it out" in seen[-1].said


def test_a_new_token_counts_at_once(make_channel, server):
    secrets = {"TELEGRAM_TOKEN": TOKEN}
    channel = make_channel(secrets)
    channel._credentials._options = replace(channel._credentials._options, secret=secrets.get)
    send(channel, message())
    server.token = "4711:" + "n" * 35
    with pytest.raises(NeedsLoginError, match="401"):
        send(channel, message())
    secrets["TELEGRAM_TOKEN"] = server.token
    assert send(channel, message())


# The token


@pytest.mark.parametrize("name", [None, *FAULTS, "closed"])
def test_the_token_is_nowhere(name, make_channel, server, caplog):
    caplog.set_level(logging.DEBUG)
    channel = make_channel(read_timeout=0.6)
    told = repr(channel) + repr(vars(channel)) + repr(vars(channel._exchange))
    try:
        if name == "closed":
            with server.closed():
                send(channel, message())
        else:
            server.program("sendMessage", *([FAULTS[name]] if name else []))
            send(channel, message())
    except ChannelError as error:
        told += "".join(traceback.format_exception(error)) + repr(error)
        for cause in (error.__cause__, error.__context__):
            told += repr(cause) + repr(getattr(cause, "_request", None)) + str(vars(cause) if cause else "")
            told += str(getattr(getattr(cause, "_request", None), "url", ""))
    logged = caplog.text + "".join(repr(record.args) for record in caplog.records)
    assert "/sendMessage" in logged or name in {
        "reset before",
        "reset after",
        "timeout before",
        "timeout after",
        "closed",
    }
    for secret in (TOKEN, TOKEN.partition(":")[2]):
        assert secret not in told + logged


# Settings


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({}, r"channels\.telegram\.chat: is missing"),
        ({"chat": "project"}, r"chat: write the channel's public name \(@project\)"),
        ({"chat": "https://t.me/project"}, r"chat: write"),
        ({"chat": True}, r"chat: write"),
        ({"chat": ["@project"]}, r"chat: write"),
        ({"chat": "@project", "chatt": 1}, r"chatt: unknown key; did you mean chat\?"),
        ({"chat": "@project", "token": TOKEN}, r"token: unknown key"),
        ({"chat": "@project", "api_base": "http://example.eu"}, r"api_base: .*must begin with https"),
        ({"chat": "@project", "read_timeout": 0}, r"read_timeout"),
    ],
)
def test_settings_are_checked_when_it_is_made(settings, problem, tmp_path):
    with pytest.raises(SettingsError, match=problem) as caught:
        telegram.make(sample_options(tmp_path, name="telegram", settings=settings))
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("chat", ["@project", -1001234567890, "-1001234567890"])
def test_how_a_chat_may_be_written(chat, tmp_path):
    telegram.make(sample_options(tmp_path, name="telegram", settings={"chat": chat})).close()


def test_the_environments_proxy_is_not_asked_for_this_machine(make_channel, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert send(make_channel(), message())
