# SPDX-License-Identifier: MIT
"""docs/pte.md says what the program says."""

import re
import shlex
from pathlib import Path

import pytest

from cowpath.cli import main

TEXT = (Path(__file__).parent.parent / "docs/pte.md").read_text()
EXAMPLES = re.findall(r"^    \$ cowpath (.+)\n((?:(?:    .*)?\n)+)", TEXT, re.MULTILINE)


@pytest.mark.parametrize(("command", "output"), EXAMPLES, ids=[command for command, _ in EXAMPLES])
def test_examples(command: str, output: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(shlex.split(command)) == 0
    expected = "\n".join(line.removeprefix("    ") for line in output.rstrip().splitlines())
    assert capsys.readouterr().out.rstrip() == expected


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 4


def test_python_example() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    exec(code, {})
