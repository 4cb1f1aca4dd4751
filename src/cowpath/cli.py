# SPDX-License-Identifier: MIT
"""The `cowpath` program: finds the command, runs it, turns what went wrong into an exit status."""

import argparse
import importlib
import sys
from collections.abc import Sequence

from cowpath import __version__
from cowpath.errors import CowpathError

COMMANDS = (
    "check",
    "trace",
    "run",
    "explore",
    "graph",
    "table",
    "mutate",
    "copies",
    "kernels",
    "changes",
    "pte",
    "export",
)

EXIT_STATUS = "Exit status: 0 as promised, 1 promise broken or not as expected, 2 bad input, 3 not finished."


def build_parser(command: str | None = None) -> argparse.ArgumentParser:
    """The command line.  Only `command`'s own module is imported, so that each command starts fast.

    >>> build_parser().prog
    'cowpath'
    """
    parser = argparse.ArgumentParser(
        prog="cowpath", description="Explores every path of Linux copy-on-write.", epilog=EXIT_STATUS
    )
    parser.add_argument("--version", action="version", version=f"cowpath {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS if command is None else [command]:
        module = importlib.import_module(f"cowpath.commands.{name}")
        text = module.__doc__ or ""
        summary = text.strip().splitlines()[0]
        subparser = subparsers.add_parser(name, help=summary, description=text, epilog=EXIT_STATUS)
        module.add_arguments(subparser)
        subparser.set_defaults(run=module.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status (see EXIT_STATUS)."""
    argv = sys.argv[1:] if argv is None else list(argv)
    command = argv[0] if argv and argv[0] in COMMANDS else None
    arguments = build_parser(command).parse_args(argv)
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except CowpathError as error:
        print(f"cowpath {arguments.command}: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # `cowpath ... | head`: the reader has what it wanted
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        print("cowpath: interrupted", file=sys.stderr)
        return 130
    return status
