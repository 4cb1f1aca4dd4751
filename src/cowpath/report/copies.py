# SPDX-License-Identifier: MIT
"""`cowpath copies`: pages copied, test by test and kernel by kernel."""

from __future__ import annotations

import json

from cowpath.copies import Copies, Row
from cowpath.report.text import align

LEGEND = """\
Each number is how many pages the kernel copies, fewest to most over all runs of the test.
needed: the smallest worst case among these kernels, where they keep the promise.
+n: the worst case has n copies more than that, so nobody needed them.
!: the kernel breaks the promise on this test; doing without a copy is no merit there.
"""

SPARED = """\
marker: what 1493a1913e34 changes in the worst case, all else equal, where both keep the promise.
"""


def text(copies: Copies) -> str:
    """For people."""
    return align(table(copies)) + "\n" + quiet_words(copies) + legend(copies)


def markdown(copies: Copies) -> str:
    """A table, then what its words mean."""
    head, *body = table(copies)
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in body]
    notes = "".join(f"- {line}\n" for line in legend(copies).splitlines())
    return "\n".join(lines) + f"\n\n{quiet_words(copies)}\n{notes}"


def document(copies: Copies) -> str:
    """JSON."""
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
    """What the columns mean."""
    return LEGEND + (SPARED if copies.paired else "")


def table(copies: Copies) -> list[list[str]]:
    """Head, a row per test that copies anything anywhere, and the sums."""
    head = ["", *(column.title for column in copies.columns), "needed"]
    rows = [head, *(line(row) for row in copies.rows if not quiet(row))]
    rows.append(["nobody needed", *(plus(copies.total(index)) for index in range(len(copies.columns))), ""])
    if copies.paired:
        spared = [row.spared for row in copies.rows if not quiet(row)]
        total = sum(number for number in spared if number is not None)
        for cells, number in zip(rows, ("marker", *spared, total), strict=True):
            cells.append(signed(number) if isinstance(number, int) else number or "")
    return rows


def line(row: Row) -> list[str]:
    """One test."""
    cells = [f"{one.words} {plus(row.avoidable(one))}".rstrip() for one in row.counts]
    return [row.test, *cells, "-" if row.needed is None else str(row.needed)]


def plus(number: int) -> str:
    """Avoidable copies, empty for none."""
    return f"+{number}" if number else ""


def signed(number: int) -> str:
    """Spared copies as what they change: -2."""
    return f"{-number:+}" if number else ""


def quiet(row: Row) -> bool:
    """Whether nothing is copied on any kernel."""
    return all(not one.most for one in row.counts)


def quiet_words(copies: Copies) -> str:
    """How many rows are left out."""
    number = sum(quiet(row) for row in copies.rows)
    return f"{number} more tests copy nothing on any of these kernels.\n" if number else ""
