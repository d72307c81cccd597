"""A real project that publishes, and its own public server: for programs of others that come to read."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import yaml
from folder import write_item, write_project

from dissemination.bootstrap import make_app
from dissemination.settings import WebSection
from dissemination.testing import FixedClock
from dissemination.web.public.app import make_site
from dissemination.web.public.serving import PublicServer

START = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Hit:
    """A request and what came of it."""

    path: str
    status: int
    #: Whether it named a tag or a time.
    conditional: bool


class Noting:
    """Lets a site answer, and notes how."""

    def __init__(self, site: Any, hits: list[Hit]) -> None:
        self._site = site
        self._hits = hits

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                names = {name for name, _ in scope["headers"]}
                conditional = bool(names & {b"if-none-match", b"if-modified-since"})
                self._hits.append(Hit(scope["path"], message["status"], conditional))
            await send(message)

        await self._site(scope, receive, sending)


class Pressroom:
    """Publishes into `root`, and serves it at the same address whatever happens; ended with the `with` block.

    Args:
        root: folder of the project, empty.
        web: how it is served; without limits where left out.
        changes: whole sections of settings.yaml.
    """

    def __init__(self, root: Path, web: WebSection | None = None, **changes: Any) -> None:
        self.root = write_project(
            root, **({"channels": {"feed": {}}, "news": {"channels": {"feed": "auto"}}} | changes)
        )
        self.clock = FixedClock(START)
        self.hits: list[Hit] = []
        self._web = web or WebSection(per_minute=0)
        self._port = 0
        self._stamps: dict[Path, int] = {}
        self._written_at = time.time() - 86_400
        self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def item(self, name: str, **fields: Any) -> Path:
        """Write or change an item."""
        return write_item(self.root, name, **fields)

    def publish(self) -> None:
        """Approve all, let it out, and let an hour pass."""
        refused = [one for one in self.app.approve([], who="ana", everything=True) if one.refused]
        assert not refused, refused
        with self.app.publishing():
            self.app.publish()
        self._age()
        self.site.state.files.refresh()
        self.clock.advance(timedelta(hours=1))

    def move(self, public_url: str) -> None:
        """Another `project.public_url`; the machine stays where it is."""
        self._close()
        path = self.root / "settings.yaml"
        settings = yaml.safe_load(path.read_text("utf-8"))
        settings["project"]["public_url"] = public_url
        path.write_text(yaml.safe_dump(settings, allow_unicode=True), "utf-8")
        self._open()

    def address(self, path: str) -> str:
        """Of a file below `feeds/`."""
        return self.server.address + path

    def read(self, path: str) -> Any:
        """A JSON file below `feeds/`."""
        return json.loads((self.root / "feeds" / path).read_text("utf-8"))

    def _age(self) -> None:
        """Give what was written the time of this pass, an hour after the last one's.

        A second that saw two versions would have one Last-Modified for both, and libcurl, by which newsboat
        fetches, takes no second answer of the same time.
        """
        self._written_at += 3_600
        for path in (self.root / "feeds").rglob("*.*"):
            if self._stamps.get(path) != path.stat().st_mtime_ns:
                os.utime(path, (self._written_at, self._written_at))
                self._stamps[path] = path.stat().st_mtime_ns

    def _open(self) -> None:
        app = make_app(self.root, clock=self.clock, environ={})
        # Feeds name their hub, and nobody tells it anything.
        self.app = replace(app, parts=replace(app.parts, hub=None))
        self.site = make_site(self.app, self._web)
        self.server = PublicServer(Noting(self.site, self.hits), port=self._port)
        self._port = self.server.port
        self.server.start()

    def _close(self) -> None:
        self.server.stop()
        self.app.close()
