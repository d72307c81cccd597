"""The table of hostile inputs in docs/security.md names tests that exist, and every numbered test."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SECTION = (ROOT / "docs" / "security.md").read_text("utf-8").partition("## Hostile inputs")[2].partition("\n## ")[0]
ROWS = {cells[1].strip(): cells for line in SECTION.splitlines() if len(cells := line.split("|")) == 6}
_TEST = re.compile(r"^\s*def (test_\w+)\(", re.MULTILINE)
#: What concerns the sending alone, and the desk alone, stands elsewhere.
EXPECTED = {"1", *map(str, range(8, 26)), "(+)"}


def there():
    """The names of all tests."""
    return {name for path in (ROOT / "tests").rglob("test_*.py") for name in _TEST.findall(path.read_text("utf-8"))}


def test_every_number_has_its_row():
    assert set(ROWS) - {"No.", "---"} == EXPECTED


def test_every_test_that_is_named_exists():
    named = set(re.findall(r"`(test_[a-z0-9_]+)`", SECTION))
    assert len(named) > 30
    assert named - there() == set()


def test_the_module_of_the_public_side_has_a_test_of_each_number_that_concerns_it():
    module = (ROOT / "tests" / "functional" / "test_hostile_public.py").read_text("utf-8")
    numbers = {one for name in _TEST.findall(module) for one in re.findall(r"(?<=_)(\d+|plus)(?=_)", name)}
    assert numbers >= {*map(str, (8, 9, 10, 11, 12, 13, 14, 16, 17, 18, 19, 21, 22, 24, 25)), "plus"}


def test_a_test_stands_in_the_row_of_its_number():
    for number, cells in ROWS.items():
        for name in re.findall(r"`(test_hostile_[a-z0-9_]+)`", cells[4]):
            assert number.strip("()").replace("+", "plus") in {
                one.lstrip("0") for one in re.findall(r"(?<=_)(\d+|plus)(?=_)", name)
            }, name
