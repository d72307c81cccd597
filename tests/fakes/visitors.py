"""A project that people can sign up to; forms are filled in as the page has them."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field, replace
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode

from folder import write_project
from starlette.applications import Starlette

from dissemination.app import App
from dissemination.bootstrap import make_app
from dissemination.pipeline.visiting import Visitors
from dissemination.testing import FixedClock
from dissemination.web.public.people import routes

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it asks for another HTTP library than the rest of the product has
    from starlette.testclient import TestClient

PRIVACY = {
    "controller": "The Test Office, Test Street 1",
    "contact": "privacy@test.example",
    "purposes": ["sending the newsletter"],
}
LISTS = {"news": {"en": "News", "ro": "Știri"}, "press": {"en": "For the press"}}


class Fields(HTMLParser):
    """Names and values of a page's fields as they would be posted, form by form."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: list[list[tuple[str, str]]] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        facts = dict(attrs)
        if tag == "form":
            self.forms.append([])
        elif tag in {"input", "button"} and facts.get("name"):
            box = facts.get("type") in {"checkbox", "radio"}
            if not box or "checked" in facts:
                self.forms[-1].append((facts["name"], facts.get("value") or ""))
        elif tag == "option" and "selected" in facts:
            self.forms[-1].append(("lang", facts["value"]))


@dataclass
class Post:
    """Takes mails, or raises what it was told to; `kept` are those that a server took."""

    kept: list[tuple[str, str, str, str]] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)
    answers: list[Exception] = field(default_factory=list)

    def __call__(self, address: str, subject: str, text: str, *, key: str) -> None:
        self.tried.append(key)
        if self.answers:
            raise self.answers.pop(0)
        self.kept.append((address, subject, text, key))


class Town:
    """The house, its visitors' pages and their post."""

    def __init__(self, root: Path, clock: FixedClock, *, patience: float = 10.0, **changes) -> None:
        newsletter = {
            "name": {"en": "Test news", "ro": "Știri de test"},
            "lists": LISTS,
            "flash": {"lists": ["news"]},
        } | changes.pop("newsletter", {})
        write_project(root, privacy=changes.pop("privacy", PRIVACY), newsletter=newsletter, **changes)
        self.clock, self.post = clock, Post()
        self.house = self._open(root)
        self.calls = 0
        self.web = TestClient(
            Starlette(routes=routes(self.house, caller=self._caller, patience=patience)),
            base_url="https://news.test.example",
            raise_server_exceptions=True,
        )
        #: "": everybody comes from another place.
        self.place = ""

    def _open(self, root: Path) -> App:
        made = make_app(root, clock=self.clock, environ={})
        send = self.post if made.visitors.send else None
        return replace(made, visitors=Visitors(says=made.visitors.says, send=send))

    def _caller(self, request) -> str:
        self.calls += 1
        return self.place or f"10.{self.calls >> 16 & 255}.{self.calls >> 8 & 255}.{self.calls & 255}"

    def form(self, **changes) -> dict[str, object]:
        """The form as it comes, two seconds ago, filled in."""
        page = self.web.get("/signup/").text
        self.clock.advance(timedelta(seconds=3))
        fields: dict[str, object] = dict(Fields(page).forms[0])
        return fields | {"email": "ana@mail.example", "list": ["news"], "agree": "yes"} | changes

    def sign_up(self, **changes):
        """Fill the form in, and let the postman go."""
        answer = self.send("/signup/", self.form(**changes))
        assert self.house.postman.rest(20)
        return answer

    def send(self, path: str, fields, **headers):
        """Post a form."""
        body = urlencode(fields, doseq=True)
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.web.post(path, content=body, headers=kind | headers)

    def press(self, path: str, number: int = 0, **changes):
        """Get a page, and post one of its forms with these changes."""
        fields: dict[str, list[str]] = {}
        for name, value in Fields(self.web.get(path).text).forms[number]:
            fields.setdefault(name, []).append(value)
        return self.send(path, fields | changes)

    def mailed(self, number: int = -1) -> str:
        """The path of the link in a confirmation mail."""
        found = re.search(r"https://news\.test\.example(/c/\S+)", self.post.kept[number][2])
        assert found
        return found[1]

    def subscribed(self, **changes) -> str:
        """Somebody signed up and confirmed; the path of their preferences."""
        self.sign_up(**changes)
        page = self.press(self.mailed())
        assert page.status_code == 200, page.text
        found = re.search(r'href="https://news\.test\.example(/p/[^"]+)"', page.text)
        assert found
        return unescape(found[1])

    def path(self, purpose: str, number: int) -> str:
        """A personal path."""
        return f"/{purpose}/{self.house.parts.tokens.sign(purpose, number)}"

    def person(self, address: str = "ana@mail.example"):
        """As the database has them."""
        return self.house.parts.store.people.by_address(address)
