# SPDX-License-Identifier: MIT
"""docs/workbench.md: what its examples print is what the commands print."""

import re
import shlex
from pathlib import Path

import pytest

from tests.commands.conftest import Run

TEXT = (Path(__file__).parents[2] / "docs" / "workbench.md").read_text("utf-8")
EXAMPLES = re.findall(r"```text\n\$ cowpath (.*)\n((?:.*\n)*?)```", TEXT)


@pytest.mark.parametrize(("command", "shown"), EXAMPLES)
def test_its_examples(run: Run, command: str, shown: str) -> None:
    assert run(*shlex.split(command)).out == shown


def test_there_are_some() -> None:
    assert EXAMPLES
