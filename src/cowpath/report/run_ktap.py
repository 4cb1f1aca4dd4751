# SPDX-License-Identifier: MIT
"""`cowpath run --format ktap`: machines, tests and outcomes as nested subtests, for kernel CI.

An outcome that breaks the promise but that the model of this kernel predicts is XFAIL; one that the model
does not allow is a failure; "cannot run here" and "precondition not met" are SKIP.
"""

from __future__ import annotations

from collections.abc import Sequence

from cowpath.machine.compare import Comparison, Seen

Result = tuple[bool, str, str]
"""Whether it is ok, its name, and the directive after the `#`."""


def ktap(comparisons: Sequence[Comparison]) -> str:
    """A whole run."""
    machines = list(dict.fromkeys(comparison.machine for comparison in comparisons))
    lines = ["KTAP version 1", f"1..{len(machines)}"]
    for number, name in enumerate(machines, 1):
        tests = [comparison for comparison in comparisons if comparison.machine == name]
        lines += indented(["KTAP version 1", f"1..{len(tests)}"])
        results = []
        for place, comparison in enumerate(tests, 1):
            result, body = test(comparison)
            results.append(result)
            lines += indented([*indented(body), result_line(place, result)])
        lines.append(result_line(number, (all(ok for ok, _, _ in results), name, "")))
    return "\n".join(lines) + "\n"


def test(comparison: Comparison) -> tuple[Result, list[str]]:
    """One test: its result, and its outcomes as subtests."""
    outcomes = [outcome(seen, comparison) for seen in comparison.seen]
    body = ["KTAP version 1", f"1..{len(outcomes)}"] if outcomes else []
    body += [result_line(number, result) for number, result in enumerate(outcomes, 1)]
    body += [f"# {text}" for text in comparison.answer.complaints]
    if comparison.reason:
        body.append(f"# {comparison.reason.splitlines()[0]}")
    name, standing = comparison.program.name, comparison.standing
    if standing in ("cannot", "not met"):
        words = "cannot run here" if standing == "cannot" else "precondition not met"
        return (True, name, f"SKIP {words}: {comparison.reason}"), body
    if standing in ("failed", "timed out"):
        return (False, name, "TIMEOUT" if standing == "timed out" else "ERROR"), body
    if standing == "disagrees":
        return (False, name, ""), body
    expected = any(not ok for ok, _, _ in outcomes)
    return (True, name, "XFAIL broken as the model predicts" if expected else ""), body


def outcome(seen: Seen, comparison: Comparison) -> Result:
    """One outcome."""
    name = f"{seen.text} {seen.count}"
    if not seen.allowed:
        return False, name, ""
    if seen.breakage and comparison.expectation.allowed is not None:
        return False, name, f"XFAIL {seen.breakage}"
    return not seen.breakage, name, ""


def result_line(number: int, result: Result) -> str:
    """One result.

    >>> result_line(1, (True, "get-write-fork", "SKIP cannot run here"))
    'ok 1 get-write-fork # SKIP cannot run here'
    """
    ok, name, directive = result
    suffix = f" # {directive}" if directive else ""
    return f"{'ok' if ok else 'not ok'} {number} {name.replace('#', '')}{suffix}"


def indented(lines: Sequence[str]) -> list[str]:
    """A nesting deeper."""
    return [f"  {line}" for line in lines]
