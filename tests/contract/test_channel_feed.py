"""The feed channel: the contract, and what is its own."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dissemination.channels import feed
from dissemination.errors import RejectedError, SettingsError, UnavailableError
from dissemination.model import FileSet
from dissemination.testing import sample_message, sample_options
from dissemination.testing.contract import ChannelContract

SINCE = datetime(2026, 1, 1, tzinfo=UTC)


class TestFeedChannel(ChannelContract):
    @pytest.fixture
    def making(self):
        return feed.make


@pytest.fixture
def options(tmp_path):
    return sample_options(tmp_path, name="feed")


def files(**changed):
    return sample_message(FileSet(files={"en/social/rss.xml": b"<rss/>", "index.html": b"<p>", **changed}), key="k")


def test_only_what_differs_is_written_and_counted(options):
    channel = feed.make(options)
    assert channel.send(files(), key="k").changed == 2
    before = (options.public / "index.html").stat().st_mtime_ns
    receipt = channel.send(files(**{"en/social/rss.xml": b"<rss></rss>"}), key="k")
    assert receipt.changed == 1
    assert receipt.detail == "1 of 2 files changed"
    assert (options.public / "index.html").stat().st_mtime_ns == before


def test_find_wants_all_files_with_these_bytes(options):
    channel = feed.make(options)
    assert channel.find(files(), key="k", since=SINCE) is None
    channel.send(files(), key="k")
    assert channel.find(files(), key="k", since=SINCE) is not None
    (options.public / "index.html").write_bytes(b"other")
    assert channel.find(files(), key="k", since=SINCE) is None


def test_a_path_out_of_the_folder_is_rejected(options):
    channel = feed.make(options)
    with pytest.raises(RejectedError, match="leads out"):
        channel.send(files(**{"../evil": b""}), key="k")


def test_a_disk_that_refuses_is_unavailable(options):
    options.public.parent.mkdir(parents=True, exist_ok=True)
    options.public.write_text("a file where the folder should be", encoding="utf-8")
    channel = feed.make(options)
    with pytest.raises(UnavailableError, match="cannot write below"):
        channel.send(files(), key="k")


def test_what_cannot_be_read_is_unavailable_and_not_absent(options):
    channel = feed.make(options)
    options.public.mkdir(parents=True)
    loop = options.public / "index.html"
    loop.symlink_to(loop)
    message = sample_message(FileSet(files={"index.html": b"<p>"}))
    with pytest.raises(UnavailableError, match="cannot read"):
        channel.find(message, key="k", since=SINCE)


def test_a_section_with_a_key_is_refused_without_its_value(options):
    with pytest.raises(SettingsError, match=r"channels\.feed\.token: unknown key") as caught:
        feed.make(replace(options, settings={"token": "hunter2"}))
    assert "hunter2" not in str(caught.value)
