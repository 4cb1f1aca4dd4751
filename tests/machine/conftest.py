# SPDX-License-Identifier: MIT
"""What tests of real kernels need.  Missing, it is named and the test skipped; in CI that is a failure."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cowpath.litmus.program import Program
from cowpath.litmus.resolve import load_program, program_from_text
from cowpath.machine import images
from cowpath.machine.compare import Comparison, expect, stable_release
from cowpath.machine.errors import MachineError
from cowpath.machine.job import Answer, RunRequest
from cowpath.machine.machines import Machine, machine, model_architecture, release_of
from cowpath.machine.schedule import schedule
from tests.tools import missing

CORPUS = Path(__file__).parents[2] / "litmus"


@pytest.fixture
def root() -> None:
    """The test mounts and swaps."""
    if os.geteuid() != 0 or not os.path.exists("/dev/fuse"):
        missing("root, and /dev/fuse")


@pytest.fixture
def real_machine() -> Callable[[str], Machine]:
    """Machines by name, ready to run."""

    def make(name: str) -> Machine:
        if shutil.which("apt-get") is None and images.cached(images.parse(name)) is None:
            missing("apt-get, to fetch kernels")
        try:
            chosen = machine(name, allow_global=True)
            chosen.prepare()
        except MachineError as error:
            missing(f"{name}: {error}")
        return chosen

    return make


def run_all(chosen: Machine, programs: list[Program], rounds: int) -> dict[str, Comparison]:
    """Every test on a machine, compared with the model."""
    requests = [RunRequest(program, schedule(program), rounds) for program in programs]
    found: dict[str, Comparison] = {}

    def answered(index: int, answer: Answer) -> None:
        program = programs[index]
        expectation = expect(
            program, stable_release(answer.facts) or release_of(chosen), model_architecture(chosen)
        )
        found[program.name] = Comparison(program, chosen.name, answer, expectation)

    chosen.run(requests, answered)
    return found


def founding() -> list[Program]:
    """The founding corpus."""
    return [load_program(file) for file in sorted((CORPUS / "founding").glob("*.litmus"))]


def program(text: str) -> Program:
    """A test from its text."""
    return program_from_text(text)
