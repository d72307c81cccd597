"""Tokens: ours verify, and nothing else does."""

import base64
import hmac
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dissemination.errors import SettingsError
from dissemination.model import Site
from dissemination.ports import Tokens
from dissemination.subscribers import Purpose, SubscriberTokens

SITE = Site(public_url="https://news.example.eu")
OLD, NEW = b"an old key of forty characters ........", b"a new key of forty characters ........."
LETTERS = string.ascii_letters + string.digits + "-_"
TOKENS = SubscriberTokens([NEW], SITE)


def test_links_lead_to_the_site():
    tokens: Tokens = TOKENS
    links = tokens.links(7)
    assert set(links) == {"unsubscribe_url", "preferences_url"}
    address, _, token = links["unsubscribe_url"].rpartition("/")
    assert address == "https://news.example.eu/u"
    assert TOKENS.read(token, Purpose.UNSUBSCRIBE) == (0, 7)
    address, _, token = links["preferences_url"].rpartition("/")
    assert address == "https://news.example.eu/p"
    assert TOKENS.read(token, Purpose.PREFERENCES) == (0, 7)


def test_the_same_person_gets_the_same_links():
    assert TOKENS.links(7) == SubscriberTokens([NEW], SITE).links(7)


@given(st.integers(0, 2**40 - 1), st.integers(0, 2**24 - 1), st.sampled_from(Purpose))
def test_a_token_reads_back(subscriber, number, purpose):
    token = SubscriberTokens([NEW], SITE, number).make(purpose, subscriber)
    assert len(token) == 36
    assert not set(token) - set(LETTERS)
    assert TOKENS.read(token, purpose) == (number, subscriber)


@pytest.mark.parametrize("made", Purpose)
@pytest.mark.parametrize("read", Purpose)
def test_a_token_is_for_one_purpose(made, read):
    assert (TOKENS.read(TOKENS.make(made, 7), read) is not None) == (made is read)


@pytest.mark.parametrize("position", range(36))
def test_no_letter_can_be_another(position):
    token = TOKENS.make(Purpose.UNSUBSCRIBE, 123_456)
    for letter in set(LETTERS + "+/= \n.%é\0") - {token[position]}:
        assert TOKENS.read(token[:position] + letter + token[position + 1 :], Purpose.UNSUBSCRIBE) is None


def test_no_second_way_to_write_it():
    token = next(token for n in range(1000) if {"-", "_"} <= set(token := TOKENS.make(Purpose.UNSUBSCRIBE, n)))
    variants = [
        token.replace("-", "+"), token.replace("_", "/"), token + "=", token + "====", token + "\n", " " + token,
        token[:-1], token + "A", token[:35] + "\n", token.swapcase(), "\ufeff" + token, token * 2,
    ]  # fmt: skip
    assert [TOKENS.read(variant, Purpose.UNSUBSCRIBE) for variant in variants] == [None] * len(variants)


@given(st.one_of(st.text(max_size=60), st.text(alphabet=LETTERS, min_size=36, max_size=36)))
def test_nothing_else_is_read(text):
    assert TOKENS.read(text, Purpose.UNSUBSCRIBE) is None


def test_a_huge_text_is_refused_at_once():
    assert TOKENS.read("A" * 10_000_000, Purpose.UNSUBSCRIBE) is None


def test_old_links_survive_a_new_key():
    old = SubscriberTokens([OLD], SITE).make(Purpose.UNSUBSCRIBE, 7)
    rotated = SubscriberTokens([NEW, OLD], SITE)
    assert rotated.read(old, Purpose.UNSUBSCRIBE) == (0, 7)
    assert rotated.make(Purpose.UNSUBSCRIBE, 7) == TOKENS.make(Purpose.UNSUBSCRIBE, 7)
    assert TOKENS.read(old, Purpose.UNSUBSCRIBE) is None, "a key that was taken away verifies nothing"


def test_keys_with_the_same_id_are_both_tried():
    by_id = {}
    for number in range(2000):
        key = f"a key with a number in it {number}".encode()
        first = base64.urlsafe_b64decode(SubscriberTokens([key], SITE).make(Purpose.VIEW, 1))[0]
        other = by_id.setdefault(first, key)
        if other != key:
            break
    token = SubscriberTokens([other], SITE).make(Purpose.VIEW, 1)
    assert SubscriberTokens([key, other], SITE).read(token, Purpose.VIEW) == (0, 1)


@pytest.mark.parametrize("keys", [[], [b""], [b"short"], [NEW, b"short"]])
def test_short_keys_are_refused(keys):
    with pytest.raises(SettingsError, match="TOKEN_KEYS"):
        SubscriberTokens(keys, SITE)


def test_a_number_too_large_is_an_error():
    with pytest.raises(OverflowError):
        TOKENS.make(Purpose.UNSUBSCRIBE, 2**40)


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**40 - 1))
def test_a_mark_reads_back_in_any_case(publication, subscriber):
    mark = SubscriberTokens([NEW, OLD], SITE).bounce(publication, subscriber)
    assert len(mark) == 32
    assert mark == mark.lower()
    assert TOKENS.read_bounce(mark) == TOKENS.read_bounce(mark.upper()) == (publication, subscriber)


def test_an_old_key_still_reads_marks_and_a_strange_one_does_not():
    mark = SubscriberTokens([OLD], SITE).bounce(3, 7)
    assert SubscriberTokens([NEW, OLD], SITE).read_bounce(mark) == (3, 7)
    assert TOKENS.read_bounce(mark) is None


@given(st.integers(0, 31), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_no_letter_of_a_mark_can_be_changed(place, letter):
    mark = TOKENS.bounce(3, 7)
    forged = mark[:place] + letter + mark[place + 1 :]
    assert (TOKENS.read_bounce(forged) == (3, 7)) is (forged == mark)


@pytest.mark.parametrize("mark", ["", "a" * 31, "a" * 33, "0" * 32, "a" * 32, "é" * 32, "a" * 31 + "\n"])
def test_what_is_no_mark(mark):
    assert TOKENS.read_bounce(mark) is None


def test_a_link_is_no_mark_and_a_mark_is_no_link():
    assert TOKENS.read(TOKENS.bounce(0, 7), Purpose.BOUNCE) is None
    assert TOKENS.read_bounce(TOKENS.make(Purpose.BOUNCE, 7)) is None


@pytest.mark.parametrize("key", [NEW, b"k" * 64, b"a key that is longer than a block of the hash " * 3])
def test_tokens_and_marks_are_what_the_standard_library_makes_of_them(key):
    """Links that were sent by any version of the program must go on working."""

    def mac(purpose: bytes, head: bytes) -> bytes:
        return hmac.digest(key, b"dissemination:" + purpose + b":" + head, "sha256")

    id_ = hmac.digest(key, b"dissemination:key-id", "sha256")[:1]
    tokens = SubscriberTokens([key], SITE, 3)
    head = id_ + (3).to_bytes(3) + (70_000).to_bytes(5)
    wanted = base64.urlsafe_b64encode(head + mac(b"u", head)[:18]).decode()
    assert tokens.make(Purpose.UNSUBSCRIBE, 70_000) == wanted
    head = id_ + (9).to_bytes(4) + (70_000).to_bytes(5)
    assert tokens.bounce(9, 70_000) == base64.b32encode(head + mac(b"b", head)[:10]).decode().lower()
