"""Commands on people: whole files or nothing, one person's dossier, the record of processing."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
import yaml

from dissemination.files import digest_of

CONSENT = ("--source", "form at the meeting", "--date", "2026-01-15")
WORDS = "I agree that the project sends me its news. I can take this back at any time."


@pytest.fixture
def shell(tmp_path, shells):
    """A small project with one item that is ready, and two lists."""
    shells.write_project(
        tmp_path,
        newsletter={
            "name": {"en": "Test news", "ro": "Știri de test"},
            "lists": {"news": {"en": "News", "ro": "Știri"}, "press": {"en": "Press", "ro": "Presă"}},
            "flash": {"lists": ["news"]},
        },
    )
    shells.write_item(tmp_path)
    return shells.Shell(tmp_path)


def words(text: str) -> str:
    return " ".join(text.split())


def write(shell, text: str, name: str = "people.csv") -> str:
    (shell.root / name).write_text(text, "utf-8")
    return name


def emails(shell) -> list[str]:
    return [person["email"] for person in shell.json("subscribers", "list")]


# ------------------------------------------------------------------------------------------------ import


def test_a_wrong_line_keeps_everybody_out_and_is_named(shell):
    file = write(
        shell,
        "email,lang,lists\n"
        "ana@mail.example,en,news\n"
        "bo@mail.example,en,nws\n"
        "ANA@mail.example,en,press\n"
        "cy@mail.example,english please,\n",
    )
    said = words(shell("subscribers", "import", file, *CONSENT, code=1).stdout)
    assert "3 error lists: no list nws newsletter.lists has: news, press" in said
    assert "4 error email: the same address as in line 2 keep one of the two lines" in said
    assert "5 error lang: no language code write en, ro or pt-BR" in said
    assert "Nobody was added: 3 lines to correct first." in said
    assert emails(shell) == []
    told = shell.json("subscribers", "import", file, *CONSENT, code=1)
    assert (told["added"], told["wrong"]) == (0, 3)
    assert sorted(finding["line"] for finding in told["findings"]) == [3, 4, 5]


def test_the_screen_shows_twenty_and_the_report_has_them_all(shell):
    rows = "".join(f"=x{number},\n" for number in range(5_000))
    file = write(shell, f"email,lang\n{rows}")
    said = words(shell("subscribers", "import", file, *CONSENT, code=1).stdout)
    assert said.count("no mail address") == 20
    assert "and 4,980 more; `--report FILE` writes them all" in said
    said = words(shell("subscribers", "import", file, "--report", "wrong.csv", *CONSENT, code=1).stdout)
    assert "Wrote wrong.csv" in said
    assert "Nobody was added: 5,000 lines to correct first." in said
    report = shell.root / "wrong.csv"
    assert report.stat().st_mode & 0o077 == 0
    lines = list(csv.DictReader(io.StringIO(report.read_text("utf-8"))))
    assert len(lines) == 5_000
    assert lines[0]["line"] == "2"
    assert lines[0]["seen"] == "'=x0"  # no formula for a spreadsheet
    assert "there already" in words(shell("subscribers", "import", file, "--report", "wrong.csv", code=2).stderr)
    assert len(shell.json("subscribers", "import", file, *CONSENT, code=1)["findings"]) == 20


def test_a_file_without_a_source_or_date_of_consent_is_refused_line_by_line(shell):
    file = write(shell, "email\nana@mail.example\n")
    assert "consent_source" in words(shell("subscribers", "import", file, code=1).stdout)
    said = words(shell("subscribers", "import", file, "--source", "form", code=1).stdout)
    assert "consent_at" in said
    assert emails(shell) == []


def test_attributes_come_from_columns_and_go_back_into_them(shell):
    file = write(shell, "email,attr.Region,attributes.role\nana@mail.example,RO12,=boss\nbo@mail.example,,press\n")
    shell("subscribers", "import", file, *CONSENT)
    ana, bo = shell.json("subscribers", "list")
    assert ana["attributes"] == {"region": "RO12", "role": "=boss"}
    assert bo["attributes"] == {"role": "press"}
    shell("subscribers", "export", "out.csv")
    text = (shell.root / "out.csv").read_text("utf-8")
    assert text.splitlines()[0].endswith('"attr.region","attr.role"')
    assert '"\'=boss"' in text
    for address in ("ana@mail.example", "bo@mail.example"):
        shell("subscribers", "remove", address)
    shell("subscribers", "import", "out.csv")
    assert [person["attributes"] for person in shell.json("subscribers", "list")] == [
        ana["attributes"],
        bo["attributes"],
    ]


@pytest.mark.parametrize("header", ["email,attr.a b!", "email,attr.", "email,attr.x,attributes.X", "email,attr:é"])
def test_a_column_that_cannot_be_an_attribute_is_refused(shell, header):
    told = shell.json("subscribers", "import", write(shell, f"{header}\n"), *CONSENT, code=1)
    assert [finding["field"] for finding in told["findings"]] == ["attr"]


def test_an_attribute_by_hand(shell):
    shell("subscribers", "add", "ana@mail.example", "--attribute", "region=RO 12", *CONSENT)
    assert shell.json("subscribers", "list")[0]["attributes"] == {"region": "RO 12"}
    for wrong in ("region", "Region=1", "region=", "=1"):
        error = shell("subscribers", "add", "bo@mail.example", "--attribute", wrong, *CONSENT, code=2).stderr
        assert "NAME=VALUE" in words(error)


# ------------------------------------------------------------------------------------------------ consent


@pytest.mark.parametrize("given", ["file", "text"])
def test_the_words_they_agreed_to_are_shown_and_proved_again(shell, given):
    (shell.root / "words.txt").write_bytes(b"\xef\xbb\xbf" + WORDS.encode() + b"\n")
    file = write(shell, "email\nana@mail.example\n")
    shell("subscribers", "import", file, "--wording", "words.txt" if given == "file" else WORDS, *CONSENT)
    [line] = shell.json("subscribers", "show", "Ana@mail.example")["consents"]
    assert (line["step"], line["source"], line["proved"]) == ("imported", "form at the meeting", True)
    assert (line["wording"]["text"], line["wording"]["digest"]) == (WORDS, digest_of(WORDS.encode()))
    said = words(shell("subscribers", "show", "ana@mail.example").stdout)
    assert f"wording 1 (en), proved by {digest_of(WORDS.encode())[:12]}: {WORDS}" in said


def test_a_file_of_words_that_is_not_there_is_not_taken_for_the_words(shell):
    file = write(shell, "email\nana@mail.example\n")
    error = shell("subscribers", "import", file, "--wording", "wrods.txt", *CONSENT, code=2).stderr
    assert "write the words in quotes" in words(error)
    assert emails(shell) == []


# ------------------------------------------------------------------------------------------------ one person


def test_everything_that_is_kept_about_a_person_in_eighty_columns(shell):
    shell(
        "subscribers", "add", "ana@mail.example", "--name", "Ana \x1b[1mPop", "--list", "news", "--list", "press",
        "--attribute", "region=RO12", *CONSENT,
    )  # fmt: skip
    shell("subscribers", "unsubscribe", "ana@mail.example", "--list", "press", "--how", "by phone")
    said = shell("subscribers", "show", "ANA@mail.example").stdout
    assert max(map(len, said.splitlines())) <= 80
    assert "\x1b" not in said
    for part in ("news (left: press)", "region: RO12", "given Thu 15 Jan 2026", "by phone, lists: press"):
        assert part in words(said)
    facts = shell.json("subscribers", "show", "ana@mail.example")
    assert (facts["lists"], facts["left"], facts["state"]) == (["news"], ["press"], "active")
    assert "id" not in facts


def test_the_copy_for_a_person_names_what_they_were_sent(shell):
    shell("subscribers", "add", "ana@mail.example", *CONSENT)
    shell("subscribers", "suppress", "ana@mail.example", "--reason", "asked by phone")
    facts = shell.json("subscribers", "show", "ana@mail.example")
    assert (facts["editions"], facts["suppressed"]["reason"]) == ([], "officer")
    assert json.loads(shell("subscribers", "show", "nobody@mail.example", "--json", code=1).stdout) is None
    assert "Nobody has this address." in shell("subscribers", "show", "nobody@mail.example", code=1).stdout


def test_leaving_holds_against_a_new_import(shell):
    file = write(shell, "email,lists\nana@mail.example,news;press\n")
    shell("subscribers", "import", file, *CONSENT)
    assert shell.json("subscribers", "unsubscribe", "ana@mail.example") == {"unsubscribed": True, "known": True}
    assert "left already" in shell("subscribers", "unsubscribe", "ana@mail.example").stdout
    shell("subscribers", "import", file, *CONSENT)
    assert shell.json("subscribers", "list")[0]["state"] == "unsubscribed"
    shell("subscribers", "unsubscribe", "nobody@mail.example", code=1)
    assert "newsletter.lists has" in words(
        shell("subscribers", "unsubscribe", "ana@mail.example", "--list", "x", code=2).stderr
    )


def test_erased_for_good(shell):
    shell("subscribers", "add", "ana@mail.example", *CONSENT)
    (shell.root / "var" / "dissemination.db.before-0001").write_bytes(b"old people")
    told = shell.json("subscribers", "remove", "ana@mail.example", "--suppress")
    assert told == {"erased": True, "suppressed": True, "copies": ["dissemination.db.before-0001"]}
    assert shell.json("subscribers", "add", "ana@mail.example", *CONSENT)["suppressed"] == 1
    assert "erased" in shell("subscribers", "suppressions", "ana@mail.example").stdout
    shell("subscribers", "suppressions", "bo@mail.example", code=1)
    counts = shell.json("subscribers", "suppressions")
    assert [(row["reason"], row["count"]) for row in counts] == [("erased", 1)]
    assert "mail.example" not in shell("subscribers", "suppressions").stdout


def test_nothing_below_the_folder_names_an_erased_person_whatever_happened_before(shell):
    file = write(shell, "email,name,attr.note\ngone.person@mail.example,Gone Name,a gone note\nbo@mail.example,,\n")
    shell("subscribers", "import", file, *CONSENT, "--wording", WORDS)
    write(shell, "email\ngone.person@mail.example\nno address\n", "wrong.csv")
    shell("subscribers", "import", "wrong.csv", *CONSENT, code=1)
    shell("approve", "--all")
    shell("publish", code=None)  # no mail server answers: servers' words are kept with the letters
    shell("preview")
    shell("subscribers", "unsubscribe", "gone.person@mail.example")
    for name in (file, "wrong.csv"):
        (shell.root / name).unlink()
    shell("subscribers", "remove", "GONE.Person@mail.example")
    shell("backup", "after.db")
    found = [
        str(path.relative_to(shell.root))
        for path in shell.root.rglob("*")
        if path.is_file() and re.search(rb"(?i)gone.person|gone name|a gone note", path.read_bytes())
    ]
    assert found == []
    assert emails(shell) == ["bo@mail.example"]


def test_an_export_as_json_is_one_list(shell):
    assert shell.json("subscribers", "export") == []
    shell("subscribers", "import", write(shell, "email\nana@mail.example\nbo@mail.example\n"), *CONSENT)
    assert [person["email"] for person in shell.json("subscribers", "export")] == emails(shell)


# ------------------------------------------------------------------------------------------------ what cannot be


def test_a_consent_that_is_still_to_come_is_refused(shell):
    late = ("--source", "form", "--date", "2999-01-01")
    assert "lies in the future" in words(shell("subscribers", "add", "ana@mail.example", *late, code=2).stderr)
    file = write(
        shell, "email,consent_at,lists\nana@mail.example,2999-01-01,odd\nbo@mail.example,2026-01-15,news\n"
    )
    said = words(shell("subscribers", "import", file, "--source", "form", code=1).stdout)
    assert "2 error lists: no list odd" in said
    assert "2 error consent_at: the consent lies in the future write the day on which they agreed" in said
    assert emails(shell) == []


def test_a_list_that_is_none_is_refused_before_the_file_is_read(shell):
    file = write(shell, "email\nana@mail.example\n")
    said = shell("subscribers", "import", file, *CONSENT, "--list", "odd", code=2, columns=None).stderr
    assert said == "Error: subscribers import: no list odd; newsletter.lists has: news, press\n"


def test_a_language_that_the_project_has_not_is_told_and_no_fault(shell):
    file = write(shell, "email,lang\nana@mail.example,xx\nbo@mail.example,xx\ncy@mail.example,ro\n")
    said = words(shell("subscribers", "import", file, *CONSENT).stdout)
    assert said.count("the project has no language xx; they get en") == 1
    assert "3 added" in said
    said = words(shell("subscribers", "add", "di@mail.example", "--lang", "yy", *CONSENT).stdout)
    assert "Note: the project has no language yy; they get en" in said


def test_findings_stand_in_the_order_of_the_lines(shell):
    file = write(shell, "email,lists\nana@mail.example,news\nana@mail.example,news\nbo@mail.example,odd\n")
    said = shell("subscribers", "import", file, *CONSENT, code=1).stdout.splitlines()
    assert [line.split()[0] for line in said if " error " in line] == ["3", "4"]


def test_a_day_of_consent_is_a_day_of_the_project_and_has_no_time(shell):
    shell("subscribers", "add", "ana@mail.example", *CONSENT)
    file = write(shell, "email,consent_at\nbo@mail.example,2026-01-15\ncy@mail.example,2026-01-15T09:30\n")
    shell("subscribers", "import", file, "--source", "form")
    shown = [
        shell("subscribers", "show", f"{name}@mail.example", columns=None).stdout for name in ("ana", "bo", "cy")
    ]
    days = [next(line for line in text.splitlines() if "15 Jan 2026" in line) for text in shown]
    assert [re.search(r"15 Jan 2026( \d+:\d+)?:", day)[1] for day in days] == [None, None, " 09:30"]


def test_who_was_never_on_a_list_has_not_left_it(shell):
    shell("subscribers", "add", "ana@mail.example", *CONSENT)
    leave = ("subscribers", "unsubscribe", "ana@mail.example")
    assert shell(*leave, "--list", "press").stdout == "Not on press; on: news.\n"
    assert shell(*leave, "--list", "news").stdout == "Unsubscribed.\n"
    assert shell(*leave, "--list", "news").stdout == "They had left already.\n"


# ------------------------------------------------------------------------------------------------ privacy


def privacy(shell, **facts) -> None:
    path = shell.root / "settings.yaml"
    settings = yaml.safe_load(path.read_text("utf-8")) | {"privacy": facts}
    path.write_text(yaml.safe_dump(settings, allow_unicode=True, sort_keys=False), "utf-8")


FULL = {
    "controller": "Test Partner, Test Street 1, București",
    "contact": "privacy@test.example",
    "purposes": ["Sending the newsletter"],
    "legal_basis": "consent",
    "recipients": ["Mail provider, Romania", "Host, Italy"],
    "transfers": "none",
    "keep": {"log": 1_000},
}


def test_the_record_names_what_it_lacks_and_the_setting_to_fill(shell):
    privacy(shell)
    result = shell("privacy", "record", code=1)
    assert "fill `privacy.controller` in settings.yaml" in result.stdout
    assert "privacy.legal_basis" in words(result.stderr)
    assert shell.json("privacy", "record", code=1)["missing"][:2] == ["privacy.controller", "privacy.contact"]
    for command, code in (("doctor", 1), ("check", 0)):
        said = words(shell(command, code=code).stdout)
        assert "is not complete" in said
        assert "fill privacy.controller, privacy.contact" in said


def test_a_whole_record_has_every_point_of_the_article(shell):
    privacy(shell, **FULL)
    text = shell("privacy", "record").stdout
    assert text.startswith("# Record of processing activities: newsletter of A project for tests\n")
    assert [point for point in "abcdefg" if f"(article 30(1)({point}))" not in text] == []
    for part in ("București", "- Mail provider, Romania\n- Host, Italy", "- log: 1,000 days", "never whether"):
        assert part in text
    assert "- mail that came back and that nobody could be found for: 30 days" in text
    assert "- letters reach the mail server 127.0.0.1 on this machine, without encryption" in text
    facts = shell.json("privacy", "record")
    assert facts["missing"] == []
    assert {field["point"] for field in facts["record"]} == set("abcdefg")
    assert "the record of processing is complete" in words(shell("doctor", code=1).stdout)
    assert "nothing to complain about" in shell("check").stdout


def test_the_record_follows_the_settings_of_mail_and_of_what_comes_back(shell):
    path = shell.root / "settings.yaml"
    settings = yaml.safe_load(path.read_text("utf-8")) | {"bounces": {"keep_days": 7}}
    settings["channels"]["email"] = {"sender": "news@test.example", "host": "smtp.test.example"}
    path.write_text(yaml.safe_dump(settings, allow_unicode=True, sort_keys=False), "utf-8")
    text = shell("privacy", "record").stdout
    assert "nobody could be found for: 7 days" in text
    assert "- letters reach the mail server smtp.test.example encrypted; its certificate is checked" in text
    assert "without encryption" not in text


def test_forgetting_now(shell):
    assert "nothing was due" in shell("privacy", "clean").stdout
    told = shell.json("privacy", "clean")
    assert told == {"people": 0, "troubles": 0, "log": 0, "proofs": 0, "copies": 0, "signups": 0}
    shell("publish")
    assert [line["kind"] for line in shell.json("log")].count("cleaned") == 2


def test_a_time_that_is_no_time_is_refused(shell):
    privacy(shell, keep={"log": 0})
    assert "privacy.keep.log" in words(shell("privacy", "record", code=2).stderr)
