"""The channel: what may be sent, the dialogue of a post and of a thread, looking, deleting, and logging in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from dissemination.channels import sections
from dissemination.channels.bluesky import record as records
from dissemination.channels.bluesky.record import POSTS, Json
from dissemination.channels.bluesky.session import Account, Session
from dissemination.channels.exchange import Exchange, Refusal, Reply, trusted
from dissemination.channels.fitting import fitting
from dissemination.channels.logins import Credentials
from dissemination.channels.networks import NETWORKS
from dissemination.errors import InDoubtError, NeedsLoginError, RejectedError, UnavailableError
from dissemination.model import Level, Limits, Mention, Message, Picture, Post, Receipt, Symptom
from dissemination.ports import ChannelOptions, Prompt

# Limits

LIMITS: Limits = NETWORKS["bluesky"]

# Settings

_SECRET = "BLUESKY_APP_PASSWORD"  # noqa: S105 - a name
_PASSWORDS = "https://bsky.app/settings/app-passwords"
_NAME = re.compile(r"did:[a-z]+:[\w.:%-]+|(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*")


def _handle(text: str) -> str:
    """https://atproto.com/specs/handle, as people write it."""
    name = text if text.startswith("did:") else text.strip().removeprefix("@").lower()
    if len(name) > 253 or not _NAME.fullmatch(name):
        raise ValueError("must be the account's whole name, such as project.bsky.social")
    return name


class _Section(BaseModel):
    """The channel's section of settings.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    handle: Annotated[str, AfterValidator(_handle)]
    """The account's whole name, such as project.bsky.social, or its DID."""
    service: Annotated[str, AfterValidator(trusted)] = "https://bsky.social"
    """Where the account logs in: its own server, where it is not one of Bluesky's."""
    attach: Literal["pictures", "card"] = "pictures"
    """What hangs below a post that has both: its pictures, or the link as a card with the first picture."""
    connect_timeout: float = Field(default=5, gt=0, le=60)
    """Seconds until a connection stands."""
    read_timeout: float = Field(default=30, gt=0, le=300)
    """Seconds for an answer: for its next bytes, and for the whole of it."""


# Making


def make(options: ChannelOptions) -> BlueskyChannel:
    """The channel; the app password is asked for only when a session is made.

    Raises:
        SettingsError: an unknown key or a wrong value in the section.
    """
    return BlueskyChannel(options, sections.read(options, _Section))


class BlueskyChannel:
    """Posts of one account. It may be used by several threads.

    Args:
        options: its name, secrets, vault and clock.
        section: the checked section of settings.
    """

    def __init__(self, options: ChannelOptions, section: _Section) -> None:
        self.limits = LIMITS
        self._name, self._section, self._vault, self._now = options.name, section, options.vault, options.clock.now
        self._credentials = Credentials(options, _SECRET)
        self._from_outside = options.secret
        self._exchange = Exchange(
            *(options.name, "Bluesky", _REFUSALS, options.clock.now),
            connect=section.connect_timeout,
            read=section.read_timeout,
        )
        self._account = Account(
            name=options.name,
            service=section.service,
            identifier=section.handle,
            exchange=self._exchange,
            vault=options.vault,
            password=lambda: self._credentials.all()[_SECRET],
        )

    def send(self, message: Message, /, *, key: str) -> Receipt:  # noqa: ARG002 - the message bears it
        """Post it, as a reply where `message.in_reply_to` names a post; nothing, where it stands there already.

        Raises:
            RejectedError: the server refuses this post, it is none that this channel carries, or another one
                stands under its key.
            UnavailableError: nothing was posted, or the server asks to wait.
            InDoubtError: no answer that tells, and it could not be looked up; a repeat is safe.
            NeedsLoginError: the app password is missing or refused.
        """
        if isinstance(message.body, Post) and message.body.thread:
            raise RejectedError(f"{self._name}: a thread goes out as a whole; plan the post anew")
        return self._published([message])[0]

    def send_thread(self, messages: Sequence[Message], /) -> Sequence[Receipt]:
        """Write all parts in one step: all of them are there, or none. Errors as of `send`."""
        return self._published(messages)

    def find(self, message: Message, *, key: str, since: datetime) -> Receipt | None:  # noqa: ARG002 - its key tells
        """Its receipt, if its record is there.

        Raises:
            UnavailableError: the server cannot be asked now.
            InDoubtError: another post stands under its key, or the answer does not tell.
            NeedsLoginError: the app password is missing or refused.
        """
        try:
            return self._receipt(message) if self._stands(message, self._timed(message)) else None
        except RejectedError as error:
            raise InDoubtError(str(error)) from error

    def delete(self, receipt: Receipt, /) -> None:
        """Take the post away; what is gone already is no error. Errors as of `send`."""
        place = _PLACE.fullmatch(receipt.id)
        if not place or place["did"] != self._account.session().did:
            raise RejectedError(f"{self._name}: {receipt.id or 'it'} is no post of this account; delete it by hand")
        record = {"repo": place["did"], "collection": POSTS, "rkey": place["key"]}
        with suppress(InDoubtError):
            reply = self._account.call("com.atproto.repo.deleteRecord", changes=True, json=record)
            if _error(reply) != _ABSENT:
                self._account.good(reply)
        if self._record(place):  # an answer of 200 alone may be anybody's
            raise InDoubtError(f"{self._name}: the post still stands there; delete it again")

    def probe(self) -> str:
        """Whose account it is.

        Raises:
            ChannelError: the server cannot be asked, or refuses.
        """
        reply = self._account.call("com.atproto.server.getSession", params={})
        answer = self._account.good(reply).json()
        if not isinstance(answer.get("handle"), str):
            raise self._exchange.unreadable("the account's name", changes=False)
        return f"posts as @{answer['handle']} on {urlsplit(self._section.service).hostname}"

    def prompts(self, given: Mapping[str, str], /) -> Sequence[Prompt]:
        """The app password, unless the environment gives it."""
        if given.get(_SECRET) or self._from_outside(_SECRET):
            return []
        text = f"App password of {self._section.handle} (Settings, Privacy and security, App passwords)"
        return [Prompt(name=_SECRET, text=text, secret=True, url=_PASSWORDS)]

    def login(self, given: Mapping[str, str], /) -> Sequence[Symptom]:
        """Make a session with the answers and keep both.

        Raises:
            NeedsLoginError: the password is missing or refused; nothing is kept.
            UnavailableError: the server cannot be asked now; nothing is kept.
        """
        password = self._credentials.given(given)[_SECRET]
        if not password:
            raise NeedsLoginError(f"{self._name}: {_SECRET} is missing; make an app password at {_PASSWORDS}")
        session = self._account.created(password)
        if given.get(_SECRET):
            self._credentials.keep({_SECRET: password})
        self._account.keep(session)
        return _seen(session)

    def expires(self) -> datetime | None:
        """Never, where the app password is known: a new session is made with it. Else the kept session's end."""
        session = None if self._credentials.get(_SECRET) else self._account.kept()
        return session.ends() if session else None

    def close(self) -> None:
        """Let go of connections."""
        self._exchange.close()

    # What may be sent

    def _timed(self, message: Message) -> Post:
        if not isinstance(message.body, Post):
            raise RejectedError(f"{self._name}: takes posts only; plan mail and files for another channel")
        if message.at is None:
            raise RejectedError(
                f"{self._name}: the post has no time, and a repeat must bear the same; plan it anew"
            )
        return message.body

    def _fitting(self, message: Message) -> Post:
        post = fitting(self._name, message, LIMITS)
        self._timed(message)
        length = records.graphemes(post.text)
        faults = (
            (length > LIMITS.max_length, f"has {length} of {LIMITS.max_length} characters; shorten the text"),
            (not post.text.strip() and not post.pictures, "says nothing; give it a text"),
            (
                bool(post.warning) and post.warning not in post.text,
                "has a content warning, which Bluesky has no place for; write it into the text",
            ),
        )
        for wrong, said in faults:
            if wrong:
                raise RejectedError(f"{self._name}: the post {said}")
        return post

    # Sending

    def _published(self, messages: Sequence[Message]) -> Sequence[Receipt]:
        """Look first, and again where the answer was lost: writing twice answers 500, and tells nothing."""
        posts = [self._fitting(message) for message in messages]
        # All of them: where the first stands, the rest may have been changed and approved since.
        if not (self._stands(messages[0], posts[0]) and self._all_stand(messages, posts)):
            written = self._records(messages, posts)
            try:
                self._write(messages, written)
            except InDoubtError:
                if not self._all_stand(messages, posts):
                    raise
        return [self._receipt(message) for message in messages]

    def _write(self, messages: Sequence[Message], written: Sequence[Json]) -> None:
        keys = [records.record_key(message) for message in messages]
        if len(messages) > 1:
            self._write_all(keys, written)
            return
        body = {"repo": self._did, "collection": POSTS, "rkey": keys[0], "record": written[0], "swapRecord": None}
        reply = self._account.call("com.atproto.repo.putRecord", changes=True, json=body)
        if _error(reply) == "InvalidSwap":
            raise InDoubtError(f"{self._name}: a post stands under this key already; it is looked at")
        self._told(reply, [reply.json()], keys)

    def _write_all(self, keys: Sequence[str], written: Sequence[Json]) -> None:
        """https://docs.bsky.app/docs/api/com-atproto-repo-apply-writes: all or nothing."""
        creates = [
            {"$type": "com.atproto.repo.applyWrites#create", "collection": POSTS, "rkey": key, "value": value}
            for key, value in zip(keys, written, strict=True)
        ]
        body = {"repo": self._did, "writes": creates}
        reply = self._account.call("com.atproto.repo.applyWrites", changes=True, json=body)
        self._told(reply, reply.json().get("results"), keys)

    def _told(self, reply: Reply, results: object, keys: Sequence[str]) -> None:
        """The answer names what was written."""
        self._account.good(reply)
        found = results if isinstance(results, list) else []
        named = [one.get("uri") for one in found if isinstance(one, dict)]
        if named != [self._place(key) for key in keys]:
            raise self._exchange.unreadable("the post's address", changes=True)

    def _records(self, messages: Sequence[Message], posts: Sequence[Post]) -> Sequence[Json]:
        """Each part answers the one before; a part's proof is known before the server has seen it."""
        lead = posts[0]
        carrier = next((at for at, post in enumerate(posts) if records.holds(post.text, lead.link)), 0)
        reply = self._answers(messages[0].in_reply_to)
        written: list[Json] = []
        for at, (message, post) in enumerate(zip(messages, posts, strict=True)):
            embed = self._embed(message, post, messages[0], carded=at == carrier and bool(lead.link))
            marks = records.facets(post.text, lead.link, self._meant(post))
            written.append(records.record(message, post, marks=marks, embed=embed, reply=reply))
            own = {"uri": self._place(records.record_key(message)), "cid": records.record_cid(written[-1])}
            reply = {"root": reply["root"] if reply else own, "parent": own}
        return written

    def _answers(self, before: Receipt | None) -> Json | None:
        """What a reply names: the post before it, and that one's root."""
        if before is None:
            return None
        there = self._record(_PLACE.fullmatch(before.id))
        if there is None:
            raise RejectedError(f"{self._name}: what it replies to is gone; plan it without")
        own = {"uri": before.id, "cid": there.get("cid")}
        value = there.get("value")
        root = (
            value["reply"].get("root") if isinstance(value, dict) and isinstance(value.get("reply"), dict) else own
        )
        return {"root": root, "parent": own}

    # Pictures and cards

    def _embed(self, message: Message, post: Post, first: Message, *, carded: bool) -> Json | None:
        """Its own pictures; or, where it carries the link, a card with the first part's title and picture."""
        if post.pictures and not (carded and self._section.attach == "card"):
            shown = [(one.alt, message.pictures[one.digest]) for one in post.pictures]
            return records.images((alt, self._uploaded(one), (one.width, one.height)) for alt, one in shown)
        return self._card(first) if carded else None

    def _card(self, first: Message) -> Json | None:
        """Whatever goes wrong with its picture, the post goes out."""
        post, thumb = self._timed(first), None
        with suppress(UnavailableError, RejectedError, InDoubtError):
            thumb = next((self._uploaded(first.pictures[one.digest]) for one in post.pictures), None)
        return records.card(post.link, post.title or post.link, post.summary, thumb)

    def _uploaded(self, picture: Picture) -> Json:
        """Hand over a picture; the server forgets it, if no post shows it. Nothing is posted by this."""
        headers = {"Content-Type": picture.media_type}
        reply = self._account.call("com.atproto.repo.uploadBlob", content=picture.body, headers=headers)
        blob = self._account.good(reply).json().get("blob")
        link = records.blob_cid(picture.body)
        if not isinstance(blob, dict) or blob.get("ref") != {"$link": link}:
            raise self._exchange.unreadable("the picture's id", changes=False)
        kind = str(blob.get("mimeType") or picture.media_type)
        return {"$type": "blob", "ref": {"$link": link}, "mimeType": kind, "size": len(picture.body)}

    # Mentions

    def _meant(self, post: Post) -> Sequence[tuple[Mention, str]]:
        """Who is named, with a DID; whom the server does not know stays plain text."""
        found = [
            (one, self._resolved(one.target.removeprefix("@"))) for one in records.named(post.text, post.mentions)
        ]
        return [(one, did) for one, did in found if did]

    def _resolved(self, target: str) -> str:
        """The DID behind a handle, asked once a week; an old answer is better than none, which is ""."""
        if target.startswith("did:"):
            return target
        handle, now = target.lower(), self._now()
        known = (self._vault.read(f"handle {handle}") if self._vault else None) or {}
        did = str(known.get("did", ""))
        if did and datetime.fromisoformat(str(known.get("at"))) + _FRESH > now:
            return did
        try:
            reply = self._account.call("com.atproto.identity.resolveHandle", params={"handle": handle})
            did = str(self._account.good(reply).json().get("did") or did)
        except (UnavailableError, RejectedError, InDoubtError):
            return did
        if self._vault and did:
            self._vault.write(f"handle {handle}", {"did": did, "at": now.isoformat()})
        return did

    # Looking

    @property
    def _did(self) -> str:
        return self._account.session().did

    def _place(self, key: str) -> str:
        return f"at://{self._did}/{POSTS}/{key}"

    def _receipt(self, message: Message) -> Receipt:
        key = records.record_key(message)
        return Receipt(id=self._place(key), url=f"https://bsky.app/profile/{self._did}/post/{key}")

    def _stands(self, message: Message, post: Post) -> bool:
        """Whether the post is out already.

        Raises:
            RejectedError: another one stands under its key.
        """
        place = self._place(records.record_key(message))
        there = self._record(_PLACE.fullmatch(place))
        if there is None:
            return False
        value = there.get("value")
        # Not the whole record: a picture's or a mention's failure may have left something out of it.
        if not isinstance(value, dict) or value.get("text") != post.text:
            address = self._receipt(message).url
            raise RejectedError(
                f"{self._name}: {address} stands under this post's key with other words; see which one is to stay"
            )
        return True

    def _all_stand(self, messages: Sequence[Message], posts: Sequence[Post]) -> bool:
        """All were written in one step: where some are there and some are not, a person has deleted some."""
        standing = [self._stands(message, post) for message, post in zip(messages, posts, strict=True)]
        if any(standing) and not all(standing):
            raise RejectedError(
                f"{self._name}: {standing.count(True)} of the thread's {len(standing)} parts stand there and the "
                f"rest is gone; delete them or let them be"
            )
        return all(standing)

    def _record(self, place: re.Match[str] | None) -> Json | None:
        """The record at a place; None: there is certainly none."""
        if place is None:
            return None
        query = {"repo": place["did"], "collection": POSTS, "rkey": place["key"]}
        reply = self._account.call("com.atproto.repo.getRecord", params=query)
        if _error(reply) == _ABSENT:
            return None
        if reply.status >= 400:
            raise self._exchange.refused(reply, changes=False)
        answer = reply.json()
        if answer.get("uri") != place[0]:
            raise self._exchange.unreadable("the post that was asked for", changes=False)
        return answer


# Reading answers

_PLACE = re.compile(rf"at://(?P<did>did:[a-z]+:[\w.:%-]+)/{re.escape(POSTS)}/(?P<key>[\w.~:-]{{1,512}})")
_ABSENT = "RecordNotFound"
#: A handle may pass to another account.
_FRESH = timedelta(days=7)


def _error(reply: Reply) -> str:
    return str(reply.json().get("error", "")) if reply.status >= 400 else ""


def _seen(session: Session) -> Sequence[Symptom]:
    """What a login showed."""
    seen = [Symptom(what="account", said=f"@{session.handle} ({session.did})")]
    if session.own_password:
        said = f"this is the account's own password, which may do everything; make one for apps: {_PASSWORDS}"
        seen.append(Symptom(what="password", level=Level.WARNING, said=said))
    return seen


# Classifying

_GOES_LATER = "it is looked up, and sent again if it is not there"
_LOG_IN = "make a new app password; `disseminate login` with it will resume the channel"

#: The first that applies counts. What the server itself says is JSON; a page of somebody in between is not.
#: https://docs.bsky.app/docs/advanced-guides/rate-limits, https://atproto.com/specs/xrpc#error-responses
_REFUSALS = (
    Refusal(status=401, error=NeedsLoginError, advice=_LOG_IN),
    Refusal(status=403, fragment='"error"', error=NeedsLoginError, advice=_LOG_IN),
    Refusal(status=400, fragment="invalidtoken", error=NeedsLoginError, advice=_LOG_IN),
    Refusal(status=400, fragment="expiredtoken", error=NeedsLoginError, advice=_LOG_IN),
    *(
        Refusal(
            status=400, fragment=state, error=NeedsLoginError, advice="mend the account, then resume the channel"
        )
        for state in (
            "accounttakedown",
            "accountdeactivated",
            "accountsuspended",
            "repodeactivated",
            "repotakendown",
        )
    ),
    Refusal(status=400, fragment='"error"', error=RejectedError, advice="change the post"),
    Refusal(status=413, error=RejectedError, advice="make its picture smaller"),
    Refusal(status=429, error=UnavailableError, advice="it goes out later"),
    Refusal(status=0, error=InDoubtError, advice=_GOES_LATER),
)
