"""Splitting a file: six wrappings of the header, BOM, line ends, and everything that is none of them."""

from __future__ import annotations

import json
import time
from contextlib import suppress

import pytest

from dissemination.sources.front_matter import HEADER_LIMIT, decode, read_header
from dissemination.sources.refusal import RefusedError


def read(text):
    return read_header(decode(text.encode() if isinstance(text, str) else text))


def refusal(text):
    with pytest.raises(RefusedError) as caught:
        read(text)
    return caught.value.finding


@pytest.mark.parametrize(
    ("container", "text"),
    [
        ("yaml", "---\ntitle: Meeting\n---\nBody\n"),
        ("yaml", "---\ntitle: Meeting\n...\nBody\n"),
        ("yaml", "---  \ntitle: Meeting\n---\t\nBody\n"),
        ("yaml", "\n\n---\ntitle: Meeting\n---\nBody\n"),
        ("yaml", "\ufeff---\r\ntitle: Meeting\r\n---\r\nBody\r\n"),
        ("yaml", "---\rtitle: Meeting\r---\rBody\r"),
        ("toml", '+++\ntitle = "Meeting"\n+++\nBody\n'),
        ("json", '{"title": "Meeting"}\nBody\n'),
        ("json", '{\n  "title": "Meeting"\n}\nBody\n'),
        ("nikola", ".. title: Meeting\n\nBody\n"),
        ("nikola", "<!--\n.. title: Meeting\n-->\nBody\n"),
        ("nikola", "<!-- \n.. title: Meeting\n\n-->\n\nBody\n"),
        ("pelican", "Title: Meeting\n\nBody\n"),
        ("pelican", "title: Meeting\n\nBody\n"),
        ("pelican", "\ufeffTitle: Meeting\r\n\r\nBody\r\n"),
    ],
)
def test_each_wrapping_is_found_and_the_body_is_what_follows(container, text):
    header, body, _ = read(text)
    assert header.container == container
    assert header.fields == {"title": "Meeting"}
    assert body.strip() == "Body"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Body only\n",
        "Note: this is a text\n\nand more\n",
        "# Heading\n\n---\n\nrule\n",
        "...\nx",
        "-- -\nx",
        ".. note\n",
    ],
)
def test_no_header_is_none_and_all_is_body(text):
    header, body, line = read(text)
    assert (header.container, header.fields, body, line) == ("none", {}, text, 1)


def test_a_rule_later_in_the_body_is_body():
    _, body, line = read("---\ntitle: a\n---\nOne\n\n---\n\nTwo\n")
    assert body == "One\n\n---\n\nTwo\n"
    assert line == 4


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("---\na: 1\n---\nBody", 4),
        ("\n\n---\na: 1\n---\nBody", 6),
        ("+++\na = 1\n\n+++\nBody", 5),
        (".. title: a\n.. slug: b\n\nBody", 3),
        ("Title: a\nDate: b\n\nBody", 3),
    ],
)
def test_the_body_knows_its_first_line(text, line):
    assert read(text)[2] == line


def test_lines_of_toml_keys():
    header, _, _ = read('+++\ntitle = "a"\n\ntags = ["b"]\n[params]\nx = 1\n[[resources]]\nsrc = "c"\n+++\n')
    assert header.lines == {"title": 2, "tags": 4, "params": 5, "resources": 7}


def test_lines_of_json_keys():
    header, _, _ = read('{\n  "title": "a",\n  "tags": ["b"], "date": "c"\n}\n')
    assert header.lines == {"title": 2, "tags": 3, "date": 3} or header.lines["title"] == 2


def test_toml_dates_become_text():
    text = "+++\na = 2024-05-16\nb = 2024-05-16T10:00:00Z\nc = 2024-05-16 10:00:00\nd = 10:00:00\ne = 1.5\n+++\n"
    assert read(text)[0].fields == {
        "a": "2024-05-16",
        "b": "2024-05-16T10:00:00+00:00",
        "c": "2024-05-16T10:00:00",
        "d": "10:00:00",
        "e": "1.5",
    }


def test_pelican_continues_indented_lines_and_lowers_keys():
    header, _, _ = read("Title: One\nSummary: begins\n    goes on\nTags: a, b\n\nBody")
    assert header.fields == {"title": "One", "summary": "begins goes on", "tags": "a, b"}
    assert header.lines == {"title": 1, "summary": 2, "tags": 4}


def test_a_colon_in_a_pelican_title_stays():
    assert read("Title: A: b\n\nx")[0].fields == {"title": "A: b"}


@pytest.mark.parametrize(
    ("text", "rule", "line"),
    [
        ("---\ntitle: a\n", "front-matter-unclosed", 1),
        ("\n\n+++\na = 1\n", "front-matter-unclosed", 3),
        ("---", "front-matter-unclosed", 1),
        ("---js\n{}\n---\n", "front-matter-unknown", 1),
        ("---\ntitle: A: b\n---\n", "yaml-syntax", 2),
        ("+++\na = 1\nb = \n+++\n", "toml-syntax", 3),
        ("+++\na = 1\na = 2\n+++\n", "toml-syntax", 3),
        ('{"a": 1,\n "b": }\n', "json-syntax", 2),
        ('{"a": 1, "a": 2}\n', "duplicate-key", 1),
        ("Title: a\nTitle: b\n\nx", "duplicate-key", 2),
        (".. title: a\n.. title: b\n\nx", "duplicate-key", 2),
        ('{"a": "\\ud800"}\n', "control-character", 1),
        ('{"a": "\\u0000"}\n', "control-character", 1),
        ("---\na: 1\n---\nx\x07y\n", "control-character", 4),
        ("---\na: x\x00y\n---\n", "control-character", 2),
        ("---\na: x\x85y\n---\n", "control-character", 2),
        ("---\n" + "a" * (HEADER_LIMIT + 10) + "\n---\n", "too-large", 1),
        ("+++\na = " + "[" * 40_000 + "\n+++\n", "too-deep", 2),
        ("+++\n" + "a." * 30_000 + "a = 1\n+++\n", "too-deep", 2),
        ('{"a": ' + "[" * 40_000, "too-deep", 1),
        ('{"a": ' + "[" * 30 + "]" * 30 + "}\n", "too-deep", 1),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line_and_quickly(text, rule, line):
    begin = time.process_time()
    finding = refusal(text)
    assert (finding.rule, finding.line) == (rule, line)
    assert time.process_time() - begin < 20


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"---\ntitle: caf\xe9\n---\n", 2),
        ("---\na: 1\n".encode("utf-16"), 1),
        (b"\xff\xfe\x00\x00", 1),
        (b"a\n\xed\xa0\x80", 2),
    ],
)
def test_other_encodings_are_named(content, line):
    finding = refusal(content)
    assert (finding.rule, finding.line) == ("not-utf8", line)


def test_a_toml_bomb_of_dotted_keys_does_not_keep_us():
    text = "+++\n" + "".join("a" + ".a" * 400 + f".b{i} = 1\n" for i in range(75)) + "+++\n"
    begin = time.process_time()
    with suppress(RefusedError):
        read(text)
    assert time.process_time() - begin < 20


def test_a_large_json_number_is_text():
    fields = read('{"a": ' + "9" * 5000 + "}\n")[0].fields
    assert json.dumps(fields)
