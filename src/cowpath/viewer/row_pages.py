# SPDX-License-Identifier: MIT
"""Pages behind the reliability table: one for each row, with the path behind each of its cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from cowpath.corpus.situations import SITUATIONS, ReferenceKind, Situation
from cowpath.errors import CowpathError
from cowpath.explore.engine import Method
from cowpath.history.eras import Column
from cowpath.history.version import Version
from cowpath.judge.alike import judge_each
from cowpath.judge.judge import judge
from cowpath.judge.result import Result
from cowpath.litmus.resolve import resolve
from cowpath.survey.reliability import Table
from cowpath.viewer.pages import check_page

EXCLUDED = "Where it says kept, data may still be lost or stale: no more is promised for such a reference."
"""What a reader of a row with brackets needs to know."""


@dataclass(frozen=True, slots=True)
class RowPage:
    """A row that has something to show; a name stands for its situation, which cannot be pickled."""

    kind: ReferenceKind
    situation_name: str
    versions: tuple[Version, ...]
    excluded: bool  # some of what it shows is not promised
    max_states: int | None

    @property
    def name(self) -> str:
        """That of its test, and of its page without the suffix."""
        return f"{self.kind.name}-{self.situation_name}"


def rows(table: Table, max_states: int | None) -> Iterator[RowPage]:
    """The rows with a bad cell, each with the kernels that the model of which knows its test."""
    for kind in table.kinds:
        for situation in table.situations:
            cells = [(column, table.cells[kind, situation, column]) for column in table.columns]
            if any(cell.bad for _, cell in cells):
                versions = tuple(column.version for column, cell in cells if cell.verdict != "not modelled")
                excluded = any(cell.words.startswith("(") for _, cell in cells)
                yield RowPage(kind, situation.name, versions, excluded, max_states)


def page_of(row: RowPage) -> str:
    """The page of a row: its test on every kernel, with the paths to what it asks for, the worst."""
    test = next(one for one in SITUATIONS if one.name == row.situation_name).test(row.kind)
    program = resolve(test)
    if row.excluded:
        program = replace(program, comment=f"{program.comment}\n\n{EXCLUDED}".strip())
    method = Method(max_states=row.max_states)
    judged = judge_each(row.versions, lambda asked: judge(program, asked, method))
    found = {one.version: one.answer for one in judged}
    results: list[tuple[str, Result]] = []
    failures: list[str] = []
    for version in row.versions:
        result = found[version]
        if isinstance(result, CowpathError):
            failures.append(f"{row.name} on {version}: {result}")
        else:
            results.append((row.name, result))
    return check_page(results, failures)


def links(table: Table, made: Sequence[RowPage]) -> dict[tuple[ReferenceKind, Situation, Column], str]:
    """The addresses that the bad cells of these rows lead to: their page, at their kernel.

    >>> from cowpath.history.version import version
    >>> urlencode({"kernel": str(version("5.18"))})
    'kernel=5.18+x86_64'
    """
    pages = {(row.kind, row.situation_name): f"{row.name}.html" for row in made}
    return {
        (kind, situation, column): f"{page}#{urlencode({'kernel': str(column.version)})}"
        for kind, situation, column, _ in table.bad()
        if (page := pages.get((kind, situation.name))) is not None
    }
