"""From an item's file to the words of its posts: what is previewed, planned, approved and sent is one thing."""

from __future__ import annotations

import io
import json
import random

import pytest
import yaml
from PIL import Image

from dissemination.bootstrap import make_app
from dissemination.channels.networks import NETWORKS
from dissemination.model import Carries, State
from dissemination.pipeline import content as codec
from dissemination.render.counting import count

PARTNERS = [
    {
        "key": "oirbi",
        "name": "OIRBI",
        "name_in": {"ro": "Oficiul OIRBI"},
        "role": "lead",
        "handles": {
            "x": "oirbi_ro",
            "mastodon": "@oirbi@social.example",
            "linkedin": "urn:li:organization:1 OIRBI Ro",
        },
    },
    {"key": "host", "name": "Host & Sons"},
]
NEWS = {"channels": {"feed": "auto", "newsletter": "flash", **dict.fromkeys(NETWORKS, "auto"), "fax": "auto"}}
OUTBOXES = (*NETWORKS, "fax")
MAIL = {"sender": "news@test.example", "host": "127.0.0.1", "port": 9, "tls": "none"}
CHANNELS = {"email": MAIL, "feed": {}, **{name: {"use": "outbox"} for name in OUTBOXES}}


@pytest.fixture
def project(tmp_path, folders):
    """Settings for every network, each written to the outbox."""

    def make(posting=None, **changes):
        channels = {name: dict(section) for name, section in CHANNELS.items()}
        for name, section in (posting or {}).items():
            channels[name]["posting"] = section
        return folders.write_project(tmp_path, partners=PARTNERS, news=NEWS, channels=channels, **changes)

    return make


@pytest.fixture
def opened(tmp_path):
    apps = []

    def opening():
        apps.append(make_app(tmp_path))
        return apps[-1]

    yield opening
    for app in apps:
        app.close()


def posts(app):
    """Channel -> post, of one plan."""
    planned = app.plan()
    made = app.posts(planned)
    return {
        line.publication.channel: made[line.publication.key]
        for line in planned.lines
        if line.publication.key in made
    }


def test_a_partner_is_named_in_each_networks_own_way(project, folders, tmp_path, opened):
    project()
    folders.write_item(tmp_path, title="@{oirbi} meets @{host}", summary="By @{oirbi}.", body="With **@{host}**.")
    app = opened()
    shown = posts(app)
    titles = {name: post.text.splitlines()[0] for name, post in shown.items()}
    assert titles == {
        "x": "@oirbi_ro meets Host & Sons",
        "mastodon": "@oirbi@social.example meets Host & Sons",
        "linkedin": "OIRBI Ro meets Host & Sons",
        **dict.fromkeys({*NETWORKS, "fax"} - {"x", "mastodon", "linkedin"}, "OIRBI meets Host & Sons"),
    }
    assert {name: [one.target for one in post.mentions] for name, post in shown.items() if post.mentions} == {
        "x": ["oirbi_ro"],
        "mastodon": ["oirbi@social.example"],
        "linkedin": ["urn:li:organization:1"],
    }


def test_no_key_leaks_anywhere(project, folders, tmp_path, opened):
    project()
    folders.write_item(
        tmp_path,
        title="@{oirbi} meets @{host}",
        summary="By @{oirbi}.",
        subject="From @{oirbi}",
        preheader="A preheader about @{oirbi}, and long enough for everybody",
        body="With **@{host}** and @{oirbi}.",
        image={"src": "picture.png", "alt": "@{host} at work", "caption": "@{oirbi}", "credit": "@{host}"},
        posts={name: {"text": "Words of @{oirbi}"} for name in ("x", "linkedin")},
    )
    app = opened()
    assert [finding.message for finding in app.check().findings if "names no partner" in finding.message] == []
    files = {name: body for name, body in app.preview().items() if not name.endswith((".png", ".jpg"))}
    assert [name for name, body in files.items() if b"@{" in body] == []
    letter = files["mail/flash-first.en.html"].decode()
    assert "OIRBI meets Host &amp; Sons" in letter
    assert any(b"OIRBI meets Host" in body for name, body in files.items() if name.endswith("en/social/rss.xml"))
    planned = app.plan()
    assert {line.publication.title for line in planned.lines} == {"OIRBI meets Host & Sons"}
    app.approve([], who="ana", everything=True)
    app.publish()
    written = [
        path for folder in ("feeds", "var/outbox") for path in (tmp_path / folder).rglob("*") if path.is_file()
    ]
    assert len(written) > len(NETWORKS)
    assert [path.name for path in written if b"@{" in path.read_bytes()] == []


def test_a_digest_calls_partners_by_name(project, folders, tmp_path, opened):
    digest = {
        "cron": "0 10 * * thu",
        "lists": ["news"],
        "intro": {"en": "News of @{oirbi}", "ro": "De la @{oirbi}"},
    }
    lists = {"news": {"en": "News", "ro": "Știri"}}
    project(newsletter={"name": {"en": "N", "ro": "N"}, "lists": lists, "digests": {"weekly": digest}})
    folders.write_item(tmp_path, channels={"newsletter": "digest"})
    files = opened().preview()
    (english,) = (body.decode() for name, body in files.items() if name.endswith(".en.html") and "weekly" in name)
    (romanian,) = (body.decode() for name, body in files.items() if name.endswith(".ro.html") and "weekly" in name)
    assert "News of OIRBI" in english
    assert "De la Oficiul OIRBI" in romanian


def test_an_unknown_key_holds_the_item_and_names_the_nearest(project, folders, tmp_path, opened):
    project()
    folders.write_item(tmp_path, body="With @{oribi}.", posts={"x": {"text": "With @{hots}"}})
    app = opened()
    said = {(finding.field, finding.fix) for finding in app.check().findings if finding.rule == "partner-unknown"}
    assert said == {("body", "write `oirbi`"), ("posts.x", "write `host`")}
    assert {line.publication.state for line in app.plan().lines} == {State.DRAFT}
    assert "cannot go out" in app.preview()["index.html"].decode()


def test_what_is_shown_is_what_is_stored_and_counted_by_the_same_code(project, folders, tmp_path, opened):
    project(posting={"mastodon": {"funding": True, "utm": {"source": "mastodon"}}, "x": {"hashtags": False}})
    long = " ".join(
        f"Sentence number {n} tells what the regions did for small firms, and for whom." for n in range(9)
    )
    folders.write_item(
        tmp_path,
        tags=["Regional"],
        posts={
            "x": {"text": long, "split": True},
            "mastodon": {
                "text": "Ours",
                "link": "https://a.eu/é#f",
                "warning": "Figures",
                "reply_chain": ["More", "End"],
            },
        },
    )
    app = opened()
    looked, before = app.preview(), posts(app)
    app.approve([], who="ana", everything=True)
    assert posts(app) == before
    for line in app.plan().lines:
        channel = line.publication.channel
        if app.parts.channels[channel].limits.carries is not Carries.POST:
            continue
        stored = codec.post(app.parts.store.contents.body(line.publication.content))
        assert stored == before[channel]
        facts, _, text = looked[f"posts/{channel}/first.txt"].decode().partition("\n\n")
        parts = (stored.text, *stored.thread)
        assert text == "\n\n--\n\n".join(parts) + "\n"
        limits = app.parts.channels[channel].limits
        lengths = [count(part, limits) + count(stored.warning, limits) for part in parts]
        assert (stored.length, *stored.lengths) == tuple(lengths)
        for number, length in enumerate(lengths[1:], start=2):
            assert f"part {number}: {length:,} of {limits.max_length:,}" in facts
        assert f"{channel}, en: {lengths[0]:,} of {stored.limit:,}" in facts
    warned = before["mastodon"]
    assert warned.text == "Ours\n\nhttps://a.eu/%C3%A9?utm_source=mastodon#f\n\nCo-funded by the European Union"
    assert (warned.warning, warned.thread, warned.length) == ("Figures", ("More", "End"), 4 + 2 + 23 + 2 + 31 + 7)
    assert before["x"].text.endswith(f"(1/{1 + len(before['x'].thread)})")


def test_plan_shows_texts_and_counts(project, folders, tmp_path, shells):
    project()
    folders.write_item(
        tmp_path, title="Hello [there]", summary="What it is about.", posts={"x": {"reply_chain": ["Two"]}}
    )
    shell = shells.Shell(tmp_path)
    shown = shell("plan", "--posts").stdout
    assert "Hello [there]" in shown
    assert "x, en: " in shown
    assert "part 2: 3 of 280" in shown
    assert "Hello" not in shell("plan").stdout
    lines = {line["channel"]: line for line in json.loads(shell("plan", "--json").stdout)}
    posted = {channel: line["post"] for channel, line in lines.items()}
    assert posted["x"]["thread"] == ["Two"]
    assert posted["x"]["lengths"] == [3]
    assert posted["bluesky"]["length"] == count(posted["bluesky"]["text"], NETWORKS["bluesky"])
    assert posted["feed"] is posted["email"] is None


def test_a_network_that_does_not_carry_what_is_asked_says_so_at_planning(project, folders, tmp_path, opened):
    project()
    folders.write_item(tmp_path, posts={"linkedin": {"split": True, "text": "a"}, "x": {"warning": "Careful"}})
    drafts = {line.publication.channel: line.publication for line in opened().plan().lines}
    assert "carries no threads here" in drafts["linkedin"].reason
    assert "has no content warnings" in drafts["x"].reason
    assert {drafts[name].state for name in ("linkedin", "x")} == {State.DRAFT}
    assert drafts["mastodon"].state is State.IN_REVIEW


def photograph(path, size=(4000, 3000)):
    """Twelve megapixels on their side, with their place."""
    pixels = random.Random(4).randbytes(400 * 300 * 3)
    image = Image.frombytes("RGB", (400, 300), pixels).resize(size, Image.Resampling.BICUBIC)
    data = Image.Exif()
    data[0x0112] = 6
    gps = data.get_ifd(0x8825)
    gps[1], gps[2], gps[29] = "N", (48.0, 51.0, 24.0), "GPS-SECRET"
    image.save(path, "JPEG", exif=data)
    assert b"GPS-SECRET" in path.read_bytes()


def test_the_approved_picture_goes_out_and_is_small_and_clean_on_every_network(project, folders, tmp_path, opened):
    project()
    folders.write_item(tmp_path, image={"src": "photo.jpg", "alt": "A meeting", "credit": "Us"})
    photograph(tmp_path / "news" / "first" / "photo.jpg")
    app = opened()
    made = posts(app)
    app.approve([], who="ana", everything=True)
    app.publish()
    for network, post in made.items():
        limits = app.parts.channels[network].limits
        (picture,) = post.pictures
        assert picture.alt == "A meeting"
        (stored,) = app.parts.store.contents.pictures([picture.digest]).values()
        (sent,) = (tmp_path / "var" / "outbox" / network / "media").iterdir()
        assert sent.read_bytes() == stored.body
        assert sent.stem == picture.digest
        assert not limits.picture_bytes or len(stored.body) <= limits.picture_bytes
        shown = Image.open(io.BytesIO(stored.body))
        assert shown.width < shown.height
        assert not shown.getexif()
        assert b"GPS-SECRET" not in stored.body
        assert picture.alt in next((tmp_path / "var" / "outbox" / network).glob("*.txt")).read_text()


def test_a_picture_without_words_is_never_approved(project, folders, tmp_path, opened):
    project()
    folders.write_item(tmp_path, image={"src": "picture.png"})
    app = opened()
    app.approve([], who="ana", everything=True)
    lines = {line.publication.channel: line.publication for line in app.plan().lines}
    assert {lines[name].state for name in NETWORKS} == {State.DRAFT}
    folders.write_item(tmp_path, image={"src": "picture.png", "decorative": True})
    lines = {line.publication.channel: line.publication for line in app.plan().lines}
    assert {lines[name].state for name in NETWORKS} == {State.IN_REVIEW}


def test_a_change_of_the_directory_lapses_an_approval(project, folders, tmp_path):
    project()
    folders.write_item(tmp_path, title="With @{oirbi}")
    folders.approve_all(tmp_path)
    path = tmp_path / "settings.yaml"
    settings = yaml.safe_load(path.read_text("utf-8"))
    settings["partners"][0]["handles"]["x"] = "oirbi_new"
    path.write_text(yaml.safe_dump(settings, allow_unicode=True), "utf-8")
    app = make_app(tmp_path)
    lines = {line.publication.channel: line.publication for line in app.plan().lines}
    app.close()
    assert (lines["x"].state, lines["mastodon"].state) == (State.IN_REVIEW, State.SCHEDULED)


def test_five_hundred_posts_are_planned(project, folders, tmp_path, opened):
    project()
    items = 500 // len(OUTBOXES) + 1
    for n in range(items):
        summary = f"The regions of number {n} compared how they lend to small firms, „Știri” from example.eu/{n}."
        folders.write_item(
            tmp_path, f"item-{n}", title=f"@{{oirbi}} meets in Paris for the {n}th time", summary=summary
        )
    app = opened()
    planned = app.plan()
    assert sum(line.publication.channel in OUTBOXES for line in planned.lines) == items * len(OUTBOXES) >= 500


def test_networks_that_say_the_same_stand_together_and_no_address_is_broken(
    project, folders, tmp_path, shells, monkeypatch
):
    project()
    address = "https://a.example/" + "long" * 20
    folders.write_item(tmp_path, title="Hello", summary="Sum.", image=None, canonical_url=address)
    monkeypatch.setenv("COLUMNS", "80")
    shown = shells.Shell(tmp_path)("plan", "--posts").stdout
    block = shown.partition("\n\nfirst\n")[2].partition("\n\n")[0]
    assert block.splitlines()[-1] == "    Hello"
    assert {line.partition(",")[0] for line in block.splitlines()[:-1]} >= {"  linkedin", "  mastodon"}
    assert f"\n    {address}\n" in shown
    assert not any(line.endswith(" ") for line in shown.partition("\n\nfirst\n")[2].splitlines())
