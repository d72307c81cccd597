"""The strict YAML reader: the surprises of YAML, each refused or made plain."""

from __future__ import annotations

import time

import pytest

from dissemination.settings.strict import MAX_BYTES, MAX_DEPTH, YamlError, read


def value(text: str):
    return read(text.encode())[0]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("Off", "Off"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("014", 14),
        ("0o14", 12),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("2024-05-16", "2024-05-16"),
        ("2026-13-45", "2026-13-45"),
        ("<<", "<<"),
        ("'12'", "12"),
        ('"true"', "true"),
        ('""', ""),
        ("9" * 19, "9" * 19),
    ],
)
def test_scalars_follow_yaml_1_2(written, meant):
    got = value(f"key: {written}\n")["key"]
    assert got == meant
    assert type(got) is type(meant)


def test_keys_stay_text():
    assert value("no: 1\n12: 2\ntrue: 3\nnull: 4\n") == {"no": 1, "12": 2, "true": 3, "null": 4}


def test_a_block_scalar_stays_text():
    assert value("a: |\n  12\n") == {"a": "12\n"}


def test_every_key_and_entry_has_its_line():
    _, lines = read(b"a:\n  b: 1\n  c:\n    - x\n    - d: y\n")
    assert lines["a",] == 1
    assert lines["a", "b"] == 2
    assert lines["a", "c", 0] == 4
    assert lines["a", "c", 1, "d"] == 5


def test_a_byte_order_mark_and_crlf_are_taken():
    assert value("\ufeffa: 1\r\nb: 2\r\n") == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: &x 1\nb: *x\n", 1, "anchors"),
        ("a: 1\nb: *x\n", 2, "anchors"),
        ("a: !!timestamp 'zz'\n", 1, "tags"),
        ("a: !!float \n", 1, "tags"),
        ("a: !!python/object/apply:os.system [x]\n", 1, "tags"),
        ("a: 1\nb: 2\na: 3\n", 3, "twice (first in line 1)"),
        ("a:\n  b: 1\n  b: 2\n", 3, "twice"),
        ("{a: 1}: 2\n", 1, "key must be plain"),
        ('a: "\\uD800"\n', 1, "half of a character"),
        ("a: 1\nb: \x00\n", 2, "control character"),
        ("a: b: c\n", 1, "in quotes"),
        ("a: @b\n", 1, "in quotes"),
        ("a:\n\t- b\n", 2, ""),
        ("a: [1\n", 2, ""),
        ("a: 1\n---\nb: 2\n", 2, "document"),
    ],
)
def test_surprises_are_refused_with_their_line(text, line, said):
    with pytest.raises(YamlError) as caught:
        read(text.encode())
    assert caught.value.line == line
    assert said in caught.value.message


def test_text_that_is_not_utf_8():
    with pytest.raises(YamlError, match="UTF-8") as caught:
        read(b"a: 1\nb: \xff\n")
    assert caught.value.line == 2


def test_depth_is_bounded():
    deep = "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)
    assert value(f"a: {deep}\n")
    with pytest.raises(YamlError, match="deeper"):
        value(f"a: [{deep}]\n")


@pytest.mark.parametrize("bomb", ["[" * 40_000, "{a: " * 20_000, "- " * 40_000, "? " * 40_000])
def test_bombs_end_soon_and_politely(bomb):
    started = time.process_time()
    with pytest.raises(YamlError):
        value(bomb)
    assert time.process_time() - started < 20


def test_size_is_bounded():
    with pytest.raises(YamlError, match="larger"):
        read(b"#" * (MAX_BYTES + 1))


def test_a_mistakes_text_is_not_repeated():
    with pytest.raises(YamlError) as caught:
        read(b"api_key: 'hunter2\n")
    assert "hunter2" not in str(caught.value)
