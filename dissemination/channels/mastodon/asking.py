"""Mastodon.py over our own exchange: its requests, our bounds, and our reading of what a refusal means.

Mastodon.py alone waits 300 s for an answer, follows redirects, warns where a server calls something deprecated, and
raises "rate limit" at a success whose reset time it cannot read. Of an answer it is given status and body alone.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

import mastodon
import requests
from requests.adapters import BaseAdapter

from dissemination.channels.exchange import Exchange, Refusal, Reply
from dissemination.errors import NeedsLoginError, RejectedError, UnavailableError

#: What the token must be allowed: https://docs.joinmastodon.org/api/oauth-scopes/
SCOPES = "read:accounts, read:statuses, write:media, write:statuses"
_NEW_TOKEN = "take a new access token; `disseminate login` with it will resume the channel"  # noqa: S105 - an advice
#: In every body that says something: an error page of somebody in between does not speak for the server.
_SAYS = '"error"'

#: https://docs.joinmastodon.org/client/intro/#handling-errors; other servers answer 400 where Mastodon says 422.
REFUSALS = (
    Refusal(status=401, error=NeedsLoginError, advice=_NEW_TOKEN),
    Refusal(status=403, fragment="scope", error=NeedsLoginError, advice=f"it needs {SCOPES}; {_NEW_TOKEN}"),
    Refusal(status=403, fragment="your login", error=NeedsLoginError, advice="see to the account, then resume"),
    Refusal(status=403, fragment="suspended", error=NeedsLoginError, advice="see to the account, then resume"),
    Refusal(
        status=403, fragment=_SAYS, error=RejectedError, advice="change the post, or see what the account may do"
    ),
    Refusal(status=404, fragment=_SAYS, error=RejectedError, advice="what it replies to or changes is gone"),
    Refusal(status=410, fragment=_SAYS, error=RejectedError, advice="what it replies to or changes is gone"),
    Refusal(status=413, error=RejectedError, advice="make the picture smaller"),
    # A picture that it called ready a moment ago: nothing was posted.
    Refusal(status=422, fragment="finished processing", error=UnavailableError, advice="it goes out later"),
    Refusal(status=422, fragment=_SAYS, error=RejectedError, advice="change the post"),
    Refusal(status=400, fragment=_SAYS, error=RejectedError, advice="change the post"),
    Refusal(status=429, error=UnavailableError, advice="it goes out later"),
)


def client(  # noqa: PLR0913 - where to, as whom, and how its answers are read
    exchange: Exchange, server: str, token: str, *, changes: bool, accept: Sequence[int], timeout: float
) -> mastodon.Mastodon:
    """A client for one call; what goes wrong is the context of the `MastodonError` that it raises.

    Args:
        exchange: makes the requests.
        server: its address, without a slash at the end.
        token: of the account; "": none.
        changes: whether the call asks for a change.
        accept: answers that are no success and yet no error of ours.
        timeout: seconds for an answer; the exchange keeps to its own as well.
    """
    session = requests.Session()
    session.trust_env = False
    adapter = _Adapter(exchange, changes=changes, accept=accept)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    speaker = mastodon.Mastodon(
        api_base_url=server,
        ratelimit_method="throw",  # "wait" would sleep, for minutes
        request_timeout=timeout,
        # With "none" it asks the server for its version before every upload, and falls back to an API without
        # waiting pictures wherever the number is below 3.1.4, as GoToSocial's is.
        version_check_mode="created",
        mastodon_version="4.6.0",
        session=session,
        user_agent="dissemination",
    )
    # Not by its argument: Mastodon.py would take a token that is the name of a file for the file.
    speaker.access_token = token or None
    return speaker


class _Adapter(BaseAdapter):
    """What `requests` hands its requests to."""

    def __init__(self, exchange: Exchange, *, changes: bool, accept: Sequence[int]) -> None:
        super().__init__()
        self._exchange, self._changes, self._accept = exchange, changes, accept

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """One request; timeouts, redirects and proxies are the exchange's business."""
        reply = self._exchange(
            request.method or "GET",
            # Mastodon.py asks for /api/v2/instance/, which some servers answer with a redirect.
            (request.url or "").rstrip("/"),
            changes=self._changes,
            accept=self._accept,
            headers={**request.headers, "Accept-Encoding": "gzip, deflate"},
            content=request.body,
        )
        if reply.status in self._accept and _SAYS.encode() not in reply.body:
            raise self._exchange.refused(reply, changes=self._changes)
        if not _is_json(reply.body):
            raise self._exchange.unreadable("what was asked for", changes=self._changes)
        return _response(request, reply)

    def close(self) -> None:
        """The exchange lives on."""


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return False
    return True


def _response(request: requests.PreparedRequest, reply: Reply) -> requests.Response:
    response = requests.Response()
    response.status_code = reply.status
    response.raw = io.BytesIO(reply.body or b"{}")
    response.request = request
    response.url = request.url or ""
    return response
