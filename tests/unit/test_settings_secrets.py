"""Secrets come from outside, and one inside settings.yaml stops the start."""

from __future__ import annotations

import pytest

from dissemination.errors import SettingsError
from dissemination.settings import Secrets, load
from dissemination.settings.credentials import looks_secret

BASE = """\
project:
  acronym: DEMO
  name: A demonstration
  timezone: Europe/Bucharest
  languages: [en]
  public_url: https://news.example.eu
"""


def test_the_order_is_credentials_folder_then_file_then_variable(tmp_path):
    (tmp_path / "dissemination_x_api_key").write_text("granted\n")
    (tmp_path / "other").write_text("filed\n")
    environ = {
        "CREDENTIALS_DIRECTORY": str(tmp_path),
        "DISSEMINATION_X_API_KEY_FILE": str(tmp_path / "other"),
        "DISSEMINATION_X_API_KEY": "plain",
    }
    secrets = Secrets(environ)
    assert secrets.get("X_API_KEY") == "granted"
    (tmp_path / "dissemination_x_api_key").unlink()
    assert secrets.get("X_API_KEY") == "filed"
    del environ["DISSEMINATION_X_API_KEY_FILE"]
    assert secrets.get("X_API_KEY") == "plain"
    assert secrets.get("x_api_key") == "plain"
    del environ["DISSEMINATION_X_API_KEY"]
    assert secrets.get("X_API_KEY") is None


@pytest.mark.parametrize(
    ("written", "meant"), [("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), (" a ", " a "), ("\n", None)]
)
def test_only_a_final_newline_is_taken_off(tmp_path, written, meant):
    (tmp_path / "s").write_bytes(written.encode())
    assert Secrets({"DISSEMINATION_S_FILE": str(tmp_path / "s")}).get("S") == meant


def test_a_secret_behind_a_link_is_read(tmp_path):
    (tmp_path / "real").write_text("s")
    (tmp_path / "dissemination_s").symlink_to("real")
    assert Secrets({"CREDENTIALS_DIRECTORY": str(tmp_path)}).get("S") == "s"


def test_a_missing_or_large_or_binary_file_is_an_error_that_shows_nothing(tmp_path):
    large, binary = tmp_path / "large", tmp_path / "binary"
    large.write_text("hunter2" * 10_000)
    binary.write_bytes(b"hunter2\xff")
    for path, said in (
        (tmp_path / "none", "cannot read"),
        (large, "larger"),
        (binary, "UTF-8"),
        (tmp_path, "not a regular file"),
    ):
        with pytest.raises(SettingsError, match=said) as caught:
            Secrets({"DISSEMINATION_S_FILE": str(path)}).get("S")
        assert "hunter2" not in str(caught.value)


def test_values_are_never_shown(tmp_path):
    (tmp_path / "dissemination_granted").write_text("hunter3")
    secrets = Secrets(
        {
            "CREDENTIALS_DIRECTORY": str(tmp_path),
            "DISSEMINATION_B": "hunter2",
            "DISSEMINATION_A_FILE": "/run/hunter1",
            "DISSEMINATION_EMPTY": "",
            "PATH": "/bin",
        }
    )
    assert secrets.known() == ("A", "B", "GRANTED")
    assert repr(secrets) == "Secrets(A, B, GRANTED)"
    assert "hunter" not in f"{secrets!r} {secrets}"
    assert not hasattr(secrets, "__dict__")


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "smtp_password",
        "Passwd",
        "pwd",
        "pass",
        "passphrase",
        "secret",
        "client_secret",
        "clientSecret",
        "token",
        "tokens",
        "access-token",
        "bearer",
        "bearer_token",
        "api_key",
        "apiKey",
        "apikey",
        "APIKEY",
        "access_key",
        "private_key",
        "signing_key",
        "credentials",
    ],
)
def test_names_of_secrets(key):
    assert looks_secret(key)


@pytest.mark.parametrize(
    "key",
    [
        "key",
        "keys",
        "host",
        "username",
        "passage",
        "bypass_words",
        "tokenizer",
        "secretary",
        "keyboard",
        "list_id",
    ],
)
def test_names_that_only_resemble_them(key):
    assert not looks_secret(key)


KEY_BLOCK = "|\n      -----BEGIN RSA PRIVATE KEY-----\n      hunter2\n"


@pytest.mark.parametrize(
    ("addition", "field", "variable"),
    [
        ("channels:\n  x: {api_key: hunter2}\n", "channels.x.api_key", "X_API_KEY"),
        (
            "channels:\n  email: {login: {password: hunter2}}\n",
            "channels.email.login.password",
            "SMTP_PASSWORD",
        ),
        (
            "channels:\n  email: {dkim: [{selector: a, private_key: hunter2}]}\n",
            "channels.email.dkim[0].private_key",
            "DKIM_KEY",
        ),
        (
            "channels:\n  x: {apps: [{clientSecret: hunter2}]}\n",
            "channels.x.apps[0].clientSecret",
            "X_APPS_CLIENT_SECRET",
        ),
        ("password: hunter2\n", "password", "PASSWORD"),
        ("store: {token: hunter2}\n", "store.token", "DATABASE_URL"),
        ("store: {url: 'postgresql://u:hunter2@h/d'}\n", "store.url", "DATABASE_URL"),
        ("notify: {webhooks: ['https://u:hunter2@h.example/']}\n", "notify.webhooks[0]", "NOTIFY_WEBHOOKS"),
        ("notify: {webhooks: ['https://h.example/?token=hunter2']}\n", "notify.webhooks[0]", "NOTIFY_WEBHOOKS"),
        ("channels:\n  x: {header: Bearer hunter2hunter2}\n", "channels.x.header", "X_HEADER"),
        (f"channels:\n  email:\n    dkim: {KEY_BLOCK}", "channels.email.dkim", "DKIM_KEY"),
    ],
)
def test_a_secret_in_the_file_stops_the_start_and_is_not_repeated(tmp_path, addition, field, variable):
    (tmp_path / "settings.yaml").write_text(BASE + addition)
    with pytest.raises(SettingsError, match=f"DISSEMINATION_{variable}_FILE") as caught:
        load(tmp_path / "settings.yaml")
    (finding,) = caught.value.findings
    assert (finding.rule, finding.field) == ("settings-secret", field)
    assert finding.line > 6
    assert "hunter2" not in f"{caught.value}{caught.value.findings}"


def test_an_at_sign_in_a_path_or_an_address_of_mail_is_no_secret(tmp_path):
    (tmp_path / "settings.yaml").write_text(
        BASE + "notify: {mail: [a@example.eu], webhooks: ['https://social.example/@name']}\n"
        "channels: {email: {sender: 'Name <a@example.eu>', user: mailto:a@example.eu}}\n"
    )
    assert load(tmp_path / "settings.yaml").notify.webhooks == ["https://social.example/@name"]
