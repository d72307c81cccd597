"""A stand-in for LinkedIn on loopback: its REST Posts API for one page, its pictures and its tokens."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from dissemination.testing.loopback import Answer, Asked, Loopback

#: The page's number, and whom it means.
LINKEDIN_PAGE = "4711"
#: What a channel must hold to be let in.
LINKEDIN_SECRETS: Mapping[str, str] = {"LINKEDIN_ACCESS_TOKEN": "AQX-token-of-a-member"}
#: What `disseminate login` needs: the app's id and secret, and where the browser is sent.
LINKEDIN_APP: Mapping[str, str] = {
    "client_id": "77example",
    "client_secret": "WPL-word-of-the-app",
    "redirect": "http://localhost:8765/back",
}

_OWNER = f"urn:li:organization:{LINKEDIN_PAGE}"
_LOOK, _POST = "r_organization_social", "w_organization_social"
_LONGEST = 3000
#: Months that a version lives, and how long words are remembered, deleted or not.
_LIFE, _MEMORY = 12, timedelta(hours=48)
_DAY = timedelta(days=1)

_RESERVED = frozenset("\\|{}@[]()<>#*_~")
_HASHTAG = re.compile(r"\{hashtag\|\\?[#\uff03]\|((?:\\.|[^\\|{}@\[\]()<>#*_~])+)\}")
_MENTION = re.compile(r"@\[((?:\\.|[^\\|{}@\[\]()<>#*_~])+)\]\(urn:li:(?:organization|person):[\w-]+\)")


@dataclass(kw_only=True, slots=True)
class LinkedInPost:
    """What stands on the page."""

    urn: str
    #: As it is shown to readers: cut where LinkedIn cuts.
    text: str
    #: In LinkedIn's format, as it is given back.
    commentary: str
    content: Mapping[str, Any]
    created: datetime
    state: str = "PUBLISHED"

    def shown(self) -> dict[str, Any]:
        """As the API gives it."""
        at = int(self.created.timestamp() * 1000)
        return {
            "id": self.urn,
            "author": _OWNER,
            "commentary": self.commentary,
            "content": dict(self.content),
            "createdAt": at,
            "publishedAt": at,
            "lastModifiedAt": at,
            "lifecycleState": self.state,
            "visibility": "PUBLIC",
        }


@dataclass(kw_only=True, slots=True)
class _Token:
    scopes: tuple[str, ...]
    until: datetime


@dataclass(kw_only=True, slots=True)
class _Words:
    """Words that the page has had, for the refusal of duplicates."""

    urn: str
    at: datetime
    deleted: bool = False


class _Refused(Exception):  # noqa: N818 - it never leaves this module
    def __init__(self, status: int, code: str, message: str, **facts: Any) -> None:
        self.answer = Answer.of({"status": status, "code": code, "message": message, **facts}, status)


class FakeLinkedIn(Loopback):
    """One page's LinkedIn.

    It demands both version headers (426 for a version of more than a year), cuts a post at the first reserved
    character that is not escaped and at 3000 characters while it answers 201, refuses the same words for two days,
    deleted posts included, and counts calls a day without a word about it in the headers.

    Args:
        now: the time of new posts, and of everything that ends.
        scopes: what was granted to the token of `LINKEDIN_SECRETS`, and what a login is granted.
        daily: posts that are taken a day.
        partner: whether logins are given refresh tokens.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        scopes: tuple[str, ...] = (_POST, _LOOK),
        daily: int = 150,
        partner: bool = False,
    ) -> None:
        super().__init__()
        #: What stands on the page, oldest first.
        self.posts: list[LinkedInPost] = []
        #: URN of a picture -> its bytes; None: a place was asked for, and nothing put there.
        self.pictures: dict[str, bytes | None] = {}
        #: URNs that are in no answer: what was made a moment ago.
        self.unseen: set[str] = set()
        #: What a login is granted.
        self.scopes = scopes
        self._now, self._daily, self._partner = now, daily, partner
        self._numbers = count(7141138937766391808)
        self._tokens = {LINKEDIN_SECRETS["LINKEDIN_ACCESS_TOKEN"]: _Token(scopes=scopes, until=now() + 60 * _DAY)}
        self._refreshes: dict[str, datetime] = {}
        self._codes: dict[str, str] = {}
        self._words: dict[str, _Words] = {}
        self._made: list[datetime] = []

    def name(self, asked: Asked) -> str:
        """Ids are left out: "GET /rest/posts/urn", "PUT /upload"."""
        path = re.sub(r"^/upload/.+", "/upload", re.sub(r"^/rest/posts/.+", "/rest/posts/urn", asked.path))
        return f"{asked.method} {path}"

    def agree(self, page: str, *, error: str = "") -> str:
        """What a member does with the page that a login shows: the address that the browser is sent to."""
        query = {name: values[-1] for name, values in parse_qs(urlsplit(page).query).items()}
        if query["client_id"] != LINKEDIN_APP["client_id"] or query["redirect_uri"] != LINKEDIN_APP["redirect"]:
            raise ValueError("no such app")
        code = f"code-{next(self._numbers)}"
        self._codes[code] = query["redirect_uri"]
        found = {"error": "user_cancelled_authorize", "error_description": error} if error else {"code": code}
        return f"{query['redirect_uri']}?{urlencode({**found, 'state': query['state']})}"

    def revoke(self) -> None:
        """No token is good any more."""
        self._tokens.clear()

    def answer(self, asked: Asked) -> Answer:
        """What LinkedIn does and says."""
        try:
            if asked.path == "/oauth/v2/accessToken":
                return self._token(asked)
            scope, do = _DOORS[self.name(asked)]
            self._let_in(asked, scope)
            return do(self, asked)
        except _Refused as refused:
            return refused.answer
        except (KeyError, TypeError, AttributeError) as error:
            return _Refused(400, "INVALID_REQUEST", f"This cannot be read: {error!r}").answer

    # Being let in

    def _let_in(self, asked: Asked, scope: str) -> None:
        if not asked.path.startswith("/upload/"):
            self._check_version(asked.headers.get("linkedin-version", ""))
            if asked.headers.get("x-restli-protocol-version") != "2.0.0":
                raise _Refused(400, "PROTOCOL", "Write X-Restli-Protocol-Version: 2.0.0")
        token = self._tokens.get(asked.headers.get("authorization", "").removeprefix("Bearer "))
        if token is None:
            raise _Refused(401, "INVALID_ACCESS_TOKEN", "Invalid access token", serviceErrorCode=65600)
        if token.until <= self._now():
            raise _Refused(
                401, "EXPIRED_ACCESS_TOKEN", "The token used in the request has expired", serviceErrorCode=65602
            )
        if scope not in token.scopes:
            raise _Refused(403, "ACCESS_DENIED", f"Not enough permissions to access: {scope}", serviceErrorCode=100)

    def _check_version(self, version: str) -> None:
        if not version:
            raise _Refused(400, "VERSION_MISSING", "A version must be present. Add the LinkedIn-Version header.")
        now = self._now()
        age = (now.year - int(version[:4])) * 12 + now.month - int(version[4:])
        if not 0 <= age < _LIFE:
            raise _Refused(426, "NONEXISTENT_VERSION", f"Requested version {version}01 is not active")

    # Pictures

    def _place(self, asked: Asked) -> Answer:
        if asked.json()["initializeUploadRequest"]["owner"] != _OWNER:
            raise _Refused(403, "ACCESS_DENIED", "The member does not run this organization")
        number = next(self._numbers)
        self.pictures[f"urn:li:image:D{number}"] = None
        return Answer.of(
            {"value": {"uploadUrl": f"{self.address}/upload/D{number}", "image": f"urn:li:image:D{number}"}}
        )

    def _put(self, asked: Asked) -> Answer:
        urn = f"urn:li:image:{asked.path.removeprefix('/upload/')}"
        if urn not in self.pictures or not asked.body:
            raise _Refused(404, "NOT_FOUND", "There is no such place")
        self.pictures[urn] = asked.body
        return Answer(status=201)

    # Posts

    def _create(self, asked: Asked) -> Answer:
        body = asked.json()
        if body["author"] != _OWNER:
            raise _Refused(403, "ACCESS_DENIED", "The member does not run this organization")
        self._check(body)
        self._check_duplicate(body["commentary"])
        self._throttle()
        post = LinkedInPost(
            urn=self._urn(), text="", commentary="", content=body.get("content", {}), created=self._now()
        )
        self._say(post, body["commentary"])
        self.posts.append(post)
        self._words[body["commentary"]] = _Words(urn=post.urn, at=self._now())
        return Answer(status=201, headers={"x-restli-id": post.urn})

    def _check(self, body: Mapping[str, Any]) -> None:
        content = body.get("content", {})
        shown = [content["media"]] if "media" in content else content.get("multiImage", {}).get("images", [])
        if "multiImage" in content and not 2 <= len(shown) <= 20:
            raise _Refused(400, "INVALID_CONTENT", "multiImage takes 2 to 20 images")
        wanted = [one["id"] for one in shown] + [
            one for one in [content.get("article", {}).get("thumbnail")] if one is not None
        ]
        if any(not self.pictures.get(urn) for urn in wanted):
            raise _Refused(400, "MEDIA_ASSET_PROCESSING", "An image has not been uploaded")
        if (body["visibility"], body["lifecycleState"], body["distribution"]["feedDistribution"]) != (
            "PUBLIC", "PUBLISHED", "MAIN_FEED",
        ):  # fmt: skip
            raise _Refused(422, "INVALID_FIELDS", "This post would be shown to nobody")

    def _check_duplicate(self, commentary: str) -> None:
        had = self._words.get(commentary)
        if had is None or had.at + _MEMORY <= self._now():
            return
        # Every refusal names another post, once the first one is deleted; none of them is there.
        urn = self._urn() if had.deleted else had.urn
        said = f"com.linkedin.content.common.exception.BadRequestResponseException: Content is a duplicate of {urn}"
        problem = {"description": "Duplicate post is detected", "input": {}, "code": "DUPLICATE_POST"}
        refused = {
            "errorDetailType": "com.linkedin.common.error.BadRequest",
            "message": said,
            "errorDetails": {"inputErrors": [problem]},
            "status": 422,
        }
        error = _Refused(422, "DUPLICATE_POST", said)
        error.answer = Answer.of(refused, 422)
        raise error

    def _throttle(self) -> None:
        today = self._now().date()
        if sum(made.date() == today for made in self._made) >= self._daily:
            raise _Refused(429, "TOO_MANY_REQUESTS", "Resource level throttle APPLICATION DAY limit is reached")
        self._made.append(self._now())

    def _say(self, post: LinkedInPost, commentary: str) -> None:
        post.text, post.commentary = _cut(commentary)

    def _urn(self) -> str:
        return f"urn:li:share:{next(self._numbers)}"

    def _post(self, asked: Asked) -> LinkedInPost:
        name = asked.target.removeprefix("/rest/posts/").split("?")[0]
        if ":" in name:
            raise _Refused(400, "ILLEGAL_ARGUMENT", "Syntax exception in path variables: encode the URN")
        found = [one for one in self.posts if one.urn == unquote(name) and one.urn not in self.unseen]
        if not found:
            raise _Refused(404, "NOT_FOUND", "Could not find entity")
        return found[0]

    def _show(self, asked: Asked) -> Answer:
        return Answer.of(self._post(asked).shown())

    def _change(self, asked: Asked) -> Answer:
        post = self._post(asked)
        if asked.headers.get("x-restli-method") != "PARTIAL_UPDATE":
            raise _Refused(400, "INVALID_METHOD", "Write X-RestLi-Method: PARTIAL_UPDATE")
        fresh = asked.json()["patch"]["$set"]
        if set(fresh) != {"commentary"}:
            raise _Refused(422, "FIELD_NOT_EDITABLE", "Only the commentary can be changed")
        self._say(post, fresh["commentary"])
        return Answer(status=204)

    def _delete(self, asked: Asked) -> Answer:
        post = self._post(asked)
        self.posts.remove(post)
        for words in self._words.values():
            words.deleted |= words.urn == post.urn
        return Answer(status=204)

    def _list(self, asked: Asked) -> Answer:
        if asked.query["q"] != "author" or asked.query["author"] != _OWNER:
            raise _Refused(403, "ACCESS_DENIED", "The member does not run this organization")
        start, most = int(asked.query.get("start", 0)), min(int(asked.query.get("count", 10)), 100)
        newest = [one.shown() for one in reversed(self.posts) if one.urn not in self.unseen]
        return Answer.of(
            {"paging": {"start": start, "count": most, "links": []}, "elements": newest[start:][:most]}
        )

    # Tokens

    def _token(self, asked: Asked) -> Answer:
        form = {name: values[-1] for name, values in parse_qs(asked.body.decode()).items()}
        if any(form.get(name) != LINKEDIN_APP[name] for name in ("client_id", "client_secret")):
            return _unlawful("invalid_client", "Client authentication failed", 401)
        if form.get("grant_type") == "refresh_token":
            until = self._refreshes.get(form.get("refresh_token", ""))
            if until is None or until <= self._now():
                return _unlawful("invalid_grant", "The provided refresh token is invalid or expired")
            return self._grant()
        if self._codes.pop(form.get("code", ""), None) != form.get("redirect_uri"):
            return _unlawful("invalid_request", "Unable to retrieve access token: appid/redirect uri/code verifier")
        return self._grant(first=True)

    def _grant(self, *, first: bool = False) -> Answer:
        token = f"AQX-{next(self._numbers)}"
        self._tokens[token] = _Token(scopes=self.scopes, until=self._now() + 60 * _DAY)
        facts = {"access_token": token, "expires_in": 60 * 86_400, "scope": ",".join(self.scopes)}
        if self._partner and first:
            refresh = f"AQW-{next(self._numbers)}"
            self._refreshes[refresh] = self._now() + 365 * _DAY
            facts |= {"refresh_token": refresh, "refresh_token_expires_in": 365 * 86_400}
        elif self._partner:
            facts |= {"refresh_token": ""}  # nothing new: what the client has stays good
        return Answer.of(facts)


_Do = Callable[[FakeLinkedIn, Asked], Answer]

#: Request -> the scope that it takes, and what is done.
_DOORS: Mapping[str, tuple[str, _Do]] = {
    "POST /rest/images": (_POST, FakeLinkedIn._place),
    "PUT /upload": (_POST, FakeLinkedIn._put),
    "POST /rest/posts": (_POST, FakeLinkedIn._create),
    "GET /rest/posts": (_LOOK, FakeLinkedIn._list),
    "GET /rest/posts/urn": (_LOOK, FakeLinkedIn._show),
    "POST /rest/posts/urn": (_POST, FakeLinkedIn._change),
    "DELETE /rest/posts/urn": (_POST, FakeLinkedIn._delete),
}


def _unlawful(error: str, description: str, status: int = 400) -> Answer:
    return Answer.of({"error": error, "error_description": description}, status)


def _cut(commentary: str) -> tuple[str, str]:
    """What readers see, and what is kept: both end before the first reserved character that is not escaped."""
    shown, at = "", 0
    while at < len(commentary) and len(shown) < _LONGEST:
        read, width = _element(commentary, at)
        if not width:
            break
        shown, at = shown + read, at + width
    return shown[:_LONGEST], commentary[:at]


def _element(commentary: str, at: int) -> tuple[str, int]:
    """What is shown of the next element, and how long it is; 0: here it is cut."""
    if commentary[at] not in _RESERVED:
        return commentary[at], 1
    if commentary[at] == "\\" and commentary[at + 1 : at + 2] in _RESERVED:
        return commentary[at + 1], 2
    if tag := _HASHTAG.match(commentary, at):
        return f"#{_bare(tag[1])}", len(tag[0])
    if name := _MENTION.match(commentary, at):
        return _bare(name[1]), len(name[0])
    return "", 0


def _bare(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
