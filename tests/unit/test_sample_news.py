"""The sample news: complete, readable, in several languages, illustrated, and in words of our own."""

import importlib.util
import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import yaml
from PIL import Image

from dissemination.checks import check_items
from dissemination.settings import load
from dissemination.sources import FolderSource

ROOT = Path(__file__).resolve().parents[2]
NEWS = ROOT / "news"
SEEDS = ROOT.parent / "shared" / "seeds"
ITEMS = sorted(NEWS.glob("*/index*.md"))
PICTURES = sorted(NEWS.glob("*/*.png"))
NOW = datetime(2026, 11, 24, tzinfo=UTC).date()


def split(path):
    _, front, body = path.read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(front), body


def language(path):
    return path.name.removeprefix("index").removesuffix(".md").lstrip(".") or "en"


def day(value):
    return date.fromisoformat(str(value)[:10])


def names(paths):
    return [str(path.relative_to(NEWS)) for path in paths]


TRANSLATIONS = [path for path in ITEMS if language(path) != "en"]
each_item = pytest.mark.parametrize("path", ITEMS, ids=names(ITEMS))


def test_there_are_enough_items_and_languages():
    by_language = {path.parent.name: set() for path in ITEMS}
    for path in ITEMS:
        by_language[path.parent.name].add(language(path))

    assert len(by_language) >= 9
    assert all("en" in spoken for spoken in by_language.values())
    assert sum(len(spoken) > 1 for spoken in by_language.values()) >= 3
    assert set.union(*by_language.values()) == {"en", "ro", "it"}


@each_item
def test_front_matter(path):
    front, body = split(path)

    assert 0 < len(front["title"]) <= 90
    assert not front["title"].isupper()
    assert not front["title"].endswith(".")
    assert 40 <= len(front["summary"]) <= 160
    assert 40 <= len(front["preheader"]) <= 100
    assert re.fullmatch(r"[a-z0-9-]+", front["slug"])
    assert front["categories"] == ["Social"]
    assert front["tags"]
    assert front["status"] in {"review", "draft"}
    assert "channels" not in front
    assert "<!--more-->" in body
    assert len(body.split()) > 60


@each_item
def test_every_picture_is_there_described_and_credited(path):
    image = split(path)[0]["image"]

    assert (path.parent / image["src"]).is_file()
    assert len(image["alt"]) > 40
    assert image["credit"]
    assert image["caption"]
    assert image["people"] == "none"


@each_item
def test_dates_are_past_working_days_or_far_ahead(path):
    written = day(split(path)[0]["date"])

    assert path.parent.name.startswith(written.isoformat())
    assert written.weekday() < 5
    assert date(2024, 1, 1) <= written <= NOW or written.year == 2031


@pytest.mark.parametrize("path", TRANSLATIONS, ids=names(TRANSLATIONS))
def test_translations_are_really_translated(path):
    (front, body), (source, source_body) = split(path), split(path.with_name("index.md"))

    assert front["translation_kind"] in {"translation", "adaptation"}
    for field in ("title", "summary", "preheader", "slug"):
        assert front[field] != source[field]
    for field in ("alt", "caption"):
        assert front["image"][field] != source["image"][field]
    for field in ("date", "type", "tags", "status"):
        assert front[field] == source[field]
    assert not set(re.findall(r"[^.!?\n]{40,}[.!?]", body)) & set(re.findall(r"[^.!?\n]{40,}[.!?]", source_body))
    # Romanian has a comma below, not the Turkish cedilla.
    assert not set("şţŞŢ") & set(path.read_text(encoding="utf-8"))


def test_one_of_each_special_kind_is_there():
    fronts = {path.parent.name: split(path)[0] for path in ITEMS if language(path) == "en"}

    def having(test):
        return [name for name, front in fronts.items() if test(front)]

    assert len(having(lambda front: front["status"] == "draft")) == 1
    assert len(having(lambda front: "embargo_until" in front)) == 1
    assert len(having(lambda front: "publish_at" in front and "embargo_until" not in front)) == 1
    assert len(having(lambda front: "correction" in front)) == 1
    assert len(having(lambda front: front.get("posts", {}).get("mastodon", {}).get("text"))) == 1
    (event,) = having(lambda front: front["type"] == "event")
    assert {"start", "end", "tz", "place"} <= set(fronts[event]["event"])
    assert having(lambda front: front["type"] == "good-practice")
    assert having(lambda front: front["type"] == "publication")
    for front in fronts.values():
        if "embargo_until" in front:
            assert str(front["embargo_until"]) < str(front["publish_at"])
        if "publish_at" in front:
            assert day(front["publish_at"]).year == 2031


def test_the_product_itself_finds_nothing_to_say():
    project = load(ROOT / "settings.yaml").project(ROOT)

    gathered = FolderSource(project, NEWS).gather()

    assert len(gathered.items) == len(ITEMS)
    assert gathered.findings == ()
    assert check_items(gathered.items, project) == []


@pytest.mark.parametrize("path", PICTURES, ids=names(PICTURES))
def test_pictures_are_large_enough_light_and_without_metadata(path):
    assert path.stat().st_size < 200_000
    with Image.open(path) as picture:
        if path.parent.name != "_assets":
            assert picture.size == (1200, 675)
        assert not picture.getexif()
        assert not picture.info.get("exif")


def test_the_drawing_script_knows_every_picture():
    spec = importlib.util.spec_from_file_location("drawing", ROOT / "bench" / "draw_sample_pictures.py")
    drawing = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(drawing)

    assert sorted(drawing.SCENES) == names(PICTURES)


def test_the_readme_names_every_folder():
    readme = (NEWS / "README.md").read_text(encoding="utf-8")

    assert set(re.findall(r"^\| `(.+?)`", readme, re.MULTILINE)) == {path.parent.name for path in ITEMS}


def plain(text):
    return " ".join(re.findall(r"\w+", text.lower()))


@pytest.mark.skipif(not SEEDS.is_dir(), reason="the seed pages are not beside this checkout")
def test_no_sentence_of_the_seed_is_used():
    ours = " ".join(plain(path.read_text(encoding="utf-8")) for path in NEWS.rglob("*.md"))
    for seed in SEEDS.glob("*.txt"):
        words = plain(seed.read_text(encoding="utf-8")).split()
        runs = {" ".join(words[at : at + 8]) for at in range(len(words) - 7)}
        assert [run for run in runs if run in ours] == []
