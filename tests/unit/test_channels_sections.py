"""Faults in a channel's own section of settings.yaml: where they stand, and in our words."""

from __future__ import annotations

import pytest
import yaml

from dissemination.bootstrap import make_app
from dissemination.channels import email, sections
from dissemination.channels.email.settings import EmailSettings
from dissemination.errors import SettingsError
from dissemination.testing import sample_options

#: A fault -> what is said of it, without its place.
FAULTS = [
    ({"tls": "none"}, "channels.email.tls: none is for a server on this machine; write starttls or implicit"),
    ({"tls": "ssl"}, "channels.email.tls: must be 'starttls', 'implicit' or 'none'"),
    ({"provider": "fax"}, "channels.email.provider: must be 'ses', 'postmark', 'mailgun' or 'brevo'"),
    ({"port": 0}, "channels.email.port: must be greater than or equal to 1"),
    ({"conections": 2}, "channels.email.conections: unknown key; did you mean connections?"),
    ({"servers": [{"host": "b.example", "weight": -1}]}, "channels.email.servers[0].weight: must be"),
]


def refused(tmp_path, **settings) -> str:
    options = sample_options(tmp_path, name="email", settings=settings)
    with pytest.raises(SettingsError) as caught:
        sections.read(options, EmailSettings)
    return str(caught.value)


@pytest.mark.parametrize(("fault", "said"), FAULTS, ids=[" ".join(fault) for fault, _ in FAULTS])
def test_faults_are_told_in_our_words(tmp_path, fault, said):
    text = refused(tmp_path, sender="news@project.eu", host="smtp.project.eu", **fault)
    assert text.startswith(f"settings.yaml: {said}")
    assert "Value error" not in text
    assert "Input should" not in text


def test_what_is_missing_is_named(tmp_path):
    assert refused(tmp_path, host="smtp.project.eu") == "settings.yaml: channels.email.sender: is missing; add it"


def test_a_value_is_never_told(tmp_path):
    assert "sesame" not in refused(
        tmp_path, sender="news@project.eu", host="sesame.eu", tls="sesame", port="sesame"
    )


def test_every_fault_has_its_line(tmp_path, shells):
    shells.write_project(tmp_path)
    path = tmp_path / "settings.yaml"
    settings = yaml.safe_load(path.read_text("utf-8"))
    del settings["channels"]
    more = "channels:\n  email:\n    host: smtp.test.example\n    tls: ssl\n"
    more += "    servers:\n      - host: b.example\n        weight: -1\n"
    kept = yaml.safe_dump(settings, allow_unicode=True)
    path.write_text(kept + more, "utf-8")
    first = kept.count("\n") + 1
    with pytest.raises(SettingsError) as caught:
        make_app(tmp_path)
    lines = [line.split(": ")[:2] for line in str(caught.value).splitlines()]
    assert lines == [
        [f"settings.yaml:{first + 1}", "channels.email.sender"],
        [f"settings.yaml:{first + 3}", "channels.email.tls"],
        [f"settings.yaml:{first + 6}", "channels.email.servers[0].weight"],
    ]


def test_the_channel_itself_reads_so(tmp_path):
    with pytest.raises(SettingsError, match=r"^settings\.yaml: channels\.email\.host"):
        email.make(sample_options(tmp_path, name="email", settings={}))
