# SPDX-License-Identifier: MIT
"""Every state and step of a small test as a graph, in the dot language or drawn by Graphviz."""

from __future__ import annotations

import argparse
import subprocess
import sys

from cowpath import children
from cowpath.commands import options, status, terminal
from cowpath.corpus.files import ONE
from cowpath.corpus.files import program as program_named
from cowpath.errors import CowpathError
from cowpath.explore.engine import Method
from cowpath.judge.judge import judge
from cowpath.report import dot

LARGEST = 2000
"""States beyond which nobody can read the graph."""

PATIENCE = 120
"""Seconds that Graphviz gets."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `cowpath graph`."""
    parser.add_argument("file", metavar="FILE", help=ONE)
    options.add_kernel_options(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--dot", action="store_true", help="the dot language, the default")
    form.add_argument("--svg", action="store_true", help="a drawing; needs Graphviz")
    parser.add_argument(
        "--max-states",
        type=options.positive,
        default=LARGEST,
        metavar="N",
        help=f"refuse larger graphs (default {LARGEST})",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the graph."""
    chosen = options.versions(arguments)
    if len(chosen) != 1:
        raise CowpathError("a graph is of one kernel: give --kernel and --arch once")
    result = judge(program_named(arguments.file), chosen[0], Method("reference", arguments.max_states))
    if result.verdict == "unfinished":
        what = f"more than {arguments.max_states} states: nobody can read such a graph"
        terminal.complain(f"cowpath graph: {what} (--max-states allows it)")
        return status.NOT_FINISHED
    text = dot.document(result)
    sys.stdout.write(drawn(text) if arguments.svg else text)
    return 0


def drawn(text: str) -> str:
    """The graph as SVG.  Raises CowpathError where Graphviz is missing or gives up."""
    program = children.find("dot")
    if program is None:
        raise CowpathError("--svg needs Graphviz: apt install graphviz (or use --dot)")
    try:
        done = children.run([program, "-Tsvg"], input=text, timeout=PATIENCE, check=True)
    except subprocess.TimeoutExpired:
        raise CowpathError(f"Graphviz needs more than {PATIENCE} s for this graph") from None
    except subprocess.CalledProcessError as error:
        raise CowpathError(f"Graphviz: {error.stderr.strip()}") from error
    return done.stdout
