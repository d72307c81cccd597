import pytest
from hypothesis import given
from hypothesis import strategies as st
from twitter_text import extract_urls

from dissemination.render.links import encoded, encoded_in, tagged


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
        ("https://example.eu/a&?b&#c&", "https://example.eu/a%26?b&#c%26"),
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


UTM = {"source": "x", "medium": "social"}


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://a.eu/b", "https://a.eu/b?utm_source=x&utm_medium=social"),
        ("https://a.eu", "https://a.eu/?utm_source=x&utm_medium=social"),
        ("https://a.eu/b?c=d", "https://a.eu/b?c=d&utm_source=x&utm_medium=social"),
        ("https://a.eu/b?c=d#e", "https://a.eu/b?c=d&utm_source=x&utm_medium=social#e"),
        ("https://a.eu/b#e", "https://a.eu/b?utm_source=x&utm_medium=social#e"),
        ("https://a.eu/b?utm_source=flyer", "https://a.eu/b?utm_source=flyer&utm_medium=social"),
        ("https://a.eu/b?UTM_Source=flyer&utm_medium=", "https://a.eu/b?UTM_Source=flyer&utm_medium="),
        ("https://a.eu/b?q=é", "https://a.eu/b?q=%C3%A9&utm_source=x&utm_medium=social"),
    ],
)
def test_utm_parameters_are_added_once_before_the_fragment(url, address):
    made = encoded(tagged(url, UTM))
    assert made == address
    assert encoded(tagged(made, UTM)) == made


@pytest.mark.parametrize("utm", [{}, {"source": ""}])
def test_without_utm_an_address_stays_as_it_is(utm):
    assert tagged(" https://a.eu/b?#", utm) == " https://a.eu/b?#"


def test_utm_values_are_encoded():
    utm = {"campaign": "Știri & more #1+1="}
    assert encoded(tagged("https://a.eu/", utm)) == (
        "https://a.eu/?utm_campaign=%C8%98tiri%20%26%20more%20%231%2B1%3D"
    )


def test_no_address_gets_none():
    with pytest.raises(ValueError, match="IPv6"):
        tagged("https://[::1/", UTM)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("See https://príklad.eu/správa?d=é.", "See https://xn--prklad-4va.eu/spr%C3%A1va?d=%C3%A9."),
        ("(https://a.eu/é)", "(https://a.eu/%C3%A9)"),
        ("“https://a.eu/é”, https://b.eu/ö!", "“https://a.eu/%C3%A9”, https://b.eu/%C3%B6!"),
        ("https://a.eu/b+c.", "https://a.eu/b+c."),
        ("https://a.eu/これは", "https://a.eu/これは"),
        ("https://é", "https://xn--9ca/"),
        ("https://user:wörd@a.eu/é", "https://user:wörd@a.eu/é"),
        ("no address: é://a", "no address: é://a"),
    ],
)
def test_addresses_in_a_text_are_encoded_where_detectors_would_cut_them(text, made):
    assert encoded_in(text) == made


@given(st.text(max_size=40))
def test_encoding_a_text_twice_changes_nothing(text):
    once = encoded_in(f"Words https://example.eu/{text} and more")
    assert encoded_in(once) == once
