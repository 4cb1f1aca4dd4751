# SPDX-License-Identifier: MIT
"""Where cowpath's own files lie, whatever the environment says."""

import os
import pwd
from types import SimpleNamespace

import pytest

from cowpath import userdirs


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that says nothing, and a user who has a home."""
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: SimpleNamespace(pw_dir="/home/of/the/system"))


def test_the_environment_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert (userdirs.cache(), userdirs.state()) == (
        "/home/ada/.cache/cowpath",
        "/home/ada/.local/state/cowpath",
    )
    monkeypatch.setenv("XDG_CACHE_HOME", "/c")
    monkeypatch.setenv("XDG_STATE_HOME", "/s")
    assert (userdirs.cache(), userdirs.state()) == ("/c/cowpath", "/s/cowpath")


@pytest.mark.parametrize("home", [None, "", "relative"])
def test_without_a_home_in_the_environment_the_system_says_where(
    monkeypatch: pytest.MonkeyPatch, home: str | None
) -> None:
    if home is not None:
        monkeypatch.setenv("HOME", home)
    assert userdirs.cache() == "/home/of/the/system/.cache/cowpath"


@pytest.mark.parametrize("name", ["", "relative", "../up"])
def test_a_relative_directory_is_ignored(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """It would be another one each time, and in one of them somebody else's files would be executed."""
    monkeypatch.setenv("XDG_CACHE_HOME", name)
    assert userdirs.cache() == "/home/of/the/system/.cache/cowpath"


def test_a_user_whom_the_system_does_not_know_has_a_directory_of_his_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unknown(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert userdirs.cache() == f"/var/tmp/cowpath-of-{os.getuid()}/.cache/cowpath"
