# SPDX-License-Identifier: MIT
"""The shortest, then simplest path to an outcome, as a diff of kernel state, step by step."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from cowpath.commands import options, status, terminal
from cowpath.commands.progress import Meter
from cowpath.commands.terminal import coloured
from cowpath.corpus.files import ONE
from cowpath.corpus.files import source as source_of
from cowpath.errors import CowpathError
from cowpath.explore.trace import PathStep, trace
from cowpath.judge.goal import Goal, choose
from cowpath.judge.judge import judge
from cowpath.judge.result import Result
from cowpath.litmus.large import in_large_folios
from cowpath.litmus.parse import parse_source
from cowpath.litmus.resolve import resolve
from cowpath.prove.proof import as_result, prove
from cowpath.report.trace import trace_text
from cowpath.report.words import Words, value_words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `cowpath trace`."""
    parser.add_argument("file", metavar="FILE", help=ONE)
    options.add_kernel_options(parser)
    options.add_search_options(parser)
    options.add_engine_options(parser)
    options.add_walk_option(parser)
    parser.add_argument(
        "--to",
        metavar="WHAT",
        help="what `cowpath check` prints (an outcome or its number, a kind such as leak, an invariant such "
        "as I8), or a condition (0:r1='a'); "
        "default: the worst breakage, else what the test's exists clause asks for, else the first outcome",
    )
    parser.add_argument("--all", action="store_true", help="show locks and bookkeeping too")
    parser.add_argument(
        "--raw-ptes", action="store_true", help="show the bits of swap ptes on the chosen architecture"
    )
    options.add_large_option(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--html", metavar="OUT", help="write a page of its own to the file OUT instead")
    form.add_argument(
        "--svg",
        action="store_true",
        help="draw the path as swim lanes for a slide, one for each thread; a long one takes several slides, "
        "one below the other",
    )
    form.add_argument("--story", action="store_true", help="tell the path in sentences, to quote in a mail")
    form.add_argument("--format", choices=("text", "itf"), default="text", help="default: text")
    parser.add_argument("--slide", type=int, metavar="N", help="with --svg: draw this slide alone, from 1 up")


def run(arguments: argparse.Namespace) -> int:
    """Print the path; status 0 if there is one, 1 if the outcome cannot happen, 3 if not finished."""
    source = source_of(arguments.file)
    tree = parse_source(source)
    if arguments.large:
        tree = in_large_folios(tree)
    program = resolve(tree, source)
    chosen = options.versions(arguments)
    if arguments.slide is not None and not arguments.svg:
        raise CowpathError("--slide chooses from what --svg draws: give both")
    if len(chosen) != 1:
        raise CowpathError("a trace is for one kernel: give --kernel and --arch once")
    with Meter(1) as meter:
        meter.begin(program.name)
        if program.is_open:
            proof = prove(program, chosen[0], method=options.method(arguments), progress=meter.update)
            if proof.verdict != "broken":
                print(
                    f"cowpath trace: {proof.verdict} for every program {proof.why}".rstrip(), file=sys.stderr
                )
                return status.KEPT if proof.verdict == "kept" else status.NOT_FINISHED
            result = as_result(proof)
        else:
            result = judge(program, chosen[0], options.method(arguments), meter.update)
    goal = choose(result, tree, arguments.to)
    if goal is None:
        return nowhere(result)
    show(arguments, result, trace(result.exploration, goal.state), goal)
    return status.KEPT


def nowhere(result: Result) -> int:
    """Say that there is no path, or that none was found in time."""
    if result.verdict == "unfinished":
        why = f"not finished: no path there among the first {len(result.exploration.states):,} states"
        terminal.complain(f"cowpath trace: {why}")
        return status.NOT_FINISHED
    terminal.complain("cowpath trace: no path leads there: it cannot happen on this kernel")
    return status.BROKEN


def show(arguments: argparse.Namespace, result: Result, steps: Sequence[PathStep], goal: Goal) -> None:
    """The path in the asked form; colours and columns only on a terminal."""
    if arguments.html:
        from cowpath.viewer.pages import trace_page

        options.write_page(arguments.html, trace_page(arguments.file, result, goal))
    elif arguments.svg:
        from cowpath.report import lanes

        sys.stdout.write(lanes.document(result, steps, goal, arguments.slide))
    elif arguments.story:
        from cowpath.report.story import story_text

        sys.stdout.write(story_text(result, steps, goal))
    elif arguments.format == "itf":
        from cowpath.report import itf

        sys.stdout.write(itf.document(result, steps))
    elif coloured(sys.stdout):
        from rich.console import Console

        from cowpath.report.terminal import print_trace

        print_trace(
            Console(highlight=False), result, steps, goal, arguments.all, words(arguments, result, steps)
        )
    else:
        sys.stdout.write(trace_text(result, steps, goal, arguments.all, words(arguments, result, steps)))


def words(arguments: argparse.Namespace, result: Result, steps: Sequence[PathStep]) -> Words:
    """Shows values; with --raw-ptes ptes have their bits beside them."""
    if not arguments.raw_ptes:
        return value_words
    from cowpath.report.raw import raw_words

    return raw_words(result, steps)
