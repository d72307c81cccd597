"""Strict YAML: what other loaders turn into something else, or into a crash, is kept as written or refused."""

from __future__ import annotations

import time

import pytest

from dissemination.model import Level
from dissemination.sources.refusal import RefusedError
from dissemination.sources.strict_yaml import load


def values(text):
    return load(text)[0]


def refusal(text, first_line=1):
    with pytest.raises(RefusedError) as caught:
        load(text, first_line)
    return caught.value.finding


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("off", "off"),
        ("NO", "NO"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("014", "014"),
        ("0o14", "0o14"),
        ("0x1f", "0x1f"),
        ("12:30", "12:30"),
        ("1_000", "1_000"),
        ("1.5", "1.5"),
        ("1e3", "1e3"),
        (".nan", ".nan"),
        ("=", "="),
        ("2024-05-16", "2024-05-16"),
        ("2026-13-45", "2026-13-45"),
        ("9" * 40, "9" * 40),
        ('"true"', "true"),
        ("'12'", "12"),
        ("[a, no, 3]", ["a", "no", 3]),
        ("{a: no}", {"a": "no"}),
    ],
)
def test_scalars_are_those_of_yaml_1_2_and_dates_stay_text(written, read):
    assert values(f"key: {written}\n") == {"key": read}


def test_block_scalars_keep_their_lines():
    assert values("a: |\n  one\n  two\nb: >\n  three\n  four\n") == {"a": "one\ntwo\n", "b": "three four\n"}


def test_every_key_has_its_line_by_its_dotted_path():
    _, lines, _ = load("title: a\nimage:\n  src: b\n  alt: c\ntags:\n  - d\n  - e\n", first_line=2)
    assert lines == {"title": 2, "image": 3, "image.src": 4, "image.alt": 5, "tags": 6, "tags.0": 7, "tags.1": 8}


def test_nothing_is_an_empty_mapping():
    assert load("") == ({}, {}, ())
    assert values("# only a comment\n") == {}
    assert values("~\n") == {}


@pytest.mark.parametrize(
    ("text", "line", "field", "fix"),
    [
        ("title: MICROFUTURE: partners meet\n", 2, "title", 'title: "MICROFUTURE: partners meet"'),
        ("a: b\nby: @oirbi\n", 3, "by", 'by: "@oirbi"'),
        ("a: b\nc: `x`\n", 3, "c", 'c: "`x`"'),
        ("a: %x\n", 2, "a", 'a: "%x"'),
        ('title: "open\n', 2, "title", 'title: "open"'),
        ("title: 'it's nice'\n", 2, "title", "title: \"'it's nice'\""),
        ('title: "A" and "B"\n', 2, "title", r'title: "\"A\" and \"B\""'),
    ],
)
def test_a_syntax_error_names_line_and_field_and_offers_the_quoted_value(text, line, field, fix):
    finding = refusal(text, first_line=2)
    assert (finding.rule, finding.level) == ("yaml-syntax", Level.ERROR)
    assert (finding.line, finding.field, finding.fix) == (line, field, fix)


def test_the_offered_fix_is_readable_itself():
    fix = refusal('title: "A": "B" @ C\n').fix
    assert values(fix) == {"title": '"A": "B" @ C'}


def test_a_tab_is_named_with_its_line():
    assert refusal("a: b\n\tc: d\n").line == 2


def test_an_unclosed_list_points_at_its_line_not_at_the_end():
    assert refusal("a: 1\nx: [a, b\n\n\n").line == 2


@pytest.mark.parametrize(
    ("text", "fix", "lost"),
    [
        ("hashtags: #Interreg\n", 'hashtags: "#Interreg"', "#Interreg"),
        ("hashtags:  #A #B\n", 'hashtags: "#A #B"', "#A #B"),
        ("hashtags:\n  - #Interreg\n  - b\n", '- "#Interreg"', "#Interreg"),
        ("posts:\n  x: #Interreg\n", 'x: "#Interreg"', "#Interreg"),
    ],
)
def test_a_value_lost_to_a_comment_is_an_error_with_the_quoted_fix(text, fix, lost):
    finding = refusal(text)
    assert (finding.rule, finding.fix, finding.seen) == ("value-lost", fix, lost)


def test_a_value_cut_by_a_comment_is_a_warning():
    data, _, warnings = load("title: We are #1 in Europe\n")
    assert data == {"title": "We are"}
    assert [(w.rule, w.level, w.line, w.fix) for w in warnings] == [
        ("value-cut", Level.WARNING, 1, 'title: "We are #1 in Europe"')
    ]


@pytest.mark.parametrize(
    "text", ["a: b # a remark\n", "a: # none yet\n", 'a: "x #1"\n', "a: x#1\n", "# all\na: 1\n"]
)
def test_ordinary_comments_are_silent(text):
    assert load(text)[2] == ()


@pytest.mark.parametrize(
    ("text", "rule", "line"),
    [
        ("a: 1\na: 2\n", "duplicate-key", 2),
        ("x:\n  a: 1\n  a: 2\n", "duplicate-key", 3),
        ("1: a\n'1': b\n", "duplicate-key", 2),
        ("a: &x 1\nb: *x\n", "yaml-alias", 1),
        ("a: *x\n", "yaml-alias", 1),
        ("&x a: 1\n", "yaml-alias", 1),
        ("a: !!float\n", "yaml-tag", 1),
        ("a: !!timestamp 'zz'\n", "yaml-tag", 1),
        ("a: !!python/object:os.system x\n", "yaml-tag", 1),
        ("a: ! b\n", "yaml-tag", 1),
        ("a: !local b\n", "yaml-tag", 1),
        ('a: "\\uD800"\n', "control-character", 1),
        ('a: "\\0"\n', "control-character", 1),
        ('a: "x\\Ly"\n', "control-character", 1),
        ('"\\a": b\n', "control-character", 1),
        ("- a\n- b\n", "yaml-syntax", 1),
        ("just words\n", "yaml-syntax", 1),
        ("a: 1\n--- \nb: 2\n", "yaml-syntax", 2),
        ("? [a]\n: b\n", "yaml-syntax", 1),
        ("{a: b}: c\n", "yaml-syntax", 1),
        ("%YAML 9.9\n---\na: b\n", "yaml-syntax", 1),
    ],
)
def test_what_is_no_plain_mapping_is_refused(text, rule, line):
    finding = refusal(text)
    assert (finding.rule, finding.line) == (rule, line)


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "[" * 40_000,
        "a: " + "[" * 40_000 + "]" * 40_000,
        "a: " + "{a: " * 15_000,
        "- " * 30_000,
        "? " * 30_000,
        "\n".join(" " * i + "a:" for i in range(300)),
    ],
)
def test_deep_nesting_is_refused_quickly(text):
    begin = time.process_time()
    finding = refusal(text)
    assert finding.rule in {"too-deep", "yaml-syntax"}
    assert time.process_time() - begin < 20


def test_twenty_levels_pass():
    depth = 20
    assert values("a: " + "[" * (depth - 1) + "]" * (depth - 1))
    assert refusal("a: " + "[" * (depth + 1) + "]" * (depth + 1)).rule == "too-deep"


def test_an_alias_bomb_is_never_expanded():
    text = "a: &a [x, x]\n" + "".join(f"b{i}: &b{i} [*a, *a]\n" for i in range(40))
    assert refusal(text).rule == "yaml-alias"


def test_merge_keys_are_only_a_strange_name():
    assert values("<<: {a: 1}\n") == {"<<": {"a": 1}}
