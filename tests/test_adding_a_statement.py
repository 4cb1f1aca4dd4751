# SPDX-License-Identifier: MIT
"""docs/adding-a-statement.md shows code that is there, and links to files that are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "adding-a-statement.md").read_text("utf-8")
EXCERPTS = re.findall(r"^`([\w/.]+)`\n\n```python\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)


def test_every_piece_of_code_says_where_it_stands() -> None:
    assert len(EXCERPTS) == PAGE.count("```python") == 5


@pytest.mark.parametrize(("file", "code"), EXCERPTS)
def test_the_code_is_what_the_file_says(file: str, code: str) -> None:
    assert code in (ROOT / file).read_text("utf-8")


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#]+)\)", PAGE))
def test_every_link_leads_somewhere(target: str) -> None:
    assert (ROOT / "docs" / target).is_file()
