"""The news folder as a source: what is refused costs only itself, and what is unchanged is not read again."""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
import time
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dissemination.model import ItemStatus, ItemType, Level, Topic
from dissemination.sources import FolderSource, folder, parsing
from dissemination.testing.samples import sample_project

GOOD = "---\ntitle: Good\ndate: 2024-05-16\nstatus: review\n---\nText.\n"


class Desk:
    """A project folder to write into."""

    def __init__(self, root):
        self.root = root
        self.news = root / "news"
        self.news.mkdir()
        self.cache = root / "var" / "cache"
        self.project = sample_project(root=root)

    def put(self, path, content=GOOD):
        target = self.news / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
        return target

    def gather(self, *paths, cached=False, **changes):
        source = FolderSource(replace(self.project, **changes), self.news, self.cache if cached else None)
        return source.gather(paths)

    def one(self, fields, body="Text.", path="a/index.md", **changes):
        """The one item of these fields, which must have no finding."""
        self.put(path, f"---\ntitle: One\n{fields}\n---\n{body}\n")
        gathered = self.gather(**changes)
        assert gathered.findings == ()
        return gathered.items[0]

    def finding(self, fields, body="Text.", path="a/index.md", **changes):
        """The one finding of these fields."""
        self.put(path, f"---\ntitle: One\n{fields}\n---\n{body}\n")
        [finding] = self.gather(**changes).findings
        assert finding.path == f"news/{path}"
        return finding


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


# Fields


def test_what_an_item_that_says_little_gets_from_the_project(desk):
    item = desk.one("", default_channels={"feed": "auto", "newsletter": "digest"})
    assert (item.id, item.explicit_id, item.translation_key, item.slug) == ("a", False, "a", "one")
    assert (item.path, item.folder) == ("news/a/index.md", desk.news / "a")
    assert (item.lang, item.type, item.status) == ("en", ItemType.NEWS, ItemStatus.DRAFT)
    assert (item.topic, item.categories) == (Topic.SOCIAL, ("Social",))
    assert (item.byline, item.partner) == ("Project MICROFUTURE", "lead")
    assert (item.summary, item.summary_given) == ("Text.", False)
    assert item.channels == {"feed": "auto", "newsletter": "digest"}
    assert item.date is None
    assert len(item.digest) == 64


@pytest.mark.parametrize(
    ("fields", "name", "value"),
    [
        ("lang: ro", "lang", "ro"),
        ("lang: EN-gb", "lang", "en"),
        ("type: good practice", "type", ItemType.GOOD_PRACTICE),
        ("type: Good_Practice", "type", ItemType.GOOD_PRACTICE),
        ("topic: green", "topic", Topic.GREEN),
        ("status: pending_review", "status", ItemStatus.REVIEW),
        ("status: pending_publish", "status", ItemStatus.REVIEW),
        ("status: future", "status", ItemStatus.REVIEW),
        ("status: approved", "status", ItemStatus.APPROVED),
        ("status: published", "status", ItemStatus.PUBLISHED),
        ("status: Withdrawn", "status", ItemStatus.WITHDRAWN),
        ("categories: social", "categories", ("Social",)),
        ("category: A more social Europe", "categories", ("Social",)),
        ("categories: [Events, events, Unheard]", "categories", ("Events", "Unheard")),
        ("tags: a, b , a", "tags", ("a", "b")),
        ("tags: [Post, NEWS, 2024, one two]", "tags", ("2024", "one two")),
        ("hashtags: '#A #B, C'", "hashtags", ("A", "B", "C")),
        ("hashtags: ['#with space', '##b', '#']", "hashtags", ("with space", "b")),
        ("title2: x\nx-mine: {a: 1}", "extra", {"title2": "x", "x-mine": '{"a": 1}'}),
        ("id: 2024", "id", "2024"),
        ("authors: [Ana, Ion]", "authors", ("Ana", "Ion")),
        ("author: Ana Pop", "authors", ("Ana Pop",)),
        ("by: OIRBI", "byline", "OIRBI"),
        ("description: Short", "summary", "Short"),
        ("summary: One\ndescription: Two", "summary", "One"),
        ("channels: {newsletter: true, x: true, feed: false}", "channels",
         {"newsletter": "digest", "x": "auto", "feed": "off"}),
        ("channels: {email: none, mastodon: off}", "channels", {"newsletter": "none", "mastodon": "off"}),
        ("pinned: yes", "pinned", True),
        ("links: https://example.org", "links", "https://example.org"),
        ("correction: >\n  one\n  two", "correction", "one two"),
    ],
)  # fmt: skip
def test_fields(desk, fields, name, value):
    found = getattr(desk.one(fields, unknown="ignore"), name)
    assert (found[0].url if name == "links" else found) == value


@pytest.mark.parametrize(
    ("fields", "rule", "field", "line", "fix"),
    [
        ("type: newz", "unknown-value", "type", 3, "type: news"),
        ("type: xyzzy", "unknown-value", "type", 3, "one of news, event, good-practice, publication, newsletter"),
        ("topic: Socail", "unknown-value", "topic", 3, "topic: social"),
        ("status: reviewed", "unknown-value", "status", 3, "status: review"),
        ("translation_kind: robot", "unknown-value", "translation_kind", 3, None),
        ("lang: no", "language-unknown", "lang", 3, "lang: en, or add it to `languages` in settings.yaml"),
        ("slug: Über Uns", "slug-invalid", "slug", 3, "slug: uber-uns"),
        ("id: 'a b'", "id-invalid", "id", 3, "id: a-b"),
        ("date: 2026-13-45", "time-invalid", "date", 3, None),
        ("date: 2024-05", "time-incomplete", "date", 3, None),
        ("date: [1]", "wrong-type", "date", 3, None),
        ("publish_at: 2027-03-28 03:30", "time-nonexistent", "publish_at", 3, "publish_at: 2027-03-28 04:30+03:00"),
        ("embargo_until: 2026-10-25 03:30", "time-ambiguous", "embargo_until", 3, None),
        (
            "posts:\n  x:\n    at: 2027-03-28 03:30",
            "time-nonexistent",
            "posts.x.at",
            5,
            "at: 2027-03-28 04:30+03:00",
        ),
        ("summary: [a]", "wrong-type", "summary", 3, None),
        ("summary: true", "wrong-type", "summary", 3, 'summary: "True"'),
        ("tags: {a: 1}", "wrong-type", "tags", 3, "tags: [one, two]"),
        ("tags: [a, [b]]", "wrong-type", "tags.1", 3, None),
        ("pinned: perhaps", "wrong-type", "pinned", 3, "pinned: true"),
        ("channels: all", "wrong-type", "channels", 3, None),
        ("channels:\n  x: autp", "unknown-value", "channels.x", 4, "x: auto"),
        ("channels:\n  newsletter: auto", "unknown-value", "channels.newsletter", 4, None),
        ("posts: [a]", "wrong-type", "posts", 3, None),
        ("posts:\n  x: 12", "wrong-type", "posts.x", 4, None),
        ("event: tomorrow", "wrong-type", "event", 3, None),
        ("event:\n  tz: Mars/Olympus", "time-invalid", "event.tz", 4, "tz: Europe/Bucharest"),
        ("image: [a.jpg]", "wrong-type", "image", 3, None),
        ("image:\n  alt: x", "image-refused", "image.src", 3, None),
        ("image:\n  src: a.jpg\n  people: many", "unknown-value", "image.people", 5, None),
        ("image: ../../../etc/passwd", "image-refused", "image.src", 3, None),
        ("translation_of: nowhere", "translation-unknown", "translation_of", 3, None),
        ("hashtags: #Interreg", "value-lost", "hashtags", 3, 'hashtags: "#Interreg"'),
        ("title: Two", "duplicate-key", "title", 3, "keep one of the two"),
        ("date: !!timestamp 'zz'", "yaml-tag", "date", 3, None),
    ],
)
def test_what_prevents_an_item_is_an_error_with_line_field_and_fix(desk, fields, rule, field, line, fix):  # noqa: PLR0917 # one column of the table each
    desk.put("b.md")
    finding = desk.finding(fields)
    assert (finding.rule, finding.level, finding.field, finding.line) == (rule, Level.ERROR, field, line)
    assert fix is None or finding.fix == fix
    gathered = desk.gather()
    assert gathered.refused == {"news/a/index.md"}
    assert [item.id for item in gathered.items] == ["b"]


@pytest.mark.parametrize(
    ("fields", "rule", "field", "level"),
    [
        ("dsecription: x", "unknown-field", "dsecription", Level.WARNING),
        ("image:\n  src: a.jpg\n  atl: x", "unknown-field", "image.atl", Level.WARNING),
        ("tags: social inclusion", "dialect-unclear", "tags", Level.WARNING),
        ("title2: We are #1", "unknown-field", "title2", Level.WARNING),
        ("status: private", "not-disseminated", "status", Level.NOTE),
    ],
)
def test_what_only_warns_leaves_the_item(desk, fields, rule, field, level):
    desk.put("a/index.md", f"---\ntitle: One\n{fields}\n---\nText.\n")
    gathered = desk.gather()
    finding = next(f for f in gathered.findings if f.rule == rule)
    assert (finding.field, finding.level) == (field, level)
    assert len(gathered.items) == 1
    assert gathered.refused == frozenset()


def test_an_unknown_field_names_the_nearest(desk):
    assert desk.finding("dsecription: x").fix == "description"
    assert desk.finding("posts: {x: {txet: a}}").fix == "posts.x.text"
    assert "x-" in desk.finding("zzzzzz: x").fix


def test_unknown_fields_as_the_project_wishes(desk):
    assert desk.finding("dsecription: x", unknown="error").level is Level.ERROR
    assert desk.gather(unknown="error").items == ()
    assert desk.gather(unknown="ignore").findings == ()
    assert desk.gather(unknown="ignore").items[0].extra == {"dsecription": "x"}


@pytest.mark.parametrize(
    ("text", "rule", "fix"),
    [
        ("No header at all.\n", "front-matter-missing", '---\ntitle: "…"\n---'),
        ("# A heading\n\nText.\n", "front-matter-missing", '---\ntitle: "A heading"\n---'),
        ("---\ndate: 2024-05-16\n---\n## Second level ##\n", "title-missing", 'title: "Second level"'),
        ("---\ntitle:\n---\nText.\n", "title-missing", 'title: "…"'),
        ('---\ntitle: " "\n---\nText.\n', "title-missing", 'title: "…"'),
        (".. title: \n", "title-missing", 'title: "…"'),
        ("", "front-matter-missing", '---\ntitle: "…"\n---'),
    ],
)
def test_an_item_needs_a_title(desk, text, rule, fix):
    desk.put("a.md", text)
    [finding] = desk.gather().findings
    assert (finding.rule, finding.field, finding.fix) == (rule, "title", fix)


@pytest.mark.parametrize("setting", ["ours", "hugo", "jekyll", "eleventy", "nikola", "pelican", "decap"])
def test_a_folder_may_say_whose_dialect_it_is(desk, setting):
    item = desk.one("tags: social inclusion", dialect=setting)
    assert item.dialect == setting
    assert item.tags == (("social", "inclusion") if setting == "jekyll" else ("social inclusion",))
    assert item.status is (ItemStatus.DRAFT if setting == "ours" else ItemStatus.REVIEW)


def test_lines_are_by_canonical_name(desk):
    item = desk.one("description: x\nimage:\n  src: a.jpg\n  alt: b")
    assert item.lines == {"title": 2, "summary": 3, "image": 4, "image.src": 5, "image.alt": 6, "body": 8}


# Pictures


def test_pictures_are_found_beside_the_item_and_in_the_news_folder(desk):
    for name in ("a/near.jpg", "far.jpg", "a/with space.jpg"):
        desk.put(name, b"x")
    item = desk.one(
        "image: near.jpg\nimages: [/far.jpg, far.jpg, with%20space.jpg, gone.jpg, 'https://x.eu/a.jpg']"
    )
    assert item.image.file == desk.news / "a/near.jpg"
    files = [image.file and image.file.relative_to(desk.news).as_posix() for image in item.images]
    assert files == ["far.jpg", "far.jpg", "a/with space.jpg", None, None]


def test_pictures_of_the_body_come_after_the_listed_and_only_once(desk):
    desk.put("a/one.jpg", b"x")
    item = desk.one("image: one.jpg\nimages: [two.jpg]", "![x](one.jpg) ![y](two.jpg) ![z](three.jpg)")
    assert [image.src for image in item.images] == ["two.jpg", "three.jpg"]
    assert (item.images[1].alt, item.images[1].line) == ("z", 6)
    assert 'src="one.jpg"' in item.html


def test_a_sidecar_tells_the_facts_and_the_item_has_the_last_word(desk):
    desk.put("a/one.jpg", b"x")
    desk.put(
        "a/one.jpg.yml",
        "alt: {en: A farm, ro: O fermă}\ncredit: Ana\nlicense: CC0\npeople: none\ndecorative: true\n",
    )
    image = desk.one("image: {src: one.jpg, credit: Ion, decorative: false}").image
    assert (image.alt, image.credit, image.license, image.people, image.decorative) == (
        "A farm",
        "Ion",
        "CC0",
        "none",
        False,
    )
    assert desk.one("image: one.jpg\nlang: ro").image.alt == "O fermă"


def test_a_broken_sidecar_is_a_finding_of_its_own(desk):
    desk.put("a/one.jpg", b"x")
    desk.put("a/one.jpg.yml", "alt: *x\n")
    desk.put("a/index.md", "---\ntitle: One\nimage: one.jpg\n---\nText.\n")
    gathered = desk.gather()
    assert [(f.path, f.rule, f.line) for f in gathered.findings] == [("news/a/one.jpg.yml", "yaml-alias", 1)]
    assert len(gathered.items) == 1


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_picture_behind_a_link_is_refused(desk, kind, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x.jpg").write_bytes(b"x")
    desk.put("a/index.md", "---\ntitle: One\nimage: pics/x.jpg\n---\nText.\n")
    if kind == "folder":
        (desk.news / "a/pics").symlink_to(outside)
    else:
        (desk.news / "a/pics").mkdir()
        (desk.news / "a/pics/x.jpg").symlink_to(outside / "x.jpg")
    gathered = desk.gather()
    assert any(f.rule == "image-refused" and f.path == "news/a/index.md" for f in gathered.findings)
    assert gathered.items == ()


# Versions


def test_two_files_of_one_language_are_both_refused(desk):
    desk.put("a/index.md", GOOD)
    desk.put("a/index.en.md", GOOD)
    desk.put("a/index.ro.md", GOOD)
    gathered = desk.gather()
    assert {(f.rule, f.path) for f in gathered.findings} == {
        ("translation-duplicate", "news/a/index.md"),
        ("translation-duplicate", "news/a/index.en.md"),
    }
    assert [item.path for item in gathered.items] == ["news/a/index.ro.md"]


def test_the_path_and_the_header_must_agree_on_the_language(desk):
    finding = desk.finding("lang: en", path="a/index.ro.md")
    assert (finding.rule, finding.line) == ("language-conflict", 3)


def test_a_language_that_the_project_has_not(desk):
    assert desk.finding("", path="a/index.fr.md").rule == "language-unknown"


def test_translations_of_a_named_id_carry_it(desk):
    desk.put("a/index.md", "---\ntitle: A\nid: fixed\n---\nx\n")
    desk.put("a/index.ro.md", "---\ntitle: B\n---\nx\n")
    assert [(i.id, i.explicit_id) for i in desk.gather().items] == [("fixed", True), ("fixed.ro", True)]
    desk.put("a/index.ro.md", "---\ntitle: B\nid: fixed\n---\nx\n")
    assert [i.id for i in desk.gather().items] == ["fixed", "fixed.ro"]
    desk.put("a/index.ro.md", "---\ntitle: B\nid: own\n---\nx\n")
    assert [i.id for i in desk.gather().items] == ["fixed", "own"]


def test_a_refused_original_still_gives_its_translation_the_same_id_and_key(desk):
    desk.put("a/index.ro.md", "---\ntitle: B\n---\nx\n")
    desk.put("a/index.md", "---\ntitle: A\nid: fixed\ntranslation_key: k\n---\nx\n")
    before = desk.gather().items[1]
    desk.put("a/index.md", "---\ntitle: A\nid: fixed\ntranslation_key: k\ntype: newz\n---\nx\n")
    assert desk.gather().items == (before,)


def test_a_translation_without_times_has_those_of_its_original(desk):
    desk.put("a/index.md", "---\ntitle: A\ndate: 2024-05-16\nembargo_until: 2027-01-01\n---\nx\n")
    desk.put("a/index.ro.md", "---\ntitle: B\n---\nx\n")
    english, romanian = desk.gather().items
    assert romanian.embargo_until == english.embargo_until is not None
    assert romanian.date == english.date


def test_translations_in_a_circle_end(desk):
    desk.put("a.md", "---\ntitle: A\ntranslation_of: b\n---\nx\n")
    desk.put("b.md", "---\ntitle: B\nlang: ro\ntranslation_of: a\n---\nx\n")
    assert len(desk.gather().items) == 2


def test_which_version_is_the_source(desk):
    desk.put("ro/a.md", "---\ntitle: A\ntranslation_kind: source\n---\nx\n")
    desk.put("en/a.md", "---\ntitle: B\n---\nx\n")
    english, romanian = desk.gather().items
    assert (english.source_version, english.translation_kind) == (False, "translation")
    assert (romanian.source_version, romanian.translation_kind) == (True, "source")
    assert (english.id, romanian.id) == ("a", "a.ro")


# Hostile files


def test_every_bad_file_is_refused_quickly_with_its_path_and_the_good_one_stays(desk, tmp_path):
    secret = tmp_path / "secret.md"
    secret.write_text("---\ntitle: Secret\n---\nx\n")
    desk.put("good.md")
    bad = {
        "brackets.md": "---\ntitle: a\nx: " + "[" * 40_000 + "\n---\n",
        "body.md": "---\ntitle: a\n---\n\n" + "[" * 40_000,
        "control.md": "---\ntitle: a\x07\n---\n",
        "header.md": "---\ntitle: a\n" + "x" * 66_000 + "\n---\n",
        "date.md": "---\ntitle: a\ndate: 2026-13-45\n---\n",
        "float.md": "---\ntitle: a\nx: !!float\n---\n",
        "bomb.md": "---\na: &a [x]\nb: [*a, *a]\n---\n",
        "utf16.md": GOOD.encode("utf-16"),
        "nested.md": "---\ntitle: a\n---\n" + "<blockquote>" * 30_000,
        "open.md": "---\ntitle: a\n",
        "binary.md": bytes(range(256)) * 40,
    }
    for name, content in bad.items():
        desk.put(name, content)
    (desk.news / "link.md").symlink_to(secret)
    (desk.news / "loop.md").symlink_to(desk.news / "loop.md")
    (desk.news / "folder").symlink_to(tmp_path)
    (desk.news / "dir.md").mkdir()
    os.mkfifo(desk.news / "fifo.md")
    with (desk.news / "sparse.md").open("wb") as sparse:
        sparse.truncate(50 << 30)
    begin = time.process_time()
    gathered = desk.gather()
    assert time.process_time() - begin < 20
    assert [item.title for item in gathered.items] == ["Good"]
    names = {*bad, "link.md", "loop.md", "folder", "fifo.md", "sparse.md"}
    assert gathered.refused == {f"news/{name}" for name in names}
    lines = {f.path.removeprefix("news/"): f.line for f in gathered.findings}
    assert all(lines[name] for name in bad)


def test_a_socket_is_never_opened(desk, monkeypatch):
    desk.put("good.md")
    with socket.socket(socket.AF_UNIX) as server:
        monkeypatch.chdir(desk.news)  # a socket's path may not be long
        server.bind("s.md")
        assert desk.gather().refused == {"news/s.md"}


def test_a_file_that_vanishes_between_listing_and_reading(desk, monkeypatch):
    desk.put("good.md")
    target = desk.put("gone.md")
    listed = folder.walk(desk.news)
    target.unlink()
    monkeypatch.setattr(folder, "walk", lambda news: listed)
    gathered = desk.gather()
    assert [f.rule for f in gathered.findings] == ["file-unreadable"]
    assert len(gathered.items) == 1


@pytest.mark.parametrize("name", [b"new\nline.md", b"\xff\xfe.md", "bi\u202edi.md".encode()])
def test_a_file_name_that_cannot_be_shown(desk, name):
    desk.put("good.md")
    with open(os.fsencode(desk.news) + b"/" + name, "wb") as file:  # noqa: PTH123 # a name that is no text
        file.write(GOOD.encode())
    gathered = desk.gather(cached=True)
    assert len(gathered.items) == 1
    [finding] = gathered.findings
    assert finding.rule == "file-name"
    assert finding.path.encode().decode().isprintable()


def test_a_parser_that_fails_costs_only_its_file(desk, monkeypatch):
    desk.put("good.md")
    desk.put("bad.md", "---\ntitle: Bad\n---\nboom\n")
    real = parsing.read_body

    def read_body(text, line):
        if "boom" in text:
            raise ZeroDivisionError("no such luck")
        return real(text, line)

    monkeypatch.setattr(parsing, "read_body", read_body)
    gathered = desk.gather()
    assert [item.title for item in gathered.items] == ["Good"]
    assert "ZeroDivisionError" in gathered.findings[0].message


def test_no_news_folder_is_no_news(tmp_path):
    assert FolderSource(sample_project(root=tmp_path), tmp_path / "news").gather().items == ()


def test_folders_too_deep_are_not_entered(desk):
    desk.put("/".join(["d"] * 25) + "/a.md")
    gathered = desk.gather()
    assert gathered.items == ()
    assert [f.rule for f in gathered.findings] == ["file-refused"]


_FIELDS = [
    "title",
    "date",
    "lang",
    "tags",
    "image",
    "images",
    "posts",
    "channels",
    "event",
    "status",
    "links",
    "id",
    "slug",
]
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(text=st.text(max_size=400) | st.text(alphabet="-: \n[]{}#&*!|>\"'%@`title+.<", max_size=200))
@pytest.mark.parametrize(
    "frame", ["{}", "---\n{}\n---\nx\n", "+++\n{}\n+++\nx\n", "Title: a\n{}\n\nx", ".. title: {}\n"]
)
def test_no_text_makes_gather_raise(desk, frame, text):
    desk.put("a.md", frame.replace("{}", text))
    gathered = desk.gather(cached=True)
    assert len(gathered.items) + len(gathered.refused) == 1
    assert all(finding.rule and finding.message for finding in gathered.findings)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(fields=st.dictionaries(st.sampled_from(_FIELDS), _VALUES, max_size=5))
def test_no_types_make_gather_raise(desk, fields):
    desk.put("a.md", json.dumps({"title": "A", **fields}) + "\nText.\n")
    gathered = desk.gather()
    assert len(gathered.items) + len(gathered.refused) == 1


# Paths


def test_paths_choose_files_and_folders(desk):
    for path in ("a/index.md", "a/index.ro.md", "b/index.md", "ab.md"):
        desk.put(path)
    desk.put("b/bad.md", "x")

    def ids(*paths):
        return [item.id for item in desk.gather(*paths).items]

    assert ids("news/a") == ["a.ro", "a"] or ids("news/a") == ["a", "a.ro"]
    assert ids("news/a/index.ro.md") == ["a.ro"]
    assert ids("./news/b/", "news/ab.md") == ["ab", "b"]
    assert ids("news") == ids(".") == ids(str(desk.root)) == ids()
    assert desk.gather("news/a").findings == ()
    assert desk.gather("news/b").refused == {"news/b/bad.md"}


@pytest.mark.parametrize("path", ["news/none", "nowhere", "../elsewhere", "/etc/passwd"])
def test_a_path_without_items_is_a_finding(desk, path):
    desk.put("a.md")
    gathered = desk.gather(path)
    assert gathered.items == ()
    assert [f.rule for f in gathered.findings] == ["path-missing"]


# The cache


@pytest.fixture
def reads(monkeypatch):
    """Every file that is opened."""
    opened = []
    real = folder.parse_file

    def parse_file(news, relative):
        opened.append(relative)
        return real(news, relative)

    monkeypatch.setattr(folder, "parse_file", parse_file)
    return opened


def aged(path, seconds=60):
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_unchanged_files_are_not_read_again(desk, reads):
    for name in ("a.md", "b.md", "c.jpg.yml"):
        aged(desk.put(name, GOOD if name.endswith(".md") else "alt: x\n"))
    first = desk.gather(cached=True)
    assert sorted(reads) == ["a.md", "b.md", "c.jpg.yml"]
    reads.clear()
    assert desk.gather(cached=True) == first
    assert reads == []


def test_an_edited_file_is_read_again_and_only_it(desk, reads):
    for name in ("a.md", "b.md"):
        aged(desk.put(name))
    desk.gather(cached=True)
    reads.clear()
    desk.put("a.md", GOOD.replace("Good", "Edit"))
    assert [item.title for item in desk.gather(cached=True).items] == ["Edit", "Good"]
    assert reads == ["a.md"]


def test_a_file_edited_in_the_same_instant_is_read_again(desk):
    path = desk.put("a.md")
    desk.gather(cached=True)
    stamp = path.stat()
    path.write_text(GOOD.replace("Good", "Best"))
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert desk.gather(cached=True).items[0].title == "Best"


def test_a_replaced_file_of_equal_size_and_time_is_read_again(desk):
    path = desk.put("a.md")
    aged(path)
    stamp = path.stat()
    desk.gather(cached=True)
    other = desk.put("b.tmp", GOOD.replace("Good", "Best"))
    os.utime(other, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    other.replace(path)
    assert desk.gather(cached=True).items[0].title == "Best"


def test_settings_and_pictures_are_looked_at_every_time(desk):
    aged(desk.put("a/index.md", "---\ntitle: One\nimage: x.jpg\ntags: a b\n---\nText.\n"))
    assert desk.gather(cached=True).items[0].image.file is None
    desk.put("a/x.jpg", b"x")
    item = desk.gather(cached=True, dialect="jekyll").items[0]
    assert item.image.file == desk.news / "a/x.jpg"
    assert item.tags == ("a", "b")


def test_a_deleted_file_is_gone(desk):
    path = desk.put("a.md")
    aged(path)
    desk.gather(cached=True)
    path.unlink()
    assert desk.gather(cached=True).items == ()


def test_findings_are_kept_too(desk, reads):
    aged(desk.put("a.md", "---\ntitle: A: b\n---\n"))
    first = desk.gather(cached=True)
    reads.clear()
    assert desk.gather(cached=True) == first
    assert reads == []
    assert first.findings[0].level is Level.ERROR


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: "not json\n",
        lambda text: "null\n",
        lambda text: text[: len(text) // 2],
        lambda text: text.replace('"digest"', '"dig"'),
        lambda text: text.replace('"error"', '"grave"'),
        lambda text: text.replace("0.1.0", "0.0.9"),
        lambda text: text + "[" * 100_000 + "\n",
        lambda text: text + '["a.md",[1,2,3],{}]\n[]\n{}\n["a.md"]\n',
        lambda text: "\x00" * 1000,
    ],
)
def test_a_broken_cache_is_ignored(desk, damage):
    aged(desk.put("a.md"))
    aged(desk.put("b.md", "x"))
    expected = desk.gather(cached=True)
    [cache] = desk.cache.iterdir()
    cache.write_text(damage(cache.read_text()))
    assert desk.gather(cached=True) == expected
    cache.write_bytes(b"\xff\xfe\xfa")
    assert desk.gather(cached=True) == expected


def test_a_cache_that_cannot_be_written_only_costs_time(desk):
    desk.put("a.md")
    desk.cache.parent.mkdir()
    desk.cache.write_text("a file where the folder should be")
    assert len(desk.gather(cached=True).items) == 1


# Many files


def test_many_new_files_are_read_by_several_processes(desk, monkeypatch):
    monkeypatch.setattr(folder, "POOL_FROM", 20)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1}, raising=False)
    for number in range(25):
        desk.put(f"{number:03}.md", GOOD.replace("Good", f"Number {number}"))
    desk.put("bad.md", "---\ntitle: A: b\n---\n")
    gathered = desk.gather()
    assert [item.title for item in gathered.items] == [f"Number {number}" for number in range(25)]
    assert gathered.refused == {"news/bad.md"}
    assert multiprocessing.active_children() == []


def test_without_room_for_processes_it_is_only_slower(desk, monkeypatch):
    def broken(*args, **kwargs):
        raise BrokenProcessPool

    monkeypatch.setattr(folder, "POOL_FROM", 1)
    monkeypatch.setattr(folder, "ProcessPoolExecutor", broken)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1}, raising=False)
    desk.put("a.md")
    assert len(desk.gather().items) == 1
