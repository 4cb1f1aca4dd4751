# SPDX-License-Identifier: MIT
"""Options that several commands share: which kernels, how far to search."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from cowpath.commands import terminal
from cowpath.errors import CowpathError
from cowpath.explore.engine import Method, available
from cowpath.history.release import Release
from cowpath.history.selection import releases
from cowpath.history.stable import doubt
from cowpath.history.version import DEFAULT_ARCHITECTURE, NEWEST, IdleChangeError, Version, version
from cowpath.litmus.program import Program
from cowpath.survey.parallel import Processes, Workers, default_jobs


def add_corpus_argument(parser: argparse.ArgumentParser) -> None:
    """CORPUS..., for commands that run a whole corpus unless told otherwise."""
    from cowpath.corpus.files import CORPUS, HELP

    parser.add_argument(
        "corpus",
        nargs="*",
        default=[str(CORPUS)],
        metavar="CORPUS",
        help=f"{HELP} (default: cowpath's own corpus)",
    )
    add_large_option(parser)


def corpus(arguments: argparse.Namespace) -> dict[str, Program]:
    """The tests that CORPUS names, by file.  Raises CowpathError for one that cannot be read."""
    from cowpath.corpus.files import files, program

    return {file: program(file, arguments.large) for file in files(arguments.corpus)}


def add_large_option(parser: argparse._ActionsContainer) -> None:
    """--large, for commands that run tests."""
    parser.add_argument(
        "--large",
        action="store_true",
        help="with each page in a large folio of four pages, mapped by ptes (docs/litmus.md)",
    )


def add_kernel_options(parser: argparse.ArgumentParser, default: str = str(NEWEST)) -> None:
    """Declare the options that name kernels: --kernel, --arch, --with, --without."""
    group = parser.add_argument_group("which kernel")
    group.add_argument(
        "--kernel",
        action="append",
        metavar="RELEASE",
        help="a release (6.1), a stable update with its backports (6.1.176), a range (5.10..6.1) or all; "
        f"repeatable (default {default})",
    )
    group.add_argument(
        "--arch",
        action="append",
        metavar="NAME",
        help=f"an architecture, repeatable (default {DEFAULT_ARCHITECTURE}; `cowpath kernels` lists them)",
    )
    group.add_argument(
        "--with", dest="added", action="append", default=[], metavar="CHANGE", help="add a change"
    )
    group.add_argument(
        "--without",
        dest="dropped",
        action="append",
        default=[],
        metavar="CHANGE",
        help="drop a change, by commit or name (see `cowpath changes`)",
    )


def add_search_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options that bound or check a search: --max-states, --verify."""
    group = parser.add_argument_group("how to search")
    group.add_argument(
        "--max-states",
        type=positive,
        metavar="N",
        help="give up beyond N states: not finished, exit status 3",
    )
    group.add_argument(
        "--verify",
        action="store_true",
        help="run recorded steps again in Python at sampled states and compare (slower)",
    )


def add_jobs_option(parser: argparse.ArgumentParser) -> None:
    """Declare --jobs: how many processes judge tests at the same time."""
    cores = default_jobs()
    parser.add_argument(
        "--jobs",
        type=processes,
        default=cores,
        metavar="N",
        help=f"processes to use, 1 to 1024 (default {cores})",
    )


def add_cluster_options(parser: argparse.ArgumentParser, resume: bool = True) -> None:
    """--cluster, --resume."""
    group = parser.add_argument_group("who does the work")
    group.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="hand the tasks to a dask cluster: its scheduler, as in tcp://HOST:8786, or `local` for one on "
        'this machine with as many workers as --jobs says (pip install "cowpath[cluster]")',
    )
    if resume:
        group.add_argument(
            "--resume",
            type=Path,
            metavar="DIR",
            help="keep each answer in this directory as it comes, and do nothing again whose answer is there",
        )


@contextlib.contextmanager
def workers(arguments: argparse.Namespace, keep: bool = True) -> Iterator[Workers]:
    """Those who do the work, as --jobs, --cluster and, where they are to `keep` answers, --resume say.

    The page that shows what a cluster does is named on stderr.
    """
    with contextlib.ExitStack() as open_ones:
        found: Workers = Processes(arguments.jobs)
        if arguments.cluster:
            from cowpath.survey.cluster import cluster

            found = open_ones.enter_context(cluster(arguments.cluster, arguments.jobs))
            print(f"the cluster's dashboard: {found.dashboard or 'none'}", file=sys.stderr)
        if keep and arguments.resume:
            from cowpath.survey.remember import Remembering

            found = Remembering.within(found, arguments.resume)
        yield found


VERIFY_EVERY = 16
"""With --verify, the steps of every n-th state are run again."""


REDUCTIONS = {"renaming": "rename", "dead-locals": "live_only", "partial-order": "partial_order"}
"""The name of each reduction in `Method`."""


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options that choose an engine: --engine, --memory, --reduce, --no-reduce."""
    group = parser.add_argument_group("what searches")
    group.add_argument(
        "--engine",
        choices=("auto", "reference", "native"),
        default="auto",
        help="default auto: the native engine where a search grows large",
    )
    group.add_argument(
        "--memory",
        type=size,
        metavar="SIZE",
        help="what the native engine may use, as in 500M or 4G (default: half of what is free)",
    )
    group.add_argument(
        "--reduce",
        action="append",
        default=[],
        choices=REDUCTIONS,
        metavar="NAME",
        help="leave out states, with the same answers; repeatable. partial-order: of steps that cannot "
        "disturb each other, one order is enough (searches with the reference search; traces need not be "
        "shortest). On unless --no-reduce is given: renaming (native engine: pages and slots that change "
        "places) and dead-locals (values that no step reads any more)",
    )
    group.add_argument(
        "--no-reduce", action="store_true", help="no reduction but those that --reduce names: for measuring"
    )


def add_walk_option(parser: argparse.ArgumentParser) -> None:
    """--walk."""
    parser.add_argument(
        "--walk",
        type=seconds,
        metavar="SECONDS",
        help="do not exhaust: walk at random and dive, depth first, for so long, and say what was seen",
    )


def reductions(arguments: argparse.Namespace) -> dict[str, bool]:
    """Return the reductions that are on, as `Method` calls them."""
    usual = Method()
    return {
        field: name in arguments.reduce or (getattr(usual, field) and not arguments.no_reduce)
        for name, field in REDUCTIONS.items()
    }


def method(arguments: argparse.Namespace) -> Method:
    """The way to search that the options ask for.  Raises CowpathError where that engine is not to be had."""
    if arguments.engine == "native" and not available():
        raise CowpathError("--engine native: no library in this package, and no C compiler (cc, gcc, clang)")
    if arguments.engine == "native" and arguments.verify:
        raise CowpathError("--verify runs steps again in Python, which only the reference search does")
    walk = getattr(arguments, "walk", None)
    if walk is not None and (arguments.engine == "native" or arguments.verify or arguments.reduce):
        raise CowpathError("--walk looks around by itself: without --engine native, --verify and --reduce")
    if arguments.engine == "native" and "partial-order" in arguments.reduce:
        raise CowpathError("--reduce partial-order: only the reference search has it")
    return Method(
        arguments.engine,
        arguments.max_states,
        VERIFY_EVERY if arguments.verify else 0,
        arguments.memory,
        min(2, default_jobs()),
        walk=walk,
        **reductions(arguments),  # type: ignore[arg-type]
    )


UNITS = {"K": 10, "M": 20, "G": 30, "T": 40}

MOST_MEMORY = 1 << 50

YEAR = 366 * 24 * 3600


def size(text: str) -> int:
    """An argument that is an amount of memory, in bytes or with a unit.

    >>> size("500M"), size("4GiB")
    (524288000, 4294967296)
    """
    match = re.fullmatch(r"(\d{1,15})(?:([KMGT])i?B?)?", text, re.ASCII | re.IGNORECASE)
    amount = int(match[1]) << (UNITS[match[2].upper()] if match[2] else 0) if match else 0
    if not 0 < amount <= MOST_MEMORY:
        raise argparse.ArgumentTypeError(f"{text[:60]!r} is not an amount of memory, such as 500M or 4G")
    return amount


def within(least: int, most: int) -> Callable[[str], int]:
    """A function that reads an argument as a number in a range, in decimal digits.

    >>> within(0, 100)("7")
    7
    """

    def number(text: str) -> int:
        found = int(text) if re.fullmatch(r"-?[0-9]{1,20}", text) else None
        if found is None or not least <= found <= most:
            raise argparse.ArgumentTypeError(f"{text[:60]!r} is not a number from {least:,} to {most:,}")
        return found

    return number


MOST = 10**12
"""No search has so many states, and no machine so many processors."""

positive = within(1, MOST)
"""Reads an argument as a positive number."""

processes = within(1, 1024)
"""The same as a number of processes that work at the same time."""


def seconds(text: str) -> float:
    """An argument that is a time in seconds, at most a year.

    >>> seconds("0.5")
    0.5
    """
    found = float(text) if re.fullmatch(r"[0-9]{1,8}(\.[0-9]{0,9})?", text) else 0.0
    if not 0 < found <= YEAR:
        raise argparse.ArgumentTypeError(f"{text[:60]!r} is not a time in seconds, such as 30 or 0.5")
    return found


def write_page(name: str, text: str) -> None:
    """Write a page; "-" is stdout.  Raises CowpathError where that is not possible."""
    if name == "-":
        sys.stdout.write(text)
        return
    try:
        with open(name, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise CowpathError(f"{name} cannot be written: {error.strerror}") from error


def versions(arguments: argparse.Namespace) -> list[Version]:
    """Every kernel that the options name, each once.

    Says on stderr of which updates not everything is known.
    """
    named = [one for text in arguments.kernel or [str(NEWEST)] for one in releases(text)]
    for release in dict.fromkeys(named):
        if why := doubt(release):
            terminal.complain(f"cowpath: {why}")
    return [
        version(release, architecture, arguments.added, arguments.dropped)
        for release, architecture in itertools.product(
            dict.fromkeys(named), dict.fromkeys(arguments.arch or [DEFAULT_ARCHITECTURE])
        )
    ]


def changeable(candidates: Iterable[Release], arguments: argparse.Namespace) -> list[Version]:
    """Kernels that nobody has named, on every architecture asked for: those that can be changed as asked.

    Raises IdleChangeError if they do nothing on any of them.
    """
    found: list[Version] = []
    idle: list[IdleChangeError] = []
    for architecture, release in itertools.product(arguments.arch or [DEFAULT_ARCHITECTURE], candidates):
        try:
            found.append(version(release, architecture, arguments.added, arguments.dropped))
        except IdleChangeError as error:
            idle.append(error)
    if idle and not found:
        raise idle[-1]
    return found
