"""`disseminate check` on posts to come: what no network could take is told before anybody plans it."""

from __future__ import annotations

import pytest

CHANNELS = {"feed": {}, "x": {}, "bluesky": {}, "linkedin": {}}


@pytest.fixture
def shell(tmp_path, shells):
    shells.write_project(tmp_path, channels=CHANNELS, news={"channels": dict.fromkeys(CHANNELS, "auto")})
    return shells.Shell(tmp_path)


def told(shell, code=1, *options):
    found = shell.json("check", *options, code=code)["findings"]
    return [
        (f["rule"], f["level"], f["field"], f["message"], f["fix"]) for f in found if f["rule"].startswith("post")
    ]


@pytest.mark.parametrize(
    ("network", "words", "expected"),
    [
        ("x", {"text": "a" * 281}, ("posts.x.text", "281 of 280 weighted characters", "shorten it")),
        (
            "bluesky",
            {"text": "a", "warning": "b"},
            ("posts.bluesky.warning", "bluesky has no content warnings", "say it in the text"),
        ),
        (
            "linkedin",
            {"text": "a", "reply_chain": ["b"]},
            ("posts.linkedin.reply_chain", "linkedin carries no threads here", "write one text that fits"),
        ),
    ],
)
def test_a_post_that_cannot_be_made_is_an_error_at_its_line(shell, shells, network, words, expected):
    path = shells.write_item(shell.root, "first", posts={network: words})
    assert told(shell) == [("post", "error", *expected)]
    (finding,) = (f for f in shell.json("check", code=1)["findings"] if f["rule"] == "post")
    text = (shell.root / finding["path"]).read_text("utf-8").splitlines()
    assert path is None or finding["line"] > 1
    assert any(word in text[finding["line"] - 1] for word in (network, *words))


def test_items_alone_render_nothing(shell, shells):
    shells.write_item(shell.root, "first", posts={"x": {"text": "a" * 281}})
    assert told(shell, 0, "--no-editions") == []


def test_what_is_approved_or_a_draft_is_not_made_again(shell, shells):
    shells.write_item(shell.root, "first", status="draft", posts={"x": {"text": "a" * 281}})
    assert told(shell, 0) == []


@pytest.mark.parametrize(
    ("network", "advice"),
    [("blusky", "write `posts.bluesky`, or"), ("pinboard9", "correct the name, or")],
)
def test_words_for_a_channel_that_there_is_not_are_told(shell, shells, network, advice):
    shells.write_item(shell.root, "first", posts={network: {"text": "a"}})
    message = f"no channel is called `{network}`; these words go nowhere"
    expected = (
        "post-nowhere",
        "warning",
        f"posts.{network}",
        message,
        f"{advice} add the channel to settings.yaml",
    )
    assert told(shell, 0) == [expected]
    assert told(shell, 0, "--no-editions") == [expected]
