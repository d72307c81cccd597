"""Room: rules on items and on rendered output, as plain functions that return findings."""

from dissemination.checks.items import check_items
from dissemination.checks.letter import check_letter
from dissemination.checks.post import check_post

__all__ = ["check_items", "check_letter", "check_post"]
