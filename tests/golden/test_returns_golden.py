"""Mails as servers, providers and people send them back, and what each is read as (UPDATE_GOLDEN=1 rewrites)."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

import pytest

from dissemination.model import Site
from dissemination.returns import read_return
from dissemination.subscribers import SubscriberTokens

DATA = Path(__file__).parent / "data" / "returns"
#: The samples bear marks and tokens of this key: publication 7, subscriber 42.
TOKENS = SubscriberTokens([b"a key for the samples of tests"], Site(public_url="https://news.example"))
SAMPLES = sorted(DATA.glob("*.eml"))


def as_json(path: Path) -> str:
    facts = asdict(read_return(path.read_bytes()))
    return json.dumps({name: value for name, value in facts.items() if value}, indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("path", SAMPLES, ids=[path.stem for path in SAMPLES])
def test_every_sample_is_read_as_its_file_says(path):
    beside = path.with_suffix(".json")
    if os.environ.get("UPDATE_GOLDEN") == "1":
        beside.write_text(as_json(path), "utf-8")
    assert as_json(path) == beside.read_text("utf-8")


@pytest.mark.parametrize("path", SAMPLES, ids=[path.stem for path in SAMPLES])
def test_line_ends_of_either_kind_are_the_same(path):
    assert read_return(path.read_bytes().replace(b"\n", b"\r\n")) == read_return(path.read_bytes())


@pytest.mark.parametrize("path", SAMPLES, ids=[path.stem for path in SAMPLES])
def test_what_is_shown_bears_no_address(path):
    returned = read_return(path.read_bytes())
    assert "@" not in returned.reason


@pytest.mark.parametrize("path", SAMPLES, ids=[path.stem for path in SAMPLES])
def test_every_mark_in_the_samples_is_ours(path):
    returned = read_return(path.read_bytes())
    assert {TOKENS.read_bounce(mark) for mark in (*returned.marks, *returned.echoes)} <= {(7, 42)}
    assert {TOKENS.read_unsubscribe(token) for token in returned.tokens} <= {42}
