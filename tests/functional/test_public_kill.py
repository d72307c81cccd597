"""A server that is killed in the middle: whoever was told that they are out is out. The full size: bench/."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def bench():
    path = Path(__file__).parents[2] / "bench" / "bench_unsubscribe.py"
    spec = importlib.util.spec_from_file_location("bench_unsubscribe", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_hostile_1_none_who_was_told_so_is_still_on_after_sigkill(bench, tmp_path):
    _, _, crowd, lost = bench.measure(tmp_path / "project", 600, 16, kill_after=200)
    assert 200 <= len(crowd.told) < 600
    assert lost == 0


def test_all_of_many_leave_and_are_told_so(bench, tmp_path):
    _, _, crowd, lost = bench.measure(tmp_path / "project", 600, 16)
    assert len(crowd.told) == 600
    assert crowd.refused == 0
    assert lost == 0
