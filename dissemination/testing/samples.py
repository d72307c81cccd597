"""Small true-to-life values, each changed by keyword: `sample_item(title="...")`."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from PIL import Image as Pillow

from dissemination.files import digest_of
from dissemination.model import (
    Entry,
    FileSet,
    Funding,
    Image,
    ItemStatus,
    Letter,
    Mail,
    Message,
    NewsItem,
    Partner,
    Picture,
    Post,
    Project,
    Slot,
)
from dissemination.ports import ChannelOptions
from dissemination.testing.doubles import FixedClock, MemoryVault

_ROOT = Path("/project")
_DAY = datetime(2026, 11, 12, 8, 0, tzinfo=UTC)


def sample_project(**changes: Any) -> Project:
    """A project with two languages and two partners."""
    project = Project(
        acronym="MICROFUTURE",
        name="Microfinance for the future of regions",
        root=_ROOT,
        public_url="https://news.example.eu",
        timezone="Europe/Bucharest",
        languages=("en", "ro"),
        default_lang="en",
        byline="Project MICROFUTURE",
        funding=_funding(),
        programme="Interreg Europe",
        start=date(2023, 3, 1),
        end=date(2027, 5, 31),
        imprint={"en": "OIRBI, 1 Example Street, Bucharest", "ro": "OIRBI, Strada Exemplu 1, București"},
        partners={
            "lead": Partner(key="lead", name="OIRBI", country="RO", role="lead"),
            "host": Partner(key="host", name="Seine-Saint-Denis", country="FR", handles={"x": "example"}),
        },
        lead="lead",
        categories={"Social": ("social", "A more social Europe"), "Events": ()},
        tags=("Interregional", "Regional"),
        hashtags=("InterregEurope",),
        glossary=("MICROFUTURE", "OIRBI"),
        lists={"news": {"en": "News", "ro": "Știri"}},
    )
    return replace(project, **changes)


def _funding() -> Funding:
    return Funding(
        visual=_ROOT / "visual.png",
        visual_alt={"en": "The programme's visual", "ro": "Identitatea vizuală a programului"},
        statement={"en": "Co-funded by the European Union", "ro": "Cofinanțat de Uniunea Europeană"},
        disclaimer={"en": "The authors alone answer for these views.", "ro": "Autorii răspund de aceste opinii."},
    )


def sample_item(**changes: Any) -> NewsItem:
    """An approved news item in English with a lead picture."""
    item = NewsItem(
        id="third-meeting",
        title="Partners meet in Paris for the third time",
        lang="en",
        path="news/third-meeting/index.md",
        folder=_ROOT / "news" / "third-meeting",
        slug="third-meeting",
        translation_key="third-meeting",
        html="<p>Five regions compared how they lend to small firms.</p><p>They meet again in spring.</p>",
        markdown="Five regions compared how they lend to small firms.\n\nThey meet again in spring.\n",
        digest=digest_of(b"third-meeting"),
        status=ItemStatus.APPROVED,
        date=_DAY,
        summary="Five regions compared how they lend to small firms.",
        byline="Project MICROFUTURE",
        partner="lead",
        categories=("Social",),
        tags=("Interregional",),
        hashtags=("InterregEurope",),
        image=Image(
            src="paris.jpg",
            file=_ROOT / "news" / "third-meeting" / "paris.jpg",
            alt="Twelve people around a table",
            caption="The partners in Paris",
            credit="OIRBI",
            people="crowd",
        ),
    )
    return replace(item, **changes)


def sample_picture(colour: tuple[int, int, int] = (20, 90, 140), size: tuple[int, int] = (64, 36)) -> Picture:
    """A real PNG of one colour; size in pixels."""
    stream = io.BytesIO()
    Pillow.new("RGB", size, colour).save(stream, "PNG")
    body = stream.getvalue()
    return Picture(digest=digest_of(body), media_type="image/png", width=size[0], height=size[1], body=body)


def sample_entry(**changes: Any) -> Entry:
    """A feed entry that is out."""
    entry = Entry(
        id="urn:uuid:1c0e5a52-7a4f-5a0d-9b6c-5a7f2f0f4c11",
        item_id="third-meeting",
        lang="en",
        title="Partners meet in Paris for the third time",
        summary="Five regions compared how they lend to small firms.",
        html="<p>Five regions compared how they lend to small firms.</p>",
        url="https://news.example.eu/en/news/third-meeting/",
        path="en/news/third-meeting/",
        byline="Project MICROFUTURE",
        categories=("Social",),
        topic="Social",
        tags=("Interregional",),
        date=_DAY,
        published=_DAY,
        updated=_DAY,
    )
    return replace(entry, **changes)


def sample_post(**changes: Any) -> Post:
    """A short post with its link at the end."""
    link = "https://news.example.eu/en/news/third-meeting/"
    text = f"Partners meet in Paris for the third time {link}"
    post = Post(network="mastodon", lang="en", text=text, length=len(text), limit=500, link=link)
    return replace(post, **changes)


def sample_mail(**changes: Any) -> Mail:
    """A letter to one person, with all four holes."""
    letter = Letter(
        lang="en",
        subject="News in November",
        preheader="Five regions met in Paris",
        html=("<p>Dear ", Slot(name="name"), '</p><p><a href="', Slot(name="unsubscribe_url"), '">Leave</a></p>'),
        text=("Dear ", Slot(name="name"), "\nLeave: ", Slot(name="unsubscribe_url"), "\n"),
    )
    mail = Mail(
        letter=letter,
        digest=digest_of(b"letter"),
        address="ana@example.org",
        values={
            "name": "Ana",
            "email": "ana@example.org",
            "unsubscribe_url": "https://news.example.eu/u/token",
            "preferences_url": "https://news.example.eu/p/token",
        },
        name="Ana",
        date=_DAY,
        list_id="news",
    )
    return replace(mail, **changes)


def sample_message(body: Mail | Post | FileSet | None = None, **changes: Any) -> Message:
    """A message with a key; a post, where no body is given."""
    return replace(Message(key="third-meeting:mastodon:1", body=body or sample_post()), **changes)


def no_secret(name: str) -> str | None:  # noqa: ARG001 - the shape of ChannelOptions.secret
    """As if no secret were set."""
    return None


def sample_options(folder: Path, secret: Callable[[str], str | None] = no_secret, **changes: Any) -> ChannelOptions:
    """What a channel is made from, with its public folder and outbox below `folder`."""
    options = ChannelOptions(
        name="mastodon",
        settings={},
        project=sample_project(root=folder),
        secret=secret,
        public=folder / "feeds",
        outbox=folder / "outbox",
        clock=FixedClock(),
        vault=MemoryVault(),
    )
    return replace(options, **changes)
