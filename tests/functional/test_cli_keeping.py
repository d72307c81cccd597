"""Commands on what is kept: settings that are refused, people and their consent, backups."""

from __future__ import annotations

import csv
import io
import sqlite3
from contextlib import closing

import pytest
import yaml

CONSENT = ("--source", "form at the meeting", "--date", "2026-01-15")


@pytest.fixture
def shell(tmp_path, shells):
    """A small project with one item that is ready."""
    shells.write_project(tmp_path)
    shells.write_item(tmp_path)
    return shells.Shell(tmp_path)


def words(text: str) -> str:
    return " ".join(text.split())


# ------------------------------------------------------------------------------------------------ settings


def line_of(shell, text: str) -> int:
    lines = (shell.root / "settings.yaml").read_text("utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("timezone", "time_zone"), ("public_url", "publicurl"), ("tick_seconds", "tick_second"), ("flash", "flsh")],
)
def test_an_unknown_key_names_the_nearest_with_file_and_line(shell, right, wrong):
    path = shell.root / "settings.yaml"
    path.write_text(path.read_text("utf-8").replace(f"{right}:", f"{wrong}:", 1), "utf-8")
    error = words(shell("check", code=2).stderr)
    assert f"settings.yaml:{line_of(shell, wrong)}" in error
    assert wrong in error
    assert right in error


@pytest.mark.parametrize(
    "secret",
    [
        {"channels": {"email": {"password": "hunter2", "sender": "a@b.example", "host": "localhost"}}},
        {"channels": {"x": {"use": "x", "api_secret": "hunter2"}}},
        {"store": {"path": "postgresql://me:hunter2@db.example/news"}},
        {"notify": {"webhooks": ["https://me:hunter2@hooks.example/in"]}},
    ],
    ids=["password", "token", "database", "webhook"],
)
@pytest.mark.parametrize("command", ["check", "doctor", "plan"])
def test_a_secret_in_settings_stops_every_command_and_is_never_shown(shell, secret, command):
    path = shell.root / "settings.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text("utf-8")) | secret, sort_keys=False), "utf-8")
    result = shell(command, code=2)
    assert "settings.yaml:" in words(result.stderr)
    assert "hunter2" not in result.stdout + result.stderr


def test_settings_that_are_no_yaml_are_refused_with_their_line(shell):
    path = shell.root / "settings.yaml"
    path.write_text("project:\n  acronym: [unclosed\n")
    assert "settings.yaml:" in words(shell("plan", code=2).stderr)


# ------------------------------------------------------------------------------------------------ people


def people(shell) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(shell("subscribers", "export").stdout)))


def test_whoever_is_suppressed_is_not_taken_in_again_by_an_import(shell):
    shell("subscribers", "add", "ana@mail.example", *CONSENT)
    shell("subscribers", "suppress", "Ana@Mail.example", "--reason", "asked by phone")
    (shell.root / "all.csv").write_text("email\nana@mail.example\nbob@mail.example\n")
    told = shell.json("subscribers", "import", "all.csv", *CONSENT)
    assert told == {"added": 1, "known": 0, "suppressed": 1, "wrong": 0, "findings": []}
    assert {p["email"]: p["state"] for p in shell.json("subscribers", "list")} == {
        "ana@mail.example": "suppressed",
        "bob@mail.example": "active",
    }
    assert [p["email"] for p in shell.json("subscribers", "list", "--state", "active")] == ["bob@mail.example"]


def test_suppressing_somebody_unknown_holds_for_the_future(shell):
    assert shell.json("subscribers", "suppress", "eve@mail.example") == {"suppressed": True, "was_listed": False}
    assert shell.json("subscribers", "add", "eve@mail.example", *CONSENT)["suppressed"] == 1
    assert shell.json("subscribers", "list") == []


def test_an_export_is_safe_in_a_spreadsheet_and_can_be_read_back(shell):
    names = ["=1+1", "+31 20", "-2", "@sum", "\tcmd", "plain", "O'Neil"]
    for number, name in enumerate(names):
        shell("subscribers", "add", f"p{number}@mail.example", "--name", name, "--lang", "ro", *CONSENT)
    rows = people(shell)
    assert not [row["name"] for row in rows if row["name"][:1] in set("=+-@\t\r")]
    assert rows[0]["name"] == "'=1+1"
    assert rows[0]["consent_at"] == "2026-01-14T22:00:00+00:00"
    shell("subscribers", "export", "people.csv")
    for number in range(len(names)):
        shell("subscribers", "remove", f"p{number}@mail.example")
    assert shell.json("subscribers", "import", "people.csv")["added"] == len(names)
    assert [p["name"] for p in shell.json("subscribers", "list")][-2:] == ["plain", "O'Neil"]
    assert people(shell) == rows


def test_an_erased_address_is_in_no_file_of_the_database_while_somebody_else_reads(shell):
    shell("subscribers", "add", "gone.person@mail.example", "--name", "Gone Person", *CONSENT)
    database = shell.root / "var" / "dissemination.db"
    with closing(sqlite3.connect(database)) as reader:  # keeps the write-ahead log alive
        assert reader.execute("SELECT count(*) FROM subscribers").fetchone() == (1,)
        shell("subscribers", "remove", "gone.person@mail.example")
        files = sorted(path.name for path in database.parent.glob("dissemination.db*"))
        assert "dissemination.db-wal" in files
        for name in files:
            held = (database.parent / name).read_bytes().lower()
            assert b"gone.person" not in held, name
            assert b"gone person" not in held, name


def test_somebody_on_two_lists_is_one_person(shell):
    path = shell.root / "settings.yaml"
    settings = yaml.safe_load(path.read_text("utf-8"))
    settings["newsletter"]["lists"]["press"] = {"en": "Press", "ro": "Presă"}
    path.write_text(yaml.safe_dump(settings, allow_unicode=True), "utf-8")
    shell("subscribers", "add", "ana@mail.example", "--list", "news", "--list", "press", *CONSENT)
    (ana,) = shell.json("subscribers", "list", "--list", "press")
    assert ana["lists"] == ["news", "press"]
    assert ana["consent_at"].startswith("2026-01-14T22:00:00")


# ------------------------------------------------------------------------------------------------ backup


def test_a_backup_brings_back_people_and_what_went_out(shell):
    shell("subscribers", "add", "ana@mail.example", *CONSENT)
    shell("approve", "first")
    shell("publish")
    told = shell.json("backup", "copy.db")
    assert told["bytes"] == (shell.root / "copy.db").stat().st_size
    assert (shell.root / "copy.db").stat().st_mode & 0o077 == 0
    shell("subscribers", "remove", "ana@mail.example")
    former = shell.json("restore", "copy.db")["former"]
    assert (shell.root / former).exists()
    assert [p["email"] for p in shell.json("subscribers", "list")] == ["ana@mail.example"]
    assert shell.json("publish") == {"mails": 0, "feeds": 0, "posts": 0, "failed": 0, "in_doubt": 0}
    assert {line["state"] for line in shell.json("plan", "--all") if line["subject"] == "first"} == {"published"}
    assert "restored" in {event["kind"] for event in shell.json("log")}


def damaged(good: bytes) -> dict[str, bytes]:
    middle = len(good) // 2
    return {
        "half": good[:middle],
        "scribbled": good[:4096] + b"\xff" * 8192 + good[12288:],
        "empty": b"",
        "text": b"not a database at all\n" * 500,
    }


@pytest.mark.parametrize("kind", ["half", "scribbled", "empty", "text"])
def test_a_damaged_backup_is_refused_and_nothing_is_lost(shell, kind):
    shell("subscribers", "add", "ana@mail.example", *CONSENT)
    shell("backup", "copy.db")
    (shell.root / "bad.db").write_bytes(damaged((shell.root / "copy.db").read_bytes())[kind])
    error = words(shell("restore", "bad.db", code=1).stderr)
    assert "bad.db" in error
    assert "backup" in error
    assert [p["email"] for p in shell.json("subscribers", "list")] == ["ana@mail.example"]


def test_a_backup_that_is_not_there_is_said(shell):
    assert "nowhere.db" in words(shell("restore", "nowhere.db", code=1).stderr)
