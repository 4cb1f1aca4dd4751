# SPDX-License-Identifier: MIT
"""Tell two kernels apart: by changes, by corpus tests, and by the shortest programs that show it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cowpath.commands import options, status
from cowpath.commands.terminal import style_of
from cowpath.errors import CowpathError
from cowpath.report.style import fitting

if TYPE_CHECKING:
    from cowpath.prove.campaign import ProofAnswer
    from cowpath.prove.themes import Combination
    from cowpath.survey.review import Pair

MAX_STATES = 300_000
"""States after which one search for a program is given up."""

SECONDS = 10.0
"""Seconds after which one search for a program is given up."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `cowpath diff`."""
    from cowpath.prove.themes import THEMES, themes

    parser.add_argument("kernels", nargs=2, metavar="RELEASE", help="two releases, such as 5.18 and 5.19")
    parser.add_argument("--arch", default=None, metavar="NAME", help="an architecture (default x86_64)")
    parser.add_argument(
        "--tests",
        nargs="+",
        metavar="CORPUS",
        help="files, directories, corpus tests or themes of it (default: the whole corpus)",
    )
    parser.add_argument(
        "--theme",
        type=themes,
        action="append",
        metavar="NAMES",
        help="programs of this theme, or of several as in swap,gup; repeatable (default: each beside swap). "
        f"The themes: {', '.join(THEMES)}",
    )
    parser.add_argument(
        "--no-programs", action="store_true", help="no programs of themes: corpus tests alone"
    )
    parser.add_argument("--time", type=float, default=SECONDS, metavar="SECONDS",
        help=f"give one search for a program up after so long (default {SECONDS:g})")  # fmt: skip
    parser.add_argument("--write", type=Path, metavar="DIR", help="write each program to a file there")
    options.add_jobs_option(parser)
    options.add_cluster_options(parser)
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")


def run(arguments: argparse.Namespace) -> int:
    """Print what differs; status 0 if nothing shows to user space, 1 if something does."""
    from cowpath.commands.progress import Meter
    from cowpath.corpus.files import CORPUS, files, program
    from cowpath.explore.engine import Method
    from cowpath.history.version import DEFAULT_ARCHITECTURE, version
    from cowpath.report import diff as report
    from cowpath.survey.review import compare
    from cowpath.survey.telling import Effort, programs

    old, new = (version(release, arguments.arch or DEFAULT_ARCHITECTURE) for release in arguments.kernels)
    if old.changes == new.changes:
        sys.stdout.write(f"{old} and {new} have the same rules\n")
        return status.KEPT
    tests = {file: program(file) for file in files(arguments.tests or [str(CORPUS)])}
    with options.workers(arguments) as workers, Meter(2 * len(tests)) as meter:
        method = Method(max_states=MAX_STATES)
        pairs = compare(tests, [old], lambda _: new, None, method, workers, meter)
        effort = Effort(MAX_STATES, arguments.time)
        found = (
            []
            if arguments.no_programs
            else programs(old, new, combinations_of(arguments.theme), effort, workers, meter)
        )
    written = {} if arguments.write is None else write(arguments.write, found)
    if arguments.format == "json":
        sys.stdout.write(report.document(old, new, pairs, found))
    else:
        sys.stdout.write(fitting(report.text(old, new, pairs, found, written), style_of()))
    return status.BROKEN if shows(pairs, found) else status.KEPT


def combinations_of(themes: Sequence[tuple[str, ...]] | None) -> list[Combination]:
    """The combinations to ask about: those of --theme, or each theme beside swap."""
    from cowpath.prove.campaign import all_themes, combinations
    from cowpath.prove.themes import Combination

    return [Combination(names) for names in themes] if themes else combinations(all_themes(), 1, 1, 1)


def shows(pairs: Sequence[Pair], found: Sequence[ProofAnswer]) -> bool:
    """True if user space can tell the two kernels apart by a test or a program."""
    return any(pair.before.answer != pair.after.answer for pair in pairs) or any(
        one.verdict == "broken" for one in found
    )


def write(directory: Path, found: Sequence[ProofAnswer]) -> dict[str, str]:
    """Write the programs that tell the kernels apart; the file of each, by its key."""
    from cowpath.commands.prove import write as write_one

    try:
        directory.mkdir(parents=True, exist_ok=True)
        return {
            one.key: write_one(directory, f"{one.name}-{one.against}", one.litmus)
            for one in found
            if one.litmus
        }
    except OSError as error:
        raise CowpathError(f"{directory}: {error.strerror}") from error
