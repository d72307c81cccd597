"""A stand-in for Telegram's Bot API on loopback: one bot, one channel, and what can go wrong with them."""

from __future__ import annotations

import html
import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from PIL import Image, UnidentifiedImageError

from dissemination.testing.loopback import Answer, Asked, Fault, Loopback

#: What a channel must hold to be let in.
TELEGRAM_SECRETS: Mapping[str, str] = {"TELEGRAM_TOKEN": "4711:AAF-token_of-the-bot_0123456789abcdef"}

_BOT = {"id": 4711, "is_bot": True, "first_name": "Project", "username": "project_bot"}
_TAGS = frozenset(
    "b strong i em u ins s strike del span tg-spoiler tg-emoji a code pre blockquote tg-time".split()  # noqa: SIM905
)
_TAG = re.compile(r"<(/?)([^\s>/]*)[^>]*>?")
_KNOWN_SIGNS = re.compile(r"&(?:lt|gt|amp|quot|#\d+|#x[0-9a-fA-F]+);")


@dataclass(frozen=True, kw_only=True, slots=True)
class TelegramMessage:
    """A message as the channel shows it."""

    id: int
    #: After entities were parsed.
    text: str
    date: datetime
    photo: bytes | None = field(default=None, repr=False)
    reply_to: int | None = None
    #: The address of the card below a text; "": none.
    preview: str = ""


class _Refused(Exception):  # noqa: N818 - it never leaves this module
    def __init__(self, status: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.status, self.description, self.parameters = status, description, parameters


def limited(seconds: int) -> Fault:
    """Too many requests: the wait stands in the body alone."""
    refused = _Refused(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)
    return Fault(status=429, body=_problem(refused).body)


def refusal(status: int, description: str, **parameters: int) -> Fault:
    """Telegram refuses in its own words."""
    return Fault(status=status, body=_problem(_Refused(status, description, **parameters)).body)


class FakeTelegram(Loopback):
    """The Bot API as far as a channel needs it.

    It takes the same post twice happily, counts UTF-16 units after parsing, refuses HTML that is not its own, looks
    at pictures, lets nothing be deleted after 48 hours, and a bot cannot read the channel.

    Args:
        now: the time of new messages.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__()
        #: Every message that stands in the channel, oldest first.
        self.messages: list[TelegramMessage] = []
        #: The bot's token; another one is let in after it was changed here.
        self.token = TELEGRAM_SECRETS["TELEGRAM_TOKEN"]
        #: The channel; without "username" it is a private one.
        self.chat: dict[str, Any] = {
            "id": -1001234567890, "type": "channel", "title": "The project", "username": "project",
        }  # fmt: skip
        #: What the bot is there, and whether an administrator may post.
        self.status, self.may_post = "administrator", True
        #: The group's new number, after it has become a supergroup; 0: it has not.
        self.migrated_to = 0
        self._now = now
        self._next = 1

    def name(self, asked: Asked) -> str:
        """The method: "sendMessage"."""
        return asked.path.rpartition("/")[2]

    def answer(self, asked: Asked) -> Answer:
        """The method's result, or a refusal."""
        try:
            return Answer.of({"ok": True, "result": self._result(asked)})
        except _Refused as refused:
            return _problem(refused)

    def _result(self, asked: Asked) -> Any:
        match = re.fullmatch(r"/bot([^/]+)/(\w+)", asked.path)
        method = getattr(self, f"_{match[2]}", None) if match else None
        if match is None or method is None:
            raise _Refused(404, "Not Found")
        if match[1] != self.token:
            raise _Refused(401, "Unauthorized")
        return method(_facts(asked))

    # Methods, as the Bot API spells them

    def _getMe(self, facts: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002, N802 - the Bot API's name
        return dict(_BOT)

    def _getChat(self, facts: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        self._check_chat(facts)
        return dict(self.chat)

    def _getChatMember(self, facts: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        self._check_chat(facts)
        if self.status == "left":
            raise _Refused(400, "Bad Request: member list is inaccessible")
        member: dict[str, Any] = {"user": dict(_BOT), "status": self.status}
        return member | ({"can_post_messages": self.may_post} if self.status == "administrator" else {})

    def _sendMessage(self, facts: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        self._check_right(facts)
        return self._keep(facts, _text(facts), preview=_preview(facts))

    def _sendPhoto(self, facts: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        self._check_right(facts)
        photo = facts.get("photo")
        if not isinstance(photo, bytes):
            raise _Refused(400, "Bad Request: there is no photo in the request")
        _check_photo(photo)
        return self._keep(facts, _caption(facts), photo=photo)

    def _editMessageText(self, facts: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        old = self._known(facts, "edit")
        if old.photo is not None:
            raise _Refused(400, "Bad Request: there is no text in the message to edit")
        return self._change(old, replace(old, text=_text(facts), preview=_preview(facts)))

    def _editMessageCaption(self, facts: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        old = self._known(facts, "edit")
        if old.photo is None:
            raise _Refused(400, "Bad Request: there is no caption in the message to edit")
        return self._change(old, replace(old, text=_caption(facts)))

    def _deleteMessage(self, facts: Mapping[str, Any]) -> bool:  # noqa: N802
        old = self._known(facts, "delete")
        if self._now() - old.date > timedelta(hours=48):
            raise _Refused(400, "Bad Request: message can't be deleted for everyone")
        self.messages.remove(old)
        return True

    # The channel

    def _check_chat(self, facts: Mapping[str, Any]) -> None:
        names = {str(self.chat["id"]), f"@{self.chat.get('username', '')}"}
        if str(facts.get("chat_id", "")) not in names:
            raise _Refused(400, "Bad Request: chat not found")
        if self.migrated_to:
            raise _Refused(
                400,
                "Bad Request: group chat was upgraded to a supergroup chat",
                migrate_to_chat_id=self.migrated_to,
            )

    def _check_right(self, facts: Mapping[str, Any]) -> None:
        self._check_chat(facts)
        if self.status in {"left", "kicked"}:
            raise _Refused(403, "Forbidden: bot is not a member of the channel chat")
        if self.status != "administrator" or not self.may_post:
            raise _Refused(400, "Bad Request: need administrator rights in the channel chat")

    def _keep(self, facts: Mapping[str, Any], text: str, **more: Any) -> dict[str, Any]:
        reply_to = _object(facts.get("reply_parameters")).get("message_id")
        if reply_to is not None and all(one.id != reply_to for one in self.messages):
            raise _Refused(400, "Bad Request: message to be replied not found")
        made = TelegramMessage(id=self._next, text=text, date=self._now(), reply_to=reply_to, **more)
        self._next += 1
        self.messages.append(made)
        return self._shown(made)

    def _known(self, facts: Mapping[str, Any], what: str) -> TelegramMessage:
        self._check_right(facts)
        found = [one for one in self.messages if one.id == facts.get("message_id")]
        if not found:
            raise _Refused(400, f"Bad Request: message to {what} not found")
        return found[0]

    def _change(self, old: TelegramMessage, new: TelegramMessage) -> dict[str, Any]:
        if old == new:
            raise _Refused(
                400,
                "Bad Request: message is not modified: specified new message content and reply markup are exactly "
                "the same as a current content and reply markup of the message",
            )
        self.messages[self.messages.index(old)] = new
        return self._shown(new)

    def _shown(self, one: TelegramMessage) -> dict[str, Any]:
        words = "text" if one.photo is None else "caption"
        shown = {"message_id": one.id, "date": int(one.date.timestamp()), "chat": dict(self.chat), words: one.text}
        return shown | ({"photo": [{"file_id": f"photo-{one.id}"}]} if one.photo is not None else {})


def _problem(refused: _Refused) -> Answer:
    facts: dict[str, Any] = {"ok": False, "error_code": refused.status, "description": refused.description}
    return Answer.of(facts | ({"parameters": refused.parameters} if refused.parameters else {}), refused.status)


def _facts(asked: Asked) -> Mapping[str, Any]:
    """The request's fields: of JSON, or of a form with files."""
    kind = asked.headers.get("content-type", "")
    if kind.startswith("application/json"):
        return _object(asked.json())
    if not kind.startswith("multipart/form-data"):
        return {}
    form = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + asked.body)
    return {str(part.get_param("name", header="content-disposition")): _value(part) for part in form.iter_parts()}


def _value(part: Message) -> bytes | str:
    body = part.get_payload(decode=True)
    content = body if isinstance(body, bytes) else b""
    return content if part.get_filename() else content.decode()


def _object(value: Any) -> Mapping[str, Any]:
    """An object, also where it comes as JSON in a form."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise _Refused(400, "Bad Request: can't parse JSON object") from None
    return value if isinstance(value, dict) else {}


def _text(facts: Mapping[str, Any]) -> str:
    text = _parsed(facts, "text")
    if not text:
        raise _Refused(400, "Bad Request: message text is empty")
    if _units(text) > 4096:
        raise _Refused(400, "Bad Request: message is too long")
    return text


def _caption(facts: Mapping[str, Any]) -> str:
    text = _parsed(facts, "caption")
    if _units(text) > 1024:
        raise _Refused(400, "Bad Request: message caption is too long")
    return text


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _preview(facts: Mapping[str, Any]) -> str:
    return str(_object(facts.get("link_preview_options")).get("url", ""))


def _parsed(facts: Mapping[str, Any], name: str) -> str:
    """The words without their marks; https://core.telegram.org/bots/api#html-style."""
    text = facts.get(name, "")
    if facts.get("parse_mode") != "HTML":
        raise _Refused(400, "Bad Request: this stand-in takes HTML only")
    open_: list[str] = []
    for tag in _TAG.finditer(text):
        place = len(text[: tag.start()].encode())
        if tag[2].lower() not in _TAGS:
            raise _Refused(
                400, f'Bad Request: can\'t parse entities: Unsupported start tag "{tag[2]}" at byte offset {place}'
            )
        if not tag[1]:
            open_.append(tag[2].lower())
        elif not open_ or open_.pop() != tag[2].lower():
            raise _Refused(400, f"Bad Request: can't parse entities: Unmatched end tag at byte offset {place}")
    if open_:
        raise _Refused(
            400, f"Bad Request: can't parse entities: Can't find end tag corresponding to \"{open_[-1]}\""
        )
    return _KNOWN_SIGNS.sub(lambda sign: html.unescape(sign[0]), _TAG.sub("", text)).strip()


def _check_photo(photo: bytes) -> None:
    """https://core.telegram.org/bots/api#sendphoto."""
    if len(photo) > 10_000_000:
        raise _Refused(413, "Request Entity Too Large")
    try:
        width, height = Image.open(io.BytesIO(photo)).size
    except UnidentifiedImageError:
        raise _Refused(400, "Bad Request: IMAGE_PROCESS_FAILED") from None
    if width + height > 10_000 or max(width, height) > 20 * min(width, height):
        raise _Refused(400, "Bad Request: PHOTO_INVALID_DIMENSIONS")
