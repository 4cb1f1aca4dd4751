# SPDX-License-Identifier: MIT
"""The smallest test that still shows a breakage, and the shortest path to it."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

from cowpath.commands import options, status
from cowpath.corpus.files import ONE, source
from cowpath.errors import CowpathError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `cowpath minimise`."""
    parser.add_argument("file", metavar="FILE", help=ONE)
    options.add_kernel_options(parser)
    parser.add_argument(
        "--to",
        metavar="WHAT",
        help="keep this outcome, as `cowpath trace --to` takes it; default: the worst breakage",
    )
    parser.add_argument("--write", metavar="OUT", help="write the test to the file OUT instead")
    parser.add_argument("--no-path", action="store_true", help="leave the path out")


def run(arguments: argparse.Namespace) -> int:
    """Print the test and the path; status 1 if the test does not show what is to be kept."""
    from cowpath.commands.progress import Meter
    from cowpath.explore.trace import trace
    from cowpath.litmus.parse import parse_source
    from cowpath.litmus.print import to_text
    from cowpath.report.trace import trace_text
    from cowpath.survey.minimise import Minimiser

    text = source(arguments.file)
    tree = parse_source(text)
    chosen = options.versions(arguments)
    if len(chosen) != 1:
        raise CowpathError("a test breaks on one kernel: give --kernel and --arch once")
    named = replace(tree, name=f"{tree.name}-minimal", comment="")
    with Meter() as meter:
        found = Minimiser(named, chosen[0], arguments.to, meter).minimal()
    if found is None:
        what = f"{arguments.to!r} does not happen" if arguments.to else "nothing is broken"
        print(f"cowpath minimise: {what} on {chosen[0]}", file=sys.stderr)
        return status.BROKEN
    goal, result = found.goal, found.result
    before, after = (sum(len(thread.body) for thread in one.threads) for one in (tree, found.test))
    comment = f"What is left of {tree.name}: {after} of {before} statements, on {chosen[0]}."
    written = to_text(replace(found.test, comment=comment))
    if arguments.write:
        options.write_page(arguments.write, written)
    else:
        sys.stdout.write(written)
    if not arguments.no_path:
        sys.stdout.write(
            ("" if arguments.write else "\n")
            + trace_text(result, trace(result.exploration, goal.state), goal)
        )
    print(f"cowpath minimise: {found.tried} tests looked at", file=sys.stderr)
    return status.KEPT
