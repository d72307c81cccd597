"""Addresses: kept as written, compared without regard to case, refused where no mail can go."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dissemination.channels.email.addresses import mailbox
from dissemination.errors import AddressError, DisseminationError
from dissemination.ports import Addresses
from dissemination.subscribers import AddressBook, normalise, suppression_hash, tidy


@pytest.mark.parametrize(
    ("address", "kept", "compared"),
    [
        (" Ana.Pop@Example.ORG ", "Ana.Pop@example.org", "ana.pop@example.org"),
        ("ana+news@example.org", "ana+news@example.org", "ana+news@example.org"),
        ("JOSÉ@straße.example", "JOSÉ@xn--strae-oqa.example", "josé@xn--strae-oqa.example"),
        ("STRAßE@example.org", "STRAßE@example.org", "straße@example.org"),  # not strasse@: that is somebody else
        ("jose\u0301@example.org", "jose\u0301@example.org", "josé@example.org"),
        ("ana@ПОЧТА.eu", "ana@xn--80a1acny.eu", "ana@xn--80a1acny.eu"),
        ("o'neil@xn--strae-oqa.example", "o'neil@xn--strae-oqa.example", "o'neil@xn--strae-oqa.example"),
    ],
)
def test_addresses(address, kept, compared):
    assert tidy(address) == kept
    assert normalise(address) == compared


@pytest.mark.parametrize(
    "address",
    [
        "", "ana", "@", "@example.org", "ana@", "a b@example.org", "ana@exa mple.org", "a\tb@example.org",
        "a\r\nBcc: x@example.org", "a\0@example.org", "a\u2028@example.org", "<ana@example.org>", "a,b@example.org",
        "Ana <ana@example.org>", "a;b@example.org", '"a b"@example.org', ".a@example.org", "a.@example.org",
        "a..b@example.org", "ana@-example.org", "ana@example..org", "ana@.org", "ana@[127.0.0.1]",
        "a\ud800@example.org", "b\ufffd@example.org",
        f"{'a' * 65}@example.org", f"a@{'b.' * 130}org", "é" * 33 + "@example.org", "ana@☃" + "x" * 300,
    ],
    ids=lambda address: ascii(address)[:30],
)  # fmt: skip
def test_what_is_no_address(address):
    with pytest.raises(AddressError, match="write it like"):
        tidy(address)


@given(st.text(max_size=80).map(lambda text: f"{text}@example.org") | st.text(max_size=80))
def test_what_is_kept_can_be_written_to(text):
    try:
        kept = tidy(text)
    except AddressError:
        return
    assert tidy(kept) == kept
    assert normalise(normalise(kept)) == normalise(kept)
    assert str(mailbox(kept)) == kept, "the email channel takes what the list takes"


def test_an_error_is_one_of_ours_and_short():
    with pytest.raises(DisseminationError) as caught:
        tidy("x" * 10_000)
    assert len(str(caught.value)) < 200


def test_the_hash_knows_an_address_again():
    book: Addresses = AddressBook(b"pepper")
    assert book.hash("Ana@Example.org") == book.hash(" ana@example.ORG ")
    assert book.hash("ana@example.org") != book.hash("ana@example.com")
    assert book.normalise("Ana@Example.org") == "ana@example.org"


def test_the_hash_is_keyed_and_stays():
    assert suppression_hash(b"pepper", "ana@example.org") != suppression_hash(b"other", "ana@example.org")
    # printf ana@example.org | openssl dgst -sha256 -hmac pepper
    assert suppression_hash(b"pepper", "ana@example.org") == (
        "dcb5e7bb39eb8149030695d31652094ad901a32cfa88f565a58b371ec1d90383"
    )
