"""The one door: each way of rendering is behind it, and the pages get the funding visual."""

from dataclasses import replace

import pytest

from dissemination.model import Carries, Limits, PostPicture, Units
from dissemination.ports import Renderer
from dissemination.render import PictureShop, Rendering
from dissemination.testing.samples import sample_entry, sample_item, sample_picture, sample_post, sample_project


@pytest.fixture
def project(tmp_path):
    visual = tmp_path / "visual.png"
    visual.write_bytes(sample_picture().body)
    base = sample_project()
    return replace(base, funding=replace(base.funding, visual=visual))


def media(files):
    return [path for path in files if path.startswith("media/")]


def test_it_is_a_renderer(project):
    renderer: Renderer = Rendering(project)
    assert renderer.entry(sample_item(), {}, {}).title == sample_item().title
    assert renderer.post(sample_item(), "mastodon", Limits(carries=Carries.POST), {}).network == "mastodon"


def test_pages_show_the_funding_visual_and_bring_it_along(project):
    files = Rendering(project, None, PictureShop()).files([sample_entry()])
    (path,) = media(files)
    assert path.encode() in files["index.html"]
    assert files[path].startswith(b"\x89PNG")


def test_without_a_shop_pages_show_the_statement_alone(project):
    files = Rendering(project).files([sample_entry()])
    assert media(files) == []
    assert b"Co-funded by the European Union" in files["en/social/index.html"]


def test_pages_that_are_out_go_on_when_the_visual_was_moved_away(project):
    project.funding.visual.unlink()
    assert media(Rendering(project, None, PictureShop()).files([sample_entry()])) == []


def test_a_project_without_a_visual_has_pages(project):
    bare = replace(project, funding=replace(project.funding, visual=None))
    assert "index.html" in Rendering(bare, None, PictureShop()).files([])


def test_equal_entries_give_equal_files(project):
    rendering = Rendering(project, None, PictureShop())
    assert rendering.files([sample_entry()]) == rendering.files([sample_entry()])


LIMITS = Limits(carries=Carries.POST, units=Units.GRAPHEMES, max_length=20, pictures=1, alt_length=10, threads=True)
WIDE = sample_post(text="x" * 20)
SHOWN = replace(WIDE, pictures=(PostPicture(digest="d", alt="a" * 10),))


@pytest.mark.parametrize(
    ("post", "limits", "holds"),
    [
        (WIDE, LIMITS, True),
        (WIDE, replace(LIMITS, max_length=19), False),
        (WIDE, replace(LIMITS, max_length=0), True),
        (WIDE, replace(LIMITS, max_bytes=19), False),
        (replace(WIDE, warning="w"), replace(LIMITS, max_length=22), True),
        (replace(WIDE, warning="w"), LIMITS, False),
        (replace(WIDE, thread=("y" * 20,)), LIMITS, True),
        (replace(WIDE, thread=("y" * 21,)), LIMITS, False),
        (replace(WIDE, thread=("y",)), replace(LIMITS, threads=False), False),
        (SHOWN, LIMITS, True),
        (SHOWN, replace(LIMITS, pictures=0), False),
        (SHOWN, replace(LIMITS, alt_length=9), False),
        (SHOWN, replace(LIMITS, alt_length=0), True),
        (SHOWN, replace(LIMITS, pictured_length=19), False),
        (WIDE, replace(LIMITS, pictured_length=19), True),
    ],
)
def test_whether_other_limits_take_a_post_as_it_is(project, post, limits, holds):
    assert Rendering(project).holds(post, limits) is holds
