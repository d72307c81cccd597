"""LinkedIn, by HTTP: posts of one organisation's page, with pictures or a card of the link.

LinkedIn has no idempotency key. It does refuse words that the page has already, and names the post that has them:
that one is taken for ours only after it was seen. Where no answer came, `find` reads the page's own posts back.
https://learn.microsoft.com/en-us/linkedin/marketing/community-management/shares/posts-api
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from dissemination.channels import sections
from dissemination.channels.exchange import Exchange, Refusal, Reply, retry_after
from dissemination.channels.linkedin.draft import Draft, Uploaded
from dissemination.channels.linkedin.grant import SCOPES, TOKEN, Grant
from dissemination.channels.linkedin.seen import Seen
from dissemination.channels.linkedin.settings import LinkedInSettings
from dissemination.channels.networks import NETWORKS
from dissemination.errors import ChannelError, InDoubtError, NeedsLoginError, RejectedError, UnavailableError
from dissemination.model import Level, Limits, Message, Picture, Receipt, Symptom
from dissemination.ports import ChannelOptions, Prompt

# Limits

LIMITS: Limits = NETWORKS["linkedin"]

# Making


def make(options: ChannelOptions) -> LinkedInChannel:
    """The channel; secrets are asked for at every call, so that new ones count at once.

    Raises:
        SettingsError: an unknown key or a wrong value in the section.
    """
    return LinkedInChannel(options, sections.read(options, LinkedInSettings))


class LinkedInChannel:
    """Posts of one page. It may be used by several threads.

    Args:
        options: what it is made from.
        settings: the checked section of settings.
    """

    def __init__(self, options: ChannelOptions, settings: LinkedInSettings) -> None:
        self.limits = LIMITS
        self._name = options.name
        self._settings = settings
        self._now = options.clock.now
        self._exchange = Exchange(
            options.name,
            "LinkedIn",
            _REFUSALS,
            options.clock.now,
            connect=settings.connect_timeout,
            read=settings.read_timeout,
            waits=_waits,
        )
        self._grant = Grant(options, settings, self._exchange)

    def send(self, message: Message, /, *, key: str) -> Receipt:  # noqa: ARG002 - LinkedIn knows no idempotency key
        """Post it, and see that all of it stands there where the right to look was granted.

        Raises:
            RejectedError: LinkedIn refuses this post, or it is none that this channel carries.
            UnavailableError: nothing was posted, or LinkedIn asks to wait.
            InDoubtError: no answer that tells.
            NeedsLoginError: the token is missing or refused, or the API's version is too old.
        """
        draft = self._draft(message)
        pictures, lost = self._uploaded(draft)
        body = draft.body(self._settings.organization, pictures)
        reply = self._call("POST", "/rest/posts", changes=True, accept=_PERHAPS_DUPLICATE, json=body)
        if reply.status >= 300:
            return self._refused(reply, draft, message.at)
        urn = reply.headers.get("x-restli-id", "")
        if not _URN.fullmatch(urn):
            raise self._exchange.unreadable("the post's id", changes=True)
        return _receipt(urn, "; ".join(filter(None, [lost, self._cut(urn, draft)])))

    def find(self, message: Message, *, key: str, since: datetime) -> Receipt | None:  # noqa: ARG002 - as for send
        """Its receipt, if the page's posts since `since` hold it: the same words.

        Raises:
            UnavailableError: LinkedIn cannot be asked now.
            InDoubtError: the right to look was not granted, there are more posts than one answer shows, or one that
                holds only the beginning.
            NeedsLoginError: the token is missing or refused.
        """
        draft = self._draft(message)
        reply = self._own(_PAGE)
        if reply.status == 403:
            raise InDoubtError(f"{self._name}: the login has no right to look (r_organization_social); {_BY_HAND}")
        elements = reply.json().get("elements")
        if not isinstance(elements, list):
            raise self._exchange.unreadable("a list of posts", changes=False)
        posts = [post for post in map(Seen.of, elements) if post]
        recent = [post for post in posts if post.id and post.public and not post.before(since - _SKEW)]
        for post in recent:
            if draft.same(post):
                return _receipt(post.id)
        if cut := next((post for post in recent if draft.begins(post)), None):
            raise InDoubtError(f"{self._name}: {_url(cut.id)} holds only the beginning of it; see whether it is it")
        if len(elements) >= _PAGE and not any(post.before(since - _SKEW) for post in posts):
            raise InDoubtError(
                f"{self._name}: {_PAGE} posts since, and it is not among them; look for it further back"
            )
        return None

    def edit(self, receipt: Receipt, message: Message, /) -> Receipt:
        """Change the words of a post; LinkedIn lets nothing else be changed. Errors as of `send`."""
        urn = self._urn(receipt)
        draft = self._draft(message)
        patch = {"patch": {"$set": {"commentary": draft.commentary}}}
        headers = {"X-RestLi-Method": "PARTIAL_UPDATE"}
        self._call("POST", _path(urn), changes=True, headers=headers, json=patch)
        stays = "the words; the pictures or the card stay as they were" if draft.pictures or draft.card else ""
        return _receipt(urn, "; ".join(filter(None, [stays, self._cut(urn, draft)])))

    def delete(self, receipt: Receipt, /) -> None:
        """Delete a post; one that is gone is no error. Errors as of `send`."""
        headers = {"X-RestLi-Method": "DELETE"}
        self._call("DELETE", _path(self._urn(receipt)), changes=True, accept=_GONE, headers=headers)

    def written(self, message: Message, /) -> bytes:
        """The words as they would be handed over, escapes and all.

        Raises:
            RejectedError: it would never be accepted as it is.
        """
        return self._draft(message).commentary.encode()

    def probe(self) -> str:
        """Whether the login may post for the page, and look.

        Raises:
            ChannelError: it may not, or LinkedIn cannot be asked.
        """
        return f"posts as {self._settings.organization}" if self._may_look() else f"posts only; {_BLIND}"

    def examine(self) -> Sequence[Symptom]:
        """How old the API's version is, and which scopes are missing."""
        return [self._version(), *self._missing()]

    def expires(self) -> datetime | None:
        """When somebody must log in anew; None: not known."""
        return self._grant.expires()

    def prompts(self, given: Mapping[str, str], /) -> Sequence[Prompt]:
        """What is still to be asked: the app's secret, and the address that LinkedIn sends the browser to."""
        return self._grant.prompts(given)

    def login(self, given: Mapping[str, str], /) -> Sequence[Symptom]:
        """Fetch tokens, prove them by looking at the page's posts, and keep them.

        Raises:
            NeedsLoginError: the answers are wrong, or the member may not post for the page; nothing is kept.
            UnavailableError: LinkedIn cannot be asked now; nothing is kept.
        """
        facts = self._grant.taken(given)
        looks = self._may_look(facts)
        self._grant.keep(facts)
        seen = Symptom(what=self._name, said=f"posts as {self._settings.organization}")
        blind = [] if looks else [Symptom(what=self._name, level=Level.WARNING, said=_BLIND)]
        return [seen, *blind, *self._missing(), *self._end()]

    def close(self) -> None:
        """Let go of connections."""
        self._exchange.close()

    # One call

    def _call(  # noqa: PLR0913 - what is asked, what it means, and what goes with it
        self,
        method: str,
        path: str,
        *,
        changes: bool,
        accept: Sequence[int] = (),
        headers: Mapping[str, str] | None = None,
        token: str = "",
        **options: Any,
    ) -> Reply:
        address = path if "://" in path else f"{self._settings.api_base}{path}"
        every = {
            "Authorization": f"Bearer {token or self._grant.token()}",
            "LinkedIn-Version": self._settings.version,
            "X-Restli-Protocol-Version": "2.0.0",
        }
        return self._exchange(
            method, address, changes=changes, accept=accept, headers={**every, **(headers or {})}, **options
        )

    def _own(self, count: int, token: str = "") -> Reply:
        """The page's newest posts; 403 where the right to look is missing."""
        author = quote(self._settings.organization, safe="")
        path = f"/rest/posts?author={author}&q=author&count={count}&sortBy=CREATED"
        return self._call(
            "GET", path, changes=False, accept=(403,), headers={"X-RestLi-Method": "FINDER"}, token=token
        )

    def _one(self, urn: str) -> Reply:
        return self._call("GET", f"{_path(urn)}?viewContext=AUTHOR", changes=False, accept=(403, *_GONE))

    def _draft(self, message: Message) -> Draft:
        try:
            return Draft.of(message, self._settings.attach, LIMITS)
        except ValueError as error:
            raise RejectedError(f"{self._name}: {error}") from error

    def _urn(self, receipt: Receipt) -> str:
        """The post's URN, which stands in the address too that an officer gave."""
        if found := _URN.search(f"{receipt.id} {receipt.url}"):
            return found[0]
        raise RejectedError(f"{self._name}: {receipt.url or 'it'} does not name the post's URN; do it on LinkedIn")

    # Sending

    def _uploaded(self, draft: Draft) -> tuple[list[Uploaded], str]:
        """The pictures on LinkedIn's side, and what was lost: a card goes out without its picture, if need be."""
        try:
            return [Uploaded(urn=self._upload(picture), alt=alt) for picture, alt in draft.pictures], ""
        except (RejectedError, UnavailableError) as error:
            if not draft.card:
                raise
            return [], f"the card has no picture ({error})"

    def _upload(self, picture: Picture) -> str:
        """Ask where to, and put it there. Nothing is posted by that, so a lost answer leaves no doubt."""
        try:
            urn, address = self._place()
            kind = {"Content-Type": picture.media_type}
            reply = self._call("PUT", address, changes=True, headers=kind, content=picture.body)
        except InDoubtError as error:
            raise UnavailableError(
                f"{self._name}: a picture may not be there; it is sent again ({error})"
            ) from error
        if reply.status != 201 and reply.body:  # LinkedIn says nothing; a page of somebody in between does
            raise UnavailableError(f"{self._name}: a picture was not taken as LinkedIn does; it is sent again")
        return urn

    def _place(self, token: str = "") -> tuple[str, str]:
        asked = {"initializeUploadRequest": {"owner": self._settings.organization}}
        path = "/rest/images?action=initializeUpload"
        value = self._call("POST", path, changes=True, json=asked, token=token).json().get("value")
        urn, address = (
            str(value.get(name, "")) if isinstance(value, dict) else "" for name in ("image", "uploadUrl")
        )
        if not _IMAGE.fullmatch(urn) or not self._ours(address):
            raise self._exchange.unreadable("a place for a picture", changes=True)
        return urn, address

    def _ours(self, address: str) -> bool:
        """Whether the token may go there: LinkedIn's own hosts, or where requests go anyhow."""
        parts, base = urlsplit(address), urlsplit(self._settings.api_base)
        host = parts.hostname or ""
        of_linkedin = parts.scheme == "https" and (host == "linkedin.com" or host.endswith(".linkedin.com"))
        return of_linkedin or (parts.scheme, parts.netloc) == (base.scheme, base.netloc)

    def _cut(self, urn: str, draft: Draft) -> str:
        """What is missing of a post that is out; "" where all is there, or nobody may look.

        LinkedIn answers 201 to a post that it cuts. That the post is out is proved already: whatever goes wrong
        with looking changes nothing about it.
        """
        try:
            post = Seen.of(self._one(urn).json())
        except ChannelError:
            return ""
        if post and not post.public:
            raise RejectedError(
                f"{self._name}: LinkedIn took it and then refused it; look at the page, change the post"
            )
        if not post or draft.same(post):
            return ""
        return f"LinkedIn shows {len(post.text)} of {len(draft.text)} characters: it was cut; correct or delete it"

    # Duplicates

    def _refused(self, reply: Reply, draft: Draft, at: datetime | None) -> Receipt:
        facts = reply.body.decode("utf-8", "replace")
        if "DUPLICATE_POST" not in facts and "Content is a duplicate of" not in facts:
            raise self._exchange.refused(reply, changes=True)
        named = re.search(rf"duplicate of ({_URN.pattern})", facts)
        if not named:
            raise InDoubtError(f"{self._name}: LinkedIn has these words already and does not say where; {_BY_HAND}")
        return self._adopted(named[1], draft, at)

    def _adopted(self, urn: str, draft: Draft, at: datetime | None) -> Receipt:
        """The post that LinkedIn calls the same, if it is the one that we tried to make before.

        LinkedIn remembers deleted posts for a day or two and then names posts that are not there
        (https://github.com/ComposioHQ/composio/issues/2710). A post that was made a moment ago may not be there yet
        either: nothing tells the two apart, so it stays in doubt and is looked for.
        """
        what = f"{self._name}: LinkedIn calls it a duplicate of {_url(urn)}"
        try:
            reply = self._one(urn)
        except ChannelError as error:
            raise InDoubtError(f"{what}, which cannot be seen now ({error}); it is looked for later") from error
        if reply.status == 403:
            raise InDoubtError(f"{what}, and the login has no right to look (r_organization_social); {_BY_HAND}")
        if reply.status in _GONE:
            raise InDoubtError(
                f"{what}, which is not there: deleted, or not shown yet; it is looked for, and if it stays away, "
                f"change the words or wait two days"
            )
        post = Seen.of(reply.json())
        if not post or draft.begins(post):
            raise InDoubtError(f"{what}, which does not show all of these words; see whether it is it")
        if not post.public or not draft.same(post) or post.author != self._settings.organization:
            raise RejectedError(f"{what}, which says something else or is not public; change the words")
        if at and post.before(at - _SKEW):
            raise RejectedError(f"{what}, which was there before; change the words")
        return _receipt(urn, "LinkedIn had it already, from a try whose answer was lost")

    # Rights

    def _may_look(self, facts: Mapping[str, Any] | None = None) -> bool:
        """Whether posts can be read back; that posts can be made is certain when this returns.

        Raises:
            NeedsLoginError: neither.
        """
        token = str((facts or {}).get(TOKEN, ""))
        if self._own(1, token).status != 403:
            return True
        try:
            self._place(token)  # asks for a picture's place and leaves it empty: nobody sees anything of it
        except InDoubtError as error:
            raise UnavailableError(f"{self._name}: LinkedIn does not tell what may be done ({error})") from error
        return False

    def _version(self) -> Symptom:
        age, said = self._settings.age(self._now()), f"version {self._settings.version} of the API"
        if 0 <= age < _OLD:
            return Symptom(what=self._name, said=f"{said}, {age} months old")
        why = f"is {age} months old, and each lives about a year" if age >= 0 else "is of the future"
        return Symptom(
            what=self._name, level=Level.WARNING, said=f"{said} {why}; set `version` to one that LinkedIn has"
        )

    def _missing(self) -> list[Symptom]:
        granted = self._grant.scopes()
        return [
            Symptom(
                what=self._name, level=Level.WARNING, said=f"the scope {scope} was not granted; log in anew with it"
            )
            for scope in SCOPES
            if granted is not None and scope not in granted
        ]

    def _end(self) -> list[Symptom]:
        end = self._grant.expires()
        said = (
            f"log in anew by {end:%F}" if end else "the token comes from the environment; when it ends is not known"
        )
        return [Symptom(what=self._name, said=said)]


# Classifying

#: In every answer of LinkedIn's that refuses: an error page of somebody in between does not speak for it.
_SAYS = '"message"'

#: May be the refusal of a duplicate: the body tells.
_PERHAPS_DUPLICATE = (400, 409, 422)
_GONE = (404, 410)

#: The first that applies counts.
#: https://learn.microsoft.com/en-us/linkedin/shared/api-guide/concepts/error-handling
_REFUSALS = (
    Refusal(status=401, error=NeedsLoginError, advice="the login has ended; `disseminate login` renews it"),
    Refusal(
        status=426,
        error=NeedsLoginError,
        advice="the API has no such version (any more); set `version` to one of the last ten months, then resume",
    ),
    Refusal(
        status=403,
        fragment=_SAYS,
        error=NeedsLoginError,
        advice=f"log in as a member who runs the page, with an app that has {' and '.join(SCOPES)}, then resume",
    ),
    Refusal(status=429, error=UnavailableError, advice="the day's calls are used up; it goes out later"),
    Refusal(status=400, fragment=_SAYS, error=RejectedError, advice="change the post"),
    Refusal(status=404, fragment=_SAYS, error=RejectedError, advice="it is not there; see the page's number"),
    Refusal(status=410, fragment=_SAYS, error=RejectedError, advice="it is gone"),
    Refusal(status=413, error=RejectedError, advice="use a smaller picture"),
    Refusal(status=422, fragment=_SAYS, error=RejectedError, advice="change the post"),
)


def _waits(reply: Reply, now: datetime) -> datetime | None:
    """LinkedIn names no time with 429: its days end at midnight UTC.

    https://learn.microsoft.com/en-us/linkedin/shared/api-guide/concepts/rate-limits
    """
    if reply.status != 429:
        return None
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return retry_after(reply, now) or day + timedelta(days=1)


# Finding

#: The most that LinkedIn shows in one answer.
_PAGE = 100
#: Clocks differ.
_SKEW = timedelta(minutes=5)
#: Months; see `LinkedInSettings.version`.
_OLD = 10

_URN = re.compile(r"urn:li:(?:share|ugcPost):[0-9]{1,30}")
_IMAGE = re.compile(r"urn:li:image:[\w-]{1,200}")

_BY_HAND = "look at the page, and tell what you see: `disseminate resolve`"
_BLIND = "r_organization_social was not granted: after a lost answer a person must look"


def _path(urn: str) -> str:
    return f"/rest/posts/{quote(urn, safe='')}"


def _url(urn: str) -> str:
    return f"https://www.linkedin.com/feed/update/{urn}/"


def _receipt(urn: str, detail: str = "") -> Receipt:
    return Receipt(id=urn, url=_url(urn), detail=detail)
