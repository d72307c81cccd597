"""A page becomes a draft item, and a list of what was not found. Nothing is fetched, nothing is invented."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dissemination.errors import FileRefusedError, ItemError, WrongUseError
from dissemination.files import digest_of, read_below, write_atomic
from dissemination.model import Finding, Level, Project
from dissemination.sources.front_matter import decode
from dissemination.sources.html_page import PAGE_LIMIT, read_html
from dissemination.sources.layout import is_item, language_of
from dissemination.sources.page import Page
from dissemination.sources.parsing import FILE_LIMIT, parse_file
from dissemination.sources.refusal import RefusedError, note, quoted, refused
from dissemination.sources.scraped_text import read_text
from dissemination.sources.slugs import slug_of
from dissemination.sources.titles import is_capitals, sentence_case
from dissemination.sources.walk import walk

_HTML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|head|body|\?xml|!--)", re.IGNORECASE)
_WRITTEN = re.compile(r"^  written: .*\n", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """What became of a page."""

    #: Path of the item, relative to the project folder where it lies inside.
    item: str
    #: A new item was written.
    created: bool
    #: An item of an earlier import was written anew.
    updated: bool = False
    findings: tuple[Finding, ...] = ()


def import_file(path: Path, project: Project, news: Path) -> Imported:
    """Write `news/<slug>/index.md` as a draft, and the raw file beside it.

    The same page again (the same address, else the same file name and title) updates its item, unless somebody
    has edited that since: then the item stays as it is, and the finding "item-edited" says so.

    Args:
        path: a scraped text page, or a saved HTML page.
        project: what settings say.
        news: absolute path of the news folder.

    Raises:
        WrongUseError: there is no such file.
        ItemError: nothing can be made of it.
    """
    try:
        content = read_below(path.resolve().parent, path.resolve().name, limit=PAGE_LIMIT)
    except (FileNotFoundError, NotADirectoryError):
        raise WrongUseError(f"{path}: no such file") from None
    except OSError as error:
        raise WrongUseError(f"{path}: cannot be read ({error.strerror})") from None
    except FileRefusedError as error:
        raise ItemError([replace(refused("file-refused", str(error)).finding, path=str(path))]) from None
    is_html = path.suffix.lower() in {".html", ".htm", ".xhtml"} or bool(_HTML.match(content))
    try:
        page = read_html(content) if is_html else read_text(_text(content))
    except RefusedError as error:
        raise ItemError([replace(error.finding, path=str(path))]) from None
    return _Import(path, page, project, news).write(content, "source.html" if is_html else "source.txt")


def _text(content: bytes) -> str:
    if len(content) > FILE_LIMIT:
        raise refused("too-large", "the page is larger than 512 KB")
    return decode(content)


class _Import:
    def __init__(self, path: Path, page: Page, project: Project, news: Path) -> None:
        self.path, self.page, self.project, self.news = path, page, project, news
        self.origin = digest_of("\n".join(["url", page.url] if page.url else [path.name, page.title]).encode())

    def write(self, content: bytes, raw_name: str) -> Imported:
        known = self._known()
        if known and self._is_edited(known):
            kept = "the item was edited after the last import and stays as it is"
            fix = f"compare it with {raw_name} beside it"
            finding = note("item-edited", Level.NOTE, kept, fix=fix)
            write_atomic(known.parent / raw_name, content)
            return self._imported(known, findings=(replace(finding, path=self._shown(known)),))
        target = known or self._new_folder() / "index.md"
        body = self._document().encode()
        changed = known is None or known.read_bytes() != body
        if changed:
            write_atomic(target, body)
            write_atomic(target.parent / raw_name, content)
        findings = tuple(replace(finding, path=str(self.path)) for finding in findings_of(self.page, self.project))
        return self._imported(
            target, created=known is None, updated=changed and known is not None, findings=findings
        )

    def _imported(self, target: Path, **facts: Any) -> Imported:
        return Imported(item=self._shown(target), **{"created": False, **facts})

    def _shown(self, target: Path) -> str:
        inside = target.is_relative_to(self.project.root)
        return (target.relative_to(self.project.root) if inside else target).as_posix()

    def _known(self) -> Path | None:
        """The item that an earlier import of the same page wrote, wherever it has been moved to."""
        mark = f"  origin: {quoted(self.origin)}\n".encode()
        for relative in walk(self.news).texts if self.news.is_dir() else ():
            if not is_item(relative.rpartition("/")[2]):
                continue
            try:
                content = read_below(self.news, relative, limit=FILE_LIMIT)
            except (FileRefusedError, OSError):
                continue
            if mark in content.replace(b"\r\n", b"\n"):
                return self.news / relative
        return None

    def _is_edited(self, item: Path) -> bool:
        header = parse_file(self.news, item.relative_to(self.news).as_posix()).header
        record = header.fields.get("x-import")
        written = record.get("written") if isinstance(record, dict) else None
        return written != _digest(item.read_bytes().decode("utf-8", "replace"))

    def _new_folder(self) -> Path:
        slug = slug_of(self.page.title) or f"import-{self.origin[:8]}"
        names = (slug if number == 1 else f"{slug}-{number}" for number in range(1, 10_000))
        return next(self.news / name for name in names if not _taken(self.news / name))

    def _document(self) -> str:
        fields = "".join(f"{line}\n" for line in self._front_matter())
        document = f"---\n{fields}x-import:\n  origin: {quoted(self.origin)}\n---\n\n{self.page.body}\n"
        mark = f"  origin: {quoted(self.origin)}\n"
        return document.replace(mark, f"{mark}  written: {quoted(_digest(document))}\n", 1)

    def _front_matter(self) -> Iterator[str]:
        page = self.page
        yield f"title: {quoted(page.title)}"
        yield "status: draft"
        yield f"date: {quoted(page.date)}" if page.date else "date: # missing; never guessed"
        lang = language_of(page.lang, self.project.languages)
        texts = {"updated": page.updated, "lang": lang, "summary": page.summary, "byline": page.byline}
        axes = {"type": page.type or "", "topic": page.topic or ""}
        source = {"source": self.path.name, "source_url": page.url}
        yield from (f"{name}: {quoted(str(text))}" for name, text in {**texts, **axes, **source}.items() if text)
        lists = {"authors": page.authors, "categories": self._categories(), "tags": page.tags}
        for name, values in lists.items():
            if values:
                yield f"{name}: [{', '.join(quoted(value) for value in values)}]"
        yield from self._pictures()

    def _categories(self) -> tuple[str, ...]:
        """Only those that the project knows: a site's sections are its own."""
        names = {
            word.casefold(): name for name, others in self.project.categories.items() for word in (name, *others)
        }
        return tuple(dict.fromkeys(names[c.casefold()] for c in self.page.categories if c.casefold() in names))

    def _pictures(self) -> Iterator[str]:
        for index, picture in enumerate(self.page.pictures):
            facts = {"src": picture.src, "alt": picture.alt, "caption": picture.caption, "rights": "unverified"}
            shown = ", ".join(f"{name}: {quoted(text)}" for name, text in facts.items() if text)
            if index == 1:
                yield "images:"
            yield f"  - {{{shown}}}" if index else f"image: {{{shown}}}"


def _digest(document: str) -> str:
    return digest_of(_WRITTEN.sub("", document.replace("\r\n", "\n"), count=1).encode())


def _taken(folder: Path) -> bool:
    return folder.is_symlink() or folder.exists()


def findings_of(page: Page, project: Project) -> Iterator[Finding]:
    """What the page does not say, or says in a way that has to be changed."""
    if not page.date:
        yield _date_missing(page)
    if not page.summary:
        message = "the page has no summary; the first paragraph stands in for it"
        yield note(
            "summary-missing", Level.WARNING, message, field="summary", fix='summary: "…" (up to 160 characters)'
        )
    if not page.pictures:
        line = page.lines.get("image", 0)
        message = "the page names no picture that could be taken over"
        fix = "put a picture beside the item and name it in `image`, with alt and credit"
        yield note("image-missing", Level.WARNING, message, line=line, field="image", fix=fix)
    else:
        yield from _of_pictures(page)
    if is_capitals(page.title):
        line, fix = page.lines.get("title", 0), sentence_case(page.title, project.glossary, page.body)
        message = "the title is in capitals, which screen readers spell out"
        yield note(
            "title-capitals",
            Level.WARNING,
            message,
            line=line,
            field="title",
            fix=f"title: {quoted(fix)}",
            seen=page.title,
        )
    yield from _of_language(page, project)
    if not page.body:
        yield note("body-missing", Level.ERROR, "no text was found on the page", field="body")


def _date_missing(page: Page) -> Finding:
    message = "the page has no date that leaves nothing open"
    fix = 'date: "YYYY-MM-DD", the day on which the page was published'
    line = page.lines.get("date", 0)
    return note("date-missing", Level.ERROR, message, line=line, field="date", fix=fix, seen=page.date_seen)


def _of_pictures(page: Page) -> Iterator[Finding]:
    line = page.lines.get("image", 0)
    for picture in page.pictures:
        message = "a picture from elsewhere is not fetched, and its rights are not known"
        fix = "ask for the rights, put the picture beside the item, and write its file name as src"
        yield note("image-unverified", Level.WARNING, message, line=line, field="image", fix=fix, seen=picture.src)
        if not picture.alt:
            message = "the page has no alternative text for the picture"
            yield note(
                "alt-missing", Level.ERROR, message, line=line, field="image.alt", fix='alt: "…"', seen=picture.src
            )


def _of_language(page: Page, project: Project) -> Iterator[Finding]:
    if page.lang and not language_of(page.lang, project.languages):
        known = ", ".join(project.languages)
        message = f"the page's language is none of the project's ({known})"
        yield note(
            "language-unknown",
            Level.ERROR,
            message,
            field="lang",
            fix=f"lang: {project.default_lang}",
            seen=page.lang,
        )
