# SPDX-License-Identifier: MIT
"""Packages of other suites come through private directories: the system is never told of them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from cowpath.machine import apt
from cowpath.machine.apt import Archive, UnreachableError

Calls = list[tuple[list[str], dict[str, Any]]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Commands that would run."""
    seen: Calls = []

    def record(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        seen.append((command, options))
        return subprocess.CompletedProcess(
            command, 0, "Version: 6.1um4\nDepends: libc6 (>= 2.36), a | b\n", ""
        )

    monkeypatch.setattr(subprocess, "run", record)
    return seen


def test_every_apt_command_is_told_of_the_private_directory(
    calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APT_CONFIG", "/etc/apt/other.conf")
    monkeypatch.setenv("LD_PRELOAD", "/no/such/library.so")
    archive = Archive("bullseye", "arm64", tmp_path)
    archive.version("user-mode-linux")
    archive.unpack(["libc6"], tmp_path / "root")
    assert [Path(command[0]).name for command, _ in calls] == ["apt-get", "apt-cache", "apt-get"]
    for command, options in calls:
        given = dict(word.split("=", 1) for word in command if "=" in word)
        for name in ("Dir::Etc::SourceList", "Dir::State", "Dir::State::status", "Dir::Cache"):
            assert given[name].startswith(str(tmp_path))
        assert given["Dir::Etc::SourceParts"] == "/dev/null"
        assert "install" not in command
        assert not options["env"].keys() & {"APT_CONFIG", "LD_PRELOAD"}


def test_signatures_are_checked(calls: Calls, tmp_path: Path) -> None:
    archive = Archive("trixie", "amd64", tmp_path)
    archive.refresh()
    source = (archive.directory / "sources.list").read_text()
    assert f"signed-by={apt.KEYRING}" in source
    assert "trusted" not in source
    for command, _ in calls:
        allowed = [word for word in command if "Allow" in word]
        assert len(allowed) == 4
        assert all(word.endswith("=false") for word in allowed), "whatever the system's apt.conf says"


def test_lists_that_are_wrong_are_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Damaged ones, and those that name what the mirror has replaced; not those that were read just now."""
    monkeypatch.setattr(apt, "_read", set())
    seen: list[str] = []

    def answer(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        seen.append(Path(command[0]).name)
        lists = tmp_path / "apt/sid-amd64/state/lists"
        if seen[-1] == "apt-get":
            (lists / "Packages").write_text("as the mirror has it")
        elif (lists / "Packages").read_text() != "as the mirror has it":
            return subprocess.CompletedProcess(command, 100, "", "E: Unable to parse package file")
        return subprocess.CompletedProcess(command, 0, "Version: 7.2um1\n", "")

    monkeypatch.setattr(subprocess, "run", answer)
    archive = Archive("sid", "amd64", tmp_path)
    archive.refresh()
    (tmp_path / "apt/sid-amd64/state/lists/Packages").write_text("torn")
    with pytest.raises(UnreachableError, match="Unable to parse"):
        archive.version("user-mode-linux")
    apt._read.clear()  # as a later process would see it
    assert archive.version("user-mode-linux") == "7.2um1"
    assert seen == ["apt-get", "apt-cache", "apt-cache", "apt-get", "apt-cache"]
    assert "Unable to parse package file: once more" in capsys.readouterr().err


def test_lists_are_fetched_once(calls: Calls, tmp_path: Path) -> None:
    archive = Archive("sid", "amd64", tmp_path)
    archive.refresh()
    archive.refresh()
    assert len(calls) == 1


def test_alternatives_and_versions_are_left_out_of_dependencies(calls: Calls, tmp_path: Path) -> None:
    assert Archive("sid", "amd64", tmp_path).depends("x") == ["libc6", "a"]


def test_what_apt_complains_about_is_passed_on(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match=r"sh failed: E: no such suite"):
        apt.run(["sh", "-c", "echo noise >&2; echo 'E: no such suite' >&2; exit 100"], tmp_path)


def test_a_machine_without_apt_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="fetched with Debian's apt"):
        apt.run(["no-such-apt"], tmp_path)
