# SPDX-License-Identifier: MIT
"""Results as tables of an expected.toml, to be looked at and put beside the tests."""

from __future__ import annotations

from collections.abc import Sequence

from cowpath.corpus.expected import key
from cowpath.report.text import VerdictRow


def document(rows: Sequence[VerdictRow]) -> str:
    """The text of an expected.toml: a table for each test, with a line for each kernel."""
    tables: dict[str, list[str]] = {}
    for row in rows:
        tables.setdefault(row.name, []).append(f'"{key(row.version)}" = "{row.answer}"')
    return "\n".join(f"[{test}]\n" + "\n".join(lines) + "\n" for test, lines in tables.items())
