"""The sample file, the table and the schema say the same."""

from __future__ import annotations

import os
import re
from datetime import date
from pathlib import Path

import jsonschema
import pytest

from dissemination.channels.email.settings import EmailSettings
from dissemination.settings import json_schema, load
from dissemination.settings.reference import keys, markdown
from dissemination.settings.strict import read

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "settings.yaml"
_KEY = re.compile(r"(?P<indent>\s*)(- )?(# )?(- )?(?P<key>[a-z_]+):(\s|\Z)")


def commented_keys() -> set[str]:
    """Names of keys in the sample, live or commented out, with a comment above or beside them."""
    lines = SAMPLE.read_text().splitlines()
    found = set()
    for before, line in zip(["", *lines], lines, strict=False):
        match = _KEY.match(line)
        prose = before.strip().startswith("# ") and (not _KEY.match(before) or before.rstrip().endswith("."))
        if match and (prose or " # " in line.removeprefix(match.group())):
            found.add(match["key"])
    return found


def test_the_sample_loads_and_makes_a_project():
    project = load(SAMPLE).project(ROOT)
    assert project.acronym == "MICROFUTURE"
    assert project.languages == ("en", "ro", "it")
    assert project.lead == "oirbi"
    assert project.category == "Social"
    for words in (
        project.funding.statement,
        project.funding.visual_alt,
        project.funding.disclaimer,
        project.imprint,
    ):
        assert set(words) == set(project.languages)
    assert project.funding.visual == ROOT / "news/_assets/funding-placeholder.png"


def test_the_samples_weekly_digest_is_on_thursdays_at_ten():
    settings = load(SAMPLE)
    assert settings.newsletter.digests["weekly"].cron == "0 10 * * thu"
    assert settings.newsletter.digests["weekly"].timezone == "Europe/Bucharest"
    assert settings.channels["email"].options["sender"] == "news@microfuture.example"


@pytest.mark.parametrize("key", sorted({key.name for key in keys()}))
def test_every_key_stands_in_the_sample_with_a_comment(key):
    assert key in commented_keys()


def test_a_commented_out_key_is_right_when_it_is_switched_on(tmp_path):
    """Every example behind `# ` is valid: the sample loads with all of them switched on."""
    example = re.compile(
        r"^(\s*)# ((?:  )*[a-z_]+:(?: [^A-Z].*| \"?[0-9].*| București| Europe/Bucharest| OIRBI.*)?)$", re.MULTILINE
    )
    text, count = example.subn(r"\1\2", SAMPLE.read_text())
    assert count > 10
    (tmp_path / "settings.yaml").write_text(text)
    settings = load(tmp_path / "settings.yaml")
    assert settings.partners[0].handles == {"mastodon": "name@server.example"}
    EmailSettings.model_validate(settings.channels["email"].options)
    assert settings.newsletter.digests["weekly"].since == date(2024, 1, 1)


def test_the_sample_explains_every_key_of_the_email_channel():
    for name in EmailSettings.model_fields:
        assert name in commented_keys() | {"sender_name"}  # explained together with the sender
    EmailSettings.model_validate(load(SAMPLE).channels["email"].options)


def test_the_table_in_the_docs_is_the_schemas():
    path = ROOT / "docs" / "settings.md"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.write_text(markdown())
    assert path.read_text() == markdown()


def test_every_key_has_a_meaning_and_a_type():
    for key in keys():
        assert key.meaning.endswith("."), key
        assert key.type, key
        assert "|" not in key.meaning


def test_the_schema_describes_and_takes_the_sample():
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    data, _ = read(SAMPLE.read_bytes())
    jsonschema.validate(data, schema)
    data["publishing"]["windw"] = 3
    with pytest.raises(jsonschema.ValidationError, match="windw"):
        jsonschema.validate(data, schema)
