"""Room: rules on items and on rendered output, as plain functions that return findings."""

from dissemination.checks.items import check_items
from dissemination.checks.letters import check_edition, check_letter
from dissemination.checks.post import check_post
from dissemination.checks.spam import spam_scorer

__all__ = ["check_edition", "check_items", "check_letter", "check_post", "spam_scorer"]
