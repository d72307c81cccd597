"""Sign-up, confirmation, preferences and unsubscribing, as routes.

No GET changes anything: programs that look through mail fetch every link, and some of them run scripts. No cookie
is set; whoever holds a link is its person. What is typed or linked is never logged here.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import fields as fields_of
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import anyio
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from dissemination.app import App
from dissemination.errors import AddressError, BusyError, StoreError, UnavailableError, WrongUseError
from dissemination.model import Choices, Dossier, EntryPicture, Notice, Preferences
from dissemination.web.public.forms import BODY_LIMIT, Form, TooLargeError, body_of, read
from dissemination.web.public.people_pages import HEADERS, PeoplePages
from dissemination.web.public.sources import Sources

#: A person needs longer than this to fill the form in, and not so long.
_LEAST, _MOST = timedelta(seconds=2), timedelta(days=1)
#: Seconds after which a busy database may be asked again, and sign-ups may.
_SOON, _LATER = 30, 3600
#: Where a form may be posted from, by what browsers say of it (Fetch Metadata); who says nothing is no browser.
_AT_HOME = frozenset({"", "same-origin", "none"})
_FORM = "/signup/"

Handler = Callable[[Request], Awaitable[Response]]
_T = TypeVar("_T")


def routes(
    house: App,
    *,
    assets: Callable[[str], str] | None = None,
    visual: Callable[[str], EntryPicture | None] | None = None,
    caller: Callable[[Request], str] | None = None,
    patience: float = 10.0,
) -> list[Route]:
    """All of them.

    Args:
        house: the product.
        assets: the address of a style sheet by its name; None: pages have the frame of those in files.
        visual: the funder's, with the words of a language; None: pages have none.
        caller: who asks, for the limit a place; the other end of the connection where left out.
        patience: seconds that somebody waits for the database before they are asked to come again.
    """
    pages = PeoplePages(house, assets, visual)
    apart = Apart(patience)
    entry = SignUpDesk(house, pages, caller or _peer, apart)
    desk = PersonalDesk(house, pages, apart)
    table: tuple[tuple[str, Handler, Handler], ...] = (
        ("/signup/", entry.show, entry.take),
        ("/c/{token}", desk.ask_to_confirm, desk.confirm),
        ("/p/{token}", desk.show_preferences, desk.change),
        ("/u/{token}", desk.ask_to_leave, desk.leave),
    )
    # One route for both methods: then a wrong one is told of both.
    return [Route(path, _guarded(show, take, pages), methods=["GET", "HEAD", "POST"]) for path, show, take in table]


def _peer(request: Request) -> str:
    return request.client.host if request.client else ""


def _guarded(show: Handler, take: Handler, pages: PeoplePages) -> Handler:
    """What is too large or cannot be done now is answered as such: never as done."""

    async def answer(request: Request) -> Response:
        try:
            return await (take if request.method == "POST" else show)(request)
        except TooLargeError:
            return pages.told("wrong", 413)
        except (StoreError, BusyError, UnavailableError, TimeoutError):
            return pages.told("busy", 503, retry=_SOON)

    return answer


class Apart:
    """Work of the database in a thread, waited for so long: beyond that nobody is told that it is done.

    What is given up may be done later all the same. Each of these steps may be asked for twice.

    Args:
        patience: seconds.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience

    async def __call__(self, work: Callable[..., _T], *args: Any) -> _T:
        """Raises TimeoutError, or what the work raises."""
        return await self.wait(anyio.to_thread.run_sync(partial(work, *args), abandon_on_cancel=True))

    async def wait(self, done: Awaitable[_T]) -> _T:
        """The same for what is under way already."""
        return await asyncio.wait_for(done, self._patience)


class SignUpDesk:
    """The form."""

    def __init__(self, house: App, pages: PeoplePages, caller: Callable[[Request], str], apart: Apart) -> None:
        self._house = house
        self._pages = pages
        self._caller = caller
        self._apart = apart
        self._sources = Sources()

    async def show(self, request: Request) -> Response:
        """The form, where settings say enough for it."""
        if self._house.sign_up_lacks():
            return self._pages.gone()
        return self._form(self._lang(request.query_params.get("lang", "")))

    async def take(self, request: Request) -> Response:
        """The form filled in. The answer is the same whoever has the address."""
        if self._house.sign_up_lacks():
            return self._pages.gone()
        if request.headers.get("sec-fetch-site", "") not in _AT_HOME:
            return self._pages.told("wrong", 403)
        form = read(await body_of(request))
        lang = self._lang(form.one("lang"))
        if form.one("website"):  # only programs see this field
            return self._pages.page("sent", lang)
        said = self._house.sign_up_notice(lang)
        errors = self._errors(form, said, lang)
        if errors:
            return self._form(lang, form, errors)
        if not self._sources.take(self._caller(request), self._now()):
            return self._pages.told("many", 429, lang, retry=_LATER)
        return await self._sign_up(form, said, lang)

    async def _sign_up(self, form: Form, said: Notice, lang: str) -> Response:
        try:
            await self._apart(self._keep, form.one("email"), form.all("list"), said)
        except UnavailableError:
            return self._pages.told("many", 503, lang, retry=_LATER)
        return self._pages.page("sent", lang)

    def _keep(self, email: str, lists: Sequence[str], said: Notice) -> None:
        # The mail goes out also where the visitor was not waited for.
        self._house.sign_up(email, lists, said, form=_FORM)
        self._house.postman.wake()

    def _now(self) -> datetime:
        return self._house.parts.clock.now()

    def _lang(self, wanted: str) -> str:
        project = self._pages.project
        return wanted if wanted in project.languages else project.default_lang

    def _errors(self, form: Form, said: Notice, lang: str) -> Mapping[str, str]:
        """Field -> what to correct."""
        say = self._pages.words(lang)
        lists = form.all("list")
        faults = {
            "email": say.error_email if not self._is_address(form.one("email")) else "",
            "list": say.error_lists if not lists or not set(lists) <= set(self._pages.project.lists) else "",
            "agree": say.error_agree if form.one("agree") != "yes" else "",
            "form": self._timing(form, lang) or (say.error_wording if form.one("wording") != said.digest else ""),
        }
        return {name: fault for name, fault in faults.items() if fault}

    def _timing(self, form: Form, lang: str) -> str:
        say = self._pages.words(lang)
        issued = self._house.parts.tokens.number("f", form.one("stamp"))
        if issued is None:
            return say.error_late
        age = self._now() - datetime.fromtimestamp(issued, UTC)
        return say.error_early if age < _LEAST else say.error_late if age > _MOST else ""

    def _is_address(self, text: str) -> bool:
        try:
            self._house.addresses.normalise(text)
        except AddressError:
            return False
        return True

    def _form(self, lang: str, form: Form | None = None, errors: Mapping[str, str] | None = None) -> Response:
        # Whoever was too quick keeps their stamp: a moment later it is old enough.
        early = form is not None and self._timing(form, lang) == self._pages.words(lang).error_early
        stamp = form.one("stamp") if form and early else self._stamp()
        lists = self._pages.lists(lang)
        return self._pages.page(
            "signup",
            lang,
            422 if errors else 200,
            said=self._house.sign_up_notice(lang),
            lists=lists,
            chosen=form.all("list") if form else list(lists)[:1],
            email=form.one("email")[:254] if form else "",
            agreed=form is not None and form.one("agree") == "yes",
            stamp=stamp,
            errors=errors or {},
            action=self._house.parts.site.signup(),
        )

    def _stamp(self) -> str:
        return self._house.parts.tokens.sign("f", int(self._now().timestamp()))


class PersonalDesk:
    """What holders of links may do."""

    def __init__(self, house: App, pages: PeoplePages, apart: Apart) -> None:
        self._house = house
        self._pages = pages
        self._apart = apart

    # Confirming

    async def ask_to_confirm(self, request: Request) -> Response:
        """A page with a button."""
        asked = await self._apart(self._house.pending, request.path_params["token"])
        if asked is None:
            return self._pages.gone()
        names = self._pages.lists(asked.lang)
        lists = {name: names.get(name, name) for name in asked.lists}
        return self._pages.page("confirm", asked.lang, lists=lists)

    async def confirm(self, request: Request) -> Response:
        """The button was pressed: yes to the lists that were shown."""
        token = request.path_params["token"]
        form = read(await body_of(request))
        asked = await self._apart(self._house.pending, token)
        done = await self._apart(self._house.confirm, token, form.all("list")) if asked else None
        if asked is None or done is None:
            return self._pages.gone()
        return self._pages.page("confirmed", asked.lang, preferences=self._house.parts.site.preferences(done))

    # Preferences

    async def show_preferences(self, request: Request) -> Response:
        """What they get, and what they may change."""
        shown = await self._apart(self._house.preferences, request.path_params["token"])
        return self._preferences(shown) if shown else self._pages.gone()

    async def change(self, request: Request) -> Response:
        """One of the page's three forms."""
        form = read(await body_of(request))
        doing = {"export": self._export, "erase": self._erase, "save": self._save}.get(form.one("do"))
        token = request.path_params["token"]
        shown = await self._apart(self._house.preferences, token)
        if shown is None:
            return self._pages.gone()
        if doing is None:
            return self._pages.told("wrong", 422, shown.person.lang)
        return await self._apart(doing, token, shown, form)

    def _preferences(self, shown: Preferences, errors: Mapping[str, str] | None = None) -> Response:
        person, project, lang = shown.person, self._pages.project, shown.said.lang
        return self._pages.page(
            "preferences",
            lang,
            422 if errors else 200,
            shown=shown,
            lists=self._pages.lists(lang),
            active=person.state == "active",
            languages=tuple(dict.fromkeys((*project.languages, person.lang or lang))),
            frequency=person.attributes.get("frequency", ""),
            pause=self._day(person.paused_until),
            errors=errors or {},
        )

    def _day(self, until: datetime | None) -> str:
        """The day of a pause that is not over, as the field has it."""
        if until is None or until <= self._house.parts.clock.now():
            return ""
        return until.astimezone(ZoneInfo(self._pages.project.timezone)).date().isoformat()

    def _save(self, token: str, shown: Preferences, form: Form) -> Response:
        lang = form.one("lang") or shown.person.lang
        if form.one("wording") != shown.said.digest:
            return self._preferences(shown, {"form": self._pages.words(shown.said.lang).error_wording})
        try:
            chosen = Choices(
                lists=tuple(dict.fromkeys(form.all("list"))),
                lang=lang,
                frequency=form.one("frequency"),
                paused_until=self._until(form.one("pause")),
            )
            done = self._house.choose(token, chosen)
        except ValueError:
            return self._preferences(shown, {"pause": self._pages.words(shown.said.lang).error_date})
        except WrongUseError as error:
            if isinstance(error, BusyError):
                raise
            if str(error) == "pause":
                return self._preferences(shown, {"pause": self._pages.words(shown.said.lang).error_date})
            return self._pages.told("wrong", 422, shown.person.lang)
        return self._pages.page("saved", lang) if done else self._pages.gone()

    def _until(self, day: str) -> datetime | None:
        """Midnight of that day where the project is."""
        if not day:
            return None
        midnight = datetime.strptime(day, "%Y-%m-%d")  # noqa: DTZ007 - a wall clock's; its zone follows
        try:
            return midnight.replace(tzinfo=ZoneInfo(self._pages.project.timezone)).astimezone(UTC)
        except OverflowError as error:
            raise ValueError(day) from error

    def _export(self, token: str, shown: Preferences, form: Form) -> Response:  # noqa: ARG002 - the table's shape
        dossier = self._house.export_by_link(token)
        if dossier is None:
            return self._pages.gone()
        body = json.dumps(_facts(dossier), ensure_ascii=False, indent=2) + "\n"
        attached = {
            "Content-Disposition": 'attachment; filename="my-data.json"',
            "X-Content-Type-Options": "nosniff",
        }
        return Response(body, media_type="application/json", headers={**HEADERS, **attached})

    def _erase(self, token: str, shown: Preferences, form: Form) -> Response:
        say, lang = self._pages.words(shown.person.lang), shown.person.lang
        if form.one("sure") != "yes":
            return self._preferences(shown, {"sure": say.error_sure})
        self._house.erase_by_link(token)
        return self._pages.page("gone", lang, title=say.erased_title, told=say.erased_text)

    # Leaving

    async def ask_to_leave(self, request: Request) -> Response:
        """A page with one button, in the language of its person."""
        lang = await self._apart(self._house.leaver, request.path_params["token"])
        return self._pages.gone() if lang is None else self._pages.page("unsubscribe", lang)

    async def leave(self, request: Request) -> Response:
        """RFC 8058, section 3.1, and the page's button: the link alone decides; no kind of body is refused.

        Mail programs may post the one field as a form or as multipart; what else is in a body changes nothing.
        """
        person = self._house.parts.tokens.number("u", request.path_params["token"])
        if person is None:
            return self._pages.gone()
        lang = read(await body_of(request)).one("lang")
        done = asyncio.wrap_future(self._house.leaving.ask(person))
        # Who is told to come again may be written down all the same: leaving twice is leaving once.
        await self._apart.wait(asyncio.shield(done))
        return HTMLResponse(self._left.get(lang) or self._left[self._pages.project.default_lang], headers=HEADERS)

    @cached_property
    def _left(self) -> Mapping[str, bytes]:
        """Language -> the page, the same for everybody: made once, since providers unsubscribe thousands."""
        return {lang: bytes(self._pages.page("unsubscribed", lang).body) for lang in self._pages.project.languages}


def _facts(value: Any) -> Any:
    """A person's file as JSON; numbers that only we use are left out."""
    if isinstance(value, Dossier):
        facts = {f.name: _facts(getattr(value, f.name)) for f in fields_of(value)}
        person = facts.pop("person")
        return {name: fact for name, fact in person.items() if name != "id"} | facts
    if hasattr(value, "__dataclass_fields__"):
        return {f.name: _facts(getattr(value, f.name)) for f in fields_of(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): _facts(inner) for name, inner in value.items()}
    if isinstance(value, tuple | list):
        return [_facts(inner) for inner in value]
    return value


__all__ = ["BODY_LIMIT", "routes"]
