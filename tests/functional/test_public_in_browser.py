"""Public pages in a browser, on the real server: the whole way of a subscriber, with and without scripts."""

import importlib
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dissemination.testing import FixedClock

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
#: Width, whether scripts run, light or dark.
LOOKS = [(360, True, "dark"), (360, False, "light"), (1280, True, "light"), (1280, False, "dark")]


@pytest.fixture(scope="module")
def site(tmp_path_factory, nasty_smtp):
    """A served project with one published item, and its mail server."""
    scene = importlib.import_module("public_site")
    with nasty_smtp() as mails:
        made = scene.PublicSite(tmp_path_factory.mktemp("site"), FixedClock(NOW), mails)
        made.subscribed("first@mail.example")
        made.publish("first")
        yield made
        made.close()


@pytest.fixture
def visit(browser, browsing, site):
    """visit(360, scripts=False, scheme="dark"): a window onto the site (tests/fakes/browsing.py)."""
    opened = []

    def opening(width=1280, *, scripts=True, scheme="light"):
        site.later(hours=1)  # one address may sign up five times an hour
        opened.append(browsing.Visit(browser, site.origin, width=width, scheme=scheme, scripts=scripts))
        return opened[-1]

    yield opening
    for one in opened:
        one.close()


def seen(way, title):
    """The page with this first heading, and nothing wrong with it."""
    way.page.get_by_role("heading", level=1, name=title, exact=True).wait_for()
    assert way.faults() == []
    return way.page


def press(way, name):
    way.page.get_by_role("button", name=name).click()


# ------------------------------------------------------------------------------------------------ the whole way


@pytest.mark.parametrize(("width", "scripts", "scheme"), LOOKS)
def test_from_sign_up_to_unsubscribed_and_erased(visit, site, width, scripts, scheme):
    way = visit(width, scripts=scripts, scheme=scheme)
    who = f"ana{width}{scheme}@mail.example"
    sign_up(way, site, who)
    confirm(way, site, who)
    change(way, site, who)
    preferences = change_back(way, who)
    site.publish(f"letter{width}{scheme}")
    leave(way, site, who)
    way.page.goto(preferences)
    seen(way, "Your preferences").get_by_label("I am sure").check()
    press(way, "Erase me")
    seen(way, "You are erased")
    assert site.person(who) is None
    way.page.goto(preferences)
    seen(way, "There is nothing here")


def sign_up(way, site, who):
    way.page.goto("/signup/")
    page = seen(way, "Subscribe to Test news")
    page.get_by_label("E-mail address").fill(who)
    page.get_by_label("For the press").check()
    page.get_by_label("Yes, I agree").check()
    site.later(seconds=3)
    press(way, "Subscribe")
    seen(way, "Look into your mailbox")
    assert site.person(who) is None


def confirm(way, site, who):
    way.page.goto(site.link(who, "c"))
    page = seen(way, "Confirm your subscription")
    assert page.get_by_role("main").get_by_role("listitem").all_inner_texts() == ["News", "For the press"]
    assert site.person(who) is None
    press(way, "Yes, I want these letters")
    seen(way, "You are subscribed")
    assert site.person(who).lists == ("news", "press")


def change(way, site, who):
    way.page.get_by_role("link", name="Your preferences").click()
    page = seen(way, "Your preferences")
    page.get_by_label("For the press").uncheck()
    page.get_by_label("Once a week").check()
    page.get_by_label("Language", exact=True).select_option("ro")
    page.get_by_label("No letters until").fill("2026-12-24")
    press(way, "Save")
    seen(way, "Salvat")
    person = site.person(who)
    assert (person.lists, person.lang, person.attributes) == (("news",), "ro", {"frequency": "weekly"})
    assert person.paused_until == datetime(2026, 12, 23, 22, 0, tzinfo=UTC)


def change_back(way, who):
    """To each item at once, and in English; the address of the page."""
    way.page.locator("main a").click()
    page = seen(way, "Preferințele dumneavoastră")
    page.locator("#field-lang").select_option("en")
    page.locator("input[value=each]").check()
    page.locator("#field-pause").fill("")
    page.locator("main button").first.click()
    seen(way, "Saved").get_by_role("link", name="Back to your preferences").click()
    with page.expect_download() as waiting:
        press(way, "Download my data")
    assert json.loads(Path(waiting.value.path()).read_text("utf-8"))["email"] == who
    return page.url


def leave(way, site, who):
    """By the link in the head of a real letter."""
    offered = site.mail(who)["List-Unsubscribe"]
    way.page.goto(re.search(rf"<({re.escape(site.origin)}/u/[^>]+)>", offered)[1])
    seen(way, "Unsubscribe")
    assert site.person(who).state == "active"
    press(way, "Unsubscribe")
    seen(way, "You are unsubscribed")
    assert site.person(who).state == "unsubscribed"


# ------------------------------------------------------------------------------------------------ other pages


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
def test_pages_of_news_as_the_server_sends_them(visit, width, scheme):
    way = visit(width, scheme=scheme)
    for path, title in (
        ("/", "Latest news"),
        ("/en/news/title-of-first/", "Title of first"),
        ("/en/social/", "TEST: Social"),
        ("/feeds/", "Feeds"),
        ("/en/nothing/", "Page not found"),
    ):
        way.page.goto(path)
        seen(way, title)


def test_an_edition_is_a_sandbox_and_a_good_page_all_the_same(visit, site):
    address = site.link("first@mail.example", "e", r"[^/\s]+/en/")
    way = visit(360, scripts=False)  # its policy lets no script run, so axe has to look from beside
    way.page.goto(address)
    assert way.page.get_by_role("article").count() == 1
    assert way.faults() == []


# ------------------------------------------------------------------------------------------------ the keyboard


@pytest.mark.parametrize("path", ["/signup/", "/feeds/", "/en/news/title-of-first/"])
def test_each_stop_of_the_keyboard_can_be_seen_and_the_first_leads_to_the_content(visit, path):
    way = visit()
    way.page.goto(path)
    names, unseen = way.stops()
    assert unseen == []
    assert names[0] == "a#content"
    assert names[-1].endswith("/feeds/")
    way.page.keyboard.press("Tab")
    way.page.keyboard.press("Enter")
    assert way.page.evaluate("document.activeElement.id") == "content"


def test_the_keyboard_reaches_the_form_in_its_order_and_not_the_trap_for_programs(visit, site):
    way = visit()
    way.page.goto("/signup/")
    names, _ = way.stops()
    assert [name for name in names if name == "button" or re.match(r"[a-z]+=", name)] == [
        "email=",
        "list=news",
        "list=press",
        "agree=yes",
        "button",
    ]


@pytest.mark.parametrize("scripts", [True, False])
def test_by_keyboard_alone_with_a_fault_that_is_put_right(visit, site, scripts):
    way, who = visit(scripts=scripts), f"kim{scripts}@mail.example"
    keys = way.page.keyboard
    way.page.goto("/signup/")
    reach(way, "email")
    keys.type(who)
    reach(way, "list")
    keys.press("Space")  # the one list that was ticked
    reach(way, "agree")
    keys.press("Space")
    site.later(seconds=3)
    keys.press("Enter")

    way.page.locator(".trouble:focus").wait_for()
    assert way.faults() == []
    keys.press("Tab")
    assert way.page.locator(":focus").inner_text() == "Choose at least one."
    keys.press("Enter")
    keys.press("Tab")
    assert way.page.locator(":focus").get_attribute("value") == "news"
    keys.press("Space")
    site.later(seconds=3)
    keys.press("Enter")
    seen(way, "Look into your mailbox")
    assert site.link(who, "c")


def reach(way, name):
    """Tab until the field of this name has the focus."""
    for _ in range(30):
        way.page.keyboard.press("Tab")
        if way.page.evaluate("document.activeElement.name") == name:
            return
    raise AssertionError(f"the keyboard does not reach {name}")


# ------------------------------------------------------------------------------------------------ planted faults

MAIN = '<main id="content" tabindex="-1">'
INK = "--ink: #1d2329;"
#: What is planted -> what is exchanged in which file, headers that are changed, and what must be told.
PLANTED = {
    "no label": ("/signup/", '<label for="field-email">E-mail address</label>', "", {}, "axe label"),
    "no heading": ("/signup/", "h1>", "p>", {}, "axe page-has-heading-one"),
    "weak words": ("style.", INK, "--ink: #c8c8c8;", {}, "axe color-contrast"),
    "no words for a picture": ("/signup/", MAIN, f'{MAIN}<img src="/media/x.png">', {}, "axe image-alt"),
    "foreign picture": (
        "/signup/",
        MAIN,
        f'{MAIN}<img alt="" src="https://elsewhere.example/a.png">',
        {"content-security-policy": ""},
        "foreign: https://elsewhere.example/a.png",
    ),
    "foreign picture under the policy": (
        "/signup/",
        MAIN,
        f'{MAIN}<img alt="" src="https://elsewhere.example/a.png">',
        {},
        "console: error: ",
    ),
    "script": ("/signup/", MAIN, f"<script>document.title = 'ran'</script>{MAIN}", {}, "script: text/javascript"),
    "script under the policy": ("/signup/", MAIN, f"<script>let a</script>{MAIN}", {}, "console: error: "),
    "style in a tag": ("/signup/", "<h1>", '<h1 style="color: red">', {}, "console: error: "),
    "wide table": (
        "/signup/",
        MAIN,
        f"{MAIN}<table><tr>{'<td>some-wide-cell</td>' * 20}</tr></table>",
        {},
        "wide: it scrolls sideways",
    ),
    "cookie": ("/signup/", "", "", {"set-cookie": "who=ana"}, "cookie: who"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_faults_are_caught(visit, name):
    where, old, new, headers, told = PLANTED[name]
    way = visit(360)
    spoil(way, where, old, new, headers)
    way.page.goto("/signup/")
    assert [fault for fault in way.faults() if fault.startswith(told)]
    assert way.page.title() != "ran"


@pytest.mark.parametrize("name", ["no label", "wide table"])
def test_planted_faults_are_caught_without_scripts_too(visit, name):
    where, old, new, headers, told = PLANTED[name]
    way = visit(360, scripts=False)
    spoil(way, where, old, new, headers)
    way.page.goto("/signup/")
    assert [fault for fault in way.faults() if fault.startswith(told)]


def test_a_focus_that_cannot_be_seen_is_caught(visit):
    way = visit()
    spoil(way, "live.", "body {", "*, *:focus-visible { outline: none; box-shadow: none !important; } body {", {})
    way.page.goto("/feeds/")
    assert way.stops()[1] == []
    way.page.goto("/signup/")
    assert way.stops()[1]


def spoil(way, where, old, new, headers):
    """Exchange something in files on their way to the browser."""

    def answer(route):
        came = route.fetch()
        text = came.text()
        assert old in text, "this test plants nothing any more"
        kept = {**came.headers, **headers}
        body = text.replace(old, new) if old else text
        route.fulfill(response=came, body=body, headers={name: value for name, value in kept.items() if value})

    way.context.route(f"**{where}*" if where.startswith("/") else f"**/{where}*.css", answer)


# ------------------------------------------------------------------------------------------------ hostile inputs


def test_hostile_11_a_scanner_that_runs_scripts_and_opens_every_link_changes_nothing(visit, site):
    way, who = visit(), site.subscribed("scanned@mail.example")
    sign = site.house.parts.tokens.sign
    people = site.house.parts.store.people
    before = people.by_address("scanned@mail.example"), site.house.show_subscriber("scanned@mail.example").consents
    for path in (f"/u/{sign('u', who)}", f"/p/{sign('p', who)}", "/signup/", "/en/news/title-of-first/"):
        way.page.goto(path)
        way.page.wait_for_load_state("networkidle")
        assert way.faults() == []
        for url in set(way.page.evaluate("[...document.links].map(a => a.href)")):
            if url.startswith(site.origin):
                way.page.goto(url)
    after = people.by_address("scanned@mail.example"), site.house.show_subscriber("scanned@mail.example").consents
    assert before == after


def test_hostile_21_stored_words_run_nowhere_in_a_browser(visit, site):
    evil = "</title></script><script>alert(1)</script><svg onload=alert(1)>"
    site.publish(
        "stored",
        title=f"Stored {evil}",
        summary=f"About {evil}",
        image={"src": "picture.png", "alt": f'" onload="alert(1)" {evil}', "credit": evil},
        tags=[evil],
        correction=evil,
        body=f"Words {evil}",
    )
    way, dialogs = visit(360), []
    way.page.on("dialog", lambda one: (dialogs.append(one.message), one.dismiss()))
    for path in ("/en/social/", "/", "/feeds/"):
        way.page.goto(path)
        assert way.faults() == []
    way.page.goto("/en/social/")
    way.page.get_by_role("link", name="Stored").first.click()
    assert way.page.get_by_role("heading", level=1).inner_text() == f"Stored {evil}"
    assert way.faults() == []
    assert dialogs == []
