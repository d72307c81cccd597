"""The public folder in memory: read once, packed once, answered in a few microseconds.

What a request names is only ever looked up in a table; no path of a request touches the disk. A thread of its own
looks at the folder once a second at most, and takes in what changed.
"""

from __future__ import annotations

import gzip
import logging
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC
from email.utils import formatdate, parsedate_to_datetime
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

import brotli  # type: ignore[import-untyped] # it ships no types
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from dissemination.errors import FileRefusedError
from dissemination.files import read_below
from dissemination.web.public.headers import Header, answer
from dissemination.web.public.kinds import Kind, kind_of

#: Larger files are read for each request, by a thread; nobody packs them.
LARGE = 2_000_000
#: Beyond this a file is not served at all.
MOST = 200_000_000
#: Seconds between two looks at the folder, and how much of the time looking may take.
PAUSE, SHARE = 1.0, 0.05
#: Brotli's thoroughness: the next steps cost ten times as much for a twentieth of the size.
_BROTLI = 5
_SMALLEST = 200
#: Never served: what writers of static sites keep beside (packed twins), hidden files but for /.well-known/, and
#: files on top with a line below in front, which are written for web servers (`_gone.map`).
_TWINS = (".gz", ".br")
_OPEN_HIDDEN = ".well-known"
_HIDDEN = (".", "_")
_ALLOWED: Header = (b"allow", b"GET, HEAD, OPTIONS")
#: A reader in a browser asks first whether it may send If-None-Match (fetch standard, CORS preflight).
_PREFLIGHT = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, HEAD"),
    (b"access-control-allow-headers", b"if-none-match, if-modified-since"),
    (b"access-control-max-age", b"86400"),
)

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """One encoding of a page, ready to send. Its tag is its own, since its bytes are (RFC 9110, 8.8.3.3)."""

    body: bytes = field(repr=False)
    tag: bytes
    headers: list[Header]


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One file, ready to send."""

    status: int
    #: Whole seconds since 1970.
    modified: int
    #: As in Last-Modified.
    date: bytes
    #: Best first; the last one is the file itself.
    variants: Mapping[bytes, Variant]
    #: Every tag that this page has -> headers of the 304 that answers it.
    unchanged: Mapping[bytes, list[Header]]
    feed: bool = False
    #: Where the file is read from if it is too large for the memory.
    path: str = ""


def make_page(body: bytes, kind: Kind, modified: float, more: Iterable[Header] = ()) -> Page:
    """Pack, tag and date a file.

    Args:
        body: the bytes.
        kind: how it is served.
        modified: seconds since 1970.
        more: further headers of every answer with content.
    """
    seconds = int(modified)
    date = formatdate(seconds, usegmt=True).encode()
    digest = sha256(body).hexdigest()[:32].encode()
    vary = ((b"vary", b"accept-encoding"),) if kind.packs else ()
    dated: Header = (b"last-modified", date)
    common = (*kind.headers, *vary, *more, dated)
    variants = {
        coding: _variant(packed, coding, digest, common) for coding, packed in _packed(body, packs=kind.packs)
    }
    return Page(
        status=kind.status,
        modified=seconds,
        date=date,
        variants=variants,
        unchanged={one.tag: [(b"etag", one.tag), dated, *kind.again, *vary] for one in variants.values()},
        feed=kind.feed,
    )


def _packed(body: bytes, *, packs: bool) -> Iterator[tuple[bytes, bytes]]:
    if packs and len(body) >= _SMALLEST:
        packed = (
            (b"br", brotli.compress(body, mode=brotli.MODE_TEXT, quality=_BROTLI)),
            (b"gzip", gzip.compress(body, 9, mtime=0)),
        )
        yield from ((coding, made) for coding, made in packed if len(made) < len(body) * 0.95)
    yield b"", body


def _variant(body: bytes, coding: bytes, digest: bytes, common: Iterable[Header]) -> Variant:
    tag = b'"' + digest + (b"-" + coding if coding else b"") + b'"'
    encoded = ((b"content-encoding", coding),) if coding else ()
    length: Header = (b"content-length", str(len(body)).encode())
    return Variant(body=body, tag=tag, headers=[*common, *encoded, (b"etag", tag), length])


@dataclass(frozen=True, slots=True)
class _Stamp:
    """A file is the same while these are; the change time cannot be set back."""

    modified: int
    changed: int
    size: int
    number: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Table:
    """Everything that is served at one time; replaced as a whole."""

    #: Path of the address -> page.
    pages: Mapping[str, Page] = field(default_factory=dict)
    #: Path without its last slash -> path.
    folders: Mapping[str, str] = field(default_factory=dict)


class PublicFiles:
    """The files of one folder by their addresses.

    Args:
        root: the folder; it may come into being later.
        prefix: what all paths begin with, "" or "/news".
        fixed: further pages by their paths (with the prefix), which never change.
        more: headers of every answer with content.
    """

    def __init__(
        self, root: Path, *, prefix: str = "", fixed: Mapping[str, Page] | None = None, more: Iterable[Header] = ()
    ) -> None:
        self._root = root
        self._prefix = prefix
        self._fixed = dict(fixed or {})
        self._more = tuple(more)
        self._stamps: dict[str, _Stamp] = {}
        self._loaded: dict[str, Page] = {}
        self._looking = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._table = _Table(pages=self._fixed)
        self.refresh()

    def find(self, path: str) -> Page | None:
        """The page at the path of an address."""
        return self._table.pages.get(path)

    def folder(self, path: str) -> str | None:
        """The path with its slash, if it lacks only that."""
        return self._table.folders.get(path)

    def __len__(self) -> int:
        return len(self._table.pages)

    def refresh(self) -> int:
        """Take in what changed; how many files did. Call it after publishing; the thread calls it else."""
        with self._looking:
            seen = dict(_walk(self._root))
            changed = [path for path, stamp in seen.items() if self._stamps.get(path) != stamp]
            gone = self._stamps.keys() - seen.keys()
            for path in (*changed, *gone):
                self._stamps.pop(path, None)
                self._loaded.pop(path, None)
            for path in changed:
                page = self._load(path, seen[path])
                if page is not None:
                    self._loaded[path], self._stamps[path] = page, seen[path]
            if changed or gone:
                self._table = self._made()
        return len(changed) + len(gone)

    def start(self) -> None:
        """Begin to look."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._watch, name="public files", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(PAUSE)

    def read(self, page: Page) -> bytes:
        """The bytes of a page that is too large for the memory.

        Raises:
            FileRefusedError, OSError: it is not there any more.
        """
        return read_below(self._root, page.path, limit=MOST)

    def _watch(self) -> None:
        pause = PAUSE
        while not self._stop.wait(pause):
            before = time.monotonic()
            try:
                self.refresh()
            except Exception:
                _logger.exception("web: the public folder cannot be read; what was read before is served on")
            # A folder of very many files is looked at less often.
            pause = max(PAUSE, (time.monotonic() - before) / SHARE)

    def _load(self, path: str, stamp: _Stamp) -> Page | None:
        try:
            body = read_below(self._root, path, limit=MOST)
        except (FileRefusedError, OSError):
            return None  # replaced or removed meanwhile: the next look tells
        modified = min(stamp.modified / 1e9, time.time())
        if len(body) <= LARGE:
            return make_page(body, kind_of(path, body), modified, self._more)
        kind = replace(kind_of(path, body), packs=False)
        whole = make_page(body, kind, modified, self._more)
        headers_alone = {coding: replace(one, body=b"") for coding, one in whole.variants.items()}
        return replace(whole, variants=headers_alone, path=path)

    def _made(self) -> _Table:
        pages, folders = dict(self._fixed), {}
        for path, page in self._loaded.items():
            address = f"{self._prefix}/{path}"
            pages[address] = page
            if path.rpartition("/")[2] == "index.html":
                folder = address.removesuffix("index.html")
                pages[folder] = page
                folders[folder.rstrip("/")] = folder
        folders.pop("", None)
        return _Table(pages=pages, folders=folders)


def _walk(root: Path, below: str = "") -> Iterator[tuple[str, _Stamp]]:
    """Regular files with their stamps; links are not followed, hidden files not seen."""
    try:
        entries = list(os.scandir(root / below))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.name.startswith("." if below else _HIDDEN) and entry.name != _OPEN_HIDDEN:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(root, f"{below}{entry.name}/")
        elif entry.is_file(follow_symlinks=False) and not entry.name.endswith(_TWINS):
            try:
                seen = entry.stat(follow_symlinks=False)
                entry.name.encode()
            except (FileNotFoundError, UnicodeEncodeError):
                continue
            yield f"{below}{entry.name}", _Stamp(seen.st_mtime_ns, seen.st_ctime_ns, seen.st_size, seen.st_ino)


class FromMemory:
    """Answers what the folder has; everything else goes on to the routes.

    Args:
        app: the routes.
        files: the folder.
        origin: scheme and host, for the one redirect there is: to a folder's slash.
    """

    def __init__(self, app: ASGIApp, *, files: PublicFiles, origin: str) -> None:
        self._app = app
        self._files = files
        self._origin = origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from memory, or pass on."""
        page = self._files.find(scope["path"]) if scope["type"] == "http" else None
        if page is None:
            await self._elsewhere(scope, receive, send)
        elif scope["method"] in {"GET", "HEAD"}:
            await self._serve(page, scope, send)
        elif scope["method"] == "OPTIONS":
            await answer(send, 204, more=(_ALLOWED, *(_PREFLIGHT if page.feed else ())))
        else:
            await answer(send, 405, "This page can only be read.\n", (_ALLOWED,))

    async def _serve(self, page: Page, scope: Scope, send: Send) -> None:
        accepted, tags, since = _asked(scope["headers"])
        if page.status == 200 and (known := _known(page, tags, since, accepted)) is not None:
            await send({"type": "http.response.start", "status": 304, "headers": known})
            await send({"type": "http.response.body", "body": b""})
            return
        variant = chosen(page.variants, accepted)
        body = variant.body if scope["method"] == "GET" else b""
        if page.path and scope["method"] == "GET":
            try:
                body = await run_in_threadpool(self._files.read, page)
            except (FileRefusedError, OSError):
                await answer(send, 404, "There is nothing here.\n")
                return
            if len(body) != int(dict(variant.headers)[b"content-length"]):
                await answer(send, 503, "This is being replaced; ask again.\n", ((b"retry-after", b"2"),))
                return
        await send({"type": "http.response.start", "status": page.status, "headers": variant.headers})
        await send({"type": "http.response.body", "body": body})

    async def _elsewhere(self, scope: Scope, receive: Receive, send: Send) -> None:
        folder = self._files.folder(scope["path"]) if scope["type"] == "http" else None
        if folder is None or scope["method"] not in {"GET", "HEAD"}:
            await self._app(scope, receive, send)
            return
        target = f"{self._origin}{quote(folder)}".encode("ascii")
        await answer(send, 301, "It has a slash at the end.\n", ((b"location", target),))


def _asked(headers: list[Header]) -> tuple[bytes, bytes, bytes]:
    """Accept-Encoding, If-None-Match, If-Modified-Since."""
    accepted = tags = since = b""
    for name, value in headers:
        if name == b"accept-encoding":
            accepted = value
        elif name == b"if-none-match":
            tags = tags + b"," + value if tags else value
        elif name == b"if-modified-since":
            since = value
    return accepted, tags, since


def _known(page: Page, tags: bytes, since: bytes, accepted: bytes) -> list[Header] | None:
    """The headers of a 304; None if the reader does not have what is here (RFC 9110, 13.2.2: tags win)."""
    if tags:
        found = page.unchanged.get(tags)
        return found if found is not None else _known_by_list(page, tags, accepted)
    if since and (since == page.date or page.modified <= _seconds(since[:64])):
        return page.unchanged[chosen(page.variants, accepted).tag]
    return None


def _known_by_list(page: Page, tags: bytes, accepted: bytes) -> list[Header] | None:
    """Compared weakly (RFC 9110, 13.1.2): proxies that pack make tags weak."""
    for part in tags[:4_096].split(b","):
        tag = part.strip()
        if tag == b"*":
            return page.unchanged[chosen(page.variants, accepted).tag]
        found = page.unchanged.get(tag.removeprefix(b"W/"))
        if found is not None:
            return found
    return None


@lru_cache(maxsize=1024)
def _seconds(date: bytes) -> float:
    """Of a date of HTTP; long ago if it is none."""
    try:
        when = parsedate_to_datetime(date.decode("ascii"))
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return -1.0


def chosen(variants: Mapping[bytes, Variant], accepted: bytes) -> Variant:
    """The smallest encoding that the reader takes."""
    if accepted and len(variants) > 1:
        wanted = _codings(accepted[:200])
        for coding, variant in variants.items():
            if coding in wanted:
                return variant
    return variants[b""]


@lru_cache(maxsize=512)
def _codings(accepted: bytes) -> frozenset[bytes]:
    """The content codings that Accept-Encoding allows (RFC 9110, 12.5.3); "*" is what is not named."""
    weights = {}
    for part in accepted.lower().split(b","):
        name, _, weight = part.partition(b";")
        weights[name.strip()] = _weight(weight)
    rest = weights.get(b"*", 0.0)
    return frozenset(coding for coding in (b"br", b"gzip") if weights.get(coding, rest) > 0)


def _weight(text: bytes) -> float:
    name, _, value = text.partition(b"=")
    if name.strip() != b"q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
