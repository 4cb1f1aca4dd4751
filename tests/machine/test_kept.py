# SPDX-License-Identifier: MIT
"""The cache: what is damaged there is noticed and made anew, whatever was done to it."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from cowpath.machine import images, initramfs, kept
from cowpath.machine.apt import UnreachableError


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Path]:
    """A cache of its own, filled without Debian; the directories that were built, one after another."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(kept, "_sound", set())
    made: list[Path] = []

    def build(wanted: images.Wanted, target: Path) -> dict[str, str]:
        (target / "kernel").write_bytes(b"a kernel")
        (target / "modules").mkdir()
        (target / "modules" / "00-fuse.ko").write_bytes(b"a module")
        (target / "link").symlink_to("kernel")
        made.append(target)
        return {"package": "user-mode-linux", "version": "6.1um4"}

    monkeypatch.setattr(images, "_build_uml", build)
    return made


def fetched() -> images.Image:
    """The kernel of these tests, as a new process would see it."""
    kept._sound.clear()
    return images.fetch(images.parse("uml:6.1"))


def test_what_is_whole_is_built_once(built: list[Path]) -> None:
    assert fetched() == fetched()
    assert len(built) == 1


def swap_link(directory: Path) -> None:
    (directory / "link").unlink()
    (directory / "link").symlink_to("/etc/passwd")


def facts(text: str) -> Callable[[Path], object]:
    return lambda directory: (directory / kept.FACTS).write_text(text)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "no facts": lambda directory: (directory / kept.FACTS).unlink(),
    "empty facts": facts(""),
    "torn facts": facts('{"package": "us'),
    "a list": facts("[]"),
    "null": facts("null"),
    "other types": facts('{"package": 1, "version": 2, "fetched": 3}'),
    "deep": facts("[" * 100_000),
    "not text": lambda directory: (directory / kept.FACTS).write_bytes(b"\xff\xfe{"),
    "files of another type": facts(
        '{"package": "a", "version": "6.1", "fetched": "c", "files": [], "modules": ""}'
    ),
    "another kernel": lambda directory: (directory / "kernel").write_bytes(b"b kernel"),
    "a torn kernel": lambda directory: (directory / "kernel").write_bytes(b"a ker"),
    "no kernel": lambda directory: (directory / "kernel").unlink(),
    "a torn module": lambda directory: (directory / "modules" / "00-fuse.ko").write_bytes(b""),
    "one more module": lambda directory: (directory / "modules" / "99-evil.ko").write_bytes(b"evil"),
    "a link elsewhere": swap_link,
}


@pytest.mark.parametrize("what", DAMAGE)
def test_what_is_damaged_is_made_anew(
    built: list[Path], what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = fetched().directory
    DAMAGE[what](directory)
    image = fetched()
    assert len(built) == 2
    assert "fetched anew" in capsys.readouterr().err
    assert (image.version, image.kernel.read_bytes()) == ("6.1um4", b"a kernel")
    assert [module.name for module in image.modules] == ["00-fuse.ko"]
    assert sorted(path.name for path in directory.parent.iterdir()) == [directory.name], "nothing is left"


def test_what_is_damaged_is_not_used_where_debian_cannot_be_reached(
    built: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = fetched().directory

    def unreachable(wanted: images.Wanted, target: Path) -> dict[str, str]:
        raise UnreachableError("no network")

    monkeypatch.setattr(images, "_build_uml", unreachable)
    known = json.loads((directory / kept.FACTS).read_text())
    del known["files"]
    (directory / kept.FACTS).write_text(json.dumps(known))
    assert fetched().version == "6.1um4", "one from before there were digests is used"
    (directory / kept.FACTS).write_text("{")
    with pytest.raises(UnreachableError):
        fetched()


def test_two_processes_on_a_cold_cache_build_once(built: list[Path]) -> None:
    threads = [threading.Thread(target=images.fetch, args=(images.parse("uml:6.1"),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 1


def test_a_cache_that_cannot_be_written_is_an_error(built: list[Path], tmp_path: Path) -> None:
    """As root, nearly everything can be written; a file in place of the directory cannot."""
    (tmp_path / "cowpath").write_text("")
    with pytest.raises(OSError, match="cowpath"):
        fetched()


def test_a_torn_initramfs_is_made_anew(tmp_path: Path) -> None:
    root = tmp_path / "python"
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/bin" / "python3.11").write_bytes(b"a Python")
    archive = initramfs.base(root, [], tmp_path / "kept")
    whole = archive.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", whole.replace(b"a Python", b"b Python")):
        archive.write_bytes(damaged)
        assert initramfs.base(root, [], tmp_path / "kept").read_bytes() == whole
    os.unlink(archive.with_suffix(".sha256"))
    assert initramfs.base(root, [], tmp_path / "kept").read_bytes() == whole
