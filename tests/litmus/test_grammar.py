# SPDX-License-Identifier: MIT
"""The parser that is kept for the next process: used if it is whole, and never in the way."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import lark
import pytest

from cowpath import userdirs
from cowpath.litmus import grammar

TEXT = "C t { char x[1]; } P0(char *x) { x[0] = 'a'; }"


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the parser will be kept, with nothing there yet; no process before has left one in memory."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    grammar.parser.cache_clear()
    yield Path(grammar.kept_path(Path(grammar.GRAMMAR).read_text(encoding="utf-8")))
    grammar.parser.cache_clear()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows whenever a parser is made of the grammar."""
    found: list[str] = []
    real = lark.Lark

    def count(text: str, **options: str | bool) -> lark.Lark:
        found.append(text)
        return real(text, **options)

    count.load = real.load  # type: ignore[attr-defined]
    monkeypatch.setattr(lark, "Lark", count)
    return found


def again() -> str:
    """What the parser of a new process makes of a test."""
    grammar.parser.cache_clear()
    return grammar.parser().parse(TEXT).pretty()


def test_a_parser_is_made_once(kept: Path, made: list[str]) -> None:
    first = again()
    assert kept.parent.name == "cowpath"
    assert [again(), again()] == [first, first]
    assert len(made) == 1
    assert list(kept.parent.iterdir()) == [kept]


@pytest.mark.parametrize("damage", [b"", b"\0", b"torn"])
def test_a_torn_one_is_made_anew(kept: Path, made: list[str], damage: bytes) -> None:
    first = again()
    kept.write_bytes(kept.read_bytes()[:-4] + damage)
    assert again() == first
    assert len(made) == 2
    assert again() == first
    assert len(made) == 2


def test_one_of_another_grammar_is_not_used(
    kept: Path, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    again()
    other = kept.parent / "other.lark"
    other.write_text(Path(grammar.GRAMMAR).read_text(encoding="utf-8") + "\n// one more line\n")
    monkeypatch.setattr(grammar, "GRAMMAR", str(other))
    again()
    monkeypatch.setattr(lark, "__version__", "0")
    again()
    assert len(made) == 3


def test_one_of_another_user_is_not_read(
    kept: Path, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who can write it could have it run code."""
    again()
    monkeypatch.setattr(userdirs, "ours", lambda status: False)
    again()
    assert len(made) == 2


@pytest.mark.usefixtures("kept")
def test_without_a_place_to_keep_it_nothing_changes(made: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", os.devnull)
    assert again() == again()
    assert len(made) == 2


def test_a_disk_that_is_full_keeps_nothing(
    kept: Path, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: str, target: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    again()
    assert list(kept.parent.iterdir()) == []


def test_many_processes_may_start_at_once(kept: Path) -> None:
    code = f"from cowpath.litmus import grammar; print(grammar.parser().parse({TEXT!r}).pretty())"
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    assert {process.communicate()[0] for process in processes} == {again() + "\n"}
    assert list(kept.parent.iterdir()) == [kept]
