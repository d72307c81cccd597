"""The news folder as a Source."""

from __future__ import annotations

import multiprocessing
import os
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from itertools import repeat
from pathlib import Path

from dissemination.model import Finding, Gathered, Level, Project
from dissemination.sources.building import Draft, build, project_path
from dissemination.sources.cache import ParseCache
from dissemination.sources.layout import is_item, is_sidecar, place_of
from dissemination.sources.parsing import Parsed, parse_file
from dissemination.sources.pictures import NewsFolder
from dissemination.sources.refusal import refused
from dissemination.sources.versions import tie
from dissemination.sources.walk import Listing, walk

#: From so many files on, other processes pay for their start.
POOL_FROM = 500


class FolderSource:
    """Reads `news/`.

    Args:
        project: what settings say.
        news: absolute path of the folder.
        cache: a folder to keep what was read of unchanged files; None: nothing is kept.
    """

    def __init__(self, project: Project, news: Path, cache: Path | None = None) -> None:
        self._project = project
        self._news = news
        self._cache = ParseCache(cache)

    def gather(self, paths: Sequence[str] = ()) -> Gathered:
        """Read all items, or those under `paths` (relative to the project). A bad item is a finding, not raised.

        All files are looked at in both cases, because an item's id and key hang on its other language versions.
        """
        listing = walk(self._news)
        sound, findings = self._sound(listing)
        parsed = self._parsed(sound)
        sidecars = {path: one for path, one in parsed.items() if is_sidecar(posixpath.basename(path))}
        folder = NewsFolder(root=self._news, listing=listing, sidecars=sidecars)
        drafts, found = self._drafts({p: one for p, one in parsed.items() if p not in sidecars}, folder)
        items, untied = tie(drafts, self._project.default_lang)
        findings += [*self._of_sidecars(folder), *found, *untied]
        gathered = Gathered(items=tuple(items), findings=tuple(findings), refused=_refused(findings))
        return self._under(paths, gathered) if paths else gathered

    def _sound(self, listing: Listing) -> tuple[Listing, list[Finding]]:
        """Leave out files that are not opened at all: links, devices, and names that cannot be shown."""
        findings = [
            self._finding("file-refused", path, "a link, a device or a folder too deep; put the file itself there")
            for path in sorted(listing.refused)
            if is_item(posixpath.basename(path)) or "." not in posixpath.basename(path)
        ]
        odd = [path for path in listing.texts if not path.isprintable()]
        findings += [self._finding("file-name", path, "the file's name cannot be shown; rename it") for path in odd]
        texts = {path: stamp for path, stamp in listing.texts.items() if path not in odd}
        return Listing(texts=texts, files=listing.files, refused=listing.refused), findings

    def _finding(self, rule: str, path: str, message: str) -> Finding:
        shown = "".join(letter if letter.isprintable() else "?" for letter in path)
        whole = project_path(NewsFolder(root=self._news), shown, self._project)
        return Finding(rule=rule, level=Level.ERROR, path=whole, message=message)

    def _parsed(self, listing: Listing) -> dict[str, Parsed]:
        known = self._cache.load(listing.texts)
        fresh = [path for path in listing.texts if path not in known]
        read = dict(zip(fresh, _parse_all(self._news, fresh), strict=True))
        parsed = {path: known.get(path) or read[path] for path in listing.texts}
        if fresh:
            self._cache.save(parsed, listing.texts)
        return parsed

    def _drafts(self, parsed: Mapping[str, Parsed], folder: NewsFolder) -> tuple[list[Draft], list[Finding]]:
        drafts: list[Draft] = []
        findings: list[Finding] = []
        for path, one in parsed.items():
            draft, found = build(one, place_of(path, self._project.languages), self._project, folder)
            findings += found
            if draft:
                drafts.append(draft)
        return drafts, findings

    def _of_sidecars(self, folder: NewsFolder) -> Iterable[Finding]:
        for path, parsed in folder.sidecars.items():
            whole = project_path(folder, path, self._project)
            for finding in parsed.findings:
                yield _at(finding, whole)

    def _under(self, paths: Sequence[str], gathered: Gathered) -> Gathered:
        wanted = [self._relative(path) for path in paths]
        seen = {item.path for item in gathered.items} | {finding.path for finding in gathered.findings}
        missing = [path for path in wanted if not any(_is_under(one, (path,)) for one in seen)]
        findings = [finding for finding in gathered.findings if _is_under(finding.path, wanted)]
        findings += [
            _at(refused("path-missing", "no item is there", fix="news/…").finding, path) for path in missing
        ]
        return Gathered(
            items=tuple(item for item in gathered.items if _is_under(item.path, wanted)),
            findings=tuple(findings),
            refused=frozenset(path for path in gathered.refused if _is_under(path, wanted)),
        )

    def _relative(self, path: str) -> str:
        whole = Path(os.path.normpath(self._project.root / path))
        inside = whole.is_relative_to(self._project.root)
        return (whole.relative_to(self._project.root) if inside else whole).as_posix()


def _parse_all(news: Path, paths: Sequence[str]) -> list[Parsed]:
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if len(paths) >= POOL_FROM and workers > 1:
        try:
            # Not fork: threads of ours may hold locks.
            context = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(min(workers, 8), mp_context=context) as pool:
                return list(pool.map(parse_file, repeat(news, len(paths)), paths, chunksize=50))
        except (BrokenProcessPool, OSError):
            pass  # no room for processes here: slower, but the same
    return [parse_file(news, path) for path in paths]


def _at(finding: Finding, path: str) -> Finding:
    return replace(finding, path=path)


def _is_under(path: str, folders: Iterable[str]) -> bool:
    return any(folder in {".", path} or path.startswith(f"{folder}/") for folder in folders)


def _refused(findings: Iterable[Finding]) -> frozenset[str]:
    return frozenset(finding.path for finding in findings if finding.level is Level.ERROR)
