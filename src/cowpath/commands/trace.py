# SPDX-License-Identifier: MIT
"""The shortest, then simplest path to an outcome, as a diff of kernel state, step by step."""

from __future__ import annotations

import argparse
import dataclasses
import re
import sys

from cowpath.commands import options
from cowpath.errors import CowpathError
from cowpath.explore.trace import trace
from cowpath.litmus import parse
from cowpath.litmus.errors import LitmusError
from cowpath.litmus.print import to_text
from cowpath.litmus.resolve import load_program, program_from_text
from cowpath.progress import Meter
from cowpath.report.trace import trace_text
from cowpath.verdict import Outcome, Result, Violation, judge, satisfies


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `cowpath trace`."""
    parser.add_argument("file", metavar="FILE", help="a litmus test")
    options.add_kernel_options(parser)
    options.add_search_options(parser)
    parser.add_argument(
        "--to",
        metavar="WHAT",
        help="an outcome by its number in `cowpath check`, an invariant (I8), or a condition (0:r1='a'); "
        "default: the worst breakage, else what the test's exists clause asks for, else the first outcome",
    )
    parser.add_argument("--all", action="store_true", help="show locks and bookkeeping too")


def run(arguments: argparse.Namespace) -> int:
    """Print the path; status 0 if there is one, 1 if the outcome cannot happen, 3 if not finished."""
    program = load_program(arguments.file)
    chosen = options.versions(arguments)
    if len(chosen) != 1:
        raise CowpathError("a trace is for one kernel: give --kernel and --arch once")
    with Meter(1) as meter:
        meter.begin(program.name)
        result = judge(
            program, chosen[0], arguments.max_states, meter.update, options.verify_every(arguments)
        )
    goal = choose(result, arguments.file, arguments.to)
    if goal is None:
        return nowhere(result)
    steps = trace(result.exploration, goal.state)
    sys.stdout.write(trace_text(result, steps, goal, arguments.all))
    return 0


def nowhere(result: Result) -> int:
    """Say that there is no path, or that none was found in time."""
    if result.verdict == "unfinished":
        why = f"not finished: no path there among the first {len(result.exploration.states):,} states"
        print(f"cowpath trace: {why}", file=sys.stderr)
        return 3
    print("cowpath trace: no path leads there: it cannot happen on this kernel", file=sys.stderr)
    return 1


def choose(result: Result, file: str, wanted: str | None) -> Outcome | Violation | None:
    """What the trace shall lead to."""
    if wanted is None:
        return default_goal(result)
    if wanted.isdigit():
        number = int(wanted)
        if not 1 <= number <= len(result.outcomes):
            raise CowpathError(f"there is no outcome {number}: this test has {len(result.outcomes)}")
        return result.outcomes[number - 1]
    named = next((violation for violation in result.violations if violation.name == wanted.upper()), None)
    if named is not None or re.fullmatch(r"[iI]\d+", wanted):
        return named
    return by_condition(result, file, wanted)


def default_goal(result: Result) -> Outcome | Violation | None:
    """The worst thing that happens, or what the test asks for."""
    for kind in result.breakage:
        for outcome in result.outcomes:
            if outcome.breakage == kind:
                return outcome
    if result.violations:
        return result.violations[0]
    condition = result.program.condition
    if condition is not None:
        for outcome in result.outcomes:
            if satisfies(outcome, condition.expression, result.program):
                return outcome
    return result.outcomes[0] if result.outcomes else None


def by_condition(result: Result, file: str, wanted: str) -> Outcome | None:
    """The first outcome that makes a condition true, written as in an exists clause."""
    bare = dataclasses.replace(parse.load(file), condition=None)
    expression = wanted.removeprefix("exists").strip()
    try:
        condition = program_from_text(f"{to_text(bare)}\nexists ({expression})\n").condition
    except LitmusError as error:  # its line number would mean nothing to the user
        raise LitmusError("--to", error.message, hint=error.hint, excerpt=error.excerpt) from None
    assert condition is not None
    return next((o for o in result.outcomes if satisfies(o, condition.expression, result.program)), None)
