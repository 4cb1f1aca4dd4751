# SPDX-License-Identifier: MIT
"""A path of the model, driven step by step on a stock kernel: races that free running hardly ever shows."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from cowpath.commands import options, status
from cowpath.corpus.files import ONE
from cowpath.corpus.files import source as source_of
from cowpath.errors import CowpathError
from cowpath.explore.trace import trace
from cowpath.history.release import Release
from cowpath.history.version import version
from cowpath.judge.goal import choose
from cowpath.judge.judge import judge
from cowpath.linux.mm.vmscan import KSWAPD_PASSES
from cowpath.litmus.parse import parse_source
from cowpath.litmus.program import Program
from cowpath.litmus.resolve import resolve
from cowpath.machine import images
from cowpath.machine.replay import rounds
from cowpath.machine.replay.helpers import everybody
from cowpath.machine.replay.reach import reachable
from cowpath.machine.replay.source import build, slots
from cowpath.machine.replay.turns import Route, turns
from cowpath.report.replay import Replayed, places_text, replay_text

DEFAULT = "qemu:6.1"
ROUNDS, MOST_ROUNDS, MOST_FREE = 5, 1000, 100_000
SMALL = ("zram", "zswap_zram", "brd")
"""Devices that are made small, so that it is known which slot is used next."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `cowpath replay`."""
    parser.add_argument("file", metavar="FILE", nargs="?", help=ONE)
    parser.add_argument(
        "--on", metavar="MACHINE", action="append", help="qemu:5.10, qemu:6.1 (default), ... (amd64)"
    )
    parser.add_argument(
        "--places", action="store_true",
        help="instead: which places of the model can be reached in these kernels, as a table",
    )  # fmt: skip
    parser.add_argument(
        "--kernel", metavar="RELEASE", help="the model's path is one of this release (default: the machine's)"
    )
    parser.add_argument("--to", metavar="WHAT", help="the outcome to go to, as of `cowpath trace --to`")
    parser.add_argument(
        "--rounds", type=options.within(1, MOST_ROUNDS), default=ROUNDS, metavar="N",
        help=f"how often, 1 to {MOST_ROUNDS:,} (default {ROUNDS})",
    )  # fmt: skip
    parser.add_argument(
        "--free", type=options.within(1, MOST_FREE), metavar="N",
        help="and run it so often with nobody to drive it, all threads at once, to compare with",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Replay on each machine and print; the worst status: 3 if a round left the path, 1 if there is none."""
    machines = [find(name) for name in arguments.on or [DEFAULT]]
    if arguments.places:
        sys.stdout.write(places_text({guest(each, 1).name: reachable(guest(each, 1)) for each in machines}))
        return status.KEPT
    if arguments.file is None:
        raise CowpathError("cowpath replay: which test? FILE is missing (or --places)")
    return max(replay_on(each, arguments) for each in machines)


def find(name: str) -> images.Image:
    """Return the kernel of a machine that can be driven.  Raises CowpathError."""
    wanted = images.parse(name)
    if wanted.kind != "qemu" or wanted.architecture != "amd64":
        raise CowpathError(f"{name}: replay drives QEMU's x86-64 guests, such as qemu:6.1")
    return images.fetch(wanted)


def guest(image: images.Image, threads: int) -> rounds.ReplayGuest:
    """Return a guest with a processor for each of so many threads, ready to boot."""
    made = rounds.ReplayGuest(image.name, image, threads)
    made.prepare()
    return made


def replay_on(image: images.Image, arguments: argparse.Namespace) -> int:
    """Replay on one machine and print; return the status."""
    source = source_of(arguments.file)
    tree = parse_source(source)
    program = resolve(tree, source)
    result = judge(program, version(arguments.kernel or str(Release.reported(image.version))))
    goal = choose(result, tree, arguments.to)
    if goal is None:
        print(f"cowpath replay: no path leads there on {result.version}", file=sys.stderr)
        return status.BROKEN
    route = turns(program, trace(result.exploration, goal.state))
    with tempfile.TemporaryDirectory(prefix="cowpath-") as directory:
        made = plan(program, route, Path(directory))
        done = rounds.replay(guest(image, made.threads), made, arguments.rounds)
    free = run_free(image, program, arguments.free) if arguments.free else []
    replayed = Replayed(result, goal, f"{image.name} ({image.version})", route.turns, done, free)
    sys.stdout.write(replay_text(replayed))
    return status.KEPT if replayed.followed == len(done) else status.NOT_FINISHED


def plan(program: Program, route: Route, directory: Path) -> rounds.Plan:
    """Compile a test into a directory, and return it with its path.  Raises CannotReplayError."""
    kind = program.swap[0] if program.swap else ""
    small = kind in SMALL and not any("swapoff" in turn.statement for turn in route.turns)
    test = build(program, route.helpers, small, directory)
    helpers = range(len(program.threads), len(program.threads) + len(route.helpers))
    first = [thread.index for thread in program.threads if thread.process == 0]
    threads = len(program.threads) + len(route.helpers)
    pages = slots(program) if kind in SMALL else 0
    return rounds.Plan(test, kind, pages, threads, (*first, *helpers), route.turns)


def run_free(image: images.Image, program: Program, count: int) -> list[rounds.Round]:
    """Run the same test with nobody to drive it; every background actor acts as often as the model's may."""
    with tempfile.TemporaryDirectory(prefix="cowpath-") as directory:
        made = plan(program, Route([], everybody(program, KSWAPD_PASSES)), Path(directory))
        return rounds.run_free(guest(image, made.threads), made, count)
