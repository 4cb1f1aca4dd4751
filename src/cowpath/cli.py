# SPDX-License-Identifier: MIT
"""The `cowpath` program: finds the command, runs it, turns what went wrong into an exit status."""

import argparse
import atexit
import errno
import gc
import importlib
import os
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from cowpath import __version__, commands
from cowpath.commands import status
from cowpath.errors import CowpathError
from cowpath.interruption import stopped_by_signals
from cowpath.printable import brief

COMMANDS = (
    "check",
    "prove",
    "list",
    "trace",
    "run",
    "replay",
    "bisect",
    "why",
    "review",
    "minimise",
    "diff",
    "explore",
    "graph",
    "table",
    "mutate",
    "copies",
    "kernels",
    "changes",
    "pte",
    "export",
    "completion",
)

EXIT_STATUS = f"exit status:\n{status.table()}"


class Parser(argparse.ArgumentParser):
    """An argument parser that says what was probably meant by a name it does not know."""

    def error(self, message: str) -> NoReturn:
        """Print usage and message, with a guess; exit with status 2."""
        super().error(brief(message + self.guess(message)))

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print help, a version or a usage; unlike argparse raise OSError where stdout does not take it."""
        try:
            print(message, end="", file=file or sys.stderr, flush=True)
        except OSError:
            if file is sys.stdout:
                raise

    def guess(self, message: str) -> str:
        """The option, command or choice that was probably meant by the one that an error names.

        >>> parser = Parser()
        >>> _ = parser.add_argument("--format", choices=("text", "json"))
        >>> parser.guess("unrecognized arguments: --fromat json")
        "; did you mean '--format'?"
        >>> parser.guess("argument --format: invalid choice: 'jsno' (choose from 'text', 'json')")
        "; did you mean 'json'?"
        """
        if choice := re.search(r"invalid choice: '(.*?)' \(choose from (.*)\)", message):
            wanted, known = choice[1], re.findall(r"[\w.:+-]+", choice[2])
        elif option := re.search(r"unrecognized arguments: .*?(--[^\s=]+)", message):
            wanted, known = option[1], self.option_names()
        else:
            return ""
        import difflib  # takes milliseconds to load

        close = difflib.get_close_matches(wanted, known, n=1)
        return f"; did you mean {close[0]!r}?" if close else ""

    def option_names(self) -> list[str]:
        """The options of this parser and of its commands."""
        names: list[str] = []
        for action in self._actions:
            names += action.option_strings
            if isinstance(action, argparse._SubParsersAction):
                for parser in action.choices.values():
                    names += parser.option_names()
        return names


def build_parser(command: str | None = None) -> argparse.ArgumentParser:
    """The command line of one command, or without one the list of all; only that command's module is loaded.

    >>> build_parser("pte").parse_args(["pte", "layout", "arm64"]).arch_name
    'arm64'
    """
    parser, subparsers = frame()
    for name in COMMANDS if command is None else ():
        subparsers.add_parser(name, help=summary(name))
    if command is not None:
        add_command(subparsers, command)
    return parser


def full_parser() -> argparse.ArgumentParser:
    """The command line of all commands, for whoever writes it down; loads every command's module."""
    parser, subparsers = frame()
    for name in COMMANDS:
        add_command(subparsers, name, help=summary(name))
    return parser


Commands = argparse._SubParsersAction
"""What argparse calls the place for commands; it has no public name."""


def frame() -> "tuple[Parser, Commands[Parser]]":
    """The command line without its commands, and the place for them."""
    parser = Parser(
        prog="cowpath",
        description="Explores every path of Linux copy-on-write.",
        epilog=EXIT_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"cowpath {__version__}")
    return parser, parser.add_subparsers(dest="command", metavar="COMMAND", required=True)


def add_command(subparsers: "Commands[Parser]", name: str, **more: Any) -> None:
    """Add one command with its options; only its own module is loaded."""
    module = importlib.import_module(f"cowpath.commands.{name}")
    shape = argparse.RawDescriptionHelpFormatter
    parser = subparsers.add_parser(
        name, description=module.__doc__, epilog=EXIT_STATUS, formatter_class=shape, **more
    )
    module.add_arguments(parser)
    parser.set_defaults(run=module.run)


def command_parser(command: str) -> argparse.ArgumentParser:
    """The parser of one command alone, for whoever describes it.

    >>> command_parser("pte").prog
    'cowpath pte'
    """
    actions = build_parser(command)._actions
    (commands,) = (action for action in actions if isinstance(action, Commands))
    found: argparse.ArgumentParser = commands.choices[command]
    return found


def summary(command: str) -> str:
    """The first line of a command's docstring, read from its file: to load them all takes ten times as long.

    >>> summary("kernels")
    'The kernels that are modelled, what one has, and what tells two apart.'
    """
    with open(os.path.join(commands.__path__[0], f"{command}.py"), encoding="utf-8") as file:
        return file.read().split('"""')[1].splitlines()[0]


def relieve_collector() -> None:
    """Let Python look for cycles less often, and not once more as the process ends.

    It finds next to none: what a command loads stays, and a search makes trees.
    """
    gc.set_threshold(50_000)
    atexit.register(gc.freeze)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status (see EXIT_STATUS).

    Without `argv` this process has nothing else to do: once interrupted it cannot be interrupted again.
    """
    relieve_collector()
    if sys.stderr is None:  # closed by the caller
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - as long as the process lives
    if sys.stdout is None:
        return complain(None, "stdout is closed, so nobody could read an answer")
    try:
        with stopped_by_signals(restored=argv is not None):
            return answer(sys.argv[1:] if argv is None else list(argv))
    except KeyboardInterrupt:
        print("cowpath: interrupted", file=sys.stderr, flush=True)
        if argv is None:
            os._exit(status.INTERRUPTED)
        return status.INTERRUPTED


def answer(argv: list[str]) -> int:
    """Run one command; bad input, and whatever else goes wrong outside, is told in a line or two."""
    command = argv[0] if argv and argv[0] in COMMANDS else None
    try:
        arguments = parsed(command, argv)  # an argument may name what there is not
        found: int = arguments.run(arguments)
        sys.stdout.flush()
    except CowpathError as error:
        return complain(command, str(error))
    except BrokenPipeError:  # `cowpath ... | head`: the reader has what it wanted
        sys.stderr.close()
        return 0
    except (MemoryError, OSError, RuntimeError, ImportError) as error:
        if lacks_memory(error):
            why = f": {error}" if str(error) else ""
            return complain(command, f"not enough memory{why}", status.NOT_FINISHED)
        if not isinstance(error, OSError):
            raise
        where = f"{error.filename}: " if error.filename else ""  # a full disk, a directory not ours to write
        return complain(command, f"{where}{error.strerror or error}")
    return found


def parsed(command: str | None, argv: list[str]) -> argparse.Namespace:
    """The arguments of a command.  What it does not know is complained of with the usage of that command."""
    arguments, unknown = build_parser(command).parse_known_args(argv)
    if unknown:
        parser = build_parser() if command is None else command_parser(command)
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    return arguments


def lacks_memory(error: BaseException) -> bool:
    """Tell whether an error says, in one of the ways that Python has for it, that there is no more memory.

    >>> lacks_memory(OSError(errno.ENOMEM, "")), lacks_memory(OSError(errno.ENOENT, ""))
    (True, False)
    """
    if isinstance(error, OSError):
        return error.errno in (errno.ENOMEM, errno.EAGAIN)  # EAGAIN: no more processes
    if isinstance(error, ImportError):
        return "failed to map segment" in str(error)
    return isinstance(error, MemoryError) or "can't start new thread" in str(error)


def complain(command: str | None, text: str, found: int = status.BAD_INPUT) -> int:
    """Say on stderr what is wrong with what a command was given; return the exit status."""
    from cowpath.commands import terminal  # few need it

    terminal.complain(f"{' '.join(filter(None, ('cowpath', command)))}: {text}")
    return found
