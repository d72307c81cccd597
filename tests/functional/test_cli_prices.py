"""What posts are expected to cost, in `plan`, `preview` and `status`."""

from __future__ import annotations

import json

import pytest

from dissemination import bootstrap
from dissemination.model import Carries, Limits, Repeat
from dissemination.testing import MemoryChannel


class Priced(MemoryChannel):
    """Twenty cents a post, and a dollar a month."""

    monthly_cap = 1_000_000

    def price(self, post):
        return 200_000 if post.link else 15_000


@pytest.fixture
def shell(shells, tmp_path, monkeypatch):
    load = bootstrap.load_channel
    limits = Limits(carries=Carries.POST, max_length=500, repeat=Repeat.LOOK)
    monkeypatch.setattr(
        bootstrap, "load_channel", lambda use: (lambda options: Priced(limits)) if use == "test" else load(use)
    )
    channels = {"x": {"use": "test"}, "mastodon": {}, "feed": {}}
    root = shells.write_project(
        tmp_path / "folder", channels=channels, news={"channels": {"x": "auto", "mastodon": "auto", "feed": "off"}}
    )
    for number in range(3):
        folder = root / "news" / f"item-{number}"
        folder.mkdir(parents=True)
        (folder / "index.md").write_text(
            f"---\ntitle: News number {number}\nstatus: review\ndate: 2026-11-0{number + 1}\n"
            f"summary: What happened in number {number}.\n---\n\nWords.\n"
        )
    return shells.Shell(root)


def test_plan_shows_each_post_and_the_months_sum(shell):
    said = " ".join(shell("plan").output.split())
    assert said.count("x (0.20 USD)") == 3
    assert "about 0.60 USD (0.00 USD spent, 0.60 USD planned), of 1.00 USD at the most" in said
    assert "mastodon (" not in said


def test_programs_get_the_price_of_each_line(shell):
    lines = shell.json("plan")
    assert {line["channel"]: line["price_usd"] for line in lines} == {"x": 0.2, "mastodon": 0.0}


def test_a_sum_above_the_cap_is_said_beforehand(shell, monkeypatch):
    monkeypatch.setattr(Priced, "monthly_cap", 500_000)
    assert "the cap will hold posts back" in " ".join(shell("plan").output.split())


def test_what_is_out_is_spent_and_what_is_held_says_why(shell, monkeypatch):
    monkeypatch.setattr(Priced, "monthly_cap", 500_000)
    shell("approve", "--all")
    assert json.loads(shell("publish", "--json").stdout)["posts"] == 5
    said = " ".join(shell("status").output.split())
    assert "(0.40 USD spent, 0.20 USD planned), of 0.50 USD at the most" in said
    assert "the monthly cap of 0.50 USD is reached: 0.40 USD are spent in" in said
    assert shell.json("status")["bills"][0]["spent"] == 400_000
    assert "scheduled" in said


def test_preview_shows_it_as_well(shell):
    shell("preview")
    pages = shell.root / "var" / "preview"
    assert "about 0.20 USD" in next((pages / "posts" / "x").glob("*.txt")).read_text()
    assert "USD" not in next((pages / "posts" / "mastodon").glob("*.txt")).read_text()
    index = (pages / "index.html").read_text()
    assert "<td>0.20 USD</td>" in index
    assert "about 0.60 USD planned, 0.00 USD spent, 1.00 USD at the most" in index


def test_without_a_cap_the_sum_stands_alone(shell, monkeypatch):
    monkeypatch.setattr(Priced, "monthly_cap", None)
    assert "at the most" not in shell("plan").output
    assert "0.60 USD planned" in " ".join(shell("plan").output.split())
