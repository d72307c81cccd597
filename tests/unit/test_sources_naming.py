"""Partners named by key in an item: by their plain names everywhere but in posts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dissemination.model import Partner, PostOverride
from dissemination.model.naming import keys, named
from dissemination.sources import FolderSource
from dissemination.testing import sample_project

PARTNERS = {
    "oirbi": Partner(key="oirbi", name="OIRBI", name_in={"ro": "Oficiul OIRBI"}, handles={"x": "oirbi_ro"}),
    "a-b": Partner(key="a-b", name="Art & Bread <Italy>"),
}
FIELDS = """
summary: "By @{oirbi} and @{a-b}."
subject: "From @{oirbi}"
correction: "It was @{oirbi}"
links: [{url: "https://a.eu/", text: "More of @{oirbi}"}]
event: {start: 2026-12-01, place: "At @{oirbi}", address: "1 @{a-b} Street"}
funding: {extra_note: "Paid by @{oirbi}"}
image: {src: a.png, alt: "A talk of @{oirbi}", caption: "@{a-b}"}
posts:
  x:
    text: |
      Two lines

      by @{oirbi}
    reply_chain:
      - |
        More of @{oirbi}

        in two lines
      - "@{nobody}"
    images: [a.png, b.png]
"""


@pytest.fixture
def read(tmp_path):
    def reading(fields="", body="Text.", name="a/index.md", title="@{oirbi} meets"):
        path = tmp_path / "news" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        for picture in ("a.png", "b.png", "c.png"):
            (path.parent / picture).write_bytes(b"x")
        path.write_text(f'---\ntitle: "{title}"\ndate: 2026-11-12\n{fields}\n---\n{body}\n', "utf-8")
        project = sample_project(root=tmp_path, partners=PARTNERS)
        gathered = FolderSource(project, tmp_path / "news").gather()
        return next(item for item in gathered.items if item.path == f"news/{name}")

    return reading


def test_every_text_has_the_plain_name(read):
    item = read(FIELDS)
    assert (item.title, item.summary) == ("OIRBI meets", "By OIRBI and Art & Bread <Italy>.")
    assert (item.subject, item.correction) == ("From OIRBI", "It was OIRBI")
    assert (item.links[0].text, item.funding_note) == ("More of OIRBI", "Paid by OIRBI")
    assert (item.event.place, item.event.address) == ("At OIRBI", "1 Art & Bread <Italy> Street")
    assert (item.image.alt, item.image.caption) == ("A talk of OIRBI", "Art & Bread <Italy>")


def test_posts_and_what_they_are_made_of_stay_as_written(read):
    item = read(FIELDS)
    assert item.raw == {"title": "@{oirbi} meets", "summary": "By @{oirbi} and @{a-b}."}
    assert item.posts["x"].text == "Two lines\n\nby @{oirbi}"
    assert item.posts["x"].reply_chain == ("More of @{oirbi}\n\nin two lines", "@{nobody}")
    assert item.posts["x"].images == ("a.png", "b.png")


def test_the_name_is_that_of_the_language(read):
    read()
    assert read(name="a/index.ro.md").title == "Oficiul OIRBI meets"


def test_the_address_does_not_follow_the_name(read):
    assert read().slug == "oirbi-meets"
    assert read(name="a/index.ro.md").slug == "oirbi-meets"


def test_in_the_body_the_name_is_text(read):
    item = read(body="With **@{a-b}** and [@{oirbi}](https://a.eu/) and `@{ oirbi }`.")
    assert "<strong>Art &amp; Bread &lt;Italy&gt;</strong>" in item.html
    assert '<a href="https://a.eu/">OIRBI</a>' in item.html
    assert "<code>OIRBI</code>" in item.html
    assert item.summary == "With Art & Bread <Italy> and OIRBI and OIRBI."


def test_an_unknown_key_stays_for_the_checks(read):
    assert read(title="@{nobody} meets").title == "@{nobody} meets"


def test_without_keys_nothing_is_kept_twice(read):
    assert read(title="OIRBI meets @ {oirbi} @{").raw == {}


def test_the_picture_of_a_post_is_one_of_the_items(read):
    item = read("posts: {x: {image: c.png, alt: Ours}, mastodon: {image: a.png}}\nimage: {src: a.png, alt: One}")
    assert [(image.src, image.alt, image.file.name) for image in item.images] == [("c.png", "Ours", "c.png")]


def test_a_picture_of_a_post_lies_in_the_news_folder(read):
    with pytest.raises(StopIteration):  # the item is refused
        read("posts: {x: {image: ../../settings.png, alt: Ours}}")


def test_a_chain_of_one_may_be_a_text_alone(read):
    item = read('posts: {x: {reply_chain: "More, and more"}}')
    assert item.posts["x"] == PostOverride(reply_chain=("More, and more",))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("@{a}", ("a",)),
        ("x@{a} @{ b }@{a}", ("a", "b")),
        ("@{}", ("",)),
        ("@{a\nb}", ()),
        ("@ {a} {a} @{", ()),
        ("@{" + "a" * 81 + "}", ()),
    ],
)
def test_keys(text, found):
    assert keys([text]) == found
    assert named(text, {}) == text


def test_partners_have_a_name_in_every_language():
    partner = PARTNERS["oirbi"]
    assert (partner.called("ro"), partner.called("en")) == ("Oficiul OIRBI", "OIRBI")
    assert replace(partner, name_in={}).called("ro") == "OIRBI"
