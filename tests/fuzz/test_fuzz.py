# SPDX-License-Identifier: MIT
"""Every fuzz target for some seconds; `make fuzz` runs them for as long as one likes."""

import os
import secrets

import pytest

from tests.fuzz.targets import TARGETS, fuzz

SECONDS = float(os.environ.get("FUZZ_SECONDS", "15"))

SEED = int(os.environ.get("FUZZ_SEED", secrets.randbits(32)))
"""Given in CI, which is to be red for what a change has done, and not by chance."""


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_no_attempt_fails(name: str) -> None:
    """A failure prints its seed, with the command that repeats the attempt."""
    count, failure = fuzz(name, SEED, SECONDS)
    assert not failure, failure
    assert count
