"""Reading below a folder, and writing whole files."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from dissemination.errors import FileRefusedError
from dissemination.files import FolderShelf, digest_of, read_below, shipped, write_atomic


def test_a_regular_file_is_read(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.txt").write_bytes(b"words")
    assert read_below(tmp_path, "a/b.txt", limit=5) == b"words"


@pytest.mark.parametrize("path", ["../secret", "a/../../secret", "/etc/passwd", "", "a\0b"])
def test_paths_out_of_the_folder_are_refused(tmp_path, path):
    with pytest.raises(FileRefusedError):
        read_below(tmp_path, path, limit=10)


def test_links_folders_devices_and_giants_are_refused_and_no_descriptor_leaks(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "real" / "file")
    (tmp_path / "way").symlink_to(tmp_path / "real")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "fifo")
    with (tmp_path / "sparse").open("wb") as stream:
        stream.truncate(50_000_000_000)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for path in ("link", "way/file", "loop", "fifo", "sparse", "real"):
        with pytest.raises(FileRefusedError):
            read_below(tmp_path, path, limit=1000)
    with pytest.raises(FileNotFoundError):
        read_below(tmp_path, "missing", limit=10)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(tmp_path, monkeypatch):
    path = tmp_path / "feed.xml"
    write_atomic(path, b"old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["feed.xml"]


def test_a_reader_sees_the_old_or_the_new_file_never_half(tmp_path):
    path = tmp_path / "feed.xml"
    bodies = {b"a" * 100_000, b"b" * 100_000}
    write_atomic(path, b"a" * 100_000)
    seen, over = set(), threading.Event()

    def read():
        while not over.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(40):
        write_atomic(path, sorted(bodies)[number % 2])
    over.set()
    reader.join()
    assert seen <= bodies


def test_the_shelf_writes_only_what_differs(tmp_path):
    shelf = FolderShelf(tmp_path / "public")
    assert shelf.write({"en/a.xml": b"1", "b.txt": b"2"}) == 2
    stamp = (tmp_path / "public" / "b.txt").stat()
    assert shelf.write({"en/a.xml": b"3", "b.txt": b"2"}) == 1
    assert (tmp_path / "public" / "b.txt").stat().st_ino == stamp.st_ino
    with pytest.raises(FileRefusedError):
        shelf.write({"../out": b"x"})
    with pytest.raises(FileRefusedError):
        shelf.write({"/etc/out": b"x"})


def test_digests_and_shipped_files():
    assert digest_of(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert (shipped("templates") / "newsletter.mjml").is_file()
    assert shipped("settings.yaml").is_file()
