"""What mail programs do not know: the data file, and what is found of it in a letter."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from dissemination.checks import check_letter
from dissemination.checks.letters.support import ACCEPTED, lacks
from dissemination.model import COMMON_MAIL_PROGRAMS, Level, MailProgram
from dissemination.testing import sample_project

KINDS = {
    "element",
    "attribute",
    "property",
    "declaration",
    "function",
    "value",
    "unit",
    "pseudo",
    "at-rule",
    "media",
}


@pytest.fixture
def found(letters):
    def look(content="", head="", programs=COMMON_MAIL_PROGRAMS):
        findings = check_letter(letters.good_letter(content, head), sample_project(mail_programs=programs))
        return {finding.seen: finding for finding in findings if finding.rule == "letter-support"}

    return look


def test_the_data_say_where_they_come_from():
    about = json.loads(files("dissemination.checks").joinpath("data", "caniemail.json").read_text("utf-8"))["about"]
    assert "caniemail.com" in about["source"]
    assert len(about["sha256"]) == 64
    assert about["version"]
    text = " ".join(about["license"])
    assert "MIT License" in text
    assert "WITHOUT WARRANTY" in text
    assert "Copyright" in text


def test_the_data_and_the_settings_name_the_same_programs():
    named = {program for lack in lacks().values() for program in lack.programs}
    assert named == {program.value for program in MailProgram}
    assert {kind for kind, _ in lacks()} <= KINDS


def test_what_is_accepted_is_in_the_data_and_has_its_reason():
    assert set(ACCEPTED) <= set(lacks())
    assert all(ACCEPTED.values())


@pytest.mark.parametrize(
    ("name", "level", "content"),
    [
        ("display:flex", Level.WARNING, '<div style="display: flex">x</div>'),
        ("display:grid", Level.WARNING, '<div style="DISPLAY:GRID">x</div>'),
        ("var", Level.WARNING, '<p style="margin: var(--gap)">x</p>'),
        ("linear-gradient", Level.WARNING, '<p style="background-image: linear-gradient(#fff, #eee)">x</p>'),
        ("svg", Level.WARNING, "<svg></svg>"),
        ("position", Level.NOTE, '<p style="position: relative">x</p>'),
        ("box-shadow", Level.NOTE, '<p style="box-shadow: 0 0 1px #000">x</p>'),
        ("rem", Level.NOTE, '<p style="margin: 1rem">x</p>'),
        ("srcset", Level.NOTE, '<p srcset="x">x</p>'),
    ],
)
def test_a_feature_that_a_program_lacks(found, name, level, content):
    finding = found(content)[name]
    assert finding.level is level
    assert "Outlook for Windows" in finding.message
    assert finding.fix.startswith("do without it there: https://www.caniemail.com/features/")


@pytest.mark.parametrize(
    ("name", "head"),
    [
        (":hover", "<style>a:hover { color: red }</style>"),
        ("::before", "<style>p::before { content: 'x' }</style>"),
        ("font-face", "<style>@font-face { font-family: x }</style>"),
        ("hover", "<style>@media (hover) { p { color: red } }</style>"),
        ("float", "<style>p { float: left }</style>"),
    ],
)
def test_style_sheets_are_read_as_well(found, name, head):
    assert name in found(head=head)


@pytest.mark.parametrize(
    "head",
    [
        "<style>@media (max-width: 480px) { p { float: left; display: flex } a:hover { color: red } }</style>",
        "<style>@media (prefers-color-scheme: dark) { p { box-shadow: none } }</style>",
        "<style>p { color: red; margin: 0 4px }</style>",
    ],
)
def test_what_only_adds_to_inline_styles_is_silent(found, head):
    assert found(head=head) == {}


def test_the_good_letter_uses_nothing_that_is_missing(found):
    assert found('<p style="border-radius: 4px">x</p>') == {}


def test_only_the_projects_programs_are_named(found):
    content = '<div style="display: flex">x</div>'
    assert found(content, programs=(MailProgram.APPLE_MAIL,)) == {}
    assert found(content, programs=()) == {}
    only = found(content, programs=(MailProgram.GMX, MailProgram.APPLE_MAIL))
    assert only["display:flex"].message == "declaration display:flex is unknown to GMX"


def test_a_feature_is_told_once(found):
    content = '<p style="gap: 1px">x</p>' + '<p style="column-gap: 1px; row-gap: 2px">x</p>'
    assert len(found(content)) == 1


def test_programs_are_called_as_their_makers_call_them():
    assert MailProgram.WEB_DE.label == "WEB.DE"
    assert MailProgram.APPLE_MAIL.label == "Apple Mail"
    assert len({program.label for program in MailProgram}) == len(MailProgram)
