"""disseminate bounces: from a real letter to a real bounce and back, by maildir, mailbox and pipe."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dissemination.bootstrap import make_app
from dissemination.model import Subscriber

SAMPLES = Path(__file__).parents[1] / "golden" / "data" / "returns"
SAMPLE_MARK = "raaaaaahaaaaaabka4srmhyy5cdkwrmd"


@pytest.fixture
def folder(folders, tmp_path, smtp_server):
    """A project whose flash edition went to p0, p1 and p2."""
    root = folders.write_project(tmp_path / "project", port=smtp_server().port)
    folders.write_item(root)
    folders.add_people(root, 3)
    folders.approve_all(root)
    app = make_app(root)
    with app.publishing():
        app.publish()
    app.close()
    return root


@pytest.fixture
def shell(shells, folder):
    return shells.Shell(folder)


@pytest.fixture
def sample(folder):
    """A sample with the mark of a person and of the edition (which is found by trying)."""

    def make(name: str, person: int) -> bytes:
        app = make_app(folder)
        row = next(n for n in range(1, 50) if (s := app.parts.store.bounces.concerned(n, person)) and s.recipient)
        mark = app.parts.tokens.bounce(row, person)
        app.close()
        return (SAMPLES / f"{name}.eml").read_bytes().replace(SAMPLE_MARK.encode(), mark.encode())

    return make


def piped(folder: Path, raw: bytes, *words: str, environ=None) -> subprocess.CompletedProcess:
    """The command as a mail server runs it."""
    return subprocess.run(
        [sys.executable, "-m", "dissemination", "bounces", "read", *words],
        input=raw,
        cwd=folder,
        env=os.environ | (environ or {}),
        capture_output=True,
        timeout=60,
        check=False,
    )


def states(shell) -> dict[str, str]:
    return {person["email"]: person["state"] for person in shell.json("subscribers", "list")}


def test_a_bounce_through_a_pipe_suppresses_exactly_one(shell, folder, sample):
    done = piped(folder, sample("postfix-unknown", 2))
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert states(shell) == {
        "p0@mail.example": "active",
        "p1@mail.example": "suppressed",
        "p2@mail.example": "active",
    }


def test_the_envelopes_recipient_may_be_told(shell, folder, sample):
    raw = sample("postfix-unknown", 2)
    mark = next(word for word in raw.decode().split() if word.startswith("bounces+"))
    bare = raw.replace(mark.encode(), b"bounces@news.example")
    done = piped(folder, bare, "--to", mark, "--json")
    assert json.loads(done.stdout)["effect"] == "suppressed"


def test_the_same_mail_again_is_fine_and_nothing(shell, folder, sample):
    raw = sample("exim-full", 2)
    piped(folder, raw)
    done = piped(folder, raw, "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, None)
    assert len(shell.json("bounces", "list")) == 1


def test_a_mail_that_cannot_be_stored_now_stays_with_the_server(folder, tmp_path):
    done = piped(tmp_path, b"Subject: x\n\n")  # no project here
    assert done.returncode == os.EX_TEMPFAIL
    assert b"settings.yaml" in done.stderr
    (folder / "settings.yaml").write_text("project: [")
    assert piped(folder, b"Subject: x\n\n").returncode == os.EX_TEMPFAIL
    (folder / "settings.yaml").unlink()


def test_a_database_that_is_broken_keeps_the_mail_with_the_server(folder):
    (folder / "var" / "dissemination.db").write_bytes(b"no database at all" * 100)
    assert piped(folder, b"Subject: x\n\n").returncode == os.EX_TEMPFAIL


def test_a_huge_mail_is_read_to_its_end_so_that_the_pipe_does_not_break(folder, shell):
    done = piped(folder, b"Subject: large\n\n" + b"x" * 5_000_000)
    assert done.returncode == 0
    assert [each["kind"] for each in shell.json("bounces", "list")] == ["unknown"]


def test_a_maildir_is_read(shell, folder, sample):
    for name in ("new", "cur", "tmp"):
        (folder / "box" / name).mkdir(parents=True)
    (folder / "box" / "new" / "1").write_bytes(sample("exim-unknown", 1))
    (folder / "box" / "new" / "2").write_bytes(sample("vacation", 3))
    said = shell("bounces", "read", "--maildir", "box").stdout
    assert said == "2 mails taken in. `disseminate bounces list` shows what followed.\n"
    assert shell.json("bounces", "read", "--maildir", "box") == {"mails": 0, "troubles": []}
    assert states(shell)["p0@mail.example"] == "suppressed"


def test_a_folder_that_is_no_maildir_is_said(shell):
    done = shell("bounces", "read", "--maildir", "news", code=1, columns=None)
    assert "has no folder new" in done.stderr


def test_the_mailbox_of_settings_is_read(shell, folder, sample, imap_server, monkeypatch):
    with imap_server([sample("postfix-unknown", 2)]) as server:
        settings = (folder / "settings.yaml").read_text()
        more = f"bounces: {{imap: {{host: 127.0.0.1, port: {server.port}, tls: none, username: bounces}}}}\n"
        (folder / "settings.yaml").write_text(settings + more)
        done = shell("bounces", "read", "--imap", code=1)
        assert "DISSEMINATION_IMAP_PASSWORD" in "".join(done.stderr.split())
        monkeypatch.setenv("DISSEMINATION_IMAP_PASSWORD", "maildir-secret")
        assert shell.json("bounces", "read", "--imap")["mails"] == 1
    assert states(shell)["p1@mail.example"] == "suppressed"


def test_what_settings_do_not_name_is_said(shell):
    assert "bounces.maildir" in shell("bounces", "read", "--imap", code=2).stderr
    assert "not both" in shell("bounces", "read", "--imap", "--maildir", "x", code=2).stderr


def test_the_list_tells_what_followed(shell, folder, sample):
    assert "Nothing came back yet." in shell("bounces", "list").stdout
    assert "Nothing was kept." in shell("bounces", "list", "--kept").stdout
    piped(folder, sample("postfix-unknown", 2))
    piped(folder, b"From: x@y.example\nSubject: A question\n\nHello?\n")
    said = shell("bounces", "list").stdout
    assert all(len(line) <= 80 for line in said.splitlines())
    for words in ("No.", "hard", "5.1.1", "suppressed", "unknown", "A question"):
        assert words in said
    assert "@" not in said
    [kept] = shell.json("bounces", "list", "--kept")
    assert (kept["kind"], kept["effect"]) == ("unknown", "kept: it is not understood")
    assert len(shell.json("bounces", "list", "-n", "1")) == 1


def test_a_kept_mail_cannot_steer_the_terminal(shell, folder):
    raw = b"Subject: a \x1b[31mred\x07 subject\x9b2J [bold]x[/bold]\n\n\x1b]0;title\x07words\r\n[red]y[/red]\xff\n"
    piped(folder, raw)
    for command in (("list",), ("show", "1")):
        said = shell("bounces", *command).stdout
        assert not set(said) & {"\x1b", "\x07", "\x9b", "\r"}
    assert "[red]y[/red]" in said
    assert "\x1b" in shell.json("bounces", "show", "1")["body"]  # for programs, as it is


def test_one_bounce_is_told_with_its_edition_and_person_in_local_time(shell, folder, sample):
    piped(folder, sample("postfix-unknown", 2))
    said = shell("bounces", "show", "1").stdout
    lines = {line[:13].strip(): line[13:].strip() for line in said.splitlines()}
    assert (lines["Edition"], lines["Person"], lines["What followed"]) == (
        "flash-first",
        "p1@mail.example",
        "suppressed",
    )
    assert lines["When"].startswith(
        datetime.now(UTC).astimezone(ZoneInfo("Europe/Bucharest")).strftime("%a %d %b %Y")
    )
    facts = shell.json("bounces", "show", "1")
    assert (facts["edition"], facts["address"]) == ("flash-first", "p1@mail.example")


def test_the_beginning_of_a_mail_is_shown_as_it_is(shell, folder):
    piped(folder, b"From: x@y.example\nSubject: A question\n\nHello?\n")
    said = shell("bounces", "show", "1").stdout
    assert "\n\nFrom: x@y.example\nSubject: A question\n" in said
    assert "Person" not in said


def test_a_number_that_is_none(shell):
    assert "bounces list" in shell("bounces", "show", "99", code=2).stderr


def test_an_erased_person_is_gone_from_what_came_back(shell, folder, sample):
    piped(folder, sample("exim-full", 2))
    piped(folder, b"From: p1@mail.example\nSubject: A question\n\nHello?\n")
    shell("subscribers", "remove", "p1@mail.example")
    assert shell.json("bounces", "list") == []
    for file in (folder / "var").glob("dissemination.db*"):
        assert b"p1@mail.example" not in file.read_bytes()


def test_the_running_scheduler_reads_the_maildir(folder, sample, shells):
    for name in ("new", "cur", "tmp"):
        (folder / "box" / name).mkdir(parents=True)
    (folder / "box" / "new" / "1").write_bytes(sample("postfix-unknown", 2))
    (folder / "settings.yaml").write_text((folder / "settings.yaml").read_text() + "bounces: {maildir: box}\n")
    app = make_app(folder)
    with app.publishing():
        app.ticks().tick()
    app.close()
    assert states(shells.Shell(folder))["p1@mail.example"] == "suppressed"


def test_a_suppressed_address_does_not_come_back_by_import(shell, folder, sample):
    piped(folder, sample("postfix-unknown", 2))
    shell("subscribers", "remove", "p1@mail.example")
    app = make_app(folder)
    consent = datetime(2026, 1, 1, tzinfo=UTC)
    person = Subscriber(
        id=0, email="p1@mail.example", lists=("news",), consent_source="import", consent_at=consent, lang="en"
    )
    assert app.add_subscribers([person]).suppressed == 1
    app.close()
