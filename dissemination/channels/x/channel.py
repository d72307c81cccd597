"""X, by tweepy: posts with pictures, and replies, of one account, over OAuth 1.0a user tokens.

X has no idempotency key: what was asked twice may stand twice, but for the same text, which it refuses. So only an
answer counts. Where none came, `find` reads the account's own posts back.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import requests
import tweepy
from twitter_text import extract_urls

from dissemination.channels import sections
from dissemination.channels.fitting import fitting
from dissemination.channels.logins import Credentials
from dissemination.channels.networks import NETWORKS
from dissemination.channels.x.finding import PAGE, Seen, is_id, query, receipt, shown
from dissemination.channels.x.settings import XSettings
from dissemination.channels.x.wire import (
    DELETING,
    POSTING,
    PROVING,
    READING,
    REPLYING,
    SECRETS,
    UPLOADING,
    DuplicateError,
    GoneError,
    Wire,
    data,
    facts,
)
from dissemination.errors import InDoubtError, NeedsLoginError, RejectedError, UnavailableError
from dissemination.model import Level, Limits, Message, Picture, Post, Receipt, Symptom
from dissemination.ports import ChannelOptions, Prompt

# Limits

LIMITS: Limits = NETWORKS["x"]

#: Millionths of a US dollar for a post, and for one with an address (docs.x.com/x-api/getting-started/pricing).
_PRICE, _PRICE_LINKED = 15_000, 200_000

# Making


def make(options: ChannelOptions) -> XChannel:
    """The channel; secrets are asked for at every call, so that new ones count at once.

    Raises:
        SettingsError: an unknown key or a wrong value in the section.
    """
    return XChannel(options, sections.read(options, XSettings))


class XChannel:
    """Posts of one account. It keeps nothing between calls and may be used by several threads.

    Args:
        options: what it is made from; every message begins with its name.
        section: the checked section of settings.
    """

    def __init__(self, options: ChannelOptions, section: XSettings) -> None:
        self.limits = LIMITS
        cap = section.monthly_cap_usd
        #: In millionths of a US dollar.
        self.monthly_cap = None if cap is None else round(cap * 1_000_000)
        self._name, self._options = options.name, options
        self._credentials = Credentials(options, *SECRETS)
        self._wire = Wire(options.name, section, options.clock.now)

    def send(self, message: Message, /, *, key: str) -> Receipt:
        """Post it, as a reply where `message.in_reply_to` names a post; first its pictures are uploaded.

        Raises:
            RejectedError: X refuses this post, or it is none that this channel carries.
            UnavailableError: nothing reached X, the pictures are not up, or it asks to wait.
            InDoubtError: no answer that tells.
            NeedsLoginError: a secret is missing, or X refuses the account.
        """
        post = self._part(message)
        secrets = self._credentials.all()
        media = self._uploaded(message, post, secrets)
        before = message.in_reply_to.id if message.in_reply_to else None
        try:
            with self._wire.client(secrets, REPLYING if before else POSTING) as client:
                response = client.create_tweet(
                    text=post.text, media_ids=media or None, in_reply_to_tweet_id=before, user_auth=True
                )
        except DuplicateError as error:
            return self._adopted(message, key, error)
        number = data(response).get("id")
        if not is_id(number):
            raise InDoubtError(f"{self._name}: X answered {response.status_code} with no post; look at the account")
        return receipt(number)

    def find(self, message: Message, *, key: str, since: datetime) -> Receipt | None:  # noqa: ARG002 - X knows no key
        """Its receipt, if the posts since `since` hold it: the same words and addresses, with pictures or without.

        Raises:
            UnavailableError: X cannot be asked now.
            InDoubtError: there are more posts than one answer shows, or one that has the same words alone.
            NeedsLoginError: a secret is missing, or X refuses the account.
        """
        ours = Seen.ours(message, self._part(message))
        with self._wire.client(self._credentials.all(), READING) as client:
            account = self._account(client.get_me(user_auth=True))
            answer = client.request("GET", f"/2/users/{account.id}/tweets", query(since), user_auth=True)
        return self._found(ours, facts(answer))

    def delete(self, gone: Receipt, /) -> None:
        """Delete the post; what is gone already is no error.

        Raises:
            RejectedError: X refuses, or the receipt is not of X.
            UnavailableError: it cannot be deleted now, or nothing tells whether it was; deleting again is no harm.
            NeedsLoginError: a secret is missing, or X refuses the account.
        """
        if not is_id(gone.id):
            raise RejectedError(f"{self._name}: {gone.id or 'nothing'} is no number of a post; delete it by hand")
        try:
            with self._wire.client(self._credentials.all(), DELETING) as client:
                response = client.delete_tweet(gone.id, user_auth=True)
        except GoneError:
            return
        if data(response).get("deleted") is not True:
            raise UnavailableError(f"{self._name}: X does not say that {gone.id} is deleted; it is asked again")

    def price(self, post: Post, /) -> int:
        """Its estimate for all parts of a post, in millionths of a US dollar; an address makes a part dearer."""
        return sum(_PRICE_LINKED if extract_urls(part) else _PRICE for part in (post.text, *post.thread))

    def probe(self) -> str:
        """Whose account it is.

        Raises:
            ChannelError: X cannot be asked, or refuses; or the tokens may only read.
        """
        return f"posts as @{self._proved(self._credentials.all()).username}"

    def close(self) -> None:
        """Nothing is kept open."""

    def _part(self, message: Message) -> Post:
        post = fitting(self._name, message, self.limits)
        if post.thread:
            raise RejectedError(f"{self._name}: takes one part of a thread at a time; plan the post in one part")
        return post

    # Pictures

    def _uploaded(self, message: Message, post: Post, secrets: Mapping[str, str]) -> list[str]:
        """The numbers of its pictures at X: they expire, so they are made when the post is."""
        if not post.pictures:
            return []
        with self._wire.client(secrets, UPLOADING) as client:
            return [self._upload(client, message.pictures[one.digest], one.alt) for one in post.pictures]

    def _upload(self, client: tweepy.Client, picture: Picture, alt: str) -> str:
        """The number X gives it; tweepy has no call for that in version 2 (tweepy/tweepy#2217), but signs any."""
        body = {"media": base64.b64encode(picture.body).decode(), "media_category": "tweet_image"}
        made = data(client.request("POST", "/2/media/upload", json=body, user_auth=True))
        number, processing = made.get("id"), made.get("processing_info")
        if isinstance(processing, dict) and processing.get("state") == "failed":
            raise RejectedError(f"{self._name}: X cannot use the picture {picture.name}; save it anew")
        if not is_id(number):
            raise UnavailableError(f"{self._name}: X gave the picture no number; it is uploaded again")
        if alt:
            self._describe(client, number, alt)
        return number

    def _describe(self, client: tweepy.Client, number: str, alt: str) -> None:
        """Its alternative text; without it the picture does not go out."""
        body = {"id": number, "metadata": {"alt_text": {"text": alt}}}
        if data(client.request("POST", "/2/media/metadata", json=body, user_auth=True)).get("id") != number:
            raise UnavailableError(f"{self._name}: X did not take the alternative text; it is sent again")

    # Reading back

    def _adopted(self, message: Message, key: str, error: DuplicateError) -> Receipt:
        """A duplicate: of an attempt that got no answer, or of an older post."""
        if message.at is None:
            raise RejectedError(str(error)) from error
        try:
            found = self.find(message, key=key, since=message.at)
        except (UnavailableError, InDoubtError) as doubt:
            raise InDoubtError(
                f"{self._name}: X has a post with this text already, and cannot show which; {doubt}"
            ) from doubt
        if found is None:
            raise RejectedError(str(error)) from error
        return replace(found, detail="X had it already")

    def _account(self, response: requests.Response) -> _Account:
        me = data(response)
        if not is_id(me.get("id")):
            raise UnavailableError(f"{self._name}: X does not tell whose account it is; it is asked again")
        return _Account(id=me["id"], username=str(me.get("username", "")))

    def _found(self, ours: Seen, answer: Mapping[str, object]) -> Receipt | None:
        posts, meta = answer.get("data", []), answer.get("meta")
        if not isinstance(posts, list) or not isinstance(meta, dict):
            raise UnavailableError(f"{self._name}: X's list of posts cannot be read; it is asked again")
        similar = {number: seen.same(ours) for number, seen in shown(posts) if seen.says(ours)}
        for number, same in similar.items():
            if same:
                return receipt(number)
        for number in similar:
            raise InDoubtError(
                f"{self._name}: {receipt(number).url} has the same words and other addresses or pictures; "
                f"see whether it is it"
            )
        if meta.get("next_token"):
            raise InDoubtError(
                f"{self._name}: more than {PAGE} posts since, and it is not in the last; look for it"
            )
        return None

    # Logging in

    def prompts(self, given: Mapping[str, str], /) -> Sequence[Prompt]:
        """Those of the four values that are neither given nor set as secrets."""
        return [ask for ask in _PROMPTS if not given.get(ask.name) and not self._options.secret(ask.name)]

    def login(self, given: Mapping[str, str], /) -> Sequence[Symptom]:
        """Prove the values by asking whose account it is, and keep those that were given.

        Raises:
            NeedsLoginError: X refuses them, or they may only read; nothing is kept.
            UnavailableError: X cannot be asked now; nothing is kept.
        """
        values = self._credentials.given(given)
        missing = [name for name, value in values.items() if not value]
        if missing:
            raise NeedsLoginError(
                f"{self._name}: {', '.join(missing)} not given; docs/channels/x.md tells where it is"
            )
        account = self._proved(values)
        answers = {name: value for name in SECRETS if (value := given.get(name))}
        if answers:
            self._credentials.keep(answers)
        return [Symptom(what=self._name, said=f"posts as @{account.username}"), *self._hidden(answers)]

    def _hidden(self, answers: Mapping[str, str]) -> list[Symptom]:
        """Answers that do not count, since a secret of the same name does."""
        return [
            Symptom(what=name, level=Level.WARNING, said="is set as a secret, and that counts; take it out there")
            for name, answer in answers.items()
            if self._options.secret(name) not in {None, "", answer}
        ]

    def _proved(self, secrets: Mapping[str, str]) -> _Account:
        with self._wire.client(secrets, PROVING) as client:
            response = client.get_me(user_auth=True)
        account = self._account(response)
        # "read", "read-write" or "read-write-directmessages"; tokens keep the right of the moment they were made.
        if response.headers.get("x-access-level", "").lower() == "read":
            raise NeedsLoginError(
                f"{self._name}: the tokens of @{account.username} may only read; give the app the right to read "
                f"and write, and then make new tokens"
            )
        return account


@dataclass(frozen=True, kw_only=True, slots=True)
class _Account:
    id: str
    username: str


_PAGE = "https://developer.x.com/en/portal/dashboard"
_PROMPTS = (
    Prompt(name="X_API_KEY", text="API key (consumer key) of the app: Keys and tokens", secret=True, url=_PAGE),
    Prompt(name="X_API_SECRET", text="API key secret, shown beside it", secret=True, url=_PAGE),
    Prompt(
        name="X_ACCESS_TOKEN",
        text="access token of the account, made after the app got the right to read and write",
        secret=True,
        url=_PAGE,
    ),
    Prompt(name="X_ACCESS_SECRET", text="access token secret, shown beside it", secret=True, url=_PAGE),
)
