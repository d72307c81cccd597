"""What bootstrap adds to the checks of items."""

import pytest

from dissemination.bootstrap import _check_items
from dissemination.model import Level
from dissemination.testing import sample_project


@pytest.mark.parametrize(
    ("languages", "borrowing"),
    [(("en", "ro"), []), (("en", "fr-BE", "sl"), []), (("en", "pl", "mt"), ["pl", "mt"])],
)
def test_a_language_without_a_catalogue_is_a_warning(languages, borrowing):
    found = _check_items([], sample_project(languages=languages))
    assert [(one.rule, one.level, one.seen) for one in found] == [
        ("language-words", Level.WARNING, lang) for lang in borrowing
    ]
    for finding in found:
        assert finding.path == "settings.yaml"
        assert f"`{finding.seen}`" in finding.message
        assert "docs/pages.md" in finding.fix
