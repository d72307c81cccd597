"""What public pages wear: one style sheet by the digest of its bytes, one frame, words in the page's language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from babel.core import get_global
from jinja2 import Environment, TemplateNotFound

from dissemination.errors import RenderError
from dissemination.model import Entry, EntryPicture, Project, Site
from dissemination.render.bodies import scrolling
from dissemination.render.environment import render
from dissemination.render.words import direction, file_size, language_name, locale, long_date, words

_STYLE = "public/style.css"


class Dress:
    """Puts pages of one project into its frame.

    Args:
        project: facts of the project.
        site: its addresses.
        environment: where the templates `pages/` are.
        visual: the funding visual by its public address; None: the statement stands alone.
    """

    def __init__(
        self, project: Project, site: Site, environment: Environment, visual: EntryPicture | None = None
    ) -> None:
        self.project, self.site = project, site
        self._environment, self._visual = environment, visual

    @cached_property
    def stylesheet(self) -> tuple[str, bytes]:
        """Its path below the public root, which changes with its bytes, and its bytes: it may be kept for ever.

        Raises:
            RenderError: there is none.
        """
        try:
            body = self._environment.loader.get_source(self._environment, _STYLE)[0].encode()  # type: ignore[union-attr]
        except TemplateNotFound as error:
            raise RenderError(f"templates/{_STYLE} is missing; put it back") from error
        return f"assets/pages.{sha256(body).hexdigest()[:16]}.css", body

    def page(
        self, template: str, lang: str, *, path: str, own_url: str, versions: Mapping[str, str], **values: Any
    ) -> bytes:
        """A template of the public pages, filled.

        Args:
            template: its name, such as "pages/item.html".
            lang: the page's language.
            path: its folder below the public root, with a slash at its end: the style sheet is found from there,
                also where the files are looked at on a disk or behind another name.
            own_url: the page of all news in this language.
            versions: language -> address of the same page in it, this one included; fewer than two: no switch.
            values: what else the template knows.
        """
        text = render(
            self._environment,
            template,
            lang=lang,
            dir=direction(lang),
            words=words(lang),
            language_name=language_name,
            territory=territory,
            day=lambda when: long_date(self.local(when), lang),
            iso=lambda when: self.local(when).isoformat(),
            size=lambda size: file_size(size, lang),
            shown=shown,
            prose=lambda body: scrolling(body, words(lang).table),
            project=self.project,
            visual=self._visual,
            stylesheet="../" * path.count("/") + self.stylesheet[0],
            root=f"{self.site.public_url}/",
            own_url=own_url,
            versions=versions,
            **values,
        )
        return text.encode()

    def local(self, when: datetime) -> datetime:
        """Wall time of the project."""
        return when.astimezone(ZoneInfo(self.project.timezone))


def shown(entry: Entry) -> datetime | None:
    """The date a page shows: what the item says, but never later than it went out."""
    known = [when for when in (entry.date, entry.published) if when is not None]
    return min(known, default=None)


def territory(lang: str) -> str:
    """A language as OpenGraph wants it, with the country that it is spoken in most: "fr_FR"."""
    found = locale(lang)
    if found is None:
        return lang.replace("-", "_")
    likely = str(get_global("likely_subtags").get(found.language, "")).split("_")
    return f"{found.language}_{found.territory or likely[-1]}".rstrip("_")
