"""How the command line looks: 80 columns, pipes, JSON, empty states, and errors that say what to do."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

CONSENT = ("--source", "form at the meeting", "--date", "2026-01-15")
LONG = "a-partner-meeting-with-quite-a-long-name-in-seine-saint-denis"


@pytest.fixture
def bare(tmp_path, shells):
    """An empty folder."""
    return shells.Shell(tmp_path)


@pytest.fixture
def shell(tmp_path, shells):
    """A small project with one item that is ready."""
    shells.write_project(tmp_path)
    shells.write_item(tmp_path)
    return shells.Shell(tmp_path)


def words(text: str) -> str:
    return " ".join(text.split())


# ------------------------------------------------------------------------------------------------ tables


def test_the_plan_names_an_item_once_and_joins_its_channels(shell):
    lines = shell("plan").stdout.splitlines()
    assert lines[0].split() == ["State", "When", "To", "Channels"]
    assert lines.count("first") == 1
    row = lines[lines.index("first") + 1]
    assert re.fullmatch(r"  in review  on approval +1  feed, mastodon, x *", row)
    assert "4 in review" in lines


def test_what_holds_a_line_stands_below_it_and_other_states_have_rows_of_their_own(shell):
    shell("approve", "first:x")
    shell("pause", "mastodon", "--reason", "election")
    shown = shell("plan").stdout
    assert shown.startswith("Paused: mastodon (")
    assert "`disseminate resume mastodon`" in shown
    assert shown.count("\nfirst\n") == 1
    rows = [line.split()[0] for line in shown.splitlines() if line.rstrip().endswith((" x", " feed, mastodon"))]
    assert sorted(rows) == ["in", "scheduled"]


def test_a_long_id_stays_in_one_piece(shell, shells):
    shells.write_item(shell.root, LONG)
    for command in (("plan",), ("approve", "--all"), ("status",)):
        shown = shell(*command).stdout
        assert LONG in shown
        assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize(
    "command",
    [("plan",), ("check",), ("status",), ("log",), ("doctor",), ("when", "@weekly"), ("publish",), ("--help",)],
    ids=" ".join,
)
def test_nothing_is_wider_than_the_terminal_and_nothing_is_coloured_in_a_pipe(shell, command):
    result = shell(*command, code=None)
    for text in (result.stdout, result.stderr):
        assert "\x1b" not in text
        assert all(len(line) <= 80 for line in text.splitlines())


def test_in_a_pipe_a_fact_stands_on_one_line(shell, monkeypatch, shells):
    shells.write_item(shell.root, LONG, title="Seven words and a full stop at the end.")
    monkeypatch.delenv("COLUMNS", raising=False)
    shown = shell("check", columns=None).stdout
    (warning,) = [line for line in shown.splitlines() if "  title: " in line]
    assert "full stop" in warning
    shell("approve", "--all")
    (said,) = shell("approve", LONG, code=1, columns=None).stdout.splitlines()
    assert said == f"Not approved: {LONG} on feed, mastodon, x: it is approved already"


# ------------------------------------------------------------------------------------------------ what to do next


def test_empty_states_say_what_to_do(bare):
    bare("init")
    assert "`disseminate plan`" in bare("status").stdout
    assert "Nothing has happened yet" in bare("log").stdout
    assert "Nothing was due" in bare("publish").stdout
    assert "Nothing is due" in bare("publish", "--dry-run").stdout
    assert "Nothing is in review" in bare("approve", "--all").stdout
    assert "subscribers add" in bare("subscribers", "list").stdout
    assert "status: review" in bare("plan").stdout


def test_a_folder_without_news_says_what_an_item_is(bare, shells):
    shells.write_project(bare.root)
    assert "An item is a Markdown file in news/" in bare("check").stdout
    assert "Nothing is planned. Write an item" in bare("plan").stdout


def test_after_each_step_the_next_one_is_named(shell):
    assert "Next: look with `disseminate preview`" in words(shell("plan").stdout)
    assert "Next: `disseminate run` publishes" in words(shell("approve", "--all").stdout)
    assert "Out: 0 mails" in shell("publish").stdout
    assert re.search(r"first +1 skipped|flash-first", shell("status").stdout)


def test_an_approval_that_waits_for_another_one_says_so(shell):
    assert "flash-first waits for the feed entry of first; approve it too" in words(
        shell("approve", "flash-first").stdout
    )
    assert "approve it too" not in shell("approve", "first").stdout


def test_one_and_many_are_told_apart(shell, shells):
    assert "1 item, 1 newsletter:" in shell("check").stdout
    shells.write_item(shell.root, "second")
    assert "2 items, 2 newsletters:" in shell("check").stdout
    shell("subscribers", "add", "ana@mail.example", *CONSENT)
    assert "1 person\n" in shell("subscribers", "list").stdout


# ------------------------------------------------------------------------------------------------ JSON


def commands_with_json() -> dict[str, bool]:
    """Command -> whether it has --json."""
    import typer  # noqa: PLC0415 - only here

    from dissemination.cli import app  # noqa: PLC0415 - only here

    found = {}
    for name, command in typer.main.get_command(app).commands.items():
        inner = getattr(command, "commands", None) or {"": command}
        for word, one in inner.items():
            options = {option for parameter in one.params for option in parameter.opts}
            found[f"{name} {word}".strip()] = "--json" in options
    return found


def test_every_command_that_prints_facts_prints_them_as_json():
    # The schema is JSON already.
    assert [name for name, has in commands_with_json().items() if not has] == ["schema"]


JSON_SHAPES = [
    (("init", "other"), {"folder", "files"}),
    (("check",), {"items", "editions", "findings", "spam"}),
    (("preview", "--out", "look"), {"folder", "files"}),
    (("publish",), {"mails", "feeds", "posts", "failed", "in_doubt"}),
    (("pause",), {"channel", "paused"}),
    (("resume",), {"channel", "paused", "was_paused"}),
    (
        ("status",),
        {"waiting", "asking", "sent", "counts", "deliveries", "paused", "last", "expiring", "bills", "hub"},
    ),
    (("backup", "copy.db"), {"file", "bytes"}),
    (("subscribers", "add", "ana@mail.example", *CONSENT), {"added", "known", "suppressed"}),
    (("subscribers", "suppress", "ana@mail.example"), {"suppressed", "was_listed"}),
    (("subscribers", "export", "people.csv"), {"file", "people"}),
]


@pytest.mark.parametrize(
    ("command", "shape"), JSON_SHAPES, ids=[command[0] + str(n) for n, (command, _) in enumerate(JSON_SHAPES)]
)
def test_facts_are_objects_of_a_fixed_shape_on_standard_output_alone(shell, command, shape):
    result = shell(*command, "--json")
    assert set(json.loads(result.stdout)) == shape
    assert result.stderr == ""


LINE = {
    "key", "subject", "kind", "channel", "lang", "title", "state", "when", "due_at", "reach", "reason", "items",
    "parts",
    "price_usd",
}  # fmt: skip


def test_lists_of_facts(shell):
    assert {frozenset(line) for line in shell.json("plan")} == {frozenset({*LINE, "post"})}
    assert {frozenset(line) for line in shell.json("approve", "--all")} == {frozenset({*LINE, "done", "refused"})}
    assert {frozenset(e) for e in shell.json("log")} == {
        frozenset({"id", "at", "kind", "subject", "channel", "detail"})
    }
    assert {frozenset(s) for s in shell.json("doctor", code=1)} == {frozenset({"what", "level", "said"})}
    shell("subscribers", "add", "ana@mail.example", *CONSENT)
    (ana,) = shell.json("subscribers", "list")
    assert ana == shell.json("subscribers", "export")[0]
    assert shell.json("subscribers", "remove", "ana@mail.example") == {
        "erased": True,
        "suppressed": False,
        "copies": [],
    }
    assert shell.json("subscribers", "remove", "ana@mail.example", code=1)["erased"] is False
    shell("backup", "copy.db")
    assert shell.json("restore", "copy.db")["restored"] == "copy.db"


def test_errors_leave_standard_output_empty(shell):
    for command in (("approve", "nothing"), ("pause", "fax"), ("restore", "nothing.db"), ("when", "61 * * * *")):
        result = shell(*command, "--json", code=None)
        assert result.exit_code in {1, 2}
        assert result.stdout == ""
        assert result.stderr.startswith("Error: ")


# ------------------------------------------------------------------------------------------------ errors


WRONG = [
    (("nonsense",), "No such command"),
    (("publis",), "publish"),
    (("check", "--colour"), "No such option"),
    (("subscribers", "add"), "ADDRESS"),
    (("subscribers", "list", "--state", "odd"), "unsubscribed"),
    (("subscribers", "list", "--list", "odd"), "newsletter.lists has: news"),
    (("log", "--lines", "0"), "1"),
    (("approve", "--all", "first"), "name ids, or say --all"),
    (("check", "nowhere"), "nowhere: no such file"),
    (("import", "nowhere.txt"), "nowhere.txt: no such file"),
    (("subscribers", "import", "nowhere.csv"), "nowhere.csv"),
    (("subscribers", "add", "ana@mail.example", "--source", "x", "--date", "soon"), "YYYY-MM-DD"),
    (("when", "@daily", "--zone", "Nowhere/There", "--from", "2026-01-01"), "Nowhere/There"),
    (("when", "@daily", "--zone", "Europe/Paris", "--from", "soon"), "write --from"),
    (("cancel", "frist"), "did you mean first?"),
    (("demo", "--out", "news"), "not empty"),
]


@pytest.mark.parametrize(("command", "said"), WRONG, ids=[" ".join(command) for command, _ in WRONG])
def test_wrong_use_exits_2_and_says_what_would_be_right(shell, command, said):
    assert said in words(shell(*command, code=2).stderr)


def test_files_that_cannot_be_written_are_named_and_no_trace_is_shown(shell):
    (shell.root / "blocked").write_text("a file, not a folder")
    error = words(shell("init", "blocked/project", code=1).stderr)
    assert "blocked" in error
    assert "Traceback" not in error


def test_an_export_never_overwrites(shell):
    (shell.root / "mine.csv").write_text("mine")
    assert "there already" in words(shell("subscribers", "export", "mine.csv", code=2).stderr)
    assert (shell.root / "mine.csv").read_text() == "mine"


def test_one_page_that_is_missing_does_not_keep_the_others_out(shell):
    (shell.root / "page.html").write_text(
        "<!doctype html><html lang=en><title>Loans in five regions</title><main><h1>Loans in five regions</h1>"
        + "<p>What the region did, and what came of it, told at some length for those who were not there.</p>" * 4
        + "</main></html>"
    )
    result = shell("import", "nowhere.txt", "page.html", "--json", code=2)
    assert "nowhere.txt" in result.stderr
    (one,) = json.loads(result.stdout)
    assert (shell.root / one["item"]).exists()


# ------------------------------------------------------------------------------------------------ the program


def test_help_comes_at_once_and_brings_no_library_with_it():
    code = (
        "import sys; from dissemination.cli import app\n"
        "heavy = {'sqlalchemy', 'pydantic', 'PIL', 'mjml', 'tweepy', 'jinja2', 'httpx', 'aiosmtpd', 'lxml'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_program_tells_its_version(bare):
    from dissemination import __version__  # noqa: PLC0415 - only here

    assert bare("--version").stdout.strip() == __version__


def test_words_of_others_are_neither_markup_nor_orders_to_the_terminal(shell):
    shell("pause", "x", "--reason", "[red]\x1b[2Jgone[/nothing]")
    for command in (("plan",), ("log",), ("status",)):
        shown = shell(*command).stdout
        assert "[red]\ufffd[2Jgone[/nothing]" in words(shown)
        assert "\x1b" not in shown
