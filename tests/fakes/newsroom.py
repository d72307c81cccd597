"""A small real project whose feeds name a hub, and a web server for its folder."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from dissemination.bootstrap import make_app
from dissemination.channels.hub import WebSubHub
from dissemination.model import State
from dissemination.pipeline import websub
from dissemination.testing.loopback import Answer, Loopback
from dissemination.web.public.kinds import kind_of

FORMATS = ("rss.xml", "atom.xml", "feed.json")


class Pages(Loopback):
    """A web server that serves a folder as it is at the moment."""

    root = None

    def answer(self, asked):
        path = asked.path.strip("/")
        try:
            body = (self.root / "feeds" / path).read_bytes()
        except OSError:
            return Answer(status=404)
        named = ((name.decode(), value.decode()) for name, value in kind_of(path, body).headers)
        return Answer(body=body, headers=dict(named))


class Newsroom:
    """A project whose feeds name a hub."""

    def __init__(self, root, folders, hub, public_url, clock):
        self.root, self.folders, self.hub, self.public_url, self.clock = root, folders, hub, public_url, clock
        settings = {
            "news": {"channels": {"feed": "auto", "newsletter": "none"}},
            "channels": {"feed": {}},
            "websub": {"hub": hub.url if hub else ""},
        }
        folders.write_project(root, **settings)
        text = (root / "settings.yaml").read_text().replace("https://news.test.example", public_url)
        (root / "settings.yaml").write_text(text)
        self.app = self.open()

    def open(self):
        return make_app(self.root, clock=self.clock, environ={})

    def hasten(self, seconds):
        """A hub has only so long to answer."""
        quick = WebSubHub(self.app.parts.hub.address, self.clock.now, read=seconds)
        self.app.parts.hub.close()
        self.app = replace(self.app, parts=replace(self.app.parts, hub=quick))

    def put(self, name="first", **facts):
        self.folders.write_item(self.root, name, **{"image": None, **facts})
        self.app.plan()
        self.app.approve([], who="ana", everything=True)

    def publish(self):
        with self.app.publishing():
            return self.app.publish()

    def url(self, path):
        return f"{self.public_url}/{path}"

    def urls(self, *scopes, lang="en"):
        return sorted(self.url(f"{lang}/{scope}/{name}") for scope in scopes for name in FORMATS)

    def wait_for_the_hub(self):
        """Until a second before it is asked again, when nobody asks, and until then."""
        vault = self.app.parts.store.vault("websub")
        state = vault.read("pipeline: hub")
        at = datetime.fromisoformat(state["not_before"])
        self.clock.advance(at - self.clock.now() - timedelta(seconds=1))
        websub.tell(self.app.parts, self.app.stop)
        assert vault.read("pipeline: hub") == state
        self.clock.advance(timedelta(seconds=1))

    def owed(self):
        return sorted(ping.topic for ping in self.app.parts.store.pings.owed(self.app.parts.hub.address))

    def bytes(self, url):
        return (self.root / "feeds" / urlsplit(url).path.lstrip("/")).read_bytes()

    def grave(self):
        return [h for h in self.app.parts.store.events.take_untold() if h.channel == "websub"]

    def published(self):
        return [p for p in self.app.parts.store.publications.in_state(State.PUBLISHED) if p.channel == "feed"]
