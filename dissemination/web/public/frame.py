"""The frame of pages that the server makes itself, and its style sheets."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from starlette.responses import HTMLResponse

from dissemination.app import App
from dissemination.errors import RenderError
from dissemination.files import shipped
from dissemination.model import EntryPicture, Image, Picture, Site
from dissemination.render.environment import make_environment, render
from dissemination.render.status_words import said
from dissemination.render.words import direction, language_name, words
from dissemination.web.public.files import Page, make_page
from dissemination.web.public.headers import Header
from dissemination.web.public.kinds import immutable, kind_of

#: Where style sheets lie below a templates folder; the frame's own lies one higher.
_ASSETS = ("public/static/pico.min.css", "public/static/live.css", "public/style.css")
_NEVER_CHANGES = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Own:
    """The feed of a language, as far as the frame needs it: its address."""

    site: Site
    lang: str
    category: str

    def url(self, name: str) -> str:
        """Of a file of the feed; "" is its page."""
        return self.site.feed(self.lang, self.category, name)


class Frame:
    """Fills templates that extend `public/live.html`.

    Args:
        house: the project.
    """

    def __init__(self, house: App) -> None:
        self._project = house.parts.project
        self._site = house.parts.site
        own = self._project.root / "templates"
        folders = [folder for folder in (own, shipped("templates")) if folder.is_dir()]
        self._environment = make_environment(own if own.is_dir() else None)
        self._assets = {Path(name).name: _first(folders, name) for name in _ASSETS}
        self._visual = _visual(house)

    def asset(self, name: str) -> str:
        """The path of a style sheet, with its digest: it may be kept for ever.

        Raises:
            KeyError: there is none of this name.
        """
        return f"{self._root}{_hashed(name, self._assets[name])}"

    def page(self, template: str, lang: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """An answer with the template `public/<template>`, filled.

        Args:
            template: its file name.
            lang: language of the page.
            status: of the answer.
            values: what the template needs besides the frame's own.

        Raises:
            RenderError: the template is missing or fails.
        """
        return HTMLResponse(self.text(template, lang, **values), status_code=status)

    def text(self, template: str, lang: str, **values: Any) -> str:
        """The page itself."""
        return render(
            self._environment,
            f"public/{template}",
            lang=lang,
            dir=direction(lang),
            words=words(lang),
            language_name=language_name,
            project=self._project,
            own=_Own(site=self._site, lang=lang, category=self._project.category),
            visual=self.shown(lang),
            root=f"{self._site.public_url}/",
            url=f"{self._site.public_url}/",
            asset=self.asset,
            **values,
        )

    def status(self, status: int, lang: str) -> HTMLResponse:
        """What people see instead of a page: one of `status_words.STATUSES`."""
        return self.page("status.html", lang, status=status, said=said(status, lang))

    def language_of(self, path: str) -> str:
        """The language that the first part of a path names; the default one else."""
        first = path.removeprefix("/").partition("/")[0]
        return first if first in self._project.languages else self._project.default_lang

    def fixed(self, more: tuple[Header, ...]) -> Mapping[str, Page]:
        """Path -> the style sheets and the funder's visual, for the table of files."""
        made = {
            self.asset(name): make_page(body, immutable(name, body), _NEVER_CHANGES, more)
            for name, body in self._assets.items()
        }
        if self._visual is not None:
            name, body = f"media/{self._visual.name}", self._visual.body
            made[f"{self._root}/{name}"] = make_page(body, kind_of(name, body), _NEVER_CHANGES, more)
        return made

    @property
    def _root(self) -> str:
        """The path of the site's root, without its slash."""
        return "/" + "/".join(self._site.public_url.split("/")[3:]) if self._site.public_url.count("/") > 2 else ""

    def shown(self, lang: str) -> EntryPicture | None:
        """The funder's visual with the words of a language, if there is one."""
        if self._visual is None:
            return None
        alt = self._project.funding.visual_alt
        return EntryPicture(
            url=self._site.media(self._visual),
            media_type=self._visual.media_type,
            size=len(self._visual.body),
            width=self._visual.width,
            height=self._visual.height,
            alt=alt.get(lang, alt.get(self._project.default_lang, "")),
        )


def _visual(house: App) -> Picture | None:
    path = house.parts.project.funding.visual
    if path is not None:
        with suppress(RenderError):
            return house.parts.pictures.prepare(Image(src=path.name, file=path))
    return None


def _first(folders: list[Path], name: str) -> bytes:
    """A project's own file comes before the shipped one."""
    return next(folder / name for folder in folders if (folder / name).is_file()).read_bytes()


def _hashed(name: str, body: bytes) -> str:
    stem, _, suffix = name.rpartition(".")
    return f"/static/{stem}.{sha256(body).hexdigest()[:12]}.{suffix}"
