"""Telegram, by the Bot API: posts of a bot in a channel, with one picture or without.

A bot cannot read its channel, and the same post sent twice stands twice. So only an answer counts; where none came,
a person looks.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from dissemination.channels import sections
from dissemination.channels.exchange import Exchange, Refusal, Reply, moment, retry_after, trusted
from dissemination.channels.fitting import fitting
from dissemination.channels.guard import Discreet, hidden, outward
from dissemination.channels.logins import Credentials
from dissemination.channels.networks import NETWORKS
from dissemination.errors import ChannelError, InDoubtError, NeedsLoginError, RejectedError, UnavailableError
from dissemination.model import Level, Limits, Message, Picture, Post, Receipt, Symptom
from dissemination.ports import ChannelOptions, Prompt

# Limits

LIMITS: Limits = NETWORKS["telegram"]
#: Pixels, width and height together, and how many times the one is the other.
#: https://core.telegram.org/bots/api#sendphoto
_PIXELS, _RATIO = 10_000, 20

# Settings

_TOKEN = "TELEGRAM_TOKEN"  # noqa: S105 - the name of a secret
_TOKEN_FORM = re.compile(r"[0-9]{3,20}:[A-Za-z0-9_-]{20,100}")
_CHAT_FORM = re.compile(r"@[A-Za-z][A-Za-z0-9_]{3,31}|-?[0-9]{1,19}")


def _chat(value: object) -> str:
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not _CHAT_FORM.fullmatch(text):
        raise ValueError("write the channel's public name (@project) or its number (-1001234567890)")
    return text


class _Section(BaseModel):
    """The channel's section of settings.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    chat: Annotated[str, BeforeValidator(_chat)]
    """Where posts go: a channel's public name (@project), or its number where it has none."""
    link_preview: bool = True
    """Whether Telegram shows a card of the post's link below a text."""
    api_base: Annotated[str, AfterValidator(trusted)] = "https://api.telegram.org"
    """Where requests go: a Bot API server of your own, or a test's stand-in."""
    connect_timeout: float = Field(default=5, gt=0, le=60)
    """Seconds until a connection stands."""
    read_timeout: float = Field(default=30, gt=0, le=300)
    """Seconds for an answer: for its next bytes, and for the whole of it."""


# Making


def make(options: ChannelOptions) -> TelegramChannel:
    """The channel; the token is asked for at every call, so that a new one counts at once.

    Raises:
        SettingsError: an unknown key or a wrong value in the section.
    """
    return TelegramChannel(options, sections.read(options, _Section))


class TelegramChannel:
    """Posts of one bot in one channel. It may be used by several threads.

    Args:
        options: of the channel.
        section: the checked section of settings.
    """

    def __init__(self, options: ChannelOptions, section: _Section) -> None:
        self.limits = LIMITS
        self._name, self._secret, self._section = options.name, options.secret, section
        self._credentials = Credentials(options, _TOKEN)
        self._exchange = Exchange(
            options.name,
            "Telegram",
            _REFUSALS,
            options.clock.now,
            connect=section.connect_timeout,
            read=section.read_timeout,
            waits=_waits,
            transport=lambda: Discreet(outward(section.api_base)),
        )

    def send(self, message: Message, /, *, key: str) -> Receipt:  # noqa: ARG002 - Telegram knows no idempotency key
        """Post it, as a reply where `message.in_reply_to` names a post.

        Raises:
            RejectedError: Telegram refuses this post, or it is none that it carries.
            UnavailableError: nothing reached Telegram, or it asks to wait.
            InDoubtError: no answer that tells.
            NeedsLoginError: the token is missing or wrong, or the bot may not post there.
        """
        post = self._fitting(message)
        facts = {"chat_id": self._section.chat} | self._reply_to(message.in_reply_to)
        if post.pictures:
            picture = message.pictures[post.pictures[0].digest]
            answer = self._call("sendPhoto", data=_form(facts | _caption(post)), files={"photo": _file(picture)})
        else:
            answer = self._call("sendMessage", json=facts | self._words(post))
        return self._receipt(answer)

    def edit(self, receipt: Receipt, message: Message, /) -> Receipt:
        """Change the words; the picture stays as it is. The errors of `send`."""
        post = self._fitting(message)
        place = self._place(receipt)
        method, words = (
            ("editMessageCaption", _caption(post)) if post.pictures else ("editMessageText", self._words(post))
        )
        answer = self._call(method, fine="message is not modified", json=place.facts() | words)
        detail = "the words; the picture stays as it was" if post.pictures else ""
        return Receipt(id=receipt.id, url=receipt.url, changed=0 if answer is None else 1, detail=detail)

    def delete(self, receipt: Receipt, /) -> None:
        """Take it away; what is not there is fine. The errors of `send`."""
        place = self._place(receipt)
        try:
            self._call("deleteMessage", fine="message to delete not found", json=place.facts())
        except RejectedError as error:
            raise RejectedError(f"{error}: {receipt.url or receipt.id}") from error

    def probe(self) -> str:
        """Who posts where.

        Raises:
            NeedsLoginError: the bot lacks the right to post; the text says what to give it.
            ChannelError: Telegram cannot be asked, or refuses.
        """
        standing = self._standing(self._me())
        if standing.lacks:
            raise NeedsLoginError(f"{self._name}: {standing.lacks}, then resume the channel")
        return f"posts as @{standing.bot} to {standing.title}"

    def close(self) -> None:
        """Let go of connections."""
        self._exchange.close()

    # Logging in

    def prompts(self, given: Mapping[str, str], /) -> Sequence[Prompt]:
        """The bot's token, and nothing else."""
        text = "Token of the bot that posts: send /newbot (or /token) to @BotFather and copy what it answers."
        return (
            ()
            if given.get(_TOKEN)
            else (Prompt(name=_TOKEN, text=text, secret=True, url="https://t.me/BotFather"),)
        )

    def login(self, given: Mapping[str, str], /) -> Sequence[Symptom]:
        """Ask Telegram who the token's bot is and what it may do in the channel, and keep the token.

        Raises:
            NeedsLoginError: the token is wrong; nothing is kept.
            UnavailableError: Telegram cannot be asked now; nothing is kept.
        """
        token = self._checked(self._credentials.given(given)[_TOKEN])
        me = self._me(token)
        seen = [Symptom(what=self._name, said=f"the token is that of @{me['username']}"), self._seen(me, token)]
        self._credentials.keep({_TOKEN: token})
        if self._secret(_TOKEN) not in {None, "", token}:
            said = f"the environment has another {_TOKEN}, which counts before what was kept now; take it out"
            seen.append(Symptom(what=self._name, level=Level.WARNING, said=said))
        return seen

    def _seen(self, me: Mapping[str, Any], token: str) -> Symptom:
        """What the bot may do, also where it is not let in yet."""
        try:
            standing = self._standing(me, token)
        except (NeedsLoginError, InDoubtError) as error:
            return Symptom(what=self._name, level=Level.ERROR, said=str(error))
        level = Level.ERROR if standing.lacks else None
        return Symptom(what=self._name, level=level, said=standing.lacks or f"posts to {standing.title}")

    def _me(self, token: str = "") -> Mapping[str, Any]:
        return self._object(self._call("getMe", changes=False, token=token), "username", "id")

    def _standing(self, me: Mapping[str, Any], token: str = "") -> _Standing:
        where = {"chat_id": self._section.chat}
        asked = self._call("getChat", changes=False, token=token, json=where)
        chat = self._object(asked, "type", "id")
        asked = self._call("getChatMember", changes=False, token=token, json=where | {"user_id": me["id"]})
        member = self._object(asked, "status")
        return _Standing.of(str(me["username"]), chat, member)

    # The way out

    def _call(self, method: str, *, changes: bool = True, token: str = "", fine: str = "", **options: Any) -> Any:
        """One method of the Bot API; its `result`, or None where it refuses with what is `fine`."""
        base, token = self._section.api_base, token or self._checked(self._credentials.all()[_TOKEN])
        reply = self._exchange(
            "POST",
            f"{base}/{method}",
            changes=changes,
            accept=(400,),
            extensions=hidden(f"{base}/bot{token}/{method}"),
            **options,
        )
        if reply.status == 400:
            if fine and fine in str(reply.json().get("description", "")).lower():
                return None
            raise self._refused(reply, changes=changes)
        facts = reply.json()
        if facts.get("ok") is not True or "result" not in facts:
            raise self._exchange.unreadable("a result", changes=changes)
        return facts["result"]

    def _refused(self, reply: Reply, *, changes: bool) -> ChannelError:
        other = _parameter(reply, "migrate_to_chat_id")
        if other is not None:
            return NeedsLoginError(
                f"{self._name}: the group has become another one; write `chat: {other}` into "
                f"channels.{self._name} of settings.yaml and resume the channel"
            )
        return self._exchange.refused(reply, changes=changes)

    def _checked(self, token: str) -> str:
        token = token.strip()
        if not _TOKEN_FORM.fullmatch(token):
            raise NeedsLoginError(
                f"{self._name}: {_TOKEN} does not look like a bot's token (123456:AB...); copy it from @BotFather"
            )
        return token

    def _object(self, answer: Any, *names: str) -> Mapping[str, Any]:
        if not isinstance(answer, dict) or any(not isinstance(answer.get(name), str | int) for name in names):
            raise self._exchange.unreadable(" and ".join(names), changes=False)
        return answer

    def _receipt(self, answer: Any) -> Receipt:
        chat = answer.get("chat") if isinstance(answer, dict) else None
        number = answer.get("message_id") if isinstance(answer, dict) else None
        if not isinstance(chat, dict) or type(number) is not int or type(chat.get("id")) is not int:
            raise self._exchange.unreadable("the number of a message", changes=True)
        return Receipt(id=f"{chat['id']}:{number}", url=_address(chat, number))

    def _place(self, receipt: Receipt) -> _Place:
        """Where a message stands; an address that an officer gave names its number alone."""
        chat, _, number = receipt.id.rpartition(":")
        chat = chat or self._section.chat
        if not _CHAT_FORM.fullmatch(chat) or not re.fullmatch(r"[0-9]{1,18}", number):
            raise RejectedError(
                f"{self._name}: {receipt.id or 'nothing'} is no message of Telegram; look at it by hand"
            )
        return _Place(chat=chat, number=int(number))

    # Sending

    def _reply_to(self, before: Receipt | None) -> dict[str, Any]:
        return {"reply_parameters": {"message_id": self._place(before).number}} if before else {}

    def _fitting(self, message: Message) -> Post:
        post = fitting(self._name, message, self.limits)
        for fault in _faults(post, message, self.limits):
            raise RejectedError(f"{self._name}: the post {fault}")
        return post

    def _words(self, post: Post) -> dict[str, Any]:
        shown = self._section.link_preview and post.link and post.link in post.text
        preview = {"url": post.link} if shown else {"is_disabled": True}
        return {"text": _escaped(post.text), "parse_mode": "HTML", "link_preview_options": preview}


# Sending


def _faults(post: Post, message: Message, limits: Limits) -> Iterator[str]:
    """What Telegram would not carry besides, and what to do."""
    most = limits.pictured_length if post.pictures else limits.max_length
    if any("\ud800" <= sign <= "\udfff" for sign in post.text):
        yield "holds half a character (a surrogate); retype it"
    elif (length := len(post.text.encode("utf-16-le")) // 2) > most:
        below = " below a picture" if post.pictures else ""
        yield f"has {length:,} of {most:,} UTF-16 units{below}; shorten the text"
    if not post.text.strip() and not post.pictures:
        yield "has neither words nor a picture; write some"
    if post.thread:
        yield "still has all parts of a thread in it; send them one by one"
    for one in post.pictures:
        yield from _picture_faults(message.pictures[one.digest])


def _picture_faults(picture: Picture) -> Iterator[str]:
    sides = sorted((picture.width, picture.height))
    if sum(sides) > _PIXELS:
        yield f"shows a picture with width and height of {sum(sides):,} of {_PIXELS:,} pixels; take a smaller one"
    if sides[1] > _RATIO * sides[0]:
        yield f"shows a picture that is more than {_RATIO} times as long as wide; cut it"


def _escaped(text: str) -> str:
    """Text for parse_mode HTML: & < > alone mean anything (https://core.telegram.org/bots/api#html-style)."""
    return html.escape(text, quote=False)


def _caption(post: Post) -> dict[str, Any]:
    return {"caption": _escaped(post.text), "parse_mode": "HTML"}


def _form(facts: Mapping[str, Any]) -> dict[str, str]:
    """Facts as fields of a form: what is more than text goes as JSON (https://core.telegram.org/bots/api#making-requests)."""
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in facts.items()}


def _file(picture: Picture) -> tuple[str, bytes, str]:
    return picture.name, picture.body, picture.media_type


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """Where a message stands."""

    chat: str
    number: int

    def facts(self) -> dict[str, Any]:
        return {"chat_id": self.chat, "message_id": self.number}


#: What numbers of channels and large groups begin with; addresses leave it out.
_MARK = "-100"


def _address(chat: Mapping[str, Any], number: int) -> str:
    """https://core.telegram.org/api/links#message-links: by number only members see it."""
    name, numeric = chat.get("username"), str(chat["id"])
    if isinstance(name, str) and re.fullmatch(r"\w{1,40}", name):
        return f"https://t.me/{name}/{number}"
    return f"https://t.me/c/{numeric.removeprefix(_MARK)}/{number}" if numeric.startswith(_MARK) else ""


# Standing


@dataclass(frozen=True, kw_only=True, slots=True)
class _Standing:
    """What a bot is in a chat."""

    bot: str
    title: str
    #: What it lacks and what to do; "": nothing.
    lacks: str

    @classmethod
    def of(cls, bot: str, chat: Mapping[str, Any], member: Mapping[str, Any]) -> _Standing:
        """https://core.telegram.org/bots/api#chatmember."""
        names = [str(chat[key]) for key in ("title", "username") if chat.get(key)]
        title = " @".join(names) or str(chat["id"])
        status, lacks = member["status"], ""
        if chat["type"] == "channel" and status not in {"administrator", "creator"}:
            lacks = f"@{bot} is no administrator of {title}; make it one, with the right to post messages"
        elif chat["type"] == "channel" and status == "administrator" and not member.get("can_post_messages"):
            lacks = f"@{bot} lacks the right to post messages in {title} (can_post_messages); give it"
        elif status in {"left", "kicked"} or (status == "restricted" and not member.get("can_send_messages")):
            lacks = f"@{bot} may not write in {title}; add it, with the right to send messages"
        return cls(bot=bot, title=title, lacks=lacks)


# Classifying

_RIGHTS = "make the bot an administrator of the channel with the right to post messages, then resume the channel"
_CHAT = "see `chat` in settings.yaml, and that the bot is in that channel; then resume"
_BY_HAND = "Telegram lets a bot do this for a limited time only; do it by hand"
#: In every answer of the Bot API: an error page of somebody in between does not speak for it.
_SAYS = '"description"'

#: https://core.telegram.org/bots/api#making-requests: the descriptions are for people and are all there is.
_REFUSALS = (
    Refusal(status=401, error=NeedsLoginError, advice="get a token from @BotFather and log in"),
    Refusal(status=404, fragment=_SAYS, error=NeedsLoginError, advice="no bot has this token; get one and log in"),
    Refusal(status=403, fragment=_SAYS, error=NeedsLoginError, advice=_RIGHTS),
    *(
        Refusal(status=400, fragment=fragment, error=NeedsLoginError, advice=_RIGHTS)
        for fragment in (
            *("administrator rights", "not enough rights", "have no rights", "chat_admin_required"),
            *("chat_write_forbidden", "member list is inaccessible", "not a member", "participant_id_invalid"),
            "user not found",
        )
    ),
    *(
        Refusal(status=400, fragment=fragment, error=NeedsLoginError, advice=_CHAT)
        for fragment in ("chat not found", "chat_id", "peer_id_invalid")
    ),
    *(
        Refusal(status=400, fragment=fragment, error=RejectedError, advice=_BY_HAND)
        for fragment in ("can't be deleted", "can't be edited")
    ),
    Refusal(
        status=400,
        fragment="replied not found",
        error=RejectedError,
        advice="what it answers is gone; plan it anew",
    ),
    Refusal(status=400, fragment=_SAYS, error=RejectedError, advice="change the post"),
    Refusal(status=413, error=RejectedError, advice="take a smaller picture"),
    Refusal(status=429, error=UnavailableError, advice="it goes out later"),
)


def _parameter(reply: Reply, name: str) -> int | None:
    """One of the numbers that help a machine (https://core.telegram.org/bots/api#responseparameters)."""
    parameters = reply.json().get("parameters")
    value = parameters.get(name) if isinstance(parameters, dict) else None
    return value if type(value) is int else None


def _waits(reply: Reply, now: datetime) -> datetime | None:
    """Telegram says in the body how many seconds to wait."""
    seconds = _parameter(reply, "retry_after")
    return retry_after(reply, now) if seconds is None else moment(str(seconds), now)
