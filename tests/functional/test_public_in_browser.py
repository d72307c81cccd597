"""The whole way of a subscriber in a browser, on the real server: with and without scripts, narrow and wide."""

import importlib
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dissemination.testing import FixedClock

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def site(tmp_path_factory, nasty_smtp):
    """A served project with one published item, and its mail server."""
    with nasty_smtp() as mails:
        made = importlib.import_module("public_site").PublicSite(
            tmp_path_factory.mktemp("site"), FixedClock(NOW), mails
        )
        made.publish("first")
        yield made
        made.close()


@pytest.fixture
def visit(browser, browsing, site):
    """visit(width=360, scripts=False, ...): a window onto the site (tests/fakes/browsing.py)."""
    opened = []

    def opening(**options):
        site.later(hours=1)  # one address may sign up five times an hour
        opened.append(browsing.Visit(browser, site.origin, **options))
        return opened[-1]

    yield opening
    for one in opened:
        one.close()


@pytest.mark.parametrize(
    ("width", "scripts", "scheme"),
    [(360, True, "dark"), (360, False, "light"), (1280, True, "light"), (1280, False, "dark")],
)
def test_from_sign_up_to_unsubscribed(visit, site, width, scripts, scheme):
    way = visit(width=width, scripts=scripts, scheme=scheme)
    page = way.page
    who = f"ana{width}{scheme}@mail.example"

    page.goto("/signup/")
    assert way.faults() == []
    page.get_by_label("E-mail address").fill(who)
    page.get_by_label("For the press").check()
    page.get_by_label("Yes, I agree").check()
    site.later(seconds=3)
    page.get_by_role("button", name="Subscribe").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Look into your mailbox"
    assert way.faults() == []
    assert site.person(who) is None

    page.goto(site.link(who, "c"))
    assert page.get_by_role("heading", level=1).inner_text() == "Confirm your subscription"
    assert page.get_by_role("main").get_by_role("listitem").all_inner_texts() == ["News", "For the press"]
    assert way.faults() == []
    assert site.person(who) is None
    page.get_by_role("button", name="Yes, I want these letters").click()
    assert page.get_by_role("heading", level=1).inner_text() == "You are subscribed"
    assert way.faults() == []
    assert site.person(who).lists == ("news", "press")

    page.get_by_role("link", name="Your preferences").click()
    preferences = page.url
    assert way.faults() == []
    page.get_by_label("For the press").uncheck()
    page.get_by_label("Once a week").check()
    page.get_by_label("Language", exact=True).select_option("ro")
    page.get_by_label("No letters until").fill("2026-12-24")
    page.get_by_role("button", name="Save").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Salvat"
    assert way.faults() == []
    person = site.person(who)
    assert (person.lists, person.lang, person.attributes) == (("news",), "ro", {"frequency": "weekly"})
    assert person.paused_until == datetime(2026, 12, 23, 22, 0, tzinfo=UTC)

    page.goto(preferences)
    assert way.faults() == []
    page.locator("#field-lang").select_option("en")
    page.locator("input[value=each]").check()
    page.locator("#field-pause").fill("")
    page.locator("button").first.click()
    page.get_by_role("link", name="Back to your preferences").click()
    assert page.url == preferences
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download my data").click()
    assert json.loads(Path(waiting.value.path()).read_text("utf-8"))["email"] == who

    site.publish(f"letter{width}{scheme}")
    offered = site.mail(who)["List-Unsubscribe"]
    page.goto(re.search(rf"<({re.escape(site.origin)}/u/[^>]+)>", offered)[1])
    assert way.faults() == []
    assert site.person(who).state == "active"
    page.get_by_role("button", name="Unsubscribe").click()
    assert page.get_by_role("heading", level=1).inner_text() == "You are unsubscribed"
    assert way.faults() == []
    assert site.person(who).state == "unsubscribed"

    page.goto(preferences)
    assert way.faults() == []
    page.get_by_label("I am sure").check()
    page.get_by_role("button", name="Erase me").click()
    assert page.get_by_role("heading", level=1).inner_text() == "You are erased"
    assert way.faults() == []
    assert site.person(who) is None
