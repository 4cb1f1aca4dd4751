# SPDX-License-Identifier: MIT
"""docs/see.md: its examples run, and it names every key and format."""

import doctest
from pathlib import Path

import pytest

from cowpath.commands.check import FORMATS
from cowpath.commands.status import MEANING
from cowpath.viewer import assets

ROOT = Path(__file__).parent.parent
DOC = ROOT / "docs/see.md"


def test_its_examples_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    done = doctest.testfile(str(DOC), module_relative=False)
    assert (done.failed, done.attempted) == (0, 5)


def test_it_names_every_format() -> None:
    text = DOC.read_text()
    assert all(f"`{form}`" in text for form in FORMATS if form != "text")


def test_it_has_every_exit_status() -> None:
    text = DOC.read_text()
    assert all(f"| {number} | {meaning} |" in text for number, meaning in MEANING.items())


def test_it_names_every_key_of_the_viewer() -> None:
    keys = assets.read("keys.js")
    text = DOC.read_text()
    for key in ("j", "d", "b"):
        assert f"\n    {key}: actions." in keys
        assert f"\n| {key} |" in text
