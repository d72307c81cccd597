"""What is approved, as bytes: fields that came later do not change what was approved before."""

from datetime import UTC, datetime

import pytest

from dissemination.model import Enclosure, EventFacts, ItemType, Link
from dissemination.pipeline import content as codec
from dissemination.testing import sample_entry

FILE = Enclosure(url="https://news.example.eu/media/a.pdf", media_type="application/pdf", size=9, title="a.pdf")


def test_what_was_approved_before_a_field_existed_keeps_its_digest():
    before = codec.encode(sample_entry(), ())
    for name in (b"withdrawn", b"corrected", b"attachments", b"kind", b"event", b"links", b"note"):
        assert b'"%s"' % name not in before.body
    assert codec.entry(before.body) == sample_entry()


@pytest.mark.parametrize(
    "changes",
    [
        {"withdrawn": True},
        {"corrected": datetime(2026, 11, 14, 9, 0, tzinfo=UTC)},
        {"attachments": (FILE,)},
        {"kind": ItemType.EVENT},
        {"event": EventFacts(place="Library")},
        {"links": (Link(url="https://example.eu/r", text="Read"),)},
        {"note": "From WP 2"},
    ],
)
def test_what_came_later_is_read_back_as_it_was(changes):
    entry = sample_entry(**changes)
    assert codec.entry(codec.encode(entry, ()).body) == entry
