# SPDX-License-Identifier: MIT
"""The control experiment: a rule is taken out of the kernel and out of the model, and both must fail alike.

    python benchmarks/control.py                 every rule of control.toml, and a table in docs/control.md
    python benchmarks/control.py --only H5 --to /dev/stdout

User-Mode Linux is built from Debian's linux-source: with the marker, which Debian's has not, and then with
one rule changed at a time.  Each test runs on the kernel that is whole and on the one that is not; the model
says what it expects of both.  Exit status 1 where a cell of the table does not agree.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from cowpath.corpus.files import source
from cowpath.history.version import Version, find, version
from cowpath.judge.judge import judge
from cowpath.judge.result import ORDER
from cowpath.litmus.program import Program
from cowpath.litmus.resolve import program_from_text
from cowpath.machine import compare
from cowpath.machine.apt import say
from cowpath.machine.job import Answer, RunRequest
from cowpath.machine.mutated import Edit, TreeBuilder
from cowpath.machine.schedule import schedule
from cowpath.machine.tree import OwnKernel
from cowpath.machine.uml import Uml

HERE = Path(__file__).parent
RELEASE = "6.1"
ARCHITECTURE = "x86_64"
"""The model of User-Mode Linux with the marker, for which um has no bit in 6.1."""

ROUNDS = 20


@dataclass(frozen=True)
class Rule:
    """A rule: the model's name for the change, what is done to the kernel, and the tests that tell."""

    change: str
    words: str
    tests: tuple[str, ...]
    edits: tuple[Edit, ...]


@dataclass(frozen=True)
class Cell:
    """A test on a kernel: what the model may show of breakage, and what the machine has shown."""

    model: frozenset[str]
    machine: frozenset[str]
    words: str

    @property
    def agrees(self) -> bool:
        """True where both are whole, or both are broken and the machine in no way that the model is not."""
        return self.machine <= self.model and bool(self.machine) == bool(self.model)


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", action="append", metavar="CHANGE", help="repeatable")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--to", type=Path, default=HERE.parent / "docs" / "control.md", metavar="FILE")
    arguments = parser.parse_args()
    marker, rules = read(HERE / "control.toml")
    rules = [rule for rule in rules if not arguments.only or rule.change in arguments.only]
    builder = TreeBuilder(RELEASE)
    tests = sorted({test for rule in rules for test in rule.tests})
    whole = on_kernel(builder.build([marker]), kernel(builder), tests, arguments.rounds)
    rows = []
    for rule in rules:
        built = builder.build([*([] if rule.change == "H1" else [marker]), *rule.edits])
        broken = on_kernel(built, kernel(builder, rule.change), rule.tests, arguments.rounds)
        rows += [(rule, test, whole[test], broken[test]) for test in rule.tests]
        arguments.to.write_text(table(builder.version, rows))  # as it comes: all of them take half an hour
    return 0 if all(cell.agrees for _, _, *cells in rows for cell in cells) else 1


def read(file: Path) -> tuple[Edit, list[Rule]]:
    """Return the marker's edit and the rules."""
    known: dict[str, Any] = tomllib.loads(file.read_text())
    rules = [
        Rule(one["change"], one["words"], tuple(one["tests"]), tuple(Edit(**edit) for edit in one["edits"]))
        for one in known["rule"]
    ]
    return Edit(**known["marker"]), rules


def kernel(builder: TreeBuilder, change: str = "") -> Version:
    """Return the model of the source: all of it, without a change that it has, or with a mutant."""
    release = builder.version.partition("-")[0]
    if not change:
        return version(release, ARCHITECTURE)
    has = all(version(release, ARCHITECTURE).has(one) for one in find(change))
    return version(release, ARCHITECTURE, **{"dropped" if has else "added": [change]})


def on_kernel(built: Path, model: Version, tests: Sequence[str], rounds: int) -> dict[str, Cell]:
    """Run tests on a kernel, and ask the model."""
    programs = [program_from_text(source(test).text) for test in tests]
    machine = Uml(built.name, own=OwnKernel(built, built, "uml"))
    machine.prepare()
    found: dict[str, Cell] = {}

    def answered(index: int, answer: Answer) -> None:
        found[tests[index]] = cell = compared(programs[index], answer, model)
        say(f"{model}: {tests[index]}: {cell.words}")

    machine.run([RunRequest(p, schedule(p, 1), rounds) for p in programs], answered)
    return found


def compared(program: Program, answer: Answer, model: Version) -> Cell:
    """Return what the model and the machine have to say of a test."""
    result = judge(program, model)
    expected = compare.Expectation(
        model,
        frozenset(outcome.observed for outcome in result.exploration.outcomes if not outcome.crash),
        frozenset(result.promised),
        "",
    )
    comparison = compare.Comparison(program, "", answer, expected)
    seen = {outcome.breakage for outcome in comparison.seen if outcome.breakage}
    if answer.status == "failed":
        seen.add("crash" if "panicked" in answer.reason or "BUG" in answer.reason else "hang")
    if answer.hangs:
        seen.add("hang")
    if any("BUG" in line or "Bad" in line for line in answer.complaints):
        seen.add("crash")
    words = "panics" if answer.status == "failed" and "crash" in seen else comparison.words
    return Cell(frozenset(set(result.breakage) & set(ORDER)), frozenset(seen), words)


def table(source_version: str, rows: Iterable[tuple[Rule, str, Cell, Cell]]) -> str:
    """Return docs/control.md."""
    rows = list(rows)
    agree = sum(whole.agrees and broken.agrees for _, _, whole, broken in rows)
    lines = [
        "<!-- SPDX-License-Identifier: MIT -->",
        "# The control experiment",
        "",
        "Made by `make control`: User-Mode Linux, built from Debian's linux-source-6.1 with the marker of",
        "the founding patch (um has no bit for it in 6.1), and then with one rule changed at a time by an",
        "edit of a few words ([control.toml](../benchmarks/control.toml)). The model is changed alike. Both",
        "must break, and the kernel in no way that the model does not.",
        "",
        f"On {date.today().isoformat()}, linux-source {source_version}: {agree} of {len(rows)} rows agree.",
        "",
        "| rule | what was changed | test | whole: model | kernel | changed: model | kernel |  |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for rule, test, whole, broken in rows:
        cells = [
            rule.change,
            rule.words,
            test,
            told(whole.model),
            whole.words,
            told(broken.model),
            broken.words,
        ]
        agrees = "agrees" if whole.agrees and broken.agrees else "**differs**"
        lines.append(f"| {' | '.join([*cells, agrees])} |")
    return "\n".join([*lines, ""])


def told(kinds: frozenset[str]) -> str:
    """Return kinds of breakage in words."""
    return ", ".join(kind for kind in ORDER if kind in kinds) or "kept"


if __name__ == "__main__":
    sys.exit(main())
