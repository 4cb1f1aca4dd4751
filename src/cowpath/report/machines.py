# SPDX-License-Identifier: MIT
"""`cowpath run` for people: a histogram for each test and machine, then one table of them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cowpath.judge.condition import satisfies, split
from cowpath.judge.result import Outcome
from cowpath.litmus.print import condition_text
from cowpath.machine.compare import Comparison, Seen
from cowpath.report.style import PLAIN, Style, align

MARKS = {"agrees": "", "not modelled": "", "not met": " ?", "cannot": " -", "failed": " !", "timed out": " !",
         "known": " !", "disagrees": " !!"}  # fmt: skip


def histogram(comparison: Comparison) -> str:
    """The outcomes of a test on one machine, as litmus7 prints them; `*` marks those that are forbidden."""
    program, answer = comparison.program, comparison.answer
    lines = [f"Test {program.name} on {place(comparison)}"]
    if answer.status != "ran" or not comparison.seen:
        lines.append(f"{comparison.words}: {comparison.reason}" if comparison.reason else comparison.words)
    if comparison.seen:
        lines.append(f"Histogram ({len(comparison.seen)} states)")
        lines += [line(seen) for seen in comparison.seen]
        lines += observation(comparison)
    lines += [f"{count} rounds without an outcome: {why}" for why, count in answer.unmet.items()]
    lines += [f"{count} rounds failed: {why}" for why, count in answer.failures.items()]
    if answer.hangs:
        lines.append(f"{answer.hangs} rounds timed out")
    lines += [f"The kernel complained: {text}" for text in answer.complaints]
    lines.append(f"Model {model_name(comparison)}: {comparison.expectation.words}")
    lines += loud(comparison)
    return "\n".join(lines) + "\n"


def line(seen: Seen) -> str:
    """A line of the histogram: count, mark, outcome."""
    mark = "*" if seen.breakage else ":"
    return f"{seen.count:<8}{mark}>{seen.text}  {seen.breakage}".rstrip()


def observation(comparison: Comparison) -> list[str]:
    """The answer to the test's condition in litmus7's words: Always, Sometimes, Never."""
    program = comparison.program
    if program.condition is None:
        return []
    positive = 0
    for seen in comparison.seen:
        registers, memory = split(program, seen.observed)
        if satisfies(Outcome(registers, memory), program.condition.expression, program):
            positive += seen.count
    negative = comparison.answer.rounds - positive
    how = "Never" if not positive else "Sometimes" if negative else "Always"
    condition = f"{program.condition.quantifier} ({condition_text(program.condition.expression)})"
    return [f"Condition {condition}", f"Observation {program.name} {how} {positive} {negative}"]


def loud(comparison: Comparison) -> list[str]:
    """Sentences about outcomes that the model does not know: they must not be overlooked."""
    why = "a kernel bug or a model bug"
    if comparison.known:
        why = f"a known finding: {comparison.known}"
    return [
        f"!!! {seen.text} is NOT ALLOWED BY THE MODEL ({model_name(comparison)}): {why}"
        for seen in comparison.seen
        if not seen.allowed
    ]


def place(comparison: Comparison) -> str:
    """The machine and the kernel that it runs."""
    facts = comparison.answer.facts
    return f"{comparison.machine} ({facts['release']} {facts['machine']})" if facts else comparison.machine


def model_name(comparison: Comparison) -> str:
    """The kernel that the model stood for."""
    return str(comparison.expectation.version or "of this kernel")


def table(comparisons: Sequence[Comparison], style: Style = PLAIN) -> str:
    """Tests down, machines across; for each what the model may do and what the machine did."""
    machines = list(dict.fromkeys(comparison.machine for comparison in comparisons))
    tests = list(dict.fromkeys(comparison.program.name for comparison in comparisons))
    cells = {(c.program.name, c.machine): c for c in comparisons}
    rows = [["", *(head for name in machines for head in (f"model of {name}", name))]]
    for test in tests:
        row = [test]
        for name in machines:
            found = cells.get((test, name))
            row += (
                [found.expectation.words.partition(":")[0], found.words + MARKS[found.standing]]
                if found
                else ["", ""]
            )
        rows.append(row)
    return align(rows, style) + summary(comparisons)


def markdown(entries: Sequence[dict[str, Any]]) -> str:
    """The entries of a kept run (see machine/results.py) as a table for docs: tests down, machines across.

    >>> entry = {"test": "t", "machine": "uml:6.1", "standing": "agrees", "words": "kept 9/9"}
    >>> print(markdown([entry | {"model": {"verdict": "kept"}}]), end="")
    | | uml:6.1 |
    |---|---|
    | t | kept 9/9 |
    """
    machines = list(dict.fromkeys(entry["machine"] for entry in entries))
    cells = {(entry["test"], entry["machine"]): entry for entry in entries}
    lines = ["| | " + " | ".join(machines) + " |", "|---" * (len(machines) + 1) + "|"]
    for test in dict.fromkeys(entry["test"] for entry in entries):
        row = [markdown_cell(cells.get((test, name))) for name in machines]
        lines.append(f"| {test} | " + " | ".join(row) + " |")
    return "\n".join(lines) + "\n"


def markdown_cell(entry: dict[str, Any] | None) -> str:
    """A machine's answer, followed by the model's where that has another name."""
    if entry is None:
        return ""
    words, may = entry["words"], entry["model"]["verdict"].partition(":")[0]
    if entry["standing"] == "disagrees":
        return f"**{words}** (model: {may})"
    if entry["standing"] != "agrees" or words.startswith(may.partition(",")[0]):
        return str(words)
    return f"{words} (model: may show {may})"


def cell(found: Comparison | None) -> list[str]:
    """Model and machine of one test."""
    if found is None:
        return ["", ""]
    return [found.expectation.words.partition(":")[0], found.words + MARKS[found.standing]]


def summary(comparisons: Sequence[Comparison]) -> str:
    """Counts the answers of each standing, with a sentence for every reason."""
    counts: dict[str, int] = {}
    for comparison in comparisons:
        counts[comparison.standing] = counts.get(comparison.standing, 0) + 1
    lines = ["; ".join(f"{count} {standing}" for standing, count in counts.items())]
    why: dict[str, list[str]] = {}
    for c in comparisons:
        if c.reason and c.standing not in ("agrees", "not modelled"):
            why.setdefault(c.reason.splitlines()[0], []).append(f"{c.program.name} on {c.machine}")
    for reason, where in why.items():
        shown = ", ".join(where[:3]) + (f" and {len(where) - 3} more" if len(where) > 3 else "")
        lines.append(f"  {shown}: {reason}")
    for comparison in comparisons:
        lines += loud(comparison)
    return "\n" + "\n".join(lines) + "\n"
