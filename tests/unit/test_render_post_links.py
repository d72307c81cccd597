import pytest
from hypothesis import given
from hypothesis import strategies as st
from twitter_text import extract_urls

from dissemination.render.links import encoded


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://example.eu", "https://example.eu/"),
        (" HTTPS://Example.EU/Path ", "https://example.eu/Path"),
        ("https://príklad.eu/správa?b=c&d=é", "https://xn--prklad-4va.eu/spr%C3%A1va?b=c&d=%C3%A9"),
        ("https://example.eu/a%20b%zz", "https://example.eu/a%20b%25zz"),
        ("https://example.eu/a b", "https://example.eu/a%20b"),
        ("https://example.eu/a.", "https://example.eu/a%2E"),
        ("https://example.eu/c+?q=c+", "https://example.eu/c+?q=c%20"),
        ("https://example.eu/#is+", "https://example.eu/#is%2B"),
        ("https://example.eu/#?", "https://example.eu/#%3F"),
        ("https://example.eu/a(b)", "https://example.eu/a%28b%29"),
        ("https://example.eu:8443?x=1#frag", "https://example.eu:8443/?x=1#frag"),
        ("http://127.0.0.1:8000/x/", "http://127.0.0.1:8000/x/"),
    ],
)
def test_encoding(url, address):
    assert encoded(url) == address
    assert encoded(address) == address


@pytest.mark.parametrize(
    "url",
    [
        "", "example.eu/a", "ftp://example.eu/", "javascript:alert(1)", "https://", "https:///a", "https://a..eu/",
        "https://user:word@example.eu/", "https://[::1/", "https://exa mple.eu/", "https://example.eu:99999/",
        "https://-\u00ad.eu/", "https://" + "ž" * 80 + ".eu/", "https://example.eu/" + "a" * 2000,
    ],
)  # fmt: skip
def test_no_web_address(url):
    with pytest.raises(ValueError, match=r"no web address|longer than"):
        encoded(url)


@given(path=st.text(max_size=30), query=st.text(max_size=20), fragment=st.text(max_size=10))
def test_what_is_encoded_is_one_whole_link_on_x(path, query, fragment):
    try:
        address = encoded(f"https://example.eu/{path}?{query}#{fragment}")
    except ValueError:
        return
    assert address.isascii()
    assert extract_urls(f"Words ({address}\n#tag") == [address]
