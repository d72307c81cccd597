"""resolve, correct and withdraw at the command line, and how posts stand in plan and status."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dissemination.bootstrap import make_app
from dissemination.channels import load
from dissemination.cli.planning import address
from dissemination.errors import InDoubtError, UnavailableError
from dissemination.model import Carries, Limits, Part, Repeat, State
from dissemination.testing import MemoryNetwork

FURTHER = ["Part two of the story.", "Part three of it."]
KEY = "first:x:1"
LIMITS = Limits(carries=Carries.POST, max_length=500, threads=True, repeat=Repeat.ASK)


class Blind(MemoryNetwork):
    """It edits and deletes, and cannot look; its posts have addresses."""

    find = None

    def _keep(self, message, key, receipt):
        number = len(self.sent) + 1
        found = replace(receipt, id=str(number), url=f"https://x.example/i/status/{number:019}")
        return super()._keep(message, key, found)


@pytest.fixture
def network(monkeypatch):
    """X, in memory, behind the real program."""
    made = Blind(LIMITS)
    outbox = load("outbox")
    monkeypatch.setattr(
        "dissemination.bootstrap.load_channel",
        lambda name: (
            (lambda options: made if options.name == "x" else outbox(options)) if name == "outbox" else load(name)
        ),
    )
    return made


@pytest.fixture
def shell(tmp_path, shells, network):
    """A project with an approved thread for x, and a post for the outbox."""
    shells.write_project(
        tmp_path,
        channels={"feed": {}, "x": {}, "mastodon": {}},
        news={"channels": {"feed": "auto", "x": "auto", "mastodon": "auto"}},
    )
    write(shells, tmp_path)
    made = shells.Shell(tmp_path)
    made("approve", "--all")
    return made


def write(shells, root, text="Part one.", further=FURTHER, mastodon="A toot."):
    posts = {"x": {"text": text, "reply_chain": further}, "mastodon": {"text": mastodon}}
    shells.write_item(root, "first", posts=posts, image=None)


def state(shell, channel="x"):
    app = make_app(shell.root)
    row = app.parts.store.publications.latest()["first", channel]
    app.close()
    return row


def narrow(*results):
    for result in results:
        assert max(map(len, result.stdout.splitlines()), default=0) <= 80, result.stdout
    return results[0].stdout


# ------------------------------------------------------------------------------------------------ shown


def test_status_names_each_part_and_its_address(shell):
    shell("publish")
    shown = narrow(shell("status"), shell("plan", "--all"))
    for number in (1, 2, 3):
        assert f"    x {number}/3  https://x.example/i/status/{number:019}\n" in shown
    facts = {line["key"]: line for line in shell.json("status")["sent"]}
    assert facts[KEY]["parts"][1] == {"id": "2", "url": "https://x.example/i/status/0000000000000000002"}
    assert len(facts["first:mastodon:1"]["parts"]) == 1
    assert facts["first:feed:1"]["parts"] == []


def test_a_thread_half_way_shows_what_is_out_and_why_it_waits(shell, network):
    network.program(f"{KEY}/3", UnavailableError("x: 503 Service Unavailable"))
    shell("publish")
    for command in (("status",), ("plan",)):
        shown = narrow(shell(*command))
        assert "part 3 of 3: x: 503" in shown
        assert "x 2/2  https://x.example/i/status/0000000000000000002" in shown


def test_a_cancelled_thread_says_what_is_out(shell, network):
    network.program(f"{KEY}/2", UnavailableError("x: 503"))
    shell("publish")
    shell("cancel", "first:x")
    shown = narrow(shell("plan", "--all"))
    assert "cancelled" in shown
    assert "x  https://x.example/i/status/0000000000000000001" in shown


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (Part("1", "https://x.example/1"), "https://x.example/1"),
        (Part("pack/first-1.zip"), "var/outbox/pack/first-1.zip"),
        (Part("msg_1"), "no address was told; its id is msg_1"),
    ],
)
def test_what_has_no_address_says_what_it_has(part, said):
    assert address(part) == said


# ------------------------------------------------------------------------------------------------ resolve


@pytest.fixture
def doubtful(shell, network):
    network.doubt_arrives = False
    network.program(f"{KEY}/2", InDoubtError("x: it was sent and no answer came"))
    shell("publish", code=1)
    assert state(shell).state is State.IN_DOUBT
    return shell


def test_status_says_how_to_decide(doubtful):
    shown = narrow(doubtful("status", code=1))
    assert "part 2 of 3: x: it was sent and no answer came" in shown
    assert "`disseminate resolve first:x`" in shown


def test_a_seen_post_is_adopted(doubtful):
    url = "https://x.example/i/status/1789"
    shown = narrow(doubtful("resolve", "first", "--published", url, "--as", "ana"))
    assert shown.startswith("Resolved: first on x, goes out ")
    assert doubtful("publish").stdout == "Out: 0 mails, 0 public files changed, 1 post.\n"
    assert [part.id for part in state(doubtful).out] == ["1", "1789", "2"]
    assert "by ana: part 2 of 3: published:" in doubtful("log").stdout


@pytest.mark.parametrize(("option", "after"), [("--retry", State.SCHEDULED), ("--drop", State.WITHDRAWN)])
def test_what_is_not_out_is_sent_again_or_dropped(doubtful, option, after):
    (fact,) = doubtful.json("resolve", "first:x", option)
    assert (fact["done"], fact["state"]) == (True, after.value)
    assert state(doubtful).state is after


def test_the_last_part_adopted_is_out(shell, network):
    network.doubt_arrives = False
    network.program(f"{KEY}/3", InDoubtError("x: it was sent and no answer came"))
    shell("publish", code=1)
    shown = shell("resolve", "first", "--published", "https://x.example/i/status/9").stdout
    assert shown == "Resolved: first on x, is out\n"


def test_what_is_dropped_says_so(doubtful):
    assert doubtful("resolve", "first", "--drop").stdout == "Resolved: first on x, nothing more is sent\n"


@pytest.mark.parametrize("options", [(), ("--retry", "--drop"), ("--published", "https://x.example/1", "--retry")])
def test_one_decision_is_needed(doubtful, options):
    result = doubtful("resolve", "first", *options, code=2)
    assert "--published URL or --retry or --drop" in " ".join(result.stderr.split())


def test_what_is_not_in_doubt_is_wrong_use(shell):
    assert "no post of it is in doubt" in " ".join(shell("resolve", "first", "--retry", code=2).stderr.split())


# ------------------------------------------------------------------------------------------------ correct


@pytest.fixture
def out(shell):
    shell("publish")
    return shell


def test_nothing_to_correct(out):
    shown = narrow(out("correct", "first"))
    assert shown == "first on mastodon: says what it should\nfirst on x: says what it should\n"


def test_without_a_yes_it_is_only_shown(out, shells, network):
    write(shells, out.root, further=[FURTHER[0], "Part three, with the right figure."], mastodon="A better toot.")
    shown = narrow(out("correct", "first", code=1))
    assert "first on x: is edited\n  part 3 of 3  https://x.example/i/status/0000000000000000003\n" in shown
    assert "      Part three, with the right figure.\n" in shown
    assert "first on mastodon: by hand\n  var/outbox/mastodon/first-mastodon-1-" in shown
    assert "      A better toot.\n" in shown
    assert "Nothing was changed. `--yes` edits what is shown." in shown
    assert network.texts()[2] == FURTHER[1]


def test_with_a_yes_it_is_edited_and_what_is_left_is_for_a_person(out, shells, network):
    write(shells, out.root, further=[FURTHER[0], "Part three, with the right figure."], mastodon="A better toot.")
    shown = narrow(out("correct", "first", "--yes", code=1))
    assert "Corrected: first on x\n" in shown
    assert network.texts()[2] == "Part three, with the right figure."
    assert narrow(out("correct", "first:x", "--yes")) == "first on x: says what it should\n"
    facts = {fact["channel"]: fact for fact in out.json("correct", "first", code=1)}
    assert (facts["x"]["changes"], facts["x"]["by_hand"]) == ([], False)
    assert (facts["mastodon"]["by_hand"], facts["mastodon"]["changes"][0]["text"]) == (True, "A better toot.")


def test_json_with_a_yes(out, shells):
    write(shells, out.root, text="Part one, better.")
    facts = {fact["channel"]: fact for fact in out.json("correct", "first", "--yes")}
    assert (facts["x"]["done"], facts["x"]["changes"][0]["number"]) == (True, 1)


def test_another_length_is_for_a_person(out, shells):
    write(shells, out.root, further=[FURTHER[0]])
    assert "by hand\n  part 3 of 3, delete  https://x.example/" in narrow(out("correct", "first:x", code=1))
    write(shells, out.root, further=[*FURTHER, "Four."])
    shown = narrow(out("correct", "first:x", code=1))
    assert "part 4 of 3, new" in shown
    assert "Four." in shown


def test_an_edit_that_fails_is_told(out, shells, network):
    write(shells, out.root, text="Part one, better.")
    network.program("edit 1", UnavailableError("x: 503"))
    shown = narrow(out("correct", "first:x", "--yes", code=1))
    assert "Not corrected: first on x, part 1: x: 503\n  The same command again goes on.\n" in shown
    narrow(out("correct", "first:x", "--yes"))


def test_what_is_not_out_is_not_corrected(shell):
    assert "not corrected, it is scheduled" in narrow(shell("correct", "first:x", code=1))


def test_what_still_waits_keeps_no_correction_from_being_complete(shell):
    shell("pause", "x")
    shell("publish")
    shown = narrow(shell("correct", "first"))
    assert "mastodon: says what it should" in shown
    assert "not corrected, it is scheduled" in shown


# ------------------------------------------------------------------------------------------------ withdraw


def test_withdraw_deletes_and_lists_the_rest(out, network):
    shown = narrow(out("withdraw", "first", "--as", "ana", code=1))
    assert "Withdrawn: first on x, 3 parts deleted; by ana\n" in shown
    by_hand = "  Delete by hand:\n    mastodon  var/outbox/mastodon/first-mastodon-1-"
    assert f"Withdrawn: first on mastodon; by ana\n{by_hand}" in shown
    assert network.standing == {}
    assert narrow(out("withdraw", "first:x")).startswith("Withdrawn: first on x; by ana\n")
    facts = {fact["channel"]: fact for fact in out.json("withdraw", "first", code=1)}
    assert (facts["x"]["done"], facts["mastodon"]["by_hand"]) == (True, True)


def test_withdraw_tells_that_feeds_and_page_still_have_the_item(out, shells):
    told = "Still in feeds and on its page: first. Write `status: withdrawn` into its file, then approve that."
    assert told in " ".join(narrow(out("withdraw", "first:x")).split())
    shells.write_item(out.root, "first", status="withdrawn", image=None)
    out("approve", "--all")
    out("publish")
    assert "Still in feeds" not in narrow(out("withdraw", "first:x"))


def test_a_deletion_that_fails_is_told_with_what_is_still_there(out, network):
    network.program("delete 2", UnavailableError("x: 503"))
    shown = narrow(out("withdraw", "first:x", code=1))
    assert "1 part deleted" in shown
    assert "Still there: x: 503; the same command again goes on" in shown
    assert "x 2/2  https://x.example/i/status/0000000000000000002" in shown
    narrow(out("withdraw", "first:x"))


def test_what_waits_is_withdrawn_without_a_word_to_the_network(shell, network):
    narrow(shell("withdraw", "first"))
    shell("publish")
    assert (network.attempts, network.sent) == ([], [])
    assert state(shell).state is State.WITHDRAWN
