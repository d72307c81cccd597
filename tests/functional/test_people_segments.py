"""Segments: from settings to the approval that binds them and the people who get the letter."""

from __future__ import annotations

from copy import deepcopy

import pytest
import yaml

from dissemination.bootstrap import make_app
from dissemination.errors import SettingsError
from dissemination.model import Audience, Content, State
from dissemination.pipeline import content as codec
from dissemination.pipeline.approve import approve
from dissemination.pipeline.plan import plan
from dissemination.pipeline.publish import publish
from dissemination.settings import load

RO = Audience(lists=("news",), languages=("ro",))
PRESS = Audience(lists=("news",), where=(("role", ("press", "radio")),))


@pytest.mark.parametrize(
    "narrowed",
    [
        {"languages": ("en",)},
        {"where": (("region", ("RO12",)),)},
        {"languages": ("en",), "where": (("region", ("RO12", "IT1")),)},
    ],
)
def test_a_narrower_audience_lapses_the_approval_and_plan_says_so(house, narrowed):
    house.people(3, attributes={"region": "RO12"})
    house.digest()
    house.item(channels={"newsletter": "digest"})
    approve(house.parts, ["weekly-2026-W47"], who="ana")
    assert house.one("weekly-2026-W47", "email").state is State.SCHEDULED
    house.digest(audience=Audience(lists=("news",), **narrowed))
    plan(house.parts)
    row = house.one("weekly-2026-W47", "email")
    assert (row.state, row.reason) == (State.IN_REVIEW, "the audience changed after ana approved it")
    approve(house.parts, ["weekly-2026-W47"], who="ana")
    house.digest(audience=Audience(lists=("news",)))
    plan(house.parts)
    assert house.one("weekly-2026-W47", "email").state is State.IN_REVIEW


def test_the_same_audience_in_another_order_lapses_nothing_and_neither_did_an_old_one():
    content = Content(digest="0" * 64, body=b"")
    one = Audience(lists=("a", "b"), languages=("ro", "en"), where=(("x", ("1", "2")), ("y", ("3",))))
    other = Audience(lists=("b", "a"), languages=("en", "ro"), where=(("y", ("3",)), ("x", ("2", "1"))))
    assert codec.bind(content, None, one) == codec.bind(content, None, other)
    # The digest of an audience that is not narrowed is that of the first version of the program.
    plain = codec.bind(content, None, Audience(lists=("news",)))["audience"]
    assert plain == "673fee60a5bb6e99e758f202a80c2cf56eb7433c087a3fdc2d63e2e0f62d39f9"
    values = [Audience(where=(("x", ("1",)),)), Audience(where=(("x", ("2",)),)), Audience(where=(("y", ("1",)),))]
    assert len({codec.bind(content, None, audience)["audience"] for audience in values}) == 3


def test_only_the_segment_gets_the_letter(house):
    house.people(4, attributes={"role": "press"})
    house.change(flash=PRESS)
    house.item(channels={"newsletter": "flash"})
    plan(house.parts)
    assert house.one("flash-first", "email").reach == 4
    with house.store.database.write() as connection:
        connection.exec_driver_sql('UPDATE subscribers SET attributes = \'{"role": "staff"}\' WHERE id > 1')
    approve(house.parts, ["flash-first"], who="ana")
    publish(house.parts, house.stop)
    assert [message.body.address for message in house.mail.sent] == ["p0@example.org"]


def settings_with(tmp_path, shells, **audience):
    root = shells.write_project(tmp_path)
    path = root / "settings.yaml"
    settings = yaml.safe_load(path.read_text("utf-8"))
    settings["newsletter"]["flash"] |= deepcopy(audience)  # else the dumper writes an alias
    settings["newsletter"]["digests"] = {"weekly": {"cron": "0 10 * * thu", "lists": ["news"]} | audience}
    path.write_text(yaml.safe_dump(settings, allow_unicode=True), "utf-8")
    return root


def test_settings_say_it_for_digests_and_flashes(tmp_path, shells):
    root = settings_with(tmp_path, shells, languages=["ro"], where={"region": ["RO12", "RO21"], "role": ["press"]})
    app = make_app(root)
    wanted = Audience(
        lists=("news",), languages=("ro",), where=(("region", ("RO12", "RO21")), ("role", ("press",)))
    )
    assert app.parts.rules.flash == app.parts.rules.digests[0].audience == wanted
    app.close()


@pytest.mark.parametrize(
    ("audience", "said"),
    [
        ({"languages": ["rr"]}, "`rr` is not among project.languages"),
        ({"where": {"Region": ["x"]}}, "not a short name"),
        ({"where": {"region": "RO12"}}, "must be a list"),
        ({"where": {"region": [""]}}, "must not be empty"),
    ],
)
def test_an_audience_that_cannot_be_is_refused(tmp_path, shells, audience, said):
    root = settings_with(tmp_path, shells, **audience)
    with pytest.raises(SettingsError, match=said):
        load(root / "settings.yaml")
