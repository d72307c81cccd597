"""A webhook: one signed POST with JSON an item, for whatever has no channel of its own.

A repeat has the same id and the same body, and whoever takes it must do so once: then nothing is ever in doubt.
docs/channels/webhook.md describes what is sent.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dissemination.channels import sections
from dissemination.channels.exchange import Refusal, Reply, is_loopback
from dissemination.channels.fitting import fitting
from dissemination.channels.guard import is_public
from dissemination.channels.hooks import Hook, headers_for, keys_of, message_id
from dissemination.channels.logins import Credentials
from dissemination.errors import FileRefusedError, NeedsLoginError, RejectedError, UnavailableError
from dissemination.files import FolderShelf
from dissemination.model import Carries, Limits, Message, Picture, Post, PostPicture, Receipt, Repeat, Site
from dissemination.ports import ChannelOptions

# Limits

#: JSON has no limits of its own.
LIMITS = Limits(carries=Carries.POST, pictures=20, threads=True, warnings=True, repeat=Repeat.SAFE)

# Settings

_SHARED = "WEBHOOK_SECRET"


class _Section(BaseModel):
    """The channel's section of settings.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(min_length=1, max_length=2000)
    """Where posts go."""
    allow_private: bool = False
    """Whether that may be a machine inside (this one, the office's), and http without encryption."""
    connect_timeout: float = Field(default=5, gt=0, le=60)
    """Seconds until a connection stands."""
    read_timeout: float = Field(default=15, gt=0, le=300)
    """Seconds for an answer: for its next bytes, and for the whole of it."""

    @model_validator(mode="after")
    def _safe(self) -> Self:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.fragment:
            raise ValueError("url: write a whole web address, without user, password and #")
        if not self.allow_private and (parts.scheme != "https" or _inside(parts.hostname)):
            raise ValueError("url: must begin with https:// and name no machine inside, unless allow_private: true")
        return self


def _inside(host: str) -> bool:
    """Whether it says itself that it leads inside; what a name leads to is looked at when something is sent."""
    try:
        return not is_public(ipaddress.ip_address(host))
    except ValueError:
        return is_loopback(host)


# Making


def make(options: ChannelOptions) -> WebhookChannel:
    """The channel; the secret is asked for at every call, so that a new one counts at once.

    Raises:
        SettingsError: an unknown key or a wrong value in the section.
    """
    return WebhookChannel(options, sections.read(options, _Section))


class WebhookChannel:
    """Posts to one receiver. It keeps nothing between calls and may be used by several threads.

    Args:
        options: of the channel.
        section: the checked section of settings.
    """

    def __init__(self, options: ChannelOptions, section: _Section) -> None:
        self.limits = LIMITS
        self._name, self._now, self._secret = options.name, options.clock.now, options.secret
        self._own = f"{re.sub(r'[^A-Z0-9]+', '_', options.name.upper())}_SECRET"
        self._credentials = Credentials(options, _SHARED)
        self._site, self._shelf = Site(public_url=options.project.public_url), FolderShelf(options.public)
        self._host = urlsplit(section.url).hostname
        self._hook = Hook(
            options.name,
            section.url,
            _REFUSALS,
            options.clock.now,
            inside=section.allow_private,
            remedy=f"set channels.{options.name}.allow_private: true and resume the channel",
            connect=section.connect_timeout,
            read=section.read_timeout,
        )

    def send(self, message: Message, /, *, key: str) -> Receipt:  # noqa: ARG002 - it is the message's own
        """Hand one post over.

        Raises:
            RejectedError: the receiver refuses this post, or it is none.
            UnavailableError: nothing reached it, or it asks to wait.
            InDoubtError: no answer that tells; sending it again is safe.
            NeedsLoginError: the secret is missing, or the receiver does not believe it, is gone, or lies inside.
        """
        return self.send_thread((message,))[0]

    def send_thread(self, messages: Sequence[Message], /) -> Sequence[Receipt]:
        """Hand all parts over in one POST; the errors of `send`."""
        body = self._body(messages)
        keys = self._keys()
        self._publish(messages)
        id_ = message_id(messages[0].key.encode())
        reply = self._hook.post(body, headers_for(body, id_, self._now(), keys), changes=True)
        first = Receipt(id=id_, url=_told(reply))
        return [first, *(Receipt(id=f"{id_}/{number}") for number in range(2, len(messages) + 1))]

    def probe(self) -> str:
        """Whether the receiver answers. Nothing is posted.

        Raises:
            ChannelError: it cannot be reached, or says that it is gone.
        """
        self._keys()
        reply = self._hook.look([status for status in range(200, 500) if status not in _PROBED])
        return f"{self._host} answers ({reply.status} to HEAD); nothing was posted"

    def close(self) -> None:
        """Let go of connections."""
        self._hook.close()

    def _keys(self) -> Sequence[bytes]:
        """Of the channel's own secret, else of the one that all webhooks share."""
        own = self._secret(self._own)
        if own:
            return keys_of(self._name, self._own, own)
        return keys_of(self._name, _SHARED, self._credentials.all()[_SHARED])

    # Sending

    def _body(self, messages: Sequence[Message]) -> bytes:
        """The very same bytes at every attempt."""
        posts = [self._post(message) for message in messages]
        first, post = messages[0], posts[0]
        facts = {
            "id": first.key,
            "network": post.network,
            "lang": post.lang,
            "title": post.title,
            "summary": post.summary,
            "link": post.link,
            "warning": post.warning,
            "text": post.text,
            "thread": [
                {"id": one.key, "text": part.text} for one, part in zip(messages[1:], posts[1:], strict=True)
            ],
            "in_reply_to": first.in_reply_to.id if first.in_reply_to else None,
            "pictures": [self._picture(one, first.pictures[one.digest]) for one in post.pictures],
            "mentions": [{"text": one.text, "target": one.target} for one in post.mentions],
        }
        at = first.at.isoformat() if first.at else None
        whole = {"type": "dissemination.post", "timestamp": at, "data": facts}
        try:
            return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()
        except UnicodeEncodeError:
            raise RejectedError(f"{self._name}: the post holds half a character (a surrogate); retype it") from None

    def _post(self, message: Message) -> Post:
        post = fitting(self._name, message, self.limits)
        if post.thread:
            raise RejectedError(
                f"{self._name}: the post still has all parts of a thread in it; send them as messages"
            )
        return post

    def _picture(self, shown: PostPicture, picture: Picture) -> dict[str, Any]:
        return {
            "url": self._site.media(picture),
            "alt": shown.alt,
            "sha256": picture.digest,
            "media_type": picture.media_type,
            "bytes": len(picture.body),
            "width": picture.width,
            "height": picture.height,
        }

    def _publish(self, messages: Sequence[Message]) -> None:
        """Put the pictures where their addresses say: the receiver may fetch them at once."""
        pictures = [picture for message in messages for picture in message.pictures.values()]
        try:
            self._shelf.write({f"media/{one.name}": one.body for one in pictures})
        except (OSError, FileRefusedError) as error:
            raise UnavailableError(
                f"{self._name}: cannot write pictures below {self._shelf.root} ({error}); make that possible"
            ) from error


# Sending


def _told(reply: Reply) -> str:
    """The post's address, where the receiver tells it."""
    url = reply.json().get("url")
    return url if isinstance(url, str) and re.fullmatch(r"https?://[\x21-\x7e]{1,2000}", url) else ""


# Classifying

_SECRET = "the receiver does not believe our signature: set the same secret on both sides and resume the channel"  # noqa: S105 - advice
_MOVED = "it points elsewhere and is not followed: write the address that it points to and resume the channel"
_ABSENT = "nobody takes posts there: correct the channel's `url` and resume it"
_GONE = "it is gone for good: write its new address and resume the channel, or take the channel out"

#: What 2xx is not. Whatever is not named here leaves it open whether it was taken, and a repeat settles that.
_MEANINGS: Mapping[int, tuple[type[RejectedError | NeedsLoginError | UnavailableError], str]] = {
    **dict.fromkeys((301, 302, 303, 307, 308), (NeedsLoginError, _MOVED)),
    **dict.fromkeys((401, 403), (NeedsLoginError, _SECRET)),
    **dict.fromkeys((404, 405), (NeedsLoginError, _ABSENT)),
    410: (NeedsLoginError, _GONE),
    **dict.fromkeys((400, 413, 415, 422), (RejectedError, "it refuses this very post: see what it expects")),
    **dict.fromkeys((429, 503), (UnavailableError, "it is sent again later")),
}
_REFUSALS = tuple(
    Refusal(status=status, error=error, advice=advice) for status, (error, advice) in _MEANINGS.items()
)
#: Few receivers know HEAD: of all refusals these alone say something about the way.
_PROBED = frozenset({301, 302, 303, 307, 308, 410, 429})
