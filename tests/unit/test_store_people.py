"""People in the store, on SQLite and PostgreSQL: segments, many at once, leaving, consent, one person's dossier."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from alembic import command

from dissemination.errors import StoreError
from dissemination.files import digest_of
from dissemination.model import (
    Added,
    Audience,
    DeliveryState,
    Publication,
    State,
    Step,
    Subscriber,
    Why,
)
from dissemination.store import Store, migrate
from dissemination.store.database import Database
from dissemination.store.schema import CODES, deliveries, subscribers, troubles, wordings

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
DAY = datetime(2025, 3, 1, tzinfo=UTC)


def arrival(line: int, **changes) -> tuple[int, Subscriber, str, str]:
    facts = {"id": 0, "lang": "en", "lists": ("news",), "consent_source": "form", "consent_at": DAY}
    person = Subscriber(**({"email": f"p{line}@Example.org"} | facts | changes))
    address = person.email.lower()
    return line, person, address, f"hash of {address}"


def take_in(store, *rows, step=Step.IMPORTED, form="import of a.csv", wording=None) -> Added:
    with store.people.set_aside() as aside:
        aside.add(rows)
        return aside.settle(step=step, form=form, wording=wording)


def emails(store, **wanted) -> list[str]:
    return [person.email for person in store.people.all(**wanted)]


# ------------------------------------------------------------------------------------------------ many at once


def test_nothing_is_stored_and_nobody_waits_until_everybody_is_right(store):
    with store.people.set_aside() as aside:
        aside.add(arrival(n) for n in range(2, 12))
        assert emails(store) == []
        store.people.suppress("p2@example.org", "hash of p2@example.org", "officer")  # another change, meanwhile
        added = aside.settle(step=Step.IMPORTED, form="import of a.csv")
    assert added == Added(new=9, known=0, suppressed=1)
    assert emails(store) == [f"p{n}@Example.org" for n in range(3, 12)]


def test_people_set_aside_are_gone_with_their_reader(store):
    with store.people.set_aside() as aside:
        aside.add([arrival(2)])
    with store.people.set_aside() as aside:
        assert aside.settle(step=Step.IMPORTED, form="") == Added()
    assert emails(store) == []


def test_two_files_at_once_do_not_see_each_other(store):
    with store.people.set_aside() as one, store.people.set_aside() as other:
        one.add([arrival(2), arrival(3)])
        other.add([arrival(3), arrival(4)])
        assert list(one.repeated()) == list(other.repeated()) == []
        assert one.settle(step=Step.IMPORTED, form="") == Added(new=2)
        assert other.settle(step=Step.IMPORTED, form="") == Added(new=1, known=1)


def test_every_repeated_address_is_named_with_its_first_line(store):
    with store.people.set_aside() as aside:
        aside.add(arrival(line, email=email) for line, email in enumerate("abcabAx", 2))
        assert list(aside.repeated()) == [(5, 2), (6, 3), (7, 2)]


def test_setting_aside_takes_no_more_memory_for_more_people(tmp_path, clock):
    store = Store(tmp_path / "a.db", clock)
    with store.people.set_aside() as aside:
        aside.add(arrival(line) for line in range(1_000))
        tracemalloc.start()
        aside.add(arrival(line) for line in range(1_000, 21_000))
        repeated = sum(1 for _ in aside.repeated())
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert repeated == 0
    assert peak < 4_000_000
    store.close()


def test_no_room_for_people_set_aside_is_said_and_the_database_goes_on(tmp_path, clock):
    store = Store(tmp_path / "a.db", clock)
    with pytest.raises(StoreError, match="full; nobody was added"), store.people.set_aside() as aside:  # noqa: PT012
        with aside._connection.begin():
            aside._connection.exec_driver_sql("PRAGMA temp.max_page_count=20")
        aside.add(arrival(line) for line in range(5_000))
    assert take_in(store, arrival(2)) == Added(new=1)
    store.close()


def test_an_error_in_the_middle_of_taking_in_leaves_nothing(store, monkeypatch):
    monkeypatch.setattr("dissemination.store.arrivals._log", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        take_in(store, arrival(2))
    assert emails(store) == []
    assert store.people.count(Audience(lists=("news",))) == 0


def test_who_is_known_keeps_their_name_and_state_and_gets_lists_and_attributes(store):
    take_in(store, arrival(2, name="Ana", attributes={"region": "RO12", "role": "staff"}))
    fresh = arrival(2, name="Other", lists=("press", "a_b"), attributes={"role": "press", "size": "9"})
    assert take_in(store, fresh, arrival(3)) == Added(new=1, known=1)
    ana = store.people.by_id(1)
    assert (ana.name, ana.lists) == ("Ana", ("a_b", "news", "press"))
    assert ana.attributes == {"region": "RO12", "role": "press", "size": "9"}
    assert store.people.attributes() == ["region", "role", "size"]


def test_a_list_whose_name_is_part_of_another_is_another(store):
    take_in(store, arrival(2, lists=("news",)), arrival(3, lists=("news-ro",)), arrival(4, lists=("newsXro",)))
    take_in(store, arrival(5, lists=("news_ro",)))
    assert emails(store, listed="news") == ["p2@Example.org"]
    assert emails(store, listed="news_ro") == ["p5@Example.org"]


def test_the_domain_is_kept_beside_the_address(store):
    take_in(store, arrival(2), arrival(3, email="x@xn--mller-kva.example"))
    with store.database.read() as connection:
        found = connection.execute(sa.select(subscribers.c.domain).order_by(subscribers.c.id)).scalars().all()
    assert found == ["example.org", "xn--mller-kva.example"]


# ------------------------------------------------------------------------------------------------ segments


@pytest.fixture
def crowd(store):
    """Four people of two regions and two languages; the last one says nothing of a region."""
    take_in(
        store,
        arrival(2, lang="ro", attributes={"region": "RO12", "role": "press"}),
        arrival(3, lang="en", attributes={"region": "RO12"}),
        arrival(4, lang="en", attributes={"region": "IT1", "role": "press"}, lists=("news", "press")),
        arrival(5, lang="ro"),
    )
    return store


@pytest.mark.parametrize(
    ("narrowed", "count"),
    [
        ({}, 4),
        ({"languages": ("ro",)}, 2),
        ({"languages": ("ro", "en")}, 4),
        ({"where": (("region", ("RO12",)),)}, 2),
        ({"where": (("region", ("RO12", "IT1")),)}, 3),
        ({"where": (("region", ("RO12",)), ("role", ("press",)))}, 1),
        ({"where": (("region", ("RO12", "IT1")),), "exclude": ("press",)}, 2),
        ({"languages": ("ro",), "where": (("region", ("RO12",)),)}, 1),
        ({"where": (("region", ("ro12",)),)}, 0),
        ({"where": (("shoe", ("1",)),)}, 0),
        ({"where": (("region", ("x') OR 1=1 --",)),)}, 0),
    ],
)
def test_a_segment_narrows_the_lists(crowd, narrowed, count):
    audience = Audience(lists=("news",), **narrowed)
    assert crowd.people.count(audience) == count
    row = Publication(key="e:email:1", subject="e", channel="email", kind="edition", lang="en", title="t")
    crowd.publications.sync([row], [])
    assert crowd.deliveries.freeze(row.key, audience) == count


def test_an_audience_comes_back_as_it_went_in(store):
    audience = Audience(
        lists=("b", "a"), exclude=("x",), languages=("ro",), where=(("z", ("2", "1")), ("a", ("é",)))
    )
    row = Publication(
        key="e:email:1", subject="e", channel="email", kind="edition", lang="en", title="t", audience=audience
    )
    store.publications.sync([row], [])
    assert store.publications.get("e:email:1") == row


# ------------------------------------------------------------------------------------------------ leaving


def test_leaving_is_idempotent_and_logged_once(store):
    take_in(store, arrival(2))
    assert store.people.unsubscribe(1, NOW, "one-click")
    assert not store.people.unsubscribe(1, NOW + timedelta(hours=1), "one-click")
    assert not store.people.unsubscribe(99, NOW, "one-click")
    assert store.people.by_id(1).state == "unsubscribed"
    [given, left] = store.privacy.dossier("p2@example.org", "").consents
    assert (given.step, left.step, left.at, left.form) == (Step.IMPORTED, Step.WITHDRAWN, NOW, "one-click")


def test_a_list_that_was_left_stays_left_after_a_new_import(store):
    take_in(store, arrival(2, lists=("news", "press")))
    assert store.people.unsubscribe(1, NOW, "preferences", ["press"])
    take_in(store, arrival(2, lists=("news", "press"), consent_source="again"))
    assert store.people.by_id(1).lists == ("news",)
    assert store.people.count(Audience(lists=("press",))) == 0
    assert store.privacy.dossier("p2@example.org", "").left == ("press",)
    assert emails(store, listed="press") == []


def test_leaving_the_excluded_list_ends_the_exclusion(store):
    take_in(store, arrival(2, lists=("news", "press")))
    audience = Audience(lists=("news",), exclude=("press",))
    assert store.people.count(audience) == 0
    store.people.unsubscribe(1, NOW, "preferences", ["press"])
    assert store.people.count(audience) == 1


def test_leaving_the_last_list_is_leaving(store):
    take_in(store, arrival(2, lists=("news", "press")))
    store.people.unsubscribe(1, NOW, "preferences", ["press"])
    assert store.people.by_id(1).state == "active"
    store.people.unsubscribe(1, NOW, "preferences", ["news"])
    assert store.people.by_id(1).state == "unsubscribed"


def test_a_complaint_after_leaving_suppresses_and_leaving_does_not_take_that_back(store):
    take_in(store, arrival(2))
    store.people.unsubscribe(1, NOW, "one-click")
    assert store.people.suppress("p2@example.org", "hash of p2@example.org", Why.COMPLAINT)
    assert not store.people.unsubscribe(1, NOW, "one-click")
    assert store.people.by_id(1).state == "suppressed"


def test_suppressions_are_counted_by_reason_without_addresses(store, clock):
    for number in range(3):
        store.people.suppress(f"p{number}@example.org", f"hash{number}", Why.HARD_BOUNCE)
    clock.advance(timedelta(days=1))
    store.people.suppress("p9@example.org", "hash9", Why.COMPLAINT)
    store.people.suppress("p9@example.org", "hash9", Why.OFFICER)  # the first reason stands
    assert store.people.suppressions() == {"hard bounce": (3, NOW), "complaint": (1, NOW + timedelta(days=1))}
    assert store.people.suppression("hash9").reason == "complaint"
    assert store.people.suppression("hash10") is None


# ------------------------------------------------------------------------------------------------ consent


def test_the_words_that_were_seen_are_kept_once_and_proved_again(store):
    words = "I agree.\nÎmi pot retrage acordul oricând."
    kept = store.privacy.keep_wording(words, "en")
    assert kept.digest == digest_of(words.encode())
    assert store.privacy.keep_wording(words, "en") == kept
    assert store.privacy.keep_wording("Other words.", "en").version == 2
    assert store.privacy.keep_wording("Cuvinte.", "ro").version == 1
    take_in(store, arrival(2), wording=kept.digest)
    [line] = store.privacy.dossier("p2@example.org", "").consents
    assert (line.wording, line.proved) == (kept, True)
    assert (line.source, line.at, line.lists, line.form) == ("form", DAY, ("news",), "import of a.csv")


def test_words_that_were_changed_or_lost_prove_nothing(store):
    kept = store.privacy.keep_wording("I agree.", "en")
    take_in(store, arrival(2), wording=kept.digest)
    with store.database.write() as connection:
        connection.execute(sa.update(wordings).values(text="I agree to everything."))
    [line] = store.privacy.dossier("p2@example.org", "").consents
    assert line.proved is False
    with store.database.write() as connection:
        connection.execute(sa.delete(wordings))
    [line] = store.privacy.dossier("p2@example.org", "").consents
    assert (line.wording, line.proved) == (None, False)


def test_the_same_file_read_twice_says_nothing_twice_and_new_words_are_a_new_line(store):
    take_in(store, arrival(2))
    take_in(store, arrival(2))
    assert len(store.privacy.dossier("p2@example.org", "").consents) == 1
    take_in(store, arrival(2), wording=store.privacy.keep_wording("I agree.", "en").digest)
    take_in(store, arrival(2, consent_at=NOW))
    assert [line.proved for line in store.privacy.dossier("p2@example.org", "").consents] == [None, True, None]


# ------------------------------------------------------------------------------------------------ one person


def test_a_dossier_holds_everything(store, clock):
    take_in(store, arrival(2, name="Ana", attributes={"region": "RO12"}), arrival(3))
    row = Publication(
        key="weekly-1:email:1", subject="weekly-1", channel="email", kind="edition", lang="en", title="t",
        state=State.SCHEDULED, due_at=NOW, published_at=NOW,
    )  # fmt: skip
    store.publications.sync([row], [])
    store.deliveries.freeze(row.key, Audience(lists=("news",)))
    with store.database.write() as connection:
        failed = CODES[DeliveryState.FAILED]
        connection.execute(sa.update(deliveries).where(deliveries.c.subscriber == 1).values(state=failed))
        trouble = {"publication": 1, "subscriber": 1, "reason": "550 no such user", "at": NOW}
        connection.execute(sa.insert(troubles).values(trouble))
    store.people.suppress("p2@example.org", "hash of p2@example.org", Why.HARD_BOUNCE)
    dossier = store.privacy.dossier("p2@example.org", "hash of p2@example.org")
    assert (dossier.person.name, dossier.person.state, dossier.created_at) == ("Ana", "suppressed", NOW)
    assert dossier.person.attributes == {"region": "RO12"}
    [received] = dossier.editions
    assert (received.edition, received.state, received.reason) == (
        "weekly-1",
        DeliveryState.FAILED,
        "550 no such user",
    )
    assert dossier.suppressed.reason == "hard bounce"
    assert store.privacy.dossier("nobody@example.org", "") is None
    assert store.people.by_address("p3@example.org").id == 2
    assert store.people.by_address("nobody@example.org") is store.people.by_id(99) is None


def test_after_an_erasure_only_the_hash_tells_whose_consent_it_was(store):
    take_in(store, arrival(2, consent_source="form of Ana Pop"), arrival(3))
    assert store.people.remove("p2@example.org", "hash of p2@example.org")
    assert not store.people.remove("p2@example.org", "hash of p2@example.org")
    with store.database.read() as connection:
        rows = connection.execute(
            sa.text("SELECT subscriber, hash, source, form, step, at FROM consents ORDER BY id")
        ).all()
    assert rows[0][:5] == (None, "hash of p2@example.org", "", "", "imported")
    assert [row.subscriber for row in rows] == [None, 2]


def test_who_is_barred_stays_out_and_who_is_only_erased_may_come_back(store):
    take_in(store, arrival(2), arrival(3))
    store.people.remove("p2@example.org", "hash of p2@example.org", bar=True)
    store.people.remove("p3@example.org", "hash of p3@example.org")
    assert take_in(store, arrival(2), arrival(3)) == Added(new=1, known=0, suppressed=1)


# ------------------------------------------------------------------------------------------------ migration


def test_people_of_the_first_schema_get_a_domain_and_their_first_line(store_target, clock):
    database = Database(store_target, clock)
    with database.write("migrate") as connection:
        command.upgrade(migrate._config(connection), "0001")
        connection.execute(
            sa.text(
                "INSERT INTO subscribers"
                " (id, email, address, name, lang, state, consent_source, consent_at, created_at) VALUES"
                " (7, 'Ana@Mail.example', 'ana@mail.example', '', 'ro', 'active', 'form', 1740787200000000, 1)"
            )
        )
        connection.execute(sa.text("INSERT INTO memberships VALUES ('news', 7)"))
    database.close()
    store = Store(store_target, clock)
    assert store.people.count(Audience(lists=("news",))) == 1
    [line] = store.privacy.dossier("ana@mail.example", "").consents
    assert (line.step, line.at, line.source) == (Step.GIVEN, DAY, "form")
    with store.database.read() as connection:
        assert connection.execute(sa.select(subscribers.c.domain)).scalar_one() == "mail.example"
    store.close()
