# SPDX-License-Identifier: MIT
"""docs/reliability.md holds the table that the command makes, and explains every word of it."""

from pathlib import Path

import pytest

from cowpath.report.reliability import BRACKETS, markdown
from cowpath.survey.reliability import MEANING, Table

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("table")]

DOCS = (Path(__file__).parents[1] / "docs" / "reliability.md").read_text("utf-8")


def test_the_table_is_what_the_command_makes(whole_table: Table) -> None:
    """If this fails, look at what changed, then make it anew with the command named in the document."""
    assert DOCS.split("<!-- the table -->\n")[1].strip() == markdown.tables(whole_table).strip()


def test_every_word_is_explained() -> None:
    for word, meaning in MEANING.items():
        assert f"| {word} | {meaning} |" in DOCS
    assert BRACKETS in DOCS.replace("\n", " ")
