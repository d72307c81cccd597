"""The hostile inputs that concern the public side, each by its number in docs/security.md, on the real server.

Here they go the whole way: over a socket, through guard, routes, database, published files and real mail. Single
parts have tests of their own; the table in docs/security.md names them.
"""

from __future__ import annotations

import email.utils
import functools
import http.client
import importlib
import io
import json
import logging
import os
import re
import socket
import sqlite3
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from html.parser import HTMLParser
from urllib.parse import urlencode

import feedparser
import pytest
from lxml import etree
from PIL import Image

from dissemination.bootstrap import make_app
from dissemination.errors import BusyError
from dissemination.testing import FixedClock
from dissemination.web.public import app as site_module
from dissemination.web.public import people

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
ONE_CLICK = "List-Unsubscribe=One-Click"
#: Runs, or lies, wherever it is not made harmless.
PAYLOADS = (
    "<script>alert(1)</script>",
    '"><i onmouseover=alert(1) style="position:fixed">x</i>',
    "</title></script><svg onload=alert(1)>",
    "]]><a href='javascript:alert(1)'>x</a>",
    "{{ 'eva' ~ 'luated' }}${'eva' + 'luated'}<!--",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory, nasty_smtp):
    """A served project that waits for its database for a moment only, and its mail server."""
    scene = importlib.import_module("public_site")
    with pytest.MonkeyPatch.context() as patch, nasty_smtp() as mails:
        patch.setattr(site_module.people, "routes", functools.partial(people.routes, patience=0.3))
        made = scene.PublicSite(tmp_path_factory.mktemp("site"), FixedClock(NOW), mails)
        made.publish("first")
        yield made
        made.close()


@pytest.fixture
def web(site):
    """web("GET", path, body, **headers): what the server says."""
    site.later(hours=1)

    def asking(method, path, body=None, **headers):
        line = http.client.HTTPConnection("127.0.0.1", site.server.port, timeout=20)
        kind = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        line.request(method, path, body, kind | {name.replace("_", "-"): value for name, value in headers.items()})
        answer = line.getresponse()
        said = Said(answer.status, dict(answer.getheaders()), answer.read().decode())
        line.close()
        return said

    return asking


class Said:
    def __init__(self, status, headers, text):
        self.status, self.headers, self.text = status, headers, text

    @property
    def lasting(self):
        """What does not change with the time of day."""
        return self.status, self.text, {name: value for name, value in self.headers.items() if name != "date"}


@pytest.fixture
def form(site, web):
    """form(email=...): the fields of the form, three seconds after it was shown."""

    def filling(**changes):
        page = web("GET", "/signup/").text
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
        site.later(seconds=3)
        return urlencode(hidden | {"list": "news", "agree": "yes"} | changes, doseq=True, errors="surrogatepass")

    return filling


def link(site, purpose, number):
    return f"/{purpose}/{site.house.parts.tokens.sign(purpose, number)}"


def dump(site):
    with sqlite3.connect(site.house.parts.store.database.path) as raw:
        return list(raw.iterdump())


# -------------------------------------------------------------------------------------------- 8, 9: the database


def test_hostile_8_a_second_publisher_is_refused_and_the_site_goes_on(site, web):
    who = site.subscribed("eight@mail.example")
    second = make_app(site.root, clock=site.clock, environ={})
    with site.house.publishing(), pytest.raises(BusyError), second.publishing():
        pass
    with site.house.publishing():
        assert web("GET", "/en/social/").status == 200
        assert web("POST", link(site, "u", who), ONE_CLICK).status == 200
    second.close()
    assert site.person("eight@mail.example").state == "unsubscribed"


def test_hostile_9_a_locked_database_is_never_answered_with_done(site, web):
    who = site.subscribed("nine@mail.example")
    other = sqlite3.connect(site.house.parts.store.database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    refused = web("POST", link(site, "u", who), ONE_CLICK)
    assert (refused.status, refused.headers["retry-after"]) == (503, "30")
    assert "Nothing was changed" in refused.text
    assert web("GET", "/en/social/atom.xml").status == 200  # what is in memory asks no database
    other.execute("ROLLBACK")
    other.close()
    assert web("POST", link(site, "u", who), ONE_CLICK).status == 200
    assert site.person("nine@mail.example").state == "unsubscribed"


# ------------------------------------------------------------------------------------------------ 10 to 13: links


def test_hostile_10_who_left_is_not_in_an_edition_that_was_approved_before(site, web, folders):
    stays, leaves = (site.subscribed(f"ten-{name}@mail.example") for name in ("stays", "leaves"))
    folders.write_item(site.root, "tenth")
    site.house.approve([], who="ana", everything=True)
    assert web("POST", link(site, "u", leaves), ONE_CLICK).status == 200
    with site.house.publishing():
        site.house.publish()
    got = {mail.recipient for mail in site.mails.accepted if b"Title of tenth" in mail.body}
    assert "ten-stays@mail.example" in got
    assert "ten-leaves@mail.example" not in got
    assert stays != leaves


def test_hostile_11_looking_at_any_link_changes_nothing(site, web, form):
    who = site.subscribed("eleven@mail.example")
    web("POST", "/signup/", form(email="eleven-new@mail.example"))
    paths = [link(site, "u", who), link(site, "p", who), site.link("eleven-new@mail.example", "c"), "/signup/"]
    paths = [path.removeprefix(site.origin) for path in paths]
    before = dump(site)
    for path in paths:
        for method in ("GET", "HEAD", "OPTIONS"):
            answer = web(method, f"{path}?{ONE_CLICK}&do=erase&sure=yes&list=news")
            assert answer.status in ({405} if method == "OPTIONS" else {200}), (method, path)
            assert "set-cookie" not in answer.headers
            assert "refresh" not in answer.headers
            assert "<script" not in answer.text
            assert "http-equiv" not in answer.text
    assert dump(site) == before


def test_hostile_12_the_same_click_a_thousand_times_on_one_line_is_one_leaving(site, asgi):
    path = link(site, "u", site.subscribed("twelve@mail.example"))
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    seen = set()
    with socket.create_connection(("127.0.0.1", site.server.port), timeout=20) as wire:
        for number in range(1000):
            body = (ONE_CLICK, "", "x=1&" * 50, f"{ONE_CLICK}&{number}", "\ufffd")[number % 5].encode()
            wire.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            seen.add(asgi.heard(wire).split(b" ", 2)[1])
    assert seen == {b"200"}
    steps = [one.step.value for one in site.house.show_subscriber("twelve@mail.example").consents]
    assert steps.count("withdrawn") == 1


@pytest.mark.parametrize("path", ["/signup/", "/u/x", "/p/x", "/c/x", "/hooks/x"])
def test_hostile_12_three_megabytes_are_too_much_everywhere(site, web, path):
    before = dump(site)
    assert web("POST", path, b"x" * 3_000_000).status == 413
    assert dump(site) == before


@pytest.mark.parametrize("purpose", ["u", "p", "c"])
def test_hostile_13_no_letter_of_a_token_may_change_and_none_is_told_why(site, web, caplog, capfd, purpose):
    caplog.set_level(logging.DEBUG)
    who = site.subscribed("thirteen@mail.example")
    token = link(site, purpose, who).rpartition("/")[2]
    other = link(site, "p" if purpose == "u" else "u", who).rpartition("/")[2]
    wrong = [token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :] for at in range(len(token))]
    wrong += [token[:-1], token + "A", token + "=", f"{token}%00", token.swapcase(), other, "A" * 1_900, "%ff%fe"]
    before = dump(site)
    answers = [web(method, f"/{purpose}/{one}", ONE_CLICK) for one in wrong for method in ("GET", "POST")]
    assert {answer.status for answer in answers} == {404}
    assert len({repr(answer.lasting) for answer in answers}) == 1
    assert web("POST", f"/{purpose}/{'A' * 60_000}", ONE_CLICK).status == 404
    assert dump(site) == before
    said = caplog.text + "".join(capfd.readouterr())
    assert not [one for one in (token, other, *wrong) if len(one) > 8 and one in said]


# ------------------------------------------------------------------------------------------------ 14: names

HEADERS_OF_MAIL = re.compile(rb"^([A-Za-z-]+):", re.MULTILINE)
NAMES = {
    "encoded word": "=?utf-8?q?a=0D=0ABcc:_x=40evil.example?=",
    "line ends": "Ana\r\nBcc: x@evil.example",
    "nul": "A\0na",
    "separator": "Ana\u2028Bcc: x@evil.example",
    "long": "n" * 10_000,
}


@pytest.mark.parametrize("name", NAMES)
def test_hostile_14_no_address_at_sign_up_reaches_the_head_of_a_mail(site, web, form, name):
    assert site.house.postman.rest(20)
    number = len(site.mails.accepted)
    for address in (
        f"{NAMES[name]}@mail.example",
        f'"{NAMES[name]}"@mail.example',
        f"{NAMES[name]} <a@mail.example>",
    ):
        assert web("POST", "/signup/", form(email=address, name=NAMES[name])).status in {413, 422}
    assert site.house.postman.rest(20)
    assert len(site.mails.accepted) == number


def test_hostile_14_half_a_character_is_no_address(site, web, form):
    assert web("POST", "/signup/", form(email="a\ud800@mail.example")).status == 422
    assert web("POST", "/signup/", form(email="ana@mail.example", website="\ud800")).status == 200  # for the trap


def test_hostile_14_names_leave_the_head_of_a_letter_as_it_is(site):
    site.subscribed("fourteen@mail.example", name="Ana")
    for number, name in enumerate(NAMES.values()):
        site.subscribed(f"fourteen-{number}@mail.example", name=name)
    site.publish("fourteenth")
    letters = [mail for mail in site.mails.accepted if b"Title of fourteenth" in mail.body]
    assert len(letters) >= 6
    heads = {tuple(HEADERS_OF_MAIL.findall(mail.body.partition(b"\r\n\r\n")[0])) for mail in letters}
    assert len(heads) == 1
    for mail in letters:
        assert b"\r\nBcc:" not in mail.body
        [to] = email.utils.getaddresses(email.message_from_bytes(mail.body).get_all("To"))
        assert to[1] == mail.recipient


# ------------------------------------------------------------------------------------------------ 16 to 19: items

BAD = {
    "bomb": "---\ntitle: &a [x, x]\ntags: [*a, *a]\n---\n\nWords.\n",
    "brackets": f"---\ntitle: {'[' * 40_000}\n---\n\nWords.\n",
    "float": "---\ntitle: !!float ''\n---\n\nWords.\n",
    "twice": "---\ntitle: A\ntitle: B\ndate: 2026-01-13\n---\n\nWords.\n",
    "tab": "---\ntitle: A\n\tdate: 2026-01-13\n---\n\nWords.\n",
    "day": "---\ntitle: A\ndate: 2026-13-45\n---\n\nWords.\n",
    "deep": "---\ntitle: Deep\ndate: 2026-01-13\nstatus: review\n---\n\n" + "<div>" * 30_000,
    "large": "---\ntitle: Large\ndate: 2026-01-13\nstatus: review\n---\n\n" + "words " * 100_000,
}


def test_hostile_16_and_18_a_bad_item_is_in_no_feed_and_keeps_no_good_one_out(site, web):
    for name, text in BAD.items():
        (site.root / "news" / name).mkdir()
        (site.root / "news" / name / "index.md").write_text(text, "utf-8")
    with (site.root / "news" / "sparse.md").open("wb") as stream:
        stream.truncate(50_000_000_000)
    began = time.monotonic()
    site.publish("sixteenth")
    assert time.monotonic() - began < 30
    found = feedparser.parse(web("GET", "/en/social/rss.xml").text)
    titles = {entry.title for entry in found.entries}
    assert not found.bozo
    assert "Title of sixteenth" in titles
    assert {"A", "B", "Deep", "Large"} & titles == set()


def test_hostile_17_what_lies_behind_links_is_on_no_page(site, web):
    secret = site.root / "var" / "secret.md"
    secret.write_text("---\ntitle: Secretissimo\ndate: 2026-01-13\nstatus: review\n---\n\nWords.\n", "utf-8")
    news, feeds = site.root / "news", site.root / "feeds"
    (news / "linked.md").symlink_to(secret)
    (news / "folder").symlink_to(site.root / "var")
    (news / "loop").symlink_to(news)
    os.mkfifo(news / "pipe.md")
    (feeds / "linked.html").symlink_to(secret)
    (feeds / "var").symlink_to(site.root / "var")
    os.mkfifo(feeds / "pipe.html")
    site.publish("seventeenth")
    for path in ("/linked.html", "/var/secret.md", "/pipe.html", "/../var/secret.md", "/%2e%2e/var/secret.md"):
        assert web("GET", path).status == 404
    assert web("GET", "/en/news/title-of-seventeenth/").status == 200
    assert "Secretissimo" not in public(site)


def test_hostile_18_a_link_that_runs_is_no_link(site, web):
    body = "[one](javascript:alert(1)) <a href='data:text/html,x'>two</a> <a href='JaVaScRiPt:x'>three</a>"
    site.publish("eighteenth", body=body)
    for name in ("rss.xml", "atom.xml", "feed.json", ""):
        text = web("GET", f"/en/social/{name}").text.lower()
        assert "title of eighteenth" in text
        assert not re.search(r"href=\W{0,6}(?:javascript|data):", text)


def test_hostile_19_pictures_that_are_none_or_too_large_are_not_served_and_places_are_forgotten(site, folders):
    def picture(name, body):
        folders.write_item(site.root, name)
        (site.root / "news" / name / "picture.png").write_bytes(body)

    huge = io.BytesIO()
    Image.new("1", (12_000, 12_000)).save(huge, "PNG")
    picture("huge", huge.getvalue())
    picture("drawing", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>")
    picture("postscript", b"%!PS-Adobe-3.0 EPSF-3.0\n")
    placed, facts = io.BytesIO(), Image.Exif()
    facts.get_ifd(0x8825)[1] = "N"
    facts[0x9286] = "Secret place"
    Image.new("RGB", (640, 360), "#336677").save(placed, "JPEG", exif=facts, comment=b"Secret comment")
    picture("placed", placed.getvalue())
    site.publish("nineteenth")
    files = [path for path in (site.root / "feeds" / "media").iterdir() if path.is_file()]
    for path in files:
        with Image.open(path) as image:
            assert image.width <= 2_000
            assert not image.getexif()
        assert b"Secret" not in path.read_bytes()
    shown = public(site)
    assert "Title of placed" in shown
    for name in ("huge", "drawing", "postscript"):
        assert f"Title of {name}" not in shown


def public(site):
    """All words that are public."""
    found = (path for path in (site.root / "feeds").rglob("*") if path.is_file() and not path.is_symlink())
    return "\n".join(
        path.read_text("utf-8") for path in found if path.suffix in {".html", ".xml", ".json", ".opml"}
    )


# -------------------------------------------------------------------------------------------- 21: stored scripts


class Runs(HTMLParser):
    """Whatever of a page could run."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        facts = {name: value or "" for name, value in attrs}
        if tag in {"iframe", "object", "embed", "svg", "math", "base"}:
            self.found.append(tag)
        if tag == "script" and facts.get("type") != "application/ld+json":
            self.found.append(tag)
        self.found += [name for name in facts if name.startswith("on") or name in {"srcdoc", "formaction"}]
        addresses = (facts.get(name, "").strip().lower() for name in ("href", "src", "action"))
        self.found += [url for url in addresses if url.startswith(("javascript:", "data:", "vbscript:"))]


def test_what_could_run_is_found():
    page = "<a href=' JavaScript:x'>x</a><p onclick=x><svg/onload=x><script type=module></script><iframe srcdoc=x>"
    assert len(Runs(page).found) == 7


@pytest.mark.parametrize("number", range(len(PAYLOADS)))
def test_hostile_21_no_word_of_an_item_runs_on_a_page_or_in_a_feed(site, web, number):
    evil = PAYLOADS[number]
    site.publish(
        f"stored{number}",
        title=f"Stored {number} {evil}",
        summary=f"About {evil}",
        byline=evil,
        tags=[evil],
        image={"src": "picture.png", "alt": f"Seen {evil}", "credit": evil, "caption": evil},
        correction=evil,
        type="event",
        event={"start": "2026-12-03T10:00:00+02:00", "place": evil, "address": evil},
        body=f"Text {evil}\n\n{evil}",
    )
    pages = [path for path in (site.root / "feeds").rglob("*.html") if path.is_file() and not path.is_symlink()]
    own = [path for path in pages if f"Stored {number}" in path.read_text("utf-8")]
    assert own
    for path in own:
        text = path.read_text("utf-8")
        assert Runs(text).found == [], path
        for facts in re.findall(r'<script type="application/ld\+json">(.*?)</script>', text, re.DOTALL):
            assert f"Stored {number}" in json.dumps(json.loads(facts))
        assert "evaluated" not in text
    for text in as_html(web, f"Stored {number}"):
        assert Runs(text).found == []


def as_html(web, title):
    """What readers show as HTML of the item whose title begins so, out of all three formats."""
    rss = etree.fromstring(web("GET", "/en/social/rss.xml").text.encode())
    atom = etree.fromstring(web("GET", "/en/social/atom.xml").text.encode())
    [item] = [one for one in rss.iter("item") if one.findtext("title").startswith(title)]
    [entry] = [one for one in atom.iter("{*}entry") if one.findtext("{*}title").startswith(title)]
    items = json.loads(web("GET", "/en/social/feed.json").text)["items"]
    [known] = [one for one in items if one["title"].startswith(title)]
    assert entry.find("{*}title").get("type", "text") == entry.find("{*}summary").get("type", "text") == "text"
    return [
        item.findtext("description"),
        item.findtext("{*}encoded"),
        entry.findtext("{*}content"),
        known["content_html"],
    ]


@pytest.mark.parametrize("path", ["/signup/", "/en/nothing/", "/en/news/title-of-first/", "/u/none"])
def test_hostile_21_nothing_that_a_request_says_comes_back(web, path):
    plain = web("GET", path)
    asked = {
        "User-Agent": PAYLOADS[0],
        "Referer": PAYLOADS[1],
        "X-Forwarded-Host": "evil.example",
        "Cookie": "evil=1",
    }
    asked |= {"Accept-Language": "<evil>", "X-Forwarded-Proto": "evil", "Origin": "https://evil.example"}
    told = web("GET", f"{path}?q=%3Cscript%3Ealert(1)&lang=%22%3E%3Cscript%3E", **asked)
    assert "evil" not in told.text + repr(told.headers)
    assert "alert" not in told.text
    stamp = re.compile(r'name="stamp" value="[^"]*"')
    assert stamp.sub("", told.text) == stamp.sub("", plain.text)


def test_hostile_21_what_was_typed_comes_back_as_text(web, form):
    told = web("POST", "/signup/", form(email=PAYLOADS[1]))
    assert told.status == 422
    assert Runs(told.text).found == []
    assert "&lt;i onmouseover=alert(1)" in told.text


# -------------------------------------------------------------------------------------------- 22, 24, 25: people


@pytest.mark.parametrize("kind", ["cross-site", "same-site"])
def test_hostile_22_a_form_of_another_site_signs_nobody_up(site, web, form, kind):
    who = f"{kind}@mail.example"
    filled = form(email=who)
    assert web("POST", "/signup/", filled, Sec_Fetch_Site=kind, Origin="https://evil.example").status == 403
    assert site.house.parts.store.signups.of(who) is None
    assert web("POST", "/signup/", filled, Sec_Fetch_Site="same-origin").status == 200
    assert site.link(who, "c")


def test_hostile_22_pages_of_people_have_no_authority_but_their_link_and_are_read_by_no_other_site(site, web):
    who = site.subscribed("twentytwo@mail.example")
    for path in ("/signup/", link(site, "p", who), link(site, "u", who)):
        answer = web("GET", path, Origin="https://evil.example")
        assert "access-control-allow-origin" not in answer.headers
        assert "set-cookie" not in answer.headers
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert web("POST", "/p/", "do=erase&sure=yes", Cookie="p=anything").status == 404
    assert site.person("twentytwo@mail.example").state == "active"


def test_hostile_24_a_stranger_does_not_become_many_by_saying_so(site, web, form):
    filled = [form(email=f"bomb{number}@mail.example") for number in range(8)]
    codes = [web("POST", "/signup/", one, X_Forwarded_For=f"198.51.100.{n}").status for n, one in enumerate(filled)]
    assert codes == [200] * 5 + [429] * 3
    assert site.house.postman.rest(20)
    assert sum(mail.recipient.startswith("bomb") for mail in site.mails.accepted) == 5
    site.later(hours=1)
    assert web("POST", "/signup/", form(email="honest@mail.example")).status == 200


def test_hostile_24_a_victim_gets_one_mail_without_a_word_that_was_typed(site, web, form):
    for _ in range(5):
        filled = form(email="victim@mail.example", name="Buy at https://evil.example")
        assert web("POST", "/signup/", filled).status == 200
        site.later(hours=1)
    assert site.house.postman.rest(20)
    mails = [mail for mail in site.mails.accepted if mail.recipient == "victim@mail.example"]
    assert len(mails) == 1
    assert b"evil" not in mails[0].body


def test_hostile_25_who_erased_themselves_is_in_no_file_and_no_letter(site, web):
    address = "twenty.five@mail.example"
    who = site.subscribed(address, name='=cmd|"/c calc"!A1')
    page = link(site, "p", who)
    assert json.loads(web("POST", page, "do=export").text)["name"].startswith(
        "=cmd"
    )  # JSON, which no sheet computes
    assert web("POST", page, "do=erase&sure=yes").status == 200
    assert web("GET", page).status == 404
    kept = [path for folder in ("var", "feeds") for path in (site.root / folder).rglob("*")]
    files = [path for path in kept if path.is_file() and not path.is_symlink()]
    assert [path.name for path in files if address.encode() in path.read_bytes().lower()] == []
    with pytest.raises(AssertionError):
        site.subscribed(address)
    assert site.person(address) is None


# ------------------------------------------------------------------------------------------------ (+)

BEGUN = (b"", b"GET / HT", b"POST /signup/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n")


def test_hostile_plus_with_400_half_open_lines_it_answers_and_ends_within_five_seconds(
    tmp_path, nasty_smtp, asgi, capfd
):
    scene = importlib.import_module("public_site")
    with nasty_smtp() as mails, ExitStack() as stack:
        made = scene.PublicSite(tmp_path, FixedClock(NOW), mails)
        for number in range(400):
            line = stack.enter_context(socket.create_connection(("127.0.0.1", made.server.port), timeout=10))
            line.sendall(
                (b"", b"GET / HT", b"POST /signup/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n")[
                    number % 3
                ]
            )
        answer = asgi.talk(made.server.port, b"GET /signup/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200 ")
        began = time.monotonic()
        assert made.server.stop()
        assert time.monotonic() - began < 5
        made.close()
    assert "Traceback" not in "".join(capfd.readouterr())


def test_hostile_plus_no_secret_is_on_a_page_of_error(site, web, monkeypatch):
    def broken(*_):
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(type(site.house), "preferences", broken)
    told = web("GET", link(site, "p", 1))
    assert told.status == 500
    assert "hunter2" not in told.text + repr(told.headers)
    assert "Something went wrong" in told.text
