"""Channels are found by their entry points."""

import importlib.metadata

import pytest

from dissemination import channels
from dissemination.errors import SettingsError


def point(name, value):
    return importlib.metadata.EntryPoint(name, value, "dissemination.channels")


@pytest.mark.parametrize("name", ["feed", "outbox"])
def test_our_own_are_there(name):
    assert callable(channels.load(name))


def test_an_unknown_name_says_what_is_installed_and_the_nearest():
    with pytest.raises(SettingsError, match=r"no channel 'outbix'; installed are .*feed.*; did you mean outbox\?"):
        channels.load("outbix")
    with pytest.raises(SettingsError, match="install the package"):
        channels.load("zzzzzz")


def test_two_packages_of_one_name_are_refused(monkeypatch):
    both = importlib.metadata.EntryPoints([point("owl", "a:make"), point("owl", "b:make")])
    monkeypatch.setattr(channels, "entry_points", lambda group: both)
    with pytest.raises(SettingsError, match=r"several packages \(a:make, b:make\)"):
        channels.load("owl")


@pytest.mark.parametrize("value", ["no_such_module_here:make", "dissemination.channels.feed:mak"])
def test_a_broken_package_is_a_matter_of_settings(monkeypatch, value):
    broken = importlib.metadata.EntryPoints([point("owl", value)])
    monkeypatch.setattr(channels, "entry_points", lambda group: broken)
    with pytest.raises(SettingsError, match="cannot be imported"):
        channels.load("owl")
