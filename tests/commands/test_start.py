# SPDX-License-Identifier: MIT
"""What a command loads: names of modules, because start-up time is made of them."""

import subprocess
import sys

import pytest

from tests.founding import FOUNDING

SLOW = {"numpy", "numba", "rich", "difflib", "json", "multiprocessing", "subprocess", "tomllib", "xml"}
"""What takes milliseconds to load and only some commands, formats, errors or terminals need."""


def loaded(*arguments: str) -> set[str]:
    """The modules that a command loads, and their packages."""
    code = (
        "import contextlib, io, sys\n"
        "before = set(sys.modules)\n"
        "from cowpath.cli import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    main(sys.argv[1:])\n"
        "print(*(set(sys.modules) - before))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("command", ["check", "trace"])
def test_a_small_search_loads_nothing_slow(command: str) -> None:
    found = loaded(command, str(FOUNDING), "--kernel", "5.18")
    assert {"lark", "cowpath.linux.mm.memory", "cowpath.judge.judge"} <= found
    assert not found & SLOW
    assert not {
        name for name in found if name.startswith(("cowpath.arch", "cowpath.machine", "cowpath.viewer"))
    }


def test_help_loads_no_command() -> None:
    found = {name for name in loaded("--help") if name.startswith("cowpath.")}
    assert found == {
        "cowpath.cli",
        "cowpath.commands",
        "cowpath.commands.status",
        "cowpath.errors",
        "cowpath.interruption",
        "cowpath.printable",
    }


def test_a_pte_is_decoded_without_a_kernel() -> None:
    found = loaded("pte", "decode", "0x20c", "--arch", "arm64", "--kernel", "6.1")
    assert "cowpath.arch.explain" in found
    assert not found & {*SLOW, "lark", "cowpath.linux", "cowpath.litmus"}
