"""Whole letters against golden files: what changes in the templates is read as a difference before it goes out."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dissemination.model import Audience, Edition, EventFacts, ItemType, Picture, Slot
from dissemination.render import Rendering
from dissemination.testing.samples import sample_item, sample_project

DATA = Path(__file__).parent / "data" / "render"
AT = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
BODY = """<p>On a grey morning, <a href="https://example.eu/x?a=1&amp;b=2">five regions</a> compared notes.</p>
<h1>What a loan costs</h1>
<ul><li>Guarantees differ</li><li>So does patience<ol><li>and paperwork</li></ol></li></ul>
<blockquote><p>We lend to people who turn up again.</p></blockquote>
<table><thead><tr><th>Region</th><th>Rate</th></tr></thead>
<tbody><tr><td>Paris</td><td>11 %</td></tr></tbody></table>
<pre>a
  b</pre>"""


def picture(name, width, height):
    return Picture(digest=name * 8, media_type="image/png", width=width, height=height, body=b"")


def editions():
    lead = sample_item(correction="An earlier version gave the wrong year.")
    ro = replace(
        lead, lang="ro", title="Partenerii se întâlnesc la Paris", summary="Cinci regiuni și-au comparat creditele."
    )
    event = sample_item(
        id="open-day",
        slug="open-day",
        translation_key="open-day",
        title="Open day: ask a lender “anything”",
        type=ItemType.EVENT,
        image=None,
        event=EventFacts(
            start=datetime(2026, 12, 3, 8, 0, tzinfo=UTC),
            end=datetime(2026, 12, 3, 14, 0, tzinfo=UTC),
            tz="Europe/Ljubljana",
            place="City Library",
            register_url="https://example.eu/register",
        ),
    )
    digest = Edition(
        id="weekly-2026-W48",
        kind="digest",
        schedule="weekly",
        at=AT,
        groups=({"en": lead, "ro": ro}, {"en": event}),
        languages=("en", "ro"),
        audience=Audience(lists=("news",)),
        intro={"en": "Small loans, long roads.", "ro": "Credite mici, drumuri lungi."},
        name={"en": "Microfuture News", "ro": "Știri Microfuture"},
    )
    flash = replace(
        digest, id="flash-x", kind="flash", groups=({"en": replace(lead, html=BODY)},), at=None, intro={}
    )
    return {"digest.en": (digest, "en"), "digest.ro": (digest, "ro"), "flash.en": (flash, "en")}


@pytest.fixture(scope="module")
def letters():
    project = sample_project()
    pictures = {
        str(sample_item().image.file): picture("aaaaaaaa", 1200, 600),
        str(project.funding.visual): picture("bbbbbbbb", 600, 200),
    }
    rendering = Rendering(project)
    return {name: rendering.letter(edition, lang, pictures) for name, (edition, lang) in editions().items()}


def shown(segments):
    return "".join(f"{{{{{part.name}}}}}" if isinstance(part, Slot) else part for part in segments)


@pytest.mark.parametrize("name", ["digest.en", "digest.ro", "flash.en"])
@pytest.mark.parametrize("part", ["html", "txt"])
def test_letter(letters, name, part):
    letter = letters[name]
    head = f"{letter.subject}\n{letter.preheader}\n\n" if part == "txt" else ""
    made = head + shown(letter.text if part == "txt" else tuple(_broken(letter.html)))
    path = DATA / f"{name}.{part}"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made, encoding="utf-8")
    assert made == path.read_text(encoding="utf-8"), f"{path.name} differs; if meant so, run with UPDATE_GOLDEN=1"


def _broken(segments):
    """One tag a line, so that a difference can be read."""
    return (part.replace("><", ">\n<") if isinstance(part, str) else part for part in segments)
