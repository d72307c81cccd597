"""Static mode: nginx and Caddy with our sample configurations say of each file what our own server says of it."""

from __future__ import annotations

import http.client
import re
import socket

import pytest
import web_servers
from feed_rules import MEDIA_TYPES, served
from pressroom import Pressroom
from web_servers import FOLDER, HOST, Caddy, Nginx, WebServer

from dissemination.model import Site
from dissemination.render.environment import make_environment
from dissemination.render.feed import GONE_MAP, files
from dissemination.testing import sample_project

SITE = Site(public_url=f"https://{HOST}")
HUB = "https://hub.example/"
GZIP = {"Accept-Encoding": "gzip"}
LONG = "a-very-long-address-" * 6 + "indeed"
#: What a file is -> its path; three are found out.
FILES = {
    "RSS": "/en/social/rss.xml",
    "Atom": "/en/social/atom.xml",
    "JSON Feed": "/en/social/feed.json",
    "Atom in Romanian": "/ro/all/atom.xml",
    "archive in RSS": "/en/social/archive/2026-11/rss.xml",
    "archive in Atom": "/en/social/archive/2026-11/atom.xml",
    "a category called archive": "/en/archive/rss.xml",
    "OPML": "/feeds/feeds.opml",
    "all feeds": "/feeds/",
    "front page": "/",
    "feed's page": "/en/social/",
    "feed's page by its file": "/en/social/index.html",
    "item": "/en/news/title-of-first/",
    "withdrawn item": f"/en/news/{LONG}/",
    "withdrawn item by its file": f"/en/news/{LONG}/index.html",
    "letter": "/e/weekly-2026-W47/en/",
    "words": "/robots.txt",
    "other XML": "/sitemap.xml",
    "other JSON": "/facts.json",
    "well known": "/.well-known/security.txt",
    "nobody knows": "/en/thing.xyz",
    "picture": "png",
    "attached file": "pdf",
    "style sheet": "css",
}
#: Headers that must be the same.
SAME = (
    "content-type",
    "cache-control",
    "content-encoding",
    "content-security-policy",
    "cross-origin-opener-policy",
    "referrer-policy",
    "strict-transport-security",
    "x-content-type-options",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "link",
    "vary",
)
OTHERS = ("nginx", "caddy")
FEEDS = ("RSS", "Atom", "JSON Feed")


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """A project that has published everything that there can be."""
    categories = {"category": "Social", "categories": {"Social": [], "Archive": []}}
    with Pressroom(tmp_path_factory.mktemp("room") / "project", websub={"hub": HUB}, taxonomy=categories) as made:
        made.move(f"https://{HOST}")
        folder = made.item("first", attachments=["plan.pdf"], categories=["Social", "Archive"]).parent
        (folder / "plan.pdf").write_bytes(b"%PDF-1.7 plan")
        picture = (folder / "picture.png").read_bytes()
        made.item("noutate", lang="ro", title="Știri")
        for number in range(31):
            other = made.root / "news" / f"other{number}"
            other.mkdir()
            (other / "picture.png").write_bytes(picture)
            made.item(other.name, image=None, slug=LONG if number == 30 else None)
        made.publish()
        made.item("other30", image=None, slug=LONG, status="withdrawn")
        made.publish()
        _beside(made.root / "feeds")
        made.site.state.files.refresh()
        yield made


def _beside(feeds):
    """What others write into the folder."""
    page = "<!doctype html><title>Letter</title>" + "<p>Words of a letter.</p>" * 20
    lines = "# Words of a file that is not so short that nobody would pack it.\n" * 10
    for path, body in {
        "e/weekly-2026-W47/en/index.html": page,
        "robots.txt": lines,
        "sitemap.xml": f"<urlset>{'<url>x</url>' * 50}</urlset>",
        "facts.json": f'{{"a": "{"x" * 300}"}}',
        ".well-known/security.txt": lines,
        "en/thing.xyz": "abc",
        "en/social/rss.xml.gz": "an old twin",
        ".git/config": lines,
        ".htpasswd": lines,
        "en/.hidden/file.txt": lines,
    }.items():
        (feeds / path).parent.mkdir(parents=True, exist_ok=True)
        (feeds / path).write_text(body)


@pytest.fixture(scope="module")
def own(room):
    """Our own server."""
    return WebServer(room.server.port)


@pytest.fixture(scope="module")
def nginx(room, certificate, needed, tmp_path_factory):
    """nginx with our sample, its line for the hub switched on."""
    needed(web_servers.lack("nginx"))
    changes = {FOLDER: str(room.root / "feeds"), "    # ~^(?<news_self>": "    ~^(?<news_self>"}
    with Nginx(tmp_path_factory.mktemp("nginx") / "run", "nginx.conf", certificate, changes) as made:
        yield made


@pytest.fixture(scope="module")
def caddy(room, needed, tmp_path_factory):
    """Caddy with our sample, its line for the hub switched on."""
    needed(web_servers.lack("caddy"))
    changes = {FOLDER: str(room.root / "feeds"), "\t# header @current": "\theader @current"}
    with Caddy(tmp_path_factory.mktemp("caddy") / "run", "Caddyfile", changes) as made:
        yield made


@pytest.fixture(params=OTHERS)
def other(request):
    """One of the others."""
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["own", *OTHERS])
def server(request):
    """Each of the three."""
    return request.getfixturevalue(request.param)


def path_of(room, what: str) -> str:
    """A file's path; pictures and the like are found by their ending."""
    if FILES[what].startswith("/"):
        return FILES[what]
    feeds = room.root / "feeds"
    return "/" + min(feeds.rglob(f"*.{FILES[what]}")).relative_to(feeds).as_posix()


def told(answer) -> dict[str, object]:
    """What must be the same, in one spelling."""
    facts: dict[str, object] = {name: answer[name] for name in SAME}
    facts |= {"status": answer.status, "link": set(filter(None, answer["link"].split(", ")))}
    # What is short or not found is packed by one and not by another.
    if answer.status != 200 or not answer["content-encoding"]:
        return facts | {"content-encoding": "", "vary": ""}
    return facts | {"vary": answer["vary"].lower()}


@pytest.mark.parametrize("what", FILES)
def test_a_file_has_the_same_headers_everywhere(room, own, other, what):
    path = path_of(room, what)
    assert told(other.ask(path, GZIP)) == told(own.ask(path, GZIP))


@pytest.mark.parametrize("what", FILES)
def test_a_file_has_the_same_bytes_everywhere(room, own, other, what):
    path = path_of(room, what)
    assert other.ask(path).body == own.ask(path).body
    head = other.ask(path, method="HEAD")
    assert (head.status, head.body) == (own.ask(path).status, b"")


@pytest.mark.parametrize("what", [name for name, path in FILES.items() if path.endswith(tuple(MEDIA_TYPES))])
def test_the_validator_has_nothing_to_say_of_a_feed_over_http(server, what):
    answer = server.ask(FILES[what])
    assert served(f"https://{HOST}{FILES[what]}", answer.body, answer["content-type"]) == []


@pytest.mark.parametrize("what", [*FEEDS, "OPML", "archive in RSS", "item", "picture", "style sheet"])
def test_what_is_known_is_answered_304(room, server, what):
    path = path_of(room, what)
    for encoding in ({}, GZIP):
        first = server.ask(path, encoding)
        assert first.status == 200
        for question in (
            {"If-None-Match": first["etag"]},
            {"If-None-Match": f'"x", {first["etag"]}'},
            {"If-Modified-Since": first["last-modified"]},
            {"If-None-Match": first["etag"], "If-Modified-Since": first["last-modified"]},
        ):
            again = server.ask(path, encoding | question)
            assert (again.status, again.body) == (304, b"")
            assert again["cache-control"] == first["cache-control"]
            assert again["etag"].removeprefix("W/") == first["etag"].removeprefix("W/")
            assert again["access-control-allow-origin"] == first["access-control-allow-origin"]
        for question in (
            {"If-None-Match": '"x"'},
            {"If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
            {"If-None-Match": '"x"', "If-Modified-Since": first["last-modified"]},
        ):
            assert server.ask(path, encoding | question).status == 200


def test_what_is_withdrawn_is_answered_410_whatever_is_known(room, server):
    for what in ("withdrawn item", "withdrawn item by its file"):
        first = server.ask(path_of(room, what))
        again = server.ask(path_of(room, what), {"If-None-Match": first["etag"] or "*"})
        assert (first.status, again.status) == (410, 410)
        assert "withdrawn" in again.body.decode().lower()


@pytest.mark.parametrize("what", FEEDS)
def test_a_reader_in_a_browser_may_ask_whether_something_is_new(room, server, what):
    asked = {
        "Origin": "https://reader.example",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "if-none-match",
    }
    answer = server.ask(path_of(room, what), asked, "OPTIONS")
    assert answer.status == 204
    assert answer["access-control-allow-origin"] == "*"
    assert "GET" in answer["access-control-allow-methods"]
    assert "if-none-match" in answer["access-control-allow-headers"]
    assert answer["access-control-max-age"] == "86400"


def test_pages_are_not_for_programs_on_other_sites(room, server):
    answer = server.ask(path_of(room, "item"), {"Origin": "https://evil.example"})
    assert answer["access-control-allow-origin"] == ""


@pytest.mark.parametrize(
    "path",
    [
        "/_gone.map",
        "/_gone.json",
        "/.git/config",
        "/.htpasswd",
        "/en/.hidden/file.txt",
        "/%2egit/config",
        "/%5fgone.map",
        "/en/social/rss.xml.gz",
        "/.well-known/../.git/config",
        "/../settings.yaml",
        "/%2e%2e/settings.yaml",
        "/en/..%2f..%2fsettings.yaml",
        "/nothing/",
        "/nothing/rss.xml",
        "/e/nothing/",
    ],
)
def test_hidden_files_and_what_is_not_there_are_refused_and_not_kept(server, path):
    answer = server.ask(path)
    assert answer.status in {400, 404}
    assert b"public_url" not in answer.body
    assert b"Words of a file" not in answer.body
    assert answer.status == 400 or answer["cache-control"] == "no-store"
    assert answer["access-control-allow-origin"] == answer["link"] == ""


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_files_can_only_be_read(server, method):
    assert server.ask("/en/social/rss.xml", method=method).status == 405


def test_a_folder_without_its_slash_leads_to_it_under_our_name(server):
    answer = server.ask("/en/social")
    assert answer.status in {301, 308}
    assert re.fullmatch(rf"(https://{HOST})?/en/social/", answer["location"])


def test_no_server_tells_its_version(server):
    assert not re.search(r"\d", server.ask("/en/social/")["server"])


def test_nginx_leads_from_http_to_https(nginx):
    line = http.client.HTTPConnection("127.0.0.1", nginx.plain, timeout=20)
    line.request("GET", "/en/social/?a=b", headers={"Host": HOST})
    answer = line.getresponse()
    answer.read()
    assert (answer.status, answer.getheader("location")) == (301, f"https://{HOST}/en/social/?a=b")
    line.close()


def test_nginx_speaks_http_2(nginx):
    context = web_servers.trusting()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", nginx.port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname=HOST) as line,
    ):
        assert line.selected_alpn_protocol() == "h2"


# As they stand


@pytest.mark.parametrize("name", OTHERS)
def test_the_samples_work_as_they_stand_and_name_no_hub(room, needed, certificate, tmp_path, name):
    needed(web_servers.lack(name))
    changes = {FOLDER: str(room.root / "feeds")}
    made = (
        Nginx(tmp_path / "run", "nginx.conf", certificate, changes)
        if name == "nginx"
        else Caddy(tmp_path / "run", "Caddyfile", changes)
    )
    with made as server:
        answer = server.ask(FILES["RSS"])
        assert (answer.status, answer["link"]) == (200, "")


@pytest.mark.parametrize("text", [None, files([], sample_project(), SITE, make_environment())[GONE_MAP].decode()])
@pytest.mark.parametrize("name", OTHERS)
def test_before_the_first_pass_and_while_nothing_is_withdrawn(needed, certificate, tmp_path, name, text):
    needed(web_servers.lack(name))
    feeds = tmp_path / "feeds"
    feeds.mkdir()
    (feeds / "index.html").write_text("<p>Words")
    if text is not None:
        (feeds / GONE_MAP).write_text(text)
    changes = {FOLDER: str(feeds)}
    made = (
        Nginx(tmp_path / "run", "nginx.conf", certificate, changes)
        if name == "nginx"
        else Caddy(tmp_path / "run", "Caddyfile", changes)
    )
    with made as server:
        assert server.ask("/").status == 200
