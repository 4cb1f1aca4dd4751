# SPDX-License-Identifier: MIT
"""The same question gives the same bytes: whatever Python hashes, however many processes work on it."""

import os
import re
import subprocess
import sys

import pytest

MAIN = "import sys; from cowpath.cli import main; sys.exit(main())"

SHORT = {
    "check": ["check", "get-write-read-refault", "fork-then-unmap", "--kernel", "5.18", "--kernel", "6.1"],
    "check json": ["check", "get-write-read-refault", "--kernel", "5.18", "--format", "json"],
    "check herd": ["check", "get-write-fork", "--kernel", "5.18", "--format", "herd"],
    "check sarif": ["check", "get-read-leak", "--kernel", "5.8", "--format", "sarif"],
    "trace": ["trace", "get-write-read-refault", "--kernel", "5.18"],
    "trace story": ["trace", "get-write-read-refault", "--kernel", "5.18", "--story"],
    "trace page": ["trace", "fresh-page", "--kernel", "5.18", "--html", "-"],
    "graph": ["graph", "fresh-page", "--kernel", "6.1"],
    "export": ["export", "fresh-page", "--kernel", "6.1", "--to", "promela"],
    "kernels": ["kernels", "5.18", "6.1"],
    "changes": ["changes"],
    "pte": ["pte", "layout", "arm64"],
}

SHARED = {
    "check": ["check", "cve", "--kernel", "5.10", "--kernel", "5.18", "--format", "ktap"],
    "mutate": ["mutate", "open", "--only", "H4", "--only", "H5", "--format", "json"],
    "copies": ["copies", "open", "--format", "json"],
}
"""Commands that share their work among processes."""

TIMES = re.compile(r'("seconds": |"time": |time=")[\d.e-]+|^Time .*$|\(\d+\.\d+ s\)', re.MULTILINE)
"""How long it took is the one thing that may differ."""


def said(arguments: list[str], seed: str) -> str:
    """What a command prints in a Python that hashes with this seed."""
    command = [sys.executable, "-c", MAIN, *arguments]
    environment = os.environ | {"PYTHONHASHSEED": seed}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert "Traceback" not in done.stderr
    assert done.stdout, done.stderr
    return TIMES.sub("", done.stdout)


@pytest.mark.parametrize("command", SHORT)
def test_hashes_change_nothing(command: str) -> None:
    assert said(SHORT[command], "1") == said(SHORT[command], "4711")


@pytest.mark.slow
@pytest.mark.parametrize("command", SHARED)
def test_neither_hashes_nor_processes_change_anything(command: str) -> None:
    alone = said([*SHARED[command], "--jobs", "1"], "1")
    for jobs, seed in (("2", "1"), ("3", "4711")):
        assert said([*SHARED[command], "--jobs", jobs], seed) == alone


@pytest.mark.slow
def test_the_native_engine_numbers_states_alike() -> None:
    """How much memory is free decides how far a search may go, so here it is said."""
    question = ["check", "readahead-aba", "--kernel", "5.18", "--engine", "native", "--format", "json"]
    question += ["--memory", "1G"]
    assert said(question, "1") == said(question, "2")
