# SPDX-License-Identifier: MIT
"""Every long command, told to stop in every way at a random moment; and the loss of a parent.

`python -m tests.fuzz interruptions --seconds 3600` does the first for as long as one likes.
"""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.fuzz.interruptions import LONG, PATIENCE, WAYS, all_gone, begin, family, interrupt

SEED = random.SystemRandom().randrange(10**9)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("command", LONG)
def test_an_interrupted_command_leaves_nothing(command: str, way: str, tmp_path: Path) -> None:
    print(f"seed {SEED}")
    interrupt(LONG[command], way, random.Random(f"{SEED} {command} {way}"), tmp_path)


@pytest.mark.parametrize("command", ["check", "mutate"])
def test_workers_end_with_a_parent_that_is_killed(command: str, tmp_path: Path) -> None:
    process = begin(LONG[command], tmp_path)
    deadline = time.monotonic() + PATIENCE
    while len(family(process.pid)) < 2:
        assert time.monotonic() < deadline, "no worker began"
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.communicate(timeout=PATIENCE)
    assert all_gone(process.pid), "workers wait for ever for a parent that is gone"
