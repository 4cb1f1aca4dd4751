# SPDX-License-Identifier: MIT
"""Results as tables of an expected.toml, to be looked at and put beside the tests."""

from __future__ import annotations

from collections.abc import Sequence

from cowpath.expected import key
from cowpath.report.text import expected_words
from cowpath.verdict import Result


def document(results: Sequence[Result]) -> str:
    """One table per test, one line per kernel, in the order of the results."""
    tables: dict[str, list[str]] = {}
    for result in results:
        line = f'"{key(result.version)}" = "{expected_words(result)}"'
        tables.setdefault(result.program.name, []).append(line)
    return "\n".join(f"[{test}]\n" + "\n".join(lines) + "\n" for test, lines in tables.items())
