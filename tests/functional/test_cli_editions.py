"""`disseminate edition`: what an officer sees of an edition, and decides."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from dissemination.cli import publishing
from dissemination.cli.planning import next_try

ID = "flash-first"
REFUSED = {
    "p1@mail.example": "550 5.1.1 <p1@mail.example>: no such user 4f7a91bc here",
    "p2@mail.example": "550 5.1.1 <p2@mail.example>: no such user 77aa0d12 here",
    "p3@other.example": "452 4.2.2 mailbox full",
}


@pytest.fixture
def server(smtp_server):
    return smtp_server(refuse=dict(REFUSED))


@pytest.fixture
def shell(shells, tmp_path, server, monkeypatch):
    """A project whose flash went to five people; two were refused and one was deferred."""
    monkeypatch.setattr(publishing, "_stop_on_signals", lambda stop: None)
    root = shells.write_project(tmp_path, port=server.port)
    shells.write_item(root, channels={"newsletter": "flash"})
    shell = shells.Shell(root)
    for address in ("p0@mail.example", "p1@mail.example", "p2@mail.example", "p3@other.example", "p4@mail.example"):
        shell("subscribers", "add", address, "--source", "test", "--date", "2026-01-01")
    shell("approve", "--all")
    shell.published = shell("publish", columns="120", code=1).stdout
    return shell


def test_publish_says_what_is_left(shell):
    assert "flash-first is not through: 1 person left; next try " in shell.published


def test_publish_counts_who_was_not_reached_and_names_the_command_that_says_why(shell, server):
    assert f"2 failed: `disseminate edition show {ID}` says why." in shell.published
    server.refuse.pop("p1@mail.example")
    shell("edition", "retry", ID)
    said = shell("publish", code=1, columns="120").stdout
    assert "Out: 1 mail, " in said
    assert f"1 failed: `disseminate edition show {ID}` says why." in said
    shell("edition", "retry", ID)
    assert shell.json("publish", code=1) == {"mails": 0, "feeds": 0, "posts": 0, "failed": 1, "in_doubt": 0}
    assert "Nothing was due" in shell("publish").stdout


def test_publish_says_that_it_tried_where_nobody_was_reached(shell):
    shell("edition", "retry", ID)
    said = shell("publish", code=1, columns="120").stdout
    assert "Nothing was due" not in said
    assert "Out: 0 mails, 0 public files changed, 0 posts.\n2 failed: " in said


def test_a_paused_edition_says_what_goes_on_with_it(shell):
    shell("pause", "email")
    assert "1 person left; paused: `disseminate resume email` goes on" in shell("publish", columns="120").stdout
    assert "Paused: `disseminate resume email` goes on" in shell("edition", "show", ID, code=1).stdout


def test_a_next_try_that_is_over_is_left_to_the_next_pass():
    now = datetime(2026, 1, 15, 8, tzinfo=UTC)
    assert next_try(now, "Europe/Bucharest", now) == "the next pass tries them"
    assert next_try(now + timedelta(minutes=5), "Europe/Bucharest", now) == "next try Thu 15 Jan 2026 10:05"


def test_status_asks_for_a_decision_on_those_who_failed(shell):
    said = shell("status", code=1).stdout
    assert "Asks you" in said
    assert f"`disseminate edition show {ID}` tells who and why" in said
    assert [line["subject"] for line in shell.json("status", code=1)["asking"]] == [ID]
    shell("cancel", ID)
    assert shell.json("status")["asking"] == []


def test_show_counts_states_and_reasons_by_domain(shell):
    said = shell("edition", "show", ID, code=1).stdout
    lines = [line.split() for line in said.splitlines()]
    assert lines[0][:5] == [ID, "on", "email:", "sending,", "begun"]
    assert ["sent", "2"] in lines
    assert ["deferred", "1"] in lines
    assert ["failed", "2"] in lines
    assert "2  failed    mail.example   550 5.1.1 …: no such user … here" in said
    assert "1  deferred  other.example  452 4.2.2 mailbox full" in said
    assert "Those deferred: next try " in said
    assert max(map(len, said.splitlines())) <= 80


def test_show_as_json(shell):
    seen = shell.json("edition", "show", ID, code=1)
    assert seen["deliveries"] == {"sent": 2, "deferred": 1, "failed": 2}
    assert {
        "state": "failed",
        "domain": "mail.example",
        "reason": "550 5.1.1 …: no such user … here",
        "count": 2,
    } in (seen["troubles"])
    assert seen["next_try"]
    assert seen["subject"] == ID


def test_who_lists_people(shell):
    said = shell("edition", "show", ID, "--who", "failed", columns=None).stdout
    assert [line.split()[0] for line in said.splitlines()] == ["p1@mail.example", "p2@mail.example"]
    assert "no such user 4f7a91bc here" in said
    found = shell.json("edition", "show", ID, "--who", "deferred")
    assert [(one["address"], one["state"]) for one in found] == [("p3@other.example", "deferred")]
    assert found[0]["not_before"]
    assert shell.json("edition", "show", ID, "--who", "in_doubt") == []


def test_a_long_reason_hangs_below_its_person_and_nobody_is_said(shell, server):
    server.refuse["p1@mail.example"] = "550 5.7.1 " + "a reason of many words " * 8
    shell("edition", "retry", ID)
    shell("publish", code=1)
    lines = shell("edition", "show", ID, "--who", "failed").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert {line.split()[0] for line in lines if not line.startswith("    ")} == {
        "p1@mail.example",
        "p2@mail.example",
    }
    assert shell("edition", "show", ID, "--who", "in_doubt").stdout == "Nobody is in doubt.\n"


def test_an_id_is_in_one_piece_in_80_columns(shells, tmp_path, server, monkeypatch):
    long = "a-partner-meeting-with-quite-a-long-name-in-seine-saint-denis"
    monkeypatch.setattr(publishing, "_stop_on_signals", lambda stop: None)
    root = shells.write_project(tmp_path / "long", port=server.port)
    shells.write_item(root, long, channels={"newsletter": "flash"})
    shell = shells.Shell(root)
    shell("subscribers", "add", "p0@mail.example", "--source", "test", "--date", "2026-01-01")
    shell("approve", "--all")
    shell("publish")
    assert f"flash-{long}\n" in shell("edition", "list").stdout
    assert f"  flash-{long}\n" in shell("subscribers", "show", "p0@mail.example").stdout
    address = f"https://news.test.example/en/{long}/"
    shell("pause", "x", "--reason", f"see {address} for why")
    for command in (("log",), ("log", "--of", f"flash-{long}")):
        said = shell(*command).stdout
        assert f"flash-{long}" in said
    assert address in shell("log").stdout


def test_somebody_who_was_erased_is_counted_and_not_named(shell):
    shell("subscribers", "remove", "p1@mail.example")
    assert "erased" in shell("edition", "show", ID, "--who", "failed").stdout
    assert "p1@mail.example" not in shell("edition", "show", ID, code=1).stdout


def test_list_shows_every_edition(shell):
    assert "2 sent, 1 deferred, 2 failed" in shell("edition", "list", columns="120").stdout
    (line,) = shell.json("edition", "list")
    assert (line["subject"], line["deliveries"]["failed"]) == (ID, 2)


def test_list_of_nothing(shells, tmp_path):
    shells.write_project(tmp_path)
    assert "No edition has started yet" in shells.Shell(tmp_path)("edition", "list").stdout


def test_retry_writes_again_to_those_who_failed_and_to_nobody_else(shell, server):
    server.refuse.pop("p1@mail.example")
    shell("subscribers", "suppress", "p2@mail.example")
    before = len(server.accepted)
    assert "Again: 1 person." in shell("edition", "retry", ID, "--as", "ana").stdout
    assert shell.json("publish")["failed"] == 0
    assert [mail.recipient for mail in server.accepted[before:]] == ["p1@mail.example"]
    assert shell.json("edition", "show", ID, code=1)["deliveries"] == {"sent": 3, "deferred": 1, "failed": 1}
    assert shell.json("edition", "retry", ID) == {"id": ID, "again": 0}
    (line,) = [line for line in shell.json("log") if line["kind"] == "retried"]
    assert (line["subject"], line["detail"]) == (ID, "ana: those who failed: 1")


def test_an_id_that_is_no_edition_is_answered_with_the_nearest(shell):
    assert "did you mean flash-first?" in shell("edition", "show", "flash-frist", code=2, columns=None).stderr
    assert "edition list" in shell("edition", "show", "xyz", code=2, columns=None).stderr
    assert shell.json("edition", "show", "first", code=1)["subject"] == ID  # the item of a flash


def test_a_cancelled_edition_is_not_begun_again(shell):
    shell("cancel", ID)
    assert "nothing of it is sent again" in shell("edition", "retry", ID, code=2).stderr


# ------------------------------------------------------------------------------------------------ in doubt


@pytest.fixture
def doubtful(shells, tmp_path, smtp_server, monkeypatch):
    """Policy `hold`; the answers to two mails of three were lost."""
    monkeypatch.setattr(publishing, "_stop_on_signals", lambda stop: None)
    server = smtp_server("ok", "lose@dot", "lose@dot", "ok")
    email = {"sender": "news@test.example", "host": "127.0.0.1", "port": server.port, "tls": "none"}
    email |= {"in_doubt": "hold", "connections": 1}
    root = shells.write_project(tmp_path, channels={"email": email, "feed": {}, "x": {}, "mastodon": {}})
    shells.write_item(root, channels={"newsletter": "flash"})
    shell = shells.Shell(root)
    for number in range(3):
        shell("subscribers", "add", f"p{number}@mail.example", "--source", "test", "--date", "2026-01-01")
    shell("approve", "--all")
    shell.published = shell("publish", code=1, columns="120").stdout
    return shell, server


def in_doubt(shell):
    return [one["address"] for one in shell.json("edition", "show", ID, "--who", "in_doubt")]


def test_what_is_in_doubt_is_decided_by_a_person(doubtful):
    shell, server = doubtful
    assert f"2 in doubt: `disseminate edition show {ID}` says why." in shell.published
    assert f"`disseminate edition show {ID}`" in shell("status", code=1).stdout
    first, second = in_doubt(shell)
    said = shell("edition", "resolve", ID, "--sent", "--address", "nobody@mail.example").stdout
    assert said == "nobody@mail.example is not in doubt in this edition.\n"
    assert "disseminate edition resolve" in shell("edition", "show", ID, code=1).stdout
    assert "--sent or --retry" in shell("edition", "resolve", ID, code=2).stderr
    said = shell("edition", "resolve", ID, "--retry", "--address", first).stdout
    assert "1 person: sent again" in said
    shell("publish")
    ids = [mail.message_id for mail in server.accepted if mail.recipient == first]
    assert len(ids) == 2
    assert len(set(ids)) == 1
    assert in_doubt(shell) == [second]
    assert shell.json("edition", "resolve", ID, "--sent") == {"id": ID, "resolved": 1}
    seen = shell.json("edition", "show", ID)
    assert (seen["state"], seen["deliveries"]) == ("published", {"sent": 3})
    assert "Nobody is in doubt" in shell("edition", "resolve", ID, "--sent").stdout
    (edition,) = shell.json("subscribers", "show", second)["editions"]
    assert edition["state"] == "sent"
    assert edition["reason"].endswith(": in doubt, taken as sent")


def test_json_of_many_people_is_one_list(doubtful):
    shell, _ = doubtful
    text = shell("edition", "show", ID, "--who", "in_doubt", "--json").stdout
    assert len(json.loads(text)) == 2
