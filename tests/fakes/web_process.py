"""The routes for people under uvicorn, as a program of its own: web_process.py ROOT; prints its port."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from dissemination.bootstrap import opened
from dissemination.web.public.people import routes


def main() -> None:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(1024)
    with opened(Path(sys.argv[1]), environ={}) as house:
        config = uvicorn.Config(
            Starlette(routes=routes(house)), log_level="error", access_log=False, lifespan="off"
        )
        sys.stdout.write(f"{listening.getsockname()[1]}\n")
        sys.stdout.flush()
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
