# SPDX-License-Identifier: MIT
"""The README shows what the commands print; tests/test_documents.py runs those that are quick."""

import re
from pathlib import Path

import pytest

from cowpath.cli import main
from cowpath.history.version import NEWEST, version
from cowpath.report.mutation import score
from cowpath.survey.mutation import Finding, Notice, all_mutants

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```text\n(.*?)```", README, re.DOTALL)


def test_the_litmus_file_is_the_one_in_the_corpus() -> None:
    shown = re.findall(r"```c\n(.*?)```", README, re.DOTALL)[0]
    assert shown == (ROOT / "litmus/founding/get-write-read-refault.litmus").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_table_is_what_make_demo_prints(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    recipe = re.search(r"^\t\$\(BIN\)/cowpath (check .*?[^\\])$", Path("Makefile").read_text(), re.M | re.S)
    assert recipe is not None
    words = recipe[1].replace("\\\n", " ").split()
    files = sorted(str(path) for path in Path().glob(words.pop(1)))
    assert main([words[0], *files, *words[1:]]) == 0
    assert capsys.readouterr().out == BLOCKS[1]


def test_the_score_counts_every_mutation_there_is() -> None:
    """`cowpath mutate` takes too long here; it must find that each one is noticed, or says why not."""
    findings = [
        Finding(one, version(NEWEST), () if one.unobservable else (Notice("test", "why"),))
        for one in all_mutants()
    ]
    assert BLOCKS[3].splitlines()[-1] == score(findings)
