# SPDX-License-Identifier: MIT
"""`cowpath copies`: pages copied, test by test and kernel by kernel."""

from __future__ import annotations

import json

from cowpath.report.style import PLAIN, Style, align
from cowpath.survey.copies import Copies, CopiesRow

LEGEND = """\
Each number is how many pages the kernel copies, fewest to most over all runs of the test.
needed: the smallest worst case among these kernels, where they keep the promise.
+n: the worst case has n copies more than that, so nobody needed them.
!: the kernel breaks the promise on this test; doing without a copy is no merit there.
"""

SPARED = """\
marker: what 1493a1913e34 changes in the worst case, all else equal, where both keep the promise.
"""


def text(copies: Copies, style: Style = PLAIN) -> str:
    """The table as text for a terminal, with its summary and the meaning of its columns."""
    return f"{align(table(copies), style)}\n{summary(copies)}\n{legend(copies)}"


def markdown(copies: Copies) -> str:
    """A table, then what its words mean."""
    head, *body = table(copies)
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in body]
    notes = "".join(f"- {line}\n" for line in legend(copies).splitlines())
    return "\n".join(lines) + f"\n\n{summary(copies)}\n{notes}"


def document(copies: Copies) -> str:
    """The table as one JSON object."""
    tests = [
        {
            "name": row.test,
            "needed": row.needed,
            "spared": row.spared,
            "kernels": [
                {
                    "kernel": str(column.version),
                    "column": column.title,
                    "fewest": one.fewest,
                    "most": one.most,
                    "kept": one.kept,
                    "avoidable": row.avoidable(one),
                }
                | ({"message": one.why} if one.why else {})
                for column, one in zip(copies.columns, row.counts, strict=True)
            ],
        }
        for row in copies.rows
    ]
    return json.dumps({"tests": tests}, indent=2) + "\n"


def legend(copies: Copies) -> str:
    """The sentences below the table that explain its columns."""
    return LEGEND + (SPARED if copies.paired else "")


def table(copies: Copies) -> list[list[str]]:
    """Head, a row per test where some kernel makes a copy too many, and the sums."""
    head = ["", *(column.title for column in copies.columns), "needed"]
    telling = [row for row in copies.rows if row.tells]
    rows = [head, *map(line, telling)]
    rows.append(["nobody needed", *(plus(copies.total(index)) for index in range(len(copies.columns))), ""])
    if copies.paired:
        for cells, words in zip(rows, ("marker", *map(marker, telling), signed(spared(copies))), strict=True):
            cells.append(words)
    return rows


def marker(row: CopiesRow) -> str:
    """The last cell of a row: by how much the marker changes its worst case."""
    return signed(row.spared or 0)


def spared(copies: Copies) -> int:
    """The copies that the marker spares, summed over all rows."""
    return sum(row.spared or 0 for row in copies.rows)


def line(row: CopiesRow) -> list[str]:
    """The cells of a row: its test, a count for each kernel, and how many copies are needed."""
    cells = [f"{one.words} {plus(row.avoidable(one))}".rstrip() for one in row.counts]
    return [row.test, *cells, "-" if row.needed is None else str(row.needed)]


def plus(number: int) -> str:
    """Avoidable copies, empty for none."""
    return f"+{number}" if number else ""


def signed(number: int) -> str:
    """Spared copies as what they change: -2."""
    return f"{-number:+}" if number else ""


def summary(copies: Copies) -> str:
    """The table in sentences, and how many rows are left out."""
    lines = []
    helped = sum(1 for row in copies.rows if row.spared)
    if helped:
        lines.append(f"The marker spares {spared(copies)} copies, in {helped} tests.")
    left_out = sum(not row.tells for row in copies.rows)
    if left_out:
        lines.append(f"In {left_out} more tests no kernel makes a copy that another one does without.")
    return "".join(f"{line}\n" for line in lines)
