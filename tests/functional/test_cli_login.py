"""`disseminate login NETWORK`, and the warnings before a login ends."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from dissemination import bootstrap
from dissemination.cli import app as commands
from dissemination.errors import NeedsLoginError, StoreError, UnavailableError
from dissemination.model import Carries, Level, Limits, Repeat, Symptom
from dissemination.pipeline.logins import expiring, login
from dissemination.ports import Prompt
from dissemination.testing import MemoryChannel

TOKEN = "t0p-secret-token"


class Network(MemoryChannel):
    """Asks for a server, and then for the token that this server gives."""

    lacks = False

    def __init__(self, options=None, limits=Limits(carries=Carries.POST, max_length=500, repeat=Repeat.LOOK)):  # noqa: B008 - frozen
        super().__init__(limits)
        self.options = options
        self.ends: datetime | None = None
        self.proved: dict[str, str] = {}

    def prompts(self, given):
        if "server" not in given:
            return [Prompt(name="server", text="Its server")]
        if "TEST_TOKEN" not in given:
            url = f"https://{given['server']}/settings"
            return [Prompt(name="TEST_TOKEN", text="The access token", secret=True, url=url)]
        return []

    def login(self, given):
        if given["TEST_TOKEN"] == "offline":
            raise UnavailableError("mastodon: no connection; try again")
        if given["TEST_TOKEN"] != TOKEN:
            raise NeedsLoginError("mastodon: the token is not good; make a new one")
        self.proved = dict(given)
        scopes = Symptom(what="scopes", level=Level.ERROR, said="write:media is missing") if self.lacks else None
        return [Symptom(what="account", said="posts as @test"), *([scopes] if scopes else [])]

    def expires(self):
        return self.ends


@pytest.fixture
def network(shells, tmp_path, monkeypatch):
    """The only one, made anew by every command; what it does is set on the class."""
    made: list[Network] = []
    load = bootstrap.load_channel

    def making(use):
        def make(options):
            made.append(Network(options))
            return made[-1]

        return make if use == "test" else load(use)

    monkeypatch.setattr(bootstrap, "load_channel", making)
    monkeypatch.chdir(shells.write_project(tmp_path / "folder", channels={"feed": {}, "mastodon": {"use": "test"}}))
    return made


def run(*words, code=0, **options):
    result = CliRunner().invoke(commands, list(words), **options)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    assert TOKEN not in result.output
    return result


def test_it_asks_until_enough_is_known_and_shows_no_secret(network):
    result = run("login", "mastodon", input=f"social.example\n{TOKEN}\n")
    assert network[-1].proved == {"server": "social.example", "TEST_TOKEN": TOKEN}
    assert "Open https://social.example/settings" in result.output
    assert "posts as @test" in result.output


def test_wrong_answers_are_refused_with_what_to_do(network):
    result = run("login", "mastodon", input="social.example\nwrong\n", code=1)
    assert "make a new one" in result.output
    assert network[-1].proved == {}


def test_a_network_that_does_not_answer_keeps_nothing(network):
    assert "try again" in run("login", "mastodon", input="social.example\noffline\n", code=1).output


@pytest.mark.parametrize("words", [f"server=social.example\n\n# mine\nTEST_TOKEN = {TOKEN}\n", "json"])
@pytest.mark.parametrize("place", ["-", "file"])
def test_answers_come_from_a_file_or_standard_input(network, tmp_path, words, place):
    text = json.dumps({"server": "social.example", "TEST_TOKEN": TOKEN}) if words == "json" else words
    (tmp_path / "answers").write_text(text)
    source = "-" if place == "-" else str(tmp_path / "answers")
    run("login", "mastodon", "--answers", source, input=text if place == "-" else "")
    assert network[-1].proved["TEST_TOKEN"] == TOKEN


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("server social.example", "entry 1 has no ="),
        ("{server", "is no JSON"),
        ("server=social.example", "no answer for TEST_TOKEN (The access token)"),
        ("", "no answer for server"),
    ],
)
def test_bad_answers_are_wrong_use_and_are_not_repeated(network, tmp_path, text, said):
    (tmp_path / "answers").write_text(text)
    assert said in run("login", "mastodon", "--answers", str(tmp_path / "answers"), code=2).output


def test_a_file_that_is_not_there(network):
    assert "cannot be read" in run("login", "mastodon", "--answers", "none", code=2).output


def test_answers_come_from_the_environment(network, monkeypatch):
    monkeypatch.setenv("DISSEMINATION_SERVER", "social.example")
    monkeypatch.setenv("DISSEMINATION_TEST_TOKEN", TOKEN)
    seen = json.loads(run("login", "mastodon", "--from-env", "--json").stdout)
    assert seen["network"] == "mastodon"
    assert seen["symptoms"] == [{"what": "account", "level": None, "said": "posts as @test"}]
    assert seen["resumed"] is False


def test_without_answers_nothing_is_asked_for_programs(network):
    assert "no answer for server" in run("login", "mastodon", "--json", code=2).output


def test_what_lacks_is_said_and_is_a_finding(network, monkeypatch):
    monkeypatch.setattr(Network, "lacks", True)
    result = run("login", "mastodon", input=f"social.example\n{TOKEN}\n", code=1)
    assert "write:media is missing" in result.output


@pytest.mark.parametrize(("name", "said"), [("feed", "takes no login"), ("mastodn", "no such channel")])
def test_what_takes_no_login(network, name, said):
    assert said in run("login", name, code=2).output


# ---------------------------------------------------------------------------------------------- in the house


@pytest.fixture
def asking(house):
    channel = Network()
    house.x = channel
    house.change(channels={**house.parts.channels, "x": channel})
    return channel


GOOD = {"server": "social.example", "TEST_TOKEN": TOKEN}


def test_a_channel_that_was_paused_for_want_of_it_goes_on(house, asking):
    house.store.controls.pause("x", who="dissemination", reason="x: the token is not good")
    assert login(house.parts, "x", GOOD, who="ana").resumed
    assert house.store.controls.paused() == {}
    assert house.kinds()[-1] == "resumed"


def test_what_a_person_paused_stays_paused(house, asking):
    house.store.controls.pause("x", who="ana", reason="holidays")
    assert not login(house.parts, "x", GOOD, who="ana").resumed
    assert "x" in house.store.controls.paused()


def test_a_login_that_lacks_something_resumes_nothing(house, asking):
    asking.lacks = True
    house.store.controls.pause("x", who="dissemination", reason="x: the token is not good")
    assert not login(house.parts, "x", GOOD, who="ana").resumed


def test_a_login_for_a_channel_that_runs(house, asking):
    assert not login(house.parts, "x", GOOD, who="ana").resumed


@pytest.mark.parametrize(
    ("left", "level", "said"),
    [
        (timedelta(days=15), None, "its login is good until Tue 01 Dec 2026"),
        (timedelta(days=14), Level.WARNING, "its login ends in 14 days, on Mon 30 Nov 2026"),
        (timedelta(days=1, hours=2), Level.WARNING, "its login ends in a day, on Tue 17 Nov 2026"),
        (timedelta(hours=2), Level.WARNING, "its login ends in less than a day, on Mon 16 Nov 2026"),
        (timedelta(), Level.ERROR, "its login ended on Mon 16 Nov 2026; `disseminate login x` renews it"),
        (timedelta(days=-40), Level.ERROR, "its login ended on Wed 07 Oct 2026"),
    ],
)
def test_the_end_of_a_login_is_warned_of_two_weeks_ahead(house, asking, left, level, said):
    asking.ends = house.clock.now() + left
    (symptom,) = expiring(house.parts)
    assert (symptom.what, symptom.level) == ("x", level)
    assert symptom.said.startswith(said)


def test_a_login_without_an_end_is_not_spoken_of(house, asking):
    assert list(expiring(house.parts)) == []


def test_a_vault_that_cannot_be_read_is_a_symptom(house, asking):
    def broken():
        raise StoreError("database: not there")

    asking.expires = broken
    (symptom,) = expiring(house.parts)
    assert (symptom.level, symptom.said) == (Level.ERROR, "database: not there")


def test_status_and_doctor_say_it(network, monkeypatch):
    monkeypatch.setattr(Network, "expires", lambda self: datetime.now(UTC) + timedelta(days=3, hours=1))
    said = "its login ends in 3 days"
    assert said in run("status").output
    assert said in run("doctor", env={"COLUMNS": "200"}).output
    assert json.loads(run("status", "--json").stdout)["expiring"][0]["what"] == "mastodon"
