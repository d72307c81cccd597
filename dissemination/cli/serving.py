"""disseminate serve, and what `run` and `demo` serve beside their work."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from dissemination.cli.common import Json, guarded, print_json, project, safe, say

if TYPE_CHECKING:
    from dissemination.app import App
    from dissemination.settings import WebSection


@guarded
def serve(
    host: Annotated[str, typer.Option(help="Address of this machine; that of settings where left out.")] = "",
    port: Annotated[int, typer.Option(help="Port; that of settings where left out.", min=-1, max=65_535)] = -1,
    *,
    as_json: Json = False,
) -> None:
    """Serve the public pages: feeds, item pages, and what subscribers and mail providers ask for."""
    with project() as app:
        serve_until_told(app, host=host, port=port, as_json=as_json)


def serve_until_told(app: App, *, host: str = "", port: int = -1, as_json: bool) -> None:
    """Serve in this thread until SIGTERM or Ctrl-C.

    Args:
        app: the project.
        host: in place of that of settings.
        port: in place of that of settings, if it is not negative.
        as_json: how the addresses are told.

    Raises:
        WrongUseError: the port cannot be had.
    """
    from dissemination.bootstrap import web_settings  # noqa: PLC0415 - brings every library with it
    from dissemination.web.public.app import make_site  # noqa: PLC0415 - see above
    from dissemination.web.public.serving import PublicServer  # noqa: PLC0415 - see above

    web = web_settings(app)
    server = PublicServer(make_site(app, web), host=host or web.host, port=web.port if port < 0 else port)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.leave())
    tell(app, server.address, as_json=as_json)
    server.run()


def _nothing() -> None:
    """Where nobody serves."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Beside:
    """What a server that runs beside something else is told."""

    #: Something was published.
    refresh: Callable[[], None] = _nothing
    #: The end is near: it need not be waited for yet.
    leave: Callable[[], None] = _nothing


@contextmanager
def beside(app: App, web: WebSection, *, as_json: bool) -> Iterator[Beside]:
    """Serve in a thread while something else goes on, if settings want it.

    Raises:
        WrongUseError: the port cannot be had.
    """
    if not web.serve:
        yield Beside()
        return
    from dissemination.web.public.app import make_site  # noqa: PLC0415 - brings a web server with it
    from dissemination.web.public.serving import PublicServer  # noqa: PLC0415 - see above

    site = make_site(app, web)
    server = PublicServer(site, host=web.host, port=web.port)
    server.start()
    try:
        tell(app, server.address, as_json=as_json)
        yield Beside(refresh=site.state.files.refresh, leave=server.leave)
    finally:
        server.stop()


def addresses(app: App) -> list[str]:
    """Public addresses to begin with, of what is there: latest news, sign-up, list of feeds, feeds by language."""
    site, asked = app.parts.site, app.parts.project
    there = [
        lang
        for lang in asked.languages
        if (asked.root / "feeds" / site.feed_path(lang, asked.category, "atom.xml")).is_file()
    ]
    feeds = [site.feed(lang, asked.category, name) for lang in there for name in ("", "atom.xml", "rss.xml")]
    form = [] if app.sign_up_lacks() else [site.signup()]
    listed = [f"{site.public_url}/feeds/"] if (asked.root / "feeds" / "feeds" / "index.html").is_file() else []
    return [f"{site.public_url}/", *form, *listed, *feeds]


def tell(app: App, listening: str, *, as_json: bool) -> None:
    """Where it is served, as this machine and as the public sees it."""
    if as_json:
        print_json({"listening": listening, "addresses": addresses(app)}, indent=None)
        return
    say(f"Serving on {safe(listening)} Stop with Ctrl-C.")
    for address in addresses(app):
        say(f"  {safe(address)}")
