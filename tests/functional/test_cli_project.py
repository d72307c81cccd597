"""Commands on a project: what they print, their JSON, and what they exit with."""

from __future__ import annotations

import json
import os
import re
import socket
from datetime import datetime
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from dissemination.cli import app

SEEDS = Path(__file__).parents[3] / "shared" / "seeds"

CONSENT = ("--source", "form at the meeting", "--date", "2026-01-15")


class Shell:
    """Runs commands in one folder, as somebody in an 80-column terminal."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __call__(self, *words: str, code: int | None = 0):
        before = Path.cwd()
        os.chdir(self.root)
        try:
            result = CliRunner().invoke(app, list(words), env={"COLUMNS": "80", "NO_COLOR": "1"})
        finally:
            os.chdir(before)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        if code is not None:
            assert result.exit_code == code, result.output + result.stderr
        return result

    def json(self, *words: str, code: int | None = 0):
        return json.loads(self(*words, "--json", code=code).stdout)


@pytest.fixture
def bare(tmp_path):
    """An empty folder."""
    return Shell(tmp_path)


@pytest.fixture
def made(bare):
    """What `init` makes."""
    bare("init")
    return bare


@pytest.fixture
def shell(tmp_path, folders):
    """A small project with one item that is ready."""
    folders.write_project(tmp_path)
    folders.write_item(tmp_path)
    return Shell(tmp_path)


# ------------------------------------------------------------------------------------------------ init, check


def test_init_makes_a_project_that_passes_check_and_is_not_made_twice(made):
    seen = made.json("check")
    (finding,) = seen.pop("findings")
    assert (finding["level"], finding["rule"]) == ("warning", "funding-placeholder")
    assert seen == {"items": 1, "editions": [], "spam": []}
    again = made("init", code=2)
    assert "settings.yaml is there already" in again.stderr
    ignored = (made.root / ".gitignore").read_text()
    assert "/var/" in ignored


def test_check_names_file_line_field_and_what_to_write(shell, folders):
    path = folders.write_item(shell.root, "loud", title="A TITLE THAT SHOUTS AT EVERYBODY")
    text = path.read_text().replace("title: A TITLE", "title: MICRO: A TITLE")
    path.write_text(text)
    shown = shell("check", code=1).stdout
    assert "news/loud/index.md" in shown
    (finding,) = [f for f in shell.json("check", code=1)["findings"] if f["level"] == "error"]
    assert finding["path"] == "news/loud/index.md"
    assert finding["line"] == 2
    assert finding["field"] == "title"
    assert finding["fix"] == 'title: "MICRO: A TITLE THAT SHOUTS AT EVERYBODY"'


def test_check_of_one_path_leaves_the_others_out(shell, folders):
    folders.write_item(shell.root, "bad", date="2026-13-45")
    assert shell("check", code=1)
    assert shell.json("check", "news/first")["findings"] == []
    assert shell.json("check", "news/bad", code=1)["findings"]


def test_no_project_here_is_wrong_use(bare):
    assert "disseminate init" in bare("plan", code=2).stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"smtp_password": "hunter2"}, "DISSEMINATION_"),
        ({"projcet": {}}, "project"),
    ],
)
def test_settings_that_are_not_right_stop_every_command(shell, change, said):
    path = shell.root / "settings.yaml"
    settings = yaml.safe_load(path.read_text()) | change
    path.write_text(yaml.safe_dump(settings, sort_keys=False))
    error = shell("plan", code=2).stderr
    assert said in error
    assert "settings.yaml" in error
    assert re.search(r":\d+", error)
    assert "hunter2" not in error


def test_the_schema_is_one(bare):
    schema = json.loads(bare("schema").stdout)
    assert schema["type"] == "object"
    assert {"project", "channels", "newsletter"} <= set(schema["properties"])


# ------------------------------------------------------------------------------------------------ import


def test_the_seed_page_becomes_a_draft_with_exactly_four_findings(made):
    if not SEEDS.is_dir():
        pytest.skip("the seed pages are not beside the checkout")
    (page,) = SEEDS.glob("*.txt")
    told = made.json("import", str(page))
    assert [(f["rule"], f["field"]) for f in told["findings"]] == [
        ("date-missing", "date"),
        ("summary-missing", "summary"),
        ("image-missing", "image"),
        ("title-capitals", "title"),
    ]
    assert told["findings"][0]["seen"] == "On the 15th and 16th of May"
    assert all(set(f) == {"rule", "level", "field", "line", "seen"} for f in told["findings"])
    assert made.json("import", str(page))["item"] == told["item"]
    assert len(list((made.root / "news").glob("microfuture*"))) == 1
    head, body = (made.root / told["item"]).read_text("utf-8").split("---\n")[1:]
    facts = yaml.safe_load(head)
    assert (facts["type"], facts["topic"], facts["byline"]) == ("news", "Social", "Project MICROFUTURE")
    assert facts["title"] == "MICROFUTURE PARTNERS GATHER IN FRANCE FOR THE 3RD MEETING"
    assert facts["tags"] == ["Interregional"]
    assert facts["date"] is None
    assert len(body.strip().split("\n\n")) == 8
    assert "Go to main" not in body
    assert (made.root / told["item"]).parent.joinpath("source.txt").read_bytes() == page.read_bytes()


def test_an_html_page_gives_its_facts_and_invents_none(made):
    page = made.root / "page.html"
    page.write_text(
        "<!doctype html><html lang=en><head><title>Loans | Site</title>"
        '<meta property="og:title" content="Small loans in five regions">'
        '<meta property="article:published_time" content="2026-03-04T09:00:00+02:00"></head>'
        "<body><nav>Home</nav><main><h1>Small loans in five regions</h1>"
        + "".join(
            f"<p>Paragraph {n} tells what the region did and what came of it, at some length.</p>" for n in range(5)
        )
        + "</main><footer>Imprint</footer></body></html>"
    )
    told = made.json("import", "page.html")
    text = (made.root / told["item"]).read_text("utf-8")
    assert "Small loans in five regions" in text
    assert "2026-03-04" in text
    assert "Paragraph 4" in text
    assert "Home" not in text
    assert {"image-missing", "summary-missing"} <= {f["rule"] for f in told["findings"]}
    assert "date-missing" not in {f["rule"] for f in told["findings"]}


# ------------------------------------------------------------------------------------------------ plan to publish


def test_the_way_of_an_item_by_commands_alone(shell):
    plan = shell.json("plan")
    assert {(line["channel"], line["state"]) for line in plan} == {
        ("email", "in_review"),
        ("feed", "in_review"),
        ("mastodon", "in_review"),
        ("x", "in_review"),
    }
    shown = shell("plan").stdout
    assert "feed, x, mastodon" in shown or "feed" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert "approve" in shell("approve", code=2).stderr
    assert "did you mean first" in shell("approve", "frist", code=2).stderr
    assert all(v["done"] for v in shell.json("approve", "first", "--as", "ana"))
    assert shell.json("publish", "--dry-run")
    tally = shell.json("publish")
    assert tally["posts"] == 2
    assert tally["feeds"] > 3
    assert shell.json("publish") == {"mails": 0, "feeds": 0, "posts": 0, "failed": 0, "in_doubt": 0}
    events = shell.json("log")
    assert [e["kind"] for e in events].count("sent") == 3
    assert all(datetime.fromisoformat(e["at"]).tzinfo for e in events)
    assert "sent" in shell("log").stdout
    status = shell.json("status")
    assert len(status["sent"]) == 3
    assert "Went out" in shell("status").stdout


def test_a_change_after_the_approval_is_told_by_plan(shell, folders):
    shell("approve", "--all")
    folders.write_item(shell.root, title="Another title")
    shown = " ".join(shell("plan").stdout.split())
    assert "the text changed after" in shown


def test_preview_writes_what_every_channel_would_carry(shell):
    told = shell.json("preview", "--out", "look")
    names = set(told["files"])
    assert {"mail/flash-first.en.html", "mail/flash-first.en.txt", "posts/x/first.txt", "index.html"} <= names
    post = (shell.root / "look" / "posts" / "x" / "first.txt").read_text()
    assert re.match(r"x, en: \d+ of 280", post)
    assert any(name.startswith("site/") and name.endswith("rss.xml") for name in names)
    page = (shell.root / "look" / "mail" / "flash-first.en.html").read_text()
    for address in re.findall(r'src="(\.\./site/media/[^"]+)"', page):
        assert (shell.root / "look" / "mail" / address).exists()
    assert shell.json("log") == []


def test_pause_resume_and_cancel(shell):
    assert "no such channel" in shell("pause", "fax", code=2).stderr
    shell("approve", "--all")
    shell("pause", "x", "--reason", "election", "--as", "ana")
    assert "Paused" in shell("plan").stdout
    assert shell.json("publish")["posts"] == 1
    assert shell.json("resume", "x")["was_paused"]
    assert all(v["done"] for v in shell.json("cancel", "first:x"))
    assert shell.json("publish")["posts"] == 0
    assert "nothing is left to stop" in shell("cancel", "first:x", code=1).stdout


def test_a_test_mail_is_marked_and_counted_nowhere(tmp_path, folders, smtp_server):
    server = smtp_server()
    folders.write_project(tmp_path, port=server.port)
    folders.write_item(tmp_path)
    shell = Shell(tmp_path)
    shell("send-test", "first", "--to", "me@mail.example")
    (mail,) = server.accepted
    assert mail.recipient == "me@mail.example"
    assert b"[TEST]" in mail.body
    assert b"X-Dissemination-Test: yes" in mail.body
    assert shell.json("status")["deliveries"] == {}
    assert "me@mail.example" not in shell("log").stdout
    assert "--to: 'me' has no @" in shell("send-test", "first", "--to", "me", code=2).stderr
    assert "no item or edition" in shell("send-test", "nothing", "--to", "me@mail.example", code=2).stderr


def test_doctor_says_that_the_mail_server_does_not_answer(shell):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    path = shell.root / "settings.yaml"
    path.write_text(path.read_text().replace("port: 9\n", f"port: {port}\n"))
    symptoms = {s["what"]: s for s in shell.json("doctor", code=1)}
    assert symptoms["email"]["level"] == "error"
    assert symptoms["email"]["said"].startswith(f"email: nobody answers at 127.0.0.1:{port} (connection refused); ")
    assert symptoms["x"]["said"] == "writes to var/outbox; nothing is posted"
    assert symptoms["database"]["level"] is None
    assert "Europe/Bucharest" in symptoms["clock"]["said"]


# ------------------------------------------------------------------------------------------------ when


def test_when_tells_gaps_and_folds(bare):
    gap = bare.json("when", "30 2 * * *", "--zone", "Europe/Paris", "--from", "2027-03-27T12:00", "--count", "2")
    assert [set(o) for o in gap] == [{"utc", "local", "note"}] * 2
    assert gap[0]["local"] == "2027-03-28T03:30:00" or gap[0]["local"] == "2027-03-28T02:30:00"
    assert gap[0]["note"].startswith("gap")
    assert gap[1]["note"] == ""
    fold = bare.json("when", "30 2 * * *", "--zone", "Europe/Paris", "--from", "2026-10-24T12:00", "--count", "1")
    assert fold[0]["utc"] == "2026-10-25T00:30:00+00:00"
    assert fold[0]["note"].startswith("fold")
    assert "--zone" in bare("when", "@daily", code=2).stderr
    assert bare("when", "61 * * * *", "--zone", "UTC", code=2).stderr


def test_when_takes_the_zone_of_the_project(made):
    (first,) = made.json("when", "0 10 * * thu", "--from", "2026-11-23T00:00", "--count", "1")
    assert first["utc"] == "2026-11-26T08:00:00+00:00"


# ------------------------------------------------------------------------------------------------ subscribers


def test_people_come_with_consent_or_not_at_all(shell):
    assert "consent" in shell("subscribers", "add", "ana@mail.example", code=2).stderr
    assert "Added" in shell("subscribers", "add", "ana@mail.example", *CONSENT).stdout
    assert "Known" in shell("subscribers", "add", "ANA@mail.example", *CONSENT).stdout
    assert shell("subscribers", "add", "no address", *CONSENT, code=2).stderr
    assert "no list" in shell("subscribers", "add", "b@mail.example", "--list", "x", *CONSENT, code=2).stderr
    (ana,) = shell.json("subscribers", "list")
    assert (ana["email"], ana["lists"], ana["consent_source"]) == (
        "ana@mail.example",
        ["news"],
        "form at the meeting",
    )


def test_a_csv_is_taken_whole_or_not_at_all(shell):
    path = shell.root / "people.csv"
    path.write_text("email,name\nok@mail.example,Ok\nbroken,Bad\n")
    told = shell.json("subscribers", "import", "people.csv", *CONSENT, code=1)
    assert told["added"] == 0
    assert told["findings"][0]["line"] == 3
    assert shell.json("subscribers", "list") == []
    path.write_text("E-mail;Name\nok@mail.example;=HYPERLINK(1)\n")
    assert shell.json("subscribers", "import", "people.csv", *CONSENT)["added"] == 1
    exported = shell("subscribers", "export").stdout
    assert "'=HYPERLINK" in exported
    shell("subscribers", "export", "out.csv")
    assert (shell.root / "out.csv").stat().st_mode & 0o077 == 0


def test_an_erased_person_is_gone_and_a_suppressed_one_never_comes_back(shell):
    shell("subscribers", "add", "gone.person@mail.example", *CONSENT)
    assert shell.json("subscribers", "suppress", "gone.person@mail.example")["was_listed"]
    assert "suppressed" in shell("subscribers", "list").stdout
    shell("subscribers", "remove", "gone.person@mail.example")
    assert shell("subscribers", "remove", "gone.person@mail.example", code=1)
    for path in (shell.root / "var").glob("*.db*"):
        assert b"gone.person" not in path.read_bytes()
    assert "Suppressed" in shell("subscribers", "add", "gone.person@mail.example", *CONSENT).stdout
    assert shell.json("subscribers", "list") == []


# ------------------------------------------------------------------------------------------------ backup


def test_what_waited_in_a_backup_asks_again_after_the_restore(shell):
    shell("approve", "--all")
    shell("backup", "copy.db")
    assert "is there already" in " ".join(shell("backup", "copy.db", code=2).stderr.split())
    shell("publish")
    shell("restore", "copy.db")
    assert {line["state"] for line in shell.json("plan")} == {"in_review"}
    assert shell.json("publish") == {"mails": 0, "feeds": 0, "posts": 0, "failed": 0, "in_doubt": 0}
    assert "no backup" in shell("restore", "settings.yaml", code=1).stderr


def test_help_lists_the_commands_in_the_order_of_use(bare):
    shown = bare("--help").stdout
    places = [shown.index(f" {name} ") for name in ("init", "check", "plan", "approve", "publish", "run", "status")]
    assert places == sorted(places)
