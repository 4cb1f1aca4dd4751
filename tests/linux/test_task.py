# SPDX-License-Identifier: MIT
"""A thread between two of its statements."""

import dataclasses
from pathlib import Path

import pytest

from cowpath.explore.search import explore
from cowpath.history.version import version
from cowpath.linux.model import build
from cowpath.litmus.resolve import load_program
from cowpath.promise import model as promise

FOUNDING = Path(__file__).parents[2] / "litmus" / "founding"


@pytest.mark.parametrize("name", ["get-write-read-refault", "pin-write-fork", "swapoff-finishes"])
def test_a_thread_that_is_resumed_goes_on_as_one_that_was_not(name: str) -> None:
    """What it does next depends on the number of the statement alone."""
    program = load_program(str(FOUNDING / f"{name}.litmus"))
    for model in (build(version("5.18", "x86_64"), program)[1], promise.build(program)):
        actors = tuple(dataclasses.replace(actor, resume=None) for actor in model.actors)
        whole = explore(dataclasses.replace(model, actors=actors))
        assert explore(model).states == whole.states
