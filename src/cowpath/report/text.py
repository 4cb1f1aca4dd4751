# SPDX-License-Identifier: MIT
"""`cowpath check` for people: one result in full, or many as a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cowpath.history.version import Version, names_of
from cowpath.judge.answer import answer, short_verdict
from cowpath.report.style import BAD, PLAIN, STRONG, Style, align, tone_of

if TYPE_CHECKING:
    from cowpath.judge.result import Outcome, Result


def verdict_words(result: Result) -> str:
    """The verdict in one cell: "kept", "lost write", "not finished"."""
    if result.verdict == "unfinished":
        return "not finished"
    return ", ".join(result.breakage) or "kept"


def result_text(result: Result, style: Style = PLAIN) -> str:
    """A result in full.  Outcomes that the promise forbids are marked with a star, as litmus7 does."""
    lines = [
        f"{style.paint(result.program.name, STRONG)}  {result.version}",
        f"    {style.paint(headline(result), tone_of(verdict_words(result)))}",
    ]
    if result.verdict == "unfinished":
        lines.append(f"    {so_far(result)}; what was not seen may happen, too")
    width = max((len(outcome.text()) for outcome in result.outcomes), default=0)
    lines += [f"    {outcome_line(outcome, width, style)}" for outcome in result.outcomes]
    lines += [f"    * {violation}: {violation.text}" for violation in result.violations]
    if result.condition is not None and result.program.condition is not None:
        lines.append(f"    {condition_line(result)}")
    found = result.exploration
    lines.append(
        f"    {len(found.states):,} states, {found.transitions:,} transitions, "
        f"{found.recorder.recordings:,} steps recorded, {result.seconds:.2f} s"
    )
    if found.engine != "reference search":
        lines.append(f"    {found.engine}")
    return "\n".join(lines) + "\n"


def so_far(result: Result) -> str:
    """Counts the outcomes that a search which did not finish has seen, and names what they break."""
    outcomes = f"seen: at least {len(result.outcomes)} outcome{'s' * (len(result.outcomes) != 1)}"
    broken = f", with {', '.join(result.breakage)}" if result.breakage else ""
    return outcomes + broken


def headline(result: Result) -> str:
    """The line that states a verdict: kept, broken and by what, or not finished and why."""
    if result.verdict == "kept":
        return "kept: every outcome is one that private memory promises"
    if result.verdict == "broken":
        return f"broken: {verdict_words(result)}"
    return f"not finished: {result.reason}"


def outcome_line(outcome: Outcome, width: int, style: Style = PLAIN) -> str:
    """An outcome, with a star if the promise forbids it."""
    mark = " " if outcome.promised else "*"
    line = f"{mark} {outcome.text():{width}}  {outcome.breakage}".rstrip()
    return line if outcome.promised else style.paint(line, BAD)


def condition_line(result: Result) -> str:
    """The condition that the test itself asks about, with its answer: `exists (0:r0='a'): holds`."""
    from cowpath.litmus.print import condition_text

    condition = result.program.condition
    assert condition is not None
    answer = "holds" if result.condition else "does not hold"
    return f"{condition.quantifier} ({condition_text(condition.expression)}): {answer}"


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """The verdict of a test on a kernel, as tables show it."""

    file: str
    name: str
    version: Version
    verdict: str
    words: str
    answer: str  # as expected.toml writes it


def row(file: str, result: Result) -> VerdictRow:
    """The row of a result."""
    name, words = result.program.name, short_verdict(result)
    if result.verdict == "unfinished" and result.breakage:
        words = f"seen: {', '.join(result.breakage)}"
    return VerdictRow(file, name, result.version, result.verdict, words, answer(result))


def table(results: Sequence[VerdictRow], style: Style = PLAIN) -> str:
    """Tests down, kernels across; each cell the verdict in a few words.

    Kernels are headed by what tells them apart: release, architecture, changes dropped or added.
    """
    versions = list(dict.fromkeys(result.version for result in results))
    tests = {result.file: result.name for result in results}
    names = list(tests.values())
    cells = {(result.file, result.version): result.words for result in results}
    rows = [["", *(column_head(version, versions) for version in versions)]]
    for file, name in tests.items():
        shown = name if names.count(name) == 1 else f"{name} ({file})"
        rows.append([shown, *(cells.get((file, version), "") for version in versions)])
    return align(rows, style, verdicts=True)


def column_head(version: Version, versions: Iterable[Version]) -> str:
    """The words that tell this kernel from the others in the table."""
    parts = [str(version.release)]
    if len({other.architecture for other in versions}) > 1:
        parts.append(version.architecture)
    parts += [f"+{name}" for name in names_of(version.added)]
    parts += [f"-{name}" for name in names_of(version.dropped)]
    return " ".join(parts)
