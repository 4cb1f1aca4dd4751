# SPDX-License-Identifier: MIT
"""The answer of a test in a few words: as tables show it, and as expected.toml writes it."""

from __future__ import annotations

from cowpath.judge.result import ORDER, Result


def short_verdict(result: Result) -> str:
    """The verdict for a cell of a table: "kept", "lost write, stale data", "not finished".

    Broken invariants are named by their number, and only where nothing worse shows.
    """
    if result.verdict == "unfinished":
        return "not finished"
    names = [name if name in ORDER else name.split()[0] for name in result.breakage]
    worded = [name for name in names if name in ORDER]
    return ", ".join(worded or names) or "kept"


def answer(result: Result) -> str:
    """The verdict, then whether the test's condition holds if it has one: "kept; does not hold"."""
    if result.condition is None:
        return short_verdict(result)
    return f"{short_verdict(result)}; {'holds' if result.condition else 'does not hold'}"


def as_asked(result: Result) -> bool:
    """True if the test's own demand is met: `~exists` and `forall` demand something, `exists` only asks."""
    condition = result.program.condition
    return condition is None or condition.quantifier == "exists" or bool(result.condition)


def as_expected(result: Result, expected: str) -> bool:
    """True if a result is what expected.toml says; an expectation may leave the condition's answer out."""
    found = answer(result)
    return expected in (found, found.split(";")[0])
