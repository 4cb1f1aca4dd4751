# SPDX-License-Identifier: MIT
"""The explored test as a program for another model checker, which must count the same states."""

from __future__ import annotations

import argparse
import dataclasses
import sys

from cowpath.commands import options, status, terminal
from cowpath.commands.progress import Meter
from cowpath.corpus.files import ONE
from cowpath.corpus.files import program as program_named
from cowpath.errors import CowpathError
from cowpath.explore import export
from cowpath.judge import judge

WRITERS = {"promela": export.promela, "murphi": export.murphi}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `cowpath export`."""
    parser.add_argument("file", metavar="FILE", help=ONE)
    parser.add_argument("--to", required=True, choices=sorted(WRITERS), help="for Spin, or for rumur")
    options.add_kernel_options(parser)
    options.add_search_options(parser)
    options.add_engine_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the program; status 3 if the search did not finish: it would lack states."""
    program = program_named(arguments.file)
    if "partial-order" in arguments.reduce:
        raise CowpathError("others count every state, and --reduce partial-order leaves some out")
    chosen = options.versions(arguments)
    if len(chosen) != 1:
        raise CowpathError("an export is for one kernel: give --kernel and --arch once")
    with Meter(1) as meter:
        meter.begin(program.name)
        method = dataclasses.replace(options.method(arguments), rename=False)  # others count every state
        found = judge.explore_mechanism(program, chosen[0], method, meter.update)
    if not found.finished:
        terminal.complain(f"cowpath export: not finished: {found.reason}")
        return status.NOT_FINISHED
    title = f"{program.name} on {chosen[0]}: {len(found.states)} states"
    sys.stdout.write(WRITERS[arguments.to](found.recorder, title))
    return status.KEPT
