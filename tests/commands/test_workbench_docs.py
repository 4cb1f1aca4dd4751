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
    assert without_counts(run(*shlex.split(command)).out) == without_counts(shown)


def without_counts(text: str) -> str:
    """Every change that the model learns is one more that a test asks for, or not."""
    return re.sub(
        r"^\d+ more that the model asks for(.*); \d+ it never", r"N more\1; N it never", text, flags=re.M
    )


def test_there_are_some() -> None:
    assert EXAMPLES
