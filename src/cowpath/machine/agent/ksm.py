# SPDX-License-Identifier: MIT
"""KSM: asked to merge two pages, and stopped again."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator

from . import calls
from .memory import frame
from .setting import CannotRunError, changed, read, write

DIRECTORY = "/sys/kernel/mm/ksm"
SECONDS = 3.0
STOP, RUN = "0", "1"


@contextlib.contextmanager
def ksm_ready() -> Iterator[None]:
    """Make ksmd fast and stop it, for the time of a test.  Raises CannotRunError."""
    if not os.path.isdir(DIRECTORY):
        raise CannotRunError("this kernel has no KSM")
    settings = {"run": STOP, "sleep_millisecs": "1", "pages_to_scan": "2000", "smart_scan": "0"}
    with contextlib.ExitStack() as stack:
        for name, value in settings.items():
            if os.path.exists(f"{DIRECTORY}/{name}"):
                stack.enter_context(changed(f"{DIRECTORY}/{name}", value))
        yield


def merge(first: int, second: int, demand: bool) -> bool:
    """Let ksmd run until two addresses have one page; return whether they do.

    Where `demand` is False two full scans are enough: it may well be that they must not be merged.
    """
    for address in (first, second):
        calls.madvise(address, calls.PAGE, "MADV_MERGEABLE")
    scans, deadline = _scans(), time.monotonic() + SECONDS
    write(f"{DIRECTORY}/run", RUN)
    try:
        while time.monotonic() < deadline:
            if frame(first) and frame(first) == frame(second):
                return True
            if not demand and _scans() >= scans + 3:
                return False
            time.sleep(0.002)
    finally:
        write(f"{DIRECTORY}/run", STOP)
    return False


def scan() -> None:
    """Let ksmd look at everything at least twice: what it has not seen before it does not merge."""
    scans, deadline = _scans(), time.monotonic() + SECONDS
    write(f"{DIRECTORY}/run", RUN)
    try:
        while _scans() < scans + 3 and time.monotonic() < deadline:
            time.sleep(0.001)
    finally:
        write(f"{DIRECTORY}/run", STOP)


def _scans() -> int:
    return int(read(f"{DIRECTORY}/full_scans"))
