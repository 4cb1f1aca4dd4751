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
from cowpath.litmus.parse import parse_source
from cowpath.litmus.resolve import resolve
from cowpath.machine import images
from cowpath.machine.replay import rounds
from cowpath.machine.replay.source import SLOTS, build
from cowpath.machine.replay.turns import turns
from cowpath.report.replay import Replayed, replay_text

ROUNDS, MOST_ROUNDS = 5, 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `cowpath replay`."""
    parser.add_argument("file", metavar="FILE", help=ONE)
    parser.add_argument(
        "--on", metavar="MACHINE", default="qemu:6.1", help="qemu:5.10, qemu:6.1, ... (amd64)"
    )
    parser.add_argument(
        "--kernel", metavar="RELEASE", help="the model's path is one of this release (default: the machine's)"
    )
    parser.add_argument("--to", metavar="WHAT", help="the outcome to go to, as of `cowpath trace --to`")
    parser.add_argument(
        "--rounds", type=options.within(1, MOST_ROUNDS), default=ROUNDS, metavar="N",
        help=f"how often, 1 to {MOST_ROUNDS:,} (default {ROUNDS})",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Replay and print; status 0 if every round came to the end of the path, 3 if not, 1 if there is none."""
    wanted = images.parse(arguments.on)
    if wanted.kind != "qemu" or wanted.architecture != "amd64":
        raise CowpathError(f"{arguments.on}: replay drives QEMU's x86-64 guests, such as qemu:6.1")
    image = images.fetch(wanted)
    release = arguments.kernel or str(Release.reported(image.version))
    source = source_of(arguments.file)
    tree = parse_source(source)
    program = resolve(tree, source)
    result = judge(program, version(release))
    goal = choose(result, tree, arguments.to)
    if goal is None:
        print(f"cowpath replay: no path leads there on {result.version}", file=sys.stderr)
        return status.BROKEN
    found, left = turns(program, trace(result.exploration, goal.state))
    kind = program.swap[0] if program.swap else ""
    small = kind in ("zram", "zswap_zram", "brd") and not any("swapoff" in turn.statement for turn in found)
    guest = rounds.ReplayGuest(arguments.on, image, len(program.threads))
    guest.prepare()
    with tempfile.TemporaryDirectory(prefix="cowpath-") as directory:
        test = build(program, small, Path(directory))
        pages = SLOTS if kind in ("zram", "zswap_zram", "brd") else 0
        done = rounds.replay(guest, test, kind, pages, len(program.threads), found, arguments.rounds)
    machine = f"{arguments.on} ({image.version})"
    replayed = Replayed(result, goal, machine, found, left, done)
    sys.stdout.write(replay_text(replayed))
    return status.KEPT if replayed.followed == len(done) else status.NOT_FINISHED
