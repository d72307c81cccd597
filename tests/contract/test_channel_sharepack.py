"""Sharepacks: the contract for every network that they are made for, and what is their own."""

import io
import threading
import zipfile
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dissemination.channels import sharepack
from dissemination.channels.networks import NETWORKS
from dissemination.errors import RejectedError, SettingsError, UnavailableError
from dissemination.files import digest_of
from dissemination.model import PostPicture, Receipt, Repeat, Units
from dissemination.testing import sample_message, sample_options, sample_picture, sample_post
from dissemination.testing.contract import ChannelContract

AT = datetime(2026, 11, 17, 8, 0, tzinfo=UTC)
LINK = "https://news.example.eu/en/news/third-meeting/"


@pytest.mark.parametrize("options_name", [*sorted(NETWORKS), "smoke-signals"])
class TestSharepackChannel(ChannelContract):
    @pytest.fixture
    def making(self):
        return sharepack.make

    @pytest.fixture
    def options(self, tmp_path, options_name):
        return sample_options(tmp_path, name=options_name)


@pytest.fixture
def make(tmp_path):
    def made(name="facebook", **settings):
        return sharepack.make(sample_options(tmp_path, name=name, settings={"pack": "partners", **settings}))

    return made


@pytest.fixture
def outbox(tmp_path):
    return tmp_path / "outbox"


def message(
    network="facebook", lang="en", text=f"Partners meet in Paris\n\n{LINK}", *, item="third-meeting", **changes
):
    facts = {"alts": ("Twelve people\naround a table",), "revision": 1, "at": AT, **changes}
    pictures = [sample_picture((20, 90, 10 * number)) for number, _ in enumerate(facts["alts"])]
    post = sample_post(
        network=network,
        lang=lang,
        text=text,
        title="Partners meet in Paris",
        length=len(text),
        limit=NETWORKS[network].max_length,
        pictures=tuple(
            PostPicture(digest=picture.digest, alt=alt)
            for picture, alt in zip(pictures, facts["alts"], strict=True)
        ),
    )
    return sample_message(
        post,
        key=f"{item}:{network}:{facts['revision']}",
        pictures={picture.digest: picture for picture in pictures},
        at=facts["at"],
    )


def part(number, network="threads", text="More of it"):
    first = message(network, alts=())
    return replace(
        first,
        key=f"{first.key}/{number}",
        body=replace(first.body, text=text, length=len(text)),
        in_reply_to=Receipt(id="before"),
    )


def send(channel, one):
    return channel.send(one, key=one.key)


def opened(outbox, receipt):
    with zipfile.ZipFile(outbox / receipt.id) as pack:
        assert pack.testzip() is None
        return {entry.filename: pack.read(entry) for entry in pack.infolist()}


def readme(outbox, receipt):
    return opened(outbox, receipt)["README.txt"].decode()


def test_an_item_becomes_one_zip_that_a_person_can_use(make, outbox):
    receipt = send(make(), message())
    assert receipt.id.startswith("partners/third-meeting-")
    assert receipt.changed == 1
    files = opened(outbox, receipt)
    assert files["facebook/post-1.en.txt"].decode() == f"Partners meet in Paris\n\n{LINK}\n"
    assert files["facebook/post-1.en.picture-1.png"] == sample_picture((20, 90, 0)).body
    assert files["facebook/post-1.en.picture-1.alt.txt"].decode() == "Twelve people\naround a table\n"
    assert list(files) == sorted(files)
    assert files["README.txt"].decode() == (
        "MICROFUTURE: posts to share\n\n"
        "Every folder has what one network needs. Thank you for posting it!\n\n"
        "Facebook, in en\n"
        "---------------\n"
        "Partners meet in Paris\n"
        "Post this on Tue 17 November 2026, 10:00 (Europe/Bucharest).\n"
        "- Copy the whole text of facebook/post-1.en.txt (70 of 63,206, as Facebook counts).\n"
        "- Add the picture facebook/post-1.en.picture-1.png; "
        "its alternative text is in facebook/post-1.en.picture-1.alt.txt.\n"
    )


def test_networks_and_languages_of_an_item_share_its_zip(make, outbox):
    first = send(make("facebook"), message())
    second = send(make("facebook-ro", network="facebook"), message(lang="ro", item="third-meeting.ro"))
    third = send(make("instagram"), message("instagram"))
    other = send(make("facebook"), message(item="another"))
    assert first.id == second.id == third.id != other.id
    assert [one.changed for one in (first, second, third, other)] == [1, 1, 1, 1]
    texts = {name for name in opened(outbox, first) if name.count(".") == 2}
    assert texts == {"facebook/post-1.en.txt", "facebook-ro/post-1.ro.txt", "instagram/post-1.en.txt"}
    told = readme(outbox, first)
    assert told.index("Facebook, in en") < told.index("Facebook, in ro") < told.index("Instagram, in en")


def test_the_order_of_sending_does_not_matter(make, outbox, tmp_path):
    receipts = [send(make(network), message(network)) for network in ("facebook", "instagram")]
    elsewhere = sample_options(tmp_path / "other", settings={"pack": "partners"})
    for network in ("instagram", "facebook"):
        send(sharepack.make(replace(elsewhere, name=network)), message(network))
    there = tmp_path / "other" / "outbox" / receipts[0].id
    assert there.read_bytes() == (outbox / receipts[0].id).read_bytes()


def test_a_repeat_changes_nothing_also_after_others_came(make, outbox):
    receipt = send(make(), message())
    assert send(make(), message()).changed == 0
    send(make("instagram"), message("instagram"))
    body = (outbox / receipt.id).read_bytes()
    assert send(make(), message()) == replace(receipt, changed=0)
    assert (outbox / receipt.id).read_bytes() == body


def test_the_bytes_are_known_for_good(make, outbox):
    """No time, no compressor, no locale: whoever packs it anywhere gets this very zip."""
    receipt = send(make(), message(alts=()))
    body = (outbox / receipt.id).read_bytes()
    with zipfile.ZipFile(io.BytesIO(body)) as pack:
        facts = {(entry.date_time, entry.compress_type, entry.external_attr >> 16) for entry in pack.infolist()}
    assert facts == {((1980, 1, 1, 0, 0, 0), zipfile.ZIP_STORED, 0o644)}
    assert digest_of(body) == "650eefda2100a02d4399f002c6a2dedde955f5faa23b23d7f0fa2253f83cb1d7"


def test_a_crash_between_the_files_and_the_zip_is_mended(make, outbox):
    receipt = send(make(), message())
    whole = (outbox / receipt.id).read_bytes()
    (outbox / receipt.id).unlink()
    folder = (outbox / receipt.id).with_suffix("")
    (folder / "facebook" / ".post-1.en.txt.x7").write_text("half a file that a crash left", encoding="utf-8")
    (folder / "README.txt").write_text("old", encoding="utf-8")
    assert send(make(), message()).changed == 1
    assert (outbox / receipt.id).read_bytes() == whole


def test_what_another_text_no_longer_has_is_taken_out(make, outbox):
    send(make(), message(alts=("One", "Two")))
    receipt = send(make(), message(text="Rewritten", alts=("",)))
    files = opened(outbox, receipt)
    assert [name for name in files if "picture" in name] == ["facebook/post-1.en.picture-1.png"]
    assert "it is decorative and needs no words" in readme(outbox, receipt)


def test_a_correction_has_a_zip_of_its_own(make, outbox):
    first, again = send(make(), message()), send(make(), message(text="Corrected", revision=2))
    assert first.id != again.id
    assert "revision-2" in again.id
    assert "Corrected" not in opened(outbox, first)["facebook/post-1.en.txt"].decode()


def test_parts_of_a_thread_stand_side_by_side(make, outbox):
    channel = make("threads")
    receipts = [send(channel, one) for one in (message("threads", alts=()), part(2), part(10), part(3))]
    assert len({receipt.id for receipt in receipts}) == 1
    told = readme(outbox, receipts[0])
    places = [
        told.index(f"Answer the part before with the whole text of threads/post-{n}.en.txt") for n in (2, 3, 10)
    ]
    assert places == sorted(places)
    assert send(channel, message("threads", alts=())).changed == 0
    assert send(channel, part(2)).changed == 0
    with pytest.raises(RejectedError, match="one part of a thread at a time"):
        send(channel, sample_message(sample_post(thread=("Two",))))


@pytest.mark.parametrize(
    ("at", "ahead", "told"),
    [
        (AT, 0, "on Tue 17 November 2026, 10:00"),
        (AT, 2, "on Thu 19 November 2026, 10:00"),
        (datetime(2026, 3, 28, 8, 0, tzinfo=UTC), 1, "on Sun 29 March 2026, 10:00"),  # the clocks go forward
        (datetime(2026, 10, 24, 7, 0, tzinfo=UTC), 1, "on Sun 25 October 2026, 10:00"),  # and back
        (None, 1, "as soon as you can"),
    ],
)
def test_when_it_is_to_be_posted(at, ahead, told, make, outbox):
    receipt = send(make(days_ahead=ahead), message(at=at))
    assert f"Post this {told}" in readme(outbox, receipt)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("#A #B #C #D #E", ""),
        ("#A #B #C #D #E #Six #Sept", "leave out #Six, #Sept."),
        (
            "Rule #1 of #2026: https://news.example.eu/#part a#b #A #B #C #D #E #V\u00fdskum",
            "leave out #V\u00fdskum.",
        ),
    ],
)
def test_instagram_takes_five_hashtags_and_no_links(text, told, make, outbox):
    said = readme(outbox, send(make("instagram"), message("instagram", text=text)))
    assert ("hashtags at most" in said) == bool(told)
    assert told in said
    assert "Nobody can click the link" in said


def test_a_content_warning_is_a_step(make, outbox):
    plain = message("mastodon")
    warned = replace(plain, body=replace(plain.body, warning="Figures on poverty"))
    assert "- Set a content warning: Figures on poverty\n" in readme(outbox, send(make("mastodon"), warned))
    assert "warning" not in readme(outbox, send(make("mastodon"), message("mastodon", item="b")))


def test_instagram_takes_nothing_without_a_picture(make, outbox):
    said = readme(outbox, send(make("instagram"), message("instagram", alts=())))
    assert "Instagram takes nothing without a picture: choose one, and describe it." in said
    assert "without a picture" not in readme(outbox, send(make("instagram"), message("instagram", item="b")))


def test_limits_are_those_of_the_networks(make):
    facebook, instagram, threads = (make(name).limits for name in ("facebook", "instagram", "threads"))
    assert (facebook.max_length, instagram.max_length) == (63_206, 2200)
    assert (threads.max_length, threads.units, threads.threads) == (500, Units.BYTES, True)
    assert {limits.repeat for limits in (facebook, instagram, threads)} == {Repeat.SAFE}
    assert make("town", network="threads").limits == threads
    assert make("town").limits.max_length == 5000


def test_what_a_network_would_not_carry_is_rejected(make, outbox):
    one = message("instagram")
    with pytest.raises(RejectedError, match="2201 of 2200"):
        send(make("instagram"), replace(one, body=replace(one.body, length=2201)))
    with pytest.raises(RejectedError, match="half a character"):
        send(make(), message(text="half: \ud83d"))
    assert not list(outbox.rglob("*.zip"))


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"network": "facebok"}, r"channels\.facebook\.network: unknown network; did you mean facebook\?"),
        ({"network": "smoke"}, "known: x, mastodon"),
        ({"networks": ["facebook"]}, "did you mean network"),
        ({"pack": "../elsewhere"}, r"channels\.facebook\.pack"),
        ({"days_ahead": -1}, "days_ahead"),
    ],
)
def test_settings_are_checked_when_it_is_made(settings, fault, make):
    with pytest.raises(SettingsError, match=fault):
        make(**settings)


def test_a_channel_alone_packs_under_its_own_name(tmp_path, outbox):
    channel = sharepack.make(sample_options(tmp_path, name="facebook"))
    assert channel.probe() == "packs into outbox/facebook; people post it"
    assert send(channel, message()).id.startswith("facebook/third-meeting-")


def test_keys_of_another_shape_have_zips_of_their_own(make, outbox):
    ids = {make().send(message(), key=key).id for key in ("a", "a:b", "a/2", "c:b:1", "x" * 500, "")}
    assert len(ids) == 6
    assert len(list(outbox.rglob("*.zip"))) == 6


def test_two_that_pack_at_once_lose_nothing(make, outbox):
    names = [f"facebook-{number}" for number in range(8)]
    start = threading.Barrier(len(names))

    def pack(name):
        channel = make(name, network="facebook")
        start.wait(10)
        send(channel, message())

    threads = [threading.Thread(target=pack, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    files = opened(outbox, send(make("facebook-0", network="facebook"), message()))
    assert {f"{name}/post-1.en.txt" for name in names} <= set(files)


def test_a_disk_that_refuses_is_unavailable(make, outbox):
    outbox.parent.mkdir(parents=True, exist_ok=True)
    outbox.write_text("in the way", encoding="utf-8")
    with pytest.raises(UnavailableError, match="cannot write"):
        send(make(), message())
