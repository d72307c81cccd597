"""A stand-in for X on loopback: what its API does with posts and pictures, and what can go wrong on the way."""

from __future__ import annotations

import base64
import binascii
import html
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from oauthlib.common import Request
from oauthlib.oauth1.rfc5849 import signature
from twitter_text import extract_urls_with_indices, parse_tweet

from dissemination.testing.loopback import Answer, Asked, Fault, Loopback

__all__ = ["X_SECRETS", "FakeX", "Fault", "Witness", "limited", "refusal"]

#: What a channel must hold to be let in.
X_SECRETS: Mapping[str, str] = {
    "X_API_KEY": "key-of-the-app",
    "X_API_SECRET": "word-of-the-app",
    "X_ACCESS_TOKEN": "4711-token-of-the-account",
    "X_ACCESS_SECRET": "word-of-the-account",
}

#: Told of every request and every answer: (method, path, query, body of the request, status, body of the answer).
#: The status is 0 and the answer None where X was kept from answering.
Witness = Callable[[str, str, Mapping[str, str], object, int, object], None]

_ACCOUNT = {"id": "4711", "name": "Project", "username": "project"}
_SIGNED_FOR = "https://api.twitter.com"
#: Media that no post shows are kept for so long.
_MEDIA_LIFE = timedelta(days=1)
_LARGEST_PICTURE = 5_000_000
_LONGEST_ALT = 1000
_MOST_PICTURES = 4


def refusal(status: int, detail: str, title: str = "", kind: str = "about:blank", **headers: str) -> Fault:
    """X refuses with a problem document (RFC 9457)."""
    problem = {"title": title or detail, "detail": detail, "type": kind, "status": status}
    return Fault(status=status, body=json.dumps(problem).encode(), headers=headers)


def limited(now: datetime, wait: timedelta) -> Fault:
    """Too many requests (429), until `wait` from `now`."""
    reset = str(int((now.astimezone(UTC) + wait).timestamp()))
    return refusal(429, "Too Many Requests", x_rate_limit_reset=reset, x_rate_limit_remaining="0")


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """A picture as X keeps it."""

    body: bytes
    #: Alternative text; "": none was given.
    alt: str = ""
    at: datetime


class _Refused(Exception):  # noqa: N818 - it never leaves this module
    def __init__(self, status: int, detail: str, title: str = "Invalid Request", **more: object) -> None:
        self.status = status
        self.problem = {"detail": detail, "type": "about:blank", "title": title, "status": status, **more}


class FakeX(Loopback):
    """One account's X.

    It checks OAuth 1.0a signatures, counts by twitter-text, refuses a text twice, takes pictures and refuses
    numbers of pictures that it does not know, shows addresses as t.co and the signs of HTML escaped, puts a t.co
    address behind the text of a post with pictures, and pages its answers.

    Args:
        now: the time of new posts.
        witness: told of every exchange; what it raises is kept in `problems`.
    """

    def __init__(self, now: Callable[[], datetime], witness: Witness | None = None) -> None:
        super().__init__()
        #: Every post, oldest first: {"id", "text" as it was sent, "created_at", "reply_to", "media": numbers}.
        self.posts: list[dict[str, Any]] = []
        #: Number -> every picture that was uploaded.
        self.media: dict[str, Upload] = {}
        #: What the witness objected to.
        self.problems: list[str] = []
        #: What the tokens may do: "read-write", or "read".
        self.access = "read-write"
        self._now = now
        self._witness = witness
        self._made = 0

    def name(self, asked: Asked) -> str:
        """Numbers of posts are left out ("DELETE /2/tweets/:id"), and replies are told from other posts."""
        if asked.path.startswith("/2/tweets/"):
            return f"{asked.method} /2/tweets/:id"
        body = asked.json()
        return f"{asked.method} {asked.path}{' (reply)' if isinstance(body, dict) and 'reply' in body else ''}"

    # One exchange

    def exchange(self, asked: Asked) -> tuple[Fault, Answer]:
        """What is to go wrong, and the answer; the witness also sees requests that X is kept from answering."""
        fault, answer = super().exchange(asked)
        if not fault.stored:
            self._tell(asked, 0, None)
        return fault, answer

    def answer(self, asked: Asked) -> Answer:
        """What X does and says."""
        try:
            _check_signature(asked)
            status, said = self._dispatch(asked)
        except _Refused as refused:
            status, said = refused.status, refused.problem
        self._tell(asked, status, said)
        kind = "application/json" if status < 300 else "application/problem+json"
        return Answer.of(said, status, **{"Content-Type": kind, "x-access-level": self.access})

    def _tell(self, asked: Asked, status: int, said: object) -> None:
        if self._witness:
            try:
                self._witness(asked.method, asked.path, asked.query, asked.json(), status, said)
            except Exception as error:  # noqa: BLE001 - whatever it is, the test reads it
                self.problems.append(f"{asked.method} {asked.path}: {error!r}")

    def _dispatch(self, asked: Asked) -> tuple[int, dict[str, Any]]:
        if asked.method != "GET" and self.access == "read":
            raise _Refused(
                403,
                "Your client app is not configured with the appropriate oauth1 app permissions for this endpoint.",
                "Forbidden",
            )
        body = asked.json()
        facts: Mapping[str, Any] = body if isinstance(body, dict) else {}
        match asked.method, asked.path:
            case "POST", "/2/media/upload":
                return 200, self._upload(facts)
            case "POST", "/2/media/metadata":
                return 200, self._describe(facts)
            case "POST", "/2/tweets":
                return 201, self._create(facts)
            case "DELETE", path if path.startswith("/2/tweets/"):
                return 200, self._delete(path.rpartition("/")[2])
            case "GET", "/2/users/me":
                return 200, {"data": dict(_ACCOUNT)}
            case "GET", path if path == f"/2/users/{_ACCOUNT['id']}/tweets":
                return 200, self._timeline(asked.query)
        raise _Refused(404, f"{asked.method} {asked.path} is not known here", "Not Found Error")

    # Pictures

    def _upload(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        try:
            body = base64.b64decode(facts.get("media", ""), validate=True)
        except (TypeError, binascii.Error):
            raise _Refused(400, "media type unrecognized.") from None
        if not body or len(body) > _LARGEST_PICTURE:
            raise _Refused(400, f"File size exceeds {_LARGEST_PICTURE} bytes, or is nothing.")
        number = self._number()
        self.media[number] = Upload(body=body, at=self._now())
        life = int(_MEDIA_LIFE.total_seconds())
        return {"data": {"id": number, "media_key": f"3_{number}", "size": len(body), "expires_after_secs": life}}

    def _describe(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        number, text = facts.get("id", ""), facts.get("metadata", {}).get("alt_text", {}).get("text", "")
        if not self._fresh(number):
            raise _Refused(400, "One or more parameters to your request was invalid.")
        if len(text) > _LONGEST_ALT:
            raise _Refused(400, f"alt_text is longer than {_LONGEST_ALT} characters.")
        upload = self.media[number]
        self.media[number] = Upload(body=upload.body, alt=text, at=upload.at)
        return {"data": {"id": number, "associated_metadata": {"alt_text": {"text": text}}}}

    def _fresh(self, number: str) -> bool:
        return number in self.media and self._now() < self.media[number].at + _MEDIA_LIFE

    # Posts

    def _create(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        text = facts.get("text", "")
        reply_to = facts.get("reply", {}).get("in_reply_to_tweet_id", "")
        media = tuple(facts.get("media", {}).get("media_ids", ()))
        if not parse_tweet(text).valid:
            raise _Refused(400, "Your Tweet text is too long, or empty.")
        if len(media) > _MOST_PICTURES or not all(map(self._fresh, media)):
            errors = [{"message": "Your media IDs are invalid.", "parameters": {"media.media_ids": list(media)}}]
            raise _Refused(400, "One or more parameters to your request was invalid.", errors=errors)
        if any(post["text"] == text for post in self.posts):
            raise _Refused(403, "You are not allowed to create a Tweet with duplicate content.", "Forbidden")
        if reply_to and all(post["id"] != reply_to for post in self.posts):
            raise _Refused(400, "You attempted to reply to a Tweet that is deleted or not visible to you.")
        post = {"id": self._number(), "text": text, "created_at": self._now(), "reply_to": reply_to, "media": media}
        self.posts.append(post)
        return {
            "data": {"id": post["id"], "text": self._shown(post)["text"], "edit_history_post_ids": [post["id"]]}
        }

    def _number(self) -> str:
        self._made += 1
        return str(1_900_000_000_000_000_000 + self._made)

    def _delete(self, number: str) -> dict[str, Any]:
        kept = [post for post in self.posts if post["id"] != number]
        if len(kept) == len(self.posts):
            detail = f"Could not find tweet with id: [{number}]."
            raise _Refused(404, detail, "Not Found Error", resource_type="tweet")
        self.posts = kept
        return {"data": {"deleted": True}}

    def _timeline(self, query: Mapping[str, str]) -> dict[str, Any]:
        start = datetime.fromisoformat(query.get("start_time", "2010-11-06T00:00:00Z"))
        first = int(query.get("pagination_token", "0"))
        most = int(query.get("max_results", "10"))
        posts = [post for post in reversed(self.posts) if post["created_at"] >= start]
        page = posts[first : first + most]
        meta: dict[str, Any] = {"result_count": len(page)}
        if len(posts) > first + most:
            meta["next_token"] = str(first + most)
        if not page:
            return {"meta": meta}
        fields = {"id", "text", *query.get("post.fields", "").split(",")}
        shown = [{name: value for name, value in self._shown(post).items() if name in fields} for post in page]
        return {"data": shown, "meta": meta}

    def _shown(self, post: Mapping[str, Any]) -> dict[str, Any]:
        """The post as X gives it back, with every field that it has."""
        number, media = post["id"], post.get("media", ())
        text, urls = _linked(number, post["text"])
        if media:
            short = f"https://t.co/{number[-6:]}pict"
            text += f" {short}"
            # One link for all pictures, told once for each.
            urls += [
                {
                    "start": len(text) - len(short),
                    "end": len(text),
                    "url": short,
                    "expanded_url": f"https://x.com/{_ACCOUNT['username']}/status/{number}/photo/1",
                    "media_key": f"3_{one}",
                }
                for one in media
            ]
        shown: dict[str, Any] = {"id": number, "text": text, "conversation_id": self._root(post)}
        shown |= {"entities": {"urls": urls}} if urls else {}
        return shown | ({"attachments": {"media_keys": [f"3_{one}" for one in media]}} if media else {})

    def _root(self, post: Mapping[str, Any]) -> str:
        before = next((one for one in self.posts if one["id"] == post["reply_to"]), None)
        return self._root(before) if before else str(post["reply_to"] or post["id"])


def _linked(number: str, text: str) -> tuple[str, list[dict[str, Any]]]:
    """The text with its addresses as t.co and the signs of HTML escaped, and what stands behind each address."""
    shown, urls, end = "", [], 0
    for place, url in enumerate(extract_urls_with_indices(text)):
        short = f"https://t.co/{number[-6:]}{place:04}"
        start, stop = url["indices"]
        shown += html.escape(text[end:start], quote=False)
        whole = url["url"] if "://" in url["url"] else f"http://{url['url']}"
        urls.append({"start": len(shown), "end": len(shown) + 23, "url": short, "expanded_url": whole})
        shown += short
        end = stop
    return shown + html.escape(text[end:], quote=False), urls


def _check_signature(asked: Asked) -> None:
    """RFC 5849: signed by the app and the account, for the address that tweepy means."""
    headers = {"Authorization": asked.headers.get("authorization", "")}
    pairs = signature.collect_parameters(
        uri_query=urlsplit(asked.target).query, headers=headers, exclude_oauth_signature=False
    )
    given = dict(pairs)
    request = Request(f"{_SIGNED_FOR}{asked.target}", asked.method, headers=headers)
    request.params = [pair for pair in pairs if pair[0] != "oauth_signature"]
    request.signature = given.get("oauth_signature", "")
    known = (given.get("oauth_consumer_key"), given.get("oauth_token"), given.get("oauth_version"))
    if known != (X_SECRETS["X_API_KEY"], X_SECRETS["X_ACCESS_TOKEN"], "1.0") or not signature.verify_hmac_sha1(
        request, X_SECRETS["X_API_SECRET"], X_SECRETS["X_ACCESS_SECRET"]
    ):
        raise _Refused(401, "Unauthorized", "Unauthorized")
