"""`channels.<name>.posting`: what it takes, what it refuses, and that no channel sees it."""

from __future__ import annotations

from datetime import time

import pytest

from dissemination.bootstrap import make_app
from dissemination.errors import SettingsError
from dissemination.model import DaySpan, Posting
from dissemination.pipeline.timing import Timing
from dissemination.settings import load


@pytest.fixture
def settings(shells, tmp_path):
    def making(posting, channel="mastodon", **section):
        channels = {
            "email": {"sender": "a@b.example", "host": "127.0.0.1", "tls": "none"},
            "feed": {},
            "mastodon": {},
        }
        channels[channel] |= {**section, "posting": posting}
        return shells.write_project(tmp_path / "folder", channels=channels) / "settings.yaml"

    return making


def test_everything_reaches_the_rules(settings):
    path = settings(
        {
            "slots": ["tue 10:00", "Mon-Fri 9:30"],
            "quiet": "21:00-07:00",
            "gap_minutes": 30,
            "per_hour": 4,
            "per_day": 10,
            "utm": {"source": "mastodon", "campaign": "test"},
            "funding": True,
            "hashtags": False,
        }
    )
    app = make_app(path.parent)
    app.close()
    assert app.parts.rules.timing["mastodon"] == Timing(
        slots=("0 10 * * tue", "30 9 * * mon-fri"),
        timezone="Europe/Bucharest",
        quiet=DaySpan(time(21), time(7)),
        gap=1800.0,
        per_hour=4,
        per_day=10,
    )
    assert app.parts.rules.posting["mastodon"] == Posting(
        utm={"source": "mastodon", "campaign": "test"}, funding=True, hashtags=False
    )
    assert app.parts.rules.posting["feed"] == Posting()


def test_the_channel_does_not_see_it(settings):
    assert load(settings({"gap_minutes": 5}, folder="x")).channels["mastodon"].options == {"folder": "x"}


def test_yaml_reads_times_as_they_are_written(settings):
    path = settings({})
    text = path.read_text().replace("posting: {}", "posting: {slots: [tue 10:00, thu 15:30], quiet: 21:00-07:00}")
    path.write_text(text)
    posting = load(path).channels["mastodon"].posting
    assert (posting.slots, posting.quiet) == (["tue 10:00", "thu 15:30"], "21:00-07:00")


@pytest.mark.parametrize(
    ("posting", "said"),
    [
        ({"slots": ["tuesday 10:00"]}, "not a weekly slot"),
        ({"slots": ["tue 24:00"]}, "not a weekly slot"),
        ({"slots": ["tue 10:60"]}, "not a weekly slot"),
        ({"slots": ["10:00"]}, "not a weekly slot"),
        ({"slots": ["tue-xyz 10:00"]}, "not a weekly slot"),
        ({"slots": "tue 10:00"}, "must be a list"),
        ({"quiet": "21:00"}, "not a span of the day"),
        ({"quiet": "21:00-25:00"}, "not a span of the day"),
        ({"quiet": "07:00-7:00"}, "not a span of the day"),
        ({"quiet": "07:00-07:00"}, "not a span of the day"),
        ({"gap_minutes": -1}, "must be 0 or more"),
        ({"per_hour": 0}, "must be 1 or more"),
        ({"per_day": 1.5}, "whole number"),
        ({"utm": {"term": "x"}}, "unknown key"),
        ({"gap_minute": 5}, "unknown key; did you mean `gap_minutes`?"),
        ({"slots": ["tue 22:00"], "quiet": "21:00-07:00"}, "tue 22:00 lies in the quiet hours"),
        (None, "must hold keys of its own"),
    ],
)
def test_what_is_wrong_is_said(settings, posting, said):
    with pytest.raises(SettingsError, match=r"channels\.mastodon\.posting") as error:
        load(settings(posting))
    assert said in str(error.value)


@pytest.mark.parametrize("channel", ["email", "feed"])
def test_mail_and_feeds_have_no_posts(settings, channel):
    with pytest.raises(SettingsError, match="carries no posts"):
        load(settings({"gap_minutes": 5}, channel=channel))


def test_a_slot_at_the_end_of_quiet_hours_is_none_of_them(settings):
    assert load(settings({"slots": ["tue 7:00"], "quiet": "21:00-07:00"})).channels["mastodon"].posting.slots
