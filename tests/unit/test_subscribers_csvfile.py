"""CSV in and out: every line a person or a finding, no cell a formula, memory that does not grow."""

import csv
import io
import itertools
import tracemalloc
import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dissemination.model import Finding, Level, Subscriber
from dissemination.subscribers import read_subscribers, write_subscribers

DAY = datetime(2025, 3, 1, tzinfo=UTC)
FULL = "email,name,lang,lists,consent_source,consent_at\n"


def read(text, **options):
    stream = io.StringIO(text, newline="")
    rows = read_subscribers(stream, **{"default_lang": "en", "source": "form", "consent_at": DAY} | options)
    return [row if isinstance(row, Finding) else row[1] for row in rows]


def one(text, **options):
    [row] = read(text, **options)
    return row


def test_a_full_line():
    row = one(FULL + "Ana@Example.org,Ana Pop,ro,news;events,Paris meeting,2026-01-31T10:00+02:00\n", source="")
    assert row == Subscriber(
        id=0,
        email="Ana@example.org",
        name="Ana Pop",
        lang="ro",
        lists=("news", "events"),
        consent_source="Paris meeting",
        consent_at=datetime(2026, 1, 31, 8, tzinfo=UTC),
    )


def test_what_a_line_leaves_out_is_given_for_the_file():
    row = one("email\nana@example.org\n", default_lists=["news"])
    assert (row.lang, row.lists, row.consent_source, row.consent_at) == ("en", ("news",), "form", DAY)


@pytest.mark.parametrize(
    "header",
    [
        "email,lang",
        "E-Mail,Language",
        "MAIL,locale",
        "e_mail,LANG",
        '"Email Address","Language"',
        "\ufeffemail,lang",
    ],
)
def test_other_names_of_columns(header):
    row = one(f"{header}\nana@example.org,pt_BR\n")
    assert (row.email, row.lang) == ("ana@example.org", "pt-BR")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separators_and_line_ends(delimiter, end):
    lines = [["name", "email", "shoe size"], ["Ana", "ana@example.org", "38"], ["Bo", "bo@example.org", ""]]
    rows = read(end.join(delimiter.join(line) for line in lines))
    assert [(row.name, row.email) for row in rows] == [("Ana", "ana@example.org"), ("Bo", "bo@example.org")]


def test_quotes_and_empty_lines():
    rows = read('email,name\n\n"ana@example.org","Pop, ""Ana"""\n   \nbo@example.org\n')
    assert [(row.email, row.name) for row in rows] == [("ana@example.org", 'Pop, "Ana"'), ("bo@example.org", "")]


@pytest.mark.parametrize(
    ("line", "rule", "field"),
    [
        ("nobody,,,,form,2025-01-01", "subscriber-email", "email"),
        (",Ana,,,form,2025-01-01", "subscriber-email", "email"),
        ("=cmd@,,,,form,2025-01-01", "subscriber-email", "email"),
        ("a\x00na@example.org,,,,form,2025-01-01", "subscriber-email", "email"),
        ("ana@example.org,,english please,,form,2025-01-01", "subscriber-lang", "lang"),
        ("ana@example.org,,,,,2025-01-01", "subscriber-consent", "consent_source"),
        ("ana@example.org,,,,form,", "subscriber-consent", "consent_at"),
        ("ana@example.org,,,,form,last week", "subscriber-consent", "consent_at"),
        ("ana@example.org,,,,form,0001-01-01T00:00+14:00", "subscriber-consent", "consent_at"),
        ("ana@example.org,,,,form,2025-01-01,more", "subscriber-line", ""),
        ('ana@example.org,"Ana,,,form,2025-01-01', "subscriber-line", ""),
        ('ana@example.org,"Ana"x,,,form,2025-01-01', "subscriber-line", ""),
        (f"ana@example.org,{'x' * 501},,,form,2025-01-01", "subscriber-cell", "name"),
        (f"ana@example.org,{'x' * 50_000},,,form,2025-01-01", "subscriber-line", ""),
        (f"ana@example.org,,,{';'.join(map(str, range(99)))},form,2025-01-01", "subscriber-lists", "lists"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_a_bad_line_costs_only_itself(line, rule, field):
    good = "{}@example.org,,,,form,2025-01-01\n"
    first, bad, last = read(FULL + good.format("a") + line + "\n" + good.format("z"), source="", consent_at=None)
    assert (first.email, last.email) == ("a@example.org", "z@example.org")
    assert isinstance(bad, Finding)
    assert (bad.rule, bad.field, bad.line, bad.level) == (rule, field, 3, Level.ERROR)
    assert bad.path == "subscribers.csv"
    assert bad.fix
    assert len(bad.seen) <= 120


@pytest.mark.parametrize("text", ["", "\n", "ana@example.org\n", "name,lang\nAna,en\n", "x" * 30_000])
def test_no_column_with_addresses(text):
    finding = one(text)
    assert isinstance(finding, Finding)
    assert finding.rule in {"subscriber-columns", "subscriber-line"}


def test_a_file_in_another_encoding():
    stream = io.TextIOWrapper(io.BytesIO("email,name\nana@example.org,José\n".encode("latin-1")), "utf-8")
    *_, finding = read_subscribers(stream, default_lang="en", source="form", consent_at=DAY)
    assert finding.rule == "subscriber-encoding"
    assert "UTF-8" in finding.fix


def test_control_characters_of_a_name_become_spaces():
    assert one("email,name\nana@example.org,A\x1b[1mna\u2028Pop\x00\n").name == "A [1mna Pop"


def test_whoever_left_stays_away():
    rows = read(
        "email,state\na@example.org,active\nb@example.org,unsubscribed\nc@example.org,suppressed\nd@example.org,\n"
    )
    assert [row.email for row in rows] == ["a@example.org", "d@example.org"]


# Formulas

PAYLOADS = [
    "=1+1", "+1", "-1+2", "@SUM(A1)", "=cmd|' /C calc'!A0", '=HYPERLINK("http://evil.test","x")', "  =1+1",
    "\t=1", "\r=1", "\n=1", "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20x", "\u00a0=1", "'=1", "''+1",
]  # fmt: skip


def written(*people):
    stream = io.StringIO(newline="")
    write_subscribers(stream, people)
    return stream.getvalue()


def person(**changes):
    facts = {"id": 1, "email": "ana@example.org", "lang": "en", "consent_source": "form", "consent_at": DAY}
    return Subscriber(**facts | changes)


@pytest.mark.parametrize("payload", PAYLOADS, ids=ascii)
def test_no_cell_is_a_formula(payload):
    text = written(person(name=payload, consent_source=payload))
    _, cells = csv.reader(io.StringIO(text, newline=""))
    for cell in cells:
        assert not cell.startswith(("\t", "\r", "\n"))
        assert not unicodedata.normalize("NFKC", cell).strip().startswith(("=", "+", "-", "@"))
    assert all(part.startswith('"') for part in text.splitlines())


@pytest.mark.parametrize("payload", PAYLOADS, ids=ascii)
def test_what_was_made_safe_reads_back(payload):
    row = one(written(person(name=payload)))
    assert row.name == " ".join(payload.split("\t")).replace("\r", " ").replace("\n", " ").strip()


@given(
    st.lists(
        st.builds(
            person,
            name=st.text(max_size=100),
            email=st.sampled_from(["ana@example.org", "=1+1@example.org", "'+x@example.org", "-a@example.org"]),
            lists=st.lists(st.sampled_from(["news", "-events", "a b"]), unique=True).map(tuple),
            consent_source=st.sampled_from(["form", "=form", 'Paris, "third" meeting; 2025']),
        ),
        max_size=5,
    )
)
def test_an_export_reads_back(people):
    rows = read(written(*people), source="", consent_at=None)
    assert [(r.email, r.lists, r.consent_source, r.consent_at) for r in rows] == [
        (p.email, p.lists, p.consent_source, p.consent_at) for p in people
    ]
    assert read(written(*rows)) == rows


# Size


def test_memory_does_not_grow_with_the_file():
    lines = itertools.chain([FULL], (f"p{n}@example.org,Name {n},en,news,form,2025-01-01\n" for n in range(20_000)))

    class Endless(io.TextIOBase):
        def readline(self, size=-1):
            return next(lines, "")

    tracemalloc.start()
    count = sum(1 for _ in read_subscribers(Endless(), default_lang="en"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 20_000
    assert peak < 500_000


def test_a_line_without_an_end_is_bounded():
    class Endless(io.TextIOBase):
        calls = 0

        def readline(self, size=-1):
            self.calls += 1
            return "x" * size if self.calls < 1000 else ""

    [finding] = read_subscribers(Endless(), default_lang="en")
    assert "10,000" in finding.message


# Attributes


@pytest.mark.parametrize(
    "header", ["attr.region", "attributes.Region", "Attribute.region", "attr: Region", "ATTR.REGION"]
)
def test_an_attribute_by_any_name(header):
    assert one(f"email,{header}\nana@example.org, RO\x1b12 \n").attributes == {"region": "RO 12"}


def test_an_attribute_that_is_left_out_is_none():
    rows = read("email,attr.a,attr.b c\nana@example.org,,x\nbo@example.org\n")
    assert [row.attributes for row in rows] == [{"b_c": "x"}, {}]


@pytest.mark.parametrize("header", ["attr.", "attr.é", "attr.-x", "attr.a,attr.A", f"attr.{'x' * 65}"])
def test_a_name_that_no_attribute_can_have(header):
    finding = one(f"email,{header}\nana@example.org,1,2\n")
    assert (finding.rule, finding.field, finding.line) == ("subscriber-columns", "attr", 1)


def test_too_many_attributes_and_too_long_ones():
    many = ",".join(f"attr.a{number}" for number in range(51))
    assert one(f"email,{many}\n").rule == "subscriber-columns"
    finding = one(f"email,attr.a\nana@example.org,{'x' * 501}\n")
    assert (finding.rule, finding.field) == ("subscriber-cell", "attr.a")


@given(
    st.dictionaries(st.from_regex(r"[a-z0-9][a-z0-9_-]{0,20}", fullmatch=True), st.text(min_size=1, max_size=50))
)
def test_attributes_read_back(attributes):
    stream = io.StringIO(newline="")
    names = sorted(attributes)[:50]
    assert write_subscribers(stream, [person(attributes=attributes)], names) == 1
    read_back = one(stream.getvalue()).attributes
    [again] = read(stream.getvalue())
    stream = io.StringIO(newline="")
    write_subscribers(stream, [again], names)
    assert one(stream.getvalue()).attributes == read_back
    assert set(read_back) <= set(names)
