# SPDX-License-Identifier: MIT
"""Spin and rumur count exactly the states of the search, on the model that it exports."""

import re
import subprocess
from pathlib import Path

import pytest

from cowpath.explore.export import murphi, promela
from cowpath.explore.found import Exploration
from cowpath.explore.record.recorder import Model
from cowpath.explore.search import explore
from cowpath.history.version import version
from cowpath.linux.model import build as build_kernel
from cowpath.litmus.resolve import load_program
from tests.explore.models import build
from tests.tools import need

LITMUS = Path(__file__).parents[2] / "litmus"
CHOICE_AND_CRASH = (("guess", "take", "fill"), ("guess", "meet", "copy", "free"))


def kernel(name: str, release: str) -> Model:
    """A test of the corpus on a kernel, with room for every folio and slot."""
    return build_kernel(version(release, "x86_64"), load_program(LITMUS / name), 2, 2)[1]


MODELS = {
    "choice and crash": lambda: build(CHOICE_AND_CRASH, 2),
    "get, 5.18": lambda: kernel("founding/get-write-read-refault.litmus", "5.18"),
    "get, 5.19": lambda: kernel("founding/get-write-read-refault.litmus", "5.19"),
    "fork of swapped, 6.1": lambda: kernel("founding/fork-of-swapped-page.litmus", "6.1"),
}


def run(directory: Path, *command: str) -> str:
    """Run a program in a directory; its output."""
    return subprocess.run(
        command, cwd=directory, capture_output=True, text=True, check=True, timeout=300
    ).stdout


def spin(directory: Path, program: str) -> tuple[int, int]:
    """(states, transitions) that Spin finds; -o2: it must not merge states by what it believes dead."""
    (directory / "model.pml").write_text(program)
    run(directory, "spin", "-o2", "-a", "model.pml")
    run(directory, "gcc", "-O1", "-DSAFETY", "-DNOREDUCE", "-w", "pan.c", "-o", "pan")
    output = run(directory, "./pan", "-E", "-n", "-m1000000")
    (states,) = re.findall(r"(\d+)(?:e\+\d+)? states, stored", output)
    (transitions,) = re.findall(r"(\d+)(?:e\+\d+)? transitions", output)
    return int(states), int(transitions)


def rumur(directory: Path, program: str) -> tuple[int, int]:
    """(states, rules fired) that rumur finds."""
    (directory / "model.m").write_text(program)
    options = ("--deadlock-detection", "off", "--symmetry-reduction", "off", "--threads", "1")
    run(directory, "rumur", *options, "--set-capacity", "67108864", "--output", "model.c", "model.m")
    run(directory, "gcc", "-std=c11", "-O0", "-w", "model.c", "-o", "model", "-lpthread", "-mcx16")
    ((states, fired),) = re.findall(r"(\d+) states, (\d+) rules fired", run(directory, "./model"))
    return int(states), int(fired)


def explored(name: str) -> Exploration:
    found = explore(MODELS[name]())
    assert found.finished
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_spin_counts_the_same_states(name: str, tmp_path: Path) -> None:
    need("spin", "gcc")
    found = explored(name)
    states, transitions = spin(tmp_path, promela(found.recorder, name))
    assert states == len(found.states)
    if name != "choice and crash":  # two choices that do the same are one rule
        assert transitions == found.transitions + 1  # Spin counts the start


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_rumur_counts_the_same_states(name: str, tmp_path: Path) -> None:
    need("rumur", "gcc")
    found = explored(name)
    states, fired = rumur(tmp_path, murphi(found.recorder, name))
    assert states == len(found.states)
    if name != "choice and crash":
        assert fired == found.transitions


def test_content_that_changes_places_is_saved_first() -> None:
    """Promela and Murphi assign one after the other; a step writes at once."""
    from cowpath.explore.export import Rule, _murphi_effect, _promela_effect

    rule = Rule(0, 0, ((),), ((3, 1),), ((1, 2), (2, 1), (4, 3)), 1, 0)
    assert list(_promela_effect(rule)) == ["saved1 = c1", "c4 = c3", "c1 = c2", "c2 = saved1", "c3 = 1"]
    assert "c2 := saved1;" in list(_murphi_effect(rule))
