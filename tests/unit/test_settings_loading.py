"""settings.yaml at the door: what is taken, and how every problem is told."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from dissemination.errors import SettingsError
from dissemination.model import Level, Topic
from dissemination.settings import Settings, load

SMALLEST = """\
project:
  acronym: DEMO
  name: A demonstration
  timezone: Europe/Bucharest
  languages: [en, "no"]
  public_url: https://news.example.eu/
"""


@pytest.fixture
def written(tmp_path):
    def write(text: str | bytes) -> Path:
        path = tmp_path / "settings.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.fixture
def loaded(written):
    def read(addition: str = "", base: str = SMALLEST) -> Settings:
        return load(written(base + addition))

    return read


@pytest.fixture
def refused(written):
    """The findings of a file that must not load."""

    def read(addition: str, base: str = SMALLEST):
        with pytest.raises(SettingsError) as caught:
            load(written(base + addition))
        return caught.value.findings

    return read


def only(findings):
    assert len(findings) == 1, findings
    return findings[0]


def test_the_smallest_file_loads(loaded):
    settings = loaded()
    assert settings.about.acronym == "DEMO"
    assert settings.publishing.tick_seconds == 5
    assert settings.publishing.window == 256
    assert settings.store.path == "var/dissemination.db"
    assert settings.channels == {}


def test_settings_are_frozen(loaded):
    with pytest.raises(ValueError, match="frozen"):
        loaded().publishing.tick_seconds = 9


def test_the_project_of_the_smallest_file(loaded, tmp_path):
    project = loaded().project(tmp_path)
    assert project.root == tmp_path
    assert project.public_url == "https://news.example.eu"
    assert project.default_lang == "en"
    assert project.byline == "Project DEMO"
    assert project.languages == ("en", "no")
    assert project.topic is Topic.SOCIAL
    assert project.categories == {"Social": ("A more social Europe",)}
    assert project.default_channels == {"feed": "auto", "newsletter": "digest"}
    assert project.funding.visual is None


def test_the_project_of_a_full_file(loaded, tmp_path):
    project = loaded(
        """\
  start: 2023-03-01
  end: 2027-05-31
  default_lang: "no"
  quorum: 2
  glossary: [EU]
funding:
  visual: {src: a/visual.png, alt: {en: Visual}}
  statement: {en: Co-funded}
partners:
  - {key: lead, name: OIRBI, role: lead, country: RO, url: https://example.eu/, languages: [ro],
     handles: {x: oirbi}}
taxonomy: {hashtags: ["#One", Two], free_tags: no}
newsletter: {lists: {news: {en: News}}}
news: {unknown: error, dialect: hugo}
""",
    ).project(tmp_path)
    assert (project.start, project.end) == (date(2023, 3, 1), date(2027, 5, 31))
    assert project.default_lang == "no"
    assert project.lead == "lead"
    assert project.partners["lead"].handles == {"x": "oirbi"}
    assert project.partners["lead"].url == "https://example.eu/"
    assert project.hashtags == ("One", "Two")
    assert project.free_tags is False
    assert project.funding.visual == tmp_path / "a/visual.png"
    assert project.lists == {"news": {"en": "News"}}
    assert (project.unknown, project.dialect, project.quorum) == ("error", "hugo", 2)


def test_channels_get_their_default_entry_point_and_keep_free_options(loaded):
    channels = loaded("channels:\n  email: {host: localhost, port: 25}\n  feed:\n  x: {languages: [en]}\n").channels
    assert {name: channel.use for name, channel in channels.items()} == {
        "email": "email",
        "feed": "feed",
        "x": "outbox",
    }
    assert channels["email"].options == {"host": "localhost", "port": 25}
    assert channels["x"].languages == ["en"]
    assert channels["x"].options == {}


DIGEST = """\
newsletter:
  lists: {news: {en: News}}
  digests:
    weekly:
      cron: "0 10 * * thu"
      lists: [news]
"""


def test_a_digest_takes_the_projects_zone_and_starts_in_utc(loaded):
    digest = loaded(DIGEST + "      starts: 2026-07-01 10:00\n      since: 2026-01-01\n").newsletter.digests[
        "weekly"
    ]
    assert digest.timezone == "Europe/Bucharest"
    assert digest.starts == datetime(2026, 7, 1, 7, 0, tzinfo=UTC)
    assert digest.since == date(2026, 1, 1)
    assert (digest.max_items, digest.skip_when_empty, digest.grace_minutes) == (10, True, 360)


def test_a_digests_own_zone_and_offset_win(loaded):
    digest = loaded(
        DIGEST + "      timezone: Europe/Paris\n      starts: 2026-07-01T10:00+05:00\n"
    ).newsletter.digests
    assert digest["weekly"].timezone == "Europe/Paris"
    assert digest["weekly"].starts == datetime(2026, 7, 1, 5, 0, tzinfo=UTC)


def test_an_unknown_key_names_the_nearest_with_file_and_line(refused):
    finding = only(refused("publishing:\n  windw: 3\n"))
    assert (finding.rule, finding.level) == ("settings-unknown-key", Level.ERROR)
    assert (finding.path, finding.line, finding.field) == ("settings.yaml", 8, "publishing.windw")
    assert finding.fix == "did you mean `window`?"


@pytest.mark.parametrize(
    ("addition", "field", "near"),
    [
        ("newsleter: {}\n", "newsleter", "newsletter"),
        ("  acronim: X\n", "project.acronim", "acronym"),
        ("funding: {visual: {srce: x}}\n", "funding.visual.srce", "src"),
        ("partners:\n  - {key: a, name: A, nam_in: {}}\n", "partners[0].nam_in", "name_in"),
        (DIGEST + "      max_itms: 3\n", "newsletter.digests.weekly.max_itms", "max_items"),
    ],
)
def test_the_nearest_key_is_found_at_every_depth(refused, addition, field, near):
    finding = only(refused(addition))
    assert finding.field == field
    assert finding.fix == f"did you mean `{near}`?"


def test_a_key_like_nothing_lists_what_is_known(refused):
    assert "known here: path" in only(refused("store: {qqqq: 1}\n")).fix


def test_all_problems_come_at_once_in_the_files_order(refused):
    findings = refused(
        "publishing: {tick_seconds: 0, windw: 3}\nnotify: {mail: [nobody]}\n",
        SMALLEST.replace("  public_url: https://news.example.eu/\n", ""),
    )
    assert [finding.line for finding in findings] == sorted(finding.line for finding in findings)
    assert len(findings) == 4


def test_the_errors_text_has_file_line_field_and_remedy(written):
    with pytest.raises(
        SettingsError, match=r"settings\.yaml:7: store\.path: must be text; put the value in quotes"
    ):
        load(written(SMALLEST + "store: {path: 12}\n"))


@pytest.mark.parametrize(
    ("addition", "said"),
    [
        ("  quorum: none\n", "must be a whole number"),
        ("  quorum: 0\n", "must be 1 or more"),
        ("  quorum: 21\n", "must be 20 or less"),
        ("  topic: social media\n", "must be 'Smart', 'Green'"),
        ("  start: 20240101\n", "not a date"),
        ("  start: 2024-13-01\n", "not a day of the calendar"),
        ("  start: 2024-05-02\n  end: 2024-05-01\n", "is before project.start"),
        ("  default_lang: de\n", "`de` is not among project.languages"),
        ("  index: 0012\n", "must be text"),
        ("funding: {visual: {src: ../secret.png}}\n", "not a path inside the project folder"),
        ("store: {path: /etc/x}\n", "not a path inside the project folder"),
        ("partners: {key: a}\n", "must be a list"),
        ("partners: [{key: A b, name: x}]\n", "not a short name"),
        ("partners: [{key: a, name: x, role: boss}]\n", "must be 'lead', 'partner' or 'advisory'"),
        ("partners: [{key: a, name: x, country: Romania}]\n", "does not have the form"),
        ("partners: [{key: a, name: x, url: example.eu}]\n", "not a web address"),
        ("taxonomy: {free_tags: perhaps}\n", "must be true or false"),
        ("taxonomy: {category: Green}\n", "`Green` is not among taxonomy.categories"),
        (
            "taxonomy: {category: .., categories: {..: []}, default_categories: [..]}\n",
            "`..` makes no address of a feed",
        ),
        (
            "taxonomy: {category: a/b, categories: {a/b: []}, default_categories: [a/b]}\n",
            "`a/b` makes no address of a feed",
        ),
        ("taxonomy: {default_categories: [Sociale]}\n", "`Sociale` is not among"),
        ("news: {dialect: wordpress}\n", "must be 'auto'"),
        ("news: {channels: {x: digest}}\n", "`digest` is not for x"),
        ("news: {channels: {newsletter: auto}}\n", "`auto` is not for newsletter"),
        ("channels: {x: {languages: [ro]}}\n", "`ro` is not among project.languages"),
        ("channels: {x: 3}\n", "must hold keys of its own"),
        ("channels: [x]\n", "must hold keys of its own"),
        ("newsletter: {flash: {lists: [pres]}}\n", "`pres` is not among newsletter.lists"),
        ("notify: {mail: [someone at example.eu]}\n", "not a mail address"),
        ("notify: {webhooks: ['http://example.eu/hook']}\n", "http is taken only for this machine"),
        ("notify: {webhooks: ['https://[::1/hook']}\n", "Invalid IPv6"),
    ],
)
def test_a_wrong_value_is_told_in_our_words(refused, addition, said):
    assert said in only(refused(addition)).message + only(refused(addition)).fix


def test_a_handle_on_linkedin_is_a_urn(refused, loaded):
    good = "partners:\n  - {key: a, name: A, handles: {linkedin: 'urn:li:organization:1 The A'}}\n"
    assert loaded(good).partners[0].handles == {"linkedin": "urn:li:organization:1 The A"}
    (finding,) = refused(good.replace("urn:li:organization:1 The A", "the-a"))
    assert finding.field == "partners[0].handles.linkedin"
    assert (
        "`the-a` is no URN; write urn:li:organization: and the page's number" in f"{finding.message}; {finding.fix}"
    )


def test_a_partner_that_a_digest_names_must_be_one(refused):
    partners = "partners:\n  - {key: oirbi, name: OIRBI}\n"
    finding = only(refused(partners + DIGEST + '      intro: {en: "By @{oribi} and @{oirbi}"}\n'))
    assert finding.field == "newsletter.digests.weekly.intro.en"
    assert "did you mean `oirbi`?" in f"{finding.message}; {finding.fix}"


def test_two_partners_may_not_share_a_key_nor_the_lead(refused):
    findings = refused("partners:\n  - {key: a, name: A, role: lead}\n  - {key: a, name: B, role: lead}\n")
    assert [(finding.field, finding.line) for finding in findings] == [
        ("partners[0].key", 8),
        ("partners[1].key", 9),
        ("partners[1].role", 9),
    ]


def test_a_near_list_is_offered(refused):
    finding = only(refused(DIGEST.replace("lists: [news]", "lists: [new]")))
    assert (finding.field, finding.fix) == ("newsletter.digests.weekly.lists[0]", "did you mean `news`?")


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example",
        "https://a.example/news/",
        "http://localhost:8080",
        "http://127.0.0.1",
        "http://[::1]:80",
    ],
)
def test_public_addresses_that_are_taken(loaded, url):
    assert loaded(base=SMALLEST.replace("https://news.example.eu/", url)).about.public_url == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example",
        "ftp://a.example",
        "a.example",
        "https://",
        "https://a.example/?x=1",
        "https://a.example/#x",
    ],
)
def test_public_addresses_that_are_not(refused, url):
    assert only(refused("", SMALLEST.replace("https://news.example.eu/", f'"{url}"'))).field == "project.public_url"


@pytest.mark.parametrize(
    "cron", ["0 10 * * thu", "*/15 8-18 * * mon-fri", "0 9 1,15 * *", "0 0 1 jan *", "5 4 * * 0", "30 6 * 3-5/2 *"]
)
def test_recurrences_that_are_taken(loaded, cron):
    assert loaded(DIGEST.replace("0 10 * * thu", cron)).newsletter.digests["weekly"].cron == cron


@pytest.mark.parametrize(
    "cron",
    [
        "0 10 * *",
        "60 1 * * *",
        "0 24 * * *",
        "0 0 0 * *",
        "0 0 * 13 *",
        "0 0 * * 8",
        "0 0 * * thursday",
        "a b c d e",
        "*/0 * * * *",
        "9-1 * * * *",
        "0 10 * * * *",
        "-1 0 * * *",
    ],
)
def test_recurrences_that_are_not(refused, cron):
    assert only(refused(DIGEST.replace("0 10 * * thu", cron))).field == "newsletter.digests.weekly.cron"


@pytest.mark.parametrize("zone", ["Europe/Bucarest", "Europe", "../etc/passwd", "", "a\\0b"])
def test_a_wrong_zone_is_told_with_a_name_to_write(refused, zone):
    finding = only(refused("", SMALLEST.replace("Europe/Bucharest", f'"{zone}"')))
    assert "Europe/Bucharest" in finding.fix or '"' in finding.fix


def test_a_missing_key_stands_at_its_sections_line(refused):
    finding = only(refused("", "# comment\n" + SMALLEST.replace("  acronym: DEMO\n", "")))
    assert (finding.field, finding.line, finding.message) == ("project.acronym", 2, "is missing")


@pytest.mark.parametrize("text", ["", "# nothing\n", "null\n", "[]\n", "word\n"])
def test_a_file_without_settings(refused, text):
    assert refused(text, "")


def test_no_file(tmp_path):
    with pytest.raises(SettingsError, match="disseminate init"):
        load(tmp_path / "settings.yaml")


def test_no_folder(tmp_path):
    with pytest.raises(SettingsError, match="disseminate init"):
        load(tmp_path / "nowhere" / "settings.yaml")


def test_a_link_or_a_folder_is_not_read(tmp_path):
    (tmp_path / "real.yaml").write_text(SMALLEST)
    (tmp_path / "settings.yaml").symlink_to("real.yaml")
    with pytest.raises(SettingsError, match="link"):
        load(tmp_path / "settings.yaml")
    with pytest.raises(SettingsError, match="not a regular file"):
        load(tmp_path)


def test_a_yaml_mistake_has_its_line(refused):
    finding = only(refused("store: {path: a: b}\n"))
    assert (finding.rule, finding.line) == ("settings-yaml", 7)


def test_a_file_over_the_limit(written):
    with pytest.raises(SettingsError, match="larger than"):
        load(written(SMALLEST + "#" * 200_000))
