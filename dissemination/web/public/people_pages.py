"""The pages of sign-up, preferences and unsubscribing, filled from their templates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import HTMLResponse, Response

from dissemination.app import App
from dissemination.model import EntryPicture, Project
from dissemination.render import make_environment
from dissemination.render.catalogues import spoken
from dissemination.render.environment import render
from dissemination.render.people_strings import PeopleWords
from dissemination.render.words import direction, language_name, words

#: Pages of one person: nobody keeps a copy, and no other site learns their address.
HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Own:
    """What the frame of all pages asks of a feed: its address."""

    at: str

    def url(self, name: str) -> str:
        return self.at + name


class PeoplePages:
    """Fills pages.

    Args:
        house: the product.
        assets: the address of a style sheet by its name, for the frame of served pages; None: the frame of files.
        visual: the funder's, with the words of a language; None: pages have none.
    """

    def __init__(
        self,
        house: App,
        assets: Callable[[str], str] | None = None,
        visual: Callable[[str], EntryPicture | None] | None = None,
    ) -> None:
        self._house = house
        self._visual = visual
        folder = house.parts.project.root / "templates"
        self._environment = make_environment(folder if folder.is_dir() else None)
        if assets is not None:
            self._environment.globals["asset"] = assets
        self._frame = "public/live.html" if assets is not None else "public/base.html"

    @property
    def project(self) -> Project:
        """The project."""
        return self._house.parts.project

    def words(self, lang: str = "") -> PeopleWords:
        """What pages say in this language; English where there is no catalogue."""
        return spoken(PeopleWords, lang or self.project.default_lang)

    def newsletter(self, lang: str) -> str:
        """The newsletter's name."""
        names = self._house.parts.rules.newsletter
        return names.get(lang) or names.get(self.project.default_lang) or self.project.acronym

    def lists(self, lang: str) -> Mapping[str, str]:
        """List -> what it is called."""
        return {
            key: names.get(lang) or names.get(self.project.default_lang) or key
            for key, names in self.project.lists.items()
        }

    def page(
        self,
        name: str,
        lang: str = "",
        status: int = 200,
        *,
        headers: Mapping[str, str] | None = None,
        **values: Any,
    ) -> Response:
        """A page as an answer.

        Args:
            name: of the template, without its ending.
            lang: the language; "": the project's.
            status: of HTTP.
            headers: besides those of all pages for one person.
            values: what the template asks for.
        """
        lang = lang or self.project.default_lang
        say, site = self.words(lang), self._house.parts.site
        text = render(
            self._environment,
            f"public/{name}.html",
            frame=self._frame,
            lang=say.lang,
            dir=direction(say.lang),
            page_lang=lang,
            words=words(lang),
            say=say,
            names={"newsletter": self.newsletter(lang), "project": self.project.acronym},
            project=self.project,
            own=_Own(at=site.feed(lang, self.project.category, "")),
            root=f"{site.public_url}/",
            url=site.signup(),
            visual=self._visual(lang) if self._visual else None,
            language_name=language_name,
            **values,
        )
        return HTMLResponse(text, status, headers={**HEADERS, **(headers or {})})

    def told(self, what: str, status: int, lang: str = "", *, retry: int = 0) -> Response:
        """A page of a title and a sentence: "gone", "busy", "many", "wrong".

        Args:
            what: the first half of the words' names.
            status: of HTTP.
            lang: the language.
            retry: seconds after which it may be tried again; 0: nothing is said of that.
        """
        headers = {"Retry-After": str(retry)} if retry else {}
        say = self.words(lang)
        title, told = getattr(say, f"{what}_title"), getattr(say, f"{what}_text")
        return self.page("gone", lang, status, headers=headers, title=title, told=told)

    def gone(self) -> Response:
        """The one answer to every link that is not ours, whatever is wrong with it."""
        return self.told("gone", 404)
