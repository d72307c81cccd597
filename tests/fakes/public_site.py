"""A project on a real public server, whose mails go to a real SMTP server on loopback."""

from __future__ import annotations

import email
import email.policy
import re
import socket
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from folder import write_item, write_project

from dissemination.bootstrap import make_app
from dissemination.model import Subscriber
from dissemination.settings import WebSection
from dissemination.testing import FixedClock
from dissemination.web.public.app import make_site
from dissemination.web.public.serving import PublicServer

#: Everybody comes from one address here.
_WEB = WebSection(per_minute=0, posts_per_minute=0)
#: Letters for those who want each, and a digest for others, so that the page asks how often.
NEWSLETTER = {
    "name": {"en": "Test news", "ro": "Știri de test"},
    "lists": {"news": {"en": "News", "ro": "Știri"}, "press": {"en": "For the press", "ro": "Pentru presă"}},
    "flash": {"lists": ["news"], "where": {"frequency": ["each"]}},
    "digests": {"weekly": {"cron": "0 10 * * thu", "lists": ["news"], "where": {"frequency": ["weekly"]}}},
}
PRIVACY = {
    "controller": "The Test Office, Test Street 1",
    "contact": "privacy@test.example",
    "purposes": ["sending the newsletter"],
}


class PublicSite:
    """A project that is served; `close` ends it.

    Args:
        root: an empty folder.
        clock: everybody's.
        mails: a started NastySmtp.
        changes: whole sections of settings.
    """

    def __init__(self, root: Path, clock: FixedClock, mails: Any, **changes: Any) -> None:
        self.clock, self.mails, self.root = clock, mails, root
        port = _free_port()
        self.origin = f"http://127.0.0.1:{port}"
        write_project(root, port=mails.port, **(self._settings() | changes))
        self.house = make_app(root, clock=clock, environ={})
        self.site = make_site(self.house, _WEB)
        self.server = PublicServer(self.site, port=port)
        self.server.start()

    def _settings(self) -> dict[str, Any]:
        project = {
            "acronym": "TEST",
            "name": "A project for tests",
            "timezone": "Europe/Bucharest",
            "languages": ["en", "ro"],
            "default_lang": "en",
            "public_url": self.origin,
            "imprint": {"en": "Test Street 1", "ro": "Strada Test 1"},
        }
        news = {"channels": {"feed": "auto", "newsletter": "flash"}}
        return {"project": project, "news": news, "newsletter": NEWSLETTER, "privacy": PRIVACY}

    def close(self) -> None:
        """End."""
        self.server.stop()
        self.house.close()

    def subscribed(self, address: str, **changes: Any) -> int:
        """Somebody who wants each item; their number."""
        facts = {"lang": "en", "lists": ("news",), "attributes": {"frequency": "each"}} | changes
        person = Subscriber(id=0, email=address, consent_source="test", consent_at=self.clock.now(), **facts)
        self.house.add_subscribers([person])
        known = self.person(address)
        assert known
        return known.id

    def publish(self, name: str, **fields: Any) -> None:
        """An item goes out, to the site and to whoever wants each."""
        write_item(self.root, name, **fields)
        self.house.approve([], who="ana", everything=True)
        with self.house.publishing():
            self.house.publish()
        self.site.state.files.refresh()

    def later(self, **time: float) -> None:
        """Time goes by."""
        self.clock.advance(timedelta(**time))

    def mail(self, address: str) -> EmailMessage:
        """The newest mail that the server took for somebody."""
        assert self.house.postman.rest(20)
        body = [one.body for one in self.mails.accepted if one.recipient == address][-1]
        made = email.message_from_bytes(body, policy=email.policy.default)
        assert isinstance(made, EmailMessage)
        return made

    def link(self, address: str, purpose: str, rest: str = r"[A-Za-z0-9_-]{36}") -> str:
        """The address of one purpose in the text of that mail."""
        part = self.mail(address).get_body(("plain",))
        found = re.search(rf"{re.escape(self.origin)}/{purpose}/{rest}", part.get_content())
        assert found, part.get_content()
        return found[0]

    def person(self, address: str) -> Subscriber | None:
        """As the database has them."""
        return self.house.parts.store.people.by_address(address)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
