"""Files that an item has for download."""

import pytest

from dissemination.errors import RenderError
from dissemination.files import digest_of
from dissemination.model import ATTACHED, ItemType
from dissemination.pipeline import attaching
from dissemination.pipeline import content as codec
from dissemination.pipeline.attaching import attached
from dissemination.testing import sample_entry, sample_item


def item(folder, *names):
    return sample_item(folder=folder, attachments=names)


def test_a_file_is_what_it_is(tmp_path):
    (tmp_path / "Agenda.PDF").write_bytes(b"%PDF-1.7")
    (file,) = attached(item(tmp_path, "Agenda.PDF")).values()
    assert (file.media_type, file.body, file.digest) == ("application/pdf", b"%PDF-1.7", digest_of(b"%PDF-1.7"))
    assert file.name == f"{file.digest}.pdf"


@pytest.mark.parametrize("ending", ATTACHED)
def test_every_kind_has_a_name_of_its_own(tmp_path, ending):
    (tmp_path / f"a.{ending}").write_bytes(b"x")
    (file,) = attached(item(tmp_path, f"a.{ending}")).values()
    assert file.name.endswith(f".{ending.replace('jpeg', 'jpg')}")


@pytest.mark.parametrize(
    "name",
    ["page.html", "run.js", "drawing.svg", "none", "lost.pdf", "../out.pdf", "/etc/x.pdf", "link.pdf", "a\0b.pdf"],
)
def test_what_a_browser_would_run_is_lost_or_lies_elsewhere_is_refused(tmp_path, name):
    folder = tmp_path / "item"
    folder.mkdir()
    (tmp_path / "out.pdf").write_bytes(b"x")
    (folder / "link.pdf").symlink_to(tmp_path / "out.pdf")
    for kind in ("page.html", "run.js", "drawing.svg", "none"):
        (folder / kind).write_bytes(b"x")
    with pytest.raises(RenderError, match=r"news/third-meeting/index.md: "):
        attached(item(folder, name))


def test_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(attaching, "LARGEST", 3)
    (tmp_path / "a.pdf").write_bytes(b"1234")
    with pytest.raises(RenderError, match="larger than 3 bytes"):
        attached(item(tmp_path, "a.pdf"))


def test_what_was_approved_before_a_field_existed_keeps_its_digest():
    before = codec.encode(sample_entry(), ())
    assert b'"withdrawn"' not in before.body
    assert b'"kind"' not in before.body
    assert codec.entry(before.body) == sample_entry()
    after = sample_entry(kind=ItemType.EVENT)
    assert codec.entry(codec.encode(after, ()).body) == after
