# SPDX-License-Identifier: MIT
"""Options that several commands share: which kernels, how far to search."""

from __future__ import annotations

import argparse
import itertools
import sys

from cowpath.errors import CowpathError
from cowpath.kernel.changes import DEFAULT_ARCHITECTURE, NEWEST, Version, version


def add_kernel_options(parser: argparse.ArgumentParser) -> None:
    """--kernel, --arch, --with, --without."""
    group = parser.add_argument_group("which kernel")
    group.add_argument(
        "--kernel", action="append", metavar="RELEASE", help=f"a release, repeatable (default {NEWEST})"
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
    """--max-states, --verify."""
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
    """--jobs."""
    from cowpath.parallel import default_jobs

    cores = default_jobs()
    parser.add_argument(
        "--jobs", type=positive, default=cores, metavar="N", help=f"processes to use (default {cores})"
    )


VERIFY_EVERY = 16
"""With --verify, the steps of every n-th state are run again."""


def verify_every(arguments: argparse.Namespace) -> int:
    """How often recorded steps are checked, 0 for never."""
    return VERIFY_EVERY if arguments.verify else 0


def positive(text: str) -> int:
    """An argument that is a positive number.

    >>> positive("1000")
    1000
    """
    number = int(text) if text.isascii() and text.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return number


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
    """Every kernel that the options name."""
    return [
        version(release, architecture, arguments.added, arguments.dropped)
        for release, architecture in itertools.product(
            arguments.kernel or [str(NEWEST)], arguments.arch or [DEFAULT_ARCHITECTURE]
        )
    ]
