# SPDX-License-Identifier: MIT
"""Starts processes such that no signal can come between the start and our readiness to end them."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def started(
    command: list[str], end: Callable[[subprocess.Popen[bytes]], None], **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process; `end(process)` is called on the way out, whatever the way.

    The process starts with the signals of STOPPING blocked, since it inherits that from us.

    >>> with started(["true"], lambda process: None) as process:
    ...     process.wait()
    0
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        process = subprocess.Popen(command, **options)
        try:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            yield process
        finally:
            end(process)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
