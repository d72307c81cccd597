"""The bytes of a letter and of a notice, kept beside the test: whoever changes them reads the difference."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dissemination.channels.email.addresses import mailbox
from dissemination.channels.email.mime import Composer, Sender
from dissemination.model import Letter, Slot
from dissemination.testing import sample_mail

DATA = Path(__file__).parent / "data" / "channels"
COMPOSER = Composer(
    Sender(
        box=mailbox("news@straße.example"),
        name="Project MICROFUTURE",
        reply_to=mailbox("office@example.eu"),
        unsubscribe=mailbox("leave@example.eu"),
    )
)
TOKEN = "AQAAAAAAAAAH" + "b" * 24


def letter(**changes):
    mail = sample_mail(
        address="Ana@Example.org",
        letter=Letter(
            lang="ro",
            subject="Știri în noiembrie: cinci regiuni, o întâlnire la Paris și un ghid nou",
            preheader="",
            html=(
                '<p lang="ro">Bună ',
                Slot(name="name"),
                '!</p>\n<a href="',
                Slot(name="unsubscribe_url"),
                '">x</a>',
            ),
            text=(
                "Bună ",
                Slot(name="name"),
                "!\n\n. Cinci regiuni = un plan \n",
                Slot(name="unsubscribe_url"),
                "\n",
            ),
        ),
        name="Ștefănescu, Ana",
        values={"name": "Ștefănescu & Ana", "unsubscribe_url": f"https://news.example.eu/u/{TOKEN}"},
        **changes,
    )
    return COMPOSER.compose("weekly-2026-W48:email:1/7", mail)


def notice():
    at = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
    return COMPOSER.notice(
        "notice/1", mailbox("office@example.eu"), "failed: 1 to look at", "See the log: é\n", at
    ).body


@pytest.mark.parametrize(
    ("name", "made"),
    [("letter.eml", letter), ("test-letter.eml", lambda: letter(test=True)), ("notice.eml", notice)],
)
def test_the_bytes_are_those_that_were_read(name, made):
    path = DATA / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_bytes(made())
    assert made() == path.read_bytes()
