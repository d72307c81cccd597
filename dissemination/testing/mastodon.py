"""A stand-in for Mastodon, and for another server that speaks its API, on loopback.

`mastodon` keeps an Idempotency-Key for an hour and counts every address 23; `other` does what GoToSocial does: it
knows no such key, counts addresses in full whatever it advertises, reads text as Markdown unless told otherwise,
and answers 400 where Mastodon says 422.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import Message
from typing import Any, Literal
from urllib.parse import parse_qs

import regex

from dissemination.testing.loopback import Answer, Asked, Fault, Loopback

#: What a channel must hold to be let in.
MASTODON_SECRETS: Mapping[str, str] = {"MASTODON_TOKEN": "token-of-the-project-0123456789"}
#: What that token may do.
SCOPES = frozenset({"read:accounts", "read:statuses", "write:statuses", "write:media"})
#: How long Mastodon keeps an Idempotency-Key.
_KEPT = timedelta(hours=1)
_ACCOUNT, _NAME = "109285376472065471", "project"
_LINK = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)]")
_MENTION = re.compile(r"(?<![\w/])@(\w+)(?:@([\w.-]*\w))?")
_HASHTAG = re.compile(r"(?<![\w/#&])#(\w*[^\W\d]\w*)")
_MARKDOWN = re.compile(r"(?<!\w)[_*](\w[^_*\n]*)[_*](?!\w)")
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True, kw_only=True, slots=True)
class Personality:
    """In what a server differs."""

    version: str
    #: What the instance tells of its limits.
    statuses: Mapping[str, int | None]
    media: Mapping[str, int | None]
    #: What an address counts; 0: in full.
    link: int
    #: Status and words for a text that is too long.
    too_long: tuple[int, str]
    keeps_keys: bool
    #: How many looks a picture takes until it is ready; 0: it is, at once.
    processing: int
    #: Whether addresses that end with a slash are answered with a redirect.
    redirects: bool
    #: The first id; others follow.
    ids: Callable[[int, int], str]


def _snowflake(milliseconds: int, number: int) -> str:
    return str((milliseconds << 16) + number)


def _ulid(milliseconds: int, number: int) -> str:
    value, text = (milliseconds << 80) + number, ""
    for _ in range(26):
        value, rest = divmod(value, 32)
        text = _CROCKFORD[rest] + text
    return text


PERSONALITIES: Mapping[str, Personality] = {
    "mastodon": Personality(
        version="4.5.1",
        statuses={"max_characters": 500, "max_media_attachments": 4, "characters_reserved_per_url": 23},
        media={"image_size_limit": 16_777_216, "image_matrix_limit": 33_177_600, "description_limit": 1500},
        link=23,
        too_long=(422, "Validation failed: Text character limit of 500 exceeded"),
        keeps_keys=True,
        processing=1,
        redirects=False,
        ids=_snowflake,
    ),
    "other": Personality(
        version="0.20.2+git-7ab1b5c",
        statuses={"max_characters": 5000, "max_media_attachments": 6, "characters_reserved_per_url": 25},
        media={"image_size_limit": 41_943_040, "image_matrix_limit": 16_777_216, "description_limit": None},
        link=0,
        too_long=(400, "Bad Request: text with provided spoiler exceeds limit of 5000"),
        keeps_keys=False,
        processing=0,
        redirects=True,
        ids=_ulid,
    ),
}


class _RefusedError(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


@dataclass(kw_only=True, slots=True)
class Status:
    """One status as the server keeps it."""

    id: str
    text: str
    created_at: datetime
    spoiler_text: str = ""
    sensitive: bool = False
    visibility: str = "public"
    language: str = ""
    in_reply_to_id: str = ""
    media: tuple[str, ...] = ()
    content_type: str = ""
    edits: int = 0


@dataclass(kw_only=True, slots=True)
class Media:
    """One picture."""

    id: str
    body: bytes = field(repr=False)
    media_type: str
    description: str
    #: Looks until it is ready.
    left: int
    used: bool = False


class FakeMastodon(Loopback):
    """The server of one account.

    Args:
        now: the present.
        personality: which kind of server it is.
        scopes: what the token may do.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        personality: Literal["mastodon", "other"] = "mastodon",
        scopes: frozenset[str] = SCOPES,
    ) -> None:
        super().__init__()
        self.kind = PERSONALITIES[personality]
        #: Token -> what it may do.
        self.tokens: dict[str, frozenset[str]] = {MASTODON_SECRETS["MASTODON_TOKEN"]: scopes}
        #: What exists, oldest first.
        self.statuses: list[Status] = []
        self.media: dict[str, Media] = {}
        #: Idempotency-Key -> the status' id, and until when it is kept.
        self.keys: dict[str, tuple[str, datetime]] = {}
        #: What `GET /api/v2/instance` says instead.
        self.instance: Mapping[str, Any] | None = None
        self._now, self._count = now, 0

    def name(self, asked: Asked) -> str:
        """With ":id" for ids; a reply is told from other statuses."""
        path = re.sub(r"/(statuses|accounts|media)/(?!verify_credentials)[^/]+", r"/\1/:id", asked.path)
        reply = asked.method == "POST" and path == "/api/v1/statuses" and b"in_reply_to_id=" in asked.body
        return f"{asked.method} {path.rstrip('/')}{' (reply)' if reply else ''}"

    def answer(self, asked: Asked) -> Answer:
        """What the server does and says."""
        if asked.path.endswith("/") and self.kind.redirects:
            return Answer(status=301, headers={"Location": asked.path.rstrip("/")})
        try:
            return self._routed(asked)
        except _RefusedError as refused:
            return Answer.of({"error": refused.words}, refused.status)

    def _routed(self, asked: Asked) -> Answer:
        for method, pattern, scope, handle in _ROUTES:
            found = re.fullmatch(pattern, asked.path.rstrip("/"))
            if found and method == asked.method:
                self._check(asked, scope)
                return handle(self, asked, *found.groups())
        raise _RefusedError(404, "The page you are looking for isn't here.")

    def _check(self, asked: Asked, scope: str) -> None:
        if not scope:
            return
        allowed = self.tokens.get(asked.headers.get("authorization", "").removeprefix("Bearer "))
        if allowed is None:
            raise _RefusedError(401, "The access token is invalid")
        if not {scope, scope.partition(":")[0]} & allowed:
            raise _RefusedError(403, "This action is outside the authorized scopes")

    # What it is asked for

    def tell(self, _asked: Asked) -> Answer:
        """`GET /api/v2/instance`."""
        told = {"statuses": self.kind.statuses, "media_attachments": self.kind.media}
        instance = {"domain": "social.example.eu", "version": self.kind.version, "configuration": told}
        return Answer.of(dict(instance if self.instance is None else self.instance))

    def verify(self, _asked: Asked) -> Answer:
        """`GET /api/v1/accounts/verify_credentials`."""
        return Answer.of({"id": _ACCOUNT, "username": _NAME, "acct": _NAME, "display_name": "The project"})

    def timeline(self, asked: Asked, account: str) -> Answer:
        """`GET /api/v1/accounts/:id/statuses`, newest first."""
        if account != _ACCOUNT:
            raise _RefusedError(404, "Record not found")
        last = asked.query.get("max_id", "")
        older = [one for one in self.statuses if not last or self._order(one.id) < self._order(last)]
        size = min(int(asked.query.get("limit", "20")), 40)
        return Answer.of(
            [self.shown(one) for one in sorted(older, key=lambda one: self._order(one.id))[::-1][:size]]
        )

    def post(self, asked: Asked) -> Answer:
        """`POST /api/v1/statuses`."""
        form, key = _form(asked), asked.headers.get("idempotency-key", "")
        if known := self._known(key):
            return Answer.of(self.shown(known))
        reply = str(form.get("in_reply_to_id", ""))
        if reply:
            self._status(reply)
        status = Status(id=self._id(), text="", created_at=self._now(), in_reply_to_id=reply)
        self._write(status, form)
        self.statuses.append(status)
        if key and self.kind.keeps_keys:
            self.keys[key] = (status.id, self._now() + _KEPT)
        return Answer.of(self.shown(status))

    def see(self, _asked: Asked, number: str) -> Answer:
        """`GET /api/v1/statuses/:id`."""
        return Answer.of(self.shown(self._status(number)))

    def edit(self, asked: Asked, number: str) -> Answer:
        """`PUT /api/v1/statuses/:id`."""
        status = self._status(number)
        self._write(status, _form(asked))
        status.edits += 1
        return Answer.of(self.shown(status))

    def delete(self, _asked: Asked, number: str) -> Answer:
        """`DELETE /api/v1/statuses/:id`."""
        status = self._status(number)
        self.statuses.remove(status)
        return Answer.of({**self.shown(status), "text": status.text})

    def upload(self, asked: Asked) -> Answer:
        """`POST /api/v2/media`."""
        parts = _multipart(asked)
        body, kind = parts.get("file", (b"", ""))
        if kind not in {"image/png", "image/jpeg", "image/webp", "image/gif"}:
            raise _RefusedError(422, "Validation failed: File content type is invalid")
        media = Media(
            id=self._id(),
            body=body,
            media_type=kind,
            description=parts.get("description", (b"", ""))[0].decode(),
            left=self.kind.processing,
        )
        self.media[media.id] = media
        return Answer.of(self._picture(media), 202 if media.left else 200)

    def look(self, _asked: Asked, number: str) -> Answer:
        """`GET /api/v1/media/:id`: 206 until it is ready."""
        media = self._medium(number)
        media.left = max(0, media.left - 1)
        return Answer.of(self._picture(media), 206 if media.left else 200)

    def describe(self, asked: Asked, number: str) -> Answer:
        """`PUT /api/v1/media/:id`."""
        media = self._medium(number)
        media.description = str(_form(asked).get("description", ""))
        return Answer.of(self._picture(media))

    # What it keeps

    def shown(self, status: Status) -> dict[str, Any]:
        """The status as it is given back."""
        return {
            "id": status.id,
            "created_at": status.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "in_reply_to_id": status.in_reply_to_id or None,
            "sensitive": status.sensitive,
            "spoiler_text": status.spoiler_text,
            "visibility": status.visibility,
            "language": status.language,
            "uri": f"https://social.example.eu/users/{_NAME}/statuses/{status.id}",
            "url": f"https://social.example.eu/@{_NAME}/{status.id}",
            "content": self._marked(status),
            "reblog": None,
            "media_attachments": [self._picture(self.media[number]) for number in status.media],
        }

    def _marked(self, status: Status) -> str:
        """The text as HTML, as this kind of server makes it."""
        shorten = self.kind.link > 0
        text = status.text
        if not shorten and status.content_type != "text/plain":
            text = _MARKDOWN.sub(r"\1", text)
        paragraphs = re.split(r"\n{2,}", text.strip())
        return "".join(f"<p>{_linked(one, shorten=shorten).replace(chr(10), '<br />')}</p>" for one in paragraphs)

    def _write(self, status: Status, form: Mapping[str, Any]) -> None:
        text, warning = str(form.get("status", status.text)), str(form.get("spoiler_text", status.spoiler_text))
        if self._length(text + warning) > (self.kind.statuses["max_characters"] or 0):
            raise _RefusedError(*self.kind.too_long)
        media = tuple(form["media_ids"]) if "media_ids" in form else status.media
        if not text and not media:
            raise _RefusedError(422, "Validation failed: Text can't be blank")
        self._attach(media, status.media)
        status.text, status.spoiler_text, status.media = text, warning, media
        status.sensitive = form.get("sensitive", "0") in {"1", "true"} or (self.kind.link > 0 and bool(warning))
        status.visibility = form.get("visibility", status.visibility)
        status.language = form.get("language", status.language)
        status.content_type = form.get("content_type", status.content_type)

    def _attach(self, numbers: Sequence[str], own: Sequence[str]) -> None:
        if len(numbers) > (self.kind.statuses["max_media_attachments"] or 0):
            raise _RefusedError(422, "Validation failed: Cannot attach more than 4 files")
        for media in map(self._medium, numbers):
            if media.used and media.id not in own:
                raise _RefusedError(422, "Validation failed: Media has already been attached")
            if media.left:
                words = "Cannot attach files that have not finished processing. Try again in a moment!"
                raise _RefusedError(422, words)
            media.used = True

    def _length(self, text: str) -> int:
        short = _MENTION.sub(r"@\1", text)
        if self.kind.link:
            short = _LINK.sub("x" * self.kind.link, short)
        return len(regex.findall(r"\X", short))

    def _known(self, key: str) -> Status | None:
        number, until = self.keys.get(key, ("", self._now()))
        return self._status(number) if number and self._now() < until else None

    def _status(self, number: str) -> Status:
        for status in self.statuses:
            if status.id == number:
                return status
        raise _RefusedError(404, "Record not found")

    def _medium(self, number: str) -> Media:
        if number not in self.media:
            raise _RefusedError(404, "Record not found")
        return self.media[number]

    def _picture(self, media: Media) -> dict[str, Any]:
        url = None if media.left else f"https://files.example.eu/{media.id}"
        return {"id": media.id, "type": "image", "url": url, "description": media.description or None}

    def _id(self) -> str:
        self._count += 1
        return self.kind.ids(int(self._now().timestamp() * 1000), self._count)

    def _order(self, number: str) -> tuple[int, str]:
        return len(number), number


_Handler = Callable[..., Answer]

#: Method, path, scope, and what does it; the first that applies.
_ROUTES: Sequence[tuple[str, str, str, _Handler]] = (
    ("GET", "/api/v2/instance", "", FakeMastodon.tell),
    ("GET", "/api/v1/accounts/verify_credentials", "read:accounts", FakeMastodon.verify),
    ("GET", "/api/v1/accounts/([^/]+)/statuses", "read:statuses", FakeMastodon.timeline),
    ("POST", "/api/v1/statuses", "write:statuses", FakeMastodon.post),
    ("GET", "/api/v1/statuses/([^/]+)", "read:statuses", FakeMastodon.see),
    ("PUT", "/api/v1/statuses/([^/]+)", "write:statuses", FakeMastodon.edit),
    ("DELETE", "/api/v1/statuses/([^/]+)", "write:statuses", FakeMastodon.delete),
    ("POST", "/api/v2/media", "write:media", FakeMastodon.upload),
    ("GET", "/api/v1/media/([^/]+)", "write:media", FakeMastodon.look),
    ("PUT", "/api/v1/media/([^/]+)", "write:media", FakeMastodon.describe),
)


def _linked(text: str, *, shorten: bool) -> str:
    """A paragraph with its links, mentions and hashtags marked up."""
    marked, end = "", 0
    for found in re.finditer(f"{_LINK.pattern}|{_MENTION.pattern}|{_HASHTAG.pattern}", text):
        marked += html.escape(text[end : found.start()]) + _mark(found.group(), shorten=shorten)
        end = found.end()
    return marked + html.escape(text[end:])


def _mark(word: str, *, shorten: bool) -> str:
    if word.startswith("@"):
        name, _, server = word[1:].partition("@")
        address = f"https://{server or 'social.example.eu'}/@{name}"
        return f'<span class="h-card"><a href="{address}" class="u-url mention">@<span>{name}</span></a></span>'
    if word.startswith("#"):
        address = f"https://social.example.eu/tags/{word[1:].lower()}"
        return f'<a href="{address}" class="mention hashtag" rel="tag">#<span>{word[1:]}</span></a>'
    shown = _address(word) if shorten else html.escape(word)
    return f'<a href="{html.escape(word)}" rel="nofollow noopener">{shown}</a>'


def _address(url: str) -> str:
    """As Mastodon shows it: thirty characters to be seen, the rest invisible."""
    scheme = re.match(r"https?://(?:www\.)?", url)
    start = scheme.end() if scheme else 0
    pieces = (("invisible", url[:start]), ("ellipsis", url[start : start + 30]), ("invisible", url[start + 30 :]))
    return "".join(f'<span class="{kind}">{html.escape(piece)}</span>' for kind, piece in pieces)


def _form(asked: Asked) -> dict[str, Any]:
    """Form or JSON; names of lists without their brackets."""
    if asked.headers.get("content-type", "").startswith("application/json"):
        value = json.loads(asked.body)
        return dict(value) if isinstance(value, dict) else {}
    given = parse_qs(asked.body.decode(), keep_blank_values=True)
    return {name.removesuffix("[]"): all_ if name.endswith("[]") else all_[-1] for name, all_ in given.items()}


def _multipart(asked: Asked) -> dict[str, tuple[bytes, str]]:
    """Name -> bytes and kind of every part."""
    head = f"Content-Type: {asked.headers.get('content-type', '')}\r\n\r\n".encode()
    message = message_from_bytes(head + asked.body, policy=policy.HTTP)
    parts = message.iter_parts() if message.is_multipart() else ()
    return {
        str(part.get_param("name", "", "content-disposition")): (_decoded(part), part.get_content_type())
        for part in parts
    }


def _decoded(part: Message) -> bytes:
    body = part.get_payload(decode=True)
    return body if isinstance(body, bytes) else b""


def limited(now: datetime, wait: timedelta) -> Fault:
    """Too many requests (429), until `wait` from `now`, as Mastodon says it: an ISO 8601 date, not a number."""
    reset = (now + wait).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    headers = {"X_RateLimit_Limit": "300", "X_RateLimit_Remaining": "0", "X_RateLimit_Reset": reset}
    return Fault(status=429, body=b'{"error": "Too many requests"}', headers=headers)


def refusal(status: int, words: str) -> Fault:
    """An answer that is no success, in the server's own form."""
    return Fault(status=status, body=json.dumps({"error": words}).encode())
