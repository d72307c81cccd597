"""A letter that nothing is wrong with, to be spoilt by one thing at a time."""

from __future__ import annotations

from dataclasses import replace

from dissemination.model import Letter, Slot

UNSUBSCRIBE = Slot(name="unsubscribe_url")
STATEMENT = "Co-funded by the European Union"
DISCLAIMER = "The authors alone answer for these views."
MEDIA = "https://news.example.eu/media/a.png"
VISUAL = '<img src="https://news.example.eu/media/v.png" alt="The programme\'s visual" width="180">'
PREHEADER = "Five regions compared how they lend to small firms"


def good_letter(content="", head="", **changes) -> Letter:
    """`content` is added to its body, `head` to its head; `changes` replace fields."""
    start = (
        f'<!doctype html><html lang="en" dir="ltr"><head><title>News</title>{head}</head><body>'
        f'<div style="display:none">{PREHEADER}</div>'
        '<div lang="en" dir="ltr" style="background-color:#fff;color:#222">'
        '<table role="presentation"><tr><td><h1>News</h1><p>Dear '
    )
    middle = (
        f'</p><h2>Partners</h2><p><img src="{MEDIA}" alt="A table" width="600"></p>{content}'
        f"{VISUAL}<p>Co-funded by\n the European Union</p><p>{DISCLAIMER}</p></td></tr></table></div>"
        "<a style='color:#005' href=\""
    )
    base = Letter(
        lang="en",
        subject="News in November",
        preheader=PREHEADER,
        html=(start, Slot(name="name"), middle, UNSUBSCRIBE, '">Unsubscribe</a></body></html>'),
        text=(
            "Dear ",
            Slot(name="name"),
            f"\n\n{PREHEADER}\n\nPartners\n\n{STATEMENT}\n{DISCLAIMER}\n\nUnsubscribe: ",
            UNSUBSCRIBE,
            "\n",
        ),
        pictures=("a", "v"),
    )
    return replace(base, **changes)
