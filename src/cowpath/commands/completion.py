# SPDX-License-Identifier: MIT
"""A script that completes commands, options, tests and kernels in a shell.

cowpath completion bash > ~/.local/share/bash-completion/completions/cowpath
cowpath completion zsh > ~/.zfunc/_cowpath
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any

from cowpath.commands import status
from cowpath.errors import CowpathError

SHELLS = ("bash", "zsh", "tcsh")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `cowpath completion`."""
    parser.add_argument("shell", choices=SHELLS, help="the shell to write it for")


def run(arguments: argparse.Namespace) -> int:
    """Print the script."""
    sys.stdout.write(script(arguments.shell) + "\n")
    return status.KEPT


def script(shell: str) -> str:
    """Return the script for a shell.  Raises CowpathError where shtab is not installed."""
    try:
        import shtab
    except ImportError:
        raise CowpathError('completion needs shtab: pip install "cowpath[completion]"') from None
    from cowpath import cli

    parser = cli.full_parser()
    for action in actions(parser):
        if action.dest in ("file", "files"):
            action.complete = {"bash": "_cowpath_tests", "zsh": "_cowpath_tests"}  # type: ignore[attr-defined]
        elif action.dest == "kernel":
            action.complete = {"bash": "_cowpath_kernels", "zsh": "_cowpath_kernels"}  # type: ignore[attr-defined]
        elif action.metavar in ("OUT", "DIR"):
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    functions: Any = preamble()  # shtab says str, and means a dictionary by shell
    return str(shtab.complete(parser, shell, preamble=functions))


def actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield every argument of a parser and of its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from actions(command)


def preamble() -> dict[str, str]:
    """Return the functions that complete tests and kernels, for each shell that can have them."""
    from cowpath.corpus.files import corpus, themes
    from cowpath.history.eras import all_versions

    tests = " ".join([*themes(), *(file.stem for file in corpus())])
    kernels = " ".join(["all", *(str(version.release) for version in all_versions())])
    bash = f"""\
_cowpath_tests() {{ compgen -f -- "$1"; compgen -W "{tests}" -- "$1"; }}
_cowpath_kernels() {{ compgen -W "{kernels}" -- "$1"; }}
"""
    zsh = f"""\
_cowpath_tests() {{ _alternative 'files:file:_files' 'tests:test:({tests})'; }}
_cowpath_kernels() {{ _values kernel {kernels}; }}
"""
    return {"bash": bash, "zsh": zsh}
