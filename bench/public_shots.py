"""The public pages of the sample, published and served, for `bench/screenshots.py --public`."""

from __future__ import annotations

import shutil
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import yaml
from playwright.sync_api import Browser, Route

from dissemination.app import App
from dissemination.bootstrap import make_app
from dissemination.files import shipped
from dissemination.testing import FixedClock
from dissemination.web.public.app import make_site
from dissemination.web.public.serving import PublicServer

#: After the sample's meeting; the shots must not change with the day.
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
WHO = "ana@example.org"
Scheme = Literal["light", "dark"]
LOOKS: tuple[tuple[int, Scheme], ...] = ((360, "light"), (1280, "light"), (360, "dark"))


@contextmanager
def served() -> Iterator[tuple[App, PublicServer]]:
    """The sample project, with all that is due published, on a port of this machine."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        settings = yaml.safe_load(shipped("settings.yaml").read_text("utf-8"))
        settings["channels"] = {"email": {"sender": "news@microfuture.example", "host": "127.0.0.1"}, "feed": {}}
        weekly = settings["newsletter"]["digests"]["weekly"]
        settings["newsletter"]["flash"] = {"lists": ["news"], "where": {"frequency": ["each"]}}
        settings["newsletter"]["digests"] = {"weekly": weekly | {"where": {"frequency": ["weekly"]}}}
        settings["news"]["channels"] = {"feed": "auto"}
        (root / "settings.yaml").write_text(yaml.safe_dump(settings, allow_unicode=True, sort_keys=False), "utf-8")
        shutil.copytree(shipped("news"), root / "news")
        app = make_app(root, clock=FixedClock(NOW), environ={})
        app.approve([], who="ana", everything=True)
        with app.publishing():
            app.publish()
        server = PublicServer(make_site(app))
        server.start()
        try:
            yield app, server
        finally:
            server.stop()
            app.close()


def addresses(app: App) -> Mapping[str, str]:
    """Name of a shot -> the path of its page."""
    parts, notice = app.parts, app.sign_up_notice("en")
    app.sign_up(WHO, ["news"], notice, form="/signup/")
    asked = parts.store.signups.of(WHO)
    if asked is None:
        raise SystemExit("the sample takes no sign-ups")
    confirm = parts.tokens.sign("c", asked.id)
    preferences = app.confirm(confirm, ["news"])
    person = parts.store.people.by_address(WHO)
    if preferences is None or person is None:
        raise SystemExit("the sample confirms no sign-ups")
    return {
        "signup": "/signup/",
        "confirm": f"/c/{confirm}",
        "preferences": f"/p/{preferences}",
        "unsubscribe": f"/u/{parts.tokens.sign('u', person.id)}",
        "feeds": "/feeds/",
        "item": "/en/news/third-partner-meeting/",
    }


def photographs(browser: Browser) -> Iterator[tuple[str, bytes]]:
    """Name of a shot, and a PNG of the whole page, one after the other."""
    with served() as (app, server):
        look = Look(browser, server, app.parts.project.public_url)
        for name, path in addresses(app).items():
            for width, scheme in LOOKS:
                yield f"public-{name}-{width}{'-dark' if scheme == 'dark' else ''}", look(path, width, scheme)


class Look:
    """Shows pages under their public address, though they come from this machine; other hosts are an end."""

    def __init__(self, browser: Browser, server: PublicServer, public: str) -> None:
        self._browser, self._server, self._public = browser, server.address.rstrip("/"), public

    def __call__(self, path: str, width: int, scheme: Scheme) -> bytes:
        """A PNG of the whole page."""
        context = self._browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800})
        context.route("**/*", self._answer)
        page = context.new_page()
        page.goto(f"{self._public}{path}", wait_until="load")
        taken = page.screenshot(full_page=True)
        context.close()
        return taken

    def _answer(self, route: Route) -> None:
        url = urlsplit(route.request.url)
        if f"{url.scheme}://{url.netloc}" != self._public:
            raise SystemExit(f"a page asks for {route.request.url}")
        asked = urllib.request.Request(f"{self._server}{url.path}", headers={"Host": url.netloc})
        with urllib.request.urlopen(asked, timeout=20) as told:
            route.fulfill(status=told.status, headers=dict(told.headers.items()), body=told.read())
