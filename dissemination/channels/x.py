"""X, by tweepy: text posts and replies of one account, over OAuth 1.0a user tokens.

X has no idempotency key: what was asked twice may stand twice, but for the same text, which it refuses. So only an
answer counts. Where none came, `find` reads the account's own posts back.
"""

from __future__ import annotations

import html
import io
import ipaddress
import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any, TypeGuard
from urllib.parse import urlsplit

import requests
import tweepy
import urllib3
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from requests.adapters import HTTPAdapter
from twitter_text import extract_urls_with_indices
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError, ProxyError

from dissemination.channels import sections
from dissemination.channels.networks import NETWORKS
from dissemination.errors import ChannelError, InDoubtError, NeedsLoginError, RejectedError, UnavailableError
from dissemination.model import Limits, Message, Post, Receipt
from dissemination.ports import ChannelOptions

# Limits

#: X takes four pictures and threads; this channel sends text, and parts of a thread one by one.
LIMITS: Limits = replace(NETWORKS["x"], pictures=0, threads=False)

# Settings

#: Argument of tweepy.Client -> environment variable that holds it.
_SECRETS = {
    "consumer_key": "X_API_KEY",
    "consumer_secret": "X_API_SECRET",
    "access_token": "X_ACCESS_TOKEN",
    "access_token_secret": "X_ACCESS_SECRET",
}


def _trusted(address: str) -> str:
    parts = urlsplit(address)
    if parts.username or parts.query or parts.fragment or not parts.hostname:
        raise ValueError("write scheme and host alone")
    if parts.scheme != "https" and not (parts.scheme == "http" and _loopback(parts.hostname)):
        raise ValueError("must begin with https://, or name this machine itself (http://127.0.0.1:8000)")
    return address.rstrip("/")


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Section(BaseModel):
    """The channel's section of settings.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    api_base: Annotated[str, AfterValidator(_trusted)] = "https://api.twitter.com"
    """Where requests go instead, for a test's stand-in or a gateway; they stay signed for api.twitter.com."""
    connect_timeout: float = Field(default=5, gt=0, le=60)
    """Seconds until a connection stands."""
    read_timeout: float = Field(default=30, gt=0, le=300)
    """Seconds for an answer: for its next bytes, and for the whole of it."""


# Making


def make(options: ChannelOptions) -> XChannel:
    """The channel; secrets are asked for at every call, so that new ones count at once.

    Raises:
        SettingsError: an unknown key or a wrong value in the section.
    """
    section = sections.read(options, _Section)
    return XChannel(options.name, section, options.secret, options.clock.now)


class XChannel:
    """Posts of one account. It keeps nothing between calls and may be used by several threads.

    Args:
        name: what settings call the channel; every message begins with it.
        section: the checked section of settings.
        secret: gives a secret by its name, or None.
        now: the present.
    """

    def __init__(
        self, name: str, section: _Section, secret: Callable[[str], str | None], now: Callable[[], datetime]
    ) -> None:
        self.limits = LIMITS
        self._name = name
        self._section = section
        self._secret = secret
        self._now = now

    def send(self, message: Message, /, *, key: str) -> Receipt:  # noqa: ARG002 - X knows no idempotency key
        """Post it, as a reply where `message.in_reply_to` names a post.

        Raises:
            RejectedError: X refuses this post, or it is none that this channel carries.
            UnavailableError: nothing reached X, or it asks to wait.
            InDoubtError: no answer that tells.
            NeedsLoginError: a secret is missing, or X refuses the account.
        """
        post = self._text_post(message)
        before = message.in_reply_to.id if message.in_reply_to else None
        with self._client(sending=True) as client:
            response = client.create_tweet(text=post.text, in_reply_to_tweet_id=before, user_auth=True)
        data = _json(response).get("data")
        number = data.get("id") if isinstance(data, dict) else None
        if not _is_id(number):
            raise InDoubtError(f"{self._name}: X answered {response.status_code} with no post; look at the account")
        return _receipt(number)

    def find(self, message: Message, *, key: str, since: datetime) -> Receipt | None:  # noqa: ARG002 - as for send
        """Its receipt, if the account's posts since `since` hold it: the same words and the same addresses.

        Raises:
            UnavailableError: X cannot be asked now.
            InDoubtError: there are more posts than one answer shows, or one that differs by its addresses alone.
            NeedsLoginError: a secret is missing, or X refuses the account.
        """
        post = self._text_post(message)
        with self._client() as client:
            account = self._account(_json(client.get_me(user_auth=True)))
            answer = _json(client.request("GET", f"/2/users/{account.id}/tweets", _timeline(since), user_auth=True))
        return self._found(_Words.of(post.text), answer, replies=message.in_reply_to is not None)

    def probe(self) -> str:
        """Whose account it is.

        Raises:
            ChannelError: X cannot be asked, or refuses.
        """
        with self._client() as client:
            account = self._account(_json(client.get_me(user_auth=True)))
        return f"posts as @{account.username}"

    def close(self) -> None:
        """Nothing is kept open."""

    def _text_post(self, message: Message) -> Post:
        post = message.body
        if not isinstance(post, Post):
            raise RejectedError(f"{self._name}: takes posts only; plan mail and files for another channel")
        if post.pictures:
            raise RejectedError(f"{self._name}: carries text only; plan the post without its picture")
        if post.thread:
            raise RejectedError(f"{self._name}: takes one part of a thread at a time; plan the post in one part")
        return post

    # The way out

    @contextmanager
    def _client(self, *, sending: bool = False) -> Iterator[tweepy.Client]:
        """A client for one exchange; what goes wrong means more while sending than while looking."""
        client = tweepy.Client(
            **self._secrets(),
            return_type=requests.Response,
            wait_on_rate_limit=False,  # it would sleep, for minutes
        )
        client.session.mount("https://", _Transport(self._section))
        client.session.hooks["response"].append(partial(self._judged, sending))
        try:
            yield client
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise self._failure(error, sending=sending) from error
        finally:
            client.session.close()

    def _secrets(self) -> dict[str, str]:
        found = {argument: self._secret(name) for argument, name in _SECRETS.items()}
        missing = [_SECRETS[argument] for argument, value in found.items() if not value]
        if missing:
            raise NeedsLoginError(
                f"{self._name}: {', '.join(missing)} not set; docs/channels/x.md tells how to get them"
            )
        return {argument: value for argument, value in found.items() if value}

    def _failure(self, error: Exception, *, sending: bool) -> ChannelError:
        what = type(error).__name__
        if _never_sent(error):
            return UnavailableError(f"{self._name}: cannot reach X ({what}); see that this machine is online")
        if sending:
            return InDoubtError(f"{self._name}: the post was sent and no answer came ({what}); look at the account")
        return UnavailableError(f"{self._name}: X gave no whole answer ({what}); it is asked again")

    def _judged(self, sending: bool, response: requests.Response, **_: object) -> None:  # noqa: FBT001 - for partial
        """Read the answer within bounds and raise what a refusal means, before tweepy sees it.

        tweepy's own errors hide the `detail`, and its constructor trips on bodies that are no JSON objects. Nor is
        a redirect followed: X sends none, and somebody else's answer proves nothing.
        """
        response.raw = io.BytesIO(_body(response, timedelta(seconds=self._section.read_timeout), self._now))
        if response.status_code >= 300:
            raise self._refusal(response, sending=sending)

    def _refusal(self, response: requests.Response, *, sending: bool) -> ChannelError:
        problem = _json(response)
        facts = json.dumps(problem).lower()
        rule = next(one for one in _REFUSALS if one.status in {0, response.status_code} and one.fragment in facts)
        error = rule.error if sending else _LOOKING.get(rule.error, rule.error)
        text = f"{self._name}: X answered {response.status_code}{_detail(problem)}; {rule.advice}"
        if error is UnavailableError:
            return UnavailableError(text, retry_at=_reset(response.headers, self._now()))
        return error(text)

    # Reading back

    def _account(self, answer: Mapping[str, Any]) -> _Account:
        data = answer.get("data")
        if not isinstance(data, dict) or not _is_id(data.get("id")):
            raise UnavailableError(f"{self._name}: X does not tell whose account it is; it is asked again")
        return _Account(id=data["id"], username=str(data.get("username", "")))

    def _found(self, wanted: _Words, answer: Mapping[str, Any], *, replies: bool) -> Receipt | None:
        posts = answer.get("data", [])
        meta = answer.get("meta")
        if not isinstance(posts, list) or not isinstance(meta, dict):
            raise UnavailableError(f"{self._name}: X's list of posts cannot be read; it is asked again")
        similar = ""
        for post in filter(_is_post, posts):
            seen = _Words.back(post)
            if seen.same(wanted, replies=replies, addresses=True):
                return _receipt(post["id"])
            if seen.same(wanted, replies=replies, addresses=False):
                similar = _receipt(post["id"]).url
        if similar:
            raise InDoubtError(
                f"{self._name}: {similar} has the same words and other addresses; see whether it is it"
            )
        if meta.get("next_token"):
            raise InDoubtError(
                f"{self._name}: more than {_PAGE} posts since, and it is not in the last; look for it"
            )
        return None


# Sending


class _Transport(HTTPAdapter):
    """Adds what tweepy has no setting for: timeouts, and another host."""

    def __init__(self, section: _Section) -> None:
        super().__init__()
        self._base = urlsplit(section.api_base)
        self._timeouts = (section.connect_timeout, section.read_timeout)

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        parts = urlsplit(request.url or "")
        request.url = parts._replace(
            scheme=self._base.scheme, netloc=self._base.netloc, path=f"{self._base.path}{parts.path}"
        ).geturl()
        if _loopback(self._base.hostname or ""):
            options["proxies"] = {}
        return super().send(request, *args, **{**options, "timeout": self._timeouts})


#: Bytes; a hundred posts have some 100,000.
_LARGEST = 4_000_000


def _body(response: requests.Response, most: timedelta, now: Callable[[], datetime]) -> bytes:
    """All of it. A read timeout begins anew with every byte; this one does not."""
    body = bytearray()
    end = now() + most
    while chunk := response.raw.read1(65_536, decode_content=True):
        body += chunk
        if len(body) > _LARGEST or now() > end:
            response.raw.close()
            raise requests.Timeout("too long or too slow an answer")
    return bytes(body)


def _json(response: requests.Response) -> dict[str, Any]:
    """The answer's object; empty where it is none."""
    try:
        value = response.json()
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _is_id(number: object) -> TypeGuard[str]:
    return isinstance(number, str) and re.fullmatch(r"[0-9]{1,19}", number) is not None


def _receipt(number: str) -> Receipt:
    return Receipt(id=number, url=f"https://x.com/i/status/{number}")


# Classifying


@dataclass(frozen=True, kw_only=True, slots=True)
class _Refusal:
    """What an answer means."""

    #: HTTP status; 0: any.
    status: int
    #: Stands in the body, in lower case.
    fragment: str = ""
    error: type[ChannelError]
    advice: str


_NEW_TOKENS = "make new tokens, set them and resume the channel"

#: In every body that says something: an error page of somebody in between does not speak for X.
_SAYS = '"'

#: The first that applies counts. 403 alone says nothing: the body tells a duplicate from a wrong right.
#: https://docs.x.com/x-api/fundamentals/response-codes-and-errors
_REFUSALS = (
    _Refusal(status=401, error=NeedsLoginError, advice=_NEW_TOKENS),
    _Refusal(
        status=402, error=NeedsLoginError, advice="the account's credit is used up; buy some and resume the channel"
    ),
    _Refusal(
        status=403,
        fragment="duplicate",
        error=RejectedError,
        advice="the account has a post with this text already; if it is not this one, change the words",
    ),
    _Refusal(
        status=403,
        fragment="permissions",
        error=NeedsLoginError,
        advice=f"give the app the right to read and write, then {_NEW_TOKENS}",
    ),
    _Refusal(status=403, fragment="client-forbidden", error=NeedsLoginError, advice="enrol the app in a project"),
    _Refusal(
        status=403, fragment="client-not-enrolled", error=NeedsLoginError, advice="enrol the app in a project"
    ),
    _Refusal(status=403, fragment="unsupported-authentication", error=NeedsLoginError, advice=_NEW_TOKENS),
    _Refusal(status=403, fragment="suspended", error=NeedsLoginError, advice="ask X for the account, then resume"),
    _Refusal(
        status=403, fragment=" locked", error=NeedsLoginError, advice="unlock the account on x.com, then resume"
    ),
    _Refusal(
        status=403, fragment=_SAYS, error=RejectedError, advice="change the post, or see what the account may do"
    ),
    _Refusal(status=400, fragment=_SAYS, error=RejectedError, advice="change the post"),
    _Refusal(status=404, fragment=_SAYS, error=RejectedError, advice="what it replies to is gone; plan it without"),
    _Refusal(status=429, error=UnavailableError, advice="it goes out later"),
    _Refusal(
        status=0, error=InDoubtError, advice="that does not tell whether the post is out; look at the account"
    ),
)

#: What the same answers mean to who only looks.
_LOOKING: Mapping[type[ChannelError], type[ChannelError]] = {
    RejectedError: InDoubtError,
    InDoubtError: UnavailableError,
}


def _detail(problem: Mapping[str, Any]) -> str:
    detail = problem.get("detail") or problem.get("title")
    return f" ({' '.join(detail.split())[:200]})" if isinstance(detail, str) else ""


def _reset(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """When X takes posts again (seconds since 1970), between now and a day from now."""
    try:
        named = datetime.fromtimestamp(int(headers["x-rate-limit-reset"]), UTC)
    except (KeyError, ValueError, OverflowError, OSError):
        return None
    return min(max(named, now), now + timedelta(days=1))


_BEFORE_SENDING = (NewConnectionError, ConnectTimeoutError, ProxyError)


def _never_sent(error: Exception) -> bool:
    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, _BEFORE_SENDING)


# Finding

#: The most that X shows in one answer.
_PAGE = 100
#: Characters; ours are shorter, even escaped.
_LONGEST = 2000
#: Clocks differ.
_SKEW = timedelta(minutes=5)
_MENTIONS = re.compile(r"^(?:@\w{1,15}\s+)+")


def _timeline(since: datetime) -> dict[str, str]:
    """The query for own posts; tweepy still says `tweet.fields`, which the official document does not know."""
    return {
        "max_results": str(_PAGE),
        "start_time": (since - _SKEW).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "exclude": "retweets",
        "post.fields": "entities,text",
    }


def _is_post(post: object) -> bool:
    if not isinstance(post, dict) or not _is_id(post.get("id")):
        return False
    return isinstance(post.get("text"), str) and len(post["text"]) <= _LONGEST


@dataclass(frozen=True, kw_only=True, slots=True)
class _Account:
    id: str
    username: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Words:
    """A text with a mark for each address, so that what X made of them can be compared."""

    text: str
    addresses: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> _Words:
        """Of a text as we write it."""
        composed = unicodedata.normalize("NFC", text)
        return cls._split(composed, {})

    @classmethod
    def back(cls, post: Mapping[str, Any]) -> _Words:
        """Of a post as X shows it: addresses as t.co, and the signs of HTML escaped."""
        entities = post.get("entities")
        urls = entities.get("urls") if isinstance(entities, dict) else None
        known = {
            url["url"]: url["expanded_url"]
            for url in (urls if isinstance(urls, list) else [])
            if isinstance(url, dict)
            and isinstance(url.get("url"), str)
            and isinstance(url.get("expanded_url"), str)
        }
        return cls._split(unicodedata.normalize("NFC", html.unescape(post["text"])), known)

    @classmethod
    def _split(cls, text: str, known: Mapping[str, str]) -> _Words:
        words, addresses, end = [], [], 0
        for url in extract_urls_with_indices(text):
            start, stop = url["indices"]
            words.append(text[end:start])
            addresses.append(_plain(known.get(url["url"], url["url"])))
            end = stop
        words.append(text[end:])
        return cls(text=" ".join("\0".join(words).split()), addresses=tuple(addresses))

    def same(self, other: _Words, *, replies: bool, addresses: bool) -> bool:
        """Whether the words are the same, and with `addresses` those too; X puts mentions before a reply."""
        texts = [_MENTIONS.sub("", one.text) if replies else one.text for one in (self, other)]
        return texts[0] == texts[1] and (not addresses or self.addresses == other.addresses)


def _plain(address: str) -> str:
    """Without what X adds to a bare host name: the protocol and the slash."""
    return re.sub(r"^https?://", "", address, flags=re.IGNORECASE).rstrip("/").casefold()
