"""Mastodon and servers that speak its API, by Mastodon.py: posts, replies, pictures, corrections and withdrawals.

Mastodon keeps an Idempotency-Key for an hour and gives the old status for a known one; other servers, and later
hours, know nothing of it. So the key is always sent and never relied on: a lost answer leaves it in doubt, and
`find` reads the account's own statuses back before anything is sent again.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any, Literal, TypeVar

import mastodon
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from dissemination.channels import sections
from dissemination.channels.exchange import Exchange, trusted
from dissemination.channels.fitting import fitting
from dissemination.channels.logins import Credentials
from dissemination.channels.mastodon import asking, limits, words
from dissemination.errors import ChannelError, InDoubtError, NeedsLoginError, RejectedError, UnavailableError
from dissemination.model import Level, Limits, Message, Picture, Post, Receipt, Symptom
from dissemination.ports import ChannelOptions, Prompt

__all__ = ["MastodonChannel", "make"]

_Answer = TypeVar("_Answer")

# Limits

#: Where the vault keeps what the server said, and how long that is not looked up again.
_LEARNT, _FRESH = "limits", timedelta(minutes=1)

# Settings

_TOKEN = "MASTODON_TOKEN"  # noqa: S105 - the name of a secret


class _Section(BaseModel):
    """The channel's section of settings.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    server: Annotated[str, AfterValidator(trusted)]
    """The account's own server, such as https://social.example.eu."""
    visibility: Literal["public", "unlisted", "private"] = "public"
    """Who sees posts: everybody; everybody, but on no common timeline; followers."""
    connect_timeout: float = Field(default=5, gt=0, le=60)
    """Seconds until a connection stands."""
    read_timeout: float = Field(default=30, gt=0, le=300)
    """Seconds for an answer: for its next bytes, and for the whole of it."""
    media_timeout: float = Field(default=60, ge=1, le=600)
    """Seconds that the server gets to prepare a picture; after that it is tried again later."""


# Making


def make(options: ChannelOptions) -> MastodonChannel:
    """The channel; the token is asked for at every call, so that a new one counts at once.

    Raises:
        SettingsError: an unknown key, a wrong value or no server in the section.
    """
    return MastodonChannel(options, sections.read(options, _Section))


class MastodonChannel:
    """Posts of one account. It may be used by several threads.

    Args:
        options: its name, secrets, vault and clock.
        section: the checked section of settings.
    """

    def __init__(self, options: ChannelOptions, section: _Section) -> None:
        self._name, self._section = options.name, section
        self._clock, self._vault = options.clock, options.vault
        self._credentials = Credentials(options, _TOKEN)
        self._exchange = Exchange(
            options.name,
            section.server.partition("://")[2],
            asking.REFUSALS,
            options.clock.now,
            connect=section.connect_timeout,
            read=section.read_timeout,
        )
        self._known: tuple[datetime, Limits] | None = None

    @property
    def limits(self) -> Limits:
        """What the server said last; Mastodon's defaults until it was asked. The network is not touched."""
        now = self._clock.now()
        if self._known is None or not self._known[0] <= now < self._known[0] + _FRESH:
            kept = self._vault.read(_LEARNT) if self._vault else None
            self._known = (now, limits.of(kept, self._section.server))
        return self._known[1]

    def learn(self) -> None:
        """Ask the server what it takes, and keep that.

        Raises:
            ChannelError: it cannot be asked, or does not tell.
        """
        token = self._credentials.get(_TOKEN)  # most servers tell anybody
        answer = self._ask(lambda server: server.instance_v2(), changes=False, token=token and self._proper(token))
        facts = limits.facts(answer if isinstance(answer, Mapping) else {})
        if not facts:
            raise self._exchange.unreadable("its limits", changes=False)
        kept = {"server": self._section.server, "limits": facts}
        if self._vault:
            self._vault.write(_LEARNT, kept)
        self._known = (self._clock.now(), limits.of(kept, self._section.server))

    def send(self, message: Message, /, *, key: str) -> Receipt:
        """Post it, as a reply where `message.in_reply_to` names a status; pictures are uploaded first.

        Raises:
            RejectedError: the server refuses this post, or it is none that this channel carries.
            UnavailableError: no post was asked for yet, or the server asks to wait.
            InDoubtError: no answer that tells; `find` does.
            NeedsLoginError: the token is missing, refused, or lacks a right.
        """
        post = fitting(self._name, message, self.limits)
        before = message.in_reply_to.id if message.in_reply_to else None
        media = self._uploaded(post, message.pictures)
        status = self._ask(
            lambda server: server.status_post(
                post.text,
                in_reply_to_id=before,
                media_ids=list(media) or None,
                sensitive=bool(post.warning),
                visibility=self._section.visibility,
                spoiler_text=post.warning or None,
                language=_language(post),
                idempotency_key=_once(key, post, before, self._section.visibility),
                content_type="text/plain",  # other servers read the text as the account's default says: Markdown
            ),
            changes=True,
        )
        return self._receipt(status)

    def find(self, message: Message, *, key: str, since: datetime) -> Receipt | None:  # noqa: ARG002 - statuses bear no key
        """Its receipt, if the account's statuses since `since` hold the same words in the same place.

        Raises:
            UnavailableError: the server cannot be asked now.
            InDoubtError: there are too many statuses to look through.
            NeedsLoginError: the token is missing, refused, or lacks a right.
        """
        post = message.body
        if not isinstance(post, Post):
            raise RejectedError(f"{self._name}: takes posts only; plan mail and files for another channel")
        before = message.in_reply_to.id if message.in_reply_to else ""
        account = self._account(self._token())
        for status in self._statuses(account["id"], since - _SKEW):
            if str(status.get("in_reply_to_id") or "") == before and words.same(post.text, status.get("content")):
                return self._receipt(status)
        return None

    def edit(self, receipt: Receipt, message: Message, /) -> Receipt:
        """Make the status say what `message` says; its pictures are uploaded anew.

        Raises:
            RejectedError: the server refuses it, or the status is gone.
            UnavailableError: no answer that tells; doing it again settles it.
            NeedsLoginError: the token is missing, refused, or lacks a right.
        """
        post = fitting(self._name, message, self.limits)
        media = self._uploaded(post, message.pictures)
        # Without ids the server keeps its pictures. Mastodon.py says "none" only where attributes are given too,
        # and then writes JSON with "1" for yes, which not every server reads.
        pictures: dict[str, Any] = (
            {"media_ids": list(media), "sensitive": bool(post.warning)} if media else {"media_attributes": []}
        )
        with self._repeatable():
            status = self._ask(
                lambda server: server.status_update(
                    self._id(receipt.id), post.text, spoiler_text=post.warning, **pictures
                ),
                changes=True,
            )
            return self._receipt(status)

    def delete(self, receipt: Receipt, /) -> None:
        """Delete the status; one that is gone already is no error.

        Raises:
            RejectedError: the server refuses.
            UnavailableError: no answer that tells; doing it again settles it.
            NeedsLoginError: the token is missing, refused, or lacks a right.
        """
        with self._repeatable():
            self._ask(
                lambda server: server.status_delete(self._id(receipt.id)), changes=True, accept=(404, 410), gone={}
            )

    def probe(self) -> str:
        """Whose account it is; nothing is changed.

        Raises:
            NeedsLoginError: the token is missing, refused, or lacks a right; the text names it.
            ChannelError: the server cannot be asked, or refuses.
        """
        token = self._token()
        account = self._account(token)
        if missing := self._missing(account["id"], token):
            raise NeedsLoginError(f"{self._name}: {_lacks(missing)}")
        return f"posts as {self._who(account)}"

    def prompts(self, given: Mapping[str, str], /) -> Sequence[Prompt]:
        """The token, if it is not known."""
        if self._credentials.given(given)[_TOKEN]:
            return ()
        text = f"Access token: make a new application with the scopes {asking.SCOPES}, and open it."
        return (Prompt(name=_TOKEN, text=text, secret=True, url=self._apps()),)

    def login(self, given: Mapping[str, str], /) -> Sequence[Symptom]:
        """Prove the token by asking whose it is, keep it, and say which rights it lacks.

        Raises:
            NeedsLoginError: it is missing or refused; nothing is kept.
            UnavailableError: the server cannot be asked; nothing is kept.
        """
        token = self._proper(self._credentials.given(given)[_TOKEN])
        account = self._account(token)
        missing = self._missing(account["id"], token)
        if given.get(_TOKEN):
            self._credentials.keep({_TOKEN: token})
        who = Symptom(what="account", said=f"posts as {self._who(account)}")
        return (who, _rights(missing), self._lesson())

    def close(self) -> None:
        """Let go of connections."""
        self._exchange.close()

    # Asking

    def _ask(
        self,
        call: Callable[[mastodon.Mastodon], _Answer],
        *,
        changes: bool,
        token: str | None = None,
        accept: Sequence[int] = (),
        gone: Any = None,
    ) -> _Answer | Any:
        """What the server answers; `gone` for a status that `accept` names."""
        server = asking.client(
            self._exchange,
            self._section.server,
            self._token() if token is None else token,
            changes=changes,
            accept=accept,
            timeout=self._section.read_timeout,
        )
        try:
            return call(server)
        except mastodon.MastodonError as error:
            if isinstance(cause := error.__context__, ChannelError):
                raise cause from None
            if accept and isinstance(error, mastodon.MastodonAPIError):
                return gone
            raise self._exchange.unreadable("what was asked for", changes=changes) from error

    @contextmanager
    def _repeatable(self) -> Iterator[None]:
        """What may simply be asked again: a lost answer leaves nothing in doubt."""
        try:
            yield
        except InDoubtError as error:
            what, _, _ = str(error).rpartition("; ")
            raise UnavailableError(f"{what}; it is asked again") from error

    def _token(self) -> str:
        return self._proper(self._credentials.all()[_TOKEN])

    def _proper(self, token: str) -> str:
        """A line break in it would end in an error text with the token in it."""
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise NeedsLoginError(f"{self._name}: {_TOKEN} is no access token; copy it anew from {self._apps()}")
        return token

    def _apps(self) -> str:
        return f"{self._section.server}/settings/applications"

    # Sending

    def _uploaded(self, post: Post, pictures: Mapping[str, Picture]) -> Sequence[str]:
        """Ids of its pictures, each ready to be shown. What is uploaded and not posted shows nowhere."""
        with self._repeatable():
            return [self._upload(pictures[one.digest], one.alt) for one in post.pictures]

    def _upload(self, picture: Picture, alt: str) -> str:
        media = self._ask(
            lambda server: server.media_post(
                picture.body, picture.media_type, description=alt or None, file_name=picture.name
            ),
            changes=True,
        )
        number = self._id(_field(media, "id"))
        for _ in range(math.ceil(self._section.media_timeout / _PAUSE)):
            if _field(media, "url"):
                return number
            # 202, then 206: https://docs.joinmastodon.org/methods/media/#get
            self._clock.sleep(_PAUSE)
            media = self._ask(lambda server: server.media(number), changes=True)
        raise UnavailableError(f"{self._name}: the server is still busy with a picture; it is tried again")

    def _id(self, number: object) -> str:
        if words.is_id(text := str(number or "")):
            return text
        raise self._exchange.unreadable("an id", changes=True)

    def _receipt(self, status: object) -> Receipt:
        number = self._id(_field(status, "id"))
        address = str(_field(status, "url") or _field(status, "uri") or "")
        return Receipt(id=number, url=address if address.startswith(("https://", "http://")) else "")

    # Looking

    def _account(self, token: str) -> Mapping[str, Any]:
        account = self._ask(lambda server: server.account_verify_credentials(), changes=False, token=token)
        if not words.is_id(str(_field(account, "id") or "")):
            raise self._exchange.unreadable("whose account it is", changes=False)
        return {"id": str(account["id"]), "name": str(_field(account, "username") or _field(account, "acct") or "")}

    def _who(self, account: Mapping[str, Any]) -> str:
        return f"@{account['name']}@{self._section.server.partition('://')[2]}"

    def _statuses(self, account: str, since: datetime) -> Iterator[Mapping[str, Any]]:
        """Newest first. Ids are of many kinds, so the time of each status says where to end."""
        last: str | None = None
        for _ in range(_PAGES):
            page = self._page(account, last)
            yield from (status for status in page if status["created_at"] >= since)
            if not page or page[-1]["created_at"] < since:
                return
            last = str(page[-1]["id"])
        raise InDoubtError(
            f"{self._name}: more than {_PAGES * _PAGE} statuses since, and it is not in the last ones"
        )

    def _page(self, account: str, last: str | None) -> Sequence[Mapping[str, Any]]:
        page = self._ask(
            lambda server: server.account_statuses(account, exclude_reblogs=True, max_id=last, limit=_PAGE),
            changes=False,
        )
        if not isinstance(page, list) or not all(map(_dated, page)) or any(str(one["id"]) == last for one in page):
            raise self._exchange.unreadable("a list of statuses", changes=False)
        return [{**one, "created_at": _aware(one["created_at"])} for one in page]

    # Logging in

    def _missing(self, account: str, token: str) -> Sequence[str]:
        """Rights that the token lacks. Servers look at those first, so asking for what is not there tells them."""
        return [scope for scope, trial in _TRIALS if not self._allowed(partial(trial, account), token)]

    def _allowed(self, trial: Callable[[mastodon.Mastodon], object], token: str) -> bool:
        try:
            self._ask(trial, changes=False, token=token)
        except NeedsLoginError:
            return False
        except InDoubtError:  # refused for another reason
            return True
        return True

    def _lesson(self) -> Symptom:
        try:
            self.learn()
        except ChannelError as error:
            return Symptom(what="limits", level=Level.WARNING, said=f"{error}; Mastodon's defaults count")
        return Symptom(what="limits", said=f"{self.limits.max_length} characters, {self.limits.pictures} pictures")


# Sending

#: Seconds between two looks whether a picture is ready.
_PAUSE = 1.0


def _language(post: Post) -> str:
    """Two or three letters: servers refuse, or forget, what they do not know (en-GB)."""
    return post.lang.partition("-")[0]


def _once(key: str, post: Post, before: str | None, visibility: str) -> str:
    """Equal at every attempt, and another for other content: a server gives the old status for a known key."""
    pictures = [[one.digest, one.alt] for one in post.pictures]
    facts = [key, post.text, post.warning, _language(post), visibility, before or "", pictures]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _field(value: object, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else None


# Finding

#: Statuses of an answer (servers give no more), and how many answers are looked through.
_PAGE, _PAGES = 40, 50
#: Clocks differ.
_SKEW = timedelta(minutes=15)


def _dated(status: object) -> bool:
    return words.is_id(str(_field(status, "id") or "")) and isinstance(_field(status, "created_at"), datetime)


def _aware(instant: datetime) -> datetime:
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


# Logging in

#: Scope -> a call that needs it and changes nothing: no status and no picture has the number 0. Whose account it is
#: was answered before, which proves read:accounts. https://docs.joinmastodon.org/api/oauth-scopes/
_TRIALS: Sequence[tuple[str, Callable[[str, mastodon.Mastodon], object]]] = (
    ("read:statuses", lambda account, server: server.account_statuses(account, limit=1)),
    ("write:media", lambda _, server: server.media_update("0", description=".")),
    ("write:statuses", lambda _, server: server.status_update("0", ".")),
)


def _lacks(missing: Sequence[str]) -> str:
    return f"the token lacks {', '.join(missing)}; give the application these scopes, and take its new token"


def _rights(missing: Sequence[str]) -> Symptom:
    if missing:
        return Symptom(what="scopes", level=Level.ERROR, said=_lacks(missing))
    return Symptom(what="scopes", said="all that are needed")
