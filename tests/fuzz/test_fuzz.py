# SPDX-License-Identifier: MIT
"""Every fuzz target for some seconds; `make fuzz` runs them for as long as one likes."""

import os
import secrets

import pytest

from tests.fuzz.targets import TARGETS, fuzz

SECONDS = float(os.environ.get("FUZZ_SECONDS", "15"))


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_no_attempt_fails(name: str) -> None:
    """The seed is of this run alone; a failure prints it, with the command that repeats the attempt."""
    count, failure = fuzz(name, secrets.randbits(32), SECONDS)
    assert not failure, failure
    assert count
