"""Reasons without what differs from person to person."""

from __future__ import annotations

import pytest

from dissemination.model import DeliveryState, Trouble
from dissemination.pipeline.editions import gist, summed


@pytest.mark.parametrize(
    ("reason", "wanted"),
    [
        (
            "email: mx:2525 refused the recipient: 550 5.1.1 <a@b.example>: no such user",
            "550 5.1.1 …: no such user",
        ),
        ("email: 451 try again later", "451 try again later"),
        ("email: 550-5.7.1 one line of many that go on and on", "550 5.7.1 one line of many that go"),
        ("email: 452 4.2.2 mailbox full (tried 12 times)", "452 4.2.2 mailbox full (tried 12 times)"),
        ("email: 421 4.7.0 unusual rate of mail k19-20020a5d", "421 4.7.0 unusual rate of mail …"),
        ("email: 250", "250"),
        ("email: 127.0.0.1:45350 could not be reached", "could not be reached"),
        ("the process ended before the answer came", "the process ended before the answer came"),
        ("", "no reason is known"),
    ],
)
def test_the_gist_of_a_reason(reason, wanted):
    assert gist(reason) == wanted


def test_equal_reasons_are_one_line_the_most_frequent_first():
    failed, deferred = DeliveryState.FAILED, DeliveryState.DEFERRED
    rows = [
        Trouble(state=failed, domain="b.example", reason="550 5.1.1 <x@b.example>: unknown", count=1),
        Trouble(state=failed, domain="b.example", reason="550 5.1.1 <y@b.example>: unknown", count=2),
        Trouble(state=failed, domain="c.example", reason="550 5.1.1 <y@c.example>: unknown", count=1),
        Trouble(state=deferred, domain="b.example", reason="451 later", count=9),
    ]
    found = [(row.count, row.state, row.domain, row.reason) for row in summed(iter(rows))]
    assert found == [
        (9, deferred, "b.example", "451 later"),
        (3, failed, "b.example", "550 5.1.1 …: unknown"),
        (1, failed, "c.example", "550 5.1.1 …: unknown"),
    ]
