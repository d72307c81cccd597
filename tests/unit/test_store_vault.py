"""What channels keep: each its own, seen by all processes, under locks that hold across them; on both databases."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
import sqlalchemy as sa

from dissemination.errors import UnavailableError
from dissemination.ports import Vault
from dissemination.store import Store

#: Another process: it takes the lock, says so, and holds it until its input ends.
HOLDER = """
import sys
from pathlib import Path
from dissemination.store import Store
from dissemination.testing import FixedClock

target = sys.argv[1]
store = Store(target if "://" in target else Path(target), FixedClock())
vault = store.vault("mastodon")
with vault.lock("session"):
    vault.write("session", {"by": "the other"})
    print("held", flush=True)
    sys.stdin.read()
store.close()
"""
#: Another process: it counts up under the lock.
COUNTER = """
import sys
from pathlib import Path
from dissemination.store import Store
from dissemination.testing import FixedClock

target = sys.argv[1]
store = Store(target if "://" in target else Path(target), FixedClock())
vault = store.vault("mastodon")
for _ in range(int(sys.argv[2])):
    with vault.lock("count"):
        vault.write("count", {"n": (vault.read("count") or {"n": 0})["n"] + 1})
store.close()
"""


def start(program, *words):
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, words)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def end(process):
    process.kill()
    process.wait(10)
    process.stdin.close()
    process.stdout.close()


@pytest.fixture
def other(store, store_target):
    """A process that holds the lock "session" of mastodon; ended with the test."""
    process = start(HOLDER, store_target)
    assert process.stdout.readline() == "held\n"
    yield process
    end(process)


def test_an_error_of_the_database_shows_nothing_of_what_is_kept(store):
    query = sa.text("SELECT nothing FROM nowhere WHERE value = :value")
    with pytest.raises(sa.exc.DBAPIError) as caught, store.database.read() as connection:
        connection.execute(query, {"value": "sesame"})
    assert "sesame" not in str(caught.value)


def test_what_was_written_is_read_and_the_last_word_counts(store):
    vault: Vault = store.vault("mastodon")
    assert vault.read("session") is None
    vault.write("session", {"token": "a", "until": None, "deep": {"list": [1, "ž", True]}})
    assert vault.read("session") == {"token": "a", "until": None, "deep": {"list": [1, "ž", True]}}
    vault.write("session", {})
    assert vault.read("session") == {}


def test_each_channel_and_each_name_is_apart(store):
    store.vault("mastodon").write("session", {"of": "mastodon"})
    store.vault("bluesky").write("session", {"of": "bluesky"})
    store.vault("mastodon").write("limits", {"max": 500})
    assert store.vault("mastodon").read("session") == {"of": "mastodon"}
    assert store.vault("bluesky").read("limits") is None


def test_it_outlives_the_process(store, store_target, clock):
    store.vault("mastodon").write("session", {"token": "a"})
    again = Store(store_target, clock)
    assert again.vault("mastodon").read("session") == {"token": "a"}
    again.close()


def test_a_value_that_is_no_plain_data_changes_nothing(store):
    vault = store.vault("mastodon")
    vault.write("session", {"token": "a"})
    with pytest.raises(Exception, match=r"(?i)serializ"):
        vault.write("session", {"token": object()})
    assert vault.read("session") == {"token": "a"}


def test_a_lock_keeps_other_threads_out_and_is_given_back_after_an_error(store):
    vault, inside, order = store.vault("mastodon"), threading.Event(), []

    def work():
        inside.set()
        with store.vault("mastodon").lock("session"):
            order.append("other")

    thread = threading.Thread(target=work)
    with pytest.raises(ZeroDivisionError), vault.lock("session"):  # noqa: PT012 - what happens under the lock
        thread.start()
        assert inside.wait(10)
        order.append("first")
        raise ZeroDivisionError
    thread.join(10)
    assert order == ["first", "other"]


def test_locks_of_other_names_and_channels_do_not_wait(store):
    vault = store.vault("mastodon")
    with vault.lock("session"), vault.lock("limits"), store.vault("bluesky").lock("session"):
        vault.write("session", {"token": "a"})
    assert vault.read("session") == {"token": "a"}


def test_writing_and_reading_under_a_lock_wait_for_nobody(store, other):
    """The lock is the channel's own agreement: whoever only reads goes on."""
    assert store.vault("mastodon").read("session") == {"by": "the other"}
    store.vault("mastodon").write("limits", {"max": 500})


def test_another_process_is_waited_for_not_for_ever(store, other, monkeypatch):
    monkeypatch.setattr("dissemination.store.vault._PATIENCE", 0.1)
    with (
        pytest.raises(UnavailableError, match="mastodon: another process"),
        store.vault("mastodon").lock("session"),
    ):
        pytest.fail("two hold the same lock")
    monkeypatch.undo()
    other.stdin.close()
    with store.vault("mastodon").lock("session"):
        assert store.vault("mastodon").read("session") == {"by": "the other"}
    assert other.wait(10) == 0


def test_the_lock_of_a_process_that_was_killed_is_free(store, other):
    other.kill()
    with store.vault("mastodon").lock("session"):
        store.vault("mastodon").write("session", {"by": "us"})
    assert store.vault("mastodon").read("session") == {"by": "us"}


def test_two_processes_lose_no_count(store, store_target):
    each = 40
    processes = [start(COUNTER, store_target, each) for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    for process in processes:
        end(process)
    assert store.vault("mastodon").read("count") == {"n": 2 * each}
