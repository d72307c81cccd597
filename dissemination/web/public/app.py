"""The public site put together: guard, files from memory, routes."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute
from starlette.types import ExceptionHandler, Lifespan

from dissemination.app import App
from dissemination.errors import (
    BusyError,
    DisseminationError,
    ForgedError,
    StoreError,
    UnavailableError,
)
from dissemination.render.status_words import STATUSES
from dissemination.settings import WebSection
from dissemination.web.public import hooks, people
from dissemination.web.public.callers import Callers, Rates
from dissemination.web.public.files import FromMemory, PublicFiles
from dissemination.web.public.frame import Frame
from dissemination.web.public.guard import Cover, Door, Place
from dissemination.web.public.headers import LIVE_POLICY, NO_REFERRER, NO_STORE, NOSNIFF, policy

#: Each takes the project and gives its routes; those for people need the frame and who asks, too.
ROUTES: Sequence[Callable[[App], Sequence[BaseRoute]]] = (hooks.routes,)

#: What a verb raised -> status; the nearest class of the error's own counts.
ANSWERS: Mapping[type[DisseminationError], int] = {
    ForgedError: 403,
    UnavailableError: 503,
    StoreError: 503,
    BusyError: 503,
}
#: Seconds after which to try again where nobody named a time.
_LATER = 60


def make_site(house: App, web: WebSection | None = None, *, now: Callable[[], float] = time.monotonic) -> Starlette:
    """The public site of a project; `site.state` has its `files`, its `frame` and its `house`.

    Args:
        house: the opened project.
        web: settings; the defaults where left out.
        now: seconds that never go back, for limits.
    """
    web = web or WebSection()
    project = house.parts.project
    place, frame = Place.of(project.public_url), Frame(house)
    parts = urlsplit(project.public_url)
    files = PublicFiles(
        project.root / "feeds", prefix=place.prefix, fixed=frame.fixed(place.always), more=place.always
    )
    callers = Callers(web.trusted_proxies)
    made = Starlette(
        routes=[*(route for routes in ROUTES for route in routes(house)), *_people(house, frame, callers)],
        middleware=[
            Middleware(
                Door,
                place=place,
                callers=callers,
                reads=Rates(web.per_minute, now),
                posts=Rates(web.posts_per_minute, now),
            ),
            Middleware(FromMemory, files=files, origin=f"{parts.scheme}://{parts.netloc}"),
            Middleware(Cover, place=place),
        ],
        exception_handlers=_handlers(house, frame),
        lifespan=_watching(files),
    )
    # A redirect of the library is made of the Host header; ours never are.
    made.router.redirect_slashes = False
    made.state.house, made.state.files, made.state.frame = house, files, frame
    return made


def _people(house: App, frame: Frame, callers: Callers) -> Sequence[BaseRoute]:
    def caller(request: Request) -> str:
        peer = request.client.host if request.client else ""
        # All lines, as the door reads them: some proxies add a line of their own below what a stranger sent.
        forwarded = ",".join(request.headers.getlist("x-forwarded-for"))
        return callers.origin(peer, forwarded.encode("latin-1", "replace"))

    return people.routes(house, assets=frame.asset, visual=frame.shown, caller=caller)


def _watching(files: PublicFiles) -> Lifespan[Starlette]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        files.start()
        yield
        files.stop()

    return lifespan


def _handlers(house: App, frame: Frame) -> Mapping[object, ExceptionHandler]:
    async def refused(request: Request, error: Exception) -> Response:
        status = next(status for kind, status in ANSWERS.items() if isinstance(error, kind))
        return _said(frame, request, status, {"retry-after": str(_wait(house, error))} if status == 503 else {})

    async def missing(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        headers = error.headers if isinstance(error, HTTPException) else None
        return _said(frame, request, status, dict(headers or {}))

    async def broken(request: Request, _: Exception) -> Response:
        # It stands outside of the cover, and says nothing of what happened.
        answer = _said(frame, request, 500, {})
        for name, value in (NOSNIFF, NO_REFERRER, NO_STORE, policy(LIVE_POLICY)):
            answer.headers[name.decode()] = value.decode()
        return answer

    return {**dict.fromkeys(ANSWERS, refused), HTTPException: missing, Exception: broken}


def _said(frame: Frame, request: Request, status: int, headers: Mapping[str, str]) -> Response:
    """A page for people where they look, plain words for programs and for what has no page."""
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    if status in STATUSES and not path.startswith("/hooks/"):
        answer: Response = frame.status(status, frame.language_of(path))
    else:
        answer = PlainTextResponse(_WORDS.get(status, "This cannot be done.\n"), status_code=status)
    for name, value in headers.items():
        answer.headers[name] = value
    return answer


_WORDS = {
    403: "This does not prove where it comes from.\n",
    404: "There is nothing here.\n",
    405: "This method is not served here.\n",
    503: "This cannot be done right now; try again.\n",
}


def _wait(house: App, error: Exception) -> int:
    """Seconds until the time that the other side named."""
    named = error.retry_at if isinstance(error, UnavailableError) else None
    if named is None:
        return _LATER
    return max(1, math.ceil((named - house.parts.clock.now()).total_seconds()))
