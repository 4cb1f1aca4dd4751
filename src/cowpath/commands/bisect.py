# SPDX-License-Identifier: MIT
"""Since when a test is broken, until when, and the change that did it: every release and stable update."""

from __future__ import annotations

import argparse
import sys
from functools import partial

from cowpath.commands import options, status
from cowpath.commands.terminal import style_of
from cowpath.corpus.files import HELP, files, source
from cowpath.errors import CowpathError
from cowpath.explore.engine import Method
from cowpath.history.version import DEFAULT_ARCHITECTURE
from cowpath.litmus.parse import parse_source
from cowpath.litmus.resolve import resolve
from cowpath.report.style import fitting
from cowpath.survey.bisect import Bisection, bisect
from cowpath.survey.sweep import NOBODY, Watch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `cowpath bisect`."""
    parser.add_argument("files", nargs="+", metavar="FILE", help=HELP)
    parser.add_argument(
        "--arch",
        default=DEFAULT_ARCHITECTURE,
        metavar="NAME",
        help=f"an architecture (default {DEFAULT_ARCHITECTURE})",
    )
    parser.add_argument(
        "--outcome",
        default="",
        metavar="WHAT",
        help="ask for this outcome, promised or not, as `cowpath trace --to` takes it, not for breakage",
    )
    options.add_search_options(parser)
    options.add_jobs_option(parser)
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")


def run(arguments: argparse.Namespace) -> int:
    """Print the spans of every test; status 0, or 3 where a search did not finish."""
    from cowpath.commands.progress import Meter
    from cowpath.report import bisect as report
    from cowpath.survey.parallel import Processes, each

    names = files(arguments.files)
    ask = partial(
        bisected, architecture=arguments.arch, wanted=arguments.outcome, max_states=arguments.max_states
    )
    found: list[Bisection] = []
    with Meter() as meter:  # how many kernels it takes shows while it looks
        if len(names) == 1:
            ask = partial(ask, watch=meter)
        for one in each(ask, names, Processes(arguments.jobs)):
            found.append(one)
            meter.clear()
            if arguments.format == "text":
                sys.stdout.write(("\n" if len(found) > 1 else "") + fitting(report.text(one), style_of()))
                sys.stdout.flush()
            if len(names) > 1:
                meter.done(one.test)
    if arguments.format == "json":
        sys.stdout.write(report.document(found))
    return status.KEPT if all(one.finished for one in found) else status.NOT_FINISHED


def bisected(
    name: str, architecture: str, wanted: str, max_states: int | None, watch: Watch = NOBODY
) -> Bisection:
    """Bisect one test.  Raises CowpathError for one that cannot be read, and for an outcome that cannot."""
    text = source(name)
    tree = parse_source(text)
    try:
        return bisect(resolve(tree, text), tree, architecture, wanted, Method(max_states=max_states), watch)
    except CowpathError as error:
        raise CowpathError(str(error).replace("--to", "--outcome", 1)) from error
