"""Exchanges with X: tweepy signs and words the requests; here they are bounded, and their answers judged."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests
import tweepy
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError, ProxyError

from dissemination.channels.exchange import LOOKING, Refusal, Reply, is_loopback, retry_after, ruled, said
from dissemination.channels.x.settings import XSettings
from dissemination.errors import ChannelError, InDoubtError, NeedsLoginError, RejectedError, UnavailableError

#: Name of a secret -> argument of tweepy.Client.
SECRETS: Mapping[str, str] = {
    "X_API_KEY": "consumer_key",
    "X_API_SECRET": "consumer_secret",
    "X_ACCESS_TOKEN": "access_token",
    "X_ACCESS_SECRET": "access_token_secret",
}

# Errands


class DuplicateError(RejectedError):
    """The account has a post with this text already."""


class GoneError(RejectedError):
    """There is no such post (any more)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Errand:
    """What a failure means for what is being done."""

    #: What it is when the request was sent and no whole answer came.
    lost: type[ChannelError] = UnavailableError
    #: The same in words.
    loss: str = "X gave no whole answer ({what}); it is asked again"
    #: What a refusal means here, where that differs from what it means for a post.
    means: Mapping[type[ChannelError], type[ChannelError]] = field(default_factory=dict)
    #: What to do about a 403 that says nothing better.
    forbidden: str = ""


#: A post: once the request is out it may stand there.
POSTING = Errand(
    lost=InDoubtError,
    loss="the post was sent and no answer came ({what}); look at the account",
    means={GoneError: RejectedError},
)
#: A reply. X restricted those by programs in February 2026, and does not say whether one's own threads are exempt.
REPLYING = replace(
    POSTING,
    forbidden="X may not let this app reply (it restricts replies by programs); the parts before it stay: a retry "
    "goes on with this one, or post the rest by hand",
)
#: A picture: what is uploaded twice is seen once.
UPLOADING = Errand(means={InDoubtError: UnavailableError, GoneError: RejectedError})
#: What is gone stays gone.
DELETING = Errand(means={InDoubtError: UnavailableError})
#: Nothing is changed.
READING = Errand(means={**LOOKING, DuplicateError: InDoubtError, GoneError: InDoubtError})
#: Whose account is it? Who may not even ask that needs other credentials.
PROVING = Errand(means={InDoubtError: UnavailableError, RejectedError: NeedsLoginError, GoneError: NeedsLoginError})


class Wire:
    """The way to X.

    Args:
        name: what settings call the channel; every message begins with it.
        section: the checked section of settings.
        now: the present.
    """

    def __init__(self, name: str, section: XSettings, now: Callable[[], datetime]) -> None:
        self._name, self._section, self._now = name, section, now

    @contextmanager
    def client(self, secrets: Mapping[str, str], errand: Errand) -> Iterator[tweepy.Client]:
        """A client for one errand.

        Args:
            secrets: all of `SECRETS` by name.
            errand: what a failure means.

        Raises:
            ChannelError: what went wrong in the block, as the errand has it.
        """
        client = tweepy.Client(
            **{SECRETS[name]: value for name, value in secrets.items()},
            return_type=requests.Response,
            wait_on_rate_limit=False,  # it would sleep, for minutes
        )
        client.session.mount("https://", _Transport(self._section))
        client.session.hooks["response"].append(partial(self._judged, errand))
        try:
            yield client
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise self._failure(error, errand) from error
        finally:
            client.session.close()

    def _failure(self, error: Exception, errand: Errand) -> ChannelError:
        what = type(error).__name__
        if _never_sent(error):
            return UnavailableError(f"{self._name}: cannot reach X ({what}); see that this machine is online")
        return errand.lost(f"{self._name}: {errand.loss.format(what=what)}")

    def _judged(self, errand: Errand, response: requests.Response, **_: object) -> None:
        """Read the answer within bounds and raise what a refusal means, before tweepy sees it.

        tweepy's own errors hide the `detail`, and its constructor trips on bodies that are no JSON objects. Nor is
        a redirect followed: X sends none, and somebody else's answer proves nothing.
        """
        response.raw = io.BytesIO(_body(response, self._section.read_timeout))
        if response.status_code >= 300:
            raise self._refusal(response, errand)

    def _refusal(self, response: requests.Response, errand: Errand) -> ChannelError:
        reply = Reply(
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            # Only an object speaks for X; all else is an error page of somebody in between.
            body=json.dumps(facts(response)).encode(),
        )
        rule = ruled(_REFUSALS, reply)
        error = errand.means.get(rule.error, rule.error)
        advice = errand.forbidden if rule is _FORBIDDEN and errand.forbidden else rule.advice
        text = f"{self._name}: X answered {reply.status}{_said(reply)}; {advice}"
        if error is UnavailableError:
            return UnavailableError(text, retry_at=retry_after(reply, self._now()))
        return error(text)


class _Transport(HTTPAdapter):
    """Adds what tweepy has no setting for: timeouts, and another host."""

    def __init__(self, section: XSettings) -> None:
        super().__init__()
        self._base = urlsplit(section.api_base)
        self._timeouts = (section.connect_timeout, section.read_timeout)

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        parts = urlsplit(request.url or "")
        request.url = parts._replace(
            scheme=self._base.scheme, netloc=self._base.netloc, path=f"{self._base.path}{parts.path}"
        ).geturl()
        if is_loopback(self._base.hostname or ""):
            options["proxies"] = {}
        return super().send(request, *args, **{**options, "timeout": self._timeouts})


#: Bytes; a hundred posts have some 100,000.
_LARGEST = 4_000_000


def _body(response: requests.Response, most: float) -> bytes:
    """All of it. A read timeout begins anew with every byte; this one (seconds) does not."""
    body = bytearray()
    end = time.monotonic() + most
    while chunk := response.raw.read1(65_536, decode_content=True):
        body += chunk
        if len(body) > _LARGEST or time.monotonic() > end:
            response.raw.close()
            raise requests.Timeout("too long or too slow an answer")
    return bytes(body)


def facts(response: requests.Response) -> dict[str, Any]:
    """The answer's object; empty where it is none."""
    try:
        value = response.json()
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def data(response: requests.Response) -> dict[str, Any]:
    """What X calls `data` in an answer; empty where it is no object."""
    value = facts(response).get("data")
    return value if isinstance(value, dict) else {}


def _said(reply: Reply) -> str:
    """The answer in its own words; where it lists errors, those say more than its `detail`."""
    errors = reply.json().get("errors")
    first = errors[0] if isinstance(errors, list) and errors else {}
    message = first.get("message") if isinstance(first, dict) else None
    return said(replace(reply, body=json.dumps({"detail": message}).encode()) if message else reply)


_BEFORE_SENDING = (NewConnectionError, ConnectTimeoutError, ProxyError)


def _never_sent(error: Exception) -> bool:
    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, _BEFORE_SENDING)


# Classifying


_NEW_TOKENS = "make new tokens, set them (`disseminate login` asks for them) and resume the channel"

#: In every body that says something.
_SAYS = '"'

_FORBIDDEN = Refusal(
    status=403, fragment=_SAYS, error=RejectedError, advice="change the post, or see what the account may do"
)

#: The first that applies counts. 403 alone says nothing: the body tells a duplicate from a wrong right.
#: https://docs.x.com/x-api/fundamentals/response-codes-and-errors
_REFUSALS = (
    Refusal(status=401, error=NeedsLoginError, advice=_NEW_TOKENS),
    Refusal(
        status=402, error=NeedsLoginError, advice="the account's credit is used up; buy some and resume the channel"
    ),
    Refusal(
        status=403,
        fragment="duplicate content",
        error=DuplicateError,
        advice="the account has a post with this text already; if it is not this one, change the words",
    ),
    Refusal(
        status=403,
        fragment="app permissions",
        error=NeedsLoginError,
        advice=f"give the app the right to read and write, then {_NEW_TOKENS}",
    ),
    Refusal(status=403, fragment="client-forbidden", error=NeedsLoginError, advice="enrol the app in a project"),
    Refusal(status=403, fragment="client-not-enrolled", error=NeedsLoginError, advice="enrol the app in a project"),
    Refusal(status=403, fragment="unsupported-authentication", error=NeedsLoginError, advice=_NEW_TOKENS),
    Refusal(status=403, fragment="suspended", error=NeedsLoginError, advice="ask X for the account, then resume"),
    Refusal(
        status=403, fragment=" locked", error=NeedsLoginError, advice="unlock the account on x.com, then resume"
    ),
    _FORBIDDEN,
    # A media id that has expired, or that not every machine of X knows yet.
    Refusal(
        status=400,
        fragment="media ids are invalid",
        error=UnavailableError,
        advice="the pictures are uploaded anew",
    ),
    Refusal(status=400, fragment=_SAYS, error=RejectedError, advice="change the post"),
    Refusal(status=404, fragment=_SAYS, error=GoneError, advice="what it replies to is gone; plan it without"),
    Refusal(status=413, error=RejectedError, advice="make the picture smaller"),
    Refusal(status=429, error=UnavailableError, advice="it goes out later"),
    Refusal(status=0, error=InDoubtError, advice="that does not tell whether the post is out; look at the account"),
)
