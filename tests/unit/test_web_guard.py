"""The guard: hosts, methods, limits, headers, and hooks behind it. No server, no socket."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from dissemination.bootstrap import make_app, web_settings
from dissemination.errors import BusyError, ForgedError, SettingsError, StoreError, UnavailableError
from dissemination.files import digest_of, shipped
from dissemination.settings import WebSection, load
from dissemination.web.public import app as site_module
from dissemination.web.public import callers, guard
from dissemination.web.public.app import make_site
from dissemination.web.public.callers import Callers, Rates, place_of
from dissemination.web.public.guard import BODY_LIMIT, Place
from dissemination.web.public.headers import HSTS

PERSON = "192.0.2.7"


class Time:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def timer():
    return Time()


@pytest.fixture(scope="module")
def project(tmp_path_factory, folders):
    """A project with one page, opened; its hooks are what a test puts there."""
    root = folders.write_project(tmp_path_factory.mktemp("project"))
    page = root / "feeds" / "en" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text("<p>Words</p>")
    app = make_app(root)
    yield app
    app.close()


@pytest.fixture
def taken(project, monkeypatch):
    """What `App.returned` was called with; `raises` makes it raise."""
    seen = SimpleNamespace(calls=[], raises=None)

    def returned(self, provider, headers, body):
        seen.calls.append((provider, headers, body))
        if seen.raises:
            raise seen.raises
        return ()

    monkeypatch.setattr("dissemination.app.App.returned", returned)
    return seen


def posting(_, *, caller, **__):
    """Routes as the people's side has them."""

    async def who(request):
        return PlainTextResponse(caller(request))

    async def takes(request):
        return PlainTextResponse(str(len(await request.body())))

    async def token(request):
        return Response(status_code=200 if request.path_params["token"] == "good" else 404)

    async def broken(request):
        raise RuntimeError("secret detail")

    return [
        Route("/signup/", takes, methods=["GET", "POST"]),
        Route("/u/{token}", token, methods=["GET", "POST"]),
        Route("/broken", broken),
        Route("/who", who),
    ]


@pytest.fixture
def site(project, timer, monkeypatch, asgi):
    """Asks the site: site("/en/"); `web` are settings."""
    monkeypatch.setattr(site_module.people, "routes", posting)
    made = {}

    def asking(path, method="GET", *, web=None, **options):
        web = web or WebSection()
        if "site" not in made or made["site"][1] != web:
            made["site"] = (make_site(project, web, now=timer), web)
        return asgi.ask(made["site"][0], path, method, **options)

    return asking


# Hosts


@pytest.mark.parametrize(
    "host",
    [
        "news.test.example",
        "NEWS.test.example",
        "news.test.example:443",
        "news.test.example:8443",
        "news.test.example.",
    ],
)
def test_the_host_of_the_public_address_is_served(site, host):
    assert site("/en/", host=host).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "news.test.example.evil.example",
        "evil-news.test.example",
        "localhost",
        "127.0.0.1",
        "[::1]:80",
        "test.example",
    ],
)
def test_other_hosts_are_misdirected(site, host):
    refused = site("/en/", host=host)
    assert refused.status == 421
    assert "evil" not in refused.text


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "a@news.test.example",
        "news.test.example/x",
        "news.test.example:x",
        "[::1",
        "é.example",
        "news.test.example, evil.example",
        "x" * 300,
        "news.test.example?x",
        "news.test.example#x",
        " ",
    ],
)
def test_a_host_that_is_none_is_refused(site, host):
    assert site("/en/", host=host).status == 400


def test_two_hosts_are_refused(site):
    assert site("/en/", headers={"Host": "news.test.example"}).status == 400


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080", "[::1]:8080", "site.localhost"])
def test_whoever_sits_at_this_machine_may_use_its_own_names(site, host):
    seen = site("/en/", host=host, client="127.0.0.1")
    assert seen.status == 200
    assert seen["strict-transport-security"] == ""


def test_a_name_that_is_not_ours_is_refused_also_to_this_machine(site):
    """A page elsewhere whose name was pointed at 127.0.0.1 must not read us (DNS rebinding)."""
    assert site("/en/", host="evil.example", client="127.0.0.1").status == 421


def test_https_alone_is_said_under_the_public_name_where_it_is_https(site):
    for path in ("/en/", "/nothing", "/signup/"):
        assert site(path)["strict-transport-security"] == HSTS[1].decode()


def test_without_https_nothing_is_said_of_it(tmp_path, folders, asgi):
    folders.write_project(tmp_path)
    text = (tmp_path / "settings.yaml").read_text().replace("https://news.test.example", "http://127.0.0.1:8080")
    (tmp_path / "settings.yaml").write_text(text)
    app = make_app(tmp_path)
    made = make_site(app, web_settings(app))
    seen = asgi.ask(made, "/nothing", host="127.0.0.1:8080", client="127.0.0.1")
    assert seen.status == 404
    assert seen["strict-transport-security"] == ""
    app.close()


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://News.example", Place(host="news.example", prefix="", secure=True)),
        ("https://news.example:8443/a/b", Place(host="news.example", prefix="/a/b", secure=True)),
        ("http://127.0.0.1:8080", Place(host="127.0.0.1", prefix="", secure=False)),
    ],
)
def test_the_place_comes_from_settings_alone(url, place):
    assert Place.of(url) == place


# Methods and paths


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND", "get", "X" * 50])
def test_other_methods_are_refused(site, method):
    refused = site("/en/", method)
    assert refused.status == 405
    assert refused["allow"] == "GET, HEAD, OPTIONS, POST"


def test_a_route_says_which_methods_it_has(site, taken):
    refused = site("/hooks/ses")
    assert (refused.status, refused["allow"]) == (405, "POST")


def test_a_path_that_is_too_long_and_too_many_headers_are_refused(site):
    assert site("/" + "x" * 3_000).status == 404
    assert site("/en/", headers=[(f"x-{n}", "y") for n in range(150)]).status == 400


def test_a_site_in_a_folder_serves_nothing_outside_of_it(tmp_path, folders, asgi, monkeypatch):
    monkeypatch.setattr(site_module.people, "routes", posting)
    folders.write_project(tmp_path)
    text = (
        (tmp_path / "settings.yaml")
        .read_text()
        .replace("https://news.test.example", "https://news.test.example/news")
    )
    (tmp_path / "settings.yaml").write_text(text)
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / "index.html").write_text("<p>Words</p>")
    app = make_app(tmp_path)
    made = make_site(app)
    assert asgi.ask(made, "/news/").status == 200
    assert asgi.ask(made, "/news/signup/").status == 200
    assert (
        asgi.ask(made, "/newsx/").status == asgi.ask(made, "/").status == asgi.ask(made, "/signup/").status == 404
    )
    lost = asgi.ask(made, "/news/nothing")
    sheets = re.findall(r'href="(/news/static/[^"]+)"', lost.text)
    assert len(sheets) == 3
    assert '<html lang="ro"' in asgi.ask(made, "/news/ro/nimic").text
    assert all(asgi.ask(made, sheet).status == 200 for sheet in sheets)
    app.close()


# What answers carry


@pytest.mark.parametrize("path", ["/signup/", "/nothing", "/u/bad", "/ro/nothing", "/hooks/ses"])
def test_what_we_answer_ourselves_is_strict(site, path):
    seen = site(path)
    assert seen["x-content-type-options"] == "nosniff"
    assert seen["referrer-policy"] == "no-referrer"
    assert seen["cache-control"] == "no-store"
    said = seen["content-security-policy"]
    assert said.startswith("default-src 'none'")
    assert "unsafe" not in said
    assert "script" not in said


def test_a_missing_page_speaks_the_language_of_its_address(site):
    assert 'lang="ro"' in site("/ro/nimic").text
    assert "Pagina nu a fost găsită" in site("/ro/nimic").text
    assert 'lang="en"' in site("/xx/nothing").text
    lost = site("/nothing")
    assert (lost.status, lost["content-type"]) == (404, "text/html; charset=utf-8")
    assert "noindex" in lost.text
    assert "<script" not in lost.text
    assert "Co-funded by the European Union" in lost.text


def test_the_frames_style_sheets_and_visual_are_there_and_are_kept_for_ever(site):
    page = site("/nothing").text
    links = re.findall(r'(?:href|src)="(?:https://news.test.example)?(/(?:static|media)/[^"]+)"', page)
    assert len(links) == 4
    for link in links:
        seen = site(link)
        assert seen.status == 200
        assert "immutable" in seen["cache-control"]


def test_hostile_21_a_missing_page_repeats_nothing_of_the_request(site):
    lost = site(
        "/<script>alert(1)</script>",
        headers={"User-Agent": "<script>x</script>", "Referer": "https://evil.example"},
    )
    assert lost.status == 404
    assert "alert" not in lost.text
    assert "evil" not in lost.text


def test_a_bug_is_answered_without_its_words(project, asgi, monkeypatch):
    monkeypatch.setattr(site_module.people, "routes", posting)
    made, sent = make_site(project), []
    with pytest.raises(RuntimeError):
        asgi.ask(Recording(made, sent), "/broken")
    start = sent[0]
    headers = dict(start["headers"])
    assert start["status"] == 500
    assert b"secret detail" not in sent[1]["body"]
    assert headers[b"content-security-policy"].startswith(b"default-src 'none'")
    assert headers[b"cache-control"] == b"no-store"


class Recording:
    """An application whose answer is kept, although it raises afterwards."""

    def __init__(self, app, sent) -> None:
        self._app, self._sent = app, sent

    async def __call__(self, scope, receive, send):
        async def keeping(message):
            self._sent.append(message)

        await self._app(scope, receive, keeping)


def test_slashes_are_never_mended_by_the_host_of_a_request(site):
    assert site("/signup").status == 404


# Bodies


def test_a_body_up_to_the_limit_is_taken(site):
    body = b"x" * BODY_LIMIT
    assert site("/signup/", "POST", headers={"Content-Length": str(len(body))}, chunks=[body]).text == str(
        BODY_LIMIT
    )


def test_hostile_12_a_declared_body_of_3_megabytes_is_refused_unread(site):
    refused = site("/signup/", "POST", headers={"Content-Length": "3000000"}, chunks=[])
    assert refused.status == 413
    assert refused["content-security-policy"]


def test_hostile_12_an_undeclared_body_is_refused_at_the_limit(site):
    chunks = (b"x" * 1_000 for _ in range(3_000))
    assert site("/signup/", "POST", headers={"Transfer-Encoding": "chunked"}, chunks=chunks).status == 413


def test_hostile_12_a_declared_size_that_is_a_lie_does_not_help(site):
    chunks = [b"x" * 40_000] * 3
    assert site("/signup/", "POST", headers={"Content-Length": "10"}, chunks=chunks).status == 413


@pytest.mark.parametrize("length", ["-1", "1e9", "9" * 30, "abc", "٣"])
def test_hostile_12_a_length_that_is_no_number_is_too_large(asgi, length, site):
    headers = [("Content-Length", length)] if length.isascii() else [("Content-Length", "\xb3")]
    assert site("/signup/", "POST", headers=headers).status == 413


def test_a_body_that_nobody_reads_is_nobodys_business(site):
    assert site("/u/good", "POST", chunks=(b"x" * 1_000 for _ in range(3_000))).status == 200


# How often


def test_so_many_requests_a_minute_and_then_429_until_time_has_passed(site, timer):
    web = WebSection(per_minute=60)
    assert [site("/en/", web=web).status for _ in range(60)] == [200] * 60
    refused = site("/en/", web=web)
    assert refused.status == 429
    assert refused["retry-after"] == "1"
    assert site("/en/", web=web, client="192.0.2.8").status == 200
    timer.now += 1.0
    assert [site("/en/", web=web).status for _ in range(2)] == [200, 429]


def test_forms_have_a_limit_of_their_own(site):
    web = WebSection(posts_per_minute=3)
    assert [site("/signup/", "POST", web=web).status for _ in range(4)] == [200, 200, 200, 429]
    assert site("/signup/", web=web).status == 200


def test_no_limit_where_settings_say_0(site):
    web = WebSection(per_minute=0, posts_per_minute=0)
    assert {site("/signup/", "POST", web=web).status for _ in range(100)} == {200}


def test_hostile_12_one_address_may_unsubscribe_a_thousand_people(site):
    assert {site("/u/good", "POST").status for _ in range(1_000)} == {200}


def test_hostile_13_whoever_guesses_tokens_is_stopped_and_honest_requests_are_not_charged(site, timer):
    web = WebSection(posts_per_minute=5)
    assert [site("/u/good", "POST", web=web).status for _ in range(20)] == [200] * 20
    assert [site("/u/bad", "POST", web=web).status for _ in range(6)] == [404] * 5 + [429]
    assert site("/u/good", "POST", web=web).status == 429
    assert site("/u/good", "POST", web=web, client="192.0.2.8").status == 200
    timer.now += 12.0
    assert site("/u/good", "POST", web=web).status == 200


def test_looking_at_personal_pages_costs_as_much_as_looking_at_others(site):
    web = WebSection(per_minute=3)
    assert [site("/u/good", web=web).status for _ in range(4)] == [200, 200, 200, 429]


def test_hostile_13_a_token_stands_in_no_log(site, caplog):
    caplog.set_level("DEBUG")
    site("/u/0123456789abcdefghijklmnopqrstuvwxyz")
    assert "0123456789abcdef" not in caplog.text


def test_a_household_with_ipv6_is_one_place():
    assert place_of("2001:db8:1:2::1") == place_of("2001:db8:1:2:ffff::9") == "2001:db8:1:2::/64"
    assert place_of("2001:db8:1:3::1") != place_of("2001:db8:1:2::1")
    assert place_of("::ffff:192.0.2.7") == place_of("192.0.2.7") == "192.0.2.7"
    assert place_of("") == ""
    assert len(place_of("x" * 500)) == 60


def test_hostile_24_addresses_that_are_remembered_are_bounded(timer, monkeypatch):
    monkeypatch.setattr(callers, "REMEMBERED", 100)
    rates = Rates(10, timer)
    for number in range(1_000):
        rates.charge(f"a{number}")
    assert len(rates) <= 100
    timer.now += 61
    rates.charge("new")
    for number in range(200):
        rates.charge(f"b{number}")
    assert len(rates) <= 100


def test_rates_refill_evenly(timer):
    rates = Rates(60, timer)
    for _ in range(60):
        assert rates.wait("a") == 0
        rates.charge("a")
    assert rates.wait("a") == pytest.approx(1.0, abs=0.001)
    timer.now += 30
    assert rates.wait("a") == 0
    for _ in range(30):
        rates.charge("a")
    assert rates.wait("a") > 0


# Proxies


@pytest.mark.parametrize(
    ("peer", "forwarded", "origin"),
    [
        ("10.0.0.5", "198.51.100.9", "198.51.100.9"),
        ("10.0.0.5", "203.0.113.1, 198.51.100.9", "198.51.100.9"),
        ("10.0.0.5", "198.51.100.9, 10.0.0.7", "198.51.100.9"),
        ("10.0.0.5", "evil, 198.51.100.9", "198.51.100.9"),
        ("10.0.0.5", "198.51.100.9, evil", "10.0.0.5"),
        ("10.0.0.5", "10.0.0.6, 10.0.0.7", "10.0.0.5"),
        ("10.0.0.5", "", "10.0.0.5"),
        ("10.0.0.5", ",,,", "10.0.0.5"),
        ("10.0.0.5", "x" * 9_000, "10.0.0.5"),
        ("::ffff:10.0.0.5", "198.51.100.9", "198.51.100.9"),
        ("192.0.2.7", "198.51.100.9", "192.0.2.7"),
        ("", "198.51.100.9", ""),
    ],
)
def test_only_what_our_own_proxies_add_is_believed(peer, forwarded, origin):
    assert Callers(["10.0.0.0/8"]).origin(peer, forwarded.encode()) == origin


def test_nobody_is_believed_where_settings_name_nobody(site):
    web = WebSection(per_minute=2)
    asked = [site("/en/", web=web, headers={"X-Forwarded-For": f"198.51.100.{n}"}).status for n in range(3)]
    assert asked == [200, 200, 429]


def test_behind_a_proxy_readers_are_told_apart(site):
    web = WebSection(per_minute=2, trusted_proxies=["127.0.0.1"])
    for number in range(5):
        seen = site(
            "/en/", web=web, client="127.0.0.1", headers={"X-Forwarded-For": f"6.6.6.6, 198.51.100.{number}"}
        )
        assert seen.status == 200
    lines = [("X-Forwarded-For", "198.51.100.9"), ("X-Forwarded-For", "203.0.113.4")]
    assert [site("/en/", web=web, client="127.0.0.1", headers=lines).status for _ in range(3)] == [200, 200, 429]


def test_sign_ups_are_counted_by_the_proxys_own_line_not_by_the_one_that_a_stranger_sent(site):
    web = WebSection(trusted_proxies=["127.0.0.1"])
    lines = [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "203.0.113.4")]
    assert site("/who", web=web, client="127.0.0.1", headers=lines).text == "203.0.113.4"
    assert site("/who", web=web, headers=lines).text == PERSON


def test_a_proxy_that_settings_do_not_name_is_warned_of_once(site, caplog):
    for _ in range(3):
        site("/en/", client="127.0.0.1", headers={"X-Forwarded-For": "198.51.100.9"})
    assert caplog.text.count("web.trusted_proxies") == 1
    assert "198.51.100.9" not in caplog.text


# Hooks


def test_a_hook_gets_what_was_posted(site, taken):
    seen = site("/hooks/ses", "POST", headers=[("X-A", "1"), ("X-A", "2")], chunks=[b"{", b"}"])
    assert seen.status == 200
    provider, headers, body = taken.calls[0]
    assert (provider, body) == ("ses", b"{}")
    assert headers["x-a"] == "1, 2"


def test_hostile_11_looking_at_a_hook_changes_nothing(site, taken):
    assert [site("/hooks/ses", method).status for method in ("GET", "HEAD", "OPTIONS")] == [405, 405, 405]
    assert taken.calls == []


@pytest.mark.parametrize(
    ("error", "status", "later"),
    [
        (ForgedError("hooks: ses: secret words"), 403, ""),
        (UnavailableError("ses: no certificate"), 503, "60"),
        (StoreError("database: locked"), 503, "60"),
        (BusyError("held"), 503, "60"),
    ],
)
def test_hostile_09_what_cannot_be_taken_now_is_never_said_to_be_done(site, taken, error, status, later):
    taken.raises = error
    refused = site("/hooks/ses", "POST")
    assert (refused.status, refused["retry-after"]) == (status, later)
    assert "secret" not in refused.text


def test_a_time_that_the_other_side_named_is_passed_on(site, taken):
    taken.raises = UnavailableError("later", retry_at=datetime.now(UTC) + timedelta(seconds=600))
    assert 595 <= int(site("/hooks/ses", "POST")["retry-after"]) <= 600
    taken.raises = UnavailableError("later", retry_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert site("/hooks/ses", "POST")["retry-after"] == "1"


def test_a_bundle_of_events_may_be_larger_than_a_form_but_not_endless(site, taken):
    assert site("/hooks/brevo", "POST", chunks=[b"x" * 500_000]).status == 200
    assert site("/hooks/brevo", "POST", chunks=[b"x" * 600_000] * 2).status == 413
    assert len(taken.calls) == 1


def test_a_provider_that_is_none_is_refused_by_the_verb_itself(site):
    for provider in ("nobody", "ses%00", "x" * 500, "../ses"):
        assert site(f"/hooks/{provider}", "POST").status in {403, 404}


def test_hooks_that_are_forged_are_charged_and_real_ones_not(site, taken):
    web = WebSection(posts_per_minute=3)
    assert {site("/hooks/ses", "POST", web=web).status for _ in range(50)} == {200}
    taken.raises = ForgedError("no")
    assert [site("/hooks/ses", "POST", web=web).status for _ in range(4)] == [403, 403, 403, 429]


# Settings and assets


def test_what_was_not_written_by_us_is_the_very_file_that_it_says_to_be():
    folder = shipped("templates") / "public" / "static"
    said = dict(re.findall(r"^(\w+) +(.+)$", (folder / "VENDOR.txt").read_text(), re.MULTILINE))
    assert digest_of((folder / said["file"]).read_bytes()) == said["sha256"]
    assert "2.1.1" in said["package"]
    assert "MIT License" in (folder / "pico.LICENSE.txt").read_text()


@pytest.mark.parametrize(
    "line",
    [
        "host: example.eu",
        "port: 70000",
        "trusted_proxies: [proxy.example]",
        "trusted_proxies: [10.0.0.1/8]",
        "per_minute: -1",
        "prot: 80",
    ],
)
def test_settings_that_are_wrong_are_refused_with_their_line(tmp_path, folders, line):
    folders.write_project(tmp_path)
    with (tmp_path / "settings.yaml").open("a") as stream:
        stream.write(f"web:\n  {line}\n")
    with pytest.raises(SettingsError, match=r"settings.yaml:\d+: web."):
        load(tmp_path / "settings.yaml")


def test_the_defaults_listen_to_this_machine_and_trust_nobody():
    web = WebSection()
    assert (web.serve, web.host, web.trusted_proxies) == (False, "127.0.0.1", [])


def test_every_limit_is_a_number_that_the_guide_names():
    assert guard.BODY_LIMIT == 64 * 1024
    assert sorted(guard.METHODS) == ["GET", "HEAD", "OPTIONS", "POST"]
