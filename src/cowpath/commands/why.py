# SPDX-License-Identifier: MIT
"""Why an outcome cannot happen on a kernel: the changes, rechecks and locks that keep it out."""

from __future__ import annotations

import argparse
import sys

from cowpath.commands import options, status
from cowpath.commands.terminal import style_of
from cowpath.corpus.files import ONE, source
from cowpath.errors import CowpathError
from cowpath.report.style import fitting


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `cowpath why`."""
    parser.add_argument("file", metavar="FILE", help=ONE)
    options.add_kernel_options(parser)
    parser.add_argument(
        "--to",
        metavar="WHAT",
        help="the outcome in question, as `cowpath trace --to` takes it; default: anything that this test "
        "would notice",
    )
    parser.add_argument(
        "--no-pairs", action="store_true", help="only what keeps something out alone, no pairs and triples"
    )
    parser.add_argument("--paths", action="store_true", help="print each path in full")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")


def run(arguments: argparse.Namespace) -> int:
    """Print the reasons; status 1 if the outcome in question happens, 3 if the search did not finish."""
    from cowpath.commands.progress import Meter
    from cowpath.litmus.parse import parse_source
    from cowpath.litmus.resolve import resolve
    from cowpath.report import why as report
    from cowpath.survey.why import Inquiry

    text = source(arguments.file)
    tree = parse_source(text)
    program = resolve(tree, text)
    chosen = options.versions(arguments)
    if len(chosen) != 1:
        raise CowpathError("the reasons are those of one kernel: give --kernel and --arch once")
    with Meter() as meter:
        inquiry = Inquiry(program, tree, chosen[0], arguments.to, report.tell, meter)
        if inquiry.result.verdict == "unfinished":
            print(f"cowpath why: not finished: {inquiry.result.reason}", file=sys.stderr)
            return status.NOT_FINISHED
        found = inquiry.reasons(1 if arguments.no_pairs else 3)
    if arguments.format == "json":
        sys.stdout.write(report.document(program.name, arguments.to, found))
    else:
        told = report.text(program.name, arguments.to, found, arguments.paths)
        sys.stdout.write(fitting(told, style_of()))
    return status.BROKEN if found.happens else status.KEPT
