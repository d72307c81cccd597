"""The outbox: the contract for every network it stands in for, and what is its own."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dissemination.channels import outbox
from dissemination.channels.networks import NETWORKS
from dissemination.errors import RejectedError, SettingsError, UnavailableError
from dissemination.model import PostPicture, Receipt, Repeat
from dissemination.testing import sample_message, sample_options, sample_picture, sample_post
from dissemination.testing.contract import ChannelContract

SINCE = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("options_name", [*sorted(NETWORKS), "smoke-signals"])
class TestOutboxChannel(ChannelContract):
    @pytest.fixture
    def making(self):
        return outbox.make

    @pytest.fixture
    def options(self, tmp_path, options_name):
        return sample_options(tmp_path, name=options_name)


@pytest.fixture
def options(tmp_path):
    return sample_options(tmp_path)


@pytest.fixture
def channel(options):
    return outbox.make(options)


@pytest.fixture
def message():
    picture = sample_picture()
    post = sample_post(pictures=(PostPicture(digest=picture.digest, alt="Twelve people\naround a table"),))
    return sample_message(post, pictures={picture.digest: picture})


def test_a_post_becomes_one_file_that_a_person_can_read(channel, options, message):
    receipt = channel.send(message, key=message.key)
    (path,) = (options.outbox / "mastodon").glob("*.txt")
    assert receipt.id == f"mastodon/{path.name}"
    assert path.name.startswith("third-meeting-mastodon-1-")
    facts, text = path.read_text(encoding="utf-8").split("\n\n", 1)
    assert text == message.body.text + "\n"
    assert facts.splitlines() == [
        "network: mastodon",
        "key: third-meeting:mastodon:1",
        "language: en",
        f"length: {message.body.length} of 500 graphemes",
        f"link: {message.body.link}",
        f"picture: media/{sample_picture().name}",
        "alt: Twelve people around a table",
    ]
    assert (options.outbox / "mastodon" / "media" / sample_picture().name).read_bytes() == sample_picture().body


def test_a_repeat_writes_nothing_and_an_edit_writes_the_same_file(channel, options, message):
    assert channel.send(message, key=message.key).changed == 1
    assert channel.send(message, key=message.key).changed == 0
    edited = replace(message, body=replace(message.body, text="Edited"))
    assert channel.find(edited, key=message.key, since=SINCE) is None
    assert channel.send(edited, key=message.key).changed == 1
    assert channel.find(edited, key=message.key, since=SINCE).id
    assert len(list((options.outbox / "mastodon").glob("*.txt"))) == 1


def test_keys_that_look_alike_have_files_of_their_own(channel, options, message):
    for key in ("a:b", "a-b", "A b", "ă", "", "x" * 500):
        channel.send(message, key=key)
    assert len(list((options.outbox / "mastodon").glob("*.txt"))) == 6


def test_a_thread_stands_in_one_file(channel, options):
    channel.send(sample_message(sample_post(text="One", thread=("Two", "Three"))), key="k")
    (path,) = (options.outbox / "mastodon").glob("*.txt")
    assert path.read_text(encoding="utf-8").endswith("\n\nOne\n\n--- 2 ---\nTwo\n\n--- 3 ---\nThree\n")


def test_a_content_warning_stands_with_the_facts(channel, options):
    channel.send(sample_message(sample_post(warning="Figures on\npoverty")), key="k")
    (path,) = (options.outbox / "mastodon").glob("*.txt")
    assert "\nwarning: Figures on poverty\n" in path.read_text(encoding="utf-8")


def test_an_answer_says_what_it_answers(channel, options):
    channel.send(sample_message(in_reply_to=Receipt(id="mastodon/first.txt")), key="k")
    (path,) = (options.outbox / "mastodon").glob("*.txt")
    assert "\nanswers: mastodon/first.txt\n" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"length": 501}, "501 of 500 graphemes"),
        ({"pictures": (PostPicture(digest="0" * 64, alt="x"),)}, "not there"),
        ({"pictures": (PostPicture(digest="0" * 64, alt="x"),) * 5}, "5 pictures of 4"),
        ({"pictures": (PostPicture(digest="0" * 64, alt="x" * 1501),)}, "more than 1500 characters"),
        ({"text": "half a character: \ud83d"}, "surrogate"),
    ],
)
def test_what_the_network_would_not_carry_is_rejected(channel, options, changes, fault):
    with pytest.raises(RejectedError, match=fault):
        channel.send(sample_message(sample_post(**changes)), key="k")
    assert not options.outbox.exists()


def test_bytes_are_counted_where_the_network_counts_them(options):
    channel = outbox.make(replace(options, name="bluesky"))
    with pytest.raises(RejectedError, match="3000 bytes"):
        channel.send(sample_message(sample_post(text="\N{WHITE SMILING FACE}" * 1001, length=300)), key="k")


def test_limits_are_the_networks_but_a_repeat_is_safe(options):
    assert outbox.make(options).limits == replace(NETWORKS["mastodon"], repeat=Repeat.SAFE)
    assert outbox.make(replace(options, name="town", settings={"network": "x"})).limits.max_length == 280
    assert outbox.make(replace(options, name="town")).limits.max_length > 1000


def test_an_unknown_key_names_the_nearest(options):
    with pytest.raises(SettingsError, match="did you mean network"):
        outbox.make(replace(options, settings={"netwrok": "x"}))
    with pytest.raises(SettingsError, match=r"channels\.mastodon\.network"):
        outbox.make(replace(options, settings={"network": "../x"}))


def test_a_disk_that_refuses_is_unavailable(channel, options, message):
    options.outbox.parent.mkdir(parents=True, exist_ok=True)
    options.outbox.write_text("in the way", encoding="utf-8")
    with pytest.raises(UnavailableError, match="cannot write"):
        channel.send(message, key="k")
    with pytest.raises(UnavailableError, match="cannot read"):
        channel.find(message, key="k", since=SINCE)
