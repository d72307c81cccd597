"""A WebSub hub and a subscriber on loopback, careful ones: they check what publishers like to get wrong.

https://www.w3.org/TR/websub/. The hub fetches what it is told of while the publisher waits, so that a test sees
whether the news was live before the ping.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from urllib.parse import parse_qs, urlencode

import httpx
from lxml import etree

from dissemination.testing.loopback import Answer, Asked, Loopback

#: One link of a Link header (RFC 8288, 3): the address, and the parameters after it.
_LINK = re.compile(r'<([^>]*)>((?:\s*;\s*[\w*]+\s*=\s*(?:"[^"]*"|[^",;\s]+))*)')
_REL = re.compile(r';\s*rel\s*=\s*"?([^",;]+)"?', re.IGNORECASE)
_ATOM = "{http://www.w3.org/2005/Atom}link"
#: Media type -> root of the document.
_ROOTS = {"application/rss+xml": "rss", "application/atom+xml": "{http://www.w3.org/2005/Atom}feed"}

Links = frozenset[tuple[str, str]]


def header_links(header: str) -> Links:
    """(relation, address) of all links in a Link header."""
    found = [(rel, url) for url, words in _LINK.findall(header) for match in _REL.findall(words) for rel in [match]]
    return frozenset((rel, url) for rels, url in found for rel in rels.split())


def document_links(media: str, body: bytes) -> Links:
    """(relation, address) of hub and self in a feed of any format, for the feed alone and not for its entries.

    Raises:
        ValueError: it is no feed of this media type.
    """
    kind = media.partition(";")[0].strip()
    if kind == "application/feed+json":
        return frozenset(_in_json(json.loads(body)))
    try:
        root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as error:
        raise ValueError(f"no XML: {error}") from error
    if kind not in _ROOTS or root.tag != _ROOTS[kind]:
        raise ValueError(f"{root.tag} is no {kind}")
    return frozenset(_in_xml((root[0] if root.tag == "rss" else root).findall(_ATOM)))


def _in_json(feed: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    hubs = feed.get("hubs")
    for hub in hubs if isinstance(hubs, list) else ():
        if hub.get("type") == "WebSub":
            yield "hub", hub["url"]
    yield "self", str(feed["feed_url"])


def _in_xml(links: Iterable[etree._Element]) -> Iterator[tuple[str, str]]:
    for link in links:
        if link.get("rel") in {"hub", "self"}:
            yield str(link.get("rel")), str(link.get("href"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscription:
    """Somebody who waits for news of a feed."""

    topic: str
    callback: str
    secret: str


class _Calling(Loopback):
    """One that asks others, too; each question has a connection of its own."""

    def __init__(self) -> None:
        super().__init__()
        self._client = httpx.Client(trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._client.close()


class FakeHub(_Calling):
    """Takes pings, fetches, and hands on.

    Args:
        reads: the name under which it looks for the feed in a ping: "hub.url", or "hub.topic" as Switchboard does.
    """

    def __init__(self, reads: str = "hub.url") -> None:
        super().__init__()
        self._reads = reads
        #: The feeds of all pings that it took, in order.
        self.pings: list[str] = []
        #: Feed -> its documents as fetched, one a ping.
        self.fetched: dict[str, list[bytes]] = {}
        self.subscriptions: list[Subscription] = []
        #: What was not as it should be.
        self.problems: list[str] = []
        #: Feeds that it does not take (422).
        self.refuses: set[str] = set()

    @property
    def url(self) -> str:
        """For the setting `websub.hub`."""
        return f"{self.address}/"

    def name(self, asked: Asked) -> str:
        """What is asked for: "publish", "subscribe", "unsubscribe"."""
        return _form(asked.body).get("hub.mode", asked.method)

    def answer(self, asked: Asked) -> Answer:
        """Does what `hub.mode` says."""
        if asked.method != "POST" or asked.headers.get("content-type") != "application/x-www-form-urlencoded":
            return Answer(status=405)
        form = _form(asked.body)
        does = {"publish": self._publish, "subscribe": self._subscribe, "unsubscribe": self._subscribe}
        do = does.get(form.get("hub.mode", ""))
        return do(form) if do else Answer(status=400, body=b"hub.mode")

    # Publishing

    def _publish(self, form: Mapping[str, str]) -> Answer:
        topic = form.get(self._reads, "")
        if not topic or topic in self.refuses:
            return Answer(status=422, body=b"not this feed")
        self.pings.append(topic)
        reply = self._client.get(topic)
        self.fetched.setdefault(topic, []).append(reply.content)
        self._check(topic, reply)
        for one in self.subscriptions:
            if one.topic == topic:
                self._hand_on(one, reply)
        return Answer(status=204)

    def _check(self, topic: str, reply: httpx.Response) -> None:
        """A subscriber must find this hub and this address, whichever way it looks (section 4)."""
        if reply.status_code != 200:
            self.problems.append(f"{topic}: {reply.status_code}")
            return
        wanted = {("hub", self.url), ("self", topic)}
        media = reply.headers.get("content-type", "")
        said = {
            "header": header_links(reply.headers.get("link", "")),
            "document": document_links(media, reply.content),
        }
        self.problems += [
            f"{topic}: {where} says {sorted(links)}" for where, links in said.items() if links != wanted
        ]

    def _hand_on(self, one: Subscription, reply: httpx.Response) -> None:
        """Section 7: the content as it is, its media type, hub and self in a header, and the signature."""
        mac = hmac.digest(one.secret.encode(), reply.content, "sha256").hex()
        headers = {
            "Content-Type": reply.headers["content-type"],
            "Link": f'<{self.url}>; rel="hub", <{one.topic}>; rel="self"',
            "X-Hub-Signature": f"sha256={mac}",
        }
        answer = self._client.post(one.callback, content=reply.content, headers=headers)
        if not answer.is_success:
            self.problems.append(f"{one.callback}: {answer.status_code}")

    # Subscribing

    def _subscribe(self, form: Mapping[str, str]) -> Answer:
        """Section 5.3: only who repeats the challenge has meant it."""
        mode, topic, callback = form["hub.mode"], form["hub.topic"], form["hub.callback"]
        challenge = secrets.token_urlsafe(16)
        question = {
            "hub.mode": mode,
            "hub.topic": topic,
            "hub.challenge": challenge,
            "hub.lease_seconds": "864000",
        }
        reply = self._client.get(f"{callback}?{urlencode(question)}")
        if not reply.is_success or reply.text != challenge:
            return Answer(status=202)
        self.subscriptions = [one for one in self.subscriptions if (one.topic, one.callback) != (topic, callback)]
        if mode == "subscribe":
            made = Subscription(topic=topic, callback=callback, secret=form.get("hub.secret", ""))
            self.subscriptions.append(made)
        return Answer(status=202)


class FakeSubscriber(_Calling):
    """A feed reader that has its news pushed."""

    def __init__(self) -> None:
        super().__init__()
        #: Feed -> its documents as they were pushed.
        self.received: dict[str, list[bytes]] = {}
        #: What it would not believe.
        self.forged: list[str] = []
        #: Feed -> the secret it gave the hub.
        self._wanted: dict[str, str] = {}

    def subscribe(self, topic: str) -> None:
        """Find the hub in the header of the feed, and ask it."""
        links = dict(header_links(self._client.get(topic).headers.get("link", "")))
        secret = self._wanted[links["self"]] = secrets.token_hex(16)
        form = {
            "hub.mode": "subscribe",
            "hub.topic": links["self"],
            "hub.callback": f"{self.address}/callback",
            "hub.secret": secret,
        }
        self._client.post(links["hub"], data=form).raise_for_status()

    def answer(self, asked: Asked) -> Answer:
        """Confirms what it asked for, and takes what is signed."""
        return self._confirm(asked) if asked.method == "GET" else self._take(asked)

    def _confirm(self, asked: Asked) -> Answer:
        if asked.query.get("hub.topic") not in self._wanted:
            return Answer(status=404)
        return Answer(body=asked.query["hub.challenge"].encode())

    def _take(self, asked: Asked) -> Answer:
        topic = dict(header_links(asked.headers.get("link", ""))).get("self", "")
        mac = hmac.digest(self._wanted.get(topic, "").encode(), asked.body, "sha256").hex()
        if topic in self._wanted and hmac.compare_digest(asked.headers.get("x-hub-signature", ""), f"sha256={mac}"):
            self.received.setdefault(topic, []).append(asked.body)
        else:
            self.forged.append(topic)
        return Answer(status=202)


def _form(body: bytes) -> Mapping[str, str]:
    """The last value of each name, as PHP reads it."""
    return {name: values[-1] for name, values in parse_qs(body.decode("ascii", "replace")).items()}
