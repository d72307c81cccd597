"""POST /hooks/<provider>: what mail providers tell of letters goes to `App.returned`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from dissemination.app import App

#: Posts that are worked on at the same time: each needs the database, and some fetch a certificate.
_AT_ONCE = 4


def routes(house: App) -> list[Route]:
    """The one route of this file. What the verb raises becomes an answer in `app.ANSWERS`."""
    return [Route("/hooks/{provider}", _taking(house), methods=["POST"])]


def _taking(house: App) -> Callable[[Request], Awaitable[Response]]:
    turns = anyio.Semaphore(_AT_ONCE)

    async def take(request: Request) -> Response:
        body = await request.body()
        headers: dict[str, str] = {}
        for name, value in request.headers.items():
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        async with turns:
            await run_in_threadpool(house.returned, request.path_params["provider"], headers, body)
        return PlainTextResponse("Taken in.\n")

    return take
