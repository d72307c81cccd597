"""`reshare` of the front matter."""

from __future__ import annotations

from datetime import date

import pytest

from dissemination.model import Reshare
from dissemination.sources.fields import Fields
from dissemination.sources.reshare import read_reshare


def read(value, findings=None):
    findings = [] if findings is None else findings
    return read_reshare(Fields({"reshare": value}, {"reshare": 7}, findings), "Europe/Bucharest")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ({"every": "60d", "text": ["a", "b"]}, Reshare(every=60, times=2, texts=("a", "b"))),
        ({"every": "8w", "times": 2, "text": ["a", "b"]}, Reshare(every=56, times=2, texts=("a", "b"))),
        ({"every": 30, "times": "1", "text": "a"}, Reshare(every=30, times=1, texts=("a",))),
        ({"every": "1 day", "text": ["a"]}, Reshare(every=1, times=1, texts=("a",))),
        (
            {"every": "60d", "times": 2, "until": "2027-05-31"},
            Reshare(every=60, times=2, until=date(2027, 5, 31)),
        ),
        # That two are equal is for the checks to say, and that there are too few.
        ({"every": "60d", "times": 3, "text": ["a", "a"]}, Reshare(every=60, times=3, texts=("a", "a"))),
        # A text may have lines of its own.
        ({"every": "60d", "text": ["one\n\ntwo\n"]}, Reshare(every=60, times=1, texts=("one\n\ntwo",))),
    ],
)
def test_what_is_read(value, expected):
    findings = []
    assert read(value, findings) == expected
    assert findings == []


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("60d", "wrong-type"),
        ({"text": ["a"]}, "reshare-every"),
        ({"every": "0d", "text": ["a"]}, "reshare-every"),
        ({"every": "366d", "text": ["a"]}, "reshare-every"),
        ({"every": "2 months", "text": ["a"]}, "reshare-every"),
        ({"every": "60d", "times": 0, "text": ["a"]}, "reshare-times"),
        ({"every": "60d", "times": 21, "text": ["a"]}, "reshare-times"),
        ({"every": "60d", "times": "often", "text": ["a"]}, "reshare-times"),
        ({"every": "60d", "until": "soon", "text": ["a"]}, "time-invalid"),
        ({"every": "60d", "text": {"a": "b"}}, "wrong-type"),
        ({"every": "60d", "text": [["a"]]}, "wrong-type"),
        ({"evry": "60d", "every": "1d", "text": ["a"]}, "unknown-field"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(value, rule):
    findings = []
    read(value, findings)
    assert rule in {finding.rule for finding in findings}
    assert {finding.line for finding in findings} == {7}
