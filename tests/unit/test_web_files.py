"""The public folder in memory: what is answered to whom, and what never is."""

from __future__ import annotations

import gzip
import os
import re
import threading
from email.utils import formatdate

import brotli
import pytest

from dissemination.model import Site
from dissemination.render import feed
from dissemination.render.environment import make_environment
from dissemination.render.feed_document import TTL
from dissemination.testing import sample_entry, sample_project
from dissemination.web.public import files as module
from dissemination.web.public.files import FromMemory, PublicFiles, chosen, make_page
from dissemination.web.public.headers import answer
from dissemination.web.public.kinds import GONE, immutable, kind_of

MOMENT = 1_790_000_000
FEED = (
    '<?xml version="1.0"?>\n<rss version="2.0"><channel><title>News</title>'
    + "<item>words</item>" * 60
    + "</channel></rss>"
)
ATOM = '<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title></feed>'
JSON = '{"version": "https://jsonfeed.org/version/1.1", "title": "News", "items": []}'
RSS_WITH_HUB = """<rss xmlns:atom="http://www.w3.org/2005/Atom"><channel>
<atom:link rel="hub" href="https://hub.example/?a=1&amp;b=2"/>
<atom:link href="https://n.example/rss.xml" rel="self"/>
<item><link rel="hub" href="https://no.example/"/></item></channel></rss>"""
ATOM_WITH_HUB = """<feed><link rel='hub' href='https://hub.example/?a=1&amp;b=2'/>
<link rel='self' href='https://n.example/rss.xml'/></feed>"""
JSON_WITH_HUB = """{"version": "https://jsonfeed.org/version/1.1", "feed_url": "https://n.example/rss.xml",
"hubs": [{"type": "WebSub", "url": "https://hub.example/?a=1&b=2"}], "items": []}"""
HTML = "<!doctype html><html><head><style>\np { color: red }\n</style></head><body>" + "<p>Words</p>" * 60
ORIGIN = "https://news.test.example"


@pytest.fixture
def root(tmp_path):
    made = tmp_path / "feeds"
    put(made, "en/social/rss.xml", FEED)
    put(made, "en/social/index.html", HTML)
    return made


@pytest.fixture
def served(root, asgi):
    """Ask for a path of the folder: served("/en/social/", headers={...}); the folder is looked at before."""
    folder = PublicFiles(root)
    app = FromMemory(elsewhere, files=folder, origin=ORIGIN)

    def ask(path, method="GET", **options):
        folder.refresh()
        return asgi.ask(app, path, method, **options)

    return ask


async def elsewhere(scope, receive, send):
    await answer(send, 404, "elsewhere")


def put(root, path, text, moment=MOMENT):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    os.utime(file, (moment, moment))
    return file


def test_a_page_is_found_at_its_folder_and_by_its_name(served):
    assert served("/en/social/").text == HTML
    assert served("/en/social/index.html").text == HTML


def test_a_folder_without_its_slash_leads_to_the_public_address_with_it(served):
    moved = served("/en/social", host="evil.example")
    assert moved.status == 301
    assert moved["location"] == f"{ORIGIN}/en/social/"


def test_what_is_not_there_goes_on_to_the_routes(served):
    assert served("/nothing").text == "elsewhere"
    assert served("/en/social/", "GET", headers={}).status == 200


def test_the_root_folder_needs_no_redirect(served, root):
    put(root, "index.html", HTML)
    assert served("/").text == HTML
    assert served("").text == "elsewhere"


# Media types, caching, headers


@pytest.mark.parametrize(
    ("name", "body", "media"),
    [
        ("rss.xml", FEED, "application/rss+xml; charset=utf-8"),
        ("archive-2026-10.xml", ATOM, "application/atom+xml; charset=utf-8"),
        ("feed.json", JSON, "application/feed+json; charset=utf-8"),
        ("feeds.opml", "<opml/>", "text/x-opml; charset=utf-8"),
        ("list.xml", '<?xml version="1.0"?><!-- all --><opml version="2.0">', "text/x-opml; charset=utf-8"),
        ("sitemap.xml", "<urlset></urlset>", "application/xml; charset=utf-8"),
        ("facts.json", '{"a": 1}', "application/json; charset=utf-8"),
        ("a.jpg", "x", "image/jpeg"),
        ("a.webp", "x", "image/webp"),
        ("page.html", HTML, "text/html; charset=utf-8"),
        ("strange.svg", "<svg onload=alert(1)>", "application/octet-stream"),
        ("noname", "x", "application/octet-stream"),
    ],
)
def test_media_types_follow_what_a_document_is(served, root, name, body, media):
    put(root, name, body)
    seen = served(f"/{name}")
    assert seen["content-type"] == media
    assert seen["x-content-type-options"] == "nosniff"


def test_feeds_are_kept_as_long_as_their_ttl_says(served, root):
    put(root, "rss.xml", f"<rss><channel><ttl>{TTL}</ttl></channel></rss>")
    seen = served("/rss.xml")
    minutes = int(re.search(r"<ttl>(\d+)</ttl>", seen.text)[1])
    assert seen["cache-control"] == f"public, max-age={minutes * 60}"


def test_pictures_by_digest_are_kept_for_ever_and_pages_for_five_minutes(served, root):
    put(root, f"media/{'a1' * 32}.jpg", "x")
    put(root, "media/logo.jpg", "x")
    assert "immutable" in served(f"/media/{'a1' * 32}.jpg")["cache-control"]
    assert served("/media/logo.jpg")["cache-control"] == "public, max-age=300"
    assert served("/en/social/")["cache-control"] == "public, max-age=300"


def test_feeds_may_be_read_by_programs_on_other_sites_also_conditionally_and_pages_not(served):
    feed = served("/en/social/rss.xml")
    assert feed["access-control-allow-origin"] == "*"
    again = served("/en/social/rss.xml", headers={"If-None-Match": feed["etag"]})
    assert again.status == 304
    assert again["access-control-allow-origin"] == "*"
    asked = served("/en/social/rss.xml", "OPTIONS")
    assert asked.status == 204
    assert asked["content-length"] == ""
    assert "if-none-match" in asked["access-control-allow-headers"]
    assert served("/en/social/")["access-control-allow-origin"] == ""
    assert served("/en/social/", "OPTIONS")["access-control-allow-origin"] == ""


def test_a_static_page_may_use_its_own_styles_and_no_script(served):
    said = served("/en/social/")["content-security-policy"]
    assert "default-src 'none'" in said
    assert re.search(r"style-src 'self' 'sha256-[A-Za-z0-9+/]{43}='", said)
    assert "script-src" not in said
    assert "unsafe" not in said
    assert "frame-ancestors 'none'" in said
    assert served("/en/social/rss.xml")["content-security-policy"].startswith("default-src 'none'; base-uri 'none'")


def test_a_letter_as_a_page_is_sandboxed(served, root):
    put(root, "e/weekly-2026-W48/index.html", HTML)
    said = served("/e/weekly-2026-W48/")["content-security-policy"]
    assert said.startswith("sandbox allow-popups")
    assert "allow-scripts" not in said
    assert "form-action 'none'" in said


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("rss.xml", RSS_WITH_HUB),
        ("atom.xml", ATOM_WITH_HUB),
        ("feed.json", JSON_WITH_HUB),
    ],
)
def test_what_a_feed_says_of_its_hub_is_said_by_http_too(served, root, name, body):
    put(root, name, body)
    said = served(f"/{name}")["link"].split(", ")
    assert sorted(said) == ['<https://hub.example/?a=1&b=2>; rel="hub"', '<https://n.example/rss.xml>; rel="self"']


@pytest.mark.parametrize(
    "href", ["javascript:alert(1)", "https://a>b.example", "https://ă.example", "https://a b", ""]
)
def test_a_hub_that_is_no_address_makes_no_header(served, root, href):
    put(root, "atom.xml", f"<feed><link rel='hub' href='{href}'/><link rel='self' href='x'/>")
    assert served("/atom.xml")["link"] == ""


@pytest.mark.parametrize("body", ["{", '{"version": "https://jsonfeed.org/version/1", "hubs": 3}', "[" * 5_000])
def test_json_that_is_broken_is_served_without_links(served, root, body):
    put(root, "feed.json", f'{body} "https://jsonfeed.org/version/1.1"')
    assert served("/feed.json").status == 200


# Encodings


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("br, gzip, deflate", "br"),
        ("gzip, deflate", "gzip"),
        ("GZIP", "gzip"),
        ("gzip;q=0.5, br;q=0", "gzip"),
        ("gzip;q=0", ""),
        ("identity", ""),
        ("", ""),
        ("*", "br"),
        ("*;q=0", ""),
        ("br;q=0, *", "gzip"),
        ("gzip;q=nonsense", ""),
        ("gzip;level=9", "gzip"),
        ("x" * 3_000, ""),
    ],
)
def test_the_smallest_encoding_that_the_reader_takes(served, accepted, coding):
    unpack = {"br": brotli.decompress, "gzip": gzip.decompress, "": bytes}[coding]
    seen = served("/en/social/rss.xml", headers={"Accept-Encoding": accepted} if accepted else {})
    assert seen["content-encoding"] == coding
    assert seen["vary"] == "accept-encoding"
    assert unpack(seen.body).decode() == FEED
    assert int(seen["content-length"]) == len(seen.body)


def test_each_encoding_has_a_strong_tag_of_its_own_made_of_the_bytes(served, root):
    tags = {
        coding: served("/en/social/rss.xml", headers={"Accept-Encoding": coding})["etag"]
        for coding in ("br", "gzip", "")
    }
    assert len(set(tags.values())) == 3
    assert not any(tag.startswith("W/") for tag in tags.values())
    put(root, "copy.xml", FEED, MOMENT + 5)
    assert served("/copy.xml")["etag"] == tags[""]
    put(root, "copy.xml", FEED + " ", MOMENT)
    assert served("/copy.xml")["etag"] != tags[""]


def test_pictures_and_small_files_are_not_packed(served, root):
    put(root, "a.png", b"p" * 5_000)
    put(root, "small.txt", "x")
    for path in ("/a.png", "/small.txt"):
        assert served(path, headers={"Accept-Encoding": "br, gzip"})["content-encoding"] == ""
    assert served("/a.png")["vary"] == ""


def test_packing_twice_gives_the_same_bytes():
    first, second = (make_page(FEED.encode(), kind_of("a.xml", FEED.encode()), MOMENT) for _ in range(2))
    assert [one.body for one in first.variants.values()] == [one.body for one in second.variants.values()]


# Conditional requests


def test_either_validator_is_answered_with_304_that_repeats_what_it_must(served):
    seen = served("/en/social/rss.xml", headers={"Accept-Encoding": "gzip"})
    assert seen["last-modified"] == formatdate(MOMENT, usegmt=True)
    for asked in ({"If-None-Match": seen["etag"]}, {"If-Modified-Since": seen["last-modified"]}):
        again = served("/en/social/rss.xml", headers={"Accept-Encoding": "gzip", **asked})
        assert again.status == 304
        assert again.body == b""
        assert again["etag"] == seen["etag"]
        assert again["cache-control"] == seen["cache-control"]
        assert again["vary"] == seen["vary"]
        assert again["content-length"] == ""


def test_the_tag_of_one_encoding_is_known_whatever_the_reader_takes_now(served):
    """A proxy in front may unpack: what it holds is still what is here."""
    tag = served("/en/social/rss.xml", headers={"Accept-Encoding": "br"})["etag"]
    again = served("/en/social/rss.xml", headers={"If-None-Match": tag})
    assert (again.status, again["etag"]) == (304, tag)


@pytest.mark.parametrize("form", ["W/{}", '"other", {}', "{},", ' {} , "x"', "*", 'W/"a", W/{}'])
def test_lists_weak_tags_and_the_star(served, form):
    tag = served("/en/social/rss.xml")["etag"]
    assert served("/en/social/rss.xml", headers={"If-None-Match": form.format(tag)}).status == 304


def test_tags_on_several_lines_are_one_list(served):
    tag = served("/en/social/rss.xml")["etag"]
    lines = [("If-None-Match", '"a"'), ("If-None-Match", tag)]
    assert served("/en/social/rss.xml", headers=lines).status == 304


def test_the_tag_wins_over_the_time(served):
    later = formatdate(MOMENT + 9_999, usegmt=True)
    asked = {"If-None-Match": '"other"', "If-Modified-Since": later}
    assert served("/en/social/rss.xml", headers=asked).status == 200


@pytest.mark.parametrize(
    ("since", "status"),
    [
        (formatdate(MOMENT - 1, usegmt=True), 200),
        (formatdate(MOMENT + 1, usegmt=True), 304),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 200),
        ("yesterday", 200),
        ("", 200),
        ("99999999999999999999", 200),
        ("Mon, 99 Foo 9999 99:99:99 GMT", 200),
        ("x" * 5_000, 200),
    ],
)
def test_times_that_are_none_are_no_condition(served, since, status):
    assert served("/en/social/rss.xml", headers={"If-Modified-Since": since}).status == status


def test_a_tag_that_is_huge_or_broken_is_no_condition(served):
    for tags in ('"' * 5_000, "W/" * 3_000, ",,,,", '"é"'):
        assert served("/en/social/rss.xml", headers={"If-None-Match": tags}).status == 200


def test_head_says_the_same_without_the_body(served):
    for packed in ({}, {"Accept-Encoding": "gzip"}):
        whole, head = (served("/en/social/rss.xml", method, headers=packed) for method in ("GET", "HEAD"))
        assert head.headers == whole.headers
        assert head.body == b""


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_files_can_only_be_read(served, method):
    refused = served("/en/social/rss.xml", method)
    assert refused.status == 405
    assert refused["allow"] == "GET, HEAD, OPTIONS"


# Withdrawn, missing


def test_what_was_withdrawn_is_written_as_the_server_looks_for_it(served, root):
    project = sample_project()
    entry = sample_entry(withdrawn=True, title="long " * 2_000)
    made = feed.files([entry], project, Site(public_url=project.public_url), make_environment())
    name = f"{entry.path}index.html"
    assert kind_of(name, made[name]).status == 410
    assert kind_of("index.html", made["index.html"]).status == 200
    put(root, name, made[name].decode())
    assert served(f"/{entry.path}").status == 410


def test_the_pages_of_an_edition_may_use_our_style_sheet_and_no_other():
    said = dict(kind_of("e/weekly/en/index.html", HTML.encode()).headers)[b"content-security-policy"]
    assert b"style-src 'self';" in said
    assert said.startswith(b"sandbox ")


def test_the_style_sheet_of_pages_is_kept_for_ever():
    for name, kept in (("assets/pages.0123456789abcdef.css", True), ("assets/pages.css", False)):
        cached = dict(kind_of(name, b"p{}").headers)[b"cache-control"]
        assert (b"immutable" in cached) is kept


def test_a_withdrawn_page_is_answered_410_with_its_notice_and_never_304(served, root):
    put(root, "en/news/old/index.html", HTML.replace("<head>", f"<head>{GONE.decode()}"))
    seen = served("/en/news/old/")
    assert seen.status == 410
    assert "Words" in seen.text
    assert served("/en/news/old/", headers={"If-None-Match": seen["etag"]}).status == 410


def test_words_about_withdrawing_in_the_text_withdraw_nothing(served, root):
    put(root, "en/news/new/index.html", HTML + "x" * 9_000 + GONE.decode())
    put(root, "feed.xml", ATOM.replace("News", GONE.decode()))
    assert served("/en/news/new/").status == 200
    assert served("/feed.xml").status == 200


def test_the_static_hosts_error_page_is_one_here_too(served, root):
    put(root, "404.html", HTML)
    assert served("/404.html").status == 404


# Reloading


def test_a_changed_file_is_seen_at_the_next_look_and_only_it_is_read(root, monkeypatch):
    folder = PublicFiles(root)
    read = []
    monkeypatch.setattr(
        module, "read_below", lambda root, path, limit: read.append(path) or (root / path).read_bytes()
    )
    before = folder.find("/en/social/rss.xml").variants[b""].tag
    put(root, "en/social/rss.xml", FEED.replace("words", "wards"))  # same size, same time
    assert folder.refresh() == 1
    assert read == ["en/social/rss.xml"]
    assert folder.find("/en/social/rss.xml").variants[b""].tag != before
    assert folder.refresh() == 0


def test_a_removed_file_is_gone_and_a_folder_may_come_later(tmp_path, root):
    folder = PublicFiles(tmp_path / "later")
    assert len(folder) == 0
    (tmp_path / "later").symlink_to(root)
    assert folder.refresh() == 2
    (root / "en/social/rss.xml").unlink()
    assert folder.refresh() == 1
    assert folder.find("/en/social/rss.xml") is None
    assert folder.find("/en/social/") is not None


def test_the_thread_looks_by_itself_and_goes_on_after_trouble(root, monkeypatch, caplog):
    monkeypatch.setattr(module, "PAUSE", 0.01)
    folder = PublicFiles(root)
    troubles, seen = [OSError("disk")], threading.Event()
    refresh = folder.refresh

    def looking():
        if troubles:
            raise troubles.pop()
        if refresh():
            seen.set()

    monkeypatch.setattr(folder, "refresh", looking)
    folder.start()
    put(root, "new.txt", "new")
    assert seen.wait(10)
    folder.stop()
    assert folder.find("/new.txt") is not None
    assert "cannot be read" in caplog.text
    assert not folder._thread.is_alive()


def test_a_request_never_touches_the_disk(served, asgi, root, monkeypatch):
    app = FromMemory(elsewhere, files=PublicFiles(root), origin=ORIGIN)
    monkeypatch.setattr(module.os, "scandir", None)
    monkeypatch.setattr(module, "read_below", None)
    assert asgi.ask(app, "/en/social/rss.xml").status == 200
    assert asgi.ask(app, "/en/social/nothing.xml").text == "elsewhere"


def test_what_is_read_half_is_read_again(root, monkeypatch):
    """The file was replaced between the look and the reading."""

    def missing(*_, **__):
        raise FileNotFoundError

    with monkeypatch.context() as patch:
        patch.setattr(module, "read_below", missing)
        folder = PublicFiles(root)
        assert len(folder) == 0
    assert folder.refresh() == 2
    assert folder.find("/en/social/") is not None


# Large files


@pytest.fixture
def large(root, monkeypatch):
    monkeypatch.setattr(module, "LARGE", 1_000)
    return put(root, "report.pdf", b"%PDF" + b"x" * 5_000)


def test_a_large_file_is_read_for_each_request_and_not_kept(served, large, root):
    seen = served("/report.pdf", headers={"Accept-Encoding": "gzip"})
    assert seen.body == large.read_bytes()
    assert seen["content-encoding"] == ""
    assert served("/report.pdf", headers={"If-None-Match": seen["etag"]}).status == 304
    head = served("/report.pdf", "HEAD")
    assert head.body == b""
    assert head["content-length"] == "5004"
    assert sum(len(one.body) for one in PublicFiles(root).find("/report.pdf").variants.values()) == 0


def test_a_large_file_that_changes_meanwhile_is_not_served_half(root, large, asgi):
    app = FromMemory(elsewhere, files=PublicFiles(root), origin=ORIGIN)
    large.write_bytes(b"short")
    assert asgi.ask(app, "/report.pdf").status == 503
    large.unlink()
    assert asgi.ask(app, "/report.pdf").status == 404


# What must never be read (security, 5.17)


@pytest.mark.parametrize(
    "path",
    [
        "/../settings.yaml",
        "/en/../../settings.yaml",
        "//etc/passwd",
        "/etc/passwd",
        "/en/social/../../../settings.yaml",
        "/..\\settings.yaml",
        "/en/social/rss.xml\0.html",
        "/./en/social/rss.xml",
        "/en//social/rss.xml",
        "/%2e%2e/settings.yaml",
        "/en/social/rss.xml/",
        "/" + "a/" * 5_000,
    ],
)
def test_hostile_17_no_path_leads_out_of_the_folder(served, root, path):
    (root.parent / "settings.yaml").write_text("secret")
    assert served(path).text == "elsewhere"


def test_hostile_17_links_devices_and_hidden_files_are_not_served(served, root, tmp_path):
    (tmp_path / "secret.txt").write_text("secret")
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    (root / "outside").symlink_to(tmp_path)
    (root / "loop").symlink_to(root)
    os.mkfifo(root / "pipe.txt")
    put(root, ".env", "secret")
    put(root, ".git/config", "secret")
    put(root, ".rss.xml.x7", "half a feed")
    put(root, "rss.xml.gz", "packed")
    put(root, ".well-known/security.txt", "Contact: mailto:a@b.example")
    (root / os.fsdecode(b"bad\xff.txt")).write_text("x")
    paths = ["/link.txt", "/outside/secret.txt", "/loop/en/social/rss.xml", "/pipe.txt", "/.env", "/.git/config"]
    for path in [*paths, "/.rss.xml.x7", "/rss.xml.gz", "/bad\udcff.txt"]:
        folder = PublicFiles(root)
        assert folder.find(path) is None, path
    assert served("/.well-known/security.txt").status == 200


def test_what_is_written_for_web_servers_is_not_served_and_a_line_below_elsewhere_is_nothing_special(root):
    put(root, "_gone.map", '"/en/news/x/" 1;')
    put(root, "_own/x.html", "x")
    put(root, "en/_x/index.html", "x")
    folder = PublicFiles(root)
    assert folder.find("/_gone.map") is folder.find("/_own/x.html") is None
    assert folder.find("/en/_x/") is not None


def test_hostile_17_a_file_that_becomes_a_link_between_look_and_reading_is_not_read(root, tmp_path, monkeypatch):
    (tmp_path / "secret.txt").write_text("secret")
    real = module.read_below

    def swapped(folder, path, *, limit):
        (folder / path).unlink()
        (folder / path).symlink_to(tmp_path / "secret.txt")
        return real(folder, path, limit=limit)

    monkeypatch.setattr(module, "read_below", swapped)
    folder = PublicFiles(root)
    assert folder.find("/en/social/rss.xml") is None


def test_hostile_17_a_file_beyond_the_limit_is_not_served(served, root, monkeypatch):
    monkeypatch.setattr(module, "MOST", 100)
    put(root, "huge.txt", "x" * 101)
    assert served("/huge.txt").text == "elsewhere"


def test_hostile_21_no_header_of_a_request_changes_what_is_answered(served):
    """What caches keep must not depend on what a stranger says."""
    plain = served("/en/social/")
    names = ("X-Forwarded-Host", "X-Original-URL", "User-Agent", "Range", "Accept", "Cookie", "Referer", "Origin")
    poisoned = dict.fromkeys(names, "<script>https://evil.example/</script>")
    assert served("/en/social/", headers=poisoned) == plain


# Assets, prefixes


def test_assets_are_kept_for_ever(asgi, tmp_path):
    page = make_page(b"p{}" * 200, immutable("style.css", b"p{}" * 200), 0.0)
    app = FromMemory(elsewhere, files=PublicFiles(tmp_path, fixed={"/static/style.1.css": page}), origin=ORIGIN)
    seen = asgi.ask(app, "/static/style.1.css", headers={"Accept-Encoding": "br"})
    assert seen["cache-control"] == "public, max-age=31536000, immutable"
    assert seen["content-type"].startswith("text/css")
    assert seen["content-encoding"] == "br"


def test_a_site_below_a_folder_is_served_below_it_alone(asgi, root):
    app = FromMemory(elsewhere, files=PublicFiles(root, prefix="/news"), origin=ORIGIN)
    assert asgi.ask(app, "/news/en/social/").status == 200
    assert asgi.ask(app, "/news/en/social")["location"] == f"{ORIGIN}/news/en/social/"
    assert asgi.ask(app, "/en/social/").text == "elsewhere"


def test_the_file_itself_is_always_among_the_variants():
    page = make_page(b"", kind_of("a.txt", b""), MOMENT)
    assert chosen(page.variants, b"br, gzip").body == b""
