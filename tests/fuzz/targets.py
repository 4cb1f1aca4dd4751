# SPDX-License-Identifier: MIT
"""The targets by name, and the loop that runs one."""

from __future__ import annotations

import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.fuzz import command_lines, guests, interruptions, litmus_files, requests

TARGETS: dict[str, Callable[[Random, Path], None]] = {
    "litmus-files": litmus_files.attempt,
    "command-lines": command_lines.attempt,
    "guests": guests.attempt,
    "requests": requests.attempt,
    "interruptions": interruptions.attempt,
}


def fuzz(name: str, seed: int, seconds: float) -> tuple[int, str]:
    """Attempts until time is up or one fails: how many, and what went wrong with how to see it again."""
    end = time.monotonic() + seconds
    count = 0
    while time.monotonic() < end or not count:
        with tempfile.TemporaryDirectory(prefix="cowpath-fuzz-") as directory:
            try:
                TARGETS[name](Random(seed + count), Path(directory))
            except Exception:
                again = f"python -m tests.fuzz {name} --seed {seed + count} --seconds 0"
                return count + 1, f"\n{traceback.format_exc()}\nagain: {again}"
        count += 1
    return count, ""
