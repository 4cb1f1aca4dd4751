# SPDX-License-Identifier: MIT
"""The shortest, then simplest path to an outcome, as a diff of kernel state, step by step."""

from __future__ import annotations

import argparse
import sys

from cowpath.commands import options
from cowpath.errors import CowpathError
from cowpath.explore.trace import trace
from cowpath.goal import choose
from cowpath.litmus import parse
from cowpath.litmus.resolve import load_program
from cowpath.progress import Meter
from cowpath.report.trace import trace_text
from cowpath.verdict import judge


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
    goal = choose(result, parse.load(arguments.file), arguments.to)
    if goal is None:
        print("cowpath trace: no path leads there: it cannot happen on this kernel", file=sys.stderr)
        return 3 if result.verdict == "unfinished" else 1
    steps = trace(result.exploration, goal.state)
    sys.stdout.write(trace_text(result, steps, goal, arguments.all))
    return 0
