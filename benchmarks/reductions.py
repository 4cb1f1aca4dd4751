# SPDX-License-Identifier: MIT
"""How many states each reduction saves on the largest tests of the corpus: exact counts, the same everywhere.

    python benchmarks/reductions.py              the 12 largest, on Linux 5.18 and the newest that is modelled
    python benchmarks/reductions.py --tests 3    fewer of them

Writes benchmarks/results/reductions.md, and prints it.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cowpath.explore.engine import Method, free_memory
from cowpath.explore.found import Exploration, Search
from cowpath.explore.native.exploration import native
from cowpath.history.version import NEWEST, version
from cowpath.judge.judge import explore_mechanism
from cowpath.litmus import ast
from cowpath.litmus.program import Program, Thread
from cowpath.litmus.resolve import load_program

HERE = Path(__file__).parent
RESULTS = HERE / "results"
CORPUS = sorted((HERE.parent / "litmus").glob("*/*.litmus"))
KERNELS = ("5.18", str(NEWEST))

NONE = Method("reference", live_only=False)
COLUMNS = {
    "dead locals": Method("reference"),
    "renaming": Method("native", live_only=False),
    "partial order": Method(partial_order=True, live_only=False),
    "dead locals, renaming": Method("native"),
    "dead locals, partial order": Method(partial_order=True),
}
"""What is measured beside a search with no reduction."""

BEST = "all, at best"


@dataclass(frozen=True)
class Row:
    """States of one test on one kernel: with no reduction, and by column."""

    test: str
    none: int
    reduced: dict[str, int]


def search(test: Path, kernel: str, method: Method) -> Search:
    """One search to its end."""
    found = explore_mechanism(load_program(test), version(kernel), method)
    if not found.finished:
        raise SystemExit(f"{test.stem} on {kernel}: not finished: {found.reason}")
    return found


def largest(kernel: str, count: int) -> list[tuple[int, Path]]:
    """The tests with the most states when nothing is reduced."""
    sizes = []
    for test in CORPUS:
        print(f"{kernel} {test.stem}", file=sys.stderr)
        sizes.append((len(search(test, kernel, NONE).states), test))
    return sorted(sizes, reverse=True)[:count]


def measure(test: Path, kernel: str, none: int) -> Row:
    """Every column of one test."""
    print(f"{kernel} {test.stem}: {none:,} states", file=sys.stderr)
    found = {name: search(test, kernel, method) for name, method in COLUMNS.items()}
    counts = {name: len(one.states) for name, one in found.items()}
    ordered = found["dead locals, partial order"]
    assert isinstance(ordered, Exploration)
    return Row(test.stem, none, counts | {BEST: classes(ordered)})


def classes(found: Exploration) -> int:
    """How many of these states differ in more than the names of records.

    Partial order and renaming are not had together: a search with both would keep about so many.
    """
    states = list(found.states)
    renamed = native(found.recorder, Method(memory=free_memory() // 4))
    return len({renamed.canonical(state) for state in states})


# -- equal threads ---------------------------------------------------------------------------------


def equal_threads(program: Program) -> bool:
    """Whether two threads of one process do the same."""
    same = Counter((thread.process, tuple(statements(thread))) for thread in program.threads)
    return any(count > 1 for count in same.values())


def statements(thread: Thread) -> list[str]:
    """What a thread does, up to the names of its registers and references."""
    names: dict[object, str] = {}

    def nameless(field: str, value: object) -> object:
        if field in ("register", "reference") or isinstance(value, ast.Register):
            return names.setdefault(value, f"name{len(names)}")
        return value

    return [
        f"{type(one).__name__} "
        + str(
            [(f.name, nameless(f.name, getattr(one, f.name))) for f in dataclasses.fields(one) if f.compare]
        )
        for one in thread.body
    ]


# -- results ---------------------------------------------------------------------------------------


def markdown(found: dict[str, list[Row]], equal: int) -> str:
    """A table per kernel."""
    names = [*COLUMNS, BEST]
    lines = ["# What each reduction saves", "", "States, and how many times fewer; made by `make bench`.", ""]
    for kernel, rows in found.items():
        lines += [f"## Linux {kernel}", "", f"| test | none | {' | '.join(names)} |"]
        lines += ["|---|---:|" + "---:|" * len(names)]
        lines += [f"| {row.test} | {row.none:,} | {' | '.join(cells(row, names))} |" for row in rows]
        lines += [""]
    lines += [f"Tests with equal threads, which could change places: {equal} of {len(CORPUS)}.", ""]
    return "\n".join(lines)


def cells(row: Row, names: Sequence[str]) -> list[str]:
    """One row of a table."""
    return [f"{row.reduced[name]:,} ({row.none / row.reduced[name]:.2f})" for name in names]


def main() -> None:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tests", type=int, default=12, help="how many of the largest tests")
    arguments = parser.parse_args()
    found = {
        kernel: [measure(test, kernel, none) for none, test in largest(kernel, arguments.tests)]
        for kernel in KERNELS
    }
    text = markdown(found, sum(equal_threads(load_program(test)) for test in CORPUS))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "reductions.md").write_text(f"<!-- SPDX-License-Identifier: MIT -->\n{text}")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
