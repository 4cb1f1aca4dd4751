# SPDX-License-Identifier: MIT
"""Migration: the page moves to another memory node and gets another physical page by that."""

from __future__ import annotations

import ctypes
import glob
import os
import struct
import time

from . import calls
from .memory import frame

MOVE_ALL = 4
TRIES = 10


def nodes() -> list[int]:
    """Return the memory nodes of this machine."""
    found = glob.glob("/sys/devices/system/node/node[0-9]*")
    return sorted(int(os.path.basename(name)[4:]) for name in found)


def migrate(address: int, demand: bool) -> bool:
    """Move a page of this process to a node where it is not; return whether it moved.

    Without `demand` it is tried once: it may well be that it must stay.
    """
    for _ in range(TRIES if demand else 1):
        before = frame(address)
        for node in nodes():
            status = _move(address, node)
            if status == node and frame(address) != before:
                return True
        time.sleep(0.005)
    return False


def move_elsewhere(pid: int, address: int) -> None:
    """Try to move a page of another process to any node where it is not."""
    for node in nodes():
        _move(address, node, pid)


def _move(address: int, node: int, pid: int = 0) -> int:
    pages, targets = struct.pack("P", address), struct.pack("=i", node)
    status = ctypes.create_string_buffer(4)
    calls.syscall(calls.MOVE_PAGES, "move_pages", pid, 1, pages, targets, status, MOVE_ALL)
    found: int = struct.unpack("=i", status)[0]
    return found
